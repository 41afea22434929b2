//! The common model of a document: what every reader fills and every form of result is written
//! from.

use serde_json::Value;
use std::ops::Range;

/// Blocks of one document; a book of 1,000 pages has 20,000.
const BLOCK_COUNT_MAX: usize = 2_000_000;
/// Text of all blocks together.
const BLOCK_TEXT_BYTES_MAX: usize = 128 << 20;
/// Links that are listed.
const LINK_COUNT_MAX: usize = 10_000;
/// Entries of an outline that are listed.
const OUTLINE_COUNT_MAX: usize = 10_000;
/// Attachments that are listed.
const ATTACHMENT_COUNT_MAX: usize = 1_000;

/// A document as it was read.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// In reading order.
    pub(super) blocks: Vec<Block>,
    pub(super) metadata: Metadata,
    pub(super) outline: Vec<Entry>,
    pub(super) links: Vec<Link>,
    pub(super) attachments: Vec<Attachment>,
    /// What the user should know, a sentence each.
    pub(super) warnings: Vec<String>,
    /// What only this format has, as fields of the analysis: `("slide_count", 12)`.
    pub(super) figures: Vec<(&'static str, Value)>,
    /// The text as the reader laid it out; `None` where it follows from the blocks. Pages are
    /// separated by form feeds.
    pub(super) text: Option<String>,
    /// Whether the form feeds of `text` part pages.
    pub(super) has_pages: bool,
    /// Bytes of text in the blocks.
    text_bytes: usize,
    is_cut: bool,
}

/// The four fields that users know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) title: String,
    pub(super) author: String,
    pub(super) subject: String,
    pub(super) creator: String,
}

/// One piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Level 1 is the highest; readers give 1 to 9.
    Heading(u8, Line),
    Paragraph(Line),
    /// Depth 0 is the outermost list; the marker is a number as it is shown or a bullet.
    Item {
        depth: u8,
        marker: String,
        line: Line,
    },
    /// Never empty.
    Table(Table),
    /// Where a page, slide, sheet or chapter begins.
    Break(Break),
}

/// Words in a row, with the links in them. Line breaks are `\n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// In rising order, never overlapping: range of the text, target.
    pub(super) links: Vec<(Range<usize>, String)>,
}

/// Rows of cells: a tab between two cells, a line end after each row, neither within a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table(pub(super) String);

/// The start of a part that has a number of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Break {
    pub(super) kind: BreakKind,
    /// From 1.
    pub(super) number: usize,
    pub(super) name: Option<String>,
}

/// What begins at a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BreakKind {
    Page,
    Slide,
    Sheet,
    Chapter,
}

/// One entry of a table of contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// From 1, the outermost.
    pub(super) level: usize,
    pub(super) title: String,
    /// The page it leads to, from 1.
    pub(super) page: Option<usize>,
}

/// A link, with the words that carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) text: String,
    pub(super) target: String,
    /// From 1.
    pub(super) page: Option<usize>,
}

/// A file within the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attachment {
    /// As the document calls it; never to be used as a path.
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) size: u64,
    /// Its content, where it is wanted and could be unpacked.
    pub(super) content: Option<Vec<u8>>,
}

impl Line {
    pub(super) fn plain(text: impl Into<String>) -> Line {
        Line { text: text.into(), links: Vec::new() }
    }
}

impl Table {
    /// The cells, row by row.
    pub(super) fn rows(&self) -> impl Iterator<Item = std::str::Split<'_, char>> {
        self.0.lines().map(|row| row.split('\t'))
    }
}

impl BreakKind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            BreakKind::Page => "page",
            BreakKind::Slide => "slide",
            BreakKind::Sheet => "sheet",
            BreakKind::Chapter => "chapter",
        }
    }
}

impl Block {
    /// Its words.
    pub(super) fn text(&self) -> &str {
        match self {
            Block::Heading(_, line) | Block::Paragraph(line) | Block::Item { line, .. } => {
                &line.text
            }
            Block::Table(table) => &table.0,
            Block::Break(_) => "",
        }
    }
}

impl Document {
    /// Adds a block, unless the document is full.
    pub(super) fn push(&mut self, block: Block) {
        self.text_bytes += block.text().len();
        if self.is_full() {
            self.cut();
            return;
        }
        self.blocks.push(block);
    }

    /// Adds the blocks, links and warnings of another document.
    pub(super) fn append(&mut self, other: Document) {
        other.blocks.into_iter().for_each(|block| self.push(block));
        other.links.into_iter().for_each(|link| self.push_link(link));
        other.attachments.into_iter().for_each(|attachment| self.push_attachment(attachment));
        if other.is_cut {
            self.cut();
        }
    }

    /// Whether a limit is reached: what comes now is left out.
    pub(super) fn is_full(&self) -> bool {
        self.is_cut
            || self.blocks.len() >= BLOCK_COUNT_MAX
            || self.text_bytes > BLOCK_TEXT_BYTES_MAX
    }

    /// Whether so many blocks and another one would fit.
    pub(super) fn has_room_for(&self, count: usize) -> bool {
        !self.is_full() && self.blocks.len() + count < BLOCK_COUNT_MAX
    }

    /// Says once that the rest is left out.
    pub(super) fn cut(&mut self) {
        if !self.is_cut {
            self.is_cut = true;
            self.warnings
                .push("the document is larger than can be read; its rest is left out".to_owned());
        }
    }

    pub(super) fn push_link(&mut self, link: Link) {
        if self.links.len() < LINK_COUNT_MAX && !link.target.is_empty() {
            self.links.push(link);
        }
    }

    pub(super) fn push_entry(&mut self, entry: Entry) {
        if self.outline.len() < OUTLINE_COUNT_MAX && !entry.title.is_empty() {
            self.outline.push(entry);
        }
    }

    pub(super) fn push_attachment(&mut self, attachment: Attachment) {
        if self.attachments.len() < ATTACHMENT_COUNT_MAX {
            self.attachments.push(attachment);
        }
    }

    pub(super) fn push_break(&mut self, kind: BreakKind, number: usize, name: Option<String>) {
        self.push(Block::Break(Break { kind, number, name }));
    }

    pub(super) fn figure(&mut self, name: &'static str, value: impl Into<Value>) {
        self.figures.push((name, value.into()));
    }
}
