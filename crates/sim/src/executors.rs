//! The executors of a simulated worker: what breaks them, and the real watch that withdraws an
//! operation then, asked as the slots of the real worker ask it.

use crate::task::OPERATIONS;
use std::collections::BTreeSet;
use windlass_core::session::{CrashWatch, SlotIndex, Withdrawal};
use windlass_core::{BlobId, Failure, FailureKind, TaskId};

/// The code of a failure that is the machine's fault.
pub(crate) const BROKEN: &str = "broken";

/// What is wrong with a machine, until it is mended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Defect {
    /// Whatever this operation gets brings its executor down.
    Crashes(&'static str),
    /// Executors are gone and do not come up again.
    StartsNot,
}

/// What came of an attempt whose time is over.
pub(crate) enum Ran {
    /// Its operation is offered no more.
    Unmade,
    /// Its executor does not come up; it is started again after so many microseconds.
    StartsAgain(u64),
    /// It has ended, with a result where there is no failure.
    Ended(Option<Failure>),
}

/// The executors of a worker.
#[derive(Debug, Default)]
pub(crate) struct Executors {
    /// Of the machine: another start of the worker finds it as it was.
    pub(crate) defect: Option<Defect>,
    watch: CrashWatch,
    /// Slots whose executor lives.
    alive: BTreeSet<SlotIndex>,
    /// What the seat is still to be told, and what the tally calls it.
    news: Vec<(Withdrawal, &'static str)>,
}

impl Executors {
    /// The worker's process ends, and all that it knew.
    pub(crate) fn die(&mut self) {
        *self = Executors { defect: self.defect, ..Executors::default() };
    }

    pub(crate) fn break_down(&mut self, defect: Defect) {
        self.defect = Some(defect);
        if defect == Defect::StartsNot {
            self.alive.clear();
        }
    }

    /// Operations that this start of the worker offers no more.
    pub(crate) fn withdrawn(&self) -> impl Iterator<Item = &'static str> {
        OPERATIONS.into_iter().filter(|operation| self.watch.is_withdrawn(operation))
    }

    pub(crate) fn take_news(&mut self) -> Vec<(Withdrawal, &'static str)> {
        std::mem::take(&mut self.news)
    }

    /// How long a slot waits until its next attempt begins.
    pub(crate) fn pause_us(&self, slot: SlotIndex) -> u64 {
        if self.alive.contains(&slot) { 0 } else { self.watch.pause_ms() * 1_000 }
    }

    /// The attempt at work in a slot is killed, and its executor with it.
    pub(crate) fn kill(&mut self, slot: SlotIndex) {
        self.alive.remove(&slot);
    }

    /// An attempt's time is over; `failure` is how it ends on a sound machine.
    pub(crate) fn run(
        &mut self,
        slot: SlotIndex,
        operation: &str,
        task: TaskId,
        failure: Option<Failure>,
    ) -> Ran {
        if self.watch.is_withdrawn(operation) {
            return Ran::Unmade;
        }
        if !self.alive.contains(&slot) {
            if self.defect == Some(Defect::StartsNot) {
                return self.on_start_failure(operation);
            }
            self.watch.on_start();
            self.alive.insert(slot);
        }
        let failure = match self.defect {
            Some(Defect::Crashes(broken)) if broken == operation => {
                Some(Failure::new(FailureKind::Crashed, BROKEN, "its library is broken", ""))
            }
            _ => failure,
        };
        match failure.as_ref().map(|failure| (failure.kind, &failure.cause)) {
            Some((FailureKind::Crashed, cause)) => {
                self.alive.remove(&slot);
                let input = BlobId::of(task.to_string().as_bytes());
                let gone = self.watch.on_crash(operation, Some(input), cause);
                self.news.extend(gone.map(|gone| (gone, "operation: withdrawn, it crashes")));
            }
            // As the real worker counts: what says nothing of other files says nothing.
            Some((FailureKind::Unavailable, _)) => {}
            _ => self.watch.on_answer(operation),
        }
        Ran::Ended(failure)
    }

    fn on_start_failure(&mut self, operation: &str) -> Ran {
        let gone = self.watch.on_start_failure(&OPERATIONS, "no such file or directory");
        self.news
            .extend(gone.into_iter().map(|gone| (gone, "operation: withdrawn, it starts not")));
        if self.watch.is_withdrawn(operation) {
            return Ran::Unmade;
        }
        Ran::StartsAgain(self.watch.pause_ms() * 1_000)
    }
}
