//! Runs the user's own program for one task: limited, watched, and gone with all its children.

use crate::cancel::{Cancel, Wake};
use crate::process::Process;
use crate::scratch::Scratch;
use rustix::process::{Pid, Resource, Rlimit, Signal};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Bytes of a command's stderr that are kept, its last ones.
pub const COMMAND_STDERR_BYTES_MAX: usize = 64 * 1024;

/// Time before the first look at what a command wrote; most have ended by then.
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// Least time between looks.
const LOOK_MIN: Duration = Duration::from_millis(200);
/// A look may take this share of the time between looks: counting many files is work.
const LOOK_SHARE: u32 = 20;
/// Longest sleep between two looks at the clock.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// A command line for `/bin/sh -c`, with what it gets and what it may use.
#[derive(Debug)]
pub struct UserCommand {
    /// The command line.
    pub command: String,
    /// Its stdin, open for reading; `None`: `/dev/null`.
    pub stdin: Option<File>,
    /// Its stdout: an empty file, best one of [`crate::output_file`]. Its position moves.
    pub stdout: File,
    /// Variables beside the ones of this process.
    pub env: Vec<(&'static str, OsString)>,
    /// A folder to be made for it, where it runs; removed at the end.
    pub scratch: PathBuf,
    /// Time from start to end.
    pub total: Duration,
    /// Bytes of stdout, stderr and scratch folder together.
    pub output_bytes: u64,
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandStatus {
    /// By itself, with this exit code.
    Exit(i32),
    /// By this signal, which nobody here sent.
    Signal(i32),
    /// Killed when its time was up.
    TimedOut,
    /// Killed, or failed, because it wrote more than it may.
    OutputTooLarge,
    /// Killed because somebody asked for it.
    Cancelled,
}

/// What is known of a command that has ended.
#[derive(Clone, PartialEq, Debug)]
pub struct CommandEnd {
    /// How it ended.
    pub status: CommandStatus,
    /// Length of its stdout in bytes.
    pub stdout_bytes: u64,
    /// The last [`COMMAND_STDERR_BYTES_MAX`] bytes of its stderr, as UTF-8 as far as they are.
    pub stderr_tail: String,
    /// Time from start to end.
    pub duration: Duration,
}

impl UserCommand {
    /// Runs it to its end; then no process of its group is left and its scratch folder is removed.
    /// A process that left the group by starting a session of its own stays.
    ///
    /// # Errors
    /// The shell, the scratch folder or a descriptor cannot be had. How the command itself fares is
    /// no error here.
    pub fn run(self, cancel: &Cancel) -> io::Result<CommandEnd> {
        let wake = Wake::new()?;
        let _armed = cancel.arm(&wake);
        let scratch = Scratch::new(self.scratch.clone())?;
        let began = Instant::now();
        let mut process = self.start()?;
        let run = Run { command: &self, began, scratch: &scratch };
        let stopped = run.follow(&mut process, &wake, cancel)?;
        let status = process.end()?;
        let duration = began.elapsed();
        let stdout_bytes = self.stdout.metadata()?.len();
        // The file may become one byte longer than allowed, which tells "full" from "too much".
        let is_too_large = stdout_bytes > self.output_bytes
            || (!status.success() && run.written(&process) > self.output_bytes);
        let status = match stopped {
            Some(stopped) => stopped,
            None if is_too_large => CommandStatus::OutputTooLarge,
            None => of_status(status),
        };
        let stderr_tail = String::from_utf8_lossy(&process.stderr.take_tail()).into_owned();
        Ok(CommandEnd { status, stdout_bytes, stderr_tail, duration })
    }

    fn start(&self) -> io::Result<Process> {
        let stdin = match &self.stdin {
            Some(file) => Stdio::from(file.try_clone()?),
            None => Stdio::null(),
        };
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(&self.command)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("PWD", &self.scratch)
            .current_dir(&self.scratch)
            .stdin(stdin)
            .stdout(Stdio::from(self.stdout.try_clone()?))
            .stderr(Stdio::piped());
        confine(&mut command, self.output_bytes.saturating_add(1));
        Process::new(command.spawn()?, COMMAND_STDERR_BYTES_MAX)
    }
}

/// A command while it runs.
struct Run<'a> {
    command: &'a UserCommand,
    began: Instant,
    scratch: &'a Scratch,
}

impl Run<'_> {
    /// Waits for the end; `None` where it came by itself, else why the command is to be killed.
    fn follow(
        &self,
        process: &mut Process,
        wake: &Wake,
        cancel: &Cancel,
    ) -> io::Result<Option<CommandStatus>> {
        let mut look_at = self.began + FIRST_LOOK;
        loop {
            if cancel.is_cancelled() {
                return Ok(Some(CommandStatus::Cancelled));
            }
            let now = Instant::now();
            let left = self.command.total.saturating_sub(now.duration_since(self.began));
            if left.is_zero() {
                return Ok(Some(CommandStatus::TimedOut));
            }
            if now >= look_at {
                if self.written(process) > self.command.output_bytes {
                    return Ok(Some(CommandStatus::OutputTooLarge));
                }
                let took = now.elapsed();
                look_at = now + took + LOOK_MIN.max(took * LOOK_SHARE);
            }
            let sleep = left.min(look_at.saturating_duration_since(now)).min(SLEEP_MAX);
            let ready = process.wait(None, Some(wake), sleep)?;
            if ready.woken {
                wake.clear();
            }
            if ready.exited {
                return Ok(None);
            }
        }
    }

    /// Bytes that the command wrote, as far as they can be seen.
    fn written(&self, process: &Process) -> u64 {
        let stdout = self.command.stdout.metadata().map_or(0, |metadata| metadata.len());
        self.scratch.bytes().saturating_add(stdout).saturating_add(process.stderr.total_bytes())
    }
}

fn of_status(status: ExitStatus) -> CommandStatus {
    match (status.signal(), status.code()) {
        (Some(signal), _) => CommandStatus::Signal(signal),
        (None, code) => CommandStatus::Exit(code.unwrap_or(-1)),
    }
}

/// What a command gets between fork and exec: a session of its own (no terminal: a program that
/// asks for a password fails instead of stopping), death with its worker, no file above
/// `file_bytes_max`, no core dumps, no descriptors but stdio.
#[expect(unsafe_code, reason = "only code between fork and exec can set these for any program")]
fn confine(command: &mut Command, file_bytes_max: u64) {
    let parent = rustix::process::getpid();
    let file_limit = lowered(Resource::Fsize, file_bytes_max);
    let core_limit = lowered(Resource::Core, 0);
    let prepare = move || {
        rustix::process::setsid()?;
        die_with(parent)?;
        rustix::process::setrlimit(Resource::Fsize, file_limit)?;
        rustix::process::setrlimit(Resource::Core, core_limit)?;
        // SAFETY: descriptors are only marked to be closed by exec. A kernel before 5.11 refuses,
        // and then only what others leaked into this worker stays open.
        unsafe {
            libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        }
        Ok(())
    };
    // SAFETY: the closure only makes system calls: it takes no lock and allocates nothing, so that
    // it may run in the copy of a process with several threads.
    unsafe { command.pre_exec(prepare) };
}

/// Makes this process die with the thread that started it, also where that one is dead already.
fn die_with(parent: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    match rustix::process::getppid() {
        Some(pid) if pid == parent => Ok(()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn lowered(resource: Resource, most: u64) -> Rlimit {
    let now = rustix::process::getrlimit(resource);
    let most = now.maximum.map_or(most, |maximum| maximum.min(most));
    Rlimit { current: Some(most), maximum: Some(most) }
}
