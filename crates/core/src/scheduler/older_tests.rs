//! Workers of older systems beside others.

use super::super::rig::{Cluster, PHASE};
use crate::ids::{AttemptId, RequestId, TaskIndex};
use crate::ledger::{ChunkRef, Entry, JobSpec, Ledger, PhaseSpec};
use crate::older;
use crate::params::Params;
use crate::session::ToMaster;

/// A job of `count` tasks that are for workers of older systems too, or not.
fn with_tasks(count: u32, is_shared: bool) -> Cluster {
    let mut cluster = Cluster::new(Ledger::default());
    let said = (older::WORKERS_PARAM.to_owned(), older::OLDER_TOO.to_owned());
    let params = Params(is_shared.then_some(said).into_iter().collect());
    let phases = vec![PhaseSpec { params, ..PhaseSpec::plain("noop", 1) }];
    let spec = JobSpec { name: String::new(), fingerprint: 0, phases, memorandum: None };
    cluster.record(Entry::JobSubmitted { request: RequestId(1), spec });
    let (first, chunk) = (TaskIndex(0), ChunkRef::Count);
    cluster.record(Entry::TasksAdded { phase: PHASE, first, count, chunk });
    cluster.record(Entry::PhaseSealed { phase: PHASE });
    cluster
}

fn stalls(cluster: &Cluster) -> Vec<String> {
    let stalls = cluster.scheduler.stalls(cluster.now, &cluster.ledger);
    stalls.iter().map(crate::view::Stall::line).collect()
}

#[test]
fn they_get_what_is_for_them_and_nothing_else() {
    let offered = older::offered("noop");
    let mut others = with_tasks(1, false);
    others.join_offering(1, "slave", &offered);
    assert_eq!(others.assigned(1), []);
    assert_eq!(
        stalls(&others),
        ["1 task waits: no connected worker offers noop; start a worker that offers it"]
    );
    let mut shared = with_tasks(8, true);
    shared.join_offering(1, "slave", &offered);
    shared.join(2, "own", vec![]);
    assert_eq!((shared.assigned(1).len(), shared.assigned(2).len()), (2, 2));
}

#[test]
fn what_one_gives_back_goes_to_others_and_never_again_to_it() {
    let mut cluster = with_tasks(2, true);
    cluster.join_offering(1, "slave", &older::offered("noop"));
    let held = cluster.assigned(1);
    let attempts: Vec<AttemptId> = held.iter().map(|(_, attempt)| *attempt).collect();
    cluster.hear(1, ToMaster::Returned(attempts));
    assert_eq!(cluster.assigned(1), []);
    assert_eq!(
        stalls(&cluster),
        ["2 tasks wait: for the workers of older systems that offer noop it is too large, or not \
          text that they can take; start a worker of this system"]
    );
    cluster.join(2, "own", vec![]);
    let taken = cluster.assigned(2);
    assert_eq!(taken.len(), 2);
    taken.into_iter().for_each(|task| cluster.succeed(2, task));
    assert_eq!(cluster.scheduler.held_count(), 0);
}

#[test]
fn one_that_gives_back_everything_does_not_empty_the_queue() {
    let mut cluster = with_tasks(20_000, true);
    cluster.join_offering(1, "slave", &older::offered("noop"));
    let mut given_back = 0;
    loop {
        let held = cluster.assigned(1);
        if held.is_empty() {
            break;
        }
        given_back += held.len();
        cluster.hear(1, ToMaster::Returned(held.iter().map(|(_, it)| *it).collect()));
    }
    assert!((1_024..1_100).contains(&given_back), "{given_back}");
    // Others get what it was not given, and what it gave back.
    cluster.join(2, "own", vec![]);
    assert!(!cluster.assigned(2).is_empty());
}

#[test]
fn what_was_asked_back_may_come_again() {
    let mut cluster = with_tasks(2, true);
    cluster.join_offering(1, "slave", &older::offered("noop"));
    let held = cluster.assigned(1);
    cluster.join(2, "own", vec![]);
    cluster.hear(1, ToMaster::Returned(vec![held[1].1]));
    let other = cluster.assigned(2);
    cluster.tell(crate::scheduler::Event::Closed(crate::scheduler::SessionId(2)));
    assert_eq!((other.len(), cluster.assigned(1).len()), (1, 1));
}

#[test]
fn they_are_no_reason_to_wait_for_what_was_withdrawn() {
    let mut cluster = with_tasks(1, false);
    cluster.join_as(1, "own", true, vec![]);
    cluster.join_offering(2, "counter", &older::offered("word_count"));
    cluster.withdraw(1);
    let counts = cluster.ledger.phase(PHASE).expect("exists").counts;
    assert_eq!((counts.pending, counts.failed), (0, 1));
}

#[test]
fn what_is_withdrawn_elsewhere_and_for_them_they_get() {
    let mut cluster = with_tasks(1, true);
    cluster.join_as(1, "own", true, vec![]);
    cluster.join_offering(2, "slave", &older::offered("noop"));
    cluster.withdraw(1);
    assert_eq!(cluster.assigned(2).len(), 1);
}
