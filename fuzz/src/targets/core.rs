//! The stored formats of `core`, its parameters, and the kinds of files.

use super::shape::{magnitude, without_numbers};
use crate::target::Target;
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::{
    Batch, ChunkRef, Digest, Entry, IndexRange, JobSpec, Ledger, OnFailure, PhaseSpec, Results,
    SettledRun, SnapshotId, Sweep,
};
use windlass_core::manifest::{Artifact, Content, Manifest};
use windlass_core::media::{self, Media, Sample, sniff};
use windlass_core::params::Params;
use windlass_core::plan::{Derived, Share, Take, TaskCount};
use windlass_core::tokens::{Role, TokenId};
use windlass_core::{
    AttemptId, BlobId, Epoch, Failure, Incarnation, JobId, LogTime, PhaseId, PhaseIndex, RequestId,
    Round, Seq, TaskIndex, WorkerName,
};

/// What serde takes at once for the levels of a nested sequence: three at most, 1 MiB each, and the
/// value is decoded twice.
const SEQUENCES_BYTES_MAX: usize = 6 << 20;

pub(super) const BATCH: Target = Target {
    name: "batch",
    run: batch,
    seeds: batches,
    fixed_bytes_max: SEQUENCES_BYTES_MAX,
    factor_max: 256,
};

pub(super) const CHUNK: Target = Target {
    name: "chunk",
    run: chunk,
    seeds: chunks,
    fixed_bytes_max: SEQUENCES_BYTES_MAX,
    factor_max: 256,
};

pub(super) const MANIFEST: Target = Target {
    name: "manifest",
    run: manifest,
    seeds: manifests,
    fixed_bytes_max: SEQUENCES_BYTES_MAX,
    factor_max: 256,
};

pub(super) const PARAMS: Target = Target {
    name: "params",
    run: params,
    seeds: || vec![b"image width=12 fit=cover grayscale=no".to_vec(), b"command cmd=cat".to_vec()],
    fixed_bytes_max: 64 << 10,
    factor_max: 64,
};

pub(super) const MEDIA: Target = Target {
    name: "media",
    run: media,
    seeds: beginnings,
    fixed_bytes_max: 64 << 10,
    factor_max: 16,
};

pub(super) const SNAPSHOT: Target = Target {
    name: "snapshot",
    run: snapshot,
    seeds: snapshots,
    // A page of a task table is whole, however few bytes stand for it.
    fixed_bytes_max: SEQUENCES_BYTES_MAX,
    factor_max: 512,
};

fn snapshot(bytes: &[u8]) -> String {
    let ledger = match Ledger::decode_snapshot(bytes) {
        Ok(ledger) => ledger,
        Err(error) => return without_numbers(&error.to_string()),
    };
    let again = Ledger::decode_snapshot(&ledger.encode_snapshot());
    assert!(again.is_ok_and(|again| again == ledger), "a ledger does not come back");
    let job = ledger.jobs.values().next();
    let tasks = job.map_or(0, |job| job.phases.iter().map(|phase| phase.tasks.len()).sum());
    format!("jobs {} tasks {}", magnitude(ledger.jobs.len()), magnitude(tasks as usize))
}

/// The states that the seeds of `batch` lead to, one after the other.
fn snapshots() -> Vec<Vec<u8>> {
    let mut ledger = Ledger::default();
    let mut snapshots = vec![ledger.encode_snapshot()];
    let spec = JobSpec {
        name: "one phase".to_owned(),
        fingerprint: 5,
        phases: vec![phase_spec(Vec::new()), phase_spec(vec![PhaseIndex(0)])],
        memorandum: Some(BlobId::of(b"memorandum")),
    };
    let phase = PhaseId { job: JobId(1), phase: PhaseIndex(0) };
    let attempt = AttemptId { epoch: Epoch(1), counter: 1 };
    let (round, first) = (Round(0), TaskIndex(0));
    let results = Results::Manifests(vec![BlobId::of(b"a")]);
    let name = || WorkerName("w1".to_owned());
    for entry in [
        Entry::Genesis { cluster: 7, format: 1 },
        Entry::Claim { epoch: Epoch(1), holder: "process 1".to_owned() },
        Entry::WorkerJoined { name: name(), incarnation: Incarnation(3), in_process: false },
        Entry::WorkerDrained { name: name(), on: true },
        Entry::JobSubmitted { request: RequestId(4), spec },
        Entry::TasksAdded { phase, first, count: 3, chunk: ChunkRef::Count },
        Entry::TasksSettled { runs: vec![SettledRun { phase, round, first, attempt, results }] },
        Entry::AttemptFailed {
            task: phase.task(TaskIndex(1)),
            round,
            attempt,
            failure: Failure::rejected("code", "cause", "Do."),
            worker: Some(name()),
        },
        Entry::JobPaused { job: phase.job, on: true, by: "ada".to_owned() },
        Entry::SettingChanged { name: "memo_mb_max".to_owned(), value: 5 },
    ] {
        ledger.apply(LogTime(9), &entry, &mut Vec::new());
        snapshots.push(ledger.encode_snapshot());
    }
    snapshots
}

/// A phase; one that waits for others builds on the first of them.
fn phase_spec(after: Vec<PhaseIndex>) -> PhaseSpec {
    let rule = |phase: &PhaseIndex| Derived {
        count: TaskCount::EachOf(*phase),
        takes: vec![Take { phase: *phase, share: Share::Whole }],
    };
    PhaseSpec {
        derived: after.first().map(rule),
        operation: "image".to_owned(),
        version: 1,
        params: Params(BTreeMap::from([("width".to_owned(), "12".to_owned())])),
        after,
        on_failure: OnFailure::Stop,
        fresh: true,
    }
}

fn batch(bytes: &[u8]) -> String {
    let batch = match Batch::decode(bytes) {
        Ok(batch) => batch,
        Err(error) => return without_numbers(&error.to_string()),
    };
    let mut body = Vec::new();
    Batch::begin(batch.at, &mut body);
    batch.entries.iter().for_each(|entry| entry.encode(&mut body));
    assert_eq!(Batch::decode(&body).as_ref(), Ok(&batch), "a batch does not come back");
    let kinds: BTreeSet<String> = batch.entries.iter().map(kind).collect();
    format!("{kinds:?} {}", magnitude(batch.entries.len()))
}

/// The name of an entry's kind.
fn kind(entry: &Entry) -> String {
    let shown = format!("{entry:?}");
    shown.split([' ', '{']).next().unwrap_or_default().to_owned()
}

fn batches() -> Vec<Vec<u8>> {
    let phase = PhaseId { job: JobId(7), phase: PhaseIndex(1) };
    let attempt = AttemptId { epoch: Epoch(2), counter: 9 };
    let (task, round, first) = (phase.task(TaskIndex(3)), Round(1), TaskIndex(4));
    let worker = || WorkerName("w1".to_owned());
    let spec = JobSpec {
        name: "two phases".to_owned(),
        fingerprint: 5,
        phases: vec![phase_spec(vec![PhaseIndex(0)])],
        memorandum: Some(BlobId::of(b"memorandum")),
    };
    let run = |results| SettledRun { phase, round, first, attempt, results };
    let chunk = ChunkRef::Inline(chunks().concat());
    let entries = vec![
        Entry::Genesis { cluster: u128::MAX, format: 1 },
        Entry::Claim { epoch: Epoch(3), holder: "process 1".to_owned() },
        Entry::JobSubmitted { request: RequestId(4), spec },
        Entry::TasksAdded { phase, first, count: 2, chunk },
        Entry::TasksAdded { phase, first, count: 2, chunk: ChunkRef::Blob(BlobId::of(b"chunk")) },
        Entry::PhaseSealed { phase },
        Entry::TasksSettled {
            runs: vec![
                run(Results::Empty(9)),
                run(Results::Manifests(vec![BlobId::of(b"a"), BlobId::of(b"b")])),
            ],
        },
        Entry::AttemptFailed {
            task,
            round,
            attempt,
            failure: Failure::rejected("code", "cause", "Do."),
            worker: Some(worker()),
        },
        Entry::JobPaused { job: phase.job, on: true, by: "ada".to_owned() },
        Entry::WorkerLost { task, round, attempt, worker: worker() },
        Entry::TasksReopened {
            phase,
            tasks: vec![IndexRange { first, count: 4 }],
            why: "asked".to_owned(),
        },
        Entry::JobCancelled { job: JobId(1), why: "asked".to_owned() },
        Entry::WorkerJoined { name: worker(), incarnation: Incarnation(3), in_process: true },
        Entry::WorkerLeft { name: worker(), incarnation: Incarnation(3) },
        Entry::WorkerDrained { name: worker(), on: true },
        Entry::SnapshotTaken(SnapshotId { seq: Seq(9), hash: 7, digest: Digest([5; 32]) }),
        Entry::SettingChanged { name: "memo_mb_max".to_owned(), value: 5 },
        Entry::JobForgotten { job: JobId(9) },
        Entry::TokenAdded {
            id: TokenId(3),
            hash: [1; 32],
            role: Role::Worker,
            name: "t".to_owned(),
            expires_at: LogTime(77),
        },
        Entry::TokenRevoked { id: TokenId(3) },
        Entry::SweepBegun(Sweep {
            marked_at: LogTime(12),
            first: 16,
            last: 31,
            empties_trash: true,
        }),
    ];
    let encoded = |entries: &[Entry]| {
        let mut body = Vec::new();
        Batch::begin(LogTime(77), &mut body);
        entries.iter().for_each(|entry| entry.encode(&mut body));
        body
    };
    entries.chunks(1).chain([entries.as_slice()]).map(encoded).collect()
}

fn chunk(bytes: &[u8]) -> String {
    match Chunk::decode(bytes) {
        Ok(chunk) => {
            assert_eq!(Chunk::decode(&chunk.encode()).as_ref(), Ok(&chunk));
            format!("inputs {}", magnitude(chunk.inputs.len()))
        }
        Err(error) => without_numbers(&error.to_string()),
    }
}

fn chunks() -> Vec<Vec<u8>> {
    let input = |path: &[u8]| Input {
        path: path.to_vec(),
        size: 1 << 40,
        hash: BlobId::of(path),
        media: Media::Pdf,
        base: b"a".to_vec(),
    };
    vec![
        Chunk { inputs: Vec::new() }.encode(),
        Chunk { inputs: vec![input(b"/a/\xff"), input(b"/b")] }.encode(),
    ]
}

fn manifest(bytes: &[u8]) -> String {
    match Manifest::decode(bytes) {
        Ok(manifest) => {
            assert_eq!(Manifest::decode(&manifest.encode()).as_ref(), Ok(&manifest));
            let notes = magnitude(manifest.notes.len());
            format!("artifacts {} notes {notes}", magnitude(manifest.artifacts.len()))
        }
        Err(error) => without_numbers(&error.to_string()),
    }
}

fn manifests() -> Vec<Vec<u8>> {
    let artifact = |name: &str, content| Artifact {
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        content,
    };
    let artifacts = vec![
        artifact("{base}.json", Content::Inline(b"{}".to_vec())),
        artifact("{base}.txt", Content::Blob { id: BlobId::of(b"text"), size: 1 << 33 }),
    ];
    let notes = vec!["page 3 has no text layer".to_owned()];
    vec![
        Manifest::default().encode(),
        Manifest { artifacts, notes, duration_us: 9, from_memo: true }.encode(),
    ]
}

/// An operation's name, then its parameters, between blanks.
fn params(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.split(' ');
    let Some(operation) = words.next().and_then(windlass_ops::find) else {
        return "no such operation".to_owned();
    };
    let pairs = words.filter_map(|word| word.split_once('='));
    let given = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let spec = operation.spec;
    let normalised = match Params::normalise(spec.name, spec.params, &given) {
        Ok(normalised) => normalised,
        Err(error) => return without_numbers(&error.to_string()),
    };
    let again = Params::normalise(spec.name, spec.params, &normalised.0);
    assert_eq!(again.as_ref(), Ok(&normalised), "what is normalised is refused or changed");
    let encoded = postcard::to_allocvec(&normalised).expect("memory takes it");
    assert_eq!(postcard::from_bytes(&encoded), Ok(normalised), "parameters do not come back");
    format!("{} with {}", spec.name, given.len())
}

/// The first byte says where the end of a long file begins, the second how long it is.
fn media(bytes: &[u8]) -> String {
    let [cut, more, file @ ..] = bytes else { return "too short".to_owned() };
    let (head, tail) = file.split_at(usize::from(*cut).min(file.len()));
    let (head, tail) = if *cut == u8::MAX { (file, &[][..]) } else { (head, tail) };
    let size = file.len() as u64 + u64::from(*more) * 1_000;
    let found = sniff(&Sample { head, tail, size });
    assert_eq!(found == Media::Empty, size == 0 || head.is_empty(), "an empty file");
    if let Some(promised) = media::by_extension(file) {
        assert!(!media::contradicts(promised, promised), "{promised:?} contradicts itself");
    }
    let is_paper = media::is_paper(found, head, size);
    format!("{found:?} {is_paper}")
}

fn beginnings() -> Vec<Vec<u8>> {
    let starts: &[&[u8]] = &[
        b"\xff\0%PDF-1.7\n",
        b"\xff\0PK\x03\x04\x14\0\0\0\0\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\x11\0\0\0word/document.xml",
        b"\x20\x09\0\0\0\x20ftypmif1\0\0\0\0heic\0\0\0\x09moov",
        b"\xff\0ID3\x04\0\0\0\0\0\x7f\xff\xfb\x90\x64",
        b"\xff\0RIFF\x20\0\0\0WEBPVP8 ",
        b"\xff\0\xff\xfea\0b\0",
        b"\xff\0<!-- a --><html>",
        b"\xff\0\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\xff\0plain text, caf\xe9",
    ];
    starts.iter().map(|start| start.to_vec()).collect()
}
