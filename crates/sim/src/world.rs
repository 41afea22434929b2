//! The world: its clock, its events, its faults.

use crate::client::Client;
use crate::oracle::Oracle;
use crate::primary::{Primary, Turn};
use crate::wire::{Connection, Happening, WorkerIndex};
use crate::worker::{SimWorker, WorkerTurn};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use windlass_core::Tick;
use windlass_core::random::SplitMix64;
use windlass_core::scheduler::{Event, SessionId};
use windlass_core::session::{SeatEvent, ToMaster, ToWorker};
use windlass_journal::{Fault, Faults, Memory};

/// Faults strike until then; afterwards everything must end.
const HEALED_AT: Tick = Tick(20_000_000);
/// A run that has not ended by then never will: pauses of a minute, doubled by retries.
const END_BY: Tick = Tick(900_000_000);
const EVENTS_KEPT: usize = 200;

/// A seed whose run broke a rule.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The seed.
    pub seed: u64,
    /// The rule.
    pub why: String,
    /// What happened before, newest last.
    pub events: VecDeque<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.iter().try_for_each(|event| writeln!(f, "{event}"))?;
        write!(f, "seed {}: {}", self.seed, self.why)
    }
}

/// Runs one seed.
///
/// # Errors
/// The rule that it broke, with the last events.
pub fn run(seed: u64) -> Result<(), Failed> {
    let Err(why) = World::new(seed).run(None) else { return Ok(()) };
    // Once more with the pen in hand: writing every event down costs more than the run.
    let mut events = VecDeque::new();
    let again = World::new(seed).run(Some(&mut events));
    assert_eq!(again.as_ref(), Err(&why), "equal seeds give equal runs");
    Err(Failed { seed, why, events })
}

struct World {
    now: Tick,
    random: SplitMix64,
    queue: BTreeMap<(Tick, u64), Happening>,
    queued_count: u64,
    log: Memory,
    life: u64,
    primary: Option<Primary>,
    workers: Vec<SimWorker>,
    /// Connections that the master knows.
    at_master: BTreeMap<SessionId, Connection>,
    /// When the last message of each connection and direction arrives: order is kept.
    arrivals: BTreeMap<(SessionId, bool), Tick>,
    connection_count: u64,
    client: Client,
    oracle: Oracle,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = SplitMix64::new(seed);
        let client = Client::new(&mut random);
        let worker_count = 1 + random.below(4) as usize;
        let workers = (0..worker_count)
            .map(|number| SimWorker::new(number, 1 + u32::try_from(random.below(3)).unwrap_or(0)))
            .collect();
        let mut world = World {
            now: Tick(0),
            random,
            queue: BTreeMap::new(),
            queued_count: 0,
            log: Memory::new(),
            life: 0,
            primary: None,
            workers,
            at_master: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            connection_count: 0,
            client,
            oracle: Oracle::default(),
        };
        world.plan();
        world
    }

    /// Draws all faults beforehand.
    fn plan(&mut self) {
        self.queue_in(0, Happening::PrimaryStarts);
        self.queue_in(1, Happening::ClientActs);
        for index in 0..self.workers.len() {
            let at = self.random.below(100_000);
            self.queue_in(at, Happening::WorkerStarts(WorkerIndex(index)));
        }
        for _ in 0..self.random.below(4) {
            let at = self.random.below(HEALED_AT.0);
            self.queue_in(at, Happening::PrimaryDies);
            let down = self.random.below(2_000_000);
            self.queue_in(at + down, Happening::PrimaryStarts);
        }
        for _ in 0..self.random.below(8) {
            let worker = WorkerIndex(self.random.below(self.workers.len() as u64) as usize);
            let at = self.random.below(HEALED_AT.0);
            if self.random.below(2) == 0 {
                self.queue_in(at, Happening::Cut(worker));
            } else {
                self.queue_in(at, Happening::WorkerDies(worker));
                let down = self.random.below(6_000_000);
                self.queue_in(at + down, Happening::WorkerStarts(worker));
            }
        }
    }

    fn run(&mut self, mut events: Option<&mut VecDeque<String>>) -> Result<(), String> {
        while let Some(((at, _), happening)) = self.queue.pop_first() {
            self.now = at;
            if let Some(events) = events.as_deref_mut() {
                if events.len() == EVENTS_KEPT {
                    events.pop_front();
                }
                events.push_back(format!("{:>9.3} ms {happening:?}", at.0 as f64 / 1_000.0));
            }
            self.on(happening)?;
            if at > HEALED_AT && self.has_ended() {
                return self.check_end();
            }
            if at > END_BY {
                return self.check_end().and(Err("it did not come to rest".to_owned()));
            }
        }
        Err("nothing is left to happen".to_owned())
    }

    fn has_ended(&self) -> bool {
        let Some(primary) = &self.primary else { return false };
        let ended = |id| primary.ledger.jobs.get(id).is_some_and(|job| !job.is_open());
        self.client.is_done() && self.client.jobs.iter().all(ended)
    }

    fn check_end(&mut self) -> Result<(), String> {
        let primary = self.primary.as_mut().ok_or("no master runs at the end")?;
        self.oracle.check_kept(&primary.ledger)?;
        self.oracle.check_end(&primary.ledger, &self.client.jobs)?;
        primary.check_replay()
    }

    fn on(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::PrimaryStarts => self.start_primary()?,
            Happening::PrimaryDies => self.kill_primary(),
            Happening::Appended { life } => return self.on_append(life),
            Happening::PrimaryTicks { life } => {
                if self.primary.as_ref().is_some_and(|primary| primary.life == life) {
                    return self.tell_primary(Event::Tick);
                }
            }
            Happening::ClientActs => return self.act(),
            Happening::ToMaster(connection, message) => {
                if self.at_master.contains_key(&connection.id) {
                    return self.tell_primary(Event::Heard(connection.id, message));
                }
            }
            Happening::GoneAtMaster(connection) => {
                if self.at_master.remove(&connection.id).is_some() {
                    return self.tell_primary(Event::Closed(connection.id));
                }
            }
            Happening::WorkerStarts(index) => {
                if self.workers[index.0].seat.is_none() {
                    self.workers[index.0].start();
                    self.queue_in(0, Happening::WorkerConnects(index));
                }
            }
            Happening::WorkerDies(index) => {
                let connection = self.workers[index.0].connection;
                self.workers[index.0].die();
                self.cut(connection);
            }
            Happening::WorkerConnects(index) => self.connect(index),
            Happening::WorkerTicks(index) => self.tell_worker(index, SeatEvent::Tick),
            Happening::Cut(index) => self.cut(self.workers[index.0].connection),
            Happening::ToWorker(connection, message) => {
                if self.workers[connection.worker.0].connection == Some(connection) {
                    self.tell_worker(connection.worker, SeatEvent::Message(message));
                }
            }
            Happening::GoneAtWorker(connection) => self.disconnect(connection),
            Happening::Repeats(index, message) => {
                if let Some(connection) = self.workers[index.0].connection {
                    let at = self.arrival(connection.id, false);
                    self.queue_at(at, Happening::ToMaster(connection, message));
                }
            }
            Happening::SlotEnds { worker, life, slot, serial } => {
                let sim = &mut self.workers[worker.0];
                if sim.life == life
                    && let Some((event, next)) = sim.end(slot, serial, &mut self.random)
                {
                    if let Some((slot, serial, took_us)) = next {
                        let ends = Happening::SlotEnds { worker, life, slot, serial };
                        self.queue_in(took_us, ends);
                    }
                    self.tell_worker(worker, event);
                }
            }
        }
        Ok(())
    }

    fn start_primary(&mut self) -> Result<(), String> {
        if self.primary.is_some() {
            return Ok(());
        }
        self.life += 1;
        let seed = self.random.next_u64();
        let started = Primary::start(self.life, &self.log, self.now, seed, &mut self.oracle)?;
        self.primary = Some(started);
        self.tell_primary(Event::Tick)
    }

    fn kill_primary(&mut self) {
        self.primary = None;
        self.log.crash();
        let connections: Vec<Connection> = self.at_master.values().copied().collect();
        self.at_master.clear();
        connections.into_iter().for_each(|connection| self.cut(Some(connection)));
    }

    fn on_append(&mut self, life: u64) -> Result<(), String> {
        let mut turn = Turn::default();
        let Some(primary) = self.primary.as_mut().filter(|primary| primary.life == life) else {
            return Ok(());
        };
        let fault = match self.random.below(50) {
            0 => Some(Fault::UnknownApplied),
            1 => Some(Fault::UnknownLost),
            2 => Some(Fault::Unavailable),
            _ => None,
        };
        let next_append = fault.filter(|_| self.now < HEALED_AT);
        self.log.set_faults(Faults { next_append });
        primary.on_append(self.now, &mut self.oracle, &mut turn)?;
        self.finish(turn)
    }

    fn tell_primary(&mut self, event: Event<'_>) -> Result<(), String> {
        let mut turn = Turn::default();
        let Some(primary) = &mut self.primary else { return Ok(()) };
        primary.tell(self.now, event, &mut turn);
        self.finish(turn)
    }

    /// Carries out what the master wants.
    fn finish(&mut self, mut turn: Turn) -> Result<(), String> {
        let Some(primary) = &mut self.primary else { return Ok(()) };
        primary.append_next(self.now, &mut turn);
        let life = primary.life;
        let deadline = primary.next_deadline();
        let mut answered = false;
        for (step, applied) in &turn.answers {
            // The answer of a step that the client has asked again is lost on it.
            if *step == self.client.asked {
                let promised = self.client.on_answer(&primary.ledger, applied)?;
                if let Some((phase, count)) = promised {
                    self.oracle.on_promised(phase, count);
                }
                answered = true;
            }
        }
        if answered {
            self.queue_in(1_000, Happening::ClientActs);
        }
        if turn.appending {
            let took_us = 100 + self.random.below(3_000);
            self.queue_in(took_us, Happening::Appended { life });
        }
        if let Some(at) = deadline {
            self.queue_at(at, Happening::PrimaryTicks { life });
        }
        for (session, message) in turn.sends {
            if let ToWorker::Assign(runs) = &message {
                self.oracle.on_assigned(runs)?;
            }
            if let Some(connection) = self.at_master.get(&session).copied() {
                let at = self.arrival(session, true);
                self.queue_at(at, Happening::ToWorker(connection, message));
            }
        }
        for session in turn.closes {
            if let Some(connection) = self.at_master.remove(&session) {
                let at = self.arrival(session, true);
                self.queue_at(at, Happening::GoneAtWorker(connection));
            }
        }
        Ok(())
    }

    fn act(&mut self) -> Result<(), String> {
        if self.client.is_done() {
            return Ok(());
        }
        // Without a master, or without an answer, the same again later.
        self.queue_in(500_000, Happening::ClientActs);
        if self.primary.is_some()
            && let Some(entry) = self.client.ask()
        {
            let step = self.client.asked;
            if let Some(primary) = &mut self.primary {
                primary.propose(entry, step);
            }
            return self.finish(Turn::default());
        }
        Ok(())
    }

    fn connect(&mut self, index: WorkerIndex) {
        let worker = &self.workers[index.0];
        if worker.seat.is_none() || worker.connection.is_some() {
            return;
        }
        if self.primary.is_none() {
            self.queue_in(100_000, Happening::WorkerConnects(index));
            return;
        }
        self.connection_count += 1;
        let connection = Connection { id: SessionId(self.connection_count), worker: index };
        self.workers[index.0].connection = Some(connection);
        self.at_master.insert(connection.id, connection);
        self.tell_worker(index, SeatEvent::Connected);
    }

    fn tell_worker(&mut self, index: WorkerIndex, event: SeatEvent) {
        let worker = &mut self.workers[index.0];
        let turn = worker.tell(self.now, event, &mut self.random);
        let life = worker.life;
        let connection = worker.connection;
        let deadline = worker.seat.as_ref().and_then(|seat| seat.next_deadline());
        let WorkerTurn { says, begun, killed, leaves } = turn;
        for message in says {
            if matches!(message, ToMaster::Ended(_)) && self.random.below(10) == 0 {
                let delay_us = self.random.below(5_000_000);
                self.queue_in(delay_us, Happening::Repeats(index, message.clone()));
            }
            if let Some(connection) = connection {
                let at = self.arrival(connection.id, false);
                self.queue_at(at, Happening::ToMaster(connection, message));
            }
        }
        let ends =
            begun.into_iter().chain(killed.into_iter().map(|(slot, serial)| (slot, serial, 0)));
        for (slot, serial, took_us) in ends {
            self.queue_in(took_us, Happening::SlotEnds { worker: index, life, slot, serial });
        }
        if let Some(at) = deadline {
            self.queue_at(at, Happening::WorkerTicks(index));
        }
        if leaves {
            self.cut(connection);
        }
    }

    fn disconnect(&mut self, connection: Connection) {
        if self.workers[connection.worker.0].connection == Some(connection) {
            self.workers[connection.worker.0].connection = None;
            self.tell_worker(connection.worker, SeatEvent::Disconnected);
            let pause_us = self.random.below(200_000);
            self.queue_in(pause_us, Happening::WorkerConnects(connection.worker));
        }
    }

    /// Cuts a connection: what is under way in it is lost, both sides learn of it later.
    fn cut(&mut self, connection: Option<Connection>) {
        let Some(connection) = connection else { return };
        self.queue.retain(|_, happening| match happening {
            Happening::ToMaster(of, _) | Happening::ToWorker(of, _) => *of != connection,
            _ => true,
        });
        let (one, other) = (self.random.below(2_000_000), self.random.below(2_000_000));
        self.queue_in(one, Happening::GoneAtMaster(connection));
        self.queue_in(other, Happening::GoneAtWorker(connection));
    }

    /// When a message sent now arrives: after a delay, but never before an earlier one.
    fn arrival(&mut self, session: SessionId, to_worker: bool) -> Tick {
        let at = Tick(self.now.0 + 50 + self.random.below(5_000));
        let last = self.arrivals.entry((session, to_worker)).or_default();
        *last = at.max(*last);
        *last
    }

    fn queue_in(&mut self, delay_us: u64, happening: Happening) {
        self.queue_at(Tick(self.now.0 + delay_us), happening);
    }

    fn queue_at(&mut self, at: Tick, happening: Happening) {
        // Deadlines are told anew at every turn; one of a kind at a time suffices.
        let is_tick =
            matches!(happening, Happening::PrimaryTicks { .. } | Happening::WorkerTicks(_));
        if is_tick && self.queue.iter().any(|((when, _), h)| *when <= at && *h == happening) {
            return;
        }
        self.queued_count += 1;
        self.queue.insert((at.max(self.now), self.queued_count), happening);
    }
}
