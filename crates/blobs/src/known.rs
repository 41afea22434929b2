//! Earlier results that count: known by key, and all there.

use crate::error::BlobError;
use crate::store::Blobs;
use windlass_core::BlobId;
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::Manifest;
use windlass_core::memo::MemoKey;

/// An earlier result, all of it there and verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// The manifest, which says that it comes from the memo.
    pub manifest: BlobId,
    /// Bytes of the manifest and all that it names, where the manifest is new: it is durable after
    /// the next [`Blobs::sync`], and to be remembered then.
    pub new_bytes: Option<u64>,
}

impl Blobs {
    /// The earlier result with this key, if all of it is there. What it names is renewed before it
    /// is looked at, so that no sweep takes it before the ledger names it.
    #[must_use]
    pub fn known(&self, key: MemoKey) -> Option<Known> {
        self.look_through(self.recall(key)?).ok().flatten()
    }

    fn look_through(&self, id: BlobId) -> Result<Option<Known>, BlobError> {
        let Some(manifest) = self.manifest(id)? else { return Ok(None) };
        for (blob, size) in manifest.blobs() {
            if self.renew(blob)? != Some(size) {
                return Ok(None);
            }
            // Bytes that rotted on the disk are made again, and mended by that.
            if self.copy_to(blob, &mut std::io::sink()).is_err() {
                return Ok(None);
            }
        }
        if manifest.from_memo {
            return Ok(Some(Known { manifest: id, new_bytes: None }));
        }
        // The first time: from then on the memo has the manifest that says where it comes from.
        let manifest = manifest.from_memo();
        let id = self.put(&manifest.encode())?;
        Ok(Some(Known { manifest: id, new_bytes: Some(manifest.size()) }))
    }

    /// Keeps the manifest of a result for its key, as [`Blobs::remember`] does, if it is there and
    /// is one; answers whether it is.
    ///
    /// # Errors
    /// `Io`
    pub fn remember_stored(&self, key: MemoKey, id: BlobId) -> Result<bool, BlobError> {
        let Some(manifest) = self.manifest(id)? else { return Ok(false) };
        self.remember(key, id, manifest.size())?;
        Ok(true)
    }

    /// A blob that is a manifest, whole, and renewed.
    fn manifest(&self, id: BlobId) -> Result<Option<Manifest>, BlobError> {
        if self.renew(id)?.is_none() {
            return Ok(None);
        }
        match self.read(id, MANIFEST_BYTES_MAX) {
            Ok(bytes) => Ok(Manifest::decode(&bytes).ok()),
            Err(BlobError::Damaged { .. } | BlobError::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::manifest::{Artifact, Content};

    const KEY: MemoKey = MemoKey([7; 32]);

    fn result(blobs: &Blobs, bytes: &[u8]) -> BlobId {
        let id = blobs.put(bytes).expect("stored");
        let artifact = Artifact {
            name: "a".to_owned(),
            media_type: "text/plain".to_owned(),
            content: Content::Blob { id, size: bytes.len() as u64 },
        };
        let manifest = Manifest {
            artifacts: vec![artifact],
            notes: Vec::new(),
            duration_us: 9,
            from_memo: false,
        };
        blobs.put(&manifest.encode()).expect("stored")
    }

    #[test]
    fn a_result_is_known_with_a_manifest_that_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(dir.path().join("blobs")).expect("a store");
        let made = result(&blobs, b"bytes");
        assert_eq!(blobs.known(KEY), None);
        assert!(blobs.remember_stored(KEY, made).expect("noted"));
        let known = blobs.known(KEY).expect("it is known");
        assert_ne!(known.manifest, made);
        let manifest = blobs.manifest(known.manifest).expect("read").expect("it is one");
        assert!(manifest.from_memo);
        assert_eq!(known.new_bytes, Some(manifest.size()));
        assert!(blobs.remember_stored(KEY, known.manifest).expect("noted"));
        assert_eq!(blobs.known(KEY), Some(Known { new_bytes: None, ..known }));
    }

    #[test]
    fn what_is_no_manifest_or_not_whole_is_not_known() {
        let dir = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(dir.path().join("blobs")).expect("a store");
        let other = blobs.put(b"no manifest").expect("stored");
        assert!(!blobs.remember_stored(KEY, other).expect("looked at"));
        assert!(!blobs.remember_stored(KEY, BlobId([1; 32])).expect("looked for"));
        assert_eq!(blobs.known(KEY), None);
        let made = result(&blobs, b"bytes");
        assert!(blobs.remember_stored(KEY, made).expect("noted"));
        std::fs::write(blobs.path(BlobId::of(b"bytes")), b"rotte").expect("it is ours");
        assert_eq!(blobs.known(KEY), None);
        std::fs::remove_file(blobs.path(BlobId::of(b"bytes"))).expect("it is ours");
        assert_eq!(blobs.known(KEY), None);
    }
}
