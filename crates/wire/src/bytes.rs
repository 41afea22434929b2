//! Messages of a session as bytes, without a connection: for what throws hostile ones at them.

use crate::generated as pb;
use prost::Message;
use windlass_core::session::{ToMaster, ToWorker};

/// What a worker says, of the bytes of a `ToMaster`; `None`: no worker says that.
#[must_use]
pub fn to_master(bytes: &[u8]) -> Option<ToMaster> {
    ToMaster::try_from(pb::ToMaster::decode(bytes).ok()?).ok()
}

/// The bytes of what a worker says.
#[must_use]
pub fn of_to_master(message: ToMaster) -> Vec<u8> {
    pb::ToMaster::from(message).encode_to_vec()
}

/// What a master says, of the bytes of a `ToWorker`; `None`: no master says that.
#[must_use]
pub fn to_worker(bytes: &[u8]) -> Option<ToWorker> {
    ToWorker::try_from(pb::ToWorker::decode(bytes).ok()?).ok()
}

/// The bytes of what a master says.
#[must_use]
pub fn of_to_worker(message: ToWorker) -> Vec<u8> {
    pb::ToWorker::from(message).encode_to_vec()
}
