//! The replicated state: what entries build, the same on every master and at every replay.

mod applied;
mod apply;
mod bounds;
mod codec;
mod derive;
mod entry;
mod history;
mod job;
mod keep;
mod old;
mod outcomes;
mod page;
mod records;
mod roots;
mod settings;
mod snapshot;
mod table;
mod version;

pub use applied::{Applied, Refusal};
pub use apply::Ledger;
pub(crate) use bounds::in_entries;
pub use codec::{Batch, CodecError};
pub use entry::{
    ChunkRef, ENTRY_FORMAT, Entry, IndexRange, JobSpec, OnFailure, PhaseSpec, Results, SettledRun,
    Sweep,
};
pub use history::{Happened, History, JobEvent};
pub use job::{
    Counts, FailedTask, Job, JobState, JoinedWorker, Outcome, Paused, Phase, StoredChunk,
};
pub use roots::{RootCursor, RootPage};
pub use settings::{Setting, SettingError, SettingSpec, Settings};
pub use snapshot::{Digest, SnapshotError, SnapshotId, SnapshotMarks, SnapshotPoints};
pub use table::{TaskState, TaskTable};
pub use version::CLUSTER_VERSION;
