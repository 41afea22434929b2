//! Who is to serve which group: decided anew whenever somebody comes or goes, moving as little as
//! can be.

use crate::ids::{LoadId, ShardIndex, WorkerName};
use crate::records::Pin;
use crate::scheduler::SessionId;
use std::collections::{BTreeMap, BTreeSet};

/// A group of one load.
pub(super) type GroupKey = (LoadId, ShardIndex);
/// Who is to serve each group.
pub(super) type Plan = BTreeMap<GroupKey, BTreeSet<SessionId>>;

/// A group, and how many instances it should have.
#[derive(Clone, Debug)]
pub(super) struct Want {
    pub(super) key: GroupKey,
    pub(super) pin: Pin,
    pub(super) replica_count: usize,
}

/// A worker that takes something new.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taker<'a> {
    pub(super) session: SessionId,
    pub(super) name: &'a WorkerName,
    pub(super) pins: &'a [Pin],
}

/// Workers that are pinned serve what they are pinned to, all of it and nothing else. The others
/// make up the count: those that have a group keep it, what is short goes to those with the fewest
/// groups, and then nobody has two groups more than another who could take one of them.
pub(super) fn plan(
    wants: &[Want],
    takers: &[Taker<'_>],
    before: &Plan,
    is_barred: &dyn Fn(SessionId, GroupKey) -> bool,
) -> Plan {
    let (free, pinned): (Vec<Taker<'_>>, Vec<Taker<'_>>) =
        takers.iter().partition(|taker| taker.pins.is_empty());
    let mut sharing = Sharing::new(&free, is_barred);
    let mut plan = Plan::new();
    for Want { key, pin, replica_count } in wants {
        let is_pinned =
            |taker: &&Taker<'_>| taker.pins.contains(pin) && !is_barred(taker.session, *key);
        let mut chosen: BTreeSet<SessionId> =
            pinned.iter().filter(is_pinned).map(|taker| taker.session).collect();
        let nobody = BTreeSet::new();
        let earlier = before.get(key).unwrap_or(&nobody);
        let keeps = free.iter().filter(|it| earlier.contains(&it.session));
        let keeps = keeps.filter(|it| !is_barred(it.session, *key)).map(|it| it.session);
        for session in keeps.take(replica_count.saturating_sub(chosen.len())) {
            sharing.give(session);
            chosen.insert(session);
        }
        plan.insert(*key, chosen);
    }
    for Want { key, replica_count, .. } in wants {
        let chosen = plan.entry(*key).or_default();
        while chosen.len() < *replica_count
            && let Some(session) = sharing.lightest(*key, chosen)
        {
            sharing.give(session);
            chosen.insert(session);
        }
    }
    sharing.even_out(&mut plan);
    plan
}

/// How many groups each free worker has.
struct Sharing<'a> {
    free: &'a [Taker<'a>],
    counts: BTreeMap<SessionId, usize>,
    is_barred: &'a dyn Fn(SessionId, GroupKey) -> bool,
}

impl<'a> Sharing<'a> {
    fn new(
        free: &'a [Taker<'a>],
        is_barred: &'a dyn Fn(SessionId, GroupKey) -> bool,
    ) -> Sharing<'a> {
        let counts = free.iter().map(|taker| (taker.session, 0)).collect();
        Sharing { free, counts, is_barred }
    }

    fn give(&mut self, session: SessionId) {
        *self.counts.entry(session).or_default() += 1;
    }

    fn count(&self, taker: &Taker<'_>) -> usize {
        self.counts.get(&taker.session).copied().unwrap_or(0)
    }

    /// Who has the fewest groups of those that may take this one.
    fn lightest(&self, key: GroupKey, chosen: &BTreeSet<SessionId>) -> Option<SessionId> {
        let may = self.free.iter().filter(|taker| {
            !chosen.contains(&taker.session) && !(self.is_barred)(taker.session, key)
        });
        may.min_by_key(|taker| (self.count(taker), taker.name)).map(|taker| taker.session)
    }

    /// Moves groups one by one from whoever has the most; each move makes the squares of the
    /// counts smaller, so that it ends.
    fn even_out(&mut self, plan: &mut Plan) {
        loop {
            let most = self.free.iter().max_by_key(|taker| (self.count(taker), taker.name));
            let Some((most, most_count)) = most.map(|taker| (taker.session, self.count(taker)))
            else {
                return;
            };
            let moved = plan.iter_mut().find_map(|(key, chosen)| {
                let to = chosen.contains(&most).then(|| self.lightest(*key, chosen)).flatten()?;
                let gains = self.counts.get(&to).copied().unwrap_or(0) + 2 <= most_count;
                gains.then(|| {
                    chosen.remove(&most);
                    chosen.insert(to);
                    to
                })
            });
            let Some(to) = moved else { return };
            self.give(to);
            *self.counts.entry(most).or_default() -= 1;
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
