//! What look-ups wait for: groups that nobody serves, and workers that are there for none.

use super::machine::Lookups;
use crate::records::{LoadedSet, Pin};
use crate::time::Tick;
use crate::view::{Stall, StallKind, listed};

impl Lookups {
    /// A reason for the record sets that no worker serves, for each one with groups that no worker
    /// has, or gets ready, and for each worker that is there for groups that there are not. At the
    /// beginning of a reign the workers of the one before are waited for.
    #[must_use]
    pub fn stalls(&self, now: Tick) -> Vec<Stall> {
        if self.settles_at.is_some_and(|at| now < at) {
            return Vec::new();
        }
        self.unserved().into_iter().chain(self.misled()).collect()
    }

    fn unserved(&self) -> Vec<Stall> {
        let sets = self.sets.values().map(|loaded| (loaded, self.unserved_groups(loaded)));
        let sets = sets.filter(|(_, groups)| !groups.is_empty());
        let (whole, parts): (Vec<_>, Vec<_>) =
            sets.partition(|(loaded, groups)| groups.len() == loaded.set.shards.as_slice().len());
        let parts = parts.iter().map(|(_, groups)| self.unserved_set(groups));
        let wholes = match &whole[..] {
            [] => None,
            [(_, groups)] => Some(self.unserved_set(groups)),
            several => {
                let names: Vec<&str> = several.iter().map(|(it, _)| it.set.name.as_str()).collect();
                let told = format!("no worker serves the record sets {}", listed(&names));
                let groups: Vec<Pin> = several.iter().flat_map(|(_, all)| all.clone()).collect();
                Some(self.unserved_stall(String::new(), told, &groups))
            }
        };
        wholes.into_iter().chain(parts).collect()
    }

    fn unserved_groups(&self, loaded: &LoadedSet) -> Vec<Pin> {
        let has_nobody = |shard| self.instances.holders((loaded.load, shard)).next().is_none();
        let shards = loaded.shard_indexes().filter(|shard| has_nobody(*shard));
        let groups = shards.filter_map(|shard| loaded.group(shard));
        groups.map(|group| Pin { set: loaded.set.name.clone(), group: group.clone() }).collect()
    }

    /// For groups of one record set.
    fn unserved_set(&self, groups: &[Pin]) -> Stall {
        let set = groups.first().map(|pin| pin.set.to_string()).unwrap_or_default();
        let names: Vec<&str> = groups.iter().map(|pin| pin.group.as_str()).collect();
        let told = format!("record set {set}: no worker serves {}", listed(&names));
        self.unserved_stall(set, told, groups)
    }

    fn unserved_stall(&self, about: String, told: String, groups: &[Pin]) -> Stall {
        let told = format!("{told}; look-ups there find nothing");
        let next_step = self.instances.remedy(groups);
        Stall { kind: StallKind::Unserved, about, task_count: 0, told, next_step }
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
