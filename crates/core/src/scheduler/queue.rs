//! What waits in one phase: ranges never handed out, and single tasks that came back.

use crate::ids::{Round, TaskIndex};
use crate::ledger::{IndexRange, Phase, TaskState};
use std::collections::{BTreeSet, VecDeque};

/// The waiting tasks of one phase.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Tasks of an earlier reign: they may be running somewhere until every worker has reported.
    older: VecDeque<IndexRange>,
    /// Tasks of this reign, not handed out since they were added or their job was opened again.
    fresh: VecDeque<IndexRange>,
    /// Tasks that came back: failed, lost, returned, reopened.
    back: BTreeSet<TaskIndex>,
}

impl Queue {
    /// The queue of a phase after a takeover: whatever is pending may be held by a worker.
    pub(super) fn after_takeover(phase: &Phase) -> Queue {
        let mut queue = Queue::default();
        for index in (0..phase.tasks.len()).map(TaskIndex) {
            if phase.tasks.state(index) == Some(TaskState::Pending) {
                push(&mut queue.older, IndexRange { first: index, count: 1 });
            }
        }
        queue
    }

    pub(super) fn add(&mut self, range: IndexRange) {
        push(&mut self.fresh, range);
    }

    /// The queue of a phase whose job had ended before its tasks, and is open again: what is
    /// pending waits, but for what somebody has `answered` and for what waits already.
    pub(super) fn restore(&mut self, phase: &Phase, answered: &BTreeSet<TaskIndex>) {
        for index in (0..phase.tasks.len()).map(TaskIndex) {
            let is_pending = phase.tasks.state(index) == Some(TaskState::Pending);
            if is_pending && !self.back.contains(&index) && !answered.contains(&index) {
                push(&mut self.fresh, IndexRange { first: index, count: 1 });
            }
        }
    }

    /// Lets a task wait once, as one that came back, wherever it waits now.
    pub(super) fn put_back(&mut self, index: TaskIndex) {
        let _ = take_out(&mut self.older, index) || take_out(&mut self.fresh, index);
        self.back.insert(index);
    }

    /// Takes an older task out, because a worker holds it already; `false` where it is not waiting
    /// as it was when the reign began.
    pub(super) fn adopt(&mut self, index: TaskIndex) -> bool {
        take_out(&mut self.older, index)
    }

    /// How many wait: of an earlier reign, and others.
    pub(super) fn waiting_counts(&self) -> (u32, u32) {
        let sum =
            |ranges: &VecDeque<IndexRange>| ranges.iter().map(|range| range.count).sum::<u32>();
        let back = u32::try_from(self.back.len()).unwrap_or(u32::MAX);
        (sum(&self.older), sum(&self.fresh).saturating_add(back))
    }

    /// Whether a task can be handed out; older ones only when `older_too`.
    pub(super) fn has_next(&self, older_too: bool) -> bool {
        !self.back.is_empty() || !self.fresh.is_empty() || (older_too && !self.older.is_empty())
    }

    /// Takes up to `count_max` consecutive tasks of one round and one chunk.
    pub(super) fn take(
        &mut self,
        phase: &Phase,
        count_max: u32,
        older_too: bool,
    ) -> Option<(IndexRange, Round)> {
        if let Some(index) = self.back.pop_first() {
            return Some((IndexRange { first: index, count: 1 }, phase.tasks.round(index)));
        }
        let ranges =
            if older_too && !self.older.is_empty() { &mut self.older } else { &mut self.fresh };
        let range = ranges.front_mut()?;
        let first = range.first;
        let round = phase.tasks.round(first);
        let chunk_end = phase.chunk_of(first).map_or(u32::MAX, |c| c.first.0 + c.count);
        let mut count = range.count.min(count_max).min(chunk_end - first.0);
        // A reopened task amid tasks of the first round ends the run.
        let same = |offset: &u32| phase.tasks.round(TaskIndex(first.0 + offset)) == round;
        count = (1..count).take_while(same).last().map_or(1, |last| last + 1);
        range.first.0 += count;
        range.count -= count;
        if range.count == 0 {
            ranges.pop_front();
        }
        Some((IndexRange { first, count }, round))
    }
}

/// Takes a task out of ranges; `false` where it is in none.
fn take_out(ranges: &mut VecDeque<IndexRange>, index: TaskIndex) -> bool {
    let holds = |range: &IndexRange| range.first <= index && index.0 < range.first.0 + range.count;
    let Some(position) = ranges.iter().position(holds) else { return false };
    let range = ranges[position];
    let before = index.0 - range.first.0;
    let after = range.count - before - 1;
    ranges.remove(position);
    if after > 0 {
        let first = TaskIndex(index.0 + 1);
        ranges.insert(position, IndexRange { first, count: after });
    }
    if before > 0 {
        ranges.insert(position, IndexRange { first: range.first, count: before });
    }
    true
}

fn push(ranges: &mut VecDeque<IndexRange>, range: IndexRange) {
    match ranges.back_mut() {
        Some(last) if last.first.0 + last.count == range.first.0 => last.count += range.count,
        _ => ranges.push_back(range),
    }
}
