//! The `windlass` command: joins the hosts, holds no logic of its own.

mod access;
mod arguments;
mod call;
mod cluster;
mod conceal;
mod credentials;
mod crew;
mod doctor;
mod jobs;
mod logs;
mod models;
mod naming;
mod older;
mod older_slave;
mod ops;
mod place;
mod recorded;
mod records;
mod results;
mod run;
mod scratch;
mod screen;
mod serve;
mod settings;
mod signals;
mod state;
mod status;
mod submit;
mod token;
mod top;
mod worker;
mod workers;

use arguments::{Arguments, Command};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use std::sync::OnceLock;
use windlass_client::cluster::ClusterError;
use windlass_client::export::ExportError;
use windlass_client::run::RunError;

/// Something went wrong that is not one of the inputs.
const EXIT_ERROR: u8 = 1;
/// The command line makes no sense.
const EXIT_USAGE: u8 = 2;
/// Done, and some files failed.
const EXIT_FAILED_FILES: u8 = 3;
/// There is no cluster to work with, or it does not want this worker.
const EXIT_UNREACHABLE: u8 = 4;
/// A master, or this program, does not trust what the other one shows.
const EXIT_DENIED: u8 = 5;
/// There was no time left.
const EXIT_TIMED_OUT: u8 = 6;
/// Stopped by a signal.
const EXIT_INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    // A worker's child starts in a millisecond; it must not pay for the command line's machinery.
    let first = std::env::args_os().nth(1);
    let child: Option<fn() -> std::io::Result<()>> = match first.as_ref().and_then(|a| a.to_str()) {
        Some(windlass_worker::EXECUTOR_ARGUMENT) => Some(windlass_worker::executor_main),
        Some(windlass_worker::LAUNCHER_ARGUMENT) => Some(windlass_worker::launcher_main),
        _ => None,
    };
    if let Some(serve) = child {
        return match serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // The worker reads it: the cause of what it then tells.
                let _ = writeln!(std::io::stderr(), "{error}");
                ExitCode::FAILURE
            }
        };
    }
    let arguments = Arguments::parse();
    conceal::conceal_token();
    let done = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Up(arguments) => {
            arguments.workers().and_then(|workers| serve::serve(&arguments.serve, workers))
        }
        Command::Master(arguments) => serve::serve(&arguments, cluster::OwnWorkers::default()),
        Command::Worker(arguments) => match &arguments.command {
            Some(command) => workers::workers(command),
            None if arguments.older_slave => older_slave::serve(&arguments),
            None => worker::worker(&arguments),
        },
        Command::Call(arguments) => call::call(&arguments),
        Command::Cluster(arguments) => status::cluster(&arguments),
        Command::Top(arguments) => top::top(&arguments),
        Command::Submit(arguments) => submit::submit(&arguments),
        Command::Job(arguments) => jobs::job(&arguments),
        Command::Result(arguments) => results::result(&arguments),
        Command::Records(arguments) => records::records(&arguments),
        Command::Models(arguments) => models::models(&arguments),
        Command::Ops(arguments) => ops::ops(&arguments),
        Command::State(arguments) => state::state(&arguments),
        Command::Token(arguments) => token::token(&arguments),
        Command::Login(arguments) => token::login(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
    };
    let done = match (done, UNPRINTED.get()) {
        (Ok(0), Some(error)) => Err(CliError::failed(format!("write to stdout: {error}"))),
        (done, _) => done,
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "windlass: {}", error.text);
            ExitCode::from(error.code)
        }
    }
}

/// What a command says when it cannot do its work.
#[derive(Debug)]
pub(crate) struct CliError {
    text: String,
    code: u8,
}

impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why stdout took no more of what a command printed.
static UNPRINTED: OnceLock<std::io::Error> = OnceLock::new();

/// Prints what was asked for. A reader that has seen enough (`| head`) is no error; any other makes
/// the command end with one.
pub(crate) fn print(text: &str) {
    print_bytes(text.as_bytes());
}

/// The same of what may be no UTF-8.
pub(crate) fn print_bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let printed = stdout.write_all(bytes).and_then(|()| stdout.flush());
    if let Err(error) = printed
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        // The first one tells.
        let _ = UNPRINTED.set(error);
    }
}

/// Tells the user something; a terminal that is gone is no error.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

impl CliError {
    /// A command line that makes no sense.
    pub(crate) fn usage(text: impl Into<String>) -> CliError {
        CliError { text: text.into(), code: EXIT_USAGE }
    }

    /// Work that could not be done; `doing` fits "failed to {doing}".
    pub(crate) fn failed(doing: impl std::fmt::Display) -> CliError {
        CliError { text: format!("failed to {doing}"), code: EXIT_ERROR }
    }

    /// What a cluster did not do; one that cannot be reached, or
    /// lets nobody in, has a code of its own.
    pub(crate) fn of_cluster(error: ClusterError) -> CliError {
        CliError { code: code_of(&error), ..CliError::failed(error) }
    }

    /// The same of a run.
    pub(crate) fn of_run(error: RunError) -> CliError {
        match error {
            RunError::Cluster(error) => CliError::of_cluster(error),
            RunError::Unusable(text) => CliError { text, code: EXIT_ERROR },
            RunError::Export(ExportError::Broken { ref source, .. }) => {
                CliError { code: code_of(source), ..CliError::failed(error) }
            }
            error => CliError::failed(error),
        }
    }
}

fn code_of(error: &ClusterError) -> u8 {
    match error {
        ClusterError::Wire(error) if error.is_lost() => EXIT_UNREACHABLE,
        ClusterError::Wire(error) if error.is_denied() => EXIT_DENIED,
        _ => EXIT_ERROR,
    }
}
