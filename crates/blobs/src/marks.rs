//! The marks of a collection: names of blobs that something refers to, bucket by bucket.
//!
//! They may be more than fit into memory: full buffers are appended to a file a bucket in the
//! store's `tmp/`, and a collection looks at one bucket at a time.

use crate::error::BlobError;
use crate::store::Blobs;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use windlass_core::BlobId;

const BUCKET_COUNT: usize = 256;
const ID_BYTES: usize = 32;
/// Names held in memory for each bucket: 256 buckets of 8 KiB are 2 MiB.
const BUFFER_ID_COUNT_MAX: usize = 256;

/// Marked blobs; their files go when this is dropped.
#[derive(Debug)]
pub struct Marks {
    dir: PathBuf,
    buffers: Vec<Vec<BlobId>>,
    is_spilled: bool,
}

impl Marks {
    /// No marks.
    #[must_use]
    pub fn new(blobs: &Blobs) -> Marks {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("marks-{}-{number}", std::process::id());
        let dir = blobs.temp_dir().join(name);
        Marks { dir, buffers: vec![Vec::new(); BUCKET_COUNT], is_spilled: false }
    }

    /// Marks a blob; again is no harm.
    ///
    /// # Errors
    /// `Io`
    pub fn add(&mut self, id: BlobId) -> Result<(), BlobError> {
        let bucket = id.0[0];
        let buffer = &mut self.buffers[usize::from(bucket)];
        if buffer.len() == BUFFER_ID_COUNT_MAX {
            buffer.sort_unstable();
            buffer.dedup();
        }
        if buffer.len() == BUFFER_ID_COUNT_MAX {
            self.spill(bucket)?;
        }
        self.buffers[usize::from(bucket)].push(id);
        Ok(())
    }

    /// The marks of a bucket, sorted, each once.
    ///
    /// # Errors
    /// `Io`
    pub fn of_bucket(&self, bucket: u8) -> Result<Vec<BlobId>, BlobError> {
        let mut ids = self.buffers[usize::from(bucket)].clone();
        let path = self.path(bucket);
        match fs::read(&path) {
            Ok(bytes) => ids.extend(
                bytes.chunks_exact(ID_BYTES).map(|id| BlobId(id.try_into().expect("32 bytes"))),
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BlobError::io("read", &path)(error)),
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn spill(&mut self, bucket: u8) -> Result<(), BlobError> {
        if !self.is_spilled {
            let made = DirBuilder::new().mode(0o700).create(&self.dir);
            made.map_err(BlobError::io("make", &self.dir))?;
            self.is_spilled = true;
        }
        let path = self.path(bucket);
        let buffer = &mut self.buffers[usize::from(bucket)];
        let bytes: Vec<u8> = buffer.iter().flat_map(|id| id.0).collect();
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(&bytes)).map_err(BlobError::io("write", &path))?;
        buffer.clear();
        Ok(())
    }

    fn path(&self, bucket: u8) -> PathBuf {
        self.dir.join(format!("{bucket:02x}"))
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        if self.is_spilled {
            // What cannot be removed now is removed as a leftover at the next start.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_by_bucket_also_those_beyond_memory() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().join("blobs")).unwrap();
        let mut marks = Marks::new(&blobs);
        let ids: Vec<BlobId> = (0..2_000_u32)
            .map(|number| {
                let mut id = BlobId::of(&number.to_le_bytes());
                id.0[0] = u8::from(number % 4 == 0);
                id
            })
            .collect();
        for id in ids.iter().chain(&ids[..300]) {
            marks.add(*id).unwrap();
        }
        for (bucket, count) in [(0, 1_500), (1, 500), (2, 0)] {
            let mut wanted: Vec<BlobId> =
                ids.iter().filter(|id| id.0[0] == bucket).copied().collect();
            wanted.sort_unstable();
            assert_eq!(wanted.len(), count);
            assert_eq!(marks.of_bucket(bucket).unwrap(), wanted);
        }
        let spilled = marks.dir.clone();
        assert!(spilled.exists());
        drop(marks);
        assert!(!spilled.exists());
    }
}
