//! What others ask of a running master about record sets.

use super::Handle;
use crate::error::MasterError;
use crate::inbox::{Inbox, Question};
use crate::lookups::TellLookup;
use std::sync::atomic::Ordering;
use std::sync::mpsc::TrySendError;
use windlass_core::LoadId;
use windlass_core::calls::CallerId;
use windlass_core::ledger::{Applied, Entry};
use windlass_core::lookups::{LookupRequest, RecordsView};
use windlass_core::records::{RecordSet, SetName, StoredShard};

/// Why the master does not take a look-up.
pub enum Unasked {
    /// It has more to do than it can take: ask again, soon.
    Busy(Box<LookupRequest>, TellLookup),
    /// It has ended.
    Ended(MasterError),
}

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
        self.ask(Question::Records)
    }

    /// Looks rows up; what comes of it goes to `tell`, within the time that the request allows.
    ///
    /// # Errors
    /// The master has more to do than it can take, or has ended.
    pub fn look_up(&self, request: LookupRequest, tell: TellLookup) -> Result<(), Unasked> {
        let caller = CallerId(self.shared.caller_count.fetch_add(1, Ordering::Relaxed));
        match self.inbox.try_send(Inbox::LookUp(caller, request, tell)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(Inbox::LookUp(_, request, tell))) => {
                Err(Unasked::Busy(Box::new(request), tell))
            }
            Err(_) => Err(Unasked::Ended(self.ended())),
        }
    }
}
