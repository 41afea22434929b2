//! `windlass worker`: slots on this machine for a master elsewhere.

use crate::arguments::WorkerArguments;
use crate::cluster::{now_us, program};
use crate::logs::Log;
use crate::place::cores;
use crate::scratch::Scratch;
use crate::{CliError, EXIT_DENIED, EXIT_UNREACHABLE, access, signals};
use std::path::PathBuf;
use std::sync::Arc;
use windlass_core::{Incarnation, WorkerName};
use windlass_wire::Address;
use windlass_worker::{Entrance, Refused, Remote, Standing, Store, Worker, join};

pub(crate) fn worker(arguments: &WorkerArguments) -> Result<u8, CliError> {
    let log = Log::start(&arguments.log);
    let masters: Result<Vec<Address>, CliError> = arguments
        .join
        .iter()
        .map(|text| text.parse().map_err(|error| CliError::usage(format!("--join: {error}"))))
        .collect();
    let state = arguments.state.as_deref();
    let entrance = |master| access::of_worker(master, &arguments.access, state);
    let masters: Result<Vec<Entrance>, CliError> = masters?.iter().map(entrance).collect();
    let mut masters = masters?;
    let slots = arguments.slots.unwrap_or_else(cores);
    let incarnation = Incarnation(now_us());
    let name = arguments.name.clone().unwrap_or_else(|| default_name(incarnation));
    let stop = signals::interrupts()?;
    let folder = arguments.offer.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = Scratch::of(&Some(folder), PathBuf::new)?;
    let remote = Remote::default();
    let worker = Worker::start(windlass_worker::Options {
        name: WorkerName(name.clone()),
        incarnation,
        in_process: false,
        pins: arguments.offer.groups.clone(),
        operations: arguments.offer.operations.clone(),
        slots,
        store: Store::Remote(remote.clone()),
        scratch: scratch.path().to_owned(),
        executor: program()?,
    });
    let mut said = String::new();
    let joined = join(&worker, &remote, &mut masters, &Arc::clone(&stop), &mut |standing| {
        let text = match &standing {
            Standing::Joined(master) => {
                format!("Worker {name} with {slots} slots works for the master at {master}\n")
            }
            Standing::Lost { cause } => {
                format!("The connection broke ({cause}); connecting again\n")
            }
            Standing::Waiting { cause } => format!("Waiting for a master: failed to {cause}\n"),
        };
        // The same again is no news.
        if text != said {
            match standing {
                Standing::Joined(_) => log.say(&text),
                Standing::Lost { .. } | Standing::Waiting { .. } => log.warn(&text),
            }
            said = text;
        }
    });
    worker.stop();
    match joined {
        Ok(()) => Ok(0),
        Err(Refused::Unwanted(why)) => Err(CliError {
            text: format!("the master does not take worker {name}: {why}"),
            code: EXIT_UNREACHABLE,
        }),
        Err(Refused::Denied(why)) => {
            Err(CliError { text: format!("worker {name} is not let in: {why}"), code: EXIT_DENIED })
        }
    }
}

/// A name that no other worker has: this machine's, and a few digits of the time of this start.
fn default_name(incarnation: Incarnation) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain: String =
        host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    let host = if plain.is_empty() { "worker".to_owned() } else { plain };
    format!("{host}-{:04x}", ((incarnation.0 / 1_000) ^ u64::from(std::process::id())) & 0xffff)
}
