//! Tasks that build on results: what a worker is told of them, and what becomes of attempts whose
//! inputs are others by now.

use super::*;
use crate::ids::BlobId;
use crate::ledger::{PhaseSpec, Results, SettledRun};
use crate::params::Params;
use crate::plan::{Derived, Outputs, Share, Take, Taken, TaskCount};
use crate::session::EndedRun;

const SOURCES: PhaseId = PHASE;
const BUILT: PhaseId = PhaseId { job: JobId(1), phase: PhaseIndex(1) };

fn made(name: &str) -> BlobId {
    BlobId::of(name.as_bytes())
}

/// Two tasks of the first phase, the second of which has failed; a rule for the second phase.
fn cluster(count: TaskCount, takes: Vec<Take>) -> Cluster {
    let mut cluster = Cluster::new(Ledger::default());
    let phase = |after: &[u16], derived| PhaseSpec {
        operation: "noop".to_owned(),
        version: 1,
        params: Params::default(),
        after: after.iter().map(|phase| PhaseIndex(*phase)).collect(),
        on_failure: OnFailure::Continue,
        fresh: false,
        derived,
    };
    let phases = vec![phase(&[], None), phase(&[0], Some(Derived { count, takes }))];
    let spec = JobSpec { name: String::new(), fingerprint: 0, phases, memorandum: None };
    cluster.record(Entry::JobSubmitted { request: RequestId(1), spec });
    let (first, chunk) = (TaskIndex(0), ChunkRef::Count);
    cluster.record(Entry::TasksAdded { phase: SOURCES, first, count: 2, chunk });
    cluster.record(Entry::PhaseSealed { phase: SOURCES });
    cluster.join(1, "w", Vec::new());
    cluster.hear(1, ToMaster::Credit(8));
    let sources = cluster.assigned(1);
    assert_eq!(sources.len(), 2);
    cluster.end_of(SOURCES, 0, sources[0], Ok("a"));
    cluster.end_of(SOURCES, 0, sources[1], Err(()));
    cluster
}

fn all() -> Vec<Take> {
    vec![Take { phase: PhaseIndex(0), share: Share::Whole }]
}

impl Cluster {
    fn end_of(
        &mut self,
        phase: PhaseId,
        round: u16,
        (index, attempt): (u32, AttemptId),
        made_or_failed: Result<&str, ()>,
    ) {
        let with = match made_or_failed {
            Ok(name) => EndedWith::Results(Results::Manifests(vec![made(name)])),
            Err(()) => EndedWith::Failure(Failure::rejected("bad", "it is bad", "")),
        };
        let (round, first) = (Round(round), TaskIndex(index));
        let run = EndedRun { phase, round, first, attempt, with, busy_us: 1 };
        self.hear(1, ToMaster::Ended(vec![run]));
    }

    fn reopen_sources(&mut self) {
        let tasks = vec![crate::ledger::IndexRange { first: TaskIndex(0), count: 2 }];
        self.record(Entry::TasksReopened { phase: SOURCES, tasks, why: String::new() });
    }

    /// What was told of the second phase since the last call.
    fn told(&mut self) -> Vec<Outputs> {
        let mut told = Vec::new();
        self.sent.retain(|(_, message)| match message {
            ToWorker::Outputs { phase: BUILT, outputs, .. } => {
                told.push(outputs.clone());
                false
            }
            _ => true,
        });
        told
    }
}

fn whole(names: &[&str]) -> Outputs {
    let manifests = names.iter().map(|name| made(name)).collect();
    Outputs { own: Vec::new(), taken: vec![Taken { share: Share::Whole, manifests }] }
}

#[test]
fn what_builds_on_reopened_tasks_waits_and_is_told_anew() {
    let mut cluster = cluster(TaskCount::Fixed(1), all());
    assert_eq!(cluster.told(), [whole(&["a"])]);
    let early = cluster.assigned(1);
    cluster.reopen_sources();
    let again = cluster.assigned(1);
    assert_eq!(again.len(), 1, "the source alone: the other one waits for it");
    cluster.end_of(BUILT, 0, early[0], Ok("of a alone"));
    assert_eq!(cluster.ledger.phase(BUILT).unwrap().counts.succeeded, 0);
    cluster.end_of(SOURCES, 1, again[0], Ok("b"));
    assert_eq!(cluster.told(), [whole(&["a", "b"])]);
    let built = cluster.assigned(1);
    cluster.end_of(BUILT, 1, built[0], Ok("of both"));
    assert!(!cluster.ledger.jobs[&JobId(1)].is_open());
    assert_eq!(cluster.scheduler.held_count(), 0, "the early attempt is not held for ever");
}

#[test]
fn a_task_that_waits_and_opens_again_is_handed_out_once() {
    let mut cluster = cluster(TaskCount::Fixed(3), all());
    cluster.hear(1, ToMaster::Credit(3));
    let early = cluster.assigned(1);
    cluster.reopen_sources();
    for attempt in early {
        cluster.end_of(BUILT, 0, attempt, Ok("of a alone"));
    }
    cluster.hear(1, ToMaster::Credit(8));
    let source = cluster.assigned(1);
    assert_eq!(source.len(), 1);
    cluster.end_of(SOURCES, 1, source[0], Ok("b"));
    let mut tasks: Vec<u32> = cluster.assigned(1).iter().map(|(task, _)| *task).collect();
    tasks.sort_unstable();
    assert_eq!(tasks, [0, 1, 2]);
}

#[test]
fn a_task_whose_source_did_not_open_keeps_its_round() {
    let mut cluster = cluster(TaskCount::EachOf(PhaseIndex(0)), Vec::new());
    assert_eq!(cluster.told().pop().unwrap().own, [Some(made("a")), None]);
    cluster.reopen_sources();
    let source = cluster.assigned(1).into_iter().last().unwrap();
    cluster.end_of(SOURCES, 1, source, Ok("b"));
    let tasks = &cluster.ledger.phase(BUILT).unwrap().tasks;
    assert_eq!([0, 1].map(|index| tasks.round(TaskIndex(index))), [Round(0), Round(1)]);
    assert_eq!(cluster.told().pop().unwrap().own, [Some(made("a")), Some(made("b"))]);
}

/// A run is taken whole or not at all: where its first task is settled already, what the others
/// made is lost with it.
#[test]
fn what_was_answered_in_one_run_with_a_settled_task_is_made_again() {
    let mut cluster = Cluster::with_tasks(2);
    cluster.join(1, "w", Vec::new());
    cluster.hear(1, ToMaster::Credit(8));
    let held = cluster.assigned(1);
    // As if another worker had been faster with the first one.
    let (round, first, attempt) =
        (Round(0), TaskIndex(0), AttemptId { epoch: Epoch(0), counter: 99 });
    let results = Results::Empty(1);
    let run = SettledRun { phase: PHASE, round, first, attempt, results };
    cluster.record(Entry::TasksSettled { runs: vec![run] });
    let with = EndedWith::Results(Results::Empty(2));
    let attempt = held[0].1;
    let run = EndedRun { phase: PHASE, round, first, attempt, with, busy_us: 2 };
    cluster.hear(1, ToMaster::Ended(vec![run]));
    let again: Vec<u32> = cluster.assigned(1).iter().map(|(task, _)| *task).collect();
    assert_eq!(again, [1]);
}
