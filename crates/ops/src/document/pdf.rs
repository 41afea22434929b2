//! PDF files: opened, page by page interpreted, their text and metadata read.

use super::bomb;
use super::glyphs::{Page, PageTooBig, SubstituteFonts, TextDevice};
use super::model::{Document, Metadata};
use super::pdf_blocks::Piece;
use super::pdf_fallback::Fallback;
use super::pdf_remarks::{PageEnd, Remarks, named};
use super::pdf_scan::Scans;
use super::results::{Form, Wanted};
use super::unmapped::GlyphNamer;
use super::{
    TEXT_BYTES_MAX, is_blank, lines, order, pdf_blocks, pdf_extras, pdf_outline, pdf_strings,
};
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

/// A document while its pages come in.
struct Reading<'w> {
    wanted: &'w Wanted,
    document: Document,
    text: String,
    /// The paragraphs of each page, where blocks are wanted.
    pieces: Vec<Vec<Piece>>,
    remarks: Remarks,
    fallback: Fallback<'w>,
    scans: Scans<'w>,
}

/// Reads a whole file.
pub(super) fn read(
    bytes: Vec<u8>,
    wanted: &Wanted,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Document, Failure> {
    let bytes = Arc::new(bytes);
    let pdf = open(&bytes)?;
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(damaged("the file is a damaged PDF: no page could be found in it"));
    }
    let mut reading = Reading::new(wanted, &bytes);
    let substitutes = SubstituteFonts::default();
    let settings = settings(&substitutes);
    let mut cache = InterpreterCache::new();
    let mut namer = GlyphNamer::new(&pdf);
    let mut content_bytes = 0;
    for (index, page) in pages.iter().enumerate() {
        progress(index, pages.len());
        content_bytes += page.page_stream().map_or(0, <[u8]>::len);
        if index >= PAGE_COUNT_MAX
            || content_bytes > CONTENT_BYTES_MAX
            || reading.text.len() > TEXT_BYTES_MAX
        {
            reading.remarks.cut_from = Some(index + 1);
            break;
        }
        let mut device = TextDevice::new(visible(page), &mut namer, &substitutes);
        let mut end = draw(page, &cache, &settings, &mut device);
        if end != PageEnd::Whole {
            // An interrupted interpreter may have left its caches half written.
            cache = InterpreterCache::new();
        } else if page.page_stream().is_none() && page.raw().contains_key(CONTENTS) {
            end = PageEnd::Broken;
        }
        let mut shown = device.page;
        let transform = page.initial_transform(true).to_kurbo();
        let content = page.page_stream().unwrap_or_default();
        reading.fallback.complete(&mut shown, index + 1, content, transform);
        let mut watch = || progress(index, pages.len());
        let read = reading.scans.read(page, index + 1, &shown, &settings, &mut watch)?;
        reading.add(page, index + 1, &shown, read, end);
    }
    progress(pages.len(), pages.len());
    reading.finish(&pdf)
}

impl<'w> Reading<'w> {
    fn new(wanted: &'w Wanted, bytes: &'w [u8]) -> Reading<'w> {
        Reading {
            wanted,
            document: Document::default(),
            text: String::new(),
            pieces: Vec::new(),
            remarks: Remarks::default(),
            fallback: Fallback::new(bytes),
            scans: Scans::new(wanted),
        }
    }

    /// Adds a page: as it was drawn, or as it was read as a picture.
    fn add(
        &mut self,
        page: &PdfPage<'_>,
        number: usize,
        shown: &Page,
        read: Option<String>,
        end: PageEnd,
    ) {
        // Annotations of a damaged file may panic as its pages may.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            pdf_extras::links(page, shown, number, &mut self.document);
        }));
        let lines = lines::assemble(shown);
        if self.wanted.form != Form::Text {
            self.pieces.push(match &read {
                Some(read) => pdf_blocks::pieces_of_text(read),
                None => pdf_blocks::pieces(&lines),
            });
        }
        let page_text = match read {
            Some(read) => read.trim_end().to_owned(),
            None => order::page_text(&lines),
        };
        self.remarks.look_at(number, shown, end, !is_blank(&page_text));
        if number > 1 {
            self.text.push('\u{C}');
        }
        self.text.push_str(&page_text);
        if !page_text.is_empty() {
            self.text.push('\n');
        }
    }

    fn finish(self, pdf: &Pdf) -> Result<Document, Failure> {
        let Reading { wanted, mut document, text, pieces, remarks, fallback, scans } = self;
        if let Some(broken) = named(&remarks.broken)
            && is_blank(&text)
        {
            return Err(damaged(&format!(
                "the file is a damaged PDF: it gives no text, and the content of {broken} cannot \
                 be read"
            )));
        }
        document.metadata = metadata(pdf);
        pdf_blocks::push_blocks(&pieces, &mut document);
        let _ = catch_unwind(AssertUnwindSafe(|| {
            pdf_outline::outline(pdf, &mut document);
            pdf_extras::attachments(pdf, wanted.attachments, &mut document);
        }));
        document.warnings.splice(0..0, remarks.sentences(pdf.pages().len()));
        document.warnings.extend(fallback.sentences());
        document.warnings.extend(scans.sentences());
        document.text = Some(text);
        document.has_pages = true;
        document.figure("page_count", pdf.pages().len());
        document.figure("pages_without_text", remarks.without_text);
        document.figure("pages_recognised", scans.recognised);
        Ok(document)
    }
}

/// Opens a file; an owner's restrictions (an empty password to read) do not keep it closed.
fn open(bytes: &Arc<Vec<u8>>) -> Result<Pdf, Failure> {
    if bomb::holds_bomb(bytes) {
        return Err(Failure::rejected(
            "unpacked_too_large",
            format!("a part of the PDF unpacks to more than {} bytes", bomb::STREAM_BYTES_MAX),
            "Do not open the file: it is made to exhaust memory.",
        ));
    }
    let loaded = catch_unwind(AssertUnwindSafe(|| Pdf::new(Arc::clone(bytes))));
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
    device: &mut TextDevice<'_, '_>,
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
