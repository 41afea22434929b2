//! A recognised page: blocks of paragraphs of lines of words, with their places.

use super::choice::Reader;
use windlass_native::tesseract;

/// Of a character of clean print Tesseract is surer than this on average, also where it is small,
/// slanting or noisy (of the samples' pages 94.7 and more), of photographs and receipts less (90.0
/// and less).
const CONFIDENCE_MIN: f64 = 92.0;

/// A rectangle in pixels of the upright page; `right` and `bottom` are exclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Place {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) right: u32,
    pub(crate) bottom: u32,
}

/// What was found on a page.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Page {
    /// Pixels of a row of the upright page.
    pub(crate) width: u32,
    /// Its rows.
    pub(crate) height: u32,
    /// By how many degrees the picture was turned clockwise to stand upright: 0, 90, 180, 270.
    pub(crate) turned_degrees: u32,
    /// How sure that is (0 a guess, above 15 hardly ever wrong); `None`: nobody had to ask.
    pub(crate) turned_confidence: Option<f32>,
    /// By how many degrees the upright page's lines fall to the right.
    pub(crate) skew_degrees: f64,
    /// Who read it.
    pub(crate) reader: Reader,
    /// Why that one, where it was not asked for: a sentence without a full stop.
    pub(crate) why: Option<String>,
    /// In reading order.
    pub(crate) blocks: Vec<Block>,
}

/// A column, a heading, a caption.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Block {
    pub(crate) place: Place,
    pub(crate) paragraphs: Vec<Paragraph>,
}

/// Lines that belong together.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Paragraph {
    pub(crate) place: Place,
    pub(crate) lines: Vec<Line>,
}

/// A line.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Line {
    pub(crate) place: Place,
    /// Where its letters stand.
    pub(crate) baseline: Option<Baseline>,
    pub(crate) words: Vec<Word>,
}

/// The line on which letters stand, as a point and its slope to the right, in pixels of the upright
/// page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Baseline {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Rows down for each pixel to the right.
    pub(crate) slope: f64,
}

impl Baseline {
    /// Its row at a column.
    pub(crate) fn at(&self, x: f64) -> f64 {
        self.y + (x - self.x) * self.slope
    }
}

/// A word.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) place: Place,
    /// How sure it is, 0 to 100.
    pub(crate) confidence: f32,
}

impl Page {
    /// All of it.
    pub(crate) fn place(&self) -> Place {
        Place { left: 0, top: 0, right: self.width, bottom: self.height }
    }

    /// All lines in reading order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        let paragraphs = self.blocks.iter().flat_map(|block| &block.paragraphs);
        paragraphs.flat_map(|paragraph| &paragraph.lines)
    }

    /// All words in reading order.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Word> {
        self.lines().flat_map(|line| &line.words)
    }

    /// The text: a line for each line, an empty one between paragraphs.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for paragraph in self.blocks.iter().flat_map(|block| &block.paragraphs) {
            if !text.is_empty() {
                text.push('\n');
            }
            for line in &paragraph.lines {
                text.push_str(&line.text());
                text.push('\n');
            }
        }
        text
    }

    /// Whether it may have been read badly, or not at all.
    pub(super) fn is_doubtful(&self) -> bool {
        self.confidence() < CONFIDENCE_MIN
    }

    /// How much was read, and how surely: characters weighed by their words' confidence. Of two
    /// readings of a page the one with more is the better one.
    pub(super) fn weight(&self) -> f64 {
        self.weight_above(0.0)
    }

    /// The same where a character of so much confidence says nothing, and one of less speaks
    /// against the reading: so it is with what is read into drawings.
    pub(super) fn weight_above(&self, confidence: f64) -> f64 {
        let weigh = |word: &Word| {
            word.text.chars().count() as f64 * (f64::from(word.confidence) - confidence)
        };
        self.words().map(weigh).sum()
    }

    /// Whether long lines stand beside each other, as they do in columns of text, and not where
    /// amounts stand beside goods.
    pub(super) fn has_columns(&self) -> bool {
        /// A formula or a heading may stand beside a line by chance.
        const PAIR_COUNT_MAX: usize = 2;
        let is_long = |place: &Place| 4 * place.right.saturating_sub(place.left) >= self.width;
        let mut places: Vec<Place> = self.lines().map(|line| line.place).filter(is_long).collect();
        places.sort_unstable_by_key(|place| place.top);
        let beside = |(at, place): (usize, &Place)| {
            let height = place.bottom.saturating_sub(place.top);
            let following = places[at + 1..].iter();
            let reached = following.take_while(|it| it.top < place.bottom);
            let is_apart = |it: &&Place| it.left >= place.right || it.right <= place.left;
            let is_level = |it: &&Place| {
                let common = place.bottom.min(it.bottom).saturating_sub(it.top);
                2 * common >= height.min(it.bottom.saturating_sub(it.top))
            };
            reached.filter(is_apart).filter(is_level).count()
        };
        places.iter().enumerate().map(beside).sum::<usize>() > PAIR_COUNT_MAX
    }

    /// Mean confidence of a character; 0 where there is none.
    pub(super) fn confidence(&self) -> f64 {
        let count: usize = self.words().map(|word| word.text.chars().count()).sum();
        self.weight() / (count.max(1) as f64)
    }
}

impl Line {
    /// Its words with a blank between.
    pub(crate) fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }
}

/// The page's blocks out of an engine's words; `map` takes their places and points to the upright
/// page.
pub(super) fn blocks(words: Vec<tesseract::Word>, map: &Map) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for word in words {
        if word.block.is_some() || blocks.is_empty() {
            let place = map.place(word.block.unwrap_or(word.place));
            blocks.push(Block { place, paragraphs: Vec::new() });
        }
        let Some(block) = blocks.last_mut() else { continue };
        if word.paragraph.is_some() || block.paragraphs.is_empty() {
            let place = map.place(word.paragraph.unwrap_or(word.place));
            block.paragraphs.push(Paragraph { place, lines: Vec::new() });
        }
        let Some(paragraph) = block.paragraphs.last_mut() else { continue };
        if word.line.is_some() || paragraph.lines.is_empty() {
            let place = map.place(word.line.unwrap_or(word.place));
            let baseline = word.baseline.and_then(|ends| map.baseline(ends));
            paragraph.lines.push(Line { place, baseline, words: Vec::new() });
        }
        let place = map.place(word.place);
        let word = Word { text: word.text, place, confidence: word.confidence };
        paragraph.lines.last_mut().into_iter().for_each(|line| line.words.push(word.clone()));
    }
    blocks
}

/// From the picture that was read to the upright page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    /// Size of the page.
    pub(super) width: u32,
    pub(super) height: u32,
    /// Size of what was read, which is the page turned about its middle.
    pub(super) seen_width: u32,
    pub(super) seen_height: u32,
    /// By how many degrees the page was turned counterclockwise to be seen.
    pub(super) degrees: f64,
}

impl Map {
    fn point(&self, x: f64, y: f64) -> (f64, f64) {
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let x = x - f64::from(self.seen_width) / 2.0;
        let y = y - f64::from(self.seen_height) / 2.0;
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        (x * cos - y * sin + width / 2.0, x * sin + y * cos + height / 2.0)
    }

    fn place(&self, [left, top, right, bottom]: [i32; 4]) -> Place {
        let [left, top, right, bottom] = [left, top, right, bottom].map(f64::from);
        let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
        let corners = corners.map(|(x, y)| self.point(x, y));
        let within = |value: f64, most: u32| value.round().clamp(0.0, f64::from(most)) as u32;
        let least = |of: fn(&(f64, f64)) -> f64| corners.iter().map(of).fold(f64::MAX, f64::min);
        let most = |of: fn(&(f64, f64)) -> f64| corners.iter().map(of).fold(f64::MIN, f64::max);
        Place {
            left: within(least(|it| it.0), self.width),
            top: within(least(|it| it.1), self.height),
            right: within(most(|it| it.0), self.width),
            bottom: within(most(|it| it.1), self.height),
        }
    }

    /// `None`: the line does not run to the right.
    fn baseline(&self, [x1, y1, x2, y2]: [i32; 4]) -> Option<Baseline> {
        let (x, y) = self.point(x1.into(), y1.into());
        let (to_x, to_y) = self.point(x2.into(), y2.into());
        let (wide, high) = (to_x - x, to_y - y);
        (wide > high.abs()).then(|| Baseline { x, y, slope: high / wide })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A page of 1,000 columns with lines from `left` to `right`, 30 rows each, the first at `top`.
    pub(in crate::ocr) fn page(columns: &[(u32, u32, u32)]) -> Page {
        let line = |left, right, top| Line {
            place: Place { left, top, right, bottom: top + 20 },
            ..Line::default()
        };
        let of_column = |&(left, right, top): &(u32, u32, u32)| Paragraph {
            lines: (0..10).map(|number| line(left, right, top + 30 * number)).collect(),
            ..Paragraph::default()
        };
        let paragraphs = columns.iter().map(of_column).collect();
        let blocks = vec![Block { paragraphs, ..Block::default() }];
        Page { width: 1_000, height: 2_000, blocks, ..Page::default() }
    }

    #[test]
    fn long_lines_beside_each_other_are_columns() {
        assert!(page(&[(50, 480, 100), (520, 950, 105)]).has_columns());
        assert!(page(&[(50, 300, 100), (350, 600, 92), (650, 900, 100)]).has_columns());
        assert!(!page(&[(50, 950, 100)]).has_columns());
        assert!(!page(&[(50, 480, 100), (520, 950, 500)]).has_columns(), "one below the other");
        assert!(!page(&[(50, 480, 100), (850, 950, 100)]).has_columns(), "amounts");
        assert!(!page(&[(50, 480, 100), (400, 900, 100)]).has_columns(), "in each other");
        assert!(!page(&[]).has_columns());
    }

    #[test]
    fn what_is_read_into_drawings_counts_against_a_reading() {
        let word =
            |text: &str, confidence| Word { text: text.to_owned(), confidence, ..Word::default() };
        let mut page = page(&[(0, 100, 0)]);
        page.blocks[0].paragraphs[0].lines[0].words = vec![word("sure", 95.0), word("~|", 20.0)];
        assert_eq!((page.weight(), page.weight_above(65.0)), (420.0, 30.0));
    }
}
