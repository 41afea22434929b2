//! What a master counts of its own doing since it began to reign.

use crate::ledger::{Applied, Ledger, Outcome};
use crate::scheduler::Scheduler;
use crate::session::{EndedRun, Usage};
use crate::{Epoch, LogTime, PhaseId, Tick, WorkerName};
use std::collections::BTreeMap;

/// Upper ends of the buckets of a [`Histogram`], in microseconds; above the last there is one more.
pub const BUCKETS_US: [u64; 12] = [
    100,
    500,
    2_000,
    10_000,
    50_000,
    200_000,
    1_000_000,
    5_000_000,
    20_000_000,
    60_000_000,
    300_000_000,
    1_200_000_000,
];

/// Operations that are counted apart; their names come from whoever submits.
const OPERATION_COUNT_MAX: usize = 256;
/// The name that all others are counted under.
const OTHERS: &str = "other";

/// How long things took.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Histogram {
    /// How many took at most [`BUCKETS_US`], and longer than the bucket before; the last: longer
    /// than all.
    pub counts: [u64; BUCKETS_US.len() + 1],
    /// All together, in microseconds.
    pub sum_us: u64,
}

/// Counters that only grow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Meters {
    /// Jobs that were submitted.
    pub submitted_count: u64,
    /// Jobs that ended, by outcome.
    pub ended: BTreeMap<Outcome, u64>,
    /// What tasks came to, by operation.
    pub tasks: BTreeMap<String, TaskMeters>,
    /// Records that became durable: from the order to the answer.
    pub appends: Histogram,
}

/// What the tasks of an operation came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TaskMeters {
    /// They succeeded.
    pub succeeded_count: u64,
    /// They failed for good in their round.
    pub failed_count: u64,
    /// Attempts that failed or were lost, and were tried again.
    pub retried_count: u64,
    /// How long slots were busy with attempts; those that ended together count with their mean.
    pub durations: Histogram,
}

/// What there is at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Gauges {
    /// The reign.
    pub epoch: Epoch,
    /// Jobs that are open.
    pub open_job_count: u64,
    /// Tasks that are not settled, by operation.
    pub pending: BTreeMap<String, u64>,
    /// Since when the oldest job waits that has such tasks.
    pub oldest_submitted_at: Option<LogTime>,
    /// Each connected worker.
    pub workers: Vec<WorkerGauges>,
    /// Decisions that wait to become durable.
    pub undurable_count: u64,
}

/// A connected worker at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerGauges {
    /// Its name.
    pub name: WorkerName,
    /// Its slots.
    pub slots: u32,
    /// Those at work, as last heard.
    pub busy_slots: u32,
    /// How long ago it was last heard, in milliseconds.
    pub silent_ms: u64,
    /// What it uses of its machine, as last heard.
    pub usage: Option<Usage>,
}

impl Histogram {
    /// Takes in `count` things of the same duration.
    pub fn add(&mut self, duration_us: u64, count: u64) {
        let bucket = BUCKETS_US.partition_point(|end| *end < duration_us);
        self.counts[bucket] += count;
        self.sum_us = self.sum_us.saturating_add(duration_us.saturating_mul(count));
    }

    /// How many things it has taken in.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Meters {
    /// An entry is durable and applied, and this is what it did.
    pub fn on_applied(&mut self, ledger: &Ledger, applied: &[Applied]) {
        // Neighbours are mostly alike: what they have in common is looked up once for all of them.
        for alike in applied.chunk_by(|one, next| Kind::of(one) == Kind::of(next)) {
            let count = alike.len() as u64;
            match Kind::of(&alike[0]) {
                Kind::Submitted => self.submitted_count += count,
                Kind::Ended(outcome) => *self.ended.entry(outcome).or_default() += count,
                Kind::Succeeded(phase) => self.of(ledger, phase).succeeded_count += count,
                Kind::Failed(phase) => self.of(ledger, phase).failed_count += count,
                Kind::Retried(phase) => self.of(ledger, phase).retried_count += count,
                Kind::Other => {}
            }
        }
    }

    /// A worker says that attempts ended.
    pub fn on_ended(&mut self, ledger: &Ledger, runs: &[EndedRun]) {
        for run in runs {
            let count = u64::from(run.count());
            if let Some(mean_us) = run.busy_us.checked_div(count) {
                self.of(ledger, run.phase).durations.add(mean_us, count);
            }
        }
    }

    /// The meters of a phase's operation.
    fn of(&mut self, ledger: &Ledger, phase: PhaseId) -> &mut TaskMeters {
        let operation = ledger.phase(phase).map_or(OTHERS, |phase| &phase.spec.operation);
        let is_there = self.tasks.contains_key(operation);
        let operation =
            if is_there || self.tasks.len() < OPERATION_COUNT_MAX { operation } else { OTHERS };
        self.tasks.entry(operation.to_owned()).or_default()
    }
}

/// What is counted of something that was done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Submitted,
    Ended(Outcome),
    Succeeded(PhaseId),
    Failed(PhaseId),
    Retried(PhaseId),
    Other,
}

impl Kind {
    fn of(done: &Applied) -> Kind {
        match done {
            Applied::JobSubmitted { fresh: true, .. } => Kind::Submitted,
            Applied::JobEnded { outcome, .. } => Kind::Ended(*outcome),
            Applied::TaskSucceeded { task, .. } => Kind::Succeeded(task.phase_id()),
            Applied::TaskFailed { task, .. } => Kind::Failed(task.phase_id()),
            Applied::TaskWaits { task, .. } => Kind::Retried(task.phase_id()),
            _ => Kind::Other,
        }
    }
}

impl Gauges {
    /// What there is now.
    #[must_use]
    pub fn of(ledger: &Ledger, scheduler: &Scheduler, now: Tick) -> Gauges {
        let mut gauges = Gauges {
            epoch: ledger.epoch,
            workers: scheduler.worker_gauges(now).collect(),
            ..Gauges::default()
        };
        for job in ledger.jobs.values().filter(|job| job.is_open()) {
            gauges.open_job_count += 1;
            let mut pending_count = 0;
            for phase in &job.phases {
                let pending = u64::from(phase.counts.pending);
                *gauges.pending.entry(phase.spec.operation.clone()).or_default() += pending;
                pending_count += pending;
            }
            if pending_count > 0 && gauges.oldest_submitted_at.is_none() {
                // Jobs are numbered in the order in which they were submitted.
                gauges.oldest_submitted_at = Some(job.submitted_at);
            }
        }
        gauges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskIndex;
    use crate::ledger::Results;
    use crate::session::EndedWith;
    use crate::{AttemptId, JobId, PhaseIndex, Round};

    #[test]
    fn durations_fall_into_the_bucket_that_ends_at_or_above_them() {
        let mut histogram = Histogram::default();
        histogram.add(100, 1);
        histogram.add(101, 2);
        histogram.add(u64::MAX / 2, 1);
        assert_eq!((histogram.counts[0], histogram.counts[1]), (1, 2));
        assert_eq!((histogram.counts[BUCKETS_US.len()], histogram.count()), (1, 4));
    }

    #[test]
    fn alike_neighbours_are_counted_one_by_one() {
        let (ledger, mut meters) = (Ledger::default(), Meters::default());
        let phase = PhaseId { job: JobId(1), phase: PhaseIndex(0) };
        let settled = |index, other| {
            let (task, round) = (phase.task(TaskIndex(index)), Round(0));
            match other {
                true => Applied::TaskFailed { task, round },
                false => Applied::TaskSucceeded { task, round, manifest: None },
            }
        };
        let ended = Applied::JobEnded { job: JobId(1), outcome: Outcome::Failed };
        meters.on_applied(
            &ledger,
            &[settled(0, false), settled(1, false), settled(2, true), settled(3, false), ended],
        );
        let tasks = &meters.tasks[OTHERS];
        assert_eq!((tasks.succeeded_count, tasks.failed_count), (3, 1));
        assert_eq!(meters.ended[&Outcome::Failed], 1);
    }

    #[test]
    fn a_run_counts_with_its_mean() {
        let (ledger, mut meters) = (Ledger::default(), Meters::default());
        meters.on_ended(
            &ledger,
            &[EndedRun {
                phase: PhaseId { job: JobId(1), phase: PhaseIndex(0) },
                round: Round(0),
                first: TaskIndex(0),
                attempt: AttemptId { epoch: Epoch(1), counter: 1 },
                with: EndedWith::Results(Results::Empty(4)),
                busy_us: 1_200,
            }],
        );
        let durations = &meters.tasks[OTHERS].durations;
        assert_eq!((durations.counts[1], durations.sum_us), (4, 1_200));
    }
}
