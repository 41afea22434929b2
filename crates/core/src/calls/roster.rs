//! The connected workers as calls see them: what they offer, hold and were given.

use crate::balance::Candidate;
use crate::ids::{CallId, WorkerName};
use crate::limits::CALL_SLOT_COUNT_MAX;
use crate::scheduler::SessionId;
use std::collections::{BTreeMap, BTreeSet};

/// A worker that has been welcomed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// Its name.
    pub name: WorkerName,
    /// How much it does at once.
    pub slots: u32,
    /// What it offers.
    pub operations: BTreeSet<String>,
    /// Whether it takes nothing new.
    pub is_draining: bool,
}

/// How many calls of an operation a worker was given since it is connected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServedCount {
    /// The operation.
    pub operation: String,
    /// The worker.
    pub worker: WorkerName,
    /// How many.
    pub count: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Served {
    count: u64,
    /// What it began with, to be level with the others.
    begun_at: u64,
}

impl Served {
    fn compared(self) -> u64 {
        self.begun_at + self.count
    }
}

/// A connected worker.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) instance: Instance,
    pub(super) calls: BTreeSet<CallId>,
    /// Tasks that it says it has at work.
    pub(super) task_count: u32,
    served: BTreeMap<String, Served>,
}

impl Seated {
    pub(super) fn name(&self) -> &WorkerName {
        &self.instance.name
    }

    pub(super) fn has_room(&self) -> bool {
        let most = self.instance.slots.max(1).saturating_mul(CALL_SLOT_COUNT_MAX);
        self.calls.len() < most as usize
    }

    pub(super) fn offers(&self, operation: &str) -> bool {
        !self.instance.is_draining && self.instance.operations.contains(operation)
    }

    pub(super) fn give(&mut self, operation: &str, call: CallId) {
        self.calls.insert(call);
        if let Some(served) = self.served.get_mut(operation) {
            served.count += 1;
        }
    }

    /// Itself among the candidates for a call.
    pub(super) fn candidate(&self, operation: &str) -> Candidate<'_> {
        let call_count = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        Candidate {
            worker: self.name(),
            served_count: self.served.get(operation).map_or(0, |served| served.compared()),
            held_count: call_count.saturating_add(self.task_count),
            slots: self.instance.slots,
        }
    }
}

/// The connected workers.
#[derive(Debug, Default)]
pub(super) struct Roster {
    workers: BTreeMap<SessionId, Seated>,
}

impl Roster {
    pub(super) fn join(&mut self, session: SessionId, instance: Instance) {
        let level = |operation: &String| {
            let others = self.workers.values().filter_map(|other| other.served.get(operation));
            let begun_at = others.map(|served| served.compared()).min().unwrap_or(0);
            (operation.clone(), Served { count: 0, begun_at })
        };
        let served = instance.operations.iter().map(level).collect();
        let seated = Seated { instance, calls: BTreeSet::new(), task_count: 0, served };
        self.workers.insert(session, seated);
    }

    pub(super) fn leave(&mut self, session: SessionId) -> Option<Seated> {
        self.workers.remove(&session)
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&Seated> {
        self.workers.get(&session)
    }

    pub(super) fn get_mut(&mut self, session: SessionId) -> Option<&mut Seated> {
        self.workers.get_mut(&session)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionId, &Seated)> {
        self.workers.iter().map(|(session, seated)| (*session, seated))
    }

    /// Those that take calls of this operation, busy or not.
    pub(super) fn offering<'a>(
        &'a self,
        operation: &'a str,
    ) -> impl Iterator<Item = (SessionId, &'a Seated)> {
        self.iter().filter(move |(_, seated)| seated.offers(operation))
    }

    /// How often each was given each operation, by operation and name.
    pub(super) fn served(&self) -> Vec<ServedCount> {
        let mut all: Vec<ServedCount> = self
            .workers
            .values()
            .flat_map(|seated| {
                seated.served.iter().map(|(operation, served)| ServedCount {
                    operation: operation.clone(),
                    worker: seated.name().clone(),
                    count: served.count,
                })
            })
            .collect();
        all.sort_by(|a, b| (&a.operation, &a.worker).cmp(&(&b.operation, &b.worker)));
        all
    }
}
