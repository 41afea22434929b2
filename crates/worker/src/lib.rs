//! The worker's host: the seat's thread, a thread per slot, and the executors.
//!
//! It never decides where a task runs; it makes the attempts that it is given and says how they
//! ended.

mod attempt;
mod calls;
mod clock;
mod command;
mod earlier;
mod ended;
mod entrance;
mod executor;
mod frames;
mod health;
mod host;
mod in_worker;
mod join;
mod keeper;
mod memo;
mod models;
mod options;
mod orders;
mod outcome;
mod parcel;
mod probe;
mod pulse;
mod shelves;
mod slot;
mod store;
mod usage;

pub use command::{LAUNCHER_ARGUMENT, launcher_main};
pub use entrance::{Entrance, Keep};
pub use executor::{EXECUTOR_ARGUMENT, executor_main};
pub use frames::{Answer, Request, Section, SourceFacts};
pub use host::{Gone, Send, Worker};
pub use join::{Refused, Standing, join};
pub use options::Options;
pub use probe::{Probe, executor_ready, probe};
pub use store::{Remote, Store};
pub use windlass_sandbox::{LANDLOCK_ABI_WHOLE, Layers, User};
