//! What a server needs of its process for record sets.

use crate::host::HostError;
use windlass_core::LoadId;
use windlass_core::lookups::{LookupAnswer, LookupError, LookupRequest, RecordsView};
use windlass_core::records::{RecordSet, SetName, StoredShard};

/// What comes of a look-up, or why there is no answer.
pub type LookupDone = Result<LookupAnswer, LookupError>;

/// Takes it; never blocks.
pub type TakeLookup = Box<dyn FnOnce(LookupDone) + Send>;

/// A master's record sets.
#[expect(clippy::missing_errors_doc, reason = "each fails as `HostError` says")]
pub trait RecordsHost: Send + Sync + 'static {
    /// Makes a record set of shards that are durable; may block.
    fn load_records(
        &self,
        set: RecordSet,
        stored: Vec<StoredShard>,
        replaces: bool,
    ) -> Result<LoadId, HostError>;
    /// Forgets one; may block.
    fn drop_records(&self, name: SetName) -> Result<(), HostError>;
    /// Those there are; may block.
    fn records(&self) -> Result<Vec<RecordsView>, HostError>;
    /// Looks rows up; never blocks. The answer may come before this returns.
    fn look_up(&self, request: LookupRequest, take: TakeLookup) -> Result<(), HostError>;
}
