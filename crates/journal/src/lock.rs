//! The lock on a state directory: one process at a time, and the second learns who holds it.
//!
//! Also refuses directories on network filesystems, where neither locks nor syncs can be relied on.

use crate::disk::{System, make_dir};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The lock's file in the state directory. It is never removed: removing it would let a process
/// lock a file that the next one no longer finds.
const LOCK_FILE: &str = "lock";
/// A process id and a newline, with room to spare.
const PID_BYTES_MAX: u64 = 16;

/// Why a state directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works there.
    #[error("lock {}: {}", dir.display(), holder(*pid))]
    Held {
        /// The state directory.
        dir: PathBuf,
        /// Its holder, if it has written its id already.
        pid: Option<u32>,
    },
    /// The directory lies on a filesystem on which a lock or a sync may promise too much.
    #[error("use {}: it lies on a network filesystem ({filesystem})", dir.display())]
    NotLocal {
        /// The state directory.
        dir: PathBuf,
        /// The filesystem's name.
        filesystem: &'static str,
    },
    /// The system refused.
    #[error("open {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or("another process holds it".to_owned(), |pid| format!("process {pid} holds it"))
}

/// Whether a process works in a state directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// None does.
    Nobody,
    /// One does, with this id if it has written it already.
    Process(Option<u32>),
}

impl Holder {
    /// Who holds a state directory at this moment; the answer may be old when it arrives.
    ///
    /// # Errors
    /// The lock's file cannot be read.
    pub fn of(dir: &Path) -> Result<Holder, LockError> {
        let path = dir.join(LOCK_FILE);
        let failed = |source| LockError::Io { path: path.clone(), source };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holder::Nobody),
            Err(source) => return Err(failed(source)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Holder::Nobody),
            Err(TryLockError::WouldBlock) => {
                read_pid(&mut file).map(Holder::Process).map_err(failed)
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// The exclusive right to a state directory, held until the last clone is dropped.
///
/// The lock belongs to an open file that is closed on exec, so children never inherit it.
#[derive(Clone, Debug)]
pub struct StateLock {
    dir: PathBuf,
    _file: Arc<File>,
}

impl StateLock {
    /// Locks a state directory, which is made (mode 0700) if it is not there.
    ///
    /// # Errors
    /// `Held` while another process, or another lock of this one, holds it; `NotLocal`; `Io`.
    pub fn acquire(dir: &Path) -> Result<StateLock, LockError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| LockError::Io { path, source }
        };
        make_dir(&System, dir).map_err(failed(dir))?;
        if let Some(filesystem) = network_filesystem(dir).map_err(failed(dir))? {
            return Err(LockError::NotLocal { dir: dir.to_path_buf(), filesystem });
        }
        let path = dir.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read_pid(&mut file).map_err(failed(&path))?;
                return Err(LockError::Held { dir: dir.to_path_buf(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(LockError::Io { path, source }),
        }
        write_pid(&mut file).map_err(failed(&path))?;
        Ok(StateLock { dir: dir.to_path_buf(), _file: Arc::new(file) })
    }

    /// The state directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

fn read_pid(file: &mut File) -> io::Result<Option<u32>> {
    let mut bytes = Vec::new();
    file.take(PID_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok()))
}

fn write_pid(file: &mut File) -> io::Result<()> {
    let line = format!("{}\n", std::process::id());
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(line.as_bytes())
}

/// The name of a directory's filesystem if it is one that reaches over a network.
///
/// FUSE is among them: from here `sshfs` cannot be told from a local driver.
#[cfg(target_os = "linux")]
fn network_filesystem(dir: &Path) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::statfs(dir)?.f_type;
    // The field is signed on some targets; the numbers have 32 bits on all.
    let magic = u32::try_from(i128::from(kind) & 0xffff_ffff).unwrap_or(0);
    Ok(network_name(magic))
}

#[cfg(not(target_os = "linux"))]
fn network_filesystem(_dir: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// Names by the magic numbers of statfs(2) and Linux' `include/uapi/linux/magic.h`.
#[cfg(target_os = "linux")]
fn network_name(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "nfs",
        0x517b => "smb",
        0xfe53_4d42 => "smb2",
        0xff53_4d42 => "cifs",
        0x6573_5546 => "fuse",
        0x0102_1997 => "9p",
        0x00c3_6400 => "ceph",
        0x5346_414f | 0x6b41_4653 => "afs",
        0x7375_7245 => "coda",
        0x564c => "ncp",
        0x0bd0_0bd0 => "lustre",
        0x4750_4653 => "gpfs",
        0x1983_0326 => "beegfs",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_lock_names_the_holder() {
        let state = tempfile::tempdir().unwrap();
        let dir = state.path().join("a/b");
        let lock = StateLock::acquire(&dir).unwrap();
        let clone = lock.clone();
        drop(lock);
        let refused = StateLock::acquire(&dir).unwrap_err();
        let own = std::process::id();
        assert_eq!(Holder::of(&dir).unwrap(), Holder::Process(Some(own)));
        assert!(matches!(&refused, LockError::Held { pid: Some(pid), .. } if *pid == own));
        assert!(refused.to_string().ends_with(&format!("process {own} holds it")), "{refused}");
        drop(clone);
        assert_eq!(Holder::of(&dir).unwrap(), Holder::Nobody);
        StateLock::acquire(&dir).unwrap();
    }

    #[test]
    fn lock_survives_a_longer_or_damaged_holder_line() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join(LOCK_FILE), "\u{0}not a number, and long\n").unwrap();
        let mut reader = File::open(state.path().join(LOCK_FILE)).unwrap();
        assert_eq!(read_pid(&mut reader).unwrap(), None);
        let _lock = StateLock::acquire(state.path()).unwrap();
        let text = std::fs::read_to_string(state.path().join(LOCK_FILE)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_filesystems_are_known_by_number() {
        assert_eq!(network_name(0x6969), Some("nfs"));
        assert_eq!(network_name(0xff53_4d42), Some("cifs"));
        assert_eq!(network_name(0xef53), None, "ext4 is local");
        let state = tempfile::tempdir().unwrap();
        assert_eq!(network_filesystem(state.path()).unwrap(), None);
    }
}
