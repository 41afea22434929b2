//! The master's host: the loop that joins the journal, the pure machines and the sessions.
//!
//! It decides nothing itself: decisions are the ledger's and the scheduler's, durability is the
//! journal's. It must never link the operations; it plans from what workers offer.

mod answers;
pub mod audit;
mod clock;
pub mod collector;
mod error;
mod guests;
mod handle;
mod host;
mod inbox;
mod jobs;
mod journal;
mod keeping;
mod observer;
mod open_call;
mod overview;
mod records;
pub mod recovery;
mod sessions;
pub mod snapshots;
mod stalls;
mod steering;
mod switchboard;
mod tokens;
mod watchers;

pub use error::MasterError;
pub use handle::{Handle, Session, Unsent};
pub use host::{Master, Options};
pub use inbox::Gone;
pub use open_call::OpenCall;
pub use switchboard::{CallNews, TellLookup};
