//! Snapshots in the life of a master: announced, trimmed below, restored from, compared.

#![expect(clippy::unwrap_used, reason = "a test")]

use windlass_core::ledger::{Batch, Digest, Entry, JobSpec, Ledger, PhaseSpec, SnapshotId};
use windlass_core::limits::SNAPSHOT_KB_MIN;
use windlass_core::params::Params;
use windlass_core::reign::Found;
use windlass_core::{Epoch, LogTime, RequestId, Seq};
use windlass_journal::{
    Engine, Fault, Faults, FileLog, FileSnapshots, Head, Memory, MemorySnapshots, Snapshot,
    Snapshots, StateLock,
};
use windlass_master::audit::Audit;
use windlass_master::recovery::{Replay, found, restore};
use windlass_master::{Master, MasterError, Options};

/// A submission of 400 KB, so that a few of them reach the next snapshot point.
fn spec(number: u64) -> JobSpec {
    let params = Params([("cmd".to_owned(), "x".repeat(57_000))].into());
    let phase = PhaseSpec { params, ..PhaseSpec::plain("command", 1) };
    JobSpec { name: number.to_string(), fingerprint: 0, phases: vec![phase; 7], memorandum: None }
}

fn start(journal: Engine, snapshots: Snapshots) -> Master {
    let options = Options { journal, snapshots, holder: "test".to_owned(), seed: 1 };
    Master::start(options).unwrap()
}

/// Submits jobs until something holds; each submission is a turn of the loop.
fn submit_until(master: &Master, next: &mut u64, holds: impl Fn() -> bool) {
    let first = *next;
    while !holds() {
        assert!(*next < first + 400, "it does not come");
        master.handle().submit(RequestId(u128::from(*next)), spec(*next)).unwrap();
        *next += 1;
    }
}

#[test]
fn snapshots_are_announced_and_the_log_before_them_goes() {
    let (log, store) = (Memory::new(), MemorySnapshots::new());
    let snapshots = Snapshots::Memory(store);
    let first = || Engine::Memory(log.clone()).first();
    let mut next = 0;
    let master = start(Engine::Memory(log.clone()), snapshots.clone());
    submit_until(&master, &mut next, || first() > Seq(1));
    master.stop();
    // The log begins behind the second newest snapshot, and that one is the oldest kept.
    let kept = snapshots.seqs().unwrap();
    assert_eq!(kept.last().copied().map(Seq::next), Some(first()));
    let mut journal = Engine::Memory(log.clone());
    let restored = restore(&mut journal, &snapshots).unwrap();
    assert_eq!(restored.notes, Vec::<String>::new());
    assert_eq!(restored.replay.ledger.jobs.len() as u64, next);
    // A second reign goes on from there.
    let master = start(Engine::Memory(log.clone()), snapshots.clone());
    assert_eq!(master.handle().jobs().unwrap().len() as u64, next);
    let before = first();
    submit_until(&master, &mut next, || first() > before);
    master.stop();
}

#[test]
fn a_full_disk_is_waited_for_and_told() {
    let log = Memory::new();
    let master = start(Engine::Memory(log.clone()), Snapshots::Memory(MemorySnapshots::new()));
    let handle = master.handle();
    assert!(!handle.waits_for_room());
    log.set_faults(Faults { next_append: Some(Fault::Unavailable) });
    std::thread::scope(|scope| {
        let submitting = scope.spawn(|| handle.submit(RequestId(1), spec(1)));
        // Questions are answered all the while.
        while !handle.waits_for_room() && !submitting.is_finished() {
            assert_eq!(handle.jobs().unwrap().len(), 0);
        }
        assert!(submitting.join().unwrap().unwrap().1, "it was recorded when there was room");
    });
    assert!(!handle.waits_for_room());
    assert_eq!(handle.jobs().unwrap().len(), 1);
    master.stop();
}

/// A log whose every record submits a large job, and the states at its points.
struct Grown {
    log: Memory,
    points: Vec<(Head, Ledger)>,
}

impl Grown {
    /// Appends and applies records until there are so many points.
    fn to(point_count: usize) -> Grown {
        let mut grown = Grown { log: Memory::new(), points: Vec::new() };
        let mut replay = Replay::default();
        let mut number = 0;
        while grown.points.len() < point_count {
            let request = RequestId(number);
            let spec = spec(u64::try_from(number).unwrap());
            grown.append(&mut replay, &Entry::JobSubmitted { request, spec }).unwrap();
            number += 1;
            if let Some((seq, _, ledger)) = replay.marks.newest()
                && grown.points.last().is_none_or(|(head, _)| head.seq < seq)
            {
                assert_eq!(seq, replay.head.seq);
                grown.points.push((replay.head, ledger.clone()));
            }
        }
        grown
    }

    fn append(&self, replay: &mut Replay, entry: &Entry) -> Result<(), MasterError> {
        let mut body = Vec::new();
        Batch::begin(LogTime(5), &mut body);
        entry.encode(&mut body);
        let record = replay.head.record(Epoch(0), 1, body);
        Engine::Memory(self.log.clone()).append(&record).unwrap();
        replay.apply(&record)
    }

    fn snapshot(&self, point: usize) -> Snapshot {
        let (head, ledger) = &self.points[point];
        Snapshot { head: *head, body: ledger.encode_snapshot() }
    }

    fn restore(
        &self,
        kept: &[Snapshot],
    ) -> Result<windlass_master::recovery::Restored, MasterError> {
        let snapshots = Snapshots::Memory(MemorySnapshots::new());
        kept.iter().for_each(|snapshot| snapshots.put(snapshot).unwrap());
        restore(&mut Engine::Memory(self.log.clone()), &snapshots)
    }
}

#[test]
fn every_start_leads_to_the_same_state() {
    let grown = Grown::to(3);
    let whole = grown.restore(&[]).unwrap().replay;
    for kept in [vec![0], vec![1], vec![0, 1], vec![1, 2], vec![2]] {
        let kept: Vec<_> = kept.into_iter().map(|point| grown.snapshot(point)).collect();
        let restored = grown.restore(&kept).unwrap();
        assert_eq!(restored.replay.ledger, whole.ledger);
        assert_eq!(restored.replay.head, whole.head);
        assert_eq!(restored.replay.points, whole.points, "the next snapshot is taken there too");
        assert!(restored.notes.is_empty());
    }
}

#[test]
fn a_damaged_snapshot_is_passed_over_and_told() {
    let grown = Grown::to(2);
    let mut damaged = grown.snapshot(1);
    damaged.body[40] ^= 0xff;
    damaged.body.truncate(2_000);
    let restored = grown.restore(&[grown.snapshot(0), damaged.clone()]).unwrap();
    assert_eq!(restored.replay.ledger, grown.points[1].1);
    assert!(restored.notes[0].contains("older state"), "{:?}", restored.notes);
    // With the log before it gone, there is nothing to begin with.
    Engine::Memory(grown.log.clone()).trim(Seq(3), Epoch(0)).unwrap();
    let refused = grown.restore(&[damaged]).unwrap_err();
    assert!(matches!(refused, MasterError::NoSnapshot { first: Seq(4), .. }), "{refused}");
}

#[test]
fn a_log_that_lost_what_a_snapshot_holds_is_refused() {
    let grown = Grown::to(1);
    let longer = Grown::to(2);
    let refused = grown.restore(&[longer.snapshot(1)]).unwrap_err();
    assert!(matches!(refused, MasterError::LogLost { .. }), "{refused}");
    // The same length, but another last record.
    let mut other = grown.snapshot(0);
    other.head.hash ^= 1;
    let refused = grown.restore(&[other]).unwrap_err();
    assert!(matches!(refused, MasterError::LogLost { .. }), "{refused}");
}

#[test]
fn records_of_another_log_do_not_follow_a_snapshot() {
    let grown = Grown::to(2);
    let mut other = grown.snapshot(0);
    other.head.hash ^= 1;
    let refused = grown.restore(&[other]).unwrap_err();
    assert!(matches!(refused, MasterError::NotNext { .. }), "{refused}");
}

#[test]
fn a_master_that_went_astray_halts_at_the_announcement() {
    for wrong in [false, true] {
        let grown = Grown::to(1);
        let mut replay = grown.restore(&[]).unwrap().replay;
        let snapshot = grown.snapshot(0);
        let mut digest = Digest::of(&snapshot.body);
        digest.0[0] ^= u8::from(wrong);
        let head = snapshot.head;
        let announced = SnapshotId { seq: head.seq, hash: head.hash, digest };
        let applied = grown.append(&mut replay, &Entry::SnapshotTaken(announced));
        let restored = grown.restore(&[]).map(|restored| restored.replay.ledger.snapshots);
        if wrong {
            assert!(matches!(applied, Err(MasterError::Diverged { .. })));
            assert!(matches!(restored, Err(MasterError::Diverged { seq }) if seq == head.seq));
        } else {
            assert_eq!(restored.unwrap(), [announced]);
        }
    }
}

/// A state in files, with two snapshots, some log before them gone and some behind them.
fn grown_in_files(state: &std::path::Path) -> u64 {
    let lock = StateLock::acquire(state).unwrap();
    let journal = Engine::File(FileLog::open(&lock).unwrap());
    let master = start(journal, Snapshots::File(FileSnapshots::open(&lock).unwrap()));
    let store = FileSnapshots::look_at(state);
    let first_segment = state.join("journal/00000000000000000001.log");
    let mut next = 0;
    submit_until(&master, &mut next, || !first_segment.exists());
    assert!(store.path(Seq(1)).parent().unwrap().is_dir());
    let held = Audit::of(state).unwrap();
    assert!(held.is_sound(), "{held:?}");
    assert_ne!(held.holder, windlass_journal::Holder::Nobody);
    master.stop();
    next
}

#[test]
fn an_audit_tells_what_a_state_holds_and_where_it_is_damaged() {
    let state = tempfile::tempdir().unwrap();
    let jobs = grown_in_files(state.path());
    let audit = Audit::of(state.path()).unwrap();
    assert!(audit.is_sound(), "{:?}", audit.faults);
    assert_eq!(audit.ledger.jobs.len() as u64, jobs);
    assert_eq!(audit.built, audit.survey.head);
    assert!(audit.snapshots.iter().all(|it| it.bytes.is_some() && it.agrees != Some(false)));
    assert!(audit.snapshots.iter().any(|it| it.agrees == Some(true)));

    let newest = &audit.snapshots[0].path;
    let sound = std::fs::read(newest).unwrap();
    let mut damaged = sound.clone();
    damaged[1_000] ^= 1;
    std::fs::write(newest, &damaged).unwrap();
    let audit = Audit::of(state.path()).unwrap();
    assert!(!audit.is_sound() && audit.faults[0].contains("byte 52"), "{:?}", audit.faults);
    assert_eq!(audit.ledger.jobs.len() as u64, jobs, "the older snapshot leads there too");
    assert!(audit.opens());
    std::fs::write(newest, &sound).unwrap();

    let segment = &audit.survey.segments[0].path;
    let mut log = std::fs::read(segment).unwrap();
    log[700] ^= 1;
    std::fs::write(segment, &log).unwrap();
    let audit = Audit::of(state.path()).unwrap();
    assert!(audit.survey.damages[0].to_string().contains("byte 512"), "{:?}", audit.survey.damages);
    assert!(!audit.opens());
}

/// How far the points are apart is part of what masters must agree on.
#[test]
fn the_distance_of_points_is_pinned() {
    assert_eq!(SNAPSHOT_KB_MIN, 4 << 10);
}

#[test]
fn a_late_append_below_a_trimmed_log_is_of_an_earlier_reign() {
    let log = Memory::new();
    let mut journal = Engine::Memory(log);
    let late = journal.head().unwrap().record(Epoch(0), 7, vec![1]);
    for _ in 0..3 {
        let record = journal.head().unwrap().record(Epoch(1), 9, vec![2]);
        journal.append(&record).unwrap();
    }
    assert_eq!(found(&mut journal, &late).unwrap(), Found::Claim);
    journal.trim(Seq(2), Epoch(1)).unwrap();
    assert_eq!(found(&mut journal, &late).unwrap(), Found::Claim);
}
