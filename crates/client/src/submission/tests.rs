use super::*;
use crate::gather::Choice;
use std::fs;
use windlass_blobs::Blobs;
use windlass_core::catalogue::{Accepts, Cacheable, Home};
use windlass_core::media::Media;
use windlass_journal::{Engine, Memory, MemorySnapshots, Snapshots};
use windlass_master::{Master, Options};

const NOOP: OperationSpec = OperationSpec {
    name: "noop",
    version: 1,
    summary: "Does nothing",
    accepts: Accepts::AnyFile,
    params: &[],
    home: Home::Executor,
    cacheable: Cacheable::Never,
    attempt_ms_max: 1_000,
    progress_ms_max: None,
    memory_bytes_max: 1,
    output_bytes_max: 1,
    steps: &[],
};

fn input(name: &str) -> Outcome {
    let input = Input {
        path: name.as_bytes().to_vec(),
        size: 1,
        hash: BlobId::of(name.as_bytes()),
        media: Media::Text,
        base: Vec::new(),
    };
    Outcome::Accepted { operation: NOOP.name.to_owned(), input, why: None }
}

/// The next try, once there is room.
#[test]
fn a_try_that_fails_leaves_its_jobs_to_the_next_one() {
    let journal = Engine::Memory(Memory::new());
    let snapshots = Snapshots::Memory(MemorySnapshots::new());
    let options = Options { journal, snapshots, holder: "test".to_owned(), seed: 1 };
    let master = Master::start(options).expect("starts");
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open(folder.path().join("blobs")).expect("a store");
    let cluster = Cluster::Here { handle: master.handle(), blobs };
    let try_with = |begun: &Begun| Submitter {
        cluster: cluster.clone(),
        operations: vec![&NOOP],
        asked: Asked {
            paths: vec!["in".into()],
            choice: Choice::One(NOOP.name.to_owned()),
            params: BTreeMap::new(),
            out: "out".into(),
            fresh: false,
        },
        failed_too: false,
        begun: begun.clone(),
    };
    let first = try_with(&Begun::default()).submit(&[input("a")]).expect("there is room");
    let jobs = first.jobs();
    let job = *jobs.first().expect("one job");

    let begun = Begun::default();
    let stored = folder.path().join("blobs");
    fs::rename(&stored, folder.path().join("away")).expect("moved");
    fs::write(&stored, "").expect("a file in its place");
    let both = [input("a"), input("b")];
    try_with(&begun).submit(&both).expect_err("nothing can be stored");
    assert_eq!(begun.jobs(), jobs, "it goes on with the open one");
    fs::remove_file(&stored).expect("removed");
    fs::rename(folder.path().join("away"), &stored).expect("back");

    // It ends between two tries.
    cluster.cancel(job, "a test").expect("it is open");
    let second = try_with(&begun).submit(&both).expect("there is room");
    let newer = *second.jobs().last().expect("a job");
    assert_ne!(newer, job);
    let count = |job| second.phases[&phase_id(job, 0)].inputs.len();
    assert_eq!([count(job), count(newer)], [1, 1], "each file is asked for once");
    assert_eq!(begun.jobs(), second.jobs());
}
