//! What has happened to a job, newest last: bounded, and kept with the job.
//!
//! It is for people. Nothing is decided by it.

use super::apply::Ledger;
use super::entry::IndexRange;
use super::job::{Counts, Job, JobState, Outcome, Paused};
use super::version;
use crate::failure::{Failure, cut};
use crate::ids::{JobId, PhaseIndex, TaskId, TaskIndex, WorkerName};
use crate::limits::{JOB_EVENT_COUNT_MAX, JOB_EVENT_TEXT_BYTES_MAX};
use crate::plan;
use crate::time::LogTime;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// The newest events of a job.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct History {
    /// Events that are no longer kept.
    dropped_count: u64,
    events: VecDeque<JobEvent>,
}

/// Something that happened to a job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobEvent {
    /// When.
    pub at: LogTime,
    /// What.
    pub happened: Happened,
}

/// What can happen to a job after its submission. Stored: new ones go to the end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Happened {
    /// An attempt failed, or its worker was lost.
    AttemptFailed {
        /// The task's phase.
        phase: PhaseIndex,
        /// The task.
        index: TaskIndex,
        /// Who made it, where that is known.
        worker: Option<WorkerName>,
        /// Why; the cause is cut to [`JOB_EVENT_TEXT_BYTES_MAX`], the next step left out.
        failure: Failure,
        /// Attempts of the round that have failed or were lost, this one included.
        attempt_count: u8,
        /// Whether the task failed with it; otherwise it is tried again.
        is_last: bool,
    },
    /// Failed tasks were opened again, or what builds on such tasks.
    Reopened {
        /// Their phase.
        phase: PhaseIndex,
        /// How many.
        count: u32,
        /// Why.
        why: String,
    },
    /// Every task of a phase has settled.
    PhaseEnded {
        /// The phase.
        phase: PhaseIndex,
        /// How many of its tasks succeeded.
        succeeded: u32,
        /// How many failed.
        failed: u32,
    },
    /// Nothing more of it was handed out from then on.
    Paused {
        /// By whom, or why.
        by: String,
    },
    /// Its tasks were handed out again.
    Resumed {
        /// By whom, or why.
        by: String,
    },
    /// It ended.
    Ended {
        /// How.
        outcome: Outcome,
        /// How many of its files had succeeded, see [`plan::file_counts`].
        succeeded: u32,
        /// How many had failed.
        failed: u32,
        /// Why it was cancelled; else empty.
        why: String,
    },
}

impl History {
    pub(super) fn push(&mut self, at: LogTime, happened: Happened) {
        if self.events.len() == JOB_EVENT_COUNT_MAX {
            self.events.pop_front();
            self.dropped_count += 1;
        }
        self.events.push_back(JobEvent { at, happened });
    }

    /// Whether nothing has happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Events that there ever were: the number of the next one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.dropped_count + self.events.len() as u64
    }

    /// The kept events from a number on, the first there ever was having 0, each with its own.
    pub fn since(&self, number: u64) -> impl Iterator<Item = (u64, &JobEvent)> {
        let skipped = number.saturating_sub(self.dropped_count);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        (self.dropped_count..).zip(&self.events).skip(skipped)
    }

    /// Whether entries can have built it.
    pub(super) fn is_sound(&self) -> bool {
        self.events.len() <= JOB_EVENT_COUNT_MAX
            && (self.dropped_count == 0 || self.events.len() == JOB_EVENT_COUNT_MAX)
    }
}

/// A text of an event, within its bound.
pub(super) fn short(text: &str) -> String {
    let mut text = text.to_owned();
    cut(&mut text, JOB_EVENT_TEXT_BYTES_MAX);
    text
}

/// How a task's attempt failed, for the history of its job.
pub(super) fn attempt_failed(
    task: TaskId,
    worker: Option<&WorkerName>,
    failure: &Failure,
    attempt_count: u8,
    is_last: bool,
) -> Happened {
    let failure = Failure {
        kind: failure.kind,
        code: failure.code.clone(),
        cause: short(&failure.cause),
        next_step: String::new(),
        duration_us: failure.duration_us,
    };
    let (phase, index, worker) = (task.phase, task.index, worker.cloned());
    Happened::AttemptFailed { phase, index, worker, failure, attempt_count, is_last }
}

impl Job {
    /// It has ended: nothing holds it back any longer.
    #[must_use]
    pub(super) fn end(&mut self, at: LogTime, outcome: Outcome, why: &str) -> Happened {
        self.state = JobState::Ended(outcome);
        self.ended_at = Some(at);
        self.paused = None;
        let Counts { succeeded, failed, .. } = self.counts_at_end();
        Happened::Ended { outcome, succeeded, failed, why: short(why) }
    }

    /// What is kept of jobs without derived phases stays as it was before there were such phases.
    fn counts_at_end(&self) -> Counts {
        let phases: Vec<_> = self.phases.iter().map(|it| (&it.spec, it.counts)).collect();
        match phases.iter().any(|(spec, _)| spec.derived.is_some()) {
            true => plan::file_counts(&phases, &self.state),
            false => self.counts(),
        }
    }

    /// Holds it back, or lets it go on; said twice, it changes nothing.
    #[must_use]
    pub(super) fn pause(&mut self, at: LogTime, on: bool, by: &str) -> Option<Happened> {
        if self.paused.is_some() == on {
            return None;
        }
        let by = short(by);
        self.paused = on.then(|| Paused { since: at, by: by.clone() });
        Some(if on { Happened::Paused { by } } else { Happened::Resumed { by } })
    }
}

impl Ledger {
    /// Notes what happened to a job at the time of the entry that is applied, in a cluster that
    /// keeps it.
    pub(super) fn note(&mut self, job: JobId, happened: Happened) {
        if self.version < version::HISTORY {
            return;
        }
        let at = self.time;
        if let Some(job) = self.jobs.get_mut(&job) {
            Arc::make_mut(job).history.push(at, happened);
        }
    }
}

/// Tasks of some ranges within the first `count`.
pub(super) fn indexes_within(ranges: &[IndexRange], count: u32) -> impl Iterator<Item = TaskIndex> {
    ranges.iter().flat_map(move |range| {
        // A range may claim more tasks than there are.
        let end = range.first.0.saturating_add(range.count).min(count);
        (range.first.0..end).map(TaskIndex)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resumed(by: u64) -> Happened {
        Happened::Resumed { by: by.to_string() }
    }

    #[test]
    fn the_newest_events_are_kept_under_their_numbers() {
        let mut history = History::default();
        let count = JOB_EVENT_COUNT_MAX as u64 + 5;
        (0..count).for_each(|number| history.push(LogTime(number), resumed(number)));
        assert_eq!(history.count(), count);
        assert!(history.is_sound());
        let kept: Vec<u64> = history.since(0).map(|(number, _)| number).collect();
        assert_eq!(kept, (5..count).collect::<Vec<_>>());
        assert!(history.since(0).all(|(number, event)| event.at == LogTime(number)));
        let newest: Vec<u64> = history.since(count - 2).map(|(number, _)| number).collect();
        assert_eq!(newest, [count - 2, count - 1]);
        assert_eq!(history.since(count + 7).count(), 0);
    }

    #[test]
    fn texts_stay_within_their_bound() {
        let failure = Failure::rejected("code", "c".repeat(400), "do this");
        let task = TaskId { job: JobId(1), phase: PhaseIndex(0), index: TaskIndex(0) };
        let Happened::AttemptFailed { failure, .. } = attempt_failed(task, None, &failure, 1, true)
        else {
            unreachable!("made so")
        };
        assert!(failure.cause.len() <= JOB_EVENT_TEXT_BYTES_MAX);
        assert!(failure.next_step.is_empty());
    }
}
