//! The connected workers as look-ups see them: what they are there for, and what they hold.

use super::event::RecordSets;
use super::plan::{GroupKey, Plan, Taker, Want, plan};
use crate::ids::WorkerName;
use crate::limits::{LOOKUP_TICKET_COUNT_LOW, LOOKUP_TICKET_COUNT_MAX, SHELF_RETRY_MS};
use crate::records::{LoadedSet, Pin, Shelf, ShelfShard};
use crate::scheduler::SessionId;
use crate::time::Tick;
use crate::view::listed;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A worker that has been welcomed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its name.
    pub name: WorkerName,
    /// The groups that it is there for; empty: whichever it is given.
    pub pins: Vec<Pin>,
    /// Whether it takes nothing new.
    pub is_draining: bool,
}

/// A group in a worker's hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Holding {
    pub(super) is_ready: bool,
    /// Questions that it was given.
    pub(super) served_count: u64,
    /// What it began with, to be level with the others.
    begun_at: u64,
}

impl Holding {
    fn compared(self) -> u64 {
        self.begun_at + self.served_count
    }
}

/// A group that a worker could not serve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failed {
    retry_at: Tick,
    pub(super) cause: String,
}

/// The connected workers, and who has which group.
#[derive(Debug, Default)]
pub(super) struct Instances {
    members: BTreeMap<SessionId, Member>,
    /// Questions in the hands of each.
    open_counts: BTreeMap<SessionId, usize>,
    /// Those that have had as many as they may have, and still have many.
    full: BTreeSet<SessionId>,
    plan: Plan,
    /// What each worker was told to serve, and how far it is with it.
    held: BTreeMap<GroupKey, BTreeMap<SessionId, Holding>>,
    failed: BTreeMap<(GroupKey, SessionId), Failed>,
}

impl Instances {
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub(super) fn join(&mut self, session: SessionId, member: Member) {
        self.members.insert(session, member);
    }

    /// `false`: it was not known.
    pub(super) fn leave(&mut self, session: SessionId) -> bool {
        for holders in self.held.values_mut() {
            holders.remove(&session);
        }
        self.failed.retain(|(_, of), _| *of != session);
        self.open_counts.remove(&session);
        self.full.remove(&session);
        self.members.remove(&session).is_some()
    }

    pub(super) fn drain(&mut self, session: SessionId, is_draining: bool) {
        if let Some(member) = self.members.get_mut(&session) {
            member.is_draining = is_draining;
        }
    }

    pub(super) fn name(&self, session: SessionId) -> Option<&WorkerName> {
        self.members.get(&session).map(|member| &member.name)
    }

    /// A shard is ready; `false`: it was not asked to serve that any more.
    pub(super) fn on_ready(&mut self, session: SessionId, key: GroupKey) -> bool {
        let Some(holders) = self.held.get_mut(&key) else { return false };
        let level = holders.values().filter(|other| other.is_ready);
        let level = level.map(|other| other.compared()).min().unwrap_or(0);
        let Some(holding) = holders.get_mut(&session) else { return false };
        if !holding.is_ready {
            *holding = Holding { is_ready: true, served_count: 0, begun_at: level };
        }
        true
    }

    /// A worker cannot serve a group; it is asked again after a pause.
    pub(super) fn on_failed(
        &mut self,
        now: Tick,
        session: SessionId,
        key: GroupKey,
        cause: String,
    ) {
        let held = self.held.get_mut(&key).and_then(|holders| holders.remove(&session));
        if held.is_some() {
            let retry_at = now.after_ms(SHELF_RETRY_MS);
            self.failed.insert((key, session), Failed { retry_at, cause });
        }
    }

    /// Whether pauses have ended.
    pub(super) fn forgive(&mut self, now: Tick) -> bool {
        let before = self.failed.len();
        self.failed.retain(|_, failed| failed.retry_at > now);
        self.failed.len() < before
    }

    pub(super) fn next_retry(&self) -> Option<Tick> {
        self.failed.values().map(|failed| failed.retry_at).min()
    }

    /// Whether somebody is getting a group ready.
    pub(super) fn is_loading(&self, key: GroupKey) -> bool {
        self.holders(key).any(|(_, holding)| !holding.is_ready)
    }

    pub(super) fn holders(&self, key: GroupKey) -> impl Iterator<Item = (SessionId, Holding)> {
        let holders = self.held.get(&key).into_iter().flatten();
        holders.map(|(session, holding)| (*session, *holding))
    }

    /// What brings somebody who serves groups that nobody serves.
    pub(super) fn remedy(&self, groups: &[Pin]) -> String {
        let may_serve =
            |pins: &[Pin]| pins.is_empty() || groups.iter().any(|group| pins.contains(group));
        let drained = self.members.values().filter(|member| member.is_draining);
        let mut drained: Vec<&str> =
            drained.filter(|it| may_serve(&it.pins)).map(|it| it.name.0.as_str()).collect();
        drained.sort_unstable();
        match (&drained[..], groups) {
            ([], [group, ..]) => format!(
                "start one: `windlass worker --join HOST:PORT` (or for one group alone, with \
                 --group {group})"
            ),
            ([], []) => "start one: `windlass worker --join HOST:PORT`".to_owned(),
            ([first, ..], _) => format!(
                "drained workers could ({}): `windlass worker resume {first}`, or start another \
                 worker",
                listed(&drained)
            ),
        }
    }

    /// Who could not serve a group, and why.
    pub(super) fn failures(&self, key: GroupKey) -> impl Iterator<Item = (SessionId, &Failed)> {
        let of_key = self.failed.iter().filter(move |((of, _), _)| *of == key);
        of_key.map(|((_, session), failed)| (*session, failed))
    }

    /// Whether an instance has enough to do.
    pub(super) fn is_full(&self, session: SessionId) -> bool {
        self.full.contains(&session)
    }

    /// Whether an instance that is ready and was not tried would be asked if it were not full.
    pub(super) fn has_full(&self, key: GroupKey, tried: &[SessionId]) -> bool {
        let ready = self.holders(key).filter(|(_, holding)| holding.is_ready);
        ready.into_iter().any(|(session, _)| !tried.contains(&session) && self.is_full(session))
    }

    /// An instance has one question less; `true`: it was full, and is no more.
    pub(super) fn release(&mut self, session: SessionId) -> bool {
        let Some(count) = self.open_counts.get_mut(&session) else { return false };
        *count = count.saturating_sub(1);
        *count <= LOOKUP_TICKET_COUNT_LOW && self.full.remove(&session)
    }

    /// The groups that an instance has ready.
    pub(super) fn keys_of(&self, session: SessionId) -> Vec<GroupKey> {
        let has = |holders: &BTreeMap<SessionId, Holding>| {
            holders.get(&session).is_some_and(|holding| holding.is_ready)
        };
        self.held.iter().filter(|(_, holders)| has(holders)).map(|(key, _)| *key).collect()
    }

    /// The instance that was asked the least, of those that are ready, not full and were not tried;
    /// ties by name. One that is draining is asked only where there is no other.
    pub(super) fn choose(&mut self, key: GroupKey, tried: &[SessionId]) -> Option<SessionId> {
        let (members, full) = (&self.members, &self.full);
        let holders = self.held.get_mut(&key)?;
        let ready = holders.iter_mut().filter(|(_, holding)| holding.is_ready);
        let rank = |(session, holding): &(&SessionId, &mut Holding)| {
            let member = members.get(session);
            let is_draining = member.is_some_and(|member| member.is_draining);
            (is_draining, holding.compared(), member.map(|member| &member.name))
        };
        let untried = ready.filter(|(session, _)| !tried.contains(session));
        let may_be_asked = untried.filter(|(session, _)| !full.contains(session));
        let (session, holding) = may_be_asked.min_by(|a, b| rank(a).cmp(&rank(b)))?;
        holding.served_count += 1;
        let open_count = self.open_counts.entry(*session).or_default();
        *open_count += 1;
        if *open_count >= LOOKUP_TICKET_COUNT_MAX {
            self.full.insert(*session);
        }
        Some(*session)
    }

    /// Decides anew who serves what; answers whom to tell what.
    pub(super) fn replan(&mut self, sets: &RecordSets) -> Vec<(SessionId, Vec<Shelf>)> {
        let wants = wants(sets);
        let takers: Vec<Taker<'_>> = self
            .members
            .iter()
            .filter(|(_, member)| !member.is_draining)
            .map(|(session, Member { name, pins, .. })| Taker { session: *session, name, pins })
            .collect();
        let failed = &self.failed;
        let is_barred = |session, key| failed.contains_key(&(key, session));
        self.plan = plan(&wants, &takers, &self.plan, &is_barred);
        let keys: BTreeSet<GroupKey> = wants.iter().map(|want| want.key).collect();
        self.failed.retain(|(key, _), _| keys.contains(key));
        let mut changed = BTreeSet::new();
        self.held.retain(|key, holders| {
            let stays = keys.contains(key);
            if !stays {
                changed.extend(holders.keys());
            }
            stays
        });
        for key in keys {
            self.settle(key, &mut changed);
        }
        let sets: BTreeMap<_, &Arc<LoadedSet>> = sets.values().map(|it| (it.load, it)).collect();
        changed.into_iter().map(|session| (session, self.shelves(session, &sets))).collect()
    }

    /// Has a group served as planned. Whoever has it beside the plan lets it go once all that are
    /// to take over are ready.
    fn settle(&mut self, key: GroupKey, changed: &mut BTreeSet<SessionId>) {
        let planned = self.plan.get(&key).cloned().unwrap_or_default();
        let holders = self.held.entry(key).or_default();
        for session in &planned {
            holders.entry(*session).or_insert_with(|| {
                changed.insert(*session);
                Holding { is_ready: false, served_count: 0, begun_at: 0 }
            });
        }
        let is_taken_over =
            !planned.is_empty() && planned.iter().all(|session| holders[session].is_ready);
        holders.retain(|session, holding| {
            let stays = planned.contains(session) || (holding.is_ready && !is_taken_over);
            if !stays {
                changed.insert(*session);
            }
            stays
        });
    }

    fn shelves(
        &self,
        session: SessionId,
        sets: &BTreeMap<crate::LoadId, &Arc<LoadedSet>>,
    ) -> Vec<Shelf> {
        let mut shelves: Vec<Shelf> = Vec::new();
        for ((load, shard), holders) in &self.held {
            let Some(loaded) = sets.get(load).filter(|_| holders.contains_key(&session)) else {
                continue;
            };
            let stored = loaded.stored[usize::from(shard.0)];
            let shard = ShelfShard { shard: *shard, stored };
            match shelves.last_mut() {
                Some(last) if last.load == *load => last.shards.push(shard),
                _ => {
                    let set = loaded.set.clone();
                    shelves.push(Shelf { load: *load, set, shards: vec![shard] });
                }
            }
        }
        shelves
    }
}

fn wants(sets: &RecordSets) -> Vec<Want> {
    let mut loaded: Vec<&Arc<LoadedSet>> = sets.values().collect();
    loaded.sort_by_key(|loaded| loaded.load);
    let wants = loaded.into_iter().flat_map(|loaded| {
        let replica_count = usize::try_from(loaded.set.replica_count).unwrap_or(usize::MAX);
        let groups = loaded.shard_indexes().zip(loaded.set.shards.as_slice());
        groups.map(move |(shard, of)| Want {
            key: (loaded.load, shard),
            pin: Pin { set: loaded.set.name.clone(), group: of.group.clone() },
            replica_count,
        })
    });
    wants.collect()
}
