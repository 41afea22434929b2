//! The cluster that a client works with: in this process, or at the other end of a connection.

mod bytes;
mod jobs;
mod overview;

pub use bytes::Origin;

use std::io;
use std::sync::mpsc::{Receiver, channel};
use thiserror::Error;
use windlass_blobs::{BlobError, Blobs};
use windlass_core::balance::Strategy;
use windlass_core::calls::{CallError, CallRequest};
use windlass_core::ledger::{ChunkRef, IndexRange, JobSpec, Settings, StoredChunk};
use windlass_core::steering::{Act, Compacted};
use windlass_core::view::{ClusterView, JobView, Notice, TaskView};
use windlass_core::{BlobId, JobId, PhaseId, RequestId, TaskId, TaskIndex};
use windlass_master::collector::{CollectError, compact};
use windlass_master::{CallNews, Gone, Handle, MasterError};
use windlass_wire::{Client, WireError};

/// A cluster.
#[derive(Clone)]
pub enum Cluster {
    /// Its master is in this process.
    Here {
        /// The master.
        handle: Handle,
        /// The blobs that its workers write.
        blobs: Blobs,
    },
    /// Its master is another process.
    There(Client),
}

/// Why the cluster did not do what it was asked.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// The master of this process cannot.
    #[error("{0}")]
    Master(#[from] MasterError),
    /// The blob store of this process cannot.
    #[error("{0}")]
    Blob(#[from] BlobError),
    /// The master elsewhere cannot, or cannot be reached.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// A state cannot be made smaller.
    #[error("{0}")]
    Collect(#[from] CollectError),
    /// A call has no answer.
    #[error("{0}")]
    Call(CallError),
    /// A look-up has no answer.
    #[error("look that up: {0}")]
    Lookup(String),
    /// An answer cannot be written.
    #[error("write the answer: {0}")]
    Take(io::Error),
    /// A blob from elsewhere that is not what its name says.
    #[error("read blob {0}: what came is not what its name says; ask again")]
    Damaged(BlobId),
}

impl ClusterError {
    /// Whether the state no longer has what it was asked for.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        use BlobError::{Damaged, Missing};
        matches!(
            self,
            ClusterError::Blob(Missing { .. } | Damaged { .. })
                | ClusterError::Wire(WireError::NotFound(_) | WireError::Damaged(_))
        )
    }

    /// Whether the store's disk is full, which may pass.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            ClusterError::Blob(error) => error.is_disk_full(),
            ClusterError::Wire(error) => matches!(error, WireError::Full(_)),
            _ => false,
        }
    }
}

impl Cluster {
    /// See [`Handle::submit`].
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn submit(&self, request: RequestId, spec: JobSpec) -> Result<(JobId, bool), ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.submit(request, spec)?,
            Cluster::There(client) => client.submit(request, spec)?,
        })
    }

    /// See [`Handle::add_tasks`].
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn add_tasks(
        &self,
        phase: PhaseId,
        first: TaskIndex,
        count: u32,
        chunk: ChunkRef,
    ) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { handle, .. } => Ok(handle.add_tasks(phase, first, count, chunk)?),
            Cluster::There(client) => Ok(client.add_tasks(phase, first, count, chunk)?),
        }
    }

    /// See [`Handle::seal`].
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn seal(&self, phase: PhaseId) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { handle, .. } => Ok(handle.seal(phase)?),
            Cluster::There(client) => Ok(client.seal(phase)?),
        }
    }

    /// See [`Handle::reopen`].
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn reopen(
        &self,
        phase: PhaseId,
        tasks: Vec<IndexRange>,
        why: &str,
    ) -> Result<usize, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.reopen(phase, tasks, why)?,
            Cluster::There(client) => client.reopen(phase, tasks, why)?,
        })
    }

    /// See [`Handle::cancel`].
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn cancel(&self, job: JobId, why: &str) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { handle, .. } => Ok(handle.cancel(job, why)?),
            Cluster::There(client) => Ok(client.cancel(job, why)?),
        }
    }

    /// All jobs, oldest first.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn jobs(&self) -> Result<Vec<JobView>, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.jobs()?,
            Cluster::There(client) => client.jobs()?,
        })
    }

    /// Where the inputs of a phase are.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn chunks(&self, phase: PhaseId) -> Result<Vec<StoredChunk>, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.chunks(phase)?,
            Cluster::There(client) => client.chunks(phase)?,
        })
    }

    /// The tasks of a phase from an index on, at most 4,096; empty at the end.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn tasks(&self, phase: PhaseId, from: TaskIndex) -> Result<Vec<TaskView>, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.tasks(phase, from)?,
            Cluster::There(client) => client.tasks(phase, from)?,
        })
    }

    /// These tasks, in this order.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn task_views(&self, tasks: Vec<TaskId>) -> Result<Vec<Option<TaskView>>, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.task_views(tasks)?,
            Cluster::There(client) => client.task_views(tasks)?,
        })
    }

    /// Who is connected and who is not, what does not move and why.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn status(&self) -> Result<ClusterView, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.status()?,
            Cluster::There(client) => client.status()?,
        })
    }

    /// Calls an operation, and hands its answer over as it comes.
    ///
    /// # Errors
    /// See [`ClusterError`]; what has been handed over is then worth nothing.
    pub fn call(
        &self,
        request: CallRequest,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), ClusterError> {
        let handle = match self {
            Cluster::There(client) => return call_there(client, request, take),
            Cluster::Here { handle, .. } => handle,
        };
        let (tell, told) = channel();
        let tell = move |news| tell.send(news).map_err(|_| Gone);
        let call = handle.call(request, tell)?;
        let mut taken_bytes = 0;
        loop {
            match told.recv() {
                Ok(CallNews::Piece { bytes, is_last }) => {
                    take(&bytes).map_err(ClusterError::Take)?;
                    taken_bytes += bytes.len() as u64;
                    if is_last {
                        return Ok(());
                    }
                    call.taken(taken_bytes);
                }
                Ok(CallNews::Failed(error)) => return Err(ClusterError::Call(error)),
                // The master has ended; it says why.
                Ok(CallNews::Ended) | Err(_) => {
                    handle.reign()?;
                    return Err(MasterError::Ended("it dropped the call".to_owned()).into());
                }
            }
        }
    }

    /// Sets how the workers for an operation's calls are chosen.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn set_strategy(&self, operation: &str, strategy: Strategy) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { handle, .. } => Ok(handle.set_strategy(operation, strategy)?),
            Cluster::There(client) => Ok(client.set_strategy(operation, strategy)?),
        }
    }

    /// Makes a change; see [`Handle::steer`].
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn steer(&self, act: &Act) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { handle, .. } => Ok(handle.steer(act)?),
            Cluster::There(client) => Ok(client.steer(act)?),
        }
    }

    /// The limits that can be changed, as they are.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn settings(&self) -> Result<Settings, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.settings()?,
            Cluster::There(client) => client.settings()?,
        })
    }

    /// Makes the state as small as its limits allow; see [`compact`].
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn compact(&self) -> Result<Compacted, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, blobs } => compact(handle, blobs)?,
            Cluster::There(client) => client.compact()?,
        })
    }

    /// Everything that happens from now on; see [`Handle::watch`].
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn watch(&self) -> Result<Receiver<Vec<Notice>>, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.watch()?,
            Cluster::There(client) => client.watch()?,
        })
    }

    /// Ends the master, where it is of this process, so that nobody waits for its full disk any
    /// longer.
    pub fn give_up(&self) {
        if let Cluster::Here { handle, .. } = self {
            handle.stop();
        }
    }
}

/// A call by a connection, which keeps no more of an error in writing than its text.
fn call_there(
    client: &Client,
    request: CallRequest,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), ClusterError> {
    let mut untaken = None;
    let called = client.call(request, &mut |bytes| {
        take(bytes).map_err(|error| {
            let kind = error.kind();
            untaken = Some(error);
            kind.into()
        })
    });
    match untaken {
        Some(error) => Err(ClusterError::Take(error)),
        None => Ok(called?),
    }
}
