//! What comes out of a document: its analysis, itself in the wanted form, its attachments.

use super::model::{Attachment, Block, BreakKind, Document, Line};
use super::{is_blank, markdown, plain, structure};
use crate::Output;
use crate::ocr::LANGUAGE_DEFAULT;
use crate::text::language;
use serde_json::{Map, Value, json};
use windlass_core::Failure;
use windlass_core::params::Params;

/// Characters of the text that the analysis shows.
const SHOWN_CHARACTER_COUNT: usize = 1_000;
/// Longest name of an attachment that is written: around the base, an artifact's name may have 55
/// bytes, of which `_attachment_100_` takes 16.
const NAME_BYTES_MAX: usize = 39;
/// Attachments that are written; an attempt may have a few artifacts more.
const WRITTEN_COUNT_MAX: usize = 200;
/// Longest media type of an artifact.
const MEDIA_TYPE_BYTES_MAX: usize = 100;

/// How the whole document is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Markdown,
    Json,
}

/// Which pages of a PDF are read as pictures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ocr {
    /// Those that are pictures.
    Auto,
    Never,
    Always,
}

/// What the user asked for.
pub(super) struct Wanted {
    pub(super) form: Form,
    /// Whether attachments are written, not only listed.
    pub(super) attachments: bool,
    pub(super) ocr: Ocr,
    /// The languages of text recognition.
    pub(super) languages: String,
}

impl Wanted {
    pub(super) fn of(params: &Params) -> Wanted {
        let form = match params.text("format") {
            Some("markdown") => Form::Markdown,
            Some("json") => Form::Json,
            _ => Form::Text,
        };
        let ocr = match params.text("ocr") {
            Some("never") => Ocr::Never,
            Some("always") => Ocr::Always,
            _ => Ocr::Auto,
        };
        let attachments = params.text("attachments") == Some("extract");
        let languages = params.text("lang").unwrap_or(LANGUAGE_DEFAULT).to_owned();
        Wanted { form, attachments, ocr, languages }
    }
}

/// Writes all artifacts and notes.
///
/// # Errors
/// As [`Output::artifact`].
pub(super) fn write(
    kind: &str,
    mut document: Document,
    wanted: &Wanted,
    output: &mut dyn Output,
) -> Result<(), Failure> {
    let text = match document.text.take() {
        Some(text) => text,
        None => plain::text(&document),
    };
    if is_blank(&text) && document.warnings.is_empty() {
        document.warnings.push("the document holds no text".to_owned());
    }
    let fields = analysis(kind, &document, &text);
    let mut json = serde_json::to_vec_pretty(&Value::Object(fields.clone()))
        .expect("a map of strings and numbers can always be written");
    json.push(b'\n');
    output.artifact("{base}_document_analysis.json", "application/json", &json)?;
    if wanted.form != Form::Text && document.blocks.is_empty() {
        push_paragraphs(&text, &mut document);
    }
    match wanted.form {
        Form::Text => {
            output.artifact("{base}.txt", "text/plain; charset=utf-8", text.as_bytes())?;
        }
        Form::Markdown => {
            let markdown = markdown::markdown(&document);
            output.artifact("{base}.md", "text/markdown; charset=utf-8", markdown.as_bytes())?;
        }
        Form::Json => {
            let json = structure::json(fields, &document, &text);
            output.artifact("{base}.json", "application/json", &json)?;
        }
    }
    drop(text);
    if wanted.attachments && document.attachments.len() > WRITTEN_COUNT_MAX {
        let count = document.attachments.len();
        let warning = format!("of {count} attachments the first {WRITTEN_COUNT_MAX} are written");
        document.warnings.push(warning);
    }
    let attachments = document.attachments.iter().take(WRITTEN_COUNT_MAX).enumerate();
    for (index, attachment) in attachments {
        let Some(content) = &attachment.content else { continue };
        let name = attachment_name(index + 1, attachment);
        output.artifact(&name, artifact_type(&attachment.media_type), content)?;
    }
    document.warnings.into_iter().for_each(|warning| output.note(warning));
    Ok(())
}

fn analysis(kind: &str, document: &Document, text: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("document_type".to_owned(), json!(kind));
    for (name, value) in &document.figures {
        fields.insert((*name).to_owned(), value.clone());
    }
    structure::surroundings(&mut fields, document);
    let shown: String = text.chars().take(SHOWN_CHARACTER_COUNT).collect();
    fields.insert("text_content".to_owned(), json!(shown));
    fields.insert("word_count".to_owned(), json!(text.split_whitespace().count()));
    fields.insert("character_count".to_owned(), json!(text.chars().count()));
    fields.insert("language".to_owned(), json!(language(text)));
    fields.insert("warnings".to_owned(), json!(document.warnings));
    fields
}

/// Blocks of a text without structure: an empty line parts paragraphs.
fn push_paragraphs(text: &str, document: &mut Document) {
    let has_pages = document.has_pages;
    for (index, page) in text.split(|c| has_pages && c == '\u{C}').enumerate() {
        if has_pages {
            document.push_break(BreakKind::Page, index + 1, None);
        }
        let parts = page.split("\n\n").flat_map(|part| part.split("\r\n\r\n"));
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            document.push(Block::Paragraph(Line::plain(part)));
        }
    }
}

/// The media type as an artifact may have it; the document may say anything.
fn artifact_type(declared: &str) -> &str {
    let is_type = declared.len() <= MEDIA_TYPE_BYTES_MAX
        && declared.contains('/')
        && declared.bytes().all(|byte| byte.is_ascii_graphic());
    if is_type { declared } else { "application/octet-stream" }
}

/// The artifact's name: without folders, drives and whatever a shell or a file system minds.
fn attachment_name(number: usize, attachment: &Attachment) -> String {
    let name = attachment.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut name = name.trim_matches('.').to_owned();
    if name.len() > NAME_BYTES_MAX {
        // The extension says what it is.
        let tail = name.rsplit_once('.').map(|(_, tail)| tail.to_owned()).unwrap_or_default();
        let tail = if tail.len() <= 8 { format!(".{tail}") } else { String::new() };
        name.truncate(NAME_BYTES_MAX - tail.len());
        name.push_str(&tail);
    }
    if name.is_empty() {
        "unnamed".clone_into(&mut name);
    }
    format!("{{base}}_attachment_{number:02}_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_attachments_are_made_safe() {
        let named = |name: &str| {
            let attachment = Attachment {
                name: name.to_owned(),
                media_type: String::new(),
                size: 0,
                content: None,
            };
            attachment_name(1, &attachment).replace("{base}_attachment_01_", "")
        };
        assert_eq!(named("../../etc/passwd"), "passwd");
        assert_eq!(named("C:\\x\\report 2.pdf"), "report_2.pdf");
        assert_eq!(named("{base}\n;rm -rf *.txt"), "_base___rm_-rf__.txt");
        assert_eq!(named("..."), "unnamed");
        let long = named(&format!("{}.docx", "\u{e4}".repeat(200)));
        assert!(long.len() <= NAME_BYTES_MAX && long.ends_with(".docx"), "{long}");
    }
}
