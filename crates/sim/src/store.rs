//! The blobs of the simulated cluster: what no crash takes, and what collections take.

use std::collections::{BTreeMap, BTreeSet};
use windlass_core::collection::{Stored, SweepBatch};
use windlass_core::ledger::{Ledger, RootCursor};
use windlass_core::{BlobId, LogTime, Tick};

/// So many milliseconds of a blob's age does each millisecond of a run count: the grace of 24 hours
/// is over after 30 seconds, which is longer than anybody keeps a result to himself here.
const AGE_SCALE: u64 = 24 * 3_600 / 30;

/// All durable blobs. What a sweep moves is gone at once: nobody needs the trash to be right.
#[derive(Debug, Default)]
pub(crate) struct Store {
    stored_at: BTreeMap<BlobId, Tick>,
    markings: BTreeMap<LogTime, Marking>,
}

#[derive(Debug, Default)]
struct Marking {
    at: Tick,
    named: BTreeSet<BlobId>,
}

impl Store {
    pub(crate) fn contains(&self, id: BlobId) -> bool {
        self.stored_at.contains_key(&id)
    }

    pub(crate) fn put(&mut self, id: BlobId, now: Tick) {
        self.stored_at.insert(id, now);
    }

    /// Notes what a master's ledger refers to.
    pub(crate) fn mark(&mut self, ledger: &Ledger, marked_at: LogTime, now: Tick) {
        let marking = self.markings.entry(marked_at).or_default();
        marking.at = now;
        let mut cursor = Some(RootCursor::default());
        while let Some(from) = cursor {
            let page = ledger.roots(from);
            marking.named.extend(page.blobs);
            marking.named.extend(page.manifests);
            cursor = page.next;
        }
    }

    /// A sweep after that marking is in the log.
    pub(crate) fn sweep(&mut self, marked_at: LogTime, batch: &SweepBatch) {
        let Some(marking) = self.markings.get(&marked_at) else { return };
        self.stored_at.retain(|id, stored_at| {
            let age_ms = marking.at.0.saturating_sub(stored_at.0) / 1_000 * AGE_SCALE;
            let used_at = LogTime(marked_at.0.saturating_sub(age_ms));
            batch.stored(used_at, marking.named.contains(id)) == Stored::Keep
        });
    }
}
