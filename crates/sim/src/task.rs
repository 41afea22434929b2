//! What simulated tasks are: how they behave, and what their results look like.

use windlass_core::random::SplitMix64;
use windlass_core::session::Assigned;
use windlass_core::{AttemptId, BlobId, Epoch, JobId, PhaseIndex, Round, TaskId, TaskIndex};

/// How a task behaves; fixed by its name, so that every attempt knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Succeeds.
    Sound,
    /// Succeeds after seconds.
    Slow,
    /// Is unavailable now and then, and succeeds in the end.
    Flaky,
    /// Crashes its executor each time.
    Poison,
    /// Is rejected.
    Bad,
}

pub(crate) fn kind_of(task: TaskId) -> Kind {
    let name = task.job.0 << 40 | u64::from(task.phase.0) << 32 | u64::from(task.index.0);
    match SplitMix64::new(name).below(20) {
        0 => Kind::Poison,
        1 => Kind::Bad,
        2 | 3 => Kind::Flaky,
        4 => Kind::Slow,
        _ => Kind::Sound,
    }
}

/// The result of an attempt: a name that tells whose it is.
pub(crate) fn manifest_of(made: &Assigned) -> BlobId {
    let mut name = [0; 32];
    name[..8].copy_from_slice(&made.task.job.0.to_le_bytes());
    name[8..10].copy_from_slice(&made.task.phase.0.to_le_bytes());
    name[10..14].copy_from_slice(&made.task.index.0.to_le_bytes());
    name[14..16].copy_from_slice(&made.round.0.to_le_bytes());
    name[16..20].copy_from_slice(&made.attempt.epoch.0.to_le_bytes());
    name[20..28].copy_from_slice(&made.attempt.counter.to_le_bytes());
    BlobId(name)
}

/// Whose result this is.
pub(crate) fn maker_of(manifest: BlobId) -> Assigned {
    let name = manifest.0;
    let number = |from: usize, count: usize| {
        name[from..from + count].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let task = TaskId {
        job: JobId(number(0, 8)),
        phase: PhaseIndex(number(8, 2) as u16),
        index: TaskIndex(number(10, 4) as u32),
    };
    let attempt = AttemptId { epoch: Epoch(number(16, 4) as u32), counter: number(20, 8) };
    Assigned { attempt, task, round: Round(number(14, 2) as u16) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_names_its_maker() {
        let task = TaskId { job: JobId(3), phase: PhaseIndex(1), index: TaskIndex(70_000) };
        let attempt = AttemptId { epoch: Epoch(9), counter: 1 << 40 };
        let made = Assigned { attempt, task, round: Round(2) };
        assert_eq!(maker_of(manifest_of(&made)), made);
    }
}
