//! Runs your own program for each file.
//!
//! `--param cmd='…'` is given to `/bin/sh -c`. The file is its standard input; what it writes to
//! standard output becomes the result. Exit code 0 is success; any other fails the file and shows
//! the last line of standard error. It works in an empty scratch folder of its own (`TMPDIR` names
//! it too), which is emptied afterwards; everything that it started and left running is ended.
//!
//! It reads what you may read. It writes into its scratch folder only; `--param write=/a:/b` names
//! more folders (Python's `multiprocessing` needs `/dev/shm`; for a program that keeps files in
//! your home, begin the line with `HOME=$PWD`). It has no network unless `--param network=true`, it
//! cannot signal or look into other processes, and it gains no rights by programs like sudo.
//!
//! In its environment: `WINDLASS_INPUT` (absolute path of the file), `WINDLASS_NAME` (its name),
//! `WINDLASS_BASE` (the name of its results), `WINDLASS_INDEX` (the task's number from 0).
//!
//! Results: `{base}_command.json` with `command`, `exit_code`, `seconds`, `stdout_bytes`, `stdout`
//! (null where it is over 64 KiB or no UTF-8) and `stderr` (its end); `{base}.out` with all of the
//! output. Without files, `--param count=N` runs it N times.
//!
//! A program may do anything, so it is run every time. With `--param memo=true` you say that its
//! result depends on nothing but the file's content and names, the command line and the other
//! parameters: then the result of an earlier run is taken where there is one.

use crate::Operation;
use serde::Serialize;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::failure::signal_text;
use windlass_core::params::{ParamKind, ParamSpec};
use windlass_core::{Failure, FailureKind};

pub(crate) const OPERATION: Operation =
    Operation { spec: &SPEC, source: include_str!("command.rs"), run: None, is_instant: None };

static SPEC: OperationSpec = OperationSpec {
    name: "command",
    version: 1,
    summary: "run your own program for each file",
    accepts: Accepts::FilesOrCount,
    params: &[
        ParamSpec {
            name: "cmd",
            kind: ParamKind::Text,
            default: None,
            required: true,
            doc: "The program and its arguments, as you would type them into a shell.",
        },
        ParamSpec {
            name: "timeout_s",
            kind: ParamKind::Int { min: 1, max: 86_400 },
            default: Some("600"),
            required: false,
            doc: "Seconds after which it is killed.",
        },
        ParamSpec {
            name: "output_mb",
            kind: ParamKind::Int { min: 1, max: 102_400 },
            default: Some("1024"),
            required: false,
            doc: "Megabytes that it may write, to its output or into its scratch folder.",
        },
        ParamSpec {
            name: "network",
            kind: ParamKind::Bool,
            default: Some("false"),
            required: false,
            doc: "Whether it may use the network and the sockets of other programs.",
        },
        ParamSpec {
            name: "write",
            kind: ParamKind::Text,
            default: None,
            required: false,
            doc: "Absolute paths, joined by `:`, where it may write besides its scratch folder.",
        },
        ParamSpec {
            name: "memo",
            kind: ParamKind::Bool,
            default: Some("false"),
            required: false,
            doc: "Whether an earlier result for the same file, names and parameters will do.",
        },
        ParamSpec {
            name: "count",
            kind: ParamKind::Int { min: 1, max: 10_000_000 },
            default: None,
            required: false,
            doc: "Without files: how often to run it.",
        },
    ],
    home: Home::Command,
    cacheable: Cacheable::Asked,
    // The limit that holds is `timeout_s`; this is its largest value.
    attempt_ms_max: 86_400_000,
    progress_ms_max: None,
    memory_bytes_max: u64::MAX,
    output_bytes_max: 102_400 << 20,
    steps: &[],
};

/// Output up to this size stands in the JSON too.
pub const STDOUT_SHOWN_BYTES_MAX: u64 = 64 * 1_024;

/// How a run of the user's program went.
#[derive(Clone, PartialEq, Debug)]
pub struct CommandFacts<'a> {
    /// As given.
    pub command: &'a str,
    /// How it ended.
    pub ending: CommandEnding,
    /// How long it ran.
    pub seconds: f64,
    /// Size of its output.
    pub stdout_bytes: u64,
    /// Its output, where that is at most [`STDOUT_SHOWN_BYTES_MAX`].
    pub stdout: Option<&'a [u8]>,
    /// The end of its standard error.
    pub stderr: &'a str,
    /// The limit on what it writes, in bytes.
    pub output_bytes_max: u64,
}

/// How the user's program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandEnding {
    /// With this exit code.
    Exit(i32),
    /// Of this signal.
    Signal(i32),
    /// Killed after its time.
    TimedOut,
    /// Killed for what it wrote.
    OutputTooLarge,
    /// Killed for how many processes it had.
    TooManyProcesses,
}

#[derive(Serialize)]
struct Shown<'a> {
    command: &'a str,
    exit_code: i32,
    seconds: f64,
    stdout_bytes: u64,
    stdout: Option<&'a str>,
    stderr: &'a str,
}

/// The main artifact of a run that succeeded.
///
/// # Errors
/// A run that did not: `command_failed`, `command_killed`, `command_timed_out`, `output_too_large`.
pub fn report(facts: &CommandFacts<'_>) -> Result<Vec<u8>, Failure> {
    const MEND: &str = "Mend the command or the file, then run again with --failed.";
    // What the confinement refuses looks like any other failure of the program.
    const MEND_OR_ALLOW: &str = "Mend the command or the file, then run again with --failed; a \
        command writes outside its scratch folder only with --param write=/DIR, and uses the \
        network only with --param network=true.";
    match facts.ending {
        CommandEnding::Exit(0) => {
            let shown = Shown {
                command: facts.command,
                exit_code: 0,
                seconds: facts.seconds,
                stdout_bytes: facts.stdout_bytes,
                stdout: facts.stdout.and_then(|stdout| std::str::from_utf8(stdout).ok()),
                stderr: facts.stderr,
            };
            let mut json = serde_json::to_vec_pretty(&shown).expect("plain data is always JSON");
            json.push(b'\n');
            Ok(json)
        }
        CommandEnding::Exit(code) => Err(Failure::rejected(
            "command_failed",
            format!("the command ended with exit code {code}{}", last_words(facts.stderr)),
            MEND_OR_ALLOW,
        )),
        // A crash may be the machine's fault (memory, another program's signal): it is tried again.
        CommandEnding::Signal(signal) => Err(Failure::new(
            FailureKind::Crashed,
            "command_killed",
            format!("the command died of {}{}", signal_text(signal), last_words(facts.stderr)),
            MEND,
        )),
        // The limit is the user's own and the command as it is: two more tries would take as long
        // and end alike, so this is a rejection.
        CommandEnding::TimedOut => Err(Failure::rejected(
            "command_timed_out",
            format!("the command was killed after {:.0} s", facts.seconds),
            "Give it more time with --param timeout_s=N.",
        )),
        CommandEnding::OutputTooLarge => Err(Failure::rejected(
            "output_too_large",
            format!("the command wrote more than {} MB", facts.output_bytes_max >> 20),
            "Allow more with --param output_mb=N.",
        )),
        CommandEnding::TooManyProcesses => Err(Failure::rejected(
            "too_many_processes",
            "the command had more than 1024 processes at a time",
            MEND,
        )),
    }
}

fn last_words(stderr: &str) -> String {
    match stderr.trim_end().lines().last() {
        Some(line) if !line.trim().is_empty() => format!("; it said: {}", line.trim()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(ending: CommandEnding) -> CommandFacts<'static> {
        CommandFacts {
            command: "cat",
            ending,
            seconds: 1.5,
            stdout_bytes: 2,
            stdout: Some(b"hi"),
            stderr: "first\nsecond\n",
            output_bytes_max: 5 << 20,
        }
    }

    #[test]
    fn a_success_shows_its_output() {
        let json = report(&facts(CommandEnding::Exit(0))).expect("succeeded");
        let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(value["stdout"], "hi");
        assert_eq!(value["exit_code"], 0);
    }

    #[test]
    fn output_that_is_no_text_is_not_shown() {
        let binary = CommandFacts { stdout: Some(b"\xff"), ..facts(CommandEnding::Exit(0)) };
        let value: serde_json::Value =
            serde_json::from_slice(&report(&binary).expect("succeeded")).expect("JSON");
        assert!(value["stdout"].is_null());
    }

    #[test]
    fn failures_say_what_happened() {
        let failure = |ending| report(&facts(ending)).expect_err("failed");
        assert_eq!(
            failure(CommandEnding::Exit(3)).cause,
            "the command ended with exit code 3; it said: second"
        );
        let crashed = failure(CommandEnding::Signal(11));
        assert_eq!(crashed.kind, FailureKind::Crashed);
        assert_eq!(crashed.cause, "the command died of signal 11 (SIGSEGV); it said: second");
        assert_eq!(failure(CommandEnding::TimedOut).kind, FailureKind::Rejected);
        assert_eq!(
            failure(CommandEnding::OutputTooLarge).cause,
            "the command wrote more than 5 MB"
        );
    }
}
