//! Cuts a line out of a page: straight, and as high as the network takes it.

use super::slanted::Slanted;
use crate::image::picture::Picture;

/// Rows of a strip.
pub(super) const HEIGHT: usize = 48;
/// How wide a strip is drawn at first, of its line's true shape. The network learnt print of every
/// width, its work grows with the columns, and most print is read no worse for it, receipts better
/// (0.3 points of F1 for 0.75 of the columns; at 0.65 letters begin to run together).
pub(super) const SQUEEZED: f64 = 0.75;
/// Columns of a strip at least: narrower ones are padded, as the network learnt it.
const WIDTH_MIN: usize = 48;
/// At most: what is longer is squeezed. 80 times as long as high is more than any line.
const WIDTH_MAX: usize = 80 * HEIGHT;
/// Columns come in such steps, so that the network meets fewer sizes.
const WIDTH_STEP: usize = 16;
/// Points to each side that a pixel of the strip is made of at most, where the page is finer.
const POINT_COUNT_MAX: usize = 4;

/// A line as the network takes it.
#[derive(Debug)]
pub(super) struct Strip {
    /// [`HEIGHT`] rows of `width` columns: brightness from -1 to 1, 0 where nothing is.
    pub(super) pixels: Vec<f32>,
    pub(super) width: usize,
    /// How many of the columns show the line.
    pub(super) line_width: usize,
}

/// The strip of a rectangle of a grey picture, drawn in `shape` times its width; beyond the picture
/// its edge goes on.
pub(super) fn strip(grey: &Picture, place: &Slanted, shape: f64) -> Strip {
    let scale = HEIGHT as f64 / place.height.max(1.0);
    let line_width = ((place.width * scale * shape).round() as usize).clamp(1, WIDTH_MAX);
    let width = line_width.max(WIDTH_MIN).next_multiple_of(WIDTH_STEP);
    let mut pixels = vec![0.0; width * HEIGHT];
    let (right, down) = (place.width / line_width as f64, place.height / HEIGHT as f64);
    let points = |step: f64| (step.round() as usize).clamp(1, POINT_COUNT_MAX);
    let (across_count, down_count) = (points(right), points(down));
    let share = 1.0 / (across_count * down_count) as f32;
    let (sin, cos) = place.radians.sin_cos();
    for (row, line) in pixels.chunks_exact_mut(width).enumerate() {
        for (column, pixel) in line.iter_mut().take(line_width).enumerate() {
            let mut sum = 0.0;
            for part in 0..down_count {
                let y = row as f64 + (part as f64 + 0.5) / down_count as f64;
                for part in 0..across_count {
                    let x = column as f64 + (part as f64 + 0.5) / across_count as f64;
                    let (along, across) =
                        (x * right - place.width / 2.0, y * down - place.height / 2.0);
                    let at_x = place.x + along * cos - across * sin;
                    let at_y = place.y + along * sin + across * cos;
                    sum += brightness(grey, at_x - 0.5, at_y - 0.5);
                }
            }
            *pixel = sum * share / 127.5 - 1.0;
        }
    }
    Strip { pixels, width, line_width }
}

/// Between four pixels, which are at whole numbers here.
fn brightness(grey: &Picture, x: f64, y: f64) -> f32 {
    let (width, height) = (grey.width as usize, grey.height as usize);
    let x = x.clamp(0.0, (width - 1) as f64);
    let y = y.clamp(0.0, (height - 1) as f64);
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (part_x, part_y) = ((x - left as f64) as f32, (y - top as f64) as f32);
    let at = |column: usize, row: usize| f32::from(grey.bytes[row * width + column]);
    let above = at(left, top) * (1.0 - part_x) + at(right, top) * part_x;
    let below = at(left, bottom) * (1.0 - part_x) + at(right, bottom) * part_x;
    above * (1.0 - part_y) + below * part_y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::picture::Layout;

    /// Bright to the right.
    fn ramp() -> Picture {
        let bytes = (0..40).flat_map(|_| (0..200_u32).map(|x| x as u8)).collect();
        Picture { width: 200, height: 40, layout: Layout::Grey, bytes }
    }

    #[test]
    fn a_strip_shows_what_is_in_its_place() {
        let place = Slanted { x: 100.0, y: 20.0, radians: 0.0, width: 100.0, height: 24.0 };
        let strip = strip(&ramp(), &place, SQUEEZED);
        assert_eq!((strip.line_width, strip.width), (150, 160));
        let shown = |column: usize| (strip.pixels[20 * strip.width + column] + 1.0) * 127.5;
        // The middle of column 0 lies a third of a pixel within the place; pixels are at halves.
        assert!((shown(0) - (50.0 + 1.0 / 3.0 - 0.5)).abs() < 0.01, "{}", shown(0));
        assert!((shown(75) - (100.0 + 1.0 / 3.0 - 0.5)).abs() < 0.01, "{}", shown(75));
        assert!((shown(152) - 127.5).abs() < 0.01, "padding is neither dark nor bright");
    }

    #[test]
    fn text_that_runs_down_is_laid_down() {
        let place = Slanted { x: 60.0, y: 20.0, radians: 0.0, width: 20.0, height: 40.0 };
        let strip = strip(&ramp(), &place.quartered(), SQUEEZED);
        assert_eq!(strip.line_width, 72);
        // The tops of its letters look to the right, where it is bright.
        let row = |row: usize| strip.pixels[row * strip.width + 5];
        assert!(row(2) > row(40), "{} {}", row(2), row(40));
    }
}
