//! A cluster in one thread from one seed: the real ledger, scheduler, seats, reign, writer, codecs
//! and memory engine under faults, with oracles that look on.
//!
//! Equal seeds give equal runs. Time is a number; nothing here sleeps or reads a clock.

mod alarm;
mod client;
mod clock;
mod crashes;
mod engine;
mod executors;
mod frames;
mod lookups;
mod master;
mod network;
mod oracle;
mod plan;
mod reader;
#[cfg(test)]
mod seeds;
mod store;
mod tally;
mod task;
mod tokens;
mod wire;
mod withdrawals;
mod witness;
mod worker;
mod world;

pub use tally::Tally;
pub use world::{Failed, run};
