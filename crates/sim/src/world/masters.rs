//! Masters in the world: their lives, their requests to the engine, what they say.

use super::machines::{check_shown, withdrawn_of};
use super::run::World;
use crate::alarm::Alarm;
use crate::clock::MachineClock;
use crate::engine::{SentSwap, SharedEngine};
use crate::frames;
use crate::master::{HandedOut, Moment, Process, Shelf, SimMaster, Turn};
use crate::task::manifest_of;
use crate::tokens::Keyring;
use crate::wire::{Ask, Happening, MasterEvent, MasterIndex, MasterLife, WorkerEvent, WorkerIndex};
use crate::witness::REPEATED;
use crate::worker::SimWorker;
use windlass_core::ledger::{Entry, Results, SettledRun, Sweep};
use windlass_core::limits::{LOOP_STILL_MS_MAX, TENURE_DISPATCH_MS};
use windlass_core::random::SplitMix64;
use windlass_core::reign::MasterId;
use windlass_core::session::Assigned;
use windlass_core::writer::Answer;
use windlass_core::{AttemptId, Failure, Round, TaskId, Tick};
use windlass_master::recovery::draw_u128;

/// A loop turns at least this often: a standby reads the log, a primary shows that it lives.
const TURN_US: u64 = 150_000;
/// An append without an answer for so long is unknown.
const APPEND_PATIENCE_US: u64 = 400_000;
/// A full disk is tried again after so long.
const FULL_PAUSE_US: u64 = 1_000_000;
/// A collection begins this often.
const COLLECTION_US: u64 = 1_300_000;
/// A peer that does not answer at all is given up by the transport.
const KEEPALIVE_US: u64 = 3_000_000;

impl SimMaster {
    pub(super) fn new(random: &mut SplitMix64) -> SimMaster {
        SimMaster {
            clock: MachineClock::new(random),
            life: 0,
            process: None,
            paused_until: Tick(0),
            hung_until: Tick(0),
            turns: Alarm::default(),
            contends: Alarm::default(),
            renewed_at: Tick(0),
        }
    }

    pub(super) fn moment(&self, now: Tick) -> Moment {
        Moment { tick: self.clock.tick(now), wall: self.clock.wall(now) }
    }
}

impl World {
    /// A process that reigns, by its own belief; after healing there is one at most.
    pub(super) fn reigning(&self) -> Option<(MasterIndex, &Process)> {
        let running = self.masters.iter().enumerate();
        let mut reigning = running.filter_map(|(index, master)| {
            let process = master.process.as_ref().filter(|process| process.epoch().is_some())?;
            Some((MasterIndex(index), process))
        });
        // The one that the log knows, where there are more.
        reigning.find(|(_, process)| process.epoch() == Some(self.witness.ledger.epoch))
    }

    pub(super) fn start_master(&mut self, index: MasterIndex) {
        let id = MasterId(draw_u128(&mut self.random));
        let seed = self.random.next_u64();
        let master = &mut self.masters[index.0];
        if master.process.is_some() {
            return;
        }
        master.life += 1;
        master.paused_until = Tick(0);
        master.hung_until = Tick(0);
        master.turns = Alarm::default();
        master.contends = Alarm::default();
        master.clock.set_wall();
        master.process = Some(Process::new(id, self.solo, master.moment(self.now), seed));
        self.wake(index);
        if self.within {
            (0..self.workers.len()).for_each(|position| self.start_worker(WorkerIndex(position)));
        }
    }

    pub(super) fn kill_master(&mut self, index: MasterIndex) -> Result<(), String> {
        let life = self.life_of(index);
        if let Some(process) = self.masters[index.0].process.take() {
            let reigns = process.epoch().is_some();
            self.tally.bite(if reigns {
                "master: a primary dies"
            } else {
                "master: a standby dies"
            });
        }
        if self.within {
            self.workers.iter_mut().for_each(SimWorker::die);
        }
        for connection in self.network.of_master(life) {
            self.cut(Some(connection));
        }
        // A master on a state of its own takes its engine with it.
        if self.solo {
            self.engine.crash();
        }
        self.read_log()
    }

    pub(super) fn pause_master(&mut self, index: MasterIndex, us: u64) {
        let master = &mut self.masters[index.0];
        master.paused_until = master.paused_until.max(Tick(self.now.0 + us));
        if us > KEEPALIVE_US {
            self.lose_workers(index, KEEPALIVE_US);
        }
    }

    /// The loop stands still; the process beside it lives, and lets the workers go.
    pub(super) fn hang_loop(&mut self, index: MasterIndex, us: Option<u64>) {
        let until = us.map_or(Tick(u64::MAX), |us| Tick(self.now.0 + us));
        let master = &mut self.masters[index.0];
        master.hung_until = master.hung_until.max(until);
        if us.is_none_or(|us| us > LOOP_STILL_MS_MAX * 1_000) {
            self.lose_workers(index, LOOP_STILL_MS_MAX * 1_000);
        }
    }

    fn lose_workers(&mut self, index: MasterIndex, after_us: u64) {
        if self.within {
            return;
        }
        for connection in self.network.of_master(self.life_of(index)) {
            let life = self.workers[connection.worker.0].life;
            let event = WorkerEvent::Gone(connection);
            self.queue_in(after_us, Happening::ToWorker(connection.worker, life, event));
        }
    }

    pub(super) fn life_of(&self, index: MasterIndex) -> MasterLife {
        MasterLife { master: index, life: self.masters[index.0].life }
    }

    /// Something reaches a master's process, unless that stands still or is gone.
    pub(super) fn on_master(&mut self, whom: MasterLife, event: MasterEvent) -> Result<(), String> {
        let index = whom.master;
        let master = &mut self.masters[index.0];
        if master.life != whom.life || master.process.is_none() {
            return Ok(());
        }
        let hung = if event.is_for_loop() { master.hung_until } else { Tick(0) };
        let until = master.paused_until.max(hung);
        if until > self.now {
            let paused = master.paused_until > self.now;
            let fault = if paused { "master: stands still" } else { "master: its loop hangs" };
            self.tally.bite(fault);
            // A loop that hangs for ever never gets to it.
            if until != Tick(u64::MAX) {
                self.defer(until, Happening::ToMaster(whom, event));
            }
            return Ok(());
        }
        if let MasterEvent::HeardGarbage(connection) = &event
            && !self.hear_garbage(*connection)
        {
            return Ok(());
        }
        let master = &mut self.masters[index.0];
        match &event {
            MasterEvent::Turns(serial) if !master.turns.rings(*serial) => return Ok(()),
            MasterEvent::ContenderTicks(serial) if !master.contends.rings(*serial) => return Ok(()),
            MasterEvent::Heard(connection, _) if !self.network.delivers(*connection, false) => {
                self.tally.bite("network: a message to a master is lost");
                return Ok(());
            }
            MasterEvent::Gone(connection) if !self.network.close(*connection, false) => {
                return Ok(());
            }
            _ => {}
        }
        let mut turn = Turn::default();
        let serves = self.engine.serves(self.now, index);
        let SharedEngine { log, snapshots, .. } = &mut self.engine;
        let log = serves.then_some(Shelf { log, snapshots });
        let moment = master.moment(self.now);
        let Some(process) = &mut master.process else { return Ok(()) };
        let withdrawn = match &event {
            MasterEvent::Heard(connection, message) => {
                self.oracle.withdrawals.on_heard(connection.id, message);
                withdrawn_of(*connection, message)
            }
            _ => None,
        };
        process.on(moment, event, log, &mut turn)?;
        if let Some((connection, withdrawal)) = withdrawn {
            check_shown(process, moment, connection, &withdrawal)?;
        }
        if self.ends(index, &turn)? {
            return Ok(());
        }
        self.carry_out(index, turn)
    }

    /// Carries out what a master wants.
    fn carry_out(&mut self, index: MasterIndex, turn: Turn) -> Result<(), String> {
        let whom = self.life_of(index);
        self.check_turn(whom, &turn)?;
        turn.bites.iter().for_each(|fault| self.tally.bite(fault));
        for (sending, record, room) in turn.appends {
            self.witness.on_sent(&record, whom);
            let id = record.id;
            self.ask(whom, Ask::Append { sending, record: Box::new(record), room });
            let event = MasterEvent::Appended { id, sending, answer: Answer::Unknown };
            self.queue_in(APPEND_PATIENCE_US, Happening::ToMaster(whom, event));
        }
        if let Some(id) = turn.resends_later {
            let event = MasterEvent::ResendDue(id);
            self.queue_in(FULL_PAUSE_US, Happening::ToMaster(whom, event));
        }
        for (head, ledger) in turn.stores {
            // It is written beside the loop, and may take its time.
            let delay = 1_000 + self.random.below(400_000);
            self.queue_in(delay, Happening::ToEngine(whom, Ask::Store(head, Box::new(ledger))));
        }
        for (upto, epoch) in turn.trims {
            self.ask(whom, Ask::Trim(upto, epoch));
        }
        for request in turn.reads {
            self.ask(whom, Ask::Read(request));
        }
        for (request, expected) in turn.swaps {
            if let Some(process) = &self.masters[index.0].process {
                let swap = SentSwap { request, expected, holder: process.id, sent_at: self.now };
                self.swaps.insert((whom, request), swap);
            }
            self.ask(whom, Ask::Swap(request, expected));
        }
        for order in turn.orders {
            self.queue_in(0, Happening::ToMaster(whom, order));
        }
        for answer in turn.answers {
            let delay = 50 + self.random.below(5_000);
            let heard = match Keyring::asked(&answer) {
                true => Happening::OperatorHears(answer),
                false => Happening::ClientHears(answer),
            };
            self.queue_in(delay, heard);
        }
        for (caller, answer) in &turn.looked {
            let ledger = &self.witness.ledger;
            let seen = self.oracle.reader.on_answer(whom, *caller, answer, ledger)?;
            self.tally.bite(seen);
        }
        for (session, message) in turn.sends {
            if let Some(connection) = self.network.at_master(session) {
                let message = match self.within {
                    true => message,
                    false => frames::to_worker(message)?,
                };
                let at = self.network.arrival(self.now, connection, true, &mut self.random);
                let life = self.workers[connection.worker.0].life;
                let event = WorkerEvent::Hears(connection, message);
                self.queue_at(at, Happening::ToWorker(connection.worker, life, event));
            }
        }
        let closed: Vec<_> = if turn.closes_all {
            self.network.of_master(whom)
        } else {
            turn.closes.iter().filter_map(|session| self.network.at_master(*session)).collect()
        };
        for connection in closed {
            self.close_at_master(connection);
        }
        self.wake(index);
        Ok(())
    }

    /// Queues a master's deadlines.
    fn wake(&mut self, index: MasterIndex) {
        let whom = self.life_of(index);
        let master = &mut self.masters[index.0];
        let Some(process) = &master.process else { return };
        let deadline = process.next_deadline();
        let regular = Tick(self.now.0 + TURN_US);
        // A deadline that the tenure keeps from being met is met at a later turn.
        let at = deadline.map_or(regular, |tick| master.clock.when(tick).min(regular));
        let turns_at = at.max(Tick(self.now.0 + 1));
        let contends_at = process.contender.as_ref().map(|c| master.clock.when(c.next_deadline()));
        if let Some(serial) = master.turns.set(turns_at) {
            self.queue_at(turns_at, Happening::ToMaster(whom, MasterEvent::Turns(serial)));
        }
        let Some(at) = contends_at else { return };
        let at = at.max(Tick(self.now.0 + 1));
        if let Some(serial) = self.masters[index.0].contends.set(at) {
            self.queue_at(at, Happening::ToMaster(whom, MasterEvent::ContenderTicks(serial)));
        }
    }

    /// A request goes to the engine, and arrives late or never.
    fn ask(&mut self, by: MasterLife, ask: Ask) {
        if !self.engine.hears(self.now, by.master) {
            self.tally.bite("engine: a master is cut off");
            return;
        }
        if let Some(delay) = self.engine_delay() {
            self.queue_in(delay, Happening::ToEngine(by, ask));
        }
    }

    /// A request reaches the engine; so does one whose master is dead by now.
    pub(super) fn on_ask(&mut self, by: MasterLife, ask: Ask) -> Result<(), String> {
        let lives = self.life_of(by.master) == by && self.masters[by.master.0].process.is_some();
        let (now, random) = (self.now, &mut self.random);
        let event = match ask {
            Ask::Read(request) => Some(MasterEvent::CellAnswered(request, self.engine.read(now))),
            Ask::Swap(request, _) => {
                let Some(swap) = self.swaps.get(&(by, request)) else { return Ok(()) };
                let (answer, made) = self.engine.swap(now, swap, random)?;
                if made {
                    let master = &mut self.masters[by.master.0];
                    master.renewed_at = master.renewed_at.max(swap.sent_at);
                }
                Some(MasterEvent::CellAnswered(request, answer))
            }
            Ask::Append { sending, record, room } => {
                let answer = self.engine.append(now, &record, room, random)?;
                self.read_log()?;
                answer.map(|answer| MasterEvent::Appended { id: record.id, sending, answer })
            }
            Ask::Store(head, ledger) => {
                // A process that has died writes nothing.
                if !lives {
                    self.tally.bite("snapshot: its writer has died");
                    return Ok(());
                }
                let written = self.engine.store(now, head, *ledger, random);
                self.queue_in(0, Happening::ToMaster(by, MasterEvent::Stored(written)));
                return Ok(());
            }
            Ask::Trim(upto, epoch) => {
                self.engine.trim(upto, epoch);
                return self.engine.check_trimmed(&self.witness.ledger.snapshots);
            }
        };
        let Some(event) = event else { return Ok(()) };
        // Some answers are lost, some come twice.
        if self.random.below(20) == 0
            && let Some(delay) = self.engine_delay()
        {
            self.tally.bite("engine: an answer comes twice");
            self.queue_in(delay * 20, Happening::ToMaster(by, event.clone()));
        }
        if self.engine.hears(self.now, by.master)
            && let Some(delay) = self.engine_delay()
        {
            self.queue_in(delay, Happening::ToMaster(by, event));
        }
        Ok(())
    }

    /// How long a message to or from the engine takes; `None`: it is lost.
    fn engine_delay(&mut self) -> Option<u64> {
        let disturbed = self.now < crate::plan::HEALED_AT;
        match self.random.below(60) {
            0 if disturbed => {
                self.tally.bite("engine: a message is lost");
                None
            }
            1 if disturbed => {
                self.tally.bite("engine: a message is late");
                Some(self.random.below(2_000_000))
            }
            _ => Some(50 + self.random.below(2_000)),
        }
    }

    /// What a master does must be its to do.
    fn check_turn(&mut self, whom: MasterLife, turn: &Turn) -> Result<(), String> {
        let master = &self.masters[whom.master.0];
        let Some(process) = &master.process else { return Ok(()) };
        if process.replay.head.seq > self.witness.head.seq {
            return Err(format!(
                "{whom:?} applied record {} before it was durable",
                process.replay.head.seq
            ));
        }
        for HandedOut { session, runs, takers, paused } in &turn.assigns {
            let Some(connection) = self.network.at_master(*session) else { continue };
            let name = &self.workers[connection.worker.0].name;
            if !takers.iter().any(|taker| taker.name == *name) {
                return Err(format!("{name} is drained and got work"));
            }
            let ledger = &self.witness.ledger;
            self.oracle.withdrawals.on_assigned(*session, name, runs, ledger)?;
            if let Some(run) = runs.iter().find(|run| paused.contains(&run.phase.job)) {
                return Err(format!("{name} got work of job {}, which is paused", run.phase.job));
            }
            self.oracle.crashes.on_assigned(name, takers, runs, ledger)?;
        }
        let held_by_another =
            process.contender.is_some() && self.engine.holder() != Some(process.id);
        // The holder would notice only when it next writes: until then nobody would reign.
        if turn.claims && held_by_another {
            return Err(format!("{whom:?} claims although another holds the tenure"));
        }
        if turn.reigns {
            let epoch = process.epoch().ok_or("a reign without an epoch")?;
            self.oracle.on_epoch(epoch, whom)?;
            // One that hears late of its claim may be deposed already, and never read further.
            if self.witness.ledger.epoch == epoch
                && process.replay.head.seq == self.witness.head.seq
            {
                self.oracle.check_kept(&process.replay.ledger)?;
                self.check_masters()?;
            }
        }
        if turn.assigns.is_empty() {
            return Ok(());
        }
        // One master at a time hands out tasks. A claim that was long on its way may have deposed
        // it by now: what it hands out then has no effect, and its next append tells it.
        if held_by_another {
            return Err(format!("{whom:?} hands out tasks although another holds the tenure"));
        }
        // The primary's clock may run 5 % slow.
        let limit_us = TENURE_DISPATCH_MS * 1_000 * 100 / 95 + 1_000;
        if process.contender.is_some() && self.now.0 > master.renewed_at.0 + limit_us {
            return Err(format!("{whom:?} hands out tasks although its tenure has run out"));
        }
        turn.assigns.iter().try_for_each(|assigned| self.oracle.on_assigned(&assigned.runs))
    }

    /// Masters that have read as far have the same ledger.
    pub(super) fn check_masters(&self) -> Result<(), String> {
        for (index, master) in self.masters.iter().enumerate() {
            let Some(process) = &master.process else { continue };
            if process.replay.head.seq == self.witness.head.seq
                && process.damaged_at.is_none()
                && process.replay.ledger != self.witness.ledger
            {
                return Err(format!("the ledger of master {index} differs"));
            }
        }
        Ok(())
    }

    /// Has a decision recorded by whoever reigns.
    pub(super) fn propose(&mut self, entry: Entry) -> Result<(), String> {
        let Some((index, _)) = self.reigning() else { return Ok(()) };
        if let Some(process) = &mut self.masters[index.0].process {
            process.propose(entry);
        }
        Ok(())
    }

    /// Whoever reigns marks what its ledger refers to, then has the sweep recorded.
    pub(super) fn collect(&mut self) -> Result<(), String> {
        self.queue_in(COLLECTION_US, Happening::Collects);
        let Some((index, process)) = self.reigning() else { return Ok(()) };
        // A clone shares its pages.
        let ledger = process.replay.ledger.clone();
        let marked_at = self.masters[index.0].moment(self.now).wall;
        self.oracle.durable.mark(&ledger, marked_at, self.now);
        self.propose(Entry::SweepBegun(Sweep {
            marked_at,
            first: 0,
            last: u8::MAX,
            empties_trash: false,
        }))
    }

    /// A task that has its outcome gets one more: another result, or a failure.
    pub(super) fn repeat_decision(&mut self) -> Result<(), String> {
        let count = self.oracle.outcomes.len() as u64;
        let pick = self.random.below(count) as usize;
        match self.oracle.outcomes.keys().nth(pick).copied() {
            Some((task, round)) if pick.is_multiple_of(2) => self.fail_again(task, round),
            Some((task, round)) => self.settle_again(task, round),
            None => Ok(()),
        }
    }

    fn fail_again(&mut self, task: TaskId, round: Round) -> Result<(), String> {
        self.tally.bite("decision: made again, a failure");
        let attempt = AttemptId { epoch: self.witness.ledger.epoch, counter: REPEATED };
        let failure = Failure::rejected("again", "it fails once more", "");
        self.propose(Entry::AttemptFailed { task, round, attempt, failure, worker: None })
    }

    /// A result of this round comes late: the round has its outcome.
    pub(super) fn settle_again(&mut self, task: TaskId, round: Round) -> Result<(), String> {
        self.tally.bite("decision: made again, a result");
        let attempt = AttemptId { epoch: self.witness.ledger.epoch, counter: REPEATED };
        let manifest = manifest_of(&Assigned { attempt, task, round }, &[]);
        let results = Results::Manifests(vec![manifest]);
        self.oracle.durable.put(manifest, self.now);
        let run = SettledRun { phase: task.phase_id(), round, first: task.index, attempt, results };
        self.propose(Entry::TasksSettled { runs: vec![run] })
    }
}
