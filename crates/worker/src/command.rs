//! Attempts of `command`: the user's own program, joined from the operation and the sandbox.

use crate::attempt::{Made, cancelled, content, file_name, stored, unstartable};
use crate::options::Options;
use crate::parcel::Parcel;
use crate::slot::Job;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use windlass_core::Failure;
use windlass_core::input::Input;
use windlass_core::manifest::Artifact;
use windlass_ops::Source;
use windlass_ops::command::{CommandEnding, CommandFacts, STDOUT_SHOWN_BYTES_MAX, report};
use windlass_sandbox::{Cancel, CommandStatus, Launcher, LauncherSpawn, Profile, UserCommand};

/// Scratch folders of this process, for their names.
static SCRATCH_COUNT: AtomicU64 = AtomicU64::new(0);

/// A disk with less is full: a program's write of some pages fails.
const ROOM_BYTES_MIN: u64 = 64 << 10;

/// The hidden argument that makes the binary a launcher.
pub const LAUNCHER_ARGUMENT: &str = "__launcher";

/// The launcher: starts commands until its worker closes the socket.
///
/// # Errors
/// The socket fails, or this process was not started by a worker.
pub fn launcher_main() -> std::io::Result<()> {
    windlass_sandbox::serve_launches()
}

/// Runs a command by the slot's launcher, which is started anew where it is gone or its commands
/// may do other things than this one.
pub(crate) fn run(
    options: &Options,
    kept: &mut Option<Launcher>,
    job: &Job,
    cancel: &Cancel,
) -> Result<Made, Failure> {
    let params = &job.order.params;
    let number = |name| params.int(name).and_then(|value| u64::try_from(value).ok());
    let command = params.text("cmd").unwrap_or_default();
    let output_bytes_max = number("output_mb").unwrap_or(1) << 20;
    let stdin = match &job.order.input {
        Some(input) => options.open_input(job)?.map(|file| verified(input, file)).transpose()?,
        None => None,
    };
    let profile = profile(job, &options.secrets);
    let mut launcher = match kept.take().filter(|launcher| *launcher.profile() == profile) {
        Some(launcher) => launcher,
        None => launch(options, profile)?,
    };
    let stdout = launcher.output_file().map_err(unstartable)?;
    let user_command = UserCommand {
        line: command.to_owned(),
        stdin,
        stdout: stdout.try_clone().map_err(unstartable)?,
        env: environment(job),
        total: Duration::from_secs(number("timeout_s").unwrap_or(1)),
        output_bytes: output_bytes_max,
    };
    let end = launcher.run(&user_command, cancel).map_err(unstartable)?;
    *kept = Some(launcher);
    let ending = match end.status {
        CommandStatus::Exit(code) => CommandEnding::Exit(code),
        CommandStatus::Signal(signal) => CommandEnding::Signal(signal),
        CommandStatus::TimedOut => CommandEnding::TimedOut,
        CommandStatus::OutputTooLarge => CommandEnding::OutputTooLarge,
        CommandStatus::TooManyProcesses => CommandEnding::TooManyProcesses,
        CommandStatus::Cancelled => return Err(cancelled()),
    };
    if ending != CommandEnding::Exit(0) && is_disk_full(&stdout) {
        return Err(no_room(options));
    }
    let stdout_bytes = stdout.metadata().map_err(unstartable)?.len();
    let mut shown = Vec::new();
    if stdout_bytes <= STDOUT_SHOWN_BYTES_MAX {
        shown.resize(usize::try_from(stdout_bytes).unwrap_or(0), 0);
        stdout.read_exact_at(&mut shown, 0).map_err(unstartable)?;
    }
    let json = report(&CommandFacts {
        command,
        ending,
        seconds: end.duration.as_secs_f64(),
        stdout_bytes,
        stdout: (stdout_bytes <= STDOUT_SHOWN_BYTES_MAX).then_some(&shown),
        stderr: &end.stderr_tail,
        output_bytes_max,
    })?;
    let mut parcel = Parcel::default();
    let mut artifacts = vec![Artifact {
        name: "{base}_command.json".to_owned(),
        media_type: "application/json".to_owned(),
        content: stored(options, json, &mut parcel)?,
    }];
    if stdout_bytes > 0 {
        artifacts.push(Artifact {
            name: "{base}.out".to_owned(),
            media_type: "application/octet-stream".to_owned(),
            content: content(options, &stdout, 0, stdout_bytes, &mut parcel)?,
        });
    }
    Ok(Made { artifacts, notes: Vec::new(), parcel })
}

/// Whether the disk of what a command has written has no room for more of it.
fn is_disk_full(stdout: &File) -> bool {
    rustix::fs::fstatvfs(stdout)
        .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM_BYTES_MIN)
}

/// Not the command's fault, nor its file's.
fn no_room(options: &Options) -> Failure {
    let scratch = options.scratch.display();
    let cause = format!("the command failed, and its worker's disk at {scratch} is full");
    let next_step = "Free space there, or give the worker another --scratch; it is tried again.";
    Failure::unavailable("scratch_full", cause, next_step)
}

fn profile(job: &Job, secrets: &[PathBuf]) -> Profile {
    let params = &job.order.params;
    let writable = params.text("write").unwrap_or_default().split(':');
    Profile {
        network: params.is_true("network"),
        writable: writable.filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
        hidden: secrets.to_owned(),
    }
}

fn launch(options: &Options, profile: Profile) -> Result<Launcher, Failure> {
    if let Some(path) = profile.writable.iter().find(|p| !p.is_absolute() || !p.exists()) {
        return Err(Failure::rejected(
            "write_path_unusable",
            format!("write={} is no absolute path of something that is there", path.display()),
            "Give absolute paths of folders or files that exist, joined by `:`.",
        ));
    }
    if let Some(path) = profile.exposing() {
        return Err(Failure::rejected(
            "write_path_unusable",
            format!("write={} has the secrets of Windlass in or above it", path.display()),
            "Name a folder beside the state folder of Windlass, or move that with --state.",
        ));
    }
    let count = SCRATCH_COUNT.fetch_add(1, Ordering::Relaxed);
    Launcher::spawn(LauncherSpawn {
        program: options.executor.clone(),
        argument: LAUNCHER_ARGUMENT.into(),
        profile,
        scratch: options.scratch.join(format!("command-{count}")),
    })
    .map_err(unstartable)
}

/// The input, open at its start, with the content that was submitted.
fn verified(input: &Input, file: std::fs::File) -> Result<std::fs::File, Failure> {
    let same = file.try_clone().map_err(unstartable)?;
    let name = file_name(input);
    let mut source = Source::new(file, name, input.media, input.size, Some(input.hash));
    source.stream(|_| Ok(()))?;
    // Both descriptors share one position.
    std::io::Seek::rewind(&mut &same).map_err(unstartable)?;
    Ok(same)
}

fn environment(job: &Job) -> Vec<(&'static str, OsString)> {
    let mut env = vec![("WINDLASS_INDEX", job.task.index.to_string().into())];
    if let Some(input) = &job.order.input {
        let bytes = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        env.push(("WINDLASS_INPUT", bytes(&input.path)));
        env.push(("WINDLASS_NAME", bytes(input.path.rsplit(|b| *b == b'/').next().unwrap_or(b""))));
        env.push(("WINDLASS_BASE", bytes(&input.base)));
    }
    env
}
