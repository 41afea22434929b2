//! A store that others use, looked at from outside: nothing is made, moved or touched.

use crate::error::BlobError;
use crate::store::{TRASH_DIR, bucket_path};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use windlass_core::BlobId;

/// The blobs of a directory, for reading.
#[derive(Clone, Debug)]
pub struct StoredBlobs {
    dir: PathBuf,
}

impl StoredBlobs {
    /// Those of a directory, which need not be there.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> StoredBlobs {
        StoredBlobs { dir: dir.into() }
    }

    /// The bytes of a blob of at most `bytes_max` bytes, verified. One in the trash stays there.
    ///
    /// # Errors
    /// `Missing`, `Damaged`, `TooLarge`, `Io`
    pub fn read(&self, id: BlobId, bytes_max: u64) -> Result<Vec<u8>, BlobError> {
        let (file, path) = self.open(id)?;
        let mut bytes = Vec::new();
        let read = file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(BlobError::io("read", &path))?;
        if bytes.len() as u64 > bytes_max {
            return Err(BlobError::TooLarge { id, max: bytes_max });
        }
        if BlobId::of(&bytes) == id { Ok(bytes) } else { Err(BlobError::Damaged { file: path }) }
    }

    fn open(&self, id: BlobId) -> Result<(File, PathBuf), BlobError> {
        let hex = id.to_hex();
        let (stored, trashed) = (self.dir.clone(), self.dir.join(TRASH_DIR));
        // Whoever uses the store may move it from one to the other between two looks.
        for folder in [&stored, &trashed, &stored] {
            let path = bucket_path(folder, &hex);
            match opened(&path)? {
                Some(file) => return Ok((file, path)),
                None => continue,
            }
        }
        Err(BlobError::Missing { id })
    }
}

fn opened(path: &Path) -> Result<Option<File>, BlobError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BlobError::io("open", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Blobs;

    #[test]
    fn what_lies_in_the_trash_is_read_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(dir.path()).expect("opens");
        let id = blobs.put(b"bytes").expect("is put");
        let look = StoredBlobs::at(dir.path());
        assert_eq!(look.read(id, 5).expect("is there"), b"bytes");
        assert!(matches!(look.read(id, 4), Err(BlobError::TooLarge { .. })));
        let trashed = bucket_path(&dir.path().join(TRASH_DIR), &id.to_hex());
        std::fs::create_dir_all(trashed.parent().expect("a folder")).expect("is made");
        std::fs::rename(blobs.path(id), &trashed).expect("is moved");
        let touched_at = || trashed.metadata().and_then(|it| it.modified()).expect("is there");
        let before = touched_at();
        assert_eq!(look.read(id, 5).expect("is there"), b"bytes");
        assert_eq!(touched_at(), before);
        assert!(!blobs.path(id).exists());
        std::fs::write(&trashed, b"other").expect("is written");
        assert!(matches!(look.read(id, 5), Err(BlobError::Damaged { .. })));
        std::fs::remove_file(&trashed).expect("is removed");
        assert!(matches!(look.read(id, 5), Err(BlobError::Missing { .. })));
    }
}
