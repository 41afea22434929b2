//! Pages of a TIFF as fax machines pack them (TIFF 6.0, sections 10 and 11): CCITT groups 3 and 4.

use super::picture::zeroed;
use super::{damaged, unsupported};
use hayro_ccitt::{DecodeSettings, Decoder as Sink, DecoderContext, EncodingMode, decode};
use std::borrow::Cow;
use std::io::Cursor;
use tiff::decoder::Decoder;
use tiff::tags::Tag;
use windlass_core::Failure;

/// Compressions of `Tag::Compression`.
const RUNS: u32 = 2;
const GROUP_3: u32 = 3;
const GROUP_4: u32 = 4;
/// Of `Tag::FillOrder`: the first pixel is in the lowest bit of its byte.
const LOWEST_FIRST: u32 = 2;
/// Of `T4Options`: rows are told by the row before.
const OPTION_2D: u32 = 1;
const T4_OPTIONS: Tag = Tag::Unknown(292);

/// The rows of such a page, a bit for each pixel, 1 for white; `None`: it is packed otherwise. What
/// a damaged strip does not give is white, as on paper.
pub(super) fn rows(
    decoder: &mut Decoder<Cursor<Cow<'_, [u8]>>>,
    (width, height): (u32, u32),
) -> Result<Option<Vec<u8>>, Failure> {
    let mut number = |tag| decoder.find_tag_unsigned::<u32>(tag).map_err(super::tiff::failure);
    let compression = number(Tag::Compression)?.unwrap_or_default();
    if !matches!(compression, RUNS | GROUP_3 | GROUP_4) {
        return Ok(None);
    }
    let is_2d = number(T4_OPTIONS)?.unwrap_or_default() & OPTION_2D != 0;
    let is_reversed = number(Tag::FillOrder)?.unwrap_or_default() == LOWEST_FIRST;
    // The runs that are called white are 0, whatever 0 looks like.
    let shows_inverted = number(Tag::PhotometricInterpretation)?.unwrap_or_default() != 0;
    let strip_rows = number(Tag::RowsPerStrip)?.unwrap_or(height).clamp(1, height.max(1));
    let mut numbers = |tag| {
        let found = decoder.find_tag_unsigned_vec::<u64>(tag).map_err(super::tiff::failure)?;
        found.ok_or_else(|| unsupported("a fax in tiles"))
    };
    let (offsets, counts) = (numbers(Tag::StripOffsets)?, numbers(Tag::StripByteCounts)?);

    let row_bytes = (width as usize).div_ceil(8);
    let mut page = Page { rows: zeroed(row_bytes * height as usize)?, row_bytes, next: 0, end: 0 };
    let file = decoder.inner().get_ref();
    for (index, (offset, count)) in offsets.into_iter().zip(counts).enumerate() {
        page.next = index.saturating_mul(strip_rows as usize);
        page.end = page.next.saturating_add(strip_rows as usize).min(height as usize);
        let Some(row_count) = page.end.checked_sub(page.next).filter(|it| *it > 0) else { break };
        let mut strip = Cow::Borrowed(strip(file, offset, count)?);
        if is_reversed {
            strip.to_mut().iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        }
        let settings = DecodeSettings {
            columns: width,
            rows: u32::try_from(row_count).unwrap_or(u32::MAX),
            end_of_block: compression != RUNS,
            end_of_line: compression == GROUP_3,
            rows_are_byte_aligned: compression == RUNS,
            encoding: match compression {
                GROUP_4 => EncodingMode::Group4,
                GROUP_3 if is_2d => EncodingMode::Group3_2D,
                _ => EncodingMode::Group3_1D,
            },
            strict: false,
        };
        let before = page.next;
        let decoded = decode(&strip, &mut page, &mut DecoderContext::new(settings));
        if let Err(error) = decoded
            && page.next == before
        {
            return Err(damaged(error));
        }
    }
    if !shows_inverted {
        page.rows.iter_mut().for_each(|byte| *byte = !*byte);
    }
    Ok(Some(page.rows))
}

fn strip(file: &[u8], offset: u64, count: u64) -> Result<&[u8], Failure> {
    let start = usize::try_from(offset).ok().filter(|start| *start < file.len());
    let start = start.ok_or_else(|| damaged("a strip of it lies behind its end"))?;
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(file.len() - start);
    Ok(&file[start..start + count])
}

/// Rows of bits, 1 for black.
struct Page {
    rows: Vec<u8>,
    row_bytes: usize,
    /// The row that comes next, and the first one that is another strip's.
    next: usize,
    end: usize,
}

impl Sink for Page {
    fn push_row(&mut self, changes: &[u32]) {
        if self.next == self.end {
            return;
        }
        let row = &mut self.rows[self.next * self.row_bytes..][..self.row_bytes];
        let width = row.len() * 8;
        for run in changes.chunks(2) {
            let start = run[0] as usize;
            let end = run.get(1).map_or(width, |end| *end as usize);
            blacken(row, start.min(width), end.min(width));
        }
        self.next += 1;
    }
}

/// Sets the bits of a run.
fn blacken(row: &mut [u8], start: usize, end: usize) {
    let mut at = start;
    while at < end {
        let until = end.min((at / 8 + 1) * 8);
        let (first, behind) = (at % 8, until - at / 8 * 8);
        row[at / 8] |= (0xFF_u8 >> first) & !(0xFF_u16 >> behind) as u8;
        at = until;
    }
}

#[cfg(test)]
mod tests {
    use super::super::picture::Layout;
    use super::super::tiff::decode;

    /// A page of 8 by 2 pixels, whose first row has two black ones behind three white ones, and
    /// whose second row is white, by these fields.
    fn page(fields: &[(u16, u32)], strip: &[u8]) -> Vec<u8> {
        let usual = [(256, 8), (257, 2), (258, 1), (262, 0), (273, 8), (277, 1)];
        let usual = usual.into_iter().chain([(279, strip.len() as u32)]);
        let is_other = |(tag, _): &(u16, u32)| fields.iter().all(|(other, _)| other != tag);
        let mut all: Vec<_> = usual.filter(is_other).chain(fields.iter().copied()).collect();
        all.sort_unstable();
        let mut file = b"II*\0".to_vec();
        file.extend((8 + strip.len() as u32).to_le_bytes());
        file.extend_from_slice(strip);
        file.extend((all.len() as u16).to_le_bytes());
        for (tag, value) in all {
            file.extend(tag.to_le_bytes());
            file.extend(4_u16.to_le_bytes());
            file.extend([1, value].map(u32::to_le_bytes).concat());
        }
        file.extend([0; 4]);
        file
    }

    fn shown(fields: &[(u16, u32)], strip: &[u8]) -> Vec<u8> {
        decode(&page(fields, strip), Layout::Grey).expect("decoded").picture.bytes
    }

    /// Bits as they are written in a row, in whole bytes.
    fn bits(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).map(|it| it - b'0').collect();
        digits
            .chunks(8)
            .map(|it| {
                it.iter()
                    .rev()
                    .enumerate()
                    .fold(0, |byte, (at, bit)| byte | bit << (at + 8 - it.len()))
            })
            .collect()
    }

    const W: u8 = 255;
    const ROWS: [u8; 16] = [W, W, W, 0, 0, W, W, W, W, W, W, W, W, W, W, W];
    /// White 3, black 2, white 3; white 8 (ITU-T T.4, table 2).
    const FIRST: &str = "1000 11 1000";
    const SECOND: &str = "10011";
    const END_OF_LINE: &str = "000000000001";

    #[test]
    fn runs_begin_each_row_at_a_byte() {
        let strip = [bits(FIRST), bits(SECOND)].concat();
        assert_eq!(shown(&[(259, 2)], &strip), ROWS);
    }

    #[test]
    fn group_3_has_ends_of_lines_and_may_be_told_by_the_row_before() {
        let strip = bits(&[END_OF_LINE, FIRST, END_OF_LINE, SECOND].concat());
        assert_eq!(shown(&[(259, 3)], &strip), ROWS);
        // The second row: both edges of the black run are passed over.
        let strip = bits(&[END_OF_LINE, "1", FIRST, END_OF_LINE, "0", "0001", "1"].concat());
        assert_eq!(shown(&[(259, 3), (292, 1)], &strip), ROWS);
    }

    #[test]
    fn group_4_is_read_from_either_end_of_its_bytes() {
        // Horizontal, white 3 and black 2, then to the end; pass, then to the end.
        let strip = bits("001 1000 11 1 0001 1");
        assert_eq!(shown(&[(259, 4)], &strip), ROWS);
        let reversed: Vec<u8> = strip.iter().map(|byte| byte.reverse_bits()).collect();
        assert_eq!(shown(&[(259, 4), (266, 2)], &reversed), ROWS);
        let inverted = ROWS.map(|value| !value);
        assert_eq!(shown(&[(259, 4), (262, 1)], &strip), inverted);
    }

    #[test]
    fn what_a_damaged_strip_does_not_give_is_white_and_one_that_gives_nothing_is_told() {
        let strip = bits("001 1000 11 1");
        assert_eq!(shown(&[(259, 4)], &strip), ROWS);
        let outside = page(&[(259, 4), (273, 9_999)], &strip);
        assert!(decode(&outside, Layout::Grey).is_err());
    }
}
