//! `windlass worker`: slots on this machine for a master elsewhere.

use crate::arguments::WorkerArguments;
use crate::cluster::{now_us, program};
use crate::logs::Log;
use crate::naming::name_of;
use crate::place::cores;
use crate::scratch::Scratch;
use crate::{CliError, EXIT_DENIED, EXIT_UNREACHABLE, access, settings, signals};
use std::path::PathBuf;
use std::sync::Arc;
use windlass_core::Incarnation;
use windlass_core::words::counted;
use windlass_wire::Address;
use windlass_worker::{Entrance, Refused, Remote, Standing, Store, Worker, join};

pub(crate) fn worker(arguments: &WorkerArguments) -> Result<u8, CliError> {
    let log = Log::start(&arguments.log);
    let masters: Result<Vec<Address>, CliError> = arguments
        .join
        .iter()
        .map(|text| text.parse().map_err(|error| CliError::usage(format!("--join: {error}"))))
        .collect();
    let masters = masters?;
    let state = arguments.state.as_deref();
    let incarnation = Incarnation(now_us());
    let named = name_of(&masters, arguments)?;
    let name = &named.name;
    let entrance = |master| access::of_worker(master, name, &arguments.access, state);
    let masters: Result<Vec<Entrance>, CliError> = masters.iter().map(entrance).collect();
    let mut masters = masters?;
    let slots = arguments.slots.unwrap_or_else(cores);
    let stop = signals::interrupts()?;
    let folder = arguments.offer.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = Scratch::of(&Some(folder), PathBuf::new)?;
    let remote = Remote::default();
    let worker = Worker::start(windlass_worker::Options {
        name: name.clone(),
        incarnation,
        in_process: false,
        pins: arguments.offer.groups.clone(),
        operations: arguments.offer.operations.clone(),
        slots,
        store: Store::Remote(remote.clone()),
        scratch: scratch.path().to_owned(),
        secrets: settings::secret_folders(arguments.state.as_deref()),
        executor: program()?,
    });
    let mut said = String::new();
    let joined = join(&worker, &remote, &mut masters, &Arc::clone(&stop), &mut |standing| {
        let text = match &standing {
            Standing::Joined(master) => {
                let slots = counted(slots.into(), "slot");
                format!("Worker {name} with {slots} works for the master at {master}\n")
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
