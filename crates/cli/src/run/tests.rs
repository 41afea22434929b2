//! Runs that are tried again.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use windlass_blobs::Blobs;
use windlass_client::gather::Choice;
use windlass_journal::{Engine, Memory, MemorySnapshots, Snapshots};
use windlass_master::{Master, Options};

fn master() -> Master {
    let journal = Engine::Memory(Memory::new());
    let snapshots = Snapshots::Memory(MemorySnapshots::new());
    let options = Options { journal, snapshots, holder: "test".to_owned(), seed: 1 };
    Master::start(options).expect("starts")
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
    let first = try_with(&Begun::default()).expect("it is stored");
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
    let counts: Vec<u64> = second.jobs.values().copied().collect();
    assert_eq!(counts, [1, 1], "each file is in one job");
    assert_eq!(begun.jobs(), second.jobs.keys().copied().collect());
}
