//! Where the cluster of a command is: a state of this machine, or a master elsewhere.

use crate::arguments::AccessArguments;
use crate::cluster::{Attached, OwnWorkers, Plan, SOCKET};
use crate::{CliError, EXIT_UNREACHABLE, access, recorded, settings};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;
use windlass_client::cluster::Cluster;
use windlass_journal::Holder;
use windlass_wire::trust::Access;
use windlass_wire::{Address, Client};

/// Pause before a lost cluster is looked for again.
const LOST_PAUSE: Duration = Duration::from_millis(500);

/// What names a master where no flag does.
const MASTER_VARIABLE: &str = "WINDLASS_MASTER";

/// Where the cluster of a command is.
pub(crate) enum Place {
    /// The state folder: whoever holds it, or this process.
    State(PathBuf, Plan),
    /// A master elsewhere.
    Master(Master),
}

/// A master elsewhere.
pub(crate) struct Master {
    address: Address,
    /// How it is spoken to.
    access: Access,
    /// The state that its token is kept in, where that is another one than who names none uses.
    kept_in: Option<PathBuf>,
}

impl Place {
    /// What the flags say, and where they say nothing the variables; a cluster of this process's
    /// own has so many workers.
    pub(crate) fn of(
        master: Option<&str>,
        access: &AccessArguments,
        state: Option<&Path>,
        worker_count: u32,
    ) -> Result<Place, CliError> {
        let variable = || settings::variable(MASTER_VARIABLE);
        let (from, master) = match (master, state) {
            (Some(master), _) => ("--master", Some(master.to_owned())),
            // A flag is meant more than a variable.
            (None, Some(_)) => ("--master", None),
            (None, None) => (MASTER_VARIABLE, variable()?),
        };
        let Some(master) = master else { return Place::here(state, worker_count) };
        let address: Result<Address, _> = master.parse();
        let address = address.map_err(|error| CliError::usage(format!("{from}: {error}")))?;
        let (given, access) = (access, access::of_client(&address, access, state)?);
        let kept_in = match access {
            Access::Token(_) if given.token.is_none() => Some(settings::state_dir(state)?),
            _ => None,
        };
        let kept_in = kept_in.filter(|state| settings::home_state().as_ref() != Some(state));
        Ok(Place::Master(Master { address, access, kept_in }))
    }

    /// A master without encryption or checks.
    #[cfg(test)]
    pub(crate) fn plain(address: Address) -> Place {
        Place::Master(Master { address, access: Access::Plain, kept_in: None })
    }

    /// A state of this machine, whatever the variables say of a master.
    pub(crate) fn here(state: Option<&Path>, worker_count: u32) -> Result<Place, CliError> {
        let workers = OwnWorkers::plain(worker_count);
        let plan = Plan { workers, collects: true, ..Plan::alone() };
        Ok(Place::State(settings::state_dir(state)?, plan))
    }

    /// The cluster that is there, or one of this process's own.
    pub(crate) fn attach(&self) -> Result<Attached, CliError> {
        match self {
            Place::State(state, plan) => Attached::attach(state, plan),
            Place::Master(Master { address, access, .. }) => {
                let client = Client::connect_as(address, access);
                // Whether one is let in shows with the first question; better now than in the
                // middle.
                let client = client.and_then(|client| match address.is_this_machine() {
                    true => Ok(client),
                    false => client.status().map(|_| client),
                });
                client.map(Attached::Joined).map_err(|error| access::of_wire(&error))
            }
        }
    }

    /// Works with the cluster that is there; over a state that nobody holds, with one of this
    /// process's own meanwhile, which has no workers: enough for what is recorded.
    pub(crate) fn with_recorded<T>(
        &self,
        work: impl FnOnce(&Cluster) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        match self {
            Place::State(state, _) if recorded::is_there(state)? => {
                Attached::meanwhile(state, work)?
            }
            _ => work(&self.running()?),
        }
    }

    /// It is an error where this is a state of this machine and there is none, or none that this
    /// user may enter.
    pub(crate) fn check_recorded(&self) -> Result<(), CliError> {
        match self {
            Place::State(state, _) => recorded::check(state),
            Place::Master(_) => Ok(()),
        }
    }

    /// The cluster that is there; it is an error where none is.
    pub(crate) fn running(&self) -> Result<Cluster, CliError> {
        match self {
            Place::State(state, _) => match Client::connect(&Address::Unix(state.join(SOCKET))) {
                Ok(client) => Ok(Cluster::There(client)),
                Err(_) => {
                    // Where the folder may not be entered, nobody knows what runs there.
                    recorded::check_known(state)?;
                    let text = format!(
                        "failed to reach a cluster: none runs over the state {}; start one with \
                         `windlass up`, or name another one with --state or --master",
                        state.display()
                    );
                    Err(CliError { text, code: EXIT_UNREACHABLE })
                }
            },
            Place::Master(_) => self.attach().map(|attached| attached.cluster()),
        }
    }

    /// Attaches as soon as there is a cluster again; `None`: it was stopped meanwhile.
    pub(crate) fn attach_again(
        &self,
        interrupted: &AtomicBool,
    ) -> Result<Option<Attached>, CliError> {
        again(interrupted, || self.attach())
    }

    /// As [`Place::running`], as soon as it runs again; `None`: it was stopped meanwhile.
    pub(crate) fn running_again(
        &self,
        interrupted: &AtomicBool,
    ) -> Result<Option<Cluster>, CliError> {
        again(interrupted, || self.running())
    }

    /// Whether jobs there go on without this process.
    pub(crate) fn is_held_by_others(&self) -> bool {
        match self {
            Place::State(state, _) => {
                matches!(Holder::of(state), Ok(Holder::Process(_)))
            }
            Place::Master(_) => true,
        }
    }

    /// Where that is, for people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Place::State(state, _) => state.display().to_string(),
            Place::Master(Master { address, .. }) => address.to_string(),
        }
    }

    /// The flags by which other commands find it, from whatever folder and whatever the variables
    /// say; a token is not repeated.
    pub(crate) fn flags(&self) -> String {
        match self {
            Place::State(state, _) => format!(" --state {}", quoted(state.as_os_str())),
            Place::Master(Master { address, access, kept_in }) => {
                let mut flags = format!(" --master {}", quoted(address.to_string().as_ref()));
                if matches!(access, Access::Plain) && !address.is_this_machine() {
                    flags.push_str(" --insecure");
                }
                if let Some(state) = kept_in {
                    flags.push_str(&format!(" --state {}", quoted(state.as_os_str())));
                }
                flags
            }
        }
    }

    /// What is never taken for an input.
    pub(crate) fn excluded(&self) -> Vec<PathBuf> {
        match self {
            Place::State(state, _) => vec![state.clone()],
            Place::Master(_) => Vec::new(),
        }
    }

    /// What a run says while the disk there is full.
    pub(crate) fn waiting_for_room(&self) -> String {
        let place = match self {
            Place::State(state, _) => state.display().to_string(),
            Place::Master(Master { address, .. }) => format!("the master at {address}"),
        };
        format!("the disk of {place} is full; waiting for room")
    }
}

/// Looks until there is one, or until it is stopped.
fn again<T>(
    interrupted: &AtomicBool,
    mut look: impl FnMut() -> Result<T, CliError>,
) -> Result<Option<T>, CliError> {
    while !interrupted.load(Ordering::Relaxed) {
        match look() {
            Ok(found) => return Ok(Some(found)),
            Err(error) if error.code != EXIT_UNREACHABLE => return Err(error),
            Err(_) => std::thread::sleep(LOST_PAUSE),
        }
    }
    Ok(None)
}

/// A word as a shell reads it.
pub(crate) fn quoted(word: &OsStr) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:".contains(c);
    match word.to_str() {
        Some(text) if text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let byte = |byte: &u8| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            };
            format!("$'{}'", word.as_bytes().iter().map(byte).collect::<String>())
        }
    }
}

/// Cores of this machine.
pub(crate) fn cores() -> u32 {
    available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_lead_other_commands_to_the_same_place() {
        let state = |bytes: &[u8]| {
            Place::here(Some(Path::new(OsStr::from_bytes(bytes))), 1).expect("a place").flags()
        };
        assert_eq!(state(b"/a/b"), " --state /a/b");
        assert_eq!(state(b"/a b"), " --state '/a b'");
        assert_eq!(state(b"/it's"), r" --state '/it'\''s'");
        assert_eq!(state(b"/\xff'"), r" --state $'/\xff\''");
        assert_eq!(state(b"/s[1]*"), " --state '/s[1]*'", "no pattern");
        let master = |address: &str| Place::plain(address.parse().expect("an address")).flags();
        assert_eq!(master("127.0.0.1:7000"), " --master 127.0.0.1:7000");
        assert_eq!(master("far:7000"), " --master far:7000 --insecure");
        assert_eq!(master("[::1]:7000"), " --master '[::1]:7000'");
        let kept = Place::Master(Master {
            address: "127.0.0.1:7000".parse().expect("an address"),
            access: Access::Plain,
            kept_in: Some("/a b".into()),
        });
        assert_eq!(kept.flags(), " --master 127.0.0.1:7000 --state '/a b'");
    }
}
