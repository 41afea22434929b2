//! The oracle of withdrawn operations: a worker gets no attempt of one once its master has heard of
//! it, nobody gives a task up while a worker may come that offers its operation, and a sound task
//! fails for a broken machine's sake only when its tries are used up.

use crate::executors::BROKEN;
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::failure::FailureKind;
use windlass_core::ledger::{Applied, Entry, Ledger};
use windlass_core::limits::TASK_FAILURE_COUNT_MAX;
use windlass_core::scheduler::SessionId;
use windlass_core::session::{AssignRun, ToMaster};
use windlass_core::{Round, TaskId, WorkerName};

/// The code of a failure of a task that nobody will ever make.
pub(crate) const GIVEN_UP: &str = "operation_withdrawn";

/// What masters have heard of offers, and what the log says of broken machines.
#[derive(Debug, Default)]
pub(crate) struct Withdrawals {
    /// Workers live inside the master's process: no other will ever come.
    pub(crate) within: bool,
    /// What is offered in each session, as its master has heard.
    offered: BTreeMap<SessionId, BTreeSet<String>>,
    /// What was ever withdrawn.
    withdrawn: BTreeSet<String>,
    /// Tries that have failed and count toward quarantine.
    try_counts: BTreeMap<(TaskId, Round), u8>,
}

impl Withdrawals {
    /// A master hears this.
    pub(crate) fn on_heard(&mut self, session: SessionId, message: &ToMaster) {
        match message {
            ToMaster::Hello(hello) => {
                let offers = hello.offers.iter().map(|offer| offer.operation.clone());
                self.offered.insert(session, offers.collect());
            }
            ToMaster::Withdrawn(gone) => {
                self.withdrawn.insert(gone.operation.clone());
                self.offered.entry(session).or_default().remove(&gone.operation);
            }
            _ => {}
        }
    }

    /// Tasks are handed to a worker.
    pub(crate) fn on_assigned(
        &self,
        session: SessionId,
        worker: &WorkerName,
        runs: &[AssignRun],
        ledger: &Ledger,
    ) -> Result<(), String> {
        for run in runs {
            let Some(phase) = ledger.phase(run.phase) else { continue };
            let operation = &phase.spec.operation;
            if !self.offered.get(&session).is_some_and(|offers| offers.contains(operation)) {
                return Err(format!("{worker} got work of {operation}, which it does not offer"));
            }
        }
        Ok(())
    }

    /// An entry is in the log, and this is what it did.
    pub(crate) fn on_recorded(
        &mut self,
        ledger: &Ledger,
        entry: &Entry,
        applied: &[Applied],
    ) -> Result<(), String> {
        let Entry::AttemptFailed { task, round, failure, .. } = entry else { return Ok(()) };
        if applied.iter().all(|done| matches!(done, Applied::Refused(_))) {
            return Ok(());
        }
        if failure.kind != FailureKind::Unavailable {
            let count = self.try_counts.entry((*task, *round)).or_default();
            *count = count.saturating_add(1);
        }
        match &*failure.code {
            GIVEN_UP => {
                let phase = ledger.phase(task.phase_id());
                let operation = phase.map_or("", |phase| &phase.spec.operation);
                match self.within && self.withdrawn.contains(operation) {
                    true => Ok(()),
                    false => Err(format!("task {task} is given up although somebody may come")),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether a task that failed so in this round may have done so although it is sound.
    pub(crate) fn excuses(&self, task: TaskId, round: Round, code: &str) -> bool {
        let count = self.try_counts.get(&(task, round)).copied().unwrap_or(0);
        code == GIVEN_UP || (code == BROKEN && count >= TASK_FAILURE_COUNT_MAX)
    }
}
