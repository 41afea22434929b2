//! Moving what a collection decided: from the store to the trash, from there back or away.
//!
//! It decides nothing: [`SweepBatch`] does. `trash/ab/cdef…` holds what left the store; whoever
//! asks for a blob that lies there gets it back.

use crate::error::BlobError;
use crate::marks::Marks;
use crate::memo::{self, Remembered};
use crate::store::{Blobs, bucket_path, rename_new, touch};
use std::collections::BTreeMap;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLockWriteGuard};
use windlass_core::collection::{Amount, Stored, SweepBatch, Trashed};
use windlass_core::memo::MemoKey;
use windlass_core::{BlobId, LogTime};

/// A file takes at least a block: memos and small manifests are counted as what they cost.
const BLOCK_BYTES: u64 = 4_096;

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Blobs that stayed, and their bytes.
    pub kept: Amount,
    /// Blobs that moved to the trash.
    pub trashed: Amount,
    /// Blobs that were deleted from the trash.
    pub deleted: Amount,
    /// Blobs that went back from the trash.
    pub restored: Amount,
}

/// A file of a blob that nobody else may touch while this lives.
struct Alone<'a> {
    path: PathBuf,
    metadata: Metadata,
    _moving: RwLockWriteGuard<'a, ()>,
}

impl Blobs {
    /// Sweeps the buckets of a batch. A blob that is put or renewed meanwhile stays. Between two
    /// files it looks whether it is to stop.
    ///
    /// # Errors
    /// `Io`; what was moved before is moved.
    pub fn sweep(
        &self,
        batch: &SweepBatch,
        marks: &Marks,
        cancelled: &AtomicBool,
        swept: &mut Swept,
    ) -> Result<(), BlobError> {
        // A put that nobody has synced yet must not miss its file when somebody does.
        self.sync()?;
        for bucket in batch.buckets() {
            let marked = marks.of_bucket(bucket)?;
            // The trash first: what moves there now is not looked at twice.
            self.sweep_trash(batch, bucket, &marked, cancelled, swept)?;
            let folder = self.dir().join(format!("{bucket:02x}"));
            for_each_file(&folder, bucket, cancelled, &mut |id, entry| {
                let is_named = marked.binary_search(&id).is_ok();
                self.sweep_stored(batch, id, is_named, entry, swept)
            })?;
        }
        Ok(())
    }

    /// Sweeps the trash of a bucket whose referred blobs are `marked`.
    fn sweep_trash(
        &self,
        batch: &SweepBatch,
        bucket: u8,
        marked: &[BlobId],
        cancelled: &AtomicBool,
        swept: &mut Swept,
    ) -> Result<(), BlobError> {
        let folder = self.trash_dir().join(format!("{bucket:02x}"));
        for_each_file(&folder, bucket, cancelled, &mut |id, entry| {
            let is_named = marked.binary_search(&id).is_ok();
            self.sweep_trashed(batch, id, is_named, entry, swept)
        })
    }

    fn sweep_stored(
        &self,
        batch: &SweepBatch,
        id: BlobId,
        is_named: bool,
        entry: &DirEntry,
        swept: &mut Swept,
    ) -> Result<(), BlobError> {
        let Some(alone) = self.alone(entry)? else { return Ok(()) };
        let Alone { path, metadata, .. } = &alone;
        match batch.stored(used_at(metadata), is_named) {
            Stored::Keep => swept.kept.add(metadata.len()),
            Stored::Trash => {
                let to = bucket_path(&self.trash_dir(), &id.to_hex());
                self.make_dir_of(&to)?;
                // Its time in the trash begins now. Cut off here, the blob is only kept longer.
                touch(path).map_err(BlobError::io("touch", path))?;
                std::fs::rename(path, &to).map_err(BlobError::io("move", path))?;
                swept.trashed.add(metadata.len());
            }
        }
        Ok(())
    }

    /// Takes hold of a file: nobody may find its blob between the look at its age and its move.
    /// `None`: it has gone since it was listed.
    fn alone(&self, entry: &DirEntry) -> Result<Option<Alone<'_>>, BlobError> {
        let moving = self.moving().write().unwrap_or_else(PoisonError::into_inner);
        let path = entry.path();
        let metadata = metadata(&path)?;
        Ok(metadata.map(|metadata| Alone { path, metadata, _moving: moving }))
    }

    fn sweep_trashed(
        &self,
        batch: &SweepBatch,
        id: BlobId,
        is_named: bool,
        entry: &DirEntry,
        swept: &mut Swept,
    ) -> Result<(), BlobError> {
        let Some(alone) = self.alone(entry)? else { return Ok(()) };
        let Alone { path, metadata, .. } = &alone;
        match batch.trashed(used_at(metadata), is_named) {
            Trashed::Keep => {}
            Trashed::Restore => {
                self.take_back(id)?;
                swept.restored.add(metadata.len());
            }
            Trashed::Delete => {
                std::fs::remove_file(path).map_err(BlobError::io("remove", path))?;
                swept.deleted.add(metadata.len());
            }
        }
        Ok(())
    }

    /// Deletes what is left in the trash and nothing refers to.
    ///
    /// # Errors
    /// `Io`
    pub fn empty_trash(
        &self,
        batch: &SweepBatch,
        marks: &Marks,
        cancelled: &AtomicBool,
        swept: &mut Swept,
    ) -> Result<(), BlobError> {
        for bucket in batch.buckets() {
            let marked = marks.of_bucket(bucket)?;
            self.sweep_trash(batch, bucket, &marked, cancelled, swept)?;
        }
        Ok(())
    }

    /// Takes a blob back from the trash; `false`: it is not there. What stands in the store by now
    /// stays as it is.
    pub(crate) fn take_back(&self, id: BlobId) -> Result<bool, BlobError> {
        let from = bucket_path(&self.trash_dir(), &id.to_hex());
        let to = self.path(id);
        match rename_new(&from, &to) {
            Ok(()) => {
                touch(&to).map_err(BlobError::io("touch", &to))?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(&from).map_err(BlobError::io("remove", &from))?;
                Ok(true)
            }
            Err(error) => Err(BlobError::io("move", &from)(error)),
        }
    }

    /// Bytes of the remembered results by the second in which they were last used.
    ///
    /// # Errors
    /// `Io`
    pub fn memo_use(&self, cancelled: &AtomicBool) -> Result<BTreeMap<u64, u64>, BlobError> {
        let mut used = BTreeMap::new();
        self.for_each_memo(cancelled, &mut |_, path, remembered| {
            if let Some(metadata) = metadata(path)? {
                let second = used_at(&metadata).0 / 1_000;
                let bytes = remembered.result_bytes.max(BLOCK_BYTES) + BLOCK_BYTES;
                *used.entry(second).or_insert(0) += bytes;
            }
            Ok(())
        })?;
        Ok(used)
    }

    /// Forgets the results that were last used in this second or before; answers how many.
    ///
    /// # Errors
    /// `Io`
    pub fn forget_memo_until(&self, second: u64, cancelled: &AtomicBool) -> Result<u64, BlobError> {
        let mut count = 0;
        self.for_each_memo(cancelled, &mut |_, path, _| {
            let is_old = metadata(path)?.is_some_and(|file| used_at(&file).0 / 1_000 <= second);
            if is_old {
                std::fs::remove_file(path).map_err(BlobError::io("remove", path))?;
                count += 1;
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// The manifests that the memo keeps.
    ///
    /// # Errors
    /// `Io`, and whatever `take` fails with.
    pub fn for_each_remembered(
        &self,
        cancelled: &AtomicBool,
        take: &mut dyn FnMut(BlobId) -> Result<(), BlobError>,
    ) -> Result<(), BlobError> {
        self.for_each_memo(cancelled, &mut |_, _, remembered| take(remembered.manifest))
    }

    /// Every readable memo; those that cannot be read are removed on the way.
    fn for_each_memo(
        &self,
        cancelled: &AtomicBool,
        take: &mut dyn FnMut(MemoKey, &Path, Remembered) -> Result<(), BlobError>,
    ) -> Result<(), BlobError> {
        for bucket in 0..=u8::MAX {
            let folder = self.memo_dir().join(format!("{bucket:02x}"));
            for_each_file(&folder, bucket, cancelled, &mut |id, entry| {
                let (key, path) = (MemoKey(id.0), entry.path());
                match memo::read(&path, key) {
                    Some(remembered) => take(key, &path, remembered),
                    None => match std::fs::remove_file(&path) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => {
                            Err(BlobError::io("remove", &path)(error))
                        }
                        _ => Ok(()),
                    },
                }
            })?;
        }
        Ok(())
    }
}

/// Every file of a bucket that is named like a blob; a folder that is not there has none.
fn for_each_file(
    folder: &Path,
    bucket: u8,
    cancelled: &AtomicBool,
    take: &mut dyn FnMut(BlobId, &DirEntry) -> Result<(), BlobError>,
) -> Result<(), BlobError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(BlobError::io("list", folder))?,
    };
    for entry in entries {
        if cancelled.load(Ordering::Relaxed) {
            return Err(BlobError::Cancelled);
        }
        let entry = entry.map_err(BlobError::io("list", folder))?;
        let name = entry.file_name();
        let hex = name.to_str().map(|name| format!("{bucket:02x}{name}"));
        // A file that somebody else put there is none of ours.
        if let Some(id) = hex.and_then(|hex| BlobId::from_hex(&hex)) {
            take(id, &entry)?;
        }
    }
    Ok(())
}

/// `None`: it has gone since it was listed.
fn metadata(path: &Path) -> Result<Option<Metadata>, BlobError> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BlobError::io("look at", path)(error)),
    }
}

fn used_at(metadata: &Metadata) -> LogTime {
    let seconds = u64::try_from(metadata.mtime()).unwrap_or(0);
    let ms = u64::try_from(metadata.mtime_nsec() / 1_000_000).unwrap_or(0);
    LogTime(seconds * 1_000 + ms)
}
