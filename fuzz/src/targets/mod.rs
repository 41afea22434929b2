//! The targets, by the crate whose decoders they are.

mod client;
mod core;
mod documents;
mod journal;
mod list;
mod operation;
mod ops;
mod records;
mod sandbox;
mod senses;
mod session;
mod shape;
mod wire;
mod worker;

pub use list::TARGETS;
