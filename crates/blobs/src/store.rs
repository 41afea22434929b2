//! The directory of blobs: how they are named, put, found and verified.
//!
//! `ab/cdef…` holds the blob whose hash is `abcdef…`, `tmp/` what is being written, `partial/` what
//! has been named and is not a blob yet. A blob gets its name by a rename that never replaces
//! another. A file's time of change says when the blob was last put or found.

use crate::disk::{Disk, System};
use crate::error::BlobError;
use crate::group::{Group, Put};
use crate::open::OpenBlob;
use crate::partial::{Arrivals, PARTIAL_DIR};
use crate::writer::{BlobWriter, Temp};
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use windlass_core::BlobId;

/// Where blobs are written before they have a name.
const TEMP_DIR: &str = "tmp";
/// Where blobs lie before they are deleted.
pub(crate) const TRASH_DIR: &str = "trash";
/// Earlier results by key.
const MEMO_DIR: &str = "memo";
/// One read or write of a blob that is longer.
pub(crate) const CHUNK_BYTES: usize = 256 * 1_024;

/// A store of blobs; clones share it.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<Store>,
}

#[derive(Debug)]
struct Store {
    dir: PathBuf,
    temp_dir: PathBuf,
    group: Group,
    /// Held while a damaged blob is replaced: the second who wants to finds it mended.
    mending: Mutex<()>,
    /// Held for writing while a blob moves between store and trash, for reading while its time is
    /// set: whoever finds a blob keeps it.
    moving: RwLock<()>,
    arrivals: Arrivals,
}

impl Blobs {
    /// Opens the store of a directory, which is made (mode 0700) if it is not there.
    ///
    /// # Errors
    /// `Io` if the directory cannot be made or opened.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Blobs, BlobError> {
        Blobs::open_on(Arc::new(System), dir.into())
    }

    pub(crate) fn open_on(disk: Arc<dyn Disk>, dir: PathBuf) -> Result<Blobs, BlobError> {
        let temp_dir = dir.join(TEMP_DIR);
        for within in [&temp_dir, &dir.join(PARTIAL_DIR)] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(within);
            made.map_err(BlobError::io("make", within))?;
        }
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        disk.sync_dir(parent).map_err(BlobError::io("sync", parent))?;
        let group = Group::open(disk, &dir)?;
        let (mending, moving, arrivals) =
            (Mutex::default(), RwLock::default(), Arrivals::default());
        let store = Store { dir, temp_dir, group, mending, moving, arrivals };
        Ok(Blobs { store: Arc::new(store) })
    }

    /// Removes what a crash left half written, and says how many files that were. Only the holder
    /// of the state's lock may do it, before the first put.
    ///
    /// # Errors
    /// `Io`
    pub fn remove_leftovers(&self) -> Result<usize, BlobError> {
        let dir = &self.store.temp_dir;
        let mut count = 0;
        for entry in std::fs::read_dir(dir).map_err(BlobError::io("list", dir))? {
            let entry = entry.map_err(BlobError::io("list", dir))?;
            let path = entry.path();
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed =
                if is_dir { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map_err(BlobError::io("remove", &path))?;
            count += 1;
        }
        Ok(count)
    }

    /// Stores bytes, durable after the next [`Blobs::sync`]. A blob that is there already stays as
    /// it is, unless it is damaged: then it is mended.
    ///
    /// # Errors
    /// `Io`
    pub fn put(&self, bytes: &[u8]) -> Result<BlobId, BlobError> {
        let id = BlobId::of(bytes);
        if self.put_again(id)? {
            return Ok(id);
        }
        let temp = Temp::create(&self.store.temp_dir)?;
        temp.file.write_all_at(bytes, 0).map_err(BlobError::io("write", &temp.path))?;
        self.publish(temp, id)?;
        Ok(id)
    }

    /// Puts a blob that is there already, without its bytes; `false`: it is not there, or damaged.
    ///
    /// # Errors
    /// `Io`
    pub fn put_again(&self, id: BlobId) -> Result<bool, BlobError> {
        let is_there = self.is_intact(id)? && self.renew(id)?.is_some();
        if is_there {
            self.store.group.put(Put { id, is_new: false });
        }
        Ok(is_there)
    }

    /// A blob to be written piece by piece.
    ///
    /// # Errors
    /// `Io`
    pub fn writer(&self) -> Result<BlobWriter, BlobError> {
        Ok(BlobWriter::new(self.clone(), Temp::create(&self.store.temp_dir)?))
    }

    /// Stores a section of a file, durable after the next [`Blobs::sync`].
    ///
    /// # Errors
    /// `Io`, also if the file ends before the section does.
    pub fn put_from(&self, file: &File, offset: u64, len: u64) -> Result<BlobId, BlobError> {
        let mut writer = self.writer()?;
        let temp_path = writer.path().to_path_buf();
        let failed = || BlobError::io("copy into", &temp_path);
        let mut chunk = vec![0; usize::try_from(len).unwrap_or(usize::MAX).min(CHUNK_BYTES)];
        let mut done = 0;
        while done < len {
            let count = usize::try_from(len - done).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            file.read_exact_at(&mut chunk[..count], offset + done).map_err(failed())?;
            writer.write_all(&chunk[..count]).map_err(failed())?;
            done += count as u64;
        }
        Ok(writer.finish()?.0)
    }

    /// Makes every put that returned before this call durable: it survives the loss of power. Calls
    /// from several threads at once share the work.
    ///
    /// # Errors
    /// `Sync`, for every caller whose puts may be concerned and for all later ones.
    pub fn sync(&self) -> Result<(), BlobError> {
        self.store.group.sync(|id| self.path(id))
    }

    /// The bytes of a blob of at most `bytes_max` bytes, verified.
    ///
    /// # Errors
    /// `Missing`, `Damaged`, `TooLarge`, `Io`
    pub fn read(&self, id: BlobId, bytes_max: u64) -> Result<Vec<u8>, BlobError> {
        self.open_blob(id)?.read(bytes_max)
    }

    /// Writes a blob to a receiver and returns its length. The receiver may have got wrong bytes
    /// when this fails: only `Ok` vouches for them.
    ///
    /// # Errors
    /// `Missing`, `Damaged` at the end, `Receiver`, `Io`
    pub fn copy_to(&self, id: BlobId, receiver: &mut impl Write) -> Result<u64, BlobError> {
        self.open_blob(id)?.copy_to(receiver)
    }

    /// A blob's file, read through and verified, for whoever needs a descriptor.
    ///
    /// # Errors
    /// `Missing`, `Damaged`, `Io`
    pub fn open_verified(&self, id: BlobId) -> Result<File, BlobError> {
        self.open_blob(id)?.verified()
    }

    /// Notes that a blob is used, so that no sweep takes it within its grace, and answers its
    /// length; its bytes are not looked at. A blob in the trash comes back. `None`: there is none.
    ///
    /// # Errors
    /// `Io`
    pub fn renew(&self, id: BlobId) -> Result<Option<u64>, BlobError> {
        let path = self.path(id);
        let _staying = self.store.moving.read().unwrap_or_else(PoisonError::into_inner);
        match touch(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !self.take_back(id)? {
                    return Ok(None);
                }
            }
            touched => touched.map_err(BlobError::io("touch", &path))?,
        }
        let metadata = path.symlink_metadata().map_err(BlobError::io("look at", &path))?;
        Ok(Some(metadata.len()))
    }

    /// Where a blob lies, whether it is there or not.
    #[must_use]
    pub fn path(&self, id: BlobId) -> PathBuf {
        bucket_path(&self.store.dir, &id.to_hex())
    }

    /// Where the store lies.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.store.dir
    }

    pub(crate) fn temp_dir(&self) -> &Path {
        &self.store.temp_dir
    }

    pub(crate) fn trash_dir(&self) -> PathBuf {
        self.store.dir.join(TRASH_DIR)
    }

    pub(crate) fn memo_dir(&self) -> PathBuf {
        self.store.dir.join(MEMO_DIR)
    }

    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.store.arrivals
    }

    pub(crate) fn moving(&self) -> &RwLock<()> {
        &self.store.moving
    }

    /// Gives a written file its name, unless the blob is there already.
    pub(crate) fn publish(&self, mut temp: Temp, id: BlobId) -> Result<(), BlobError> {
        let path = self.path(id);
        let is_new = loop {
            let mut renamed = rename_new(&temp.path, &path);
            if matches!(&renamed, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                self.make_dir_of(&path)?;
                renamed = rename_new(&temp.path, &path);
            }
            match renamed {
                Ok(()) => break true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if self.mend(&temp, id, &path)? {
                        break true;
                    }
                    if self.renew(id)?.is_some() {
                        break false;
                    }
                }
                Err(error) => return Err(BlobError::io("name", &path)(error)),
            }
        };
        if is_new {
            temp.keep();
        }
        self.store.group.put(Put { id, is_new });
        Ok(())
    }

    /// Replaces a damaged blob and returns whether it was one.
    fn mend(&self, temp: &Temp, id: BlobId, path: &Path) -> Result<bool, BlobError> {
        let _mending = self.store.mending.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_intact(id)? {
            return Ok(false);
        }
        std::fs::rename(&temp.path, path).map_err(BlobError::io("name", path))?;
        Ok(true)
    }

    /// Whether the blob is there and its bytes are right.
    fn is_intact(&self, id: BlobId) -> Result<bool, BlobError> {
        match self.copy_to(id, &mut io::sink()) {
            Ok(_) => Ok(true),
            Err(BlobError::Missing { .. } | BlobError::Damaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A blob, open for reading; one in the trash comes back.
    ///
    /// # Errors
    /// `Missing`, `Io`
    pub fn open_blob(&self, id: BlobId) -> Result<OpenBlob, BlobError> {
        let path = self.path(id);
        let mut opened = File::open(&path);
        let not_found = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let is_missing = |opened: &io::Result<File>| opened.as_ref().err().is_some_and(not_found);
        if is_missing(&opened) && self.renew(id)?.is_some() {
            opened = File::open(&path);
        }
        if is_missing(&opened) {
            return Err(BlobError::Missing { id });
        }
        let file = opened.map_err(BlobError::io("open", &path))?;
        Ok(OpenBlob::new(id, path, file))
    }

    pub(crate) fn make_dir_of(&self, path: &Path) -> Result<(), BlobError> {
        let dir = path.parent().unwrap_or(&self.store.dir);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(BlobError::io("make", dir))
    }
}

/// Renames a file to a name that must be free. Replacing would do harm: the file there may be
/// durable already, the new one is not.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some filesystems do not know the flag; a link refuses a name in use on all of them.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
        renamed => Ok(renamed?),
    }
}

/// Sets a file's time of change to now.
pub(crate) fn touch(path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// `<dir>/ab/cdef…`
pub(crate) fn bucket_path(dir: &Path, hex: &str) -> PathBuf {
    let (bucket, name) = hex.split_at(2);
    let mut path = PathBuf::with_capacity(dir.as_os_str().len() + 66);
    path.push(dir);
    path.push(bucket);
    path.push(name);
    path
}
