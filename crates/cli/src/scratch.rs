//! The folder for files in the making.

use crate::CliError;
use std::path::{Path, PathBuf};

/// An empty folder for this process.
pub(crate) struct Scratch {
    path: PathBuf,
    /// Made for this process alone, and gone with it.
    is_own: bool,
}

impl Scratch {
    /// One of its own in the folder that was named, or the one that there is for it, which whoever
    /// had it before may have left full.
    pub(crate) fn of(
        named: &Option<PathBuf>,
        otherwise: impl FnOnce() -> PathBuf,
    ) -> Result<Scratch, CliError> {
        let own = |folder: &PathBuf| folder.join(format!("windlass-{}", std::process::id()));
        let path = named.as_ref().map_or_else(otherwise, own);
        // Commands begin in another folder.
        let absolute = std::path::absolute(&path);
        match absolute.and_then(|path| make(&path).map(|()| path)) {
            Ok(path) => Ok(Scratch { path, is_own: named.is_some() }),
            Err(error) => Err(CliError::failed(format!(
                "make the folder {}: {error}; name another one with --scratch DIR",
                path.display()
            ))),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_own {
            // What stays is in the way of nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn make(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path)?;
    }
    std::fs::create_dir_all(path)
}
