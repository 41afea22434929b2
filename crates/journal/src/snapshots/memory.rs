//! Snapshots in memory: for the simulator. Clones share one store.

use super::{Snapshot, SnapshotStoreError};
use crate::engine::Damage;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windlass_core::Seq;
use windlass_core::ledger::Digest;

/// What goes wrong with a snapshot that is put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotFault {
    /// Its writing is cut short: a part of it lies there, and its writer hears of an error.
    Torn,
    /// A bit of it is not what was written, and the disk says nothing.
    Damaged,
}

/// A store in memory; what is put is there at once.
#[derive(Clone, Debug, Default)]
pub struct MemorySnapshots {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Default)]
struct Disk {
    kept: BTreeMap<Seq, Kept>,
    next_put: Option<SnapshotFault>,
}

#[derive(Clone, Debug)]
struct Kept {
    snapshot: Snapshot,
    /// Of the body that was to be written.
    checksum: Digest,
}

impl MemorySnapshots {
    /// An empty store.
    #[must_use]
    pub fn new() -> MemorySnapshots {
        MemorySnapshots::default()
    }

    /// What strikes the next snapshot that is put.
    pub fn set_fault(&self, next_put: Option<SnapshotFault>) {
        self.disk().next_put = next_put;
    }

    /// Damages the snapshot of a record where it lies; `false`: there is none.
    pub fn rot(&self, seq: Seq) -> bool {
        let mut disk = self.disk();
        let kept = disk.kept.get_mut(&seq);
        kept.map(|kept| flip(&mut kept.snapshot.body)).is_some()
    }

    pub(super) fn put(&self, snapshot: &Snapshot) -> Result<(), SnapshotStoreError> {
        let seq = snapshot.head.seq;
        let fault = self.disk().next_put.take();
        let checksum = Digest::of(&snapshot.body);
        let mut kept = Kept { snapshot: snapshot.clone(), checksum };
        match fault {
            Some(SnapshotFault::Torn) => {
                kept.snapshot.body.truncate(snapshot.body.len() / 2);
                // As on a disk, one that is there is replaced by a whole one only.
                self.disk().kept.entry(seq).or_insert(kept);
                let source = io::Error::from(io::ErrorKind::StorageFull);
                return Err(SnapshotStoreError::Io { file: place(), source });
            }
            Some(SnapshotFault::Damaged) => flip(&mut kept.snapshot.body),
            None => {}
        }
        self.disk().kept.insert(seq, kept);
        if self.get(seq).is_ok_and(|there| there == *snapshot) {
            return Ok(());
        }
        self.disk().kept.remove(&seq);
        Err(SnapshotStoreError::ReadBack { file: place() })
    }

    pub(super) fn seqs(&self) -> Vec<Seq> {
        self.disk().kept.keys().rev().copied().collect()
    }

    pub(super) fn get(&self, seq: Seq) -> Result<Snapshot, SnapshotStoreError> {
        let kept = self.disk().kept.get(&seq).cloned().ok_or(SnapshotStoreError::Missing(seq))?;
        if Digest::of(&kept.snapshot.body) != kept.checksum {
            let what = "its checksum is wrong";
            let damage = Damage { file: place(), offset: seq.0, what };
            return Err(SnapshotStoreError::Corrupt(damage));
        }
        Ok(kept.snapshot)
    }

    pub(super) fn remove_before(&self, seq: Seq) -> Result<(), SnapshotStoreError> {
        self.disk().kept.retain(|kept, _| *kept >= seq);
        Ok(())
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bodies are never empty: an encoded state begins with its version.
fn flip(body: &mut [u8]) {
    if let Some(byte) = body.last_mut() {
        *byte ^= 1;
    }
}

fn place() -> PathBuf {
    PathBuf::from("memory")
}
