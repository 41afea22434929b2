//! How a child is started, and until it is ready.

use crate::channel::{Channel, Received};
use crate::death::Bounds;
use crate::folders::FOLDER_VARIABLES;
use crate::frame::FromChild;
use crate::layers::Layers;
use crate::process::Process;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long a child may take to say that it is ready.
const SPAWN_MAX: Duration = Duration::from_secs(10);
/// Bytes of stderr that are kept for the cause of a death.
const STDERR_TAIL_BYTES_MAX: usize = 4 * 1024;
/// Variables that a child keeps of its parent's environment.
const KEPT_VARIABLES: &[&str] = &["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];

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
            .chain(FOLDER_VARIABLES)
            .filter_map(|name| std::env::var_os(name).map(|value| (OsString::from(name), value)));
        Spawn {
            program: program.into(),
            arguments: arguments.collect(),
            environment: kept.collect(),
            bounds_max,
        }
    }

    pub(crate) fn start(&self) -> io::Result<(Process, Channel)> {
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
                Some(Received::Frame(frame, _)) => {
                    return Ok(match FromChild::decode(frame) {
                        Some(FromChild::Ready(layers)) => Ok(layers),
                        _ => Err("but says something else"),
                    });
                }
                Some(Received::Closed) => return Ok(Err("and gone")),
                None => {}
            }
        } else if ready.exited {
            return Ok(Err("and gone"));
        }
    }
}
