//! What a server needs of the process that it stands in: plain calls, which may block.

use crate::blob_host::BlobHost;
use crate::job_host::JobHost;
use crate::memo_host::MemoHost;
use thiserror::Error;
use windlass_core::balance::Strategy;
use windlass_core::calls::CallRequest;
use windlass_core::ledger::{ChunkRef, IndexRange, JobSpec, Settings, StoredChunk};
use windlass_core::overview::Overview;
use windlass_core::session::{ToMaster, ToWorker};
use windlass_core::steering::{Act, Compacted};
use windlass_core::view::{ClusterView, JobView, Notice, TaskView};
use windlass_core::{JobId, PhaseId, RequestId, TaskId, TaskIndex};

/// The connection is gone, or does not keep up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

/// Where a connection comes from, for people; the server puts it beside each request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer(pub String);

/// Hands a message to a worker; never blocks.
pub type Deliver = Box<dyn Fn(ToWorker) -> Result<(), Gone> + Send + Sync>;

/// Why a host does not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum HostError {
    /// The ledger refuses; asking again changes nothing.
    #[error("{0}")]
    Refused(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// This master is ending; ask another, or later.
    #[error("{0}")]
    Ended(String),
    /// Its disk is full; ask again when there is room.
    #[error("{0}")]
    Full(String),
    /// Something of the host's own is in the way.
    #[error("{0}")]
    Failed(String),
}

/// Why a master does not take a message.
#[derive(Debug)]
pub enum Unsaid {
    /// It has more to do than it can take: say it again, soon.
    Busy(ToMaster),
    /// It has ended.
    Ended,
}

/// A worker's side of a session; dropped when the connection is gone.
pub trait HostSession: Send {
    /// Takes what the worker says.
    ///
    /// # Errors
    /// The master has more to do than it can take, or has ended.
    fn say(&mut self, message: ToMaster) -> Result<(), Unsaid>;
}

/// Why a call has no answer, or no more of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallFailure {
    /// The caller's time was over first.
    TimedOut(String),
    /// The host ended first.
    Ended,
    /// Anything else.
    Failed(String),
}

/// Takes the next bytes of a call's answer and whether it ends with them, or why there is none;
/// never blocks. A few pieces come unasked, more as they are taken.
pub type TakePiece =
    Box<dyn Fn(Result<(Vec<u8>, bool), CallFailure>) -> Result<(), Gone> + Send + Sync>;

/// Takes what a record did; never blocks. Nothing: whether somebody listens is all that is asked.
pub type TakeNotices = Box<dyn Fn(&[Notice]) -> Result<(), Gone> + Send>;

/// A call that somebody waits for; dropped, it is given up.
pub trait HostCall: Send + Sync {
    /// Says how many bytes have been taken in all.
    fn taken(&self, bytes: u64);
}

/// A master and its blobs. Calls may block; a server makes them where that does no harm.
#[expect(clippy::missing_errors_doc, reason = "each fails as `HostError` says")]
pub trait Host: BlobHost + JobHost + MemoHost {
    /// Connects a worker that is there.
    fn open_session(
        &self,
        peer: &Peer,
        deliver: Deliver,
    ) -> Result<Box<dyn HostSession>, HostError>;
    /// Makes a job, or finds the one of the same request; `true`: it is new.
    fn submit(&self, request: RequestId, spec: JobSpec) -> Result<(JobId, bool), HostError>;
    /// Adds a phase's next tasks.
    fn add_tasks(
        &self,
        phase: PhaseId,
        first: TaskIndex,
        count: u32,
        chunk: ChunkRef,
    ) -> Result<(), HostError>;
    /// A phase gets no more tasks.
    fn seal(&self, phase: PhaseId) -> Result<(), HostError>;
    /// Opens failed tasks again; answers how many.
    fn reopen(&self, phase: PhaseId, tasks: Vec<IndexRange>, why: &str)
    -> Result<usize, HostError>;
    /// Ends a job.
    fn cancel(&self, job: JobId, why: &str) -> Result<(), HostError>;
    /// All jobs.
    fn jobs(&self) -> Result<Vec<JobView>, HostError>;
    /// Where the inputs of a phase are.
    fn chunks(&self, phase: PhaseId) -> Result<Vec<StoredChunk>, HostError>;
    /// The tasks of a phase from an index on.
    fn tasks(&self, phase: PhaseId, from: TaskIndex) -> Result<Vec<TaskView>, HostError>;
    /// These tasks.
    fn task_views(&self, tasks: Vec<TaskId>) -> Result<Vec<Option<TaskView>>, HostError>;
    /// Who is here and what waits.
    fn status(&self) -> Result<ClusterView, HostError>;
    /// The cluster at a glance.
    fn overview(&self) -> Result<Overview, HostError>;
    /// Calls an operation; never blocks. Pieces may come before this returns.
    fn call(&self, request: CallRequest, take: TakePiece) -> Result<Box<dyn HostCall>, HostError>;
    /// How the workers for an operation's calls are chosen from now on.
    fn set_strategy(&self, operation: &str, strategy: Strategy) -> Result<(), HostError>;
    /// Makes a change.
    fn steer(&self, act: &Act) -> Result<(), HostError>;
    /// The limits as they are.
    fn settings(&self) -> Result<Settings, HostError>;
    /// Makes the state as small as its limits allow.
    fn compact(&self) -> Result<Compacted, HostError>;
    /// Everything that happens from now on, until nobody takes it.
    fn watch(&self, take: TakeNotices) -> Result<(), HostError>;
}
