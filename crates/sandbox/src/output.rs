//! Files for results in the making: without a name, so that a death leaves nothing to clean up.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// A new nameless file on the file system of `dir`, open for reading and writing.
///
/// # Errors
/// `dir` is missing or unwritable, or the disk is full.
pub fn output_file(dir: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(dir, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(file.into()),
        // Some file systems have no nameless files, some old kernels take the flag for O_DIRECTORY.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => unlinked_file(dir),
        Err(error) => Err(error.into()),
    }
}

/// The same by way of a name that is gone at once.
fn unlinked_file(dir: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = dir.join(format!(".output-{}-{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// The same file from its beginning, for reading alone; also one without a name.
///
/// # Errors
/// The system has no `/proc`, or no descriptor left.
pub fn read_only(file: &File) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn both_kinds_leave_no_name_behind() {
        let dir = tempfile::tempdir().expect("a folder");
        for make in [output_file, unlinked_file] {
            let mut file = make(dir.path()).expect("a file");
            file.write_all(b"result").expect("written");
            file.rewind().expect("rewound");
            let mut text = String::new();
            file.read_to_string(&mut text).expect("read");
            assert_eq!(text, "result");
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 0);
        assert!(output_file(&dir.path().join("missing")).is_err());
    }
}
