//! A worker whose name is taken: it waits until it is known whether the holder of the name lives.
//!
//! A holder that is heard keeps its name and the newcomer is refused. One that is gone is noticed
//! by its closed connection, at once, or by its silence, after its lease: then the newcomer is
//! welcome, as the next start of the same worker.

use super::machine::{Effect, Scheduler, SessionId};
use crate::ids::WorkerName;
use crate::ledger::Ledger;
use crate::limits::HEARTBEAT_MS;
use crate::session::{Hello, ToWorker};
use crate::time::Tick;
use crate::view::WaitingWorker;
use std::collections::BTreeMap;

/// A worker that waits for its name.
#[derive(Debug)]
struct Newcomer {
    session: SessionId,
    hello: Hello,
    since: Tick,
}

/// Workers that wait for their names, at most one for each.
#[derive(Debug, Default)]
pub(super) struct Newcomers(BTreeMap<WorkerName, Newcomer>);

impl Newcomers {
    pub(super) fn has(&self, session: SessionId) -> bool {
        self.0.values().any(|newcomer| newcomer.session == session)
    }

    pub(super) fn forget(&mut self, session: SessionId) {
        self.0.retain(|_, newcomer| newcomer.session != session);
    }

    /// The name is taken: its newest start waits.
    pub(super) fn wait(
        &mut self,
        now: Tick,
        session: SessionId,
        hello: Hello,
        out: &mut Vec<Effect>,
    ) {
        let mut since = now;
        if let Some(earlier) = self.0.get(&hello.name) {
            if earlier.hello.incarnation > hello.incarnation {
                return refuse(session, &hello.name, out);
            }
            // The same start over a new connection has waited since it first came.
            if earlier.hello.incarnation == hello.incarnation {
                since = earlier.since;
            }
            out.push(Effect::Close(earlier.session));
        }
        self.0.insert(hello.name.clone(), Newcomer { session, hello, since });
    }
}

impl Scheduler {
    /// Who waits for a name, by name; where they are the host knows.
    pub fn waiting_workers(&self, now: Tick) -> impl Iterator<Item = (SessionId, WaitingWorker)> {
        self.newcomers.0.iter().map(move |(name, newcomer)| {
            let waits_ms = now.ms_since(newcomer.since);
            let place = String::new();
            (newcomer.session, WaitingWorker { name: name.clone(), place, waits_ms })
        })
    }

    /// Welcomes or refuses who waits for a name, where it is known by now which.
    pub(super) fn admit(&mut self, now: Tick, ledger: &Ledger, out: &mut Vec<Effect>) {
        let names: Vec<WorkerName> = self.newcomers.0.keys().cloned().collect();
        for name in names {
            let holder = self.workers.values().find(|worker| worker.name == name);
            let heard_at = holder.map(|worker| worker.heard_at);
            // What was said before its end may arrive a moment after the newcomer.
            let lives = |since: Tick| heard_at.is_some_and(|at| at >= since.after_ms(HEARTBEAT_MS));
            let Some(newcomer) = self.newcomers.0.get(&name) else { continue };
            if lives(newcomer.since) {
                refuse(newcomer.session, &name, out);
                self.newcomers.0.remove(&name);
            } else if heard_at.is_none()
                && let Some(Newcomer { session, hello, .. }) = self.newcomers.0.remove(&name)
            {
                self.welcome(now, ledger, session, &hello, out);
            }
        }
    }
}

fn refuse(session: SessionId, name: &WorkerName, out: &mut Vec<Effect>) {
    let why = format!(
        "a worker named {name} is connected and alive; stop that one first, or start this one \
         with another --name"
    );
    out.push(Effect::Send(session, ToWorker::Refused(why)));
    out.push(Effect::Close(session));
}

#[cfg(test)]
mod tests {
    use super::super::rig::{Cluster, PHASE, beat};
    use super::*;
    use crate::ids::{Round, TaskIndex};
    use crate::limits::LEASE_MS;
    use crate::scheduler::Event;
    use crate::session::{Held, ToMaster};

    fn after_ms(ms: u64) -> Tick {
        Tick(0).after_ms(ms)
    }

    fn answers(cluster: &Cluster, session: u64) -> (usize, usize) {
        let count = |is_it: fn(&ToWorker) -> bool| {
            cluster.sent.iter().filter(|(to, message)| to.0 == session && is_it(message)).count()
        };
        (
            count(|message| matches!(message, ToWorker::Welcome { .. })),
            count(|message| matches!(message, ToWorker::Refused(_))),
        )
    }

    #[test]
    fn a_live_holder_of_a_name_keeps_it_and_the_second_is_refused() {
        let mut cluster = Cluster::with_tasks(1);
        cluster.join(5, "a", vec![]);
        let held = cluster.assigned(5);
        cluster.now = after_ms(100);
        cluster.join(6, "a", vec![]);
        cluster.join(7, "b", vec![]);
        // This may have been said before its end.
        cluster.now = after_ms(100 + HEARTBEAT_MS - 1);
        cluster.hear(5, beat(vec![]));
        assert_eq!(answers(&cluster, 6), (0, 0));
        cluster.now = after_ms(100 + HEARTBEAT_MS);
        cluster.hear(5, beat(vec![]));
        assert_eq!(answers(&cluster, 6), (0, 1));
        assert_eq!(cluster.lost_count(), 0);
        cluster.succeed(5, held[0]);
        assert_eq!(cluster.ledger.phase(PHASE).expect("exists").counts.succeeded, 1);
    }

    #[test]
    fn who_waits_for_a_name_gets_it_when_the_holders_connection_closes() {
        let mut cluster = Cluster::with_tasks(1);
        cluster.join(5, "a", vec![]);
        cluster.join(6, "a", vec![]);
        cluster.tell(Event::Closed(SessionId(5)));
        assert_eq!((answers(&cluster, 6), cluster.lost_count()), ((1, 0), 1));
        assert_eq!(cluster.assigned(6).len(), 1);
    }

    #[test]
    fn who_waits_for_the_name_of_a_silent_holder_gets_it_after_the_lease() {
        let mut cluster = Cluster::with_tasks(1);
        cluster.join(5, "a", vec![]);
        cluster.now = after_ms(10);
        cluster.join(4, "a", vec![]);
        cluster.now = after_ms(LEASE_MS);
        cluster.tell(Event::Tick);
        // An earlier start is as welcome: a clock may have been set back.
        assert_eq!(answers(&cluster, 4), (1, 0));
        assert_eq!(cluster.assigned(4).len(), 1);
    }

    #[test]
    fn the_same_start_comes_back_over_a_new_connection_at_once() {
        let mut cluster = Cluster::with_tasks(1);
        cluster.join_at(5, "a", 1, vec![]);
        let (index, attempt) = cluster.assigned(5)[0];
        let held = Held { attempt, task: PHASE.task(TaskIndex(index)), round: Round(0) };
        cluster.join_at(6, "a", 1, vec![held]);
        assert_eq!((answers(&cluster, 6), cluster.lost_count()), ((1, 0), 1));
    }

    #[test]
    fn of_several_that_wait_for_a_name_the_newest_start_does() {
        let mut cluster = Cluster::with_tasks(1);
        cluster.join(5, "a", vec![]);
        cluster.join(8, "a", vec![]);
        cluster.join(7, "a", vec![]);
        assert_eq!(answers(&cluster, 7), (0, 1));
        cluster.join(9, "a", vec![]);
        cluster.hear(9, ToMaster::Credit(3));
        cluster.tell(Event::Closed(SessionId(8)));
        cluster.tell(Event::Closed(SessionId(5)));
        assert_eq!((answers(&cluster, 8), answers(&cluster, 9)), ((0, 0), (1, 0)));
    }
}
