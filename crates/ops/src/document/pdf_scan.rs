//! Pages that are pictures of text: drawn as pixels, and read by text recognition.

use super::glyphs::Page;
use super::pdf_remarks::named;
use super::results::{Ocr, Wanted};
use crate::image::picture::{Layout, Picture};
use crate::ocr::{Asked, recognise};
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use hayro_interpret::InterpreterSettings;
use hayro_syntax::page::Page as PdfPage;
use std::panic::{AssertUnwindSafe, catch_unwind};
use windlass_core::Failure;

/// Finer than letters need is slower, coarser is misread.
const DPI_MIN: f64 = 150.0;
const DPI_MAX: f64 = 300.0;
/// For pages that are drawn, not scanned.
const DPI_DRAWN: f64 = 200.0;
const POINTS_PER_INCH: f64 = 72.0;
/// Pixels of one page as it is drawn: A3 at 300 dpi has 17 million, and each takes four bytes.
const RASTER_PIXEL_COUNT_MAX: f64 = 40e6;
/// Below this, letters of ordinary size are no longer read.
const DPI_USEFUL_MIN: f64 = 72.0;
/// Pixels of a picture within a page: more is not unpacked.
const IMAGE_PIXEL_COUNT_MAX: f64 = 200e6;
/// Share of a page that pictures cover on a scan.
const COVERED_SHARE_MIN: f64 = 0.1;
/// Characters that a scan may have as text: a page number, a stamp.
const STAMP_CHARACTER_COUNT_MAX: usize = 16;

/// Reads scans, page by page.
pub(super) struct Scans<'w> {
    wanted: &'w Wanted,
    /// Pages that were read, from 1.
    pub(super) recognised: Vec<usize>,
    /// Why no more pages are read.
    trouble: Option<String>,
}

impl<'w> Scans<'w> {
    pub(super) fn new(wanted: &'w Wanted) -> Scans<'w> {
        Scans { wanted, recognised: Vec::new(), trouble: None }
    }

    /// The text of a page that is read as a picture; `None` for all other pages, and where there is
    /// no text recognition but nobody insisted on it.
    ///
    /// # Errors
    /// Text recognition was asked for and failed.
    pub(super) fn read<'a>(
        &mut self,
        page: &'a PdfPage<'a>,
        number: usize,
        shown: &Page,
        settings: &InterpreterSettings,
        watch: &mut dyn FnMut(),
    ) -> Result<Option<String>, Failure> {
        if self.trouble.is_some() || !self.is_to_be_read(page, shown) {
            return Ok(None);
        }
        let Some(dpi) = dpi(page, shown) else { return Ok(None) };
        let drawn = catch_unwind(AssertUnwindSafe(|| drawn(page, dpi, settings)));
        let Ok(picture) = drawn else { return Ok(None) };
        let asked = Asked { languages: &self.wanted.languages, ..Asked::default() };
        let read = recognise(&picture, Some(dpi as u32), &asked, &mut |_| {
            watch();
            true
        });
        match read {
            Ok(found) => {
                self.recognised.push(number);
                Ok(Some(found.text()))
            }
            Err(failure) if self.wanted.ocr == Ocr::Always => Err(failure),
            Err(failure) => {
                self.trouble = Some(format!("{}. {}", failure.cause, failure.next_step));
                Ok(None)
            }
        }
    }

    /// What is to be said of them.
    pub(super) fn sentences(&self) -> Vec<String> {
        let verb = match self.recognised.len() {
            1 => "was read as a picture",
            _ => "were read as pictures",
        };
        let read = named(&self.recognised).map(|read| format!("{read} {verb}"));
        let trouble = self.trouble.as_ref();
        let trouble = trouble.map(|why| format!("no pages are read as pictures: {why}"));
        read.into_iter().chain(trouble).collect()
    }

    fn is_to_be_read(&self, page: &PdfPage<'_>, shown: &Page) -> bool {
        match self.wanted.ocr {
            Ocr::Never => false,
            Ocr::Always => true,
            Ocr::Auto => {
                let (width, height) = page.render_dimensions();
                let covered = shown.image_area / f64::from(width * height).max(1.0);
                let characters = shown.text.chars().filter(|c| !c.is_whitespace());
                covered >= COVERED_SHARE_MIN
                    && characters.take(STAMP_CHARACTER_COUNT_MAX + 1).count()
                        <= STAMP_CHARACTER_COUNT_MAX
            }
        }
    }
}

/// How finely a page is drawn: as it was scanned, within bounds. `None`: so large that nothing
/// could be read of it.
fn dpi(page: &PdfPage<'_>, shown: &Page) -> Option<f64> {
    if shown.image_pixels_max > IMAGE_PIXEL_COUNT_MAX {
        return None;
    }
    let (width, height) = page.render_dimensions();
    let area = f64::from(width) * f64::from(height) / (POINTS_PER_INCH * POINTS_PER_INCH);
    let scanned = shown.image_density.sqrt() * POINTS_PER_INCH;
    let wanted = if scanned > 0.0 { scanned.clamp(DPI_MIN, DPI_MAX) } else { DPI_DRAWN };
    let dpi = wanted.min((RASTER_PIXEL_COUNT_MAX / area).sqrt());
    // The rasteriser counts rows and columns in 16 bits.
    let side = f64::from(width.max(height)) / POINTS_PER_INCH * dpi;
    (dpi.is_finite() && dpi >= DPI_USEFUL_MIN && side < f64::from(u16::MAX)).then_some(dpi)
}

fn drawn<'a>(page: &'a PdfPage<'a>, dpi: f64, settings: &InterpreterSettings) -> Picture {
    let scale = (dpi / POINTS_PER_INCH) as f32;
    let pixmap_settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    // A cache of its own: what one page leaves behind is not kept for the next.
    let cache = RenderCache::new();
    grey(&render(page, &cache, settings, &RenderSettings::default(), &pixmap_settings))
}

/// Rec. 601, as everywhere.
fn grey(pixmap: &Pixmap) -> Picture {
    let luma = pixmap.data().iter().map(|pixel| {
        let [r, g, b] = [pixel.r, pixel.g, pixel.b].map(u32::from);
        ((299 * r + 587 * g + 114 * b + 500) / 1_000) as u8
    });
    Picture {
        width: pixmap.width().into(),
        height: pixmap.height().into(),
        layout: Layout::Grey,
        bytes: luma.collect(),
    }
}
