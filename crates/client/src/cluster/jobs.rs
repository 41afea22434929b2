//! Jobs as people steer them.

use super::{Cluster, ClusterError};
use windlass_core::JobId;
use windlass_core::view::{HistoryView, JobView};

/// No event has this number: the job is asked for, and nothing of what happened to it.
const NO_EVENT: u64 = u64::MAX;

impl Cluster {
    /// One job; `None`: there is none of this number.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn job(&self, id: JobId) -> Result<Option<JobView>, ClusterError> {
        Ok(self.history(id, NO_EVENT)?.map(|history| history.job))
    }

    /// A job, and its events from a number on; `None`: there is none of this number.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn history(&self, id: JobId, from: u64) -> Result<Option<HistoryView>, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.history(id, from)?,
            Cluster::There(client) => client.history(id, from)?,
        })
    }

    /// Holds an open job back, or lets it go on.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn pause(&self, id: JobId, on: bool, by: &str) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { handle, .. } => Ok(handle.pause(id, on, by)?),
            Cluster::There(client) => Ok(client.pause(id, on, by)?),
        }
    }

    /// Drops an ended job.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn forget(&self, id: JobId) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { handle, .. } => Ok(handle.forget(id)?),
            Cluster::There(client) => Ok(client.forget(id)?),
        }
    }
}
