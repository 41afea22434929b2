//! Puts blocks together from what readers meet one after another: words, ends, cells, links.
//!
//! A reader says what begins and ends; this keeps the line that is open, the tables around it and
//! the notes that come after everything else.

use super::draft::{COLUMN_COUNT_MAX, Draft};
use super::model::{Block, Document, Line, Link, Table};
use std::mem::take;

/// Lists within lists that are told apart: each depth is an indentation.
const ITEM_DEPTH_MAX: u8 = 15;
/// Tables within tables; deeper ones are read as the text of their cell.
const TABLE_DEPTH_MAX: usize = 16;

/// What the open line will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Paragraph,
    Heading(u8),
    Item {
        depth: u8,
        marker: String,
    },
}

/// What an aside interrupts.
#[derive(Debug)]
struct Suspended {
    line: Line,
    kind: Kind,
    drafts: Vec<Draft>,
    link: Option<(usize, String)>,
    is_space_owed: bool,
}

/// A document that grows.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) document: Document,
    line: Line,
    kind: Kind,
    link: Option<(usize, String)>,
    is_space_owed: bool,
    drafts: Vec<Draft>,
    /// Tables deeper than are kept.
    ignored_tables: usize,
    /// Whether tables may turn out to be layout, as on web pages.
    has_layout_tables: bool,
    suspended: Vec<Suspended>,
    notes: Vec<Block>,
    gathered_bytes: usize,
}

impl Builder {
    /// For web pages, whose tables may hold nothing but their layout.
    pub(super) fn for_pages() -> Builder {
        Builder { has_layout_tables: true, ..Builder::default() }
    }

    /// What the line that is open will be; before its first word or after it.
    pub(super) fn set_kind(&mut self, kind: Kind) {
        self.kind = kind;
    }

    /// Adds text as it is.
    pub(super) fn push(&mut self, text: &str) {
        if !self.gather(text.len()) {
            return;
        }
        self.pay_space();
        self.line.text.extend(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
    }

    /// Adds text in which any white space is one space, as in HTML.
    pub(super) fn push_collapsed(&mut self, text: &str) {
        if !self.gather(text.len()) {
            return;
        }
        for c in text.chars() {
            // A no-break space is meant as it is; other white space only parts words.
            if c.is_whitespace() && c != '\u{A0}' || c.is_control() {
                self.is_space_owed = true;
                continue;
            }
            self.pay_space();
            self.line.text.push(if c == '\u{A0}' { ' ' } else { c });
        }
    }

    /// Counts text that is kept; false where the document is full.
    fn gather(&mut self, bytes: usize) -> bool {
        const GATHERED_BYTES_MAX: usize = 160 << 20;
        self.gathered_bytes += bytes;
        if self.gathered_bytes > GATHERED_BYTES_MAX {
            self.document.cut();
        }
        !self.document.is_full()
    }

    fn pay_space(&mut self) {
        if take(&mut self.is_space_owed)
            && !self.line.text.is_empty()
            && !self.line.text.ends_with([' ', '\n', '\t'])
        {
            self.line.text.push(' ');
        }
    }

    /// A line break within a block.
    pub(super) fn push_break(&mut self) {
        self.is_space_owed = false;
        let end = self.line.text.trim_end_matches(' ').len();
        self.line.text.truncate(end);
        if !self.line.text.is_empty() {
            self.line.text.push('\n');
        }
    }

    /// A link begins; one that is open ends.
    pub(super) fn open_link(&mut self, target: String) {
        self.close_link();
        self.pay_space();
        self.link = Some((self.line.text.len(), target));
    }

    pub(super) fn close_link(&mut self) {
        let Some((start, target)) = self.link.take() else { return };
        let start = start.min(self.line.text.len());
        let text = self.line.text[start..].trim().to_owned();
        self.document.push_link(Link { text, target: target.clone(), page: None });
        if start < self.line.text.len() {
            self.line.links.push((start..self.line.text.len(), target));
        }
    }

    /// Ends the open line: it becomes a block, unless it is blank. What follows is a paragraph.
    pub(super) fn flush(&mut self) {
        let (link, kind) = (self.link.as_ref().map(|link| link.1.clone()), take(&mut self.kind));
        self.close_link();
        let mut line = take(&mut self.line);
        self.is_space_owed = false;
        // A link that goes on in the next block.
        self.link = link.map(|target| (0, target));
        trim(&mut line);
        if line.text.is_empty() {
            return;
        }
        self.emit(match kind {
            Kind::Paragraph => Block::Paragraph(line),
            Kind::Heading(level) => Block::Heading(level, line),
            Kind::Item { depth, marker } => {
                Block::Item { depth: depth.min(ITEM_DEPTH_MAX), marker, line }
            }
        });
    }

    /// Adds a whole paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.flush();
        self.push(text);
        self.flush();
    }

    /// Puts a number before the words of the open line.
    pub(super) fn prefix(&mut self, number: &str) {
        let added = number.len() + 1;
        self.line.text.insert_str(0, &format!("{number} "));
        for (range, _) in &mut self.line.links {
            *range = range.start + added..range.end + added;
        }
        self.link.iter_mut().for_each(|(start, _)| *start += added);
    }

    /// Whether nothing is in the open line.
    pub(super) fn is_line_empty(&self) -> bool {
        self.line.text.is_empty()
    }

    fn emit(&mut self, block: Block) {
        match self.drafts.last_mut() {
            Some(draft) => draft.add(block),
            None if self.suspended.is_empty() => self.document.push(block),
            None => self.notes.push(block),
        }
    }

    pub(super) fn start_table(&mut self) {
        self.flush();
        if self.drafts.len() >= TABLE_DEPTH_MAX {
            self.ignored_tables += 1;
            return;
        }
        if let Some(draft) = self.drafts.last_mut() {
            draft.has_inner = true;
        }
        self.drafts.push(Draft::default());
    }

    /// The row that begins stands for so many.
    pub(super) fn set_row_repeat(&mut self, repeat: usize) {
        if self.ignored_tables == 0
            && let Some(draft) = self.drafts.last_mut()
        {
            draft.row_repeat = repeat;
        }
    }

    /// A table begins with the line that is open: in formats that only say where cells end.
    pub(super) fn start_table_with_line(&mut self) {
        let (line, kind) = (take(&mut self.line), take(&mut self.kind));
        let (link, is_space_owed) = (self.link.take(), take(&mut self.is_space_owed));
        self.start_table();
        self.start_cell();
        (self.line, self.kind, self.link) = (line, kind, link);
        self.is_space_owed = is_space_owed;
    }

    /// The table ended before the line that is open.
    pub(super) fn end_table_before_line(&mut self) {
        let (line, kind) = (take(&mut self.line), take(&mut self.kind));
        let link = self.link.take();
        self.end_table();
        (self.line, self.kind, self.link) = (line, kind, link);
    }

    pub(super) fn start_cell(&mut self) {
        self.flush();
        if self.ignored_tables == 0
            && let Some(draft) = self.drafts.last_mut()
        {
            draft.end_cells(1);
            draft.is_cell_open = true;
        }
    }

    /// The open cell stands for so many.
    pub(super) fn end_cell(&mut self, repeat: usize) {
        self.flush();
        if self.ignored_tables > 0 {
            return;
        }
        let Some(draft) = self.drafts.last_mut() else { return };
        draft.is_cell_open = true;
        let repeat = repeat.clamp(1, COLUMN_COUNT_MAX);
        let bytes = draft.next_cell_bytes().saturating_mul(repeat);
        if self.gather(bytes)
            && let Some(draft) = self.drafts.last_mut()
        {
            draft.end_cells(repeat);
        }
    }

    pub(super) fn end_row(&mut self) {
        self.flush();
        if self.ignored_tables > 0 {
            return;
        }
        let Some(draft) = self.drafts.last_mut() else { return };
        draft.end_cells(1);
        let again = take(&mut draft.row_repeat).saturating_sub(1);
        let row = draft.rows[draft.row_start..].to_owned();
        draft.end_row();
        for _ in 0..if row.is_empty() { 0 } else { again } {
            if !self.gather(row.len() + 1) {
                break;
            }
            if let Some(draft) = self.drafts.last_mut() {
                draft.rows.push_str(&row);
                draft.end_row();
            }
        }
    }

    /// The table becomes a block, or the blocks that stood in it where it was mere layout.
    pub(super) fn end_table(&mut self) {
        self.flush();
        if self.ignored_tables > 0 {
            self.ignored_tables -= 1;
            return;
        }
        let Some(mut draft) = self.drafts.pop() else { return };
        draft.end_row();
        let is_layout = self.has_layout_tables && draft.is_layout();
        if is_layout {
            draft.blocks.into_iter().for_each(|block| self.emit(block));
        } else if draft.rows.contains(|c: char| !c.is_whitespace()) {
            self.emit(Block::Table(Table(draft.rows)));
        }
    }

    /// Whether a cell of the innermost table is open.
    pub(super) fn has_open_table(&self) -> bool {
        !self.drafts.is_empty()
    }

    /// A note begins in the middle of something; what it holds comes at the end.
    pub(super) fn start_aside(&mut self) {
        self.suspended.push(Suspended {
            line: take(&mut self.line),
            kind: take(&mut self.kind),
            drafts: take(&mut self.drafts),
            link: self.link.take(),
            is_space_owed: take(&mut self.is_space_owed),
        });
    }

    pub(super) fn end_aside(&mut self) {
        self.flush();
        while !self.drafts.is_empty() {
            self.end_table();
        }
        let Some(outer) = self.suspended.pop() else { return };
        self.line = outer.line;
        self.kind = outer.kind;
        self.drafts = outer.drafts;
        self.link = outer.link;
        self.is_space_owed = outer.is_space_owed;
    }

    /// Adds the notes so far: at the end of a chapter, a slide, a document.
    pub(super) fn append_notes(&mut self) {
        self.flush();
        take(&mut self.notes).into_iter().for_each(|note| self.document.push(note));
    }

    /// Ends everything that is open.
    pub(super) fn finish(mut self) -> Document {
        while !self.suspended.is_empty() {
            self.end_aside();
        }
        while !self.drafts.is_empty() {
            self.end_table();
        }
        self.link = None;
        self.append_notes();
        self.document
    }
}

/// Cuts white space at both ends, and the links with it.
fn trim(line: &mut Line) {
    line.text.truncate(line.text.trim_end().len());
    let cut = line.text.len() - line.text.trim_start().len();
    line.text.drain(..cut);
    let end = line.text.len();
    for (range, _) in &mut line.links {
        *range = range.start.saturating_sub(cut).min(end)..range.end.saturating_sub(cut).min(end);
    }
    line.links.retain(|(range, _)| !line.text[range.clone()].trim().is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(build: impl FnOnce(&mut Builder)) -> Vec<Block> {
        let mut builder = Builder::default();
        build(&mut builder);
        builder.finish().blocks
    }

    #[test]
    fn white_space_collapses_and_links_keep_their_words() {
        let found = blocks(|builder| {
            builder.push_collapsed("  see \n ");
            builder.open_link("to".to_owned());
            builder.push_collapsed(" the  page");
            builder.close_link();
            builder.push_collapsed(" , now ");
        });
        let links = vec![(4..12, "to".to_owned())];
        let line = Line { text: "see the page , now".to_owned(), links };
        assert_eq!(found, [Block::Paragraph(line)]);
    }

    #[test]
    fn cells_hold_their_paragraphs_in_one_line_and_trailing_empty_ones_go() {
        let found = blocks(|builder| {
            builder.start_table();
            for row in [["a", "b\n c"], ["d", ""]] {
                for cell in row {
                    builder.start_cell();
                    builder.push(cell);
                    builder.end_cell(1);
                }
                builder.end_row();
            }
            builder.end_table();
        });
        assert_eq!(found, [Block::Table(Table("a\tb c\nd\n".to_owned()))]);
    }

    #[test]
    fn a_table_that_only_lays_out_is_no_table() {
        let found = blocks(|builder| {
            builder.has_layout_tables = true;
            builder.start_table();
            builder.start_cell();
            builder.start_table();
            for cell in ["x", "y"] {
                builder.start_cell();
                builder.push(cell);
                builder.end_cell(1);
            }
            builder.end_table();
            builder.paragraph("below");
            builder.end_table();
        });
        let below = Block::Paragraph(Line::plain("below"));
        assert_eq!(found, [Block::Table(Table("x\ty\n".to_owned())), below]);
    }

    #[test]
    fn notes_come_last_and_interrupt_nothing() {
        let found = blocks(|builder| {
            builder.push("before ");
            builder.start_aside();
            builder.push("the note");
            builder.end_aside();
            builder.push("after");
        });
        let lines = ["before after", "the note"].map(|text| Block::Paragraph(Line::plain(text)));
        assert_eq!(found, lines);
    }

    #[test]
    fn repeated_cells_end_at_the_widest_row() {
        let found = blocks(|builder| {
            builder.start_table();
            builder.start_cell();
            builder.push("x");
            builder.end_cell(usize::MAX);
            builder.end_row();
            for (text, repeat) in [("", 3), ("y", 1), ("", usize::MAX)] {
                builder.start_cell();
                builder.push(text);
                builder.end_cell(repeat);
            }
            builder.end_table();
        });
        let Block::Table(table) = &found[0] else { panic!("{found:?}") };
        let widths: Vec<usize> = table.rows().map(Iterator::count).collect();
        assert_eq!(widths, [COLUMN_COUNT_MAX, 4]);
    }
}
