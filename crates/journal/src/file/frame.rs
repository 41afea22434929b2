//! A record's frame in a segment, and the verdict on one that does not check: torn or damaged.
//!
//! A frame is a prefix of 16 bytes, then the encoded record. Frames begin at multiples of 16, so a
//! prefix lies in one sector and is there as a whole or not at all.

use crate::record::{RECORD_HEADER_BYTES, Record};
use windlass_core::limits::RECORD_BYTES_MAX;

/// Bytes before the encoded record.
pub(super) const PREFIX_BYTES: usize = 16;
/// The longest frame.
pub(super) const FRAME_BYTES_MAX: usize = PREFIX_BYTES + RECORD_HEADER_BYTES + RECORD_BYTES_MAX;
/// What a disk writes as a whole. Disks with larger sectors write several of these as a whole.
pub(super) const SECTOR_BYTES: u64 = 512;
/// Frames begin at multiples of this.
const ALIGN_BYTES: u64 = 16;

/// Where the frame after one that ends here begins.
pub(super) fn align(offset: u64) -> u64 {
    offset.next_multiple_of(ALIGN_BYTES)
}

/// Bytes of the frame of a record with so long a body.
pub(super) fn frame_bytes(body_bytes: usize) -> usize {
    PREFIX_BYTES + RECORD_HEADER_BYTES + body_bytes
}

/// Writes a record's frame, as it lies at `offset` of a segment, over what `frame` held.
pub(super) fn encode(record: &Record, offset: u64, frame: &mut Vec<u8>) {
    frame.clear();
    frame.extend_from_slice(&[0; PREFIX_BYTES]);
    frame.extend_from_slice(&record.header());
    frame.extend_from_slice(&record.body);
    let payload = &frame[PREFIX_BYTES..];
    let crc = crc32c::crc32c(payload);
    let payload_bytes = u32::try_from(payload.len()).expect("a record is far below 4 GiB");
    frame[..4].copy_from_slice(&payload_bytes.to_le_bytes());
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    let zero_count = zero_sector_count(frame, offset);
    frame[8..12].copy_from_slice(&zero_count.to_le_bytes());
    let prefix_crc = crc32c::crc32c(&frame[..12]);
    frame[12..16].copy_from_slice(&prefix_crc.to_le_bytes());
}

/// The hash of the record in a frame.
pub(super) fn payload_hash(frame: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&frame[PREFIX_BYTES..])
}

/// What a frame says of itself, little endian: bytes that follow u32, their CRC-32C u32, sectors of
/// the frame that hold only zeros u32, CRC-32C of these three u32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Prefix {
    payload_bytes: usize,
    crc: u32,
    zero_sector_count: u32,
}

impl Prefix {
    /// `None` unless its own checksum and its length are right.
    pub(super) fn decode(bytes: [u8; PREFIX_BYTES]) -> Option<Prefix> {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let payload_bytes = usize::try_from(word(0)).ok()?;
        let fits = (RECORD_HEADER_BYTES..=FRAME_BYTES_MAX - PREFIX_BYTES).contains(&payload_bytes);
        let valid = fits && crc32c::crc32c(&bytes[..12]) == word(12);
        valid.then(|| Prefix { payload_bytes, crc: word(4), zero_sector_count: word(8) })
    }

    /// Bytes of the frame, prefix included.
    pub(super) fn frame_bytes(self) -> usize {
        PREFIX_BYTES + self.payload_bytes
    }

    /// The record and its hash, from the whole frame; `None` if its checksum is wrong.
    pub(super) fn record(self, frame: &[u8]) -> Option<(Record, u64)> {
        let payload = &frame[PREFIX_BYTES..];
        if crc32c::crc32c(payload) != self.crc {
            return None;
        }
        Some((Record::decode(payload)?, payload_hash(frame)))
    }
}

/// Judges what lies where the next frame should be: `Ok` if a write was cut short there, else how
/// the damage shows. `rest` runs from `offset` to the last byte of the segment that is not zero,
/// and `file_end` tells where the file ends.
///
/// Segments are filled with zeros beforehand and a disk writes whole sectors, so a write cut short
/// leaves a sector of its frame zero that should not be. The prefix counts the sectors that are
/// zero by right: more of them means torn, anything else is damage to a record that was complete.
pub(super) fn judge_torn(rest: &[u8], offset: u64, file_end: u64) -> Result<(), &'static str> {
    let Some(bytes) = rest.first_chunk::<PREFIX_BYTES>() else {
        return judge_short(rest, offset, file_end);
    };
    if bytes.iter().all(|byte| *byte == 0) {
        return judge_without_prefix(rest, offset);
    }
    let prefix = Prefix::decode(*bytes).ok_or("the prefix of a record is damaged")?;
    if rest.len() > prefix.frame_bytes() {
        return Err("a record is damaged that others follow");
    }
    if offset + prefix.frame_bytes() as u64 > file_end {
        return Ok(());
    }
    let mut frame = rest.to_vec();
    frame.resize(prefix.frame_bytes(), 0);
    if zero_sector_count(&frame, offset) > prefix.zero_sector_count {
        return Ok(());
    }
    Err("the checksum of a record is wrong")
}

/// Fewer bytes than a prefix: torn only if the file itself ends there.
fn judge_short(rest: &[u8], offset: u64, file_end: u64) -> Result<(), &'static str> {
    if offset + PREFIX_BYTES as u64 > file_end {
        return Ok(());
    }
    let mut prefix = [0; PREFIX_BYTES];
    prefix[..rest.len()].copy_from_slice(rest);
    // A prefix may end in zeros.
    match Prefix::decode(prefix) {
        Some(_) => judge_torn(&prefix, offset, file_end),
        None => Err("the prefix of a record is damaged"),
    }
}

/// The first sector of the frame was not written, a later one was. Only one record is in flight at
/// a time, so nothing whole can follow, and no more bytes than one frame has.
fn judge_without_prefix(rest: &[u8], offset: u64) -> Result<(), &'static str> {
    let sector_rest = usize::try_from(SECTOR_BYTES - offset % SECTOR_BYTES).expect("at most 512");
    if rest.iter().take(sector_rest).any(|byte| *byte != 0) {
        return Err("bytes lie where a record should begin");
    }
    if rest.len() > FRAME_BYTES_MAX {
        return Err("data follows the end of the log");
    }
    let step = usize::try_from(ALIGN_BYTES).expect("it is 16");
    let whole = (0..rest.len()).step_by(step).any(|at| {
        let prefix = rest[at..].first_chunk().and_then(|bytes| Prefix::decode(*bytes));
        let frame = |prefix: Prefix| rest.get(at..at + prefix.frame_bytes());
        prefix.is_some_and(|prefix| frame(prefix).is_some_and(|it| prefix.record(it).is_some()))
    });
    if whole { Err("a record is missing before an intact one") } else { Ok(()) }
}

/// How many sectors of the segment hold only zeros of this frame; its part counts at either end.
fn zero_sector_count(frame: &[u8], offset: u64) -> u32 {
    let first = usize::try_from(SECTOR_BYTES - offset % SECTOR_BYTES).expect("at most 512");
    let (head, rest) = frame.split_at(first.min(frame.len()));
    let sectors = rest.chunks(usize::try_from(SECTOR_BYTES).expect("it is 512"));
    let zero = |sector: &&[u8]| !sector.is_empty() && sector.iter().all(|byte| *byte == 0);
    let count = std::iter::once(head).chain(sectors).filter(zero).count();
    u32::try_from(count).expect("a frame has about a thousand sectors")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use windlass_core::{Epoch, Seq};

    fn record(body: Vec<u8>) -> Record {
        Record { seq: Seq(1), epoch: Epoch(1), id: u128::MAX, prev_hash: u64::MAX, body }
    }

    fn framed(body: Vec<u8>, offset: u64) -> Vec<u8> {
        let mut frame = Vec::new();
        encode(&record(body), offset, &mut frame);
        frame
    }

    fn decode(frame: &[u8]) -> Option<Record> {
        let prefix = Prefix::decode(*frame.first_chunk()?)?;
        Some(prefix.record(frame.get(..prefix.frame_bytes())?)?.0)
    }

    fn trimmed(bytes: &[u8]) -> &[u8] {
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &bytes[..end]
    }

    /// Every subset of unwritten sectors of a frame is torn, whatever its sectors hold by right.
    #[test]
    fn any_unwritten_sector_is_torn() {
        let mut body = vec![7; 1_700];
        body[500..1_100].fill(0);
        for offset in [0_u64, 16, 496, 512, 1_008] {
            let frame = framed(body.clone(), offset);
            let sector_of = |at: usize| (offset % SECTOR_BYTES + at as u64) / SECTOR_BYTES;
            let sector_count = sector_of(frame.len() - 1) + 1;
            for lost in 1_u32..1 << sector_count {
                let mut bytes = frame.clone();
                for (at, byte) in bytes.iter_mut().enumerate() {
                    if lost & 1 << sector_of(at) != 0 {
                        *byte = 0;
                    }
                }
                if bytes == frame {
                    continue;
                }
                assert!(decode(&bytes).is_none());
                let rest = trimmed(&bytes);
                if !rest.is_empty() {
                    assert_eq!(judge_torn(rest, offset, 1 << 20), Ok(()), "{offset} {lost:b}");
                }
            }
        }
    }

    /// A write that stops at any byte: torn if a sector is missing; half a prefix, or a last sector
    /// that ends early, is nothing that a disk does.
    #[test]
    fn a_write_stopped_anywhere_is_torn_or_damage() {
        for offset in [0_u64, 16, 496, 512] {
            let frame = framed(vec![9; 1_300], offset);
            let sector_of = |at: usize| (offset + at as u64) / SECTOR_BYTES;
            for end in 1..frame.len() {
                let torn = judge_torn(&frame[..end], offset, 1 << 20).is_ok();
                let is_missing = sector_of(end - 1) < sector_of(frame.len() - 1);
                assert_eq!(torn, is_missing && end >= PREFIX_BYTES, "{offset}: {end}");
                let file_end = offset + end as u64;
                assert_eq!(judge_torn(&frame[..end], offset, file_end), Ok(()), "{end}");
            }
        }
    }

    /// A record that holds zero sectors by right is not taken for torn when one of its bits flips.
    #[test]
    fn any_flipped_bit_is_damage() {
        let mut body = vec![7; 1_700];
        body[500..1_600].fill(0);
        for offset in [0_u64, 16, 496] {
            let frame = framed(body.clone(), offset);
            for bit in 0..frame.len() * 8 {
                let mut bytes = frame.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(decode(&bytes).is_none(), "bit {bit}");
                assert!(judge_torn(trimmed(&bytes), offset, 1 << 20).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_lost_sector_before_an_intact_record_is_damage() {
        let mut bytes = framed(vec![7; 600], 0);
        bytes[..512].fill(0);
        assert_eq!(judge_torn(&bytes, 0, 1 << 20), Ok(()));
        let next = align(bytes.len() as u64);
        bytes.resize(usize::try_from(next).unwrap(), 0);
        bytes.extend(framed(vec![8; 10], next));
        assert!(judge_torn(&bytes, 0, 1 << 20).is_err());
    }

    proptest! {
        #[test]
        fn frames_round_trip(body in any::<Vec<u8>>(), slot in 0_u64..100) {
            let expected = record(body.clone());
            prop_assert_eq!(decode(&framed(body, slot * 16)), Some(expected));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in any::<Vec<u8>>(), slot in 0_u64..64, end: u16) {
            prop_assert_eq!(decode(&bytes), None);
            let _ = judge_torn(trimmed(&bytes), slot * 16, u64::from(end));
        }
    }
}
