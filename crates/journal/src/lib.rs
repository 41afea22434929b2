//! The journal: records, their codec and the engines that make them durable.
//!
//! An engine keeps one chain of records and answers only for what it has made durable. Nothing here
//! interprets a record's body; what the entries in it mean is the ledger's business.

mod disk;
mod engine;
mod file;
mod lock;
mod memory;
mod memory_cell;
mod record;
mod snapshots;

pub use engine::{AppendError, Damage, Durability, Engine, Head, Room, Tail, TailError, TrimError};
pub use file::{FileLog, OpenError, SegmentSurvey, Survey, survey};
pub use lock::{Holder, LockError, StateLock};
pub use memory::{Fault, Faults, Memory};
pub use memory_cell::{CellFault, MemoryCell};
pub use record::Record;
pub use snapshots::{
    FileSnapshots, MemorySnapshots, Snapshot, SnapshotFault, SnapshotStoreError, Snapshots,
};
