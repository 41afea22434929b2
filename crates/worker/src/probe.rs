//! What holds on this machine, found out by doing it: an executor and a launcher are started, a
//! file is written and synced.

use crate::command::LAUNCHER_ARGUMENT;
use crate::executor::EXECUTOR_ARGUMENT;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use windlass_sandbox::{Bounds, Executor, Launcher, LauncherSpawn, Layers, Profile, Spawn};

/// What was found; errors are sentences for people.
#[derive(Clone, PartialEq, Debug)]
pub struct Probe {
    /// What confines an executor, and how long it took to be ready.
    pub executor: Result<(Layers, Duration), String>,
    /// What confines commands.
    pub command: Result<Layers, String>,
    /// How long the folder's disk takes to make a small file durable.
    pub sync: Result<Duration, String>,
    /// Bytes that may still be written there.
    pub free_bytes: Result<u64, String>,
}

/// Tries everything once, in `folder`, which exists; `program` is the binary that becomes a child.
/// What is made there is removed.
#[must_use]
pub fn probe(program: &Path, folder: &Path) -> Probe {
    Probe {
        executor: executor_ready(program),
        command: command(program, folder).map_err(|error| error.to_string()),
        sync: sync(folder).map_err(|error| error.to_string()),
        free_bytes: rustix::fs::statvfs(folder)
            .map(|found| found.f_bavail.saturating_mul(found.f_frsize))
            .map_err(|error| error.to_string()),
    }
}

/// Starts an executor of `program` and ends it: what confines it, and how long it took to be ready.
///
/// # Errors
/// A sentence for people: it cannot be started, or is not ready.
pub fn executor_ready(program: &Path) -> Result<(Layers, Duration), String> {
    let bounds = Bounds { memory_bytes: 1 << 30, output_bytes: 1 << 20 };
    let spawn = Spawn::new(program, [EXECUTOR_ARGUMENT], bounds);
    let began = Instant::now();
    let executor = Executor::spawn(&spawn).map_err(|error| error.to_string())?;
    Ok((executor.layers(), began.elapsed()))
}

fn command(program: &Path, folder: &Path) -> Result<Layers, windlass_sandbox::SpawnError> {
    let launcher = Launcher::spawn(LauncherSpawn {
        program: program.to_owned(),
        argument: LAUNCHER_ARGUMENT.into(),
        profile: Profile { network: false, writable: Vec::new(), hidden: Vec::new() },
        scratch: folder.join(format!(".probe-{}", std::process::id())),
    })?;
    Ok(launcher.layers())
}

fn sync(folder: &Path) -> std::io::Result<Duration> {
    let mut file = windlass_sandbox::output_file(folder)?;
    let began = Instant::now();
    file.write_all(&[1; 4096])?;
    file.sync_data()?;
    Ok(began.elapsed())
}
