//! By how much a page's lines fall: its pixels are summed along slanting rows, and along the text's
//! own slant the sums differ most (W. Postl, "Detection of linear oblique structures and skew scan
//! in digitized documents", 1986).

use crate::image::picture::Picture;

/// Slants beyond are taken for something else than a page that was laid down carelessly.
const DEGREES_MAX: f64 = 20.0;
const COARSE_STEP: f64 = 0.5;
const FINE_STEP: f64 = 0.05;
/// Longer side of the small copy that is looked at.
const SIDE: usize = 1_000;
/// Darker than its surroundings by so much a pixel belongs to a letter.
const CONTRAST_MIN: i32 = 32;
/// Fewer edges than this are no text.
const POINT_COUNT_MIN: usize = 200;
/// How much the sums along the best slant must stand out from those along the average one.
const PEAK_MIN: f64 = 1.2;

/// Degrees by which the lines fall to the right (negative: rise); `None`: there are no lines.
pub(super) fn skew_degrees(grey: &Picture) -> Option<f64> {
    let points = lower_edges(grey);
    if points.len() < POINT_COUNT_MIN {
        return None;
    }
    let mut rows = Vec::new();
    let mut energy = |degrees: f64| sharpness(&points, degrees, &mut rows);
    let count = (DEGREES_MAX / COARSE_STEP) as i32;
    let coarse: Vec<(f64, f64)> = (-count..=count)
        .map(|step| f64::from(step) * COARSE_STEP)
        .map(|degrees| (degrees, energy(degrees)))
        .collect();
    let mean = coarse.iter().map(|(_, energy)| energy).sum::<f64>() / coarse.len() as f64;
    let (near, peak) = highest(coarse)?;
    if peak < mean * PEAK_MIN || near.abs() >= DEGREES_MAX {
        return None;
    }
    let count = (COARSE_STEP / FINE_STEP) as i32;
    let fine = (-count..=count).map(|step| near + f64::from(step) * FINE_STEP);
    highest(fine.map(|degrees| (degrees, energy(degrees))).collect()).map(|(degrees, _)| degrees)
}

/// Of slants and their sums the highest; of equals the one that is nearest to level.
fn highest(measured: Vec<(f64, f64)>) -> Option<(f64, f64)> {
    let rank = |a: &(f64, f64), b: &(f64, f64)| {
        a.1.total_cmp(&b.1).then_with(|| b.0.abs().total_cmp(&a.0.abs()))
    };
    measured.into_iter().max_by(rank)
}

/// The sum of squares of what falls into each slanting row.
fn sharpness(points: &[(f32, f32)], degrees: f64, rows: &mut Vec<u32>) -> f64 {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (sin, cos) = (sin as f32, cos as f32);
    rows.clear();
    // Rows of a turned square of the small copy lie within its diagonal to both sides.
    rows.resize(4 * SIDE, 0);
    let middle = (2 * SIDE) as f32 + 0.5;
    for (x, y) in points {
        let row = (y * cos - x * sin + middle) as usize;
        if let Some(count) = rows.get_mut(row) {
            *count += 1;
        }
    }
    rows.iter().map(|count| f64::from(*count) * f64::from(*count)).sum()
}

/// Points of a small copy where dark stands upon bright, as letters on their line do.
fn lower_edges(grey: &Picture) -> Vec<(f32, f32)> {
    let (width, height) = (grey.width as usize, grey.height as usize);
    let step = width.max(height).div_ceil(SIDE).max(1);
    let (small_width, small_height) = (width / step, height / step);
    let area = (step * step) as u32;
    let small: Vec<u8> = (0..small_height)
        .flat_map(|y| (0..small_width).map(move |x| (x, y)))
        .map(|(x, y)| {
            let rows = (y * step..(y + 1) * step).map(|row| row * width + x * step);
            let sum: u32 =
                rows.flat_map(|at| &grey.bytes[at..at + step]).map(|it| u32::from(*it)).sum();
            (sum / area) as u8
        })
        .collect();
    let mut points = Vec::new();
    // Slants turn the rows about their middle, so that falling and rising are alike.
    let middle = small_width as f32 / 2.0;
    let rows = small.chunks_exact(small_width.max(1));
    for (y, (above, below)) in rows.clone().zip(rows.skip(1)).enumerate() {
        for (x, (dark, bright)) in above.iter().zip(below).enumerate() {
            if i32::from(*bright) - i32::from(*dark) >= CONTRAST_MIN {
                points.push((x as f32 - middle, y as f32));
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::picture::Layout;
    use crate::ocr::turn::turned;

    /// A page of lines of strokes.
    fn page() -> Picture {
        let (width, height) = (900_u32, 700_u32);
        let ink = |x: u32, y: u32| {
            let in_text = (60..840).contains(&x) && (60..640).contains(&y);
            in_text && y % 24 < 12 && x % 11 < 5 && !(x / 97 + y / 24).is_multiple_of(7)
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let bytes = places.map(|(x, y)| if ink(x, y) { 20 } else { 250 }).collect();
        Picture { width, height, layout: Layout::Grey, bytes }
    }

    #[test]
    fn the_slant_of_a_page_is_found_and_undone() {
        assert_eq!(skew_degrees(&page()), Some(0.0));
        for degrees in [-12.0, -3.0, -0.5, 0.7, 2.0, 9.0] {
            // Turned counterclockwise its lines rise.
            let slanting = turned(&page(), degrees).expect("memory");
            let found = skew_degrees(&slanting).expect("lines");
            assert!((found + degrees).abs() <= 0.1, "{found} of {degrees}");
            let straight = turned(&slanting, found).expect("memory");
            let left = skew_degrees(&straight).expect("lines");
            assert!(left.abs() <= 0.1, "{left} left of {degrees}");
        }
    }

    #[test]
    fn what_has_no_lines_has_no_slant() {
        let blank = Picture { bytes: vec![255; 900 * 700], ..page() };
        assert_eq!(skew_degrees(&blank), None);
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let noise = Picture { bytes: (0..900 * 700).map(|_| noise()).collect(), ..page() };
        assert_eq!(skew_degrees(&noise), None);
        let tiny = Picture { width: 2, height: 1, layout: Layout::Grey, bytes: vec![0, 255] };
        assert_eq!(skew_degrees(&tiny), None);
    }
}
