//! `windlass call`: one operation, answered at once.

use crate::arguments::CallArguments;
use crate::place::{Place, cores};
use crate::{CliError, EXIT_TIMED_OUT, settings};
use std::collections::BTreeMap;
use std::io::Write;
use windlass_client::cluster::ClusterError;
use windlass_core::calls::{CallError, CallRequest};
use windlass_core::catalogue::OperationSpec;
use windlass_core::params::Params;
use windlass_wire::WireError;

pub(crate) fn call(arguments: &CallArguments) -> Result<u8, CliError> {
    let spec = settings::operation(&arguments.operation)?.spec;
    let params = params(spec, arguments)?;
    let place = &arguments.place;
    let place = Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), cores())?;
    let attached = place.attach()?;
    attached.await_workers();
    let request = CallRequest {
        operation: spec.name.to_owned(),
        params,
        limit_ms: arguments.timeout.map(|seconds| seconds * 1_000),
    };
    let mut stdout = std::io::stdout().lock();
    let answered = attached.cluster().call(request, &mut |bytes| stdout.write_all(bytes));
    let answered = answered.and_then(|()| stdout.flush().map_err(ClusterError::Take));
    attached.stop(&mut || {}, &|| false);
    match answered {
        Ok(()) => Ok(0),
        // A reader that has seen enough (`| head`) is no error.
        Err(ClusterError::Take(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(without_answer(error)),
    }
}

/// The given values by name: those without one fill the required parameters in their order.
fn params(spec: &OperationSpec, arguments: &CallArguments) -> Result<Params, CliError> {
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    let required: Vec<&str> =
        spec.params.iter().filter(|param| param.required).map(|param| param.name).collect();
    if arguments.values.len() > required.len() {
        return Err(CliError::usage(format!(
            "{} takes {} values, not {}: `windlass ops show {}`",
            spec.name,
            required.len(),
            arguments.values.len(),
            spec.name
        )));
    }
    let values = required.iter().map(|name| (*name).to_owned()).zip(arguments.values.clone());
    for (name, value) in values.chain(arguments.params.clone()) {
        if !spec.params.iter().any(|param| param.name == name) {
            let text = format!("{} has no parameter {name}", spec.name);
            return Err(CliError::usage(format!("{text}: `windlass ops show {}`", spec.name)));
        }
        if given.insert(name.clone(), value).is_some() {
            return Err(CliError::usage(format!("{name} is given twice")));
        }
    }
    Params::normalise(spec.name, spec.params, &given).map_err(|e| CliError::usage(e.to_string()))
}

fn without_answer(error: ClusterError) -> CliError {
    match error {
        ClusterError::Call(error @ CallError::TimedOut { .. }) => {
            CliError { text: error.to_string(), code: EXIT_TIMED_OUT }
        }
        ClusterError::Wire(WireError::TimedOut(text)) => CliError { text, code: EXIT_TIMED_OUT },
        // The reason is whole as it is.
        ClusterError::Wire(WireError::Refused(text)) => CliError { text, code: crate::EXIT_ERROR },
        ClusterError::Call(error) => CliError { text: error.to_string(), code: crate::EXIT_ERROR },
        error => CliError::failed(error),
    }
}
