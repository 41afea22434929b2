//! What the operator of a cluster changes, beside jobs.

use crate::collection::Amount;
use crate::ids::WorkerName;
use std::fmt;

/// A change that an operator makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// The worker finishes what it holds and gets nothing new, its later starts too.
    DrainWorker(WorkerName),
    /// It gets work again.
    ResumeWorker(WorkerName),
    /// It is forgotten; refused while it is connected.
    ForgetWorker(WorkerName),
    /// Limits by name, with their new values: all of them, or none.
    Change(Vec<(String, u64)>),
    /// The wall clock of the master's machine is right, although it has jumped.
    ConfirmClock,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::DrainWorker(name) => write!(f, "drain worker {name}"),
            Act::ResumeWorker(name) => write!(f, "resume worker {name}"),
            Act::ForgetWorker(name) => write!(f, "forget worker {name}"),
            Act::Change(_) => f.write_str("change limits"),
            Act::ConfirmClock => f.write_str("confirm the clock"),
        }
    }
}

/// What went and what stayed when a state was made as small as its limits allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compacted {
    /// Jobs that were forgotten.
    pub job_count: u64,
    /// Earlier results that are no longer known.
    pub memo_count: u64,
    /// Blobs that stayed.
    pub kept: Amount,
    /// Blobs that moved to the trash.
    pub trashed: Amount,
    /// Blobs that are gone.
    pub deleted: Amount,
}
