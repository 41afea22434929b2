//! Names of things: newtype ids, so that no two bare integers stand side by side.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[derive(Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Position of a record in the journal; dense, the first is 1, 0 is "none yet".
    Seq(u64)
);
number!(
    /// Number of a primary's reign; 0 before the first claim.
    Epoch(u32)
);
number!(
    /// A job of the cluster, numbered from 1 in order of submission.
    JobId(u64)
);
number!(
    /// Position of a phase in its job.
    PhaseIndex(u16)
);
number!(
    /// Position of a task in its phase.
    TaskIndex(u32)
);
number!(
    /// How often a task was opened: 0 at first, one more at every reopening.
    Round(u16)
);
number!(
    /// One start of a worker process; the newest of a name wins.
    Incarnation(u64)
);
number!(
    /// A client's name for a submission; a repeat gets the same job.
    RequestId(u128)
);

impl Incarnation {
    /// No start at all: of a worker that left while it was drained, the drain alone is kept. No
    /// worker introduces itself with it.
    pub const NONE: Incarnation = Incarnation(u64::MAX);
}

number!(
    /// A load of a record set; that of a replaced or dropped set is not used again.
    LoadId(u64)
);
number!(
    /// Position of a shard in its record set, in the order of the ranges.
    ShardIndex(u16)
);
number!(
    /// One question to one instance, unique in a reign.
    TicketId(u64)
);

impl Seq {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

/// A phase of the cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PhaseId {
    /// The job it belongs to.
    pub job: JobId,
    /// Its position there.
    pub phase: PhaseIndex,
}

/// A task of the cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TaskId {
    /// The job it belongs to.
    pub job: JobId,
    /// The phase in that job.
    pub phase: PhaseIndex,
    /// Its position in that phase.
    pub index: TaskIndex,
}

impl TaskId {
    /// The phase this task belongs to.
    #[must_use]
    pub fn phase_id(self) -> PhaseId {
        PhaseId { job: self.job, phase: self.phase }
    }
}

impl PhaseId {
    /// The task at a position of this phase.
    #[must_use]
    pub fn task(self, index: TaskIndex) -> TaskId {
        TaskId { job: self.job, phase: self.phase, index }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.job, self.phase, self.index)
    }
}

/// One try of a task: unique for ever, because an epoch is never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct AttemptId {
    /// The reign that issued it.
    pub epoch: Epoch,
    /// Its number in that reign.
    pub counter: u64,
}

/// One try of a call: a call that is handed out again has a new one, so that what comes late of an
/// earlier try is no answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallId {
    /// The reign that issued it.
    pub epoch: Epoch,
    /// Its number in that reign.
    pub counter: u64,
}

/// A worker's name, chosen by whoever starts it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct WorkerName(pub String);

/// Characters of a worker's name.
const WORKER_NAME_CHAR_COUNT_MAX: usize = 64;

/// Text that is no worker's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a worker's name is 1 to 64 of A-Z a-z 0-9 . _ -")]
pub struct BadWorkerName;

impl fmt::Display for WorkerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for WorkerName {
    type Err = BadWorkerName;

    fn from_str(text: &str) -> Result<WorkerName, BadWorkerName> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let has_length = (1..=WORKER_NAME_CHAR_COUNT_MAX).contains(&text.len());
        match has_length && text.chars().all(is_plain) {
            true => Ok(WorkerName(text.to_owned())),
            false => Err(BadWorkerName),
        }
    }
}

/// The BLAKE3 hash that names a blob.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobId(pub [u8; 32]);

impl BlobId {
    /// The name of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> BlobId {
        BlobId(*blake3::hash(bytes).as_bytes())
    }

    /// 64 lowercase hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = String::with_capacity(64);
        for byte in self.0 {
            hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
            hex.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        hex
    }

    /// The reverse of [`BlobId::to_hex`]; `None` for anything else.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<BlobId> {
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut id = [0_u8; 32];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        Some(BlobId(id))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({}…)", &self.to_hex()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips() {
        let id = BlobId::of(b"windlass");
        assert_eq!(BlobId::from_hex(&id.to_hex()), Some(id));
        assert_eq!(BlobId::from_hex("zz"), None);
        assert_eq!(BlobId::from_hex(&"g".repeat(64)), None);
    }
}
