//! What a switchboard is told, and what it tells those who wait.

use crate::inbox::Gone;
use std::sync::Arc;
use windlass_core::calls::{CallError, CallEvent};
use windlass_core::lookups::{LookupAnswer, LookupError, LookupEvent};
use windlass_core::scheduler::SessionId;

/// What a caller is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallNews {
    /// The next bytes of the answer.
    Piece {
        /// They follow those told before.
        bytes: Vec<u8>,
        /// Whether the answer ends with them.
        is_last: bool,
    },
    /// There is no answer, or no more of it.
    Failed(CallError),
    /// The master has ended, and the call with it.
    Ended,
}

impl CallNews {
    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        !matches!(self, CallNews::Piece { is_last: false, .. })
    }
}

/// Hands news to a caller; must not block. No more than
/// [`windlass_core::limits::CALL_WINDOW_BYTES`] come before the caller has said that it took some.
pub(crate) type Tell = Arc<dyn Fn(CallNews) -> Result<(), Gone> + Send + Sync>;

/// Hands an answer to whoever looks rows up; must not block.
pub type TellLookup = Box<dyn FnOnce(Result<LookupAnswer, LookupError>) + Send>;

/// What happens at a switchboard.
pub(super) enum News {
    /// Of one call, or of a worker as the calls alone see it.
    OfCall(CallEvent),
    /// Of one look-up, or of a worker as the look-ups alone see it.
    OfLookup(LookupEvent),
    /// A worker's connection is gone, or its lease is over.
    Lost(SessionId),
    /// A worker is to take nothing new, or takes it again.
    Draining(SessionId, bool),
    /// Time went on.
    Tick,
}
