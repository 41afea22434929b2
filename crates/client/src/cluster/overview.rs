//! The cluster at a glance.

use super::{Cluster, ClusterError};
use windlass_core::overview::Overview;

impl Cluster {
    /// What there is at this moment; cheap enough to be asked every second.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn overview(&self) -> Result<Overview, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.overview()?,
            Cluster::There(client) => client.overview()?,
        })
    }
}
