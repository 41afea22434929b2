//! What the loop counts, and what it says in the log, of what it does.

use crate::guests::Guest;
use crate::sessions::CLOSED;
use std::collections::BTreeSet;
use tracing::{info, warn};
use windlass_core::ledger::{Applied, Entry, Ledger, Outcome};
use windlass_core::meters::Meters;
use windlass_core::scheduler::{StallNews, Standing};
use windlass_core::session::{EndedWith, ToMaster};
use windlass_core::view::Stall;
use windlass_core::{Failure, JobId, Tick, WorkerName};

/// Sees what happens and changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    pub(crate) meters: Meters,
    /// When the record in flight was sent first.
    sent_at: Option<Tick>,
    /// Why something does not move, as it was told last.
    pub(crate) standing: Standing,
    /// Drains of which it was told that they wait for room.
    waiting_drains: Vec<WorkerName>,
    /// Workers of this process that another one keeps out.
    idle_workers: BTreeSet<WorkerName>,
}

impl Observer {
    /// A worker says something.
    pub(crate) fn on_heard(
        &mut self,
        ledger: &Ledger,
        worker: Option<&WorkerName>,
        message: &ToMaster,
    ) {
        let Some(worker) = worker else { return };
        match message {
            ToMaster::Ended(runs) => {
                self.meters.on_ended(ledger, runs);
                for run in runs {
                    if let EndedWith::Failure(failure) = &run.with {
                        let Failure { kind, cause, .. } = failure;
                        let task = run.phase.task(run.first);
                        let kind = kind.label();
                        warn!(%worker, %task, kind, cause, "an attempt failed");
                    }
                }
            }
            ToMaster::Withdrawn(withdrawal) => {
                let (operation, cause) = (&withdrawal.operation, &withdrawal.cause);
                warn!(%worker, operation, cause, "a worker offers an operation no more");
            }
            ToMaster::Goodbye => info!(%worker, "a worker says goodbye"),
            _ => {}
        }
    }

    /// A worker is gone without a goodbye.
    pub(crate) fn on_lost(&self, guest: &Guest, why: &str) {
        // One in this process does not die: it is stopped with it.
        if !(guest.in_process && why == CLOSED) {
            let worker = &guest.instance.name;
            warn!(%worker, why, "a worker is lost; what it held goes to others");
        }
    }

    /// A worker is gone that waited for a name which another one has.
    pub(crate) fn on_newcomer_gone(&self, guest: &Guest, why: &str) {
        let worker = &guest.instance.name;
        info!(%worker, why, "a newcomer leaves that waited for its name; who has it stays");
    }

    /// A worker is not taken. One of this process tries again by itself: it is told once.
    pub(crate) fn on_refused(&mut self, guest: &Guest, why: &str) {
        let worker = &guest.instance.name;
        if !guest.in_process {
            warn!(%worker, why, "a worker is refused");
        } else if self.idle_workers.insert(worker.clone()) {
            let next_step = "end the other worker of this name, or start it with another --name: \
                             then this one works by itself";
            warn!(%worker, next_step, "a worker of this process is idle: another one has its name");
        }
    }

    /// A worker is welcome.
    pub(crate) fn on_welcome(&mut self, worker: &WorkerName) {
        self.idle_workers.remove(worker);
    }

    /// What does not move now, and why.
    pub(crate) fn on_stalls(&mut self, now: Tick, stalls: &[Stall]) {
        for news in self.standing.look(now, stalls) {
            match news {
                StallNews::Began { stall, for_ms } => {
                    let Stall { kind, about, task_count: tasks, told, next_step } = stall;
                    let (kind, why) = (kind.label(), told);
                    warn!(kind, about, tasks, for_ms, why, next_step, "something does not move");
                }
                StallNews::Changed { stall, for_ms } => {
                    let Stall { kind, about, task_count: tasks, told, next_step } = stall;
                    let (kind, why) = (kind.label(), told);
                    warn!(kind, about, tasks, for_ms, why, next_step, "it still does not move");
                }
                StallNews::Ended { kind, about, for_ms } => {
                    let kind = kind.label();
                    info!(kind, about, for_ms, "this does not hold it up any more");
                }
            }
        }
    }

    /// These workers are to be drained, and the disk of the state has no room to record it.
    pub(crate) fn on_waiting_drains(&mut self, drains: Vec<WorkerName>) {
        let next_step = "free space on it, it goes on by itself";
        for worker in drains.iter().filter(|worker| !self.waiting_drains.contains(worker)) {
            warn!(%worker, next_step, "a drain waits: the disk of the state is full");
        }
        self.waiting_drains = drains;
    }

    /// A record is on its way.
    pub(crate) fn on_sent(&mut self, now: Tick) {
        self.sent_at.get_or_insert(now);
    }

    /// It is durable.
    pub(crate) fn on_durable(&mut self, now: Tick) {
        if let Some(sent_at) = self.sent_at.take() {
            self.meters.appends.add(now.0.saturating_sub(sent_at.0), 1);
        }
    }

    /// An entry is durable and applied, and this is what it did.
    pub(crate) fn on_applied(&mut self, ledger: &Ledger, entry: &Entry, applied: &[Applied]) {
        self.meters.on_applied(ledger, applied);
        for done in applied {
            match done {
                Applied::JobSubmitted { job, fresh: true } => {
                    info!(%job, name = name_of(ledger, *job), "a job was submitted");
                }
                Applied::TaskFailed { task, round } => {
                    let phase = ledger.phase(task.phase_id());
                    let failed = phase.and_then(|phase| phase.tasks.failure(task.index));
                    let cause = failed.map(|failed| failed.failure.cause.as_str());
                    let attempts = failed.map(|failed| failed.attempt_count);
                    warn!(%task, %round, attempts, cause, "a task failed");
                }
                Applied::JobEnded { job, outcome } => {
                    let outcome = match outcome {
                        Outcome::Succeeded => "succeeded",
                        Outcome::Failed => "failed",
                        Outcome::Cancelled => "cancelled",
                    };
                    info!(%job, name = name_of(ledger, *job), outcome, "a job ended");
                }
                Applied::WorkerJoined(worker) => info!(%worker, "a worker joined"),
                Applied::WorkerLeft(worker) => info!(%worker, "a worker left"),
                Applied::WorkerDrained(worker, true) => info!(%worker, "a worker is drained"),
                Applied::WorkerDrained(worker, false) => {
                    info!(%worker, "a worker is no longer drained")
                }
                Applied::JobForgotten(job) => info!(%job, "a job is forgotten"),
                _ => {}
            }
        }
        match entry {
            Entry::JobCancelled { job, why } => info!(%job, why, "a job is cancelled"),
            Entry::SettingChanged { name, value } => info!(name, value, "a setting changed"),
            Entry::TasksReopened { phase, why, .. } => {
                let job = phase.job;
                info!(%job, why, "failed tasks are tried again");
            }
            _ => {}
        }
    }
}

fn name_of(ledger: &Ledger, job: JobId) -> &str {
    ledger.jobs.get(&job).map_or("", |job| &job.name)
}
