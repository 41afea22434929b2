//! Record sets in the ledger: loaded whole, replaced whole, dropped.

use super::applied::{Applied, Refusal};
use super::apply::Ledger;
use super::settings::Setting;
use crate::ids::{BlobId, LoadId};
use crate::limits::RECORD_SHARD_BYTES_MAX;
use crate::records::{LoadedSet, RecordSet, SetName, StoredShard};
use std::sync::Arc;

impl Ledger {
    pub(super) fn load_records(
        &mut self,
        set: &RecordSet,
        stored: &[StoredShard],
        replaces: bool,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        if !fits(set, stored) {
            return Err(Refusal::BadRecords);
        }
        let is_there = self.records.contains_key(&set.name);
        if is_there && !replaces {
            return Err(Refusal::RecordsExist);
        }
        let most = self.settings.get(Setting::RecordSetCountMax);
        if !is_there && self.records.len() as u64 >= most {
            return Err(Refusal::TooManyRecords);
        }
        let load = LoadId(self.last_load.0 + 1);
        self.last_load = load;
        let (set, stored, loaded_at) = (set.clone(), stored.to_vec(), self.time);
        let name = set.name.clone();
        self.records.insert(name.clone(), Arc::new(LoadedSet { load, loaded_at, set, stored }));
        out.push(Applied::RecordsLoaded(name, load));
        Ok(())
    }

    pub(super) fn drop_records(
        &mut self,
        name: &SetName,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        self.records.remove(name).ok_or(Refusal::UnknownRecords)?;
        out.push(Applied::RecordsDropped(name.clone()));
        Ok(())
    }

    /// The shards of all record sets.
    pub(super) fn record_blobs(&self) -> impl Iterator<Item = BlobId> {
        self.records.values().flat_map(|loaded| loaded.stored.iter().map(|stored| stored.blob))
    }
}

/// Whether there is a shard for each range, and none that could not be served.
pub(super) fn fits(set: &RecordSet, stored: &[StoredShard]) -> bool {
    set.check().is_ok()
        && stored.len() == set.shards.as_slice().len()
        && stored.iter().all(|stored| stored.size <= RECORD_SHARD_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Entry, RootCursor};
    use crate::time::LogTime;

    fn loaded(name: &str, shards: &[&str], stored_count: u8, replaces: bool) -> Entry {
        let shards: Vec<_> = shards.iter().map(|text| text.parse().expect("a shard")).collect();
        let set = RecordSet {
            name: name.parse().expect("a name"),
            key: "name".parse().expect("a name"),
            indexed: Vec::new(),
            shards: shards.try_into().expect("fit"),
            replica_count: 1,
        };
        let stored = |n: u8| StoredShard { blob: BlobId::of(&[n]), size: 1, row_count: 1 };
        Entry::RecordsLoaded { set, stored: (0..stored_count).map(stored).collect(), replaces }
    }

    fn dropped(name: &str) -> Entry {
        Entry::RecordsDropped { name: name.parse().expect("a name") }
    }

    fn apply(ledger: &mut Ledger, entry: &Entry) -> Vec<Applied> {
        let mut out = Vec::new();
        ledger.apply(LogTime(7), entry, &mut out);
        out
    }

    #[test]
    fn a_set_is_there_whole_and_replaced_only_when_asked() {
        let mut ledger = Ledger::default();
        let people: SetName = "people".parse().expect("a name");
        let two = ["am=a-m", "nz=n-z"];
        let done = apply(&mut ledger, &loaded("people", &two, 2, false));
        assert_eq!(done, [Applied::RecordsLoaded(people.clone(), LoadId(1))]);
        let before = ledger.clone();
        let again = apply(&mut ledger, &loaded("people", &["all=*"], 1, false));
        assert_eq!(again, [Applied::Refused(Refusal::RecordsExist)]);
        assert_eq!(ledger, before);
        let replaced = apply(&mut ledger, &loaded("people", &["all=*"], 1, true));
        assert_eq!(replaced, [Applied::RecordsLoaded(people.clone(), LoadId(2))]);
        assert_eq!(ledger.records[&people].stored.len(), 1);
    }

    #[test]
    fn a_dropped_set_leaves_nothing_and_its_number_is_not_used_again() {
        let mut ledger = Ledger::default();
        apply(&mut ledger, &loaded("people", &["all=*"], 1, false));
        assert_eq!(ledger.roots(RootCursor::default()).blobs, [BlobId::of(&[0])]);
        let people: SetName = "people".parse().expect("a name");
        assert_eq!(apply(&mut ledger, &dropped("people")), [Applied::RecordsDropped(people)]);
        let refused = [Applied::Refused(Refusal::UnknownRecords)];
        assert_eq!(apply(&mut ledger, &dropped("people")), refused);
        assert_eq!(ledger.roots(RootCursor::default()).blobs, []);
        let done = apply(&mut ledger, &loaded("people", &["all=*"], 1, false));
        assert!(matches!(done[0], Applied::RecordsLoaded(_, LoadId(2))));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let mut ledger = Ledger::default();
        let refused = [Applied::Refused(Refusal::BadRecords)];
        assert_eq!(apply(&mut ledger, &loaded("people", &["a=a", "b=b"], 1, false)), refused);
        let Entry::RecordsLoaded { mut set, stored, .. } = loaded("people", &["a=a"], 1, false)
        else {
            panic!("a load")
        };
        set.replica_count = 0;
        let entry = Entry::RecordsLoaded { set, stored, replaces: false };
        assert_eq!(apply(&mut ledger, &entry), refused);
    }

    #[test]
    fn there_are_no_more_sets_than_the_setting_says() {
        let mut ledger = Ledger::default();
        let name = "record_set_count_max".to_owned();
        apply(&mut ledger, &Entry::SettingChanged { name, value: 1 });
        apply(&mut ledger, &loaded("people", &["all=*"], 1, false));
        let refused = [Applied::Refused(Refusal::TooManyRecords)];
        assert_eq!(apply(&mut ledger, &loaded("places", &["all=*"], 1, true)), refused);
        let replaced = apply(&mut ledger, &loaded("people", &["all=*"], 1, true));
        assert!(matches!(replaced[0], Applied::RecordsLoaded(..)));
    }
}
