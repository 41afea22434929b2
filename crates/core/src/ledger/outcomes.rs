//! How tasks end: results, failures, lost workers.

use super::applied::{Applied, Refusal};
use super::apply::Ledger;
use super::entry::SettledRun;
use super::history::attempt_failed;
use super::job::FailedTask;
use super::settings::Setting;
use super::version::AWAY_IS_NO_CRASH;
use crate::failure::{Failure, FailureKind};
use crate::ids::{Round, TaskId, TaskIndex, WorkerName};
use crate::time::LogTime;

impl Ledger {
    pub(super) fn settle(&mut self, run: &SettledRun, out: &mut Vec<Applied>) {
        let phase = match self.open_phase(run.phase) {
            Ok(phase) => phase,
            Err(refusal) => return out.push(Applied::Refused(refusal)),
        };
        let mut settled = false;
        for position in 0..run.results.len() {
            let index = u32::try_from(position).ok().and_then(|p| run.first.0.checked_add(p));
            // A run may claim more tasks than there are.
            let Some(index) = index.filter(|index| *index < phase.tasks.len()).map(TaskIndex)
            else {
                out.push(Applied::Refused(Refusal::UnknownTask));
                break;
            };
            if !phase.tasks.is_open(index, run.round) {
                out.push(Applied::Refused(Refusal::NotOpen));
                continue;
            }
            let manifest = run.results.manifest(position);
            phase.tasks.succeed(index, manifest);
            phase.counts.pending -= 1;
            phase.counts.succeeded += 1;
            settled = true;
            let task = run.phase.task(index);
            out.push(Applied::TaskSucceeded { task, round: run.round, manifest });
        }
        if settled {
            self.end_phase_if_done(run.phase, out);
        }
    }

    pub(super) fn fail_attempt(
        &mut self,
        task: TaskId,
        round: Round,
        failure: &Failure,
        worker: Option<&WorkerName>,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let count_max = self.settings.get(Setting::TaskFailureCountMax);
        let unavailable_ms_max = self.settings.get(Setting::UnavailableMinutesMax) * 60_000;
        let counts = failure.kind != FailureKind::Unavailable || self.version < AWAY_IS_NO_CRASH;
        let phase = self.open_task(task, round)?;
        let count = if counts { phase.tasks.count_failure(task.index) } else { 0 };
        let (since, attempt_count) = self.keep_failure(task, failure.clone());
        let last = match failure.kind {
            FailureKind::Rejected => true,
            FailureKind::Unavailable => self.time.0 - since.0 >= unavailable_ms_max,
            FailureKind::Crashed | FailureKind::TimedOut | FailureKind::OutOfMemory => {
                u64::from(count) >= count_max
            }
        };
        self.note(task.job, attempt_failed(task, worker, failure, attempt_count, last));
        let backoff = failure.kind == FailureKind::Unavailable;
        self.conclude(task, round, last, backoff, out);
        Ok(())
    }

    pub(super) fn lose_attempt(
        &mut self,
        task: TaskId,
        round: Round,
        worker: &WorkerName,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let count_max = self.settings.get(Setting::TaskWorkerLostCountMax);
        let phase = self.open_task(task, round)?;
        let last = u64::from(phase.tasks.count_lost(task.index)) >= count_max;
        let failure = Failure::new(
            FailureKind::Crashed,
            "worker_lost",
            format!("worker {worker} was lost while it held this task"),
            "See whether this input brings workers down, then retry it.",
        );
        let (_, attempt_count) = self.keep_failure(task, failure.clone());
        self.note(task.job, attempt_failed(task, Some(worker), &failure, attempt_count, last));
        self.conclude(task, round, last, false, out);
        Ok(())
    }

    /// Keeps a task's newest failure; answers when the round's first one was, and how many there
    /// were.
    fn keep_failure(&mut self, task: TaskId, failure: Failure) -> (LogTime, u8) {
        let (now, version) = (self.time, self.version);
        let Ok(phase) = self.open_phase(task.phase_id()) else { return (now, 0) };
        let earlier = phase.tasks.failure(task.index);
        let since = earlier.map_or(now, |earlier| earlier.since);
        let attempt_count = if version < AWAY_IS_NO_CRASH {
            phase.tasks.failure_count(task.index) + phase.tasks.lost_count(task.index)
        } else {
            earlier.map_or(0, |earlier| earlier.attempt_count).saturating_add(1)
        };
        phase.tasks.keep_failure(task.index, FailedTask { failure, attempt_count, since });
        (since, attempt_count)
    }

    fn conclude(
        &mut self,
        task: TaskId,
        round: Round,
        last: bool,
        backoff: bool,
        out: &mut Vec<Applied>,
    ) {
        if !last {
            out.push(Applied::TaskWaits { task, round, backoff });
            return;
        }
        let Ok(phase) = self.open_phase(task.phase_id()) else { return };
        phase.tasks.fail(task.index);
        phase.counts.pending -= 1;
        phase.counts.failed += 1;
        out.push(Applied::TaskFailed { task, round });
        self.end_phase_if_done(task.phase_id(), out);
    }
}
