//! Palette pages of TIFF files, which the decoder refuses: it is shown their indices as grey
//! values.

use super::{damaged, unsupported};
use std::borrow::Cow;
use std::ops::Range;
use windlass_core::Failure;

/// Fields of all directories that are looked at: a chain of directories may be a loop.
const FIELD_COUNT_MAX: usize = 1 << 20;
const PHOTOMETRIC: u64 = 262;
const BLACK_IS_ZERO: u64 = 1;
const PALETTE: u64 = 3;
const SHORT: u64 = 3;

/// A file as the decoder gets it, and which of its pages have palettes.
pub(super) struct Shown<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// Page after page, as far as the chain of directories can be followed.
    pub(super) has_palette: Vec<bool>,
}

/// Tells the palette pages of a file to be grey ones.
pub(super) fn shown(bytes: &[u8]) -> Shown<'_> {
    let mut has_palette = Vec::new();
    let mut values = Vec::new();
    if let Some(file) = Reader::of(bytes) {
        let mut field_count = 0;
        let mut at = file.number(file.header_end..file.header_end + file.word);
        while let Some(directory) = at.filter(|at| *at != 0).and_then(|at| file.directory(at)) {
            field_count += directory.field_count + 1;
            if field_count > FIELD_COUNT_MAX {
                break;
            }
            let value = file.palette_value(&directory);
            has_palette.push(value.is_some());
            values.extend(value);
            at = file.number(directory.end..directory.end + file.word);
        }
    }
    let mut bytes = Cow::Borrowed(bytes);
    for value in values {
        let is_little = bytes.first() == Some(&b'I');
        let grey = BLACK_IS_ZERO as u16;
        let grey = if is_little { grey.to_le_bytes() } else { grey.to_be_bytes() };
        bytes.to_mut()[value].copy_from_slice(&grey);
    }
    Shown { bytes, has_palette }
}

/// Colours for indices that have been spread from `bits` bits over 0 to 255. `map`: all reds, all
/// greens, all blues, of 16 bits each.
pub(super) fn colours(indices: &[u8], bits: u8, map: &[u16]) -> Result<Vec<u8>, Failure> {
    if bits > 8 {
        return Err(unsupported("a TIFF palette of more than 256 colours"));
    }
    let count = 1_usize << bits;
    if map.len() != 3 * count {
        return Err(damaged(format!("its palette has {} numbers, not {}", map.len(), 3 * count)));
    }
    let step = 255 / (count - 1);
    let colour = |spread: u8| {
        let index = usize::from(spread) / step;
        [index, count + index, 2 * count + index].map(|at| map[at].to_be_bytes()[0])
    };
    Ok(indices.iter().flat_map(|spread| colour(*spread)).collect())
}

/// A directory's fields and what follows them.
struct Directory {
    fields: usize,
    field_count: usize,
    end: usize,
}

/// Numbers of a file in its own byte order; BigTIFF has wider ones.
struct Reader<'a> {
    bytes: &'a [u8],
    is_little: bool,
    header_end: usize,
    /// Bytes of an offset.
    word: usize,
    /// Bytes of the number of fields.
    count: usize,
}

impl Reader<'_> {
    fn of(bytes: &[u8]) -> Option<Reader<'_>> {
        let is_little = bytes.first()? == &b'I';
        let (header_end, word, count) =
            if bytes.get(2..4)?.contains(&43) { (8, 8, 8) } else { (4, 4, 2) };
        Some(Reader { bytes, is_little, header_end, word, count })
    }

    fn number(&self, at: Range<usize>) -> Option<u64> {
        let bytes = self.bytes.get(at)?.iter();
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.is_little { bytes.rev().fold(0, join) } else { bytes.fold(0, join) })
    }

    fn field_bytes(&self) -> usize {
        4 + 2 * self.word
    }

    fn directory(&self, at: u64) -> Option<Directory> {
        let at = usize::try_from(at).ok()?;
        let fields = at.checked_add(self.count)?;
        let field_count = usize::try_from(self.number(at..fields)?).ok()?;
        let end = fields.checked_add(field_count.checked_mul(self.field_bytes())?)?;
        (end.checked_add(self.word)? <= self.bytes.len()).then_some(Directory {
            fields,
            field_count,
            end,
        })
    }

    /// Where the field lies that says that the page has a palette.
    fn palette_value(&self, directory: &Directory) -> Option<Range<usize>> {
        let fields = (directory.fields..directory.end).step_by(self.field_bytes());
        let mut values = fields.filter(|at| {
            self.number(*at..at + 2) == Some(PHOTOMETRIC)
                && self.number(at + 2..at + 4) == Some(SHORT)
        });
        let value = values.next()? + 4 + self.word;
        (self.number(value..value + 2) == Some(PALETTE)).then_some(value..value + 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with one field, of a little-endian file.
    fn file(photometric: u16, next: u32) -> Vec<u8> {
        let mut bytes = b"II\x2a\0\x08\0\0\0\x01\0".to_vec();
        for part in [262_u16, 3, 1, 0, photometric, 0] {
            bytes.extend(part.to_le_bytes());
        }
        bytes.extend(next.to_le_bytes());
        bytes
    }

    #[test]
    fn a_palette_page_is_shown_as_grey() {
        let bytes = file(3, 0);
        let Shown { bytes: seen, has_palette } = shown(&bytes);
        assert_eq!((seen.as_ref(), has_palette), (file(1, 0).as_slice(), vec![true]));
    }

    #[test]
    fn other_files_are_left_alone() {
        let bytes = file(2, 0);
        let Shown { bytes: seen, has_palette } = shown(&bytes);
        assert!(matches!(seen, Cow::Borrowed(_)));
        assert_eq!(has_palette, [false]);
        for end in 0..bytes.len() {
            assert!(matches!(shown(&bytes[..end]).bytes, Cow::Borrowed(_)), "{end}");
        }
    }

    #[test]
    fn a_loop_of_directories_ends() {
        let bytes = file(3, 8);
        assert_eq!(shown(&bytes).has_palette.len(), FIELD_COUNT_MAX / 2);
    }

    #[test]
    fn indices_become_colours() {
        let map = [0x1122, 0, 0, 0xffff, 0x3344, 0, 0, 0xffff, 0x5566, 0, 0, 0xffff];
        assert_eq!(colours(&[0, 255], 2, &map), Ok(vec![0x11, 0x33, 0x55, 255, 255, 255]));
        assert!(colours(&[0], 4, &map).is_err_and(|failure| failure.code == "image_damaged"));
        assert!(colours(&[0], 16, &map).is_err_and(|failure| failure.code == "image_unsupported"));
    }
}
