//! Word before 2007 (DOC): the text with its headings, lists, tables, links and notes, character by
//! character ([MS-DOC]). Of Word 6 and 95 the text and its tables.

use super::builder::{Builder, Kind};
use super::doc_fib::{Fib, Piece, Story};
use super::doc_formats::{Formats, ParagraphFormat, lists};
use super::docx_lists::Lists;
use super::model::Document;
use super::ole::{Streams, damaged};
use super::rtf::link_target;
use super::rtf_pages::{code_page, page_of_language};
use encoding_rs::{Encoding, WINDOWS_1252};
use windlass_core::Failure;

/// Fields within fields; word processors write a handful.
const FIELD_DEPTH_MAX: usize = 64;

/// Characters with a meaning of their own.
mod sign {
    pub(super) const CELL: char = '\u{7}';
    pub(super) const LINE: char = '\u{B}';
    pub(super) const PAGE: char = '\u{C}';
    pub(super) const PARAGRAPH: char = '\r';
    pub(super) const FIELD: char = '\u{13}';
    pub(super) const FIELD_RESULT: char = '\u{14}';
    pub(super) const FIELD_END: char = '\u{15}';
    pub(super) const HYPHEN: char = '\u{1E}';
}

/// A field that is open.
struct Field {
    /// What it is to show; `None`: what it shows comes now.
    instruction: Option<String>,
    is_link: bool,
}

struct Reader {
    builder: Builder,
    formats: Formats,
    lists: Lists,
    story: Story,
    /// Characters of the story that are still to come, and the stories after it.
    left: u32,
    stories: Vec<(Story, u32)>,
    fields: Vec<Field>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    /// Of characters that are bytes.
    encoding: &'static Encoding,
    /// The first byte of two that are one character.
    lead: Option<u8>,
    /// Letters that are not in the document yet.
    text: String,
    /// Whether the character before ended a cell: a second end is that of the row.
    has_ended_cell: bool,
    paragraph_count: usize,
}

/// Reads a whole file.
pub(super) fn read(bytes: Vec<u8>) -> Result<Document, Failure> {
    let mut streams = Streams::open(bytes)?;
    let document =
        streams.read("WordDocument").ok_or_else(|| damaged("it holds no Word document"))?;
    let fib = Fib::read(&document)?;
    let tables = if fib.is_modern {
        streams.read(fib.table_stream).ok_or_else(|| damaged("its tables are missing"))?
    } else {
        document.clone()
    };
    let (metadata, page) = streams.properties();
    // Word 97 and later have Western letters alone as bytes, whatever the language.
    let encoding = match (fib.is_modern, page) {
        (true, _) => WINDOWS_1252,
        (false, Some(page)) => code_page(page),
        (false, None) => code_page(page_of_language(fib.language)),
    };
    let mut stories: Vec<(Story, u32)> = fib.stories().collect();
    stories.reverse();
    let mut reader = Reader {
        builder: Builder::default(),
        formats: Formats::read(&fib, &document, &tables),
        lists: lists(&fib, &document, &tables),
        story: Story::Body,
        left: 0,
        stories,
        fields: Vec::new(),
        high: None,
        encoding,
        lead: None,
        text: String::new(),
        has_ended_cell: false,
        paragraph_count: 0,
    };
    reader.builder.document.metadata = metadata;
    let embedded_count = streams.embedded_count();
    if embedded_count > 0 {
        let warning = format!("files within it are not read: {embedded_count}");
        reader.builder.document.warnings.push(warning);
    }
    for piece in fib.pieces(&document, &tables) {
        if !reader.piece(&document, &piece) {
            break;
        }
    }
    Ok(reader.finish())
}

impl Reader {
    /// Takes the characters of a piece, as far as they are there; `false`: nothing more is wanted.
    fn piece(&mut self, document: &[u8], piece: &Piece) -> bool {
        let step: u32 = if piece.is_narrow { 1 } else { 2 };
        let end = piece.start.saturating_add(piece.length.saturating_mul(step)) as usize;
        let bytes = document.get(piece.start as usize..end.min(document.len()));
        let units = bytes.unwrap_or_default().chunks_exact(step as usize);
        for (at, unit) in (piece.start..).step_by(step as usize).zip(units) {
            if !self.is_wanted() {
                return false;
            }
            let is_left_out = self.formats.is_left_out(at);
            let character = match *unit {
                [byte] => self.byte(byte),
                [low, high] => self.unit(u16::from_le_bytes([low, high])),
                _ => None,
            };
            if let Some(character) = character {
                self.character(character, at, is_left_out);
            }
        }
        true
    }

    /// Turns to the next story where one is over; `false`: all are, or the document is full.
    fn is_wanted(&mut self) -> bool {
        while self.left == 0 {
            self.end_story();
            let Some((story, length)) = self.stories.pop() else { return false };
            (self.story, self.left) = (story, length);
            if story != Story::Body {
                self.builder.start_aside();
            }
        }
        self.left -= 1;
        !self.builder.document.is_full()
    }

    fn end_story(&mut self) {
        self.end_fields();
        self.end_paragraph(ParagraphFormat::default());
        match self.story {
            Story::Body => {
                while self.builder.has_open_table() {
                    self.builder.end_table();
                }
            }
            Story::Margins | Story::MarginBoxes => self.builder.end_repeated_aside(),
            _ => self.builder.end_aside(),
        }
    }

    fn finish(mut self) -> Document {
        while self.is_wanted() {
            self.left = 0;
        }
        if self.builder.document.is_full() {
            self.builder.document.cut();
        }
        let mut document = self.builder.finish();
        document.figure("paragraph_count", self.paragraph_count);
        document
    }

    /// A byte that is a character, or half of one.
    fn byte(&mut self, byte: u8) -> Option<char> {
        if byte < 0x20 || (byte < 0x80 && self.lead.is_none()) {
            self.lead = None;
            return Some(char::from(byte));
        }
        let decode = |bytes: &[u8]| {
            let text = self.encoding.decode_without_bom_handling(bytes).0;
            text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
        };
        match self.lead.take() {
            Some(lead) => Some(decode(&[lead, byte])),
            None if self.encoding.is_single_byte() => Some(decode(&[byte])),
            None => match decode(&[byte]) {
                char::REPLACEMENT_CHARACTER => {
                    self.lead = Some(byte);
                    None
                }
                character => Some(character),
            },
        }
    }

    /// A UTF-16 unit.
    fn unit(&mut self, unit: u16) -> Option<char> {
        let units = match self.high.take() {
            Some(high) => [high, unit],
            None if (0xD800..0xDC00).contains(&unit) => {
                self.high = Some(unit);
                return None;
            }
            None => [unit, 0],
        };
        let decoded = char::decode_utf16(units).next()?;
        Some(decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn character(&mut self, character: char, at: u32, is_left_out: bool) {
        if self.story == Story::Macros {
            return;
        }
        let had_ended_cell = std::mem::replace(&mut self.has_ended_cell, character == sign::CELL);
        match character {
            sign::PARAGRAPH | sign::PAGE => {
                self.end_instructions();
                if !is_left_out {
                    let format = self.formats.paragraph(at);
                    self.end_paragraph(format);
                }
            }
            sign::CELL => {
                self.end_instructions();
                let format = self.formats.paragraph(at);
                self.end_cell(format, had_ended_cell);
            }
            sign::FIELD => self.start_field(),
            sign::FIELD_RESULT => self.start_field_result(),
            sign::FIELD_END => self.end_field(),
            _ if is_left_out => {}
            sign::LINE => self.push('\n'),
            sign::HYPHEN => self.push('\u{2011}'),
            '\t' => self.push('\t'),
            // Anchors of pictures and notes, soft hyphens.
            '\0'..='\u{1F}' => {}
            letter => self.push(letter),
        }
    }

    fn push(&mut self, letter: char) {
        /// An instruction is an address at most.
        const INSTRUCTION_BYTES_MAX: usize = 8_192;
        let field = self.fields.iter_mut().find_map(|field| field.instruction.as_mut());
        match field {
            Some(instruction) if instruction.len() < INSTRUCTION_BYTES_MAX => {
                instruction.push(letter);
            }
            Some(_) => {}
            None => self.text.push(letter),
        }
    }

    /// Hands what was gathered to the document.
    fn hand_over(&mut self) {
        self.builder.push(&self.text);
        self.text.clear();
    }

    fn start_field(&mut self) {
        if self.fields.len() < FIELD_DEPTH_MAX {
            self.hand_over();
            self.fields.push(Field { instruction: Some(String::new()), is_link: false });
        }
    }

    fn start_field_result(&mut self) {
        let Some(field) = self.fields.last_mut() else { return };
        let target = field.instruction.take().as_deref().and_then(link_target);
        let is_shown = self.fields.iter().all(|field| field.instruction.is_none());
        if let (Some(target), true, Some(field)) = (target, is_shown, self.fields.last_mut()) {
            field.is_link = true;
            self.builder.open_link(target);
        }
    }

    fn end_field(&mut self) {
        if let Some(Field { is_link: true, .. }) = self.fields.pop() {
            self.hand_over();
            self.builder.close_link();
        }
    }

    /// A field that does not say where its result begins must not swallow what follows.
    fn end_instructions(&mut self) {
        while self.fields.last().is_some_and(|field| field.instruction.is_some()) {
            self.fields.pop();
        }
    }

    fn end_fields(&mut self) {
        while !self.fields.is_empty() {
            self.end_field();
        }
    }

    fn end_cell(&mut self, format: ParagraphFormat, had_ended_cell: bool) {
        self.hand_over();
        if !self.builder.has_open_table() {
            self.builder.start_table_with_line();
        }
        // Where the file tells nothing of its paragraphs, an empty cell ends the row.
        let is_told = format.is_in_table;
        let is_bare = had_ended_cell && self.builder.is_line_empty();
        if format.ends_row || (!is_told && is_bare) {
            self.builder.end_row();
        } else {
            self.builder.end_cell(1);
        }
    }

    fn end_paragraph(&mut self, format: ParagraphFormat) {
        self.hand_over();
        match (self.builder.has_open_table(), format.is_in_table) {
            (true, false) => self.builder.end_table_before_line(),
            (false, true) => self.builder.start_table_with_line(),
            _ => {}
        }
        if !self.builder.is_line_empty() {
            let is_counted = self.story == Story::Body && !format.is_in_table;
            self.paragraph_count += usize::from(is_counted);
            self.set_kind(format);
        }
        self.builder.flush();
        if matches!(self.story, Story::Margins | Story::MarginBoxes) {
            // Each wording once.
            self.builder.end_repeated_aside();
            self.builder.start_aside();
        }
    }

    fn set_kind(&mut self, format: ParagraphFormat) {
        let label = format.list().and_then(|list| {
            let depth = self.lists.depth(&list, None);
            self.lists.label(&list, None).map(|label| (depth, label))
        });
        match (format.heading, label) {
            (Some(level), label) => {
                if let Some((_, label)) = label.filter(|(_, label)| label != "\u{2022}") {
                    self.builder.prefix(&label);
                }
                self.builder.set_kind(Kind::Heading(level));
            }
            (None, Some((depth, marker))) => {
                self.builder.set_kind(Kind::Item { depth, marker });
            }
            (None, None) => {}
        }
    }
}
