//! What simulated tasks are: how they behave, and what their results look like.

use windlass_core::plan::Output;
use windlass_core::random::SplitMix64;
use windlass_core::session::Assigned;
use windlass_core::{AttemptId, BlobId, Epoch, JobId, PhaseIndex, Round, TaskId, TaskIndex};

/// What workers offer.
pub(crate) const OPERATIONS: [&str; 2] = ["sim", "text"];

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
    /// Is rejected in its first round and succeeds in every later one: its input was mended.
    Mended,
}

pub(crate) fn kind_of(task: TaskId) -> Kind {
    let name = task.job.0 << 40 | u64::from(task.phase.0) << 32 | u64::from(task.index.0);
    match SplitMix64::new(name).below(20) {
        0 => Kind::Poison,
        1 => Kind::Bad,
        2 | 3 => Kind::Flaky,
        4 => Kind::Slow,
        5 => Kind::Mended,
        _ => Kind::Sound,
    }
}

/// The result of an attempt that saw these results of earlier phases: a name that tells whose it is
/// and what it was made of.
pub(crate) fn manifest_of(made: &Assigned, seen: &[Output]) -> BlobId {
    let mut name = [0; 32];
    name[..8].copy_from_slice(&made.task.job.0.to_le_bytes());
    name[8..10].copy_from_slice(&made.task.phase.0.to_le_bytes());
    name[10..14].copy_from_slice(&made.task.index.0.to_le_bytes());
    name[14..16].copy_from_slice(&made.round.0.to_le_bytes());
    name[16..20].copy_from_slice(&made.attempt.epoch.0.to_le_bytes());
    name[20..28].copy_from_slice(&made.attempt.counter.to_le_bytes());
    name[28..].copy_from_slice(&digest_of(seen));
    BlobId(name)
}

/// What results of earlier phases come to in the name of what was made of them.
pub(crate) fn digest_of(seen: &[Output]) -> [u8; 4] {
    let mut bytes = Vec::new();
    for Output { manifest, part } in seen {
        bytes.extend_from_slice(&manifest.0);
        bytes.extend_from_slice(&part.unwrap_or(u32::MAX).to_le_bytes());
    }
    let [a, b, c, d, ..] = BlobId::of(&bytes).0;
    [a, b, c, d]
}

/// What a result was made of.
pub(crate) fn seen_of(manifest: BlobId) -> [u8; 4] {
    let [.., a, b, c, d] = manifest.0;
    [a, b, c, d]
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
        let seen = [Output { manifest: BlobId([7; 32]), part: None }];
        let manifest = manifest_of(&made, &seen);
        assert_eq!(maker_of(manifest), made);
        assert_eq!(seen_of(manifest), digest_of(&seen));
        assert_ne!(digest_of(&seen), digest_of(&[]));
    }
}
