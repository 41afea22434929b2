//! The engine in memory: the rules without the disk, and the faults that a test asks for.
//!
//! Clones share one log, so that a simulated master finds it again after its crash. As on a disk, a
//! record is first written and then synced; [`Memory::crash`] loses what was not synced.

use crate::engine::{AppendError, Head, TailError, TrimError};
use crate::record::Record;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windlass_core::{Epoch, Seq};

/// What goes wrong with an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The record is durable, its writer hears `Unknown`.
    UnknownApplied,
    /// The record is lost, its writer hears `Unknown`.
    UnknownLost,
    /// The record is refused: `Unavailable`.
    Unavailable,
}

/// The faults that wait for their moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// Strikes the next append that would be accepted.
    pub next_append: Option<Fault>,
}

/// A log in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Default)]
struct Disk {
    /// Record `n` lies at `n - 1 - trimmed_count`.
    records: VecDeque<Record>,
    /// How many of them survive a crash.
    synced_count: usize,
    /// Records that were removed from the front.
    trimmed_count: usize,
    /// The last of those.
    base: Head,
    faults: Faults,
}

impl Memory {
    /// An empty log.
    #[must_use]
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Sets the faults to come.
    pub fn set_faults(&self, faults: Faults) {
        self.disk().faults = faults;
    }

    /// Loses every record that is not synced, and the faults that have not struck.
    pub fn crash(&self) {
        let mut disk = self.disk();
        let synced_count = disk.synced_count;
        disk.records.truncate(synced_count);
        disk.faults = Faults::default();
    }

    pub(crate) fn head(&self) -> Head {
        self.disk().head()
    }

    pub(crate) fn append(&self, record: &Record) -> Result<Seq, AppendError> {
        let mut disk = self.disk();
        disk.head().admit(record)?;
        let fault = disk.faults.next_append.take();
        match fault {
            Some(Fault::Unavailable) => return Err(AppendError::Unavailable(full())),
            Some(Fault::UnknownLost) => return Err(AppendError::Unknown(silent())),
            Some(Fault::UnknownApplied) | None => {}
        }
        disk.write(record);
        disk.sync();
        if fault.is_some() { Err(AppendError::Unknown(silent())) } else { Ok(record.seq) }
    }

    pub(crate) fn tail(&self, from: Seq) -> Result<MemoryTail, TailError> {
        let next = from.max(Seq(1));
        let disk = self.disk();
        let until = disk.head().seq;
        if next > until.next() {
            return Err(TailError::Gap { expected: until.next(), found: next });
        }
        let first = disk.first();
        if next < first {
            return Err(TailError::Trimmed { first });
        }
        let before = disk.at(Seq(next.0 - 1)).map_or(disk.base, Head::of);
        drop(disk);
        Ok(MemoryTail { log: self.clone(), before, until })
    }

    pub(crate) fn first(&self) -> Seq {
        self.disk().first()
    }

    pub(crate) fn trim(&self, upto: Seq, epoch: Epoch) -> Result<(), TrimError> {
        let mut disk = self.disk();
        let head = disk.head();
        if epoch != head.epoch {
            return Err(TrimError::Fenced { head: head.seq });
        }
        // The last record stays, as the file engine's segment in use does.
        let upto = upto.min(Seq(head.seq.0.saturating_sub(1)));
        while disk.first() <= upto && disk.synced_count > 0 {
            let Some(oldest) = disk.records.pop_front() else { break };
            disk.base = Head::of(&oldest);
            disk.trimmed_count += 1;
            disk.synced_count -= 1;
        }
        Ok(())
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn head(&self) -> Head {
        self.records.back().map_or(self.base, Head::of)
    }

    fn first(&self) -> Seq {
        Seq(self.trimmed_count as u64 + 1)
    }

    fn at(&self, seq: Seq) -> Option<&Record> {
        let index = usize::try_from(seq.0.checked_sub(1)?).ok()?;
        self.records.get(index.checked_sub(self.trimmed_count)?)
    }

    fn write(&mut self, record: &Record) {
        self.records.push_back(record.clone());
    }

    fn sync(&mut self) {
        self.synced_count = self.records.len();
    }
}

/// The records of a log in memory up to the head at the time of opening.
#[derive(Debug)]
pub(crate) struct MemoryTail {
    log: Memory,
    before: Head,
    until: Seq,
}

impl Iterator for MemoryTail {
    type Item = Result<Record, TailError>;

    fn next(&mut self) -> Option<Self::Item> {
        let seq = self.before.seq.next();
        if seq > self.until {
            return None;
        }
        let record = self.log.disk().at(seq).cloned();
        let checked = match record {
            Some(record) => {
                let place = || (PathBuf::from("memory"), seq.0);
                self.before.check(&record, place).map(|()| record)
            }
            // The log crashed under its reader and is shorter now.
            None => Err(TailError::Gap { expected: seq, found: self.log.head().seq }),
        };
        match &checked {
            Ok(record) => self.before = Head::of(record),
            Err(_) => self.until = Seq(0),
        }
        Some(checked)
    }
}

fn full() -> io::Error {
    io::Error::from(io::ErrorKind::StorageFull)
}

fn silent() -> io::Error {
    io::Error::from(io::ErrorKind::TimedOut)
}
