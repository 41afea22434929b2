//! Record sets: files are read into shards, and a shard in memory answers queries.
//!
//! Knows neither masters nor the network nor where blobs lie: bytes come from any reader and go to
//! any writer.

mod dictionary;
mod document;
mod fault;
mod field;
mod fields;
mod format;
mod index;
mod lines;
mod loader;
mod postings;
mod row;
mod rows;
mod scan;
mod shard;
mod source;
mod table;

pub use fault::{BadRow, LoadError, RowFault};
pub use fields::{row_fields, scalar_fields};
pub use format::Format;
pub use index::{Index, IndexError, Matches};
pub use loader::{Loader, Report, StoredRows};
pub use rows::named;
pub use shard::{ShardFault, ShardRows, ShardWriter};
