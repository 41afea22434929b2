//! Tasks that follow from results: when they come, what they work on, when they open again.

use crate::failure::{Failure, FailureKind};
use crate::ids::{
    AttemptId, BlobId, Epoch, JobId, PhaseId, PhaseIndex, RequestId, Round, TaskIndex,
};
use crate::ledger::{
    Applied, CLUSTER_VERSION, ChunkRef, Counts, Entry, Happened, IndexRange, JobSpec, JobState,
    Ledger, OnFailure, Outcome, PhaseSpec, Refusal, Results, SettledRun,
};
use crate::params::Params;
use crate::plan::{Derived, Output, Outputs, Share, Take, TaskCount};
use crate::time::LogTime;

const ATTEMPT: AttemptId = AttemptId { epoch: Epoch(1), counter: 1 };

fn phase(index: u16) -> PhaseId {
    PhaseId { job: JobId(1), phase: PhaseIndex(index) }
}

/// A phase that waits for all before it.
fn spec(index: u16, on_failure: OnFailure, derived: Option<Derived>) -> PhaseSpec {
    PhaseSpec {
        operation: "noop".to_owned(),
        version: 1,
        params: Params::default(),
        after: (0..index).map(PhaseIndex).collect(),
        on_failure,
        fresh: false,
        derived,
    }
}

fn rule(count: TaskCount, takes: &[(u16, Share)]) -> Option<Derived> {
    let take = |(phase, share): &(u16, Share)| Take { phase: PhaseIndex(*phase), share: *share };
    Some(Derived { count, takes: takes.iter().map(take).collect() })
}

fn each_of_first() -> Option<Derived> {
    rule(TaskCount::EachOf(PhaseIndex(0)), &[])
}

fn all_of_first(count: u32) -> Option<Derived> {
    rule(TaskCount::Fixed(count), &[(0, Share::Whole)])
}

struct Job {
    ledger: Ledger,
    out: Vec<Applied>,
}

impl Job {
    /// A job whose first phase has three tasks that are added.
    fn new(on_failure: OnFailure, derived: Vec<Option<Derived>>) -> Job {
        let rules = std::iter::once(None).chain(derived);
        let phases = (0..).zip(rules).map(|(index, rule)| spec(index, on_failure, rule)).collect();
        let spec = JobSpec { name: String::new(), fingerprint: 1, phases, memorandum: None };
        let mut job = Job { ledger: Ledger::default(), out: Vec::new() };
        job.apply(&Entry::VersionRaised { version: CLUSTER_VERSION });
        job.apply(&Entry::JobSubmitted { request: RequestId(1), spec });
        let (first, chunk) = (TaskIndex(0), ChunkRef::Count);
        job.apply(&Entry::TasksAdded { phase: phase(0), first, count: 3, chunk });
        job.apply(&Entry::PhaseSealed { phase: phase(0) });
        job
    }

    fn apply(&mut self, entry: &Entry) {
        self.out.clear();
        self.ledger.apply(LogTime(1), entry, &mut self.out);
        let bytes = self.ledger.encode_snapshot();
        assert_eq!(Ledger::decode_snapshot(&bytes).as_ref(), Ok(&self.ledger));
    }

    fn settle(&mut self, index: u16, round: u16, tasks: &[u32]) {
        for task in tasks {
            let results = Results::Manifests(vec![made(index, *task, round)]);
            let (first, round) = (TaskIndex(*task), Round(round));
            let run = SettledRun { phase: phase(index), round, first, attempt: ATTEMPT, results };
            self.apply(&Entry::TasksSettled { runs: vec![run] });
        }
    }

    fn reject(&mut self, index: u16, round: u16, task: u32) {
        let failure = Failure::new(FailureKind::Rejected, "bad", format!("task {task} is bad"), "");
        let (task, round) = (phase(index).task(TaskIndex(task)), Round(round));
        let worker = None;
        self.apply(&Entry::AttemptFailed { task, round, attempt: ATTEMPT, failure, worker });
    }

    fn reopen(&mut self, index: u16) {
        let tasks = vec![IndexRange { first: TaskIndex(0), count: u32::MAX }];
        self.apply(&Entry::TasksReopened { phase: phase(index), tasks, why: String::new() });
    }

    fn counts(&self, index: u16) -> (u32, u32, u32) {
        let Counts { pending, succeeded, failed } = self.ledger.phase(phase(index)).unwrap().counts;
        (pending, succeeded, failed)
    }

    fn outputs(&self, index: u16, task: u32) -> Vec<Output> {
        let job = &self.ledger.jobs[&JobId(1)];
        let derived = job.phase(PhaseIndex(index)).unwrap().spec.derived.clone().unwrap();
        let range = IndexRange { first: TaskIndex(0), count: 3 };
        Outputs::of(job, &derived, range).of_task(TaskIndex(0), TaskIndex(task))
    }

    fn state(&self) -> &JobState {
        &self.ledger.jobs[&JobId(1)].state
    }
}

fn made(index: u16, task: u32, round: u16) -> BlobId {
    BlobId::of(format!("{index} {task} {round}").as_bytes())
}

fn whole(index: u16, task: u32, round: u16) -> Output {
    Output { manifest: made(index, task, round), part: None }
}

#[test]
fn tasks_come_when_the_phase_before_has_ended() {
    let mut job = Job::new(OnFailure::Stop, vec![all_of_first(2), each_of_first()]);
    job.settle(0, 0, &[0, 2]);
    assert_eq!((job.counts(1), job.counts(2)), ((0, 0, 0), (0, 0, 0)));
    job.settle(0, 0, &[1]);
    let range = |count| IndexRange { first: TaskIndex(0), count };
    assert!(job.out.contains(&Applied::TasksAdded { phase: phase(1), range: range(2) }));
    assert_eq!((job.counts(1), job.counts(2)), ((2, 0, 0), (0, 0, 0)));
    assert_eq!(job.outputs(1, 1), [whole(0, 0, 0), whole(0, 1, 0), whole(0, 2, 0)]);
    job.settle(1, 0, &[0, 1]);
    assert!(job.out.contains(&Applied::TasksAdded { phase: phase(2), range: range(3) }));
    assert_eq!(job.outputs(2, 1), [whole(0, 1, 0)]);
    job.settle(2, 0, &[0, 1, 2]);
    assert_eq!(*job.state(), JobState::Ended(Outcome::Succeeded));
}

#[test]
fn each_task_gets_its_part_of_every_result() {
    let parts = rule(TaskCount::Fixed(2), &[(0, Share::Part)]);
    let mut job = Job::new(OnFailure::Stop, vec![parts]);
    job.settle(0, 0, &[0, 1, 2]);
    let part = |task| Output { manifest: made(0, task, 0), part: Some(1) };
    assert_eq!(job.outputs(1, 1), [part(0), part(1), part(2)]);
}

#[test]
fn its_own_result_comes_before_what_all_get() {
    let both = rule(TaskCount::EachOf(PhaseIndex(0)), &[(1, Share::Whole)]);
    let mut job = Job::new(OnFailure::Stop, vec![all_of_first(1), both]);
    job.settle(0, 0, &[0, 1, 2]);
    job.settle(1, 0, &[0]);
    assert_eq!(job.outputs(2, 2), [whole(0, 2, 0), whole(1, 0, 0)]);
}

#[test]
fn a_failure_that_stops_the_job_lets_nothing_come_of_it() {
    let mut job = Job::new(OnFailure::Stop, vec![all_of_first(1)]);
    job.settle(0, 0, &[0, 1]);
    job.reject(0, 0, 2);
    assert_eq!(*job.state(), JobState::Ended(Outcome::Failed));
    assert_eq!(job.counts(1), (0, 0, 0));
    job.reopen(0);
    job.settle(0, 1, &[2]);
    assert_eq!(job.counts(1), (1, 0, 0), "tried again, it goes on");
}

#[test]
fn where_the_others_go_on_a_task_works_on_what_there_is() {
    let mut job = Job::new(OnFailure::Continue, vec![all_of_first(1), each_of_first()]);
    job.reject(0, 0, 1);
    job.settle(0, 0, &[0, 2]);
    assert_eq!(job.outputs(1, 0), [whole(0, 0, 0), whole(0, 2, 0)]);
    job.settle(1, 0, &[0]);
    assert_eq!(job.counts(2), (2, 0, 1), "task 1 has nothing to work on");
    let failure = job.ledger.phase(phase(2)).unwrap().tasks.failure(TaskIndex(1)).cloned();
    assert_eq!(failure.unwrap().failure.cause, "task 1 is bad");
}

#[test]
fn a_phase_of_which_nothing_succeeded_ends_what_builds_on_it() {
    let mut job = Job::new(OnFailure::Continue, vec![all_of_first(2), each_of_first()]);
    (0..3).for_each(|task| job.reject(0, 0, task));
    assert_eq!((job.counts(1), job.counts(2)), ((0, 0, 2), (0, 0, 3)));
    assert_eq!(*job.state(), JobState::Ended(Outcome::Failed));
    job.reopen(1);
    assert_eq!(job.counts(1), (0, 0, 2), "there is still nothing to work on");
    assert_eq!(*job.state(), JobState::Ended(Outcome::Failed));
}

#[test]
fn what_builds_on_a_reopened_task_opens_with_it() {
    let mut job = Job::new(OnFailure::Continue, vec![each_of_first(), all_of_first(1)]);
    job.reject(0, 0, 1);
    job.settle(0, 0, &[0, 2]);
    job.settle(1, 0, &[0, 2]);
    job.settle(2, 0, &[0]);
    assert_eq!(*job.state(), JobState::Ended(Outcome::Failed));
    job.reopen(0);
    assert_eq!(*job.state(), JobState::Open);
    assert_eq!(job.counts(0), (1, 2, 0));
    assert_eq!(job.counts(1), (1, 2, 0), "the others were made of what still stands");
    assert_eq!(job.counts(2), (1, 0, 0), "that one was made of all");
    assert!(!job.ledger.jobs[&JobId(1)].is_ready(PhaseIndex(1)));
    job.settle(2, 0, &[0]);
    assert_eq!(job.out, [Applied::Refused(Refusal::NotOpen)], "made of the older results");
    job.settle(0, 1, &[1]);
    assert_eq!(job.outputs(1, 1), [whole(0, 1, 1)]);
    job.settle(1, 1, &[1]);
    job.settle(2, 1, &[0]);
    assert_eq!(*job.state(), JobState::Ended(Outcome::Succeeded));
}

#[test]
fn what_fails_again_ends_what_builds_on_it_again() {
    let mut job = Job::new(OnFailure::Continue, vec![each_of_first()]);
    job.reject(0, 0, 1);
    job.settle(0, 0, &[0, 2]);
    job.settle(1, 0, &[0, 2]);
    job.reopen(0);
    assert_eq!(job.counts(1), (1, 2, 0));
    job.reject(0, 1, 1);
    assert_eq!(job.counts(1), (0, 2, 1));
    assert_eq!(*job.state(), JobState::Ended(Outcome::Failed));
}

/// Nothing of it is handed out, but what runs already ends, and what follows from it is there.
#[test]
fn tasks_come_also_while_their_job_is_paused() {
    let mut job = Job::new(OnFailure::Stop, vec![all_of_first(2)]);
    job.apply(&Entry::JobPaused { job: JobId(1), on: true, by: String::new() });
    job.settle(0, 0, &[0, 1, 2]);
    assert_eq!(job.counts(1), (2, 0, 0));
    assert!(!job.ledger.jobs[&JobId(1)].is_ready(PhaseIndex(1)));
    job.apply(&Entry::JobPaused { job: JobId(1), on: false, by: String::new() });
    assert!(job.ledger.jobs[&JobId(1)].is_ready(PhaseIndex(1)));
}

#[test]
fn what_was_opened_again_is_told_phase_by_phase() {
    let mut job = Job::new(OnFailure::Continue, vec![all_of_first(2)]);
    job.settle(0, 0, &[0, 1]);
    job.reject(0, 0, 2);
    job.settle(1, 0, &[0]);
    job.reopen(0);
    let happened = job.ledger.jobs[&JobId(1)].history.since(0).map(|(_, event)| &event.happened);
    let reopened = happened.filter_map(|it| match it {
        Happened::Reopened { phase, count, .. } => Some((phase.0, *count)),
        _ => None,
    });
    assert_eq!(reopened.collect::<Vec<_>>(), [(0, 1), (1, 2)]);
}

#[test]
fn rounds_of_what_builds_on_others_are_counted_too() {
    let mut job = Job::new(OnFailure::Continue, vec![all_of_first(1)]);
    job.settle(0, 0, &[2]);
    // Two tasks take turns: each is opened again half as often as what builds on both.
    job.reject(0, 0, 0);
    job.reject(0, 0, 1);
    for round in 1..=63_u16 {
        let task = u32::from(round % 2);
        let tasks = vec![IndexRange { first: TaskIndex(task), count: 1 }];
        job.apply(&Entry::TasksReopened { phase: phase(0), tasks, why: String::new() });
        job.reject(0, round.div_ceil(2), task);
    }
    job.reopen(0);
    assert_eq!(job.out, [Applied::Refused(Refusal::RoundsUsedUp)]);
    assert_eq!(job.counts(0), (0, 1, 2));
}

#[test]
fn nobody_adds_tasks_that_follow_or_seals_their_phase() {
    let mut job = Job::new(OnFailure::Stop, vec![all_of_first(1)]);
    let (first, chunk) = (TaskIndex(0), ChunkRef::Count);
    job.apply(&Entry::TasksAdded { phase: phase(1), first, count: 1, chunk });
    assert_eq!(job.out, [Applied::Refused(Refusal::Derived)]);
    job.apply(&Entry::PhaseSealed { phase: phase(1) });
    assert_eq!(job.out, [Applied::Refused(Refusal::Derived)]);
}

#[test]
fn a_phase_that_waits_for_nobody_has_its_tasks_at_once() {
    let phases = vec![spec(0, OnFailure::Stop, rule(TaskCount::Fixed(2), &[]))];
    let spec = JobSpec { name: String::new(), fingerprint: 1, phases, memorandum: None };
    let mut ledger = Ledger::default();
    let mut out = Vec::new();
    ledger.apply(LogTime(1), &Entry::JobSubmitted { request: RequestId(1), spec }, &mut out);
    assert_eq!(ledger.phase(phase(0)).unwrap().counts.pending, 2);
    assert!(ledger.jobs[&JobId(1)].is_open());
}

#[test]
fn results_of_every_phase_are_kept_with_the_job() {
    let mut job = Job::new(OnFailure::Stop, vec![all_of_first(1)]);
    job.settle(0, 0, &[0, 1, 2]);
    let roots = job.ledger.roots(crate::ledger::RootCursor::default());
    assert_eq!(roots.manifests, [0, 1, 2].map(|task| made(0, task, 0)));
}
