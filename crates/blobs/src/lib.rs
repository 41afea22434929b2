//! The blob store: immutable bytes named by their BLAKE3 hash, in a local directory.
//!
//! A put is visible at once and durable after the next [`Blobs::sync`]; every read is verified.

mod disk;
mod error;
mod files;
mod group;
mod known;
mod left;
mod marks;
mod memo;
mod open;
mod partial;
mod place;
#[cfg(test)]
mod power_tests;
mod store;
mod stored;
mod sweep;
mod writer;

pub use error::{BlobError, is_full};
pub use files::sync_files;
pub use known::Known;
pub use left::{Doorstep, Left};
pub use marks::Marks;
pub use open::OpenBlob;
pub use partial::PARTIAL_GRACE;
pub use place::{maker_of, place, unfinished};
pub use store::Blobs;
pub use stored::StoredBlobs;
pub use sweep::Swept;
pub use windlass_core::collection::Amount;
pub use writer::BlobWriter;
