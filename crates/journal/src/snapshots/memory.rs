//! Snapshots in memory: for the simulator. Clones share one store.

use super::{Snapshot, SnapshotStoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windlass_core::Seq;

/// A store in memory; what is put is there at once.
#[derive(Clone, Debug, Default)]
pub struct MemorySnapshots {
    kept: Arc<Mutex<BTreeMap<Seq, Snapshot>>>,
}

impl MemorySnapshots {
    /// An empty store.
    #[must_use]
    pub fn new() -> MemorySnapshots {
        MemorySnapshots::default()
    }

    pub(super) fn put(&self, snapshot: &Snapshot) -> Result<(), SnapshotStoreError> {
        self.kept().insert(snapshot.head.seq, snapshot.clone());
        Ok(())
    }

    pub(super) fn seqs(&self) -> Vec<Seq> {
        self.kept().keys().rev().copied().collect()
    }

    pub(super) fn get(&self, seq: Seq) -> Result<Snapshot, SnapshotStoreError> {
        self.kept().get(&seq).cloned().ok_or(SnapshotStoreError::Missing(seq))
    }

    pub(super) fn remove_before(&self, seq: Seq) -> Result<(), SnapshotStoreError> {
        self.kept().retain(|kept, _| *kept >= seq);
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Seq, Snapshot>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
