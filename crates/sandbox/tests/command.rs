//! The user's own programs: what they get, how their ends are told, what they leave behind.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use windlass_sandbox::{
    Cancel, CommandEnd, CommandStatus, Launcher, LauncherSpawn, Profile, UserCommand, output_file,
};

const CHILD: &str = env!("CARGO_BIN_EXE_sandbox-test-child");
/// Long enough for a loaded machine; nothing here waits so long unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Bench {
    folder: tempfile::TempDir,
    launcher: Launcher,
    stdout: File,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(false, |_| Vec::new())
    }

    /// What a command may do beside writing its scratch folder.
    fn with(network: bool, writable: impl Fn(&Path) -> Vec<PathBuf>) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let spawn = LauncherSpawn {
            program: CHILD.into(),
            argument: "--launcher".into(),
            profile: Profile { network, writable: writable(folder.path()), hidden: Vec::new() },
            scratch: folder.path().join("scratch"),
        };
        let launcher = Launcher::spawn(spawn).expect("spawned");
        let stdout = launcher.output_file().expect("a file");
        Bench { folder, launcher, stdout }
    }

    fn command(&self, line: &str) -> UserCommand {
        UserCommand {
            line: line.to_owned(),
            stdin: None,
            stdout: self.stdout.try_clone().expect("a second descriptor"),
            env: vec![("WINDLASS_BASE", OsString::from("base"))],
            total: PATIENCE,
            output_bytes: 1 << 20,
        }
    }

    fn run(&mut self, line: &str) -> CommandEnd {
        self.finish(self.command(line))
    }

    fn finish(&mut self, command: UserCommand) -> CommandEnd {
        let end = self.launcher.run(&command, &Cancel::new()).expect("ran");
        assert_eq!(count(&self.folder.path().join("scratch")), 0, "the scratch folder is empty");
        end
    }

    /// What it writes to its stdout, which was empty before.
    fn says(&mut self, line: &str) -> String {
        self.stdout = self.launcher.output_file().expect("a file");
        self.run(line);
        self.stdout()
    }

    fn stdout(&mut self) -> String {
        self.stdout.rewind().expect("rewound");
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).expect("read");
        text
    }
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("listed").count()
}

/// Whether a process exists and is more than a zombie.
fn exists(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !matches!(stat.rsplit(") ").next().and_then(|rest| rest.chars().next()), None | Some('Z'))
}

#[test]
fn a_command_gets_its_input_its_variables_and_an_empty_folder() {
    let mut bench = Bench::new();
    let mut input = output_file(bench.folder.path()).expect("a file");
    input.write_all(b"input\n").expect("written");
    input.rewind().expect("rewound");
    let text = "cat; echo $WINDLASS_BASE; ls -A | wc -l; [ \"$(pwd)\" = \"$PWD\" ] && echo here";
    let command = UserCommand { stdin: Some(input), ..bench.command(text) };
    let end = bench.finish(command);
    assert_eq!(end.status, CommandStatus::Exit(0));
    assert_eq!(bench.stdout(), "input\nbase\n0\nhere\n");
    assert_eq!(end.stdout_bytes, bench.stdout().len() as u64);
}

#[test]
fn without_a_file_its_input_is_empty_and_no_descriptor_leaks() {
    let leaked = File::open("/proc/self/status").expect("opened");
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).expect("set");
    let mut bench = Bench::new();
    bench.run("cat; for f in /proc/$$/fd/*; do readlink $f; done | grep -c status");
    assert_eq!(bench.stdout(), "0\n");
}

#[test]
fn ends_are_told_apart() {
    let mut bench = Bench::new();
    let end = bench.run("echo first >&2; echo last >&2; exit 3");
    assert_eq!((end.status, end.stderr_tail.as_str()), (CommandStatus::Exit(3), "first\nlast\n"));
    assert_eq!(bench.run("/nonexistent/program").status, CommandStatus::Exit(127));
    assert_eq!(bench.run("kill -SEGV $$").status, CommandStatus::Signal(11));
    let total = Duration::from_millis(50);
    for text in ["sleep 3600", "trap '' TERM INT HUP; while :; do :; done"] {
        let end = bench.finish(UserCommand { total, ..bench.command(text) });
        assert_eq!(end.status, CommandStatus::TimedOut);
        assert!(end.duration >= total);
    }
}

#[test]
fn a_full_output_is_no_failure_and_one_byte_more_is() {
    let mut bench = Bench::new();
    let end = bench.run("head -c 1048576 /dev/zero");
    assert_eq!((end.status, end.stdout_bytes), (CommandStatus::Exit(0), 1 << 20));
    let mut bench = Bench::new();
    assert_eq!(bench.run("head -c 1048577 /dev/zero").status, CommandStatus::OutputTooLarge);
    // A shell tells its own code of the part that was killed.
    let mut bench = Bench::new();
    assert_eq!(bench.run("yes; exit 4").status, CommandStatus::OutputTooLarge);
}

#[test]
fn floods_are_stopped_wherever_they_go() {
    for text in [
        "cat /dev/zero > file",
        "i=0; while :; do i=$((i+1)); head -c 100000 /dev/zero > file$i; done",
        "mkdir deep; cd deep; while :; do head -c 100000 /dev/zero >> a; cp a b; done",
        "cat /dev/zero >&2",
    ] {
        let mut bench = Bench::new();
        let end = bench.run(text);
        assert_eq!(end.status, CommandStatus::OutputTooLarge, "{text}");
        assert!(end.duration < PATIENCE);
    }
}

#[test]
fn what_runs_in_the_background_ends_with_the_command() {
    let mut bench = Bench::new();
    let began = Instant::now();
    let text = "(trap '' HUP TERM; while :; do touch again; done) & echo $!; sleep 0.05";
    assert_eq!(bench.run(text).status, CommandStatus::Exit(0));
    assert!(began.elapsed() < PATIENCE);
    let pid = bench.stdout();
    assert!(!exists(pid.trim()), "{pid}");
}

#[test]
fn folders_that_were_closed_are_removed_all_the_same() {
    Bench::new().run("mkdir -p a/b/c; touch a/b/c/file; chmod 000 a/b/c a/b a .");
}

#[test]
fn a_long_stderr_keeps_its_end() {
    let mut bench = Bench::new();
    let command = bench.command("seq 1 40000 >&2; exit 1");
    let end = bench.finish(command);
    assert!(end.stderr_tail.ends_with("39999\n40000\n"));
    assert!(end.stderr_tail.len() <= windlass_sandbox::COMMAND_STDERR_BYTES_MAX);
}

#[test]
fn cancel_ends_a_command() {
    let mut bench = Bench::with(false, |folder| vec![folder.to_owned()]);
    let cancel = Cancel::new();
    let started = bench.folder.path().join("started");
    let command = bench.command(&format!("touch {}; sleep 3600", started.display()));
    let end = std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(eventually(|| started.exists()));
            cancel.cancel();
        });
        bench.launcher.run(&command, &cancel).expect("ran")
    });
    assert_eq!(end.status, CommandStatus::Cancelled);
    assert!(end.duration < PATIENCE);
    assert_eq!(bench.run("exit 3").status, CommandStatus::Exit(3), "the next one runs");
}

#[test]
fn a_path_without_shell_signs_ends_as_it_would_in_a_shell() {
    let mut bench = Bench::new();
    for (line, status) in [
        ("/bin/true", CommandStatus::Exit(0)),
        ("/bin/sh -c exit", CommandStatus::Exit(0)),
        ("/bin/false x", CommandStatus::Exit(1)),
        ("/nonexistent/program", CommandStatus::Exit(127)),
        ("/etc/passwd", CommandStatus::Exit(126)),
        ("./missing a b", CommandStatus::Exit(127)),
    ] {
        assert_eq!(bench.run(line).status, status, "{line}");
    }
    assert_eq!(bench.says("/bin/echo a  b"), "a b\n");
}

#[test]
fn a_session_of_its_own_is_no_escape() {
    let mut bench = Bench::new();
    let began = Instant::now();
    let escape = "setsid sh -c 'trap \"\" HUP TERM; echo $$; setsid sleep 3600 & echo $!; wait' &
        while [ \"$(grep -c . /dev/stdout)\" -lt 2 ]; do sleep 0.01; done; exit 5";
    let escape = escape.replace("/dev/stdout", "out").replace("echo $$;", "echo $$ >> out;");
    let escape = escape.replace("echo $!;", "echo $! >> out;").replace("exit 5", "cat out; exit 5");
    assert_eq!(bench.run(&format!("touch out; {escape}")).status, CommandStatus::Exit(5));
    let pids = bench.stdout();
    assert_eq!(pids.lines().count(), 2, "{pids}");
    assert!(pids.lines().all(|pid| !exists(pid)), "{pids}");
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn what_escaped_the_group_dies_with_the_worker() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = Command::new(CHILD)
        .args([OsString::from("--commander"), folder.path().into()])
        .spawn()
        .expect("started");
    let file = folder.path().join("pid");
    assert!(eventually(|| file.exists()));
    let pid = std::fs::read_to_string(file).expect("read");
    assert!(exists(pid.trim()));
    worker.kill().expect("killed");
    worker.wait().expect("reaped");
    assert!(eventually(|| !exists(pid.trim())));
}

/// One that grows by one process at a time, so that the machine of who runs this does not stand.
#[test]
fn a_command_with_too_many_processes_is_stopped() {
    let mut bench = Bench::new();
    let end = bench.run("while :; do sleep 3600 & done");
    assert_eq!(end.status, CommandStatus::TooManyProcesses);
    assert_eq!(bench.run("exit 3").status, CommandStatus::Exit(3), "the next one runs");
}

fn eventually(mut what: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if what() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}
