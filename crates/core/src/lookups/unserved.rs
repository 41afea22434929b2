//! What look-ups wait for: groups that nobody serves, and workers that are there for none.

use super::machine::Lookups;
use crate::records::{GroupName, LoadedSet, Pin};
use crate::time::Tick;
use crate::view::{Stall, StallKind, listed};

impl Lookups {
    /// A reason for each record set with groups that no worker has, or gets ready, and for each
    /// worker that is there for groups that there are not. At the beginning of a reign the workers
    /// of the one before are waited for.
    #[must_use]
    pub fn stalls(&self, now: Tick) -> Vec<Stall> {
        if self.settles_at.is_some_and(|at| now < at) {
            return Vec::new();
        }
        let unserved = self.sets.values().filter_map(|loaded| self.unserved(loaded));
        unserved.chain(self.misled()).collect()
    }

    fn unserved(&self, loaded: &LoadedSet) -> Option<Stall> {
        let has_nobody = |shard| self.instances.holders((loaded.load, shard)).next().is_none();
        let shards = loaded.shard_indexes().filter(|shard| has_nobody(*shard));
        let groups: Vec<&GroupName> = shards.filter_map(|shard| loaded.group(shard)).collect();
        if groups.is_empty() {
            return None;
        }
        let set = &loaded.set.name;
        let names: Vec<&str> = groups.iter().map(|group| group.as_str()).collect();
        let pin = |group: &&GroupName| Pin { set: set.clone(), group: (*group).clone() };
        let pins: Vec<Pin> = groups.iter().map(pin).collect();
        Some(Stall {
            kind: StallKind::Unserved,
            about: set.to_string(),
            task_count: 0,
            told: format!(
                "record set {set}: no worker serves {}; look-ups there find nothing",
                listed(&names)
            ),
            next_step: self.instances.remedy(&pins),
        })
    }

    /// Workers that are there for groups that there are not.
    fn misled(&self) -> impl Iterator<Item = Stall> {
        let is_not_there = |pin: &&Pin| match self.sets.get(&pin.set) {
            Some(loaded) => loaded.set.shards.of_group(&pin.group).is_none(),
            None => true,
        };
        self.instances.members().filter_map(move |member| {
            let pins: Vec<String> =
                member.pins.iter().filter(is_not_there).map(ToString::to_string).collect();
            let name = &member.name;
            (!pins.is_empty()).then(|| Stall {
                kind: StallKind::Unserved,
                about: name.to_string(),
                task_count: 0,
                told: format!("worker {name} is to serve {}, which there is not", listed(&pins)),
                next_step: "`windlass records list` shows the groups: load what is missing, or \
                            start it with one of them"
                    .to_owned(),
            })
        })
    }
}
