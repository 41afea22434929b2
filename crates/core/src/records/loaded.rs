//! A record set as the cluster has it, and what a worker is to serve of it.

use super::names::{GroupName, SetName};
use super::set::{RecordSet, StoredShard};
use crate::ids::{LoadId, ShardIndex};
use crate::time::LogTime;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A record set with its rows: whole, or not there at all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoadedSet {
    /// This load.
    pub load: LoadId,
    /// When.
    pub loaded_at: LogTime,
    /// What it is.
    pub set: RecordSet,
    /// Its shards' rows, in the order of the ranges.
    pub stored: Vec<StoredShard>,
}

/// What a worker is to serve of one load.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shelf {
    /// The load.
    pub load: LoadId,
    /// Its description.
    pub set: RecordSet,
    /// The shards, ascending.
    pub shards: Vec<ShelfShard>,
}

/// One shard on a shelf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShelfShard {
    /// Its position in the set.
    pub shard: ShardIndex,
    /// Its rows.
    pub stored: StoredShard,
}

/// A group that a worker is there for: `people:am`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Pin {
    /// The record set.
    pub set: SetName,
    /// The group.
    pub group: GroupName,
}

/// A group that is written wrong; a usage error.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PinError {
    /// No colon.
    #[error("{0:?} names no group: write SET:GROUP, as people:am")]
    Form(String),
    /// One of the names.
    #[error("{0}")]
    Name(#[from] super::names::NameError),
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Pin, PinError> {
        let (set, group) = text.split_once(':').ok_or_else(|| PinError::Form(text.to_owned()))?;
        Ok(Pin { set: set.parse()?, group: group.parse()? })
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.set, self.group)
    }
}

impl LoadedSet {
    /// The shards, in the order of the ranges.
    pub fn shard_indexes(&self) -> impl Iterator<Item = ShardIndex> + use<> {
        (0..self.stored.len())
            .map(|position| ShardIndex(u16::try_from(position).unwrap_or(u16::MAX)))
    }

    /// The group that serves a shard.
    #[must_use]
    pub fn group(&self, shard: ShardIndex) -> Option<&GroupName> {
        self.set.shards.as_slice().get(usize::from(shard.0)).map(|shard| &shard.group)
    }

    /// Rows of all shards.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.stored.iter().fold(0, |sum, stored| sum.saturating_add(stored.row_count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_written_with_its_set() {
        let pin: Pin = "people:am".parse().expect("a group");
        assert_eq!(pin.to_string(), "people:am");
        for bad in ["people", "people:", ":am", "people:a b"] {
            assert!(bad.parse::<Pin>().is_err(), "{bad}");
        }
    }
}
