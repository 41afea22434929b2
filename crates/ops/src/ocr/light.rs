//! How a page is lit and printed, which decides how ink is told from paper.

use super::engines::Threshold;
use crate::image::picture::Picture;

/// Side of the squares whose ground is looked at, in pixels.
const SQUARE: usize = 32;
/// A square's ground is at least as bright as this share of its pixels, in percent.
const GROUND_PERCENT: usize = 80;
/// Between the grounds of dark and bright squares, in steps of brightness: more is uneven.
const SPREAD_MIN: u8 = 20;
/// A ground darker than this is a dark one, with bright letters on it perhaps.
const DARK_MAX: u8 = 96;
/// Ink brighter than this is faint.
const FAINT_INK_MIN: f64 = 80.0;

/// One threshold for all of the picture does best where ink is black and paper evenly white, and on
/// dark grounds, which local thresholds take for paper. Faint or unevenly lit print is read better
/// with local ones (receipts: 1.5 points of F1, 4 of CER).
pub(super) fn threshold(grey: &Picture) -> Threshold {
    let mut grounds = grounds(grey);
    if grounds.is_empty() {
        return Threshold::Whole;
    }
    grounds.sort_unstable();
    let at = |percent: usize| grounds[(grounds.len() - 1) * percent / 100];
    if at(2) < DARK_MAX {
        return Threshold::Whole;
    }
    let is_uneven = at(90) - at(20) >= SPREAD_MIN;
    if is_uneven || ink(&grey.bytes) >= FAINT_INK_MIN { Threshold::Local } else { Threshold::Whole }
}

/// The same picture a little softer, for local thresholds: they find edges in the noise that JPEG
/// leaves about faint letters. Each pixel keeps nine tenths of itself in its row, then in its
/// column; half of that is enough (receipts: 1 point of F1), and with three tenths letters run
/// together or vanish.
pub(super) fn softened(grey: &Picture) -> Picture {
    let width = grey.width as usize;
    let mut bytes = grey.bytes.clone();
    for row in bytes.chunks_exact_mut(width.max(1)) {
        let mut before = row.first().copied().unwrap_or_default();
        for x in 0..row.len() {
            let behind = row.get(x + 1).copied().unwrap_or(row[x]);
            let here = row[x];
            row[x] = soft(before, here, behind);
            before = here;
        }
    }
    let mut above = bytes.get(..width).unwrap_or_default().to_vec();
    for at in 0..bytes.len() {
        let below = bytes.get(at + width).copied().unwrap_or(bytes[at]);
        let here = bytes[at];
        bytes[at] = soft(above[at % width], here, below);
        above[at % width] = here;
    }
    Picture { bytes, ..*grey }
}

fn soft(before: u8, here: u8, behind: u8) -> u8 {
    const PARTS: u16 = 20;
    let sum = u16::from(before) + (PARTS - 2) * u16::from(here) + u16::from(behind);
    ((sum + PARTS / 2) / PARTS) as u8
}

/// The brightness of each square's ground.
fn grounds(grey: &Picture) -> Vec<u8> {
    let (width, height) = (grey.width as usize, grey.height as usize);
    let mut found = Vec::with_capacity((width / SQUARE) * (height / SQUARE));
    for top in (0..height - height % SQUARE).step_by(SQUARE) {
        for left in (0..width - width % SQUARE).step_by(SQUARE) {
            // Every fourth pixel of every fourth row tells enough.
            let rows = (top..top + SQUARE).step_by(4).map(|row| row * width + left);
            let mut sample: Vec<u8> = rows
                .flat_map(|at| grey.bytes[at..at + SQUARE].iter().step_by(4).copied())
                .collect();
            let index = sample.len() * GROUND_PERCENT / 100;
            found.push(*sample.select_nth_unstable(index).1);
        }
    }
    found
}

/// Mean brightness of ink; 0 where all pixels are alike.
fn ink(bytes: &[u8]) -> f64 {
    divide(bytes).1
}

/// The brightest of what is taken for ink; 0 where all pixels are alike.
pub(super) fn ink_max(bytes: &[u8]) -> u8 {
    divide(bytes).0
}

/// The threshold that divides the pixels best (N. Otsu, "A threshold selection method from
/// gray-level histograms", 1979), and the mean of those that are not above it.
fn divide(bytes: &[u8]) -> (u8, f64) {
    let mut histogram = [0_u64; 256];
    bytes.iter().for_each(|byte| histogram[usize::from(*byte)] += 1);
    let moment = |level: u8, count: u64| u64::from(level) * count;
    let total: u64 = bytes.len() as u64;
    let sum: u64 = (0..=u8::MAX).zip(&histogram).map(|(level, count)| moment(level, *count)).sum();
    let (mut below, mut below_sum) = (0, 0);
    let (mut best, mut divided) = (0.0, (0, 0.0));
    for (level, count) in (0..=u8::MAX).zip(&histogram) {
        below += count;
        below_sum += moment(level, *count);
        if below == 0 || below == total {
            continue;
        }
        let (dark, bright) = (below as f64, (total - below) as f64);
        let mean = below_sum as f64 / dark;
        let apart = (sum - below_sum) as f64 / bright - mean;
        let between = dark * bright * apart * apart;
        if between > best {
            (best, divided) = (between, (level, mean));
        }
    }
    divided
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::picture::Layout;

    #[test]
    fn softening_keeps_edges_and_takes_off_their_fringe() {
        let (width, height) = (4, 3);
        let bytes = vec![100, 100, 200, 200, 100, 100, 200, 200, 100, 100, 200, 200];
        let soft = softened(&Picture { width, height, layout: Layout::Grey, bytes });
        assert_eq!(soft.bytes, [100, 105, 195, 200].repeat(3));
        let bytes = vec![100, 100, 100, 100, 0, 0, 0, 0, 0, 0, 0, 0];
        let soft = softened(&Picture { width, height, layout: Layout::Grey, bytes });
        assert_eq!(soft.bytes, [[95; 4], [5; 4], [0; 4]].concat());
        let none = Picture { width: 0, height: 0, layout: Layout::Grey, bytes: Vec::new() };
        assert!(softened(&none).bytes.is_empty());
    }

    fn picture(brightness: impl Fn(u32, u32) -> u8) -> Picture {
        let (width, height) = (256, 256);
        let bytes = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let bytes = bytes.map(|(x, y)| brightness(x, y)).collect();
        Picture { width, height, layout: Layout::Grey, bytes }
    }

    #[test]
    fn faint_or_uneven_print_on_bright_paper_has_local_thresholds() {
        let stroke = |x: u32, y: u32| x.is_multiple_of(8) && y % 16 < 8;
        let print = |ink: u8, paper: fn(u32) -> u8| {
            threshold(&picture(|x, y| if stroke(x, y) { ink } else { paper(x) }))
        };
        assert_eq!(print(10, |_| 250), Threshold::Whole);
        assert_eq!(print(110, |_| 250), Threshold::Local);
        assert_eq!(print(10, |x| 150 + (x / 4) as u8), Threshold::Local);
        // A dark band with bright letters.
        let banner = |x, y| match (y < 48, stroke(x, y)) {
            (true, is_stroke) => {
                if is_stroke {
                    250
                } else {
                    40
                }
            }
            (false, is_stroke) => {
                if is_stroke {
                    110
                } else {
                    250
                }
            }
        };
        assert_eq!(threshold(&picture(banner)), Threshold::Whole);
        assert_eq!(threshold(&picture(|_, _| 255)), Threshold::Whole);
        let none = Picture { width: 3, height: 1, layout: Layout::Grey, bytes: vec![1, 2, 3] };
        assert_eq!(threshold(&none), Threshold::Whole);
    }
}
