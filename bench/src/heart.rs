//! `heart`: tasks that do nothing, from submission to the last outcome, in one process.
//!
//! What remains is the heart itself: journal, ledger, scheduler, sessions, slots. Prints a JSON
//! line.

use clap::{Parser, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use thiserror::Error;
use windlass_blobs::{BlobError, Blobs};
use windlass_core::ledger::{ChunkRef, JobSpec, OnFailure, PhaseSpec};
use windlass_core::params::{ParamError, Params};
use windlass_core::view::Notice;
use windlass_core::{Incarnation, PhaseId, PhaseIndex, RequestId, TaskIndex, WorkerName};
use windlass_journal::{
    Engine, FileLog, FileSnapshots, LockError, Memory, MemorySnapshots, OpenError,
    SnapshotStoreError, Snapshots, StateLock,
};
use windlass_master::{Handle, Master, MasterError};
use windlass_worker::{Gone, Store, Worker};

/// Measures the heart of the system.
#[derive(Debug, Parser)]
#[command(name = "heart", version)]
struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Run no-op tasks to their outcomes
    Tasks {
        /// How many
        #[arg(long, default_value_t = 100_000)]
        count: u32,
        /// Where decisions are recorded
        #[arg(long, value_enum, default_value = "file")]
        engine: EngineKind,
        /// Workers of one slot
        #[arg(long, default_value_t = 2)]
        workers: u32,
        /// A folder for the state
        #[arg(long)]
        state: PathBuf,
    },
    /// Open the state that `tasks` left, as a new master does
    Reopen {
        /// Its folder
        #[arg(long)]
        state: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineKind {
    /// On disk: an outcome counts once it is durable
    File,
    /// In memory: nothing is synced
    Memory,
}

/// Why nothing was measured.
#[derive(Debug, Error)]
enum HeartError {
    #[error("lock the state: {0}")]
    Lock(#[from] LockError),
    #[error("open the journal: {0}")]
    Open(#[from] OpenError),
    #[error("open the snapshots: {0}")]
    Snapshots(#[from] SnapshotStoreError),
    #[error("open the blob store: {0}")]
    Blobs(#[from] BlobError),
    #[error("use the master: {0}")]
    Master(#[from] MasterError),
    #[error("read the parameters: {0}")]
    Params(#[from] ParamError),
    #[error("use the state: {0}")]
    Io(#[from] std::io::Error),
    #[error("finish: the master let its watcher go")]
    Abandoned,
}

fn main() -> ExitCode {
    let measured = match Arguments::parse().act {
        Act::Tasks { count, engine, workers, state } => tasks(count, engine, workers, &state),
        Act::Reopen { state } => reopen(&state),
    };
    let printed = measured.and_then(|line| Ok(writeln!(std::io::stdout(), "{line}")?));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "heart: failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn tasks(
    count: u32,
    engine: EngineKind,
    worker_count: u32,
    state: &Path,
) -> Result<Value, HeartError> {
    let lock = StateLock::acquire(state)?;
    let master = match engine {
        EngineKind::File => on_disk(&lock)?,
        EngineKind::Memory => {
            start(Engine::Memory(Memory::new()), Snapshots::Memory(MemorySnapshots::default()))?
        }
    };
    let handle = master.handle();
    let blobs = Blobs::open(state.join("blobs"))?;
    let scratch = state.join("scratch");
    std::fs::create_dir_all(&scratch)?;
    let workers = (0..worker_count)
        .map(|number| worker(&handle, number, &blobs, &scratch))
        .collect::<Result<Vec<_>, _>>()?;

    let resident_before = resident_bytes();
    let began = Instant::now();
    let notices = handle.watch()?;
    submit(&handle, count)?;
    let ended = |notice: &Notice| matches!(notice, Notice::JobEnded(_));
    loop {
        let batch = notices.recv().map_err(|_| HeartError::Abandoned)?;
        if batch.iter().any(ended) {
            break;
        }
    }
    let wall_s = began.elapsed().as_secs_f64();
    let resident_after = resident_bytes();
    drop(workers);
    master.stop();
    Ok(json!({
        "tasks": count,
        "wall_s": wall_s,
        "tasks_per_s": f64::from(count) / wall_s,
        "resident_bytes_per_task":
            resident_after.saturating_sub(resident_before) as f64 / f64::from(count),
    }))
}

/// Makes a job of so many no-op tasks.
fn submit(handle: &Handle, count: u32) -> Result<(), HeartError> {
    let operation = windlass_ops::find("noop").expect("a built-in operation").spec;
    let phase = PhaseSpec {
        operation: operation.name.to_owned(),
        version: operation.version,
        params: Params::normalise(operation.name, operation.params, &Default::default())?,
        after: Vec::new(),
        on_failure: OnFailure::Continue,
        fresh: false,
        derived: None,
    };
    let spec =
        JobSpec { name: "heart".to_owned(), fingerprint: 1, phases: vec![phase], memorandum: None };
    let (job, _) = handle.submit(RequestId(1), spec)?;
    let phase = PhaseId { job, phase: PhaseIndex(0) };
    handle.add_tasks(phase, TaskIndex(0), count, ChunkRef::Count)?;
    Ok(handle.seal(phase)?)
}

fn reopen(state: &Path) -> Result<Value, HeartError> {
    let lock = StateLock::acquire(state)?;
    let resident_before = resident_bytes();
    let began = Instant::now();
    let master = on_disk(&lock)?;
    let wall_s = began.elapsed().as_secs_f64();
    let jobs = master.handle().jobs()?;
    let tasks: u32 = jobs.iter().flat_map(|job| &job.phases).map(|phase| phase.task_count).sum();
    let resident = resident_bytes().saturating_sub(resident_before);
    master.stop();
    Ok(json!({"tasks": tasks, "wall_s": wall_s, "resident_bytes": resident}))
}

fn on_disk(lock: &StateLock) -> Result<Master, HeartError> {
    let journal = Engine::File(FileLog::open(lock)?);
    Ok(start(journal, Snapshots::File(FileSnapshots::open(lock)?))?)
}

fn start(journal: Engine, snapshots: Snapshots) -> Result<Master, MasterError> {
    let holder = "heart".to_owned();
    Master::start(windlass_master::Options { journal, snapshots, holder, seed: 1 })
}

fn worker(
    handle: &Handle,
    number: u32,
    blobs: &Blobs,
    scratch: &Path,
) -> Result<Worker, HeartError> {
    let worker = Worker::start(windlass_worker::Options {
        name: WorkerName(format!("w{number}")),
        incarnation: Incarnation(1),
        in_process: true,
        pins: Vec::new(),
        operations: Vec::new(),
        slots: 1,
        store: Store::Shared(blobs.clone()),
        scratch: scratch.to_owned(),
        secrets: Vec::new(),
        executor: std::env::current_exe()?,
    });
    let deliver = worker.deliverer();
    let deliver = Box::new(move |message| deliver(message).map_err(|_| windlass_master::Gone));
    let session = handle.connect(deliver)?;
    worker.attach(Arc::new(move |message| session.send(message).map_err(|_| Gone)));
    Ok(worker)
}

/// Memory that the process holds now; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
