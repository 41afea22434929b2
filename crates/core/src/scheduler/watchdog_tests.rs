//! Every reason, read aloud.

use super::super::rig::{Cluster, PHASE, beat};
use super::*;
use crate::failure::Failure;
use crate::ids::{JobId, TaskIndex};
use crate::ledger::Entry;
use crate::limits::BACKOFF_MS_MAX;
use crate::scheduler::{Event, SessionId};
use crate::session::EndedWith;

fn told(cluster: &Cluster) -> Vec<String> {
    let stalls = cluster.scheduler.stalls(cluster.now, &cluster.ledger);
    stalls.iter().map(Stall::line).collect()
}

fn at_ms(cluster: &mut Cluster, ms: u64) {
    cluster.now = Tick(0).after_ms(ms);
}

#[test]
fn what_moves_is_not_mentioned() {
    let mut cluster = Cluster::with_tasks(2);
    cluster.join(1, "a", vec![]);
    assert_eq!(told(&cluster), Vec::<String>::new());
}

#[test]
fn no_worker_at_all() {
    assert_eq!(
        told(&Cluster::with_tasks(12)),
        ["12 tasks wait: no worker is connected; `windlass worker --join HOST:PORT` brings one"]
    );
    assert!(told(&Cluster::with_tasks(1))[0].starts_with("1 task waits: "));
}

#[test]
fn of_one_job_only_what_holds_it_is_told() {
    let cluster = Cluster::with_tasks(12);
    let of = |job| cluster.scheduler.stalls_of(cluster.now, &cluster.ledger, Some(job)).len();
    assert_eq!((of(PHASE.job), of(JobId(PHASE.job.0 + 1))), (1, 0));
}

#[test]
fn no_worker_that_offers_it() {
    let mut cluster = Cluster::with_tasks(3);
    cluster.join_offering(1, "a", "ocr");
    assert_eq!(
        told(&cluster),
        ["3 tasks wait: no connected worker offers noop; start a worker that offers it"]
    );
}

#[test]
fn an_operation_that_was_withdrawn() {
    let mut cluster = Cluster::with_tasks(3);
    cluster.join(1, "a", vec![]);
    cluster.withdraw(1);
    assert_eq!(
        told(&cluster),
        [
            "3 tasks wait: no connected worker offers noop: withdrawn after 20 crashes in a row; mend \
          the cause and restart the worker"
        ]
    );
}

#[test]
fn everybody_drained() {
    let mut cluster = Cluster::with_tasks(9);
    cluster.join(1, "a", vec![]);
    cluster.join(2, "b", vec![]);
    for name in ["a", "b"] {
        let name = WorkerName(name.to_owned());
        cluster.record(Entry::WorkerDrained { name, on: true });
    }
    assert_eq!(
        told(&cluster),
        ["5 tasks wait: every worker that offers noop is drained (a, b); `windlass worker resume \
          a`, or start another worker"]
    );
}

#[test]
fn all_slots_at_work() {
    let mut cluster = Cluster::with_tasks(9);
    cluster.join(1, "a", vec![]);
    assert_eq!(
        told(&cluster),
        [
            "7 tasks wait for noop: all that take it are at work (1 slot of a); more workers or slots \
          make it faster"
        ]
    );
    cluster.join(2, "b", vec![]);
    assert!(told(&cluster)[0].contains("(2 slots of 2 workers)"), "{:?}", told(&cluster));
}

#[test]
fn workers_of_the_reign_before_are_waited_for() {
    let mut before = Cluster::with_tasks(4);
    before.join(1, "a", vec![]);
    before.join(2, "b", vec![]);
    let mut after = Cluster::new(before.ledger);
    at_ms(&mut after, 1_100);
    after.join(3, "b", vec![]);
    assert_eq!(
        told(&after),
        ["4 tasks wait up to 2 s for workers that may hold them since before this master began: \
          a; wait: then they are given to others"]
    );
    at_ms(&mut after, LEASE_MS);
    after.hear(3, beat(vec![]));
    assert!(told(&after)[0].starts_with("2 tasks wait for noop: all"), "{:?}", told(&after));
}

#[test]
fn what_is_unavailable_is_named_with_the_time_of_the_next_try() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "a", vec![]);
    let task = cluster.assigned(1)[0];
    let gone = Failure::unavailable("away", "the share /mnt is not mounted", "Mount it.");
    cluster.end(1, task, EndedWith::Failure(gone));
    let told = told(&cluster);
    assert_eq!(
        told,
        ["1 task waits to be tried again, the next of noop in 1 s: the share /mnt is not \
          mounted; Mount it."]
    );
    at_ms(&mut cluster, BACKOFF_MS_MAX);
    cluster.tell(Event::Tick);
}

#[test]
fn a_slot_without_progress_is_named_before_it_is_cancelled() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "w1", vec![]);
    let (index, attempt) = cluster.assigned(1)[0];
    let task = PHASE.task(TaskIndex(index));
    let mut running = Running { slot: 0, attempt, task, elapsed_ms: 9_000, quiet_ms: 4_999 };
    cluster.hear(1, beat(vec![running]));
    assert_eq!(told(&cluster), Vec::<String>::new());
    running.quiet_ms = 7_300;
    cluster.hear(1, beat(vec![running]));
    assert_eq!(
        told(&cluster),
        [
            "w1 slot 0: job 1 task 0 (noop) shows no progress for 7 s, is cancelled at 10 s; nothing: \
          it is tried again, elsewhere where it can be"
        ]
    );
}

#[test]
fn a_worker_that_is_not_heard() {
    let mut cluster = Cluster::with_tasks(1);
    cluster.join(1, "w1", vec![]);
    at_ms(&mut cluster, 2_100);
    assert_eq!(
        told(&cluster),
        [
            "w1 was last heard 2.1 s ago, holds 1 task, is given up at 3 s; look at its machine and the \
          network to it"
        ]
    );
}

#[test]
fn a_job_that_is_still_submitted() {
    let mut cluster = Cluster::unsealed();
    assert_eq!(
        told(&cluster),
        [
            "job 1 waits for files: its command is still sending or naming them, or has ended before \
             it was done; if it has ended, run it again, or `windlass job cancel 1`"
        ]
    );
    cluster.record(Entry::JobCancelled { job: JobId(1), why: String::new() });
    assert_eq!(told(&cluster), Vec::<String>::new());
}

#[test]
fn the_gravest_comes_first() {
    let mut cluster = Cluster::with_tasks(3);
    cluster.join(1, "w1", vec![]);
    at_ms(&mut cluster, 2_100);
    cluster.join_offering(2, "w2", "ocr");
    cluster.withdraw(1);
    let stalls = cluster.scheduler.stalls(cluster.now, &cluster.ledger);
    assert_eq!(stalls[0].kind, StallKind::NotOffered);
    let kinds: Vec<StallKind> = stalls.iter().map(|stall| stall.kind).collect();
    assert!(kinds.is_sorted(), "{kinds:?}");
    assert!(StallKind::ALL.is_sorted());
    cluster.tell(Event::Closed(SessionId(1)));
}

#[test]
fn a_full_disk_and_a_clock_that_jumped() {
    let full = Stall::full_disk([].iter()).line();
    assert!(full.contains("until there is room; free space"), "{full}");
    let full = Stall::full_disk([WorkerName("w1".to_owned())].iter()).line();
    assert!(full.contains("still get work although they are to be drained: w1; free"), "{full}");
    let jumped = Stall::clock(LogTime(10 * 3_600_000 + 90_000), LogTime(0)).line();
    assert!(jumped.contains("jumped 10 h 1 min ahead"), "{jumped}");
    assert!(jumped.contains("`windlass cluster confirm-clock`"), "{jumped}");
}
