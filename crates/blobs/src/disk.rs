//! What makes files and their names durable, in one place.
//!
//! A trait only because a test puts another disk in its place, one that loses with the power what
//! was not synced by itself. Filesystems forgive more, each in its own way.

#[cfg(test)]
pub(crate) mod forgetful;

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::path::Path;

/// Every step that makes something durable.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Makes a file's content durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the whole filesystem of an open directory durable.
    fn sync_whole(&self, dir: &File) -> io::Result<()>;
    /// Whether a whole sync of this directory's filesystem can be trusted to report errors.
    fn can_sync_whole(&self, dir: &File) -> bool;
}

/// The disk of this machine.
#[derive(Debug)]
pub(crate) struct System;

impl Disk for System {
    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_data()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    #[cfg(target_os = "linux")]
    fn sync_whole(&self, dir: &File) -> io::Result<()> {
        Ok(rustix::fs::syncfs(dir)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_whole(&self, _dir: &File) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Linux reports write errors through `syncfs` since 5.8 (syncfs(2)); filesystems that pass the
    /// call on to others, or that nobody has looked at here, are synced file by file.
    #[cfg(target_os = "linux")]
    fn can_sync_whole(&self, dir: &File) -> bool {
        // ext2 to ext4, XFS, Btrfs: include/uapi/linux/magic.h.
        const KNOWN: [i128; 3] = [0xef53, 0x5846_5342, 0x9123_683e];
        let is_known = rustix::fs::fstatfs(dir)
            .is_ok_and(|stat| KNOWN.contains(&(i128::from(stat.f_type) & 0xffff_ffff)));
        is_known && kernel_version().is_some_and(|version| version >= (5, 8))
    }

    #[cfg(not(target_os = "linux"))]
    fn can_sync_whole(&self, _dir: &File) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
fn kernel_version() -> Option<(u32, u32)> {
    let uname = rustix::system::uname();
    let mut parts = uname.release().to_str().ok()?.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
