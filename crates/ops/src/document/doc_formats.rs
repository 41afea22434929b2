//! What Word before 2007 says of its paragraphs and letters: which are headings, in lists, in
//! tables, deleted ([MS-DOC] 2.4.6, 2.6).

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
    /// Number of its list from 1; 0: none.
    list: u16,
    level: u8,
    pub(super) is_in_table: bool,
    /// Whether its end is that of a row.
    pub(super) ends_row: bool,
}

impl ParagraphFormat {
    pub(super) fn list(&self) -> Option<ListRef> {
        // Word writes 2047 for "no list any more".
        let is_list = (1..2047).contains(&self.list);
        is_list.then(|| ListRef::new(u32::from(self.list), usize::from(self.level)))
    }

    /// Follows the changes, one behind the other.
    fn apply(&mut self, changes: &[u8]) {
        for (code, operand) in Changes(changes) {
            let value = operand.first().copied().unwrap_or_default();
            match code {
                0x2416 => self.is_in_table = value != 0,
                0x2417 => self.ends_row = value != 0,
                0x260A => self.level = value.min(LEVEL_COUNT as u8 - 1),
                0x460B => self.list = u16_at(operand, 0).unwrap_or_default(),
                0x2640 => self.heading = (value < 9).then(|| value + 1),
                _ => {}
            }
        }
    }
}

/// Where what holds, by bytes of the stream of the text.
#[derive(Debug, Default)]
pub(super) struct Formats {
    /// Ascending, by where each ends.
    paragraphs: Vec<(u32, ParagraphFormat)>,
    /// Deleted or hidden letters, and places that hold something else than a letter; ascending.
    left_out: Vec<Range<u32>>,
}

impl Formats {
    pub(super) fn read(fib: &Fib, document: &[u8], tables: &[u8]) -> Formats {
        let styles = Styles::read(fib.part(document, tables, Part::Styles)).formats();
        let mut formats = Formats::default();
        let plex = fib.part(document, tables, Part::ParagraphFormats);
        each_run(document, plex, 13, |run, changes| {
            let style = u16_at(changes, 0).unwrap_or_default();
            let mut format = styles.get(usize::from(style)).copied().unwrap_or_default();
            format.apply(changes.get(2..).unwrap_or_default());
            formats.paragraphs.push((run.end, format));
        });
        formats.paragraphs.sort_by_key(|(end, _)| *end);
        let plex = fib.part(document, tables, Part::CharacterFormats);
        each_run(document, plex, 1, |run, changes| {
            if is_left_out(changes) {
                formats.left_out.push(run);
            }
        });
        formats.left_out.sort_by_key(|run| run.start);
        formats
    }

    /// Of the paragraph whose end lies here.
    pub(super) fn paragraph(&self, at: u32) -> ParagraphFormat {
        let position = self.paragraphs.partition_point(|(end, _)| *end <= at);
        self.paragraphs.get(position).map(|(_, format)| *format).unwrap_or_default()
    }

    /// Whether a letter is none of the text.
    pub(super) fn is_left_out(&self, at: u32) -> bool {
        let position = self.left_out.partition_point(|run| run.end <= at);
        self.left_out.get(position).is_some_and(|run| run.start <= at)
    }
}

/// Goes through the runs of formats: their places, and what they change.
fn each_run(
    document: &[u8],
    plex: &[u8],
    entry_bytes: usize,
    mut take: impl FnMut(Range<u32>, &[u8]),
) {
    let page_count = plex.len().saturating_sub(4) / 8;
    let mut run_count = 0;
    for index in 0..page_count {
        let Some(number) = u32_at(plex, 4 * (page_count + 1) + 4 * index) else { return };
        let start = (number & 0x003F_FFFF) as usize * PAGE_BYTES;
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
            } else {
                paragraph_changes(page, 2 * usize::from(entry))
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

fn is_left_out(changes: &[u8]) -> bool {
    let mut is_left_out = false;
    for (code, operand) in Changes(changes) {
        let is_on = matches!(operand.first(), Some(1));
        match code {
            // Deleted, hidden.
            0x0800 | 0x083C => is_left_out |= is_on,
            // A sign of a symbol font, whose letter is only a stand-in.
            0x6A09 => is_left_out = true,
            _ => {}
        }
    }
    is_left_out
}

/// Changes of formats: what is changed, and to what.
struct Changes<'a>(&'a [u8]);

impl<'a> Iterator for Changes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        /// Tables and tabs have lengths of their own.
        const TABLE: u16 = 0xD608;
        const TABS: u16 = 0xC615;
        let code = u16_at(self.0, 0)?;
        let rest = &self.0[2..];
        let (head, length) = match (code >> 13, code) {
            (0 | 1, _) => (0, 1),
            (2 | 4 | 5, _) => (0, 2),
            (3, _) => (0, 4),
            (7, _) => (0, 3),
            (_, TABLE) => (2, usize::from(u16_at(rest, 0)?).saturating_sub(1)),
            (_, TABS) if rest.first() == Some(&255) => return None,
            _ => (1, usize::from(*rest.first()?)),
        };
        let end = (head + length).min(rest.len());
        let operand = rest.get(head..end)?;
        self.0 = &rest[end..];
        Some((code, operand))
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
            rest = &rest[end..];
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
        // Headings are built in, with numbers of their own.
        if let level @ 1..=9 = kind & 0xFFF {
            format.heading = u8::try_from(level).ok();
        }
        format.apply(self.changes(style).unwrap_or_default());
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
