//! The simulated worker process: the real seat, and slots whose attempts take as long as their
//! task.

use crate::wire::Connection;
use std::collections::{BTreeMap, VecDeque};
use windlass_core::random::SplitMix64;
use windlass_core::session::{
    Assigned, Ending, Offer, Seat, SeatEffect, SeatEvent, SlotIndex, ToMaster,
};
use windlass_core::{BlobId, Failure, FailureKind, Incarnation, TaskId, Tick, WorkerName};

/// How a task behaves; fixed by its name, so that every attempt knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Succeeds.
    Sound,
    /// Is unavailable now and then, and succeeds in the end.
    Flaky,
    /// Crashes its executor each time.
    Poison,
    /// Is rejected.
    Bad,
}

pub(crate) fn kind_of(task: TaskId) -> Kind {
    match SplitMix64::new(task.job.0 << 32 | u64::from(task.index.0)).below(20) {
        0 => Kind::Poison,
        1 => Kind::Bad,
        2 | 3 => Kind::Flaky,
        _ => Kind::Sound,
    }
}

/// The right result of a task.
pub(crate) fn manifest_of(task: TaskId) -> BlobId {
    BlobId::of(task.to_string().as_bytes())
}

/// A worker, running or not.
pub(crate) struct SimWorker {
    name: WorkerName,
    slots: u32,
    /// Number of this start of the process.
    pub(crate) life: u64,
    pub(crate) seat: Option<Seat>,
    /// Its connection as it believes it to be.
    pub(crate) connection: Option<Connection>,
    /// What each slot has; the first is at work.
    slots_have: BTreeMap<SlotIndex, VecDeque<Attempt>>,
    serial: u64,
}

/// An attempt in a slot.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    serial: u64,
    assigned: Assigned,
    took_us: u64,
}

/// An attempt that a slot begins: slot, serial, how many microseconds it takes.
pub(crate) type Begun = (SlotIndex, u64, u64);

/// What a turn of a worker asks of the world.
#[derive(Debug, Default)]
pub(crate) struct WorkerTurn {
    pub(crate) says: Vec<ToMaster>,
    pub(crate) begun: Vec<Begun>,
    /// Slots whose attempt is killed, by serial.
    pub(crate) killed: Vec<(SlotIndex, u64)>,
    pub(crate) leaves: bool,
}

impl SimWorker {
    pub(crate) fn new(number: usize, slots: u32) -> SimWorker {
        SimWorker {
            name: WorkerName(format!("w{number}")),
            slots,
            life: 0,
            seat: None,
            connection: None,
            slots_have: BTreeMap::new(),
            serial: 0,
        }
    }

    pub(crate) fn start(&mut self) {
        self.life += 1;
        let offers = vec![Offer { operation: "sim".to_owned(), version: 1 }];
        let incarnation = Incarnation(self.life);
        self.seat = Some(Seat::new(self.name.clone(), incarnation, false, self.slots, offers));
    }

    pub(crate) fn die(&mut self) {
        self.seat = None;
        self.connection = None;
        self.slots_have.clear();
    }

    pub(crate) fn tell(
        &mut self,
        now: Tick,
        event: SeatEvent,
        random: &mut SplitMix64,
    ) -> WorkerTurn {
        let mut turn = WorkerTurn::default();
        let Some(seat) = &mut self.seat else { return turn };
        let mut effects = Vec::new();
        seat.on(now, event, &mut effects);
        for effect in effects {
            match effect {
                SeatEffect::Send(message) => turn.says.push(message),
                SeatEffect::Start { slot, assigned } => {
                    self.serial += 1;
                    // A tenth of the tasks take seconds, some next to nothing, so that a slot gets
                    // several at once; the others milliseconds.
                    let took_us = match random.below(10) {
                        0 => random.below(4_000_000),
                        1..6 => random.below(200),
                        _ => random.below(20_000),
                    };
                    let attempt = Attempt { serial: self.serial, assigned, took_us };
                    let queue = self.slots_have.entry(slot).or_default();
                    queue.push_back(attempt);
                    if queue.len() == 1 {
                        turn.begun.push((slot, self.serial, took_us));
                    }
                }
                SeatEffect::Kill(slot) => {
                    let at_work = self.slots_have.get(&slot).and_then(VecDeque::front);
                    turn.killed.extend(at_work.map(|attempt| (slot, attempt.serial)));
                }
                SeatEffect::Note(_) => {}
                SeatEffect::Refused(_) => turn.leaves = true,
            }
        }
        turn
    }

    /// How the attempt at work in a slot ends, and what the slot begins then; `None` where another
    /// one is at work by now.
    pub(crate) fn end(
        &mut self,
        slot: SlotIndex,
        serial: u64,
        random: &mut SplitMix64,
    ) -> Option<(SeatEvent, Option<Begun>)> {
        let queue = self.slots_have.get_mut(&slot)?;
        let Attempt { assigned, took_us, .. } = *queue.front().filter(|a| a.serial == serial)?;
        queue.pop_front();
        let next = queue.front().map(|next| (slot, next.serial, next.took_us));
        let ending = match kind_of(assigned.task) {
            Kind::Poison => {
                Ending::Failed(Failure::new(FailureKind::Crashed, "crash", "it crashes", ""))
            }
            Kind::Bad => Ending::Failed(Failure::rejected("bad", "it is bad", "")),
            Kind::Flaky if random.below(2) == 0 => {
                Ending::Failed(Failure::unavailable("away", "it is away", ""))
            }
            Kind::Flaky | Kind::Sound => Ending::Succeeded(Some(manifest_of(assigned.task))),
        };
        Some((SeatEvent::Finished { slot, ending, took_us }, next))
    }
}
