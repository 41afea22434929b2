//! How people steer jobs, and what has happened to them.

use crate::error::MasterError;
use crate::handle::Handle;
use crate::inbox::Question;
use windlass_core::JobId;
use windlass_core::ledger::Entry;
use windlass_core::view::HistoryView;

impl Handle {
    /// Holds an open job back, or lets it go on: nothing more of it is handed out, what runs ends
    /// by itself.
    ///
    /// # Errors
    /// There is no such job, it has ended, or the master has.
    pub fn pause(&self, job: JobId, on: bool, by: &str) -> Result<(), MasterError> {
        self.decide(Entry::JobPaused { job, on, by: by.to_owned() }).map(drop)
    }

    /// Drops an ended job with all that is known of it.
    ///
    /// # Errors
    /// There is no such job, it is open, or the master has ended.
    pub fn forget(&self, job: JobId) -> Result<(), MasterError> {
        self.decide(Entry::JobForgotten { job }).map(drop)
    }

    /// A job, and its events from a number on.
    ///
    /// # Errors
    /// The master has ended.
    pub fn history(&self, job: JobId, from: u64) -> Result<Option<HistoryView>, MasterError> {
        self.ask(|reply| Question::History { job, from, reply })
    }
}
