//! Snapshots: equal states give equal bytes, and nothing else is taken for one.

use super::*;
use crate::ids::{AttemptId, Epoch, PhaseId, PhaseIndex, Round, TaskIndex, WorkerName};
use crate::ledger::{
    ChunkRef, Entry, IndexRange, JobSpec, OnFailure, PhaseSpec, Results, Setting, SettledRun, Sweep,
};
use crate::params::Params;
use crate::plan::{Derived, Share, Take, TaskCount};
use crate::random::SplitMix64;
use crate::records::{RecordSet, StoredShard};
use crate::tokens::{Role, TokenId};
use crate::{Failure, FailureKind, Incarnation};
use proptest::prelude::*;

const ATTEMPT: AttemptId = AttemptId { epoch: Epoch(1), counter: 1 };

fn submitted(request: u64, phase_count: u16) -> Entry {
    let phase = |position: u16| PhaseSpec {
        operation: "noop".to_owned(),
        version: 1,
        params: Params([("count".to_owned(), "3".to_owned())].into()),
        after: (0..position).map(PhaseIndex).collect(),
        on_failure: OnFailure::Continue,
        fresh: request.is_multiple_of(2),
        derived: (position > 0 && request.is_multiple_of(3)).then(|| Derived {
            count: TaskCount::EachOf(PhaseIndex(0)),
            takes: vec![Take { phase: PhaseIndex(0), share: Share::Whole }],
        }),
    };
    let spec = JobSpec {
        name: format!("job {request}"),
        fingerprint: 1,
        phases: (0..phase_count).map(phase).collect(),
        memorandum: Some(BlobId::of(b"m")),
    };
    Entry::JobSubmitted { request: RequestId(u128::from(request)), spec }
}

fn any_records_entry(random: &mut SplitMix64) -> Entry {
    let name = format!("set{}", random.below(4)).parse().expect("a name");
    if random.below(2) == 0 {
        return Entry::RecordsDropped { name };
    }
    let set = RecordSet {
        name,
        key: "name".parse().expect("a name"),
        indexed: vec!["year".parse().expect("a name")],
        shards: vec!["all=*".parse().expect("a shard")].try_into().expect("fit"),
        replica_count: 1,
    };
    let stored = vec![StoredShard { blob: BlobId::of(b"shard"), size: 9, row_count: 2 }];
    Entry::RecordsLoaded { set, stored, replaces: random.below(2) == 0 }
}

fn any_entry(random: &mut SplitMix64, ledger: &Ledger) -> Entry {
    let job = JobId(1 + random.below(4));
    let phase = PhaseId { job, phase: PhaseIndex(random.below(2) as u16) };
    let task_count = ledger.phase(phase).map_or(0, |phase| phase.tasks.len());
    let index = TaskIndex(random.below(u64::from(task_count) + 1) as u32);
    let round = Round(random.below(2) as u16);
    let task = phase.task(index);
    match random.below(21) {
        0 => submitted(random.below(6), 1 + random.below(2) as u16),
        1 | 2 => {
            let count = 1 + random.below(3_000) as u32;
            let chunk = match random.below(3) {
                0 => ChunkRef::Count,
                1 => ChunkRef::Inline(vec![7; 40]),
                _ => ChunkRef::Blob(BlobId::of(b"chunk")),
            };
            Entry::TasksAdded { phase, first: TaskIndex(task_count), count, chunk }
        }
        3 => Entry::PhaseSealed { phase },
        4..=6 => {
            let count = 1 + random.below(400);
            let results = if random.below(2) == 0 {
                Results::Empty(count as u32)
            } else {
                Results::Manifests((0..count).map(|n| BlobId::of(&n.to_le_bytes())).collect())
            };
            let run = SettledRun { phase, round, first: index, attempt: ATTEMPT, results };
            Entry::TasksSettled { runs: vec![run] }
        }
        7 => {
            let kind = [FailureKind::Rejected, FailureKind::Crashed][random.below(2) as usize];
            let failure = Failure::new(kind, "code", "cause", "next");
            let worker = (random.below(2) == 0).then(|| WorkerName("w".into()));
            Entry::AttemptFailed { task, round, attempt: ATTEMPT, failure, worker }
        }
        8 => Entry::WorkerLost { task, round, attempt: ATTEMPT, worker: WorkerName("w".into()) },
        9 => {
            let tasks = vec![IndexRange { first: TaskIndex(0), count: 900 }];
            Entry::TasksReopened { phase, tasks, why: "asked".to_owned() }
        }
        10 if random.below(9) == 0 => Entry::JobCancelled { job, why: "asked".to_owned() },
        10 => Entry::SnapshotTaken(SnapshotId {
            seq: Seq(random.below(1_000)),
            hash: random.next_u64(),
            digest: Digest([1; 32]),
        }),
        12 => Entry::JobForgotten { job },
        17 => Entry::JobPaused { job, on: random.below(3) > 0, by: "ada".to_owned() },
        13 => Entry::SettingChanged {
            name: Setting::ALL[random.below(7) as usize].spec().name.to_owned(),
            value: 1 + random.below(40),
        },
        14 => Entry::SweepBegun(Sweep {
            marked_at: ledger.time,
            first: 0,
            last: 255,
            empties_trash: random.below(2) == 0,
        }),
        15 | 16 => any_token_entry(random, ledger.time),
        18 | 19 => any_records_entry(random),
        11 => Entry::WorkerDrained {
            name: WorkerName(format!("w{}", random.below(5))),
            on: random.below(2) == 0,
        },
        _ => Entry::WorkerJoined {
            name: WorkerName(format!("w{}", random.below(5))),
            incarnation: Incarnation(1),
            in_process: random.below(2) == 0,
        },
    }
}

fn any_token_entry(random: &mut SplitMix64, now: LogTime) -> Entry {
    let id = TokenId(random.below(6) as u32);
    if random.below(2) == 0 {
        return Entry::TokenRevoked { id };
    }
    Entry::TokenAdded {
        id,
        hash: [random.below(9) as u8; 32],
        role: Role::ALL[random.below(2) as usize],
        name: "laptop".to_owned(),
        expires_at: LogTime(now.0 + random.below(3)),
    }
}

/// A ledger that a few hundred random entries built.
fn any_ledger(seed: u64) -> Ledger {
    let mut random = SplitMix64::new(seed);
    let mut ledger = Ledger::default();
    let mut out = Vec::new();
    ledger.apply(LogTime(1), &Entry::Genesis { cluster: 9, format: 1 }, &mut out);
    ledger.apply(LogTime(1), &Entry::Claim { epoch: Epoch(1), holder: String::new() }, &mut out);
    for step in 0..300 {
        let entry = any_entry(&mut random, &ledger);
        ledger.apply(LogTime(step * 50), &entry, &mut out);
        out.clear();
    }
    ledger
}

#[test]
fn snapshots_round_trip_and_behave_like_the_original() {
    for seed in 0..40 {
        let mut ledger = any_ledger(seed);
        let bytes = ledger.encode_snapshot();
        let mut read = Ledger::decode_snapshot(&bytes).expect("decodes");
        assert_eq!(read, ledger, "seed {seed}");
        assert_eq!(read.encode_snapshot(), bytes);
        // What comes after does the same to both.
        let mut random = SplitMix64::new(seed + 1_000);
        for step in 0..60 {
            let entry = any_entry(&mut random, &ledger);
            let (mut one, mut other) = (Vec::new(), Vec::new());
            ledger.apply(LogTime(step * 90), &entry, &mut one);
            read.apply(LogTime(step * 90), &entry, &mut other);
            assert_eq!(one, other, "seed {seed}: {entry:?}");
        }
        assert_eq!(read, ledger);
    }
}

/// A state that grew in other steps, or was copied and changed, has the same bytes.
#[test]
fn equal_states_have_equal_bytes() {
    let ledger = any_ledger(3);
    let held = ledger.clone();
    let mut changed = ledger.clone();
    let mut out = Vec::new();
    let joined = |incarnation| Entry::WorkerJoined {
        name: WorkerName("x".into()),
        incarnation: Incarnation(incarnation),
        in_process: true,
    };
    changed.apply(LogTime(99_999), &joined(1), &mut out);
    assert_ne!(changed.encode_snapshot(), ledger.encode_snapshot());
    assert_eq!(held.encode_snapshot(), ledger.encode_snapshot());
}

#[test]
fn every_truncation_is_refused() {
    let bytes = any_ledger(5).encode_snapshot();
    let near_ends = (0..200).chain(bytes.len() - 200..bytes.len());
    for end in near_ends.chain((200..bytes.len()).step_by(997)) {
        assert!(Ledger::decode_snapshot(&bytes[..end]).is_err(), "at {end}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(Ledger::decode_snapshot(&longer).is_err());
}

#[test]
fn unknown_versions_and_sections_are_named() {
    let bytes = Ledger::default().encode_snapshot();
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        Ledger::decode_snapshot(&bytes)
    };
    assert_eq!(with(0, 2), Err(SnapshotError::Version(2)));
    assert_eq!(with(3, 2), Err(SnapshotError::Unknown { kind: 1, version: 2 }));
    assert_eq!(with(1, 77), Err(SnapshotError::Unknown { kind: 77, version: 1 }));
    let misplaced = SnapshotError::Damaged { at: 1, what: "a section is out of place" };
    assert_eq!(with(1, 99), Err(misplaced));
}

proptest! {
    /// A ledger read from damaged bytes is refused, or is one on which everything works.
    #[test]
    fn damaged_snapshots_never_panic(
        seed in 0_u64..20, flips in prop::collection::vec(any::<(u32, u8)>(), 1..4)
    ) {
        let mut bytes = any_ledger(seed).encode_snapshot();
        for (at, byte) in flips {
            let at = at as usize % bytes.len();
            bytes[at] ^= byte;
        }
        if let Ok(mut ledger) = Ledger::decode_snapshot(&bytes) {
            let mut random = SplitMix64::new(seed);
            let mut out = Vec::new();
            for _ in 0..100 {
                let entry = any_entry(&mut random, &ledger);
                ledger.apply(LogTime(5), &entry, &mut out);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Ledger::decode_snapshot(&[&[SNAPSHOT_VERSION], bytes.as_slice()].concat());
    }
}
