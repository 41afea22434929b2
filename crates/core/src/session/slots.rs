//! The slots of a seat: what each of them has, and since when.

use super::event::{Assigned, SeatEffect, SlotIndex};
use super::message::{Held, Running};
use crate::time::Tick;
use std::collections::VecDeque;

/// What each slot has; the first attempt of a queue is at work.
#[derive(Debug)]
pub(super) struct Slots {
    queues: Vec<VecDeque<Busy>>,
}

#[derive(Clone, Copy, Debug)]
struct Busy {
    assigned: Assigned,
    since: Tick,
    progress_at: Tick,
    dropped: bool,
}

fn index(position: usize) -> SlotIndex {
    SlotIndex(u32::try_from(position).unwrap_or(u32::MAX))
}

impl Slots {
    pub(super) fn new(count: u32) -> Slots {
        Slots { queues: vec![VecDeque::new(); count as usize] }
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.queues.len()).unwrap_or(u32::MAX)
    }

    /// Whether none has an attempt, not even one that was dropped.
    pub(super) fn are_idle(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// What they have that was not dropped.
    pub(super) fn held(&self) -> impl Iterator<Item = Held> {
        self.queues.iter().flatten().filter(|busy| !busy.dropped).map(|busy| busy.assigned)
    }

    /// What is at work.
    pub(super) fn running(&self, now: Tick) -> Vec<Running> {
        let busy = self.queues.iter().enumerate();
        let busy = busy.filter_map(|(position, queue)| Some((position, *queue.front()?)));
        busy.map(|(position, busy)| Running {
            slot: index(position).0,
            attempt: busy.assigned.attempt,
            task: busy.assigned.task,
            elapsed_ms: now.ms_since(busy.since),
            quiet_ms: now.ms_since(busy.progress_at),
        })
        .collect()
    }

    pub(super) fn on_progress(&mut self, now: Tick, slot: SlotIndex) {
        let queue = self.queues.get_mut(slot.0 as usize);
        if let Some(busy) = queue.and_then(VecDeque::front_mut) {
            busy.progress_at = now;
        }
    }

    /// A slot is done with the attempt at work in it; `None`: that one was dropped.
    pub(super) fn on_done(
        &mut self,
        now: Tick,
        slot: SlotIndex,
        out: &mut Vec<SeatEffect>,
    ) -> Option<Assigned> {
        let queue = self.queues.get_mut(slot.0 as usize)?;
        let busy = queue.pop_front()?;
        if let Some(next) = queue.front_mut() {
            next.since = now;
            next.progress_at = now;
            if next.dropped {
                out.push(SeatEffect::Kill(slot));
            }
        }
        (!busy.dropped).then_some(busy.assigned)
    }

    /// Shares out what waits over the slots that have nothing, `batch` at most to each.
    pub(super) fn fill(
        &mut self,
        now: Tick,
        waiting: &mut VecDeque<Assigned>,
        batch: usize,
        out: &mut Vec<SeatEffect>,
    ) {
        let free_count = self.queues.iter().filter(|queue| queue.is_empty()).count();
        let share = waiting.len().div_ceil(free_count.max(1));
        for (position, queue) in self.queues.iter_mut().enumerate() {
            if !queue.is_empty() {
                continue;
            }
            let count = batch.min(share).min(waiting.len());
            for assigned in waiting.drain(..count) {
                queue.push_back(Busy { assigned, since: now, progress_at: now, dropped: false });
                out.push(SeatEffect::Start { slot: index(position), assigned });
            }
        }
    }

    /// Drops attempts without an answer; those at work are killed.
    pub(super) fn drop_where(
        &mut self,
        unwanted: impl Fn(&Held) -> bool,
        out: &mut Vec<SeatEffect>,
    ) {
        for (position, queue) in self.queues.iter_mut().enumerate() {
            for (place, busy) in queue.iter_mut().enumerate() {
                if busy.dropped || !unwanted(&busy.assigned) {
                    continue;
                }
                busy.dropped = true;
                // One that is not at work yet is killed when its turn comes.
                if place == 0 {
                    out.push(SeatEffect::Kill(index(position)));
                }
            }
        }
    }
}
