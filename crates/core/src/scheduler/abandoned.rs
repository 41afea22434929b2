//! Tasks of an operation that nobody offers any more: who waits for what, and when waiting ends.
//!
//! Where workers of other processes are, one that offers the operation may come at any moment: the
//! tasks wait and the user is told why. Workers inside the master's process come only with it, so
//! that such tasks would wait for ever: they end.

use super::machine::{Effect, Scheduler, SessionId};
use super::worker::Worker;
use crate::failure::Failure;
use crate::ids::{AttemptId, JobId, TaskId, WorkerName};
use crate::ledger::{Entry, Ledger};
use crate::limits::ABANDONED_COUNT_MAX;
use std::collections::{BTreeMap, BTreeSet};

/// Tasks whose end is proposed and not yet recorded.
#[derive(Debug, Default)]
pub(super) struct Abandoned {
    ending: BTreeSet<TaskId>,
}

impl Abandoned {
    /// How many more may be proposed now.
    pub(super) fn room(&self) -> usize {
        ABANDONED_COUNT_MAX.saturating_sub(self.ending.len())
    }

    pub(super) fn begin(&mut self, task: TaskId) {
        self.ending.insert(task);
    }

    /// What was proposed of the task is recorded.
    pub(super) fn forget(&mut self, task: TaskId) {
        if !self.ending.is_empty() {
            self.ending.remove(&task);
        }
    }

    pub(super) fn forget_job(&mut self, job: JobId) {
        self.ending.retain(|task| task.job != job);
    }

    pub(super) fn held_count(&self) -> usize {
        self.ending.len()
    }
}

impl Scheduler {
    /// Ends tasks that would wait for ever, some at a time.
    pub(super) fn end_abandoned(&mut self, ledger: &Ledger, out: &mut Vec<Effect>) {
        if self.workers.values().all(|worker| worker.withdrawn.is_empty()) {
            return;
        }
        let older_too = self.awaited.is_empty();
        for (id, queue) in &mut self.queues {
            // What is held back waits for whoever holds it.
            let job = ledger.jobs.get(&id.job).filter(|job| job.paused.is_none());
            let Some(phase) = job.and_then(|job| job.phase(id.phase)) else { continue };
            if self.workers.values().any(|worker| worker.offers(&phase.spec)) {
                continue;
            }
            let operation = &phase.spec.operation;
            let Some(cause) = why_in_vain(operation, &self.workers, ledger) else { continue };
            for task in self.elsewhere.waiting_of(*id) {
                self.elsewhere.take(task);
                queue.put_back(task.index);
            }
            while self.abandoned.room() > 0 {
                let count_max = u32::try_from(self.abandoned.room()).unwrap_or(u32::MAX);
                let Some((range, round)) = queue.take(phase, count_max, older_too) else { break };
                for task in range.indexes().map(|index| id.task(index)) {
                    let attempt = AttemptId { epoch: self.epoch, counter: self.attempt_count };
                    self.attempt_count += 1;
                    self.abandoned.begin(task);
                    let failure = failure(operation, cause);
                    let worker = None;
                    let ended = Entry::AttemptFailed { task, round, attempt, failure, worker };
                    out.push(Effect::Propose(ended));
                }
            }
        }
    }
}

/// Why an operation is offered no more; `None` where a connected worker offers it, or none did.
pub(super) fn withdrawn<'a>(
    operation: &str,
    workers: &'a BTreeMap<SessionId, Worker>,
) -> Option<&'a str> {
    if workers.values().any(|worker| worker.operations.contains(operation)) {
        return None;
    }
    workers.values().find_map(|worker| worker.withdrawn.get(operation)).map(String::as_str)
}

/// Why the tasks of an operation wait in vain; `None` where somebody offers it or may come.
fn why_in_vain<'a>(
    operation: &str,
    workers: &'a BTreeMap<SessionId, Worker>,
    ledger: &Ledger,
) -> Option<&'a str> {
    let cause = withdrawn(operation, workers)?;
    // One of an older system brings nobody of this one.
    let is_older = |name: &WorkerName| workers.values().any(|it| it.name == *name && it.is_older());
    // That one which is connected has joined may not be recorded yet.
    let others_come = workers.values().any(|worker| !worker.in_process && !worker.is_older())
        || ledger.workers.iter().any(|(name, known)| !known.in_process && !is_older(name));
    (!others_come).then_some(cause)
}

/// How such a task ends. Another try by itself cannot help, so this is a rejection.
fn failure(operation: &str, cause: &str) -> Failure {
    Failure::rejected(
        "operation_withdrawn",
        format!("no worker offers {operation} any more; it was withdrawn after {cause}"),
        "See what `windlass doctor` says; then run the same command again with --failed.",
    )
}
