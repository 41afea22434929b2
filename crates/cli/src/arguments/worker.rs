//! `windlass worker` on the command line: to work, and to look after those who do.

use super::{AccessArguments, PlaceArguments};
use crate::logs::LogArguments;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use windlass_core::WorkerName;
use windlass_core::records::Pin;

/// Work for a master elsewhere; or look at the workers of a cluster, drain and forget them
///
/// With --join it waits for the master, works for it, and comes back to it by itself. A name is
/// one worker's: while one of that name is connected and alive, another one is refused.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct WorkerArguments {
    #[command(subcommand)]
    pub(crate) command: Option<WorkerCommand>,
    /// A master's address (repeatable: the next one is tried where one does not answer)
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "older_slave")]
    pub(crate) join: Vec<String>,
    /// Work for the master of an older file service, as one of its slaves: MASTER_URL
    /// [http://localhost:5000], SLAVE_IP and SLAVE_PORT [3000] say where both are, in the
    /// environment or in a file `.env`
    #[arg(long, conflicts_with_all = ["join", "name", "groups"])]
    pub(crate) older_slave: bool,
    /// Its name, one of a kind; its certificate is for this name alone [default: one that a
    /// certificate is kept for, else this machine's name and some digits]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<WorkerName>,
    /// Attempts that it makes at once [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) slots: Option<u32>,
    #[command(flatten)]
    pub(crate) offer: OfferArguments,
    #[command(flatten)]
    pub(crate) log: LogArguments,
    /// Where the certificate is kept that it gets for its token, so that the next start needs none
    /// [default: $WINDLASS_STATE, else $XDG_STATE_HOME/windlass]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
}

/// What workers offer, and where they work.
#[derive(Debug, Args)]
pub(crate) struct OfferArguments {
    /// Operations to offer, as document,text (repeatable) [default: all of `windlass ops`]
    #[arg(long = "ops", value_name = "NAMES", value_delimiter = ',', value_parser = operation)]
    pub(crate) operations: Vec<String>,
    /// A group of a record set to serve, as people:am (repeatable) [default: whichever the master
    /// gives]
    #[arg(long = "group", value_name = "SET:GROUP")]
    pub(crate) groups: Vec<Pin>,
    /// Folder for files in the making [default: the system's temporary folder; of `up` its state]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
}

fn operation(name: &str) -> Result<String, String> {
    let known = windlass_ops::named(name).map(|operation| operation.spec.name.to_owned());
    known.ok_or_else(|| "there is no such operation; `windlass ops` lists them".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkerCommand {
    /// List the workers of a cluster: where they are, what they do, who is gone
    List {
        #[command(flatten)]
        place: PlaceArguments,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of one: what each slot does, what it offers, its limits
    Show {
        #[command(flatten)]
        who: NamedWorker,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Let one finish what it holds and give it nothing new, its later starts too
    Drain {
        #[command(flatten)]
        who: NamedWorker,
        /// Wait until it holds nothing
        #[arg(long)]
        wait: bool,
        /// Seconds to wait at most; exit code 6 after that
        #[arg(long, value_name = "SECONDS", requires = "wait")]
        timeout: Option<u64>,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Give a drained one work again
    Resume {
        #[command(flatten)]
        who: NamedWorker,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Forget one that is not connected
    Rm {
        #[command(flatten)]
        who: NamedWorker,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
}

/// One worker of a cluster.
#[derive(Debug, Args)]
pub(crate) struct NamedWorker {
    /// Its name, as `windlass worker list` shows it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}
