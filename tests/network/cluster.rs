//! A master with its services on a made network, and a worker's end that does what the test says.
//!
//! The master's loop is the real one, with threads and clocks of its own: what is waited for is
//! asked of the loop again and again, so that the network's time does not run ahead of it.

use std::time::Duration;
use turmoil::Sim;
use turmoil::net::{TcpListener, TcpStream};
use windlass_api::{Node, Services};
use windlass_blobs::Blobs;
use windlass_core::ledger::{ChunkRef, JobSpec, OnFailure, PhaseSpec, Results};
use windlass_core::params::Params;
use windlass_core::session::{
    AssignRun, EndedRun, EndedWith, Held, Hello, Offer, ToMaster, ToWorker,
};
use windlass_core::view::ClusterView;
use windlass_core::{Incarnation, JobId, PhaseId, PhaseIndex, RequestId, TaskIndex, WorkerName};
use windlass_journal::{Engine, Memory, MemorySnapshots, Snapshots};
use windlass_master::{Master, Options};
use windlass_wire::{Address, Hearing, Peer, SessionSender, WireError, open_session_over};

/// The master's name in the network, and its port.
pub(crate) const MASTER: &str = "master";
const PORT: u16 = 5000;
/// What is waited for is looked at this often, by the network's clock.
const LOOK: Duration = Duration::from_millis(10);
const OPERATION: &str = "noop";

/// A master and what it stores.
pub(crate) struct Cluster {
    pub(crate) node: Node,
    master: Option<Master>,
    _folder: tempfile::TempDir,
}

impl Cluster {
    pub(crate) fn start() -> Cluster {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(folder.path()).expect("a folder is there");
        let journal = Engine::Memory(Memory::new());
        let snapshots = Snapshots::Memory(MemorySnapshots::new());
        let options = Options { journal, snapshots, holder: "test".to_owned(), seed: 1 };
        let master = Master::start(options).expect("an empty journal");
        let node = Node::new(master.handle(), blobs);
        Cluster { node, master: Some(master), _folder: folder }
    }

    /// Puts its services into a network.
    pub(crate) fn listen(&self, network: &mut Sim<'_>) {
        let node = self.node.clone();
        network.host(MASTER, move || {
            let node = node.clone();
            async move {
                let services = Services::of(node).await;
                let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
                loop {
                    let (stream, address) = listener.accept().await?;
                    let peer = Peer(address.to_string());
                    tokio::spawn(services.clone().serve(stream, peer));
                }
            }
        });
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.master.take().into_iter().for_each(Master::stop);
    }
}

/// A network whose messages take so long.
pub(crate) fn network(latency: Duration) -> Sim<'static> {
    let mut builder = turmoil::Builder::new();
    builder.rng_seed(7).simulation_duration(Duration::from_secs(300));
    builder.min_message_latency(latency).max_message_latency(latency);
    builder.build()
}

/// A job of one task that anybody can make.
pub(crate) fn submit(node: &Node) -> JobId {
    let phase = PhaseSpec {
        operation: OPERATION.to_owned(),
        version: 1,
        params: Params::default(),
        after: Vec::new(),
        on_failure: OnFailure::Continue,
        fresh: false,
        derived: None,
    };
    let spec =
        JobSpec { name: "a job".to_owned(), fingerprint: 1, phases: vec![phase], memorandum: None };
    let (job, _) = node.handle.submit(RequestId(1), spec).expect("is sound");
    let phase = PhaseId { job, phase: PhaseIndex(0) };
    node.handle.add_tasks(phase, TaskIndex(0), 1, ChunkRef::Count).expect("is next");
    node.handle.seal(phase).expect("is open");
    job
}

/// Waits until the master says that it is so.
pub(crate) async fn until(node: &Node, is_so: impl Fn(&ClusterView) -> bool) {
    while !is_so(&node.handle.status().expect("the master runs")) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Who is connected, by the master's word.
pub(crate) fn connected(view: &ClusterView) -> Vec<&str> {
    view.workers.iter().map(|worker| worker.name.0.as_str()).collect()
}

/// A worker's end of a session.
pub(crate) struct Worker {
    node: Node,
    sender: SessionSender,
    hearing: Hearing,
}

impl Worker {
    /// Connects and says who it is, with so many slots and what it holds.
    pub(crate) async fn join(
        node: &Node,
        name: &str,
        slots: u32,
        held: Vec<Held>,
    ) -> Result<Worker, WireError> {
        let address = Address::Tcp(format!("{MASTER}:{PORT}"));
        let connect = || async { TcpStream::connect((MASTER, PORT)).await };
        let (sender, hearing) = open_session_over::<_, _>(&address, connect).await?;
        let worker = Worker { node: node.clone(), sender, hearing };
        worker.say(ToMaster::Hello(Hello {
            name: WorkerName(name.to_owned()),
            incarnation: Incarnation(1),
            in_process: false,
            slots,
            offers: vec![Offer {
                operation: OPERATION.to_owned(),
                version: 1,
                attempt_ms_max: 1_000,
                quiet_ms_max: None,
            }],
            held,
            serves: None,
        }));
        Ok(worker)
    }

    /// Joins and is welcomed.
    pub(crate) async fn welcomed(node: &Node, name: &str, held: Vec<Held>) -> Worker {
        let mut worker = Worker::join(node, name, 1, held).await.expect("the master is there");
        match worker.hears().await {
            Ok(ToWorker::Welcome { keep, .. }) => assert_eq!(keep, [], "all it held is lost"),
            other => panic!("{other:?} instead of a welcome"),
        }
        worker
    }

    pub(crate) fn say(&self, message: ToMaster) {
        self.sender.send(message).expect("the session is open");
    }

    /// What it hears next.
    pub(crate) async fn hears(&mut self) -> Result<ToWorker, WireError> {
        loop {
            if let Ok(heard) = tokio::time::timeout(LOOK, self.hearing.hear()).await {
                return heard;
            }
            // By then the master has taken in all that it had heard.
            self.node.handle.status().expect("the master runs");
        }
    }

    /// Hears messages until it is told what to make.
    pub(crate) async fn assigned(&mut self) -> AssignRun {
        loop {
            match self.hears().await.expect("the session is open") {
                ToWorker::Assign(runs) => return runs[0],
                ToWorker::Phase { .. } | ToWorker::Chunk { .. } => {}
                other => panic!("{other:?} instead of an attempt"),
            }
        }
    }

    /// Says that it has made this, and hears that the master knows.
    pub(crate) async fn makes(&mut self, run: AssignRun) {
        self.ends(run, Results::Empty(1)).await;
    }

    /// Says that this has ended with results, and hears that the master knows.
    pub(crate) async fn ends(&mut self, run: AssignRun, results: Results) {
        let AssignRun { phase, round, first, attempt, .. } = run;
        let with = EndedWith::Results(results);
        let ended = EndedRun { phase, round, first, attempt, with, busy_us: 1 };
        self.say(ToMaster::Ended(vec![ended]));
        loop {
            match self.hears().await.expect("the session is open") {
                ToWorker::EndedAck(attempts) => return assert_eq!(attempts, [(attempt, 1)]),
                ToWorker::PhaseClosed(_) => {}
                other => panic!("{other:?} instead of an acknowledgement"),
            }
        }
    }
}

/// What a run of one attempt holds.
pub(crate) fn held(run: AssignRun) -> Held {
    Held { attempt: run.attempt, task: run.phase.task(run.first), round: run.round }
}

/// What turmoil wants of a test.
pub(crate) type Tested = Result<(), Box<dyn std::error::Error>>;
