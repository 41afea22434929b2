//! `executor-ready`: executors started one after the other, each timed until it is confined and
//! ready. Prints a JSON line.

use clap::Parser;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use windlass_worker::executor_ready;

/// Measures how long an executor takes to be ready.
#[derive(Debug, Parser)]
#[command(name = "executor-ready", version)]
struct Arguments {
    /// How many executors
    #[arg(long, default_value_t = 200)]
    count: usize,
    /// The program that becomes an executor
    program: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(line) if writeln!(std::io::stdout(), "{line}").is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "executor-ready: failed to start one: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<serde_json::Value, String> {
    // The first one reads the program from the disk.
    let (layers, _) = executor_ready(&arguments.program)?;
    let ready = |_| executor_ready(&arguments.program).map(|(_, took)| took.as_secs_f64() * 1e3);
    let ready_ms = (0..arguments.count).map(ready).collect::<Result<Vec<f64>, String>>()?;
    Ok(json!({
        "ready_ms": ready_ms,
        "layers": format!("{layers:?}"),
        "is_whole": layers.is_whole(),
    }))
}
