//! Making puts durable in groups: one thread syncs what all have put, the others wait for it.
//!
//! Files first, then the directories that name them. A failure reaches every waiter and stays: a
//! second sync of the same pages could succeed although they never reached the disk.

use crate::disk::Disk;
use crate::error::BlobError;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use windlass_core::BlobId;

/// What the two ways to sync a batch cost, learnt from those before. One by one, every new file
/// makes the filesystem commit; a sync of the whole filesystem commits once, but also waits for
/// what other programs have written. Measured on ext4, one by one against whole: 16 files 3.3 and
/// 0.5 ms, 256 files 59 and 4 ms, 4,000 files 750 and 36 ms; on a busy disk 16 files 150 and 1 ms,
/// 1 file 6 and 50 ms. No fixed number of files serves all these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Costs {
    file: Duration,
    whole: Duration,
}

impl Default for Costs {
    /// Before the first measurement, 16 files are worth a whole sync.
    fn default() -> Costs {
        Costs { file: Duration::from_micros(250), whole: Duration::from_millis(4) }
    }
}

impl Costs {
    fn prefers_whole(self, file_count: usize) -> bool {
        self.file.saturating_mul(u32::try_from(file_count).unwrap_or(u32::MAX)) > self.whole
    }

    /// A way taken moves halfway to its new measurement; the other becomes cheaper by an eighth, so
    /// that one bad moment does not rule it out for ever.
    fn learn(&mut self, was_whole: bool, file_count: usize, took: Duration) {
        let mean = |old: Duration, new: Duration| (old + new) / 2;
        if was_whole {
            self.whole = mean(self.whole, took);
            self.file = self.file * 7 / 8;
        } else {
            let count = u32::try_from(file_count).unwrap_or(u32::MAX).max(1);
            self.file = mean(self.file, took / count);
            self.whole = self.whole * 7 / 8;
        }
    }
}

/// A blob that a put has named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Put {
    pub(crate) id: BlobId,
    /// Whether this put wrote it, or found it there.
    pub(crate) is_new: bool,
}

/// The puts that are not durable yet, and who takes care of them.
#[derive(Debug)]
pub(crate) struct Group {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// The store's directory, open since before the first put: the kernel reports to a descriptor
    /// the write errors that happened while it was open.
    dir_file: File,
    /// Whether this filesystem's whole sync can be trusted to report errors.
    can_sync_whole: bool,
    state: Mutex<State>,
    turned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Puts since the newest batch began.
    puts: Vec<Put>,
    /// Batches begun; batch `n` is the n-th.
    begun_count: u64,
    /// Batches ended; at most one less than begun.
    ended_count: u64,
    /// Directories `00` to `ff` whose own name is known to be durable.
    durable_dirs: BTreeSet<u8>,
    costs: Costs,
    failure: Option<BlobError>,
}

impl Group {
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Group, BlobError> {
        let dir_file = File::open(dir).map_err(BlobError::io("open", dir))?;
        Ok(Group {
            dir: dir.to_path_buf(),
            can_sync_whole: disk.can_sync_whole(&dir_file),
            disk,
            dir_file,
            state: Mutex::default(),
            turned: Condvar::new(),
        })
    }

    /// Remembers a put for the next sync.
    pub(crate) fn put(&self, put: Put) {
        self.state().puts.push(put);
    }

    /// Returns once everything put before is durable.
    pub(crate) fn sync(&self, path: impl Fn(BlobId) -> PathBuf) -> Result<(), BlobError> {
        let mut state = self.state();
        // The batch that has, or will have, the newest put of now.
        let batch = state.begun_count + u64::from(!state.puts.is_empty());
        while state.failure.is_none() && state.ended_count < batch {
            if state.begun_count > state.ended_count {
                state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.begun_count += 1;
            let puts = std::mem::take(&mut state.puts);
            let (durable_dirs, mut costs) = (state.durable_dirs.clone(), state.costs);
            drop(state);
            let synced = self.sync_batch(&puts, &durable_dirs, &mut costs, &path);
            state = self.state();
            state.ended_count += 1;
            state.costs = costs;
            match synced {
                Ok(()) => state.durable_dirs.extend(puts.iter().map(|put| put.id.0[0])),
                Err(error) => state.failure = Some(error),
            }
            self.turned.notify_all();
        }
        state.failure.clone().map_or(Ok(()), Err)
    }

    fn sync_batch(
        &self,
        puts: &[Put],
        durable_dirs: &BTreeSet<u8>,
        costs: &mut Costs,
        path: &impl Fn(BlobId) -> PathBuf,
    ) -> Result<(), BlobError> {
        let mut ids: Vec<_> = puts.iter().map(|put| put.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let is_whole = self.can_sync_whole && costs.prefers_whole(ids.len());
        let start = Instant::now();
        let synced =
            if is_whole { self.sync_whole() } else { self.sync_each(&ids, durable_dirs, path) };
        costs.learn(is_whole, ids.len(), start.elapsed());
        if synced.is_err() {
            // After a restart these would be found and look durable. Those that were there before
            // may be named by entries already and stay.
            for put in puts.iter().filter(|put| put.is_new) {
                let _ = std::fs::remove_file(path(put.id));
            }
        }
        synced
    }

    fn sync_each(
        &self,
        ids: &[BlobId],
        durable_dirs: &BTreeSet<u8>,
        path: &impl Fn(BlobId) -> PathBuf,
    ) -> Result<(), BlobError> {
        let paths: Vec<_> = ids.iter().map(|id| path(*id)).collect();
        for path in &paths {
            self.disk.sync(path).map_err(failed(path))?;
        }
        // Sorted, so those of a directory stand together.
        let mut dirs: Vec<_> = paths.iter().filter_map(|path| path.parent()).collect();
        dirs.dedup();
        for dir in dirs {
            self.disk.sync_dir(dir).map_err(failed(dir))?;
        }
        if ids.iter().any(|id| !durable_dirs.contains(&id.0[0])) {
            self.disk.sync_dir(&self.dir).map_err(failed(&self.dir))?;
        }
        Ok(())
    }

    fn sync_whole(&self) -> Result<(), BlobError> {
        self.disk.sync_whole(&self.dir_file).map_err(failed(&self.dir))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    move |source| BlobError::Sync { path: path.to_path_buf(), source: Arc::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::System;
    use std::sync::Barrier;

    fn id(byte: u8) -> BlobId {
        BlobId([byte; 32])
    }

    /// `/dev/null` cannot be synced, which stands for a disk that fails.
    fn group(dir: &Path) -> Group {
        for byte in [1, 2] {
            std::fs::write(dir.join(format!("{byte}")), [byte]).unwrap();
        }
        std::os::unix::fs::symlink("/dev/null", dir.join("3")).unwrap();
        let mut group = Group::open(Arc::new(System), dir).unwrap();
        group.can_sync_whole = false;
        group
    }

    fn path(dir: &Path) -> impl Fn(BlobId) -> PathBuf {
        move |id| dir.join(format!("{}", id.0[0]))
    }

    #[test]
    fn a_failed_sync_reaches_every_waiter_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let group = group(dir.path());
        group.put(Put { id: id(1), is_new: true });
        group.sync(path(dir.path())).unwrap();
        group.put(Put { id: id(2), is_new: true });
        group.put(Put { id: id(1), is_new: false });
        group.put(Put { id: id(3), is_new: true });
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let error = group.sync(path(dir.path())).unwrap_err();
                    assert!(matches!(error, BlobError::Sync { .. }), "{error}");
                });
            }
        });
        assert!(group.sync(path(dir.path())).is_err(), "nothing is durable from then on");
        let left = [1, 2, 3].map(|byte| dir.path().join(format!("{byte}")).exists());
        assert_eq!(left, [true, false, false], "only what may be named already stays");
    }

    /// Each thread puts, then syncs: when its sync returns, the batch with its put has ended.
    #[test]
    fn a_sync_covers_every_put_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let group = group(dir.path());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let batch = group.state().begun_count + 1;
                        group.put(Put { id: id(1), is_new: false });
                        group.sync(path(dir.path())).unwrap();
                        assert!(group.state().ended_count >= batch);
                    }
                });
            }
        });
        let state = group.state();
        assert!(state.puts.is_empty());
        assert_eq!(state.begun_count, state.ended_count);
        assert!(state.ended_count <= 400);
    }

    #[test]
    fn the_cheaper_way_is_taken_and_the_other_tried_again() {
        let mut costs = Costs::default();
        assert!(!costs.prefers_whole(16) && costs.prefers_whole(17));
        let slow = Duration::from_secs(4);
        costs.learn(true, 1_000, slow);
        assert!(!costs.prefers_whole(1_000), "others have written much");
        let rounds = (1..).find(|_| {
            costs.learn(false, 1_000, Duration::from_millis(250));
            costs.prefers_whole(1_000)
        });
        assert!((5..40).contains(&rounds.unwrap()), "{rounds:?}");
    }

    #[test]
    fn a_sync_without_puts_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let group = group(dir.path());
        group.sync(path(dir.path())).unwrap();
        assert_eq!(group.state().begun_count, 0);
    }
}
