//! What can be wrong with a row, with a file, and with a load as a whole.

use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use windlass_core::limits::{RECORD_ROW_BYTES_MAX, RECORD_ROW_DEPTH_MAX, RECORD_SHARD_BYTES_MAX};
use windlass_core::records::{FieldName, GroupName};

/// Why a row is left out.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RowFault {
    /// JSON of another kind.
    #[error("not an object")]
    NotObject,
    /// Not JSON.
    #[error("invalid JSON: {0}")]
    Json(String),
    /// Not text.
    #[error("not UTF-8")]
    NotText,
    /// No key.
    #[error("no field {0}")]
    NoKey(FieldName),
    /// A key that is neither text nor a number, or empty.
    #[error("field {field} is {found}: a key is text or a number")]
    Key {
        /// The key field.
        field: FieldName,
        /// What it is instead.
        found: &'static str,
    },
    /// A key of no shard.
    #[error("key {key:?} is outside all ranges; a shard rest=* would take it")]
    OutsideRanges {
        /// The key, shortened.
        key: String,
    },
    /// Too long.
    #[error("longer than {max} bytes", max = RECORD_ROW_BYTES_MAX)]
    TooLong,
    /// Too deep.
    #[error("objects and arrays inside each other, more than {max}", max = RECORD_ROW_DEPTH_MAX)]
    TooDeep,
    /// A row of a table with more or fewer cells than its first line.
    #[error("{found} cells, but the first line names {wanted} fields")]
    CellCount {
        /// Cells here.
        found: usize,
        /// Fields of the table.
        wanted: usize,
    },
}

/// A row that is left out.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{}: line {line}: {fault}", file.display())]
pub struct BadRow {
    /// Its file.
    pub file: PathBuf,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Why.
    pub fault: RowFault,
}

/// A file that cannot be read to its end.
#[derive(Debug)]
pub(crate) enum FileFault {
    /// The system says no.
    Io(io::Error),
    /// Its structure is broken: what follows cannot be told apart.
    Broken { line: u64, cause: String },
}

impl From<io::Error> for FileFault {
    fn from(error: io::Error) -> FileFault {
        FileFault::Io(error)
    }
}

/// Why nothing is loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file's structure is broken, not just a row of it.
    #[error("read {}: line {line}: {cause}", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// Where, from 1.
        line: u64,
        /// What is wrong there.
        cause: String,
    },
    /// A shard cannot be written.
    #[error("write shard {group}: {source}")]
    Write {
        /// Whose.
        group: GroupName,
        /// What the system said.
        source: io::Error,
    },
    /// A shard outgrows its limit.
    #[error(
        "write shard {group}: it has more than {max} bytes; spread its keys over more shards",
        max = RECORD_SHARD_BYTES_MAX
    )]
    TooLarge {
        /// Whose.
        group: GroupName,
    },
}

impl LoadError {
    pub(crate) fn of_file(file: &Path) -> impl Fn(FileFault) -> LoadError {
        move |fault| match fault {
            FileFault::Io(source) => LoadError::Read { file: file.to_owned(), source },
            FileFault::Broken { line, cause } => {
                LoadError::Broken { file: file.to_owned(), line, cause }
            }
        }
    }
}
