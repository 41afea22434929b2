//! The tasks of a phase, in shared pages: copying a table copies references, changing a task copies
//! its page if a snapshot still holds it.

use super::job::FailedTask;
use super::page::{PAGE_TASK_COUNT, Page, ROUND_MAX, Slot};
use crate::ids::{BlobId, Round, TaskIndex};
use std::sync::Arc;

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
    /// Full but for the last one.
    pages: Vec<Arc<Page>>,
    len: u32,
}

impl TaskTable {
    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds pending tasks; the caller has checked that indexes stay u32.
    pub(super) fn add(&mut self, count: u32) {
        self.len += count;
        let mut left = count as usize;
        if let Some(last) = self.pages.last_mut().filter(|page| page.len() < PAGE_TASK_COUNT) {
            let fitting = left.min(PAGE_TASK_COUNT - last.len());
            Arc::make_mut(last).grow(fitting);
            left -= fitting;
        }
        if left >= PAGE_TASK_COUNT {
            // Tasks that nobody has touched are all alike: their pages are one.
            let blank = Arc::new(Page::blank(PAGE_TASK_COUNT));
            self.pages.extend(std::iter::repeat_n(blank, left / PAGE_TASK_COUNT));
        }
        if !left.is_multiple_of(PAGE_TASK_COUNT) {
            self.pages.push(Arc::new(Page::blank(left % PAGE_TASK_COUNT)));
        }
    }

    /// Where a task stands; `None` where there is no such task.
    #[must_use]
    pub fn state(&self, index: TaskIndex) -> Option<TaskState> {
        let (page, slot) = self.page(index)?;
        page.state(slot)
    }

    /// A task's round; 0 where there is no such task.
    #[must_use]
    pub fn round(&self, index: TaskIndex) -> Round {
        self.page(index).map_or(Round(0), |(page, slot)| page.round(slot))
    }

    /// Failed attempts of the task's round.
    #[must_use]
    pub fn failure_count(&self, index: TaskIndex) -> u8 {
        self.page(index).map_or(0, |(page, slot)| page.failure_count(slot))
    }

    /// Workers lost with the task in the task's round.
    #[must_use]
    pub fn lost_count(&self, index: TaskIndex) -> u8 {
        self.page(index).map_or(0, |(page, slot)| page.lost_count(slot))
    }

    /// The manifest of a succeeded task; `None` for a task without artifacts or one not succeeded.
    #[must_use]
    pub fn manifest(&self, index: TaskIndex) -> Option<BlobId> {
        let (page, slot) = self.page(index)?;
        page.manifest(slot)
    }

    /// The last failure of a task that had one in its round and has not succeeded.
    #[must_use]
    pub fn failure(&self, index: TaskIndex) -> Option<&FailedTask> {
        let (page, slot) = self.page(index)?;
        page.failure(slot)
    }

    /// Whether the task is open in this round: only then an answer of the round counts.
    #[must_use]
    pub fn is_open(&self, index: TaskIndex, round: Round) -> bool {
        self.page(index).is_some_and(|(page, slot)| {
            page.state(slot) == Some(TaskState::Pending) && page.round(slot) == round
        })
    }

    pub(super) fn succeed(&mut self, index: TaskIndex, manifest: Option<BlobId>) {
        let (page, slot) = self.page_mut(index);
        page.succeed(slot, manifest);
    }

    pub(super) fn fail(&mut self, index: TaskIndex) {
        let (page, slot) = self.page_mut(index);
        page.fail(slot);
    }

    pub(super) fn keep_failure(&mut self, index: TaskIndex, failed: FailedTask) {
        let (page, slot) = self.page_mut(index);
        page.keep_failure(slot, failed);
    }

    /// Counts a failed attempt; answers the count.
    pub(super) fn count_failure(&mut self, index: TaskIndex) -> u8 {
        let (page, slot) = self.page_mut(index);
        page.count_failure(slot)
    }

    /// Counts a lost worker; answers the count.
    pub(super) fn count_lost(&mut self, index: TaskIndex) -> u8 {
        let (page, slot) = self.page_mut(index);
        page.count_lost(slot)
    }

    /// Opens a task's next round with fresh counts, whatever came of this one; `false` where its
    /// rounds are used up.
    pub(super) fn reopen(&mut self, index: TaskIndex) -> bool {
        let (page, slot) = self.page_mut(index);
        page.reopen(slot)
    }

    /// Whether a task has a next round.
    pub(super) fn can_reopen(&self, index: TaskIndex) -> bool {
        self.round(index).0 < ROUND_MAX
    }

    pub(super) fn pages(&self) -> &[Arc<Page>] {
        &self.pages
    }

    /// Adds a page of a snapshot; `false` if the one before it is not full.
    pub(super) fn push(&mut self, page: Page) -> bool {
        let is_full = self.len.is_multiple_of(PAGE_TASK_COUNT as u32);
        let len = u32::try_from(page.len()).ok().and_then(|count| self.len.checked_add(count));
        match len {
            Some(len) if is_full => {
                self.len = len;
                self.pages.push(Arc::new(page));
                true
            }
            _ => false,
        }
    }

    fn page(&self, index: TaskIndex) -> Option<(&Page, Slot)> {
        let page = self.pages.get(index.0 as usize / PAGE_TASK_COUNT)?;
        Some((page, slot(index)))
    }

    /// The page of a task that exists.
    fn page_mut(&mut self, index: TaskIndex) -> (&mut Page, Slot) {
        let page = &mut self.pages[index.0 as usize / PAGE_TASK_COUNT];
        (Arc::make_mut(page), slot(index))
    }
}

fn slot(index: TaskIndex) -> Slot {
    Slot((index.0 as usize % PAGE_TASK_COUNT) as u16)
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
    fn an_empty_result_costs_nothing_and_a_result_one_page() {
        let mut table = TaskTable::default();
        table.add(5_000);
        (0..5_000).for_each(|index| table.succeed(TaskIndex(index), None));
        let with_manifests =
            |table: &TaskTable| table.pages.iter().filter(|it| !it.to_bytes().1.is_empty()).count();
        assert_eq!(with_manifests(&table), 0);
        table.succeed(TaskIndex(4_000), Some(BlobId::of(b"x")));
        assert_eq!(table.manifest(TaskIndex(4_000)), Some(BlobId::of(b"x")));
        assert_eq!(table.manifest(TaskIndex(4_001)), None);
        assert_eq!(with_manifests(&table), 1);
    }

    /// However tasks come, in one go or in many, the table is the same.
    #[test]
    fn tables_grow_alike_in_steps_of_any_size() {
        let mut whole = TaskTable::default();
        whole.add(5_000);
        for step in [1, 7, 1_000, 1_023, 1_024, 1_025, 4_096] {
            let mut table = TaskTable::default();
            while table.len() < 5_000 {
                table.add(step.min(5_000 - table.len()));
            }
            assert_eq!(table, whole, "in steps of {step}");
        }
        assert_eq!(whole.state(TaskIndex(4_999)), Some(TaskState::Pending));
        assert_eq!(whole.state(TaskIndex(5_000)), None);
    }

    #[test]
    fn a_copy_shares_every_page_that_did_not_change() {
        let mut table = TaskTable::default();
        table.add(4_000);
        (0..4_000).for_each(|index| table.fail(TaskIndex(index)));
        let copy = table.clone();
        table.reopen(TaskIndex(1_500));
        let shared = |at: usize| Arc::ptr_eq(&table.pages[at], &copy.pages[at]);
        assert_eq!([0, 1, 2, 3].map(shared), [true, false, true, true]);
        assert_eq!(copy.state(TaskIndex(1_500)), Some(TaskState::Failed));
        assert_eq!(table.state(TaskIndex(1_500)), Some(TaskState::Pending));
    }

    #[test]
    fn untouched_tasks_cost_next_to_nothing() {
        let mut table = TaskTable::default();
        table.add(1_000_000);
        let first = &table.pages[0];
        assert!(table.pages[..900].iter().all(|page| Arc::ptr_eq(page, first)));
    }
}
