//! Collections beside a running master: what is kept, what goes, and what stops them.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs::{File, FileTimes};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use windlass_blobs::Blobs;
use windlass_core::ledger::{ChunkRef, Entry, JobSpec, PhaseSpec, Results, Setting, SettledRun};
use windlass_core::manifest::{Artifact, Content, Manifest};
use windlass_core::memo::MemoKey;
use windlass_core::random::SplitMix64;
use windlass_core::{
    AttemptId, BlobId, Epoch, JobId, LogTime, PhaseId, PhaseIndex, RequestId, Round, Seq, TaskIndex,
};
use windlass_journal::{Engine, Memory, MemorySnapshots, Snapshots};
use windlass_master::collector::{Clocks, CollectError, Collected, Collector, collect};
use windlass_master::recovery::{Replay, restore};
use windlass_master::{Master, MasterError, Options};

static GOING: AtomicBool = AtomicBool::new(false);
const HOUR: Duration = Duration::from_secs(3_600);

struct Lab {
    _dir: TempDir,
    log: Memory,
    blobs: Blobs,
    root: std::path::PathBuf,
}

impl Lab {
    /// A cluster that was founded long ago.
    fn new() -> Lab {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("blobs");
        let blobs = Blobs::open(&root).unwrap();
        let log = Memory::new();
        let mut journal = Engine::Memory(log.clone());
        let mut replay = Replay::default();
        replay.claim(&mut journal, "test", LogTime(1_000), &mut SplitMix64::new(1)).unwrap();
        Lab { _dir: dir, log, blobs, root }
    }

    fn master(&self) -> Master {
        let (journal, snapshots) = (Engine::Memory(self.log.clone()), MemorySnapshots::new());
        let snapshots = Snapshots::Memory(snapshots);
        Master::start(Options { journal, snapshots, holder: "test".to_owned(), seed: 1 }).unwrap()
    }

    /// A result with a blob of its own, as a worker stores it.
    fn result(&self, text: &str) -> (BlobId, BlobId) {
        let id = self.blobs.put(text.as_bytes()).unwrap();
        let artifact = Artifact {
            name: "{base}.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            content: Content::Blob { id, size: text.len() as u64 },
        };
        let manifest = Manifest { artifacts: vec![artifact], ..Manifest::default() };
        (id, self.blobs.put(&manifest.encode()).unwrap())
    }

    /// Makes everything in the store look last used so long ago.
    fn age(&self, by: Duration) {
        age(&self.root, by);
    }

    fn has(&self, id: BlobId) -> bool {
        self.blobs.path(id).exists()
    }
}

fn age(path: &Path, by: Duration) {
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| age(&entry.unwrap().path(), by));
        return;
    }
    let times = FileTimes::new().set_modified(SystemTime::now() - by);
    File::options().write(true).open(path).unwrap().set_times(times).unwrap();
}

/// A job with one result, ended.
fn ended(log: &Memory, number: u64, manifest: BlobId) {
    let mut journal = Engine::Memory(log.clone());
    let mut replay =
        restore(&mut journal, &Snapshots::Memory(MemorySnapshots::new())).unwrap().replay;
    let phase = PhaseSpec::plain("text", 1);
    let spec =
        JobSpec { name: String::new(), fingerprint: 0, phases: vec![phase], memorandum: None };
    let (phase, first) = (PhaseId { job: JobId(number), phase: PhaseIndex(0) }, TaskIndex(0));
    let attempt = AttemptId { epoch: Epoch(1), counter: number };
    let (round, results) = (Round(0), Results::Manifests(vec![manifest]));
    let entries = [
        Entry::JobSubmitted { request: RequestId(number.into()), spec },
        Entry::TasksAdded { phase, first, count: 1, chunk: ChunkRef::Count },
        Entry::PhaseSealed { phase },
        Entry::TasksSettled { runs: vec![SettledRun { phase, round, first, attempt, results }] },
    ];
    let mut body = Vec::new();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let at = LogTime(u64::try_from(now).unwrap());
    windlass_core::ledger::Batch::begin(at, &mut body);
    entries.iter().for_each(|entry| entry.encode(&mut body));
    let record = replay.head.record(replay.ledger.epoch, number.into(), body);
    journal.append(&record).unwrap();
    replay.follow(&mut journal).unwrap();
    assert!(replay.head.seq > Seq(1));
}

fn compact(master: &Master, lab: &Lab) -> Result<Collected, CollectError> {
    collect(&master.handle(), &lab.blobs, Clocks::now(), false, &GOING)
}

#[test]
fn what_jobs_and_memo_refer_to_stays_and_the_rest_goes() {
    let lab = Lab::new();
    let [kept, remembered, lost] = ["kept", "remembered", "lost"].map(|text| lab.result(text));
    lab.blobs.sync().unwrap();
    lab.blobs.remember(MemoKey([7; 32]), remembered.1, 10).unwrap();
    ended(&lab.log, 1, kept.1);
    lab.age(48 * HOUR);
    let fresh = lab.result("fresh");
    let master = lab.master();
    let collected = compact(&master, &lab).unwrap();
    assert_eq!((collected.memo_count, collected.swept.trashed.count), (0, 2));
    for (blob, manifest) in [kept, remembered, fresh] {
        assert!(lab.has(blob) && lab.has(manifest));
    }
    assert!(!lab.has(lost.0) && !lab.has(lost.1));
    // Without room for it the memo goes, and with it what only it refers to.
    master.handle().set(Setting::MemoMbMax.spec().name, 0).unwrap();
    lab.age(48 * HOUR);
    let collected = compact(&master, &lab).unwrap();
    assert_eq!((collected.memo_count, collected.swept.trashed.count), (1, 4));
    assert!(lab.has(kept.0) && !lab.has(remembered.0));
    master.stop();
}

#[test]
fn a_damaged_result_of_a_kept_job_stops_the_collection() {
    let lab = Lab::new();
    let (kept, lost) = (lab.result("kept"), lab.result("lost"));
    lab.blobs.sync().unwrap();
    ended(&lab.log, 1, kept.1);
    std::fs::write(lab.blobs.path(kept.1), "damaged").unwrap();
    lab.age(48 * HOUR);
    let master = lab.master();
    let error = compact(&master, &lab).unwrap_err();
    assert!(matches!(error, CollectError::Manifest { manifest, .. } if manifest == kept.1));
    assert!(lab.has(lost.0) && lab.has(kept.0), "nothing goes");
    // The thread tells it at the end.
    let collector = Collector::start(master.handle(), lab.blobs.clone());
    collector.end(&mut || {}, &|| true);
    master.stop();
    let told = collector.join().unwrap().to_string();
    assert!(told.contains("nothing is removed until it can be read"), "{told}");
}

#[test]
fn a_process_that_ends_gives_a_due_collection_its_turn() {
    let lab = Lab::new();
    let lost = lab.result("lost");
    lab.blobs.sync().unwrap();
    lab.age(48 * HOUR);
    let turn = |goes_on: bool| {
        let master = lab.master();
        let collector = Collector::start(master.handle(), lab.blobs.clone());
        collector.end(&mut || {}, &|| goes_on);
        master.stop();
        assert!(collector.join().is_none());
    };
    turn(true);
    assert!(!lab.has(lost.0));
    // It was whole: for a grace there is no other.
    let next = lab.result("next");
    lab.age(48 * HOUR);
    turn(true);
    assert!(lab.has(next.0));
}

#[test]
fn what_is_to_be_forgotten_goes_at_the_start_and_when_a_limit_is_lowered() {
    let lab = Lab::new();
    let results = [1, 2, 3].map(|number: u64| {
        let result = lab.result(&number.to_string());
        ended(&lab.log, number, result.1);
        result
    });
    let master = lab.master();
    let handle = master.handle();
    assert_eq!(handle.jobs().unwrap().len(), 3);
    handle.set(Setting::SettledTaskCountMax.spec().name, 1).unwrap();
    // The answer to a snapshot comes after what was proposed before it.
    handle.snapshot().unwrap();
    assert_eq!(handle.jobs().unwrap().len(), 1);
    lab.age(48 * HOUR);
    compact(&master, &lab).unwrap();
    let there = results.map(|(blob, _)| lab.has(blob));
    assert_eq!(there, [false, false, true]);
    assert!(matches!(handle.set("pancakes", 1), Err(MasterError::Refused(_))));
    master.stop();
}

#[test]
fn a_deposed_master_sweeps_nothing() {
    let lab = Lab::new();
    let lost = lab.result("lost");
    lab.blobs.sync().unwrap();
    lab.age(48 * HOUR);
    let old = lab.master();
    let new = lab.master();
    let found = compact(&old, &lab);
    assert!(matches!(found, Err(CollectError::Master(MasterError::Deposed))), "{found:?}");
    assert!(lab.has(lost.0));
    old.stop();
    new.stop();
}
