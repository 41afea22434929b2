//! Cuts Thai, Lao, Khmer and Burmese as ICU 72 does: the next word is the longest of the dictionary
//! that two more can follow. What the dictionary does not know joins a short word before it.
//!
//! Sets of characters and bounds are those of ICU 72, `icu4c/source/common/dictbe.cpp`, classes
//! `ThaiBreakEngine` and so on.

use super::dictionary::{Dictionary, Language};
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

/// A word of fewer characters takes in what follows, if that is no word.
const FREE_STANDING_LENGTH: usize = 3;
/// Unless that has as many characters in common with a word.
const LIKE_A_WORD_LENGTH: usize = 3;
/// Thai sign of an abbreviation (paiyannoi) and of a repetition (maiyamok).
const ABBREVIATION: char = '\u{E2F}';
const REPETITION: char = '\u{E46}';

/// The dictionary of a language with what is known of its letters.
pub(super) struct Lookahead {
    language: Language,
    dictionary: Dictionary,
    /// The run at hand.
    characters: Vec<char>,
    /// What was last found, by the place modulo its length: each place is asked for several times.
    found: [Option<(usize, Candidates)>; 16],
}

/// The words that start at a place.
#[derive(Clone, Copy)]
struct Candidates {
    /// Their lengths: bit n is set for a word of n characters. The longest in ICU's dictionaries
    /// has 33.
    lengths: u64,
    /// Characters in common with any word, and the first one that is not.
    compared: usize,
}

impl Lookahead {
    pub(super) fn new(language: Language) -> Lookahead {
        let dictionary = Dictionary::new(language);
        Lookahead { language, dictionary, characters: Vec::new(), found: [None; 16] }
    }

    /// Fills `ends` with the ends of the words inside the run, in bytes.
    pub(super) fn cut(&mut self, run: &str, ends: &mut Vec<usize>) {
        self.characters.clear();
        self.characters.extend(run.chars());
        self.found = [None; 16];
        ends.clear();
        if self.characters.len() < self.characters_min() {
            return;
        }
        let (mut start, mut bytes) = (0, 0);
        while start < self.characters.len() {
            let end = self.word_end(start);
            bytes += self.characters[start..end].iter().map(|one| one.len_utf8()).sum::<usize>();
            ends.push(bytes);
            start = end;
        }
        // The end of the run is no end of a word where another script follows.
        ends.pop();
    }

    /// Shorter runs are not cut: two words of two characters each are the least, and for Thai ICU
    /// asks for one character more.
    fn characters_min(&self) -> usize {
        if self.language == Language::Thai { 5 } else { 4 }
    }

    fn word_end(&mut self, start: usize) -> usize {
        let length = self.best_length(start);
        let mut end = start + length;
        if end < self.characters.len() && length < FREE_STANDING_LENGTH {
            let next = self.words_at(end);
            if next.lengths == 0 && (length == 0 || next.compared < LIKE_A_WORD_LENGTH) {
                end = self.next_plausible_start(end);
            }
        }
        while self.characters.get(end).is_some_and(|character| is_mark(*character)) {
            end += 1;
        }
        if self.language == Language::Thai { self.with_thai_signs(end) } else { end }
    }

    /// Length of the best word that starts here; 0: there is none.
    fn best_length(&mut self, start: usize) -> usize {
        let first = self.words_at(start);
        let mut best = first.longest();
        if start + best == self.characters.len() || first.lengths.count_ones() < 2 {
            return best;
        }
        for length in first.longest_first() {
            let middle = start + length;
            let second = self.words_at(middle);
            if second.lengths == 0 {
                continue;
            }
            best = length;
            let reaches_end = middle + second.longest() == self.characters.len();
            if reaches_end || second.longest_first().any(|length| self.is_word_at(middle + length))
            {
                return best;
            }
        }
        best
    }

    fn words_at(&mut self, start: usize) -> Candidates {
        let index = start % self.found.len();
        if let Some((place, candidates)) = self.found[index]
            && place == start
        {
            return candidates;
        }
        let mut lengths = 0;
        let text = &self.characters[start..self.characters.len().min(start + 63)];
        let compared = self.dictionary.words_at(text, |length, _| lengths |= 1 << length);
        let candidates = Candidates { lengths, compared };
        self.found[index] = Some((start, candidates));
        candidates
    }

    fn is_word_at(&mut self, start: usize) -> bool {
        self.words_at(start).lengths != 0
    }

    /// The next place after `start` where letters allow a word to start and there is one.
    fn next_plausible_start(&mut self, start: usize) -> usize {
        for place in start + 1..self.characters.len() {
            let is_possible =
                self.may_end(self.characters[place - 1]) && self.may_start(self.characters[place]);
            if is_possible && self.is_word_at(place) {
                return place;
            }
        }
        self.characters.len()
    }

    fn may_start(&self, character: char) -> bool {
        match self.language {
            Language::Thai => matches!(character, '\u{E01}'..='\u{E2E}' | '\u{E40}'..='\u{E44}'),
            Language::Lao => {
                let is_vowel_before = matches!(character, '\u{EC0}'..='\u{EC4}');
                is_vowel_before
                    || matches!(character, '\u{E81}'..='\u{EAE}' | '\u{EDC}' | '\u{EDD}')
            }
            Language::Khmer => matches!(character, '\u{1780}'..='\u{17B3}'),
            Language::Burmese => matches!(character, '\u{1000}'..='\u{102A}'),
            Language::ChineseJapanese => true,
        }
    }

    fn may_end(&self, character: char) -> bool {
        match self.language {
            Language::Thai => !matches!(character, '\u{E31}' | '\u{E40}'..='\u{E44}'),
            Language::Lao => !matches!(character, '\u{EC0}'..='\u{EC4}'),
            Language::Khmer => character != '\u{17D2}',
            Language::Burmese | Language::ChineseJapanese => true,
        }
    }

    /// Takes the signs of an abbreviation and of a repetition in, where no word starts with them.
    fn with_thai_signs(&mut self, mut end: usize) -> usize {
        if end == self.characters.len() || self.is_word_at(end) {
            return end;
        }
        let last = self.characters[end - 1];
        if self.characters[end] == ABBREVIATION && !matches!(last, ABBREVIATION | REPETITION) {
            end += 1;
        }
        if self.characters.get(end) == Some(&REPETITION) && self.characters[end - 1] != REPETITION {
            end += 1;
        }
        end
    }
}

impl Candidates {
    /// Length of the longest; 0: there is none.
    fn longest(self) -> usize {
        self.lengths.checked_ilog2().map_or(0, |length| length as usize)
    }

    fn longest_first(self) -> impl Iterator<Item = usize> {
        (1..64).rev().filter(move |length| self.lengths >> length & 1 == 1)
    }
}

fn is_mark(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    GeneralCategoryGroup::Mark.contains(category)
}
