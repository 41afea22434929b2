//! Between the generated messages and the plain types of `core`, both ways.
//!
//! What a peer sends is checked here: whatever comes out is well formed, though it may be wrong.

mod cluster;
mod derived;
mod hello;
mod jobs;
mod ledger;
mod media;
mod overview;
mod records;
mod session;
mod steering;
mod trust;
mod words;
mod workers;

pub(crate) use cluster::*;
pub(crate) use records::{
    look_up, look_up_of, part, part_of, record_set, record_set_of, records_view, records_view_of,
    stored_shard, stored_shard_of,
};
pub(crate) use steering::*;
pub use words::Malformed;
pub(crate) use words::{blob_id, blob_ids, ids_of, u128_of, worker_name};
