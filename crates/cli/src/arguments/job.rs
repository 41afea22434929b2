//! The command line of jobs and their results.

use super::{AskArguments, PlaceArguments};
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const SUBMIT_AFTER_HELP: &str = "\
Prints the number of the job, one a line where there are several. The same command again finds the
job while it is open. --out is where `windlass run` with the same arguments would put the results;
`windlass result export` is told its own.

Examples:
  job=$(windlass submit photos/ --op image --param width=800)
  windlass job wait $job && windlass result export $job --out small";

/// Submit what `windlass run` would do, and leave it to the cluster that is running
#[derive(Debug, Args)]
#[command(after_help = SUBMIT_AFTER_HELP)]
pub(crate) struct SubmitArguments {
    #[command(flatten)]
    pub(crate) ask: AskArguments,
    /// Print JSON to stdout
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

/// Look at jobs and steer them: wait, pause, retry, cancel
#[derive(Debug, Args)]
pub(crate) struct JobArguments {
    #[command(subcommand)]
    pub(crate) command: JobCommand,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

/// States by which jobs are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum StateFilter {
    /// Not ended, paused ones too.
    Open,
    Paused,
    Succeeded,
    Failed,
    Cancelled,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List them, oldest first
    List {
        /// Only those in this state (repeatable); open ones may be paused
        #[arg(long, value_name = "STATE")]
        only: Vec<StateFilter>,
        /// Only those with this text in their name
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Show how far one is, what runs where, and which files failed and why
    Show {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// List every failed file, not only the first ones
        #[arg(long)]
        all: bool,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Wait until one has ended; exit code 3 if files failed, 6 if there was no time left
    Wait {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// Seconds to wait at most
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<u64>,
        /// Print what became of it as JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Print what has happened to one, in order: attempts that failed, retries, pauses, ends
    Logs {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// Go on until it has ended
        #[arg(long, short)]
        follow: bool,
        /// Print JSON to stdout, one object a line
        #[arg(long)]
        json: bool,
    },
    /// End one without its open files; results that are there stay
    Cancel {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Begin nothing more of one; what runs of it goes on to its end
    Pause {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Let a paused one go on
    Resume {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Try failed files of one again
    Retry {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// All that failed; this is so without it
        #[arg(long)]
        failed: bool,
        /// Only those with this cause: rejected, crashed, timed out, out of memory, unavailable,
        /// worker lost, a code of summary.json, or words of the cause
        #[arg(long, value_name = "CAUSE", value_parser = cause)]
        cause: Option<String>,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Forget ended ones, with their results as far as no other job has them
    Rm {
        /// Their numbers
        #[arg(value_name = "JOB", required = true, value_parser = job)]
        ids: Vec<u64>,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
}

fn job(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a job's number is wanted, as `windlass job list` shows it".to_owned())
}

fn cause(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say which cause, as 'timed out'; without --cause all failed files are meant"
            .to_owned()),
        cause => Ok(cause.to_owned()),
    }
}

/// List and fetch the results of a job, from wherever its cluster is
#[derive(Debug, Args)]
pub(crate) struct ResultArguments {
    #[command(subcommand)]
    pub(crate) command: ResultCommand,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

const GET_AFTER_HELP: &str = "\
A FILE is the name of a result as `windlass result ls` shows it, with or without its folder, or an
input's path or file name: then it means all that was made of it.

Examples:
  windlass result get 5 report.pdf            all results of this input
  windlass result get 5 report.txt --out -    one result to stdout";

#[derive(Debug, Subcommand)]
pub(crate) enum ResultCommand {
    /// List the results of a job that are there: bytes and name
    Ls {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Fetch results, all or those of some files, and print their paths
    #[command(after_help = GET_AFTER_HELP)]
    Get {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// Results or inputs [default: all of them]
        #[arg(value_name = "FILE")]
        files: Vec<OsString>,
        /// Folder for them, in it a folder for each operation; `-`: one result, to stdout
        #[arg(long, value_name = "DIR", default_value = "processed_results")]
        out: PathBuf,
    },
    /// Write all results that are there and the summaries, as `windlass run` does
    ///
    /// What is there and equal is left alone, so that the same command again goes on. Exit code 3
    /// where files failed.
    Export {
        /// Its number
        #[arg(value_name = "JOB", value_parser = job)]
        id: u64,
        /// Folder for the results
        #[arg(long, value_name = "DIR", default_value = "processed_results")]
        out: PathBuf,
        /// Print the summary as JSON to stdout
        #[arg(long)]
        json: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_of_a_job_is_told_what_is_wanted() {
        assert_eq!(job("5"), Ok(5));
        for wrong in ["abc", "-1", "1.5", ""] {
            let error = job(wrong).expect_err("is none");
            assert!(error.contains("windlass job list"), "{wrong}: {error}");
        }
    }

    #[test]
    fn no_cause_is_not_every_cause() {
        assert_eq!(cause(" timed out"), Ok("timed out".to_owned()));
        for nothing in ["", "  "] {
            assert!(cause(nothing).is_err(), "{nothing:?}");
        }
    }
}
