//! The worker's side of an executor: spawn, feed, watch, kill.

use crate::cancel::{Cancel, Wake};
use crate::channel::{Channel, Received};
use crate::child::{DONE, PROGRESS, READY};
use crate::death::{Bounds, Death, of_status};
use crate::layers::Layers;
use crate::oom::OomKills;
use crate::process::Process;
use crate::watch::{Watch, read};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long a child may take to say that it is ready.
const SPAWN_MAX: Duration = Duration::from_secs(10);
/// How long a child that closed its socket may take to end by itself.
const LEAVE_MAX: Duration = Duration::from_secs(1);
/// Bytes of stderr that are kept for the cause of a death.
const STDERR_TAIL_BYTES_MAX: usize = 4 * 1024;
/// Longest sleep between two looks at the clock.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// Variables that a child keeps of its parent's environment.
const KEPT_VARIABLES: &[&str] = &["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH"];

/// How to start an executor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spawn {
    /// The program, by absolute path; its `main` calls [`crate::serve`] first of all.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// No request may ever have more than this, and the executor cannot help itself to more.
    pub bounds_max: Bounds,
}

/// Why no executor came up.
#[derive(Debug, Error)]
pub enum SpawnError {
    /// The system does not start the program.
    #[error("{} cannot be started: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The program started, but never became ready.
    #[error("{} is not ready {why}: {stderr_tail}", program.display())]
    NotReady {
        /// The program.
        program: PathBuf,
        /// When it was given up.
        why: &'static str,
        /// The end of what it wrote to stderr.
        stderr_tail: String,
    },
}

impl SpawnError {
    /// Whether the program itself is at fault, or its place: more memory will not help.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            SpawnError::NotReady { .. } => true,
            SpawnError::Start { source, .. } => matches!(
                source.raw_os_error(),
                Some(libc::ENOENT | libc::EACCES | libc::EPERM | libc::ENOEXEC | libc::ENOTDIR)
            ),
        }
    }
}

/// What an executor is to do.
#[derive(Debug)]
pub struct Request {
    /// The caller's bytes, at most [`crate::FRAME_BYTES_MAX`] less the 16 of the limits.
    pub frame: Vec<u8>,
    /// The input, open for reading.
    pub input: Option<File>,
    /// Where results go.
    pub output: File,
}

/// What an attempt may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Time from request to answer.
    pub total: Duration,
    /// Time without a sign of movement; `None`: only the total counts.
    pub progress: Option<Duration>,
    /// Address space of the executor in bytes.
    pub memory_bytes: u64,
    /// Size of any file that it writes, in bytes.
    pub output_bytes: u64,
}

/// What an attempt shows while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The executor says how far it is.
    Progress {
        /// Parts done, in the operation's own unit.
        done: u64,
        /// Parts in all; 0 where it does not know.
        total: u64,
    },
    /// It said nothing, but its output or its CPU time grew.
    Alive,
}

/// How an attempt ended. After anything but `Done` the executor is dead and reaped with its group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The answer's bytes; the executor waits for the next request.
    Done(Vec<u8>),
    /// The executor died or was killed.
    Died(Death),
    /// The attempt was ended by its [`Cancel`].
    Cancelled,
}

/// A confined child process that makes one attempt at a time. It dies with the thread that spawned
/// it: the kernel ties a child's death signal to its parent's thread.
#[derive(Debug)]
pub struct Executor {
    spawn: Spawn,
    process: Process,
    channel: Channel,
    wake: Wake,
    layers: Layers,
    oom_kills: OomKills,
}

/// What ended an attempt early.
enum End {
    Gone,
    Cancelled,
    Total,
    Progress(Duration),
    Protocol(String),
}

impl Spawn {
    /// Starts `program` with a cleared environment: only where programs lie, language and time
    /// zone.
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        bounds_max: Bounds,
    ) -> Spawn {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        let kept = KEPT_VARIABLES
            .iter()
            .filter_map(|name| std::env::var_os(name).map(|value| (OsString::from(name), value)));
        Spawn {
            program: program.into(),
            arguments: arguments.collect(),
            environment: kept.collect(),
            bounds_max,
        }
    }

    fn start(&self) -> io::Result<(Process, Channel)> {
        let (channel, theirs) = Channel::pair()?;
        // Without code between fork and exec the standard library uses posix_spawn, which does not
        // copy the page tables of a large worker; the child confines itself (`confine_executor`).
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let process = Process::new(child, STDERR_TAIL_BYTES_MAX)?;
        // A child that is gone already shows when it is waited for.
        let _ = channel.send(&[&self.bounds_max.encode()], &[]);
        Ok((process, channel))
    }
}

impl Executor {
    /// Starts a child and waits until it is ready.
    ///
    /// # Errors
    /// The program cannot be started, ends at once, or is not ready within 10 s.
    pub fn spawn(spawn: &Spawn) -> Result<Executor, SpawnError> {
        let failed = |source| SpawnError::Start { program: spawn.program.clone(), source };
        let wake = Wake::new().map_err(|error| failed(error.into()))?;
        let (mut process, mut channel) = spawn.start().map_err(failed)?;
        let layers = await_ready(&mut process, &mut channel, &spawn.program)?;
        let oom_kills = OomKills::now();
        Ok(Executor { spawn: spawn.clone(), process, channel, wake, layers, oom_kills })
    }

    /// The child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid().as_raw_nonzero().get().unsigned_abs()
    }

    /// What confines the child.
    #[must_use]
    pub fn layers(&self) -> Layers {
        self.layers
    }

    /// Whether the child is still there.
    pub fn is_alive(&mut self) -> bool {
        !self.process.has_exited()
    }

    /// Makes one attempt and waits for its end; `on_event` hears what it shows meanwhile. A child
    /// that died while idle is replaced first, so that its death is not charged to this request.
    pub fn run(
        &mut self,
        request: Request,
        limits: &Limits,
        on_event: &mut dyn FnMut(Event),
        cancel: &Cancel,
    ) -> Outcome {
        if self.process.has_exited() {
            match Executor::spawn(&self.spawn) {
                Ok(executor) => *self = executor,
                Err(error) => return Outcome::Died(Death::Protocol(error.to_string())),
            }
        }
        let ended = match self.begin(&request, limits) {
            Ok(()) => self.follow(&request.output, limits, on_event, cancel),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(End::Gone),
            Err(error) => Err(End::Protocol(format!("the request cannot be sent: {error}"))),
        };
        match ended {
            Ok(answer) => Outcome::Done(answer),
            Err(end) => self.bury(end, limits),
        }
    }

    /// The child sets the limits itself: a worker in a container often may not limit a process of
    /// another user.
    fn begin(&mut self, request: &Request, limits: &Limits) -> io::Result<()> {
        let bounds = Bounds::of(limits).encode();
        self.process.stderr.forget();
        self.oom_kills.refresh();
        let output = request.output.as_fd();
        match &request.input {
            Some(input) => self.channel.send(&[&bounds, &request.frame], &[output, input.as_fd()]),
            None => self.channel.send(&[&bounds, &request.frame], &[output]),
        }
    }

    /// Waits for the answer.
    fn follow(
        &mut self,
        output: &File,
        limits: &Limits,
        on_event: &mut dyn FnMut(Event),
        cancel: &Cancel,
    ) -> Result<Vec<u8>, End> {
        let Executor { process, channel, wake, .. } = self;
        let _armed = cancel.arm(wake);
        let broken = |error: io::Error| End::Protocol(error.to_string());
        let began = Instant::now();
        let mut now = began;
        let mut watch = limits.progress.map(|limit| Watch::new(began, limit));
        loop {
            if cancel.is_cancelled() {
                return Err(End::Cancelled);
            }
            let left = limits.total.saturating_sub(now.duration_since(began));
            if left.is_zero() {
                return Err(End::Total);
            }
            let mut sleep = left.min(SLEEP_MAX);
            if let Some(watch) = &mut watch {
                if now >= watch.look_at()
                    && watch.on_reading(now, read(process.pid(), Some(output)))
                {
                    on_event(Event::Alive);
                }
                if watch.is_still(now) {
                    return Err(End::Progress(limits.progress.unwrap_or_default()));
                }
                sleep = sleep.min(watch.look_at().saturating_duration_since(now));
            }
            let ready = process.wait(Some(channel.as_fd()), Some(wake), sleep).map_err(broken)?;
            now = Instant::now();
            if ready.woken {
                wake.clear();
            }
            match channel.try_receive().map_err(broken)? {
                Some(Received::Frame([DONE, answer @ ..], _)) => return Ok(answer.to_vec()),
                Some(Received::Frame(frame, _)) => {
                    let event = progress_of(frame).ok_or_else(|| unknown(frame))?;
                    watch.iter_mut().for_each(|watch| watch.on_sign(now));
                    on_event(event);
                }
                Some(Received::Closed) => return Err(End::Gone),
                None if ready.exited => return Err(End::Gone),
                None => {}
            }
        }
    }

    /// Kills what is left and tells why.
    fn bury(&mut self, end: End, limits: &Limits) -> Outcome {
        let has_left = match end {
            End::Gone => self.await_exit(),
            _ => false,
        };
        let status = match self.process.end() {
            Ok(status) => status,
            Err(error) => return Outcome::Died(Death::Protocol(error.to_string())),
        };
        Outcome::Died(match end {
            End::Cancelled => return Outcome::Cancelled,
            End::Total => Death::TotalTimeout(limits.total),
            End::Progress(limit) => Death::ProgressTimeout(limit),
            End::Protocol(what) => Death::Protocol(what),
            End::Gone if has_left => {
                let said = self.process.stderr.take_tail();
                of_status(status, &said, Bounds::of(limits), || self.oom_kills.has_grown())
            }
            End::Gone => Death::Protocol("it closed its socket and went on".to_owned()),
        })
    }

    /// A socket closes a moment before its process ends.
    fn await_exit(&mut self) -> bool {
        let deadline = Instant::now() + LEAVE_MAX;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.process.wait(None, None, left) {
                Ok(ready) if ready.exited => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        false
    }
}

/// Waits until a child is ready and tells what holds it; one that is not is ended.
pub(crate) fn await_ready(
    process: &mut Process,
    channel: &mut Channel,
    program: &Path,
) -> Result<Layers, SpawnError> {
    let failed = |source| SpawnError::Start { program: program.to_owned(), source };
    let why = match ready(process, channel).map_err(failed)? {
        Ok(layers) => return Ok(layers),
        Err(why) => why,
    };
    process.end().map_err(failed)?;
    let stderr_tail = process.stderr.take_tail();
    Err(SpawnError::NotReady {
        program: program.to_owned(),
        why,
        stderr_tail: String::from_utf8_lossy(&stderr_tail).trim().to_owned(),
    })
}

/// What holds the child once it is ready, else why it is given up.
fn ready(process: &mut Process, channel: &mut Channel) -> io::Result<Result<Layers, &'static str>> {
    let deadline = Instant::now() + SPAWN_MAX;
    loop {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else {
            return Ok(Err("in time"));
        };
        let ready = process.wait(Some(channel.as_fd()), None, left)?;
        if ready.socket {
            match channel.try_receive()? {
                Some(Received::Frame([READY, layers @ ..], _)) => {
                    return Ok(Layers::decode(layers).ok_or("but says something else"));
                }
                Some(Received::Frame(..)) => return Ok(Err("but says something else")),
                Some(Received::Closed) => return Ok(Err("and gone")),
                None => {}
            }
        } else if ready.exited {
            return Ok(Err("and gone"));
        }
    }
}

impl Bounds {
    fn of(limits: &Limits) -> Bounds {
        Bounds { memory_bytes: limits.memory_bytes, output_bytes: limits.output_bytes }
    }
}

fn progress_of(frame: &[u8]) -> Option<Event> {
    let numbers = frame.strip_prefix(&[PROGRESS])?;
    let (done, total) = numbers.split_first_chunk()?;
    let total = total.try_into().ok()?;
    Some(Event::Progress { done: u64::from_le_bytes(*done), total: u64::from_le_bytes(total) })
}

fn unknown(frame: &[u8]) -> End {
    End::Protocol(format!("a frame of {} bytes that is no answer", frame.len()))
}
