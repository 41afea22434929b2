//! What can go wrong with a blob, and which file it concerns.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use windlass_core::BlobId;

/// Whether an error says that the disk is full, which may pass.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Why a blob could not be stored, made durable or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BlobError {
    /// The store has no such blob.
    #[error("find blob {id}")]
    Missing {
        /// The blob.
        id: BlobId,
    },
    /// The file does not hold the bytes that its name promises. Putting them again mends it.
    #[error("read {}: its bytes are not those of its name", file.display())]
    Damaged {
        /// The damaged file.
        file: PathBuf,
    },
    /// The blob is longer than the caller wants to hold in memory.
    #[error("read blob {id}: it has more than {max} bytes")]
    TooLarge {
        /// The blob.
        id: BlobId,
        /// The caller's limit.
        max: u64,
    },
    /// The receiver of a copy refused it.
    #[error("copy blob {id}: {source}")]
    Receiver {
        /// The blob.
        id: BlobId,
        /// What the receiver said.
        source: Arc<io::Error>,
    },
    /// The disk did not confirm a sync: nothing put since the one before is known to be on it, and
    /// no later sync of this store succeeds. The process must end.
    #[error("sync {}: {source}", path.display())]
    Sync {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A sweep was asked to stop; what it did is done.
    #[error("sweep the blobs: it was stopped")]
    Cancelled,
    /// The system refused.
    #[error("{act} {}: {source}", path.display())]
    Io {
        /// What was tried, a verb.
        act: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
}

impl BlobError {
    /// Whether the disk is full, which may pass.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, BlobError::Io { source, .. } if is_full(source))
    }

    pub(crate) fn io(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BlobError {
        move |source| BlobError::Io { act, path: path.to_path_buf(), source: Arc::new(source) }
    }
}
