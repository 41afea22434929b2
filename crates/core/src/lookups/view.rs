//! Record sets as a master tells of them.

use super::machine::Lookups;
use crate::ids::{LoadId, ShardIndex, WorkerName};
use crate::records::{LoadedSet, StoredShard};
use crate::time::LogTime;

/// A record set at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordsView {
    /// This load.
    pub load: LoadId,
    /// When.
    pub loaded_at: LogTime,
    /// What it is.
    pub set: crate::records::RecordSet,
    /// Its groups, in the order of the ranges.
    pub groups: Vec<GroupView>,
}

/// A group at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupView {
    /// Its rows.
    pub stored: StoredShard,
    /// Who serves it, or tries to, by name.
    pub instances: Vec<InstanceView>,
}

/// An instance of a group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct InstanceView {
    /// The worker.
    pub worker: WorkerName,
    /// How far it is.
    pub holding: HoldingView,
    /// Questions that it was given since it is ready.
    pub served_count: u64,
}

/// How far an instance is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum HoldingView {
    /// It answers.
    Ready,
    /// It gets the rows and indexes them.
    Loading,
    /// It cannot, and is asked again after a pause; why.
    Failed(String),
}

impl Lookups {
    /// The record sets and who serves them, by name.
    #[must_use]
    pub fn view(&self) -> Vec<RecordsView> {
        self.sets.values().map(|loaded| self.view_of(loaded)).collect()
    }

    fn view_of(&self, loaded: &LoadedSet) -> RecordsView {
        let group = |(shard, stored): (ShardIndex, &StoredShard)| {
            let key = (loaded.load, shard);
            let held = self.instances.holders(key).filter_map(|(session, holding)| {
                let worker = self.instances.name(session)?.clone();
                let is_ready = holding.is_ready;
                let served_count = holding.served_count;
                let holding = if is_ready { HoldingView::Ready } else { HoldingView::Loading };
                Some(InstanceView { worker, holding, served_count })
            });
            let failed = self.instances.failures(key).filter_map(|(session, failed)| {
                let worker = self.instances.name(session)?.clone();
                let holding = HoldingView::Failed(failed.cause.clone());
                Some(InstanceView { worker, holding, served_count: 0 })
            });
            let mut instances: Vec<InstanceView> = held.chain(failed).collect();
            instances.sort();
            GroupView { stored: *stored, instances }
        };
        RecordsView {
            load: loaded.load,
            loaded_at: loaded.loaded_at,
            set: loaded.set.clone(),
            groups: loaded.shard_indexes().zip(&loaded.stored).map(group).collect(),
        }
    }
}
