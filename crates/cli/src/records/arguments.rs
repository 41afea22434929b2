//! The command line of `windlass records`; the texts here are the help pages.

use crate::arguments::PlaceArguments;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use windlass_core::records::{FieldName, SetName, Shard};

/// Load record sets, and look rows up by key or by any field that is indexed
#[derive(Debug, Args)]
pub(crate) struct RecordsArguments {
    #[command(subcommand)]
    pub(crate) command: RecordsCommand,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

const LOAD_AFTER_HELP: &str = "\
Files: a JSON array of objects, an object whose values are objects, one object a line (NDJSON) or
after another, or a table whose first line names the fields (CSV; also with semicolons or tabs).

Examples:
  windlass records load people people.json --key name --shard am=a-m --shard nz=n-z
  windlass records load stock stock.csv --key sku --shard all='*' --index colour --replicas 1";

const QUERY_AFTER_HELP: &str = "\
Conditions are --FIELD VALUE for any field, or --where FIELD=VALUE (for a field that is called like
one of the options). All must hold exactly; a value is the text or the number that is written so,
or true, false or null: a field that a row does not have is no null.

Options: --json, --timeout SECONDS, --state DIR, --master HOST:PORT, --token TOKEN, --insecure.
Exit codes: 0 whole answer (perhaps no row), 3 a group is missing, 1 error, 2 usage.

Examples:
  windlass records query people --name alice
  windlass records query people --location Oslo --year 2002
  windlass records query people --where state=Texas --json";

#[derive(Debug, Subcommand)]
pub(crate) enum RecordsCommand {
    Load(LoadArguments),
    /// Print the rows that meet all conditions: one JSON object a line, or a table on a terminal
    #[command(after_help = QUERY_AFTER_HELP)]
    Query {
        /// The record set
        #[arg(value_name = "NAME")]
        name: SetName,
        /// What the rows must be, as --FIELD VALUE
        #[arg(value_name = "CONDITIONS", trailing_var_arg = true, allow_hyphen_values = true)]
        conditions: Vec<String>,
    },
    /// List the record sets, their groups and who serves them
    List {
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Forget a record set; its files stay where they are
    Drop {
        /// The record set
        #[arg(value_name = "NAME")]
        name: SetName,
    },
}

/// Load files as a record set: it is there whole, or nothing of it
///
/// Each row goes to the shard whose range has the first character of its key, in lower case. Rows
/// that cannot be loaded are left out and told by file and line.
#[derive(Debug, Args)]
#[command(after_help = LOAD_AFTER_HELP)]
pub(crate) struct LoadArguments {
    /// What the record set is called
    #[arg(value_name = "NAME")]
    pub(crate) name: SetName,
    /// Files with its rows; `-` is standard input
    #[arg(value_name = "FILES", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The field by which rows are spread, and found the fastest
    #[arg(long, value_name = "FIELD")]
    pub(crate) key: FieldName,
    /// A group and the first characters of its keys (repeatable): am=a-m, or rest=* for all others
    #[arg(long = "shard", value_name = "GROUP=RANGE", default_value = "all=*")]
    pub(crate) shards: Vec<Shard>,
    /// Another field that can be asked for (repeatable) [default: the first 8 of the first row]
    #[arg(long = "index", value_name = "FIELD")]
    pub(crate) indexed: Vec<FieldName>,
    /// Workers that serve each group, where there are so many
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) replicas: u32,
    /// Load nothing if one row is bad
    #[arg(long)]
    pub(crate) strict: bool,
    /// Put it in the place of the record set of this name
    #[arg(long)]
    pub(crate) replace: bool,
    /// Print JSON to stdout
    #[arg(long)]
    pub(crate) json: bool,
}
