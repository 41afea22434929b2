//! Runs that are tried again.

use super::*;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use windlass_blobs::Blobs;
use windlass_client::gather::Choice;
use windlass_client::run::Prepare;
use windlass_core::session::{AssignRun, EndedRun, EndedWith, Hello, Offer, ToMaster, ToWorker};
use windlass_core::{Failure, FailureKind, Incarnation, WorkerName};
use windlass_journal::{Engine, Memory, MemorySnapshots, Snapshots};
use windlass_master::{Gone, Master, Options, Session};

fn master() -> Master {
    let journal = Engine::Memory(Memory::new());
    let snapshots = Snapshots::Memory(MemorySnapshots::new());
    let options = Options { journal, snapshots, holder: "test".to_owned(), seed: 1 };
    Master::start(options).expect("starts")
}

/// A cluster whose blobs lie in this folder, in which there is a place for inputs.
fn cluster_of(master: &Master, folder: &Path) -> Cluster {
    let blobs = Blobs::open(folder.join("blobs")).expect("a store");
    fs::create_dir(folder.join("in")).expect("a folder");
    Cluster::Here { handle: master.handle(), blobs }
}

fn run<'a>(
    cluster: &'a Cluster,
    folder: &Path,
    begun: &Begun,
    interrupted: &'a AtomicBool,
) -> Run<'a> {
    let asked = Asked {
        paths: vec![folder.join("in").into()],
        choice: Choice::One("noop".to_owned()),
        params: BTreeMap::new(),
        out: folder.join("out"),
        fresh: false,
    };
    Run {
        cluster,
        operations: settings::operations(),
        lacking: Vec::new(),
        asked,
        failed_too: false,
        prepare: Arc::new(|_, _| Ok(())),
        begun: begun.clone(),
        excluded: Vec::new(),
        current_folder: folder.to_owned(),
        reader_count: 1,
        interrupted,
    }
}

#[test]
fn a_try_that_fails_leaves_its_jobs_to_the_next_one() {
    let (master, interrupted) = (master(), AtomicBool::new(false));
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path();
    let (stored, away) = (folder.join("blobs"), folder.join("away"));
    let blobs = Blobs::open(stored.clone()).expect("a store");
    let cluster = Cluster::Here { handle: master.handle(), blobs };
    let try_with =
        |begun: &Begun| run(&cluster, folder, begun, &interrupted).submit_only(&mut |_| {});
    fs::create_dir(folder.join("in")).expect("a folder");
    fs::write(folder.join("in/a"), "a").expect("a file");
    let its_own = Begun::default();
    let first = try_with(&its_own).expect("it is stored");
    let again = try_with(&its_own).expect("it is stored");
    assert_eq!((first.resumed, again.resumed), (false, false), "its own job is none of before");
    let job = *first.jobs.keys().next().expect("a job");

    fs::write(folder.join("in/b"), "b").expect("a file");
    fs::rename(&stored, &away).expect("moved");
    fs::write(&stored, "").expect("a file in its place");
    let begun = Begun::default();
    try_with(&begun).expect_err("nothing can be stored");
    assert_eq!(begun.jobs(), BTreeSet::from([job]), "it goes on with the open one");
    fs::remove_file(&stored).expect("removed");
    fs::rename(&away, &stored).expect("back");

    // It ends between two tries.
    cluster.cancel(job, "a test").expect("it is open");
    let second = try_with(&begun).expect("it is stored");
    assert!(second.resumed, "the first try found the job");
    let counts: Vec<u64> = second.jobs.values().copied().collect();
    assert_eq!(counts, [1, 1], "each file is in one job");
    assert_eq!(begun.jobs(), second.jobs.keys().copied().collect());
}

/// A worker of the test's own, which does what it is told to.
struct Worker {
    session: Session,
    told: Receiver<ToWorker>,
}

impl Worker {
    fn join(master: &Master) -> Worker {
        let (tell, told) = channel();
        let deliver = move |message| tell.send(message).map_err(|_| Gone);
        let session = master.handle().connect(deliver).expect("it runs");
        let offer = Offer {
            operation: "noop".to_owned(),
            version: 1,
            attempt_ms_max: 1_000_000,
            quiet_ms_max: None,
        };
        let hello = Hello {
            name: WorkerName("w1".to_owned()),
            incarnation: Incarnation(1),
            in_process: true,
            slots: 1,
            offers: vec![offer],
            held: Vec::new(),
            serves: None,
        };
        session.send(ToMaster::Hello(hello)).expect("it listens");
        Worker { session, told }
    }

    /// Waits for one task, and fails it for good.
    fn fail_one(&self) {
        let run = loop {
            if let ToWorker::Assign(runs) = self.told.recv().expect("it runs") {
                break runs.into_iter().next().expect("a task");
            }
        };
        let AssignRun { phase, round, first, attempt, .. } = run;
        let with = EndedWith::Failure(Failure::new(FailureKind::Rejected, "no", "no", ""));
        let ended = EndedRun { phase, round, first, attempt, with, busy_us: 1 };
        self.session.send(ToMaster::Ended(vec![ended])).expect("it listens");
        while !matches!(self.told.recv(), Ok(ToWorker::EndedAck(_))) {}
    }
}

/// Of the run that is stopped.
static STOPPED: AtomicBool = AtomicBool::new(false);

#[test]
fn a_run_that_is_stopped_before_it_has_caught_up_knows_it() {
    let master = master();
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path();
    let (cluster, worker) = (cluster_of(&master, folder), Worker::join(&master));
    for name in ["a", "b", "c"] {
        fs::write(folder.join("in").join(name), name).expect("a file");
    }
    let run = || run(&cluster, folder, &Begun::default(), &STOPPED);
    run().submit_only(&mut |_| {}).expect("it is stored");
    worker.fail_one();
    let stop: Prepare = Arc::new(|_, _| {
        STOPPED.store(true, Ordering::Relaxed);
        Ok(())
    });
    let finished = Run { prepare: stop, ..run() }.run(&mut |_| {}).expect("it is stopped");
    assert!(finished.interrupted && !finished.has_caught_up);
    assert_eq!(finished.untaken_count, 1);
    assert_eq!(finished.report.totals().unfinished, 3);
    STOPPED.store(false, Ordering::Relaxed);
    let seen = Cell::new(0);
    let stop_late = |stage: Stage<'_>| {
        if let Stage::Working(standing) = stage {
            seen.set(standing.failed_count);
            STOPPED.store(true, Ordering::Relaxed);
        }
    };
    let finished = run().run(&mut { stop_late }).expect("it is stopped");
    assert!(finished.interrupted && finished.has_caught_up);
    assert_eq!(
        (seen.get(), finished.untaken_count, finished.report.totals().unfinished),
        (1, 0, 2)
    );
}

#[test]
fn what_failed_is_tried_again_once_a_run_however_often_that_is_tried() {
    let (master, interrupted) = (master(), AtomicBool::new(false));
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path();
    let (cluster, worker) = (cluster_of(&master, folder), Worker::join(&master));
    fs::write(folder.join("in/a"), "a").expect("a file");
    let submit = |begun: &Begun, failed_too| {
        let run = run(&cluster, folder, begun, &interrupted);
        Run { failed_too, ..run }.submit_only(&mut |_| {}).expect("it is stored").reopened_count
    };
    assert_eq!(submit(&Begun::default(), false), 0);
    worker.fail_one();
    let begun = Begun::default();
    assert_eq!(submit(&begun, true), 1);
    worker.fail_one();
    assert_eq!(submit(&begun, true), 1, "of this run that one, and no more");
    assert_eq!(cluster.jobs().expect("it runs")[0].file_counts().pending, 0);
    assert_eq!(submit(&Begun::default(), true), 1, "another run");
}
