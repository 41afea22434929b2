//! What a scheduler does, event by event.

use super::*;
use crate::failure::{Failure, FailureKind};
use crate::ids::{PhaseIndex, RequestId, Round, TaskIndex};
use crate::ledger::{ChunkRef, IndexRange, JobSpec, OnFailure, Results};
use crate::scheduler::rig::{Cluster, PHASE, beat};
use crate::session::{EndedRun, EndedWith, Held, Running, Withdrawal};

#[path = "derived_tests.rs"]
mod derived;

#[test]
fn tasks_go_to_the_least_loaded_within_their_credit() {
    let mut cluster = Cluster::with_tasks(10);
    cluster.join(1, "a", vec![]);
    cluster.join(2, "b", vec![]);
    assert_eq!(cluster.assigned(1).len(), 2);
    assert_eq!(cluster.assigned(2).len(), 2);
    cluster.hear(1, ToMaster::Credit(4));
    assert_eq!(cluster.assigned(1).len(), 2);
}

#[test]
fn credit_returns_when_an_attempt_ends() {
    let mut cluster = Cluster::with_tasks(3);
    cluster.join(1, "a", vec![]);
    let first = cluster.assigned(1);
    cluster.succeed(1, first[0]);
    assert_eq!(cluster.assigned(1).len(), 1);
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 1);
}

#[test]
fn an_acknowledgement_follows_the_applied_entry() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    let task = cluster.assigned(1)[0];
    cluster.succeed(1, task);
    let acknowledged = ToWorker::EndedAck(vec![(task.1, 1)]);
    assert!(cluster.sent.contains(&(SessionId(1), acknowledged)));
}

#[test]
fn a_closed_connection_requeues_at_once_and_late_answers_are_worth_nothing() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    let task = cluster.assigned(1)[0];
    cluster.tell(Event::Closed(SessionId(1)));
    assert_eq!(cluster.lost_count(), 1);
    cluster.join(2, "b", vec![]);
    let again = cluster.assigned(2);
    assert_eq!(again[0].0, task.0);
    assert_ne!(again[0].1, task.1);
    // The old attempt's answer over a new connection: acknowledged so that it stops, not recorded.
    cluster.join(3, "a", vec![]);
    cluster.succeed(3, task);
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 0);
    assert!(cluster.sent.contains(&(SessionId(3), ToWorker::EndedAck(vec![(task.1, 1)]))));
    cluster.succeed(2, again[0]);
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 1);
}

#[test]
fn a_silent_worker_is_lost_after_its_lease() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    cluster.now = Tick(0).after_ms(LEASE_MS - 1);
    cluster.tell(Event::Tick);
    // Some thread of it answers calls, its seat says nothing.
    let call = crate::CallId { epoch: crate::Epoch(1), counter: 1 };
    let answer = Err(Failure::unavailable("c", "cause", ""));
    cluster.hear(1, ToMaster::CallAnswer { call, answer });
    assert_eq!(cluster.lost_count(), 0);
    assert_eq!(cluster.scheduler.next_deadline(), Some(Tick(0).after_ms(LEASE_MS)));
    cluster.now = Tick(0).after_ms(LEASE_MS);
    cluster.tell(Event::Tick);
    assert_eq!(cluster.lost_count(), 1);
}

#[test]
fn a_failed_attempt_is_retried_only_when_its_failure_is_applied() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    let task = cluster.assigned(1)[0];
    let crash = EndedWith::Failure(Failure::new(FailureKind::Crashed, "c", "cause", ""));
    cluster.end(1, task, crash);
    assert_eq!(cluster.assigned(1).len(), 1);
    let failed = |entry: &&Entry| matches!(entry, Entry::AttemptFailed { .. });
    assert_eq!(cluster.proposed.iter().filter(failed).count(), 1);
}

#[test]
fn what_is_unavailable_waits_before_it_is_tried_again() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    let task = cluster.assigned(1)[0];
    cluster.end(1, task, EndedWith::Failure(Failure::unavailable("c", "cause", "")));
    assert!(cluster.assigned(1).is_empty());
    let deadline = cluster.scheduler.next_deadline().expect("a pause ends");
    assert!(deadline >= Tick(0).after_ms(BACKOFF_MS_MIN / 2));
    cluster.now = deadline;
    cluster.tell(Event::Tick);
    assert_eq!(cluster.assigned(1).len(), 1);
}

#[test]
fn after_a_takeover_older_tasks_wait_for_the_workers_that_may_hold_them() {
    let mut before = Cluster::with_tasks(4);
    before.join(1, "a", vec![]);
    before.join(2, "b", vec![]);
    before.assigned(1);
    let held = before.assigned(2);
    before.record(Entry::Claim { epoch: Epoch(1), holder: String::new() });
    let mut after = Cluster::new(before.ledger.clone());
    after.join(3, "a", vec![]);
    assert!(after.assigned(3).is_empty());
    let task = PHASE.task(TaskIndex(held[0].0));
    after.join(4, "b", vec![Held { attempt: held[0].1, task, round: Round(0) }]);
    let keep = vec![held[0].1];
    let welcome = ToWorker::Welcome { cluster: 0, epoch: after.ledger.epoch, keep };
    assert!(after.sent.contains(&(SessionId(4), welcome)));
    assert_eq!(after.assigned(3).len() + after.assigned(4).len(), 3);
    after.succeed(4, held[0]);
    assert_eq!(after.ledger.phase(PHASE).expect("exists").counts.succeeded, 1);
}

/// Found by the simulator (seed 17 of its first version).
#[test]
fn an_attempt_recorded_as_lost_is_not_adopted_in_the_same_reign() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    let (index, attempt) = cluster.assigned(1)[0];
    cluster.tell(Event::Closed(SessionId(1)));
    let held = Held { attempt, task: PHASE.task(TaskIndex(index)), round: Round(0) };
    cluster.join(2, "a", vec![held]);
    let welcome = ToWorker::Welcome { cluster: 0, epoch: cluster.ledger.epoch, keep: vec![] };
    assert!(cluster.sent.contains(&(SessionId(2), welcome)));
}

/// Found by the fuzz target `session`: the second of them took the first one's place, and a task
/// was nobody's.
#[test]
fn an_attempt_is_adopted_once_and_only_from_an_earlier_reign() {
    let mut before = Cluster::with_tasks(3);
    before.join(1, "a", vec![]);
    let (_, attempt) = before.assigned(1)[0];
    before.record(Entry::Claim { epoch: Epoch(1), holder: String::new() });
    let mut after = Cluster::new(before.ledger.clone());
    let of_this_reign = AttemptId { epoch: Epoch(1), counter: 0 };
    let held =
        |index, attempt| Held { attempt, task: PHASE.task(TaskIndex(index)), round: Round(0) };
    after.join(2, "a", vec![held(0, attempt), held(1, attempt), held(2, of_this_reign)]);
    let welcome = ToWorker::Welcome { cluster: 0, epoch: Epoch(1), keep: vec![attempt] };
    assert!(after.sent.contains(&(SessionId(2), welcome)));
    after.succeed(2, (0, attempt));
    let assigned = after.assigned(2);
    assert_eq!(assigned.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
    assigned.into_iter().for_each(|task| after.succeed(2, task));
    assert_eq!(after.ledger.phase(PHASE).expect("exists").counts.succeeded, 3);
}

#[test]
fn after_a_takeover_older_tasks_wait_no_longer_than_a_lease() {
    let mut before = Cluster::with_tasks(1);
    before.join(1, "gone", vec![]);
    let mut after = Cluster::new(before.ledger.clone());
    after.now = Tick(0).after_ms(LEASE_MS);
    after.join(2, "b", vec![]);
    assert_eq!(after.assigned(2).len(), 1);
}

#[test]
fn waiting_attempts_are_recalled_for_an_idle_worker() {
    let mut cluster = Cluster::with_tasks(2);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    assert_eq!(held.len(), 2);
    cluster.join(2, "b", vec![]);
    assert!(cluster.sent.contains(&(SessionId(1), ToWorker::Recall(vec![held[1].1]))));
    cluster.hear(1, ToMaster::Returned(vec![held[1].1]));
    assert_eq!(cluster.assigned(2)[0].0, held[1].0);
}

#[test]
fn a_cancelled_job_is_taken_from_the_workers() {
    let mut cluster = Cluster::with_tasks(5);
    cluster.join(1, "a", vec![]);
    cluster.record(Entry::JobCancelled { job: JobId(1), why: String::new() });
    assert!(cluster.sent.contains(&(SessionId(1), ToWorker::CancelJob(JobId(1)))));
    assert_eq!(cluster.scheduler.stalls(cluster.now, &cluster.ledger), []);
    cluster.tell(Event::Closed(SessionId(1)));
    assert_eq!(cluster.lost_count(), 0);
}

#[test]
fn a_stranger_is_closed() {
    let mut cluster = Cluster::with_tasks(1);
    let mut out = Vec::new();
    let event = Event::Heard(SessionId(9), ToMaster::Credit(1));
    cluster.scheduler.on(Tick(0), &cluster.ledger, event, &mut out);
    assert_eq!(out, [Effect::Close(SessionId(9))]);
}

#[test]
fn nothing_is_handed_out_once_the_tenure_has_run_out() {
    let mut cluster = Cluster::with_tasks(8);
    cluster.scheduler.set_dispatch_until(Tick(100));
    cluster.now = Tick(99);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    assert_eq!(held.len(), 2);
    cluster.now = Tick(100);
    cluster.succeed(1, held[0]);
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 1);
    assert_eq!(cluster.assigned(1), []);
    cluster.scheduler.set_dispatch_until(Tick(200));
    cluster.tell(Event::Tick);
    assert_eq!(cluster.assigned(1).len(), 1);
}

#[test]
fn a_drained_worker_finishes_what_it_holds_and_gets_nothing_new() {
    let mut cluster = Cluster::with_tasks(8);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    let drained = |on| Entry::WorkerDrained { name: WorkerName("a".to_owned()), on };
    cluster.record(drained(true));
    held.into_iter().for_each(|task| cluster.succeed(1, task));
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 2);
    cluster.tell(Event::Closed(SessionId(1)));
    cluster.join(2, "a", vec![]);
    assert_eq!(cluster.assigned(1).len() + cluster.assigned(2).len(), 0);
    cluster.record(drained(false));
    assert_eq!(cluster.assigned(2).len(), 2);
}

#[test]
fn what_waits_at_a_drained_worker_goes_to_an_idle_one() {
    let mut cluster = Cluster::with_tasks(2);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    cluster.record(Entry::WorkerDrained { name: WorkerName("a".to_owned()), on: true });
    cluster.join(2, "b", vec![]);
    let recall = ToWorker::Recall(vec![held[1].1]);
    assert!(cluster.sent.contains(&(SessionId(1), recall)));
    cluster.hear(1, ToMaster::Returned(vec![held[1].1]));
    assert_eq!(cluster.assigned(2).len(), 1);
    assert_eq!(cluster.assigned(1), []);
}

#[test]
fn a_scheduler_holds_nothing_once_everything_has_ended() {
    let mut cluster = Cluster::with_tasks(2);
    cluster.join(1, "a", vec![]);
    assert!(cluster.scheduler.held_count() > 0);
    for task in cluster.assigned(1) {
        cluster.succeed(1, task);
    }
    assert_eq!(cluster.scheduler.held_count(), 0);
}

/// Found by the simulator (seed 167 of its second version).
#[test]
fn a_recall_is_forgotten_with_its_job() {
    let mut cluster = Cluster::with_tasks(2);
    cluster.join(1, "a", vec![]);
    cluster.join(2, "b", vec![]);
    assert!(cluster.sent.iter().any(|(_, message)| matches!(message, ToWorker::Recall(_))));
    cluster.record(Entry::JobCancelled { job: JobId(1), why: String::new() });
    assert_eq!(cluster.scheduler.held_count(), 0);
}

fn crash() -> EndedWith {
    EndedWith::Failure(Failure::new(FailureKind::Crashed, "c", "cause", ""))
}

#[test]
fn a_task_that_crashed_goes_to_another_worker_and_waits_for_it() {
    let mut cluster = Cluster::with_tasks(5);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    cluster.join(2, "b", vec![]);
    let busy = cluster.assigned(2);
    assert_eq!(busy.len(), 2, "no credit is left");
    cluster.end(1, held[0], crash());
    let others: Vec<u32> = cluster.assigned(1).iter().map(|(index, _)| *index).collect();
    assert!(!others.contains(&held[0].0), "{others:?}");
    assert_eq!(others.len(), 1, "others do not wait for it");
    cluster.succeed(2, busy[0]);
    assert_eq!(cluster.assigned(2)[0].0, held[0].0);
}

#[test]
fn a_crash_that_is_recorded_after_its_job_was_opened_again_counts_for_its_worker() {
    let mut cluster = Cluster::new(Ledger::default());
    cluster.add_tasks(2, OnFailure::Stop);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    cluster.join(2, "b", vec![]);
    cluster.hear(2, ToMaster::Credit(0));
    cluster.holds_back = true;
    let bad = EndedWith::Failure(Failure::rejected("bad", "it is bad", ""));
    cluster.end(1, held[0], bad);
    cluster.end(1, held[1], crash());
    let [.., rejected, crashed] = &cluster.proposed[..] else { panic!("two are proposed") };
    let (rejected, crashed) = (rejected.clone(), crashed.clone());
    cluster.record(rejected);
    assert!(!cluster.ledger.jobs[&JobId(1)].is_open(), "a failure stops it");
    let tasks = vec![IndexRange { first: TaskIndex(held[0].0), count: 1 }];
    cluster.record(Entry::TasksReopened { phase: PHASE, tasks, why: String::new() });
    cluster.record(crashed);
    let again: Vec<u32> = cluster.assigned(1).iter().map(|(index, _)| *index).collect();
    assert_eq!(again, [held[0].0], "the crash waits for the other worker");
}

#[test]
fn three_crashes_are_on_two_workers_where_there_are_two() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    cluster.join(2, "b", vec![]);
    let mut crashed_on = Vec::new();
    for _ in 0..3 {
        for session in [1, 2] {
            for task in cluster.assigned(session) {
                crashed_on.push(session);
                cluster.end(session, task, crash());
            }
        }
    }
    assert_eq!(crashed_on.len(), 3);
    assert_eq!(crashed_on[..2], [1, 2]);
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.failed, 1);
    assert_eq!(cluster.scheduler.held_count(), 0);
}

#[test]
fn a_task_that_crashed_stays_where_nobody_else_can_have_it() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    cluster.join(2, "b", vec![]);
    let task = cluster.assigned(1)[0];
    cluster.record(Entry::WorkerDrained { name: WorkerName("b".to_owned()), on: true });
    cluster.end(1, task, crash());
    assert_eq!(cluster.assigned(1).len(), 1);
}

#[test]
fn a_task_that_waits_for_another_worker_is_not_recalled_for_the_one_that_it_crashed() {
    let mut cluster = Cluster::with_tasks(3);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    cluster.join(2, "b", vec![]);
    cluster.assigned(2);
    cluster.end(1, held[0], crash());
    assert_eq!(cluster.assigned(2)[0].0, held[0].0, "it waits behind the one at work");
    cluster.sent.clear();
    cluster.succeed(1, held[1]);
    assert_eq!(cluster.sent.iter().filter(|(_, m)| matches!(m, ToWorker::Recall(_))).count(), 0);
}

#[test]
fn what_a_worker_withdraws_goes_to_the_others() {
    let mut cluster = Cluster::with_tasks(3);
    cluster.join(1, "a", vec![]);
    cluster.join(2, "b", vec![]);
    cluster.withdraw(1);
    assert_eq!(cluster.assigned(1), []);
    for _ in 0..3 {
        cluster.assigned(2).into_iter().for_each(|task| cluster.succeed(2, task));
    }
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 3);
    let views = cluster.scheduler.workers(cluster.now, &cluster.ledger);
    let (operation, cause) = ("noop".to_owned(), "20 crashes in a row".to_owned());
    assert_eq!(views[0].1.withdrawn, [Withdrawal { operation, cause }]);
}

#[test]
fn what_the_last_worker_withdraws_waits_where_another_may_come() {
    let mut cluster = Cluster::with_tasks(3);
    cluster.join(1, "a", vec![]);
    cluster.withdraw(1);
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.pending, 3);
    // Its next start offers it again.
    cluster.tell(Event::Closed(SessionId(1)));
    cluster.join(2, "a", vec![]);
    assert_eq!(cluster.assigned(2).len(), 2);
}

/// Found by the simulator (seed 4321).
#[test]
fn what_a_worker_withdraws_before_it_is_recorded_as_joined_waits() {
    let mut cluster = Cluster::with_tasks(3);
    cluster.holds_back = true;
    cluster.join(1, "a", vec![]);
    let known_count = cluster.proposed.len();
    cluster.withdraw(1);
    assert_eq!(cluster.proposed[known_count..], []);
}

#[test]
fn what_the_last_worker_of_this_process_withdraws_ends() {
    let mut cluster = Cluster::with_tasks(3_000);
    cluster.join_as(1, "a", true, vec![]);
    let held = cluster.assigned(1);
    cluster.end(1, held[0], crash());
    cluster.withdraw(1);
    let phase = cluster.ledger.phase(PHASE).expect("exists");
    assert_eq!((phase.counts.pending, phase.counts.failed), (1, 2_999));
    let failure = &phase.tasks.failure(TaskIndex(7)).expect("failed").failure;
    assert_eq!(failure.code, "operation_withdrawn");
    assert!(failure.cause.ends_with("withdrawn after 20 crashes in a row"), "{}", failure.cause);
    // The one that was still in its slot comes back later.
    cluster.hear(1, ToMaster::Returned(vec![held[1].1]));
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.failed, 3_000);
    assert_eq!(cluster.scheduler.held_count(), 0);
}

fn paused(on: bool) -> Entry {
    Entry::JobPaused { job: JobId(1), on, by: "ada".to_owned() }
}

#[test]
fn of_a_paused_job_nothing_begins_and_what_runs_ends() {
    let mut cluster = Cluster::with_tasks(8);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    cluster.record(paused(true));
    // The worker returns what it has not begun.
    let recall = ToWorker::Recall(held.iter().map(|(_, attempt)| *attempt).collect());
    assert!(cluster.sent.contains(&(SessionId(1), recall)));
    cluster.hear(1, ToMaster::Returned(vec![held[1].1]));
    cluster.succeed(1, held[0]);
    cluster.join(2, "b", vec![]);
    assert_eq!(cluster.assigned(1).len() + cluster.assigned(2).len(), 0);
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 1);
    cluster.record(paused(false));
    assert_eq!(cluster.assigned(1).len() + cluster.assigned(2).len(), 4);
}

#[test]
fn a_pause_outlives_its_master() {
    let mut before = Cluster::with_tasks(4);
    before.join(1, "a", vec![]);
    let (index, attempt) = before.assigned(1)[0];
    before.record(paused(true));
    before.record(Entry::Claim { epoch: Epoch(1), holder: String::new() });
    let mut cluster = Cluster::new(before.ledger);
    let held = Held { attempt, task: PHASE.task(TaskIndex(index)), round: Round(0) };
    cluster.join(1, "a", vec![held]);
    // What it may have begun is its own to end; what it has not begun comes back.
    assert!(cluster.sent.contains(&(SessionId(1), ToWorker::Recall(vec![attempt]))));
    cluster.tell(Event::Tick);
    assert_eq!(cluster.assigned(1), []);
    cluster.succeed(1, (index, attempt));
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 1);
}

#[test]
fn a_paused_job_keeps_nobody_from_moving_another_ones_tasks() {
    let mut cluster = Cluster::with_tasks(2);
    let spec = cluster.ledger.jobs[&JobId(1)].phases[0].spec.clone();
    let spec =
        JobSpec { name: String::new(), fingerprint: 0, phases: vec![spec], memorandum: None };
    cluster.record(Entry::JobSubmitted { request: RequestId(2), spec });
    let phase = PhaseId { job: JobId(2), phase: PhaseIndex(0) };
    cluster.record(Entry::JobPaused { job: JobId(2), on: true, by: String::new() });
    let (first, chunk) = (TaskIndex(0), ChunkRef::Count);
    cluster.record(Entry::TasksAdded { phase, first, count: 5, chunk });
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    assert_eq!(held.len(), 2);
    cluster.join(2, "b", vec![]);
    assert!(cluster.sent.contains(&(SessionId(1), ToWorker::Recall(vec![held[1].1]))));
}

fn reopened() -> Entry {
    let tasks = vec![IndexRange { first: TaskIndex(0), count: u32::MAX }];
    Entry::TasksReopened { phase: PHASE, tasks, why: String::new() }
}

fn rejected() -> EndedWith {
    EndedWith::Failure(Failure::rejected("bad", "it is bad", ""))
}

#[test]
fn what_a_stopped_job_had_waiting_waits_again_once_it_is_opened_again() {
    let mut cluster = Cluster::new(Ledger::default());
    cluster.add_tasks(5, OnFailure::Stop);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    assert_eq!(held.len(), 2);
    cluster.end(1, held[0], rejected());
    assert!(!cluster.ledger.jobs[&JobId(1)].is_open());
    cluster.assigned(1);
    cluster.record(reopened());
    cluster.hear(1, ToMaster::Credit(8));
    let mut again: Vec<u32> = cluster.assigned(1).iter().map(|(task, _)| *task).collect();
    again.sort_unstable();
    assert_eq!(again, [0, 1, 2, 3, 4]);
}

#[test]
fn a_result_that_comes_after_its_stopped_job_was_opened_again_is_not_made_twice() {
    let mut cluster = Cluster::new(Ledger::default());
    cluster.add_tasks(3, OnFailure::Stop);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    cluster.hear(1, ToMaster::Credit(0));
    cluster.holds_back = true;
    cluster.end(1, held[0], rejected());
    cluster.succeed(1, held[1]);
    let proposed = cluster.proposed.split_off(cluster.proposed.len() - 2);
    cluster.record(proposed[0].clone());
    assert!(!cluster.ledger.jobs[&JobId(1)].is_open());
    cluster.record(reopened());
    cluster.hear(1, ToMaster::Credit(8));
    let mut again: Vec<u32> = cluster.assigned(1).iter().map(|(task, _)| *task).collect();
    again.sort_unstable();
    assert_eq!(again, [0, 2], "what is about to be recorded is made already");
    cluster.record(proposed[1].clone());
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 1);
}

/// The loss of its worker is recorded when the job has stopped and goes on already.
#[test]
fn a_task_that_is_lost_and_whose_job_is_opened_again_waits_once() {
    let mut cluster = Cluster::new(Ledger::default());
    for (session, name) in [(1, "a"), (2, "b")] {
        cluster.join(session, name, vec![]);
        cluster.hear(session, ToMaster::Credit(1));
    }
    cluster.add_tasks(2, OnFailure::Stop);
    let (a, b) = (cluster.assigned(1), cluster.assigned(2));
    assert_eq!([a.len(), b.len()], [1, 1]);
    cluster.holds_back = true;
    cluster.end(1, a[0], rejected());
    cluster.tell(Event::Closed(SessionId(2)));
    cluster.hear(1, ToMaster::Credit(0));
    let proposed: Vec<Entry> = cluster.proposed.split_off(cluster.proposed.len() - 2);
    cluster.record(proposed[0].clone());
    cluster.record(reopened());
    cluster.record(proposed[1].clone());
    cluster.hear(1, ToMaster::Credit(8));
    assert_eq!(cluster.assigned(1).len(), 2);
}

#[test]
fn a_worker_ends_no_more_than_it_holds_and_has_no_more_at_work_than_slots() {
    let mut cluster = Cluster::with_tasks(2);
    cluster.join(1, "a", vec![]);
    let held = cluster.assigned(1);
    let (first, attempt) = (TaskIndex(held[0].0), held[0].1);
    let with = EndedWith::Results(Results::Empty(u32::MAX));
    let run = EndedRun { phase: PHASE, round: Round(0), first, attempt, with, busy_us: 1 };
    cluster.hear(1, ToMaster::Ended(vec![run]));
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 0);
    held.iter().for_each(|task| cluster.succeed(1, *task));
    assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 2);
    let task = PHASE.task(first);
    let running = |slot| Running { slot, attempt, task, elapsed_ms: 1, quiet_ms: 1 };
    cluster.hear(1, beat((0..9).map(running).collect()));
    let workers = cluster.scheduler.workers(cluster.now, &cluster.ledger);
    assert_eq!(workers[0].1.running.len(), 1);
}
