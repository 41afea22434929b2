//! What every engine promises, and the one enum through which the host uses them.
//!
//! An acknowledged append is as durable as [`Engine::durability`] says and visible to every later
//! `head` and `tail`. The rule of acceptance lives here, so that no engine has its own.

use crate::file::{FileLog, FileTail};
use crate::memory::{Memory, MemoryTail};
use crate::record::Record;
use std::io;
use std::path::PathBuf;
use windlass_core::limits::RECORD_BYTES_MAX;
use windlass_core::{Epoch, Seq};

/// What an acknowledged record survives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Durability {
    /// Nothing but a restart inside the same process.
    Process,
    /// The loss of power of this machine, not the loss of its disk.
    Disk,
}

/// The end of a log: what the next record must follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// The last record's position; 0 in an empty log.
    pub seq: Seq,
    /// The last record's epoch; 0 in an empty log.
    pub epoch: Epoch,
    /// The last record's hash; 0 in an empty log.
    pub hash: u64,
}

impl Head {
    /// The head once this record is the last one.
    #[must_use]
    pub fn of(record: &Record) -> Head {
        Head { seq: record.seq, epoch: record.epoch, hash: record.hash() }
    }

    /// A record that follows this head.
    #[must_use]
    pub fn record(&self, epoch: Epoch, id: u128, body: Vec<u8>) -> Record {
        Record { seq: self.seq.next(), epoch, id, prev_hash: self.hash, body }
    }

    /// Whether an append is accepted: the next position, this reign or the one after it, this
    /// chain.
    ///
    /// # Errors
    /// `Fenced`, `TooLarge` or `Diverged`; none of them changes the log.
    pub(crate) fn admit(&self, record: &Record) -> Result<(), AppendError> {
        if record.body.len() > RECORD_BYTES_MAX {
            return Err(AppendError::TooLarge { max: RECORD_BYTES_MAX });
        }
        if record.seq != self.seq.next() || !self.epoch_follows(record.epoch) {
            return Err(AppendError::Fenced { head: self.seq });
        }
        if record.prev_hash != self.hash {
            return Err(AppendError::Diverged { seq: record.seq });
        }
        Ok(())
    }

    /// Whether a stored record continues the chain; `place` says where it lies.
    pub(crate) fn check(
        &self,
        record: &Record,
        place: impl FnOnce() -> (PathBuf, u64),
    ) -> Result<(), TailError> {
        if record.seq != self.seq.next() {
            return Err(TailError::Gap { expected: self.seq.next(), found: record.seq });
        }
        if record.prev_hash != self.hash {
            return Err(TailError::HashMismatch { seq: record.seq });
        }
        if !self.epoch_follows(record.epoch) {
            let (file, offset) = place();
            let what = "its epoch does not follow the one before";
            return Err(TailError::Corrupt(Damage { file, offset, what }));
        }
        Ok(())
    }

    fn epoch_follows(&self, epoch: Epoch) -> bool {
        epoch == self.epoch || Some(epoch.0) == self.epoch.0.checked_add(1)
    }
}

/// Where stored bytes are not what was written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}, byte {offset}: {what}", file.display())]
pub struct Damage {
    /// The damaged file; `memory` for an engine without files.
    pub file: PathBuf,
    /// Where the damaged part begins: a byte of the file, or a position in memory.
    pub offset: u64,
    /// How the damage shows.
    pub what: &'static str,
}

/// Why a record was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The record does not follow the head: somebody else wrote, or this is a repeat of a record
    /// that lies in the log already ([`Engine::record_at`] tells which).
    #[error("append a record that does not follow the log's head {head}")]
    Fenced {
        /// The log's head.
        head: Seq,
    },
    /// The record may or may not be in the log: append the identical one again.
    #[error("learn whether the record was appended: {0}")]
    Unknown(#[source] io::Error),
    /// The record is not in the log; the same append may succeed later (a full disk).
    #[error("append to the log until the disk has room: {0}")]
    Unavailable(#[source] io::Error),
    /// The body is over the limit.
    #[error("append a record of more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The position fits but the hash of the record before differs: this writer read another log.
    #[error("append record {seq}: its writer saw another record before it")]
    Diverged {
        /// The record's position.
        seq: Seq,
    },
    /// The log is damaged.
    #[error("append to a damaged log: {0}")]
    Corrupt(#[source] Damage),
    /// The disk did not take the record, and nobody can say what it holds now.
    #[error("write {}: {source}", file.display())]
    Io {
        /// The file that was written.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl AppendError {
    /// Whether the process must end: what the disk holds can only be learnt by opening the log
    /// anew.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Diverged { .. } | Self::Corrupt(_) | Self::Io { .. })
    }
}

/// Why old records were not removed; they stay, nothing else is wrong.
#[derive(Debug, thiserror::Error)]
pub enum TrimError {
    /// Another reign has begun.
    #[error("trim the log: another master has claimed it; its head is {head}")]
    Fenced {
        /// The log's head.
        head: Seq,
    },
    /// The system could not.
    #[error("remove {}: {source}", file.display())]
    Io {
        /// The file that was to go.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What room a record may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// What the disk has, less the reserve.
    Ordinary,
    /// The reserve too: the record lets room be made.
    Reserve,
}

/// Why the log cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The records before `first` are no longer there.
    #[error("read records before {first}: they are trimmed")]
    Trimmed {
        /// The oldest record.
        first: Seq,
    },
    /// Records are missing.
    #[error("read record {expected}: the log goes on with {found}")]
    Gap {
        /// The record that should come.
        expected: Seq,
        /// The one that is there instead.
        found: Seq,
    },
    /// A record was lost, replaced or written by somebody who saw another log.
    #[error("read record {seq}: it does not follow the record before it")]
    HashMismatch {
        /// The record whose `prev_hash` is wrong.
        seq: Seq,
    },
    /// Stored bytes are not what was written.
    #[error("read the log: {0}")]
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
    /// The system could not read.
    #[error("read {}: {source}", file.display())]
    Io {
        /// The file that was read.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A log in one of the engines.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a process has one of them")]
pub enum Engine {
    /// In this process: for the simulator.
    Memory(Memory),
    /// In a directory of this machine.
    File(FileLog),
}

impl Engine {
    /// What an acknowledged record survives.
    #[must_use]
    pub fn durability(&self) -> Durability {
        match self {
            Engine::Memory(_) => Durability::Process,
            Engine::File(_) => Durability::Disk,
        }
    }

    /// The end of the log: everything acknowledged, nothing else.
    ///
    /// # Errors
    /// `Io` after a write whose fate is unknown.
    pub fn head(&mut self) -> Result<Head, TailError> {
        match self {
            Engine::Memory(log) => Ok(log.head()),
            Engine::File(log) => log.head(),
        }
    }

    /// Appends a record and answers once it is durable.
    ///
    /// # Errors
    /// See [`AppendError`]; one for which [`AppendError::is_fatal`] holds ends the process.
    pub fn append(&mut self, record: &Record) -> Result<Seq, AppendError> {
        self.append_in(record, Room::Ordinary)
    }

    /// As [`Engine::append`]; says what room the record may take.
    ///
    /// # Errors
    /// As [`Engine::append`].
    pub fn append_in(&mut self, record: &Record, room: Room) -> Result<Seq, AppendError> {
        match self {
            Engine::Memory(log) => log.append(record),
            Engine::File(log) => log.append(record, room),
        }
    }

    /// The oldest record's position, or where the first one will be.
    #[must_use]
    pub fn first(&self) -> Seq {
        match self {
            Engine::Memory(log) => log.first(),
            Engine::File(log) => log.first(),
        }
    }

    /// Removes records up to `upto`, as far as whole files of them can go; the head stays.
    ///
    /// # Errors
    /// `Fenced` unless `epoch` is the head's: only the writer of this reign trims.
    pub fn trim(&mut self, upto: Seq, epoch: Epoch) -> Result<(), TrimError> {
        match self {
            Engine::Memory(log) => log.trim(upto, epoch),
            Engine::File(log) => log.trim(upto, epoch),
        }
    }

    /// The records from `from` to the head as it is now, in order and without gaps.
    ///
    /// # Errors
    /// `Trimmed` or `Gap` if the log does not hold `from` and its end is not just before it.
    pub fn tail(&mut self, from: Seq) -> Result<Tail, TailError> {
        match self {
            Engine::Memory(log) => log.tail(from).map(|tail| Tail(Source::Memory(tail))),
            Engine::File(log) => log.tail(from).map(|tail| Tail(Source::File(tail))),
        }
    }

    /// The record at a position, `None` beyond the head: by its id a writer knows its own again.
    ///
    /// # Errors
    /// As [`Engine::tail`].
    pub fn record_at(&mut self, seq: Seq) -> Result<Option<Record>, TailError> {
        if seq > self.head()?.seq {
            return Ok(None);
        }
        self.tail(seq)?.next().transpose()
    }
}

/// The records of a log from one position to the head at the time of opening; ends after an error.
#[derive(Debug)]
pub struct Tail(Source);

#[derive(Debug)]
enum Source {
    Memory(MemoryTail),
    File(FileTail),
}

impl Iterator for Tail {
    type Item = Result<Record, TailError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Memory(tail) => tail.next(),
            Source::File(tail) => tail.next(),
        }
    }
}
