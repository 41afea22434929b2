//! What every engine promises, one test a rule, the same tests on all of them.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use windlass_core::limits::RECORD_BYTES_MAX;
use windlass_core::{Epoch, Seq};
use windlass_journal::{
    AppendError, Durability, Engine, Fault, Faults, FileLog, Head, Memory, Record, StateLock,
    TailError,
};

/// A place where an engine keeps its log: opening it again is a restart.
enum Place {
    Memory(Memory),
    File(tempfile::TempDir),
}

impl Place {
    fn open(&self) -> Engine {
        match self {
            Place::Memory(log) => {
                log.crash();
                Engine::Memory(log.clone())
            }
            Place::File(dir) => Engine::File(open_file(dir.path())),
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
                super::$rule(&super::Place::Memory(super::Memory::new()));
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
    rule_5_no_epoch_below_the_highest,
    rule_6_a_repeated_append_finds_its_own_id,
    rule_7_tail_starts_anywhere_and_has_no_gaps,
    rule_7_tail_ends_at_the_head_of_its_opening,
    rule_8_a_diverged_writer_is_refused,
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
        Place::Memory(_) => Durability::Process,
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
