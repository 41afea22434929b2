//! How people steer jobs, over a connection.

use super::connection::{Client, Line, WireError};
use crate::generated as pb;
use crate::limits::MESSAGE_BYTES_MAX;
use windlass_core::JobId;
use windlass_core::view::HistoryView;

impl Client {
    fn job_control(&self) -> pb::job_control_client::JobControlClient<Line> {
        pb::job_control_client::JobControlClient::new(self.line.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Holds an open job back, or lets it go on.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn pause(&self, job: JobId, on: bool, by: &str) -> Result<(), WireError> {
        let asked = pb::PauseRequest { job: job.0, on, by: by.to_owned() };
        self.ask(self.job_control().pause(asked)).map(drop)
    }

    /// Drops an ended job.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn forget(&self, job: JobId) -> Result<(), WireError> {
        self.ask(self.job_control().forget(pb::ForgetRequest { job: job.0 })).map(drop)
    }

    /// A job, and its events from a number on; `None`: there is no such job.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn history(&self, job: JobId, from: u64) -> Result<Option<HistoryView>, WireError> {
        match self.ask(self.job_control().history(pb::HistoryRequest { job: job.0, from })) {
            Ok(history) => Ok(Some(history.into_inner().try_into()?)),
            Err(WireError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
