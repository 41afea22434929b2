//! Workers that are known and not connected: when they were last heard, and when they are
//! forgotten.

use super::machine::{Effect, Scheduler};
use crate::ids::{Incarnation, WorkerName};
use crate::ledger::{Entry, Ledger};
use crate::limits::ABSENT_WORKER_COUNT_MAX;
use crate::time::Tick;
use std::collections::BTreeMap;

/// When those that this reign has lost were last heard, and which start that was.
#[derive(Debug, Default)]
pub(super) struct Absent(BTreeMap<WorkerName, (Tick, Incarnation)>);

impl Absent {
    pub(super) fn seen_at(&self, name: &WorkerName) -> Option<Tick> {
        self.0.get(name).map(|(at, _)| *at)
    }

    pub(super) fn add(
        &mut self,
        name: &WorkerName,
        heard_at: Tick,
        incarnation: Incarnation,
        out: &mut Vec<Effect>,
    ) {
        self.0.insert(name.clone(), (heard_at, incarnation));
        if self.0.len() > ABSENT_WORKER_COUNT_MAX
            && let Some((name, (_, incarnation))) = self.0.iter().min_by_key(|(_, (at, _))| *at)
        {
            let (name, incarnation) = (name.clone(), *incarnation);
            self.0.remove(&name);
            out.push(Effect::Propose(Entry::WorkerLeft { name, incarnation }));
        }
    }

    pub(super) fn remove(&mut self, name: &WorkerName) {
        self.0.remove(name);
    }
}

impl Scheduler {
    /// It is recorded that a worker has joined. One that is gone by then, while the log was out of
    /// reach, may have been forgotten with an entry before this: it is known again, and as gone.
    pub(super) fn on_joined(
        &mut self,
        now: Tick,
        ledger: &Ledger,
        name: &WorkerName,
        out: &mut Vec<Effect>,
    ) {
        if let Some(known) = ledger.workers.get(name)
            && self.absent.seen_at(name).is_none()
            && !self.is_connected(name)
        {
            self.absent.add(name, now, known.incarnation, out);
        }
    }

    /// Nobody is waited for any longer: who has not come back by now is gone, and no later reign
    /// waits for it again.
    pub(super) fn give_up_awaited(&mut self, ledger: &Ledger, out: &mut Vec<Effect>) {
        self.awaited_until = None;
        for name in std::mem::take(&mut self.awaited) {
            let Some(known) = ledger.workers.get(&name) else { continue };
            let incarnation = known.incarnation;
            out.push(Effect::Propose(Entry::WorkerLeft { name, incarnation }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rig::{Cluster, beat};
    use super::*;
    use crate::limits::LEASE_MS;
    use crate::scheduler::{Event, SessionId};
    use crate::session::ToMaster;

    fn name(name: &str) -> WorkerName {
        WorkerName(name.to_owned())
    }

    /// Two workers and a third one that is drained, none of which has come back.
    fn after_a_takeover() -> Cluster {
        let mut before = Cluster::with_tasks(1);
        before.join(1, "a", vec![]);
        before.join(2, "b", vec![]);
        before.join(3, "c", vec![]);
        before.record(Entry::WorkerDrained { name: name("c"), on: true });
        Cluster::new(before.ledger)
    }

    #[test]
    fn who_does_not_come_back_within_the_lease_is_waited_for_once() {
        let mut cluster = after_a_takeover();
        cluster.join(4, "b", vec![]);
        assert!(cluster.assigned(4).is_empty(), "the others may hold it");
        cluster.now = Tick(0).after_ms(LEASE_MS);
        cluster.hear(4, beat(vec![]));
        assert_eq!(cluster.assigned(4).len(), 1);
        let listed: Vec<&str> = cluster.ledger.workers.keys().map(|name| name.0.as_str()).collect();
        assert_eq!(listed, ["b", "c"]);
        assert!(cluster.ledger.workers[&name("c")].draining);
        // The next reign waits for the one that was there.
        let mut next = Cluster::new(cluster.ledger);
        next.join(5, "b", vec![]);
        assert_eq!(next.assigned(5).len(), 1);
    }

    #[test]
    fn a_drained_worker_that_left_and_comes_back_is_still_drained() {
        let mut cluster = Cluster::with_tasks(1);
        cluster.join(1, "a", vec![]);
        cluster.record(Entry::WorkerDrained { name: name("a"), on: true });
        cluster.hear(1, ToMaster::Goodbye);
        let absent = cluster.scheduler.absent_workers(cluster.now, &cluster.ledger);
        assert_eq!((absent.len(), absent[0].draining, absent[0].seen_ms_ago), (1, true, Some(0)));
        cluster.join(2, "a", vec![]);
        assert!(cluster.scheduler.workers(cluster.now, &cluster.ledger)[0].1.draining);
        cluster.hear(2, ToMaster::Goodbye);
        // Resumed while it is away, there is nothing left to know of it.
        cluster.record(Entry::WorkerDrained { name: name("a"), on: false });
        assert_eq!(cluster.ledger.workers.len(), 0);
        assert_eq!(cluster.scheduler.absent_workers(cluster.now, &cluster.ledger), []);
    }

    /// Found by the simulator (seed 1795679520254707).
    #[test]
    fn a_start_that_was_lost_before_the_one_before_it_had_left_is_remembered() {
        let mut cluster = Cluster::with_tasks(0);
        cluster.join_at(1, "a", 1, vec![]);
        cluster.holds_back = true;
        let known_count = cluster.proposed.len();
        cluster.hear(1, ToMaster::Goodbye);
        cluster.join_at(2, "a", 2, vec![]);
        cluster.tell(Event::Closed(SessionId(2)));
        for entry in cluster.proposed.split_off(known_count) {
            cluster.record(entry);
        }
        let absent = cluster.scheduler.absent_workers(cluster.now, &cluster.ledger);
        assert_eq!((absent.len(), absent[0].seen_ms_ago), (1, Some(0)));
    }

    /// Found by the simulator (seed 1795690560125949).
    #[test]
    fn a_start_that_was_given_up_came_back_and_was_lost_is_remembered() {
        let mut cluster = after_a_takeover();
        cluster.holds_back = true;
        let known_count = cluster.proposed.len();
        cluster.now = Tick(0).after_ms(LEASE_MS);
        cluster.tell(Event::Tick);
        cluster.join(4, "a", vec![]);
        cluster.tell(Event::Closed(SessionId(4)));
        for entry in cluster.proposed.split_off(known_count) {
            cluster.record(entry);
        }
        let absent = cluster.scheduler.absent_workers(cluster.now, &cluster.ledger);
        let known: Vec<_> = absent.iter().map(|it| (it.name.0.as_str(), it.seen_ms_ago)).collect();
        assert_eq!(known, [("a", Some(0)), ("c", None)]);
    }

    #[test]
    fn the_one_gone_longest_is_forgotten_where_too_many_are_gone() {
        let mut cluster = Cluster::with_tasks(0);
        for number in 0..=ABSENT_WORKER_COUNT_MAX as u64 {
            cluster.now = Tick(number);
            cluster.join(number, &format!("w{number}"), vec![]);
            cluster.tell(Event::Closed(SessionId(number)));
        }
        assert_eq!(cluster.ledger.workers.len(), ABSENT_WORKER_COUNT_MAX);
        assert!(!cluster.ledger.workers.contains_key(&name("w0")));
    }
}
