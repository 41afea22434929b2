//! `windlass state`: what a state folder holds. One file for each thing that can be done with it.

mod compact;
mod export;
mod set;
mod show;
mod verify;

use crate::arguments::{StateArguments, StateCommand};
use crate::cluster::Attached;
use crate::{CliError, print};
use crate::{recorded, settings};
use std::collections::BTreeMap;
use std::path::Path;
use windlass_client::cluster::{Cluster, ClusterError};
use windlass_core::ledger::{Setting, Settings};
use windlass_journal::Holder;
use windlass_master::audit::{Audit, AuditError};

pub(crate) fn state(arguments: &StateArguments) -> Result<u8, CliError> {
    let state = settings::state_dir(arguments.state.as_deref())?;
    match &arguments.command {
        StateCommand::Show => show::show(&state, arguments.json),
        StateCommand::Verify => verify::verify(&state, arguments.json),
        StateCommand::Set { settings } => set::set(&state, settings, arguments.json),
        StateCommand::Compact => compact::compact(&state, arguments.json),
        StateCommand::Export => export::export(&state),
    }
}

/// Reads the whole state without holding it.
fn audit(state: &Path) -> Result<Audit, CliError> {
    recorded::check_known(state)?;
    Audit::of(state).map_err(|error| match error {
        AuditError::NoState(_) => recorded::none(state),
        error => CliError::failed(error),
    })
}

/// Who works on the state, as a part of a sentence.
fn held_by(holder: Holder) -> Option<String> {
    match holder {
        Holder::Nobody => None,
        Holder::Process(Some(pid)) => Some(format!("process {pid}")),
        Holder::Process(None) => Some("another process".to_owned()),
    }
}

/// The limits, as JSON.
fn settings_json(settings: &Settings) -> serde_json::Value {
    let all = Setting::ALL.map(|setting| (setting.spec().name.to_owned(), settings.get(setting)));
    all.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// See [`Attached::meanwhile`].
fn with_cluster<T>(
    state: &Path,
    work: impl FnOnce(&Cluster) -> Result<T, ClusterError>,
) -> Result<T, CliError> {
    Attached::meanwhile(state, work)?.map_err(CliError::failed)
}
