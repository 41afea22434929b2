//! Runs the user's own programs in a slot: limited, watched, and gone with all their children. The
//! launcher starts and ends them (`launcher.rs`); time and amounts are watched here.

use crate::cancel::{Cancel, Wake};
use crate::channel::{Channel, Received};
use crate::frame::{CommandRequest, FromChild, KILL};
use crate::launcher::Profile;
use crate::layers::Layers;
use crate::output::output_file;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::spawn::{SpawnError, await_ready};
use crate::stderr::Stderr;
use rustix::pipe::PipeFlags;
use rustix::process::Resource;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What the worker may have come in with: no business of its commands, nor of the launcher, into
/// which they can look.
const TOKEN_VARIABLE: &str = "WINDLASS_TOKEN";
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
/// How long a launcher may take to end a command; longer than it tries itself.
const END_MAX: Duration = Duration::from_secs(15);

/// How to start a launcher, and what its commands may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LauncherSpawn {
    /// The program, by absolute path; its `main` calls [`crate::serve_launches`] first of all.
    pub program: PathBuf,
    /// Its one argument.
    pub argument: OsString,
    /// What its commands may do.
    pub profile: Profile,
    /// A folder to be made for its commands, where they run and may write; each finds it empty.
    pub scratch: PathBuf,
}

/// A small process of one slot that starts the user's programs. Dropping it removes the scratch
/// folder.
#[derive(Debug)]
pub struct Launcher {
    spawn: LauncherSpawn,
    process: Process,
    channel: Channel,
    wake: Wake,
    layers: Layers,
    scratch: Scratch,
}

/// A command line for `/bin/sh -c`, with what it gets and what it may use.
#[derive(Debug)]
pub struct UserCommand {
    /// The command line.
    pub line: String,
    /// Its stdin, open for reading; `None`: `/dev/null`.
    pub stdin: Option<File>,
    /// Its stdout: an empty file, best one of [`Launcher::output_file`]. Its position moves.
    pub stdout: File,
    /// Variables beside the ones of this process.
    pub env: Vec<(&'static str, OsString)>,
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
    /// Killed because it had too many processes.
    TooManyProcesses,
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

/// What the launcher says of a command's end.
struct Ended {
    is_bomb: bool,
    status: ExitStatus,
}

impl Launcher {
    /// Makes the scratch folder, starts the process and waits until it is ready.
    ///
    /// # Errors
    /// The folder cannot be made, the program cannot be started, or is not ready within 10 s.
    pub fn spawn(spawn: LauncherSpawn) -> Result<Launcher, SpawnError> {
        let failed = |source| SpawnError::Start { program: spawn.program.clone(), source };
        let scratch = Scratch::new(spawn.scratch.clone()).map_err(failed)?;
        let wake = Wake::new().map_err(|error| failed(error.into()))?;
        let (mut process, mut channel) = start(&spawn).map_err(failed)?;
        let layers = await_ready(&mut process, &mut channel, &spawn.program)?;
        Ok(Launcher { process, channel, wake, layers, scratch, spawn })
    }

    /// What confines the commands.
    #[must_use]
    pub fn layers(&self) -> Layers {
        self.layers
    }

    /// What its commands may do.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.spawn.profile
    }

    /// A nameless file for a command's stdout, which it may also open as `/dev/stdout`.
    ///
    /// # Errors
    /// The disk is full.
    pub fn output_file(&self) -> io::Result<File> {
        output_file(&self.spawn.scratch)
    }

    /// Runs a command to its end; then no process that it started is left, and the scratch folder
    /// is empty.
    ///
    /// # Errors
    /// The shell or a descriptor cannot be had, or the launcher is gone; then this launcher is of
    /// no more use. How the command itself fares is no error here.
    pub fn run(&mut self, command: &UserCommand, cancel: &Cancel) -> io::Result<CommandEnd> {
        let began = Instant::now();
        let mut ended = None;
        let stopped = {
            self.send(command)?;
            let Launcher { process, channel, wake, scratch, .. } = self;
            let _armed = cancel.arm(wake);
            let run = Run { command, began, scratch };
            run.follow(process, channel, wake, cancel, &mut ended)?
        };
        let ended = match ended {
            Some(ended) => ended,
            None => self.kill()?,
        };
        let duration = began.elapsed();
        self.process.stderr.drain();
        let stdout_bytes = command.stdout.metadata()?.len();
        let run = Run { command, began, scratch: &self.scratch };
        // The file may become one byte longer than allowed, which tells "full" from "too much".
        let is_too_large = stdout_bytes > command.output_bytes
            || (!ended.status.success() && run.written(&self.process) > command.output_bytes);
        let status = match stopped {
            Some(stopped) => stopped,
            None if ended.is_bomb => CommandStatus::TooManyProcesses,
            None if is_too_large => CommandStatus::OutputTooLarge,
            None => of_status(ended.status),
        };
        let stderr_tail = String::from_utf8_lossy(&self.process.stderr.take_tail()).into_owned();
        self.scratch.clear()?;
        Ok(CommandEnd { status, stdout_bytes, stderr_tail, duration })
    }

    fn send(&mut self, command: &UserCommand) -> io::Result<()> {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        self.process.stderr = Stderr::new(reader, COMMAND_STDERR_BYTES_MAX)?;
        let scratch = self.spawn.scratch.as_os_str();
        let own = command.env.iter().map(|(name, value)| (OsString::from(name), value.clone()));
        let folders = ["PWD", "TMPDIR"].map(|name| (OsString::from(name), scratch.to_owned()));
        let most = command.output_bytes.saturating_add(1);
        let most =
            rustix::process::getrlimit(Resource::Fsize).maximum.map_or(most, |m| m.min(most));
        let request = CommandRequest {
            file_bytes_max: most,
            line: OsString::from(&command.line),
            variables: own.chain(folders).collect(),
        };
        let mut stdio = vec![writer.as_fd(), command.stdout.as_fd()];
        stdio.extend(command.stdin.as_ref().map(AsFd::as_fd));
        self.channel.send(&[&request.encode()], &stdio)
    }

    /// Has the command ended that runs.
    fn kill(&mut self) -> io::Result<Ended> {
        self.channel.send(&[KILL], &[])?;
        let began = Instant::now();
        while began.elapsed() < END_MAX {
            let ready = self.process.wait(Some(self.channel.as_fd()), None, END_MAX)?;
            if let Some(ended) = ended(&mut self.channel)? {
                return Ok(ended);
            }
            if ready.exited {
                break;
            }
        }
        self.process.end()?;
        Err(gone())
    }
}

fn start(spawn: &LauncherSpawn) -> io::Result<(Process, Channel)> {
    let (channel, theirs) = Channel::pair()?;
    let child = Command::new(&spawn.program)
        .env_remove(TOKEN_VARIABLE)
        .arg(&spawn.argument)
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let process = Process::new(child, COMMAND_STDERR_BYTES_MAX)?;
    // A child that is gone already shows when it is waited for.
    let _ = channel.send(&[&spawn.profile.encode(&spawn.scratch)], &[]);
    Ok((process, channel))
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
        channel: &mut Channel,
        wake: &Wake,
        cancel: &Cancel,
        end: &mut Option<Ended>,
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
            let ready = process.wait(Some(channel.as_fd()), Some(wake), sleep)?;
            if ready.woken {
                wake.clear();
            }
            *end = ended(channel)?;
            if end.is_some() {
                return Ok(None);
            }
            if ready.exited {
                return Err(gone());
            }
        }
    }

    /// Bytes that the command wrote, as far as they can be seen.
    fn written(&self, process: &Process) -> u64 {
        let stdout = self.command.stdout.metadata().map_or(0, |metadata| metadata.len());
        self.scratch.bytes().saturating_add(stdout).saturating_add(process.stderr.total_bytes())
    }
}

/// What the launcher has said, if it has.
fn ended(channel: &mut Channel) -> io::Result<Option<Ended>> {
    let frame = match channel.try_receive()? {
        None => return Ok(None),
        Some(Received::Closed) => return Err(gone()),
        Some(Received::Frame(frame, _)) => frame,
    };
    match FromChild::decode(frame) {
        Some(FromChild::Ended { is_bomb, status }) => {
            Ok(Some(Ended { is_bomb, status: ExitStatus::from_raw(status) }))
        }
        Some(FromChild::Unstarted { errno }) => Err(io::Error::from_raw_os_error(errno)),
        _ => Err(gone()),
    }
}

fn gone() -> io::Error {
    io::Error::other("the process that starts commands is gone")
}

fn of_status(status: ExitStatus) -> CommandStatus {
    match (status.signal(), status.code()) {
        (Some(signal), _) => CommandStatus::Signal(signal),
        (None, code) => CommandStatus::Exit(code.unwrap_or(-1)),
    }
}
