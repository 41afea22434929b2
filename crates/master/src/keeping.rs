//! What the loop does about the size of its state: ended jobs are forgotten, snapshots are taken
//! when somebody asks.

use crate::clock;
use crate::host::Loop;
use crate::inbox::Reply;
use windlass_core::JobId;
use windlass_core::ledger::{Applied, Entry};
use windlass_core::limits::KEEPING_CHECK_MS;
use windlass_core::retention;

impl Loop {
    /// Proposes to forget what is due, at the start and then every [`KEEPING_CHECK_MS`].
    pub(crate) fn forget_due(&mut self) {
        if clock::tick() < self.forgets_at {
            return;
        }
        for job in self.due_jobs() {
            self.writer.propose(Entry::JobForgotten { job }, None);
        }
    }

    /// The same now, and answers once it is done.
    pub(crate) fn forget_due_for(&mut self, reply: Reply<Vec<Applied>>) {
        let mut due = self.due_jobs();
        let last = due.pop();
        for job in due {
            self.writer.propose(Entry::JobForgotten { job }, None);
        }
        match last {
            Some(job) => self.writer.propose(Entry::JobForgotten { job }, Some(reply)),
            None => drop(reply.send(Vec::new())),
        }
    }

    fn due_jobs(&mut self) -> Vec<JobId> {
        let now = clock::tick();
        self.forgets_at = now.after_ms(KEEPING_CHECK_MS);
        // The log's own time: a wall that jumped ahead makes no job old.
        let at = self.clock.read(now, clock::wall()).max(self.ledger.time);
        retention::due(&self.ledger, at)
    }

    /// Follows what an entry did to what is kept.
    pub(crate) fn on_kept(&mut self, applied: &[Applied]) {
        for done in applied {
            match done {
                // A lower limit holds from now on, not from the next look.
                Applied::SettingChanged => self.forgets_at = clock::tick(),
                Applied::SnapshotTaken(_) => self.answer_snapshot_waiters(),
                _ => {}
            }
        }
    }

    /// Has the state of now written, wherever in the log it stands, and answers once that is
    /// announced.
    pub(crate) fn take_snapshot(&mut self, reply: Reply<Result<(), String>>) {
        self.snapshot_waiters.push((self.head.seq, reply));
        self.answer_snapshot_waiters();
        if !self.snapshot_waiters.is_empty() {
            self.marks.hold(self.head.seq, self.head.hash, &self.ledger);
            self.write_snapshot();
        }
    }

    fn answer_snapshot_waiters(&mut self) {
        let Some(announced) = self.ledger.snapshots.last().map(|newest| newest.seq) else { return };
        self.snapshot_waiters.retain(|(wanted, reply)| {
            let waits = *wanted > announced;
            if !waits {
                let _ = reply.send(Ok(()));
            }
            waits
        });
        // The writing thread was busy with an earlier one when it was asked.
        if !self.snapshot_waiters.is_empty() {
            self.write_snapshot();
        }
    }

    pub(crate) fn fail_snapshot_waiters(&mut self, error: &str) {
        for (_, reply) in self.snapshot_waiters.drain(..) {
            let _ = reply.send(Err(error.to_owned()));
        }
    }
}
