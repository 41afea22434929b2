//! HTML pages: what a reader sees of them, token by token, as the WHATWG standard cuts them.
//!
//! No tree is built: what ends a paragraph, an item or a cell is known from the tags alone.

use super::builder::{Builder, Kind};
use super::html_tags::{Skipped, is_block, skipped_by, value};
use super::model::Document;
use crate::encoding::decode_text;
use encoding_rs::Encoding;
use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

/// Where a page declares its encoding.
const DECLARATION_BYTES_MAX: usize = 4_096;
/// Lists within lists that are told apart.
const LIST_DEPTH_MAX: usize = 64;

/// A list that is open.
struct List {
    is_ordered: bool,
    next: i64,
}

struct Reader<'b> {
    builder: &'b mut Builder,
    lists: Vec<List>,
    skipped: Option<Skipped>,
    is_title: bool,
    title: String,
    /// Within `pre`, white space is kept.
    pre_depth: usize,
    /// The kind of the block that is open.
    kind: Kind,
}

/// Reads a page's bytes; the encoding is what a mark or the page itself says, else a guess.
pub(super) fn read(bytes: &[u8]) -> Document {
    let (text, encoding) = decode(bytes);
    let mut document = read_text(&text);
    if text.contains('\u{FFFD}') {
        let warning = format!("some bytes are no valid {encoding}; they are shown as \u{FFFD}");
        document.warnings.push(warning);
    }
    document.figure("encoding", encoding);
    document
}

/// Reads a page that is text already.
pub(super) fn read_text(html: &str) -> Document {
    let mut builder = Builder::for_pages();
    push_html(html, &mut builder);
    builder.finish()
}

/// Adds what a page shows.
pub(super) fn push_html(html: &str, builder: &mut Builder) {
    let mut reader = Reader {
        builder,
        lists: Vec::new(),
        skipped: None,
        is_title: false,
        title: String::new(),
        pre_depth: 0,
        kind: Kind::Paragraph,
    };
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(html, emitter).flatten() {
        match token {
            Token::StartTag(tag) => reader.start(&tag),
            Token::EndTag(tag) => reader.end(&String::from_utf8_lossy(&tag.name)),
            Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
        if reader.builder.document.is_full() {
            reader.builder.document.cut();
            break;
        }
    }
    reader.finish();
}

impl Reader<'_> {
    fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if !self.goes_on_skipping(&name) {
            return;
        }
        if let Some(skipped) = skipped_by(tag, &name) {
            self.skipped = Some(skipped);
            return;
        }
        match name.as_str() {
            "title" => self.is_title = self.title.is_empty(),
            "meta" => self.meta(tag),
            "br" => self.builder.push_break(),
            "a" => {
                let target = value(tag, "href").unwrap_or_default();
                match target.trim() {
                    "" => {}
                    link if link.to_ascii_lowercase().starts_with("javascript:") => {}
                    link => self.builder.open_link(link.to_owned()),
                }
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.block();
                self.set_kind(Kind::Heading(name.as_bytes()[1] - b'0'));
            }
            "ul" | "ol" | "menu" => {
                self.block();
                let start = value(tag, "start").and_then(|start| start.trim().parse().ok());
                let is_ordered = name == "ol";
                self.lists.push(List { is_ordered, next: start.unwrap_or(1) });
            }
            "li" => self.item(tag),
            "table" => {
                self.block();
                self.builder.start_table();
            }
            "tr" => {
                self.block();
                self.builder.end_row();
            }
            "td" | "th" => {
                self.block();
                self.kind = Kind::Paragraph;
                self.builder.start_cell();
            }
            "pre" | "textarea" | "listing" => {
                self.block();
                self.pre_depth += 1;
            }
            name if is_block(name) => self.block(),
            _ => {}
        }
    }

    /// Whether a start tag is looked at; inside what is left out it may end that.
    fn goes_on_skipping(&mut self, name: &str) -> bool {
        match &mut self.skipped {
            None => true,
            Some(Skipped::Element { name: skipped, depth }) => {
                *depth += usize::from(skipped == name);
                false
            }
            Some(Skipped::Loose { name: skipped }) => {
                let ends = skipped == name || (skipped == "p" && is_block(name));
                if ends {
                    self.skipped = None;
                }
                ends
            }
        }
    }

    fn end(&mut self, name: &str) {
        match &mut self.skipped {
            Some(Skipped::Element { name: skipped, depth }) => {
                if skipped == name {
                    *depth -= 1;
                    if *depth == 0 {
                        self.skipped = None;
                    }
                }
                return;
            }
            Some(Skipped::Loose { name: skipped }) => {
                let ends_all = matches!(name, "ul" | "ol" | "table" | "div" | "body");
                if skipped != name && !ends_all {
                    return;
                }
                self.skipped = None;
                if !ends_all {
                    return;
                }
            }
            None => {}
        }
        match name {
            "title" => self.is_title = false,
            "a" => self.builder.close_link(),
            "ul" | "ol" | "menu" => {
                self.block();
                self.lists.pop();
            }
            "td" | "th" => {
                self.block();
                self.builder.end_cell(1);
            }
            "tr" => {
                self.block();
                self.builder.end_row();
            }
            "table" => {
                self.block();
                self.builder.end_table();
            }
            "pre" | "textarea" | "listing" => {
                self.block();
                self.pre_depth = self.pre_depth.saturating_sub(1);
            }
            "br" => self.builder.push_break(),
            name if is_block(name) => {
                self.block();
                // An empty heading makes none of what follows.
                if matches!(name, "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6") {
                    self.kind = Kind::Paragraph;
                }
            }
            _ => {}
        }
    }

    fn item(&mut self, tag: &StartTag<()>) {
        self.block();
        let depth = self.lists.len().saturating_sub(1).min(LIST_DEPTH_MAX);
        let mut marker = "\u{2022}".to_owned();
        if let Some(list) = self.lists.last_mut().filter(|list| list.is_ordered) {
            let own = value(tag, "value").and_then(|value| value.trim().parse().ok());
            let number = own.unwrap_or(list.next);
            list.next = number.saturating_add(1);
            marker = format!("{number}.");
        }
        let depth = u8::try_from(depth).unwrap_or(u8::MAX);
        self.set_kind(Kind::Item { depth, marker });
    }

    fn text(&mut self, text: &str) {
        if self.is_title {
            self.title.push_str(text);
        } else if self.skipped.is_none() {
            if self.pre_depth > 0 {
                self.builder.push(text);
            } else {
                self.builder.push_collapsed(text);
            }
        }
    }

    fn meta(&mut self, tag: &StartTag<()>) {
        let name = value(tag, "name").unwrap_or_default().to_ascii_lowercase();
        let content = || collapsed(&value(tag, "content").unwrap_or_default());
        let metadata = &mut self.builder.document.metadata;
        let field = match name.as_str() {
            "author" => &mut metadata.author,
            "description" => &mut metadata.subject,
            "generator" => &mut metadata.creator,
            _ => return,
        };
        if field.is_empty() {
            *field = content();
        }
    }

    fn set_kind(&mut self, kind: Kind) {
        self.kind = kind;
    }

    /// Ends the block that is open. One without words leaves its kind to the next: `<li><p>`.
    fn block(&mut self) {
        if self.builder.is_line_empty() {
            return;
        }
        self.builder.set_kind(std::mem::take(&mut self.kind));
        self.builder.flush();
    }

    fn finish(mut self) {
        self.block();
        let title = collapsed(&self.title);
        if self.builder.document.metadata.title.is_empty() {
            self.builder.document.metadata.title = title;
        }
    }
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of a page: a byte order mark, then what the page declares, then statistics.
fn decode(bytes: &[u8]) -> (String, &'static str) {
    let is_marked = Encoding::for_bom(bytes).is_some() || bytes.starts_with(&[0, 0, 0xFE, 0xFF]);
    match declared(bytes) {
        Some(encoding) if !is_marked => {
            (encoding.decode_without_bom_handling(bytes).0.into_owned(), encoding.name())
        }
        _ => decode_text(bytes),
    }
}

/// The encoding in `<meta charset>`, `<meta http-equiv>` or an XML declaration.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let quoted = |text: &str| {
        let text = text.trim_start().strip_prefix('=')?.trim_start();
        let text = text.trim_start_matches(['"', '\'']);
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)));
        Encoding::for_label(&text.as_bytes()[..end.unwrap_or(text.len())])
    };
    let declaration = start.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next());
    let in_xml = declaration.and_then(|rest| quoted(rest.split("encoding").nth(1)?));
    let mut metas = start.split("<meta").skip(1).map(|meta| meta.split('>').next());
    let in_meta = || metas.find_map(|meta| quoted(meta?.split("charset").nth(1)?));
    let found = in_xml.or_else(in_meta)?;
    // A page that could be read so far is in no encoding of two bytes a sign.
    let is_wide = found == encoding_rs::UTF_16LE || found == encoding_rs::UTF_16BE;
    Some(if is_wide { encoding_rs::UTF_8 } else { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_encoding_is_read_in_every_spelling() {
        let cases = [
            ("<meta charset=windows-1251>", "windows-1251"),
            ("<META http-equiv='x' content=\"text/html; charset = koi8-r\">", "KOI8-R"),
            ("<?xml version='1.0' encoding='iso-8859-2'?><html>", "ISO-8859-2"),
            ("<meta charset='utf-16'>", "UTF-8"),
        ];
        for (html, name) in cases {
            assert_eq!(declared(html.as_bytes()).map(Encoding::name), Some(name), "{html}");
        }
        assert_eq!(declared(b"<meta name='x'>"), None);
    }
}
