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
    /// Bytes of copies of cells and rows.
    copied_bytes: usize,
    /// Whether some were left out.
    lacks_copies: bool,
}

impl Builder {
    /// For web pages, whose tables may hold nothing but their layout.
    pub(super) fn for_pages() -> Builder {
        Builder { has_layout_tables: true, ..Builder::default() }
    }

    /// What the line that is open will be; before its first word or after it.
    pub(super) fn set_kind(&mut self, kind: Kind) {
        if let Kind::Item { marker, .. } = &kind {
            self.gather(marker.len());
        }
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

    /// How many of so many copies of a cell or a row are written: a few bytes of a file may ask for
    /// any number, and in tables within tables each copy is copied again.
    fn copies(&mut self, wanted: usize, bytes: usize) -> usize {
        const COPIED_BYTES_MAX: usize = 4 << 20;
        let room = (COPIED_BYTES_MAX - self.copied_bytes) / bytes.max(1);
        let count = wanted.min(room);
        self.copied_bytes += count * bytes;
        if count < wanted && !std::mem::replace(&mut self.lacks_copies, true) {
            let warning = "not all repeated rows and cells are written: they have more than 4 MB";
            self.document.warnings.push(warning.to_owned());
        }
        count
    }

    /// A line break within a block.
    pub(super) fn push_break(&mut self) {
        self.open.push_break();
    }

    /// A link begins; one that is open ends.
    pub(super) fn open_link(&mut self, target: String) {
        self.close_link();
        if self.gather(target.len()) {
            self.open.open_link(target);
        }
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
        link.into_iter().for_each(|target| self.open_link(target));
        block.into_iter().for_each(|block| self.emit(block));
    }

    /// Adds a whole paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.flush();
        self.push(text);
        self.flush();
    }

    /// What the open line is by its level and its label in a list, with how deep it stands there. A
    /// heading keeps its number, not its bullet.
    pub(super) fn set_level(&mut self, heading: Option<u8>, label: Option<(u8, String)>) {
        let kind = match (heading, label) {
            (Some(level), label) => {
                let is_number = |label: &str| label.chars().any(char::is_alphanumeric);
                if let Some((_, number)) = label.filter(|(_, label)| is_number(label)) {
                    self.prefix(&number);
                }
                Kind::Heading(level)
            }
            (None, Some((depth, marker))) => Kind::Item { depth, marker },
            (None, None) => Kind::Paragraph,
        };
        self.set_kind(kind);
    }

    /// Puts a number before the words of the open line.
    fn prefix(&mut self, number: &str) {
        if self.gather(number.len()) {
            self.open.prefix(number);
        }
    }

    /// Whether nothing is in the open line.
    pub(super) fn is_line_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn emit(&mut self, block: Block) {
        match self.drafts.last_mut() {
            Some(draft) => draft.add(block, self.has_layout_tables),
            None if self.suspended.is_empty() => self.document.push(block),
            None if self.document.has_room_for(self.notes.len()) => self.notes.push(block),
            None => self.document.cut(),
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
        let bytes = draft.next_cell_bytes();
        let copies = repeat.clamp(1, COLUMN_COUNT_MAX) - 1;
        let written = self.copies(copies, bytes);
        if self.gather(bytes.saturating_mul(1 + written))
            && let Some(draft) = self.drafts.last_mut()
        {
            draft.end_cells(1 + written);
            // Copies that are not written are empty cells: what follows keeps its column.
            draft.is_cell_open = true;
            draft.end_cells(copies - written);
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
        let again = if row.is_empty() { 0 } else { self.copies(again, row.len() + 1) };
        for _ in 0..again {
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
mod tests;
