//! Jobs as people steer them, over the master's own handle.

use crate::node::{Node, of_master};
use windlass_core::JobId;
use windlass_core::view::HistoryView;
use windlass_wire::{HostError, JobHost};

impl JobHost for Node {
    fn pause(&self, job: JobId, on: bool, by: &str) -> Result<(), HostError> {
        self.handle.pause(job, on, by).map_err(of_master)
    }

    fn forget(&self, job: JobId) -> Result<(), HostError> {
        self.handle.forget(job).map_err(of_master)
    }

    fn history(&self, job: JobId, from: u64) -> Result<HistoryView, HostError> {
        let history = self.handle.history(job, from).map_err(of_master)?;
        history.ok_or_else(|| HostError::NotFound(format!("there is no job {job}")))
    }
}
