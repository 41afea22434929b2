//! Everything that reaches the loop comes through one channel, because its order matters; what is
//! said of calls and look-ups goes past it ([`crate::switchboard`]).

use crate::error::MasterError;
use crate::snapshots::Written;
use crate::watchers::Tell;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use windlass_core::ledger::{Applied, Entry, RootCursor, RootPage, Settings, StoredChunk};
use windlass_core::overview::Overview;
use windlass_core::scheduler::SessionId;
use windlass_core::session::{ToMaster, ToWorker};
use windlass_core::view::{
    ClusterView, CollectionView, HistoryView, JobView, MetersView, TaskView,
};
use windlass_core::writer::Answer;
use windlass_core::{Epoch, JobId, LogTime, PhaseId, TaskId, TaskIndex, WorkerName};
use windlass_journal::Record;

/// The other side is gone, or does not keep up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

/// Hands a message to a worker; must not block.
pub(crate) type Deliver = Arc<dyn Fn(ToWorker) -> Result<(), Gone> + Send + Sync>;

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
    /// Beside the inbox is something to be looked at.
    Wake,
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
    Meters(Reply<MetersView>),
    Watch(Tell),
    Settings(Reply<Settings>),
    Roots(RootCursor, Reply<RootPage>),
    Collection(LogTime, Reply<CollectionView>),
    Snapshot(Reply<Result<(), String>>),
}
