//! Where an engine keeps its log, and records to fill it with.

use std::path::Path;
use windlass_core::{Epoch, Seq};
use windlass_journal::{
    Engine, FileLog, FileSnapshots, Memory, MemorySnapshots, Record, Snapshots, StateLock,
};

/// A place where an engine keeps its log: opening it again is a restart.
pub(super) enum Place {
    Memory(Memory, MemorySnapshots),
    File(tempfile::TempDir),
}

impl Place {
    pub(super) fn open(&self) -> Engine {
        match self {
            Place::Memory(log, _) => {
                log.crash();
                Engine::Memory(log.clone())
            }
            Place::File(dir) => Engine::File(open_file(dir.path())),
        }
    }

    pub(super) fn snapshots(&self) -> Snapshots {
        match self {
            Place::Memory(_, snapshots) => Snapshots::Memory(snapshots.clone()),
            Place::File(dir) => {
                let lock = StateLock::acquire(dir.path()).unwrap();
                Snapshots::File(FileSnapshots::open(&lock).unwrap())
            }
        }
    }
}

pub(super) fn open_file(dir: &Path) -> FileLog {
    FileLog::open(&StateLock::acquire(dir).unwrap()).unwrap()
}

/// Appends records of one epoch, with their numbers as ids and bodies.
pub(super) fn grow(log: &mut Engine, epoch: u32, count: u64) -> Vec<Record> {
    (0..count).map(|_| push(log, epoch, &[])).collect()
}

pub(super) fn push(log: &mut Engine, epoch: u32, body: &[u8]) -> Record {
    let head = log.head().unwrap();
    let seq = head.seq.next();
    let body = [&seq.0.to_le_bytes(), body].concat();
    let record = head.record(Epoch(epoch), u128::from(seq.0) << 64 | 1, body);
    assert_eq!(log.append(&record).unwrap(), seq);
    record
}

pub(super) fn read(log: &mut Engine, from: u64) -> Vec<Record> {
    log.tail(Seq(from)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Enough for three segments of the file engine; answers every record.
pub(super) fn grow_large(log: &mut Engine) -> Vec<Record> {
    (0..16).map(|_| push(log, 1, &[7; 200_000])).collect()
}
