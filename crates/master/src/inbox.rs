//! Everything that reaches the loop comes through one channel, because its order matters.

use crate::calls::Tell;
use crate::error::MasterError;
use crate::lookups::TellLookup;
use crate::snapshots::Written;
use std::sync::mpsc::SyncSender;
use windlass_core::balance::Strategy;
use windlass_core::calls::{CallRequest, CallerId, TooManyStrategies};
use windlass_core::ledger::{Applied, Entry, RootCursor, RootPage, Settings, StoredChunk};
use windlass_core::lookups::{LookupRequest, RecordsView};
use windlass_core::overview::Overview;
use windlass_core::scheduler::SessionId;
use windlass_core::session::{ToMaster, ToWorker};
use windlass_core::view::{
    CallsView, ClusterView, CollectionView, HistoryView, JobView, MetersView, Notice, TaskView,
};
use windlass_core::writer::Answer;
use windlass_core::{Epoch, JobId, LogTime, PhaseId, TaskId, TaskIndex, WorkerName};
use windlass_journal::Record;

/// The other side is gone, or does not keep up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

/// Hands a message to a worker; must not block.
pub type Deliver = Box<dyn Fn(ToWorker) -> Result<(), Gone> + Send>;

/// Who waits for an answer.
pub(crate) type Reply<T> = SyncSender<T>;

pub(crate) enum Inbox {
    /// A client wants a decision recorded.
    Decide(Entry, Reply<Vec<Applied>>),
    /// A client wants to know something.
    Ask(Question),
    /// A worker's connection stands; where it comes from, for people.
    Connected(SessionId, Deliver, String),
    /// A worker says something.
    Heard(SessionId, ToMaster),
    /// A worker's connection is gone.
    Closed(SessionId),
    /// Somebody calls an operation and waits for the answer.
    Call(CallerId, CallRequest, Tell),
    /// A caller has taken so many bytes of its answer in all.
    CallTaken(CallerId, u64),
    /// A caller has gone away.
    CallAbandoned(CallerId),
    /// Something has been put beside the inbox, because it was full.
    Late,
    /// Somebody looks rows up and waits for the answer.
    LookUp(CallerId, LookupRequest, TellLookup),
    /// How the workers for an operation are chosen from now on.
    SetStrategy(String, Strategy, Reply<Result<(), TooManyStrategies>>),
    /// A worker that is not connected is to be forgotten.
    ForgetWorker(WorkerName, Reply<Vec<Applied>>),
    /// The jobs that are due are to be forgotten now.
    ForgetDue(Reply<Vec<Applied>>),
    /// The wall clock is right.
    ConfirmClock(Reply<()>),
    /// The append in flight was answered; the record comes back, to be sent again if need be.
    Appended(Record, Result<Answer, MasterError>),
    /// The snapshot thread is done with one.
    SnapshotWritten(Written),
    /// The master is to end.
    Stop,
}

pub(crate) enum Question {
    Reign(Reply<(u128, Epoch)>),
    Jobs(Reply<Vec<JobView>>),
    Job(JobId, Reply<Option<JobView>>),
    History { job: JobId, from: u64, reply: Reply<Option<HistoryView>> },
    Chunks(PhaseId, Reply<Vec<StoredChunk>>),
    Tasks { phase: PhaseId, from: TaskIndex, reply: Reply<Vec<TaskView>> },
    TaskViews(Vec<TaskId>, Reply<Vec<Option<TaskView>>>),
    Cluster(Reply<ClusterView>),
    Overview(Reply<Overview>),
    Calls(Reply<CallsView>),
    Meters(Reply<MetersView>),
    Watch(SyncSender<Vec<Notice>>),
    Settings(Reply<Settings>),
    Roots(RootCursor, Reply<RootPage>),
    Collection(LogTime, Reply<CollectionView>),
    Snapshot(Reply<Result<(), String>>),
    Records(Reply<Vec<RecordsView>>),
}
