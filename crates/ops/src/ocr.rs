//! # ocr: text of scanned pages and photographed papers
//!
//! Takes PNG, JPEG, WebP, GIF, BMP, TIFF of many pages, and HEIC and AVIF where libheif is
//! installed; the bytes decide, not the file name.
//! Reading is done by Tesseract 5, which must be installed on the worker's machine (Debian and
//! Ubuntu: `apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-osd`); a worker without
//! it does not offer `ocr`.
//!
//! **Engines.** `engine=accurate` reads by two neural networks instead (PP-OCRv6 small, run by ONNX
//! Runtime), which are far better on photographs and receipts and take more time. They read Latin
//! letters, Chinese and Japanese whatever `lang` names, and find columns by themselves whatever
//! `psm` says. `make deps` in the source folder of Windlass puts their files into `accurate-ocr` in
//! the library folder (`$WINDLASS_LIB`, else `$XDG_DATA_HOME/windlass/lib`, else
//! `~/.local/share/windlass/lib`); they are also looked for in `/usr/local/lib/windlass` and
//! `/usr/lib/windlass`, and nothing is fetched while files are processed. `engine=auto` reads by
//! Tesseract, and by the accurate engine the pages on which Tesseract finds nothing or of whose
//! characters it is less than 92 % sure, as it is on photographs and receipts; a note says so.
//! Where the accurate engine is not there, `auto` reads by Tesseract and a note says why, and
//! `accurate` fails.
//!
//! Writes `<name>_ocr.json`:
//!
//! - `extracted_text`: lines as on the page, an empty one between paragraphs, a form feed between
//!   pages; `word_count` (pieces between white space) and `character_count` (code points) of it;
//! - `average_confidence`: mean of the words' confidences above 0, from 0 to 100;
//! - `image_size` [width, height] in pixels and `image_mode` (Pillow's letters: `L`, `RGB`, `1`, …)
//!   of the first page as it is stored, EXIF orientation applied;
//! - `page_count`, and `pages`: for each its `size`, `text`, `average_confidence`, by how many
//!   degrees it was turned clockwise to stand upright (`orientation`; `orientation_confidence`
//!   where that was in doubt), by how many its lines fall to the right (`skew`), who read it
//!   (`engine`), and its `lines` with their `box`, `text` and `words`, each with `text`,
//!   `confidence` and `box`. Boxes are [left, top, right, bottom] in pixels of the upright page;
//! - `engine`: all who read a page, with their versions; `language` and `page_mode`.
//!
//! **Before it is read** a page is made grey, transparency laid over white, turned as EXIF says,
//! and made straight where its lines fall or rise by 12 pixels or more over its width, and by less
//! than 20 degrees (`turn=false` leaves it). A page on which little is read is also tried upside
//! down or on its side, if Tesseract finds it lying so; and one without columns of text on which
//! letters stand that no word covers (amounts far from their goods) is read again as one column.
//! Faint or unevenly lit print is softened a little.
//!
//! `format` adds a second result: `text` (`<name>.txt`), `tsv` (Tesseract's columns), `hocr` (a
//! page of HTML with places) or `pdf` (the picture with invisible text over it, to be searched and
//! copied).
//!
//! **Limits.** 200 megapixels a page, and what fits into 1.75 GiB while at work: larger ones are
//! refused by their header, before anything is unpacked.

mod accurate;
mod choice;
mod components;
mod engines;
mod json;
mod light;
mod load;
mod overlooked;
mod page;
mod recognise;
mod searchable;
mod skew;
mod tables;
mod turn;

use crate::image::heif;
use crate::image::picture::Orientation;
use crate::needs::{Extra, Need};
use crate::{Operation, Output, Work};
use choice::Engine;
use page::Page;
pub(crate) use recognise::{Asked, recognise};
use searchable::Look;
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::media::Media;
use windlass_core::params::{ParamKind, ParamSpec, Params};

/// The operation, declared.
pub(crate) const OPERATION: Operation =
    Operation { spec: &SPEC, source: include_str!("ocr.rs"), run: Some(run), is_instant: None };

/// What it needs of a machine.
pub(crate) const NEED: Need =
    Need { operation: "ocr", lack: engines::lack, basis, extras: || vec![extra()] };

/// Largest input file.
const INPUT_BYTES_MAX: u64 = 512 << 20;
/// The language that is read unless another one is named.
pub(crate) const LANGUAGE_DEFAULT: &str = "eng";
/// Columns and lines are found by Tesseract.
const PAGE_MODE_DEFAULT: u32 = 3;

static SPEC: OperationSpec = OperationSpec {
    name: "ocr",
    version: 4,
    summary: "text of scanned pages and photographed papers",
    accepts: Accepts::Media(&[
        Media::Png,
        Media::Jpeg,
        Media::WebP,
        Media::Tiff,
        Media::Gif,
        Media::Bmp,
        Media::Heic,
        Media::Avif,
    ]),
    params: PARAMS,
    home: Home::Executor,
    cacheable: Cacheable::Always,
    // A page of 200 megapixels full of small print.
    attempt_ms_max: 1_800_000,
    // Layout analysis of a large page says nothing while it is at work.
    progress_ms_max: Some(60_000),
    memory_bytes_max: 2 << 30,
    output_bytes_max: 1 << 30,
    steps: &[],
};

const PARAMS: &[ParamSpec] = &[
    ParamSpec {
        name: "lang",
        kind: ParamKind::Text,
        default: Some(LANGUAGE_DEFAULT),
        required: false,
        doc: "Language of the text in Tesseract's letters, or several: eng, deu, eng+fra.",
    },
    ParamSpec {
        name: "psm",
        kind: ParamKind::Int { min: 3, max: 13 },
        default: Some("3"),
        required: false,
        doc: "Tesseract's page segmentation: 3 finds columns, 4 one column, 6 one block, 7 one line, \
              11 scattered words.",
    },
    ParamSpec {
        name: "engine",
        kind: ParamKind::Choice(&["tesseract", "accurate", "auto"]),
        default: Some("tesseract"),
        required: false,
        doc: "What reads: Tesseract, neural networks that are better on photographs and receipts, or \
              for each page what suits it.",
    },
    ParamSpec {
        name: "format",
        kind: ParamKind::Choice(&["json", "text", "tsv", "hocr", "pdf"]),
        default: Some("json"),
        required: false,
        doc: "What is written beside the JSON: nothing, text, a table, HTML with places, or a PDF.",
    },
    ParamSpec {
        name: "turn",
        kind: ParamKind::Bool,
        default: Some("true"),
        required: false,
        doc: "Whether slanting, lying and upside-down pages are set upright before they are read.",
    },
];

/// What readings of a file depend on.
fn basis(params: &Params, media: Media) -> Vec<(String, String)> {
    let decoder = if heif::reads(media) { heif::basis() } else { Vec::new() };
    engine_basis(params).into_iter().chain(decoder).collect()
}

/// What readings with these parameters depend on.
fn engine_basis(params: &Params) -> Vec<(String, String)> {
    let tesseract = || engines::basis(params.text("lang").unwrap_or(LANGUAGE_DEFAULT));
    match Engine::of(params) {
        Engine::Tesseract => tesseract(),
        Engine::Accurate => accurate::basis(),
        Engine::Auto => [tesseract(), accurate::basis()].concat(),
    }
}

/// What readings within another operation depend on: on how they are done, too.
pub(crate) fn readings_basis(params: &Params) -> Vec<(String, String)> {
    let own = (SPEC.name.to_owned(), SPEC.version.to_string());
    std::iter::once(own).chain(engine_basis(params)).collect()
}

/// The accurate engine.
fn extra() -> Extra {
    let there: Vec<String> = accurate::basis().into_iter().map(|(name, _)| name).collect();
    let found = accurate::lack().map_or_else(|| Ok(there.join(", ")), Err);
    Extra { what_for: "receipts and photographs by engine=accurate", found }
}

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let params = work.params;
    let Some(source) = work.source.as_mut() else {
        return Err(Failure::rejected("input_missing", "no picture was given", "Name a file."));
    };
    let asked = Asked {
        languages: params.text("lang").unwrap_or(LANGUAGE_DEFAULT),
        page_mode: params.int("psm").and_then(|mode| u32::try_from(mode).ok()).unwrap_or(3),
        is_turned: params.is_true("turn"),
        engine: Engine::of(params),
    };
    asked.engine.check(asked.languages)?;
    let bytes = source.read(INPUT_BYTES_MAX)?;
    let (media, output) = (source.media, &mut *work.output);
    let mut read = json::Read::default();
    let format = params.text("format").unwrap_or("json");
    let mut document = (format == "pdf").then(searchable::Document::new);
    let ended = load::sheets(media, &bytes, document.is_some(), &mut |index, has_more, sheet| {
        // What a file claims of its resolution is left to the PDF: Tesseract reckons it from the
        // letters, and reads receipts better by that (2 points of F1).
        let page = recognise(&sheet.grey, None, &asked, &mut |percent| {
            show(output, index, has_more, percent)
        })?;
        read.note(&sheet);
        if let Some(document) = &mut document {
            let dpi = sheet.dpi;
            document.push(look(media, &bytes, sheet, &page)?, &page, dpi)?;
        }
        read.pages.push(page);
        Ok(())
    })?;
    if ended.is_animation {
        output.note("The file is an animation; its first picture was read.".to_owned());
    }
    if read.pages.iter().all(|page| page.blocks.is_empty()) {
        output.note("No text was found.".to_owned());
    }
    choice::sentences(&read.pages).into_iter().for_each(|sentence| output.note(sentence));
    let engine = choice::names(&read.pages)?;
    let json = read.to_json(&asked, &engine)?;
    output.artifact("{base}_ocr.json", "application/json", &json)?;
    let (name, media_type, bytes) = match (format, document) {
        (_, Some(document)) => ("{base}.pdf", "application/pdf", document.finish()?),
        ("text", _) => ("{base}.txt", "text/plain; charset=utf-8", read.text().into_bytes()),
        ("tsv", _) => (
            "{base}.tsv",
            "text/tab-separated-values; charset=utf-8",
            tables::tsv(&read.pages).into_bytes(),
        ),
        ("hocr", _) => (
            "{base}.hocr",
            "text/html; charset=utf-8",
            tables::hocr(&read.pages, &engine).into_bytes(),
        ),
        _ => return Ok(()),
    };
    output.artifact(name, media_type, &bytes)
}

/// How a page looks in a PDF: a JPEG that lies upright as it is, anything else anew.
fn look(media: Media, bytes: &[u8], sheet: load::Sheet, page: &Page) -> Result<Look, Failure> {
    let is_plain = matches!(sheet.mode, "L" | "RGB") && sheet.lies_upright;
    if media == Media::Jpeg && is_plain && page.turned_degrees == 0 {
        return Ok(Look::Jpeg { bytes: bytes.to_vec(), is_grey: sheet.mode == "L" });
    }
    let picture = sheet.colors.unwrap_or(sheet.grey);
    Ok(Look::Pixels(picture.oriented(Orientation::from_turn(page.turned_degrees))?))
}

/// Shows how far it is; `false`: the attempt is to end. How many pages there are is known at the
/// last one.
fn show(output: &mut dyn Output, index: u32, has_more: bool, percent: u32) -> bool {
    let done = u64::from(index) * 100 + u64::from(percent);
    output.progress(done, if has_more { 0 } else { u64::from(index + 1) * 100 });
    !output.is_cancelled()
}

#[cfg(test)]
mod tests;
