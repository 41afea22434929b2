//! A disk that is really full: a small file system in memory, mounted for the test.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::path::Path;
use std::process::Command;
use windlass_core::{Epoch, Seq};
use windlass_journal::{
    AppendError, Engine, FileLog, FileSnapshots, Head, Record, Room, Snapshot, SnapshotStoreError,
    Snapshots, StateLock,
};

/// A file system of so many megabytes; gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, and a line that says so, where nothing may be mounted here.
    fn of_mb(megabytes: u32) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", &size, "windlass-test"]).arg(dir.path());
        if mounted.output().is_ok_and(|output| output.status.success()) {
            return Some(SmallDisk(dir));
        }
        let _ = writeln!(std::io::stdout(), "not run: mount");
        let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|feature| feature == "mount"), "mount is required");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).output();
    }
}

fn open(state: &Path) -> (Engine, Snapshots) {
    let lock = StateLock::acquire(state).unwrap();
    let log = FileLog::open(&lock).unwrap();
    (Engine::File(log), Snapshots::File(FileSnapshots::open(&lock).unwrap()))
}

fn append(log: &mut Engine, bytes: usize, room: Room) -> Result<Record, AppendError> {
    let head = log.head().unwrap();
    let record = head.record(Epoch(1), 3, vec![head.seq.0 as u8; bytes]);
    log.append_in(&record, room).map(|_| record)
}

fn read(log: &mut Engine) -> Vec<Record> {
    let first = log.first();
    log.tail(first).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_full_disk_stops_writers_until_room_is_made_from_the_reserve() {
    let Some(disk) = SmallDisk::of_mb(9) else { return };
    let (mut log, snapshots) = open(disk.path());
    let mut written = Vec::new();
    let refused = loop {
        match append(&mut log, 150_000, Room::Ordinary) {
            Ok(record) => written.push(record),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Unavailable(_)), "{refused}");
    // Room for a segment that is smaller than the next one would have been is used as well.
    let bytes: usize = written.iter().map(|record| record.body.len()).sum();
    assert!(bytes > 6_000_000, "only {bytes} bytes of 9 MB were used");
    assert_eq!(read(&mut log), written, "reading goes on");
    assert!(append(&mut log, 150_000, Room::Ordinary).is_err());

    // Records that make room still go in, one after the other, also after a restart.
    for _ in 0..5 {
        written.push(append(&mut log, 90_000, Room::Reserve).unwrap());
    }
    let refused = append(&mut log, 10, Room::Ordinary).unwrap_err();
    assert!(matches!(refused, AppendError::Unavailable(_)), "the reserve is not for everybody");
    drop(log);
    let (mut log, _) = open(disk.path());
    assert_eq!(read(&mut log), written);
    assert!(append(&mut log, 10, Room::Ordinary).is_err());
    written.push(append(&mut log, 1_000, Room::Reserve).unwrap());

    // A snapshot that does not fit leaves nothing behind.
    let head = log.head().unwrap();
    let large = Snapshot { head, body: vec![7; 2_000_000] };
    let refused = snapshots.put(&large).unwrap_err();
    assert!(matches!(refused, SnapshotStoreError::Io { .. }), "{refused}");
    assert_eq!(snapshots.seqs().unwrap(), []);

    log.trim(Seq(30), Epoch(1)).unwrap();
    assert!(log.first() > Seq(1));
    for _ in 0..4 {
        written.push(append(&mut log, 150_000, Room::Ordinary).unwrap());
    }
    assert!(disk.path().join("journal/reserve").exists(), "the reserve is back first");
    snapshots.put(&Snapshot { body: vec![7; 1_000], ..large }).unwrap();
    drop(log);
    let (mut log, _) = open(disk.path());
    assert_eq!(log.head().unwrap(), Head::of(written.last().unwrap()));
    let skipped = usize::try_from(log.first().0).unwrap() - 1;
    assert_eq!(read(&mut log), written[skipped..]);
}
