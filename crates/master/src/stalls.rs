//! Why something does not move, as the loop knows it: said when asked, and in the log when it is
//! news.

use crate::clock;
use crate::host::Loop;
use windlass_core::ledger::Entry;
use windlass_core::limits::STALL_COUNT_MAX;
use windlass_core::view::Stall;
use windlass_core::{JobId, LogTime, Tick, WorkerName};

impl Loop {
    /// Every reason, of all jobs or of one, the gravest first.
    pub(crate) fn stalls(&mut self, now: Tick, wall: LogTime, of: Option<JobId>) -> Vec<Stall> {
        // Where nothing is recorded, nobody has looked at the wall.
        let believed = self.clock.read(now, wall);
        let clock = self.clock.refused().map(|wall| Stall::clock(wall, believed));
        let full = self.writer.waits_for_room().then(|| Stall::full_disk(self.undurable_drains()));
        let mut stalls: Vec<Stall> = full.into_iter().chain(clock).collect();
        stalls.extend(self.scheduler.stalls_of(now, &self.ledger, of));
        if of.is_none() {
            stalls.extend(self.switchboard.stalls(now));
            stalls.sort_by_key(|stall| stall.kind);
            stalls.truncate(STALL_COUNT_MAX);
        }
        stalls
    }

    /// Workers that are to be drained once that is durable.
    fn undurable_drains(&self) -> impl Iterator<Item = &WorkerName> {
        self.writer.undurable().filter_map(|entry| match entry {
            Entry::WorkerDrained { name, on: true } => Some(name),
            _ => None,
        })
    }

    /// Looks again, where it is time to, and has the log say what is new.
    pub(crate) fn log_stalls(&mut self) {
        let now = clock::tick();
        if self.observer.standing.is_due(now) {
            let stalls = self.stalls(now, clock::wall(), None);
            self.observer.on_stalls(now, &stalls);
            if self.writer.waits_for_room() {
                let drains: Vec<WorkerName> = self.undurable_drains().cloned().collect();
                self.observer.on_waiting_drains(drains);
            } else {
                self.observer.on_waiting_drains(Vec::new());
            }
        }
    }
}
