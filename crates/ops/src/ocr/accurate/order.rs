//! The order in which the lines of a page are read, of our own: the network finds pieces of lines,
//! wherever they are. Columns of prose are read one after another, all else row by row: the figures
//! of a table stand in columns, too, and are read across.

use super::decode::Piece;
use super::slanted::Slanted;
use windlass_native::tesseract::Word;

/// Pieces of lines on each side of a gutter at least.
const SIDE_COUNT_MIN: usize = 3;
/// Characters of the middling piece of a line of prose at least; figures and labels have fewer.
const PROSE_CHARACTER_COUNT_MIN: usize = 12;
/// Rectangles are somewhat larger than their letters: so much of a line's height may overlap.
const OVERLAP: f64 = 0.3;
/// Of the shorter column so much stands beside the longer one.
const BESIDE_MIN: f64 = 0.5;
/// Middles of one row differ by less than this share of the lower one's height.
const ROW: f64 = 0.5;
/// Rows above that a piece may still belong to: more are out of its reach.
const ROW_COUNT_BACK: usize = 8;
/// Between rows so much of a row's height begins a paragraph.
const PARAGRAPH_GAP: f64 = 0.6;
/// So many times larger or smaller letters do, too.
const PARAGRAPH_SCALE: f64 = 1.6;
/// Where letters stand within a line's rectangle.
const BASELINE: f64 = 0.8;

/// A piece of a line as it was found.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Fragment {
    pub(super) place: Slanted,
    /// In columns of `place`, along its text.
    pub(super) pieces: Vec<Piece>,
}

/// A fragment with its bounds: left, top, right, bottom.
#[derive(Clone, Debug)]
struct Laid {
    fragment: Fragment,
    bounds: [f64; 4],
    character_count: usize,
}

type Row = Vec<Laid>;

/// The words of all fragments in reading order, each line's first one with the line's place, and so
/// for paragraphs and blocks.
pub(super) fn ordered(fragments: Vec<Fragment>) -> Vec<Word> {
    let read = fragments.into_iter().filter(|fragment| !fragment.pieces.is_empty());
    let mut laid: Vec<Laid> = read.map(Laid::of).collect();
    laid.sort_by(|a, b| a.fragment.place.y.total_cmp(&b.fragment.place.y));
    let overlap = OVERLAP * median(laid.iter().map(Laid::height));
    let mut blocks = Vec::new();
    divide(laid, overlap, &mut blocks);
    blocks.iter().flat_map(|rows| words(rows)).collect()
}

impl Laid {
    fn of(fragment: Fragment) -> Laid {
        let bounds = fragment.place.bounds(0.0, fragment.place.width);
        let characters = fragment.pieces.iter().map(|piece| piece.text.chars().count());
        Laid { bounds, character_count: characters.sum(), fragment }
    }

    /// Of its letters, however they slant.
    fn height(&self) -> f64 {
        self.fragment.place.height
    }

    /// Its middle's row, followed along its text to another column.
    fn y_at(&self, x: f64) -> f64 {
        let place = &self.fragment.place;
        // Short pieces do not tell how they slant.
        let is_long = place.width > 3.0 * place.height && place.radians.cos() > 0.5;
        place.y + if is_long { (x - place.x) * place.radians.tan() } else { 0.0 }
    }
}

/// Where a page is cut: what is beside the gutter, in the order of rows.
struct Cut {
    from: usize,
    to: usize,
    x: f64,
}

/// Blocks of rows out of what lies in the order of rows.
fn divide(laid: Vec<Laid>, overlap: f64, blocks: &mut Vec<Vec<Row>>) {
    let Some(cut) = cut(&laid, overlap) else {
        if !laid.is_empty() {
            blocks.push(rows(laid));
        }
        return;
    };
    let mut before = laid;
    let mut beside = before.split_off(cut.from);
    let after = beside.split_off(cut.to - cut.from);
    let (left, right) = beside.into_iter().partition(|it| it.fragment.place.x < cut.x);
    for part in [before, left, right, after] {
        divide(part, overlap, blocks);
    }
}

/// The gutter with most lines beside it; `None`: there is none between columns of prose.
fn cut(laid: &[Laid], overlap: f64) -> Option<Cut> {
    let mut edges: Vec<f64> = laid.iter().map(|it| it.bounds[2]).collect();
    edges.sort_by(f64::total_cmp);
    edges.dedup_by(|a, b| (*a - *b).abs() <= overlap / 2.0);
    let mut best = None::<Cut>;
    for x in edges {
        let crosses = |it: &Laid| it.bounds[0] < x - overlap && it.bounds[2] > x + overlap;
        let mut from = 0;
        for stretch in laid.split(crosses) {
            let to = from + stretch.len();
            let is_longest = best.as_ref().is_none_or(|best| to - from > best.to - best.from);
            if is_longest && are_columns(stretch, x) {
                best = Some(Cut { from, to, x });
            }
            from = to + 1;
        }
    }
    best
}

/// Whether what is left and right of `x` are columns of prose beside each other.
fn are_columns(stretch: &[Laid], x: f64) -> bool {
    if stretch.len() < 2 * SIDE_COUNT_MIN {
        return false;
    }
    let (left, right): (Vec<&Laid>, Vec<&Laid>) =
        stretch.iter().partition(|it| it.fragment.place.x < x);
    let is_prose = |side: &[&Laid]| {
        let mut counts: Vec<usize> = side.iter().map(|it| it.character_count).collect();
        counts.sort_unstable();
        side.len() >= SIDE_COUNT_MIN && counts[counts.len() / 2] >= PROSE_CHARACTER_COUNT_MIN
    };
    if !is_prose(&left) || !is_prose(&right) {
        return false;
    }
    let (left, right) =
        (bounds(left.iter().map(|it| it.bounds)), bounds(right.iter().map(|it| it.bounds)));
    let beside = left[3].min(right[3]) - left[1].max(right[1]);
    beside >= BESIDE_MIN * (left[3] - left[1]).min(right[3] - right[1])
}

/// Rows out of what lies in the order of rows.
fn rows(laid: Vec<Laid>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for it in laid {
        let first = rows.len().saturating_sub(ROW_COUNT_BACK);
        let near = rows[first..].iter_mut().filter_map(|row| Some((distance(row, &it)?, row)));
        match near.min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((_, row)) => row.push(it),
            None => rows.push(vec![it]),
        }
    }
    let middle =
        |row: &Row| row.iter().map(|it| it.fragment.place.y).sum::<f64>() / row.len() as f64;
    rows.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    for row in &mut rows {
        row.sort_by(|a, b| a.bounds[0].total_cmp(&b.bounds[0]));
    }
    rows
}

/// How far above or below a row a fragment stands; `None`: not in it.
fn distance(row: &Row, it: &Laid) -> Option<f64> {
    let x = it.fragment.place.x;
    let apart = |other: &&Laid| (other.fragment.place.x - x).abs();
    let nearest = row.iter().min_by(|a, b| apart(a).total_cmp(&apart(b)))?;
    let shared = nearest.bounds[2].min(it.bounds[2]) - nearest.bounds[0].max(it.bounds[0]);
    let width = |bounds: [f64; 4]| bounds[2] - bounds[0];
    if shared > 0.5 * width(nearest.bounds).min(width(it.bounds)) {
        return None;
    }
    let between = f64::midpoint(x, nearest.fragment.place.x);
    let distance = (nearest.y_at(between) - it.y_at(between)).abs();
    (distance < ROW * nearest.height().min(it.height())).then_some(distance)
}

fn words(rows: &[Row]) -> Vec<Word> {
    let block = bounds(rows.iter().flatten().map(|it| it.bounds));
    let usual = median(rows.iter().map(height));
    let mut words: Vec<Word> = Vec::new();
    let mut begins = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let is_first =
            index.checked_sub(1).is_none_or(|before| is_parted(&rows[before], row, usual));
        let begin = words.len();
        words.extend(row.iter().flat_map(|it| it.words()));
        if is_first {
            begins.push((begin, index));
        }
        if let Some(word) = words.get_mut(begin) {
            word.line = Some(rounded(bounds(row.iter().map(|it| it.bounds))));
            word.baseline = baseline(row);
        }
    }
    let ends = begins.iter().skip(1).map(|(_, index)| *index).chain([rows.len()]);
    let paragraphs: Vec<_> =
        begins.iter().zip(ends).map(|((word, from), to)| (*word, *from, to)).collect();
    for (word, from, to) in paragraphs {
        let place = bounds(rows[from..to].iter().flatten().map(|it| it.bounds));
        words[word].paragraph = Some(rounded(place));
    }
    if let Some(word) = words.first_mut() {
        word.block = Some(rounded(block));
    }
    words
}

impl Laid {
    fn words(&self) -> impl Iterator<Item = Word> {
        let place = &self.fragment.place;
        self.fragment.pieces.iter().map(|piece| Word {
            text: piece.text.clone(),
            place: rounded(place.bounds(piece.from, piece.to)),
            confidence: piece.confidence,
            block: None,
            paragraph: None,
            line: None,
            baseline: None,
        })
    }
}

/// Whether a row begins a paragraph after another one.
fn is_parted(above: &Row, row: &Row, usual: f64) -> bool {
    let bottom = above.iter().map(|it| it.bounds[3]).fold(f64::MIN, f64::max);
    let top = row.iter().map(|it| it.bounds[1]).fold(f64::MAX, f64::min);
    let scale = height(row) / height(above).max(1.0);
    let is_alike = (1.0 / PARAGRAPH_SCALE..=PARAGRAPH_SCALE).contains(&scale);
    top - bottom > PARAGRAPH_GAP * usual || !is_alike
}

/// Of its letters.
fn height(row: &Row) -> f64 {
    median(row.iter().map(Laid::height))
}

/// From the beginning of its first fragment to the end of its last one.
fn baseline(row: &Row) -> Option<[i32; 4]> {
    let (first, last) = (&row.first()?.fragment.place, &row.last()?.fragment.place);
    let (x1, y1) = first.point(0.0, BASELINE * first.height);
    let (x2, y2) = last.point(last.width, BASELINE * last.height);
    Some(rounded([x1, y1, x2, y2]))
}

fn rounded(values: [f64; 4]) -> [i32; 4] {
    values.map(|value| value.round() as i32)
}

/// About all of these.
fn bounds(all: impl Iterator<Item = [f64; 4]>) -> [f64; 4] {
    all.fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |a, b| {
        [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
    })
}

/// 0 of none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line from `left`, 20 high and 10 for each letter.
    fn line(text: &str, left: f64, y: f64) -> Fragment {
        let width = 10.0 * text.chars().count() as f64;
        let place = Slanted { x: left + width / 2.0, y, radians: 0.0, width, height: 20.0 };
        let mut from = 0.0;
        let pieces = text.split(' ').map(|word| {
            let to = from + 10.0 * word.chars().count() as f64;
            let piece = Piece { text: word.to_owned(), from, to, confidence: 90.0 };
            from = to + 10.0;
            piece
        });
        Fragment { place, pieces: pieces.collect() }
    }

    /// Lines by line ends, paragraphs by empty lines, blocks by dashes.
    fn shown(fragments: Vec<Fragment>) -> String {
        let mut text = String::new();
        for word in ordered(fragments) {
            let before = match (&word.block, &word.paragraph, &word.line) {
                (Some(_), _, _) if text.is_empty() => "",
                (Some(_), _, _) => "\n--\n",
                (None, Some(_), _) => "\n\n",
                (None, None, Some(_)) => "\n",
                (None, None, None) => " ",
            };
            text.push_str(before);
            text.push_str(&word.text);
        }
        text
    }

    #[test]
    fn columns_of_prose_are_read_one_after_another() {
        let mut page = vec![line("a heading over both columns of the page", 0.0, 10.0)];
        for row in 0..4_u8 {
            let y = 60.0 + 24.0 * f64::from(row);
            // The right ones come first, as networks find them, and stand a little higher.
            page.push(line(&format!("right column {row}"), 260.0, y - 3.0));
            page.push(line(&format!("left column nr {row}"), 0.0, y));
        }
        page.push(line("and a last line that goes under both of them", 0.0, 180.0));
        expect_test::expect![[r#"
            a heading over both columns of the page
            --
            left column nr 0
            left column nr 1
            left column nr 2
            left column nr 3
            --
            right column 0
            right column 1
            right column 2
            right column 3
            --
            and a last line that goes under both of them"#]]
        .assert_eq(&shown(page));
    }

    #[test]
    fn tables_are_read_row_by_row() {
        let mut receipt = Vec::new();
        for (row, item) in
            ["two boxes of tea", "bread and butter", "a pound of apples"].iter().enumerate()
        {
            let y = 24.0 * row as f64;
            receipt.push(line(&format!("{row}.50"), 300.0, y + 4.0));
            receipt.push(line(item, 0.0, y));
            receipt.push(line("1", 240.0, y + 2.0));
        }
        receipt.push(line("TOTAL", 0.0, 110.0));
        receipt.push(line("7.50", 300.0, 113.0));
        expect_test::expect![[r#"
            two boxes of tea 1 0.50
            bread and butter 1 1.50
            a pound of apples 1 2.50

            TOTAL 7.50"#]]
        .assert_eq(&shown(receipt));
    }

    #[test]
    fn rows_are_followed_along_their_slant() {
        let slanting = |text: &str, left: f64, y: f64| {
            let mut fragment = line(text, left, y);
            fragment.place.radians = 0.04;
            fragment
        };
        // Over 500 pixels it falls by a line's height.
        let page = vec![
            slanting("item number one", 0.0, 0.0),
            slanting("the price of it", 400.0, 16.0),
            slanting("item number two", 0.0, 20.0),
            slanting("the price of it", 400.0, 36.0),
        ];
        assert_eq!(shown(page), "item number one the price of it\nitem number two the price of it");
    }

    #[test]
    fn nothing_and_wordless_fragments_give_no_words() {
        assert!(ordered(Vec::new()).is_empty());
        let empty = Fragment { pieces: Vec::new(), ..line("x", 0.0, 0.0) };
        assert!(ordered(vec![empty.clone()]).is_empty());
        assert_eq!(shown(vec![empty, line("word", 0.0, 60.0)]), "word");
    }
}
