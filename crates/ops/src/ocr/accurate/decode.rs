//! From what the network says of each column of a strip to words with their places.
//!
//! It gives a probability for each character and for "none" in steps of some columns; the likeliest
//! of each step are read off, and what stands in several steps after another counts once (A. Graves
//! et al., "Connectionist temporal classification", 2006).

use windlass_native::onnx::Tensor;

/// Place of "none" among the characters.
const NONE: usize = 0;
/// A gap of so many times the usual distance of letters parts words, even where the network saw no
/// blank: figures of a table, far apart in one line.
const GAP: f64 = 3.0;
/// A blank that the network thinks so likely where it sees nothing is one: beside punctuation it is
/// seldom sure.
const BLANK_MIN: f32 = 0.3;
/// How far a letter reaches to both sides of its middle, in distances of letters.
const REACH: f64 = 0.6;

/// What the network knows: what stands for "none", the characters, the blank.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Alphabet(Vec<String>);

impl Alphabet {
    /// From a list with a line for each character, as the network's file has it.
    pub(super) fn of(list: &str) -> Alphabet {
        let characters = list.lines().map(str::to_owned);
        let all = std::iter::once(String::new()).chain(characters).chain([" ".to_owned()]);
        Alphabet(all.collect())
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// A character where the network saw it.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Mark<'a> {
    text: &'a str,
    /// Its middle, in columns.
    at: f64,
    /// From 0 to 1.
    confidence: f32,
    /// How likely a blank is before it where nothing was seen, from 0 to 1.
    blank: f32,
}

/// A word of a strip.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Its first and last column.
    pub(super) from: f64,
    pub(super) to: f64,
    /// Mean of its characters', 0 to 100.
    pub(super) confidence: f32,
}

/// The words of a strip of `width` columns, of which the line fills `line_width`. `output` holds a
/// row for each step, with a number for each character.
pub(super) fn pieces(
    output: &Tensor,
    alphabet: &Alphabet,
    width: usize,
    line_width: usize,
) -> Vec<Piece> {
    let marks = marks(output, alphabet, width);
    let pitch = pitch(&marks);
    let mut words: Vec<Vec<Mark<'_>>> = Vec::new();
    let mut before = None::<Mark<'_>>;
    for mark in marks {
        let is_blank = mark.text.trim().is_empty();
        if !is_blank {
            let is_near = before.is_some_and(|it| mark.at - it.at <= GAP * pitch);
            let goes_on = is_near && mark.blank < BLANK_MIN;
            match words.last_mut().filter(|_| goes_on) {
                Some(word) => word.push(mark),
                None => words.push(vec![mark]),
            }
        }
        before = (!is_blank).then_some(mark);
    }
    let mut pieces: Vec<Piece> =
        words.iter().map(|word| piece(word, REACH * pitch, line_width as f64)).collect();
    // Where two would overlap, they meet.
    for index in 1..pieces.len() {
        let (left, right) = (pieces[index - 1].to, pieces[index].from);
        if left > right {
            let middle = f64::midpoint(left, right);
            (pieces[index - 1].to, pieces[index].from) = (middle, middle);
        }
    }
    pieces
}

fn piece(word: &[Mark<'_>], reach: f64, end: f64) -> Piece {
    let sum: f32 = word.iter().map(|mark| mark.confidence).sum();
    let (first, last) = (word.first().map_or(0.0, |it| it.at), word.last().map_or(0.0, |it| it.at));
    Piece {
        text: word.iter().map(|mark| mark.text).collect(),
        from: (first - reach).clamp(0.0, end),
        to: (last + reach).clamp(0.0, end),
        confidence: 100.0 * sum / word.len().max(1) as f32,
    }
}

fn marks<'a>(output: &Tensor, alphabet: &'a Alphabet, width: usize) -> Vec<Mark<'a>> {
    let mut marks = Vec::new();
    let count = alphabet.count();
    let steps = output.values.chunks_exact(count);
    let columns = width as f64 / steps.len().max(1) as f64;
    let mut before = NONE;
    let mut began = 0;
    let mut blank = 0.0_f32;
    for (step, probabilities) in steps.enumerate() {
        let (best, probability) = highest(probabilities);
        if best != before {
            before = best;
            began = step;
            if best != NONE {
                let text = alphabet.0[best].as_str();
                marks.push(Mark { text, at: 0.0, confidence: probability, blank });
                blank = 0.0;
            }
        }
        if best == NONE {
            blank = probabilities.last().map_or(blank, |likely| blank.max(*likely));
        }
        if let Some(mark) = marks.last_mut().filter(|_| best != NONE) {
            mark.at = f64::midpoint(began as f64, step as f64 + 1.0) * columns;
            mark.confidence = mark.confidence.max(probability);
        }
    }
    marks
}

fn highest(probabilities: &[f32]) -> (usize, f32) {
    let mut best = (NONE, f32::MIN);
    for (index, probability) in probabilities.iter().enumerate() {
        if *probability > best.1 {
            best = (index, *probability);
        }
    }
    best
}

/// The usual distance between letters, in columns: the median. Endless where there is one letter.
fn pitch(marks: &[Mark<'_>]) -> f64 {
    let pairs = marks.windows(2).filter(|pair| pair.iter().all(|it| !it.text.trim().is_empty()));
    let mut distances: Vec<f64> = pairs.map(|pair| pair[1].at - pair[0].at).collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a network would give that sees a character of the text in each step.
    fn seen(text: &str) -> (Tensor, Alphabet) {
        let alphabet = Alphabet::of("a\nb\n1");
        let mut values = Vec::new();
        for character in text.chars() {
            let row = alphabet.0.iter().enumerate().map(|(index, known)| {
                let is_it =
                    if character == '_' { index == NONE } else { *known == character.to_string() };
                if is_it { 0.9 } else { 0.01 }
            });
            values.extend(row);
        }
        (Tensor { shape: vec![1, text.chars().count(), alphabet.count()], values }, alphabet)
    }

    fn read(text: &str) -> Vec<(String, f64, f64)> {
        let (output, alphabet) = seen(text);
        let width = text.chars().count() * 8;
        let pieces = pieces(&output, &alphabet, width, width);
        pieces.into_iter().map(|it| (it.text, it.from, it.to)).collect()
    }

    #[test]
    fn steps_of_one_character_are_one_and_blanks_part_words() {
        let words = read("_aa_a_b_ _b_1_");
        let texts: Vec<&str> = words.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(texts, ["aab", "b1"]);
        // Middles at steps 2, 4.5, 6.5 and 10.5, 12.5 of 8 columns; distances of 2 steps.
        assert_eq!((words[0].1, words[0].2), (16.0 - 9.6, 52.0 + 9.6));
        assert_eq!((words[1].1, words[1].2), (84.0 - 9.6, 100.0 + 9.6));
        assert!(read("____").is_empty() && read("").is_empty());
    }

    #[test]
    fn a_blank_that_is_likely_where_nothing_is_seen_parts_words() {
        let (mut output, alphabet) = seen("a_b_1");
        let step = 3 * alphabet.count();
        output.values[step + NONE] = 0.6;
        output.values[step + alphabet.count() - 1] = 0.35;
        let words = |output: &Tensor| -> Vec<String> {
            pieces(output, &alphabet, 40, 40).into_iter().map(|it| it.text).collect()
        };
        assert_eq!(words(&output), ["ab", "1"]);
        output.values[step + alphabet.count() - 1] = 0.25;
        assert_eq!(words(&output), ["ab1"]);
    }

    #[test]
    fn a_wide_gap_parts_words_without_a_blank() {
        let texts: Vec<String> = read("_a_b________1_1_").into_iter().map(|it| it.0).collect();
        assert_eq!(texts, ["ab", "11"]);
        assert_eq!(read("_a_").len(), 1);
    }

    #[test]
    fn words_do_not_overlap() {
        let words = read("a_b b_a");
        assert!(words[0].2 <= words[1].1, "{words:?}");
        assert!(words[1].2 <= 56.0 && words[0].1 >= 0.0);
    }
}
