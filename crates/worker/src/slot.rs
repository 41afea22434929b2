//! A slot: one thread that makes one attempt at a time.

use crate::attempt::Attempts;
use crate::host::{Inbox, Options};
use crate::orders::Order;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use windlass_core::TaskIndex;
use windlass_core::session::{Ending, SlotIndex};
use windlass_sandbox::Cancel;

/// What a slot tells its seat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SlotNews {
    Progress,
    Finished(Ending),
}

/// What a slot is to do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) index: TaskIndex,
    pub(crate) order: Order,
}

pub(crate) struct Slot {
    jobs: SyncSender<(Job, Cancel)>,
    /// Ends the attempt that was begun last.
    cancel: Mutex<Cancel>,
    thread: JoinHandle<()>,
}

impl Slot {
    pub(crate) fn start(index: SlotIndex, options: Arc<Options>, inbox: SyncSender<Inbox>) -> Slot {
        // The seat begins an attempt only in a free slot, so one place suffices.
        let (jobs, to_do) = sync_channel::<(Job, Cancel)>(1);
        let thread = thread::spawn(move || {
            let mut attempts = Attempts::new(options);
            while let Ok((job, cancel)) = to_do.recv() {
                let progress = || {
                    let _ = inbox.send(Inbox::Slot(index, SlotNews::Progress));
                };
                let ending = attempts.run(&job, &cancel, &progress);
                if inbox.send(Inbox::Slot(index, SlotNews::Finished(ending))).is_err() {
                    return;
                }
            }
        });
        Slot { jobs, cancel: Mutex::new(Cancel::new()), thread }
    }

    /// Begins an attempt; the slot is free.
    pub(crate) fn begin(&self, job: Job) {
        let cancel = Cancel::new();
        *self.cancel.lock().unwrap_or_else(PoisonError::into_inner) = cancel.clone();
        // A slot's thread ends only after its channel does.
        let _ = self.jobs.send((job, cancel));
    }

    /// Ends the attempt begun last; one that has ended already does not mind.
    pub(crate) fn kill(&self) {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    /// Waits for the thread; the attempt in it should have been killed.
    pub(crate) fn join(self) {
        drop(self.jobs);
        let _ = self.thread.join();
    }
}
