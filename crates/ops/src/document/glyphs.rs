//! The device that a page is drawn on: it keeps where each glyph stands and what it reads as.
//!
//! Nothing is painted and no image is decoded. Positions are in page space, y pointing down.

use super::doubles::Doubles;
use super::unmapped::{GlyphNamer, is_blank};
use hayro_interpret::font::{Glyph as DrawnGlyph, GlyphRun, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use unicode_normalization::UnicodeNormalization;

/// Glyphs of one page that are kept: a dense newspaper page has 50,000.
pub(super) const PAGE_GLYPH_COUNT_MAX: usize = 2_000_000;
/// Drawing calls of one page: a detailed map has a few million.
const PAGE_CALL_COUNT_MAX: u64 = 50_000_000;
/// Share of a page's glyphs without a character that is worth a note.
const UNMAPPED_SHARE_MAX: f64 = 0.05;
/// A square inch.
const SCAN_AREA_POINTS_MIN: f64 = 72.0 * 72.0;
/// Glyph space units to the em.
const UNITS_PER_EM: f64 = 1000.0;

/// What unwinds out of the interpreter when a page passes a limit: it has no other way to stop.
pub(super) struct PageTooBig;

/// One glyph, placed.
#[derive(Clone, Debug)]
pub(super) struct Glyph {
    /// What it reads as: a range of [`Page::text`], several characters for a ligature.
    pub(super) text: std::ops::Range<usize>,
    /// Where the pen stands before it.
    pub(super) origin: Point,
    /// Where the pen stands after it.
    pub(super) end: Point,
    /// Height of its em.
    pub(super) size: f64,
}

/// What one page shows.
#[derive(Default)]
pub(super) struct Page {
    /// In drawing order.
    pub(super) glyphs: Vec<Glyph>,
    /// The texts of all glyphs.
    pub(super) text: String,
    /// Glyphs that could not be read as any character.
    pub(super) unmapped_count: usize,
    /// Glyphs whose code was taken for their character.
    pub(super) coded_count: usize,
    /// Whether anything but text was drawn.
    pub(super) has_drawing: bool,
    /// Square points that pictures cover, overlaps counted twice.
    pub(super) image_area: f64,
    /// Pixels to the square point of the finest picture of some size.
    pub(super) image_density: f64,
    /// Pixels of the largest picture.
    pub(super) image_pixels_max: f64,
}

impl Page {
    /// Whether so many glyphs have no character that something is to be done about it, or said.
    pub(super) fn is_unmapped(&self) -> bool {
        self.is_many(self.unmapped_count)
    }

    /// Whether so many characters are mere codes that it is to be said.
    pub(super) fn is_coded(&self) -> bool {
        self.is_many(self.coded_count)
    }

    fn is_many(&self, count: usize) -> bool {
        count as f64 > UNMAPPED_SHARE_MAX * self.glyphs.len() as f64
    }
}

/// Collects a [`Page`].
pub(super) struct TextDevice<'f, 'p> {
    pub(super) page: Page,
    visible: Rect,
    call_count: u64,
    last_run: Option<(Point, Point, usize)>,
    doubles: Doubles,
    namer: &'f mut GlyphNamer<'p>,
    substitutes: &'f SubstituteFonts,
}

/// Whether a font of the document is missing, so that another one stands in for it, stretched glyph
/// by glyph to the missing one's widths.
#[derive(Clone, Default)]
pub(super) struct SubstituteFonts(Arc<AtomicBool>);

impl SubstituteFonts {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<'f, 'p> TextDevice<'f, 'p> {
    /// A device for a page that shows `visible`; text outside is not on the page.
    pub(super) fn new(
        visible: Rect,
        namer: &'f mut GlyphNamer<'p>,
        substitutes: &'f SubstituteFonts,
    ) -> TextDevice<'f, 'p> {
        let (page, doubles) = (Page::default(), Doubles::default());
        TextDevice { page, visible, call_count: 0, last_run: None, doubles, namer, substitutes }
    }

    fn count_call(&mut self) {
        self.call_count += 1;
        if self.call_count > PAGE_CALL_COUNT_MAX || self.page.glyphs.len() > PAGE_GLYPH_COUNT_MAX {
            std::panic::resume_unwind(Box::new(PageTooBig));
        }
    }

    /// `run`: the glyphs that it is drawn with; `may_double`: whether it may stand there already.
    /// Answers whether the next one of the run may: where one does not, the others do not.
    fn push(
        &mut self,
        glyph: &PositionedGlyph<'_>,
        run: &[PositionedGlyph<'_>],
        place: &Place,
        may_double: bool,
    ) -> bool {
        let Place { origin, step, size } = *place;
        // A rectangle contains no point that is not a number.
        let is_drawn = size.is_finite() && size > 0.0 && self.visible.contains(origin);
        if !is_drawn {
            return may_double;
        }
        let start = self.page.text.len();
        let counts = (self.page.unmapped_count, self.page.coded_count);
        match glyph.as_unicode() {
            Some(text) => push_all(&mut self.page.text, &text),
            None => self.push_unmapped(glyph, run),
        }
        if self.page.text.len() == start {
            return may_double;
        }
        let text = start..self.page.text.len();
        let glyph = Glyph { text, origin, end: origin + step, size };
        let Page { glyphs, text, .. } = &mut self.page;
        if may_double && self.doubles.has(&glyph, glyphs, text) {
            text.truncate(start);
            (self.page.unmapped_count, self.page.coded_count) = counts;
            return true;
        }
        self.doubles.add(origin);
        glyphs.push(glyph);
        false
    }

    fn push_unmapped(&mut self, glyph: &PositionedGlyph<'_>, run: &[PositionedGlyph<'_>]) {
        let (named, coded) = match &**glyph {
            DrawnGlyph::Outline(outline) => {
                let named = self.namer.name(outline);
                // Of fonts with codes of a byte; those of others number glyphs of a part of a font.
                let has_byte_codes = outline.font_data().is_none();
                (named, has_byte_codes.then(|| of_code(outline.char_code())).flatten())
            }
            DrawnGlyph::Type3(drawn) => (None, of_code(drawn.char_code())),
        };
        match (named, coded) {
            (Some(text), _) => push_all(&mut self.page.text, &text),
            (None, Some(c)) => {
                self.page.coded_count += 1;
                push_char(&mut self.page.text, c);
            }
            (None, None) => match &**glyph {
                DrawnGlyph::Outline(outline) if is_blank(outline, run) => {
                    self.page.text.push(' ');
                }
                _ => {
                    self.page.unmapped_count += 1;
                    self.page.text.push('\u{FFFD}');
                }
            },
        }
    }
}

/// The character that a code would be in a text: what programs show for glyphs whose names say
/// nothing, and what nearly all fonts of bitmaps mean.
fn of_code(code: u32) -> Option<char> {
    u8::try_from(code).ok().map(char::from).filter(|c| !c.is_control())
}

/// Where a glyph stands.
struct Place {
    origin: Point,
    step: Vec2,
    size: f64,
}

impl Place {
    fn new(
        glyph: &PositionedGlyph<'_>,
        page: Affine,
        mode: WritingMode,
        is_stretched: bool,
    ) -> Place {
        let transform = page * glyph.transform();
        let [a, b, c, d, x, y] = transform.as_coeffs();
        let size = c.hypot(d) * UNITS_PER_EM;
        let advance = f64::from(match &**glyph {
            DrawnGlyph::Outline(outline) => outline.advance_width().unwrap_or(0.0),
            DrawnGlyph::Type3(drawn) => drawn.advance_width().unwrap_or(0.0),
        });
        let step = match mode {
            // One em downwards is what nearly all fonts for vertical writing use.
            WritingMode::Vertical => Vec2::new(-c, -d) * UNITS_PER_EM,
            WritingMode::Horizontal if is_stretched => {
                let scale = a.hypot(b);
                let unstretched = if scale > 0.0 { c.hypot(d) / scale } else { 1.0 };
                Vec2::new(a, b) * advance * unstretched
            }
            WritingMode::Horizontal => Vec2::new(a, b) * advance,
        };
        Place { origin: Point::new(x, y), step, size }
    }
}

fn push_all(text: &mut String, added: &BfString) {
    match added {
        BfString::Char(c) => push_char(text, *c),
        BfString::String(added) => added.chars().for_each(|c| push_char(text, c)),
    }
}

/// Adds a character. Ligatures and the shapes of Hebrew and Arabic letters are spelt out; control
/// characters carry no text; a soft hyphen that is drawn is a hyphen.
fn push_char(text: &mut String, c: char) {
    match c {
        ' '..='~' => text.push(c),
        '\u{FB00}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' => text.extend(std::iter::once(c).nfkc()),
        '\t' | '\n' | '\r' | '\u{A0}' => text.push(' '),
        '\u{AD}' => text.push('-'),
        '\u{FEFF}' => {}
        c if c.is_control() => {}
        c => text.push(c),
    }
}

/// Whether glyphs of one run differ in horizontal scale, which only stretching does.
fn differs_in_width(run: &[PositionedGlyph<'_>]) -> bool {
    let mut scales = run.iter().map(|glyph| {
        let [a, b, ..] = glyph.transform().as_coeffs();
        a.hypot(b)
    });
    let Some(first) = scales.next() else { return false };
    scales.any(|scale| (scale - first).abs() > first * 1e-3)
}

impl<'a> Device<'a> for TextDevice<'_, '_> {
    fn draw_glyph_run(
        &mut self,
        run: &GlyphRun<'_, 'a>,
        props: DrawProps<'a>,
        draw_mode: &DrawMode,
    ) {
        self.count_call();
        let is_stretched = self.substitutes.get() && differs_in_width(run.glyphs());
        let mode = run.writing_mode();
        let place = |glyph| Place::new(glyph, props.transform, mode, is_stretched);
        let (Some(first), Some(last)) = (run.glyphs().first(), run.glyphs().last()) else {
            return;
        };
        let run_key = (place(first).origin, place(last).origin, run.glyphs().len());
        // Text that is filled and stroked arrives twice.
        if matches!(draw_mode, DrawMode::Stroke(_)) && self.last_run == Some(run_key) {
            return;
        }
        self.last_run = Some(run_key);
        let mut may_double = true;
        for glyph in run.glyphs() {
            may_double = self.push(glyph, run.glyphs(), &place(glyph), may_double);
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.count_call();
        self.page.has_drawing = true;
    }

    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {
        self.count_call();
        self.page.has_drawing = true;
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.count_call();
        self.page.has_drawing = true;
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        let place = props.transform.transform_rect_bbox(Rect::new(0.0, 0.0, width, height));
        let area = place.intersect(self.visible).area();
        self.page.image_pixels_max = self.page.image_pixels_max.max(width * height);
        if area.is_finite() && area > 0.0 {
            self.page.image_area += area;
            // An inch of a picture is enough to tell how finely the page was scanned.
            if place.area() >= SCAN_AREA_POINTS_MIN {
                let density = width * height / place.area();
                self.page.image_density = self.page.image_density.max(density);
            }
        }
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.count_call();
    }

    fn push_clip_rect(&mut self, _: &Rect) {
        self.count_call();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.count_call();
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
