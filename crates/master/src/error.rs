//! Why the master cannot do what it was asked.

use thiserror::Error;
use windlass_core::calls::TooManyStrategies;
use windlass_core::ledger::{CodecError, Refusal};
use windlass_core::{Epoch, Seq};

/// A master that cannot start, go on, or do what it was asked.
#[derive(Clone, Debug, Error)]
pub enum MasterError {
    /// The journal cannot be read or written; which, its text says.
    #[error("use the journal: {0}")]
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
    /// A record that does not follow the state before it.
    #[error("read record {seq} of the journal: it does not follow the state after record {after}")]
    NotNext {
        /// The record.
        seq: Seq,
        /// The last record in the state.
        after: Seq,
    },
    /// The log ends before a record that was acknowledged.
    #[error(
        "open the journal: there is a snapshot of record {seq}, but the log ends at {head}; \
         records that were acknowledged are lost; restore the folder `journal` from a copy"
    )]
    LogLost {
        /// The snapshot's record.
        seq: Seq,
        /// The log's head.
        head: Seq,
    },
    /// The log begins later than any state that can be read.
    #[error(
        "open the journal: it begins at record {first}, and no snapshot of what came before can be \
         read ({notes}); restore the folder `snapshots` from a copy"
    )]
    NoSnapshot {
        /// The oldest record.
        first: Seq,
        /// Why not.
        notes: String,
    },
    /// The state behind a record is not the one that was announced.
    #[error(
        "go on: the state after record {seq} differs from the one that its snapshot was announced \
         with; stop every master of this cluster and report this"
    )]
    Diverged {
        /// The snapshot's record.
        seq: Seq,
    },
    /// Another master has claimed the cluster.
    #[error("keep the cluster: another master has claimed it")]
    Deposed,
    /// A strategy that is not kept.
    #[error("set the strategy: {0}")]
    Strategy(TooManyStrategies),
    /// The ledger refuses the change.
    #[error("change the job: {0}")]
    Refused(Refusal),
    /// A change by an operator is refused.
    #[error("{act}: {why}")]
    Act {
        /// What was to be done.
        act: String,
        /// Why not, and what to do.
        why: String,
    },
    /// A snapshot that somebody asked for was not written.
    #[error("write a snapshot: {0}")]
    Snapshot(String),
    /// The master has ended.
    #[error("reach the master: it has ended ({0})")]
    Ended(String),
}
