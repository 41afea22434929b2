//! The command line as clap reads it; the texts here are the help pages.

mod access;
mod job;
mod serve;
mod worker;

pub(crate) use access::{AccessArguments, LoginArguments, TokenArguments, TokenCommand};
pub(crate) use job::*;
pub(crate) use serve::*;

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
pub(crate) use worker::{NamedWorker, OfferArguments, WorkerArguments, WorkerCommand};

const AFTER_HELP: &str = "\
Examples:
  windlass run ~/Documents                 process every file that an operation takes
  windlass run --op word_count '*.txt'     one operation for all of them
  windlass run --failed                    try again what failed in the newest run
  windlass ops show image                  what an operation does, and its parameters

Results go to processed_results/<operation>/, with summary.json and summary.csv beside them.
Exit codes: 0 done, 1 error, 2 usage, 3 some files failed, 4 no master, 5 not let in,
6 no time left, 130 stopped.";

/// Point it at files: a cluster of workers on this machine processes them.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, after_help = AFTER_HELP, max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArguments),
    Submit(SubmitArguments),
    Up(UpArguments),
    Master(ServeArguments),
    Worker(WorkerArguments),
    Call(CallArguments),
    Cluster(ClusterArguments),
    Top(TopArguments),
    Job(JobArguments),
    Records(crate::records::RecordsArguments),
    Result(ResultArguments),
    Ops(OpsArguments),
    Models(crate::models::ModelsArguments),
    State(StateArguments),
    Token(TokenArguments),
    Login(LoginArguments),
    Doctor(DoctorArguments),
}

const RUN_AFTER_HELP: &str = "\
The same command again continues a run that was stopped or killed: nothing finished is redone.
Which file failed and why stands in the closing table, in summary.json and in summary.csv.

Examples:
  windlass run report.pdf photos/ 'notes/**/*.txt'
  windlass run photos/ --op image --param width=800 --param format=jpeg
  windlass run logs/ --op command --param cmd='grep -c ERROR'
  windlass run --op noop --param count=10000";

/// What is to be done, of which files.
#[derive(Debug, Args)]
pub(crate) struct AskArguments {
    /// Files, folders (with everything in them) and patterns (`*`, `?`, `[…]`, `**`)
    #[arg(value_name = "PATHS")]
    pub(crate) paths: Vec<OsString>,
    /// What to do with the files; `windlass ops` lists the operations
    #[arg(long, value_name = "OPERATION", default_value = "auto")]
    pub(crate) op: String,
    /// With `auto`: leave out the files of this operation (repeatable)
    #[arg(long, value_name = "OPERATION")]
    pub(crate) skip: Vec<String>,
    /// Folder for the results
    #[arg(long, value_name = "DIR", default_value = "processed_results")]
    pub(crate) out: PathBuf,
    /// A parameter of the operation, as name=value (repeatable)
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_param)]
    pub(crate) params: Vec<(String, String)>,
    /// Try again what failed in the newest run of the same arguments; without PATHS, in the newest
    /// run
    #[arg(long)]
    pub(crate) failed: bool,
    /// Do everything anew, also what an earlier run has a result for
    #[arg(long)]
    pub(crate) fresh: bool,
}

/// Process files: documents to text, images, text analysis, word counts, your own commands
///
/// By default every file's content decides what is done with it: images are converted, PDF and
/// Word documents give their text, text files are analysed; other files are listed as skipped.
#[derive(Debug, Args)]
#[command(after_help = RUN_AFTER_HELP)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) ask: AskArguments,
    /// Workers of one slot each [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) workers: Option<u32>,
    /// Print the summary as JSON to stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Where jobs and results are kept [default: $WINDLASS_STATE, else
    /// $XDG_STATE_HOME/windlass]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Work with the cluster of the master there, whatever --state says [default: $WINDLASS_MASTER]
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "workers")]
    pub(crate) master: Option<String>,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
}

/// Where a command finds its cluster.
#[derive(Debug, Args)]
pub(crate) struct PlaceArguments {
    /// The state whose cluster is meant [default: $WINDLASS_STATE, else
    /// $XDG_STATE_HOME/windlass]
    #[arg(long, value_name = "DIR")]
    #[arg(global = true)]
    pub(crate) state: Option<PathBuf>,
    /// The master there, whatever --state says [default: $WINDLASS_MASTER]
    #[arg(long, value_name = "HOST:PORT", global = true)]
    pub(crate) master: Option<String>,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
}

/// Call an operation and print its answer: at once, recorded nowhere
///
/// One worker answers; if it dies meanwhile, another one does. Without a cluster that is running,
/// one of this machine's own answers.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  windlass call factorial 52\n  \
                        windlass call factorial --param n=1000000 > digits.txt")]
pub(crate) struct CallArguments {
    /// The operation; `windlass ops` lists them
    #[arg(value_name = "OPERATION")]
    pub(crate) operation: String,
    /// Values of its required parameters, in their order
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
    pub(crate) values: Vec<String>,
    /// One call for each line of a file (`-`: standard input), which has the values; answers come
    /// in the order of the lines, an empty one where a call fails or a line is empty
    #[arg(long, value_name = "FILE", conflicts_with = "values")]
    pub(crate) each: Option<PathBuf>,
    /// With --each: a JSON object for each line: its answer, its error, or that it is empty
    #[arg(long, requires = "each")]
    pub(crate) json: bool,
    /// A parameter, as name=value (repeatable)
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_param)]
    pub(crate) params: Vec<(String, String)>,
    /// Seconds to wait for the whole answer [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: Option<u64>,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

/// Look at a running cluster, or change how it works
#[derive(Debug, Args)]
pub(crate) struct ClusterArguments {
    #[command(subcommand)]
    pub(crate) command: ClusterCommand,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Show its workers and what they do, what waits and why, and how calls are shared out
    Status {
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Set how the workers for an operation's calls are chosen: strategy.OPERATION=NAME
    ///
    /// Strategies: round_robin, random, least_served, least_loaded, power_of_two. They hold until
    /// the master ends.
    Set {
        /// What to set, as strategy.factorial=least_served
        #[arg(value_name = "KEY=VALUE", value_parser = parse_param)]
        setting: (String, String),
    },
    /// Say that the clock of the master's machine is right, although it has jumped ahead
    ///
    /// A master does not believe a clock that is suddenly more than an hour ahead, so that no wrong
    /// date gets into its journal. Once it is believed, jobs and results are as old as it says.
    ConfirmClock,
}

/// Watch a running cluster on the terminal: workers, what runs where, queues, jobs
///
/// Looks once a second. Keys: tab and arrows choose, d drains a worker and r resumes it, c cancels
/// a job, q ends.
#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    /// Print what there is as text, once, after two looks
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

/// List the operations, or show what one does
#[derive(Debug, Args)]
pub(crate) struct OpsArguments {
    #[command(subcommand)]
    pub(crate) command: Option<OpsCommand>,
    /// Print JSON to stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OpsCommand {
    /// Show what an operation does, what it takes and its parameters
    Show {
        /// The operation's name
        name: String,
    },
}

/// Look at what jobs and results are kept in, and set how much of it is kept
///
/// A cluster may be using the state meanwhile: `show`, `verify` and `export` change nothing, `set`
/// and `compact` ask it to.
#[derive(Debug, Args)]
pub(crate) struct StateArguments {
    #[command(subcommand)]
    pub(crate) command: StateCommand,
    /// Print JSON to stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The state [default: $WINDLASS_STATE, else
    /// $XDG_STATE_HOME/windlass]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Show what it holds: jobs, tasks, journal, snapshots
    Show,
    /// Read every record and snapshot, and say what is sound and what is damaged
    Verify,
    /// Set limits; without arguments, list them
    ///
    /// They are kept in the state and hold for every run that uses it.
    Set {
        /// A limit and its new value, as `windlass state set` lists them (`memo_mb_max=2000`)
        #[arg(value_name = "KEY=VALUE", value_parser = parse_param)]
        settings: Vec<(String, String)>,
    },
    /// Make the state as small as its limits allow, and say what that freed
    Compact,
    /// Print all of it, one JSON object a line: settings, jobs, phases, tasks with their results
    Export,
}

/// Try out what protects this machine from the files: confinement, disk
///
/// Every line is the result of doing it, once, in a child process or in the state folder. Exit code
/// 0: all of it holds; 1: something is missing, with what that means and what to do.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Print JSON to stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// The state folder whose disk is tried [default: $WINDLASS_STATE, else
    /// $XDG_STATE_HOME/windlass]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}

fn parse_param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as name=value".to_owned()),
    }
}
