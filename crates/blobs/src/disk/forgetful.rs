//! A disk for tests: the power takes every name and every content that was not synced by itself.
//!
//! Files are real. A sync remembers what it made durable, and the loss of power takes the rest, as
//! the weakest filesystem might that POSIX allows.

use super::Disk;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct ForgetfulDisk {
    durable: Mutex<Durable>,
}

#[derive(Debug, Default)]
struct Durable {
    /// Names, with the file or directory that each stands for.
    names: BTreeSet<(PathBuf, u64)>,
    /// Files whose content is whole.
    contents: BTreeSet<u64>,
}

impl ForgetfulDisk {
    /// What is below `root` afterwards is what the power has left.
    pub(crate) fn lose_power(&self, root: &Path) {
        let mut durable = self.durable();
        let mut left = BTreeSet::new();
        let mut dirs = vec![root.to_path_buf()];
        while let Some(dir) = dirs.pop() {
            for (path, inode) in list(&dir).unwrap() {
                let is_dir = path.is_dir();
                if !durable.names.contains(&(path.clone(), inode)) {
                    let removed =
                        if is_dir { std::fs::remove_dir_all } else { std::fs::remove_file };
                    removed(&path).unwrap();
                    continue;
                }
                left.insert(inode);
                if is_dir {
                    dirs.push(path);
                } else if !durable.contents.contains(&inode) {
                    File::create(&path).unwrap();
                }
            }
        }
        // Their numbers are given to other files.
        durable.contents.retain(|inode| left.contains(inode));
    }

    fn durable(&self) -> MutexGuard<'_, Durable> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for ForgetfulDisk {
    fn sync(&self, path: &Path) -> io::Result<()> {
        let inode = path.metadata()?.ino();
        self.durable().contents.insert(inode);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let names = list(dir)?;
        let mut durable = self.durable();
        durable.names.retain(|(path, _)| path.parent() != Some(dir));
        durable.names.extend(names);
        Ok(())
    }

    fn sync_whole(&self, _dir: &File) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn can_sync_whole(&self, _dir: &File) -> bool {
        false
    }
}

/// Paths in a directory, and the inodes that they stand for.
fn list(dir: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let entries = std::fs::read_dir(dir)?;
    entries.map(|entry| entry.and_then(|it| Ok((it.path(), it.metadata()?.ino())))).collect()
}
