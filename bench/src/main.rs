//! `op-loop`: one operation in this process over the same files, again and again, measured.
//!
//! It leaves out everything around an operation (master, journal, executors), so that its function
//! stands beside the function of another library.

mod files;
mod meter;
mod model;
mod rounds;
mod steps;

use clap::Parser;
use files::{Input, Outlet};
use meter::Meter;
use model::OpenModel;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use thiserror::Error;
use windlass_core::params::{ParamError, Params};

/// Runs an operation over files: one round to warm up, then the measured ones; prints a JSON line.
#[derive(Debug, Parser)]
#[command(name = "op-loop", version)]
struct Arguments {
    /// The operation's name
    #[arg(value_name = "OP")]
    operation: String,
    /// A parameter of the operation, as name=value (repeatable)
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_param)]
    params: Vec<(String, String)>,
    /// The folder of the model that the operation works with
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Measured rounds over all files
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: u32,
    /// Where the artifacts of the first round are written; nowhere if absent
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The input files; none for an operation that takes none
    files: Vec<PathBuf>,
}

fn parse_param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as name=value".to_owned()),
    }
}

/// Why nothing was measured.
#[derive(Debug, Error)]
enum LoopError {
    #[error("run {0} without files")]
    NoFiles(String),
    #[error("find operation {0}")]
    UnknownOperation(String),
    #[error("run {0} in this process: its work is a program of its own")]
    NoFunction(String),
    #[error("read the parameters: {0}")]
    Params(#[from] ParamError),
    #[error("{act} {}: {source}", path.display())]
    File { act: &'static str, path: PathBuf, source: std::io::Error },
    #[error("print the result: {0}")]
    Print(std::io::Error),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "op-loop: failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), LoopError> {
    let name = arguments.operation.clone();
    let operation =
        windlass_ops::find(&name).ok_or_else(|| LoopError::UnknownOperation(name.clone()))?;
    if arguments.files.is_empty() && !operation.spec.runs_without_files() {
        return Err(LoopError::NoFiles(name));
    }
    let function = operation.run.ok_or(LoopError::NoFunction(name))?;
    let mut given: BTreeMap<_, _> = arguments.params.iter().cloned().collect();
    let model = arguments.model.as_deref().map(OpenModel::of).transpose()?;
    given.extend(model.iter().map(|model| ("model".to_owned(), model.asked.to_string())));
    let params = Params::normalise(&arguments.operation, operation.spec.params, &given)?;

    let mut outlet = Outlet::open(arguments.out.as_deref())?;
    let job =
        rounds::Job { spec: operation.spec, function, params: &params, model: model.as_ref() };
    let inputs = arguments.files.iter().cloned().map(Input::of).collect::<Result<Vec<_>, _>>()?;
    let failures = job.round(&inputs, &mut outlet)?;

    // What was measured writes nowhere: the disk is not what is compared.
    let mut outlet = Outlet::open(None)?;
    let meter = Meter::start();
    for _ in 0..arguments.repeat {
        job.round(&inputs, &mut outlet)?;
    }
    let used = meter.stop();

    let failures: Vec<_> = failures
        .iter()
        .map(|(path, failure)| {
            json!({"file": path.to_string_lossy(), "code": failure.code, "cause": failure.cause})
        })
        .collect();
    let line = json!({
        "op": arguments.operation,
        "files": arguments.files.len(),
        "repeat": arguments.repeat,
        "cpu_s": used.cpu_s,
        "wall_s": used.wall_s,
        "peak_rss_mb": meter::peak_rss_mb(),
        "failures": failures,
    });
    writeln!(std::io::stdout(), "{line}").map_err(LoopError::Print)
}
