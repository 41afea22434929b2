//! Why a result is not in the output folder.

use crate::cluster::ClusterError;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A result that could not be put into the output folder.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The file system refused, or the bytes could not be had.
    #[error("write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state no longer has the result.
    #[error("write {}: {source}; run it again with --fresh, which makes it anew", path.display())]
    Lost {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<ClusterError>,
    },
    /// The connection to the master broke too often.
    #[error("write {}: failed to {source}{}", path.display(), kept(*came_bytes, *size_bytes))]
    Broken {
        /// The file.
        path: PathBuf,
        /// Bytes that have come.
        came_bytes: u64,
        /// Bytes of the whole.
        size_bytes: u64,
        /// What was heard last.
        source: Box<ClusterError>,
    },
    /// It was stopped; what has come is kept beside it.
    #[error("write {}: it was stopped", path.display())]
    Left {
        /// The file.
        path: PathBuf,
    },
    /// An operation named an artifact so that it would land elsewhere, or nowhere.
    #[error("write {}: not usable as a file name", path.display())]
    Name {
        /// Where it would have gone.
        path: PathBuf,
    },
}

impl ExportError {
    /// Tells a result that the state has lost from a folder that cannot be written.
    pub(super) fn or_lost(self) -> ExportError {
        let ExportError::Io { path, source } = self else { return self };
        match source.downcast::<ClusterError>() {
            Ok(source) if source.is_lost() => ExportError::Lost { path, source: Box::new(source) },
            Ok(source) => ExportError::Io { path, source: io::Error::other(source) },
            Err(source) => ExportError::Io { path, source },
        }
    }

    /// The file or folder that could not be written.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            ExportError::Io { path, .. }
            | ExportError::Lost { path, .. }
            | ExportError::Broken { path, .. }
            | ExportError::Left { path }
            | ExportError::Name { path } => path,
        }
    }
}

/// What becomes of a part that has come.
fn kept(came_bytes: u64, size_bytes: u64) -> String {
    match came_bytes {
        0 => String::new(),
        _ => format!(
            "; {came_bytes} of {size_bytes} bytes have come and are kept beside it for a day, the \
             same command goes on behind them"
        ),
    }
}
