//! Puts blocks together from what readers meet one after another: words, ends, cells, links.
//!
//! A reader says what begins and ends; this keeps the line that is open, the tables around it and
//! the notes that come after everything else.

use super::draft::{COLUMN_COUNT_MAX, Draft};
use super::model::{Block, Document, Table};
pub(super) use super::open_line::Kind;
use super::open_line::OpenLine;
use std::collections::BTreeSet;
use std::mem::take;

/// Tables within tables; deeper ones are read as the text of their cell.
const TABLE_DEPTH_MAX: usize = 16;

/// What an aside interrupts.
#[derive(Debug)]
struct Suspended {
    open: OpenLine,
    drafts: Vec<Draft>,
    /// Where the aside's blocks begin among the notes.
    first_note: usize,
}

/// A document that grows.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) document: Document,
    open: OpenLine,
    drafts: Vec<Draft>,
    /// Tables deeper than are kept.
    ignored_tables: usize,
    /// Whether tables may turn out to be layout, as on web pages.
    has_layout_tables: bool,
    suspended: Vec<Suspended>,
    notes: Vec<Block>,
    /// The words of asides that are wanted once.
    seen: BTreeSet<String>,
    gathered_bytes: usize,
}

impl Builder {
    /// For web pages, whose tables may hold nothing but their layout.
    pub(super) fn for_pages() -> Builder {
        Builder { has_layout_tables: true, ..Builder::default() }
    }

    /// What the line that is open will be; before its first word or after it.
    pub(super) fn set_kind(&mut self, kind: Kind) {
        self.open.kind = kind;
    }

    /// Adds text as it is.
    pub(super) fn push(&mut self, text: &str) {
        if self.gather(text.len()) {
            self.open.push(text);
        }
    }

    /// Adds text in which any white space is one space, as in HTML.
    pub(super) fn push_collapsed(&mut self, text: &str) {
        if self.gather(text.len()) {
            self.open.push_collapsed(text);
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

    /// A line break within a block.
    pub(super) fn push_break(&mut self) {
        self.open.push_break();
    }

    /// A link begins; one that is open ends.
    pub(super) fn open_link(&mut self, target: String) {
        self.close_link();
        self.open.open_link(target);
    }

    pub(super) fn close_link(&mut self) {
        self.open.close_link().into_iter().for_each(|link| self.document.push_link(link));
    }

    /// Ends the open line: it becomes a block, unless it is blank. What follows is a paragraph.
    pub(super) fn flush(&mut self) {
        let link = self.open.link_target().map(str::to_owned);
        self.close_link();
        let block = take(&mut self.open).into_block();
        // A link that goes on in the next block.
        link.into_iter().for_each(|target| self.open.open_link(target));
        block.into_iter().for_each(|block| self.emit(block));
    }

    /// Adds a whole paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.flush();
        self.push(text);
        self.flush();
    }

    /// Puts a number before the words of the open line.
    pub(super) fn prefix(&mut self, number: &str) {
        self.open.prefix(number);
    }

    /// Whether nothing is in the open line.
    pub(super) fn is_line_empty(&self) -> bool {
        self.open.is_empty()
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
        let open = take(&mut self.open);
        self.start_table();
        self.start_cell();
        self.open = open;
    }

    /// The table ended before the line that is open.
    pub(super) fn end_table_before_line(&mut self) {
        let open = take(&mut self.open);
        self.end_table();
        self.open = open;
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
            open: take(&mut self.open),
            drafts: take(&mut self.drafts),
            first_note: self.notes.len(),
        });
    }

    /// Whether what comes now belongs to no aside.
    pub(super) fn is_in_body(&self) -> bool {
        self.suspended.is_empty()
    }

    pub(super) fn end_aside(&mut self) {
        self.flush();
        while !self.drafts.is_empty() {
            self.end_table();
        }
        let Some(outer) = self.suspended.pop() else { return };
        (self.open, self.drafts) = (outer.open, outer.drafts);
    }

    /// The same for what each section of a document repeats: of each wording the first one is
    /// kept.
    pub(super) fn end_repeated_aside(&mut self) {
        let first = self.suspended.last().map(|suspended| suspended.first_note);
        self.end_aside();
        let Some(first) = first.filter(|first| *first < self.notes.len()) else { return };
        let words: Vec<&str> = self.notes[first..].iter().map(Block::text).collect();
        if !self.seen.insert(words.join("\n")) {
            self.notes.truncate(first);
        }
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
        // A link that nobody ended is none of the document's.
        drop(self.open.close_link());
        self.append_notes();
        self.document
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Line;
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

    #[test]
    fn a_repeated_aside_is_kept_once() {
        let found = blocks(|builder| {
            for words in ["head", "head", "other", "", "head"] {
                builder.start_aside();
                builder.paragraph(words);
                builder.end_repeated_aside();
            }
            builder.paragraph("body");
        });
        let lines = ["body", "head", "other"].map(|text| Block::Paragraph(Line::plain(text)));
        assert_eq!(found, lines);
    }
}
