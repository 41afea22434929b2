//! The command line of what serves: `windlass up` and `windlass master`.

use super::OfferArguments;
use crate::CliError;
use crate::cluster::OwnWorkers;
use crate::logs::LogArguments;
use clap::Args;
use std::path::PathBuf;
use windlass_core::records::SetName;
use windlass_core::{BadWorkerName, WorkerName};

/// Start a cluster here that stays: a master, and workers in the same process
///
/// Commands on this machine that name the same state use it by themselves; workers and commands
/// elsewhere join it at the address it listens on. Ctrl-C ends it, and the next start goes on.
#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    #[command(flatten)]
    pub(crate) serve: ServeArguments,
    /// Workers in this process [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1024))]
    pub(crate) workers: Option<u32>,
    /// Attempts that each of them makes at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) slots: u32,
    /// What their names begin with; a number follows
    #[arg(long, value_name = "NAME", default_value = "w")]
    pub(crate) name: WorkerName,
    #[command(flatten)]
    pub(crate) offer: OfferArguments,
}

impl UpArguments {
    /// The workers that there are to be.
    pub(crate) fn workers(&self) -> Result<OwnWorkers, CliError> {
        let count = self.workers.unwrap_or_else(crate::place::cores);
        let WorkerName(name) = &self.name;
        // The last one's name is the longest.
        let last: Result<WorkerName, BadWorkerName> = format!("{name}{count}").parse();
        last.map_err(|error| {
            CliError::usage(format!("--name {name}: {error}, with the number that follows"))
        })?;
        Ok(OwnWorkers {
            count,
            slots: self.slots,
            name: name.clone(),
            operations: self.offer.operations.clone(),
            pins: self.offer.groups.clone(),
            scratch: self.offer.scratch.clone(),
        })
    }
}

/// Start a master without workers; `windlass worker --join` brings them
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Where to listen (repeatable); port 0 is a free one
    ///
    /// On another address than 127.0.0.1 connections are encrypted, and whoever comes in from
    /// another machine needs a token: `windlass token`. The first start there prints the line that
    /// joins a worker.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5000")]
    pub(crate) listen: Vec<String>,
    /// Listen without encryption or checks: whoever reaches the address can run commands here
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Where jobs and results are kept [default: $WINDLASS_STATE, else
    /// $XDG_STATE_HOME/windlass]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) older: OlderArguments,
    #[command(flatten)]
    pub(crate) log: LogArguments,
}

/// Which programs of older systems are served. Their ports know no tokens.
#[derive(Debug, Args)]
#[command(next_help_heading = "Programs of older systems")]
pub(crate) struct OlderArguments {
    /// Serve all of them, each on its usual port
    #[arg(long)]
    pub(crate) older: bool,
    /// Serve clients of the factorial service over plain TCP [default address: 127.0.0.1:65432]
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1)]
    #[arg(default_missing_value = TCP_FACTORIAL_PLACE)]
    pub(crate) tcp_factorial: Option<String>,
    /// Give their numbers to that service's own workers, whose ports on this machine stand in this
    /// file, one a line; ours are asked where none of them answers
    #[arg(long, value_name = "FILE")]
    pub(crate) tcp_workers: Option<PathBuf>,
    /// Serve clients of the look-up service over XML-RPC [default address: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1)]
    #[arg(default_missing_value = XMLRPC_PLACE)]
    pub(crate) xmlrpc: Option<String>,
    /// The record set that they ask [default: the only one there is]
    #[arg(long, value_name = "NAME")]
    pub(crate) xmlrpc_records: Option<SetName>,
    /// Seconds that a worker of the older MapReduce has for a task
    #[arg(long, value_name = "SECONDS", default_value_t = XMLRPC_TIMEOUT_S)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) xmlrpc_timeout: u64,
    /// Seconds that a slave of the older file service, which is served on the main port, has for a
    /// request
    #[arg(long, value_name = "SECONDS", default_value_t = SLAVE_TIMEOUT_S)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) slave_timeout: u64,
}

/// Where the factorial service listened.
pub(crate) const TCP_FACTORIAL_PLACE: &str = "127.0.0.1:65432";
/// Where the look-up service listened.
pub(crate) const XMLRPC_PLACE: &str = "127.0.0.1:8000";
/// What those services gave a worker.
pub(crate) const XMLRPC_TIMEOUT_S: u64 = 10;
pub(crate) const SLAVE_TIMEOUT_S: u64 = 45;

#[cfg(test)]
mod tests {
    use crate::arguments::{Arguments, Command};
    use clap::Parser;

    /// What the names of the workers begin with.
    fn read(count: &str, name: &str) -> Result<String, String> {
        let words = ["windlass", "up", "--workers", count, "--name", name];
        match Arguments::try_parse_from(words).map_err(|error| error.to_string())?.command {
            Command::Up(up) => up.workers().map(|it| it.name).map_err(|error| error.to_string()),
            _ => unreachable!("it is up"),
        }
    }

    #[test]
    fn the_names_that_are_made_are_names_of_workers() {
        assert_eq!(read("10", "a.b_c-"), Ok("a.b_c-".to_owned()));
        assert_eq!(read("9", &"x".repeat(63)), Ok("x".repeat(63)));
        for (count, wrong) in [
            ("1", ""),
            ("1", "a b"),
            ("0", "é"),
            ("1", "a/b"),
            ("10", &"x".repeat(63)),
            ("1", &"x".repeat(64)),
        ] {
            let error = read(count, wrong).expect_err("is refused");
            assert!(error.contains("1 to 64 of A-Z a-z 0-9 . _ -"), "{error}");
        }
    }
}
