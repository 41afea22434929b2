//! List markers that are drawn apart from their lines: some programs draw all bullets of a list
//! after its text.

use super::lines::Line;

/// A marker stands at most so many ems before its line.
const MARKER_GAP_EM_MAX: f64 = 3.0;
/// Baselines of a marker and its line differ by less than this.
const ROW_EM_MAX: f64 = 0.25;
/// Lines on a marker's baseline that are looked at: columns are a handful.
const ROW_LINE_COUNT_MAX: usize = 256;
/// A page with more of them is no list; each may look at all that stands on its baseline.
const MARKER_COUNT_MAX: usize = 2_000;
/// Digits or letters of a marker, as in `xviii.`.
const COUNT_CHAR_COUNT_MAX: usize = 5;

/// Puts each marker that was not drawn beside its line in front of it.
pub(super) fn join(mut lines: Vec<Line>) -> Vec<Line> {
    let markers: Vec<usize> =
        (0..lines.len()).filter(|index| is_marker(&lines[*index].text)).collect();
    if markers.is_empty() || markers.len() > MARKER_COUNT_MAX {
        return lines;
    }
    let mut down: Vec<usize> = (0..lines.len()).collect();
    down.sort_by(|a, b| lines[*a].across.total_cmp(&lines[*b].across));
    let mut is_joined = vec![false; lines.len()];
    for marker in markers {
        let Some(line) = line_of(&lines, &down, marker, &is_joined) else { continue };
        lines[line].text = format!("{} {}", lines[marker].text, lines[line].text);
        lines[line].along.start = lines[marker].along.start;
        is_joined[marker] = true;
    }
    let mut is_joined = is_joined.into_iter();
    lines.retain(|_| !is_joined.next().unwrap_or(false));
    lines
}

/// The nearest line to the right of a marker, on its baseline.
fn line_of(lines: &[Line], down: &[usize], marker: usize, is_joined: &[bool]) -> Option<usize> {
    let Line { direction, along, across, size, .. } = &lines[marker];
    let gap = |index: usize| (lines[index].along.start - along.end) / size;
    let first = down.partition_point(|index| lines[*index].across <= across - ROW_EM_MAX * size);
    down[first..]
        .iter()
        .copied()
        .take_while(|index| lines[*index].across < across + ROW_EM_MAX * size)
        .take(ROW_LINE_COUNT_MAX)
        .filter(|index| *index != marker && !is_joined[*index])
        .filter(|index| lines[*index].direction.dot(*direction) > 0.999)
        .filter(|index| (0.0..MARKER_GAP_EM_MAX).contains(&gap(*index)))
        .min_by(|a, b| gap(*a).total_cmp(&gap(*b)))
        .filter(|index| !is_marker(&lines[*index].text))
}

/// A bullet, or a number or letter as lists count: `1.`, `b)`, `(iii)`.
fn is_marker(text: &str) -> bool {
    if let Some(counted) = text.strip_suffix(['.', ')']) {
        let counted = counted.strip_prefix('(').unwrap_or(counted);
        let is_number = counted.chars().all(|char| char.is_ascii_digit());
        let is_roman = counted.chars().all(|char| "ivxlcIVXLC".contains(char));
        let is_letter = counted.len() == 1 && counted.chars().all(|char| char.is_alphabetic());
        let is_short = (1..=COUNT_CHAR_COUNT_MAX).contains(&counted.len());
        return is_short && (is_number || is_roman || is_letter);
    }
    matches!(text, "•" | "◦" | "▪" | "▫" | "‣" | "⁃" | "·" | "○" | "●" | "■" | "□" | "\u{f0b7}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hayro_interpret::kurbo::Vec2;

    fn line(text: &str, left: f64, across: f64) -> Line {
        let (direction, along) = (Vec2::new(1.0, 0.0), left..left + 5.0 * text.len() as f64);
        Line { text: text.to_owned(), direction, along, across, size: 10.0 }
    }

    fn texts(lines: Vec<Line>) -> Vec<String> {
        join(lines).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn markers_drawn_after_the_list_stand_before_its_lines() {
        let list = vec![
            line("one", 40.0, 10.0),
            line("two", 40.0, 22.0),
            line("•", 20.0, 10.0),
            line("(ii)", 12.0, 22.0),
        ];
        assert_eq!(texts(list), ["• one", "(ii) two"]);
    }

    #[test]
    fn what_stands_elsewhere_stays_alone() {
        let far = vec![line("1.", 0.0, 10.0), line("a column", 200.0, 10.0)];
        assert_eq!(texts(far), ["1.", "a column"]);
        let other_row = vec![line("•", 20.0, 10.0), line("below", 40.0, 22.0)];
        assert_eq!(texts(other_row), ["•", "below"]);
        let left = vec![line("before", 0.0, 10.0), line("•", 40.0, 10.0)];
        assert_eq!(texts(left), ["before", "•"]);
        // Cells of a table are no list.
        let cells = vec![line("1.", 0.0, 10.0), line("2.", 15.0, 10.0)];
        assert_eq!(texts(cells), ["1.", "2."]);
    }

    #[test]
    fn a_page_of_bullets_alone_is_left_as_it_is() {
        let bullets: Vec<Line> =
            (0..50_000).map(|at| line("•", f64::from(50_000 - at) * 20.0, 10.0)).collect();
        assert_eq!(join(bullets.clone()), bullets);
    }

    #[test]
    fn a_word_is_no_marker() {
        assert!(["•", "1.", "12)", "(a)", "iv."].into_iter().all(is_marker));
        assert!(["a", ".", "()", "1.5", "Yes.", "–"].into_iter().all(|it| !is_marker(it)));
    }
}
