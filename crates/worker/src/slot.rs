//! A slot: one thread that makes one attempt at a time, in the order in which it got them.

use crate::attempt::{Attempts, Done};
use crate::health::Health;
use crate::host::Inbox;
use crate::keeper::Stored;
use crate::models::Models;
use crate::options::Options;
use crate::orders::Order;
use crate::pulse::Pulse;
use crate::usage::Threads;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use windlass_core::limits::SLOT_BATCH_MAX;
use windlass_core::session::{Ending, SlotIndex, Withdrawal};
use windlass_core::{AttemptId, Failure, TaskId};
use windlass_sandbox::Cancel;

/// What a slot tells its seat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SlotNews {
    Progress,
    /// The operation is offered no more.
    Withdrawn(Withdrawal),
    /// How the attempt ended, and after how many microseconds of work.
    Finished(Ending, u64),
    /// The attempt has a result that is not durable yet, after so many microseconds of work.
    Made(u64),
}

/// What a slot is to do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) attempt: AttemptId,
    pub(crate) task: TaskId,
    pub(crate) order: Order,
}

pub(crate) struct Slot {
    jobs: SyncSender<(Result<Job, Failure>, Cancel)>,
    /// Of every attempt that the slot has, as its seat knows it; the first is at work.
    cancels: VecDeque<Cancel>,
    /// Whether its own thread is at work.
    pub(crate) pulse: Pulse,
    thread: JoinHandle<()>,
}

impl Slot {
    /// Starts the thread. What it stores goes to `keeper`, after its seat has heard that the slot
    /// goes on.
    pub(crate) fn start(
        index: SlotIndex,
        options: Arc<Options>,
        health: Arc<Health>,
        models: Arc<Models>,
        inbox: SyncSender<Inbox>,
        keeper: SyncSender<(AttemptId, Stored)>,
        threads: Threads,
    ) -> Slot {
        // The seat hands over no more at once, and only to a slot that has nothing left.
        let (jobs, to_do) = sync_channel::<(Result<Job, Failure>, Cancel)>(SLOT_BATCH_MAX);
        let pulse = Pulse::default();
        let beating = pulse.clone();
        let thread = thread::spawn(move || {
            threads.enter();
            let mut attempts = Attempts::new(options, health, models, beating);
            while let Ok((job, cancel)) = to_do.recv() {
                let tell = |news| {
                    let _ = inbox.send(Inbox::Slot(index, news));
                };
                let began = Instant::now();
                let done = match &job {
                    Ok(job) => attempts.run(job, &cancel, &tell),
                    Err(failure) => Done::Ended(Ending::Failed(failure.clone())),
                };
                let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                let (news, stored) = match done {
                    Done::Ended(ending) => (SlotNews::Finished(ending, took_us), None),
                    Done::Stored(stored) => (SlotNews::Made(took_us), Some(stored)),
                };
                if inbox.send(Inbox::Slot(index, news)).is_err() {
                    return;
                }
                if let (Some(stored), Ok(job)) = (stored, job)
                    && keeper.send((job.attempt, stored)).is_err()
                {
                    return;
                }
            }
        });
        Slot { jobs, cancels: VecDeque::new(), pulse, thread }
    }

    /// Hands over an attempt, to be made after those that the slot has; one that nobody here knows
    /// in full fails when its turn comes, because ends are told in order.
    pub(crate) fn begin(&mut self, job: Result<Job, Failure>) {
        let cancel = Cancel::new();
        self.cancels.push_back(cancel.clone());
        // A slot's thread ends only after its channel does.
        let _ = self.jobs.send((job, cancel));
    }

    /// The seat has heard that the attempt at work has ended.
    pub(crate) fn on_finished(&mut self) {
        self.cancels.pop_front();
    }

    /// Ends the attempt at work; one that has ended already does not mind.
    pub(crate) fn kill(&self) {
        self.cancels.iter().take(1).for_each(Cancel::cancel);
    }

    /// Ends all that the slot has.
    pub(crate) fn kill_all(&self) {
        self.cancels.iter().for_each(Cancel::cancel);
    }

    /// Waits for the thread; all that it has should have been killed.
    pub(crate) fn join(self) {
        drop(self.jobs);
        let _ = self.thread.join();
    }
}
