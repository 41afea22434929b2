//! Every entry comes back as it was written, and nothing else is taken for one.

use super::*;
use crate::Seq;
use crate::ids::{AttemptId, BlobId, Epoch, JobId, PhaseId, PhaseIndex, Round, TaskIndex};
use crate::ledger::{ChunkRef, Digest, IndexRange, OnFailure, PhaseSpec, Results, SnapshotId};
use crate::params::Params;
use crate::tokens::{Role, TokenId};
use crate::{Failure, Incarnation, RequestId, WorkerName};
use proptest::prelude::*;

fn one_of_each() -> Vec<Entry> {
    let phase = PhaseId { job: JobId(7), phase: PhaseIndex(1) };
    let attempt = AttemptId { epoch: Epoch(2), counter: 9 };
    let task = phase.task(TaskIndex(3));
    let worker = || WorkerName("w".into());
    let failed = |worker| {
        let failure = Failure::rejected("code", "cause", "next");
        Entry::AttemptFailed { task, round: Round(0), attempt, failure, worker }
    };
    let incarnation = Incarnation(3);
    let results = Results::Manifests(vec![BlobId::of(b"a")]);
    let mut entries = vec![
        Entry::Genesis { cluster: 1, format: 1 },
        Entry::Claim { epoch: Epoch(1), holder: "pid 1".to_owned() },
        Entry::VersionRaised { version: 1 },
        Entry::JobSubmitted { request: RequestId(4), spec: job_spec() },
        Entry::TasksAdded { phase, first: TaskIndex(0), count: 2, chunk: ChunkRef::Count },
        Entry::PhaseSealed { phase },
        Entry::TasksSettled {
            runs: vec![SettledRun {
                phase,
                round: Round(0),
                first: TaskIndex(0),
                attempt,
                results,
            }],
        },
        failed(None),
        failed(Some(worker())),
        Entry::WorkerLost { task, round: Round(0), attempt, worker: WorkerName("w".into()) },
        Entry::TasksReopened {
            phase,
            tasks: vec![IndexRange { first: TaskIndex(0), count: 4 }],
            why: "asked".to_owned(),
        },
        Entry::JobCancelled { job: JobId(1), why: "asked".to_owned() },
        Entry::WorkerJoined { name: worker(), incarnation, in_process: true },
        Entry::WorkerLeft { name: worker(), incarnation },
        Entry::WorkerDrained { name: worker(), on: true },
        Entry::SnapshotTaken(SnapshotId { seq: Seq(9), hash: 7, digest: Digest([5; 32]) }),
        Entry::SettingChanged { name: "memo_mb_max".to_owned(), value: 5 },
        Entry::JobForgotten { job: JobId(9) },
        Entry::JobPaused { job: JobId(9), on: true, by: "ada".to_owned() },
        Entry::SweepBegun(super::super::Sweep {
            marked_at: LogTime(12),
            first: 16,
            last: 31,
            empties_trash: true,
        }),
        Entry::TokenAdded {
            id: TokenId(0x0a0b_0c0d),
            hash: [7; 32],
            role: Role::Client,
            name: "laptop".to_owned(),
            expires_at: LogTime(99),
        },
        Entry::TokenRevoked { id: TokenId(3) },
    ];
    entries.extend(of_record_sets());
    entries
}

fn job_spec() -> super::super::JobSpec {
    super::super::JobSpec {
        name: "job".to_owned(),
        fingerprint: 5,
        phases: Vec::new(),
        memorandum: Some(BlobId::of(b"m")),
    }
}

fn of_record_sets() -> [Entry; 2] {
    let set = crate::records::RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: Vec::new(),
        shards: vec!["all=*".parse().expect("a shard")].try_into().expect("fit"),
        replica_count: 2,
    };
    let stored =
        vec![crate::records::StoredShard { blob: BlobId::of(b"s"), size: 9, row_count: 1 }];
    let dropped = Entry::RecordsDropped { name: "people".parse().expect("a name") };
    [Entry::RecordsLoaded { set, stored, replaces: true }, dropped]
}

fn encoded(entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::new();
    Batch::begin(LogTime(77), &mut body);
    entries.iter().for_each(|entry| entry.encode(&mut body));
    body
}

#[test]
fn every_entry_round_trips() {
    let entries = one_of_each();
    let batch = Batch::decode(&encoded(&entries)).expect("decodes");
    assert_eq!(batch, Batch { at: LogTime(77), entries });
}

#[test]
fn unknown_kinds_and_versions_stop_the_reader() {
    let mut body = encoded(&one_of_each()[..1]);
    body[Batch::HEADER_BYTES + 2] = 9;
    assert_eq!(Batch::decode(&body), Err(CodecError::Unknown { kind: 1, version: 9 }));
    body[0] = 3;
    assert_eq!(Batch::decode(&body), Err(CodecError::BatchVersion(3)));
}

#[test]
fn a_cluster_of_a_newer_version_stops_the_reader() {
    let raised = |version| Batch::decode(&encoded(&[Entry::VersionRaised { version }]));
    assert!(raised(CLUSTER_VERSION).is_ok());
    let newer = CLUSTER_VERSION + 1;
    assert_eq!(raised(newer), Err(CodecError::ClusterVersion(newer)));
    let ledger = crate::ledger::Ledger { version: newer, ..Default::default() };
    let read = crate::ledger::Ledger::decode_snapshot(&ledger.encode_snapshot());
    assert_eq!(read, Err(crate::ledger::SnapshotError::ClusterVersion(newer)));
}

#[test]
fn every_truncation_is_an_error_or_a_shorter_batch() {
    let entries = one_of_each();
    let body = encoded(&entries);
    for length in 0..body.len() {
        if let Ok(batch) = Batch::decode(&body[..length]) {
            assert!(batch.entries.len() < entries.len(), "at {length}");
        }
    }
}

/// As version 1 wrote it: a phase without `fresh`.
#[test]
fn jobs_of_version_1_are_read() {
    #[derive(Serialize)]
    struct OldPhase(String, u32, Params, Vec<PhaseIndex>, OnFailure);
    let params = Params([("width".to_owned(), "5".to_owned())].into());
    let on_failure = OnFailure::Stop;
    let old = OldPhase("image".to_owned(), 3, params.clone(), Vec::new(), on_failure);
    let old_spec = ("job", 5_u128, vec![old], Some(BlobId::of(b"m")));
    let mut body = Vec::new();
    Batch::begin(LogTime(77), &mut body);
    frame(&mut body, kind::JOB_SUBMITTED, &(RequestId(4), old_spec));
    let phase = PhaseSpec {
        operation: "image".to_owned(),
        version: 3,
        params,
        after: Vec::new(),
        on_failure,
        fresh: false,
        derived: None,
    };
    let spec = super::super::JobSpec {
        name: "job".to_owned(),
        fingerprint: 5,
        phases: vec![phase],
        memorandum: Some(BlobId::of(b"m")),
    };
    let wanted = Entry::JobSubmitted { request: RequestId(4), spec };
    assert_eq!(Batch::decode(&body).expect("decodes").entries, [wanted]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Batch::decode(&bytes);
    }
}

/// The bytes of tokens are these for ever.
#[test]
fn tokens_keep_their_bytes() {
    let entries = one_of_each();
    let added = entries.iter().find(|entry| matches!(entry, Entry::TokenAdded { .. }));
    let mut bytes = Vec::new();
    added.expect("one of each").encode(&mut bytes);
    let mut expected = vec![50, 0, 1, 45, 0, 0, 0, 0x8d, 0x98, 0xac, 0x50];
    expected.extend_from_slice(&[7; 32]);
    expected.extend_from_slice(&[1, 6]);
    expected.extend_from_slice(b"laptop");
    expected.push(99);
    assert_eq!(bytes, expected);
    let revoked = entries.iter().find(|entry| matches!(entry, Entry::TokenRevoked { .. }));
    bytes.clear();
    revoked.expect("one of each").encode(&mut bytes);
    assert_eq!(bytes, [51, 0, 1, 1, 0, 0, 0, 3]);
}
