//! The failed tasks of a job: looked up by cause, and opened again.

use crate::cluster::{Cluster, ClusterError};
use windlass_core::ledger::{FailedTask, IndexRange, TaskState};
use windlass_core::view::JobView;
use windlass_core::{Failure, FailureKind, PhaseId, PhaseIndex, TaskId, TaskIndex};

/// Ranges of tasks in one entry: 20 KB of the 512 that a record holds.
const RANGE_COUNT_MAX: usize = 4_096;
/// The code of a failure that is a lost worker's.
const WORKER_LOST: &str = "worker_lost";

/// What came of a retry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retried {
    /// Failed tasks that the job had.
    pub failed_count: u64,
    /// Of those, opened again.
    pub reopened_count: u64,
}

/// The class of a failure in one or two words, a lost worker being one of its own.
#[must_use]
pub fn class(failure: &Failure) -> &'static str {
    if failure.code == WORKER_LOST { "worker lost" } else { failure.kind.label() }
}

/// Whether a failure is of this class (`timed out`, `timed_out`), has this code, a code that ends
/// in the words of this class (`command_timed_out`), or this text in its cause; upper and lower
/// case are the same, and no text is no cause.
#[must_use]
pub fn has_cause(failure: &Failure, wanted: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], " ");
    let wanted = plain(wanted.trim());
    let code = plain(&failure.code);
    let is_kind = FailureKind::ALL.iter().any(|kind| kind.label() == wanted);
    !wanted.is_empty()
        && (class(failure) == wanted
            || code == wanted
            || (is_kind && code.ends_with(&format!(" {wanted}")))
            || plain(&failure.cause).contains(&wanted))
}

/// Shows the failed tasks of a job in order; `take` says whether it wants the next one.
///
/// # Errors
/// See [`ClusterError`].
pub fn each_failed(
    cluster: &Cluster,
    job: &JobView,
    take: &mut dyn FnMut(TaskId, FailedTask) -> bool,
) -> Result<(), ClusterError> {
    for (position, phase) in job.phases.iter().enumerate() {
        let phase_index = PhaseIndex(u16::try_from(position).expect("a job has at most 64 phases"));
        let id = PhaseId { job: job.id, phase: phase_index };
        let mut left = phase.counts.failed;
        let mut from = TaskIndex(0);
        while left > 0 {
            let tasks = cluster.tasks(id, from)?;
            let Some(last) = tasks.last() else { break };
            from = TaskIndex(last.index.0 + 1);
            // One that waits for another attempt has a failure too.
            let failed = tasks.into_iter().filter(|task| task.state == TaskState::Failed);
            for (index, failure) in failed.filter_map(|task| Some((task.index, task.failure?))) {
                left = left.saturating_sub(1);
                if !take(id.task(index), failure) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Opens the failed tasks of a job again, all or those with a cause.
///
/// # Errors
/// See [`ClusterError`]; a cancelled job is refused.
pub fn retry(
    cluster: &Cluster,
    job: &JobView,
    cause: Option<&str>,
    why: &str,
) -> Result<Retried, ClusterError> {
    let mut tasks: Vec<TaskId> = Vec::new();
    let mut retried = Retried::default();
    each_failed(cluster, job, &mut |task, failed| {
        retried.failed_count += 1;
        if cause.is_none_or(|cause| has_cause(&failed.failure, cause)) {
            tasks.push(task);
        }
        true
    })?;
    for of_phase in tasks.chunk_by(|a, b| a.phase == b.phase) {
        let indexes = of_phase.iter().map(|task| task.index);
        retried.reopened_count += reopen(cluster, of_phase[0].phase_id(), indexes, why)?;
    }
    Ok(retried)
}

/// Opens tasks of a phase again, given in order; answers how many.
pub(crate) fn reopen(
    cluster: &Cluster,
    phase: PhaseId,
    indexes: impl IntoIterator<Item = TaskIndex>,
    why: &str,
) -> Result<u64, ClusterError> {
    let mut count = 0;
    for ranges in ranges(indexes).chunks(RANGE_COUNT_MAX) {
        count += cluster.reopen(phase, ranges.to_vec(), why)? as u64;
    }
    Ok(count)
}

fn ranges(indexes: impl IntoIterator<Item = TaskIndex>) -> Vec<IndexRange> {
    let mut ranges: Vec<IndexRange> = Vec::new();
    for index in indexes {
        match ranges.last_mut() {
            Some(last) if last.first.0 + last.count == index.0 => last.count += 1,
            _ => ranges.push(IndexRange { first: index, count: 1 }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_classes_codes_or_words() {
        let slow = Failure::new(FailureKind::TimedOut, "too_slow", "used up 10 s at Page 3", "");
        for cause in ["timed out", "Timed_Out", "timed-out", "too_slow", "too slow", "page 3"] {
            assert!(has_cause(&slow, cause), "{cause}");
        }
        for cause in ["crashed", "slow", "timed", "page 4"] {
            assert!(!has_cause(&slow, cause), "{cause}");
        }
        let limited = "the command was killed after 1 s";
        let limited = Failure::rejected("command_timed_out", limited, "");
        for cause in ["timed out", " Timed out", "command timed out", "rejected", "killed"] {
            assert!(has_cause(&limited, cause), "{cause}");
        }
        for cause in ["", " ", "out", "crashed"] {
            assert!(!has_cause(&limited, cause), "{cause:?}");
        }
        let lost = Failure::new(FailureKind::Crashed, "worker_lost", "worker w1 was lost", "");
        assert!(has_cause(&lost, "worker lost"));
        assert!(!has_cause(&lost, "crashed"), "the input need not be to blame");
    }

    #[test]
    fn neighbours_are_one_range() {
        let ranges = ranges([1, 2, 3, 7, 9, 10].map(TaskIndex));
        let plain: Vec<_> = ranges.iter().map(|range| (range.first.0, range.count)).collect();
        assert_eq!(plain, [(1, 3), (7, 1), (9, 2)]);
    }
}
