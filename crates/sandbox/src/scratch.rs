//! A scratch folder of commands: made fresh, measured while in use, emptied and removed whatever
//! is in it.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Entries of one scratch folder; a command that makes more is stopped.
const ENTRY_COUNT_MAX: usize = 1_000_000;
/// Its owner's alone.
const MODE: u32 = 0o700;
/// Times that removal is tried anew while escaped processes may still write.
const REMOVAL_COUNT_MAX: usize = 3;
/// Bytes of a block in `st_blocks`, whatever the file system's own blocks are (stat(2)).
const BLOCK_BYTES: u64 = 512;

/// Removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder; one that a killed worker left there goes first.
    pub(crate) fn new(path: PathBuf) -> io::Result<Scratch> {
        let create = || DirBuilder::new().mode(MODE).create(&path);
        match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove(&path)?;
                create()?;
            }
            created => created?,
        }
        Ok(Scratch { path })
    }

    /// Empties it for the next command; the folder stays the same one, which rules are tied to.
    pub(crate) fn clear(&self) -> io::Result<()> {
        if fs::metadata(&self.path)?.permissions().mode() & 0o7777 != MODE {
            fs::set_permissions(&self.path, Permissions::from_mode(MODE))?;
        }
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => remove(&entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }

    /// Bytes on disk of all that lies in it; `u64::MAX` with too many entries to count. Folders
    /// that may not be listed count nothing.
    pub(crate) fn bytes(&self) -> u64 {
        let mut total = 0_u64;
        let mut entry_count = 0_usize;
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                entry_count += 1;
                if entry_count > ENTRY_COUNT_MAX {
                    return u64::MAX;
                }
                // Of the entry itself: a symbolic link is not followed.
                let Ok(metadata) = entry.metadata() else { continue };
                total = total.saturating_add(metadata.blocks().saturating_mul(BLOCK_BYTES));
                if metadata.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        total
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody is left to be told; an error here harms nothing but the disk.
        let _ = remove(&self.path);
    }
}

/// Removes a folder with all that it holds. Most are empty, which costs one call.
fn remove(path: &Path) -> io::Result<()> {
    let mut removed = fs::remove_dir(path);
    for _ in 0..REMOVAL_COUNT_MAX {
        match &removed {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) => {
                removed = fs::remove_dir_all(path);
                if removed.is_err() {
                    open_up(path);
                }
            }
        }
    }
    removed
}

/// Lets the owner list and change every folder below, as the command may have forbidden it.
fn open_up(path: &Path) {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, Permissions::from_mode(MODE));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_all_that_it_holds_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let outside = parent.path().join("outside");
        fs::write(&outside, "kept").expect("written");
        let scratch = Scratch::new(parent.path().join("scratch")).expect("made");
        let deep = scratch.path.join("a/b");
        fs::create_dir_all(&deep).expect("made");
        fs::write(deep.join("file"), vec![1; 100_000]).expect("written");
        std::os::unix::fs::symlink(&outside, deep.join("link")).expect("linked");
        fs::set_permissions(&deep, Permissions::from_mode(0o000)).expect("closed");
        drop(scratch);
        let left = fs::read_dir(parent.path()).expect("listed").count();
        assert_eq!(left, 1, "only the file outside");
        assert_eq!(fs::read(&outside).expect("read"), b"kept");
    }

    #[test]
    fn it_is_emptied_and_stays_the_same_folder() {
        let parent = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::new(parent.path().join("scratch")).expect("made");
        let number = fs::metadata(&scratch.path).expect("there").ino();
        fs::create_dir_all(scratch.path.join("a/b")).expect("made");
        fs::write(scratch.path.join("file"), "x").expect("written");
        std::os::unix::fs::symlink(parent.path(), scratch.path.join("link")).expect("linked");
        fs::set_permissions(scratch.path.join("a"), Permissions::from_mode(0o000)).expect("closed");
        fs::set_permissions(&scratch.path, Permissions::from_mode(0o000)).expect("closed");
        scratch.clear().expect("emptied");
        let metadata = fs::metadata(&scratch.path).expect("there");
        assert_eq!((metadata.ino(), metadata.mode() & 0o7777), (number, MODE));
        assert_eq!(fs::read_dir(&scratch.path).expect("listed").count(), 0);
    }

    #[test]
    fn what_lies_in_it_is_counted_without_following_links() {
        let parent = tempfile::tempdir().expect("a folder");
        let outside = parent.path().join("outside");
        fs::write(&outside, vec![1; 1 << 20]).expect("written");
        let scratch = Scratch::new(parent.path().join("scratch")).expect("made");
        assert!(scratch.bytes() < 100_000);
        std::os::unix::fs::symlink(&outside, scratch.path.join("link")).expect("linked");
        fs::write(scratch.path.join("file"), vec![1; 300_000]).expect("written");
        assert!((300_000..500_000).contains(&scratch.bytes()));
    }
}
