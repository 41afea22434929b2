//! What a server needs of its process to take and give blobs; the rest is in [`crate::Host`].

use crate::host::HostError;
use std::io::Read;
use std::path::PathBuf;
use windlass_core::{BlobId, TaskId};

/// A blob on its way in.
pub trait BlobSink: Send {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Its disk.
    fn write(&mut self, bytes: &[u8]) -> Result<(), HostError>;

    /// Keeps it; durable after the next [`BlobHost::sync`].
    ///
    /// # Errors
    /// Its disk.
    fn finish(self: Box<Self>) -> Result<BlobId, HostError>;
}

/// A file, and what the system of whoever names it numbers it by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalFile {
    /// An absolute path.
    pub path: PathBuf,
    /// Its file system.
    pub device: u64,
    /// Itself in it.
    pub inode: u64,
}

/// Where bytes come from.
pub type Source = Box<dyn Read + Send>;

/// The blobs of a master. Calls may block.
#[expect(clippy::missing_errors_doc, reason = "each fails as `HostError` says")]
pub trait BlobHost: Send + Sync + 'static {
    /// Which of these blobs are not there.
    fn missing(&self, ids: Vec<BlobId>) -> Result<Vec<BlobId>, HostError>;
    /// A blob to be written.
    fn blob_sink(&self) -> Result<Box<dyn BlobSink>, HostError>;
    /// How many bytes have come of each of these blobs.
    fn begun(&self, ids: Vec<BlobId>) -> Result<Vec<u64>, HostError>;
    /// A blob of this name to be written on behind its first bytes.
    fn resume_blob(&self, id: BlobId, offset: u64) -> Result<Box<dyn BlobSink>, HostError>;
    /// Makes everything that was put durable.
    fn sync(&self) -> Result<(), HostError>;
    /// A blob's bytes from an offset on.
    fn read_blob(&self, id: BlobId, offset: u64) -> Result<Source, HostError>;
    /// Where the blobs lie, an absolute path.
    fn blob_folder(&self) -> PathBuf;
    /// Which of these files cannot be read here, or are others: their positions.
    fn unseen(&self, files: &[LocalFile]) -> Result<Vec<u32>, HostError>;
    /// The bytes of a task's input.
    fn read_input(&self, task: TaskId) -> Result<Source, HostError>;
}
