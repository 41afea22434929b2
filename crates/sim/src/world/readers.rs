//! Record sets and whoever looks something up in them, in the world.

use super::run::World;
use crate::lookups::{load, request, set_name};
use crate::plan::HEALED_AT;
use crate::wire::{Happening, MasterEvent, MasterIndex};
use windlass_core::ledger::Entry;

/// Somebody asks about this often.
const ENQUIRY_US: u64 = 400_000;
/// How often it is looked whether there are records, once everything heals.
const KEEPING_US: u64 = 1_000_000;

impl World {
    /// Shards are stored, then the set is recorded by whoever reigns.
    pub(super) fn load_records(&mut self, replica_count: u32) -> Result<(), String> {
        self.load_count += 1;
        let entry = load(self.load_count, replica_count);
        if let Entry::RecordsLoaded { stored, .. } = &entry {
            stored.iter().for_each(|shard| self.oracle.durable.put(shard.blob, self.now));
        }
        self.propose(entry)
    }

    pub(super) fn drop_records(&mut self) -> Result<(), String> {
        self.propose(Entry::RecordsDropped { name: set_name() })
    }

    /// There are records in the end.
    pub(super) fn keep_records(&mut self) -> Result<(), String> {
        self.queue_in(KEEPING_US, Happening::OperatorKeepsRecords);
        if self.witness.ledger.records.is_empty() {
            self.load_records(2)?;
        }
        Ok(())
    }

    /// Somebody asks a master, one that reigns more often than not.
    pub(super) fn look_up(&mut self) -> Result<(), String> {
        let pause_us = 1 + self.random.below(2 * ENQUIRY_US);
        self.queue_in(pause_us, Happening::ReaderAsks);
        let reigning = self.reigning().map(|(index, _)| index);
        if let Some(index) = reigning.filter(|_| self.now > HEALED_AT) {
            self.oracle.reader.check_waiting(self.now, self.life_of(index))?;
        }
        let any = MasterIndex(self.random.below(self.masters.len() as u64) as usize);
        let of = reigning.filter(|_| self.random.below(8) > 0).unwrap_or(any);
        let whom = self.life_of(of);
        let request = request(&mut self.random);
        let enquiry = self.oracle.reader.ask(self.now, whom, request);
        let delay_us = 50 + self.random.below(5_000);
        self.queue_in(delay_us, Happening::ToMaster(whom, MasterEvent::Enquired(enquiry)));
        Ok(())
    }
}
