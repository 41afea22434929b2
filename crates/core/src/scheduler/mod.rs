//! The primary's soft state: who is connected, what they hold, what waits. Rebuilt after a
//! takeover.
//!
//! It is the master's end of every session. It decides nothing that must survive: what it wants
//! recorded it proposes, and it acts on an entry only when the entry comes back applied.

mod abandoned;
mod absent;
mod dispatch;
mod elsewhere;
mod flights;
mod hearing;
mod machine;
mod newcomers;
mod pausing;
mod queue;
#[cfg(test)]
mod rig;
mod standing;
mod views;
mod watchdog;
mod worker;

pub use machine::{Effect, Event, Scheduler, SessionId};
pub use standing::{StallNews, Standing};
