//! The tasks of a phase, packed: two bytes a task, 32 more once it settled with a result.
//!
//! Bits of a task's word, lowest first: state 2, failures of the round 3, workers lost in the round
//! 5, round 6.

use crate::ids::{BlobId, Round, TaskIndex};

/// Where a task stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TaskState {
    /// Waits or runs: the ledger does not know which.
    Pending,
    /// Succeeded in its round.
    Succeeded,
    /// Failed in its round.
    Failed,
}

/// The tasks of one phase.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TaskTable {
    words: Vec<u16>,
    /// Pages of [`PAGE_TASK_COUNT`] manifests, empty until the first task of a page has one.
    manifests: Vec<Vec<BlobId>>,
}

const PAGE_TASK_COUNT: usize = 1_024;
/// Stands for "no artifacts": the hash of no known content.
const NO_MANIFEST: BlobId = BlobId([0; 32]);

const STATE_MASK: u16 = 0b11;
const FAILURES_SHIFT: u16 = 2;
const FAILURES_MAX: u16 = 0b111;
const LOST_SHIFT: u16 = 5;
const LOST_MAX: u16 = 0b1_1111;
const ROUND_SHIFT: u16 = 10;
const ROUND_MAX: u16 = 0b11_1111;

impl TaskTable {
    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.words.len()).expect("indexes are u32, checked when tasks are added")
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) fn add(&mut self, count: u32) {
        self.words.resize(self.words.len() + count as usize, 0);
    }

    /// Where a task stands; `None` where there is no such task.
    #[must_use]
    pub fn state(&self, index: TaskIndex) -> Option<TaskState> {
        self.words.get(index.0 as usize).map(|word| match word & STATE_MASK {
            0 => TaskState::Pending,
            1 => TaskState::Succeeded,
            _ => TaskState::Failed,
        })
    }

    /// A task's round; 0 where there is no such task.
    #[must_use]
    pub fn round(&self, index: TaskIndex) -> Round {
        Round(self.word(index) >> ROUND_SHIFT)
    }

    /// Failed attempts of the task's round.
    #[must_use]
    pub fn failure_count(&self, index: TaskIndex) -> u8 {
        (self.word(index) >> FAILURES_SHIFT & FAILURES_MAX) as u8
    }

    /// Workers lost with the task in the task's round.
    #[must_use]
    pub fn lost_count(&self, index: TaskIndex) -> u8 {
        (self.word(index) >> LOST_SHIFT & LOST_MAX) as u8
    }

    /// The manifest of a succeeded task; `None` for a task without artifacts or one not succeeded.
    #[must_use]
    pub fn manifest(&self, index: TaskIndex) -> Option<BlobId> {
        if self.state(index) != Some(TaskState::Succeeded) {
            return None;
        }
        let page = self.manifests.get(index.0 as usize / PAGE_TASK_COUNT)?;
        page.get(index.0 as usize % PAGE_TASK_COUNT).copied().filter(|id| *id != NO_MANIFEST)
    }

    /// Whether the task is open in this round: only then an answer of the round counts.
    #[must_use]
    pub fn is_open(&self, index: TaskIndex, round: Round) -> bool {
        self.state(index) == Some(TaskState::Pending) && self.round(index) == round
    }

    pub(super) fn succeed(&mut self, index: TaskIndex, manifest: Option<BlobId>) {
        self.set_state(index, TaskState::Succeeded);
        let page_index = index.0 as usize / PAGE_TASK_COUNT;
        if manifest.is_none() && self.manifests.get(page_index).is_none_or(Vec::is_empty) {
            return;
        }
        if self.manifests.len() <= page_index {
            self.manifests.resize(page_index + 1, Vec::new());
        }
        let page = &mut self.manifests[page_index];
        if page.is_empty() {
            page.resize(PAGE_TASK_COUNT, NO_MANIFEST);
        }
        page[index.0 as usize % PAGE_TASK_COUNT] = manifest.unwrap_or(NO_MANIFEST);
    }

    pub(super) fn fail(&mut self, index: TaskIndex) {
        self.set_state(index, TaskState::Failed);
    }

    /// Counts a failed attempt; answers the count.
    pub(super) fn count_failure(&mut self, index: TaskIndex) -> u8 {
        self.raise(index, FAILURES_SHIFT, FAILURES_MAX);
        self.failure_count(index)
    }

    /// Counts a lost worker; answers the count.
    pub(super) fn count_lost(&mut self, index: TaskIndex) -> u8 {
        self.raise(index, LOST_SHIFT, LOST_MAX);
        self.lost_count(index)
    }

    /// Opens a failed task's next round with fresh counts; `false` where it did not fail or its
    /// rounds are used up.
    pub(super) fn reopen(&mut self, index: TaskIndex) -> bool {
        let round = self.round(index);
        if self.state(index) != Some(TaskState::Failed) || round.0 == ROUND_MAX {
            return false;
        }
        self.words[index.0 as usize] = (round.0 + 1) << ROUND_SHIFT;
        true
    }

    fn word(&self, index: TaskIndex) -> u16 {
        self.words.get(index.0 as usize).copied().unwrap_or(0)
    }

    fn set_state(&mut self, index: TaskIndex, state: TaskState) {
        let bits = match state {
            TaskState::Pending => 0,
            TaskState::Succeeded => 1,
            TaskState::Failed => 2,
        };
        let word = &mut self.words[index.0 as usize];
        *word = *word & !STATE_MASK | bits;
    }

    fn raise(&mut self, index: TaskIndex, shift: u16, max: u16) {
        let word = &mut self.words[index.0 as usize];
        if *word >> shift & max < max {
            *word += 1 << shift;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_saturate_without_touching_their_neighbours() {
        let mut table = TaskTable::default();
        table.add(1);
        for _ in 0..100 {
            table.count_failure(TaskIndex(0));
            table.count_lost(TaskIndex(0));
        }
        assert_eq!(table.failure_count(TaskIndex(0)), 7);
        assert_eq!(table.lost_count(TaskIndex(0)), 31);
        assert_eq!(table.round(TaskIndex(0)), Round(0));
        assert_eq!(table.state(TaskIndex(0)), Some(TaskState::Pending));
    }

    #[test]
    fn rounds_end_at_the_last_one_that_fits() {
        let mut table = TaskTable::default();
        table.add(1);
        let mut rounds = 0;
        loop {
            table.fail(TaskIndex(0));
            if !table.reopen(TaskIndex(0)) {
                break;
            }
            rounds += 1;
        }
        assert_eq!(rounds, ROUND_MAX);
    }

    #[test]
    fn a_pending_task_costs_two_bytes_and_an_empty_result_nothing() {
        let mut table = TaskTable::default();
        table.add(5_000);
        (0..5_000).for_each(|index| table.succeed(TaskIndex(index), None));
        assert!(table.manifests.is_empty());
        table.succeed(TaskIndex(4_000), Some(BlobId::of(b"x")));
        assert_eq!(table.manifest(TaskIndex(4_000)), Some(BlobId::of(b"x")));
        assert_eq!(table.manifest(TaskIndex(4_001)), None);
        assert_eq!(table.manifests.iter().filter(|page| !page.is_empty()).count(), 1);
    }
}
