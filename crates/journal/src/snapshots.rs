//! Where snapshots are kept: beside the log, checksummed, there as a whole or not at all.
//!
//! What is in a snapshot is not known here; which records it stands for is.

mod file;
mod memory;

pub use file::FileSnapshots;
pub use memory::{MemorySnapshots, SnapshotFault};

use crate::engine::{Damage, Head};
use std::io;
use std::path::PathBuf;
use windlass_core::Seq;

/// A state, and the record behind which it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The last record in it.
    pub head: Head,
    /// The encoded state.
    pub body: Vec<u8>,
}

/// A snapshot that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotStoreError {
    /// Stored bytes are not what was written.
    #[error("read a snapshot: {0}")]
    Corrupt(#[source] Damage),
    /// A file is in a format that this program does not know.
    #[error("read {}: its format is {found}, this program knows {known}", file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// There is no snapshot of this record.
    #[error("read a snapshot of record {0}: there is none")]
    Missing(Seq),
    /// What was read back is not what was written.
    #[error("write {}: it reads back differently", file.display())]
    ReadBack {
        /// The file; it is removed.
        file: PathBuf,
    },
    /// The system could not.
    #[error("use {}: {source}", file.display())]
    Io {
        /// The file or directory.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A store of snapshots; clones use the same one.
#[derive(Clone, Debug)]
pub enum Snapshots {
    /// In this process: for the simulator.
    Memory(MemorySnapshots),
    /// In a directory of this machine.
    File(FileSnapshots),
}

impl Snapshots {
    /// Stores a snapshot and reads it back: when this returns it is durable and sound. One of the
    /// same record is replaced.
    ///
    /// # Errors
    /// It is not there then, unless it was before.
    pub fn put(&self, snapshot: &Snapshot) -> Result<(), SnapshotStoreError> {
        match self {
            Snapshots::Memory(store) => store.put(snapshot),
            Snapshots::File(store) => store.put(snapshot),
        }
    }

    /// The records that there are snapshots of, newest first.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn seqs(&self) -> Result<Vec<Seq>, SnapshotStoreError> {
        match self {
            Snapshots::Memory(store) => Ok(store.seqs()),
            Snapshots::File(store) => store.seqs(),
        }
    }

    /// The snapshot of a record.
    ///
    /// # Errors
    /// It is damaged, of another version, or missing.
    pub fn get(&self, seq: Seq) -> Result<Snapshot, SnapshotStoreError> {
        match self {
            Snapshots::Memory(store) => store.get(seq),
            Snapshots::File(store) => store.get(seq),
        }
    }

    /// Removes the snapshots of records before `seq`.
    ///
    /// # Errors
    /// What could not be removed stays; nothing else is wrong.
    pub fn remove_before(&self, seq: Seq) -> Result<(), SnapshotStoreError> {
        match self {
            Snapshots::Memory(store) => store.remove_before(seq),
            Snapshots::File(store) => store.remove_before(seq),
        }
    }
}
