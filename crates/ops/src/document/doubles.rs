//! Glyphs that are drawn once more where they stand already: letters made bold by drawing them
//! twice, and shadows. They are read once, as by poppler and PDFium.

use super::glyphs::Glyph;
use hayro_interpret::kurbo::Point;
use rustc_hash::FxHashMap;

/// Ems by which a double may stand beside its glyph, along each axis: the narrowest letter is twice
/// as wide.
const DISTANCE_EM_MAX: f64 = 0.1;
/// How much larger one of them may be.
const SIZE_RATIO_MAX: f64 = 1.05;
/// Points to the side of a square in which glyphs are looked for.
const SQUARE_POINTS: f64 = 8.0;
/// Glyphs of one square that are looked at: more lie there in hostile files only.
const SQUARE_GLYPH_COUNT_MAX: usize = 256;

/// No glyph.
const NONE: u32 = u32::MAX;

/// The glyphs of a page by where they stand.
#[derive(Default)]
pub(super) struct Doubles {
    /// The number of each square's newest glyph.
    newest: FxHashMap<(i32, i32), u32>,
    /// For each glyph of the page the one that came before it in its square.
    before: Vec<u32>,
}

impl Doubles {
    /// Whether a glyph that reads like this one stands there already.
    pub(super) fn has(&self, glyph: &Glyph, glyphs: &[Glyph], text: &str) -> bool {
        let reach = DISTANCE_EM_MAX * glyph.size;
        let is_double = |number: u32| {
            let Some(other) = glyphs.get(number as usize) else { return false };
            let away = other.origin - glyph.origin;
            let larger = other.size.max(glyph.size);
            away.x.abs() <= reach
                && away.y.abs() <= reach
                && larger <= SIZE_RATIO_MAX * other.size.min(glyph.size)
                && text[other.text.clone()] == text[glyph.text.clone()]
        };
        // Larger letters may lie in squares that are further away: these are looked for nearby.
        let reach = reach.min(SQUARE_POINTS);
        let (left, top) = square_of(glyph.origin - (reach, reach));
        let (right, bottom) = square_of(glyph.origin + (reach, reach));
        (left..=right).any(|column| {
            (top..=bottom).any(|row| {
                self.in_square((column, row)).take(SQUARE_GLYPH_COUNT_MAX).any(is_double)
            })
        })
    }

    /// Notes where the next glyph of the page stands.
    pub(super) fn add(&mut self, origin: Point) {
        let number = u32::try_from(self.before.len()).unwrap_or(NONE);
        let before = self.newest.insert(square_of(origin), number);
        self.before.push(before.unwrap_or(NONE));
    }

    /// The glyphs of a square, newest first.
    fn in_square(&self, square: (i32, i32)) -> impl Iterator<Item = u32> {
        let known = |number: &u32| *number != NONE;
        let newest = self.newest.get(&square).copied();
        std::iter::successors(newest, move |number| {
            self.before.get(*number as usize).copied().filter(known)
        })
    }
}

fn square_of(point: Point) -> (i32, i32) {
    ((point.x / SQUARE_POINTS).floor() as i32, (point.y / SQUARE_POINTS).floor() as i32)
}
