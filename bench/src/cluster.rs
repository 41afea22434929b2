//! `cluster-loop`: calls and tasks of a cluster elsewhere, by connections that are open already.
//!
//! The clusters are the real `windlass master`, `worker` and `up`, started by the scripts; what a
//! command adds, starting and connecting, is left out here. Prints a JSON line.

mod streamed;
mod takeover;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use takeover::{End, Held};
use thiserror::Error;
use windlass_core::calls::CallRequest;
use windlass_core::ledger::{ChunkRef, JobSpec, OnFailure, PhaseSpec, TaskState};
use windlass_core::params::{ParamError, Params};
use windlass_core::view::Notice;
use windlass_core::{PhaseId, PhaseIndex, RequestId, TaskId, TaskIndex};
use windlass_wire::{Address, AddressError, Client, WireError};

/// Measures a cluster.
#[derive(Debug, Parser)]
#[command(name = "cluster-loop", version)]
struct Arguments {
    /// Where its master is
    #[arg(long)]
    master: String,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Call `factorial`
    Calls {
        /// Of which number
        #[arg(long, default_value_t = 20)]
        n: u32,
        /// How many calls, all callers together
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// Connections
        #[arg(long, default_value_t = 1)]
        connections: usize,
        /// Callers that share each of them, each with one call at a time
        #[arg(long, default_value_t = 1)]
        callers: usize,
        /// By one stream for each connection, with so many calls open as it has callers
        #[arg(long)]
        streamed: bool,
    },
    /// One no-op task after another, each durable before the next is added
    Single {
        /// How many
        #[arg(long, default_value_t = 1_000)]
        count: u32,
    },
    /// A no-op task as soon as somebody listens there
    First,
    /// A task whose worker is killed or stopped
    Takeover {
        /// A worker's process, as NAME=ID (repeatable)
        #[arg(long = "worker", value_parser = takeover::process)]
        workers: Vec<(String, i32)>,
        /// What happens to the one that holds the task
        #[arg(long, value_enum)]
        end: End,
        /// How long the task sleeps
        #[arg(long, default_value_t = 500)]
        sleep_ms: u64,
    },
}

/// Why nothing was measured.
#[derive(Debug, Error)]
enum LoopError {
    #[error("read --master: {0}")]
    Address(#[from] AddressError),
    #[error("{0}")]
    Wire(#[from] WireError),
    #[error("read the parameters: {0}")]
    Params(#[from] ParamError),
    #[error("finish: the master let its watcher go")]
    Abandoned,
    #[error("finish: task {0} has no result: {1}")]
    Failed(u32, String),
    #[error("print: {0}")]
    Print(#[from] std::io::Error),
    #[error("end a worker: {0}")]
    Signal(#[from] rustix::io::Errno),
    #[error("find the process of worker {0}: give it as --worker {0}=ID")]
    NoProcess(String),
    #[error("see the task in a worker's hands: it was not within {0:?}")]
    NotHeld(Duration),
}

fn main() -> ExitCode {
    let printed =
        run(&Arguments::parse()).and_then(|answer| Ok(writeln!(std::io::stdout(), "{answer}")?));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "cluster-loop: failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<Value, LoopError> {
    let address: Address = arguments.master.parse()?;
    match &arguments.act {
        Act::Calls { n, count, connections, callers, streamed: true } => {
            streamed::calls(&address, *n, *count, *connections, *callers)
        }
        Act::Calls { n, count, connections, callers, streamed: false } => {
            calls(&address, *n, *count, *connections, *callers)
        }
        Act::Single { count } => single(&Client::connect(&address)?, *count),
        Act::First => first(&address),
        Act::Takeover { workers, end, sleep_ms } => {
            let held = Held { client: Client::connect(&address)?, sleep_ms: *sleep_ms };
            held.measure(workers, *end)
        }
    }
}

/// Calls by so many callers at once: how many a second, and how long each took.
fn calls(
    address: &Address,
    n: u32,
    count: usize,
    connections: usize,
    callers: usize,
) -> Result<Value, LoopError> {
    let clients = connected(address, connections)?;
    let each = count.div_ceil(connections * callers);
    let start = Barrier::new(connections * callers + 1);
    let (took, wall_s) = thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter()
            .flat_map(|client| std::iter::repeat_n(client, callers))
            .map(|client| {
                let start = &start;
                scope.spawn(move || caller(client, n, each, start))
            })
            .collect();
        start.wait();
        let began = Instant::now();
        let took: Result<Vec<_>, _> = threads
            .into_iter()
            .map(|caller| caller.join().expect("callers do not panic"))
            .collect();
        (took, began.elapsed().as_secs_f64())
    });
    Ok(shown(took?.concat(), wall_s))
}

fn connected(address: &Address, connections: usize) -> Result<Vec<Client>, WireError> {
    (0..connections).map(|_| Client::connect(address)).collect()
}

fn shown(took: Vec<Duration>, wall_s: f64) -> Value {
    json!({
        "calls": took.len(),
        "calls_per_s": took.len() as f64 / wall_s,
        "took": Took::of(took).shown(),
    })
}

fn factorial(n: u32) -> CallRequest {
    CallRequest {
        operation: "factorial".to_owned(),
        params: Params(BTreeMap::from([("n".to_owned(), n.to_string())])),
        limit_ms: None,
    }
}

/// One caller's calls; the first one, which the barrier does not see, warms the way.
fn caller(
    client: &Client,
    n: u32,
    count: usize,
    start: &Barrier,
) -> Result<Vec<Duration>, LoopError> {
    let mut bytes_count = 0;
    let mut call = || {
        client.call(factorial(n), &mut |piece| {
            bytes_count += piece.len();
            Ok(())
        })
    };
    let warmed = call();
    start.wait();
    warmed?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        call()?;
        took.push(began.elapsed());
    }
    assert!(bytes_count > count, "each call has an answer");
    Ok(took)
}

/// A job that gets its tasks one by one.
struct Drip {
    client: Client,
    phase: PhaseId,
    notices: Receiver<Vec<Notice>>,
    added_count: u32,
}

impl Drip {
    fn new(client: Client, sleep_ms: u64) -> Result<Drip, LoopError> {
        let operation = windlass_ops::find("noop").expect("a built-in operation").spec;
        let given = [("sleep_ms".to_owned(), sleep_ms.to_string())].into();
        let phase = PhaseSpec {
            operation: operation.name.to_owned(),
            version: operation.version,
            params: Params::normalise(operation.name, operation.params, &given)?,
            after: Vec::new(),
            on_failure: OnFailure::Continue,
            fresh: false,
            derived: None,
        };
        let spec = JobSpec {
            name: "cluster-loop".to_owned(),
            fingerprint: 1,
            phases: vec![phase],
            memorandum: None,
        };
        let notices = client.watch()?;
        let (job, _) = client.submit(RequestId(unique()), spec)?;
        let phase = PhaseId { job, phase: PhaseIndex(0) };
        Ok(Drip { client, phase, notices, added_count: 0 })
    }

    /// Adds the next task; durable when this returns.
    fn add(&mut self) -> Result<TaskId, LoopError> {
        let index = TaskIndex(self.added_count);
        self.client.add_tasks(self.phase, index, 1, ChunkRef::Count)?;
        self.added_count += 1;
        Ok(TaskId { job: self.phase.job, phase: self.phase.phase, index })
    }

    /// Waits until it has its durable outcome.
    fn settled(&self, task: TaskId) -> Result<(), LoopError> {
        let is_it = |notice: &Notice| *notice == Notice::TaskSettled(task);
        while !self.notices.recv().map_err(|_| LoopError::Abandoned)?.iter().any(is_it) {}
        Ok(())
    }

    /// Closes the job, whose tasks must all have a result.
    fn close(self) -> Result<(), LoopError> {
        self.client.seal(self.phase)?;
        let tasks = self.client.tasks(self.phase, TaskIndex(0))?;
        match tasks.iter().find(|task| task.state != TaskState::Succeeded) {
            None => Ok(()),
            Some(task) => Err(LoopError::Failed(task.index.0, format!("{:?}", task.failure))),
        }
    }
}

/// One task after another.
fn single(client: &Client, count: u32) -> Result<Value, LoopError> {
    let mut drip = Drip::new(client.clone(), 0)?;
    let warming = drip.add()?;
    drip.settled(warming)?;
    let mut took = Vec::new();
    for _ in 0..count {
        let began = Instant::now();
        let task = drip.add()?;
        drip.settled(task)?;
        took.push(began.elapsed());
    }
    drip.close()?;
    Ok(json!({"tasks": count, "took": Took::of(took).shown()}))
}

/// Waits until somebody listens, and gives it one task.
fn first(address: &Address) -> Result<Value, LoopError> {
    let client = loop {
        match Client::connect(address) {
            Err(WireError::Unreachable { .. }) => thread::sleep(Duration::from_millis(1)),
            connected => break connected?,
        }
    };
    let mut drip = Drip::new(client, 0)?;
    let task = drip.add()?;
    drip.settled(task)?;
    let settled_s = since_epoch().as_secs_f64();
    drip.close()?;
    Ok(json!({"settled_unix_s": settled_s}))
}

/// Durations of the same thing.
struct Took(Vec<Duration>);

impl Took {
    fn of(mut took: Vec<Duration>) -> Took {
        took.sort_unstable();
        Took(took)
    }

    /// So many in a hundred took no longer, in milliseconds.
    fn percentile_ms(&self, percent: usize) -> f64 {
        let position = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(position).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }

    fn shown(&self) -> Value {
        json!({"p50_ms": self.percentile_ms(50), "p99_ms": self.percentile_ms(99)})
    }
}

/// A number that no other request has.
fn unique() -> u128 {
    since_epoch().as_nanos() << 32 | u128::from(std::process::id())
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_durations() {
        let took = Took::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!((took.percentile_ms(50), took.percentile_ms(99)), (101.0, 199.0));
        assert_eq!(Took::of(vec![Duration::from_millis(3)]).percentile_ms(99), 3.0);
    }
}
