//! Blobs whose bytes have stopped coming: what has come waits for the rest.
//!
//! `partial/abcdef…` holds the beginning of the blob `abcdef…`, as somebody sent it who named it
//! first, or all of it, as somebody left it there (`left`). It is worth nothing until the whole has
//! the hash of its name, so it is not made durable.

use crate::error::BlobError;
use crate::store::Blobs;
use crate::writer::{BlobWriter, Temp};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use windlass_core::BlobId;

/// Where they lie.
pub(crate) const PARTIAL_DIR: &str = "partial";
/// How long the rest is waited for.
pub const PARTIAL_GRACE: Duration = Duration::from_secs(24 * 3_600);

/// Blobs that are being written under their names: one writer for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals(Arc<Mutex<BTreeSet<BlobId>>>);

/// While it lives, nobody else goes on with this blob.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) id: BlobId,
    among: Arrivals,
}

impl Arrivals {
    fn begin(&self, id: BlobId) -> Option<Arrival> {
        let is_first = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        is_first.then(|| Arrival { id, among: self.clone() })
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.among.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Blobs {
    /// How many bytes have come of a blob that is not whole; 0 where none have, or where they
    /// cannot be looked at.
    #[must_use]
    pub fn partial_bytes(&self, id: BlobId) -> u64 {
        self.partial_path(id).metadata().map_or(0, |metadata| metadata.len())
    }

    /// Goes on with a blob behind the first `offset` bytes that have come of it. What is written
    /// stays for the next time where the writer is dropped unfinished. `None`: so much has not
    /// come, or somebody else is writing it.
    ///
    /// # Errors
    /// `Io`
    pub fn resume(&self, id: BlobId, offset: u64) -> Result<Option<BlobWriter>, BlobError> {
        let Some(arrival) = self.arrivals().begin(id) else { return Ok(None) };
        let path = self.partial_path(id);
        if offset > self.partial_bytes(id) {
            return Ok(None);
        }
        self.make_dir_of(&path)?;
        let temp = Temp::reopen(path, offset)?;
        BlobWriter::behind(self.clone(), temp, offset, arrival).map(Some)
    }

    /// Removes the beginnings of blobs whose rest has not come for so long.
    ///
    /// # Errors
    /// `Io`
    pub fn forget_partials(&self, grace: Duration) -> Result<(), BlobError> {
        let dir = self.partial_dir();
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(BlobError::io("list", &dir)(error)),
        };
        let until = SystemTime::now().checked_sub(grace);
        for entry in entries {
            let path = entry.map_err(BlobError::io("list", &dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let arrival = match name.and_then(BlobId::from_hex) {
                Some(id) => match self.arrivals().begin(id) {
                    Some(arrival) => Some(arrival),
                    // It is on its way.
                    None => continue,
                },
                None => None,
            };
            let changed_at = path.metadata().and_then(|metadata| metadata.modified());
            if changed_at.is_ok_and(|at| until.is_some_and(|until| at <= until)) {
                match std::fs::remove_file(&path) {
                    // Whoever left it has taken it back.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed.map_err(BlobError::io("remove", &path))?,
                }
            }
            drop(arrival);
        }
        Ok(())
    }

    fn partial_path(&self, id: BlobId) -> PathBuf {
        self.partial_dir().join(id.to_hex())
    }

    fn partial_dir(&self) -> PathBuf {
        Path::new(self.dir()).join(PARTIAL_DIR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn store() -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(dir.path().join("blobs")).expect("opens");
        (dir, blobs)
    }

    fn begun(blobs: &Blobs, id: BlobId, offset: u64, bytes: &[u8]) -> BlobWriter {
        let mut writer = blobs.resume(id, offset).expect("opens").expect("is free");
        writer.write_all(bytes).expect("is written");
        writer
    }

    #[test]
    fn the_rest_completes_what_had_come_before_the_store_was_closed() {
        let (dir, blobs) = store();
        let id = BlobId::of(b"first and rest");
        drop(begun(&blobs, id, 0, b"first and w"));
        drop(blobs);
        let blobs = Blobs::open(dir.path().join("blobs")).expect("opens");
        blobs.remove_leftovers().expect("there are none");
        assert_eq!(blobs.partial_bytes(id), 11);
        // The sender may know of less than has come.
        let writer = begun(&blobs, id, 10, b"rest");
        assert_eq!(writer.finish().expect("is put"), (id, 14));
        assert_eq!(blobs.read(id, 14).expect("is there"), b"first and rest");
        assert_eq!(blobs.partial_bytes(id), 0);
    }

    #[test]
    fn one_goes_on_at_a_time_and_not_behind_what_has_come() {
        let (_dir, blobs) = store();
        let id = BlobId::of(b"bytes");
        assert!(blobs.resume(id, 1).expect("looks").is_none());
        let first = begun(&blobs, id, 0, b"by");
        assert!(blobs.resume(id, 0).expect("looks").is_none());
        drop(first);
        assert_eq!(begun(&blobs, id, 2, b"tes").finish().expect("is put"), (id, 5));
    }

    #[test]
    fn what_turns_out_to_be_other_bytes_is_dropped() {
        let (_dir, blobs) = store();
        let id = BlobId::of(b"bytes");
        drop(begun(&blobs, id, 0, b"xy"));
        let error = begun(&blobs, id, 2, b"tes").finish().expect_err("is refused");
        assert!(matches!(error, BlobError::Damaged { .. }), "{error}");
        assert_eq!(blobs.partial_bytes(id), 0);
        assert_eq!(begun(&blobs, id, 0, b"bytes").finish().expect("is put"), (id, 5));
    }

    #[test]
    fn a_beginning_is_forgotten_unless_its_rest_is_coming() {
        let (_dir, blobs) = store();
        let (one, other) = (BlobId::of(b"one"), BlobId::of(b"other"));
        drop(begun(&blobs, one, 0, b"o"));
        let coming = begun(&blobs, other, 0, b"o");
        blobs.forget_partials(PARTIAL_GRACE).expect("looks");
        assert_eq!(blobs.partial_bytes(one), 1);
        blobs.forget_partials(Duration::ZERO).expect("looks");
        assert_eq!(blobs.partial_bytes(one), 0);
        drop(coming);
        assert_eq!(blobs.partial_bytes(other), 1);
    }
}
