//! What entries do to a ledger, and what they must not do.

use super::*;
use crate::failure::{Failure, FailureKind};
use crate::ids::AttemptId;
use crate::ledger::{CLUSTER_VERSION, JobState, OnFailure, Paused, PhaseSpec, Results, SettledRun};
use crate::limits::TASK_WORKER_LOST_COUNT_MAX;
use crate::{Incarnation, params::Params};

const REQUEST: RequestId = RequestId(1);
const PHASE: PhaseId = PhaseId { job: JobId(1), phase: PhaseIndex(0) };
const ATTEMPT: AttemptId = AttemptId { epoch: Epoch(1), counter: 1 };

fn phase_spec(after: &[u16], on_failure: OnFailure) -> PhaseSpec {
    PhaseSpec {
        operation: "noop".to_owned(),
        version: 1,
        params: Params::default(),
        after: after.iter().map(|index| PhaseIndex(*index)).collect(),
        on_failure,
        fresh: false,
        derived: None,
    }
}

fn submitted(phases: Vec<PhaseSpec>) -> Entry {
    let spec = JobSpec { name: "job".to_owned(), fingerprint: 1, phases, memorandum: None };
    Entry::JobSubmitted { request: REQUEST, spec }
}

fn added(phase: PhaseId, first: u32, count: u32) -> Entry {
    Entry::TasksAdded { phase, first: TaskIndex(first), count, chunk: ChunkRef::Count }
}

fn settled(phase: PhaseId, round: u16, first: u32, count: u32) -> Entry {
    let results = Results::Empty(count);
    let first = TaskIndex(first);
    let run = SettledRun { phase, round: Round(round), first, attempt: ATTEMPT, results };
    Entry::TasksSettled { runs: vec![run] }
}

fn failed(phase: PhaseId, round: u16, index: u32, kind: FailureKind) -> Entry {
    let failure = Failure::new(kind, "code", "cause", "");
    let task = phase.task(TaskIndex(index));
    Entry::AttemptFailed { task, round: Round(round), attempt: ATTEMPT, failure, worker: None }
}

fn reopened(phase: PhaseId, first: u32, count: u32) -> Entry {
    let tasks = vec![IndexRange { first: TaskIndex(first), count }];
    Entry::TasksReopened { phase, tasks, why: "asked".to_owned() }
}

/// A ledger after these entries, one second apart, and what the last one did.
fn after(entries: &[Entry]) -> (Ledger, Vec<Applied>) {
    let mut ledger = Ledger::default();
    let mut out = Vec::new();
    for (second, entry) in entries.iter().enumerate() {
        out.clear();
        ledger.apply(LogTime(second as u64 * 1_000), entry, &mut out);
    }
    (ledger, out)
}

fn one_phase(count: u32) -> Vec<Entry> {
    vec![
        submitted(vec![phase_spec(&[], OnFailure::Continue)]),
        added(PHASE, 0, count),
        Entry::PhaseSealed { phase: PHASE },
    ]
}

#[test]
fn a_job_ends_with_its_last_task() {
    let mut entries = one_phase(3);
    entries.extend([settled(PHASE, 0, 0, 2), settled(PHASE, 0, 2, 1)]);
    let (ledger, out) = after(&entries);
    assert_eq!(ledger.jobs[&JobId(1)].state, JobState::Ended(Outcome::Succeeded));
    assert!(out.contains(&Applied::JobEnded { job: JobId(1), outcome: Outcome::Succeeded }));
}

#[test]
fn a_round_has_one_outcome() {
    let mut entries = one_phase(2);
    entries.extend([settled(PHASE, 0, 0, 1), settled(PHASE, 0, 0, 1)]);
    let (ledger, out) = after(&entries);
    assert_eq!(out, vec![Applied::Refused(Refusal::NotOpen)]);
    assert_eq!(ledger.jobs[&JobId(1)].counts().succeeded, 1);
}

#[test]
fn an_answer_of_an_earlier_round_is_refused() {
    let mut entries = one_phase(2);
    entries.extend([
        failed(PHASE, 0, 0, FailureKind::Rejected),
        reopened(PHASE, 0, 2),
        settled(PHASE, 0, 0, 1),
    ]);
    assert_eq!(after(&entries).1, vec![Applied::Refused(Refusal::NotOpen)]);
}

#[test]
fn a_repeated_request_gets_the_same_job() {
    let mut entries = one_phase(1);
    entries.push(submitted(Vec::new()));
    let (ledger, out) = after(&entries);
    assert_eq!(out, vec![Applied::JobSubmitted { job: JobId(1), fresh: false }]);
    assert_eq!(ledger.jobs.len(), 1);
}

#[test]
fn tasks_are_the_next_ones_or_refused() {
    let mut entries = one_phase(2);
    entries.truncate(2);
    for wrong in [added(PHASE, 1, 1), added(PHASE, 3, 1), added(PHASE, 2, 0)] {
        entries.push(wrong);
        assert_eq!(after(&entries).1, vec![Applied::Refused(Refusal::NotNext)]);
        entries.pop();
    }
    entries.push(added(PHASE, 2, u32::MAX));
    assert_eq!(after(&entries).1, vec![Applied::Refused(Refusal::NotNext)]);
}

#[test]
fn crashes_are_retried_until_quarantine_and_rejections_never() {
    let crash = failed(PHASE, 0, 0, FailureKind::Crashed);
    let mut entries = one_phase(1);
    entries.extend([crash.clone(), crash.clone()]);
    let waits =
        Applied::TaskWaits { task: PHASE.task(TaskIndex(0)), round: Round(0), backoff: false };
    assert_eq!(after(&entries).1, vec![waits]);
    entries.push(crash);
    assert_eq!(after(&entries).0.jobs[&JobId(1)].state, JobState::Ended(Outcome::Failed));

    let mut entries = one_phase(1);
    entries.push(failed(PHASE, 0, 0, FailureKind::Rejected));
    let (ledger, _) = after(&entries);
    let phase = ledger.phase(PHASE).expect("exists");
    assert_eq!(phase.tasks.failure(TaskIndex(0)).expect("it failed").attempt_count, 1);
    assert_eq!(phase.counts.failed, 1);
}

#[test]
fn what_is_unavailable_is_tried_for_an_hour() {
    let away = failed(PHASE, 0, 0, FailureKind::Unavailable);
    let mut ledger = after(&one_phase(1)).0;
    let mut out = Vec::new();
    for minute in 0..60 {
        ledger.apply(LogTime(10_000 + minute * 60_000), &away, &mut out);
    }
    assert!(ledger.jobs[&JobId(1)].is_open());
    ledger.apply(LogTime(10_000 + 3_600_000), &away, &mut out);
    assert_eq!(ledger.jobs[&JobId(1)].state, JobState::Ended(Outcome::Failed));
}

#[test]
fn what_was_away_is_as_far_from_quarantine_as_any_other() {
    let raised = Entry::VersionRaised { version: CLUSTER_VERSION };
    let away = failed(PHASE, 0, 0, FailureKind::Unavailable);
    let crash = failed(PHASE, 0, 0, FailureKind::Crashed);
    let mut entries = vec![raised];
    entries.extend(one_phase(1));
    entries.extend([away.clone(), away.clone(), crash.clone(), away, crash.clone()]);
    let (ledger, _) = after(&entries);
    let phase = ledger.phase(PHASE).expect("exists");
    assert_eq!(phase.counts.pending, 1);
    assert_eq!(phase.tasks.failure(TaskIndex(0)).expect("it failed").attempt_count, 5);
    entries.push(crash);
    assert_eq!(after(&entries).0.phase(PHASE).expect("exists").counts.failed, 1);
}

#[test]
fn lost_workers_have_a_limit_of_their_own() {
    let task = PHASE.task(TaskIndex(0));
    let worker = WorkerName("w".to_owned());
    let lost = Entry::WorkerLost { task, round: Round(0), attempt: ATTEMPT, worker };
    let mut entries = one_phase(1);
    entries.extend(std::iter::repeat_n(lost, usize::from(TASK_WORKER_LOST_COUNT_MAX)));
    assert_eq!(after(&entries).0.phase(PHASE).expect("exists").counts.failed, 1);
    entries.pop();
    assert_eq!(after(&entries).0.phase(PHASE).expect("exists").counts.pending, 1);
}

#[test]
fn reopening_opens_only_what_failed_and_the_job_with_it() {
    let mut entries = one_phase(2);
    entries.extend([
        settled(PHASE, 0, 1, 1),
        failed(PHASE, 0, 0, FailureKind::Rejected),
        reopened(PHASE, 0, u32::MAX),
    ]);
    let (ledger, out) = after(&entries);
    let task = PHASE.task(TaskIndex(0));
    let task_reopened = Applied::TaskReopened { task, round: Round(1) };
    assert_eq!(out, vec![task_reopened, Applied::JobReopened(JobId(1))]);
    assert!(ledger.jobs[&JobId(1)].is_open());
    entries.push(settled(PHASE, 1, 0, 1));
    assert_eq!(after(&entries).0.jobs[&JobId(1)].state, JobState::Ended(Outcome::Succeeded));
}

#[test]
fn phases_wait_and_a_stopping_phase_stops_the_job() {
    let chained = vec![phase_spec(&[], OnFailure::Stop), phase_spec(&[0], OnFailure::Continue)];
    let second = PhaseId { phase: PhaseIndex(1), ..PHASE };
    let mut entries = vec![
        submitted(chained),
        added(PHASE, 0, 2),
        added(second, 0, 1),
        Entry::PhaseSealed { phase: PHASE },
    ];
    let (ledger, _) = after(&entries);
    assert!(!ledger.jobs[&JobId(1)].is_ready(PhaseIndex(1)));
    entries.push(settled(PHASE, 0, 0, 2));
    assert!(after(&entries).0.jobs[&JobId(1)].is_ready(PhaseIndex(1)));
    entries.pop();
    entries.push(failed(PHASE, 0, 0, FailureKind::Rejected));
    assert_eq!(after(&entries).0.jobs[&JobId(1)].state, JobState::Ended(Outcome::Failed));
}

#[test]
fn a_graph_out_of_order_is_refused() {
    let (_, out) = after(&[submitted(vec![phase_spec(&[0], OnFailure::Stop)])]);
    assert_eq!(out, vec![Applied::Refused(Refusal::BadGraph)]);
}

#[test]
fn a_cancelled_job_takes_no_more_answers() {
    let mut entries = one_phase(1);
    entries.push(Entry::JobCancelled { job: JobId(1), why: "asked".to_owned() });
    entries.push(settled(PHASE, 0, 0, 1));
    assert_eq!(after(&entries).1, vec![Applied::Refused(Refusal::JobEnded)]);
}

#[test]
fn a_claim_is_the_next_epoch_and_forgets_workers_that_died_with_the_process() {
    let join = |name: &str, in_process| Entry::WorkerJoined {
        name: WorkerName(name.to_owned()),
        incarnation: Incarnation(1),
        in_process,
    };
    let claim = |epoch| Entry::Claim { epoch: Epoch(epoch), holder: "test".to_owned() };
    let (ledger, out) =
        after(&[claim(1), join("inside", true), join("outside", false), claim(2), claim(2)]);
    assert_eq!(out, vec![Applied::Refused(Refusal::EpochNotNext)]);
    assert_eq!(ledger.epoch, Epoch(2));
    assert_eq!(ledger.workers.len(), 1);
}

#[test]
fn a_drained_worker_stays_drained_when_it_starts_again() {
    let name = WorkerName("w".to_owned());
    let joined = |incarnation| Entry::WorkerJoined {
        name: WorkerName("w".to_owned()),
        incarnation: Incarnation(incarnation),
        in_process: false,
    };
    let drained = |on| Entry::WorkerDrained { name: WorkerName("w".to_owned()), on };
    let (ledger, out) = after(&[drained(true)]);
    assert_eq!(out, vec![Applied::Refused(Refusal::UnknownWorker)]);
    assert!(ledger.workers.is_empty());
    let (ledger, _) = after(&[joined(1), drained(true), joined(2)]);
    assert!(ledger.workers[&name].draining);
    let (ledger, out) = after(&[joined(1), drained(true), drained(false)]);
    assert_eq!(out, vec![Applied::WorkerDrained(name.clone(), false)]);
    assert!(!ledger.workers[&name].draining);
}

#[test]
fn entries_about_unknown_things_change_nothing() {
    let before = after(&one_phase(1)).0;
    let strange = PhaseId { job: JobId(9), phase: PhaseIndex(9) };
    let wrong_phase = PhaseId { phase: PhaseIndex(9), ..PHASE };
    for phase in [strange, wrong_phase] {
        for entry in [
            added(phase, 0, 1),
            settled(phase, 0, u32::MAX, 3),
            failed(phase, 0, 0, FailureKind::Crashed),
            reopened(phase, 5, 5),
            Entry::PhaseSealed { phase },
        ] {
            let mut ledger = before.clone();
            ledger.apply(LogTime(0), &entry, &mut Vec::new());
            assert_eq!(ledger, before, "{entry:?}");
        }
    }
    let mut ledger = before.clone();
    ledger.apply(LogTime(0), &settled(PHASE, 0, u32::MAX, 3), &mut Vec::new());
    assert_eq!(ledger, before);
}

#[test]
fn tokens_are_added_once_and_revoked_once() {
    let id = TokenId(5);
    let added = |at| {
        let (hash, name, expires_at) = ([1; 32], String::new(), LogTime(at));
        Entry::TokenAdded { id, hash, role: crate::tokens::Role::Client, name, expires_at }
    };
    let revoked = Entry::TokenRevoked { id };
    let (ledger, out) = after(&[added(9_000)]);
    assert_eq!(out, [Applied::TokensChanged]);
    assert!(ledger.tokens.shown(id, &[1; 32], LogTime(8_999)).is_ok());
    assert_eq!(after(&[added(0)]).1, [Applied::Refused(Refusal::BadToken)]);
    assert_eq!(after(&[added(9_000), added(9_000)]).1, [Applied::Refused(Refusal::BadToken)]);
    let (ledger, out) = after(&[added(9_000), revoked.clone()]);
    assert_eq!(out, [Applied::TokensChanged]);
    assert!(ledger.tokens.held(id).is_err());
    let again = after(&[added(9_000), revoked.clone(), revoked.clone()]).1;
    assert_eq!(again, [Applied::Refused(Refusal::UnknownToken)]);
    assert_eq!(after(&[revoked]).1, [Applied::Refused(Refusal::UnknownToken)]);
}

fn paused(on: bool, by: &str) -> Entry {
    Entry::JobPaused { job: JobId(1), on, by: by.to_owned() }
}

#[test]
fn a_paused_job_is_not_ready_until_it_is_resumed() {
    let mut entries = one_phase(3);
    entries.extend([paused(true, "ada"), paused(true, "bob")]);
    let (ledger, out) = after(&entries);
    assert_eq!(out, [Applied::JobPaused(JobId(1), true)]);
    let job = &ledger.jobs[&JobId(1)];
    assert!(!job.is_ready(PhaseIndex(0)));
    let ada = Paused { since: LogTime(3_000), by: "ada".to_owned() };
    assert_eq!(job.paused, Some(ada), "who was first counts");
    // What runs meanwhile settles.
    entries.push(settled(PHASE, 0, 0, 2));
    assert_eq!(after(&entries).0.jobs[&JobId(1)].counts().succeeded, 2);
    entries.push(paused(false, "bob"));
    assert!(after(&entries).0.jobs[&JobId(1)].is_ready(PhaseIndex(0)));
}

#[test]
fn the_end_of_a_job_ends_its_pause() {
    for last in
        [settled(PHASE, 0, 0, 1), Entry::JobCancelled { job: JobId(1), why: "asked".to_owned() }]
    {
        let mut entries = one_phase(1);
        entries.extend([paused(true, "ada"), last]);
        assert_eq!(after(&entries).0.jobs[&JobId(1)].paused, None);
        entries.push(paused(true, "ada"));
        assert_eq!(after(&entries).1, [Applied::Refused(Refusal::JobEnded)]);
    }
}

#[test]
fn what_happened_to_a_job_is_kept_in_order() {
    let mut entries = vec![Entry::VersionRaised { version: 1 }];
    entries.extend(one_phase(2));
    let task = PHASE.task(TaskIndex(1));
    let failure = Failure::new(FailureKind::TimedOut, "slow", "took too long", "Wait.");
    let worker = Some(WorkerName("w1".to_owned()));
    entries.extend([
        Entry::AttemptFailed { task, round: Round(0), attempt: ATTEMPT, failure, worker },
        paused(true, "ada"),
        paused(false, "bob"),
        failed(PHASE, 0, 1, FailureKind::Rejected),
        settled(PHASE, 0, 0, 1),
        reopened(PHASE, 0, 2),
        Entry::JobCancelled { job: JobId(1), why: "asked".to_owned() },
    ]);
    let (ledger, _) = after(&entries);
    let told: Vec<String> = ledger.jobs[&JobId(1)]
        .history
        .since(0)
        .map(|(_, event)| match &event.happened {
            Happened::AttemptFailed { worker, failure, attempt_count, is_last, .. } => {
                let worker = worker.as_ref().map_or("-", |worker| &worker.0);
                format!("{worker} {} {attempt_count} {is_last}", failure.cause)
            }
            Happened::Paused { by } => format!("paused by {by}"),
            Happened::Resumed { by } => format!("resumed by {by}"),
            Happened::Ended { outcome, succeeded, failed, why } => {
                format!("{outcome:?} {succeeded} {failed} {why}")
            }
            Happened::Reopened { count, why, .. } => format!("reopened {count} {why}"),
            Happened::PhaseEnded { .. } => "a phase ended".to_owned(),
        })
        .collect();
    assert_eq!(
        told,
        [
            "w1 took too long 1 false",
            "paused by ada",
            "resumed by bob",
            "- cause 2 true",
            "Failed 1 1 ",
            "reopened 1 asked",
            "Cancelled 1 0 asked",
        ]
    );
}

/// The digests that earlier builds announced would not be found again otherwise.
#[test]
fn what_apply_does_anew_begins_where_the_log_says_so() {
    let raised = Entry::VersionRaised { version: CLUSTER_VERSION };
    let mut entries = one_phase(3);
    entries.extend([failed(PHASE, 0, 0, FailureKind::Rejected), paused(true, "ada")]);
    let happened = |entries: &[Entry]| after(entries).0.jobs[&JobId(1)].history.count();
    assert_eq!(happened(&entries), 0);
    entries.extend([raised.clone(), paused(false, "bob")]);
    assert_eq!(happened(&entries), 1);
    entries.push(raised);
    assert_eq!(after(&entries).1, [Applied::Refused(Refusal::VersionNotHigher)]);
}
