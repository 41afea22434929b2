//! Rules 7 to 9: what is read back, trimmed and kept as snapshots.

use super::place::{Place, grow, grow_large, push, read};
use windlass_core::{Epoch, Seq};
use windlass_journal::{
    AppendError, Head, Record, Snapshot, SnapshotStoreError, TailError, TrimError,
};

pub(super) fn rule_7_tail_starts_anywhere_and_has_no_gaps(place: &Place) {
    let mut log = place.open();
    let written = grow(&mut log, 1, 30);
    for from in 1..=31 {
        let start = usize::try_from(from).unwrap() - 1;
        assert_eq!(read(&mut log, from), written[start..]);
    }
    let beyond = log.tail(Seq(32)).unwrap_err();
    assert!(matches!(beyond, TailError::Gap { expected: Seq(31), found: Seq(32) }), "{beyond}");
}

pub(super) fn rule_7_tail_ends_at_the_head_of_its_opening(place: &Place) {
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

pub(super) fn rule_8_a_diverged_writer_is_refused(place: &Place) {
    let mut log = place.open();
    grow(&mut log, 1, 2);
    let head = log.head().unwrap();
    let diverged = Record { prev_hash: head.hash ^ 1, ..head.record(Epoch(1), 9, vec![]) };
    let refused = log.append(&diverged).unwrap_err();
    assert!(matches!(refused, AppendError::Diverged { seq: Seq(3) }));
    assert!(refused.is_fatal());
    assert_eq!(log.head().unwrap(), head);
}

pub(super) fn rule_7_what_was_trimmed_is_told(place: &Place) {
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

pub(super) fn rule_8_the_chain_goes_on_behind_what_was_trimmed(place: &Place) {
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

pub(super) fn rule_9_only_the_writer_of_the_reign_trims(place: &Place) {
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

pub(super) fn rule_9_a_trimmed_log_opens_and_goes_on(place: &Place) {
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

pub(super) fn rule_9_snapshots_are_whole_and_the_newest_comes_first(place: &Place) {
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
