//! Bytes that showed something once, kept in small files: `fuzz/corpus/<target>/<anything>`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use windlass_core::BlobId;

/// Files above this are not kept: a corpus is read by people.
const KEPT_BYTES_MAX: usize = 1_024;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// All files of a target, in the order of their names.
pub(crate) fn read(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut paths = Vec::new();
    match fs::read_dir(folder(target)) {
        Ok(entries) => {
            for entry in entries {
                paths.push(entry?.path());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    paths.sort();
    paths.iter().map(fs::read).collect()
}

/// Keeps small bytes under a name made of them; returns whether they were kept.
pub(crate) fn keep(target: &str, bytes: &[u8]) -> io::Result<bool> {
    if bytes.len() > KEPT_BYTES_MAX {
        return Ok(false);
    }
    let folder = folder(target);
    fs::create_dir_all(&folder)?;
    let name = &BlobId::of(bytes).to_hex()[..12];
    fs::write(folder.join(name), bytes)?;
    Ok(true)
}
