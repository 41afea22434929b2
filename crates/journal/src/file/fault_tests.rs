//! A workload on a disk whose every step fails, is torn, or loses the power, each in its turn.
//!
//! Whatever happens, what was acknowledged is there when the log is opened again, and nothing but
//! the one record that was under way has come to it.

use super::log::FileLog;
use super::segment;
use crate::disk::faulty::{Fault, FaultyDisk, Loss};
use crate::engine::{AppendError, Head, Room};
use crate::lock::StateLock;
use crate::record::Record;
use crate::snapshots::{FileSnapshots, Snapshot, Snapshots};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use windlass_core::{Epoch, Seq};

const EPOCH: Epoch = Epoch(1);

/// What somebody was told.
#[derive(Debug, Default)]
struct Told {
    acknowledged: Vec<Record>,
    /// Asked for and not answered.
    under_way: Option<Record>,
    trimmed_to: Seq,
    snapshots: Vec<Snapshot>,
    removed_before: Seq,
}

/// A process that works until something ends it.
struct Process {
    log: FileLog,
    snapshots: Snapshots,
}

impl Process {
    fn start(disk: &Arc<FaultyDisk>, state: &Path) -> Result<Process, String> {
        let lock = StateLock::acquire(state).unwrap();
        let log = FileLog::open_on(disk.clone(), &lock).map_err(|error| error.to_string())?;
        let snapshots =
            FileSnapshots::open_on(disk.clone(), &lock).map_err(|error| error.to_string())?;
        Ok(Process { log, snapshots: Snapshots::File(snapshots) })
    }

    /// `None`: the process has ended.
    fn append(&mut self, told: &mut Told, body: Vec<u8>, room: Room) -> Option<()> {
        let head = told.acknowledged.last().map(Head::of).unwrap_or_default();
        let record = head.record(EPOCH, u128::from(head.seq.0) + 9, body);
        told.under_way = Some(record.clone());
        for _ in 0..3 {
            match self.log.append(&record, room) {
                Ok(seq) => {
                    assert_eq!(seq, record.seq);
                    told.under_way = None;
                    told.acknowledged.push(record);
                    return Some(());
                }
                Err(AppendError::Unavailable(_)) => {
                    assert_eq!(self.log.head().unwrap(), head, "a full disk changes nothing");
                }
                Err(error) => {
                    assert!(error.is_fatal(), "{error}");
                    return None;
                }
            }
        }
        panic!("the disk has room again");
    }

    fn snapshot(&mut self, told: &mut Told) {
        let head = told.acknowledged.last().map(Head::of).unwrap_or_default();
        let snapshot = Snapshot { head, body: vec![head.seq.0 as u8; 3_000] };
        if self.snapshots.put(&snapshot).is_ok() {
            told.snapshots.push(snapshot);
        }
    }

    fn trim(&mut self, told: &mut Told, seq: Seq) {
        told.trimmed_to = seq;
        told.removed_before = seq;
        if self.log.trim(seq, EPOCH).is_ok() {
            let _ = self.snapshots.remove_before(seq);
        }
    }

    /// Enough to go on to a second segment, with snapshots and a trim on the way.
    fn work(&mut self, told: &mut Told) -> Option<()> {
        self.append(told, vec![1; 30], Room::Ordinary)?;
        self.append(told, vec![2; 1_500], Room::Ordinary)?;
        self.snapshot(told);
        for byte in 3..9 {
            self.append(told, vec![byte; 220_000], Room::Ordinary)?;
        }
        self.snapshot(told);
        self.append(told, vec![9; 600], Room::Reserve)?;
        self.trim(told, Seq(6));
        self.append(told, vec![10; 40], Room::Ordinary)
    }
}

/// Runs the workload with a fault; answers the disk and what was told.
fn run(state: &Path, plan: Option<(usize, Fault)>) -> (Arc<FaultyDisk>, Told) {
    let disk = Arc::new(FaultyDisk::new(plan));
    let mut told = Told::default();
    let worked = Process::start(&disk, state).ok().and_then(|mut process| process.work(&mut told));
    // A second process goes on where the first one has ended as it should.
    if let (Some(()), Ok(mut process)) = (worked, Process::start(&disk, state)) {
        process.append(&mut told, vec![11; 700], Room::Ordinary);
    }
    (disk, told)
}

/// Opens the log again: what was told holds. Answers the head.
fn check(disk: &Arc<FaultyDisk>, state: &Path, told: &Told, case: &str) -> Head {
    let process = Process::start(disk, state);
    let process = process.unwrap_or_else(|error| panic!("{case}: {error}"));
    let first = process.log.first();
    assert!(first <= told.trimmed_to.next(), "{case}: it begins at {first}");
    let read: Vec<Record> = process
        .log
        .tail(first)
        .and_then(Iterator::collect)
        .unwrap_or_else(|error| panic!("{case}: {error}"));
    let skipped = usize::try_from(first.0).unwrap() - 1;
    let kept = &told.acknowledged[skipped..];
    let with_last = [kept, told.under_way.as_slice()].concat();
    assert!(read == kept || read == with_last, "{case}: {} records", read.len());
    for snapshot in &told.snapshots {
        if snapshot.head.seq >= told.removed_before {
            let read = process.snapshots.get(snapshot.head.seq);
            assert_eq!(read.unwrap_or_else(|error| panic!("{case}: {error}")), *snapshot);
        }
    }
    for seq in process.snapshots.seqs().unwrap() {
        process.snapshots.get(seq).unwrap_or_else(|error| panic!("{case}: {error}"));
    }
    process.log.head().unwrap()
}

fn step_count() -> usize {
    let state = tempfile::tempdir().unwrap();
    let (disk, told) = run(state.path(), None);
    let step_count = disk.step_count();
    assert_eq!((told.acknowledged.len(), told.snapshots.len()), (11, 2));
    check(&disk, state.path(), &told, "without a fault");
    assert!(!state.path().join("journal/00000000000000000001.log").exists(), "it was trimmed");
    step_count
}

/// A failed operation is survived by the process or by the next one; and what the next one has seen
/// stays, also if the power goes right after it has started, or after it has recorded something
/// behind what it found.
fn fail_every_step(fault: Fault) {
    for step in 1..=step_count() {
        for goes_on in [false, true] {
            let state = tempfile::tempdir().unwrap();
            let (disk, mut told) = run(state.path(), Some((step, fault)));
            let case = format!("{fault:?} at step {step}");
            let mut seen = check(&disk, state.path(), &told, &case);
            if goes_on {
                seen = go_on(&disk, state.path(), &mut told, seen);
            }
            disk.lose(Loss::Everything);
            let case = format!("{case}, goes on: {goes_on}, then without power");
            assert_eq!(check(&disk, state.path(), &told, &case), seen, "{case}");
        }
    }
}

/// The next process records something behind the head that it has found; answers the new head.
fn go_on(disk: &Arc<FaultyDisk>, state: &Path, told: &mut Told, found: Head) -> Head {
    let under_way = told.under_way.take().filter(|record| Head::of(record) == found);
    told.acknowledged.extend(under_way);
    let mut process = Process::start(disk, state).unwrap();
    process.append(told, vec![12; 50], Room::Ordinary).unwrap();
    process.log.head().unwrap()
}

#[test]
fn every_step_may_find_the_disk_full() {
    fail_every_step(Fault::Error(ErrorKind::StorageFull));
    fail_every_step(Fault::Torn(ErrorKind::StorageFull));
}

#[test]
fn every_step_may_fail() {
    fail_every_step(Fault::Error(ErrorKind::Other));
    fail_every_step(Fault::Torn(ErrorKind::Other));
}

#[test]
fn the_power_may_go_at_every_step() {
    let step_count = step_count();
    for loss in [Loss::Nothing, Loss::Everything, Loss::EverySecondSector] {
        for step in 1..=step_count {
            let state = tempfile::tempdir().unwrap();
            let (disk, told) = run(state.path(), Some((step, Fault::Power)));
            disk.lose(loss);
            let case = format!("power lost at step {step}, with it {loss:?}");
            check(&disk, state.path(), &told, &case);
        }
    }
}

/// The oldest segments go first, also from a disk that orders removals as it likes.
#[test]
fn a_trim_that_loses_the_power_leaves_no_gap() {
    let trim = |plan| {
        let state = tempfile::tempdir().unwrap();
        let disk = Arc::new(FaultyDisk::new(plan));
        let mut told = Told::default();
        let mut process = Process::start(&disk, state.path()).unwrap();
        // Segments of 1 and 2 MiB, and a third.
        for byte in 0..15 {
            process.append(&mut told, vec![byte; 220_000], Room::Ordinary).unwrap();
        }
        let before = disk.step_count();
        process.trim(&mut told, Seq(15));
        (disk, state, told, before)
    };
    let (disk, state, told, before) = trim(None);
    let first = Process::start(&disk, state.path()).unwrap().log.first();
    assert!(first > Seq(9), "two segments were removed: {first}");
    check(&disk, state.path(), &told, "without a fault");
    for step in before + 1..=before + 4 {
        let (disk, state, told, _) = trim(Some((step, Fault::Power)));
        disk.lose(Loss::AllButTheLastRemoval);
        check(&disk, state.path(), &told, &format!("power lost at step {step}"));
    }
}

/// Who has opened the log counts on its reserve.
#[test]
fn the_reserve_survives_the_loss_of_power() {
    let state = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::new(None));
    drop(Process::start(&disk, state.path()).unwrap());
    disk.lose(Loss::Everything);
    assert!(state.path().join("journal").join(segment::RESERVE_NAME).is_file());
}
