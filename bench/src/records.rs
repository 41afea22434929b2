//! `records-loop`: files of rows loaded into shards, the shards opened, rows looked up, measured.

mod meter;

use clap::Parser;
use meter::Meter;
use serde_json::{Value as Json, json};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use windlass_blobs::Blobs;
use windlass_core::limits::RECORD_SHARD_BYTES_MAX;
use windlass_core::records::{Condition, FieldName, Query, RecordSet, Shards, Value, Wanted};
use windlass_records::{Index, Loader};

/// Loads FILE into one shard in DIR, opens it, and answers the queries of QUERIES; prints a JSON
/// line.
///
/// QUERIES is JSON: `names`, a list of keys, and `pairs`, a list of [location, year].
#[derive(Debug, Parser)]
#[command(name = "records-loop", version)]
struct Arguments {
    /// Times that all queries are asked
    #[arg(long, value_name = "N", default_value_t = 5)]
    repeat: u32,
    /// An empty folder
    #[arg(long)]
    dir: PathBuf,
    /// What is looked up
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// JSON, lines of JSON or a table, with fields name, location and year
    file: PathBuf,
}

/// What was done, and what the system or a part said.
type Failed = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "records-loop: failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let (name, location, year) = ("name".parse()?, "location".parse()?, "year".parse()?);
    let set = RecordSet {
        name: "people".parse()?,
        key: name,
        indexed: vec![location, year],
        shards: Shards::new(vec!["all=*".parse()?])?,
        replica_count: 1,
    };
    let blobs = Blobs::open(arguments.dir.join("blobs"))?;
    let meter = Meter::start();
    let mut loader = Loader::new(&set, |_| blobs.writer().map_err(std::io::Error::other))?;
    loader.load(&arguments.file, None, File::open(&arguments.file)?)?;
    let (mut shards, report) = loader.finish()?;
    let shard = shards.pop().ok_or("find the one shard")?;
    let (blob, _) = shard.sink.finish()?;
    blobs.sync()?;
    let loaded = meter.stop();

    let meter = Meter::start();
    let index = Index::new(&set, blobs.read(blob, RECORD_SHARD_BYTES_MAX)?)?;
    let opened = meter.stop();

    let (names, pairs) = queries(&set, &std::fs::read(&arguments.queries)?)?;
    let line = json!({
        "rows": report.row_count,
        "bad_rows": report.bad_row_count,
        "shard_bytes": shard.size,
        "load_s": loaded.wall_s,
        "load_cpu_s": loaded.cpu_s,
        "open_s": opened.wall_s,
        "open_cpu_s": opened.cpu_s,
        "memory_bytes": index.memory_bytes(),
        "names": ask(&index, &names, arguments.repeat)?,
        "pairs": ask(&index, &pairs, arguments.repeat)?,
        "peak_rss_mb": meter::peak_rss_mb(),
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Asks all queries; nanoseconds of CPU time each, and how many rows were found in one round.
fn ask(index: &Index, queries: &[Query], repeat: u32) -> Result<Json, Failed> {
    let mut row_count = 0;
    let mut best_ns = f64::INFINITY;
    for _ in 0..repeat {
        let meter = Meter::start();
        row_count = 0;
        for query in queries {
            let found = index.find(query)?;
            row_count += found.len();
            black_box(found.iter().next());
        }
        best_ns = best_ns.min(meter.stop().cpu_s * 1e9 / queries.len() as f64);
    }
    Ok(json!({ "ns": best_ns, "rows": row_count }))
}

fn queries(set: &RecordSet, text: &[u8]) -> Result<(Vec<Query>, Vec<Query>), Failed> {
    let given: Json = serde_json::from_slice(text)?;
    let condition = |field: &FieldName, value: &Json| Condition {
        field: field.clone(),
        wanted: Wanted::Exact(match value {
            Json::String(text) => Value::Text(text.clone()),
            other => Value::Number(other.to_string()),
        }),
    };
    let list = |name: &str| given[name].as_array().ok_or_else(|| format!("find {name} in queries"));
    let names = list("names")?.iter();
    let names = names.map(|name| Query { conditions: vec![condition(&set.key, name)] }).collect();
    let pair = |pair: &Json| Query {
        conditions: set
            .indexed
            .iter()
            .zip([&pair[0], &pair[1]])
            .map(|(field, value)| condition(field, value))
            .collect(),
    };
    Ok((names, list("pairs")?.iter().map(pair).collect()))
}
