//! `windlass call`: one operation, answered at once.

mod each;

use crate::arguments::CallArguments;
use crate::cluster::Attached;
use crate::place::{Place, cores};
use crate::{CliError, EXIT_DENIED, EXIT_TIMED_OUT, EXIT_UNREACHABLE, settings};
use std::collections::BTreeMap;
use std::io::Write;
use windlass_client::cluster::ClusterError;
use windlass_core::calls::{CallError, CallRequest};
use windlass_core::catalogue::OperationSpec;
use windlass_core::params::Params;
use windlass_wire::WireError;

pub(crate) fn call(arguments: &CallArguments) -> Result<u8, CliError> {
    let asking = Asking::of(arguments)?;
    if let Some(lines) = &arguments.each {
        return each::call_each(asking, arguments, lines);
    }
    let request = asking.request(&arguments.values)?;
    let place = place(arguments)?;
    let attached = attach(&place)?;
    let mut stdout = std::io::stdout().lock();
    let answered = attached.cluster().call(request, &mut |bytes| stdout.write_all(bytes));
    let answered = answered.and_then(|()| stdout.flush().map_err(ClusterError::Take));
    attached.stop(&mut || {}, &|| false);
    match answered {
        Ok(()) => Ok(0),
        // A reader that has seen enough (`| head`) is no error.
        Err(ClusterError::Take(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(without_answer(&place, error)),
    }
}

fn place(arguments: &CallArguments) -> Result<Place, CliError> {
    let place = &arguments.place;
    Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), cores())
}

/// A cluster with workers, or one of this process's own.
fn attach(place: &Place) -> Result<Attached, CliError> {
    let attached = place.attach()?;
    attached.await_workers();
    Ok(attached)
}

/// What all calls of a command have in common.
struct Asking {
    spec: &'static OperationSpec,
    params: Vec<(String, String)>,
    limit_ms: Option<u64>,
}

impl Asking {
    fn of(arguments: &CallArguments) -> Result<Asking, CliError> {
        Ok(Asking {
            spec: settings::operation(&arguments.operation)?.spec,
            params: arguments.params.clone(),
            limit_ms: arguments.timeout.map(|seconds| seconds * 1_000),
        })
    }

    /// The values are those of the required parameters, in their order.
    fn request(&self, values: &[String]) -> Result<CallRequest, CliError> {
        let operation = self.spec.name.to_owned();
        Ok(CallRequest { operation, params: self.params(values)?, limit_ms: self.limit_ms })
    }

    fn params(&self, values: &[String]) -> Result<Params, CliError> {
        let spec = self.spec;
        let mut given: BTreeMap<String, String> = BTreeMap::new();
        let required: Vec<&str> =
            spec.params.iter().filter(|param| param.required).map(|param| param.name).collect();
        if values.len() > required.len() {
            let wanted = match required.len() {
                1 => "1 value".to_owned(),
                count => format!("{count} values"),
            };
            let (name, count) = (spec.name, values.len());
            return Err(CliError::usage(format!(
                "{name} takes {wanted}, not {count}: `windlass ops show {name}`"
            )));
        }
        let values = required.iter().map(|name| (*name).to_owned()).zip(values.iter().cloned());
        for (name, value) in values.chain(self.params.clone()) {
            if !spec.params.iter().any(|param| param.name == name) {
                let text = format!("{} has no parameter {name}", spec.name);
                return Err(CliError::usage(format!("{text}: `windlass ops show {}`", spec.name)));
            }
            if given.insert(name.clone(), value).is_some() {
                return Err(CliError::usage(format!("{name} is given twice")));
            }
        }
        Params::normalise(spec.name, spec.params, &given)
            .map_err(|e| CliError::usage(e.to_string()))
    }
}

fn without_answer(place: &Place, error: ClusterError) -> CliError {
    match error {
        ClusterError::Wire(error @ WireError::Lost { .. }) => match place.running() {
            // A token that was revoked ends its connections, and why is told to who connects.
            Err(denied) if denied.code == EXIT_DENIED => denied,
            _ => CliError {
                text: format!("failed to {error}; no answer is known: ask again"),
                code: EXIT_UNREACHABLE,
            },
        },
        ClusterError::Call(error @ CallError::TimedOut { .. }) => {
            CliError { text: error.told(), code: EXIT_TIMED_OUT }
        }
        ClusterError::Wire(WireError::TimedOut(text)) => CliError { text, code: EXIT_TIMED_OUT },
        // The reason is whole as it is.
        ClusterError::Wire(WireError::Refused(text)) => CliError { text, code: crate::EXIT_ERROR },
        ClusterError::Call(error) => CliError { text: error.told(), code: crate::EXIT_ERROR },
        error => CliError::of_cluster(error),
    }
}
