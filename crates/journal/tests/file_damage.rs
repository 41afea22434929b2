//! The engine in files against its disk: torn writes are cut, damage is told with file and byte.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use windlass_core::{Epoch, Seq};
use windlass_journal::{Engine, FileLog, Head, OpenError, Record, StateLock, TailError};

const SECTOR_BYTES: usize = 512;

fn open(state: &Path) -> Result<Engine, OpenError> {
    FileLog::open(&StateLock::acquire(state).unwrap()).map(Engine::File)
}

fn push(log: &mut Engine, body: Vec<u8>) -> Record {
    let head = log.head().unwrap();
    let record = head.record(Epoch(1), u128::MAX - u128::from(head.seq.0), body);
    log.append(&record).unwrap();
    record
}

fn read(log: &mut Engine, from: Seq) -> Result<Vec<Record>, TailError> {
    log.tail(from)?.collect()
}

fn segment(state: &Path, first: u64) -> PathBuf {
    state.join("journal").join(format!("{first:020}.log"))
}

/// The bytes of the first segment up to the last one that is not zero.
fn written(state: &Path) -> Vec<u8> {
    let mut bytes = fs::read(segment(state, 1)).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(end);
    bytes
}

/// A log of these bodies, what the file holds, and where the last frame begins.
fn sample(state: &Path, bodies: &[Vec<u8>]) -> (Vec<Record>, Vec<u8>, usize) {
    let mut log = open(state).unwrap();
    let (last, firsts) = bodies.split_last().unwrap();
    let mut records: Vec<_> = firsts.iter().map(|body| push(&mut log, body.clone())).collect();
    let start = written(state).len().next_multiple_of(16);
    records.push(push(&mut log, last.clone()));
    drop(log);
    (records, written(state), start)
}

fn put(state: &Path, at: usize, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(segment(state, 1)).unwrap();
    file.write_all_at(bytes, at as u64).unwrap();
}

/// Asserts that opening cuts the last record, and that the log then goes on.
fn assert_cut(state: &Path, records: &[Record], case: &str) {
    let kept = &records[..records.len() - 1];
    let mut log = open(state).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(log.head().unwrap(), kept.last().map(Head::of).unwrap_or_default(), "{case}");
    let again = push(&mut log, b"again".to_vec());
    drop(log);
    let mut log = open(state).unwrap();
    let expected = [kept, &[again]].concat();
    assert_eq!(read(&mut log, Seq(1)).unwrap(), expected, "{case}");
}

fn assert_fatal(state: &Path, offset: usize, case: &str) {
    let before = written(state);
    match open(state).map(|_| ()) {
        Err(OpenError::Log(TailError::Corrupt(damage))) => {
            assert_eq!(damage.offset, offset as u64, "{case}: {damage}");
            assert_eq!(damage.file, segment(state, 1));
            assert!(damage.to_string().contains(&format!("byte {offset}")));
        }
        other => panic!("{case}: {other:?}"),
    }
    assert!(before == written(state), "{case}: a damaged file stays as it is");
}

/// The write of the last record stops early; what comes after stays zero (every byte: `frame`). Cut
/// if a sector is missing; no disk writes half a sector, so half of a prefix is damage, as is a
/// last sector that ends early.
#[test]
fn a_write_stopped_early_is_torn_or_damaged() {
    let state = tempfile::tempdir().unwrap();
    let bodies = [vec![3; 100], vec![9; 1_300]];
    let (records, bytes, start) = sample(state.path(), &bodies);
    let boundaries = [start, start + 16, 1_024, 1_536, bytes.len() - 1];
    let near =
        |end: &usize| end.is_multiple_of(97) || boundaries.iter().any(|it| it.abs_diff(*end) < 2);
    for end in (start..bytes.len()).filter(near) {
        let mut torn = bytes.clone();
        torn[end..].fill(0);
        put(state.path(), 0, &torn);
        let case = format!("stopped at {end} of {start}..{}", bytes.len());
        let sector_end = end.next_multiple_of(SECTOR_BYTES);
        let half_prefix = (start + 1..start + 16).contains(&end);
        let sector_missing = sector_end < bytes.len() || end % SECTOR_BYTES == 0;
        if end == start || (sector_missing && !half_prefix) {
            assert_cut(state.path(), &records, &case);
            put(state.path(), start, &[0; 300]);
        } else {
            assert_fatal(state.path(), start, &case);
        }
    }
    put(state.path(), 0, &bytes);
    assert_eq!(read(&mut open(state.path()).unwrap(), Seq(1)).unwrap(), records);
}

/// The file itself ends anywhere behind the header: the records that are whole are there, the rest
/// was never acknowledged by a disk that ends there.
#[test]
fn a_file_cut_at_any_length_keeps_its_whole_records() {
    let state = tempfile::tempdir().unwrap();
    let bodies = [vec![3; 100], vec![4; 30], vec![9; 300]];
    let (records, bytes, _) = sample(state.path(), &bodies);
    // Where each frame begins; the last one ends with the bytes.
    let starts = [SECTOR_BYTES, SECTOR_BYTES + 160, SECTOR_BYTES + 160 + 96];
    for end in SECTOR_BYTES..bytes.len() {
        let file = OpenOptions::new().write(true).open(segment(state.path(), 1)).unwrap();
        file.set_len(0).unwrap();
        file.write_all_at(&bytes[..end], 0).unwrap();
        drop(file);
        // A frame that ends in zeros is whole without them, but here none does.
        let whole = starts.iter().filter(|start| end > **start).count().saturating_sub(1);
        let whole =
            if end > starts[whole] + 52 + bodies[whole].len() - 1 { whole + 1 } else { whole };
        let mut log = open(state.path()).unwrap_or_else(|error| panic!("{end} bytes: {error}"));
        assert_eq!(read(&mut log, Seq(1)).unwrap(), records[..whole], "file of {end} bytes");
    }
    let capacity = fs::metadata(segment(state.path(), 1)).unwrap().len();
    assert_eq!(capacity, 1 << 20, "the space for later records is back");
}

/// A bit of every byte of the last records, and of places in the middle, is damage, also where
/// sectors are zero by right.
#[test]
fn a_flipped_bit_is_fatal() {
    let state = tempfile::tempdir().unwrap();
    let mut hollow = vec![9; 1_200];
    hollow[100..1_150].fill(0);
    let bodies = [hollow.clone(), vec![3; 3_000], vec![4; 90], hollow];
    let (records, bytes, _) = sample(state.path(), &bodies);
    let mut start = SECTOR_BYTES;
    for (number, record) in records.iter().enumerate() {
        // The frame has 52 bytes before the body.
        let end = start + 52 + record.body.len();
        let step = if number < 2 { 97 } else { 1 };
        for at in (start..end).step_by(step) {
            let flipped = bytes[at] ^ 1 << (at % 8);
            put(state.path(), at, &[flipped]);
            assert_fatal(state.path(), start, &format!("byte {at} of {start}..{end}"));
            put(state.path(), at, &bytes[at..=at]);
        }
        start = end.next_multiple_of(16);
    }
    assert_eq!(read(&mut open(state.path()).unwrap(), Seq(1)).unwrap(), records);
}

/// Every byte of the header of a segment in use; zeros follow it.
#[test]
fn a_flipped_bit_of_the_header_is_fatal() {
    let state = tempfile::tempdir().unwrap();
    let (_, bytes, _) = sample(state.path(), &[vec![3; 100]]);
    for at in 0..44 {
        put(state.path(), at, &[bytes[at] ^ 1]);
        assert!(matches!(open(state.path()), Err(OpenError::Log(_))), "byte {at}");
        put(state.path(), at, &bytes[at..=at]);
    }
    open(state.path()).unwrap();
}

#[test]
fn a_lost_sector_before_whole_records_is_fatal() {
    let state = tempfile::tempdir().unwrap();
    let bodies: Vec<_> = (0..20).map(|_| vec![5; 400]).collect();
    let (_, bytes, _) = sample(state.path(), &bodies);
    for sector in 1..bytes.len() / SECTOR_BYTES - 1 {
        let at = sector * SECTOR_BYTES;
        put(state.path(), at, &[0; SECTOR_BYTES]);
        let outcome = open(state.path()).map(|_| ());
        let corrupt = matches!(outcome, Err(OpenError::Log(TailError::Corrupt(_))));
        assert!(corrupt, "sector {sector}: {outcome:?}");
        put(state.path(), at, &bytes[at..at + SECTOR_BYTES]);
    }
    open(state.path()).unwrap();
}

#[test]
fn bytes_far_behind_the_end_are_fatal() {
    let state = tempfile::tempdir().unwrap();
    let (_, bytes, _) = sample(state.path(), &[vec![3; 100]]);
    put(state.path(), (1 << 20) - 1, &[1]);
    let outcome = open(state.path()).map(|_| ());
    let end = bytes.len().next_multiple_of(16) as u64;
    match outcome {
        Err(OpenError::Log(TailError::Corrupt(damage))) => assert_eq!(damage.offset, end),
        other => panic!("{other:?}"),
    }
}

/// Appends until the log has so many segments; every record is large, so this is soon.
fn grow_to_segments(state: &Path, count: usize) -> (Vec<Record>, Vec<u64>) {
    let mut log = open(state).unwrap();
    let mut records = Vec::new();
    loop {
        records.push(push(&mut log, vec![7; 200_000]));
        let mut firsts = Vec::new();
        for entry in fs::read_dir(state.join("journal")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            firsts.extend(name.strip_suffix(".log").map(|it| it.parse::<u64>().unwrap()));
        }
        if firsts.len() == count {
            firsts.sort_unstable();
            return (records, firsts);
        }
    }
}

#[test]
fn segments_grow_and_read_as_one_log() {
    let state = tempfile::tempdir().unwrap();
    let (records, firsts) = grow_to_segments(state.path(), 4);
    let sizes: Vec<_> = firsts
        .iter()
        .map(|first| fs::metadata(segment(state.path(), *first)).unwrap().len() >> 20)
        .collect();
    assert_eq!(sizes, [1, 1, 1, 2]);
    let mut log = open(state.path()).unwrap();
    assert_eq!(read(&mut log, Seq(1)).unwrap(), records);
    for from in &firsts {
        let start = usize::try_from(*from).unwrap() - 1;
        assert_eq!(read(&mut log, Seq(*from)).unwrap(), records[start..]);
        assert_eq!(log.record_at(Seq(*from)).unwrap().as_ref(), records.get(start));
    }
    assert!(!state.path().join("journal/spare").exists(), "a spare left behind is removed");
}

#[test]
fn rule_7_missing_segments_are_told() {
    let state = tempfile::tempdir().unwrap();
    let (records, firsts) = grow_to_segments(state.path(), 3);
    fs::rename(segment(state.path(), firsts[1]), state.path().join("aside")).unwrap();
    let mut log = open(state.path()).unwrap();
    let gap = read(&mut log, Seq(1)).unwrap_err();
    let (expected, found) = (Seq(firsts[1]), Seq(firsts[2]));
    let told =
        matches!(gap, TailError::Gap { expected: e, found: f } if e == expected && f == found);
    assert!(told, "{gap}");
    drop(log);
    fs::rename(state.path().join("aside"), segment(state.path(), firsts[1])).unwrap();
    fs::remove_file(segment(state.path(), 1)).unwrap();
    let mut log = open(state.path()).unwrap();
    let trimmed = log.tail(Seq(1)).map(|_| ()).unwrap_err();
    assert!(matches!(trimmed, TailError::Trimmed { first } if first == Seq(firsts[1])));
    let start = usize::try_from(firsts[1]).unwrap() - 1;
    assert_eq!(read(&mut log, Seq(firsts[1])).unwrap(), records[start..]);
}

/// Two logs that differ in one early record: the later segment of one does not pass in the other.
#[test]
fn rule_8_a_segment_of_another_log_is_told() {
    let states = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut firsts = Vec::new();
    for (state, byte) in states.iter().zip([1, 2]) {
        push(&mut open(state.path()).unwrap(), vec![byte]);
        firsts = grow_to_segments(state.path(), 2).1;
    }
    let (from, to) = (segment(states[0].path(), firsts[1]), segment(states[1].path(), firsts[1]));
    fs::copy(from, to).unwrap();
    let mut log = open(states[1].path()).unwrap();
    let told = read(&mut log, Seq(1)).unwrap_err();
    assert!(matches!(told, TailError::HashMismatch { seq } if seq == Seq(firsts[1])), "{told}");
}

#[test]
fn damage_in_an_earlier_segment_is_told_by_the_reader() {
    let state = tempfile::tempdir().unwrap();
    grow_to_segments(state.path(), 2);
    put(state.path(), SECTOR_BYTES + 100, &[8]);
    let mut log = open(state.path()).unwrap();
    let mut tail = log.tail(Seq(1)).unwrap();
    match tail.next().unwrap().unwrap_err() {
        TailError::Corrupt(damage) => {
            assert_eq!((damage.file, damage.offset), (segment(state.path(), 1), 512));
        }
        other => panic!("{other}"),
    }
    assert!(tail.next().is_none(), "a reader ends after its error");
}

#[test]
fn another_format_is_named_and_left_alone() {
    let state = tempfile::tempdir().unwrap();
    let (_, bytes, _) = sample(state.path(), &[vec![3; 100]]);
    put(state.path(), 8, &[2]);
    let error = open(state.path()).map(|_| ()).unwrap_err();
    let named = matches!(error, OpenError::Log(TailError::Version { found: 2, known: 1, .. }));
    assert!(named, "{error}");
    put(state.path(), 8, &[1]);
    put(state.path(), 20, &[!bytes[20]]);
    let error = open(state.path()).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::Log(TailError::Corrupt(_))), "{error}");
}

#[test]
fn a_segment_under_a_wrong_name_is_damage() {
    let state = tempfile::tempdir().unwrap();
    sample(state.path(), &[vec![3; 100]]);
    fs::rename(segment(state.path(), 1), segment(state.path(), 7)).unwrap();
    let error = open(state.path()).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::Log(TailError::Corrupt(_))), "{error}");
}

#[test]
fn files_are_for_their_owner_only() {
    let state = tempfile::tempdir().unwrap();
    let dir = state.path().join("new");
    push(&mut open(&dir).unwrap(), vec![1]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("journal")), 0o700);
    assert_eq!(mode(&segment(&dir, 1)), 0o600);
    assert_eq!(mode(&dir.join("lock")), 0o600);
}
