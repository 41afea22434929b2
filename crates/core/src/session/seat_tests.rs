//! What a seat does, message by message.

use super::*;
use crate::ids::{BlobId, JobId, PhaseId, PhaseIndex, Round, TaskIndex};
use crate::session::AssignRun;
use crate::session::SlotIndex;

const PHASE: PhaseId = PhaseId { job: JobId(1), phase: PhaseIndex(0) };

fn attempt(counter: u64) -> AttemptId {
    AttemptId { epoch: Epoch(1), counter }
}

fn assign(first: u32, count: u32) -> ToWorker {
    ToWorker::Assign(vec![AssignRun {
        phase: PHASE,
        round: Round(0),
        first: TaskIndex(first),
        count,
        attempt: attempt(u64::from(first)),
    }])
}

fn seat(slots: u32) -> Seat {
    let name = WorkerName("w1".to_owned());
    let mut seat = Seat::new(name, Incarnation(1), true, slots, Vec::new());
    drive(&mut seat, SeatEvent::Connected);
    welcome(&mut seat, 1, vec![]);
    seat
}

fn drive(seat: &mut Seat, event: SeatEvent) -> Vec<SeatEffect> {
    let mut out = Vec::new();
    seat.on(Tick(0), event, &mut out);
    out
}

fn welcome(seat: &mut Seat, epoch: u32, keep: Vec<AttemptId>) -> Vec<SeatEffect> {
    welcome_by(seat, 1, epoch, keep)
}

fn welcome_by(seat: &mut Seat, cluster: u128, epoch: u32, keep: Vec<AttemptId>) -> Vec<SeatEffect> {
    let welcome = ToWorker::Welcome { cluster, epoch: Epoch(epoch), keep };
    drive(seat, SeatEvent::Message(welcome))
}

fn finished(slot: u32) -> SeatEvent {
    finished_after(slot, 30_000)
}

fn finished_after(slot: u32, took_us: u64) -> SeatEvent {
    SeatEvent::Finished { slot: SlotIndex(slot), ending: Ending::Succeeded(None), took_us }
}

fn started(effects: &[SeatEffect]) -> Vec<u64> {
    let start = |effect: &SeatEffect| match effect {
        SeatEffect::Start { assigned, .. } => Some(assigned.attempt.counter),
        _ => None,
    };
    effects.iter().filter_map(start).collect()
}

fn ended(effects: &[SeatEffect]) -> Vec<u64> {
    let runs = effects.iter().filter_map(|effect| match effect {
        SeatEffect::Send(ToMaster::Ended(runs)) => Some(runs),
        _ => None,
    });
    runs.flatten().map(|run| run.attempt.counter).collect()
}

#[test]
fn as_many_attempts_run_as_there_are_slots() {
    let mut seat = seat(2);
    assert_eq!(started(&drive(&mut seat, SeatEvent::Message(assign(0, 3)))), [0, 1]);
    let effects = drive(&mut seat, finished(0));
    assert_eq!(ended(&effects), [0]);
    assert_eq!(started(&effects), [2]);
}

fn made(slot: u32) -> SeatEvent {
    SeatEvent::Made { slot: SlotIndex(slot), took_us: 30_000 }
}

fn kept(counter: u64) -> SeatEvent {
    let ending = Ending::Succeeded(Some(BlobId::of(b"manifest")));
    SeatEvent::Kept { attempt: attempt(counter), ending }
}

#[test]
fn a_slot_goes_on_while_a_result_is_kept_and_nobody_hears_of_it_before() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 3)));
    let effects = drive(&mut seat, made(0));
    assert_eq!((started(&effects), ended(&effects)), (vec![1], vec![]));
    let effects = drive(&mut seat, made(0));
    assert_eq!((started(&effects), ended(&effects)), (vec![2], vec![]));
    assert_eq!((seat.open_count(), seat.held().len()), (3, 3), "they count until they are told");
    // In whatever order they become durable.
    assert_eq!(ended(&drive(&mut seat, kept(1))), [1]);
    assert_eq!(ended(&drive(&mut seat, kept(0))), [0]);
    assert_eq!(ended(&drive(&mut seat, kept(0))), [] as [u64; 0], "told once");
    assert_eq!((seat.open_count(), seat.held().len()), (1, 3));
}

#[test]
fn a_result_that_is_dropped_while_it_is_kept_is_never_told() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 2)));
    drive(&mut seat, made(0));
    drive(&mut seat, made(0));
    drive(&mut seat, SeatEvent::Disconnected);
    let hello = drive(&mut seat, SeatEvent::Connected);
    let SeatEffect::Send(ToMaster::Hello(hello)) = &hello[0] else { panic!("{hello:?}") };
    assert_eq!(hello.held.len(), 2);
    welcome(&mut seat, 2, vec![attempt(1)]);
    assert_eq!(ended(&drive(&mut seat, kept(0))), [] as [u64; 0]);
    assert!(!seat.is_idle());
    assert_eq!(ended(&drive(&mut seat, kept(1))), [1]);
    drive(&mut seat, SeatEvent::Message(ToWorker::EndedAck(vec![(attempt(1), 1)])));
    assert!(seat.is_idle());
}

#[test]
fn a_result_that_cannot_be_kept_is_a_failure_of_its_attempt() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 1)));
    drive(&mut seat, made(0));
    let ending = Ending::Failed(Failure::unavailable("store_unavailable", "no disk", ""));
    let effects = drive(&mut seat, SeatEvent::Kept { attempt: attempt(0), ending });
    let [SeatEffect::Send(ToMaster::Ended(runs))] = &effects[..] else { panic!("{effects:?}") };
    let EndedWith::Failure(failure) = &runs[0].with else { panic!("{runs:?}") };
    assert_eq!((failure.code.as_str(), failure.duration_us), ("store_unavailable", 30_000));
}

#[test]
fn what_ended_is_repeated_after_a_cut_until_it_is_acknowledged() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 1)));
    drive(&mut seat, SeatEvent::Disconnected);
    assert_eq!(ended(&drive(&mut seat, finished(0))), [] as [u64; 0]);
    let hello = drive(&mut seat, SeatEvent::Connected);
    let SeatEffect::Send(ToMaster::Hello(hello)) = &hello[0] else { panic!("{hello:?}") };
    assert_eq!(hello.held.len(), 1);
    assert_eq!(ended(&welcome(&mut seat, 1, vec![attempt(0)])), [0]);
    assert!(!seat.is_idle());
    drive(&mut seat, SeatEvent::Message(ToWorker::EndedAck(vec![(attempt(0), 1)])));
    assert!(seat.is_idle());
}

#[test]
fn what_the_master_does_not_keep_is_killed_and_never_answered() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 2)));
    drive(&mut seat, SeatEvent::Disconnected);
    drive(&mut seat, SeatEvent::Connected);
    let effects = welcome(&mut seat, 2, vec![]);
    assert!(effects.contains(&SeatEffect::Kill(SlotIndex(0))));
    assert_eq!(ended(&drive(&mut seat, finished(0))), [] as [u64; 0]);
    assert!(seat.is_idle());
}

#[test]
fn a_master_of_an_earlier_reign_is_refused() {
    let mut seat = seat(1);
    welcome(&mut seat, 5, vec![]);
    drive(&mut seat, SeatEvent::Connected);
    let effects = welcome(&mut seat, 4, vec![]);
    assert!(matches!(effects[..], [SeatEffect::Refused(_)]), "{effects:?}");
}

#[test]
fn epochs_of_another_cluster_do_not_compare() {
    let mut seat = seat(1);
    welcome(&mut seat, 5, vec![]);
    let accepted = [SeatEffect::Send(ToMaster::Credit(2))];
    assert_eq!(welcome_by(&mut seat, 2, 1, vec![]), accepted);
    assert_eq!(welcome(&mut seat, 5, vec![]), accepted);
    assert!(matches!(welcome(&mut seat, 4, vec![])[..], [SeatEffect::Refused(_)]));
    for cluster in 3..100 {
        welcome_by(&mut seat, cluster, 1, vec![]);
    }
    assert_eq!(seat.epochs.len(), SEAT_CLUSTER_COUNT_MAX);
}

#[test]
fn recalled_attempts_go_back_unless_they_run() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 3)));
    let recall = ToWorker::Recall(vec![attempt(0), attempt(2)]);
    let effects = drive(&mut seat, SeatEvent::Message(recall));
    assert_eq!(effects, [SeatEffect::Send(ToMaster::Returned(vec![attempt(2)]))]);
}

#[test]
fn a_cancelled_job_is_dropped_from_slots_and_queue() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 3)));
    let effects = drive(&mut seat, SeatEvent::Message(ToWorker::CancelJob(JobId(1))));
    assert_eq!(effects, [SeatEffect::Kill(SlotIndex(0))]);
    assert_eq!(started(&drive(&mut seat, finished(0))), [] as [u64; 0]);
    assert!(seat.is_idle());
}

#[test]
fn short_tasks_earn_credit_and_long_ones_the_least() {
    let mut seat = seat(1);
    let mut credits = Vec::new();
    for (index, took_us) in [100, 100, 50_000, 50_000, 50_000, 50_000].into_iter().enumerate() {
        let mut out = Vec::new();
        let first = u32::try_from(index).expect("small");
        seat.on(Tick(0), SeatEvent::Message(assign(first, 1)), &mut out);
        seat.on(Tick(took_us), finished_after(0, took_us), &mut out);
        credits.extend(out.into_iter().filter_map(|effect| match effect {
            SeatEffect::Send(ToMaster::Credit(credit)) => Some(credit),
            _ => None,
        }));
    }
    assert_eq!(credits, [200, 2]);
}

/// A seat that has measured tasks of 100 us: five go to a slot at once.
fn brisk_seat(slots: u32) -> Seat {
    let mut seat = seat(slots);
    drive(&mut seat, SeatEvent::Message(assign(0, 1)));
    drive(&mut seat, finished_after(0, 100));
    seat
}

#[test]
fn short_attempts_are_handed_over_together_and_shared_out() {
    let mut seat = brisk_seat(1);
    assert_eq!(started(&drive(&mut seat, SeatEvent::Message(assign(1, 9)))), [1, 2, 3, 4, 5]);
    for _ in 0..4 {
        assert_eq!(started(&drive(&mut seat, finished_after(0, 100))), [] as [u64; 0]);
    }
    assert_eq!(started(&drive(&mut seat, finished_after(0, 100))), [6, 7, 8, 9]);

    let mut seat = brisk_seat(2);
    let effects = drive(&mut seat, SeatEvent::Message(assign(1, 4)));
    let slots: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            SeatEffect::Start { slot, .. } => Some(slot.0),
            _ => None,
        })
        .collect();
    assert_eq!(slots, [0, 0, 1, 1]);
}

#[test]
fn what_lies_in_a_slot_is_held_and_killed_when_its_turn_comes() {
    let mut seat = brisk_seat(1);
    drive(&mut seat, SeatEvent::Message(assign(1, 3)));
    let recall = ToWorker::Recall(vec![attempt(2)]);
    assert_eq!(drive(&mut seat, SeatEvent::Message(recall)), [], "the slot has it");
    drive(&mut seat, SeatEvent::Disconnected);
    drive(&mut seat, SeatEvent::Connected);
    // The first is gone on with, the others are not.
    let effects = welcome(&mut seat, 1, vec![attempt(1)]);
    assert!(!effects.iter().any(|effect| matches!(effect, SeatEffect::Kill(_))), "{effects:?}");
    let effects = drive(&mut seat, finished_after(0, 100));
    assert_eq!(ended(&effects), [1]);
    assert!(effects.contains(&SeatEffect::Kill(SlotIndex(0))), "{effects:?}");
    let effects = drive(&mut seat, finished_after(0, 100));
    assert_eq!(effects, [SeatEffect::Kill(SlotIndex(0))]);
    assert_eq!(drive(&mut seat, finished_after(0, 100)), []);
    assert_eq!(seat.held().len(), 1, "the first, until it is acknowledged");
}

#[test]
fn a_failure_says_how_long_the_attempt_took() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 1)));
    let mut out = Vec::new();
    let ending = Ending::Failed(Failure::rejected("c", "cause", ""));
    seat.on(
        Tick(1_500),
        SeatEvent::Finished { slot: SlotIndex(0), ending, took_us: 1_400 },
        &mut out,
    );
    let took = out.iter().find_map(|effect| match effect {
        SeatEffect::Send(ToMaster::Ended(runs)) => match &runs[0].with {
            EndedWith::Failure(failure) => Some(failure.duration_us),
            EndedWith::Results(_) => None,
        },
        _ => None,
    });
    assert_eq!(took, Some(1_400));
}

#[test]
fn it_says_that_it_lives_twice_a_second() {
    let mut seat = seat(1);
    let mut out = Vec::new();
    let mut heartbeats = 0;
    for step in 0..30 {
        out.clear();
        seat.on(Tick(0).after_ms(step * 100), SeatEvent::Tick, &mut out);
        heartbeats += out.len();
    }
    assert_eq!(heartbeats, 5);
}

fn empty_run(first: u32, count: u32) -> EndedRun {
    let with = EndedWith::Results(Results::Empty(count));
    let attempt = attempt(u64::from(first));
    let busy_us = 5 * u64::from(count);
    EndedRun { phase: PHASE, round: Round(0), first: TaskIndex(first), attempt, with, busy_us }
}

#[test]
fn neighbours_that_ended_alike_are_one_run() {
    let mut run = empty_run(3, 2);
    assert_eq!(run.join(empty_run(5, 1)), None);
    assert_eq!(run, empty_run(3, 3));
    let manifest = EndedWith::Results(Results::Manifests(vec![BlobId::of(b"x")]));
    let other_attempt = EndedRun { attempt: attempt(9), ..empty_run(6, 1) };
    let other_round = EndedRun { round: Round(1), ..empty_run(6, 1) };
    let other_result = EndedRun { with: manifest, ..empty_run(6, 1) };
    for stranger in [empty_run(7, 1), other_attempt, other_round, other_result] {
        assert_eq!(run.join(stranger.clone()), Some(stranger));
    }
    assert_eq!(run, empty_run(3, 3));
}

#[test]
fn a_run_of_manifests_stays_within_its_bound() {
    let of = |first: u32, count: usize| EndedRun {
        with: EndedWith::Results(Results::Manifests(vec![BlobId::of(b"x"); count])),
        ..empty_run(first, 1)
    };
    let mut run = of(0, crate::limits::ENDED_RUN_TASK_COUNT_MAX - 1);
    let end = u32::try_from(crate::limits::ENDED_RUN_TASK_COUNT_MAX).expect("small");
    assert_eq!(run.join(of(end - 1, 1)), None);
    assert!(run.join(of(end, 1)).is_some());
}

#[test]
fn calls_are_passed_on_beside_the_tasks_and_only_of_a_master_that_has_welcomed() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 2)));
    let call = crate::CallId { epoch: Epoch(1), counter: 1 };
    let (operation, params) = ("factorial".to_owned(), crate::params::Params::default());
    let more = ToWorker::CallMore { call, taken_bytes: 1 };
    let calls = [ToWorker::Call { call, operation, params }, more, ToWorker::CallCancelled(call)];
    for message in calls.clone() {
        let passed = drive(&mut seat, SeatEvent::Message(message.clone()));
        assert_eq!(passed, [SeatEffect::Call(message)]);
    }
    drive(&mut seat, SeatEvent::Disconnected);
    for message in calls {
        assert_eq!(drive(&mut seat, SeatEvent::Message(message)), []);
    }
}

#[test]
fn a_withdrawn_operation_is_told_again_in_every_session_and_offered_in_none() {
    let offer = |operation: &str| Offer {
        operation: operation.to_owned(),
        version: 1,
        attempt_ms_max: 600_000,
        quiet_ms_max: Some(10_000),
    };
    let offers = vec![offer("image"), offer("text")];
    let mut seat = Seat::new(WorkerName("w1".to_owned()), Incarnation(1), true, 1, offers);
    drive(&mut seat, SeatEvent::Connected);
    welcome(&mut seat, 1, vec![]);
    let withdrawal = Withdrawal { operation: "image".to_owned(), cause: "it crashes".to_owned() };
    let told = SeatEffect::Send(ToMaster::Withdrawn(withdrawal.clone()));
    assert!(drive(&mut seat, SeatEvent::Withdrawn(withdrawal)).contains(&told));
    drive(&mut seat, SeatEvent::Disconnected);
    let hello = drive(&mut seat, SeatEvent::Connected);
    let [SeatEffect::Send(ToMaster::Hello(hello))] = hello.as_slice() else { panic!("{hello:?}") };
    assert_eq!(hello.offers, [offer("text")]);
    assert!(welcome(&mut seat, 1, vec![]).contains(&told));
}

/// Found by the simulator (seed 1795697803038894).
#[test]
fn an_attempt_that_came_back_unmade_before_the_welcome_goes_back() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 1)));
    drive(&mut seat, SeatEvent::Disconnected);
    drive(&mut seat, SeatEvent::Connected);
    let (slot, ending) = (SlotIndex(0), Ending::Unmade);
    drive(&mut seat, SeatEvent::Finished { slot, ending, took_us: 1 });
    let effects = welcome(&mut seat, 1, vec![attempt(0)]);
    assert!(effects.contains(&SeatEffect::Send(ToMaster::Returned(vec![attempt(0)]))));
}

#[test]
fn an_attempt_that_was_not_made_goes_back() {
    let mut seat = seat(1);
    drive(&mut seat, SeatEvent::Message(assign(0, 1)));
    let (slot, ending) = (SlotIndex(0), Ending::Unmade);
    let effects = drive(&mut seat, SeatEvent::Finished { slot, ending, took_us: 1 });
    assert!(effects.contains(&SeatEffect::Send(ToMaster::Returned(vec![attempt(0)]))));
    assert!(seat.is_idle());
}
