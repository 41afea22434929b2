//! What a server needs of its process to let workers elsewhere use the memo; the rest is in
//! [`crate::Host`].

use crate::host::HostError;
use windlass_core::BlobId;
use windlass_core::memo::MemoKey;

/// Earlier results by key. Calls may block.
#[expect(clippy::missing_errors_doc, reason = "each fails as `HostError` says")]
pub trait MemoHost: Send + Sync + 'static {
    /// The manifest of an earlier result with this key; it and all that it names are there and
    /// durable.
    fn recall(&self, key: MemoKey) -> Result<Option<BlobId>, HostError>;
    /// Notes manifests by their keys; those that are not there are passed over.
    fn remember(&self, notes: &[(MemoKey, BlobId)]) -> Result<(), HostError>;
}
