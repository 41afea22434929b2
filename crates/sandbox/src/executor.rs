//! The worker's side of an executor: spawn, feed, watch, kill.

use crate::cancel::{Cancel, Wake};
use crate::channel::{Channel, INPUT_COUNT_MAX, Received};
use crate::death::{Bounds, Death, of_status};
use crate::frame::FromChild;
use crate::layers::Layers;
use crate::oom::OomKills;
use crate::process::Process;
use crate::spawn::{Spawn, SpawnError, await_ready};
use crate::watch::{Watch, read};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long a child that closed its socket may take to end by itself.
const LEAVE_MAX: Duration = Duration::from_secs(1);
/// Longest sleep between two looks at the clock.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// What an executor is to do.
#[derive(Debug)]
pub struct Request {
    /// The caller's bytes, at most [`crate::FRAME_BYTES_MAX`] less the 16 of the limits.
    pub frame: Vec<u8>,
    /// What it is about, open for reading; at most [`crate::INPUT_COUNT_MAX`].
    pub inputs: Vec<File>,
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
        if request.inputs.len() > INPUT_COUNT_MAX {
            let what = format!("{} inputs for one request", request.inputs.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let inputs = request.inputs.iter().map(File::as_fd);
        let descriptors: Vec<_> = [request.output.as_fd()].into_iter().chain(inputs).collect();
        self.channel.send(&[&bounds, &request.frame], &descriptors)
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
                Some(Received::Frame(frame, _)) => match FromChild::decode(frame) {
                    Some(FromChild::Done(answer)) => return Ok(answer.to_vec()),
                    Some(FromChild::Progress { done, total }) => {
                        watch.iter_mut().for_each(|watch| watch.on_sign(now));
                        on_event(Event::Progress { done, total });
                    }
                    _ => return Err(unknown(frame)),
                },
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

impl Bounds {
    fn of(limits: &Limits) -> Bounds {
        Bounds { memory_bytes: limits.memory_bytes, output_bytes: limits.output_bytes }
    }
}

fn unknown(frame: &[u8]) -> End {
    End::Protocol(format!("a frame of {} bytes that is no answer", frame.len()))
}
