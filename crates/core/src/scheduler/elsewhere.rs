//! Tasks whose attempt brought an executor down, ran out of time or of memory: the next attempt is
//! another worker's, where one offers the operation. So a broken machine does not use up the tries
//! of a sound file. And tasks that a worker of an older system has given back, which is not for it.
//!
//! It holds what is known of open tasks of this reign alone; a takeover begins anew.

use super::machine::SessionId;
use super::worker::Worker;
use crate::failure::FailureKind;
use crate::ids::{JobId, PhaseId, TaskId, WorkerName};
use crate::ledger::PhaseSpec;
use std::collections::{BTreeMap, BTreeSet};

/// Given back tasks from which on workers of older systems wait for others to make some: all of
/// them are looked at with each event, and who gives back at once is the least loaded worker.
const GIVEN_BACK_COUNT_MAX: usize = 1_024;

/// Tasks that failed somewhere, and which of them wait.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Workers on which a task failed in its round.
    failed_on: BTreeMap<TaskId, BTreeSet<WorkerName>>,
    /// Workers for which a task is not.
    given_back_by: BTreeMap<TaskId, BTreeSet<WorkerName>>,
    /// Of these tasks, those that wait for an attempt.
    waiting: BTreeSet<TaskId>,
}

impl Elsewhere {
    /// It is recorded that a task failed on a worker, and waits for another attempt. Before that it
    /// may not count: a job that ends meanwhile may be open again by then.
    pub(super) fn on_failure(&mut self, task: TaskId, kind: FailureKind, worker: &WorkerName) {
        if kind.may_be_the_workers() {
            self.failed_on.entry(task).or_default().insert(worker.clone());
        }
    }

    /// A worker has given a task back because it is not for it: it does not get it again.
    pub(super) fn on_given_back(&mut self, task: TaskId, worker: &WorkerName) {
        self.given_back_by.entry(task).or_default().insert(worker.clone());
    }

    /// Whether workers of older systems may be given more that they may give back.
    pub(super) fn is_roomy(&self) -> bool {
        self.given_back_by.len() < GIVEN_BACK_COUNT_MAX
    }

    /// Takes in a task that waits again; `false` where any worker will do.
    pub(super) fn put_back(&mut self, task: TaskId) -> bool {
        let is_known = self.knows(task);
        if is_known {
            self.waiting.insert(task);
        }
        is_known
    }

    pub(super) fn waiting(&self) -> Vec<TaskId> {
        self.waiting.iter().copied().collect()
    }

    pub(super) fn waiting_of(&self, phase: PhaseId) -> Vec<TaskId> {
        self.waiting.iter().copied().filter(|task| task.phase_id() == phase).collect()
    }

    /// The task waits no longer; where it failed stays known.
    pub(super) fn take(&mut self, task: TaskId) {
        self.waiting.remove(&task);
    }

    /// Whether the task failed somewhere, or came back: then it is not for every worker.
    pub(super) fn knows(&self, task: TaskId) -> bool {
        self.failed_on.contains_key(&task) || self.given_back_by.contains_key(&task)
    }

    /// The task has its outcome.
    pub(super) fn forget(&mut self, task: TaskId) {
        // Most runs never have one.
        if !self.failed_on.is_empty() || !self.given_back_by.is_empty() {
            self.failed_on.remove(&task);
            self.given_back_by.remove(&task);
            self.waiting.remove(&task);
        }
    }

    pub(super) fn forget_job(&mut self, job: JobId) {
        self.failed_on.retain(|task, _| task.job != job);
        self.given_back_by.retain(|task, _| task.job != job);
        self.waiting.retain(|task| task.job != job);
    }

    pub(super) fn held_count(&self) -> usize {
        self.failed_on.len() + self.given_back_by.len() + self.waiting.len()
    }

    /// Whether each of these workers has given the task back.
    pub(super) fn is_for_nobody<'a>(
        &self,
        task: TaskId,
        mut workers: impl Iterator<Item = &'a Worker>,
    ) -> bool {
        let names = self.given_back_by.get(&task);
        names.is_some_and(|names| workers.all(|worker| names.contains(&worker.name)))
    }

    /// The worker for a task's next attempt: the least loaded of those on which it has not failed,
    /// of all where it has failed on each. `None`: they have no credit, so it waits for them.
    pub(super) fn worker_for(
        &self,
        task: TaskId,
        spec: &PhaseSpec,
        workers: &BTreeMap<SessionId, Worker>,
    ) -> Option<SessionId> {
        let failed_on = self.failed_on.get(&task);
        let given_back_by = self.given_back_by.get(&task);
        let is_for =
            |worker: &Worker| given_back_by.is_none_or(|names| !names.contains(&worker.name));
        let able = || workers.iter().filter(|(_, it)| it.takes(spec) && is_for(it));
        let is_other =
            |worker: &Worker| failed_on.is_none_or(|names| !names.contains(&worker.name));
        let is_any_other = able().any(|(_, worker)| is_other(worker));
        able()
            .filter(|(_, worker)| worker.free() > 0 && (!is_any_other || is_other(worker)))
            .min_by_key(|(_, worker)| worker.load())
            .map(|(session, _)| *session)
    }
}

#[cfg(test)]
#[path = "older_tests.rs"]
mod tests;
