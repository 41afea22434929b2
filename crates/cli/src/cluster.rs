//! A master and its workers in this process, over one state folder.

use crate::CliError;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use windlass_blobs::Blobs;
use windlass_core::{Incarnation, WorkerName};
use windlass_journal::{Engine, FileLog, FileSnapshots, LockError, Snapshots, StateLock};
use windlass_master::{Handle, Master};
use windlass_worker::{Gone, Worker};

/// A running cluster; the state is held until it is stopped.
pub(crate) struct Cluster {
    pub(crate) handle: Handle,
    pub(crate) blobs: Blobs,
    master: Master,
    workers: Vec<Worker>,
    _lock: StateLock,
}

impl Cluster {
    /// Takes the state, replays its journal and starts `worker_count` workers of one slot.
    pub(crate) fn start(state: &Path, worker_count: u32) -> Result<Cluster, CliError> {
        let lock = StateLock::acquire(state).map_err(|error| held(state, &error))?;
        let in_state = |error: &dyn std::fmt::Display| {
            CliError::failed(format!("open the state {}: {error}", state.display()))
        };
        let log = FileLog::open(&lock).map_err(|error| in_state(&error))?;
        let snapshots = FileSnapshots::open(&lock).map_err(|error| in_state(&error))?;
        let blobs = Blobs::open(state.join("blobs")).map_err(|error| in_state(&error))?;
        blobs.remove_leftovers().map_err(|error| in_state(&error))?;
        let scratch = fresh_scratch(state).map_err(|error| in_state(&error))?;
        let executor = std::env::current_exe().map_err(|error| in_state(&error))?;
        let holder = format!("process {}", std::process::id());
        let options = windlass_master::Options {
            journal: Engine::File(log),
            snapshots: Snapshots::File(snapshots),
            holder,
            seed: random_seed(),
        };
        let master = Master::start(options).map_err(CliError::failed)?;
        let handle = master.handle();
        let incarnation = Incarnation(now_us());
        let mut workers = Vec::new();
        for number in 1..=worker_count {
            let worker = Worker::start(windlass_worker::Options {
                name: WorkerName(format!("w{number}")),
                incarnation,
                in_process: true,
                slots: 1,
                blobs: blobs.clone(),
                scratch: scratch.clone(),
                executor: executor.clone(),
            });
            connect(&handle, &worker)?;
            workers.push(worker);
        }
        Ok(Cluster { handle, blobs, master, workers, _lock: lock })
    }

    /// What the user should know of the state although nothing is lost.
    pub(crate) fn notes(&self) -> &[String] {
        self.master.notes()
    }

    /// Ends the workers, then the master; what was not finished stays open in the state.
    pub(crate) fn stop(self) {
        drop(self.workers);
        self.master.stop();
    }
}

/// Joins a worker and a master by channels.
fn connect(handle: &Handle, worker: &Worker) -> Result<(), CliError> {
    let deliver = worker.deliverer();
    let deliver = Box::new(move |message| deliver(message).map_err(|_| windlass_master::Gone));
    let session = handle.connect(deliver).map_err(CliError::failed)?;
    worker.attach(Box::new(move |message| session.send(message).map_err(|_| Gone)));
    Ok(())
}

fn held(state: &Path, error: &LockError) -> CliError {
    let state_shown = state.display();
    match error {
        LockError::Held { pid, .. } => {
            let holder =
                pid.map_or_else(|| "another process".to_owned(), |p| format!("process {p}"));
            CliError::failed(format!(
                "use the state {state_shown}: {holder} is using it; \
                 wait for it, or name another folder with --state DIR"
            ))
        }
        error => CliError::failed(format!(
            "use the state {state_shown}: {error}; name another folder with --state DIR"
        )),
    }
}

/// An empty folder for outputs in the making; what a crash left there is removed.
fn fresh_scratch(state: &Path) -> std::io::Result<PathBuf> {
    let scratch = state.join("scratch");
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch)?;
    }
    std::fs::create_dir_all(&scratch)?;
    Ok(scratch)
}

fn random_seed() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
