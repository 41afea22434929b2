//! A scheduler and a ledger for tests: entries come back applied at once.

use super::machine::{Effect, Event, Scheduler, SessionId};
use crate::ids::{
    AttemptId, Incarnation, JobId, PhaseId, PhaseIndex, RequestId, TaskIndex, WorkerName,
};
use crate::ledger::{ChunkRef, Entry, JobSpec, Ledger, OnFailure, PhaseSpec, Results};
use crate::session::{
    EndedRun, EndedWith, Held, Hello, Offer, Running, ToMaster, ToWorker, Withdrawal,
};
use crate::time::{LogTime, Tick};

pub(super) const PHASE: PhaseId = PhaseId { job: JobId(1), phase: PhaseIndex(0) };

/// A sign of life.
pub(super) fn beat(running: Vec<Running>) -> ToMaster {
    ToMaster::Progress { running, usage: None }
}

/// A ledger and a scheduler whose proposals are applied as soon as they are made.
pub(super) struct Cluster {
    pub(super) ledger: Ledger,
    pub(super) scheduler: Scheduler,
    pub(super) now: Tick,
    pub(super) sent: Vec<(SessionId, ToWorker)>,
    pub(super) proposed: Vec<Entry>,
    /// What is proposed is not recorded by itself.
    pub(super) holds_back: bool,
}

impl Cluster {
    pub(super) fn new(ledger: Ledger) -> Cluster {
        let scheduler = Scheduler::new(Tick(0), &ledger, 1);
        let (sent, proposed) = (Vec::new(), Vec::new());
        Cluster { ledger, scheduler, now: Tick(0), sent, proposed, holds_back: false }
    }

    /// With one job of `count` tasks.
    pub(super) fn with_tasks(count: u32) -> Cluster {
        let mut cluster = Cluster::new(Ledger::default());
        cluster.add_tasks(count, OnFailure::Continue);
        cluster
    }

    /// With one job that has no task and may get some.
    pub(super) fn unsealed() -> Cluster {
        Cluster::with_tasks(0)
    }

    pub(super) fn add_tasks(&mut self, count: u32, on_failure: OnFailure) {
        let phase = PhaseSpec { on_failure, ..PhaseSpec::plain("noop", 1) };
        let spec =
            JobSpec { name: String::new(), fingerprint: 0, phases: vec![phase], memorandum: None };
        self.record(Entry::JobSubmitted { request: RequestId(1), spec });
        if count == 0 {
            return;
        }
        let first = TaskIndex(0);
        self.record(Entry::TasksAdded { phase: PHASE, first, count, chunk: ChunkRef::Count });
        self.record(Entry::PhaseSealed { phase: PHASE });
    }

    pub(super) fn record(&mut self, entry: Entry) {
        let mut applied = Vec::new();
        self.ledger.apply(LogTime(0), &entry, &mut applied);
        self.tell(Event::Applied(&entry, &applied));
    }

    pub(super) fn tell(&mut self, event: Event<'_>) {
        let mut effects = Vec::new();
        self.scheduler.on(self.now, &self.ledger, event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(session, message) => self.sent.push((session, message)),
                Effect::Close(_) => {}
                Effect::Propose(entry) => {
                    self.proposed.push(entry.clone());
                    if !self.holds_back {
                        self.record(entry);
                    }
                }
            }
        }
    }

    pub(super) fn hear(&mut self, session: u64, message: ToMaster) {
        self.tell(Event::Heard(SessionId(session), message));
    }

    pub(super) fn join(&mut self, session: u64, name: &str, held: Vec<Held>) {
        self.join_as(session, name, false, held);
    }

    /// A start of its own number for each session.
    pub(super) fn join_as(&mut self, session: u64, name: &str, in_process: bool, held: Vec<Held>) {
        self.greet(session, name, session, in_process, held);
    }

    /// A start of this number.
    pub(super) fn join_at(&mut self, session: u64, name: &str, start: u64, held: Vec<Held>) {
        self.greet(session, name, start, false, held);
    }

    fn greet(&mut self, session: u64, name: &str, start: u64, in_process: bool, held: Vec<Held>) {
        let (name, incarnation) = (WorkerName(name.to_owned()), Incarnation(start));
        let offers = vec![offer("noop")];
        let hello = Hello { name, incarnation, in_process, slots: 1, offers, held, serves: None };
        self.hear(session, ToMaster::Hello(hello));
    }

    /// A worker that can do something else.
    pub(super) fn join_offering(&mut self, session: u64, name: &str, operation: &str) {
        let (name, incarnation) = (WorkerName(name.to_owned()), Incarnation(session));
        let (offers, held) = (vec![offer(operation)], Vec::new());
        let hello =
            Hello { name, incarnation, in_process: false, slots: 1, offers, held, serves: None };
        self.hear(session, ToMaster::Hello(hello));
    }

    /// Takes out the tasks assigned to a session since the last call.
    pub(super) fn assigned(&mut self, session: u64) -> Vec<(u32, AttemptId)> {
        let mut tasks = Vec::new();
        self.sent.retain(|(to, message)| match message {
            ToWorker::Assign(runs) if to.0 == session => {
                for run in runs {
                    tasks.extend((0..run.count).map(|o| (run.first.0 + o, run.attempt.plus(o))));
                }
                false
            }
            _ => true,
        });
        tasks
    }

    /// A worker withdraws the operation and gives back what it holds.
    pub(super) fn withdraw(&mut self, session: u64) {
        let (operation, cause) = ("noop".to_owned(), "20 crashes in a row".to_owned());
        self.hear(session, ToMaster::Withdrawn(Withdrawal { operation, cause }));
        let held = self.assigned(session).into_iter().map(|(_, attempt)| attempt).collect();
        self.hear(session, ToMaster::Returned(held));
    }

    pub(super) fn succeed(&mut self, session: u64, (index, attempt): (u32, AttemptId)) {
        self.end(session, (index, attempt), EndedWith::Results(Results::Empty(1)));
    }

    pub(super) fn end(
        &mut self,
        session: u64,
        (index, attempt): (u32, AttemptId),
        with: EndedWith,
    ) {
        let round = self.ledger.phase(PHASE).expect("exists").tasks.round(TaskIndex(index));
        let first = TaskIndex(index);
        let run = EndedRun { phase: PHASE, round, first, attempt, with, busy_us: 1 };
        self.hear(session, ToMaster::Ended(vec![run]));
    }

    pub(super) fn lost_count(&self) -> usize {
        self.proposed.iter().filter(|entry| matches!(entry, Entry::WorkerLost { .. })).count()
    }
}

fn offer(operation: &str) -> Offer {
    Offer {
        operation: operation.to_owned(),
        version: 1,
        attempt_ms_max: 600_000,
        quiet_ms_max: Some(10_000),
    }
}
