//! Which ended jobs are forgotten: the old ones, and those beyond the number of kept tasks.

use crate::ids::JobId;
use crate::ledger::{Job, JobState, Ledger, Outcome, Setting};
use crate::time::LogTime;
use std::collections::BTreeSet;

const DAY_MS: u64 = 24 * 3_600_000;

/// The jobs to forget now, those that ended first before the others. Open jobs are never among
/// them, nor, however few tasks may be kept, the one that ended last: whoever waited for it still
/// reads its results. The newest failed one goes after all others, because `--failed` may ask for
/// it.
#[must_use]
pub fn due(ledger: &Ledger, now: LogTime) -> Vec<JobId> {
    let kept_ms = ledger.settings.get(Setting::JobKeptDaysMax).saturating_mul(DAY_MS);
    let kept_count = ledger.settings.get(Setting::SettledTaskCountMax);
    let mut ended: Vec<(LogTime, &Job)> = ledger
        .jobs
        .values()
        .filter_map(|job| job.ended_at.filter(|_| !job.is_open()).map(|at| (at, &**job)))
        .collect();
    ended.sort_by_key(|(at, job)| (*at, job.id));
    let is_old = |at: LogTime| now.0 >= at.0.saturating_add(kept_ms);
    let old_count = ended.partition_point(|(at, _)| is_old(*at));
    let mut due: BTreeSet<(LogTime, JobId)> =
        ended[..old_count].iter().map(|(at, job)| (*at, job.id)).collect();
    let young = &ended[old_count..];
    let newest = young.last().map(|(_, job)| job.id);
    let is_failed = |job: &Job| job.state == JobState::Ended(Outcome::Failed);
    let newest_failed = young.iter().rev().find(|(_, job)| is_failed(job)).map(|(_, job)| job.id);
    let mut count: u64 = young.iter().map(|(_, job)| weight(job)).sum();
    let others = young.iter().filter(|(_, job)| Some(job.id) != newest_failed);
    let failed = young.iter().filter(|(_, job)| Some(job.id) == newest_failed);
    for (at, job) in others.chain(failed).filter(|(_, job)| Some(job.id) != newest) {
        if count <= kept_count {
            break;
        }
        count -= weight(job);
        due.insert((*at, job.id));
    }
    due.into_iter().map(|(_, id)| id).collect()
}

/// What a job counts: its tasks, and one for itself where it has none.
fn weight(job: &Job) -> u64 {
    let tasks = job.phases.iter().map(|phase| u64::from(phase.tasks.len())).sum::<u64>();
    tasks.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AttemptId, Epoch, PhaseId, PhaseIndex, RequestId, Round, TaskIndex};
    use crate::ledger::{ChunkRef, Entry, JobSpec, OnFailure, PhaseSpec, Results, SettledRun};
    use crate::params::Params;
    use crate::{Failure, FailureKind};

    /// Jobs of ten tasks each that end a minute apart, as told: `Some(true)` failed, `None` open.
    fn ledger(outcomes: &[Option<bool>], kept_count: u64) -> Ledger {
        let mut ledger = Ledger::default();
        let name = "settled_task_count_max".to_owned();
        let mut out = Vec::new();
        ledger.apply(LogTime(0), &Entry::SettingChanged { name, value: kept_count }, &mut out);
        for (position, outcome) in outcomes.iter().enumerate() {
            let number = position as u64 + 1;
            let phase = PhaseId { job: JobId(number), phase: PhaseIndex(0) };
            let spec = PhaseSpec {
                operation: "noop".to_owned(),
                version: 1,
                params: Params::default(),
                after: Vec::new(),
                on_failure: OnFailure::Continue,
                fresh: false,
                derived: None,
            };
            let spec = JobSpec {
                name: String::new(),
                fingerprint: 0,
                phases: vec![spec],
                memorandum: None,
            };
            let (round, first) = (Round(0), TaskIndex(0));
            let attempt = AttemptId { epoch: Epoch(1), counter: 1 };
            let failed = *outcome == Some(true);
            let results = Results::Empty(10 - u32::from(failed || outcome.is_none()));
            let mut entries = vec![
                Entry::JobSubmitted { request: RequestId(number.into()), spec },
                Entry::TasksAdded { phase, first, count: 10, chunk: ChunkRef::Count },
                Entry::PhaseSealed { phase },
                Entry::TasksSettled {
                    runs: vec![SettledRun { phase, round, first, attempt, results }],
                },
            ];
            if failed {
                let failure = Failure::new(FailureKind::Rejected, "code", "cause", "");
                let task = phase.task(TaskIndex(9));
                let worker = None;
                entries.push(Entry::AttemptFailed { task, round, attempt, failure, worker });
            }
            let at = LogTime(number * 60_000);
            entries.iter().for_each(|entry| ledger.apply(at, entry, &mut out));
        }
        ledger
    }

    fn numbers(ledger: &Ledger, now: u64) -> Vec<u64> {
        due(ledger, LogTime(now)).into_iter().map(|job| job.0).collect()
    }

    #[test]
    fn what_ended_long_ago_goes_and_open_jobs_never() {
        let ledger = ledger(&[Some(false), None, Some(true), Some(false)], 1_000);
        assert_eq!(numbers(&ledger, 30 * DAY_MS), [] as [u64; 0]);
        assert_eq!(numbers(&ledger, 30 * DAY_MS + 180_000), [1, 3]);
        assert_eq!(numbers(&ledger, 300 * DAY_MS), [1, 3, 4], "age takes the newest one too");
    }

    #[test]
    fn beyond_the_number_the_oldest_go_but_the_newest_failed_one_last() {
        let outcomes = [Some(true), Some(true), Some(false), Some(false), None];
        assert_eq!(numbers(&ledger(&outcomes, 40), 0), [] as [u64; 0]);
        assert_eq!(numbers(&ledger(&outcomes, 39), 0), [1]);
        assert_eq!(numbers(&ledger(&outcomes, 20), 0), [1, 3]);
        assert_eq!(numbers(&ledger(&outcomes, 10), 0), [1, 2, 3]);
    }

    #[test]
    fn the_job_that_ended_last_stays_however_large_it_is() {
        assert_eq!(numbers(&ledger(&[Some(false), Some(false)], 1), 0), [1]);
        assert_eq!(numbers(&ledger(&[Some(true)], 1), 0), [] as [u64; 0]);
    }
}
