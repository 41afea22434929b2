//! How a master is spoken to: by its address, what the flags say, and what was kept.

use crate::arguments::AccessArguments;
use crate::credentials::Credentials;
use crate::{CliError, EXIT_DENIED, EXIT_UNREACHABLE, settings};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use windlass_core::WorkerName;
use windlass_core::tokens::{Role, TokenText};
use windlass_wire::trust::{Access, Credential, WorkerCertificate};
use windlass_wire::{Address, WireError};
use windlass_worker::Entrance;

/// What to do about a name that leads nowhere.
const KNOWN_NAME: &str = "check how the name is written and that this machine can look names up, \
                          or give the machine's address";

/// How a command speaks to the master there.
pub(crate) fn of_client(
    address: &Address,
    arguments: &AccessArguments,
    state: Option<&Path>,
) -> Result<Access, CliError> {
    if let Some(text) = &arguments.token {
        return token(text, Role::Client).map(Access::Token);
    }
    if arguments.insecure || address.is_this_machine() {
        return Ok(Access::Plain);
    }
    match Credentials::of_state(&settings::state_dir(state)?).token(address)? {
        Some(token) => Ok(Access::Token(token)),
        None => Err(unknown_name(address).unwrap_or_else(|| {
            denied(format!(
                "be let in at {address}: no token is known for it; on that machine `windlass token \
                 create --role client` makes one, here `windlass login {address}` keeps it (a \
                 master that was started with --insecure: say --insecure here too)"
            ))
        })),
    }
}

/// Whether a worker needs a certificate for the master there.
pub(crate) fn needs_certificate(address: &Address, arguments: &AccessArguments) -> bool {
    arguments.token.is_some() || !(arguments.insecure || address.is_this_machine())
}

/// Whether a certificate has not ended yet.
pub(crate) fn holds(kept: &WorkerCertificate) -> bool {
    now_s() < kept.ends_at_s
}

/// How the worker of this name gets in at the master there.
pub(crate) fn of_worker(
    address: &Address,
    name: &WorkerName,
    arguments: &AccessArguments,
    state: Option<&Path>,
) -> Result<Entrance, CliError> {
    let given = arguments.token.as_deref().map(|text| token(text, Role::Worker)).transpose()?;
    if !needs_certificate(address, arguments) {
        return Ok(Entrance::plain(address.clone(), name.clone()));
    }
    let credentials = Credentials::of_state(&settings::state_dir(state)?);
    let kept = credentials.worker(name, address)?;
    let kept = match (&given, kept) {
        // What was kept for another token, or from another master, is of the past.
        (Some(given), Some(kept)) => Some(kept).filter(|kept| {
            kept.authority == given.authority && kept.token == given.id && holds(kept)
        }),
        (None, Some(kept)) if !holds(&kept) => {
            return Err(denied(format!(
                "be let in at {address}: the certificate of worker {name} has ended while it was \
                 away; join again with --token of `windlass token create` on that machine"
            )));
        }
        (None, None) => {
            let without = || without_certificate(address, name, &credentials.workers(address));
            return Err(unknown_name(address).unwrap_or_else(without));
        }
        (_, kept) => kept,
    };
    let of_kept = |kept: WorkerCertificate| Credential::new(kept).map_err(CliError::failed);
    let kept = kept.map(of_kept).transpose()?;
    let place = address.clone();
    let keep = Arc::new(move |certificate: &WorkerCertificate| {
        // Without it this start goes on; the next one needs the token again.
        if let Err(error) = credentials.keep_worker(&place, certificate) {
            crate::say(&format!("windlass: {error}\n"));
        }
    });
    Ok(Entrance::tls(address.clone(), name.clone(), kept, given, keep))
}

/// Why a worker has nothing to show at the master there, where others of this state may have.
fn without_certificate(address: &Address, name: &WorkerName, others: &[WorkerName]) -> CliError {
    if others.is_empty() {
        return denied(format!(
            "be let in at {address}: no token is known for it; on that machine `windlass token \
             create` makes one, to be given here with --token (a master that was started with \
             --insecure: say --insecure here too)"
        ));
    }
    let others: Vec<&str> = others.iter().map(|name| name.0.as_str()).collect();
    let others = others.join(", ");
    denied(format!(
        "be let in at {address} as {name}: certificates are kept here for {others} alone, which \
         have ended, are in use, or are not meant; go on as one of them with --name, or join as \
         {name} with --token of `windlass token create` on that machine"
    ))
}

/// A token as it was given, of the role that is wanted.
pub(crate) fn token(text: &str, wanted: Role) -> Result<TokenText, CliError> {
    let token: TokenText =
        text.trim().parse().map_err(|error| denied(format!("read the token: {error}")))?;
    if token.role != wanted {
        return Err(denied(format!(
            "use token {}: it is a {}'s, and this wants a {wanted}'s: `windlass token create --role \
             {wanted}` on the master's machine makes one",
            token.id, token.role
        )));
    }
    Ok(token)
}

/// What goes wrong with a master elsewhere.
pub(crate) fn of_wire(error: &WireError) -> CliError {
    if error.is_denied() {
        return denied(error);
    }
    let next_step = match error.unknown_name() {
        Some(_) => KNOWN_NAME,
        None if error.is_unheard() => "start one there with `windlass up`",
        None => {
            "check the address, that networks and firewalls between let it through, and what the \
             master's log says"
        }
    };
    CliError { text: format!("failed to {error}; {next_step}"), code: EXIT_UNREACHABLE }
}

/// Says of an address whose name leads nowhere that it is the name: no token helps there.
fn unknown_name(address: &Address) -> Option<CliError> {
    let why = address.unknown_name()?;
    let text = format!("failed to reach the master at {address}: {why}; {KNOWN_NAME}");
    Some(CliError { text, code: EXIT_UNREACHABLE })
}

fn denied(doing: impl std::fmt::Display) -> CliError {
    CliError { text: format!("failed to {doing}"), code: EXIT_DENIED }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
