//! Marking: from the roots, page by page, to every blob that something refers to.

use super::CollectError;
use crate::handle::Handle;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use windlass_blobs::{BlobError, Blobs, Marks};
use windlass_core::BlobId;
use windlass_core::ledger::RootCursor;
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::Manifest;

/// Manifests that are known to be read already: a thousand runs over the same files name the same
/// ones. 2 MiB.
const READ_COUNT_MAX: usize = 1 << 16;

pub(super) struct Marking<'a> {
    blobs: &'a Blobs,
    marks: Marks,
    read: BTreeSet<BlobId>,
}

impl Marking<'_> {
    /// The marks of all that kept jobs and the memo refer to.
    pub(super) fn of(
        handle: &Handle,
        blobs: &Blobs,
        cancelled: &AtomicBool,
    ) -> Result<Marks, CollectError> {
        let mut marking = Marking { blobs, marks: Marks::new(blobs), read: BTreeSet::new() };
        let mut cursor = Some(RootCursor::default());
        while let Some(from) = cursor {
            let page = handle.roots(from)?;
            for id in page.blobs {
                marking.marks.add(id)?;
            }
            for id in page.manifests {
                if cancelled.load(Ordering::Relaxed) {
                    return Err(BlobError::Cancelled.into());
                }
                marking.kept(id)?;
            }
            cursor = page.next;
        }
        blobs.for_each_remembered(cancelled, &mut |id| marking.remembered(id))?;
        Ok(marking.marks)
    }

    /// A kept job's manifest: without knowing what it names nothing may go.
    fn kept(&mut self, id: BlobId) -> Result<(), CollectError> {
        if self.is_read(id) {
            return Ok(());
        }
        let unread = |cause: String| CollectError::Manifest { manifest: id, cause };
        let bytes = self.blobs.read(id, MANIFEST_BYTES_MAX);
        let bytes = bytes.map_err(|error| unread(error.to_string()))?;
        let manifest = Manifest::decode(&bytes).map_err(|error| unread(error.to_string()))?;
        Ok(self.mark(id, &manifest)?)
    }

    /// A manifest of the memo alone: one that cannot be read is no known result for anybody.
    fn remembered(&mut self, id: BlobId) -> Result<(), BlobError> {
        if self.is_read(id) {
            return Ok(());
        }
        let bytes = match self.blobs.read(id, MANIFEST_BYTES_MAX) {
            Err(BlobError::Missing { .. } | BlobError::Damaged { .. }) => return Ok(()),
            bytes => bytes?,
        };
        match Manifest::decode(&bytes) {
            Ok(manifest) => self.mark(id, &manifest),
            Err(_) => Ok(()),
        }
    }

    fn is_read(&self, id: BlobId) -> bool {
        self.read.contains(&id)
    }

    fn mark(&mut self, id: BlobId, manifest: &Manifest) -> Result<(), BlobError> {
        self.marks.add(id)?;
        for (blob, _) in manifest.blobs() {
            self.marks.add(blob)?;
        }
        if self.read.len() == READ_COUNT_MAX {
            self.read.clear();
        }
        self.read.insert(id);
        Ok(())
    }
}
