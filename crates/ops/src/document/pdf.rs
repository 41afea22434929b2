//! PDF files: opened, page by page interpreted, their text and metadata read.

use super::bomb;
use super::glyphs::{PAGE_GLYPH_COUNT_MAX, Page, PageTooBig, SubstituteFonts, TextDevice};
use super::model::{Document, Metadata};
use super::results::{Form, Wanted};
use super::unmapped::GlyphNamer;
use super::{TEXT_BYTES_MAX, lines, order, pdf_blocks, pdf_extras, pdf_outline, pdf_strings};
use hayro_interpret::font::FontQuery;
use hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, TransformExt, interpret_page,
};
use hayro_syntax::object::dict::keys::CONTENTS;
use hayro_syntax::page::Page as PdfPage;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use windlass_core::Failure;

/// Pages that are read; more are left out with a note.
const PAGE_COUNT_MAX: usize = 50_000;
/// Decoded page contents together: they stay in memory until the file is closed.
const CONTENT_BYTES_MAX: usize = 512 << 20;
/// Text that lies this far outside the page's edge still belongs to it, in points.
const EDGE_POINTS: f64 = 1.0;
/// Share of a page's glyphs without a character that is worth a note.
const UNMAPPED_SHARE_MAX: f64 = 0.05;

/// Pages that need a word, by number from 1.
#[derive(Default)]
struct Remarks {
    without_text: Vec<usize>,
    pictures: Vec<usize>,
    blank: Vec<usize>,
    unmapped: Vec<usize>,
    broken: Vec<usize>,
    too_big: Vec<usize>,
    /// The first page that was not read, because a limit of the whole file was reached.
    cut_from: Option<usize>,
}

/// How the drawing of a page ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PageEnd {
    Whole,
    /// Its content cannot be unpacked, or the interpreter gave up.
    Broken,
    TooBig,
}

/// Reads a whole file.
pub(super) fn read(
    bytes: Vec<u8>,
    wanted: &Wanted,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Document, Failure> {
    let pdf = open(bytes)?;
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(damaged("the file is a damaged PDF: no page could be found in it"));
    }
    let mut document = Document::default();
    document.metadata = metadata(&pdf);
    let mut text = String::new();
    let mut pieces = Vec::new();
    let substitutes = SubstituteFonts::default();
    let settings = settings(&substitutes);
    let mut cache = InterpreterCache::new();
    let mut namer = GlyphNamer::default();
    let mut remarks = Remarks::default();
    let mut content_bytes = 0;
    for (index, page) in pages.iter().enumerate() {
        progress(index, pages.len());
        content_bytes += page.page_stream().map_or(0, <[u8]>::len);
        if index >= PAGE_COUNT_MAX
            || content_bytes > CONTENT_BYTES_MAX
            || text.len() > TEXT_BYTES_MAX
        {
            remarks.cut_from = Some(index + 1);
            break;
        }
        if index > 0 {
            text.push('\u{C}');
        }
        let mut device = TextDevice::new(visible(page), &mut namer, &substitutes);
        let mut end = draw(page, &cache, &settings, &mut device);
        if end != PageEnd::Whole {
            // An interrupted interpreter may have left its caches half written.
            cache = InterpreterCache::new();
        } else if page.page_stream().is_none() && page.raw().contains_key(CONTENTS) {
            end = PageEnd::Broken;
        }
        remarks.look_at(index + 1, &device.page, end);
        let shown = std::mem::take(&mut device.page);
        // Annotations of a damaged file may panic as its pages may.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            pdf_extras::links(page, &shown, index + 1, &mut document);
        }));
        let lines = lines::assemble(&shown);
        if wanted.form != Form::Text {
            pieces.push(pdf_blocks::pieces(&lines));
        }
        let page_text = order::page_text(&lines);
        text.push_str(&page_text);
        if !page_text.is_empty() {
            text.push('\n');
        }
    }
    progress(pages.len(), pages.len());
    if let Some(broken) = named(&remarks.broken)
        && super::is_blank(&text)
    {
        return Err(damaged(&format!(
            "the file is a damaged PDF: it gives no text, and the content of {broken} cannot be read"
        )));
    }
    pdf_blocks::push_blocks(&pieces, &mut document);
    let _ = catch_unwind(AssertUnwindSafe(|| {
        pdf_outline::outline(&pdf, &mut document);
        pdf_extras::attachments(&pdf, wanted.attachments, &mut document);
    }));
    document.warnings.splice(0..0, remarks.sentences(pages.len()));
    document.text = Some(text);
    document.has_pages = true;
    document.figure("page_count", pages.len());
    document.figure("pages_without_text", remarks.without_text);
    Ok(document)
}

/// Opens a file; an owner's restrictions (an empty password to read) do not keep it closed.
fn open(bytes: Vec<u8>) -> Result<Pdf, Failure> {
    if bomb::holds_bomb(&bytes) {
        return Err(Failure::rejected(
            "unpacked_too_large",
            format!("a part of the PDF unpacks to more than {} bytes", bomb::STREAM_BYTES_MAX),
            "Do not open the file: it is made to exhaust memory.",
        ));
    }
    let loaded = catch_unwind(AssertUnwindSafe(|| Pdf::new(bytes)));
    match loaded.unwrap_or(Err(LoadPdfError::Invalid)) {
        Ok(pdf) => Ok(pdf),
        Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) => {
            Err(Failure::rejected(
                "password_required",
                "password required: the PDF is encrypted",
                "Save a copy without a password and process that.",
            ))
        }
        Err(LoadPdfError::Decryption(error)) => Err(Failure::rejected(
            "encryption_unsupported",
            format!("the PDF is encrypted in a way that cannot be read ({error:?})"),
            "Save a copy without encryption and process that.",
        )),
        Err(LoadPdfError::Invalid) => {
            Err(damaged("the file is a damaged PDF: it cannot be opened"))
        }
    }
}

fn damaged(cause: &str) -> Failure {
    Failure::rejected(
        "damaged_pdf",
        cause,
        "Fetch or export the file again; if a viewer opens it, print it to a new PDF.",
    )
}

fn settings(substitutes: &SubstituteFonts) -> InterpreterSettings {
    let substitutes = substitutes.clone();
    InterpreterSettings {
        font_resolver: Arc::new(move |query| match query {
            FontQuery::Standard(font) => Some(font.get_font_data()),
            FontQuery::Fallback(wanted) => {
                substitutes.set();
                Some(wanted.pick_standard_font().get_font_data())
            }
        }),
        ..InterpreterSettings::default()
    }
}

/// What the page shows of its plane, in page space.
fn visible(page: &PdfPage<'_>) -> hayro_interpret::kurbo::Rect {
    let media = page.media_box();
    let corners = hayro_interpret::kurbo::Rect::new(media.x0, media.y0, media.x1, media.y1);
    let shown = page.initial_transform(true).to_kurbo().transform_rect_bbox(corners);
    shown.inflate(EDGE_POINTS, EDGE_POINTS)
}

fn draw<'a>(
    page: &PdfPage<'a>,
    cache: &InterpreterCache<'a>,
    settings: &InterpreterSettings,
    device: &mut TextDevice<'_>,
) -> PageEnd {
    let (width, height) = page.render_dimensions();
    let clip = hayro_interpret::kurbo::Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let drawn = catch_unwind(AssertUnwindSafe(|| {
        let transform = page.initial_transform(true).to_kurbo();
        let mut context = Context::new(transform, clip, cache, page.xref(), settings.clone());
        interpret_page(page, &mut context, device);
    }));
    match drawn {
        Ok(()) => PageEnd::Whole,
        Err(payload) if payload.is::<PageTooBig>() => PageEnd::TooBig,
        Err(_) => PageEnd::Broken,
    }
}

fn metadata(pdf: &Pdf) -> Metadata {
    let info = pdf.metadata();
    let field = |bytes: &Option<Box<[u8]>>| {
        bytes.as_deref().map(pdf_strings::decode).unwrap_or_default().trim().to_owned()
    };
    Metadata {
        title: field(&info.title),
        author: field(&info.author),
        subject: field(&info.subject),
        creator: field(&info.creator),
    }
}

impl Remarks {
    fn look_at(&mut self, number: usize, page: &Page, end: PageEnd) {
        let has_text = page.text.chars().any(|c| !c.is_whitespace());
        if !has_text {
            self.without_text.push(number);
        }
        match end {
            PageEnd::Broken => self.broken.push(number),
            PageEnd::TooBig => self.too_big.push(number),
            PageEnd::Whole if has_text => {}
            PageEnd::Whole if page.has_drawing => self.pictures.push(number),
            PageEnd::Whole => self.blank.push(number),
        }
        let share = page.unmapped_count as f64 / page.glyphs.len().max(1) as f64;
        if share > UNMAPPED_SHARE_MAX {
            self.unmapped.push(number);
        }
    }

    fn sentences(&self, page_count: usize) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut say = |pages: &[usize], one: &str, many: &str| {
            if let Some(named) = named(pages) {
                let rest = if pages.len() == 1 { one } else { many };
                sentences.push(format!("{named} {rest}"));
            }
        };
        say(
            &self.pictures,
            "has no text layer; OCR comes with the ocr operation",
            "have no text layer; OCR comes with the ocr operation",
        );
        say(&self.blank, "is blank", "are blank");
        say(
            &self.unmapped,
            "uses fonts that do not say which characters they show; its text is incomplete",
            "use fonts that do not say which characters they show; their text is incomplete",
        );
        say(
            &self.broken,
            "is damaged; its text may be incomplete",
            "are damaged; their text may be incomplete",
        );
        let limit = format!(
            "more than {PAGE_GLYPH_COUNT_MAX} characters or endless drawing steps; the rest is left out"
        );
        say(&self.too_big, &format!("has {limit}"), &format!("have {limit}"));
        if let Some(first) = self.cut_from {
            let rest: Vec<usize> = (first..=page_count).collect();
            say(
                &rest,
                "is left out: the document is larger than can be read",
                "are left out: the document is larger than can be read",
            );
        }
        sentences
    }
}

/// "page 3", "pages 1-3 and 7"; nothing for no pages. Numbers rise.
fn named(pages: &[usize]) -> Option<String> {
    /// Ranges that are spelt out; of a document with more, the rest are counted.
    const RANGE_COUNT_MAX: usize = 12;
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for page in pages {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *page => *last = *page,
            _ => ranges.push((*page, *page)),
        }
    }
    let spelt = ranges.iter().take(RANGE_COUNT_MAX).map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let mut spelt: Vec<String> = spelt.collect();
    let left: usize =
        ranges.iter().skip(RANGE_COUNT_MAX).map(|(first, last)| last - first + 1).sum();
    if left > 0 {
        spelt.push(format!("{left} more"));
    }
    let last = spelt.pop()?;
    let noun = if pages.len() == 1 { "page" } else { "pages" };
    Some(match spelt.is_empty() {
        true => format!("{noun} {last}"),
        false => format!("{noun} {} and {last}", spelt.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_in_ranges() {
        assert_eq!(named(&[]), None);
        assert_eq!(named(&[3]).as_deref(), Some("page 3"));
        assert_eq!(named(&[1, 2, 3]).as_deref(), Some("pages 1-3"));
        assert_eq!(named(&[1, 2, 3, 7, 9, 10]).as_deref(), Some("pages 1-3, 7 and 9-10"));
        let odd: Vec<usize> = (0..20).map(|index| 2 * index + 1).collect();
        assert!(named(&odd).is_some_and(|text| text.ends_with("23 and 8 more")));
    }
}
