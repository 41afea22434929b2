//! The master's memo, for workers that do not share its disk.

use crate::node::{Node, of_blobs};
use windlass_core::BlobId;
use windlass_core::memo::MemoKey;
use windlass_wire::{HostError, MemoHost};

impl MemoHost for Node {
    fn recall(&self, key: MemoKey) -> Result<Option<BlobId>, HostError> {
        let Some(known) = self.blobs.known(key) else { return Ok(None) };
        if let Some(result_bytes) = known.new_bytes {
            self.blobs.sync().map_err(of_blobs)?;
            self.blobs.remember(key, known.manifest, result_bytes).map_err(of_blobs)?;
        }
        Ok(Some(known.manifest))
    }

    fn remember(&self, notes: &[(MemoKey, BlobId)]) -> Result<(), HostError> {
        for (key, manifest) in notes {
            self.blobs.remember_stored(*key, *manifest).map_err(of_blobs)?;
        }
        Ok(())
    }
}
