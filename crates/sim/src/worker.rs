//! The simulated worker: the real seat, slots whose attempts take as long as their task, and a disk
//! whose unsynced blobs a crash takes.

use crate::alarm::Alarm;
use crate::clock::MachineClock;
use crate::executors::{Executors, Ran};
use crate::lookups::Shards;
use crate::plan::HEALED_AT;
use crate::store::Store;
use crate::task::{Kind, OPERATIONS, kind_of, manifest_of};
use crate::wire::Connection;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use windlass_core::limits::{ATTEMPT_MS_MAX, SLOT_CREDIT_MIN};
use windlass_core::plan::{Output, Outputs};
use windlass_core::random::SplitMix64;
use windlass_core::records::Pin;
use windlass_core::session::{
    Assigned, Ending, KEEPING, Keeping, Offer, Seat, SeatEffect, SeatEvent, SlotIndex, ToMaster,
    ToWorker,
};
use windlass_core::{
    BlobId, Epoch, Failure, FailureKind, Incarnation, PhaseId, TaskId, TaskIndex, Tick, WorkerName,
};

/// A worker's machine, its process running or not.
pub(crate) struct SimWorker {
    pub(crate) clock: MachineClock,
    pub(crate) name: WorkerName,
    slots: u32,
    /// Number of this start of the process.
    pub(crate) life: u64,
    pub(crate) paused_until: Tick,
    pub(crate) ticks: Alarm,
    pub(crate) seat: Option<Seat>,
    /// Its connection as it believes it to be.
    pub(crate) connection: Option<Connection>,
    /// The master that it tries next.
    pub(crate) next_master: usize,
    /// What each slot has; the first is at work.
    slots_have: BTreeMap<SlotIndex, VecDeque<Attempt>>,
    /// Attempts that have left their slot and whose results are being kept, by serial.
    keeping: BTreeMap<u64, Attempt>,
    serial: u64,
    /// The highest credit that this process has announced.
    credit_max: u32,
    unsynced: BTreeSet<BlobId>,
    /// The highest epoch that this process was welcomed in.
    epoch: Epoch,
    /// What it was told that tasks work on, by the first of them.
    outputs: BTreeMap<(PhaseId, TaskIndex), Outputs>,
    /// The operations of phases, as it was told.
    operations: BTreeMap<PhaseId, &'static str>,
    pub(crate) executors: Executors,
    /// What it serves of record sets.
    pub(crate) shards: Shards,
}

/// An attempt in a slot.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    serial: u64,
    assigned: Assigned,
    operation: &'static str,
    took_us: u64,
    result: BlobId,
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
    /// Shards that are fetched.
    pub(crate) fetches: Vec<BlobId>,
}

/// What comes after a step of keeping a result.
pub(crate) enum Kept {
    /// The next step, after so long.
    Next(u64),
    /// The same step once more, after so long.
    Again(u64),
    /// The result is stored: the slot begins its next attempt, the next step comes after so long.
    Made(SeatEvent, Option<Begun>, u64),
    /// The seat hears of it, and the slot begins its next attempt.
    Told(SeatEvent, Option<Begun>),
    /// The attempt is not there any more.
    Stale,
}

impl SimWorker {
    pub(crate) fn new(number: usize, random: &mut SplitMix64) -> SimWorker {
        SimWorker {
            clock: MachineClock::new(random),
            name: WorkerName(format!("w{number}")),
            slots: 1 + random.below(3) as u32,
            life: 0,
            paused_until: Tick(0),
            ticks: Alarm::default(),
            seat: None,
            connection: None,
            next_master: number,
            slots_have: BTreeMap::new(),
            keeping: BTreeMap::new(),
            serial: 0,
            credit_max: 0,
            unsynced: BTreeSet::new(),
            epoch: Epoch(0),
            outputs: BTreeMap::new(),
            operations: BTreeMap::new(),
            executors: Executors::default(),
            shards: Shards::default(),
        }
    }

    /// Its process starts; within: inside the master's.
    pub(crate) fn start(&mut self, within: bool) {
        self.life += 1;
        self.ticks = Alarm::default();
        self.epoch = Epoch(0);
        self.credit_max = self.slots * SLOT_CREDIT_MIN;
        let offers = OPERATIONS.map(|operation| Offer {
            operation: operation.to_owned(),
            version: 1,
            attempt_ms_max: ATTEMPT_MS_MAX,
            quiet_ms_max: None,
        });
        let incarnation = Incarnation(self.life);
        let name = self.name.clone();
        let seat = Seat::new(name, incarnation, within, self.slots, offers.to_vec());
        self.seat = Some(match self.pins() {
            Some(pins) => seat.serving(pins),
            None => seat,
        });
    }

    /// The first two serve whichever groups they are given, the third one group alone, others none.
    fn pins(&self) -> Option<Vec<Pin>> {
        match self.name.0.as_str() {
            "w0" | "w1" => Some(Vec::new()),
            "w2" => Some(vec!["people:am".parse().expect("a group")]),
            _ => None,
        }
    }

    pub(crate) fn die(&mut self) {
        self.shards = Shards::default();
        self.executors.die();
        self.seat = None;
        self.connection = None;
        self.slots_have.clear();
        self.keeping.clear();
        self.outputs.clear();
        self.operations.clear();
        self.unsynced.clear();
    }

    pub(crate) fn tell(
        &mut self,
        now: Tick,
        event: SeatEvent,
        random: &mut SplitMix64,
    ) -> Result<WorkerTurn, String> {
        let mut turn = WorkerTurn::default();
        let Some(seat) = &mut self.seat else { return Ok(turn) };
        let welcome = match &event {
            SeatEvent::Message(ToWorker::Welcome { epoch, .. }) => Some(*epoch),
            _ => None,
        };
        let mut effects = Vec::new();
        seat.on(self.clock.tick(now), event, &mut effects);
        for effect in effects {
            match effect {
                SeatEffect::Send(message) => {
                    if let ToMaster::Credit(credit) = message {
                        self.credit_max = self.credit_max.max(credit);
                    }
                    turn.says.push(message);
                }
                SeatEffect::Start { slot, assigned } => {
                    turn.begun.extend(self.take_in(slot, assigned, random)?);
                }
                SeatEffect::Kill(slot) => {
                    let at_work = self.slots_have.get(&slot).and_then(VecDeque::front);
                    turn.killed.extend(at_work.map(|attempt| (slot, attempt.serial)));
                }
                SeatEffect::Note(message) => self.note(message),
                SeatEffect::Records(ToWorker::Shelves(shelves)) => {
                    let (said, fetches) = self.shards.serve(&shelves);
                    turn.says.extend(said);
                    turn.fetches.extend(fetches);
                }
                SeatEffect::Records(query) => turn.says.extend(self.shards.answer(&query)),
                SeatEffect::Call(_) => {}
                SeatEffect::Refused(_) => turn.leaves = true,
            }
        }
        let Some(seat) = &self.seat else { return Ok(turn) };
        // Heartbeats tell that it took the welcome.
        if let Some(epoch) = welcome.filter(|_| seat.next_deadline().is_some()) {
            if epoch < self.epoch {
                return Err(format!("{} follows epoch {epoch} after {}", self.name, self.epoch));
            }
            self.epoch = epoch;
        }
        if seat.open_count() > self.credit_max as usize {
            return Err(format!(
                "{} holds {} attempts, its credit is {}",
                self.name,
                seat.open_count(),
                self.credit_max
            ));
        }
        Ok(turn)
    }

    /// A slot gets an attempt, which begins now where it has no other.
    fn take_in(
        &mut self,
        slot: SlotIndex,
        assigned: Assigned,
        random: &mut SplitMix64,
    ) -> Result<Option<Begun>, String> {
        self.serial += 1;
        let took_us = match kind_of(assigned.task) {
            Kind::Slow => 1_000_000 + random.below(4_000_000),
            _ => match random.below(20) {
                0 => random.below(2_000_000),
                // Next to nothing, so that a slot gets several at once.
                1..10 => random.below(200),
                _ => random.below(20_000),
            },
        };
        let told_of = self.operations.get(&assigned.task.phase_id()).copied();
        let operation = told_of
            .ok_or_else(|| format!("{} was not told what {} is", self.name, assigned.task))?;
        let result = manifest_of(&assigned, &told(&self.outputs, assigned.task));
        let serial = self.serial;
        let queue = self.slots_have.entry(slot).or_default();
        queue.push_back(Attempt { serial, assigned, operation, took_us, result });
        let is_first = queue.len() == 1;
        Ok(is_first.then(|| (slot, serial, self.executors.pause_us(slot) + took_us)))
    }

    /// Keeps or forgets what it is told of phases.
    fn note(&mut self, message: ToWorker) {
        match message {
            ToWorker::Phase { phase, operation, .. } => {
                let known = OPERATIONS.into_iter().find(|known| *known == operation);
                self.operations.extend(known.map(|known| (phase, known)));
            }
            ToWorker::PhaseClosed(phase) => {
                self.operations.remove(&phase);
                self.outputs.retain(|(of, _), _| *of != phase);
            }
            ToWorker::Outputs { phase, first, outputs, .. } => {
                self.outputs.insert((phase, first), outputs);
            }
            _ => {}
        }
    }

    /// The attempt at work in a slot is killed.
    pub(crate) fn kill(&mut self, slot: SlotIndex, serial: u64) -> Kept {
        if self.at_work(slot, serial).is_none() {
            return Kept::Stale;
        }
        self.executors.kill(slot);
        self.end(slot, Ending::Failed(Failure::unavailable("cancelled", "it was cancelled", "")))
    }

    fn at_work(&self, slot: SlotIndex, serial: u64) -> Option<Attempt> {
        let first = self.slots_have.get(&slot)?.front().copied();
        first.filter(|attempt| attempt.serial == serial)
    }

    fn end(&mut self, slot: SlotIndex, ending: Ending) -> Kept {
        let (ended, next) = self.go_on(slot);
        let took_us = ended.map_or(0, |ended| ended.took_us);
        Kept::Told(SeatEvent::Finished { slot, ending, took_us }, next)
    }

    /// The attempt at work leaves its slot, which begins its next one.
    fn go_on(&mut self, slot: SlotIndex) -> (Option<Attempt>, Option<Begun>) {
        let queue = self.slots_have.entry(slot).or_default();
        let left = queue.pop_front();
        let pause_us = self.executors.pause_us(slot);
        (left, queue.front().map(|next| (slot, next.serial, pause_us + next.took_us)))
    }

    /// The operation in a slot has ended, or a step of keeping its result is due.
    pub(crate) fn keep(
        &mut self,
        now: Tick,
        (slot, serial): (SlotIndex, u64),
        step: usize,
        durable: &mut Store,
        random: &mut SplitMix64,
    ) -> Kept {
        let kept = self.keeping.get(&serial).copied();
        let Some(attempt) = kept.or_else(|| self.at_work(slot, serial)) else {
            return Kept::Stale;
        };
        let made = attempt.assigned;
        let manifest = attempt.result;
        let keeping = match (step, KEEPING.get(step)) {
            (0, first) => {
                let own = own_failure(made, now, random);
                match self.executors.run(slot, attempt.operation, made.task, own) {
                    Ran::Unmade => return self.end(slot, Ending::Unmade),
                    Ran::StartsAgain(pause_us) => return Kept::Again(pause_us),
                    Ran::Ended(Some(failure)) => return self.end(slot, Ending::Failed(failure)),
                    Ran::Ended(None) => first,
                }
            }
            (_, later) => later,
        };
        match keeping {
            Some(Keeping::Store) => {
                self.unsynced.insert(manifest);
                self.keeping.insert(serial, attempt);
                let (_, next) = self.go_on(slot);
                let event = SeatEvent::Made { slot, took_us: attempt.took_us };
                Kept::Made(event, next, 1 + random.below(10_000))
            }
            Some(Keeping::Sync) => {
                self.unsynced.iter().for_each(|id| durable.put(*id, now));
                self.unsynced.clear();
                Kept::Next(1)
            }
            Some(Keeping::Tell) | None => {
                self.keeping.remove(&serial);
                let ending = Ending::Succeeded(Some(manifest));
                Kept::Told(SeatEvent::Kept { attempt: made.attempt, ending }, None)
            }
        }
    }
}

/// How an attempt fails on a sound machine, if it does.
fn own_failure(made: Assigned, now: Tick, random: &mut SplitMix64) -> Option<Failure> {
    match kind_of(made.task) {
        Kind::Poison => Some(Failure::new(FailureKind::Crashed, "crash", "it crashes", "")),
        Kind::Bad => Some(Failure::rejected("bad", "it is bad", "")),
        Kind::Mended if made.round.0 == 0 => Some(Failure::rejected("bad", "it is bad", "")),
        Kind::Flaky if now < HEALED_AT && random.below(2) == 0 => {
            Some(Failure::unavailable("away", "it is away", ""))
        }
        _ => None,
    }
}

/// What a task works on, as its worker was told.
fn told(outputs: &BTreeMap<(PhaseId, TaskIndex), Outputs>, task: TaskId) -> Vec<Output> {
    let before = outputs.range(..=(task.phase_id(), task.index)).next_back();
    let of_phase = before.filter(|((phase, _), _)| *phase == task.phase_id());
    of_phase.map(|((_, first), outputs)| outputs.of_task(*first, task.index)).unwrap_or_default()
}
