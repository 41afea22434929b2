//! One run: the queue of what will happen, and the rules at its end.

use crate::alarm::Alarm;
use crate::client::Client;
use crate::engine::{SentSwap, SharedEngine};
use crate::master::SimMaster;
use crate::network::Network;
use crate::oracle::Oracle;
use crate::plan::{END_BY, HEALED_AT, Plan, QUIET_AT};
use crate::tally::Tally;
use crate::tokens::Keyring;
use crate::wire::{Happening, MasterIndex, MasterLife};
use crate::witness::Witness;
use crate::worker::SimWorker;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use windlass_core::Tick;
use windlass_core::ledger::Entry;
use windlass_core::random::SplitMix64;
use windlass_core::reign::RequestNumber;
use windlass_core::scheduler::Scheduler;
use windlass_master::recovery::restore;

const EVENTS_KEPT: usize = 200;
/// So many look-ups must have been answered once nothing disturbs the cluster.
const QUIET_ANSWERS_MIN: u64 = 3;
/// The client repeats what was not answered for so long.
const CLIENT_PATIENCE_US: u64 = 500_000;

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

/// Runs one seed; answers how often each fault bit.
///
/// # Errors
/// The rule that it broke, with the last events.
pub fn run(seed: u64) -> Result<Tally, Failed> {
    let mut world = World::new(seed);
    let Err(why) = world.run(None) else { return Ok(world.tallied()) };
    // Once more with the pen in hand: writing every event down costs more than the run.
    let mut events = VecDeque::new();
    let again = World::new(seed).run(Some(&mut events));
    assert_eq!(again.as_ref(), Err(&why), "equal seeds give equal runs");
    Err(Failed { seed, why, events })
}

pub(super) struct World {
    pub(super) now: Tick,
    pub(super) random: SplitMix64,
    queue: BTreeMap<(Tick, u64), Happening>,
    queued_count: u64,
    /// Number of what happens now.
    current: u64,
    pub(super) solo: bool,
    pub(super) within: bool,
    pub(super) masters: Vec<SimMaster>,
    pub(super) workers: Vec<SimWorker>,
    pub(super) engine: SharedEngine,
    pub(super) swaps: BTreeMap<(MasterLife, RequestNumber), SentSwap>,
    pub(super) network: Network,
    client: Client,
    client_acts: Alarm,
    /// The master that the client asks next.
    client_master: usize,
    pub(super) keyring: Keyring,
    pub(super) oracle: Oracle,
    pub(super) witness: Witness,
    pub(super) tally: Tally,
    /// Loads of records that were tried.
    pub(super) load_count: u64,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = SplitMix64::new(seed);
        let plan = Plan::draw(&mut random);
        let client = Client::new(&mut random);
        let masters = (0..plan.master_count).map(|_| SimMaster::new(&mut random)).collect();
        let workers = (0..plan.worker_count).map(|n| SimWorker::new(n, &mut random)).collect();
        let mut world = World {
            now: Tick(0),
            random,
            queue: BTreeMap::new(),
            queued_count: 0,
            current: 0,
            solo: plan.solo,
            within: plan.within,
            masters,
            workers,
            engine: SharedEngine::new(),
            swaps: BTreeMap::new(),
            network: Network::default(),
            client,
            client_acts: Alarm::default(),
            client_master: 0,
            keyring: Keyring::default(),
            oracle: Oracle::default(),
            witness: Witness::default(),
            tally: Tally::default(),
            load_count: 0,
        };
        world.oracle.withdrawals.within = plan.within;
        world.client_acts_in(1);
        world.queue_in(1, Happening::Collects);
        for (at, happening) in plan.happenings {
            world.queue_at(Tick(at), happening);
        }
        world
    }

    fn run(&mut self, mut events: Option<&mut VecDeque<String>>) -> Result<(), String> {
        while let Some(((at, number), happening)) = self.queue.pop_first() {
            self.now = at;
            self.current = number;
            if let Some(events) = events.as_deref_mut() {
                if events.len() == EVENTS_KEPT {
                    events.pop_front();
                }
                events.push_back(format!("{:>9.3} ms {happening:?}", at.0 as f64 / 1_000.0));
            }
            self.on(happening)?;
            if at > QUIET_AT && self.client.is_done() {
                let unrest = self.unrest();
                if unrest.is_none() {
                    return self.check_end();
                }
                if at > END_BY {
                    return self.check_end().and(Err(unrest.unwrap_or_default()));
                }
            } else if at > END_BY {
                return Err("the client is not done".to_owned());
            }
        }
        Err("nothing is left to happen".to_owned())
    }

    /// What still moves, or is held although it is over.
    fn unrest(&self) -> Option<String> {
        if let Some(job) = self.witness.ledger.jobs.values().find(|job| job.is_open()) {
            return Some(format!("job {} is open", job.id));
        }
        let mut busy =
            self.workers.iter().filter(|w| w.seat.as_ref().is_some_and(|s| !s.is_idle()));
        if let Some(worker) = busy.next() {
            return Some(format!("{} holds attempts", worker.name));
        }
        let Some((index, process)) = self.reigning() else {
            return Some("nobody reigns".to_owned());
        };
        let held_count = process.scheduler().map_or(0, |scheduler| scheduler.held_count());
        if held_count > 0 {
            return Some(format!("{index:?} holds {held_count} things"));
        }
        if process.replay.head != self.witness.head {
            return Some(format!("{index:?} is behind"));
        }
        if self.oracle.reader.quiet_count < QUIET_ANSWERS_MIN {
            return Some("too few look-ups were answered".to_owned());
        }
        let awaited = process.scheduler().and_then(|scheduler| self.awaited_in_vain(scheduler));
        awaited.or_else(|| self.hidden_withdrawal())
    }

    /// A worker for which the next reign would wait although this one knows nothing of it.
    fn awaited_in_vain(&self, scheduler: &Scheduler) -> Option<String> {
        let ledger = &self.witness.ledger;
        let absent = scheduler.absent_workers(Tick(0), ledger).into_iter();
        let mut forgotten = absent.filter(|worker| {
            worker.seen_ms_ago.is_none() && ledger.workers[&worker.name].has_joined()
        });
        forgotten.next().map(|worker| format!("{} is listed and was not seen", worker.name))
    }

    fn check_end(&mut self) -> Result<(), String> {
        let ledger = &self.witness.ledger;
        self.oracle.check_kept(ledger)?;
        self.oracle.check_end(ledger, &self.client.jobs)?;
        self.check_masters()?;
        let SharedEngine { log, snapshots, .. } = &mut self.engine;
        let restored = restore(log, snapshots).map_err(|error| error.to_string())?;
        if restored.replay.ledger != self.witness.ledger {
            return Err("the replay differs".to_owned());
        }
        Ok(())
    }

    /// How often each fault bit.
    fn tallied(mut self) -> Tally {
        self.tally.add(&self.engine.tally);
        self.tally.add(&self.witness.tally);
        self.tally
    }

    fn on(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::MasterStarts(index) => self.start_master(index),
            Happening::MasterDies(index) => self.kill_master(index)?,
            Happening::MasterPauses(index, us) => self.pause_master(index, us),
            Happening::LoopHangs(index, us) => self.hang_loop(index, us),
            Happening::WallJumps(index, ms) => self.jump_wall(index, ms),
            Happening::StateRots(index) => self.damage_state(index),
            Happening::CutFromEngine(index, us) => self.engine.cut(self.now, index, us),
            Happening::EngineAway(us) => self.engine.go_away(self.now, us),
            Happening::DiskFull(us) => self.engine.fill(self.now, us),
            Happening::EngineCrashes => {
                self.tally.bite("engine: crashes");
                self.engine.crash();
                self.read_log()?;
            }
            Happening::SnapshotRots => {
                // There may be none yet.
                if !self.engine.rot(&self.witness.ledger.snapshots) && self.now < HEALED_AT {
                    self.queue_in(500_000, Happening::SnapshotRots);
                }
            }
            Happening::GhostWrites => self.engine.ghost_writes()?,
            Happening::DecisionRepeats => self.repeat_decision()?,
            Happening::Collects => self.collect()?,
            Happening::ToMaster(whom, event) => return self.on_master(whom, event),
            Happening::ToEngine(by, ask) => return self.on_ask(by, ask),
            Happening::WorkerStarts(index) => self.start_worker(index),
            Happening::WorkerDies(index) => self.kill_worker(index)?,
            Happening::WorkerPauses(index, us) => self.pause_worker(index, us),
            Happening::MachineBreaks(index, defect) => self.break_machine(index, defect),
            Happening::MachineMended(index) => self.mend_machine(index)?,
            Happening::Cut(index) => self.cut(self.workers[index.0].connection),
            Happening::OneWayCut { worker, to_worker, us } => {
                self.cut_one_way(worker, to_worker, us);
            }
            Happening::Garbles { worker, to_worker } => self.garble(worker, to_worker),
            Happening::HalfOpen(worker) => self.leave_half_open(worker)?,
            Happening::ToWorker(index, life, event) => return self.on_worker(index, life, event),
            Happening::ClientActs(serial) => {
                if self.client_acts.rings(serial) {
                    self.act();
                }
            }
            Happening::ClientHears(answer) => {
                let asked = self.client.asked;
                if let Some((phase, count)) = self.client.on_answer(self.now, &answer)? {
                    self.oracle.on_promised(phase, count);
                }
                if answer.is_of(asked) {
                    self.client_acts_in(1_000);
                }
            }
            Happening::OperatorDrains(index, on) => {
                let name = self.workers[index.0].name.clone();
                self.propose(Entry::WorkerDrained { name, on })?;
            }
            Happening::OperatorPauses(on) => self.pause(on)?,
            Happening::OperatorSets(name, value) => self.change(name, value)?,
            Happening::OperatorTokens => self.ask_for_token(),
            Happening::OperatorHears(answer) => self.on_token_answer(&answer)?,
            Happening::TokensShown => self.show_tokens()?,
            Happening::OperatorTidies => self.tidy()?,
            Happening::OperatorLoads(replica_count) => self.load_records(replica_count)?,
            Happening::OperatorDrops => self.drop_records()?,
            Happening::OperatorKeepsRecords => self.keep_records()?,
            Happening::ReaderAsks => self.look_up()?,
        }
        Ok(())
    }

    /// The client asks some master, or the same again later.
    fn act(&mut self) {
        if self.client.is_done() {
            return;
        }
        let asked = self.client.ask(self.now, &self.witness.ledger);
        if let Some(entry) = asked {
            let step = self.client.asked;
            self.client_master =
                (self.client_master + self.random.below(2) as usize) % self.masters.len();
            let master = MasterIndex(self.client_master);
            let whom = MasterLife { master, life: self.masters[master.0].life };
            let delay = 50 + self.random.below(5_000);
            let event = crate::wire::MasterEvent::Requested(step, entry);
            self.queue_in(delay, Happening::ToMaster(whom, event));
        }
        self.client_acts_in(CLIENT_PATIENCE_US);
    }

    fn client_acts_in(&mut self, delay_us: u64) {
        let at = Tick(self.now.0 + delay_us);
        if let Some(serial) = self.client_acts.set(at) {
            self.queue_at(at, Happening::ClientActs(serial));
        }
    }

    /// An operator ends all drains and pauses, and seals what the client has left open, as often as
    /// it takes.
    fn tidy(&mut self) -> Result<(), String> {
        let workers = self.witness.ledger.workers.iter();
        let drained: Vec<_> =
            workers.filter(|(_, worker)| worker.draining).map(|(name, _)| name.clone()).collect();
        for name in drained {
            self.propose(Entry::WorkerDrained { name, on: false })?;
        }
        self.pause(false)?;
        for phase in self.client.left_open(&self.witness.ledger) {
            self.propose(Entry::PhaseSealed { phase })?;
        }
        self.queue_in(1_000_000, Happening::OperatorTidies);
        Ok(())
    }

    /// An operator pauses some open job, or lets all paused ones go on.
    fn pause(&mut self, on: bool) -> Result<(), String> {
        let jobs = self.witness.ledger.jobs.values();
        let meant = jobs.filter(|job| job.is_open() && job.paused.is_some() != on);
        let mut jobs: Vec<_> = meant.map(|job| job.id).collect();
        if on && !jobs.is_empty() {
            jobs = vec![jobs[self.random.below(jobs.len() as u64) as usize]];
        }
        for job in jobs {
            self.propose(Entry::JobPaused { job, on, by: "the operator".to_owned() })?;
        }
        Ok(())
    }

    /// An operator changes a limit, as often as it takes.
    fn change(&mut self, name: &'static str, value: u64) -> Result<(), String> {
        if self.witness.ledger.settings.changed().any(|changed| changed == (name, value)) {
            return Ok(());
        }
        self.queue_in(300_000, Happening::OperatorSets(name, value));
        self.propose(Entry::SettingChanged { name: name.to_owned(), value })
    }

    /// What is durable by now.
    pub(super) fn read_log(&mut self) -> Result<(), String> {
        let SharedEngine { log, snapshots, .. } = &mut self.engine;
        self.witness.read(self.now, log, snapshots, &mut self.oracle)?;
        // An answer of the round before meets the open one.
        match self.witness.reopened.take() {
            Some((task, round)) if self.random.below(4) == 0 => self.settle_again(task, round),
            _ => Ok(()),
        }
    }

    pub(super) fn queue_in(&mut self, delay_us: u64, happening: Happening) {
        self.queue_at(Tick(self.now.0 + delay_us), happening);
    }

    /// What happens now happens later instead, in the order in which it came.
    pub(super) fn defer(&mut self, until: Tick, happening: Happening) {
        self.queue.insert((until, self.current), happening);
    }

    pub(super) fn queue_at(&mut self, at: Tick, happening: Happening) {
        self.queued_count += 1;
        self.queue.insert((at.max(self.now), self.queued_count), happening);
    }
}
