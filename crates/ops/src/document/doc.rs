//! Word before 2007 (DOC): the text with its headings, lists, tables, links and notes, character by
//! character ([MS-DOC]). Of Word 6 and 95 the text and its tables.

use super::builder::Builder;
use super::doc_fib::{Fib, Piece, Story};
use super::doc_formats::{Formats, ParagraphFormat, Shown, lists};
use super::docx_lists::Lists;
use super::model::Document;
use super::ole::{Streams, damaged, not_word};
use super::rtf::link_target;
use super::rtf_pages::{UTF_8_PAGE, UTF_16_PAGE, code_page, page_of_charset, page_of_language};
use encoding_rs::{Encoding, WINDOWS_1252};
use windlass_core::Failure;

/// Fields within fields; word processors write a handful.
const FIELD_DEPTH_MAX: usize = 64;

/// Characters with a meaning of their own.
mod sign {
    pub(super) const CELL: char = '\u{7}';
    pub(super) const LINE: char = '\u{B}';
    pub(super) const PAGE: char = '\u{C}';
    pub(super) const COLUMN: char = '\u{E}';
    pub(super) const PARAGRAPH: char = '\r';
    pub(super) const FIELD: char = '\u{13}';
    pub(super) const FIELD_RESULT: char = '\u{14}';
    pub(super) const FIELD_END: char = '\u{15}';
    pub(super) const HYPHEN: char = '\u{1E}';
}

/// Where a character lies, in bytes, and what is shown of it.
#[derive(Clone, Copy)]
struct Place {
    at: u32,
    end: u32,
    shown: Shown,
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
    /// Characters that may still come: pieces may lie over each other, and a few bytes of them ask
    /// for any number.
    budget: usize,
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
    let document = streams.read("WordDocument").ok_or_else(|| not_word(&streams))?;
    let fib = Fib::read(&document)?;
    let own;
    let tables = if fib.is_modern {
        own = streams.read(fib.table_stream).ok_or_else(|| damaged("its tables are missing"))?;
        &own
    } else {
        &document
    };
    let (metadata, page) = streams.properties();
    let encoding = if fib.is_modern {
        // As bytes it has Western letters alone, whatever the language.
        WINDOWS_1252
    } else {
        // What converters write says nothing of bytes that are letters each.
        let page = page.filter(|page| ![UTF_8_PAGE, UTF_16_PAGE].contains(page));
        let of_font = || fib.charset(&document, tables).and_then(page_of_charset);
        code_page(page.or_else(of_font).unwrap_or_else(|| page_of_language(fib.language)))
    };
    let mut stories: Vec<(Story, u32)> = fib.stories().collect();
    stories.reverse();
    let mut reader = Reader {
        builder: Builder::default(),
        formats: Formats::read(&fib, &document, tables),
        lists: lists(&fib, &document, tables),
        budget: document.len(),
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
    for piece in fib.pieces(&document, tables) {
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
        let mut missing = piece.length;
        for (at, unit) in (piece.start..).step_by(step as usize).zip(units) {
            if !self.is_wanted() {
                return false;
            }
            missing -= 1;
            let place = Place { at, end: at + step, shown: self.formats.shown(at) };
            match *unit {
                [byte] => self.byte(byte, place),
                [low, high] => self.unit(u16::from_le_bytes([low, high]), place),
                _ => {}
            }
        }
        // What is not there counts all the same: the next story is not this one's.
        while missing > 0 && self.is_wanted() {
            let skipped = self.left.min(missing - 1);
            self.left -= skipped;
            missing -= 1 + skipped;
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
        if self.budget == 0 {
            self.builder.document.cut();
        }
        self.budget = self.budget.saturating_sub(1);
        !self.builder.document.is_full()
    }

    fn end_story(&mut self) {
        self.end_fields();
        self.end_paragraph(ParagraphFormat::default());
        match self.story {
            Story::Body => {}
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
    fn byte(&mut self, byte: u8, place: Place) {
        if byte < 0x20 || (byte < 0x80 && self.lead.is_none()) {
            self.lead = None;
            return self.character(char::from(byte), place);
        }
        let bytes = self.lead.take().into_iter().chain([byte]).collect::<Vec<u8>>();
        let text = self.encoding.decode_without_bom_handling(&bytes).0;
        if text == "\u{FFFD}" && bytes.len() == 1 && !self.encoding.is_single_byte() {
            self.lead = Some(byte);
            return;
        }
        for character in text.chars() {
            self.character(character, place);
        }
    }

    /// A UTF-16 unit.
    fn unit(&mut self, unit: u16, place: Place) {
        let is_first = (0xD800..0xDC00).contains(&unit);
        let units: Vec<u16> = self.high.take().into_iter().chain([unit]).collect();
        for decoded in char::decode_utf16(units) {
            match decoded {
                Ok(character) => self.character(character, place),
                // Its other half comes next.
                Err(half) if is_first && half.unpaired_surrogate() == unit => {
                    self.high = Some(unit);
                }
                Err(_) => self.character(char::REPLACEMENT_CHARACTER, place),
            }
        }
    }

    fn character(&mut self, character: char, place: Place) {
        if self.story == Story::Macros {
            return;
        }
        let had_ended_cell = std::mem::replace(&mut self.has_ended_cell, character == sign::CELL);
        let is_left_out = place.shown == Shown::Nothing;
        match character {
            // A page may end within a paragraph.
            sign::PAGE if !self.formats.is_end(place.end) => self.push('\n'),
            sign::PARAGRAPH | sign::PAGE => {
                self.end_instructions();
                if !is_left_out {
                    let format = self.formats.paragraph(place.at);
                    self.end_paragraph(format);
                }
            }
            sign::CELL => {
                self.end_instructions();
                let format = self.formats.paragraph(place.at);
                self.end_cell(format, had_ended_cell);
            }
            sign::FIELD => self.start_field(),
            sign::FIELD_RESULT => self.start_field_result(),
            sign::FIELD_END => self.end_field(),
            _ if is_left_out => {}
            sign::LINE | sign::COLUMN => self.push('\n'),
            sign::HYPHEN => self.push('\u{2011}'),
            '\t' => self.push('\t'),
            // Anchors of pictures and notes, soft hyphens.
            '\0'..='\u{1F}' => {}
            letter => match place.shown {
                Shown::Sign(sign) => self.push(sign),
                Shown::Itself | Shown::Nothing => self.push(letter),
            },
        }
    }

    fn push(&mut self, letter: char) {
        /// The document counts what it is handed.
        const TEXT_BYTES: usize = 64 << 10;
        /// An instruction is an address at most.
        const INSTRUCTION_BYTES_MAX: usize = 8_192;
        let field = self.fields.iter_mut().rev().find_map(|field| field.instruction.as_mut());
        match field {
            Some(instruction) if instruction.len() < INSTRUCTION_BYTES_MAX => {
                instruction.push(letter);
            }
            Some(_) => {}
            None => self.text.push(letter),
        }
        if self.text.len() >= TEXT_BYTES {
            self.hand_over();
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
        match self.fields.pop() {
            Some(Field { is_link: true, .. }) => {
                self.hand_over();
                self.builder.close_link();
            }
            Some(Field { instruction: Some(instruction), .. }) => {
                button(&instruction).chars().for_each(|letter| self.push(letter));
            }
            _ => {}
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
            self.set_level(format);
        }
        self.builder.flush();
        let is_margin = matches!(self.story, Story::Margins | Story::MarginBoxes);
        if is_margin && !self.builder.has_open_table() {
            // Each wording once.
            self.builder.end_repeated_aside();
            self.builder.start_aside();
        }
    }

    fn set_level(&mut self, format: ParagraphFormat) {
        let label = format.list().and_then(|list| {
            let depth = self.lists.depth(&list, None);
            self.lists.label(&list, None).map(|label| (depth, label))
        });
        self.builder.set_level(format.heading, label);
    }
}

/// The words of a button, which stand in its instruction behind what it does; of other fields that
/// show nothing, nothing.
fn button(instruction: &str) -> &str {
    let words = instruction.trim_start();
    let is_button = ["MACROBUTTON", "GOTOBUTTON"].iter().any(|kind| words.starts_with(kind));
    let shown = words.splitn(3, ' ').nth(2).filter(|_| is_button);
    shown.unwrap_or_default()
}
