//! The scheduler's transitions: events in, effects out.

use super::flights::Flight;
use super::queue::Queue;
use super::worker::Worker;
use crate::ids::{AttemptId, Epoch, JobId, PhaseId, TaskId, WorkerName};
use crate::ledger::{Applied, Entry, IndexRange, Ledger, SettledRun};
use crate::limits::{BACKOFF_MS_MAX, BACKOFF_MS_MIN, LEASE_MS};
use crate::random::SplitMix64;
use crate::session::{AssignRun, EndedRun, EndedWith, Held, Hello, Running, ToMaster, ToWorker};
use crate::time::Tick;
use std::collections::{BTreeMap, BTreeSet};

/// One connection of a worker, numbered by the host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub u64);

/// What happens to a scheduler.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A worker says something; its first word is a Hello.
    Heard(SessionId, ToMaster),
    /// A connection is gone.
    Closed(SessionId),
    /// An entry is durable and applied, and this is what it did.
    Applied(&'a Entry, &'a [Applied]),
    /// Time went on.
    Tick,
}

/// What a scheduler wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Say this to a worker.
    Send(SessionId, ToWorker),
    /// Close a connection; no `Closed` needs to follow.
    Close(SessionId),
    /// Have this decision recorded.
    Propose(Entry),
}

/// The primary's soft state.
#[derive(Debug)]
pub struct Scheduler {
    epoch: Epoch,
    attempt_count: u64,
    workers: BTreeMap<SessionId, Worker>,
    queues: BTreeMap<PhaseId, Queue>,
    /// Workers that may still hold tasks of an earlier reign, and until when that is believed.
    awaited: BTreeSet<WorkerName>,
    awaited_until: Option<Tick>,
    /// Tasks that wait for their pause to end.
    paused: BTreeSet<(Tick, TaskId)>,
    random: SplitMix64,
    /// Until when tasks may be handed out; `None`: no other master exists.
    dispatch_until: Option<Tick>,
}

impl Scheduler {
    /// The scheduler of a reign that begins now, over a ledger that has applied its claim.
    #[must_use]
    pub fn new(now: Tick, ledger: &Ledger, seed: u64) -> Scheduler {
        let awaited: BTreeSet<WorkerName> = ledger.workers.keys().cloned().collect();
        let open = ledger.jobs.values().filter(|job| job.is_open());
        let queues = open.flat_map(|job| {
            job.phases.iter().enumerate().map(|(position, phase)| {
                let phase_index = crate::PhaseIndex(u16::try_from(position).unwrap_or(u16::MAX));
                (PhaseId { job: job.id, phase: phase_index }, Queue::after_takeover(phase))
            })
        });
        Scheduler {
            epoch: ledger.epoch,
            attempt_count: 0,
            workers: BTreeMap::new(),
            queues: queues.collect(),
            awaited_until: (!awaited.is_empty()).then(|| now.after_ms(LEASE_MS)),
            awaited,
            paused: BTreeSet::new(),
            random: SplitMix64::new(seed),
            dispatch_until: None,
        }
    }

    /// Hands out nothing from this tick on, unless it is told of a later one: the reign's tenure.
    pub fn set_dispatch_until(&mut self, until: Tick) {
        self.dispatch_until = Some(until);
    }

    /// Things that it holds about open work; 0 once everything has ended.
    #[must_use]
    pub fn held_count(&self) -> usize {
        let of_workers = self.workers.values().map(Worker::held_count).sum::<usize>();
        self.queues.len() + self.paused.len() + of_workers
    }

    /// Takes an event; what is to be done is appended to `out`.
    pub fn on(&mut self, now: Tick, ledger: &Ledger, event: Event<'_>, out: &mut Vec<Effect>) {
        match event {
            Event::Heard(session, message) => self.on_heard(now, ledger, session, message, out),
            Event::Closed(session) => self.lose(session, out),
            Event::Applied(entry, applied) => self.on_applied(now, ledger, entry, applied, out),
            Event::Tick => {}
        }
        self.on_time(now, ledger, out);
        if self.dispatch_until.is_none_or(|until| now < until) {
            self.dispatch(ledger, out);
        }
    }

    /// When the scheduler next wants an [`Event::Tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        let leases = self.workers.values().map(|worker| worker.heard_at.after_ms(LEASE_MS));
        let pause = self.paused.first().map(|(at, _)| *at);
        leases.chain(pause).chain(self.awaited_until).min()
    }

    /// What every slot is doing, by worker name.
    pub fn running(&self) -> impl Iterator<Item = (&WorkerName, u32, &[Running])> {
        self.workers.values().map(|w| (&w.name, w.slots, w.running.as_slice()))
    }

    /// Operations that wait although no connected worker offers them, with how many tasks.
    #[must_use]
    pub fn unserved(&self, ledger: &Ledger) -> BTreeMap<String, u32> {
        let mut unserved = BTreeMap::new();
        for id in self.queues.keys() {
            let Some(phase) = ledger.phase(*id).filter(|phase| phase.counts.pending > 0) else {
                continue;
            };
            let operation = &phase.spec.operation;
            if !self.workers.values().any(|worker| worker.operations.contains(operation)) {
                *unserved.entry(operation.clone()).or_insert(0) += phase.counts.pending;
            }
        }
        unserved
    }

    fn on_heard(
        &mut self,
        now: Tick,
        ledger: &Ledger,
        session: SessionId,
        message: ToMaster,
        out: &mut Vec<Effect>,
    ) {
        if let ToMaster::Hello(hello) = message {
            return self.on_hello(now, ledger, session, &hello, out);
        }
        let Some(worker) = self.workers.get_mut(&session) else {
            out.push(Effect::Close(session));
            return;
        };
        worker.heard_at = now;
        match message {
            ToMaster::Hello(_) => unreachable!("handled above"),
            ToMaster::Credit(credit) => worker.set_credit(credit),
            ToMaster::Progress(running) => worker.running = running,
            ToMaster::Ended(runs) => self.on_ended(ledger, session, runs, out),
            ToMaster::Returned(attempts) => self.on_returned(ledger, session, &attempts),
            ToMaster::Goodbye => self.on_goodbye(session, out),
        }
    }

    fn on_hello(
        &mut self,
        now: Tick,
        ledger: &Ledger,
        session: SessionId,
        hello: &Hello,
        out: &mut Vec<Effect>,
    ) {
        let known = self.workers.iter().find(|(_, worker)| worker.name == hello.name);
        if let Some((older, worker)) = known.map(|(id, worker)| (*id, worker)) {
            if worker.incarnation > hello.incarnation {
                let why = format!("a newer worker named {} is connected", hello.name);
                out.push(Effect::Send(session, ToWorker::Refused(why)));
                out.push(Effect::Close(session));
                return;
            }
            self.lose(older, out);
            out.push(Effect::Close(older));
        }
        let mut worker = Worker::new(hello, now);
        worker.draining = ledger.workers.get(&hello.name).is_some_and(|known| known.draining);
        let mut keep = Vec::new();
        for held in &hello.held {
            if self.adopts(ledger, held) {
                let Held { attempt, task, round } = *held;
                worker.flights.insert(Flight { attempt, task, round, answered: false });
                keep.push(attempt);
            }
        }
        self.workers.insert(session, worker);
        self.awaited.remove(&hello.name);
        let cluster = ledger.cluster.unwrap_or_default();
        let welcome = ToWorker::Welcome { cluster, epoch: self.epoch, keep };
        out.push(Effect::Send(session, welcome));
        out.push(Effect::Propose(Entry::WorkerJoined {
            name: hello.name.clone(),
            incarnation: hello.incarnation,
            in_process: hello.in_process,
        }));
    }

    /// Whether a worker may go on with an attempt: its task is open, was so when this reign began,
    /// and nothing has come of it since. What was lost in this reign is recorded as lost.
    fn adopts(&mut self, ledger: &Ledger, held: &Held) -> bool {
        ledger.is_open(held.task, held.round)
            && self.queues.get_mut(&held.task.phase_id()).is_some_and(|q| q.adopt(held.task.index))
    }

    fn on_goodbye(&mut self, session: SessionId, out: &mut Vec<Effect>) {
        if let Some(worker) = self.workers.get(&session) {
            let name = worker.name.clone();
            let incarnation = worker.incarnation;
            self.awaited.remove(&name);
            self.lose(session, out);
            out.push(Effect::Propose(Entry::WorkerLeft { name, incarnation }));
        }
        out.push(Effect::Close(session));
    }

    /// A worker is gone: whatever it held and had not answered is recorded as lost.
    fn lose(&mut self, session: SessionId, out: &mut Vec<Effect>) {
        let Some(worker) = self.workers.remove(&session) else { return };
        for flight in worker.flights.iter().filter(|flight| !flight.answered) {
            out.push(Effect::Propose(Entry::WorkerLost {
                task: flight.task,
                round: flight.round,
                attempt: flight.attempt,
                worker: worker.name.clone(),
            }));
        }
    }

    fn on_ended(
        &mut self,
        ledger: &Ledger,
        session: SessionId,
        runs: Vec<EndedRun>,
        out: &mut Vec<Effect>,
    ) {
        let Some(worker) = self.workers.get_mut(&session) else { return };
        let mut settled = Vec::new();
        for run in runs {
            let held = |offset| {
                let flight = worker.flights.get(run.attempt.plus(offset));
                flight.map(|flight| (flight.task, flight.round, flight.answered))
            };
            let expected = |offset| {
                let index = crate::TaskIndex(run.first.0.wrapping_add(offset));
                (run.phase.task(index), run.round, false)
            };
            let valid = (0..run.count()).all(|offset| held(offset) == Some(expected(offset)));
            if !valid || !ledger.is_open(run.phase.task(run.first), run.round) {
                // Answers on their way are acknowledged when applied; all others are worth nothing.
                if held(0).is_none_or(|(_, _, answered)| !answered) {
                    let acknowledged = vec![(run.attempt, run.count())];
                    out.push(Effect::Send(session, ToWorker::EndedAck(acknowledged)));
                }
                continue;
            }
            (0..run.count()).for_each(|offset| worker.flights.answer(run.attempt.plus(offset)));
            match run.with {
                EndedWith::Results(results) => settled.push(SettledRun {
                    phase: run.phase,
                    round: run.round,
                    first: run.first,
                    attempt: run.attempt,
                    results,
                }),
                EndedWith::Failure(failure) => out.push(Effect::Propose(Entry::AttemptFailed {
                    task: run.phase.task(run.first),
                    round: run.round,
                    attempt: run.attempt,
                    failure,
                })),
            }
        }
        if !settled.is_empty() {
            out.push(Effect::Propose(Entry::TasksSettled { runs: settled }));
        }
    }

    fn on_returned(&mut self, ledger: &Ledger, session: SessionId, attempts: &[AttemptId]) {
        let Some(worker) = self.workers.get_mut(&session) else { return };
        for attempt in attempts {
            worker.recalled.remove(attempt);
            let Some(flight) = worker.flights.remove(*attempt) else { continue };
            if ledger.is_open(flight.task, flight.round)
                && let Some(queue) = self.queues.get_mut(&flight.task.phase_id())
            {
                queue.put_back(flight.task.index);
            }
        }
    }

    fn on_applied(
        &mut self,
        now: Tick,
        ledger: &Ledger,
        entry: &Entry,
        applied: &[Applied],
        out: &mut Vec<Effect>,
    ) {
        for done in applied {
            match done {
                Applied::TasksAdded { phase, range } => {
                    self.queues.entry(*phase).or_default().add(*range);
                }
                Applied::TaskWaits { task, backoff: false, .. }
                | Applied::TaskReopened { task, .. } => {
                    self.queues.entry(task.phase_id()).or_default().put_back(task.index);
                }
                Applied::TaskWaits { task, backoff: true, .. } => {
                    let pause_ms = self.pause_ms(ledger, *task);
                    self.paused.insert((now.after_ms(pause_ms), *task));
                }
                Applied::JobEnded { job, .. } => self.forget(*job, out),
                _ => {}
            }
        }
        match entry {
            Entry::TasksSettled { runs } => {
                for run in runs {
                    let count = u32::try_from(run.results.len()).unwrap_or(u32::MAX);
                    self.acknowledge(run.attempt, count, out);
                }
            }
            Entry::AttemptFailed { attempt, .. } => self.acknowledge(*attempt, 1, out),
            // What waits at a drained worker is recalled as from a busy one.
            Entry::WorkerJoined { .. } | Entry::WorkerDrained { .. } => self.mark_drained(ledger),
            _ => {}
        }
    }

    fn mark_drained(&mut self, ledger: &Ledger) {
        for worker in self.workers.values_mut() {
            let known = ledger.workers.get(&worker.name);
            worker.draining = known.is_some_and(|known| known.draining);
        }
    }

    fn acknowledge(&mut self, attempt: AttemptId, count: u32, out: &mut Vec<Effect>) {
        let holder = self.workers.iter_mut().find(|(_, w)| w.flights.get(attempt).is_some());
        let Some((session, worker)) = holder else { return };
        for offset in 0..count {
            worker.flights.remove(attempt.plus(offset));
            worker.recalled.remove(&attempt.plus(offset));
        }
        out.push(Effect::Send(*session, ToWorker::EndedAck(vec![(attempt, count)])));
    }

    /// A job has ended: nothing of it is handed out any more, and what runs of it is dropped.
    fn forget(&mut self, job: JobId, out: &mut Vec<Effect>) {
        self.queues.retain(|phase, _| phase.job != job);
        self.paused.retain(|(_, task)| task.job != job);
        for (session, worker) in &mut self.workers {
            let of_job: Vec<AttemptId> = worker
                .flights
                .iter()
                .filter(|flight| flight.task.job == job && !flight.answered)
                .map(|flight| flight.attempt)
                .collect();
            if !of_job.is_empty() {
                for attempt in of_job {
                    worker.flights.remove(attempt);
                    worker.recalled.remove(&attempt);
                }
                out.push(Effect::Send(*session, ToWorker::CancelJob(job)));
            }
            let told: Vec<PhaseId> =
                worker.told_phases.iter().filter(|phase| phase.job == job).copied().collect();
            for phase in told {
                worker.told_phases.remove(&phase);
                out.push(Effect::Send(*session, ToWorker::PhaseClosed(phase)));
            }
            worker.told_chunks.retain(|(phase, _)| phase.job != job);
        }
    }

    /// Doubles with every failure of the round, with a random half so that retries spread.
    fn pause_ms(&mut self, ledger: &Ledger, task: TaskId) -> u64 {
        let failures =
            ledger.phase(task.phase_id()).map_or(0, |phase| phase.tasks.failure_count(task.index));
        let whole = (BACKOFF_MS_MIN << failures).min(BACKOFF_MS_MAX);
        whole / 2 + self.random.below(whole / 2 + 1)
    }

    fn on_time(&mut self, now: Tick, ledger: &Ledger, out: &mut Vec<Effect>) {
        if self.awaited.is_empty() || self.awaited_until.is_some_and(|until| now >= until) {
            self.awaited.clear();
            self.awaited_until = None;
        }
        while let Some((at, task)) = self.paused.first().copied()
            && at <= now
        {
            self.paused.remove(&(at, task));
            let round = ledger.phase(task.phase_id()).map(|phase| phase.tasks.round(task.index));
            if round.is_some_and(|round| ledger.is_open(task, round)) {
                self.queues.entry(task.phase_id()).or_default().put_back(task.index);
            }
        }
        let silent: Vec<SessionId> = self
            .workers
            .iter()
            .filter(|(_, worker)| worker.heard_at.after_ms(LEASE_MS) <= now)
            .map(|(session, _)| *session)
            .collect();
        for session in silent {
            self.lose(session, out);
            out.push(Effect::Close(session));
        }
    }

    /// Hands out what waits, least loaded worker first, while somebody has credit for it.
    fn dispatch(&mut self, ledger: &Ledger, out: &mut Vec<Effect>) {
        let older_too = self.awaited.is_empty();
        let mut assigned: BTreeMap<SessionId, Vec<AssignRun>> = BTreeMap::new();
        for (id, queue) in &mut self.queues {
            let Some(job) = ledger.jobs.get(&id.job).filter(|job| job.is_ready(id.phase)) else {
                continue;
            };
            let Some(phase) = job.phase(id.phase) else { continue };
            while queue.has_next(older_too) {
                let operation = &phase.spec.operation;
                let able = self.workers.iter_mut().filter(|(_, worker)| {
                    worker.free() > 0 && worker.operations.contains(operation)
                });
                let Some((session, worker)) = able.min_by_key(|(_, worker)| worker.load()) else {
                    break;
                };
                // A quarter of what is free at a time keeps equal workers equally loaded.
                let count_max = worker.free().div_ceil(4);
                let Some((range, round)) = queue.take(phase, count_max, older_too) else { break };
                let attempt = AttemptId { epoch: self.epoch, counter: self.attempt_count };
                self.attempt_count += u64::from(range.count);
                tell(*session, worker, *id, phase, range, out);
                for offset in 0..range.count {
                    let task = id.task(crate::TaskIndex(range.first.0 + offset));
                    let attempt = attempt.plus(offset);
                    worker.flights.insert(Flight { attempt, task, round, answered: false });
                }
                let run = AssignRun {
                    phase: *id,
                    round,
                    first: range.first,
                    count: range.count,
                    attempt,
                };
                assigned.entry(*session).or_default().push(run);
            }
        }
        for (session, runs) in assigned {
            out.push(Effect::Send(session, ToWorker::Assign(runs)));
        }
        self.recall(older_too, out);
    }

    /// At the end of the work, attempts that wait behind a busy slot go to an idle one.
    fn recall(&mut self, older_too: bool, out: &mut Vec<Effect>) {
        if self.queues.values().any(|queue| queue.has_next(older_too)) {
            return;
        }
        let idle: u32 = self.workers.values().map(Worker::idle_slots).sum();
        let asked: usize = self.workers.values().map(|worker| worker.recalled.len()).sum();
        let mut wanted = (idle as usize).saturating_sub(asked);
        for (session, worker) in &mut self.workers {
            let waiting = worker.flights.open_count().saturating_sub(worker.slots) as usize;
            let count = waiting.saturating_sub(worker.recalled.len()).min(wanted);
            if count == 0 {
                continue;
            }
            let open = worker.flights.iter().rev().filter(|flight| !flight.answered);
            let fresh = open.map(|flight| flight.attempt).filter(|a| !worker.recalled.contains(a));
            let attempts: Vec<AttemptId> = fresh.take(count).collect();
            wanted -= attempts.len();
            worker.recalled.extend(attempts.iter().copied());
            out.push(Effect::Send(*session, ToWorker::Recall(attempts)));
        }
    }
}

/// Tells a worker what it needs to know of tasks before their first assignment.
fn tell(
    session: SessionId,
    worker: &mut Worker,
    id: PhaseId,
    phase: &crate::ledger::Phase,
    range: IndexRange,
    out: &mut Vec<Effect>,
) {
    if worker.told_phases.insert(id) {
        let operation = phase.spec.operation.clone();
        let params = phase.spec.params.clone();
        let fresh = phase.spec.fresh;
        out.push(Effect::Send(session, ToWorker::Phase { phase: id, operation, params, fresh }));
    }
    if let Some(stored) = phase.chunk_of(range.first)
        && worker.told_chunks.insert((id, stored.first))
    {
        let (first, count, chunk) = (stored.first, stored.count, stored.chunk.clone());
        out.push(Effect::Send(session, ToWorker::Chunk { phase: id, first, count, chunk }));
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
