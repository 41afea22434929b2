//! The memo: which manifest an earlier task with the same key had.
//!
//! `memo/ab/cdef…` is a small file for each key; its time of change says when it was last used.
//! It is a hint: what cannot be read, or is lost with the power, is not known, and the work is done
//! again.

use crate::error::BlobError;
use crate::store::{Blobs, bucket_path, touch};
use crate::writer::Temp;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use windlass_core::BlobId;
use windlass_core::memo::MemoKey;

const MEMO_VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 8;
/// Version, manifest, bytes of the result, checksum.
const MEMO_BYTES: usize = 1 + 32 + 8 + CHECKSUM_BYTES;

/// What the memo has for a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Remembered {
    pub(crate) manifest: BlobId,
    /// Bytes of the manifest and all that it names.
    pub(crate) result_bytes: u64,
}

impl Blobs {
    /// The manifest of an earlier result; whether it and what it names is still there, the caller
    /// finds out: [`Blobs::known`] does. `None`: not known, or not readable.
    #[must_use]
    pub fn recall(&self, key: MemoKey) -> Option<BlobId> {
        let path = self.memo_path(key);
        let remembered = read(&path, key)?;
        // It was used now; where that cannot be noted it only goes sooner.
        let _ = touch(&path);
        Some(remembered.manifest)
    }

    /// Keeps the manifest of a result for its key, in place of an earlier one. Its blobs are
    /// durable; the note itself need not be.
    ///
    /// # Errors
    /// `Io`
    pub fn remember(
        &self,
        key: MemoKey,
        manifest: BlobId,
        result_bytes: u64,
    ) -> Result<(), BlobError> {
        let path = self.memo_path(key);
        let mut temp = Temp::create(self.temp_dir())?;
        let bytes = encode(key, Remembered { manifest, result_bytes });
        temp.file.write_all_at(&bytes, 0).map_err(BlobError::io("write", &temp.path))?;
        let mut renamed = std::fs::rename(&temp.path, &path);
        if matches!(&renamed, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            self.make_dir_of(&path)?;
            renamed = std::fs::rename(&temp.path, &path);
        }
        renamed.map_err(BlobError::io("name", &path))?;
        temp.keep();
        Ok(())
    }

    pub(crate) fn memo_path(&self, key: MemoKey) -> PathBuf {
        bucket_path(&self.memo_dir(), &key.to_hex())
    }
}

/// What a memo's file says; `None` where it is not there, damaged, or of another version.
pub(crate) fn read(path: &Path, key: MemoKey) -> Option<Remembered> {
    let bytes = std::fs::read(path).ok()?;
    let bytes: &[u8; MEMO_BYTES] = bytes.as_slice().try_into().ok()?;
    let (said, checksum) = bytes.split_at(MEMO_BYTES - CHECKSUM_BYTES);
    if said[0] != MEMO_VERSION || checksum != checksum_of(key, said) {
        return None;
    }
    let manifest = BlobId(said[1..33].try_into().expect("32 bytes"));
    let result_bytes = u64::from_le_bytes(said[33..41].try_into().expect("8 bytes"));
    Some(Remembered { manifest, result_bytes })
}

fn encode(key: MemoKey, remembered: Remembered) -> [u8; MEMO_BYTES] {
    let mut bytes = [0; MEMO_BYTES];
    bytes[0] = MEMO_VERSION;
    bytes[1..33].copy_from_slice(&remembered.manifest.0);
    bytes[33..41].copy_from_slice(&remembered.result_bytes.to_le_bytes());
    let checksum = checksum_of(key, &bytes[..MEMO_BYTES - CHECKSUM_BYTES]);
    bytes[MEMO_BYTES - CHECKSUM_BYTES..].copy_from_slice(&checksum);
    bytes
}

/// Of the key too: a file under another's name is not believed.
fn checksum_of(key: MemoKey, said: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&key.0);
    hasher.update(said);
    let hash = hasher.finalize();
    let (checksum, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    *checksum
}
