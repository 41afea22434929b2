//! # document: text, structure and metadata of documents
//!
//! Reads a document in reading order and writes two results for each file:
//!
//! - `<base>_document_analysis.json`: what kind of document it is (`document_type`), its page,
//!   slide, sheet, chapter or paragraph counts, word and character counts, `metadata` (title,
//!   author, subject, creator), `language`, `outline`, `links`, `attachments` (name, media type,
//!   size), the first 1,000 characters, and warnings;
//! - the whole document in UTF-8, by `format`: `<base>.txt` with pages separated by form feeds,
//!   `<base>.md` with headings, lists, tables and links, or `<base>.json` with all of the above,
//!   the text of each page (`pages`) and its `blocks` (heading, paragraph, item, table, and where
//!   a page, slide, sheet or chapter begins).
//!
//! **PDF**: text in columns, rotated text, right-to-left text, filled-in form fields and notes.
//! Files that only restrict printing or copying are read; files that ask for a password to open
//! fail with "password required". Damaged files give what can still be found in them. Pages that
//! are pictures of text are drawn at 150 to 300 dpi and read by Tesseract, if it is installed
//! (`ocr`, `lang`); they are named in a note and in `pages_recognised`. Where more than one in
//! twenty letters of a page belongs to a font that does not say which characters it shows, PDFium
//! is asked, if it is installed (`python3 -m pip install --no-deps --target
//! ~/.local/share/windlass/lib/pypdfium2 pypdfium2`); a note says what it did, or could have done.
//!
//! **DOCX**, **DOC** (Word 97 to 2003; of Word 6 and 95 text and tables), **ODT**, **RTF**: body,
//! tables (cells separated by tabs), lists, text boxes, formulas, notes and comments; headers and
//! footers, each wording once. Deleted text and field codes are left out.
//!
//! **XLSX**, **ODS**: each sheet with its name; numbers by their digits, dates as 2026-01-31,
//! formulas by the value that was saved with them. Blank rows part tables.
//!
//! **PPTX**, **ODP**: slides with titles, lists, tables and notes.
//!
//! Of PPTX, XLSX and DOCX also what charts draw, as tables; of DOCX they come behind the body.
//!
//! **EPUB**: chapters in the order of the book.
//!
//! **HTML**: what the page shows, without scripts and hidden parts. **EML**: the head, the body
//! (plain text where there is one), attached mails; of a mailbox (mbox) all mails.
//!
//! **Text**, with `--op document`: any encoding (UTF-8, UTF-16, UTF-32, and older ones told by
//! their bytes).
//!
//! Parameters: `format`; `ocr`; `lang`; `attachments=extract` writes the files within the document
//! beside the results, as `<base>_attachment_01_<name>`.

mod bidi;
mod bomb;
mod builder;
mod chart;
mod collections;
mod doc;
mod doc_changes;
mod doc_fib;
mod doc_formats;
mod docx;
mod docx_lists;
mod docx_styles;
mod docx_text;
mod doubles;
mod draft;
mod drawing;
mod eml;
mod epub;
mod glyphs;
mod html;
mod html_tags;
mod lines;
mod mailbox;
mod markdown;
mod markers;
mod model;
mod ole;
mod open_line;
mod opendocument;
mod order;
mod package;
mod pdf;
mod pdf_blocks;
mod pdf_extras;
mod pdf_fallback;
mod pdf_outline;
mod pdf_remarks;
mod pdf_scan;
mod pdf_strings;
mod plain;
mod pptx;
mod results;
mod rtf;
mod rtf_groups;
mod rtf_pages;
mod rtf_tokens;
mod structure;
mod unmapped;
mod xlsx;
mod xlsx_cells;
mod xlsx_numbers;
mod xml;

use crate::encoding::decode_text;
use crate::needs::Need;
use crate::{Operation, Source, Work, ocr};
use model::Document;
use opendocument::{ODP, ODS, ODT};
use results::Wanted;
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::media::Media;
use windlass_core::params::{ParamKind, ParamSpec, Params};

/// Input files are read into memory whole.
const INPUT_BYTES_MAX: u64 = 512 << 20;
/// Those that are text themselves: what they are taken apart into is several times as large.
const MARKUP_BYTES_MAX: u64 = 128 << 20;
/// The text of one document.
const TEXT_BYTES_MAX: usize = 512 << 20;

/// What it reads.
pub(crate) const MEDIA: &[Media] = &[
    Media::Pdf,
    Media::Docx,
    Media::Doc,
    Media::Xlsx,
    Media::Pptx,
    Media::Odt,
    Media::Ods,
    Media::Odp,
    Media::Epub,
    Media::Rtf,
    Media::OfficeLocked,
    Media::Text,
    Media::Html,
    Media::Eml,
];

/// Which scanned pages are read.
pub(crate) const OCR: ParamSpec = ParamSpec {
    name: "ocr",
    kind: ParamKind::Choice(&["auto", "never", "always"]),
    default: Some("auto"),
    required: false,
    doc: "which pages of a PDF are read as pictures: those without text, none, all",
};

/// In which language they are read.
pub(crate) const LANGUAGE: ParamSpec = ParamSpec {
    name: "lang",
    kind: ParamKind::Text,
    default: Some(ocr::LANGUAGE_DEFAULT),
    required: false,
    doc: "language of scanned pages in Tesseract's letters, or several: eng, eng+fra",
};

/// The operation, declared.
pub(crate) const OPERATION: Operation = Operation {
    spec: &SPEC,
    source: include_str!("document.rs"),
    run: Some(run),
    is_instant: None,
};

/// It needs nothing; but where text recognition is there, scanned pages are read by it.
pub(crate) const NEED: Need =
    Need { operation: "document", lack: || None, basis, extras: || vec![pdf_fallback::extra()] };

static SPEC: OperationSpec = OperationSpec {
    name: "document",
    version: 5,
    summary: "text, structure and metadata of PDF, office files, books, web pages and mails",
    accepts: Accepts::Media(MEDIA),
    params: &[
        ParamSpec {
            name: "format",
            kind: ParamKind::Choice(&["text", "markdown", "json"]),
            default: Some("text"),
            required: false,
            doc: "how the whole document is written",
        },
        ParamSpec {
            name: "attachments",
            kind: ParamKind::Choice(&["list", "extract"]),
            default: Some("list"),
            required: false,
            doc: "whether files within the document are only listed or written as well",
        },
        OCR,
        LANGUAGE,
    ],
    home: Home::Executor,
    cacheable: Cacheable::Always,
    // Hundreds of scanned pages.
    attempt_ms_max: 3_600_000,
    progress_ms_max: Some(10_000),
    memory_bytes_max: 2 << 30,
    // The document, its analysis, attachments, and room for characters that are escaped.
    output_bytes_max: 2 * TEXT_BYTES_MAX as u64 + (16 << 20),
    steps: &[],
};

pub(crate) fn basis(params: &Params, media: Media) -> Vec<(String, String)> {
    if media != Media::Pdf {
        return Vec::new();
    }
    let engine = match params.text("ocr") {
        Some("auto" | "always") => ocr::readings_basis(params),
        _ => Vec::new(),
    };
    engine.into_iter().chain(pdf_fallback::basis()).collect()
}

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let source = work.source.as_mut().ok_or_else(|| {
        Failure::rejected("input_missing", "this operation needs a file", "Name the files to read.")
    })?;
    let wanted = Wanted::of(work.params);
    let output = &mut *work.output;
    let mut progress = |done: usize, total: usize| output.progress(done as u64, total as u64);
    let (kind, document) = read(source, &wanted, &mut progress)?;
    results::write(kind, document, &wanted, output)
}

/// A document's text, for operations that want nothing else of it.
pub(crate) struct Text {
    /// What was read: `PDF`, `DOCX`.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    /// What the user should know, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// The text of a document, by the parameters [`OCR`] and [`LANGUAGE`].
///
/// # Errors
/// As the operation's.
pub(crate) fn text(
    source: &mut Source,
    params: &Params,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Text, Failure> {
    let (kind, mut document) = read(source, &Wanted::of(params), progress)?;
    let text = document.text.take().unwrap_or_else(|| plain::text(&document));
    Ok(Text { kind, text, warnings: document.warnings })
}

fn read(
    source: &mut Source,
    wanted: &Wanted,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(&'static str, Document), Failure> {
    let (media, name) = (source.media, source.name.clone());
    let bytes_max = match media {
        Media::Html | Media::Eml | Media::Rtf => MARKUP_BYTES_MAX,
        _ => INPUT_BYTES_MAX,
    };
    let bytes = source.read(bytes_max)?;
    let extract = wanted.attachments;
    Ok(match media {
        Media::Pdf => ("PDF", pdf::read(bytes, wanted, progress)?),
        Media::Docx => ("DOCX", docx::read(bytes, extract, progress)?),
        Media::Doc => ("DOC", doc::read(bytes)?),
        Media::Xlsx => ("XLSX", xlsx::read(bytes, extract, progress)?),
        Media::Pptx => ("PPTX", pptx::read(bytes, extract, progress)?),
        Media::Odt => ("ODT", opendocument::read(&ODT, bytes, extract, progress)?),
        Media::Ods => ("ODS", opendocument::read(&ODS, bytes, extract, progress)?),
        Media::Odp => ("ODP", opendocument::read(&ODP, bytes, extract, progress)?),
        Media::Epub => ("EPUB", epub::read(bytes, progress)?),
        Media::Rtf => ("RTF", rtf::read(&bytes)?),
        Media::Html => ("HTML", html::read(&bytes)),
        Media::Eml => ("EML", eml::read(&bytes, extract)?),
        Media::Text => ("Generic Text", read_text(bytes)),
        Media::OfficeLocked => return Err(package::locked()),
        _ => return Err(unsupported(&name, media)),
    })
}

fn unsupported(name: &str, media: Media) -> Failure {
    Failure::rejected(
        "input_unsupported",
        format!("{name} is no document that can be read ({})", media.label()),
        "Convert it to PDF, DOCX, XLSX, PPTX, OpenDocument, EPUB, HTML, RTF or text.",
    )
}

fn read_text(bytes: Vec<u8>) -> Document {
    let size = bytes.len();
    let (text, encoding) = decode_text(bytes);
    let mut document = Document::default();
    if is_blank(&text) {
        document.warnings.push("the file holds nothing but blank space".to_owned());
    }
    if text.contains('\u{FFFD}') {
        let warning = format!("some bytes are no valid {encoding}; they are shown as \u{FFFD}");
        document.warnings.push(warning);
    }
    document.figure("encoding", encoding);
    document.figure("file_size_bytes", size);
    document.text = Some(text);
    document
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
