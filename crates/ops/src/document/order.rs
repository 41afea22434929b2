//! The order in which the lines of a page are read, and where paragraphs end.
//!
//! Drawing order is nearly always reading order and keeps tables and columns whole; only a page
//! whose drawing order runs against its geometry is sorted anew, by recursive cuts along white
//! space.

use super::lines::Line;
use std::ops::Range;

/// Share of steps upwards from which the drawing order is not trusted.
const UPWARD_SHARE_MAX: f64 = 0.2;
/// Fewer steps upwards than this are headers and footers.
const UPWARD_COUNT_MIN: usize = 4;
/// White space of so many ems across all lines separates columns.
const COLUMN_GAP_EM: f64 = 1.0;
/// Lines further apart than so many ems belong to different paragraphs.
const PARAGRAPH_EM: f64 = 1.7;
/// Cuts within cuts; a page has a handful.
const CUT_DEPTH_MAX: u32 = 24;
/// Pages with more lines keep their drawing order: cutting them costs too much.
const CUT_LINE_COUNT_MAX: usize = 20_000;

/// The text of a page: its lines in reading order, an empty line between paragraphs.
pub(super) fn page_text(lines: &[Line]) -> String {
    let order = reading_order(lines);
    let mut text = String::with_capacity(lines.iter().map(|line| line.text.len() + 2).sum());
    let mut last: Option<&Line> = None;
    for line in order.into_iter().map(|index| &lines[index]) {
        if let Some(last) = last {
            text.push('\n');
            if !follows(last, line) {
                text.push('\n');
            }
        }
        text.push_str(&line.text);
        last = Some(line);
    }
    text
}

/// Whether `next` stands right below `line`, in the same paragraph.
pub(super) fn follows(line: &Line, next: &Line) -> bool {
    let down = next.across - line.across;
    let size = line.size.max(next.size);
    line.direction.dot(next.direction) > 0.9
        && (-0.5 * size..=PARAGRAPH_EM * size).contains(&down)
        && overlap(&line.along, &next.along)
}

fn overlap(a: &Range<f64>, b: &Range<f64>) -> bool {
    a.start < b.end && b.start < a.end
}

/// The lines' indices in the order in which they are read.
pub(super) fn reading_order(lines: &[Line]) -> Vec<usize> {
    let drawn: Vec<usize> = (0..lines.len()).collect();
    if lines.len() > CUT_LINE_COUNT_MAX || !runs_against_geometry(lines) {
        return drawn;
    }
    let Some(main) = lines.iter().max_by(|a, b| a.text.len().cmp(&b.text.len())) else {
        return drawn;
    };
    // Lines that run another way (a stamp up the margin) have no place in the cuts.
    let runs_along = |index: &usize| main.direction.dot(lines[*index].direction) > 0.9;
    let (along, others): (Vec<usize>, Vec<usize>) =
        drawn.iter().partition(|index| runs_along(index));
    let mut order = Vec::with_capacity(lines.len());
    cut(lines, along, CUT_DEPTH_MAX, &mut order);
    order.extend(others);
    order
}

/// Whether the drawing order often climbs within a column.
fn runs_against_geometry(lines: &[Line]) -> bool {
    let (mut steps, mut upward) = (0_usize, 0_usize);
    for pair in lines.windows(2) {
        let (line, next) = (&pair[0], &pair[1]);
        if line.direction.dot(next.direction) < 0.9 || !overlap(&line.along, &next.along) {
            continue;
        }
        steps += 1;
        upward += usize::from(next.across < line.across - 0.5 * line.size.max(next.size));
    }
    upward >= UPWARD_COUNT_MIN && upward as f64 > UPWARD_SHARE_MAX * steps as f64
}

/// Splits lines at white space, first into bands one below the other, then into columns; what
/// cannot be split is sorted by rows.
fn cut(lines: &[Line], members: Vec<usize>, depth: u32, order: &mut Vec<usize>) {
    if members.len() < 2 || depth == 0 {
        return order.extend(sorted_by_rows(lines, members));
    }
    let em = median_size(lines, &members);
    let columns = split_at_gaps(members, COLUMN_GAP_EM * em, |index| lines[index].along.clone());
    if columns.len() > 1 {
        return columns.into_iter().for_each(|column| cut(lines, column, depth - 1, order));
    }
    let members: Vec<usize> = columns.into_iter().flatten().collect();
    let bands = split_at_gaps(members, 0.0, |index| {
        let line = &lines[index];
        line.across - 0.8 * line.size..line.across + 0.2 * line.size
    });
    match split_at_widest(lines, &bands, em) {
        Some((above, below)) => {
            cut(lines, above, depth - 1, order);
            cut(lines, below, depth - 1, order);
        }
        None => order.extend(sorted_by_rows(lines, bands.into_iter().flatten().collect())),
    }
}

/// The two halves above and below the widest white band that is wider than the space between lines.
fn split_at_widest(
    lines: &[Line],
    bands: &[Vec<usize>],
    em: f64,
) -> Option<(Vec<usize>, Vec<usize>)> {
    let lowest = |band: &Vec<usize>| {
        band.iter().map(|index| lines[*index].across).fold(f64::NEG_INFINITY, f64::max)
    };
    let highest = |band: &Vec<usize>| {
        band.iter().map(|index| lines[*index].across).fold(f64::INFINITY, f64::min)
    };
    let gaps = bands.windows(2).map(|pair| highest(&pair[1]) - lowest(&pair[0]));
    let (at, gap) = gaps.enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (gap > PARAGRAPH_EM * em).then(|| {
        let (above, below) = bands.split_at(at + 1);
        (above.concat(), below.concat())
    })
}

/// Groups members whose extents touch, in order of position; groups are at least `gap_min` apart.
fn split_at_gaps(
    mut members: Vec<usize>,
    gap_min: f64,
    extent: impl Fn(usize) -> Range<f64>,
) -> Vec<Vec<usize>> {
    members.sort_by(|a, b| extent(*a).start.total_cmp(&extent(*b).start).then(a.cmp(b)));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut reach = f64::NEG_INFINITY;
    for member in members {
        let range = extent(member);
        match groups.last_mut() {
            Some(group) if range.start <= reach + gap_min => group.push(member),
            _ => groups.push(vec![member]),
        }
        reach = reach.max(range.end);
    }
    groups
}

fn sorted_by_rows(lines: &[Line], mut members: Vec<usize>) -> Vec<usize> {
    let em = median_size(lines, &members).max(1e-6);
    let row = |index: usize| (lines[index].across / em * 2.0).round();
    members.sort_by(|a, b| {
        let rows = row(*a).total_cmp(&row(*b));
        rows.then(lines[*a].along.start.total_cmp(&lines[*b].along.start)).then(a.cmp(b))
    });
    members
}

fn median_size(lines: &[Line], members: &[usize]) -> f64 {
    let mut sizes: Vec<f64> = members.iter().map(|index| lines[*index].size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hayro_interpret::kurbo::Vec2;

    fn line(text: &str, left: f64, right: f64, across: f64) -> Line {
        let direction = Vec2::new(1.0, 0.0);
        Line { text: text.to_owned(), direction, along: left..right, across, size: 10.0 }
    }

    fn texts(lines: &[Line]) -> String {
        page_text(lines).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn drawing_order_is_kept_where_it_makes_sense() {
        let columns = [
            line("a1", 0.0, 100.0, 10.0),
            line("a2", 0.0, 100.0, 22.0),
            line("b1", 120.0, 220.0, 10.0),
            line("b2", 120.0, 220.0, 22.0),
            line("footer", 0.0, 220.0, 400.0),
            line("header", 0.0, 220.0, 0.0),
        ];
        assert_eq!(texts(&columns), "a1 a2 b1 b2 footer header");
    }

    #[test]
    fn a_page_drawn_upwards_is_read_downwards_column_by_column() {
        let mut lines = vec![line("title", 0.0, 220.0, 0.0)];
        for row in 1..7 {
            let across = 20.0 + 12.0 * f64::from(row);
            lines.push(line(&format!("a{row}"), 0.0, 100.0, across));
            lines.push(line(&format!("b{row}"), 120.0, 220.0, across));
        }
        lines.reverse();
        lines.sort_by(|a, b| a.along.start.total_cmp(&b.along.start));
        assert_eq!(texts(&lines), "title a1 a2 a3 a4 a5 a6 b1 b2 b3 b4 b5 b6");
    }

    #[test]
    fn paragraphs_are_set_apart() {
        let lines = [
            line("one", 0.0, 100.0, 10.0),
            line("two", 0.0, 100.0, 22.0),
            line("three", 0.0, 100.0, 52.0),
        ];
        assert_eq!(page_text(&lines), "one\ntwo\n\nthree");
    }
}
