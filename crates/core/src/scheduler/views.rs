//! The workers as people see them.

use super::machine::{Scheduler, SessionId};
use super::worker::Worker;
use crate::ids::WorkerName;
use crate::ledger::Ledger;
use crate::session::{Running, Withdrawal};
use crate::time::Tick;
use crate::view::{AbsentWorker, SlotWork, WorkerView};

impl Scheduler {
    /// Who is connected, by name; where they are and what calls they had the host knows.
    #[must_use]
    pub fn workers(&self, now: Tick, ledger: &Ledger) -> Vec<(SessionId, WorkerView)> {
        let views = self.workers.iter().map(|(session, it)| (*session, view(it, now, ledger)));
        let mut views: Vec<(SessionId, WorkerView)> = views.collect();
        views.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
        views
    }

    /// Who is known and not connected, by name.
    #[must_use]
    pub fn absent_workers(&self, now: Tick, ledger: &Ledger) -> Vec<AbsentWorker> {
        let absent = ledger.workers.iter().filter(|(name, _)| !self.is_connected(name));
        let view = |(name, known): (&WorkerName, &crate::ledger::JoinedWorker)| AbsentWorker {
            name: name.clone(),
            draining: known.draining,
            seen_ms_ago: self.absent.seen_at(name).map(|at| now.ms_since(at)),
        };
        absent.map(view).collect()
    }

    /// The names of those that are connected.
    pub fn connected(&self) -> impl Iterator<Item = &WorkerName> {
        self.workers.values().map(|worker| &worker.name)
    }

    /// Whether a worker of this name is connected.
    #[must_use]
    pub fn is_connected(&self, name: &WorkerName) -> bool {
        self.connected().any(|connected| connected == name)
    }
}

fn view(worker: &Worker, now: Tick, ledger: &Ledger) -> WorkerView {
    let slot = |running: &Running| SlotWork {
        running: *running,
        operation: ledger.phase(running.task.phase_id()).map(|phase| phase.spec.operation.clone()),
    };
    let withdrawn = |(operation, cause): (&String, &String)| Withdrawal {
        operation: operation.clone(),
        cause: cause.clone(),
    };
    WorkerView {
        name: worker.name.clone(),
        place: String::new(),
        slots: worker.slots,
        draining: worker.draining,
        heard_ms_ago: now.ms_since(worker.heard_at),
        held_count: worker.flights.open_count(),
        held_call_count: 0,
        credit: worker.credit,
        running: worker.running.iter().map(slot).collect(),
        usage: worker.usage,
        offers: worker.offers.clone(),
        withdrawn: worker.withdrawn.iter().map(withdrawn).collect(),
        task_count: worker.task_count,
        call_count: 0,
    }
}
