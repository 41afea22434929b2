//! What a reading left out: letters on the page that no word covers.

use super::components::{Component, Run, components};
use super::light;
use crate::image::picture::Picture;
use windlass_native::tesseract::Word;

/// Letters left out for each that was read, from which on a reading is taken for one that lost part
/// of the page: of pages and receipts that were read whole at most 0.02.
const SHARE_MIN: f64 = 0.05;
/// Heights of a letter, of a word's: a small one without ascenders, and one that touches the next.
const HEIGHTS: [f64; 2] = [0.4, 1.5];
/// Widths of a letter, of its own height: `l` and `m`.
const WIDTHS: [f64; 2] = [0.15, 2.0];
/// Words reach so many pixels over their boxes.
const MARGIN: i32 = 2;
/// Side of the squares in which it is noted where words are, in pixels.
const SQUARE: usize = 4;
/// A page that is full of specks has more; nothing is said of it.
const COMPONENT_COUNT_MAX: usize = 500_000;

/// Whether so many letters of the picture are in none of the words that part of the page must have
/// been lost: layout analysis drops columns of a receipt, for one.
pub(super) fn is_much_overlooked(grey: &Picture, words: &[Word]) -> bool {
    let Some(height) = median_height(words) else { return false };
    let (width, ink) = (grey.width as usize, light::ink_max(&grey.bytes));
    let found = components(&grey.bytes, width, |pixel| *pixel <= ink, COMPONENT_COUNT_MAX);
    let Some(found) = found else { return false };
    let covered = Covered::by(grey, words);
    let (mut read, mut left_out) = (0_u32, 0_u32);
    for extent in found.iter().filter(|extent: &&Extent| extent.is_letter(height)) {
        match covered.has_middle(extent) {
            true => read += 1,
            false => left_out += 1,
        }
    }
    f64::from(left_out) >= SHARE_MIN * f64::from(read.max(1))
}

/// Of the words' boxes, in pixels.
fn median_height(words: &[Word]) -> Option<f64> {
    let mut heights: Vec<i32> =
        words.iter().map(|it| it.place[3].saturating_sub(it.place[1])).collect();
    heights.sort_unstable();
    heights.get(heights.len() / 2).map(|height| f64::from(*height))
}

/// The box about a component, its ends exclusive; empty at first.
#[derive(Debug, Default)]
struct Extent {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Component<u8> for Extent {
    fn add(&mut self, row: usize, run: Run, _pixels: &[u8]) {
        let of_run = Extent { left: run.begin, top: row, right: run.end, bottom: row + 1 };
        Component::<u8>::absorb(self, of_run);
    }

    fn absorb(&mut self, other: Extent) {
        if self.right == 0 {
            *self = other;
            return;
        }
        self.left = self.left.min(other.left);
        self.top = self.top.min(other.top);
        self.right = self.right.max(other.right);
        self.bottom = self.bottom.max(other.bottom);
    }
}

impl Extent {
    /// Whether it has the size of a letter where words are so high.
    fn is_letter(&self, word_height: f64) -> bool {
        let [width, height] =
            [self.right - self.left, self.bottom - self.top].map(|side| side as f64);
        let is_within =
            |it: f64, [low, high]: [f64; 2], unit: f64| (low * unit..=high * unit).contains(&it);
        is_within(height, HEIGHTS, word_height) && is_within(width, WIDTHS, height)
    }
}

/// Where words are, by squares.
struct Covered {
    squares: Vec<bool>,
    columns: usize,
}

impl Covered {
    fn by(grey: &Picture, words: &[Word]) -> Covered {
        let (width, height) = (grey.width as usize, grey.height as usize);
        let (columns, rows) = (width.div_ceil(SQUARE), height.div_ceil(SQUARE));
        let mut squares = vec![false; columns * rows];
        let within = |at: i32, side: usize| usize::try_from(at).unwrap_or(0).min(side);
        for [left, top, right, bottom] in words.iter().map(|word| word.place) {
            let [left, top] = [(left, width), (top, height)]
                .map(|(at, side)| within(at.saturating_sub(MARGIN), side) / SQUARE);
            let [right, bottom] = [(right, width), (bottom, height)]
                .map(|(at, side)| within(at.saturating_add(MARGIN), side).div_ceil(SQUARE));
            for row in top..bottom {
                let row = row * columns;
                squares[row + left..row + right.max(left)].fill(true);
            }
        }
        Covered { squares, columns }
    }

    fn has_middle(&self, extent: &Extent) -> bool {
        let [x, y] =
            [extent.left + extent.right, extent.top + extent.bottom].map(|sum| sum / 2 / SQUARE);
        self.squares.get(y * self.columns + x).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::picture::Layout;

    /// A page of 40 by 40 letters of 8 by 10 pixels, and a frame about it.
    fn page() -> Picture {
        let is_ink = |x: u32, y: u32| {
            let is_letter = x % 12 >= 2 && x % 12 < 10 && y % 16 >= 3 && y % 16 < 13;
            let is_frame = x == 0 || y == 0;
            is_frame || (x >= 1 && y >= 1 && is_letter)
        };
        let (width, height) = (480, 640);
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let bytes = pixels.map(|(x, y)| if is_ink(x, y) { 20 } else { 230 }).collect();
        Picture { width, height, layout: Layout::Grey, bytes }
    }

    /// A word for each of so many lines of the page, to this column.
    fn words(line_count: i32, right: i32) -> Vec<Word> {
        let word = |line: i32| Word {
            text: "word".to_owned(),
            place: [2, 16 * line + 3, right, 16 * line + 13],
            confidence: 90.0,
            block: None,
            paragraph: None,
            line: None,
            baseline: None,
        };
        (0..line_count).map(word).collect()
    }

    #[test]
    fn a_column_or_lines_that_are_left_out_are_much() {
        let page = page();
        assert!(!is_much_overlooked(&page, &words(40, 480)));
        assert!(!is_much_overlooked(&page, &words(39, 480)), "one line of forty");
        assert!(is_much_overlooked(&page, &words(36, 480)));
        assert!(is_much_overlooked(&page, &words(40, 430)));
    }

    #[test]
    fn nothing_is_said_of_what_nobody_read_and_boxes_may_lie_anywhere() {
        assert!(!is_much_overlooked(&page(), &[]));
        let mut astray = words(2, 480);
        astray[0].place = [-50, -9, 9_000, -1];
        astray[1].place = [470, 630, i32::MIN, i32::MAX];
        is_much_overlooked(&page(), &astray);
        let none = Picture { width: 0, height: 0, layout: Layout::Grey, bytes: Vec::new() };
        assert!(!is_much_overlooked(&none, &words(2, 480)));
    }
}
