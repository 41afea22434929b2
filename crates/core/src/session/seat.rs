//! The worker's end of a session: what it holds, what its slots do, what it still has to say.
//!
//! Pure: messages, ends of attempts and time come in, messages and orders to the slots go out. The
//! connection may come and go; what was ended is repeated until the master acknowledges it.

use super::event::{Assigned, Ending, SeatEffect, SeatEvent};
use super::message::{EndedRun, EndedWith, Held, Hello, Offer, ToMaster, ToWorker};
use super::pace::Pace;
use super::slots::Slots;
use super::withdrawal::Withdrawal;
use crate::failure::Failure;
use crate::ids::{AttemptId, Epoch, Incarnation, TaskId, WorkerName};
use crate::ledger::Results;
use crate::limits::{HEARTBEAT_MS, SEAT_CLUSTER_COUNT_MAX};
use crate::records::Pin;
use crate::time::Tick;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The worker's end of a session.
#[derive(Debug)]
pub struct Seat {
    name: WorkerName,
    incarnation: Incarnation,
    in_process: bool,
    offers: Vec<Offer>,
    serves: Option<Vec<Pin>>,
    withdrawn: Vec<Withdrawal>,
    /// The highest epoch that each cluster has shown, by the cluster's id.
    epochs: BTreeMap<u128, Epoch>,
    connected: bool,
    welcomed: bool,
    waiting: VecDeque<Assigned>,
    slots: Slots,
    /// Made attempts whose results are not durable yet.
    keeping: BTreeMap<AttemptId, Made>,
    unacknowledged: VecDeque<EndedRun>,
    pace: Pace,
    heartbeat_at: Tick,
}

/// A made attempt, and how long it was at work.
#[derive(Clone, Copy, Debug)]
struct Made {
    assigned: Assigned,
    took_us: u64,
}

impl Seat {
    /// A seat without a connection.
    #[must_use]
    pub fn new(
        name: WorkerName,
        incarnation: Incarnation,
        in_process: bool,
        slots: u32,
        offers: Vec<Offer>,
    ) -> Seat {
        Seat {
            name,
            incarnation,
            in_process,
            offers,
            serves: None,
            withdrawn: Vec::new(),
            epochs: BTreeMap::new(),
            connected: false,
            welcomed: false,
            waiting: VecDeque::new(),
            slots: Slots::new(slots),
            keeping: BTreeMap::new(),
            unacknowledged: VecDeque::new(),
            pace: Pace::new(slots),
            heartbeat_at: Tick(0),
        }
    }

    /// The same of a worker that also serves groups of record sets: these alone, or without any
    /// whichever it is given.
    #[must_use]
    pub fn serving(self, pins: Vec<Pin>) -> Seat {
        Seat { serves: Some(pins), ..self }
    }

    /// Takes an event; orders and messages are appended to `out`.
    pub fn on(&mut self, now: Tick, event: SeatEvent, out: &mut Vec<SeatEffect>) {
        match event {
            SeatEvent::Connected => self.on_connected(now, out),
            SeatEvent::Disconnected => {
                self.connected = false;
                self.welcomed = false;
            }
            SeatEvent::Message(message) => self.on_message(message, out),
            SeatEvent::Progress(slot) => {
                self.slots.on_progress(now, slot);
            }
            SeatEvent::Finished { slot, ending, took_us } => {
                if let Some(assigned) = self.slots.on_done(now, slot, out) {
                    // One that was not made says nothing about the pace.
                    if ending != Ending::Unmade {
                        self.measure(took_us, out);
                    }
                    self.end(assigned, ending, took_us, out);
                }
            }
            SeatEvent::Made { slot, took_us } => {
                if let Some(assigned) = self.slots.on_done(now, slot, out) {
                    self.measure(took_us, out);
                    self.keeping.insert(assigned.attempt, Made { assigned, took_us });
                }
            }
            SeatEvent::Kept { attempt, ending } => {
                // One that was dropped meanwhile is answered no more.
                if let Some(Made { assigned, took_us }) = self.keeping.remove(&attempt) {
                    self.end(assigned, ending, took_us, out);
                }
            }
            SeatEvent::Withdrawn(withdrawal) => self.on_withdrawn(withdrawal, out),
            SeatEvent::Tick => {}
        }
        self.slots.fill(now, &mut self.waiting, self.pace.batch(), out);
        if self.welcomed && now >= self.heartbeat_at {
            self.heartbeat_at = now.after_ms(HEARTBEAT_MS);
            // What it uses of its machine its host knows.
            let beat = ToMaster::Progress { running: self.slots.running(now), usage: None };
            out.push(SeatEffect::Send(beat));
        }
    }

    /// When the seat next wants a [`SeatEvent::Tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        self.welcomed.then_some(self.heartbeat_at)
    }

    /// Whether a master has welcomed it that it is still connected to.
    #[must_use]
    pub fn is_welcomed(&self) -> bool {
        self.welcomed
    }

    /// Whether it holds no attempt and owes the master no answer.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
            && self.unacknowledged.is_empty()
            && self.keeping.is_empty()
            && self.slots.are_idle()
    }

    /// Attempts that it holds and has not ended.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.waiting.len() + self.slots.held().count() + self.keeping.len()
    }

    fn on_connected(&mut self, now: Tick, out: &mut Vec<SeatEffect>) {
        self.connected = true;
        self.welcomed = false;
        self.heartbeat_at = now.after_ms(HEARTBEAT_MS);
        let hello = Hello {
            name: self.name.clone(),
            incarnation: self.incarnation,
            in_process: self.in_process,
            slots: self.slots.count(),
            offers: self.offers.clone(),
            held: self.held(),
            serves: self.serves.clone(),
        };
        out.push(SeatEffect::Send(ToMaster::Hello(hello)));
    }

    fn on_message(&mut self, message: ToWorker, out: &mut Vec<SeatEffect>) {
        match message {
            ToWorker::Welcome { cluster, epoch, keep } => {
                self.on_welcome(cluster, epoch, keep, out);
            }
            ToWorker::Refused(why) => {
                self.welcomed = false;
                out.push(SeatEffect::Refused(why));
            }
            ToWorker::Phase { .. }
            | ToWorker::Chunk { .. }
            | ToWorker::Outputs { .. }
            | ToWorker::PhaseClosed(_) => {
                out.push(SeatEffect::Note(message));
            }
            ToWorker::Call { .. } | ToWorker::CallMore { .. } | ToWorker::CallCancelled(_) => {
                if self.welcomed {
                    out.push(SeatEffect::Call(message));
                }
            }
            ToWorker::Shelves(_) | ToWorker::Query { .. } => {
                if self.welcomed {
                    out.push(SeatEffect::Records(message));
                }
            }
            ToWorker::Assign(runs) => {
                for run in runs {
                    self.waiting.extend((0..run.count).map(|offset| Held {
                        attempt: run.attempt.plus(offset),
                        task: run.phase.task(crate::TaskIndex(run.first.0 + offset)),
                        round: run.round,
                    }));
                }
            }
            ToWorker::EndedAck(attempts) => self.on_ack(&attempts),
            ToWorker::Recall(attempts) => self.on_recall(&attempts, out),
            ToWorker::CancelJob(job) => {
                self.drop_where(|held| held.task.job == job, out);
            }
        }
    }

    fn on_welcome(
        &mut self,
        cluster: u128,
        epoch: Epoch,
        keep: Vec<AttemptId>,
        out: &mut Vec<SeatEffect>,
    ) {
        let known = self.epochs.get(&cluster).copied();
        if let Some(known) = known.filter(|known| epoch < *known) {
            let why = format!("master of epoch {epoch} is behind epoch {known}");
            out.push(SeatEffect::Refused(why));
            return;
        }
        if known.is_none() && self.epochs.len() == SEAT_CLUSTER_COUNT_MAX {
            let why = format!("this worker has served {SEAT_CLUSTER_COUNT_MAX} other clusters");
            out.push(SeatEffect::Refused(why));
            return;
        }
        self.epochs.insert(cluster, epoch);
        self.welcomed = true;
        let keep: BTreeSet<AttemptId> = keep.into_iter().collect();
        self.drop_where(|held| !keep.contains(&held.attempt), out);
        self.unacknowledged.retain(|run| keep.contains(&run.attempt));
        out.push(SeatEffect::Send(ToMaster::Credit(self.pace.credit())));
        let withdrawn = self.withdrawn.iter().cloned().map(ToMaster::Withdrawn);
        out.extend(withdrawn.map(SeatEffect::Send));
        // What was held when it said who it is, and has come back unmade since.
        let held: BTreeSet<AttemptId> = self.held().iter().map(|held| held.attempt).collect();
        let unmade: Vec<AttemptId> = keep.difference(&held).copied().collect();
        if !unmade.is_empty() {
            out.push(SeatEffect::Send(ToMaster::Returned(unmade)));
        }
        if !self.unacknowledged.is_empty() {
            let repeated = self.unacknowledged.iter().cloned().collect();
            out.push(SeatEffect::Send(ToMaster::Ended(repeated)));
        }
    }

    fn on_withdrawn(&mut self, withdrawal: Withdrawal, out: &mut Vec<SeatEffect>) {
        self.offers.retain(|offer| offer.operation != withdrawal.operation);
        if self.welcomed {
            out.push(SeatEffect::Send(ToMaster::Withdrawn(withdrawal.clone())));
        }
        self.withdrawn.push(withdrawal);
    }

    fn on_ack(&mut self, attempts: &[(AttemptId, u32)]) {
        for (first, count) in attempts {
            let acknowledged = *first..first.plus(*count);
            self.unacknowledged.retain(|run| !acknowledged.contains(&run.attempt));
        }
    }

    fn on_recall(&mut self, attempts: &[AttemptId], out: &mut Vec<SeatEffect>) {
        let mut returned = Vec::new();
        self.waiting.retain(|held| {
            let recalled = attempts.contains(&held.attempt);
            if recalled {
                returned.push(held.attempt);
            }
            !recalled
        });
        if !returned.is_empty() {
            out.push(SeatEffect::Send(ToMaster::Returned(returned)));
        }
    }

    /// Takes in how long an attempt was at work.
    fn measure(&mut self, took_us: u64, out: &mut Vec<SeatEffect>) {
        if self.pace.measure(took_us) && self.welcomed {
            out.push(SeatEffect::Send(ToMaster::Credit(self.pace.credit())));
        }
    }

    /// Says how an attempt ended, until the master acknowledges it.
    fn end(
        &mut self,
        assigned: Assigned,
        ending: Ending,
        duration_us: u64,
        out: &mut Vec<SeatEffect>,
    ) {
        let with = match ending {
            Ending::Unmade => {
                if self.welcomed {
                    let returned = vec![assigned.attempt];
                    out.push(SeatEffect::Send(ToMaster::Returned(returned)));
                }
                return;
            }
            Ending::Succeeded(Some(manifest)) => {
                EndedWith::Results(Results::Manifests(vec![manifest]))
            }
            Ending::Succeeded(None) => EndedWith::Results(Results::Empty(1)),
            Ending::Failed(failure) => EndedWith::Failure(Failure { duration_us, ..failure }),
        };
        let Held { attempt, task, round } = assigned;
        let (phase, first) = (task.phase_id(), task.index);
        let run = EndedRun { phase, round, first, attempt, with, busy_us: duration_us };
        self.unacknowledged.push_back(run.clone());
        if self.welcomed {
            out.push(SeatEffect::Send(ToMaster::Ended(vec![run])));
        }
    }

    fn drop_where(&mut self, unwanted: impl Fn(&Held) -> bool, out: &mut Vec<SeatEffect>) {
        self.waiting.retain(|held| !unwanted(held));
        self.keeping.retain(|_, made| !unwanted(&made.assigned));
        self.unacknowledged.retain(|run| {
            let task: TaskId = run.phase.task(run.first);
            !unwanted(&Held { attempt: run.attempt, task, round: run.round })
        });
        self.slots.drop_where(unwanted, out);
    }

    fn held(&self) -> Vec<Held> {
        let ended = self.unacknowledged.iter().map(|run| Held {
            attempt: run.attempt,
            task: run.phase.task(run.first),
            round: run.round,
        });
        let kept = self.keeping.values().map(|made| made.assigned);
        ended.chain(kept).chain(self.slots.held()).chain(self.waiting.iter().copied()).collect()
    }
}

#[cfg(test)]
#[path = "seat_tests.rs"]
mod tests;
