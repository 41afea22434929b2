//! # document: the text of PDF, DOCX and text files
//!
//! Reads the text of a document in reading order and writes two results for each file:
//!
//! - `<base>_document_analysis.json`: what kind of document it is, its page or paragraph counts,
//!   word and character counts, title, author, subject and creator, the first 1,000 characters,
//!   and warnings;
//! - `<base>.txt`: the whole text in UTF-8, pages separated by form feeds.
//!
//! **PDF**: text in columns, rotated text, right-to-left text, filled-in form fields and notes.
//! Files that only restrict printing or copying are read; files that ask for a password to open
//! fail with "password required". Damaged files give what can still be found in them. Pages that
//! are pictures are named in a note: their text needs the ocr operation.
//!
//! **DOCX**: body, tables (cells separated by tabs), list numbers, text boxes, formulas, headers,
//! footers, footnotes, endnotes and comments. Deleted text and field codes are left out.
//!
//! **Text**, with `--op document`: any encoding (UTF-8, UTF-16, UTF-32, and older ones told by
//! their bytes).
//!
//! No parameters.

mod bidi;
mod bomb;
mod docx;
mod docx_lists;
mod docx_text;
mod glyphs;
mod lines;
mod order;
mod pdf;
mod pdf_strings;
mod unmapped;

use crate::encoding::decode_text;
use crate::{Operation, Output, Work};
use pdf::Metadata;
use serde_json::{Map, Value, json};
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::media::Media;

/// Input files are read into memory whole.
const INPUT_BYTES_MAX: u64 = 512 << 20;
/// The text of one document.
const TEXT_BYTES_MAX: usize = 512 << 20;
/// Characters of the text that the analysis shows.
const SHOWN_CHARACTER_COUNT: usize = 1_000;

/// The operation, declared.
pub(crate) const OPERATION: Operation =
    Operation { spec: &SPEC, source: include_str!("document.rs"), run: Some(run) };

static SPEC: OperationSpec = OperationSpec {
    name: "document",
    version: 1,
    summary: "text and metadata of PDF, DOCX and text files",
    accepts: Accepts::Media(&[
        Media::Pdf,
        Media::Docx,
        Media::OfficeLocked,
        Media::Text,
        Media::Html,
    ]),
    params: &[],
    home: Home::Executor,
    cacheable: Cacheable::Always,
    attempt_ms_max: 600_000,
    progress_ms_max: Some(10_000),
    memory_bytes_max: 2 << 30,
    // The text, its analysis, and room for characters that JSON escapes.
    output_bytes_max: TEXT_BYTES_MAX as u64 + (16 << 20),
    steps: &[],
};

/// A document's text and what the user should know about it.
#[derive(Default)]
struct Extract {
    text: String,
    warnings: Vec<String>,
}

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let source = work.source.as_mut().ok_or_else(|| {
        Failure::rejected("input_missing", "this operation needs a file", "Name the files to read.")
    })?;
    let (media, name) = (source.media, source.name.clone());
    let bytes = source.read(INPUT_BYTES_MAX)?;
    let output = &mut *work.output;
    let size = bytes.len() as u64;
    match media {
        Media::Pdf => read_pdf(bytes, output),
        Media::Docx => read_docx(bytes, output),
        Media::OfficeLocked => Err(Failure::rejected(
            "password_required",
            "password required: the document is encrypted",
            "Save a copy without a password and process that.",
        )),
        Media::Text | Media::Html => read_text(&bytes, size, output),
        _ => Err(Failure::rejected(
            "input_unsupported",
            format!("{name} is neither a PDF, a DOCX nor a text file"),
            "Convert it to PDF or DOCX.",
        )),
    }
}

fn read_pdf(bytes: Vec<u8>, output: &mut dyn Output) -> Result<(), Failure> {
    let found = pdf::read(bytes, &mut |done, total| output.progress(done as u64, total as u64))?;
    let mut fields = Map::new();
    fields.insert("document_type".to_owned(), json!("PDF"));
    fields.insert("page_count".to_owned(), json!(found.page_count));
    fields.insert("metadata".to_owned(), metadata_json(&found.metadata));
    fields.insert("pages_without_text".to_owned(), json!(found.pages_without_text));
    finish(fields, found.extract, output)
}

fn read_docx(bytes: Vec<u8>, output: &mut dyn Output) -> Result<(), Failure> {
    let found = docx::read(bytes, &mut |done, total| output.progress(done as u64, total as u64))?;
    let mut fields = Map::new();
    fields.insert("document_type".to_owned(), json!("DOCX"));
    fields.insert("paragraph_count".to_owned(), json!(found.counts.paragraph_count));
    fields.insert("table_count".to_owned(), json!(found.counts.table_count));
    fields.insert("metadata".to_owned(), metadata_json(&found.metadata));
    let mut extract = found.extract;
    if is_blank(&extract.text) {
        extract.warnings.push("the document holds no text".to_owned());
    }
    finish(fields, extract, output)
}

fn read_text(bytes: &[u8], size: u64, output: &mut dyn Output) -> Result<(), Failure> {
    let (text, encoding) = decode_text(bytes);
    let mut extract = Extract { text, warnings: Vec::new() };
    if is_blank(&extract.text) {
        extract.warnings.push("the file holds nothing but blank space".to_owned());
    }
    if extract.text.contains('\u{FFFD}') {
        let warning = format!("some bytes are no valid {encoding}; they are shown as \u{FFFD}");
        extract.warnings.push(warning);
    }
    let mut fields = Map::new();
    fields.insert("document_type".to_owned(), json!("Generic Text"));
    fields.insert("encoding".to_owned(), json!(encoding));
    fields.insert("file_size_bytes".to_owned(), json!(size));
    finish(fields, extract, output)
}

/// Adds the text fields, and writes both artifacts and the notes.
fn finish(
    mut fields: Map<String, Value>,
    extract: Extract,
    output: &mut dyn Output,
) -> Result<(), Failure> {
    let Extract { text, warnings } = extract;
    let shown: String = text.chars().take(SHOWN_CHARACTER_COUNT).collect();
    fields.insert("text_content".to_owned(), json!(shown));
    fields.insert("word_count".to_owned(), json!(text.split_whitespace().count()));
    fields.insert("character_count".to_owned(), json!(text.chars().count()));
    fields.insert("warnings".to_owned(), json!(warnings));
    let mut json = serde_json::to_vec_pretty(&Value::Object(fields))
        .expect("a map of strings and numbers can always be written");
    json.push(b'\n');
    output.artifact("{base}_document_analysis.json", "application/json", &json)?;
    output.artifact("{base}.txt", "text/plain; charset=utf-8", text.as_bytes())?;
    warnings.into_iter().for_each(|warning| output.note(warning));
    Ok(())
}

fn metadata_json(metadata: &Metadata) -> Value {
    json!({
        "title": metadata.title,
        "author": metadata.author,
        "subject": metadata.subject,
        "creator": metadata.creator,
    })
}

/// Adds a part's text, an empty line before it.
fn push_section(text: &mut String, section: &str) {
    let section = section.trim_matches('\n');
    if is_blank(section) {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(section);
    text.push('\n');
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests;
