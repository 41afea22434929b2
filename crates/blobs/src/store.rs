//! The directory of blobs: how they are named, put, found and verified.
//!
//! `ab/cdef…` holds the blob whose hash is `abcdef…`; `tmp/` holds what is being written. A blob
//! gets its name by a rename that never replaces another, so a name stands for one file from then
//! on.

use crate::error::BlobError;
use crate::group::{Group, Put};
use crate::writer::{BlobWriter, Hashed, Temp};
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use windlass_core::BlobId;

/// Where blobs are written before they have a name.
const TEMP_DIR: &str = "tmp";
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
}

impl Blobs {
    /// Opens the store of a directory, which is made (mode 0700) if it is not there.
    ///
    /// # Errors
    /// `Io` if the directory cannot be made or opened.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Blobs, BlobError> {
        let dir = dir.into();
        let temp_dir = dir.join(TEMP_DIR);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&temp_dir);
        made.map_err(BlobError::io("make", &temp_dir))?;
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let synced = File::open(parent).and_then(|parent| parent.sync_all());
        synced.map_err(BlobError::io("sync", parent))?;
        let group = Group::open(&dir)?;
        Ok(Blobs { store: Arc::new(Store { dir, temp_dir, group, mending: Mutex::default() }) })
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
            let path = entry.map_err(BlobError::io("list", dir))?.path();
            std::fs::remove_file(&path).map_err(BlobError::io("remove", &path))?;
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
        if self.is_intact(id)? {
            self.store.group.put(Put { id, is_new: false });
            return Ok(id);
        }
        let temp = Temp::create(&self.store.temp_dir)?;
        temp.file.write_all_at(bytes, 0).map_err(BlobError::io("write", &temp.path))?;
        self.publish(temp, id)?;
        Ok(id)
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
        let path = self.path(id);
        let file = self.open_file(id, &path)?;
        let failed = || BlobError::io("read", &path);
        let file_bytes = file.metadata().map_err(failed())?.len();
        if file_bytes > bytes_max {
            return Err(BlobError::TooLarge { id, max: bytes_max });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(file_bytes).unwrap_or(0));
        file.take(bytes_max).read_to_end(&mut bytes).map_err(failed())?;
        if BlobId::of(&bytes) == id { Ok(bytes) } else { Err(BlobError::Damaged { file: path }) }
    }

    /// Writes a blob to a receiver and returns its length. The receiver may have got wrong bytes
    /// when this fails: only `Ok` vouches for them.
    ///
    /// # Errors
    /// `Missing`, `Damaged` at the end, `Receiver`, `Io`
    pub fn copy_to(&self, id: BlobId, receiver: &mut impl Write) -> Result<u64, BlobError> {
        let path = self.path(id);
        copy_verified(id, &self.open_file(id, &path)?, &path, receiver)
    }

    /// A blob's file, read through and verified, for whoever needs a descriptor.
    ///
    /// # Errors
    /// `Missing`, `Damaged`, `Io`
    pub fn open_verified(&self, id: BlobId) -> Result<File, BlobError> {
        let path = self.path(id);
        let mut file = self.open_file(id, &path)?;
        copy_verified(id, &file, &path, &mut io::sink())?;
        file.rewind().map_err(BlobError::io("read", &path))?;
        Ok(file)
    }

    /// Whether the store has a file of this name; its bytes are not looked at.
    #[must_use]
    pub fn contains(&self, id: BlobId) -> bool {
        self.path(id).is_file()
    }

    /// Where a blob lies, whether it is there or not.
    #[must_use]
    pub fn path(&self, id: BlobId) -> PathBuf {
        let hex = id.to_hex();
        let (dir, name) = hex.split_at(2);
        let mut path = PathBuf::with_capacity(self.store.dir.as_os_str().len() + 66);
        path.push(&self.store.dir);
        path.push(dir);
        path.push(name);
        path
    }

    /// Gives a written file its name, unless the blob is there already.
    pub(crate) fn publish(&self, mut temp: Temp, id: BlobId) -> Result<(), BlobError> {
        let path = self.path(id);
        let mut renamed = rename_new(&temp.path, &path);
        if matches!(&renamed, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            self.make_dir_of(&path)?;
            renamed = rename_new(&temp.path, &path);
        }
        let is_new = match renamed {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.mend(&temp, id, &path)?
            }
            Err(error) => return Err(BlobError::io("name", &path)(error)),
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

    fn open_file(&self, id: BlobId, path: &Path) -> Result<File, BlobError> {
        File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::Missing { id },
            _ => BlobError::io("open", path)(error),
        })
    }

    fn make_dir_of(&self, path: &Path) -> Result<(), BlobError> {
        let dir = path.parent().unwrap_or(&self.store.dir);
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(BlobError::io("make", dir)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Copies a blob's file to a receiver and holds what passed against its name.
fn copy_verified(
    id: BlobId,
    file: &File,
    path: &Path,
    receiver: &mut impl Write,
) -> Result<u64, BlobError> {
    let mut hashed = Hashed::new(receiver);
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    let mut piece = file.take(CHUNK_BYTES as u64);
    while piece.read_to_end(&mut chunk).map_err(BlobError::io("read", path))? > 0 {
        let written = hashed.write_all(&chunk);
        written.map_err(|source| BlobError::Receiver { id, source: Arc::new(source) })?;
        chunk.clear();
        piece.set_limit(CHUNK_BYTES as u64);
    }
    let (found, bytes) = hashed.finish();
    if found == id { Ok(bytes) } else { Err(BlobError::Damaged { file: path.to_path_buf() }) }
}

/// Renames a file to a name that must be free. Replacing would do harm: the file there may be
/// durable already, the new one is not.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
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
