//! Which blobs go, and when: the decisions of a collection, for whoever holds the blobs.
//!
//! A blob goes in two steps. It moves to the trash when nothing refers to it and nobody has used it
//! for the grace; it is deleted when it has lain there for another grace and a second marking, too,
//! finds nothing that refers to it. Each batch is an entry of the journal before anything moves.

use crate::ledger::{Entry, Ledger, Setting, Sweep};
use crate::limits::{
    CLOCK_JUMP_MS_MAX, COLLECTION_OVERDUE_GRACE_COUNT, COLLECTION_OVERDUE_TURN_MS,
    COLLECTION_TURN_MS,
};
use crate::time::LogTime;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Buckets swept under one entry; a bucket holds the blobs whose names begin with its byte.
const BATCH_BUCKET_COUNT: u16 = 16;
const BUCKET_COUNT: u16 = 256;
const HOUR_MS: u64 = 3_600_000;

/// A collection in progress: the roots are marked once, then batch after batch is recorded and
/// swept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
    marked_at: LogTime,
    empties_trash: bool,
    next_bucket: u16,
}

/// What may be swept; exists only once its entry is durable and applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SweepBatch {
    buckets: RangeInclusive<u8>,
    older_than: LogTime,
    empties_trash: bool,
}

/// What becomes of a blob in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stored {
    /// It stays.
    Keep,
    /// It moves to the trash.
    Trash,
}

/// What becomes of a blob in the trash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trashed {
    /// It stays there.
    Keep,
    /// Something refers to it after all: it goes back.
    Restore,
    /// It goes for good.
    Delete,
}

impl Collection {
    /// Begins at the moment before the roots are marked. With `empties_trash` the trash is not kept
    /// for another grace.
    #[must_use]
    pub fn begin(marked_at: LogTime, empties_trash: bool) -> Collection {
        Collection { marked_at, empties_trash, next_bucket: 0 }
    }

    /// Whether it is time: a grace has passed since the last one. Sooner there is nothing to find,
    /// since nothing younger than the grace goes.
    #[must_use]
    pub fn is_due(ledger: &Ledger, now: LogTime) -> bool {
        let grace_ms = ledger.settings.get(Setting::BlobGraceHours) * HOUR_MS;
        now.0 >= ledger.swept_at.0.saturating_add(grace_ms)
    }

    /// For how many milliseconds a process that has done its work may stay for a collection: not
    /// at all where none is due, hardly longer than anybody notices where one is. A state so large
    /// that none of these turns was enough for a long time gets a long one: else it would grow for
    /// ever.
    #[must_use]
    pub fn turn_ms(ledger: &Ledger, now: LogTime) -> u64 {
        let grace_ms = ledger.settings.get(Setting::BlobGraceHours) * HOUR_MS;
        let overdue_ms = grace_ms.saturating_mul(COLLECTION_OVERDUE_GRACE_COUNT);
        if !Collection::is_due(ledger, now) {
            0
        } else if now.0 < ledger.swept_at.0.saturating_add(overdue_ms) {
            COLLECTION_TURN_MS
        } else {
            COLLECTION_OVERDUE_TURN_MS
        }
    }

    /// The entry to record next; `None` after the last batch.
    pub fn next_entry(&mut self) -> Option<Entry> {
        if self.next_bucket >= BUCKET_COUNT {
            return None;
        }
        let first = self.next_bucket;
        let last = (first + BATCH_BUCKET_COUNT).min(BUCKET_COUNT) - 1;
        self.next_bucket = last + 1;
        let byte = |bucket: u16| u8::try_from(bucket).expect("there are 256 buckets");
        Some(Entry::SweepBegun(Sweep {
            marked_at: self.marked_at,
            first: byte(first),
            last: byte(last),
            empties_trash: self.empties_trash,
        }))
    }
}

impl SweepBatch {
    /// Nothing that was used within the grace before the marking goes: it may be on its way into
    /// an entry. What an entry names after the marking was stored, or renewed, within the grace
    /// before.
    pub(crate) fn of(sweep: &Sweep, grace_hours: u64) -> SweepBatch {
        let grace_ms = grace_hours.saturating_mul(HOUR_MS);
        SweepBatch {
            buckets: sweep.first..=sweep.last,
            older_than: LogTime(sweep.marked_at.0.saturating_sub(grace_ms)),
            empties_trash: sweep.empties_trash,
        }
    }

    /// The first bytes of the blobs that it is about.
    #[must_use]
    pub fn buckets(&self) -> RangeInclusive<u8> {
        self.buckets.clone()
    }

    /// Decides about a blob in the store that was last put or found at `used_at`; `is_named`: a
    /// root leads to it.
    #[must_use]
    pub fn stored(&self, used_at: LogTime, is_named: bool) -> Stored {
        if is_named || used_at >= self.older_than { Stored::Keep } else { Stored::Trash }
    }

    /// Decides about a blob in the trash since `trashed_at`.
    #[must_use]
    pub fn trashed(&self, trashed_at: LogTime, is_named: bool) -> Trashed {
        if is_named {
            Trashed::Restore
        } else if self.empties_trash || trashed_at < self.older_than {
            Trashed::Delete
        } else {
            Trashed::Keep
        }
    }
}

/// The last second whose memo goes: everything used in it or before. `used` has the bytes of the
/// results last used in each second; `None`: all fit.
#[must_use]
pub fn memo_goes_until(used: &BTreeMap<u64, u64>, bytes_max: u64) -> Option<u64> {
    let mut kept_bytes = 0_u64;
    used.iter().rev().find_map(|(second, bytes)| {
        kept_bytes = kept_bytes.saturating_add(*bytes);
        (kept_bytes > bytes_max).then_some(*second)
    })
}

/// Whether ages of files can be believed: the wall clock has not run ahead of the monotonic one
/// since both were read before.
#[must_use]
pub fn is_clock_believed(wall_elapsed_ms: u64, tick_elapsed_ms: u64) -> bool {
    wall_elapsed_ms <= tick_elapsed_ms.saturating_add(CLOCK_JUMP_MS_MAX)
}

/// Blobs and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
}

impl Amount {
    /// One more, of so many bytes.
    pub fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: LogTime = LogTime(100 * HOUR_MS);

    fn batch(empties_trash: bool) -> SweepBatch {
        let mut collection = Collection::begin(NOW, empties_trash);
        let Some(Entry::SweepBegun(sweep)) = collection.next_entry() else { panic!("a batch") };
        SweepBatch::of(&sweep, 24)
    }

    #[test]
    fn the_batches_cover_every_bucket_once() {
        let mut collection = Collection::begin(NOW, false);
        let mut buckets = Vec::new();
        while let Some(Entry::SweepBegun(sweep)) = collection.next_entry() {
            buckets.extend(sweep.first..=sweep.last);
        }
        assert_eq!(buckets, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn only_what_nothing_refers_to_and_nobody_uses_moves() {
        let old = LogTime(76 * HOUR_MS - 1);
        let fresh = LogTime(76 * HOUR_MS);
        assert_eq!(batch(false).stored(old, false), Stored::Trash);
        assert_eq!(batch(false).stored(old, true), Stored::Keep);
        assert_eq!(batch(false).stored(fresh, false), Stored::Keep);
        assert_eq!(batch(true).stored(fresh, false), Stored::Keep, "the grace holds in any case");
    }

    #[test]
    fn the_trash_keeps_for_a_grace_and_gives_back_what_is_named() {
        let old = LogTime(76 * HOUR_MS - 1);
        assert_eq!(batch(false).trashed(old, false), Trashed::Delete);
        assert_eq!(batch(false).trashed(NOW, false), Trashed::Keep);
        assert_eq!(batch(true).trashed(NOW, false), Trashed::Delete);
        assert_eq!(batch(true).trashed(old, true), Trashed::Restore);
    }

    #[test]
    fn a_collection_is_due_a_grace_after_the_last() {
        let mut ledger = Ledger::default();
        ledger.swept_at = NOW;
        assert!(!Collection::is_due(&ledger, LogTime(124 * HOUR_MS - 1)));
        assert!(Collection::is_due(&ledger, LogTime(124 * HOUR_MS)));
        let turn = |hours: u64| Collection::turn_ms(&ledger, LogTime(hours * HOUR_MS));
        assert_eq!([123, 124, 267, 268].map(turn), [0, 500, 500, 30_000]);
    }

    #[test]
    fn the_memo_loses_what_was_not_used_for_longest() {
        let used = BTreeMap::from([(10, 5), (20, 5), (30, 5)]);
        assert_eq!(memo_goes_until(&used, 15), None);
        assert_eq!(memo_goes_until(&used, 14), Some(10));
        assert_eq!(memo_goes_until(&used, 9), Some(20));
        assert_eq!(memo_goes_until(&used, 0), Some(30));
        assert_eq!(memo_goes_until(&BTreeMap::new(), 0), None);
    }

    #[test]
    fn a_clock_that_jumped_ahead_is_not_believed() {
        assert!(is_clock_believed(5_000, 4_900));
        assert!(!is_clock_believed(24 * HOUR_MS, 4_900));
    }
}
