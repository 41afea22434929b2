//! A disk for tests: any step fails, is torn, or is the last one before the power goes.
//!
//! Files are real. Every change that no sync has made durable is remembered, so that the power can
//! take it back; what a failed sync left behind stays lost until it is written again.

use super::{Disk, System};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SECTOR_BYTES: u64 = 512;

/// What happens at the step that was chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Nothing is done.
    Error(ErrorKind),
    /// It is done, a write by about half, and reported as failed.
    Torn(ErrorKind),
    /// As torn; nothing works any more until the power is back.
    Power,
}

/// What the power takes with it of all that was not durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Loss {
    Nothing,
    Everything,
    EverySecondSector,
    /// Everything but the last removal: no order holds between names that no sync has parted.
    AllButTheLastRemoval,
}

/// The disk; `graves` keeps removed files until their removal is durable.
#[derive(Debug)]
pub(crate) struct FaultyDisk {
    graves: tempfile::TempDir,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    step_count: usize,
    plan: Option<(usize, Fault)>,
    is_dead: bool,
    changes: Vec<Change>,
    grave_count: usize,
}

#[derive(Debug)]
enum Change {
    MadeDir(PathBuf),
    Created(PathBuf),
    Written(Written),
    Renamed(PathBuf, PathBuf),
    Removed(PathBuf, PathBuf),
}

#[derive(Debug)]
struct Written {
    file: File,
    inode: u64,
    at: u64,
    bytes: u64,
    old: Vec<u8>,
    old_end: u64,
    /// A sync of it failed: the system takes it for clean and never writes it.
    is_stale: bool,
}

impl FaultyDisk {
    pub(crate) fn new(plan: Option<(usize, Fault)>) -> FaultyDisk {
        let inner = Inner { plan, ..Inner::default() };
        FaultyDisk { graves: tempfile::tempdir().unwrap(), inner: Mutex::new(inner) }
    }

    pub(crate) fn step_count(&self) -> usize {
        self.inner().step_count
    }

    /// The power comes back.
    pub(crate) fn lose(&self, loss: Loss) {
        let mut inner = self.inner();
        inner.is_dead = false;
        inner.plan = None;
        let mut changes = std::mem::take(&mut inner.changes);
        if loss == Loss::AllButTheLastRemoval {
            let last = changes.iter().rposition(|it| matches!(it, Change::Removed(..)));
            if let Some(index) = last {
                changes.remove(index);
            }
        }
        for change in changes.into_iter().rev() {
            match loss {
                Loss::Nothing => {}
                Loss::Everything | Loss::AllButTheLastRemoval => change.undo(),
                Loss::EverySecondSector => {
                    if let Change::Written(written) = change {
                        written.undo_half();
                    }
                }
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step that either happens or not; `change` says what the power may take back.
    fn whole<T>(
        &self,
        act: impl FnOnce() -> io::Result<T>,
        change: impl FnOnce(&mut Inner),
    ) -> io::Result<T> {
        let mut inner = self.inner();
        let fault = inner.next()?;
        if let Some(Fault::Error(kind)) = fault {
            return Err(kind.into());
        }
        let done = act()?;
        change(&mut inner);
        match fault {
            Some(Fault::Torn(kind)) => Err(kind.into()),
            Some(Fault::Power) => Err(io::Error::other("the power is gone")),
            _ => Ok(done),
        }
    }
}

impl Inner {
    fn next(&mut self) -> io::Result<Option<Fault>> {
        if self.is_dead {
            return Err(io::Error::other("the power is gone"));
        }
        self.step_count += 1;
        let fault = self.plan.filter(|(step, _)| *step == self.step_count).map(|(_, fault)| fault);
        self.is_dead = fault == Some(Fault::Power);
        Ok(fault)
    }

    fn write(&mut self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let inode = file.metadata()?.ino();
        let old_end = file.metadata()?.len();
        let known = usize::try_from(old_end.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut old = vec![0; bytes.len().min(known)];
        file.read_exact_at(&mut old, at)?;
        file.write_all_at(bytes, at)?;
        let end = at + bytes.len() as u64;
        for change in &mut self.changes {
            // What is written again is dirty again: the next sync takes it along.
            if let Change::Written(earlier) = change
                && earlier.inode == inode
                && (at..=end).contains(&earlier.at)
                && (at..=end).contains(&(earlier.at + earlier.bytes))
            {
                earlier.is_stale = false;
            }
        }
        let (file, bytes) = (file.try_clone()?, bytes.len() as u64);
        let written = Written { file, inode, at, bytes, old, old_end, is_stale: false };
        self.changes.push(Change::Written(written));
        Ok(())
    }
}

impl Change {
    fn undo(self) {
        match self {
            Change::MadeDir(path) => std::fs::remove_dir_all(path).unwrap(),
            Change::Created(path) => std::fs::remove_file(path).unwrap(),
            Change::Written(written) => written.undo(),
            Change::Renamed(from, to) => std::fs::rename(to, from).unwrap(),
            Change::Removed(path, grave) => std::fs::rename(grave, path).unwrap(),
        }
    }
}

impl Written {
    fn undo(self) {
        self.file.write_all_at(&self.old, self.at).unwrap();
        self.file.set_len(self.old_end).unwrap();
    }

    fn undo_half(mut self) {
        self.old.resize(usize::try_from(self.bytes).unwrap(), 0);
        let mut from = 0;
        while from < self.old.len() {
            let at = self.at + from as u64;
            let in_sector = usize::try_from(SECTOR_BYTES - at % SECTOR_BYTES).unwrap();
            let to = self.old.len().min(from + in_sector);
            if at / SECTOR_BYTES % 2 == 1 {
                self.file.write_all_at(&self.old[from..to], at).unwrap();
            }
            from = to;
        }
    }
}

impl Disk for FaultyDisk {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        let change = Change::MadeDir(dir.to_path_buf());
        self.whole(|| System.make_dir(dir), |inner| inner.changes.push(change))
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let is_new = !path.exists();
        self.whole(
            || System.create(path),
            |inner| {
                if is_new {
                    inner.changes.push(Change::Created(path.to_path_buf()));
                }
            },
        )
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        self.whole(|| System.open(path), |_| {})
    }

    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut inner = self.inner();
        match inner.next()? {
            None => inner.write(file, bytes, at),
            Some(Fault::Error(kind)) => Err(kind.into()),
            Some(fault) => {
                // A disk writes whole sectors.
                let half_end = (at + bytes.len() as u64 / 2) / SECTOR_BYTES * SECTOR_BYTES;
                let half = usize::try_from(half_end.saturating_sub(at)).unwrap_or(usize::MAX);
                inner.write(file, &bytes[..half], at)?;
                Err(match fault {
                    Fault::Torn(kind) => kind.into(),
                    _ => io::Error::other("the power is gone"),
                })
            }
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut inner = self.inner();
        let fault = inner.next()?;
        let inode = file.metadata()?.ino();
        let is_of_file = |change: &Change| match change {
            Change::Written(written) => written.inode == inode && !written.is_stale,
            _ => false,
        };
        match fault {
            None => {
                inner.changes.retain(|change| !is_of_file(change));
                Ok(())
            }
            Some(Fault::Power) => Err(io::Error::other("the power is gone")),
            Some(Fault::Error(kind) | Fault::Torn(kind)) => {
                for change in &mut inner.changes {
                    if let Change::Written(written) = change {
                        written.is_stale |= written.inode == inode;
                    }
                }
                Err(kind.into())
            }
        }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.whole(
            || Ok(()),
            |inner| {
                inner.changes.retain(|change| match change {
                    Change::Written(_) => true,
                    Change::MadeDir(path)
                    | Change::Created(path)
                    | Change::Renamed(path, _)
                    | Change::Removed(path, _) => path.parent() != Some(dir),
                });
            },
        )
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let change = Change::Renamed(from.to_path_buf(), to.to_path_buf());
        self.whole(|| System.rename(from, to), |inner| inner.changes.push(change))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let number = {
            let mut inner = self.inner();
            inner.grave_count += 1;
            inner.grave_count
        };
        let grave = self.graves.path().join(number.to_string());
        let change = Change::Removed(path.to_path_buf(), grave.clone());
        self.whole(|| System.rename(path, &grave), |inner| inner.changes.push(change))
    }

    fn beside(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}
