//! Blobs on their way into the store: temporary files, and hashing while writing.

use crate::error::BlobError;
use crate::partial::Arrival;
use crate::store::{Blobs, CHUNK_BYTES};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use windlass_core::BlobId;

/// A file that is removed unless it is kept.
#[derive(Debug)]
pub(crate) struct Temp {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    is_kept: bool,
}

impl Temp {
    /// A new file that only its owner may read.
    pub(crate) fn create(dir: &Path) -> Result<Temp, BlobError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = dir.join(format!("{}-{number}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok(Temp { file, path, is_kept: false }),
                // A process that had this id before left it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(BlobError::io("create", &path)(error)),
            }
        }
    }

    /// A file that stays where it is dropped, cut to its first bytes; made where it is missing.
    pub(crate) fn reopen(path: PathBuf, bytes: u64) -> Result<Temp, BlobError> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let file = opened.map_err(BlobError::io("open", &path))?;
        file.set_len(bytes).map_err(BlobError::io("cut", &path))?;
        Ok(Temp { file, path, is_kept: true })
    }

    /// The file has got a name and stays.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is removed as a leftover at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Hashes what passes through.
#[derive(Debug)]
pub(crate) struct Hashed<W> {
    inner: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Hashed<W> {
    pub(crate) fn new(inner: W) -> Hashed<W> {
        Hashed { inner, hasher: blake3::Hasher::new() }
    }

    /// The name of the bytes that have passed, and their count.
    pub(crate) fn finish(&self) -> (BlobId, u64) {
        (BlobId(*self.hasher.finalize().as_bytes()), self.hasher.count())
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A blob that is written piece by piece and hashed on the way; dropped unfinished, it leaves
/// nothing, unless it was named ([`Blobs::resume`]).
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    /// Small writes are gathered: both the hash and the file want large ones.
    out: BufWriter<Hashed<TempFile>>,
    /// What it was named; nobody else writes that. Dropped behind the file.
    arrival: Option<Arrival>,
}

/// [`Temp`] as a sink.
#[derive(Debug)]
struct TempFile(Temp);

impl Write for TempFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter {
    pub(crate) fn new(blobs: Blobs, temp: Temp) -> BlobWriter {
        let out = BufWriter::with_capacity(CHUNK_BYTES, Hashed::new(TempFile(temp)));
        BlobWriter { blobs, out, arrival: None }
    }

    /// Goes on behind the bytes of a file, which are read once more for the hash.
    pub(crate) fn behind(
        blobs: Blobs,
        mut temp: Temp,
        bytes: u64,
        arrival: Arrival,
    ) -> Result<BlobWriter, BlobError> {
        let mut hasher = blake3::Hasher::new();
        let hashed = hasher.update_reader(Read::by_ref(&mut temp.file).take(bytes));
        hashed.map_err(BlobError::io("read", &temp.path))?;
        let hashed = Hashed { inner: TempFile(temp), hasher };
        let out = BufWriter::with_capacity(CHUNK_BYTES, hashed);
        Ok(BlobWriter { blobs, out, arrival: Some(arrival) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.out.get_ref().inner.0.path
    }

    /// Puts the blob in the store, durable after the next [`Blobs::sync`]; returns name and length.
    ///
    /// # Errors
    /// `Io`; `Damaged` where it was named and has another hash: then nothing of it is left.
    pub fn finish(mut self) -> Result<(BlobId, u64), BlobError> {
        let flushed = self.out.flush();
        flushed.map_err(BlobError::io("write", self.path()))?;
        let (mut hashed, _) = self.out.into_parts();
        let (id, bytes) = hashed.finish();
        // From here on it stays only under its hash.
        hashed.inner.0.is_kept = false;
        if self.arrival.as_ref().is_some_and(|arrival| arrival.id != id) {
            return Err(BlobError::Damaged { file: hashed.inner.0.path.clone() });
        }
        self.blobs.publish(hashed.inner.0, id)?;
        Ok((id, bytes))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
