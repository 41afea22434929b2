//! A master's record sets as the service wants them.

use crate::node::{Node, of_master};
use windlass_core::LoadId;
use windlass_core::lookups::{LookupRequest, RecordsView};
use windlass_core::records::{RecordSet, SetName, StoredShard};
use windlass_wire::{HostError, RecordsHost, TakeLookup};

impl RecordsHost for Node {
    fn load_records(
        &self,
        set: RecordSet,
        stored: Vec<StoredShard>,
        replaces: bool,
    ) -> Result<LoadId, HostError> {
        for shard in &stored {
            self.require(shard.blob, format_args!("a shard of {}", set.name))?;
        }
        self.handle.load_records(set, stored, replaces).map_err(of_master)
    }

    fn drop_records(&self, name: SetName) -> Result<(), HostError> {
        self.handle.drop_records(name).map_err(of_master)
    }

    fn records(&self) -> Result<Vec<RecordsView>, HostError> {
        self.handle.records().map_err(of_master)
    }

    fn look_up(&self, request: LookupRequest, take: TakeLookup) -> Result<(), HostError> {
        self.handle.look_up(request, take).map_err(of_master)
    }
}
