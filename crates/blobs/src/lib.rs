//! The blob store: immutable bytes named by their BLAKE3 hash, in a local directory.
//!
//! A put is visible at once and durable after the next [`Blobs::sync`]; every read is verified.

mod error;
mod group;
mod store;
mod writer;

pub use error::BlobError;
pub use store::Blobs;
pub use writer::BlobWriter;
