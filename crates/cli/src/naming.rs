//! A worker's name: the one that was given; else one that a certificate is kept for, so that it
//! comes back as who it was; else a new one.

use crate::arguments::WorkerArguments;
use crate::credentials::{Claim, Credentials};
use crate::{CliError, access, settings};
use std::hash::{BuildHasher, Hasher, RandomState};
use windlass_core::WorkerName;
use windlass_wire::Address;

/// A worker's name. While it is held, no other worker of this state takes it by itself.
pub(crate) struct Named {
    pub(crate) name: WorkerName,
    pub(crate) _claim: Option<Claim>,
}

/// The name of a worker for these masters.
pub(crate) fn name_of(masters: &[Address], arguments: &WorkerArguments) -> Result<Named, CliError> {
    let secured = |address: &&Address| access::needs_certificate(address, &arguments.access);
    let mut secured = masters.iter().filter(secured).peekable();
    if secured.peek().is_none() {
        let name = arguments.name.clone().unwrap_or_else(new_name);
        return Ok(Named { name, _claim: None });
    }
    let credentials = Credentials::of_state(&settings::state_dir(arguments.state.as_deref())?);
    if let Some(name) = arguments.name.clone() {
        // Who gives one name twice is told so by the master.
        let claim = credentials.claim(&name)?;
        return Ok(Named { name, _claim: claim });
    }
    let has_token = arguments.access.token.is_some();
    for address in secured {
        for name in credentials.workers(address) {
            let kept = credentials.worker(&name, address);
            // With a token there will be another certificate for the same name.
            let is_of_use = has_token || kept?.is_some_and(|kept| access::holds(&kept));
            if is_of_use && let Some(claim) = credentials.claim(&name)? {
                return Ok(Named { name, _claim: Some(claim) });
            }
        }
    }
    loop {
        let name = new_name();
        if let Some(claim) = credentials.claim(&name)? {
            return Ok(Named { name, _claim: Some(claim) });
        }
    }
}

/// A name that hardly any other worker has: this machine's, and a few random digits.
fn new_name() -> WorkerName {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain: String =
        host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    let host = if plain.is_empty() { "worker".to_owned() } else { plain };
    let digits = RandomState::new().build_hasher().finish() & 0xffff;
    WorkerName(format!("{host}-{digits:04x}"))
}
