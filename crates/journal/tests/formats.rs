//! Formats that lie on disks: what this build writes is what the newest fixture holds, and every
//! older fixture can still be read.
//!
//! A changed format gets a new version and a new fixture beside the old one (written with
//! `UPDATE_EXPECT=1`); the old one stays.

#![expect(clippy::unwrap_used, reason = "a test")]

use expect_test::expect_file;
use std::path::Path;
use windlass_core::{Epoch, Seq};
use windlass_journal::{
    Engine, FileLog, FileSnapshots, Head, Record, Snapshot, Snapshots, StateLock,
};

/// Lines of 32 bytes in hexadecimal, without the zeros at the end of a file.
fn hex(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let line = |bytes: &[u8]| -> String { bytes.iter().map(|it| format!("{it:02x}")).collect() };
    bytes[..end].chunks(32).map(|bytes| line(bytes) + "\n").collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Records of two epochs: an empty one, one of several sectors, some of them zero.
fn records() -> Vec<Record> {
    let mut head = Head::default();
    let mut hollow = vec![3; 700];
    hollow.extend([0; 900]);
    hollow.push(9);
    let bodies = [(0, b"genesis".to_vec()), (1, Vec::new()), (1, hollow), (2, b"end".to_vec())];
    let mut records = Vec::new();
    for (epoch, body) in bodies {
        let record = head.record(Epoch(epoch), u128::from(head.seq.0) << 70 | 5, body);
        head = Head::of(&record);
        records.push(record);
    }
    records
}

fn open(state: &Path) -> (Engine, Snapshots) {
    let lock = StateLock::acquire(state).unwrap();
    let log = FileLog::open(&lock).unwrap();
    (Engine::File(log), Snapshots::File(FileSnapshots::open(&lock).unwrap()))
}

fn segment(state: &Path) -> std::path::PathBuf {
    state.join("journal/00000000000000000001.log")
}

#[test]
fn segments_and_records_of_version_1() {
    let state = tempfile::tempdir().unwrap();
    let (mut log, _) = open(state.path());
    records().iter().for_each(|record| assert_eq!(log.append(record).unwrap(), record.seq));
    drop(log);
    let bytes = std::fs::read(segment(state.path())).unwrap();
    expect_file!["fixtures/segment-v1.hex"].assert_eq(&hex(&bytes));

    let state = tempfile::tempdir().unwrap();
    std::fs::create_dir(state.path().join("journal")).unwrap();
    let stored = unhex(include_str!("fixtures/segment-v1.hex"));
    std::fs::write(segment(state.path()), stored).unwrap();
    let (mut log, _) = open(state.path());
    let read: Vec<Record> = log.tail(Seq(1)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(read, records());
}

#[test]
fn snapshots_of_version_1() {
    let head = Head { seq: Seq(9), epoch: Epoch(3), hash: 0x0102_0304_0506_0708 };
    let snapshot = Snapshot { head, body: (0..200).collect() };
    let state = tempfile::tempdir().unwrap();
    let path = FileSnapshots::look_at(state.path()).path(head.seq);
    open(state.path()).1.put(&snapshot).unwrap();
    expect_file!["fixtures/snapshot-v1.hex"].assert_eq(&hex(&std::fs::read(&path).unwrap()));

    std::fs::write(&path, unhex(include_str!("fixtures/snapshot-v1.hex"))).unwrap();
    let store = Snapshots::File(FileSnapshots::look_at(state.path()));
    assert_eq!(store.get(head.seq).unwrap(), snapshot);
}
