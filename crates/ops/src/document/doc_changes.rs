//! What Word before 2007 changes of a paragraph or of letters, one change behind the other
//! ([MS-DOC] 2.2.5); those of Word 6 and 95 have codes of one byte.

use super::ole::u16_at;
use std::ops::Range;

/// How a version lays its pages of formats out.
pub(super) struct Layout {
    pub(super) is_modern: bool,
    /// Of a page's number.
    pub(super) number_bytes: usize,
    /// Of what a page says of a paragraph before its changes.
    pub(super) paragraph_bytes: usize,
}

pub(super) const MODERN: Layout = Layout { is_modern: true, number_bytes: 4, paragraph_bytes: 13 };
/// Word 6 and 95.
pub(super) const OLD: Layout = Layout { is_modern: false, number_bytes: 2, paragraph_bytes: 7 };

/// Changes of formats: what is changed, and to what.
pub(super) struct Changes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) layout: &'a Layout,
}

/// What is changed, by its code; that of Word 6 and 95 is a byte.
pub(super) mod change {
    pub(in super::super) const IN_TABLE: u16 = 0x2416;
    pub(in super::super) const ROW_END: u16 = 0x2417;
    pub(in super::super) const LIST_LEVEL: u16 = 0x260A;
    pub(in super::super) const LIST: u16 = 0x460B;
    pub(in super::super) const OUTLINE_LEVEL: u16 = 0x2640;
    pub(in super::super) const DELETED: u16 = 0x0800;
    pub(in super::super) const HIDDEN: u16 = 0x083C;
    pub(in super::super) const SYMBOL: u16 = 0x6A09;
    pub(in super::super) const OLD_IN_TABLE: u16 = 24;
    pub(in super::super) const OLD_ROW_END: u16 = 25;
    pub(in super::super) const OLD_DELETED: u16 = 65;
    pub(in super::super) const OLD_HIDDEN: u16 = 92;
}

impl<'a> Iterator for Changes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let (code, rest) = match self.layout.is_modern {
            true => (u16_at(self.bytes, 0)?, &self.bytes[2..]),
            false => (u16::from(*self.bytes.first()?), &self.bytes[1..]),
        };
        let operand = match self.layout.is_modern {
            true => operand(code, rest)?,
            false => old_operand(code, rest)?,
        };
        let end = operand.end.min(rest.len());
        self.bytes = &rest[end..];
        Some((code, rest.get(operand.start..end)?))
    }
}

/// Where the operand of a change lies in what follows its code.
fn operand(code: u16, rest: &[u8]) -> Option<Range<usize>> {
    /// Tables and tabs have lengths of their own.
    const TABLE: u16 = 0xD608;
    const TABS: u16 = 0xC615;
    Some(match (code >> 13, code) {
        (0 | 1, _) => 0..1,
        (2 | 4 | 5, _) => 0..2,
        (3, _) => 0..4,
        (7, _) => 0..3,
        (_, TABLE) => 2..1 + usize::from(u16_at(rest, 0)?),
        (_, TABS) if rest.first() == Some(&255) => {
            let deleted = 4 * usize::from(*rest.get(1)?);
            1..3 + deleted + 3 * usize::from(*rest.get(2 + deleted)?)
        }
        _ => 1..1 + usize::from(*rest.first()?),
    })
}

/// The same of Word 6 and 95, where each code has a length of its own; behind one that is not known
/// nothing is.
fn old_operand(code: u16, rest: &[u8]) -> Option<Range<usize>> {
    Some(match code {
        83 => 0..0,
        4..=11 | 13 | 14 | 24 | 25 | 29 | 37 | 44 | 50 | 51 => 0..1,
        65..=67 | 71 | 75 | 85..=92 | 94 | 98 | 100 | 102 | 104 => 0..1,
        2 | 16..=19 | 21 | 22 | 26..=28 | 30..=36 | 38..=43 | 45..=49 => 0..2,
        69 | 72 | 80 | 93 | 96 | 97 | 99 | 101 => 0..2,
        73 | 95 => 0..3,
        20 | 70 => 0..4,
        3 | 12 | 15 | 23 | 68 | 74 | 81 | 82 | 103 => 1..1 + usize::from(*rest.first()?),
        _ => return None,
    })
}
