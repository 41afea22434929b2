//! What a server needs of its process to let people steer jobs; the rest is in [`crate::Host`].

use crate::host::HostError;
use windlass_core::JobId;
use windlass_core::view::HistoryView;

/// Jobs as people steer them. Calls may block.
#[expect(clippy::missing_errors_doc, reason = "each fails as `HostError` says")]
pub trait JobHost: Send + Sync + 'static {
    /// Holds an open job back, or lets it go on.
    fn pause(&self, job: JobId, on: bool, by: &str) -> Result<(), HostError>;
    /// Drops an ended job.
    fn forget(&self, job: JobId) -> Result<(), HostError>;
    /// A job, and its events from a number on.
    fn history(&self, job: JobId, from: u64) -> Result<HistoryView, HostError>;
}
