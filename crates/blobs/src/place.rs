//! Putting a file in place at once, whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Files in the making are named `.windlass-<process id>-<number>.tmp`.
const UNFINISHED_PREFIX: &str = ".windlass-";
const UNFINISHED_SUFFIX: &str = ".tmp";

/// Puts a whole file in place at once: written under another name beside it, then renamed. Folders
/// above it are made where they are missing. Not durable by itself, see [`crate::sync_files`].
///
/// # Errors
/// The file system refuses, or `write` fails; nothing is left behind then.
pub fn place(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let unfinished = unfinished(folder);
    let mut file = BufWriter::new(create(&unfinished, folder)?);
    let written =
        write(&mut file).and_then(|()| file.flush()).and_then(|()| fs::rename(&unfinished, path));
    written.inspect_err(|_| {
        // Nothing else can be done about a file that will not go either.
        let _ = fs::remove_file(&unfinished);
    })
}

/// A name in a folder for a file in the making, which nobody else uses.
#[must_use]
pub fn unfinished(folder: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    folder.join(format!("{UNFINISHED_PREFIX}{process}-{number}{UNFINISHED_SUFFIX}"))
}

/// The id of the process that makes the unfinished file of this name; `None` for any other name.
#[must_use]
pub fn maker_of(name: &str) -> Option<i32> {
    let name = name.strip_prefix(UNFINISHED_PREFIX)?.strip_suffix(UNFINISHED_SUFFIX)?;
    let (process, number) = name.split_once('-')?;
    number.parse::<u64>().ok()?;
    process.parse().ok()
}

/// Creates a file anew; its folder is made only where that fails, once a run and not once a file.
fn create(path: &Path, folder: &Path) -> io::Result<File> {
    match File::create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            File::create(path)
        }
        created => created,
    }
}
