//! Workers that wait for a name, and what the log says of them: over the real loop, by channels.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use windlass_core::calls::CallRequest;
use windlass_core::params::Params;
use windlass_core::session::{Hello, Offer, ToMaster, ToWorker};
use windlass_core::steering::Act;
use windlass_core::{Incarnation, WorkerName};
use windlass_journal::{Engine, Memory, MemorySnapshots, Snapshots};
use windlass_master::{CallNews, Gone, Handle, Master, Options, Session};

/// What all masters of this process log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> Log {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Log::default();
            let writer = log.clone();
            let lines = tracing_subscriber::fmt().with_ansi(false).with_target(false);
            lines.with_writer(move || writer.clone()).try_init().unwrap();
            log
        })
        .clone()
    }

    /// The lines about a worker.
    fn of(&self, worker: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let of_it = format!("worker={worker}");
        let lines = text.lines().filter(|line| line.split(' ').any(|word| word == of_it));
        lines.map(str::to_owned).collect()
    }
}

fn master() -> Master {
    let journal = Engine::Memory(Memory::new());
    let snapshots = Snapshots::Memory(MemorySnapshots::new());
    Master::start(Options { journal, snapshots, holder: "test".to_owned(), seed: 1 }).unwrap()
}

/// A worker that offers one operation and does nothing.
struct Worker {
    session: Session,
    heard: Receiver<ToWorker>,
}

impl Worker {
    fn start(handle: &Handle, name: &str, incarnation: u64, in_process: bool) -> Worker {
        let (tell, heard) = channel();
        let deliver = move |message| tell.send(message).map_err(|_| Gone);
        let session = handle.connect(deliver).unwrap();
        let offer = Offer {
            operation: "factorial".to_owned(),
            version: 1,
            attempt_ms_max: 1_000,
            quiet_ms_max: None,
        };
        let hello = Hello {
            name: WorkerName(name.to_owned()),
            incarnation: Incarnation(incarnation),
            in_process,
            slots: 1,
            offers: vec![offer],
            held: Vec::new(),
            serves: None,
        };
        session.send(ToMaster::Hello(hello)).unwrap();
        Worker { session, heard }
    }

    fn lives(&self) {
        let beat = ToMaster::Progress { running: Vec::new(), usage: None };
        self.session.send(beat).unwrap();
    }

    fn is_welcomed(&self) {
        let welcome = self.heard.recv().unwrap();
        assert!(matches!(welcome, ToWorker::Welcome { .. }), "{welcome:?}");
    }
}

fn waiting(handle: &Handle) -> usize {
    handle.status().unwrap().waiting_workers.len()
}

#[test]
fn a_worker_drained_while_it_waits_for_its_name_gets_no_calls() {
    let master = master();
    let handle = master.handle();
    let holder = Worker::start(&handle, "d1", 1, false);
    holder.is_welcomed();
    let newcomer = Worker::start(&handle, "d1", 2, false);
    assert_eq!(waiting(&handle), 1);
    handle.steer(&Act::DrainWorker(WorkerName("d1".to_owned()))).unwrap();
    drop(holder);
    newcomer.is_welcomed();
    let (tell, told) = channel();
    let tell = move |news| tell.send(news).map_err(|_| Gone);
    let request = CallRequest {
        operation: "factorial".to_owned(),
        params: Params::default(),
        limit_ms: None,
    };
    let call = handle.call(request, tell).unwrap();
    match told.recv().unwrap() {
        CallNews::Failed(error) => assert!(error.to_string().contains("draining"), "{error}"),
        news => panic!("{news:?}"),
    }
    drop(call);
    assert!(newcomer.heard.try_iter().all(|it| !matches!(it, ToWorker::Call { .. })));
    master.stop();
}

#[test]
fn a_newcomer_that_leaves_is_no_loss() {
    let log = Log::start();
    let master = master();
    let handle = master.handle();
    let holder = Worker::start(&handle, "n1", 1, false);
    holder.is_welcomed();
    let newcomer = Worker::start(&handle, "n1", 2, false);
    assert_eq!(waiting(&handle), 1);
    drop(newcomer);
    let newcomer = Worker::start(&handle, "n1", 3, false);
    assert_eq!(waiting(&handle), 1);
    newcomer.session.send(ToMaster::Goodbye).unwrap();
    assert_eq!(waiting(&handle), 0);
    let leaves = |line: &String| line.contains("INFO a newcomer leaves that waited for its name");
    assert_eq!(log.of("n1").iter().filter(|line| leaves(line)).count(), 2, "{:?}", log.of("n1"));
    assert!(!log.of("n1").iter().any(|line| line.contains("is lost")), "{:?}", log.of("n1"));
    drop(holder);
    assert!(handle.status().unwrap().workers.is_empty());
    assert!(log.of("n1").iter().any(|line| line.contains("WARN a worker is lost")));
    master.stop();
}

#[test]
fn a_worker_of_this_process_that_another_one_keeps_out_is_told_once() {
    let log = Log::start();
    let master = master();
    let handle = master.handle();
    let elsewhere = Worker::start(&handle, "o1", 1, false);
    elsewhere.is_welcomed();
    for _ in 0..2 {
        let own = Worker::start(&handle, "o1", 2, true);
        let refused = loop {
            elsewhere.lives();
            match own.heard.try_recv() {
                Ok(message) => break message,
                Err(_) => std::thread::yield_now(),
            }
        };
        assert!(matches!(refused, ToWorker::Refused(_)), "{refused:?}");
    }
    let idle = |line: &&String| line.contains("WARN a worker of this process is idle");
    let told = log.of("o1");
    let told: Vec<&String> = told.iter().filter(idle).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("end the other worker of this name"), "{told:?}");
    master.stop();
}
