//! The pure heart of Windlass: words, limits and the machines that decide.
//!
//! Everything comes in as an argument and goes out as returned data. Nothing here does I/O, reads a
//! clock, draws unseeded randomness, awaits or logs.

pub mod balance;
pub mod calls;
pub mod catalogue;
pub mod collection;
pub mod failure;
pub mod ids;
pub mod input;
pub mod ledger;
pub mod limits;
pub mod logclock;
pub mod lookups;
pub mod manifest;
pub mod media;
pub mod memo;
pub mod meters;
pub mod model;
pub mod names;
pub mod older;
pub mod overview;
pub mod params;
pub mod plan;
pub mod random;
pub mod records;
pub mod reign;
pub mod retention;
pub mod scheduler;
pub mod session;
pub mod steering;
pub mod time;
pub mod tokens;
pub mod view;
pub mod words;
pub mod writer;

pub use failure::{Failure, FailureKind};
pub use ids::{
    AttemptId, BadWorkerName, BlobId, CallId, Epoch, Incarnation, JobId, LoadId, PhaseId,
    PhaseIndex, RequestId, Round, Seq, ShardIndex, TaskId, TaskIndex, TicketId, WorkerName,
};
pub use time::{LogTime, Tick};
