//! The cluster at a glance, for whoever looks again and again: what there is, what waits, how much
//! was done. Making one visits jobs, phases and workers, never tasks.

use crate::ledger::{Counts, Ledger};
use crate::limits::OVERVIEW_JOB_COUNT_MAX;
use crate::meters::Meters;
use crate::scheduler::Scheduler;
use crate::view::ClusterView;
use crate::{JobId, LogTime, Tick};
use std::collections::BTreeMap;

/// The cluster at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overview {
    /// Workers, calls, and why something does not move.
    pub cluster: ClusterView,
    /// The master's clock, in milliseconds since some moment: how long after another answer of the
    /// same reign this one was made.
    pub at_ms: u64,
    /// Operations that something of is open or was done in this reign.
    pub operations: BTreeMap<String, Flow>,
    /// Jobs that are open.
    pub open_job_count: u64,
    /// The oldest of them, at most [`OVERVIEW_JOB_COUNT_MAX`].
    pub jobs: Vec<OpenJob>,
}

/// The tasks of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flow {
    /// Not settled.
    pub pending_count: u64,
    /// Of those, ready and in nobody's hands.
    pub waiting_count: u64,
    /// They succeeded, in this reign.
    pub succeeded_count: u64,
    /// They failed for good in their round, in this reign.
    pub failed_count: u64,
    /// Attempts that failed or were lost and were tried again, in this reign.
    pub retried_count: u64,
}

/// An open job in short.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenJob {
    /// Its number.
    pub id: JobId,
    /// For people.
    pub name: String,
    /// How long it has been open, in milliseconds.
    pub age_ms: u64,
    /// Whether somebody holds it back.
    pub is_paused: bool,
    /// Where the tasks of all its phases stand.
    pub counts: Counts,
}

impl Overview {
    /// What there is now, beside what `cluster` has; `wall` is what jobs' ages are told by.
    #[must_use]
    pub fn of(
        ledger: &Ledger,
        scheduler: &Scheduler,
        meters: &Meters,
        cluster: ClusterView,
        (now, wall): (Tick, LogTime),
    ) -> Overview {
        let mut overview = Overview { cluster, at_ms: now.0 / 1_000, ..Overview::default() };
        for (operation, tasks) in &meters.tasks {
            let flow = overview.operations.entry(operation.clone()).or_default();
            flow.succeeded_count = tasks.succeeded_count;
            flow.failed_count = tasks.failed_count;
            flow.retried_count = tasks.retried_count;
        }
        for job in ledger.jobs.values().filter(|job| job.is_open()) {
            overview.open_job_count += 1;
            for phase in &job.phases {
                let flow = overview.operations.entry(phase.spec.operation.clone()).or_default();
                flow.pending_count += u64::from(phase.counts.pending);
            }
            if overview.jobs.len() < OVERVIEW_JOB_COUNT_MAX {
                overview.jobs.push(OpenJob {
                    id: job.id,
                    name: job.name.clone(),
                    age_ms: wall.0.saturating_sub(job.submitted_at.0),
                    is_paused: job.paused.is_some(),
                    counts: job.counts(),
                });
            }
        }
        for (operation, count) in scheduler.waiting_counts(ledger) {
            overview.operations.entry(operation).or_default().waiting_count = count;
        }
        overview
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ChunkRef, Entry, JobSpec, OnFailure, PhaseSpec};
    use crate::params::Params;
    use crate::{PhaseId, PhaseIndex, RequestId, TaskIndex};

    fn submit(ledger: &mut Ledger, number: u128) -> PhaseId {
        let phase = PhaseSpec {
            operation: "ocr".to_owned(),
            version: 1,
            params: Params::default(),
            after: Vec::new(),
            on_failure: OnFailure::Continue,
            fresh: false,
            derived: None,
        };
        let spec = JobSpec {
            name: format!("job {number}"),
            fingerprint: 0,
            phases: vec![phase],
            memorandum: None,
        };
        let mut applied = Vec::new();
        let submitted = Entry::JobSubmitted { request: RequestId(number), spec };
        ledger.apply(LogTime(1_000), &submitted, &mut applied);
        let job = ledger.jobs.values().last().expect("it was made").id;
        PhaseId { job, phase: PhaseIndex(0) }
    }

    #[test]
    fn open_jobs_are_counted_and_the_oldest_told() {
        let mut ledger = Ledger::default();
        let first = submit(&mut ledger, 0);
        for number in 1..=OVERVIEW_JOB_COUNT_MAX as u128 {
            submit(&mut ledger, number);
        }
        let (first_index, count, chunk) = (TaskIndex(0), 7, ChunkRef::Count);
        let added = Entry::TasksAdded { phase: first, first: first_index, count, chunk };
        ledger.apply(LogTime(1_000), &added, &mut Vec::new());
        let cancelled = Entry::JobCancelled { job: JobId(2), why: String::new() };
        ledger.apply(LogTime(1_000), &cancelled, &mut Vec::new());
        submit(&mut ledger, 1_000);
        let mut meters = Meters::default();
        meters.tasks.entry("text".to_owned()).or_default().failed_count = 5;
        let scheduler = Scheduler::new(Tick(0), &ledger, 1);
        let cluster = ClusterView::default();
        let times = (Tick(2_500_000), LogTime(4_000));
        let overview = Overview::of(&ledger, &scheduler, &meters, cluster, times);
        assert_eq!(overview.at_ms, 2_500);
        assert_eq!(overview.open_job_count, OVERVIEW_JOB_COUNT_MAX as u64 + 1);
        assert_eq!(overview.jobs.len(), OVERVIEW_JOB_COUNT_MAX);
        let OpenJob { id, age_ms, counts, .. } = &overview.jobs[0];
        assert_eq!((*id, *age_ms, counts.pending), (first.job, 3_000, 7));
        assert_eq!(overview.jobs[1].id, JobId(3));
        let ocr = overview.operations["ocr"];
        assert_eq!((ocr.pending_count, ocr.waiting_count), (7, 7));
        assert_eq!(overview.operations["text"].failed_count, 5);
    }
}
