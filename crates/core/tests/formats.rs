//! Formats that lie on disks: what this build writes is what the newest fixture holds, and every
//! older fixture can still be read.
//!
//! A changed format gets a new version and a new fixture beside the old one (written with
//! `UPDATE_EXPECT=1`); the old one stays.

#![expect(clippy::unwrap_used, reason = "a test")]

use expect_test::expect_file;
use windlass_core::ledger::{
    Batch, ChunkRef, Digest, Entry, IndexRange, JobSpec, Ledger, OnFailure, PhaseSpec, Results,
    SettledRun, SnapshotId,
};
use windlass_core::params::Params;
use windlass_core::plan::{Derived, Share, Take, TaskCount};
use windlass_core::records::{RecordSet, StoredShard};
use windlass_core::{
    AttemptId, BlobId, Epoch, Failure, Incarnation, JobId, LogTime, PhaseId, PhaseIndex, RequestId,
    Round, Seq, TaskIndex, WorkerName,
};

/// Lines of 32 bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| -> String { bytes.iter().map(|it| format!("{it:02x}")).collect() };
    bytes.chunks(32).map(|bytes| line(bytes) + "\n").collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// One of each kind, as they could follow each other.
fn entries() -> Vec<Entry> {
    let phase = PhaseId { job: JobId(1), phase: PhaseIndex(0) };
    let attempt = AttemptId { epoch: Epoch(1), counter: 9 };
    let task = |index| phase.task(TaskIndex(index));
    let spec = JobSpec {
        name: "photos".to_owned(),
        fingerprint: 0x0123_4567_89ab_cdef,
        phases: vec![PhaseSpec {
            operation: "image".to_owned(),
            version: 2,
            params: Params([("width".to_owned(), "800".to_owned())].into()),
            after: Vec::new(),
            on_failure: OnFailure::Continue,
            fresh: false,
            derived: None,
        }],
        memorandum: Some(BlobId::of(b"memorandum")),
    };
    let settled = |first, results| {
        let first = TaskIndex(first);
        SettledRun { phase, round: Round(0), first, attempt, results }
    };
    let manifests = Results::Manifests(vec![BlobId::of(b"a"), BlobId::of(b"b")]);
    vec![
        Entry::Genesis { cluster: 0xfeed, format: 1 },
        Entry::Claim { epoch: Epoch(1), holder: "process 7".to_owned() },
        Entry::WorkerJoined {
            name: WorkerName("w1".to_owned()),
            incarnation: Incarnation(3),
            in_process: true,
        },
        Entry::WorkerDrained { name: WorkerName("w1".to_owned()), on: true },
        Entry::JobSubmitted { request: RequestId(4), spec },
        Entry::TasksAdded { phase, first: TaskIndex(0), count: 5, chunk: ChunkRef::Count },
        Entry::TasksAdded {
            phase,
            first: TaskIndex(5),
            count: 2,
            chunk: ChunkRef::Inline(vec![1, 2, 3]),
        },
        Entry::TasksAdded {
            phase,
            first: TaskIndex(7),
            count: 1,
            chunk: ChunkRef::Blob(BlobId::of(b"chunk")),
        },
        Entry::PhaseSealed { phase },
        Entry::TasksSettled { runs: vec![settled(0, manifests), settled(2, Results::Empty(1))] },
        Entry::AttemptFailed {
            task: task(3),
            round: Round(0),
            attempt,
            failure: Failure::rejected("damaged", "the picture is damaged", "Fetch it again."),
            worker: None,
        },
        Entry::WorkerLost {
            task: task(4),
            round: Round(0),
            attempt,
            worker: WorkerName("w1".to_owned()),
        },
        Entry::TasksReopened {
            phase,
            tasks: vec![IndexRange { first: TaskIndex(3), count: 1 }],
            why: "asked".to_owned(),
        },
        Entry::SnapshotTaken(SnapshotId { seq: Seq(3), hash: 77, digest: Digest([5; 32]) }),
        Entry::JobCancelled { job: JobId(1), why: "asked".to_owned() },
        Entry::WorkerLeft { name: WorkerName("w1".to_owned()), incarnation: Incarnation(3) },
    ]
}

/// What was added since version 1, as it could follow the entries of version 1 but the last two.
fn newer_entries() -> Vec<Entry> {
    let phase = PhaseId { job: JobId(1), phase: PhaseIndex(0) };
    vec![
        Entry::AttemptFailed {
            task: phase.task(TaskIndex(5)),
            round: Round(0),
            attempt: AttemptId { epoch: Epoch(1), counter: 12 },
            failure: Failure::rejected("damaged", "the picture is damaged", "Fetch it again."),
            worker: Some(WorkerName("w1".to_owned())),
        },
        Entry::JobPaused { job: JobId(1), on: true, by: "ada".to_owned() },
    ]
}

const TIME: LogTime = LogTime(1_700_000_000_000);

/// What was added since version 2; it is the first of a log's entries.
const NEWEST_ENTRY: Entry = Entry::VersionRaised { version: 1 };

/// The state before the last two entries: open tasks, failures, results; in a cluster of this
/// version.
fn ledger(version: u32) -> Ledger {
    let mut ledger = Ledger::default();
    let mut applied = Vec::new();
    if version > 0 {
        ledger.apply(TIME, &Entry::VersionRaised { version }, &mut applied);
    }
    let entries = entries();
    for entry in &entries[..entries.len() - 2] {
        ledger.apply(TIME, entry, &mut applied);
    }
    ledger
}

#[test]
fn entries_of_version_1() {
    let mut body = Vec::new();
    Batch::begin(TIME, &mut body);
    entries().iter().for_each(|entry| entry.encode(&mut body));
    expect_file!["fixtures/entries-v1.hex"].assert_eq(&hex(&body));
    let read = Batch::decode(&unhex(include_str!("fixtures/entries-v1.hex"))).unwrap();
    assert_eq!(read, Batch { at: TIME, entries: entries() });
}

#[test]
fn ledgers_of_version_1() {
    let read = Ledger::decode_snapshot(&unhex(include_str!("fixtures/ledger-v1.hex"))).unwrap();
    // The same entries lead to the same state today: its digest is announced in old logs.
    let ledger = ledger(0);
    assert_eq!(read, ledger);
    assert_eq!(hex(&ledger.encode_snapshot()), include_str!("fixtures/ledger-v1.hex"));
}

#[test]
fn entries_of_version_2() {
    let mut body = Vec::new();
    Batch::begin(TIME, &mut body);
    newer_entries().iter().for_each(|entry| entry.encode(&mut body));
    expect_file!["fixtures/entries-v2.hex"].assert_eq(&hex(&body));
    let read = Batch::decode(&unhex(include_str!("fixtures/entries-v2.hex"))).unwrap();
    assert_eq!(read, Batch { at: TIME, entries: newer_entries() });
}

/// With a pause, and what had happened; a cluster had no version yet.
#[test]
fn ledgers_of_version_2() {
    let mut ledger = ledger(1);
    newer_entries().iter().for_each(|entry| ledger.apply(TIME, entry, &mut Vec::new()));
    ledger.version = 0;
    expect_file!["fixtures/ledger-v2.hex"].assert_eq(&hex(&ledger.encode_snapshot()));
    let read = Ledger::decode_snapshot(&unhex(include_str!("fixtures/ledger-v2.hex"))).unwrap();
    assert_eq!(read, ledger);
}

#[test]
fn entries_of_version_3() {
    let mut body = Vec::new();
    Batch::begin(TIME, &mut body);
    NEWEST_ENTRY.encode(&mut body);
    expect_file!["fixtures/entries-v3.hex"].assert_eq(&hex(&body));
    let read = Batch::decode(&unhex(include_str!("fixtures/entries-v3.hex"))).unwrap();
    assert_eq!(read, Batch { at: TIME, entries: vec![NEWEST_ENTRY] });
}

#[test]
fn ledgers_of_version_3() {
    let mut ledger = ledger(1);
    newer_entries().iter().for_each(|entry| ledger.apply(TIME, entry, &mut Vec::new()));
    expect_file!["fixtures/ledger-v3.hex"].assert_eq(&hex(&ledger.encode_snapshot()));
    let read = Ledger::decode_snapshot(&unhex(include_str!("fixtures/ledger-v3.hex"))).unwrap();
    assert_eq!(read, ledger);
}

/// Kinds that came later than the others, whose fixtures stay as they are.
fn record_entries() -> Vec<Entry> {
    let stored = |text: &[u8], row_count| StoredShard {
        blob: BlobId::of(text),
        size: text.len() as u64,
        row_count,
    };
    let set = |name: &str| RecordSet {
        name: name.parse().unwrap(),
        key: "name".parse().unwrap(),
        indexed: vec!["location".parse().unwrap(), "year".parse().unwrap()],
        shards: ["nz=n-z", "rest=*", "am=a-m"]
            .map(|it| it.parse().unwrap())
            .to_vec()
            .try_into()
            .unwrap(),
        replica_count: 2,
    };
    let shards = vec![stored(b"am", 3), stored(b"nz", 2), stored(b"", 0)];
    vec![
        Entry::RecordsLoaded { set: set("people"), stored: shards.clone(), replaces: false },
        Entry::RecordsLoaded { set: set("places"), stored: shards, replaces: true },
        Entry::RecordsDropped { name: "places".parse().unwrap() },
    ]
}

#[test]
fn record_sets_of_version_1() {
    let mut body = Vec::new();
    Batch::begin(TIME, &mut body);
    record_entries().iter().for_each(|entry| entry.encode(&mut body));
    expect_file!["fixtures/records-entries-v1.hex"].assert_eq(&hex(&body));
    let read = Batch::decode(&unhex(include_str!("fixtures/records-entries-v1.hex"))).unwrap();
    assert_eq!(read, Batch { at: TIME, entries: record_entries() });
    let mut ledger = Ledger::default();
    record_entries().iter().for_each(|entry| ledger.apply(TIME, entry, &mut Vec::new()));
    expect_file!["fixtures/records-ledger-v1.hex"].assert_eq(&hex(&ledger.encode_snapshot()));
    let read = Ledger::decode_snapshot(&unhex(include_str!("fixtures/records-ledger-v1.hex")));
    assert_eq!(read.unwrap(), ledger);
}

/// A job of which a phase follows from another one, with its result.
fn derived_entries() -> Vec<Entry> {
    let phase = |index| PhaseId { job: JobId(1), phase: PhaseIndex(index) };
    let spec = |derived: Option<Derived>| PhaseSpec {
        operation: "factorial".to_owned(),
        version: 2,
        params: Params([("n".to_owned(), "52".to_owned())].into()),
        after: derived.iter().flat_map(Derived::sources).collect(),
        on_failure: OnFailure::Stop,
        fresh: false,
        derived,
    };
    let take = |phase, share| Take { phase: PhaseIndex(phase), share };
    let rules = [
        None,
        Some(Derived { count: TaskCount::Fixed(2), takes: vec![take(0, Share::Whole)] }),
        Some(Derived { count: TaskCount::Fixed(3), takes: vec![take(0, Share::Part)] }),
        Some(Derived { count: TaskCount::EachOf(PhaseIndex(0)), takes: Vec::new() }),
    ];
    let spec = JobSpec {
        name: "factorial".to_owned(),
        fingerprint: 7,
        phases: rules.into_iter().map(spec).collect(),
        memorandum: None,
    };
    let (round, first) = (Round(0), TaskIndex(0));
    let attempt = AttemptId { epoch: Epoch(1), counter: 9 };
    let results = Results::Manifests(vec![BlobId::of(b"a"), BlobId::of(b"b")]);
    let run = SettledRun { phase: phase(0), round, first, attempt, results };
    vec![
        Entry::JobSubmitted { request: RequestId(4), spec },
        Entry::TasksAdded { phase: phase(0), first, count: 2, chunk: ChunkRef::Count },
        Entry::PhaseSealed { phase: phase(0) },
        Entry::TasksSettled { runs: vec![run] },
    ]
}

#[test]
fn entries_with_derived_phases() {
    let mut body = Vec::new();
    Batch::begin(TIME, &mut body);
    derived_entries().iter().for_each(|entry| entry.encode(&mut body));
    expect_file!["fixtures/derived-entries-v1.hex"].assert_eq(&hex(&body));
    let read = Batch::decode(&unhex(include_str!("fixtures/derived-entries-v1.hex"))).unwrap();
    assert_eq!(read, Batch { at: TIME, entries: derived_entries() });
}

#[test]
fn ledgers_with_derived_phases() {
    let mut ledger = Ledger::default();
    derived_entries().iter().for_each(|entry| ledger.apply(TIME, entry, &mut Vec::new()));
    expect_file!["fixtures/derived-ledger-v1.hex"].assert_eq(&hex(&ledger.encode_snapshot()));
    let bytes = unhex(include_str!("fixtures/derived-ledger-v1.hex"));
    assert_eq!(Ledger::decode_snapshot(&bytes).unwrap(), ledger);
}
