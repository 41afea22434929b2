//! Executor processes: spawned, confined, fed, killed and reaped; and the user's own programs.
//!
//! Bytes pass through: nothing here knows an operation by name. What runs in a child is limited in
//! time, memory and output, and its death costs one attempt, never the worker.

mod cancel;
mod channel;
mod child;
mod command;
mod confine;
mod death;
mod executor;
mod folders;
pub mod frame;
mod hidden;
mod landlock;
mod launch;
mod launcher;
mod layers;
mod oom;
mod output;
mod process;
mod scratch;
mod seccomp;
mod spawn;
mod stderr;
mod syscalls;
mod watch;

pub use cancel::Cancel;
pub use channel::{FRAME_BYTES_MAX, INPUT_COUNT_MAX};
pub use child::{Task, serve};
pub use command::{
    COMMAND_STDERR_BYTES_MAX, CommandEnd, CommandStatus, Launcher, LauncherSpawn, UserCommand,
};
pub use death::{Bounds, Death};
pub use executor::{Event, Executor, Limits, Outcome, Request};
pub use launcher::{Profile, serve_launches};
pub use layers::{LANDLOCK_ABI_WHOLE, Layers, User};
pub use output::{output_file, read_only};
pub use spawn::{Spawn, SpawnError};
