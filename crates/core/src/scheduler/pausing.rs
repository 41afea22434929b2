//! Paused jobs: what waits of them at a worker comes back, so that nothing new of them begins.

use super::machine::{Effect, Scheduler, SessionId};
use super::worker::Worker;
use crate::ids::{AttemptId, JobId};
use crate::ledger::Ledger;
use crate::session::ToWorker;

impl Scheduler {
    /// A job is held back from now on: every worker returns what it has not begun of it.
    pub(super) fn hold_back(&self, job: JobId, out: &mut Vec<Effect>) {
        for (session, worker) in &self.workers {
            recall(*session, worker, |of| of == job, out);
        }
    }

    /// A worker came with attempts of an earlier reign, or of before its connection broke.
    pub(super) fn hold_back_at(&self, session: SessionId, ledger: &Ledger, out: &mut Vec<Effect>) {
        let is_paused = |id| ledger.jobs.get(&id).is_some_and(|job| job.paused.is_some());
        if let Some(worker) = self.workers.get(&session) {
            recall(session, worker, is_paused, out);
        }
    }
}

/// These are not counted as recalled: what is at work already does not come back, and must not seem
/// to be on its way to an idle worker.
fn recall(
    session: SessionId,
    worker: &Worker,
    is_meant: impl Fn(JobId) -> bool,
    out: &mut Vec<Effect>,
) {
    let held = worker.flights.iter().filter(|flight| !flight.answered);
    let attempts: Vec<AttemptId> =
        held.filter(|flight| is_meant(flight.task.job)).map(|flight| flight.attempt).collect();
    if !attempts.is_empty() {
        out.push(Effect::Send(session, ToWorker::Recall(attempts)));
    }
}
