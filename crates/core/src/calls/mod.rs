//! Direct calls: handed to a worker at once, never in the journal, handed to another one when a
//! worker is lost.
//!
//! [`Calls`] is the primary's end. [`Answering`] is a worker's: it cuts an answer into pieces and
//! sends no more of them than the caller has room for.

mod answering;
mod error;
mod event;
mod machine;
mod open;
mod roster;

pub use answering::Answering;
pub use error::{CallError, ConnectedWorker, FailedTry};
pub use event::{CallEffect, CallEvent, CallRequest, CallerId, TooManyStrategies};
pub use machine::Calls;
pub use roster::{Instance, ServedCount};
