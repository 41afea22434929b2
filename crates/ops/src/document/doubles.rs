//! Glyphs that are drawn once more where they stand already: letters made bold by drawing them
//! twice, and shadows. They are read once, as by poppler and PDFium.

use super::glyphs::Glyph;
use hayro_interpret::kurbo::Point;
use std::collections::HashMap;

/// Ems by which a double may stand beside its glyph, along each axis: the narrowest letter is twice
/// as wide.
const DISTANCE_EM_MAX: f64 = 0.1;
/// How much larger one of them may be.
const SIZE_RATIO_MAX: f64 = 1.05;
/// Points to the side of a square in which glyphs are looked for.
const SQUARE_POINTS: f64 = 8.0;
/// Glyphs of one square that are looked at: more lie there in hostile files only.
const SQUARE_GLYPH_COUNT_MAX: usize = 256;

/// The glyphs of a page by where they stand.
#[derive(Default)]
pub(super) struct Doubles {
    /// Their numbers.
    squares: HashMap<(i64, i64), Vec<u32>>,
}

impl Doubles {
    /// Whether a glyph that reads like this one stands there already.
    pub(super) fn has(&self, glyph: &Glyph, glyphs: &[Glyph], text: &str) -> bool {
        let reach = DISTANCE_EM_MAX * glyph.size;
        let is_double = |&number: &u32| {
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
        let squares =
            (left..=right).flat_map(|column| (top..=bottom).map(move |row| (column, row)));
        squares.filter_map(|square| self.squares.get(&square)).flatten().any(is_double)
    }

    /// Notes where a glyph of this number stands.
    pub(super) fn add(&mut self, origin: Point, number: usize) {
        let square = self.squares.entry(square_of(origin)).or_default();
        if let Ok(number) = u32::try_from(number)
            && square.len() < SQUARE_GLYPH_COUNT_MAX
        {
            square.push(number);
        }
    }
}

fn square_of(point: Point) -> (i64, i64) {
    ((point.x / SQUARE_POINTS).floor() as i64, (point.y / SQUARE_POINTS).floor() as i64)
}
