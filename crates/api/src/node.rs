//! A master and its blobs as the services want them.

use crate::ended;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use windlass_blobs::{BlobError, Blobs};
use windlass_core::balance::Strategy;
use windlass_core::calls::{CallError, CallRequest};
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::{ChunkRef, IndexRange, JobSpec, PhaseSpec, Settings, StoredChunk};
use windlass_core::limits::CHUNK_BYTES_MAX;
use windlass_core::overview::Overview;
use windlass_core::session::ToMaster;
use windlass_core::steering::{Act, Compacted};
use windlass_core::view::{ClusterView, JobView, Notice, TaskView};
use windlass_core::{BlobId, JobId, PhaseId, RequestId, TaskId, TaskIndex};
use windlass_master::collector::{CollectError, compact};
use windlass_master::{CallNews, Handle, MasterError, OpenCall, Session, Unsent};
use windlass_wire::{
    CallFailure, Deliver, Host, HostCall, HostError, HostSession, Peer, TakeNotices, TakePiece,
    Unsaid,
};

/// A master and its blobs.
#[derive(Clone)]
pub struct Node {
    /// The master.
    pub handle: Handle,
    /// What its workers store.
    pub blobs: Blobs,
    /// What went through its services.
    pub(crate) traffic: Arc<Traffic>,
}

/// Bytes of blobs and inputs that came and went.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    received: AtomicU64,
    sent: AtomicU64,
}

impl Traffic {
    pub(crate) fn on_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn on_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Received and sent.
    pub(crate) fn read(&self) -> (u64, u64) {
        (self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed))
    }
}

/// For `map_err`: what the master says, as an answer.
pub(crate) fn of_master(error: MasterError) -> HostError {
    match error {
        MasterError::Refused(refusal) => HostError::Refused(refusal.to_string()),
        MasterError::Act { .. } => HostError::Refused(error.to_string()),
        MasterError::Ended(_) | MasterError::Deposed => HostError::Ended(error.to_string()),
        error => HostError::Failed(error.to_string()),
    }
}

/// For `map_err`: what the blob store says, as an answer.
pub(crate) fn of_blobs(error: BlobError) -> HostError {
    match error {
        BlobError::Missing { .. } => HostError::NotFound(error.to_string()),
        error if error.is_disk_full() => HostError::Full(error.to_string()),
        error => HostError::Failed(error.to_string()),
    }
}

/// For `map_err`: what the system says while bytes are written, as an answer.
pub(crate) fn of_write(error: io::Error) -> HostError {
    match windlass_blobs::is_full(&error) {
        true => HostError::Full(error.to_string()),
        false => HostError::Failed(error.to_string()),
    }
}

struct Spoken {
    session: Session,
    blobs: Blobs,
}

impl HostSession for Spoken {
    fn say(&mut self, message: ToMaster) -> Result<(), Unsaid> {
        let message = match message {
            ToMaster::Ended(runs) => ToMaster::Ended(ended::held_against(&self.blobs, runs)),
            other => other,
        };
        self.session.try_send(message).map_err(|unsent| match unsent {
            Unsent::Busy(message) => Unsaid::Busy(message),
            Unsent::Ended => Unsaid::Ended,
        })
    }
}

struct Open(OpenCall);

impl HostCall for Open {
    fn taken(&self, bytes: u64) {
        self.0.taken(bytes);
    }
}

impl Node {
    /// A master and the blobs that its workers write.
    #[must_use]
    pub fn new(handle: Handle, blobs: Blobs) -> Node {
        Node { handle, blobs, traffic: Arc::default() }
    }

    /// Makes sure that a blob is there, is durable, and stays until the entry that names it is
    /// recorded.
    pub(crate) fn require(&self, id: BlobId, what: impl Display) -> Result<(), HostError> {
        if self.blobs.renew(id).map_err(of_blobs)?.is_none() {
            return Err(HostError::Refused(format!("{what} is not there: put blob {id} first")));
        }
        // Somebody may have put it whose sync is still to come.
        self.blobs.sync().map_err(of_blobs)
    }

    /// A task's input, as it was submitted.
    pub(crate) fn input(&self, task: TaskId) -> Result<Input, HostError> {
        let unknown = || HostError::NotFound(format!("task {task} has no input that is known"));
        let chunks = self.handle.chunks(task.phase_id()).map_err(of_master)?;
        let at = chunks.partition_point(|chunk| chunk.first <= task.index).checked_sub(1);
        let stored = at.map(|at| &chunks[at]).ok_or_else(unknown)?;
        let position = (task.index.0 - stored.first.0) as usize;
        self.decoded(stored)?.inputs.into_iter().nth(position).ok_or_else(unknown)
    }

    /// The inputs of all tasks of a phase, in their order.
    pub(crate) fn inputs(&self, phase: PhaseId) -> Result<Vec<Input>, HostError> {
        let mut inputs = Vec::new();
        for stored in self.handle.chunks(phase).map_err(of_master)? {
            inputs.extend(self.decoded(&stored)?.inputs);
        }
        Ok(inputs)
    }

    fn decoded(&self, stored: &StoredChunk) -> Result<Chunk, HostError> {
        let bytes = match &stored.chunk {
            // Such tasks have no inputs.
            ChunkRef::Count | ChunkRef::Outputs => return Ok(Chunk::default()),
            ChunkRef::Inline(bytes) => bytes.clone(),
            ChunkRef::Blob(id) => self.blobs.read(*id, CHUNK_BYTES_MAX).map_err(of_blobs)?,
        };
        Chunk::decode(&bytes).map_err(|error| HostError::Failed(error.to_string()))
    }
}

impl Host for Node {
    fn open_session(
        &self,
        peer: &Peer,
        deliver: Deliver,
    ) -> Result<Box<dyn HostSession>, HostError> {
        let deliver = Box::new(move |message| deliver(message).map_err(|_| windlass_master::Gone));
        let session = self.handle.connect_from(&peer.0, deliver).map_err(of_master)?;
        Ok(Box::new(Spoken { session, blobs: self.blobs.clone() }))
    }

    fn submit(&self, request: RequestId, spec: JobSpec) -> Result<(JobId, bool), HostError> {
        for model in spec.phases.iter().flat_map(PhaseSpec::models) {
            self.require(model.id, format_args!("the model {}", model.name))?;
        }
        if let Some(memorandum) = spec.memorandum {
            self.require(memorandum, "the job's memorandum")?;
        }
        self.handle.submit(request, spec).map_err(of_master)
    }

    fn add_tasks(
        &self,
        phase: PhaseId,
        first: TaskIndex,
        count: u32,
        chunk: ChunkRef,
    ) -> Result<(), HostError> {
        if let ChunkRef::Blob(id) = chunk {
            self.require(id, "the list of inputs")?;
        }
        self.handle.add_tasks(phase, first, count, chunk).map_err(of_master)
    }

    fn seal(&self, phase: PhaseId) -> Result<(), HostError> {
        self.handle.seal(phase).map_err(of_master)
    }

    fn reopen(
        &self,
        phase: PhaseId,
        tasks: Vec<IndexRange>,
        why: &str,
    ) -> Result<usize, HostError> {
        self.handle.reopen(phase, tasks, why).map_err(of_master)
    }

    fn cancel(&self, job: JobId, why: &str) -> Result<(), HostError> {
        self.handle.cancel(job, why).map_err(of_master)
    }

    fn jobs(&self) -> Result<Vec<JobView>, HostError> {
        self.handle.jobs().map_err(of_master)
    }

    fn chunks(&self, phase: PhaseId) -> Result<Vec<StoredChunk>, HostError> {
        self.handle.chunks(phase).map_err(of_master)
    }

    fn tasks(&self, phase: PhaseId, from: TaskIndex) -> Result<Vec<TaskView>, HostError> {
        self.handle.tasks(phase, from).map_err(of_master)
    }

    fn task_views(&self, tasks: Vec<TaskId>) -> Result<Vec<Option<TaskView>>, HostError> {
        self.handle.task_views(tasks).map_err(of_master)
    }

    fn status(&self) -> Result<ClusterView, HostError> {
        self.handle.status().map_err(of_master)
    }

    fn overview(&self) -> Result<Overview, HostError> {
        self.handle.overview().map_err(of_master)
    }

    fn steer(&self, act: &Act) -> Result<(), HostError> {
        self.handle.steer(act).map_err(of_master)
    }

    fn settings(&self) -> Result<Settings, HostError> {
        self.handle.settings().map_err(of_master)
    }

    fn compact(&self) -> Result<Compacted, HostError> {
        compact(&self.handle, &self.blobs).map_err(|error| match error {
            CollectError::Master(error) => of_master(error),
            CollectError::Blob(error) => of_blobs(error),
            error => HostError::Refused(error.to_string()),
        })
    }

    fn call(&self, request: CallRequest, take: TakePiece) -> Result<Box<dyn HostCall>, HostError> {
        let tell = move |news| {
            let piece = match news {
                CallNews::Piece { bytes, is_last } => Ok((bytes, is_last)),
                CallNews::Failed(error @ CallError::TimedOut { .. }) => {
                    Err(CallFailure::TimedOut(error.told()))
                }
                CallNews::Failed(error) => Err(CallFailure::Failed(error.told())),
                CallNews::Ended => Err(CallFailure::Ended),
            };
            take(piece).map_err(|_| windlass_master::Gone)
        };
        Ok(Box::new(Open(self.handle.call(request, tell).map_err(of_master)?)))
    }

    fn set_strategy(&self, operation: &str, strategy: Strategy) -> Result<(), HostError> {
        self.handle.set_strategy(operation, strategy).map_err(of_master)
    }

    fn watch(&self, take: TakeNotices) -> Result<(), HostError> {
        let tell = move |notices: &[Notice]| take(notices).map_err(|_| windlass_master::Gone);
        self.handle.watch_with(tell).map_err(of_master)
    }
}
