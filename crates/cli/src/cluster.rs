//! The cluster that a command works with: one in this process over a state folder, or the one that
//! holds the folder already.

use crate::arguments::SLAVE_TIMEOUT_S;
use crate::crew::{self, Crew};
use crate::scratch::Scratch;
use crate::{CliError, settings};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use windlass_api::{Gate, Listen, Node, OlderFiles, OlderPort, Server, ServerError};
use windlass_blobs::{Blobs, PARTIAL_GRACE};
use windlass_client::cluster::Cluster;
use windlass_core::records::Pin;
use windlass_core::{Incarnation, WorkerName};
use windlass_journal::{Engine, FileLog, FileSnapshots, LockError, Snapshots, StateLock};
use windlass_master::collector::Collector;
use windlass_master::{Handle, Master, MasterError};
use windlass_wire::{Address, Client};
use windlass_worker::{Layers, Store, Worker};

/// Name of the socket in a state folder, by which other commands reach its holder.
pub(crate) const SOCKET: &str = "socket";
/// Folder in a state of what others must never read.
pub(crate) const SECRETS: &str = "secrets";
/// Where results for clients of the older file-processing service go.
const OLDER_RESULTS: &str = "processed_results";
/// How often a state that is held by a process without a socket is looked at again: the holder is
/// still starting, or has just ended.
const SOCKET_LOOK: Duration = Duration::from_millis(20);
/// How long workers of this process may take to join, and how often it is looked.
const WORKER_PATIENCE: Duration = Duration::from_secs(5);
const WORKER_LOOK: Duration = Duration::from_millis(1);
/// How long that may last.
const SOCKET_PATIENCE: Duration = Duration::from_secs(5);

/// Workers in the master's process.
#[derive(Clone, Default, Debug)]
pub(crate) struct OwnWorkers {
    /// How many.
    pub(crate) count: u32,
    /// Slots of each.
    pub(crate) slots: u32,
    /// What their names begin with.
    pub(crate) name: String,
    /// The operations that they offer; empty: all there are.
    pub(crate) operations: Vec<String>,
    /// The groups of record sets that they are there for; empty: whichever they are given.
    pub(crate) pins: Vec<Pin>,
    /// The folder for files in the making; `None`: one in the state.
    pub(crate) scratch: Option<PathBuf>,
}

impl OwnWorkers {
    /// So many, of one slot each.
    pub(crate) fn plain(count: u32) -> OwnWorkers {
        OwnWorkers { count, slots: 1, name: "w".to_owned(), ..OwnWorkers::default() }
    }
}

/// What a cluster in this process is started with.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Workers in this process.
    pub(crate) workers: OwnWorkers,
    /// Ports to listen on, beside the socket.
    pub(crate) listen: Vec<SocketAddr>,
    /// Whether those ports are for everybody, without encryption or checks.
    pub(crate) is_open: bool,
    /// Whether collections run beside the work.
    pub(crate) collects: bool,
    /// How long a slave of the older file service may take for a request.
    pub(crate) slave_timeout: Duration,
}

impl Plan {
    /// A cluster for what looks at a state or changes it: without workers, without a port and
    /// without a collection of its own.
    pub(crate) fn alone() -> Plan {
        Plan {
            workers: OwnWorkers::default(),
            listen: Vec::new(),
            is_open: false,
            collects: false,
            slave_timeout: Duration::from_secs(SLAVE_TIMEOUT_S),
        }
    }
}

/// A cluster as a command has it.
pub(crate) enum Attached {
    /// Its master is in this process.
    Own(Box<OwnCluster>),
    /// Another process holds the state, or it is elsewhere.
    Joined(Client),
}

/// A running cluster in this process; the state is held until it is stopped.
pub(crate) struct OwnCluster {
    pub(crate) handle: Handle,
    pub(crate) blobs: Blobs,
    pub(crate) gate: Arc<Gate>,
    server: Server,
    master: Master,
    crew: Crew,
    collector: Option<Collector>,
    _scratch: Scratch,
    _lock: StateLock,
}

impl Attached {
    /// Takes the state, or joins the process that holds it.
    pub(crate) fn attach(state: &Path, plan: &Plan) -> Result<Attached, CliError> {
        let until = Instant::now() + SOCKET_PATIENCE;
        loop {
            let error = match StateLock::acquire(state) {
                Ok(lock) => {
                    return OwnCluster::start(lock, state, plan).map(Box::new).map(Attached::Own);
                }
                Err(error @ LockError::Held { .. }) => error,
                Err(error) => return Err(held(state, &error)),
            };
            match Client::connect(&Address::Unix(state.join(SOCKET))) {
                Ok(client) => return Ok(Attached::Joined(client)),
                Err(_) if Instant::now() < until => std::thread::sleep(SOCKET_LOOK),
                Err(_) => return Err(held(state, &error)),
            }
        }
    }

    /// Works with the cluster that holds the state, or with one of this process's own for as long
    /// as that takes, without workers; its journal is closed when this returns.
    pub(crate) fn meanwhile<T>(
        state: &Path,
        work: impl FnOnce(&Cluster) -> T,
    ) -> Result<T, CliError> {
        let attached = Attached::attach(state, &Plan::alone())?;
        let done = work(&attached.cluster());
        attached.stop(&mut || {}, &|| false);
        Ok(done)
    }

    /// The cluster as the client's functions want it.
    pub(crate) fn cluster(&self) -> Cluster {
        match self {
            Attached::Own(own) => own.cluster(),
            Attached::Joined(client) => Cluster::There(client.clone()),
        }
    }

    /// Waits until the workers of this process, where it has some, have joined: a call that finds
    /// nobody fails at once.
    pub(crate) fn await_workers(&self) {
        let Attached::Own(own) = self else { return };
        let until = Instant::now() + WORKER_PATIENCE;
        let joined = || own.handle.status().map_or(usize::MAX, |status| status.workers.len());
        while joined() < own.crew.count() && Instant::now() < until {
            std::thread::sleep(WORKER_LOOK);
        }
    }

    /// What the user should know of the state although nothing is lost.
    pub(crate) fn notes(&self) -> &[String] {
        match self {
            Attached::Own(own) => own.notes(),
            Attached::Joined(_) => &[],
        }
    }

    /// What confines the children of this process's workers, where a layer is missing; workers
    /// elsewhere tell their own users.
    pub(crate) fn incomplete_layers(&self) -> Option<Layers> {
        match self {
            Attached::Own(own) => own.incomplete_layers(),
            Attached::Joined(_) => None,
        }
    }

    /// Ends what is in this process; see [`OwnCluster::stop`].
    pub(crate) fn stop(
        self,
        waits: &mut dyn FnMut(),
        goes_on: &dyn Fn() -> bool,
    ) -> Option<String> {
        match self {
            Attached::Own(own) => own.stop(waits, goes_on),
            Attached::Joined(_) => None,
        }
    }
}

impl OwnCluster {
    /// Takes the state for a service, which does not join another one.
    pub(crate) fn take(state: &Path, plan: &Plan) -> Result<OwnCluster, CliError> {
        let lock = StateLock::acquire(state).map_err(|error| held(state, &error))?;
        OwnCluster::start(lock, state, plan)
    }

    /// Replays the state's journal, starts the workers, and listens.
    fn start(lock: StateLock, state: &Path, plan: &Plan) -> Result<OwnCluster, CliError> {
        let in_state = |error: &dyn std::fmt::Display| {
            CliError::failed(format!("open the state {}: {error}", state.display()))
        };
        let log = FileLog::open(&lock).map_err(|error| in_state(&error))?;
        let snapshots = FileSnapshots::open(&lock).map_err(|error| in_state(&error))?;
        let blobs = Blobs::open(state.join("blobs")).map_err(|error| in_state(&error))?;
        blobs.remove_leftovers().map_err(|error| in_state(&error))?;
        blobs.forget_partials(PARTIAL_GRACE).map_err(|error| in_state(&error))?;
        let scratch = Scratch::of(&plan.workers.scratch, || state.join("scratch"))?;
        let options = windlass_master::Options {
            journal: Engine::File(log),
            snapshots: Snapshots::File(snapshots),
            holder: format!("process {}", std::process::id()),
            seed: random_seed(),
        };
        let master = Master::start(options).map_err(CliError::failed)?;
        let handle = master.handle();
        let incarnation = Incarnation(now_us());
        let mut workers = Vec::new();
        for number in 1..=plan.workers.count {
            workers.push(Worker::start(windlass_worker::Options {
                name: WorkerName(format!("{}{number}", plan.workers.name)),
                incarnation,
                in_process: true,
                pins: plan.workers.pins.clone(),
                operations: plan.workers.operations.clone(),
                slots: plan.workers.slots,
                store: Store::Shared(blobs.clone()),
                scratch: scratch.path().to_owned(),
                secrets: settings::secret_folders(Some(state)),
                executor: program()?,
            }));
        }
        // Before anybody else can take their names.
        let crew = Crew::start(&handle, workers, crew::PAUSE)?;
        let node = Node::new(handle.clone(), blobs.clone());
        let mut listen = vec![Listen::Unix(state.join(SOCKET))];
        listen.extend(plan.listen.iter().copied().map(Listen::Tcp));
        let gate = Arc::new(Gate::new(handle.clone(), state.join(SECRETS)));
        let is_open = plan.is_open;
        let operations = windlass_ops::OPERATIONS.iter().map(|operation| operation.spec).collect();
        let files = OlderFiles {
            operations,
            folder: OLDER_RESULTS.into(),
            slave_timeout: plan.slave_timeout,
        };
        let options = windlass_api::Options {
            listen,
            node,
            gate: Arc::clone(&gate),
            is_open,
            files: Some(files),
        };
        let server = Server::start(options).map_err(|error| not_listening(&error))?;
        let collector = plan.collects.then(|| Collector::start(handle.clone(), blobs.clone()));
        Ok(OwnCluster {
            handle,
            blobs,
            gate,
            server,
            master,
            crew,
            collector,
            _scratch: scratch,
            _lock: lock,
        })
    }

    fn cluster(&self) -> Cluster {
        Cluster::Here { handle: self.handle.clone(), blobs: self.blobs.clone() }
    }

    /// What the user should know of the state although nothing is lost.
    pub(crate) fn notes(&self) -> &[String] {
        self.master.notes()
    }

    /// What confines the workers' children, where a layer is missing; known once one is ready.
    pub(crate) fn incomplete_layers(&self) -> Option<Layers> {
        self.crew.incomplete_layers()
    }

    /// Opens a port for programs of an older system.
    pub(crate) fn open_older(
        &self,
        port: OlderPort,
        address: SocketAddr,
    ) -> Result<SocketAddr, ServerError> {
        self.server.open_older(port, address)
    }

    /// The ports that it listens on.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        self.server.addresses()
    }

    /// Whether its master has ended by itself, and why.
    pub(crate) fn failure(&self) -> Option<MasterError> {
        self.handle.reign().err()
    }

    /// Ends the workers, gives a collection that is due its turn, then ends the master; what was
    /// not finished stays open in the state. `waits` is told where the turn takes long, `goes_on`
    /// asked whether it may. Answers why nothing is collected, where that is so.
    pub(crate) fn stop(
        self,
        waits: &mut dyn FnMut(),
        goes_on: &dyn Fn() -> bool,
    ) -> Option<String> {
        drop(self.crew);
        if let Some(collector) = &self.collector {
            collector.end(waits, goes_on);
        }
        self.master.stop();
        drop(self.server);
        let failure = self.collector.and_then(Collector::join)?;
        Some(format!("the state is not tidied: failed to {failure}"))
    }
}

/// Why nothing listens, and what to do.
fn not_listening(error: &ServerError) -> CliError {
    CliError::failed(match error {
        ServerError::Taken(_) => format!("{error}; name another address with --listen"),
        ServerError::NotHere(_) => {
            format!("{error}; --listen takes one of them, or 0.0.0.0 for all of them")
        }
        error => error.to_string(),
    })
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

/// This program, for its children.
pub(crate) fn program() -> Result<PathBuf, CliError> {
    std::env::current_exe().map_err(|error| CliError::failed(format!("find itself: {error}")))
}

fn random_seed() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
