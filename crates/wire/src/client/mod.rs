//! The other end: what a worker, a command or a program holds of a master elsewhere.
//!
//! Calls block; they are made from threads of their own, never from a runtime.

mod address;
mod blob_line;
mod blobs;
mod calls;
mod cluster;
mod connection;
mod gathered;
mod jobs;
mod memo;
mod overview;
mod presence;
mod records;
mod session;
mod steering;
mod trust;

pub use address::{Address, AddressError};
pub use calls::{CallReceiver, CallSender};
pub use connection::{Client, WireError};
pub use records::{LookupReceiver, LookupSender};
pub use session::{Hearing, Listening, SessionReceiver, SessionSender, open_session_over};
