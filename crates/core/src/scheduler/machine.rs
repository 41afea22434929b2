//! The scheduler's transitions: events in, effects out.

use super::abandoned::Abandoned;
use super::absent::Absent;
use super::elsewhere::Elsewhere;
use super::newcomers::Newcomers;
use super::queue::Queue;
use super::worker::Worker;
use crate::ids::{AttemptId, Epoch, JobId, PhaseId, PhaseIndex, TaskId, WorkerName};
use crate::ledger::{Applied, Entry, Ledger};
use crate::limits::{BACKOFF_MS_MAX, BACKOFF_MS_MIN, LEASE_MS};
use crate::meters::WorkerGauges;
use crate::random::SplitMix64;
use crate::session::{ToMaster, ToWorker};
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
    pub(super) epoch: Epoch,
    pub(super) attempt_count: u64,
    pub(super) workers: BTreeMap<SessionId, Worker>,
    pub(super) newcomers: Newcomers,
    pub(super) absent: Absent,
    pub(super) queues: BTreeMap<PhaseId, Queue>,
    /// Workers that may still hold tasks of an earlier reign, and until when that is believed.
    pub(super) awaited: BTreeSet<WorkerName>,
    pub(super) awaited_until: Option<Tick>,
    /// Tasks that wait for their pause to end.
    pub(super) paused: BTreeSet<(Tick, TaskId)>,
    /// Tasks that failed on some worker and go to another one.
    pub(super) elsewhere: Elsewhere,
    pub(super) abandoned: Abandoned,
    pub(super) random: SplitMix64,
    /// Until when tasks may be handed out; `None`: no other master exists.
    pub(super) dispatch_until: Option<Tick>,
}

impl Scheduler {
    /// The scheduler of a reign that begins now, over a ledger that has applied its claim.
    #[must_use]
    pub fn new(now: Tick, ledger: &Ledger, seed: u64) -> Scheduler {
        let joined = ledger.workers.iter().filter(|(_, known)| known.has_joined());
        let awaited: BTreeSet<WorkerName> = joined.map(|(name, _)| name.clone()).collect();
        let open = ledger.jobs.values().filter(|job| job.is_open());
        let queues = open.flat_map(|job| {
            job.phases.iter().enumerate().map(|(position, phase)| {
                let phase_index = PhaseIndex(u16::try_from(position).unwrap_or(u16::MAX));
                (PhaseId { job: job.id, phase: phase_index }, Queue::after_takeover(phase))
            })
        });
        Scheduler {
            epoch: ledger.epoch,
            attempt_count: 0,
            workers: BTreeMap::new(),
            newcomers: Newcomers::default(),
            absent: Absent::default(),
            queues: queues.collect(),
            awaited_until: (!awaited.is_empty()).then(|| now.after_ms(LEASE_MS)),
            awaited,
            paused: BTreeSet::new(),
            elsewhere: Elsewhere::default(),
            abandoned: Abandoned::default(),
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
        let of_tasks = self.elsewhere.held_count() + self.abandoned.held_count();
        self.queues.len() + self.paused.len() + of_tasks + of_workers
    }

    /// Takes an event; what is to be done is appended to `out`.
    pub fn on(&mut self, now: Tick, ledger: &Ledger, event: Event<'_>, out: &mut Vec<Effect>) {
        match event {
            Event::Heard(session, message) => self.on_heard(now, ledger, session, message, out),
            Event::Closed(session) => {
                self.newcomers.forget(session);
                self.lose(session, out);
            }
            Event::Applied(entry, applied) => self.on_applied(now, ledger, entry, applied, out),
            Event::Tick => {}
        }
        self.on_time(now, ledger, out);
        self.admit(now, ledger, out);
        self.end_abandoned(ledger, out);
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

    /// The connected workers in numbers.
    pub fn worker_gauges(&self, now: Tick) -> impl Iterator<Item = WorkerGauges> {
        self.workers.values().map(move |worker| WorkerGauges {
            name: worker.name.clone(),
            slots: worker.slots,
            busy_slots: u32::try_from(worker.running.len()).unwrap_or(u32::MAX).min(worker.slots),
            silent_ms: now.0.saturating_sub(worker.heard_at.0) / 1_000,
            usage: worker.usage,
        })
    }

    /// Who is at the other end of a connection.
    #[must_use]
    pub fn name_of(&self, session: SessionId) -> Option<&WorkerName> {
        self.workers.get(&session).map(|worker| &worker.name)
    }

    /// A task is in its next round. One that builds on results of others may have been anywhere,
    /// and works on something else from now on: what a worker was told of that is told anew.
    fn reopen(&mut self, ledger: &Ledger, task: TaskId) {
        self.elsewhere.forget(task);
        self.paused.retain(|(_, paused)| *paused != task);
        self.queues.entry(task.phase_id()).or_default().put_back(task.index);
        let phase = ledger.phase(task.phase_id());
        let told = phase.filter(|phase| phase.spec.derived.is_some());
        if let Some(stored) = told.and_then(|phase| phase.chunk_of(task.index)) {
            for worker in self.workers.values_mut() {
                worker.told_chunks.remove(&(task.phase_id(), stored.first));
            }
        }
    }

    /// A job that had ended is open again. What was open in it when it ended waits again, but not
    /// what a worker has answered: that is about to be recorded.
    fn restore(&mut self, ledger: &Ledger, id: JobId) {
        let Some(job) = ledger.jobs.get(&id) else { return };
        for (index, phase) in (0..).map(PhaseIndex).zip(&job.phases) {
            if phase.counts.pending == 0 {
                continue;
            }
            let id = PhaseId { job: id, phase: index };
            let flights = self.workers.values().flat_map(|worker| worker.flights.iter());
            let answered = flights.filter(|flight| flight.task.phase_id() == id);
            let answered = answered.map(|flight| flight.task.index).collect();
            self.queues.entry(id).or_default().restore(phase, &answered);
        }
    }

    /// A task waits again.
    pub(super) fn put_back(&mut self, task: TaskId) {
        if !self.elsewhere.put_back(task) {
            self.queues.entry(task.phase_id()).or_default().put_back(task.index);
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
        if let Entry::AttemptFailed { task, failure, worker: Some(worker), .. } = entry
            && applied.iter().any(|done| matches!(done, Applied::TaskWaits { .. }))
        {
            self.elsewhere.on_failure(*task, failure.kind, worker);
        }
        for done in applied {
            match done {
                Applied::TasksAdded { phase, range } => {
                    self.queues.entry(*phase).or_default().add(*range);
                }
                Applied::TaskWaits { task, backoff: false, .. } => self.put_back(*task),
                Applied::TaskReopened { task, .. } => self.reopen(ledger, *task),
                Applied::TaskSucceeded { task, .. } | Applied::TaskFailed { task, .. } => {
                    self.elsewhere.forget(*task);
                }
                Applied::TaskWaits { task, backoff: true, .. } => {
                    let pause_ms = self.pause_ms(ledger, *task);
                    self.paused.insert((now.after_ms(pause_ms), *task));
                }
                Applied::JobEnded { job, .. } => self.forget(*job, out),
                Applied::JobReopened(job) => self.restore(ledger, *job),
                Applied::JobPaused(job, true) => self.hold_back(*job, out),
                Applied::WorkerJoined(name) => self.on_joined(now, ledger, name, out),
                _ => {}
            }
        }
        match entry {
            Entry::TasksSettled { runs } => {
                for run in runs {
                    let count = u32::try_from(run.results.len()).unwrap_or(u32::MAX);
                    if let Some(worker) = self.acknowledge(run.attempt, count, out) {
                        worker.task_count += u64::from(count);
                    }
                }
            }
            Entry::AttemptFailed { attempt, task, .. } => {
                self.abandoned.forget(*task);
                self.acknowledge(*attempt, 1, out);
            }
            // What waits at a drained worker is recalled as from a busy one.
            Entry::WorkerJoined { .. } | Entry::WorkerDrained { .. } => self.mark_drained(ledger),
            Entry::WorkerLeft { name, .. } => {
                self.mark_drained(ledger);
                // A drained one stays known, and when it was last heard.
                if !ledger.workers.contains_key(name) {
                    self.absent.remove(name);
                }
            }
            _ => {}
        }
    }

    fn mark_drained(&mut self, ledger: &Ledger) {
        for worker in self.workers.values_mut() {
            let known = ledger.workers.get(&worker.name);
            worker.draining = known.is_some_and(|known| known.draining);
        }
    }

    /// What has come of these attempts is recorded; answers who held them.
    fn acknowledge(
        &mut self,
        attempt: AttemptId,
        count: u32,
        out: &mut Vec<Effect>,
    ) -> Option<&mut Worker> {
        let holder = self.workers.iter_mut().find(|(_, w)| w.flights.get(attempt).is_some());
        let (session, worker) = holder?;
        for offset in 0..count {
            worker.flights.remove(attempt.plus(offset));
            worker.recalled.remove(&attempt.plus(offset));
        }
        out.push(Effect::Send(*session, ToWorker::EndedAck(vec![(attempt, count)])));
        Some(worker)
    }

    /// A job has ended: nothing of it is handed out any more, and what runs of it is dropped.
    fn forget(&mut self, job: JobId, out: &mut Vec<Effect>) {
        self.queues.retain(|phase, _| phase.job != job);
        self.paused.retain(|(_, task)| task.job != job);
        self.elsewhere.forget_job(job);
        self.abandoned.forget_job(job);
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
        let failed =
            ledger.phase(task.phase_id()).and_then(|phase| phase.tasks.failure(task.index));
        let doublings = failed.map_or(0, |failed| u32::from(failed.attempt_count));
        let whole = BACKOFF_MS_MIN.saturating_mul(1 << doublings.min(31)).min(BACKOFF_MS_MAX);
        whole / 2 + self.random.below(whole / 2 + 1)
    }

    fn on_time(&mut self, now: Tick, ledger: &Ledger, out: &mut Vec<Effect>) {
        if self.awaited.is_empty() || self.awaited_until.is_some_and(|until| now >= until) {
            self.give_up_awaited(ledger, out);
        }
        while let Some((at, task)) = self.paused.first().copied()
            && at <= now
        {
            self.paused.remove(&(at, task));
            let round = ledger.phase(task.phase_id()).map(|phase| phase.tasks.round(task.index));
            if round.is_some_and(|round| ledger.is_open(task, round)) {
                self.put_back(task);
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
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
