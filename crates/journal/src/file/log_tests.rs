//! What a failing disk does to a log, seen from inside.

use super::*;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

fn log(state: &Path) -> FileLog {
    FileLog::open(&StateLock::acquire(state).unwrap()).unwrap()
}

fn device(name: &str) -> File {
    OpenOptions::new().read(true).write(true).open(name).unwrap()
}

/// `/dev/null` takes every write and cannot be synced.
#[test]
fn a_failed_sync_ends_the_log_until_it_is_reopened() {
    let state = tempfile::tempdir().unwrap();
    let mut log = log(state.path());
    let record = log.head.record(Epoch(1), 1, vec![1]);
    let file = std::mem::replace(&mut log.segment.file, device("/dev/null"));
    let failed = log.append(&record, Room::Ordinary).unwrap_err();
    assert!(matches!(failed, AppendError::Io { .. }) && failed.is_fatal(), "{failed}");
    log.segment.file = file;
    assert!(
        log.append(&record, Room::Ordinary).unwrap_err().is_fatal(),
        "no second try may succeed"
    );
    assert!(log.head().is_err());
    assert!(log.tail(Seq(1)).is_err());
    drop(log);
    let mut log = self::log(state.path());
    log.append(&record, Room::Ordinary).unwrap();
}

/// `/dev/full` refuses every write as a full disk does.
#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let state = tempfile::tempdir().unwrap();
    let mut log = log(state.path());
    let first = log.head.record(Epoch(1), 1, vec![1; 100]);
    log.append(&first, Room::Ordinary).unwrap();
    let second = log.head.record(Epoch(1), 2, vec![2; 5_000]);
    let file = std::mem::replace(&mut log.segment.file, device("/dev/full"));
    assert!(matches!(
        log.append(&second, Room::Ordinary).unwrap_err(),
        AppendError::Unavailable(_)
    ));
    assert!(matches!(
        log.append(&second, Room::Ordinary).unwrap_err(),
        AppendError::Unavailable(_)
    ));
    assert_eq!(log.head().unwrap(), Head::of(&first), "reading goes on");
    // What a disk that fills up during the write leaves behind: the frame's first page.
    frame::encode(&second, log.segment.end, &mut log.frame);
    file.write_all_at(&log.frame[..4_000], log.segment.end).unwrap();
    log.segment.file = file;
    let shorter = log.head.record(Epoch(1), 3, vec![3; 10]);
    log.append(&shorter, Room::Ordinary).unwrap();
    drop(log);
    let log = self::log(state.path());
    let read: Vec<_> = log.tail(Seq(1)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(read, [first, shorter]);
}

/// The segment is made when it is needed if it could not be made ahead.
#[test]
fn a_spare_that_failed_is_made_again() {
    let state = tempfile::tempdir().unwrap();
    let mut log = log(state.path());
    let (tell, filled) = sync_channel(1);
    tell.send(Err(io::Error::from(io::ErrorKind::StorageFull))).unwrap();
    log.spare = Some(Spare { capacity: CAPACITY_BYTES_MIN, filled });
    for _ in 0..8 {
        let record = log.head.record(Epoch(1), 1, vec![1; 200_000]);
        log.append(&record, Room::Ordinary).unwrap();
    }
    assert_eq!(log.firsts.len(), 2);
}

/// Appends so many records of a fifth of the smallest segment, trimmed down to the newest `kept`;
/// answers the capacities of the segments in their order.
fn capacities(kept: Option<u64>) -> Vec<u64> {
    let state = tempfile::tempdir().unwrap();
    let mut log = log(state.path());
    let mut capacities = Vec::new();
    for _ in 0..200 {
        let record = log.head.record(Epoch(1), 1, vec![1; 200_000]);
        let seq = log.append(&record, Room::Ordinary).unwrap();
        if let Some(kept) = kept {
            log.trim(Seq(seq.0.saturating_sub(kept)), Epoch(1)).unwrap();
        }
        if log.firsts.last() == Some(&seq) {
            capacities.push(log.segment.capacity);
        }
    }
    capacities
}

/// Found by the soak: every second segment of an old state was twice as large as the one before,
/// although a few kB of them were ever kept.
#[test]
fn segments_stay_small_while_the_log_is_kept_short() {
    assert!(capacities(Some(4)).iter().all(|capacity| *capacity == CAPACITY_BYTES_MIN));
}

#[test]
fn a_log_that_grows_has_few_segments() {
    let grown = capacities(None);
    assert_eq!(grown.iter().map(|it| it >> 20).collect::<Vec<_>>(), [1, 1, 1, 2, 4, 8, 16, 32]);
}
