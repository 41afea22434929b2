//! The rule by which the tasks of a phase follow from what earlier phases made.

use crate::ids::PhaseIndex;
use crate::limits::{ARTIFACT_COUNT_MAX, CHUNK_TASK_COUNT_MAX};
use serde::{Deserialize, Serialize};

/// How the tasks of a phase follow from earlier phases: nobody adds them, and they exist once the
/// phases that theirs waits for have ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Derived {
    /// How many there are.
    pub count: TaskCount,
    /// What each of them takes, in the order in which it gets it; behind its own result of
    /// [`TaskCount::EachOf`].
    pub takes: Vec<Take>,
}

/// How many tasks a phase has that nobody adds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TaskCount {
    /// So many, at most [`CHUNK_TASK_COUNT_MAX`].
    Fixed(u32),
    /// One for each task of that phase, whose result it works on: task i on the result of task i.
    EachOf(PhaseIndex),
}

/// A phase whose results every task of another one gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Take {
    /// The earlier phase.
    pub phase: PhaseIndex,
    /// What of its results.
    pub share: Share,
}

/// What a task gets of all results of a phase.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Share {
    /// All of each result.
    Whole,
    /// Task p gets artifact p of each result, where it has so many.
    Part,
}

impl Derived {
    /// Whether it is a rule at all for a phase that waits for these ones.
    pub(super) fn is_sound(&self, after: &[PhaseIndex]) -> bool {
        let has_parts = self.takes.iter().any(|take| take.share == Share::Part);
        let counts = match self.count {
            TaskCount::Fixed(count) => {
                let count_max = if has_parts { ARTIFACT_COUNT_MAX } else { CHUNK_TASK_COUNT_MAX };
                (1..=count_max).contains(&(count as usize))
            }
            // Parts are counted by the phase itself, not by the results of another one.
            TaskCount::EachOf(phase) => after.contains(&phase) && !has_parts,
        };
        counts && self.sources().all(|phase| after.contains(&phase))
    }

    /// The phases whose results its tasks work on.
    pub fn sources(&self) -> impl Iterator<Item = PhaseIndex> {
        let own = match self.count {
            TaskCount::Fixed(_) => None,
            TaskCount::EachOf(phase) => Some(phase),
        };
        own.into_iter().chain(self.takes.iter().map(|take| take.phase))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sound(count: TaskCount, takes: &[(u16, Share)], after: &[u16]) -> bool {
        let take =
            |(phase, share): &(u16, Share)| Take { phase: PhaseIndex(*phase), share: *share };
        let after: Vec<PhaseIndex> = after.iter().map(|phase| PhaseIndex(*phase)).collect();
        Derived { count, takes: takes.iter().map(take).collect() }.is_sound(&after)
    }

    #[test]
    fn results_are_taken_only_of_phases_that_are_waited_for() {
        let (whole, part) = ((0, Share::Whole), (0, Share::Part));
        let each = TaskCount::EachOf(PhaseIndex(1));
        assert!(is_sound(TaskCount::Fixed(2), &[whole], &[0]));
        assert!(!is_sound(TaskCount::Fixed(2), &[whole], &[1]));
        assert!(is_sound(each, &[whole], &[0, 1]));
        assert!(!is_sound(each, &[whole], &[0]));
        assert!(!is_sound(each, &[part], &[0, 1]));
    }

    #[test]
    fn tasks_are_counted_within_bounds() {
        let fixed = |count, takes: &[(u16, Share)]| is_sound(TaskCount::Fixed(count), takes, &[0]);
        assert_eq!([0, 1, 4_096, 4_097].map(|it| fixed(it, &[])), [false, true, true, false]);
        assert_eq!([256, 257].map(|it| fixed(it, &[(0, Share::Part)])), [true, false]);
    }
}
