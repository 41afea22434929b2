//! Rich Text: words, tables, links, notes, headers and footers, group by group (Microsoft's
//! specification 1.9.1).

use super::builder::{Builder, Kind};
use super::model::Document;
use super::rtf_groups::{Destination, Part, State, destination_of};
use super::rtf_pages::{code_page, page_of_charset};
use super::rtf_tokens::{Token, Tokens};
use encoding_rs::{Encoding, WINDOWS_1252};
use std::collections::BTreeMap;
use windlass_core::Failure;

/// Groups within groups; word processors write under 50.
const DEPTH_MAX: usize = 1_000;
/// Fonts whose encoding is kept.
const FONT_COUNT_MAX: usize = 65_536;

struct Reader {
    builder: Builder,
    states: Vec<State>,
    state: State,
    /// Of the document and of each font.
    encoding: &'static Encoding,
    fonts: BTreeMap<i32, &'static Encoding>,
    /// Bytes whose characters are not yet known: half a sign may come alone.
    bytes: Vec<u8>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    /// Fallback characters that are still to be left out.
    left_out: usize,
    marker: String,
    instruction: String,
    is_in_table: bool,
    outline_level: Option<u8>,
    paragraph_count: usize,
    is_star: bool,
}

/// Reads a whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Document, Failure> {
    let start = bytes
        .windows(5)
        .position(|it| it == b"{\\rtf")
        .ok_or_else(|| damaged("it does not begin as Rich Text does"))?;
    let mut reader = Reader::new();
    let mut has_opened = false;
    for token in Tokens::new(&bytes[start..]) {
        let begins_group = std::mem::replace(&mut has_opened, matches!(token, Token::Open));
        match token {
            Token::Open => reader.open()?,
            Token::Close => reader.close(),
            Token::Word(word, value) => reader.word(word, value),
            Token::Byte(byte) => reader.byte(byte),
            Token::Text(text) => reader.plain(text),
            // Elsewhere it says nothing of the group, whatever word follows.
            Token::Star => reader.is_star = begins_group,
        }
        if reader.builder.document.is_full() {
            reader.builder.document.cut();
            break;
        }
    }
    Ok(reader.finish())
}

fn damaged(what: &str) -> Failure {
    Failure::rejected(
        "damaged_rtf",
        format!("the file is a damaged RTF: {what}"),
        "Open it in a word processor, repair it and save it again.",
    )
}

impl Reader {
    fn new() -> Reader {
        Reader {
            builder: Builder::default(),
            states: Vec::new(),
            state: State::default(),
            encoding: WINDOWS_1252,
            fonts: BTreeMap::new(),
            bytes: Vec::new(),
            high: None,
            left_out: 0,
            marker: String::new(),
            instruction: String::new(),
            is_in_table: false,
            outline_level: None,
            paragraph_count: 0,
            is_star: false,
        }
    }

    fn open(&mut self) -> Result<(), Failure> {
        self.decode();
        if self.states.len() >= DEPTH_MAX {
            return Err(super::xml::too_deep(DEPTH_MAX));
        }
        let inner = State { part: Part::Words, ..self.state.clone() };
        self.states.push(std::mem::replace(&mut self.state, inner));
        self.is_star = false;
        Ok(())
    }

    fn close(&mut self) {
        self.decode();
        self.left_out = 0;
        match self.state.part {
            Part::Words => {}
            Part::Link => self.builder.close_link(),
            Part::Note => self.builder.end_aside(),
            Part::Margin => self.builder.end_repeated_aside(),
        }
        if let Some(outer) = self.states.pop() {
            self.state = outer;
        }
    }

    fn finish(mut self) -> Document {
        self.decode();
        while !self.states.is_empty() {
            self.close();
        }
        self.end_table();
        self.end_paragraph();
        let mut document = self.builder.finish();
        for field in [
            &mut document.metadata.title,
            &mut document.metadata.author,
            &mut document.metadata.subject,
        ] {
            *field = field.trim().to_owned();
        }
        document.figure("paragraph_count", self.paragraph_count);
        document
    }

    fn word(&mut self, word: &[u8], value: Option<i32>) {
        // A control word is one fallback character.
        if self.left_out > 0 && !matches!(word, b"u" | b"bin") {
            self.left_out -= 1;
            return;
        }
        self.decode();
        if self.is_star {
            self.is_star = false;
            if !matches!(word, b"fldinst" | b"listtext" | b"pntext" | b"shpinst" | b"annotation") {
                self.state.destination = Destination::Left;
                return;
            }
        }
        let is_on = value != Some(0);
        match word {
            b"ansicpg" => self.encoding = code_page(value.unwrap_or(1252)),
            b"mac" => self.encoding = encoding_rs::MACINTOSH,
            b"f" => self.font(value.unwrap_or(0)),
            b"fcharset" => self.charset(value.unwrap_or(0)),
            b"uc" => self.state.fallback_count = usize::try_from(value.unwrap_or(1)).unwrap_or(0),
            b"u" => self.unit(value.unwrap_or(0) as u16),
            b"v" | b"deleted" => self.state.is_hidden = is_on,
            b"plain" => self.state.is_hidden = false,
            b"outlinelevel" => {
                let level = value.and_then(|level| u8::try_from(level).ok());
                self.outline_level = level.filter(|level| *level < 9).map(|level| level + 1);
            }
            _ if self.destination(word) => {}
            _ if self.state.destination == Destination::Left => {}
            _ => self.layout(word),
        }
    }

    fn font(&mut self, font: i32) {
        self.state.font = font;
    }

    /// The encoding of the font that is being listed.
    fn charset(&mut self, charset: i32) {
        if self.state.destination == Destination::Fonts
            && self.fonts.len() < FONT_COUNT_MAX
            && let Some(page) = page_of_charset(charset)
        {
            self.fonts.insert(self.state.font, code_page(page));
        }
    }

    /// Whether a word says where the text of its group goes.
    fn destination(&mut self, word: &[u8]) -> bool {
        let Some(destination) = destination_of(word) else { return false };
        if self.state.destination == Destination::Left && !destination.is_told_within_left() {
            return false;
        }
        match destination {
            Destination::Instruction => self.instruction.clear(),
            Destination::Marker => self.marker.clear(),
            Destination::Link => {
                self.state.part = Part::Link;
                if let Some(target) = link_target(&self.instruction) {
                    self.builder.open_link(target);
                }
            }
            Destination::Note | Destination::Margin => {
                self.builder.start_aside();
                let is_repeated = destination == Destination::Margin;
                self.state.part = if is_repeated { Part::Margin } else { Part::Note };
            }
            _ => {}
        }
        self.state.destination = match destination {
            Destination::Link | Destination::Note | Destination::Margin => Destination::Body,
            other => other,
        };
        true
    }

    /// Words that stand for characters, or end something.
    fn layout(&mut self, word: &[u8]) {
        let sign = match word {
            b"par" | b"sect" => return self.end_paragraph(),
            b"page" => return self.end_paragraph(),
            b"pard" => {
                self.is_in_table = false;
                self.outline_level = None;
                return;
            }
            b"intbl" => {
                self.is_in_table = true;
                return;
            }
            b"cell" | b"nestcell" => return self.end_cell(),
            b"row" | b"nestrow" => return self.builder.end_row(),
            b"line" | b"lbr" => "\n",
            b"tab" => "\t",
            b"emdash" => "\u{2014}",
            b"endash" => "\u{2013}",
            b"bullet" => "\u{2022}",
            b"lquote" => "\u{2018}",
            b"rquote" => "\u{2019}",
            b"ldblquote" => "\u{201C}",
            b"rdblquote" => "\u{201D}",
            b"emspace" | b"enspace" | b"qmspace" | b"~" => " ",
            b"_" => "\u{2011}",
            _ => return,
        };
        self.push(sign);
    }

    fn end_cell(&mut self) {
        if !self.builder.has_open_table() {
            // What stands before the first cell's end belongs to it.
            self.builder.start_table_with_line();
        }
        self.builder.end_cell(1);
    }

    fn end_table(&mut self) {
        if self.builder.has_open_table() {
            self.builder.end_table();
        }
    }

    fn end_paragraph(&mut self) {
        if self.builder.has_open_table() && !self.is_in_table && self.state.part != Part::Note {
            self.builder.end_table_before_line();
        }
        let is_counted = self.builder.is_in_body() && !self.builder.has_open_table();
        self.paragraph_count += usize::from(is_counted && !self.builder.is_line_empty());
        let marker = std::mem::take(&mut self.marker);
        let marker = marker.trim();
        if let Some(level) = self.outline_level {
            self.builder.set_kind(Kind::Heading(level));
        } else if !marker.is_empty() && !self.builder.is_line_empty() {
            // Symbol fonts draw bullets with whatever letter they like.
            let is_number = marker.chars().any(|c| c.is_ascii_digit())
                || marker.ends_with(['.', ')']) && marker.is_ascii();
            let marker = if is_number { marker } else { "\u{2022}" };
            self.builder.set_kind(Kind::Item { depth: 0, marker: marker.to_owned() });
        }
        self.builder.flush();
    }

    /// A UTF-16 unit.
    fn unit(&mut self, unit: u16) {
        self.left_out = self.state.fallback_count;
        let units = match self.high.take() {
            Some(high) => vec![high, unit],
            None if (0xD800..0xDC00).contains(&unit) => {
                self.high = Some(unit);
                return;
            }
            None => vec![unit],
        };
        let decoded = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}'));
        let text: String = decoded.collect();
        self.push(&text);
    }

    fn byte(&mut self, byte: u8) {
        if self.left_out > 0 {
            self.left_out -= 1;
        } else {
            self.bytes.push(byte);
        }
    }

    fn plain(&mut self, mut text: &[u8]) {
        let left_out = self.left_out.min(text.len());
        self.left_out -= left_out;
        text = &text[left_out..];
        self.bytes.extend_from_slice(text);
    }

    /// Turns the bytes that were gathered into text.
    fn decode(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let encoding = self.fonts.get(&self.state.font).copied().unwrap_or(self.encoding);
        let bytes = std::mem::take(&mut self.bytes);
        let text = encoding.decode_without_bom_handling(&bytes).0;
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        if self.state.is_hidden {
            return;
        }
        /// Titles and instructions are short.
        const FIELD_BYTES_MAX: usize = 64 << 10;
        let metadata = &mut self.builder.document.metadata;
        let field = match self.state.destination {
            Destination::Body => return self.builder.push(text),
            Destination::Marker => &mut self.marker,
            Destination::Instruction => &mut self.instruction,
            Destination::Title => &mut metadata.title,
            Destination::Author => &mut metadata.author,
            Destination::Subject => &mut metadata.subject,
            _ => return,
        };
        if field.len() < FIELD_BYTES_MAX {
            field.push_str(text);
        }
    }
}

/// Where `HYPERLINK "address"` leads; `\l` leads into the document.
pub(super) fn link_target(instruction: &str) -> Option<String> {
    let rest = instruction.trim().strip_prefix("HYPERLINK")?.trim_start();
    let is_inner = rest.starts_with("\\l");
    let target = rest.split('"').nth(1).or_else(|| rest.split_whitespace().next())?;
    Some(if is_inner { format!("#{target}") } else { target.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_taken_from_their_instruction() {
        let target = |instruction| link_target(instruction);
        assert_eq!(target(" HYPERLINK \"http://a/b\" \\o \"x\""), Some("http://a/b".to_owned()));
        assert_eq!(target("HYPERLINK \\l \"mark\""), Some("#mark".to_owned()));
        assert_eq!(target("PAGE"), None);
    }
}
