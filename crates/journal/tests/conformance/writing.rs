//! Rules 1 to 6: what is appended, by whom, and when it is refused.

use super::place::{Place, grow, push, read};
use windlass_core::ledger::Entry;
use windlass_core::limits::RECORD_BYTES_MAX;
use windlass_core::reign::{Found, Next, Reign};
use windlass_core::writer::{Draft, Writer};
use windlass_core::{Epoch, Incarnation, LogTime, Seq, Tick, WorkerName};
use windlass_journal::{AppendError, Durability, Engine, Head, Record};

pub(super) fn rule_1_an_empty_log_has_head_zero(place: &Place) {
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

pub(super) fn rule_1_acknowledged_is_visible_and_survives_a_restart(place: &Place) {
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

pub(super) fn rule_1_append_wants_the_next_position(place: &Place) {
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

pub(super) fn rule_1_append_wants_this_epoch_or_the_next(place: &Place) {
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

pub(super) fn rule_1_the_limit_on_bodies_is_exact(place: &Place) {
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

pub(super) fn rule_2_one_of_two_claims_wins(place: &Place) {
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
pub(super) fn rule_2_a_claim_is_made_behind_everything_that_was_applied(place: &Place) {
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

pub(super) fn rule_3_one_append_is_in_flight(place: &Place) {
    let mut log = place.open();
    let mut writer = Writer::new(Epoch(1), Seq(0), LogTime(0));
    let entry =
        || Entry::WorkerLeft { name: WorkerName("w".to_owned()), incarnation: Incarnation(1) };
    writer.propose(entry(), ());
    let first = writer.next(Tick(0), LogTime(1)).unwrap();
    writer.propose(entry(), ());
    writer.propose(entry(), ());
    assert_eq!(writer.next(Tick(0), LogTime(1)), None, "the first one is not answered yet");
    let append = |log: &mut Engine, draft: Draft| {
        let record = log.head().unwrap().record(draft.epoch, 1, draft.body);
        assert_eq!(log.append(&record).unwrap(), draft.seq);
    };
    append(&mut log, first);
    assert_eq!(writer.on_durable().1.len(), 1);
    append(&mut log, writer.next(Tick(0), LogTime(1)).unwrap());
    assert_eq!(writer.on_durable().1.len(), 2);
    assert_eq!(log.head().unwrap().seq, Seq(2));
}

/// A writer that does not wait for its answers loses every record to the one that claims.
pub(super) fn rule_3_a_pipelined_append_is_fenced(place: &Place) {
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

pub(super) fn rule_4_the_first_fence_ends_a_writer_for_good(place: &Place) {
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

pub(super) fn rule_5_no_epoch_below_the_highest(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 1);
    grow(&mut log, 2, 1);
    let head = log.head().unwrap();
    let stale = head.record(Epoch(1), 9, vec![]);
    assert!(matches!(log.append(&stale).unwrap_err(), AppendError::Fenced { .. }));
    let epochs: Vec<_> = read(&mut log, 1).iter().map(|record| record.epoch.0).collect();
    assert_eq!(epochs, [1, 2]);
}

pub(super) fn rule_6_a_repeated_append_finds_its_own_id(place: &Place) {
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
