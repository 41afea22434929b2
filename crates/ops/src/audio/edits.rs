//! The part of a sound that is meant to be heard. The edit list of an MPEG-4 track names what the
//! encoder put before the sound, and where the sound ends (ISO/IEC 14496-12, 8.6.6).

use crate::SourceReader;
use std::io::{Read, Seek, SeekFrom};

/// Boxes that are looked at: real files have some dozens outside the samples.
const BOX_COUNT_MAX: usize = 2_000;
/// Bytes of a box's content that are read.
const CONTENT_BYTES_MAX: u64 = 64;

/// Samples to leave out at the start, and how many follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Edit {
    pub(super) skip: u64,
    pub(super) length: u64,
}

impl Edit {
    /// All that follows so many samples.
    pub(super) fn after(skip: u64) -> Option<Edit> {
        (skip > 0).then_some(Edit { skip, length: u64::MAX })
    }
}

/// What the boxes of the first audio track say.
#[derive(Default)]
struct Found {
    movie_scale: u64,
    /// Ticks a second, and ticks, of the track at hand.
    media: Option<(u64, u64)>,
    /// Start in the media's ticks and length in the movie's.
    edit: Option<(u64, u64)>,
    is_sound: bool,
    boxes: usize,
}

/// The edit of the first audio track; `None`: there is none that this can follow. Where the track's
/// ticks are not samples, their number follows from `sample_rate`.
pub(super) fn read(reader: &mut SourceReader, sample_rate: u32) -> Option<Edit> {
    let mut found = Found::default();
    let size = reader.size();
    found.walk(reader, 0, size);
    let (media_scale, media_ticks) = found.media?;
    let (start, length) = found.edit?;
    if !found.is_sound || media_scale != u64::from(sample_rate) || found.movie_scale == 0 {
        return None;
    }
    let rest = media_ticks.checked_sub(start)?;
    // The edit's length is rounded to the movie's ticks, often thousandths of a second.
    let tick = media_scale / found.movie_scale + 1;
    let wanted = length.checked_mul(media_scale)? / found.movie_scale;
    let length = if length == 0 || wanted.abs_diff(rest) <= tick { rest } else { wanted.min(rest) };
    (length > 0).then_some(Edit { skip: start, length })
}

impl Found {
    /// Goes through the boxes between two places until a whole audio track was seen.
    fn walk(&mut self, reader: &mut SourceReader, start: u64, end: u64) -> Option<()> {
        let mut at = start;
        while at + 8 <= end && self.boxes < BOX_COUNT_MAX {
            self.boxes += 1;
            let head = content(reader, at, 16)?;
            let mut length = number(&head, 0, 4)?;
            let mut inside = at + 8;
            if length == 1 {
                length = number(&head, 8, 8)?;
                inside += 8;
            } else if length == 0 {
                length = end - at;
            }
            let next = at.checked_add(length)?;
            if next < inside || next > end {
                return None;
            }
            match head.get(4..8)? {
                b"moov" | b"edts" | b"mdia" => self.walk(reader, inside, next)?,
                b"trak" => {
                    (self.media, self.edit) = (None, None);
                    self.walk(reader, inside, next)?;
                    if self.is_sound {
                        return Some(());
                    }
                }
                b"mvhd" => self.movie_scale = scale(&content(reader, inside, 32)?)?.0,
                b"mdhd" => self.media = scale(&content(reader, inside, 32)?),
                b"hdlr" => self.is_sound |= content(reader, inside, 12)?.ends_with(b"soun"),
                b"elst" => self.edit = list(&content(reader, inside, CONTENT_BYTES_MAX)?),
                _ => {}
            }
            at = next;
        }
        Some(())
    }
}

/// Up to so many bytes from a place.
fn content(reader: &mut SourceReader, at: u64, count: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.seek(SeekFrom::Start(at)).ok()?;
    reader.take(count).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A big-endian number of so many bytes.
fn number(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + count)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Ticks a second and ticks, of a `mvhd` or `mdhd`.
fn scale(content: &[u8]) -> Option<(u64, u64)> {
    match number(content, 0, 1)? {
        0 => Some((number(content, 12, 4)?, number(content, 16, 4)?)),
        _ => Some((number(content, 20, 4)?, number(content, 24, 8)?)),
    }
}

/// The one edit of an `elst`; several, or an empty one, shift the sound in a way that no
/// measurement of it depends on.
fn list(content: &[u8]) -> Option<(u64, u64)> {
    let (version, count) = (number(content, 0, 1)?, number(content, 4, 4)?);
    let (length, start, is_empty) = match version {
        0 => {
            let start = number(content, 12, 4)?;
            (number(content, 8, 4)?, start, start == u64::from(u32::MAX))
        }
        _ => {
            let start = number(content, 16, 8)?;
            (number(content, 8, 8)?, start, start == u64::MAX)
        }
    };
    (count == 1 && !is_empty).then_some((start, length))
}
