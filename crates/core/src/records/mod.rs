//! Record sets: what they are called, how keys are spread over groups, what is asked and answered.
//!
//! A record of a set is called a row, because a record is a batch of the journal's entries.

mod answer;
mod loaded;
mod names;
mod number;
mod query;
mod set;
mod shards;
mod value;

pub use answer::{Answer, GroupAnswer, Rows, merge};
pub use loaded::{LoadedSet, Pin, PinError, Shelf, ShelfShard};
pub use names::{FieldName, GroupName, NameError, SetName};
pub use number::{is_number, write_canonical_number};
pub use query::{Condition, Query, QueryError, Wanted};
pub use set::{RecordSet, SetError, StoredShard};
pub use shards::{KeyRange, Shard, ShardError, Shards, ShardsError};
pub use value::{Value, ValueRef};
