//! The targets, by the crate whose decoders they are.

mod client;
mod core;
mod journal;
mod list;
mod ops;
mod records;
mod sandbox;
mod session;
mod shape;
mod wire;
mod worker;

pub use list::TARGETS;
