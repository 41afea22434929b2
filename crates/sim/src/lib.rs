//! A cluster in one thread from one seed: the real ledger, scheduler, seats, writer and codecs
//! under crashes, cuts and lost messages, with oracles that look on.
//!
//! Equal seeds give equal runs. Time is a number; nothing here sleeps or reads a clock.

mod client;
mod oracle;
mod primary;
mod wire;
mod worker;
mod world;

pub use world::{Failed, run};
