//! Why a look-up has no answer at all.

use crate::limits::{CALL_NAMED_COUNT_MAX, LOOKUP_OPEN_COUNT_MAX};
use crate::records::{GroupName, QueryError, SetName};
use thiserror::Error;

/// Why a look-up has no answer; that of a group alone is missing in the answer instead.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum LookupError {
    /// There is no such set.
    #[error("{}", unknown(.name, .known))]
    UnknownSet {
        /// What was asked.
        name: SetName,
        /// Those there are, the first of them.
        known: Vec<SetName>,
    },
    /// The set has no such group.
    #[error("record set {set} has no group {group}; `windlass records list` shows those it has")]
    UnknownGroup {
        /// The set.
        set: SetName,
        /// What was asked.
        group: GroupName,
    },
    /// The set cannot answer this.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// The set was replaced or dropped before the answer was whole.
    #[error("record set {0} was replaced or dropped meanwhile; ask again")]
    Replaced(SetName),
    /// Too much is asked at once.
    #[error("{LOOKUP_OPEN_COUNT_MAX} look-ups are open, no more are taken; ask again in a moment")]
    Busy,
    /// The master has ended, and the look-up with it.
    #[error("the master has ended; ask again")]
    Ended,
}

fn unknown(name: &SetName, known: &[SetName]) -> String {
    let names: Vec<&str> = known.iter().take(CALL_NAMED_COUNT_MAX).map(SetName::as_str).collect();
    match names[..] {
        [] => format!(
            "there is no record set {name}, and no other; load one: `windlass records load {name} \
             FILE --key FIELD --shard all=*`"
        ),
        _ => format!("there is no record set {name}: choose {}", names.join(", ")),
    }
}
