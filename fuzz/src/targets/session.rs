//! A worker that says whatever it likes, beside an honest one: every task still gets its outcome,
//! and none from a worker that did not hold it.

use super::shape::magnitude;
use super::wire::{conversation, kind};
use crate::target::Target;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use windlass_core::ledger::{
    CLUSTER_VERSION, ChunkRef, Entry, JobSpec, Ledger, PhaseSpec, Results,
};
use windlass_core::scheduler::{Effect, Event, Scheduler, SessionId};
use windlass_core::session::{AssignRun, EndedRun, EndedWith, Hello, Offer, ToMaster, ToWorker};
use windlass_core::time::Tick;
use windlass_core::{
    AttemptId, Epoch, Incarnation, JobId, LogTime, PhaseId, PhaseIndex, RequestId, Round,
    TaskIndex, WorkerName,
};
use windlass_wire::bytes;

/// Messages, each behind its length in two little-endian bytes.
pub(super) const SESSION: Target = Target {
    name: "session",
    run: session,
    seeds: speeches,
    fixed_bytes_max: 1 << 20,
    // As under `to_master`: an empty field becomes a message, in vectors that double.
    factor_max: 1_024,
};

const TASK_COUNT: u32 = 64;
const PHASE: PhaseId = PhaseId { job: JobId(1), phase: PhaseIndex(0) };
const EPOCH: Epoch = Epoch(2);
const HONEST: SessionId = SessionId(1);
const HOSTILE: SessionId = SessionId(2);
/// Turns of the clock until all must have ended: backoffs and leases are far fewer.
const TURN_COUNT_MAX: u32 = 1_000;

fn session(bytes: &[u8]) -> String {
    let mut cluster = Cluster::new();
    let mut rest = bytes;
    let mut heard = BTreeSet::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let end = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (message, after) = after.split_at(end);
        rest = after;
        // What is no message ends the connection, as at the real door.
        let Some(message) = bytes::to_master(message) else { break };
        if !cluster.open.contains(&HOSTILE) {
            break;
        }
        heard.insert(kind(&message));
        cluster.tell(Event::Heard(HOSTILE, message));
        cluster.work();
    }
    cluster.close(HOSTILE);
    cluster.end();
    let counts = cluster.ledger.jobs[&JobId(1)].counts();
    assert_eq!(counts.pending, 0, "{} tasks wait for ever", counts.pending);
    format!("{heard:?} failed {}", magnitude(counts.failed as usize))
}

/// A cluster in one thread: what is proposed is applied at once, the honest worker ends one run of
/// attempts a turn.
struct Cluster {
    ledger: Ledger,
    scheduler: Scheduler,
    now: Tick,
    open: BTreeSet<SessionId>,
    /// Who was assigned which task as which attempt.
    assigned: BTreeMap<AttemptId, (SessionId, TaskIndex)>,
    /// What the honest worker has in its hands.
    held: VecDeque<AssignRun>,
}

impl Cluster {
    fn new() -> Cluster {
        let mut ledger = Ledger::default();
        let phase = PhaseSpec::plain("noop", 1);
        let spec =
            JobSpec { name: String::new(), fingerprint: 0, phases: vec![phase], memorandum: None };
        let (first, count) = (TaskIndex(0), TASK_COUNT);
        for entry in [
            Entry::Genesis { cluster: 7, format: 1 },
            Entry::Claim { epoch: Epoch(1), holder: String::new() },
            Entry::VersionRaised { version: CLUSTER_VERSION },
            Entry::JobSubmitted { request: RequestId(1), spec },
            Entry::TasksAdded { phase: PHASE, first, count, chunk: ChunkRef::Count },
            Entry::PhaseSealed { phase: PHASE },
            // An attempt of the reign before may be claimed to go on.
            Entry::Claim { epoch: EPOCH, holder: String::new() },
        ] {
            ledger.apply(LogTime(1), &entry, &mut Vec::new());
        }
        let scheduler = Scheduler::new(Tick(0), &ledger, 1);
        let open = BTreeSet::from([HONEST, HOSTILE]);
        let (assigned, held) = (BTreeMap::new(), VecDeque::new());
        let mut cluster = Cluster { ledger, scheduler, now: Tick(0), open, assigned, held };
        let offer = Offer {
            operation: "noop".to_owned(),
            version: 1,
            attempt_ms_max: 600_000,
            quiet_ms_max: Some(10_000),
        };
        let honest = ToMaster::Hello(Hello {
            name: WorkerName("honest".to_owned()),
            incarnation: Incarnation(1),
            in_process: false,
            slots: 1,
            offers: vec![offer],
            held: Vec::new(),
            serves: None,
        });
        cluster.tell(Event::Heard(HONEST, honest));
        cluster
    }

    /// Tells the scheduler, and does what it wants until it wants nothing more.
    fn tell(&mut self, event: Event<'_>) {
        let speaker = match &event {
            Event::Heard(session, _) => Some(*session),
            _ => None,
        };
        let mut effects = VecDeque::from(self.effects_of(event));
        self.check(speaker, &effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Close(session) => {
                    self.open.remove(&session);
                }
                Effect::Send(session, ToWorker::Assign(runs)) => {
                    self.note(session, &runs);
                    if session == HONEST {
                        self.held.extend(runs);
                    }
                }
                Effect::Send(..) => {}
                Effect::Propose(entry) => {
                    let mut applied = Vec::new();
                    let at = LogTime(1 + self.now.0 / 1_000);
                    self.ledger.apply(at, &entry, &mut applied);
                    effects.extend(self.effects_of(Event::Applied(&entry, &applied)));
                }
            }
        }
    }

    fn effects_of(&mut self, event: Event<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.scheduler.on(self.now, &self.ledger, event, &mut effects);
        effects
    }

    fn note(&mut self, session: SessionId, runs: &[AssignRun]) {
        for run in runs {
            for offset in 0..run.count {
                let task = TaskIndex(run.first.0 + offset);
                let before = self.assigned.insert(run.attempt.plus(offset), (session, task));
                assert_eq!(before, None, "an attempt's id is used twice");
            }
        }
    }

    /// What is to be recorded at a worker's word is about attempts that it was assigned, or that
    /// it went on with after the takeover.
    fn check<'a>(&self, speaker: Option<SessionId>, effects: impl IntoIterator<Item = &'a Effect>) {
        for effect in effects {
            let Effect::Propose(entry) = effect else { continue };
            let ends: Vec<(AttemptId, TaskIndex)> = match entry {
                Entry::TasksSettled { runs } => runs
                    .iter()
                    .flat_map(|run| {
                        let count = u32::try_from(run.results.len()).unwrap_or(u32::MAX);
                        (0..count).map(|o| (run.attempt.plus(o), TaskIndex(run.first.0 + o)))
                    })
                    .collect(),
                Entry::AttemptFailed { attempt, task, .. } => vec![(*attempt, task.index)],
                _ => continue,
            };
            for (attempt, task) in ends {
                if attempt.epoch < EPOCH {
                    continue;
                }
                let of = self.assigned.get(&attempt).map(|(session, task)| (Some(*session), *task));
                assert_eq!(of, Some((speaker, task)), "an end of an attempt that it does not hold");
            }
        }
    }

    /// The honest worker gives a sign of life, and ends what it has held longest.
    fn work(&mut self) {
        self.tell(Event::Heard(HONEST, ToMaster::Progress { running: Vec::new(), usage: None }));
        if let Some(run) = self.held.pop_front() {
            self.tell(Event::Heard(HONEST, ToMaster::Ended(vec![succeeded(&run)])));
        }
    }

    fn close(&mut self, session: SessionId) {
        if self.open.remove(&session) {
            self.tell(Event::Closed(session));
        }
    }

    /// Lets time go on until nothing is to be waited for.
    fn end(&mut self) {
        for _ in 0..TURN_COUNT_MAX {
            if !self.ledger.jobs[&JobId(1)].is_open() {
                return;
            }
            assert!(self.open.contains(&HONEST), "the honest worker was dropped");
            self.now = self.now.after_ms(500);
            self.work();
        }
    }
}

fn succeeded(run: &AssignRun) -> EndedRun {
    EndedRun {
        phase: run.phase,
        round: run.round,
        first: run.first,
        attempt: run.attempt,
        with: EndedWith::Results(Results::Empty(run.count)),
        busy_us: 1,
    }
}

fn framed(message: ToMaster) -> Vec<u8> {
    let bytes = bytes::of_to_master(message);
    let length = u16::try_from(bytes.len()).expect("the seeds are short");
    [&length.to_le_bytes()[..], &bytes].concat()
}

/// One says everything once, one only joins and leaves, one ends what it is assigned.
fn speeches() -> Vec<Vec<u8>> {
    let all = conversation();
    let hello = all[0].clone();
    let first = TaskIndex(3);
    let run = |first: TaskIndex, count| AssignRun {
        phase: PHASE,
        round: Round(0),
        first,
        count,
        attempt: AttemptId { epoch: EPOCH, counter: u64::from(first.0) - 1 },
    };
    let works = vec![
        hello.clone(),
        ToMaster::Credit(4),
        ToMaster::Ended(vec![succeeded(&run(first, 2))]),
        ToMaster::Returned(vec![run(TaskIndex(5), 1).attempt]),
    ];
    let speeches = [all, vec![hello, ToMaster::Goodbye], works];
    speeches.into_iter().map(|said| said.into_iter().flat_map(framed).collect()).collect()
}
