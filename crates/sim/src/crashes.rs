//! Where tasks brought an executor down: in the same reign the next attempt of such a task is
//! another worker's, where one takes attempts. That is forgotten with the end of its job, also
//! where the job is opened again.

use crate::master::Taker;
use std::collections::BTreeMap;
use windlass_core::ledger::{Applied, Entry, Ledger};
use windlass_core::session::AssignRun;
use windlass_core::{AttemptId, Epoch, FailureKind, Round, TaskId, TaskIndex, WorkerName};

/// What is recorded of crashes.
#[derive(Debug, Default)]
pub(crate) struct Crashes {
    holders: BTreeMap<AttemptId, WorkerName>,
    /// With the reign in which the attempt was handed out: a later one knows only of its own.
    crashed_on: BTreeMap<(TaskId, Round), BTreeMap<WorkerName, Epoch>>,
}

impl Crashes {
    /// An entry is in the log, and this is what it did.
    pub(crate) fn on_recorded(&mut self, entry: &Entry, applied: &[Applied]) {
        if let Entry::AttemptFailed { task, round, attempt, failure, .. } = entry
            && failure.kind == FailureKind::Crashed
            && applied.iter().any(|done| matches!(done, Applied::TaskWaits { .. }))
            && let Some(worker) = self.holders.get(attempt)
        {
            let crashed_on = self.crashed_on.entry((*task, *round)).or_default();
            crashed_on.insert(worker.clone(), attempt.epoch);
        }
        for done in applied {
            if let Applied::JobEnded { job, .. } = done {
                self.crashed_on.retain(|(task, _), _| task.job != *job);
            }
        }
    }

    /// Tasks are handed to a worker while these take attempts.
    pub(crate) fn on_assigned(
        &mut self,
        worker: &WorkerName,
        takers: &[Taker],
        runs: &[AssignRun],
        ledger: &Ledger,
    ) -> Result<(), String> {
        for run in runs {
            let operation = ledger.phase(run.phase).map(|phase| &phase.spec.operation);
            for offset in 0..run.count {
                let attempt = run.attempt.plus(offset);
                let task = run.phase.task(TaskIndex(run.first.0 + offset));
                self.holders.insert(attempt, worker.clone());
                let Some(crashed_on) = self.crashed_on.get(&(task, run.round)) else { continue };
                if crashed_on.get(worker) != Some(&attempt.epoch) {
                    continue;
                }
                let takes = |it: &&Taker| operation.is_some_and(|of| it.operations.contains(of));
                let mut able = takers.iter().filter(takes);
                if let Some(other) = able.find(|it| !crashed_on.contains_key(&it.name)) {
                    let other = &other.name;
                    return Err(format!(
                        "task {task} crashed {worker} and goes there again, not to {other}"
                    ));
                }
            }
        }
        Ok(())
    }
}
