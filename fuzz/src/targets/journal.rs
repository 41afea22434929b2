//! The journal's files: what an opened log reads is what it reads when it is opened again.

use super::shape::{magnitude, without_numbers};
use crate::target::Target;
use std::fs;
use std::path::Path;
use windlass_core::{Epoch, Seq};
use windlass_journal::{Engine, FileLog, OpenError, Record, StateLock, TailError};

pub(super) const JOURNAL: Target = Target {
    name: "journal",
    run: journal,
    seeds,
    // Pieces of 1 MiB for reading and for zeros, and a record of 512 KiB, in two logs.
    fixed_bytes_max: 8 << 20,
    factor_max: 16,
};

/// Bytes of a segment before its first frame, of its header with checksum, and of a frame's prefix.
const HEADER_BYTES: usize = 512;
const CHECKED_BYTES: usize = 40;
const PREFIX_BYTES: usize = 16;

/// The first byte says which checksums are set right: of the header, of the frames.
fn journal(bytes: &[u8]) -> String {
    let [repairs, segment @ ..] = bytes else { return "too short".to_owned() };
    let mut segment = segment.to_vec();
    if repairs & 1 != 0 {
        repair_header(&mut segment);
    }
    if repairs & 2 != 0 {
        repair_frames(&mut segment);
    }
    let state = tempfile::tempdir().expect("a temporary folder");
    let folder = state.path().join("journal");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join(format!("{:020}.log", 1)), &segment).expect("a file");
    let mut log = match open(state.path()) {
        Ok(log) => log,
        Err(OpenError::Log(TailError::Corrupt(damage))) => return damage.what.to_owned(),
        Err(error) => return without_numbers(&kind(&error)),
    };
    let mut records = read(&mut log);
    let head = log.head().expect("an opened log has a head");
    let next = head.record(head.epoch.max(Epoch(1)), 1, b"next".to_vec());
    if let Err(error) = log.append(&next) {
        return without_numbers(&error.to_string());
    }
    records.push(next);
    drop(log);
    let mut log = open(state.path()).expect("a log that was appended to opens again");
    assert_eq!(read(&mut log), records, "other records than before");
    format!("records {}", magnitude(records.len()))
}

/// What failed, without the file that it names.
fn kind(error: &OpenError) -> String {
    let shown = format!("{error:?}");
    shown.split('{').take(2).collect()
}

fn open(state: &Path) -> Result<Engine, OpenError> {
    FileLog::open(&StateLock::acquire(state).expect("nobody holds it")).map(Engine::File)
}

fn read(log: &mut Engine) -> Vec<Record> {
    let tail = log.tail(Seq(1)).expect("an opened log is read from its start");
    tail.collect::<Result<_, _>>().expect("an opened log is read to its end")
}

fn repair_header(segment: &mut [u8]) {
    if let Some((checked, rest)) = segment.split_at_mut_checked(CHECKED_BYTES)
        && let Some(crc) = rest.first_chunk_mut()
    {
        *crc = crc32c::crc32c(checked).to_le_bytes();
    }
}

/// Follows the lengths of the frames as far as they lead.
fn repair_frames(segment: &mut [u8]) {
    let mut at = HEADER_BYTES;
    while let Some((prefix, rest)) =
        segment.get_mut(at..).and_then(|frame| frame.split_first_chunk_mut::<PREFIX_BYTES>())
    {
        let length = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
        let Some(payload) = rest.get(..length).filter(|payload| !payload.is_empty()) else {
            return;
        };
        prefix[4..8].copy_from_slice(&crc32c::crc32c(payload).to_le_bytes());
        let crc = crc32c::crc32c(&prefix[..12]);
        prefix[12..].copy_from_slice(&crc.to_le_bytes());
        at = (at + PREFIX_BYTES + length).next_multiple_of(PREFIX_BYTES);
    }
}

/// The first segment of a log of two records, for each choice of repairs.
fn seeds() -> Vec<Vec<u8>> {
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut log = open(state.path()).expect("a new log");
    for body in [b"first".repeat(9), vec![0; 600]] {
        let head = log.head().expect("a new log has a head");
        log.append(&head.record(Epoch(1), 7, body)).expect("there is room");
    }
    drop(log);
    let path = state.path().join("journal").join(format!("{:020}.log", 1));
    let mut segment = fs::read(path).expect("it was written");
    let end = segment.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    segment.truncate(end.next_multiple_of(HEADER_BYTES));
    (0..4).map(|repairs| [&[repairs], segment.as_slice()].concat()).collect()
}
