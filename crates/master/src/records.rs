//! Record sets: loaded, dropped, listed and looked into.

use crate::error::MasterError;
use crate::handle::Handle;
use crate::host::Loop;
use crate::switchboard::TellLookup;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use windlass_core::LoadId;
use windlass_core::calls::CallerId;
use windlass_core::ledger::{Applied, Entry};
use windlass_core::lookups::{LookupRequest, RecordsView};
use windlass_core::records::{LoadedSet, RecordSet, SetName, StoredShard};

impl Handle {
    /// Makes a record set of shards that are durable in the blob store, all of it at once.
    ///
    /// # Errors
    /// There is one of this name that is not to be replaced, its parts do not fit together, there
    /// are too many, or the master has ended.
    pub fn load_records(
        &self,
        set: RecordSet,
        stored: Vec<StoredShard>,
        replaces: bool,
    ) -> Result<LoadId, MasterError> {
        let applied = self.decide(Entry::RecordsLoaded { set, stored, replaces })?;
        let loaded = applied.iter().find_map(|done| match done {
            Applied::RecordsLoaded(_, load) => Some(*load),
            _ => None,
        });
        loaded.ok_or_else(|| self.ended())
    }

    /// Forgets a record set.
    ///
    /// # Errors
    /// There is none of this name, or the master has ended.
    pub fn drop_records(&self, name: SetName) -> Result<(), MasterError> {
        self.decide(Entry::RecordsDropped { name }).map(drop)
    }

    /// The record sets, by name, and who serves them.
    ///
    /// # Errors
    /// The master has ended.
    pub fn records(&self) -> Result<Vec<RecordsView>, MasterError> {
        self.switchboard.records().ok_or_else(|| self.ended())
    }

    /// A record set, if there is one of this name.
    #[must_use]
    pub fn record_set(&self, name: &SetName) -> Option<Arc<LoadedSet>> {
        self.switchboard.record_set(name)
    }

    /// Looks rows up, without ever waiting; what comes of it goes to `tell`, within the time that
    /// the request allows, and maybe before this returns.
    ///
    /// # Errors
    /// The master has ended.
    pub fn look_up(&self, request: LookupRequest, tell: TellLookup) -> Result<(), MasterError> {
        let asker = CallerId(self.shared.caller_count.fetch_add(1, Ordering::Relaxed));
        let is_asked = self.switchboard.look_up(asker, request, tell);
        is_asked.then_some(()).ok_or_else(|| self.ended())
    }
}

impl Loop {
    /// Shows the switchboard what an entry did to the record sets.
    pub(crate) fn on_sets(&self, applied: &[Applied]) {
        let is_of_sets = |done: &Applied| {
            matches!(done, Applied::RecordsLoaded(..) | Applied::RecordsDropped(_))
        };
        if applied.iter().any(is_of_sets) {
            self.switchboard.change_sets(self.ledger.records.clone());
        }
    }
}
