//! Why the master cannot do what it was asked.

use thiserror::Error;
use windlass_core::ledger::{CodecError, Refusal};
use windlass_core::{Epoch, Seq};

/// A master that cannot start, go on, or do what it was asked.
#[derive(Clone, Debug, Error)]
pub enum MasterError {
    /// The journal cannot be read.
    #[error("read the journal: {0}")]
    Journal(String),
    /// A record that this version cannot read.
    #[error("read record {seq} of the journal: {error}")]
    Entry {
        /// The record.
        seq: Seq,
        /// What is wrong with it.
        error: CodecError,
    },
    /// A record of an earlier reign after a later one's claim.
    #[error(
        "read record {seq} of the journal: it is of epoch {epoch}, after a claim of epoch {current}"
    )]
    StaleRecord {
        /// The record.
        seq: Seq,
        /// Its epoch.
        epoch: Epoch,
        /// The highest claim before it.
        current: Epoch,
    },
    /// Another master has claimed the cluster.
    #[error("keep the cluster: another master has claimed it")]
    Deposed,
    /// The ledger refuses the change.
    #[error("change the job: {0}")]
    Refused(Refusal),
    /// The master has ended.
    #[error("reach the master: it has ended ({0})")]
    Ended(String),
}
