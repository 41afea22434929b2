//! What every engine promises, one test a rule, the same tests on all of them.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use windlass_core::ledger::Entry;
use windlass_core::limits::RECORD_BYTES_MAX;
use windlass_core::reign::{Found, Next, Reign};
use windlass_core::writer::{Draft, Writer};
use windlass_core::{Epoch, Incarnation, LogTime, Seq, WorkerName};
use windlass_journal::{
    AppendError, Durability, Engine, Fault, Faults, FileLog, FileSnapshots, Head, Memory,
    MemorySnapshots, Record, Snapshot, SnapshotStoreError, Snapshots, StateLock, TailError,
    TrimError,
};

/// A place where an engine keeps its log: opening it again is a restart.
enum Place {
    Memory(Memory, MemorySnapshots),
    File(tempfile::TempDir),
}

impl Place {
    fn open(&self) -> Engine {
        match self {
            Place::Memory(log, _) => {
                log.crash();
                Engine::Memory(log.clone())
            }
            Place::File(dir) => Engine::File(open_file(dir.path())),
        }
    }

    fn snapshots(&self) -> Snapshots {
        match self {
            Place::Memory(_, snapshots) => Snapshots::Memory(snapshots.clone()),
            Place::File(dir) => {
                let lock = StateLock::acquire(dir.path()).unwrap();
                Snapshots::File(FileSnapshots::open(&lock).unwrap())
            }
        }
    }
}

fn open_file(dir: &Path) -> FileLog {
    FileLog::open(&StateLock::acquire(dir).unwrap()).unwrap()
}

macro_rules! on_every_engine {
    ($($rule:ident),* $(,)?) => {
        mod memory {
            $(#[test]
            fn $rule() {
                let snapshots = super::MemorySnapshots::new();
                super::$rule(&super::Place::Memory(super::Memory::new(), snapshots));
            })*
        }
        mod file {
            $(#[test]
            fn $rule() {
                super::$rule(&super::Place::File(tempfile::tempdir().unwrap()));
            })*
        }
    };
}

on_every_engine!(
    rule_1_an_empty_log_has_head_zero,
    rule_1_acknowledged_is_visible_and_survives_a_restart,
    rule_1_append_wants_the_next_position,
    rule_1_append_wants_this_epoch_or_the_next,
    rule_1_the_limit_on_bodies_is_exact,
    rule_2_one_of_two_claims_wins,
    rule_2_a_claim_is_made_behind_everything_that_was_applied,
    rule_3_one_append_is_in_flight,
    rule_3_a_pipelined_append_is_fenced,
    rule_4_the_first_fence_ends_a_writer_for_good,
    rule_5_no_epoch_below_the_highest,
    rule_6_a_repeated_append_finds_its_own_id,
    rule_7_tail_starts_anywhere_and_has_no_gaps,
    rule_7_tail_ends_at_the_head_of_its_opening,
    rule_7_what_was_trimmed_is_told,
    rule_8_a_diverged_writer_is_refused,
    rule_8_the_chain_goes_on_behind_what_was_trimmed,
    rule_9_only_the_writer_of_the_reign_trims,
    rule_9_a_trimmed_log_opens_and_goes_on,
    rule_9_snapshots_are_whole_and_the_newest_comes_first,
);

/// Appends records of one epoch, with their numbers as ids and bodies.
fn grow(log: &mut Engine, epoch: u32, count: u64) -> Vec<Record> {
    (0..count).map(|_| push(log, epoch, &[])).collect()
}

fn push(log: &mut Engine, epoch: u32, body: &[u8]) -> Record {
    let head = log.head().unwrap();
    let seq = head.seq.next();
    let body = [&seq.0.to_le_bytes(), body].concat();
    let record = head.record(Epoch(epoch), u128::from(seq.0) << 64 | 1, body);
    assert_eq!(log.append(&record).unwrap(), seq);
    record
}

fn read(log: &mut Engine, from: u64) -> Vec<Record> {
    log.tail(Seq(from)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn rule_1_an_empty_log_has_head_zero(place: &Place) {
    let mut log = place.open();
    assert_eq!(log.head().unwrap(), Head { seq: Seq(0), epoch: Epoch(0), hash: 0 });
    assert_eq!(read(&mut log, 0), []);
    assert_eq!(read(&mut log, 1), []);
    assert_eq!(log.record_at(Seq(1)).unwrap(), None);
    let expected = match place {
        Place::Memory(..) => Durability::Process,
        Place::File(_) => Durability::Disk,
    };
    assert_eq!(log.durability(), expected);
}

fn rule_1_acknowledged_is_visible_and_survives_a_restart(place: &Place) {
    let mut log = place.open();
    let mut written = Vec::new();
    for epoch in 1..=3 {
        written.extend(grow(&mut log, epoch, 40));
        assert_eq!(log.head().unwrap(), Head::of(written.last().unwrap()));
        assert_eq!(read(&mut log, 1), written);
        drop(log);
        log = place.open();
        assert_eq!(log.head().unwrap(), Head::of(written.last().unwrap()));
        assert_eq!(read(&mut log, 1), written);
    }
}

fn rule_1_append_wants_the_next_position(place: &Place) {
    let mut log = place.open();
    let written = grow(&mut log, 1, 3);
    let head = log.head().unwrap();
    for seq in [0, 1, 2, 3, 5, u64::MAX] {
        let record = Record { seq: Seq(seq), ..head.record(Epoch(1), 9, vec![]) };
        let refused = log.append(&record).unwrap_err();
        assert!(matches!(refused, AppendError::Fenced { head: Seq(3) }), "{seq}: {refused}");
        assert!(!refused.is_fatal());
    }
    assert_eq!(read(&mut log, 1), written);
    log.append(&head.record(Epoch(1), 9, vec![])).unwrap();
}

fn rule_1_append_wants_this_epoch_or_the_next(place: &Place) {
    let mut log = place.open();
    let head = log.head().unwrap();
    let jump = log.append(&head.record(Epoch(2), 1, vec![])).unwrap_err();
    assert!(matches!(jump, AppendError::Fenced { head: Seq(0) }));
    grow(&mut log, 0, 1);
    grow(&mut log, 1, 1);
    grow(&mut log, 2, 2);
    let head = log.head().unwrap();
    for epoch in [0, 1, 4, u32::MAX] {
        let refused = log.append(&head.record(Epoch(epoch), 1, vec![])).unwrap_err();
        assert!(matches!(refused, AppendError::Fenced { head: Seq(4) }), "{epoch}: {refused}");
    }
    log.append(&head.record(Epoch(3), 1, vec![])).unwrap();
}

fn rule_1_the_limit_on_bodies_is_exact(place: &Place) {
    let mut log = place.open();
    let head = log.head().unwrap();
    let large = head.record(Epoch(1), 1, vec![7; RECORD_BYTES_MAX + 1]);
    let refused = log.append(&large).unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { max: RECORD_BYTES_MAX }));
    for byte in [7, 0, 7] {
        let head = log.head().unwrap();
        log.append(&head.record(Epoch(1), 1, vec![byte; RECORD_BYTES_MAX])).unwrap();
    }
    drop(log);
    let records = read(&mut place.open(), 1);
    let bodies: Vec<_> = records.iter().map(|it| (it.body.len(), it.body[0])).collect();
    assert_eq!(bodies, [7, 0, 7].map(|byte| (RECORD_BYTES_MAX, byte)));
}

fn rule_2_one_of_two_claims_wins(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 2);
    let seen = log.head().unwrap();
    let claims = [seen.record(Epoch(2), 21, vec![]), seen.record(Epoch(2), 22, vec![])];
    assert_eq!(log.append(&claims[0]).unwrap(), Seq(3));
    let refused = log.append(&claims[1]).unwrap_err();
    assert!(matches!(refused, AppendError::Fenced { head: Seq(3) }));
    let old_primary = seen.record(Epoch(1), 23, vec![]);
    assert!(matches!(log.append(&old_primary).unwrap_err(), AppendError::Fenced { .. }));
    assert_eq!(log.record_at(Seq(3)).unwrap().unwrap().id, 21);
}

/// Candidates that saw an older head are fenced; what they find there tells them what to do.
fn rule_2_a_claim_is_made_behind_everything_that_was_applied(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 2);
    let seen = log.head().unwrap();
    let candidate = Reign::claim(seen.seq, seen.epoch);
    let Reign::Claiming { epoch, at } = candidate else { panic!("it claims") };
    assert_eq!((epoch, at), (Epoch(2), Seq(3)));
    push(&mut log, 1, &[]);
    let refused = log.append(&seen.record(epoch, 31, vec![])).unwrap_err();
    assert!(matches!(refused, AppendError::Fenced { head: Seq(3) }));
    // An ordinary record of the old reign: it is applied, then the claim is made behind it.
    assert_eq!(log.record_at(at).unwrap().unwrap().epoch, seen.epoch);
    assert_eq!(candidate.on_fenced(Found::Ordinary), (Reign::Standby, Next::ClaimAgain));
    let head = log.head().unwrap();
    log.append(&head.record(Epoch(2), 32, vec![])).unwrap();
    // Somebody else's claim: it stays a standby.
    let late = log.append(&head.record(Epoch(2), 33, vec![])).unwrap_err();
    assert!(matches!(late, AppendError::Fenced { head: Seq(4) }));
    assert_eq!(log.record_at(Seq(4)).unwrap().unwrap().id, 32);
    let claiming = Reign::claim(head.seq, head.epoch);
    assert_eq!(claiming.on_fenced(Found::Claim), (Reign::Standby, Next::Follow));
}

fn rule_3_one_append_is_in_flight(place: &Place) {
    let mut log = place.open();
    let mut writer = Writer::new(Epoch(1), Seq(0), LogTime(0));
    let entry =
        || Entry::WorkerLeft { name: WorkerName("w".to_owned()), incarnation: Incarnation(1) };
    writer.propose(entry(), ());
    let first = writer.next(LogTime(1)).unwrap();
    writer.propose(entry(), ());
    writer.propose(entry(), ());
    assert_eq!(writer.next(LogTime(1)), None, "the first one is not answered yet");
    let append = |log: &mut Engine, draft: Draft| {
        let record = log.head().unwrap().record(draft.epoch, 1, draft.body);
        assert_eq!(log.append(&record).unwrap(), draft.seq);
    };
    append(&mut log, first);
    assert_eq!(writer.on_durable().1.len(), 1);
    append(&mut log, writer.next(LogTime(1)).unwrap());
    assert_eq!(writer.on_durable().1.len(), 2);
    assert_eq!(log.head().unwrap().seq, Seq(2));
}

/// A writer that does not wait for its answers loses every record to the one that claims.
fn rule_3_a_pipelined_append_is_fenced(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 2);
    let mut end = log.head().unwrap();
    let mut pipeline = Vec::new();
    for number in 0..32 {
        let record = end.record(Epoch(1), 100 + number, vec![]);
        end = Head::of(&record);
        pipeline.push(record);
    }
    let refused = log.append(&pipeline[1]).unwrap_err();
    assert!(matches!(refused, AppendError::Fenced { head: Seq(2) }), "the first is not there");
    push(&mut log, 2, &[]);
    for record in &pipeline {
        assert!(matches!(log.append(record).unwrap_err(), AppendError::Fenced { head: Seq(3) }));
    }
    assert_eq!(log.head().unwrap().seq, Seq(3));
}

fn rule_4_the_first_fence_ends_a_writer_for_good(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 1);
    let old = log.head().unwrap();
    let reign = Reign::Primary(Epoch(1));
    push(&mut log, 2, &[]);
    let record = old.record(Epoch(1), 7, vec![]);
    assert!(matches!(log.append(&record).unwrap_err(), AppendError::Fenced { .. }));
    let there = log.record_at(record.seq).unwrap().unwrap();
    assert!(there.id != record.id && there.epoch > record.epoch);
    let (reign, next) = reign.on_fenced(Found::Claim);
    assert_eq!((reign, next), (Reign::Deposed, Next::Follow));
    // Whatever it hears afterwards, it never writes again; the log would not take it either.
    for found in [Found::Ordinary, Found::Claim] {
        assert_eq!(reign.on_fenced(found), (Reign::Deposed, Next::Follow));
    }
    assert_eq!(reign.on_durable(), Reign::Deposed);
    let head = log.head().unwrap();
    assert!(log.append(&head.record(Epoch(1), 8, vec![])).is_err());
}

fn rule_5_no_epoch_below_the_highest(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 1);
    grow(&mut log, 2, 1);
    let head = log.head().unwrap();
    let stale = head.record(Epoch(1), 9, vec![]);
    assert!(matches!(log.append(&stale).unwrap_err(), AppendError::Fenced { .. }));
    let epochs: Vec<_> = read(&mut log, 1).iter().map(|record| record.epoch.0).collect();
    assert_eq!(epochs, [1, 2]);
}

fn rule_6_a_repeated_append_finds_its_own_id(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 1);
    let record = log.head().unwrap().record(Epoch(1), 77, b"mine".to_vec());
    log.append(&record).unwrap();
    let AppendError::Fenced { head } = log.append(&record).unwrap_err() else {
        panic!("a repeat is fenced");
    };
    assert_eq!(head, record.seq);
    assert_eq!(log.record_at(record.seq).unwrap(), Some(record.clone()));
    assert_eq!(log.record_at(record.seq.next()).unwrap(), None);
    assert_eq!(read(&mut log, 1).len(), 2);
}

fn rule_7_tail_starts_anywhere_and_has_no_gaps(place: &Place) {
    let mut log = place.open();
    let written = grow(&mut log, 1, 30);
    for from in 1..=31 {
        let start = usize::try_from(from).unwrap() - 1;
        assert_eq!(read(&mut log, from), written[start..]);
    }
    let beyond = log.tail(Seq(32)).unwrap_err();
    assert!(matches!(beyond, TailError::Gap { expected: Seq(31), found: Seq(32) }), "{beyond}");
}

fn rule_7_tail_ends_at_the_head_of_its_opening(place: &Place) {
    let mut log = place.open();
    let mut written = grow(&mut log, 1, 5);
    let mut tail = log.tail(Seq(1)).unwrap();
    assert_eq!(tail.next().unwrap().unwrap(), written[0]);
    let later = grow(&mut log, 1, 5);
    let rest: Vec<_> = tail.by_ref().collect::<Result<_, _>>().unwrap();
    assert_eq!(rest, written[1..]);
    assert!(tail.next().is_none());
    written.extend(later);
    assert_eq!(read(&mut log, 1), written);
}

fn rule_8_a_diverged_writer_is_refused(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 2);
    let head = log.head().unwrap();
    let diverged = Record { prev_hash: head.hash ^ 1, ..head.record(Epoch(1), 9, vec![]) };
    let refused = log.append(&diverged).unwrap_err();
    assert!(matches!(refused, AppendError::Diverged { seq: Seq(3) }));
    assert!(refused.is_fatal());
    assert_eq!(log.head().unwrap(), head);
}

/// Enough for three segments of the file engine; answers every record.
fn grow_large(log: &mut Engine) -> Vec<Record> {
    (0..16).map(|_| push(log, 1, &[7; 200_000])).collect()
}

fn rule_7_what_was_trimmed_is_told(place: &Place) {
    let mut log = place.open();
    let written = grow_large(&mut log);
    assert_eq!(log.first(), Seq(1));
    log.trim(Seq(12), Epoch(1)).unwrap();
    let first = log.first();
    assert!(first > Seq(1) && first <= Seq(13), "{first}");
    for from in [0, 1, first.0 - 1] {
        let refused = log.tail(Seq(from)).map(|_| ()).unwrap_err();
        assert!(matches!(refused, TailError::Trimmed { first: f } if f == first), "{refused}");
    }
    let refused = log.record_at(Seq(1)).unwrap_err();
    assert!(matches!(refused, TailError::Trimmed { .. }), "{refused}");
    let skipped = usize::try_from(first.0).unwrap() - 1;
    assert_eq!(read(&mut log, first.0), written[skipped..]);
}

fn rule_8_the_chain_goes_on_behind_what_was_trimmed(place: &Place) {
    let mut log = place.open();
    grow_large(&mut log);
    // Even when everything may go, the end stays: the next record follows it.
    let head = log.head().unwrap();
    log.trim(Seq(u64::MAX - 1), Epoch(1)).unwrap();
    assert_eq!(log.head().unwrap(), head);
    let diverged = Record { prev_hash: head.hash ^ 1, ..head.record(Epoch(1), 9, vec![]) };
    assert!(matches!(log.append(&diverged).unwrap_err(), AppendError::Diverged { .. }));
    let next = push(&mut log, 1, &[]);
    assert_eq!(next.prev_hash, head.hash);
    let first = log.first().0;
    assert_eq!(read(&mut log, first).last(), Some(&next));
}

fn rule_9_only_the_writer_of_the_reign_trims(place: &Place) {
    let mut log = place.open();
    grow_large(&mut log);
    let claim = push(&mut log, 2, &[]);
    for epoch in [0, 1, 3] {
        let refused = log.trim(Seq(12), Epoch(epoch)).unwrap_err();
        let fenced = matches!(refused, TrimError::Fenced { head } if head == claim.seq);
        assert!(fenced, "{epoch}: {refused}");
    }
    assert_eq!(log.first(), Seq(1));
    log.trim(Seq(12), Epoch(2)).unwrap();
    assert!(log.first() > Seq(1));
}

fn rule_9_a_trimmed_log_opens_and_goes_on(place: &Place) {
    let mut log = place.open();
    let written = grow_large(&mut log);
    log.trim(Seq(12), Epoch(1)).unwrap();
    let first = log.first();
    drop(log);
    let mut log = place.open();
    assert_eq!(log.first(), first);
    assert_eq!(log.head().unwrap(), Head::of(written.last().unwrap()));
    let last = push(&mut log, 1, &[]);
    let skipped = usize::try_from(first.0).unwrap() - 1;
    assert_eq!(read(&mut log, first.0), [&written[skipped..], &[last]].concat());
    // Once more, up to the same record: nothing changes.
    log.trim(Seq(12), Epoch(1)).unwrap();
    assert_eq!(log.first(), first);
}

fn rule_9_snapshots_are_whole_and_the_newest_comes_first(place: &Place) {
    let store = place.snapshots();
    assert_eq!(store.seqs().unwrap(), []);
    assert!(matches!(store.get(Seq(1)), Err(SnapshotStoreError::Missing(Seq(1)))));
    let snapshot = |seq, byte, bytes| Snapshot {
        head: Head { seq: Seq(seq), epoch: Epoch(2), hash: seq },
        body: vec![byte; bytes],
    };
    // Empty, one block exactly, and more than one.
    let kept = [snapshot(3, 1, 0), snapshot(20, 2, 1 << 20), snapshot(100, 3, 2_500_000)];
    kept.iter().for_each(|it| store.put(it).unwrap());
    let replaced = snapshot(20, 4, 77);
    store.put(&replaced).unwrap();
    drop(store);
    let store = place.snapshots();
    assert_eq!(store.seqs().unwrap(), [Seq(100), Seq(20), Seq(3)]);
    for expected in [&kept[0], &replaced, &kept[2]] {
        assert_eq!(store.get(expected.head.seq).unwrap(), *expected);
    }
    store.remove_before(Seq(20)).unwrap();
    assert_eq!(store.seqs().unwrap(), [Seq(100), Seq(20)]);
}

#[test]
fn rule_6_unknown_is_settled_by_resending() {
    for (fault, applied) in [(Fault::UnknownApplied, true), (Fault::UnknownLost, false)] {
        let memory = Memory::new();
        let mut log = Engine::Memory(memory.clone());
        let record = log.head().unwrap().record(Epoch(1), 5, b"once".to_vec());
        memory.set_faults(Faults { next_append: Some(fault) });
        assert!(matches!(log.append(&record).unwrap_err(), AppendError::Unknown(_)));
        match log.append(&record) {
            Ok(seq) => assert!(!applied && seq == Seq(1)),
            Err(AppendError::Fenced { head }) => assert!(applied && head == Seq(1)),
            Err(other) => panic!("{other}"),
        }
        assert_eq!(log.record_at(Seq(1)).unwrap(), Some(record));
        assert_eq!(log.head().unwrap().seq, Seq(1));
    }
}

#[test]
fn unavailable_changes_nothing_and_passes() {
    let memory = Memory::new();
    let mut log = Engine::Memory(memory.clone());
    let record = log.head().unwrap().record(Epoch(1), 5, vec![1]);
    memory.set_faults(Faults { next_append: Some(Fault::Unavailable) });
    assert!(matches!(log.append(&record).unwrap_err(), AppendError::Unavailable(_)));
    assert_eq!(log.head().unwrap(), Head::default());
    log.append(&record).unwrap();
    memory.crash();
    assert_eq!(log.record_at(Seq(1)).unwrap(), Some(record));
}

#[test]
fn a_reader_of_a_log_that_shrank_hears_of_it() {
    let memory = Memory::new();
    let mut log = Engine::Memory(memory);
    grow(&mut log, 1, 2);
    let mut tail = log.tail(Seq(2)).unwrap();
    assert_eq!(tail.next().unwrap().unwrap().seq, Seq(2));
    assert!(tail.next().is_none());
}
