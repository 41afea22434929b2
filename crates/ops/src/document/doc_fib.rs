//! Where a Word document of before 2007 keeps what: the file information block at its start, and
//! the pieces that its text is put together from ([MS-DOC] 2.5, 2.8.35).

use super::ole::{damaged, u16_at, u32_at};
use super::package;
use std::ops::Range;
use windlass_core::Failure;

/// The first version that has a stream of tables: Word 97, and what Windows writes for it.
const WORD_97: u16 = 0xC0;
const IS_ENCRYPTED: u16 = 0x0100;
const HAS_TABLE_1: u16 = 0x0200;
/// Of Word 95 in the Far East: all characters are UTF-16.
const IS_WIDE: u16 = 0x1000;
/// Pieces that are read: one for each edit since the last full save.
const PIECE_COUNT_MAX: usize = 1 << 20;

/// What a document's text is made of, one part behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Story {
    Body,
    Footnotes,
    /// Headers and footers.
    Margins,
    /// What Word itself no longer uses.
    Macros,
    Comments,
    Endnotes,
    TextBoxes,
    /// Text boxes within headers and footers.
    MarginBoxes,
}

const STORIES: [Story; 8] = [
    Story::Body,
    Story::Footnotes,
    Story::Margins,
    Story::Macros,
    Story::Comments,
    Story::Endnotes,
    Story::TextBoxes,
    Story::MarginBoxes,
];

/// A table of the file, by its position in the block.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Styles = 1,
    CharacterFormats = 12,
    ParagraphFormats = 13,
    Fonts = 15,
    Pieces = 33,
    ListDefinitions = 73,
    Lists = 74,
}

/// The file information block.
#[derive(Debug)]
pub(super) struct Fib {
    /// Whether it is Word 97 or later.
    pub(super) is_modern: bool,
    /// The stream of the tables.
    pub(super) table_stream: &'static str,
    /// By Windows' numbers.
    pub(super) language: u16,
    /// Characters of each story.
    lengths: [u32; 8],
    /// Where the pairs of offset and length begin, and how many there are.
    pairs: (usize, usize),
    /// Bytes of the text where there are no pieces.
    plain_text: Range<u32>,
    /// Whether the characters of Word 95 are UTF-16.
    is_wide: bool,
}

/// Text that lies in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where its characters begin in the stream of the text, in bytes.
    pub(super) start: u32,
    /// Characters, in units of UTF-16 or bytes.
    pub(super) length: u32,
    /// Whether its characters are bytes.
    pub(super) is_narrow: bool,
}

impl Fib {
    pub(super) fn read(document: &[u8]) -> Result<Fib, Failure> {
        Fib::parse(document)?.ok_or_else(|| damaged("its first block is cut off"))
    }

    fn parse(document: &[u8]) -> Result<Option<Fib>, Failure> {
        let (Some(version), Some(flags)) = (u16_at(document, 2), u16_at(document, 10)) else {
            return Ok(None);
        };
        if flags & IS_ENCRYPTED != 0 {
            return Err(package::locked());
        }
        Ok(Fib::located(document, version >= WORD_97, flags))
    }

    fn located(document: &[u8], is_modern: bool, flags: u16) -> Option<Fib> {
        /// Of Word 6 and 95, whose tables have the same numbers.
        const OLD_PAIRS: (usize, usize) = (0x58, 42);
        let plain_text = u32_at(document, 24)?..u32_at(document, 28)?;
        let (lengths_at, pairs) = if is_modern {
            let words_at = 34;
            let longs_at = words_at + 2 * usize::from(u16_at(document, 32)?) + 2;
            let long_count = usize::from(u16_at(document, longs_at - 2)?);
            let pairs_at = longs_at + 4 * long_count + 2;
            let pair_count = usize::from(u16_at(document, pairs_at - 2)?);
            (longs_at + 12, (pairs_at, pair_count))
        } else {
            (52, OLD_PAIRS)
        };
        let mut lengths = [0; 8];
        for (index, length) in lengths.iter_mut().enumerate() {
            *length = u32_at(document, lengths_at + 4 * index)?;
        }
        let language = u16_at(document, 6)?;
        let table_stream = if flags & HAS_TABLE_1 == 0 { "0Table" } else { "1Table" };
        let is_wide = flags & IS_WIDE != 0;
        Some(Fib { is_modern, table_stream, language, lengths, pairs, plain_text, is_wide })
    }

    /// A table of the file; empty where there is none.
    pub(super) fn part<'a>(&self, document: &[u8], tables: &'a [u8], part: Part) -> &'a [u8] {
        let (start, length) = self.place(document, part).unwrap_or_default();
        let end = start.saturating_add(length).min(tables.len());
        tables.get(start..end).unwrap_or_default()
    }

    /// Where a table begins, and everything behind it: some reach beyond their own length.
    pub(super) fn part_and_beyond<'a>(
        &self,
        document: &[u8],
        tables: &'a [u8],
        part: Part,
    ) -> &'a [u8] {
        match self.place(document, part) {
            Some((start, 1..)) => tables.get(start..).unwrap_or_default(),
            _ => &[],
        }
    }

    fn place(&self, document: &[u8], part: Part) -> Option<(usize, usize)> {
        let (at, count) = self.pairs;
        let at = at + 8 * part as usize;
        let is_there = (part as usize) < count;
        let pair = (u32_at(document, at)? as usize, u32_at(document, at + 4)? as usize);
        is_there.then_some(pair)
    }

    /// Each story and how many characters it has, in the order of the text.
    pub(super) fn stories(&self) -> impl Iterator<Item = (Story, u32)> {
        STORIES.into_iter().zip(self.lengths)
    }

    /// What the text is put together from, in its order.
    pub(super) fn pieces(&self, document: &[u8], tables: &[u8]) -> Vec<Piece> {
        let table = self.part(document, tables, Part::Pieces);
        let mut pieces = pieces(table, self.is_modern);
        if pieces.is_empty() {
            let Range { start, end } = self.plain_text;
            let length = end.saturating_sub(start) / if self.is_wide { 2 } else { 1 };
            pieces.push(Piece { start, length, is_narrow: true });
        }
        if !self.is_modern {
            pieces.iter_mut().for_each(|piece| piece.is_narrow = !self.is_wide);
        }
        pieces
    }

    /// The character set of the first font that has one of its own, as Windows numbers them.
    pub(super) fn charset(&self, document: &[u8], tables: &[u8]) -> Option<i32> {
        /// Western, whichever is usual, symbols, Macintosh.
        const USUAL: [u8; 4] = [0, 1, 2, 77];
        let mut rest = self.part(document, tables, Part::Fonts).get(2..)?;
        loop {
            let length = usize::from(*rest.first()?);
            let charset = *rest.get(4)?;
            if !USUAL.contains(&charset) {
                return Some(i32::from(charset));
            }
            rest = rest.get(1 + length..)?;
        }
    }
}

/// Reads the table of pieces; what comes before it are changes that pieces refer to.
fn pieces(mut table: &[u8], is_modern: bool) -> Vec<Piece> {
    const CHANGES: u8 = 1;
    const PIECES: u8 = 2;
    while let [CHANGES, rest @ ..] = table {
        let length = u16_at(rest, 0).map_or(rest.len(), |length| 2 + usize::from(length));
        table = rest.get(length..).unwrap_or_default();
    }
    let [PIECES, rest @ ..] = table else { return Vec::new() };
    let Some(length) = u32_at(rest, 0) else { return Vec::new() };
    let rest = &rest[4..];
    let plex = &rest[..rest.len().min(length as usize)];
    // One more position than pieces.
    let count = (plex.len().saturating_sub(4) / 12).min(PIECE_COUNT_MAX);
    let piece = |index: usize| {
        const IS_NARROW: u32 = 0x4000_0000;
        let (from, to) = (u32_at(plex, 4 * index)?, u32_at(plex, 4 * index + 4)?);
        let place = u32_at(plex, 4 * (count + 1) + 8 * index + 2)?;
        let is_narrow = !is_modern || place & IS_NARROW != 0;
        let offset = place & (IS_NARROW - 1);
        let start = if is_modern && is_narrow { offset / 2 } else { offset };
        Some(Piece { start, length: to.saturating_sub(from), is_narrow })
    };
    (0..count).map_while(piece).collect()
}
