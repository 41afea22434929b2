//! What happens to look-ups, and what they want done.

use super::error::LookupError;
use super::instances::Member;
use crate::calls::CallerId;
use crate::ids::{LoadId, ShardIndex, TicketId, WorkerName};
use crate::records::{Answer, GroupName, LoadedSet, Query, Rows, SetName};
use crate::scheduler::SessionId;
use crate::session::ToWorker;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The ledger's record sets.
pub type RecordSets = BTreeMap<SetName, Arc<LoadedSet>>;

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookupRequest {
    /// The record set.
    pub set: SetName,
    /// Which rows.
    pub query: Query,
    /// The load that earlier rows came from; another one is an error.
    pub load: Option<LoadId>,
    /// This group alone.
    pub group: Option<GroupName>,
    /// Rows of each group to leave out: those that came earlier.
    pub skip: u64,
    /// How long the asker waits; [`crate::limits::LOOKUP_MS_DEFAULT`] unless said.
    pub limit_ms: Option<u64>,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookupAnswer {
    /// The load that was asked.
    pub load: LoadId,
    /// The rows, group after group; no group where no range has the key that was asked for.
    pub answer: Answer,
    /// Who answered for its group.
    pub answered: Vec<(GroupName, WorkerName)>,
}

/// What happens to look-ups. Who is connected, the scheduler decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LookupEvent {
    /// A worker has been welcomed.
    Joined(SessionId, Member),
    /// A worker's connection is gone, or its lease is over.
    Lost(SessionId),
    /// A worker is to take nothing new, or takes it again.
    Draining(SessionId, bool),
    /// A record set was loaded, replaced or dropped: these there are now.
    SetsChanged(RecordSets),
    /// A worker has a shard ready, or cannot serve it.
    Shelved(SessionId, LoadId, ShardIndex, Result<(), String>),
    /// Somebody asks; callers are numbered once.
    Asked(CallerId, LookupRequest),
    /// A worker answers.
    Found(SessionId, TicketId, Result<Rows, String>),
    /// Time went on.
    Tick,
}

/// What look-ups want done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LookupEffect {
    /// Say this to a worker.
    Send(SessionId, ToWorker),
    /// Tell the asker; nothing follows.
    Answer(CallerId, Result<LookupAnswer, LookupError>),
}
