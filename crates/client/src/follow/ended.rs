//! Jobs that ended with open tasks: what is said of those.

use super::{Follower, failed_row, path_of, size_of};
use crate::report::{Outcome, Row};
use crate::run::RunError;
use std::collections::BTreeMap;
use windlass_core::ledger::{JobState, Outcome as JobOutcome, TaskState};
use windlass_core::view::{JobView, TaskView};
use windlass_core::{JobId, TaskIndex};

impl Follower<'_> {
    /// What is open of a job that has ended, has ended with it: somebody cancelled the job, or one
    /// of its tasks failed without which nothing can come of the others. Some may have ended since
    /// they were looked at: they are looked at once more before.
    pub(super) fn take_ended(&mut self) -> Result<(), RunError> {
        let jobs = self.cluster.jobs()?;
        let by_id: BTreeMap<JobId, &JobView> = jobs.iter().map(|job| (job.id, job)).collect();
        for id in self.submission.jobs() {
            let job = by_id.get(&id).ok_or(RunError::Forgotten(id))?;
            let JobState::Ended(outcome) = job.state else {
                self.read_to_end.remove(&id);
                continue;
            };
            if !self.is_open(id) {
                continue;
            }
            if self.read_to_end.insert(id) {
                self.read_anew(Some(id));
                continue;
            }
            self.read_to_end.remove(&id);
            let failed = match outcome {
                JobOutcome::Succeeded | JobOutcome::Cancelled => None,
                JobOutcome::Failed => self.first_failed(id)?,
            };
            self.end_with(id, failed.as_ref());
        }
        Ok(())
    }

    /// Whether a file of this job has no outcome here.
    fn is_open(&self, job: JobId) -> bool {
        let phases = self.submission.shown().filter(|(id, _)| id.job == job);
        let count: u64 = phases.map(|(_, phase)| u64::from(phase.task_count)).sum();
        let done = self.rows.keys().filter(|task| task.job == job);
        (done.count() as u64) < count
    }

    /// The first task of a job that failed.
    fn first_failed(&self, job: JobId) -> Result<Option<TaskView>, RunError> {
        for id in self.submission.phases.keys().filter(|id| id.job == job) {
            let mut from = TaskIndex(0);
            loop {
                let tasks = self.cluster.tasks(*id, from)?;
                let Some(last) = tasks.last() else { break };
                from = TaskIndex(last.index.0 + 1);
                let mut failed = tasks.into_iter().filter(|it| it.state == TaskState::Failed);
                if let Some(task) = failed.next() {
                    return Ok(Some(task));
                }
            }
        }
        Ok(None)
    }

    /// Ends what is open of a job: cancelled, or for the reason for which that task failed.
    fn end_with(&mut self, job: JobId, failed: Option<&TaskView>) {
        for (id, phase) in self.submission.shown().filter(|(id, _)| id.job == job) {
            for index in (0..phase.task_count).map(TaskIndex) {
                let task = id.task(index);
                if self.rows.contains_key(&task) {
                    continue;
                }
                self.standing.done_count += 1;
                let row = |outcome| {
                    let row = Row::new(path_of(phase, index), &phase.operation, outcome);
                    Row { bytes: size_of(phase, index), ..row }
                };
                let row = match failed {
                    None => row(Outcome::Cancelled),
                    Some(view) => failed_row(row(Outcome::Failed), view),
                };
                self.standing.failed_count += u64::from(failed.is_some());
                self.rows.insert(task, row);
            }
        }
    }
}
