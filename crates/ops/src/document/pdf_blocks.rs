//! The blocks of a PDF's pages. A PDF says nothing of headings and lists: size and bullets show
//! them.

use super::lines::Line;
use super::model::{Block, BreakKind, Document, Line as Words};
use super::order::{follows, reading_order};
use std::collections::BTreeMap;

/// A heading is so much larger than the text of the document.
const HEADING_FACTOR: f64 = 1.15;
/// Nothing longer is a heading.
const HEADING_BYTES_MAX: usize = 200;
/// Headings differ by so many points at least; smaller differences are one level.
const LEVEL_STEP_POINTS: f64 = 0.5;
const LEVEL_COUNT_MAX: usize = 6;
/// Signs that stand before the items of a list.
const BULLETS: &str = "\u{2022}\u{2023}\u{25E6}\u{25AA}\u{25CF}\u{25CB}\u{25A0}\u{2043}\u{F0B7}";

/// Lines that belong together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    text: String,
    /// Height of its letters, in points.
    size: f64,
}

/// The paragraphs of a page in reading order; another size begins another one.
pub(super) fn pieces(lines: &[Line]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut last: Option<&Line> = None;
    for line in reading_order(lines).into_iter().map(|index| &lines[index]) {
        let goes_on = last.is_some_and(|last| follows(last, line))
            && !line.text.starts_with(|c| BULLETS.contains(c));
        last = Some(line);
        match pieces.last_mut() {
            Some(piece) if goes_on && is_alike(piece.size, line.size) => {
                piece.text.push('\n');
                piece.text.push_str(&line.text);
            }
            _ => pieces.push(Piece { text: line.text.clone(), size: line.size }),
        }
    }
    pieces
}

/// The paragraphs of a page that was read as a picture: nothing is known of their size.
pub(super) fn pieces_of_text(text: &str) -> Vec<Piece> {
    let parts = text.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Piece { text: part.to_owned(), size: 0.0 }).collect()
}

fn is_alike(a: f64, b: f64) -> bool {
    a.max(b) < HEADING_FACTOR * a.min(b)
}

/// Adds the blocks of all pages.
pub(super) fn push_blocks(pages: &[Vec<Piece>], document: &mut Document) {
    let body = body_size(pages);
    let levels = heading_sizes(pages, body);
    for (index, page) in pages.iter().enumerate() {
        document.push_break(BreakKind::Page, index + 1, None);
        for piece in page {
            document.push(block(piece, body, &levels));
        }
    }
}

fn block(piece: &Piece, body: f64, levels: &[f64]) -> Block {
    if is_heading(piece, body) {
        let level = levels.iter().position(|size| piece.size > size - LEVEL_STEP_POINTS);
        let level = level.unwrap_or(levels.len()).min(LEVEL_COUNT_MAX - 1);
        return Block::Heading(u8::try_from(level + 1).unwrap_or(1), Words::plain(&*piece.text));
    }
    let item = piece.text.strip_prefix(|c| BULLETS.contains(c)).map(str::trim_start);
    match item.filter(|item| !item.is_empty()) {
        Some(item) => {
            let marker = "\u{2022}".to_owned();
            Block::Item { depth: 0, marker, line: Words::plain(item) }
        }
        None => Block::Paragraph(Words::plain(&*piece.text)),
    }
}

/// The size in which most characters are set.
fn body_size(pages: &[Vec<Piece>]) -> f64 {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for piece in pages.iter().flatten().filter(|piece| piece.size > 0.0) {
        // Tenths of a point.
        *counts.entry((piece.size * 10.0) as u64).or_default() += piece.text.len();
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(0.0, |(size, _)| size as f64 / 10.0)
}

fn is_heading(piece: &Piece, body: f64) -> bool {
    piece.size > 0.0
        && piece.size >= HEADING_FACTOR * body
        && piece.text.len() <= HEADING_BYTES_MAX
        && piece.text.chars().any(char::is_alphabetic)
}

/// The sizes of headings, the largest first.
fn heading_sizes(pages: &[Vec<Piece>], body: f64) -> Vec<f64> {
    let headings = pages.iter().flatten().filter(|piece| is_heading(piece, body));
    let mut sizes: Vec<f64> = headings.map(|piece| piece.size).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    sizes.dedup_by(|next, last| *last - *next < LEVEL_STEP_POINTS);
    sizes.truncate(LEVEL_COUNT_MAX);
    sizes
}
