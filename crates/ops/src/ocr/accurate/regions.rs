//! From the map of how probable text is at each pixel to the rectangles about lines (M. Liao and
//! others, "Real-time scene text detection with differentiable binarization", 2020).

use super::super::components::{Component, Run, components};
use super::slanted::Slanted;

/// From here on a pixel belongs to the core of a line.
const TEXT_MIN: f32 = 0.3;
/// Mean over a core from which on it is taken for text.
const SCORE_MIN: f64 = 0.5;
/// Cores are drawn smaller than their lines; a rectangle grows on each side by this many times its
/// area over its circumference.
const GROWTH: f64 = 1.6;
/// Flatter cores are specks.
const SIDE_MIN: f64 = 3.0;
/// Lines of a page at most: a page of the smallest print has a tenth of that.
const REGION_COUNT_MAX: usize = 4_000;

/// What belongs together so far.
#[derive(Default)]
struct Region {
    points: Vec<(f64, f64)>,
    sum: f64,
    count: u32,
}

/// Rectangles about the lines of a map of `width` pixels a row, in its pixels.
pub(super) fn regions(map: &[f32], width: usize) -> Vec<Slanted> {
    let is_text = |probability: &f32| *probability > TEXT_MIN;
    let Some(mut regions): Option<Vec<Region>> = components(map, width, is_text, usize::MAX) else {
        return Vec::new();
    };
    regions.iter_mut().filter_map(Region::rectangle).take(REGION_COUNT_MAX).collect()
}

impl Component<f32> for Region {
    fn add(&mut self, row: usize, run: Run, probabilities: &[f32]) {
        self.sum += probabilities.iter().map(|it| f64::from(*it)).sum::<f64>();
        self.count += probabilities.len() as u32;
        let y = row as f64 + 0.5;
        self.points.push((run.begin as f64 + 0.5, y));
        self.points.push((run.end as f64 - 0.5, y));
    }

    fn absorb(&mut self, mut other: Region) {
        self.points.append(&mut other.points);
        self.sum += other.sum;
        self.count += other.count;
    }
}

impl Region {
    /// `None`: it is none that holds text.
    fn rectangle(&mut self) -> Option<Slanted> {
        if self.count == 0 || self.sum / f64::from(self.count) < SCORE_MIN {
            return None;
        }
        let core = Slanted::around(&mut self.points)?;
        if core.width.min(core.height) < SIDE_MIN {
            return None;
        }
        let circumference = 2.0 * (core.width + core.height);
        Some(core.grown(core.width * core.height * GROWTH / circumference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map drawn with letters: a blank is 0, a digit tenths.
    fn map(rows: &[&str]) -> (Vec<f32>, usize) {
        let value = |it: char| it.to_digit(10).map_or(0.0, |tenths| tenths as f32 / 10.0);
        let values = rows.iter().flat_map(|row| row.chars().map(value)).collect();
        (values, rows[0].len())
    }

    #[test]
    fn what_touches_is_one_line_and_what_is_weak_or_flat_is_none() {
        let (values, width) = map(&[
            "                              ",
            " 99999999      999   4444444  ",
            " 99999999      999   4444444  ",
            " 9999    9     999   4444444  ",
            " 9999    99999999    4444444  ",
            " 99999999            4444444  ",
            "                              ",
            "          8888888888888888888 ",
            "                              ",
        ]);
        let found = regions(&values, width);
        assert_eq!(found.len(), 1, "{found:?}");
        // 16 by 4 between the middles of its pixels, grown by 64 * 1.6 / 40 on each side.
        let growth = 64.0 * GROWTH / 40.0;
        assert!((found[0].width - (16.0 + 2.0 * growth)).abs() < 1e-9, "{found:?}");
        assert!((found[0].height - (4.0 + 2.0 * growth)).abs() < 1e-9, "{found:?}");
        assert!((found[0].x - 9.5).abs() < 1e-9 && (found[0].y - 3.5).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn arms_that_meet_below_are_one() {
        let (values, width) = map(&[
            "99   99   99",
            "99   99   99",
            "99   99   99",
            "999999999999",
            "            ",
            "99999  99999",
            "99999  99999",
            "99999  99999",
            "99999  99999",
        ]);
        assert_eq!(regions(&values, width).len(), 3);
        assert!(regions(&[], 0).is_empty());
    }
}
