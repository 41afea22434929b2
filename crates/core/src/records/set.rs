//! A record set as it is described, and who is asked for what.

use super::names::{FieldName, SetName};
use super::query::{Query, QueryError};
use super::shards::Shards;
use crate::ids::BlobId;
use crate::limits::{RECORD_INDEXED_FIELD_COUNT_MAX, RECORD_REPLICA_COUNT_MAX};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A record set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordSet {
    /// Its name.
    pub name: SetName,
    /// The field whose value decides the shard of a row.
    pub key: FieldName,
    /// Other fields that can be asked for. The first two are also indexed together: both at once
    /// are found as quickly as either.
    pub indexed: Vec<FieldName>,
    /// How it is spread.
    pub shards: Shards,
    /// How many instances each group should have.
    pub replica_count: u32,
}

/// A shard's rows in the blob store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredShard {
    /// Where.
    pub blob: BlobId,
    /// Length of the blob in bytes.
    pub size: u64,
    /// How many rows.
    pub row_count: u64,
}

/// A set that cannot be; a usage error.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SetError {
    /// Too many fields.
    #[error("{0} indexed fields, at most {max} are possible", max = RECORD_INDEXED_FIELD_COUNT_MAX)]
    TooManyFields(usize),
    /// A field that is named twice.
    #[error("field {0} is named twice among key and indexed fields")]
    SameField(FieldName),
    /// A count of instances that is out of bounds.
    #[error("{0} replicas: a whole number from 1 to {max} is wanted", max = RECORD_REPLICA_COUNT_MAX)]
    Replicas(u32),
}

impl RecordSet {
    /// Whether the parts of the description fit together.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<(), SetError> {
        if self.indexed.len() > RECORD_INDEXED_FIELD_COUNT_MAX {
            return Err(SetError::TooManyFields(self.indexed.len()));
        }
        if !(1..=RECORD_REPLICA_COUNT_MAX).contains(&self.replica_count) {
            return Err(SetError::Replicas(self.replica_count));
        }
        let mut earlier = vec![&self.key];
        for field in &self.indexed {
            if earlier.contains(&field) {
                return Err(SetError::SameField(field.clone()));
            }
            earlier.push(field);
        }
        Ok(())
    }

    /// Key and indexed fields, in this order.
    pub fn fields(&self) -> impl Iterator<Item = &FieldName> {
        std::iter::once(&self.key).chain(&self.indexed)
    }

    /// Whether the set can answer a query.
    ///
    /// # Errors
    /// Why not.
    pub fn check_query(&self, query: &Query) -> Result<(), QueryError> {
        query.check_count()?;
        for condition in &query.conditions {
            if !self.fields().any(|field| *field == condition.field) {
                let indexed: Vec<&str> = self.fields().map(FieldName::as_str).collect();
                let field = condition.field.clone();
                return Err(QueryError::NotIndexed { field, indexed: indexed.join(", ") });
            }
        }
        Ok(())
    }

    /// The positions of the shards that may hold what is asked for, in order: by key one (or two,
    /// where what is written is a number too), none where no shard has such keys, else all.
    #[must_use]
    pub fn shards_of(&self, query: &Query) -> Vec<usize> {
        let mut asked: Vec<usize> = (0..self.shards.as_slice().len()).collect();
        for condition in query.conditions.iter().filter(|condition| condition.field == self.key) {
            let keys = condition.wanted.values().filter_map(|value| value.key_text());
            let holders: Vec<usize> = keys.filter_map(|key| self.shards.of(&key)).collect();
            asked.retain(|position| holders.contains(position));
        }
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Condition, Value, Wanted};
    use super::*;

    fn set() -> RecordSet {
        let shards = ["am=a-m", "nz=n-z", "d=0-9"].map(|text| text.parse().expect("a shard"));
        RecordSet {
            name: "people".parse().expect("a name"),
            key: field("name"),
            indexed: vec![field("location"), field("year")],
            shards: Shards::new(shards.into()).expect("fit"),
            replica_count: 2,
        }
    }

    fn field(name: &str) -> FieldName {
        name.parse().expect("a name")
    }

    fn written(pairs: &[(&str, &str)]) -> Query {
        let condition = |(name, value): &(&str, &str)| Condition {
            field: field(name),
            wanted: Wanted::Written((*value).to_owned()),
        };
        Query { conditions: pairs.iter().map(condition).collect() }
    }

    #[test]
    fn by_key_one_shard_is_asked_otherwise_all() {
        let set = set();
        // In order of ranges: digits, am, nz.
        assert_eq!(set.shards_of(&written(&[("name", "alice")])), [1]);
        assert_eq!(set.shards_of(&written(&[("name", "Zoe"), ("year", "1")])), [2]);
        assert_eq!(set.shards_of(&written(&[("location", "Oslo")])), [0, 1, 2]);
        assert_eq!(set.shards_of(&written(&[("name", "?")])), Vec::<usize>::new());
        assert_eq!(set.shards_of(&written(&[("name", "alice"), ("name", "zoe")])), []);
        let none = Query::one(field("name"), Wanted::Exact(Value::Null));
        assert_eq!(set.shards_of(&none), []);
    }

    #[test]
    fn a_key_that_is_text_or_a_number_is_looked_for_in_both_places() {
        let mut set = set();
        let shards = ["zero=0", "more=1-9"].map(|text| text.parse().expect("a shard"));
        set.shards = Shards::new(shards.into()).expect("fit");
        assert_eq!(set.shards_of(&written(&[("name", "0.5e1")])), [0, 1]);
        assert_eq!(set.shards_of(&written(&[("name", "05")])), [0]);
    }

    #[test]
    fn a_field_without_index_is_refused_with_those_that_have_one() {
        let error = set().check_query(&written(&[("team", "a")])).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "field team cannot be asked for: the set is indexed by name, location, year; load it \
             again with an index on team"
        );
        assert_eq!(set().check_query(&written(&[])), Err(QueryError::Empty));
        assert_eq!(set().check_query(&written(&[("year", "a"); 99])), Err(QueryError::TooMany(99)));
        assert_eq!(set().check_query(&written(&[("year", "a")])), Ok(()));
    }

    #[test]
    fn a_description_that_cannot_be_is_refused() {
        assert_eq!(set().check(), Ok(()));
        let twice = RecordSet { indexed: vec![field("name")], ..set() };
        assert_eq!(twice.check(), Err(SetError::SameField(field("name"))));
        let none = RecordSet { replica_count: 0, ..set() };
        assert_eq!(none.check(), Err(SetError::Replicas(0)));
        let many = (0..99).map(|number| field(&number.to_string())).collect();
        let many = RecordSet { indexed: many, ..set() };
        assert_eq!(many.check(), Err(SetError::TooManyFields(99)));
    }
}
