//! `lookups`: look-ups by key over some connections to a running cluster, measured at the asker.

use clap::Parser;
use serde_json::{Value as Json, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use windlass_core::lookups::LookupRequest;
use windlass_core::records::{Condition, FieldName, GroupAnswer, Query, SetName, Value, Wanted};
use windlass_wire::{Address, Client};

/// Asks a cluster for rows by key, each connection with so many look-ups open at once; prints a
/// JSON line.
///
/// QUERIES is JSON: `names`, a list of keys, of which each connection asks every so many-th.
#[derive(Debug, Parser)]
#[command(name = "lookups", version)]
struct Arguments {
    /// The master
    #[arg(long, value_name = "HOST:PORT")]
    master: Address,
    /// The record set
    #[arg(long)]
    set: SetName,
    /// Its key
    #[arg(long)]
    key: FieldName,
    /// What is looked up
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 8)]
    connections: usize,
    /// Look-ups that a connection has open at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    depth: usize,
    /// How long it is asked
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// What was done, and what the system or a part said.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What one connection saw.
#[derive(Default)]
struct Seen {
    row_count: usize,
    missing_count: usize,
    /// How long each answer took.
    took: Vec<Duration>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "lookups: failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let given: Json = serde_json::from_slice(&std::fs::read(&arguments.queries)?)?;
    let names = given["names"].as_array().ok_or("find names in queries")?;
    let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
    let began = Instant::now();
    let until = began + Duration::from_secs(arguments.seconds);
    let seen: Result<Vec<Seen>, Failed> = std::thread::scope(|scope| {
        let connection = |number: usize| {
            let own = names.iter().skip(number).step_by(arguments.connections).copied().collect();
            scope.spawn(move || ask(arguments, own, until))
        };
        let threads: Vec<_> = (0..arguments.connections).map(connection).collect();
        threads.into_iter().map(|it| it.join().map_err(|_| "join a thread")?).collect()
    });
    let (seen, wall_s) = (seen?, began.elapsed().as_secs_f64());
    let mut took: Vec<Duration> = seen.iter().flat_map(|it| it.took.iter().copied()).collect();
    took.sort_unstable();
    let at = |share: f64| {
        let position = (took.len() as f64 * share) as usize;
        took.get(position.min(took.len().saturating_sub(1))).map(Duration::as_micros)
    };
    let line = json!({
        "look_ups": took.len(),
        "rows": seen.iter().map(|it| it.row_count).sum::<usize>(),
        "missing": seen.iter().map(|it| it.missing_count).sum::<usize>(),
        "wall_s": wall_s,
        "per_s": took.len() as f64 / wall_s,
        "p50_us": at(0.5),
        "p99_us": at(0.99),
        "max_us": at(1.0),
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Keeps so many look-ups open on a connection of its own, until it is time; then hears the rest.
fn ask(arguments: &Arguments, names: Vec<&str>, until: Instant) -> Result<Seen, Failed> {
    let client = Client::connect(&arguments.master)?;
    let (sender, mut answers) = client.open_lookups()?;
    let mut names = names.iter().cycle();
    let mut seen = Seen::default();
    // When each place's look-up was asked.
    let mut asked = vec![Instant::now(); arguments.depth];
    let mut next = |place: usize| -> Result<Instant, Failed> {
        let name = names.next().ok_or("find a name for each connection")?;
        let wanted = Wanted::Exact(Value::Text((*name).to_owned()));
        let query = Query { conditions: vec![Condition { field: arguments.key.clone(), wanted }] };
        let set = arguments.set.clone();
        let request =
            LookupRequest { set, query, load: None, group: None, skip: 0, limit_ms: None };
        let now = Instant::now();
        sender.ask(place as u64, request).map_err(|_| "ask: the connection is gone")?;
        Ok(now)
    };
    for (place, at) in asked.iter_mut().enumerate() {
        *at = next(place)?;
    }
    let mut open_count = arguments.depth;
    while open_count > 0 {
        let (place, answer) = answers.receive()?;
        let place = usize::try_from(place)?;
        seen.took.push(asked[place].elapsed());
        for (_, part) in answer?.answer.parts {
            match part {
                GroupAnswer::Rows(rows) => seen.row_count += rows.rows.len(),
                GroupAnswer::Missing(_) => seen.missing_count += 1,
            }
        }
        if Instant::now() < until {
            asked[place] = next(place)?;
        } else {
            open_count -= 1;
        }
    }
    Ok(seen)
}
