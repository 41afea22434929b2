//! What the journal's files ask of the system, in one place.
//!
//! A trait only because tests put another disk in its place, on which any step fails, is torn or is
//! lost with the power. Reading goes past it.

#[cfg(test)]
pub(crate) mod faulty;

use std::fmt::Debug;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

/// Every operation that changes something.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Makes a directory, readable by its owner only, in one that is there.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes an empty file, readable by its owner only; what had the name is emptied.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Opens a file to change it.
    fn open(&self, path: &Path) -> io::Result<File>;
    /// Writes all these bytes at this place.
    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Makes a file's content durable.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Gives a file another name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Does something beside the caller; it may not happen at all.
    fn beside(&self, work: Box<dyn FnOnce() + Send>);
}

/// The disk of this machine.
#[derive(Debug)]
pub(crate) struct System;

impl Disk for System {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(dir)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn beside(&self, work: Box<dyn FnOnce() + Send>) {
        let thread = std::thread::Builder::new().name("journal-spare".to_owned());
        // Without a thread the work is left undone, which its owner finds out.
        let _ = thread.spawn(work);
    }
}

/// Whether an error says that there is no room, which may come back.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Removes a file that may not be there.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a directory and those above it, and makes their names durable. One that is there may come
/// from a process that died before it had done the second, so its name is made durable again.
pub(crate) fn make_dir(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        // The root.
        None => return Ok(()),
    };
    if !dir.is_dir() {
        make_dir(disk, parent)?;
        match disk.make_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => return disk.sync_dir(parent),
        }
    }
    match disk.sync_dir(parent) {
        // Whoever may not read it has made nothing in it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}
