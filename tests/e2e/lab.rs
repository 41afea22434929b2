//! A folder with inputs, a state and results, and the binary to run over them.

use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here takes so long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Lab {
    dir: TempDir,
}

/// How a run of the binary ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Lab {
    pub(crate) fn new() -> Lab {
        let dir = tempfile::tempdir().expect("a temporary folder");
        // Inputs, and where commands may write: beside the state.
        for name in ["in", "open"] {
            std::fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        Lab { dir }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes an input file.
    pub(crate) fn input(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("in").join(name);
        std::fs::create_dir_all(path.parent().expect("has a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: &[A]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_windlass").as_ref(), args)
    }

    /// Another program, where the binary would run.
    pub(crate) fn command_of<A: AsRef<OsStr>>(&self, program: &Path, args: &[A]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("WINDLASS_STATE", self.path("state"))
            .env("WINDLASS_MODELS", self.path("models"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Ran {
        Ran::of(self.command(args).output().expect("the binary starts"))
    }

    pub(crate) fn start<A: AsRef<OsStr>>(&self, args: &[A]) -> Child {
        self.command(args).spawn().expect("the binary starts")
    }

    pub(crate) fn summary(&self) -> Value {
        let bytes = std::fs::read(self.path("processed_results/summary.json")).expect("a summary");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// The row of the input with this file name.
    pub(crate) fn row(&self, name: &str) -> Value {
        let summary = self.summary();
        let rows = summary["rows"].as_array().expect("rows");
        let is_it = |row: &&Value| {
            row["input"].as_str().is_some_and(|input| input.ends_with(&format!("/{name}")))
        };
        rows.iter().find(is_it).unwrap_or_else(|| panic!("no row of {name}: {summary:#}")).clone()
    }

    /// Names in a folder of the results, sorted.
    pub(crate) fn results(&self, operation: &str) -> Vec<String> {
        self.results_in(Path::new("processed_results").join(operation))
    }

    /// Names in another folder of results, sorted.
    pub(crate) fn results_in(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    pub(crate) fn result(&self, operation: &str, name: &str) -> Value {
        let path = self.path("processed_results").join(operation).join(name);
        serde_json::from_slice(&std::fs::read(path).expect("a result")).expect("JSON")
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Ends the test with all that was said unless it ended so.
    #[track_caller]
    pub(crate) fn ended(&self, code: i32) -> &Ran {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn said(&self, words: &str) -> &Ran {
        assert!(self.stderr.contains(words), "{words:?} is not in:\n{}", self.stderr);
        self
    }
}

/// Waits until something holds, looking often.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

pub(crate) fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process id"), signal).expect("it runs");
}

/// Says that a test did not run; an error where the machine is said to have what it needs.
#[track_caller]
pub(crate) fn not_run(feature: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "not run: {feature} ({why})");
    let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|it| it == feature);
    assert!(!is_required, "WINDLASS_REQUIRE names {feature}: {why}");
}
