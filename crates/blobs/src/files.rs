//! Making files beside the store durable: results that were copied out of it.

use crate::disk::{Disk, System};
use crate::error::BlobError;
use crate::group::failed;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// From so many files on, one sync of the whole filesystem costs less; see `group.rs`.
const WHOLE_FILE_COUNT: usize = 16;

/// Makes files below a folder durable, with the folders that name them and the folder's own name.
/// What somebody has removed meanwhile is left out.
///
/// # Errors
/// `Sync`: the folder is not there, or the disk did not take a file.
pub fn sync_files(folder: &Path, paths: &[PathBuf]) -> Result<(), BlobError> {
    let folder_file = File::open(folder).map_err(failed(folder))?;
    if paths.len() >= WHOLE_FILE_COUNT && System.can_sync_whole(&folder_file) {
        return System.sync_whole(&folder_file).map_err(failed(folder));
    }
    for path in paths {
        sync_one(path)?;
    }
    let mut folders: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    folders.insert(folder);
    folders.extend(folder.parent().filter(|above| !above.as_os_str().is_empty()));
    for folder in folders {
        sync_one(folder)?;
    }
    Ok(())
}

fn sync_one(path: &Path) -> Result<(), BlobError> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        opened => opened.and_then(|file| file.sync_all()).map_err(failed(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_files_are_synced_and_a_disk_that_fails_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("out");
        std::fs::create_dir(&folder).unwrap();
        let paths: Vec<PathBuf> =
            (0..WHOLE_FILE_COUNT).map(|n| folder.join(n.to_string())).collect();
        paths.iter().for_each(|path| std::fs::write(path, "x").unwrap());
        sync_files(&folder, &paths).unwrap();
        sync_files(&folder, &paths[..3]).unwrap();
        std::fs::remove_file(&paths[0]).unwrap();
        sync_files(&folder, &paths[..3]).unwrap();
        // `/dev/null` cannot be synced, which stands for a disk that fails.
        let bad = folder.join("bad");
        std::os::unix::fs::symlink("/dev/null", &bad).unwrap();
        let error = sync_files(&folder, std::slice::from_ref(&bad)).unwrap_err();
        assert!(matches!(&error, BlobError::Sync { path, .. } if *path == bad), "{error}");
    }
}
