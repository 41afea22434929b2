//! A blob's file, open for reading. Nothing that comes of it is believed before the hash is right.

use crate::error::BlobError;
use crate::store::{CHUNK_BYTES, bucket_path};
use crate::writer::Hashed;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use windlass_core::BlobId;

/// A blob's file.
#[derive(Debug)]
pub struct OpenBlob {
    id: BlobId,
    path: PathBuf,
    file: File,
}

impl OpenBlob {
    /// The blob in the store of another process of this machine, if it is there and may be read.
    /// Nothing in that store is changed.
    #[must_use]
    pub fn find(store: &Path, id: BlobId) -> Option<OpenBlob> {
        let path = bucket_path(store, &id.to_hex());
        // What is no file must neither be waited for nor lead elsewhere.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(&path, flags, Mode::empty()).ok()?);
        let is_file = file.metadata().is_ok_and(|facts| facts.is_file());
        is_file.then_some(OpenBlob { id, path, file })
    }

    pub(crate) fn new(id: BlobId, path: PathBuf, file: File) -> OpenBlob {
        OpenBlob { id, path, file }
    }

    /// Its bytes, at most `bytes_max`, verified.
    ///
    /// # Errors
    /// `TooLarge`, `Damaged`, `Io`
    pub fn read(self, bytes_max: u64) -> Result<Vec<u8>, BlobError> {
        let OpenBlob { id, path, file } = self;
        let failed = || BlobError::io("read", &path);
        let file_bytes = file.metadata().map_err(failed())?.len();
        if file_bytes > bytes_max {
            return Err(BlobError::TooLarge { id, max: bytes_max });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(file_bytes).unwrap_or(0));
        file.take(bytes_max).read_to_end(&mut bytes).map_err(failed())?;
        if BlobId::of(&bytes) == id { Ok(bytes) } else { Err(BlobError::Damaged { file: path }) }
    }

    /// Writes its bytes to a receiver and returns how many they are. The receiver may have got
    /// wrong bytes when this fails: only `Ok` vouches for them.
    ///
    /// # Errors
    /// `Damaged` at the end, `Receiver`, `Io`
    pub fn copy_to(self, receiver: &mut impl Write) -> Result<u64, BlobError> {
        self.pass_to(receiver)
    }

    /// Its file, read through and verified, for whoever needs a descriptor.
    ///
    /// # Errors
    /// `Damaged`, `Io`
    pub fn verified(mut self) -> Result<File, BlobError> {
        self.pass_to(&mut io::sink())?;
        self.file.rewind().map_err(BlobError::io("read", &self.path))?;
        Ok(self.file)
    }

    /// Its bytes from an offset on, as they are read; a reader of damaged ones fails at their end.
    ///
    /// # Errors
    /// `Io`: what lies before the offset belongs to what is verified, and is read for that.
    pub fn verifying(self, offset: u64) -> Result<impl Read + Send + 'static, BlobError> {
        let mut hasher = blake3::Hasher::new();
        let before = hasher.update_reader((&self.file).take(offset));
        before.map_err(BlobError::io("read", &self.path))?;
        Ok(Verifying { hasher, blob: self })
    }

    fn pass_to(&self, receiver: &mut impl Write) -> Result<u64, BlobError> {
        let OpenBlob { id, path, file } = self;
        let mut hashed = Hashed::new(receiver);
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let mut piece = file.take(CHUNK_BYTES as u64);
        while piece.read_to_end(&mut chunk).map_err(BlobError::io("read", path))? > 0 {
            let written = hashed.write_all(&chunk);
            written.map_err(|source| BlobError::Receiver { id: *id, source: Arc::new(source) })?;
            chunk.clear();
            piece.set_limit(CHUNK_BYTES as u64);
        }
        let (found, bytes) = hashed.finish();
        if found == *id { Ok(bytes) } else { Err(BlobError::Damaged { file: path.clone() }) }
    }
}

struct Verifying {
    blob: OpenBlob,
    hasher: blake3::Hasher,
}

impl Read for Verifying {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.blob.file.read(into)?;
        if count == 0 && !into.is_empty() && *self.hasher.finalize().as_bytes() != self.blob.id.0 {
            let damaged = BlobError::Damaged { file: self.blob.path.clone() };
            return Err(io::Error::new(io::ErrorKind::InvalidData, damaged));
        }
        self.hasher.update(&into[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Blobs;

    #[test]
    fn blobs_of_another_store_are_read_where_they_lie_and_verified() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("blobs");
        let id = Blobs::open(&store).unwrap().put(b"content").unwrap();
        let find = || OpenBlob::find(&store, id);
        assert_eq!(find().unwrap().read(7).unwrap(), b"content");
        assert!(matches!(find().unwrap().read(6), Err(BlobError::TooLarge { .. })));
        let mut copied = Vec::new();
        assert_eq!(find().unwrap().copy_to(&mut copied).unwrap(), 7);
        assert_eq!(copied, b"content");
        let from = |offset| io::read_to_string(find().unwrap().verifying(offset).unwrap());
        assert_eq!([from(0).unwrap(), from(4).unwrap(), from(9).unwrap()], ["content", "ent", ""]);
        let path = bucket_path(&store, &id.to_hex());
        std::fs::write(&path, b"c0ntent").unwrap();
        assert!(matches!(find().unwrap().read(7), Err(BlobError::Damaged { .. })));
        assert!(matches!(find().unwrap().copy_to(&mut copied), Err(BlobError::Damaged { .. })));
        for offset in [0, 4, 9] {
            let error = from(offset).unwrap_err();
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn what_is_no_file_is_no_blob_and_nobody_waits_for_it() {
        use rustix::fs::{CWD, FileType, mknodat};
        let dir = tempfile::tempdir().unwrap();
        let id = BlobId::of(b"content");
        assert!(OpenBlob::find(dir.path(), id).is_none());
        let path = bucket_path(dir.path(), &id.to_hex());
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert!(OpenBlob::find(dir.path(), id).is_none());
        std::fs::remove_file(&path).unwrap();
        let real = dir.path().join("real");
        std::fs::write(&real, b"content").unwrap();
        std::os::unix::fs::symlink(&real, &path).unwrap();
        assert!(OpenBlob::find(dir.path(), id).is_none());
    }
}
