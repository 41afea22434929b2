//! How hard a text is to read, by six formulas made for English.
//!
//! The formulas are those of textstat 0.7.13: equal counts give equal values. A word is a piece
//! between white space with a letter or a number in it; a sentence is a piece between `.`, `!` and
//! `?` with more than two words; syllables are estimated by the letters (`syllables.rs`).

use super::space::is_space;
use super::syllables::syllable_count;
use serde::Serialize;

/// What the formulas are fed, and what they give; field order is that of the file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Readability {
    counts: ReadingCounts,
    flesch_reading_ease: f64,
    flesch_kincaid_grade: f64,
    gunning_fog: f64,
    smog_index: f64,
    automated_readability_index: f64,
    coleman_liau_index: f64,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
struct ReadingCounts {
    sentence_count: u64,
    word_count: u64,
    syllable_count: u64,
    /// Words of three syllables or more.
    polysyllable_count: u64,
    /// Letters and numbers.
    letter_count: u64,
    /// All that is no white space.
    character_count: u64,
}

/// A sentence of fewer words is a heading or a number.
const SENTENCE_WORD_COUNT_MIN: u64 = 3;
const POLYSYLLABLE_COUNT_MIN: u64 = 3;

/// Reads a text; `None` without a word.
pub(super) fn readability(text: &str) -> Option<Readability> {
    let counts = count(text);
    (counts.word_count > 0).then(|| by_counts(counts))
}

fn count(text: &str) -> ReadingCounts {
    let mut counts = ReadingCounts::default();
    for piece in text.split(['.', '!', '?']) {
        let words_before = counts.word_count;
        for token in piece.split(is_space).filter(|token| !token.is_empty()) {
            counts.character_count += token.chars().count() as u64;
            let letters = token.chars().filter(|character| character.is_alphanumeric()).count();
            if letters == 0 {
                continue;
            }
            let syllables = syllable_count(token);
            counts.word_count += 1;
            counts.letter_count += letters as u64;
            counts.syllable_count += syllables;
            counts.polysyllable_count += u64::from(syllables >= POLYSYLLABLE_COUNT_MIN);
        }
        let word_count = counts.word_count - words_before;
        counts.sentence_count += u64::from(word_count >= SENTENCE_WORD_COUNT_MIN);
    }
    counts.character_count +=
        text.bytes().filter(|byte| matches!(byte, b'.' | b'!' | b'?')).count() as u64;
    counts.sentence_count = counts.sentence_count.max(u64::from(counts.word_count > 0));
    counts
}

fn by_counts(counts: ReadingCounts) -> Readability {
    let ReadingCounts { sentence_count, word_count, .. } = counts;
    let (sentences, words) = (sentence_count as f64, word_count as f64);
    let words_per_sentence = words / sentences;
    let syllables_per_word = counts.syllable_count as f64 / words;
    let polysyllables = counts.polysyllable_count as f64;
    let letters_per_100_words = counts.letter_count as f64 / words * 100.0;
    let sentences_per_100_words = sentences / words * 100.0;
    Readability {
        counts,
        flesch_reading_ease: 206.835 - 1.015 * words_per_sentence - 84.6 * syllables_per_word,
        flesch_kincaid_grade: 0.39 * words_per_sentence + 11.8 * syllables_per_word - 15.59,
        gunning_fog: 0.4 * (words_per_sentence + 100.0 * polysyllables / words),
        smog_index: 1.043 * (30.0 * (polysyllables / sentences)).sqrt() + 3.1291,
        automated_readability_index: 4.71 * (counts.character_count as f64 / words)
            + 0.5 * words_per_sentence
            - 21.43,
        coleman_liau_index: 0.058 * letters_per_100_words - 0.296 * sentences_per_100_words - 15.8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_sentences_letters_and_characters_are_counted() {
        let counts = count("It's a \"well-known\" fact, isn't it? No. -- Chapter 1!\nHe ran home");
        let expected = ReadingCounts {
            sentence_count: 2,
            word_count: 12,
            syllable_count: 14,
            polysyllable_count: 0,
            letter_count: 42,
            character_count: 53,
        };
        assert_eq!(counts, expected);
        assert_eq!(readability(" ... !? -- \n"), None);
        assert_eq!(count("Hi.").sentence_count, 1);
    }

    fn check(
        [sentence, word, syllable, polysyllable, letter, character]: [u64; 6],
        expected: [f64; 6],
    ) {
        let made = by_counts(ReadingCounts {
            sentence_count: sentence,
            word_count: word,
            syllable_count: syllable,
            polysyllable_count: polysyllable,
            letter_count: letter,
            character_count: character,
        });
        let made = [
            made.flesch_reading_ease,
            made.flesch_kincaid_grade,
            made.gunning_fog,
            made.smog_index,
            made.automated_readability_index,
            made.coleman_liau_index,
        ];
        for (ours, theirs) in made.iter().zip(expected) {
            assert!((ours - theirs).abs() < 1e-12, "{made:?}");
        }
    }

    /// By textstat 0.7.13, whose functions were told these counts.
    #[test]
    fn equal_counts_give_the_values_of_textstat() {
        check(
            [23, 1_431, 2_190, 239, 7_004, 7_151],
            [
                14.212649712879426,
                26.733482818339258,
                31.567599428797134,
                21.54444961124409,
                33.21553003372528,
                12.11222921034242,
            ],
        );
        check(
            [1, 1, 1, 0, 2, 3],
            [121.22000000000003, -3.3999999999999986, 0.4, 3.1291, -6.800000000000001, -33.8],
        );
        check(
            [7, 160, 291, 40, 900, 960],
            [
                29.76875000000001,
                14.785535714285718,
                19.142857142857146,
                16.785175570968402,
                18.25857142857143,
                15.529999999999998,
            ],
        );
    }
}
