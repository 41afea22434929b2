//! Workers in the world: their lives, their connections, their slots.

use super::run::World;
use crate::frames;
use crate::wire::{Connection, Happening, MasterEvent, MasterIndex, WorkerEvent, WorkerIndex};
use crate::worker::{Begun, Kept, WorkerTurn};
use windlass_core::Tick;
use windlass_core::session::{Ending, SeatEvent, SlotIndex, ToMaster, ToWorker};

/// A worker that was not welcomed for so long tries another master.
const WELCOME_PATIENCE_US: u64 = 1_500_000;

/// How soon somebody starts a worker again that has withdrawn something on a sound machine.
const NOTICED_US: u64 = 1_000_000;

impl World {
    pub(super) fn start_worker(&mut self, index: WorkerIndex) {
        let has_home = !self.within || self.masters[0].process.is_some();
        let worker = &mut self.workers[index.0];
        if worker.seat.is_none() && has_home {
            worker.paused_until = Tick(0);
            worker.start(self.within);
            let life = worker.life;
            if life > 1 {
                self.tally.bite("worker: a new incarnation");
            }
            self.queue_in(0, Happening::ToWorker(index, life, WorkerEvent::Connects));
        }
    }

    /// A worker's process ends; one that holds nothing may say goodbye.
    pub(super) fn kill_worker(&mut self, index: WorkerIndex) -> Result<(), String> {
        let worker = &self.workers[index.0];
        let idle = worker.seat.as_ref().is_some_and(|seat| seat.is_idle());
        let connection = worker.connection;
        if idle && self.random.below(2) == 0 {
            self.tally.bite("worker: says goodbye");
            self.say(connection, ToMaster::Goodbye)?;
            self.workers[index.0].die();
            return Ok(());
        }
        if self.workers[index.0].seat.is_some() {
            self.tally.bite(if idle { "worker: dies idle" } else { "worker: dies at work" });
        }
        self.workers[index.0].die();
        // A process that is killed leaves its connections to its machine, which ends them in order
        // unless something was still to be read.
        match self.random.below(2) {
            0 => self.cut(connection),
            _ => self.end(connection),
        }
        Ok(())
    }

    pub(super) fn pause_worker(&mut self, index: WorkerIndex, us: u64) {
        let worker = &mut self.workers[index.0];
        worker.paused_until = worker.paused_until.max(Tick(self.now.0 + us));
    }

    /// Something reaches a worker's process, unless that stands still or is gone.
    pub(super) fn on_worker(
        &mut self,
        index: WorkerIndex,
        life: u64,
        event: WorkerEvent,
    ) -> Result<(), String> {
        let worker = &mut self.workers[index.0];
        if worker.life != life || worker.seat.is_none() {
            return Ok(());
        }
        if worker.paused_until > self.now {
            let until = worker.paused_until;
            self.tally.bite("worker: stands still");
            self.defer(until, Happening::ToWorker(index, life, event));
            return Ok(());
        }
        match event {
            WorkerEvent::Ticks(serial) => {
                if worker.ticks.rings(serial) {
                    self.tell_worker(index, SeatEvent::Tick)?;
                }
            }
            WorkerEvent::Connects => self.connect(index)?,
            WorkerEvent::GivesUp(connection) => {
                let welcomed = worker.seat.as_ref().is_some_and(|s| s.next_deadline().is_some());
                if worker.connection == Some(connection) && !welcomed {
                    self.cut(Some(connection));
                    self.disconnect(index, connection)?;
                }
            }
            WorkerEvent::Hears(connection, message) => {
                if worker.connection == Some(connection) && self.network.delivers(connection, true)
                {
                    self.tell_worker(index, SeatEvent::Message(message))?;
                } else {
                    self.tally.bite("network: a message to a worker is lost");
                }
            }
            WorkerEvent::HearsGarbage(connection) => {
                if self.network.delivers(connection, true) {
                    self.tally.bite("network: a worker hears garbage");
                    self.end_at_worker(connection);
                    self.disconnect(index, connection)?;
                }
            }
            WorkerEvent::Gone(connection) => self.disconnect(index, connection)?,
            WorkerEvent::Keeps { slot, serial, step } => self.keep(index, slot, serial, step)?,
            WorkerEvent::Killed { slot, serial } => {
                let killed = worker.kill(slot, serial);
                self.go_on(index, (slot, serial), 0, killed)?;
            }
            WorkerEvent::Fetched(blob, is_sound) => {
                let said = worker.shards.on_fetched(blob, is_sound);
                let connection = worker.connection;
                if said.is_some() && !is_sound {
                    self.tally.bite("records: a shard cannot be served");
                }
                // In another session it is said of what that one was told to serve.
                said.into_iter().try_for_each(|said| self.say(connection, said))?;
            }
            WorkerEvent::Repeats(message) => {
                self.tally.bite("network: an answer comes twice, late");
                let connection = worker.connection;
                self.say(connection, message)?;
            }
        }
        Ok(())
    }

    fn keep(
        &mut self,
        index: WorkerIndex,
        slot: SlotIndex,
        serial: u64,
        step: usize,
    ) -> Result<(), String> {
        let worker = &mut self.workers[index.0];
        let durable = &mut self.oracle.durable;
        let kept = worker.keep(self.now, (slot, serial), step, durable, &mut self.random);
        for (withdrawal, what) in worker.executors.take_news() {
            self.tally.bite(what);
            self.tell_worker(index, SeatEvent::Withdrawn(withdrawal))?;
            // A machine that was mended just before the last crash, which was a poisonous task's.
            if self.workers[index.0].executors.defect.is_none() {
                self.queue_in(NOTICED_US, Happening::MachineMended(index));
            }
        }
        self.go_on(index, (slot, serial), step, kept)
    }

    fn go_on(
        &mut self,
        index: WorkerIndex,
        (slot, serial): (SlotIndex, u64),
        step: usize,
        kept: Kept,
    ) -> Result<(), String> {
        let life = self.workers[index.0].life;
        match kept {
            Kept::Next(after_us) => {
                let event = WorkerEvent::Keeps { slot, serial, step: step + 1 };
                self.queue_in(after_us, Happening::ToWorker(index, life, event));
                Ok(())
            }
            Kept::Again(after_us) => {
                let event = WorkerEvent::Keeps { slot, serial, step };
                self.queue_in(after_us, Happening::ToWorker(index, life, event));
                Ok(())
            }
            Kept::Made(event, next, after_us) => {
                let keeps = WorkerEvent::Keeps { slot, serial, step: step + 1 };
                self.queue_in(after_us, Happening::ToWorker(index, life, keeps));
                if let Some(begun) = next {
                    self.begin(index, life, begun);
                }
                self.tell_worker(index, event)
            }
            Kept::Told(event, next) => {
                if matches!(event, SeatEvent::Finished { ending: Ending::Unmade, .. }) {
                    self.tally.bite("operation: returned unmade");
                }
                if let Some(begun) = next {
                    self.begin(index, life, begun);
                }
                self.tell_worker(index, event)
            }
            Kept::Stale => Ok(()),
        }
    }

    fn begin(&mut self, index: WorkerIndex, life: u64, (slot, serial, took_us): Begun) {
        let event = WorkerEvent::Keeps { slot, serial, step: 0 };
        self.queue_in(took_us, Happening::ToWorker(index, life, event));
    }

    /// Tries the next master; one that does not run refuses at once.
    fn connect(&mut self, index: WorkerIndex) -> Result<(), String> {
        let master_count = self.masters.len();
        let worker = &mut self.workers[index.0];
        if worker.connection.is_some() {
            return Ok(());
        }
        worker.next_master = (worker.next_master + 1) % master_count;
        let master = MasterIndex(worker.next_master);
        let life = worker.life;
        if self.masters[master.0].process.is_none() {
            let pause_us = 50_000 + self.random.below(100_000);
            self.queue_in(pause_us, Happening::ToWorker(index, life, WorkerEvent::Connects));
            return Ok(());
        }
        let connection = self.network.connect(index, self.life_of(master));
        self.workers[index.0].connection = Some(connection);
        let event = WorkerEvent::GivesUp(connection);
        self.queue_in(WELCOME_PATIENCE_US, Happening::ToWorker(index, life, event));
        self.tell_worker(index, SeatEvent::Connected)
    }

    fn tell_worker(&mut self, index: WorkerIndex, event: SeatEvent) -> Result<(), String> {
        let worker = &mut self.workers[index.0];
        let welcomed = matches!(event, SeatEvent::Message(ToWorker::Welcome { .. }));
        let turn = worker.tell(self.now, event, &mut self.random)?;
        let (life, connection) = (worker.life, worker.connection);
        let deadline = worker.seat.as_ref().and_then(|seat| seat.next_deadline());
        if let Some(tick) = deadline {
            let at = worker.clock.when(tick).max(Tick(self.now.0 + 1));
            if let Some(serial) = worker.ticks.set(at) {
                self.queue_at(at, Happening::ToWorker(index, life, WorkerEvent::Ticks(serial)));
            }
        }
        let WorkerTurn { says, begun, killed, leaves, fetches } = turn;
        if welcomed && says.iter().any(|it| matches!(it, ToMaster::Withdrawn(_))) {
            self.tally.bite("operation: withdrawn, repeated");
        }
        for message in says {
            let repeats = self.now < crate::plan::HEALED_AT && self.random.below(10) == 0;
            if repeats && matches!(message, ToMaster::Ended(_)) {
                let delay_us = self.random.below(5_000_000);
                let event = WorkerEvent::Repeats(message.clone());
                self.queue_in(delay_us, Happening::ToWorker(index, life, event));
            }
            self.say(connection, message)?;
        }
        for begun in begun {
            self.begin(index, life, begun);
        }
        for blob in fetches {
            let is_sound = self.now > crate::plan::HEALED_AT || self.random.below(10) > 0;
            let delay_us = self.random.below(400_000);
            let event = WorkerEvent::Fetched(blob, is_sound);
            self.queue_in(delay_us, Happening::ToWorker(index, life, event));
        }
        for (slot, serial) in killed {
            let event = WorkerEvent::Killed { slot, serial };
            self.queue_in(0, Happening::ToWorker(index, life, event));
        }
        if leaves && let Some(connection) = connection {
            self.cut(Some(connection));
            self.disconnect(index, connection)?;
        }
        Ok(())
    }

    fn say(&mut self, connection: Option<Connection>, message: ToMaster) -> Result<(), String> {
        let Some(connection) = connection else { return Ok(()) };
        // Inside a process messages go as they are.
        let message = if self.within { message } else { frames::to_master(message)? };
        let at = self.network.arrival(self.now, connection, false, &mut self.random);
        let event = MasterEvent::Heard(connection, message);
        self.queue_at(at, Happening::ToMaster(connection.master, event));
        Ok(())
    }

    pub(super) fn disconnect(
        &mut self,
        index: WorkerIndex,
        connection: Connection,
    ) -> Result<(), String> {
        self.network.close(connection, true);
        if self.workers[index.0].connection != Some(connection) {
            return Ok(());
        }
        self.workers[index.0].connection = None;
        let life = self.workers[index.0].life;
        let pause_us = 10_000 + self.random.below(100_000);
        self.queue_in(pause_us, Happening::ToWorker(index, life, WorkerEvent::Connects));
        self.tell_worker(index, SeatEvent::Disconnected)
    }
}
