//! What Word before 2007 says of its paragraphs and letters: which are headings, in lists, in
//! tables, deleted ([MS-DOC] 2.4.6, 2.6).

use super::doc_changes::{Changes, Layout, MODERN, OLD, change};
use super::doc_fib::{Fib, Part};
use super::docx_lists::{LEVEL_COUNT, Level, ListRef, Lists};
use super::ole::{u16_at, u32_at};
use std::ops::Range;

/// Pages of formats, 512 bytes each.
const PAGE_BYTES: usize = 512;
/// Runs that are kept; a run of letters has a few bytes at least.
const RUN_COUNT_MAX: usize = 1 << 22;
/// Styles that build on styles; Word allows 11.
const STYLE_DEPTH_MAX: usize = 16;
/// Styles that are read; their numbers have 12 bits.
const STYLE_COUNT_MAX: usize = 4_096;
/// Lists that are read.
const LIST_COUNT_MAX: usize = 4_096;

/// What holds for a paragraph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ParagraphFormat {
    /// From 1.
    pub(super) heading: Option<u8>,
    /// Number of its list from 1; 0: none. Negative for one whose indents are its own.
    list: i16,
    level: u8,
    pub(super) is_in_table: bool,
    /// Whether its end is that of a row.
    pub(super) ends_row: bool,
}

impl ParagraphFormat {
    pub(super) fn list(&self) -> Option<ListRef> {
        /// No list any more.
        const NONE: u16 = 2_047;
        let list = self.list.unsigned_abs();
        let is_list = (1..NONE).contains(&list);
        is_list.then(|| ListRef::new(u32::from(list), usize::from(self.level)))
    }

    /// Follows the changes, one behind the other.
    fn apply(&mut self, changes: Changes<'_>) {
        for (code, operand) in changes {
            let value = operand.first().copied().unwrap_or_default();
            match code {
                change::IN_TABLE | change::OLD_IN_TABLE => self.is_in_table = value != 0,
                change::ROW_END | change::OLD_ROW_END => self.ends_row = value != 0,
                change::LIST_LEVEL => self.level = value.min(LEVEL_COUNT as u8 - 1),
                change::LIST => self.list = u16_at(operand, 0).unwrap_or_default() as i16,
                change::OUTLINE_LEVEL => self.heading = (value < 9).then(|| value + 1),
                _ => {}
            }
        }
    }
}

/// What stands for a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Itself,
    /// It was deleted, or is hidden.
    Nothing,
    /// It is a stand-in for a sign of another font.
    Sign(char),
}

/// Where what holds, by bytes of the stream of the text.
#[derive(Debug, Default)]
pub(super) struct Formats {
    /// Ascending, by where each ends.
    paragraphs: Vec<(u32, ParagraphFormat)>,
    /// Letters that are not shown as themselves, ascending.
    letters: Vec<(Range<u32>, Shown)>,
}

impl Formats {
    pub(super) fn read(fib: &Fib, document: &[u8], tables: &[u8]) -> Formats {
        // The sheet of Word 6 and 95 is another.
        let sheet = if fib.is_modern { fib.part(document, tables, Part::Styles) } else { &[] };
        let styles = Styles::read(sheet).formats();
        let mut formats = Formats::default();
        let layout = if fib.is_modern { &MODERN } else { &OLD };
        let plex = fib.part(document, tables, Part::ParagraphFormats);
        each_run(document, plex, layout, layout.paragraph_bytes, |run, bytes| {
            let style = u16_at(bytes, 0).unwrap_or_default();
            let mut format = styles.get(usize::from(style)).copied().unwrap_or_default();
            let bytes = bytes.get(2..).unwrap_or_default();
            format.apply(Changes { bytes, layout });
            formats.paragraphs.push((run.end, format));
        });
        formats.paragraphs.sort_by_key(|(end, _)| *end);
        let plex = fib.part(document, tables, Part::CharacterFormats);
        each_run(document, plex, layout, 1, |run, bytes| {
            let shown = shown(Changes { bytes, layout });
            if shown != Shown::Itself {
                formats.letters.push((run, shown));
            }
        });
        formats.letters.sort_by_key(|(run, _)| run.start);
        formats
    }

    /// Whether a paragraph ends with these bytes; where nothing is known of paragraphs it does.
    pub(super) fn is_end(&self, end: u32) -> bool {
        self.paragraphs.is_empty()
            || self.paragraphs.binary_search_by_key(&end, |(end, _)| *end).is_ok()
    }

    /// Of the paragraph whose end lies here.
    pub(super) fn paragraph(&self, at: u32) -> ParagraphFormat {
        let position = self.paragraphs.partition_point(|(end, _)| *end <= at);
        self.paragraphs.get(position).map(|(_, format)| *format).unwrap_or_default()
    }

    /// What stands for the letter here.
    pub(super) fn shown(&self, at: u32) -> Shown {
        let position = self.letters.partition_point(|(run, _)| run.end <= at);
        let run = self.letters.get(position).filter(|(run, _)| run.start <= at);
        run.map_or(Shown::Itself, |(_, shown)| *shown)
    }
}

/// Goes through the runs of formats: their places, and what they change.
fn each_run(
    document: &[u8],
    plex: &[u8],
    layout: &Layout,
    entry_bytes: usize,
    mut take: impl FnMut(Range<u32>, &[u8]),
) {
    let page_count = plex.len().saturating_sub(4) / (4 + layout.number_bytes);
    let mut run_count = 0;
    for index in 0..page_count {
        let at = 4 * (page_count + 1) + layout.number_bytes * index;
        let number = match layout.is_modern {
            true => u32_at(plex, at).map(|number| number & 0x003F_FFFF),
            false => u16_at(plex, at).map(u32::from),
        };
        let Some(number) = number else { return };
        let start = number as usize * PAGE_BYTES;
        let Some(page) = document.get(start..start + PAGE_BYTES) else { continue };
        let count = usize::from(page[PAGE_BYTES - 1]);
        for run in 0..count {
            run_count += 1;
            let (from, to) = (u32_at(page, 4 * run), u32_at(page, 4 * run + 4));
            let entry = page.get(4 * (count + 1) + entry_bytes * run);
            let (Some(from), Some(to), Some(&entry)) = (from, to, entry) else { break };
            if run_count > RUN_COUNT_MAX {
                return;
            }
            if from >= to {
                continue;
            }
            let changes = if entry == 0 {
                &[][..]
            } else if entry_bytes == 1 {
                sized(page, 2 * usize::from(entry), |length| length)
            } else if layout.is_modern {
                paragraph_changes(page, 2 * usize::from(entry))
            } else {
                sized(page, 2 * usize::from(entry), |length| 2 * length)
            };
            take(from..to, changes);
        }
    }
}

/// Of a paragraph: the length is given in words.
fn paragraph_changes(page: &[u8], at: usize) -> &[u8] {
    match page.get(at) {
        Some(0) => sized(page, at + 1, |length| 2 * length),
        _ => sized(page, at, |length| (2 * length).saturating_sub(1)),
    }
}

/// Bytes with their length before them.
fn sized(page: &[u8], at: usize, bytes: impl Fn(usize) -> usize) -> &[u8] {
    let Some(length) = page.get(at) else { return &[] };
    let end = (at + 1 + bytes(usize::from(*length))).min(page.len());
    &page[at + 1..end]
}

fn shown(changes: Changes<'_>) -> Shown {
    let (mut is_deleted, mut is_hidden, mut sign) = (false, false, None);
    for (code, operand) in changes {
        let value = operand.first().copied().unwrap_or_default();
        match code {
            change::DELETED | change::OLD_DELETED => is_deleted = value & 0x7F != 0,
            // 0x81 is the opposite of the style's, and styles hide nothing.
            change::HIDDEN | change::OLD_HIDDEN => is_hidden = value & 1 != 0,
            change::SYMBOL => sign = Some(u16_at(operand, 2).map_or(Shown::Nothing, sign_of)),
            _ => {}
        }
    }
    match (is_deleted || is_hidden, sign) {
        (true, _) => Shown::Nothing,
        (false, sign) => sign.unwrap_or(Shown::Itself),
    }
}

/// What a sign of another font is; most of those of symbol fonts nobody can tell without them.
fn sign_of(unit: u16) -> Shown {
    match unit {
        0xF0B7 | 0xF0A7 => Shown::Sign('\u{2022}'),
        // Where Windows has the letters of symbol fonts.
        0xF000..=0xF0FF => Shown::Nothing,
        _ => char::from_u32(u32::from(unit)).map_or(Shown::Nothing, Shown::Sign),
    }
}

/// The sheet of styles, by their numbers.
struct Styles<'a> {
    styles: Vec<&'a [u8]>,
    /// Bytes of what each begins with, before its name.
    head_bytes: usize,
}

impl<'a> Styles<'a> {
    fn read(sheet: &'a [u8]) -> Styles<'a> {
        let head_bytes = usize::from(u16_at(sheet, 4).unwrap_or_default());
        let start = 2 + usize::from(u16_at(sheet, 0).unwrap_or_default());
        let mut rest = sheet.get(start..).unwrap_or_default();
        let next = || {
            let end = 2 + usize::from(u16_at(rest, 0)?);
            let style = rest.get(2..end)?;
            // Each begins at an even place.
            rest = rest.get(end.next_multiple_of(2)..).unwrap_or_default();
            Some(style)
        };
        let styles = std::iter::from_fn(next).take(STYLE_COUNT_MAX).collect();
        Styles { styles, head_bytes }
    }

    /// What each says of its paragraphs.
    fn formats(&self) -> Vec<ParagraphFormat> {
        (0..self.styles.len()).map(|number| self.format(number, STYLE_DEPTH_MAX)).collect()
    }

    /// What one says, with what it builds on.
    fn format(&self, number: usize, depth: usize) -> ParagraphFormat {
        const PARAGRAPH: u16 = 1;
        const NONE: u16 = 0xFFF;
        let style = self.styles.get(number).copied().filter(|_| depth > 0).unwrap_or_default();
        let (Some(kind), Some(parent)) = (u16_at(style, 0), u16_at(style, 2)) else {
            return ParagraphFormat::default();
        };
        if parent & 0xF != PARAGRAPH {
            return ParagraphFormat::default();
        }
        let mut format = match parent >> 4 {
            NONE => ParagraphFormat::default(),
            parent => self.format(usize::from(parent), depth - 1),
        };
        /// Headings and the title are built in, with numbers of their own.
        const TITLE: u16 = 62;
        match kind & 0xFFF {
            TITLE => format.heading = Some(1),
            level @ 1..=9 => format.heading = u8::try_from(level).ok(),
            _ => {}
        }
        let bytes = self.changes(style).unwrap_or_default();
        format.apply(Changes { bytes, layout: &MODERN });
        format
    }

    /// Behind the style's name.
    fn changes(&self, style: &'a [u8]) -> Option<&'a [u8]> {
        let name_length = usize::from(u16_at(style, self.head_bytes)?);
        let at = self.head_bytes + 2 + 2 * name_length + 2;
        let length = usize::from(u16_at(style, at)?);
        // Its own number stands before the changes.
        style.get(at + 4..(at + 2 + length).min(style.len()))
    }
}

/// Reads how the lists of a document count.
pub(super) fn lists(fib: &Fib, document: &[u8], tables: &[u8]) -> Lists {
    let mut lists = Lists::default();
    if !fib.is_modern {
        return lists;
    }
    let definitions = fib.part_and_beyond(document, tables, Part::ListDefinitions);
    let numbers = define(&mut lists, definitions);
    let instances = fib.part(document, tables, Part::Lists);
    let count = u32_at(instances, 0).unwrap_or_default().min(LIST_COUNT_MAX as u32);
    for index in 0..count {
        let Some(id) = u32_at(instances, 4 + 16 * index as usize) else { break };
        if let Some(definition) = numbers.iter().position(|number| *number == id) {
            lists.add(index + 1, definition as u32);
        }
    }
    lists
}

/// Takes the definitions of lists, and gives their numbers.
fn define(lists: &mut Lists, table: &[u8]) -> Vec<u32> {
    let count = usize::from(u16_at(table, 0).unwrap_or_default()).min(LIST_COUNT_MAX);
    let mut numbers = Vec::new();
    // Their levels come one behind the other, after all of them.
    let mut rest = table.get(2 + 28 * count..).unwrap_or_default();
    for index in 0..count {
        let at = 2 + 28 * index;
        let (Some(number), Some(&flags)) = (u32_at(table, at), table.get(at + 26)) else { break };
        numbers.push(number);
        let level_count = if flags & 1 == 0 { LEVEL_COUNT } else { 1 };
        let mut levels = Vec::new();
        for _ in 0..level_count {
            let Some((level, length)) = level(rest) else { return numbers };
            levels.push(level);
            rest = &rest[length..];
        }
        lists.define(index as u32, levels);
    }
    numbers
}

/// A level of a list, and how many bytes tell of it.
fn level(bytes: &[u8]) -> Option<(Level, usize)> {
    let (start, format) = (u32_at(bytes, 0)?, *bytes.get(4)?);
    let text_at = 28 + usize::from(*bytes.get(24)?) + usize::from(*bytes.get(25)?);
    let length = usize::from(u16_at(bytes, text_at)?);
    let end = text_at + 2 + 2 * length;
    let units = bytes.get(text_at + 2..end)?.chunks_exact(2);
    let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let mut pattern = String::new();
    for unit in char::decode_utf16(units) {
        match unit {
            // Stands for the number of that level.
            Ok(level @ '\0'..='\u{8}') => pattern.push_str(&format!("%{}", level as u32 + 1)),
            Ok(sign) => pattern.push(sign),
            Err(_) => {}
        }
    }
    let format = match format {
        1 => "upperRoman",
        2 => "lowerRoman",
        3 => "upperLetter",
        4 => "lowerLetter",
        22 => "decimalZero",
        23 => "bullet",
        255 => "none",
        _ => "decimal",
    };
    Some((Level { format: format.to_owned(), pattern, start }, end))
}
