//! Glyphs to lines of text: where a word ends, where a line ends, which way it reads.
//!
//! Distances are told in ems, as MuPDF does, because fonts say little about their spaces.

use super::bidi;
use super::glyphs::{Glyph, Page};
use super::markers;
use hayro_interpret::kurbo::{Point, Vec2};
use std::ops::Range;

/// A gap from here on is a space that was not drawn.
const SPACE_EM_MIN: f64 = 0.15;
/// A gap from here on ends a piece of a line: another column, another cell.
const PIECE_EM_MAX: f64 = 0.8;
/// A gap between pieces from here on is shown as a tab.
const TAB_EM_MIN: f64 = 2.5;
/// Kerning and overstrikes move the pen back by less than this.
const BACKSTEP_EM_MAX: f64 = 0.5;
/// Superscripts and subscripts leave the baseline by less than this.
const BASELINE_EM_MAX: f64 = 0.8;
/// Two pieces of one row differ in their baselines by less than this.
const ROW_EM_MAX: f64 = 0.25;
/// Letters printed again so close to themselves imitate bold.
const BOLD_EM_MAX: f64 = 0.1;
/// Cosine above which two writing directions are one.
const DIRECTION_COSINE_MIN: f64 = 0.999;

/// A line of text as it is read, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// In reading order, trimmed, never empty.
    pub(super) text: String,
    /// The way the pen moves, length 1.
    pub(super) direction: Vec2,
    /// Extent along the direction.
    pub(super) along: Range<f64>,
    /// Position of the baseline across the direction; grows from line to line.
    pub(super) across: f64,
    /// Height of its em.
    pub(super) size: f64,
}

/// Consecutive glyphs on one baseline.
struct Piece {
    glyphs: Range<usize>,
    direction: Vec2,
    along: Range<f64>,
    across: f64,
    size: f64,
    is_rtl: bool,
}

/// The lines of a page, in drawing order.
pub(super) fn assemble(page: &Page) -> Vec<Line> {
    let pieces = split_into_pieces(page);
    let mut lines = Vec::new();
    let mut rest = pieces.as_slice();
    while let Some(first) = rest.first() {
        let row_count =
            1 + rest.windows(2).take_while(|pair| is_same_row(&pair[0], &pair[1])).count();
        let (row, after) = rest.split_at(row_count);
        rest = after;
        let text = row_text(page, row);
        if text.is_empty() {
            continue;
        }
        lines.push(Line {
            text,
            direction: first.direction,
            along: row.iter().skip(1).fold(first.along.clone(), |all, piece| {
                all.start.min(piece.along.start)..all.end.max(piece.along.end)
            }),
            across: first.across,
            size: row.iter().map(|piece| piece.size).fold(0.0, f64::max),
        });
    }
    markers::join(lines)
}

fn split_into_pieces(page: &Page) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut direction = Vec2::new(1.0, 0.0);
    for (index, glyph) in page.glyphs.iter().enumerate() {
        direction = direction_of(glyph).unwrap_or(direction);
        let is_rtl = page.text[glyph.text.clone()].chars().any(bidi::is_rtl);
        if let Some(piece) = pieces.last_mut()
            && goes_on(page, piece, glyph, direction, is_rtl)
        {
            let along = extent(glyph, piece.direction);
            piece.along = piece.along.start.min(along.start)..piece.along.end.max(along.end);
            piece.glyphs.end = index + 1;
            piece.size = piece.size.max(glyph.size);
            piece.is_rtl |= is_rtl;
            continue;
        }
        pieces.push(Piece {
            glyphs: index..index + 1,
            direction,
            along: extent(glyph, direction),
            across: across(glyph.origin, direction),
            size: glyph.size,
            is_rtl,
        });
    }
    pieces
}

/// Whether a glyph continues a piece.
fn goes_on(page: &Page, piece: &Piece, glyph: &Glyph, direction: Vec2, is_rtl: bool) -> bool {
    let Some(last) = page.glyphs[piece.glyphs.clone()].last() else { return false };
    if piece.direction.dot(direction) < DIRECTION_COSINE_MIN {
        return false;
    }
    let em = glyph.size.max(last.size);
    let off_baseline = across(glyph.origin, direction) - across(last.origin, direction);
    if off_baseline.abs() > BASELINE_EM_MAX * em {
        return false;
    }
    let gap = direction.dot(glyph.origin - last.end);
    if (-BACKSTEP_EM_MAX * em..=PIECE_EM_MAX * em).contains(&gap) {
        return true;
    }
    // Right-to-left text drawn in the order in which it is read: the pen jumps back each time.
    let gap_leftwards = direction.dot(last.origin - glyph.end);
    (is_rtl || piece.is_rtl) && (-BACKSTEP_EM_MAX * em..=PIECE_EM_MAX * em).contains(&gap_leftwards)
}

fn is_same_row(left: &Piece, right: &Piece) -> bool {
    let em = left.size.max(right.size);
    let is_after = right.along.start >= left.along.end - BACKSTEP_EM_MAX * em;
    let is_before = right.along.end <= left.along.start + BACKSTEP_EM_MAX * em;
    left.direction.dot(right.direction) >= DIRECTION_COSINE_MIN
        && (left.across - right.across).abs() <= ROW_EM_MAX * em
        && (is_after || is_before && (left.is_rtl || right.is_rtl))
}

/// The text of pieces that stand in one row.
fn row_text(page: &Page, row: &[Piece]) -> String {
    let Some(first) = row.first() else { return String::new() };
    let indices = row.iter().flat_map(|piece| piece.glyphs.clone());
    let glyphs: Vec<&Glyph> = indices.map(|index| &page.glyphs[index]).collect();
    // A glyph that reads as several words shows that the program wrote what is read, as it is read.
    let is_worded = |glyph: &&Glyph| page.text[glyph.text.clone()].trim().contains(' ');
    let is_rtl = row.iter().any(|piece| piece.is_rtl) && !glyphs.iter().any(is_worded);
    let text = match is_rtl {
        true => rtl_text(page, glyphs, first.direction),
        false => joined(page, &glyphs, first.direction),
    };
    match text.trim() {
        trimmed if trimmed.len() == text.len() => text,
        trimmed => trimmed.to_owned(),
    }
}

/// The glyphs' texts with the spaces that stand between them.
fn joined(page: &Page, glyphs: &[&Glyph], direction: Vec2) -> String {
    let mut text = String::with_capacity(glyphs.len() + 8);
    let mut last: Option<&Glyph> = None;
    for glyph in glyphs {
        let own = &page.text[glyph.text.clone()];
        if own.chars().all(bidi::is_mark) {
            text.push_str(own);
            continue;
        }
        if let Some(last) = last {
            if is_imitated_bold(page, last, glyph) {
                continue;
            }
            push_gap(&mut text, own, direction.dot(glyph.origin - last.end) / glyph.size);
        }
        if !(own == " " && text.ends_with([' ', '\t'])) {
            text.push_str(own);
        }
        last = Some(glyph);
    }
    text
}

/// The text of a row that reads at least partly from right to left.
///
/// Within a run the pen moves right; most programs draw one run after the other in reading order,
/// so that the runs go leftwards. Where they do not, the row is taken as it is seen.
fn rtl_text(page: &Page, glyphs: Vec<&Glyph>, direction: Vec2) -> String {
    let runs = split_into_runs(page, &glyphs, direction);
    let start_of = |run: &[&Glyph]| extent(run[0], direction).start;
    let leftward = runs.windows(2).filter(|pair| start_of(pair[1]) < start_of(pair[0])).count();
    if leftward == 0 || 2 * leftward < runs.len() - 1 {
        return bidi::logical_text(&visual_units(page, glyphs, direction));
    }
    let mut text = String::new();
    let mut last: Option<&[&Glyph]> = None;
    for run in runs {
        let own = bidi::logical_text(&visual_units(page, run.to_vec(), direction));
        if let Some(last) = last {
            let gap = extent_of(last, direction).start - extent_of(run, direction).end;
            push_gap(&mut text, &own, gap / run[0].size);
        }
        text.push_str(&own);
        last = Some(run);
    }
    text
}

/// Splits glyphs in drawing order wherever the pen goes back to the left of what it drew last.
fn split_into_runs<'g, 'p>(
    page: &Page,
    glyphs: &'g [&'p Glyph],
    direction: Vec2,
) -> Vec<&'g [&'p Glyph]> {
    let goes_back = |last: &Glyph, next: &Glyph| {
        let (last, after) = (extent(last, direction), extent(next, direction));
        after.start < last.start && after.end <= last.start + BOLD_EM_MAX * next.size
    };
    let is_mark = |glyph: &Glyph| page.text[glyph.text.clone()].chars().all(bidi::is_mark);
    let chunks = glyphs.chunk_by(|last, next| is_mark(next) || !goes_back(last, next));
    chunks.collect()
}

/// The glyphs' texts as units from left to right, with the spaces that stand between them.
fn visual_units(page: &Page, mut glyphs: Vec<&Glyph>, direction: Vec2) -> Vec<String> {
    // Stable: marks that share their letter's place stay behind it.
    glyphs.sort_by(|a, b| extent(a, direction).start.total_cmp(&extent(b, direction).start));
    let mut units: Vec<String> = Vec::with_capacity(glyphs.len());
    let mut last: Option<&Glyph> = None;
    for glyph in glyphs {
        let own = &page.text[glyph.text.clone()];
        if let Some(letter) = units.last_mut()
            && own.chars().all(bidi::is_mark)
        {
            letter.push_str(own);
            continue;
        }
        if let Some(last) = last {
            if is_imitated_bold(page, last, glyph) {
                continue;
            }
            let mut gap = units.last().cloned().unwrap_or_default();
            let letter_bytes = gap.len();
            let gap_ems = extent(glyph, direction).start - extent(last, direction).end;
            push_gap(&mut gap, own, gap_ems / glyph.size);
            units.extend((gap.len() > letter_bytes).then(|| gap.split_off(letter_bytes)));
        }
        units.push(own.to_owned());
        last = Some(glyph);
    }
    units
}

/// Adds the space that a gap of so many ems stands for, unless there is one already.
fn push_gap(text: &mut String, next: &str, gap_em: f64) {
    if gap_em < SPACE_EM_MIN || next == " " || text.ends_with([' ', '\t']) {
        return;
    }
    text.push(if gap_em < TAB_EM_MIN { ' ' } else { '\t' });
}

fn is_imitated_bold(page: &Page, first: &Glyph, second: &Glyph) -> bool {
    (second.origin - first.origin).hypot() < BOLD_EM_MAX * second.size
        && page.text[first.text.clone()] == page.text[second.text.clone()]
}

fn direction_of(glyph: &Glyph) -> Option<Vec2> {
    let step = glyph.end - glyph.origin;
    let length = step.hypot();
    (length > 1e-6 * glyph.size).then(|| step / length)
}

fn extent(glyph: &Glyph, direction: Vec2) -> Range<f64> {
    let (a, b) = (direction.dot(glyph.origin.to_vec2()), direction.dot(glyph.end.to_vec2()));
    a.min(b)..a.max(b)
}

fn extent_of(run: &[&Glyph], direction: Vec2) -> Range<f64> {
    let extents = run.iter().map(|glyph| extent(glyph, direction));
    extents.fold(f64::INFINITY..f64::NEG_INFINITY, |all, one| {
        all.start.min(one.start)..all.end.max(one.end)
    })
}

/// Distance from the page's corner across the writing direction: down for text that runs right.
fn across(point: Point, direction: Vec2) -> f64 {
    direction.x * point.y - direction.y * point.x
}
