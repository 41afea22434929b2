//! The folder for files in the making.

use crate::CliError;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What the names of processes' own folders begin with; the process's number follows.
const OWN: &str = "windlass-";
/// As many others may begin in the same place at the same time.
const TRY_COUNT_MAX: usize = 1_000;

/// An empty folder for this process.
pub(crate) struct Scratch {
    path: PathBuf,
    /// Of one that is this process's alone, and gone with it: held locked, so that others tell it
    /// from those that were left behind.
    own: Option<File>,
}

impl Scratch {
    /// One of its own in the folder that was named, or the one that there is for it, which whoever
    /// had it before may have left full.
    pub(crate) fn of(
        named: &Option<PathBuf>,
        otherwise: impl FnOnce() -> PathBuf,
    ) -> Result<Scratch, CliError> {
        let own = |folder: &PathBuf| folder.join(format!("{OWN}{}", std::process::id()));
        let path = named.as_ref().map_or_else(otherwise, own);
        // Commands begin in another folder.
        let absolute = std::path::absolute(&path);
        let made = absolute.and_then(|path| match named {
            Some(_) => make_own(path),
            None => make(&path).map(|()| Scratch { path, own: None }),
        });
        made.map_err(|error| {
            CliError::failed(format!(
                "make the folder {}: {error}; name another one with --scratch DIR",
                path.display()
            ))
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.own.is_some() {
            // What stays is in the way of nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path)?;
    }
    // What is made there is nobody else's business, and a folder for everybody may lie above it.
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the folder and locks it, whatever others take away meanwhile.
fn make_own(path: PathBuf) -> io::Result<Scratch> {
    if let Some(folder) = path.parent() {
        remove_left(folder);
    }
    let mut tries = 1..TRY_COUNT_MAX;
    loop {
        match locked(&path) {
            Ok(own) => return Ok(Scratch { path, own: Some(own) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

/// The folder, made and locked. Until it is, another process that begins takes it for one that was
/// left behind: then it is not found.
fn locked(path: &Path) -> io::Result<File> {
    make(path)?;
    let own = File::open(path)?;
    // Where the file system knows no locks nobody takes it for one that was left.
    let _ = own.lock();
    if is_at(&own, path) { Ok(own) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Whether an open folder is still the one of this name.
fn is_at(open: &File, path: &Path) -> bool {
    let [open, named] = [open.metadata(), std::fs::metadata(path)].map(|it| it.map(|it| it.ino()));
    open.ok().zip(named.ok()).is_some_and(|(open, named)| open == named)
}

/// Removes the folders of processes that had no time to.
fn remove_left(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(OWN));
        let is_meant = number.is_some_and(|number| number.parse::<u32>().is_ok())
            && entry.file_type().is_ok_and(|it| it.is_dir());
        if !is_meant {
            continue;
        }
        let Ok(left) = File::open(entry.path()) else { continue };
        // Only who holds it removes it; whoever else did has made room for another of this name.
        if left.try_lock().is_ok() && is_at(&left, &entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn what_a_process_left_behind_goes_and_what_others_hold_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let named = Some(folder.path().to_owned());
        let there = |name: &str| folder.path().join(name).exists();
        for name in ["windlass-1", "windlass-2", "windlass-x", "other-3"] {
            std::fs::create_dir_all(folder.path().join(name).join("state")).expect("it is made");
        }
        let held = File::open(folder.path().join("windlass-2")).expect("it is there");
        held.try_lock().expect("nobody has it");
        let scratch = Scratch::of(&named, PathBuf::new).expect("it is made");
        let names = ["windlass-1", "windlass-2", "windlass-x", "other-3"];
        assert_eq!(names.map(there), [false, true, true, true]);
        let path = scratch.path().to_owned();
        assert!(path.exists());
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn who_begins_while_others_do_gets_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        remove_left(path);
                    }
                });
            }
            let all: Vec<_> =
                (1..500).map(|it| make_own(path.join(format!("{OWN}{it}")))).collect();
            is_over.store(true, Ordering::Relaxed);
            for scratch in all {
                let scratch = scratch.expect("it is made");
                assert!(scratch.path().exists(), "{}", scratch.path().display());
            }
        });
    }
}
