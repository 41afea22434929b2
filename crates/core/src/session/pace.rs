//! How much work a seat asks for: measured by how long its own attempts last.

use crate::limits::{
    SLOT_AHEAD_MS, SLOT_BATCH_MAX, SLOT_BATCH_US, SLOT_CREDIT_MAX, SLOT_CREDIT_MIN,
};
use std::collections::VecDeque;

/// Durations that the credit is measured from.
const DURATION_SAMPLE_COUNT: usize = 32;

/// What a seat's slots are worth.
#[derive(Debug)]
pub(super) struct Pace {
    slots: u32,
    credit: u32,
    durations_us: VecDeque<u64>,
    batch: usize,
}

impl Pace {
    /// Before anything has been measured.
    pub(super) fn new(slots: u32) -> Pace {
        Pace { slots, credit: SLOT_CREDIT_MIN * slots, durations_us: VecDeque::new(), batch: 1 }
    }

    /// Attempts that the master may leave here.
    pub(super) fn credit(&self) -> u32 {
        self.credit
    }

    /// Attempts that a free slot gets at once.
    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    /// Credit of a slot: as many attempts as last about [`SLOT_AHEAD_MS`]. A free slot gets as many
    /// at once as last about [`SLOT_BATCH_US`]. Answers whether the credit has changed.
    pub(super) fn measure(&mut self, duration_us: u64) -> bool {
        if self.durations_us.len() == DURATION_SAMPLE_COUNT {
            self.durations_us.pop_front();
        }
        self.durations_us.push_back(duration_us);
        let mut sorted: Vec<u64> = self.durations_us.iter().copied().collect();
        sorted.sort_unstable();
        let median_us = sorted[sorted.len() / 2].max(1);
        let batch = usize::try_from(SLOT_BATCH_US / median_us).unwrap_or(SLOT_BATCH_MAX);
        self.batch = batch.clamp(1, SLOT_BATCH_MAX);
        let wanted = u32::try_from(SLOT_AHEAD_MS * 1_000 / median_us).unwrap_or(SLOT_CREDIT_MAX);
        let credit = wanted.clamp(SLOT_CREDIT_MIN, SLOT_CREDIT_MAX) * self.slots;
        // A change by less than a third is noise, not news.
        let changed = credit.abs_diff(self.credit) * 3 > self.credit;
        if changed {
            self.credit = credit;
        }
        changed
    }
}
