//! Cuts Chinese and Japanese as ICU 72 does: of all ways to cut, the one whose words cost least.
//!
//! A word of the dictionary costs its value there, which is lower for more frequent words. Costs of
//! other words and the bounds are those of ICU 72, `icu4c/source/common/dictbe.cpp`, class
//! `CjkBreakEngine`.

use super::dictionary::{Dictionary, Language};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Cost of a character that is no word of the dictionary: that of the rarest word.
const UNKNOWN_COST: u32 = 255;
/// Cost of a whole run of katakana by its length less one. A longer one costs 8192 in ICU, which is
/// always more than its characters cost as words: up to 19 of them, each 255 at most.
const KATAKANA_COSTS: [u32; 8] = [984, 408, 240, 204, 252, 300, 372, 480];

/// The dictionary with what the search remembers of the run at hand.
pub(super) struct Cheapest {
    dictionary: Dictionary,
    /// The run in NFKC.
    characters: Vec<char>,
    /// For each of these characters, and for the end, where it comes from in the run, in bytes.
    sources: Vec<usize>,
    /// For each place between characters, the cost of the cheapest way there.
    costs: Vec<u32>,
    /// For each place, the length of the last word on that way.
    lengths: Vec<usize>,
}

impl Cheapest {
    pub(super) fn new() -> Cheapest {
        Cheapest {
            dictionary: Dictionary::new(Language::ChineseJapanese),
            characters: Vec::new(),
            sources: Vec::new(),
            costs: Vec::new(),
            lengths: Vec::new(),
        }
    }

    /// Fills `ends` with the ends of the words inside the run, in bytes.
    pub(super) fn cut(&mut self, run: &str, ends: &mut Vec<usize>) {
        self.read(run);
        self.search();
        ends.clear();
        let mut place = self.characters.len();
        while place > 0 {
            ends.push(self.sources[place]);
            place -= self.lengths[place];
        }
        ends.reverse();
        // A character that NFKC turns into several may have got an end within.
        ends.dedup();
        ends.retain(|end| (1..run.len()).contains(end));
    }

    fn read(&mut self, run: &str) {
        self.characters.clear();
        self.sources.clear();
        if run.chars().all(is_plain) || unicode_normalization::is_nfkc(run) {
            for (start, character) in run.char_indices() {
                self.characters.push(character);
                self.sources.push(start);
            }
        } else {
            let mut start = 0;
            while start < run.len() {
                let mut others = run[start..].char_indices().skip(1);
                let length = others.find(|(_, character)| !is_attached(*character));
                let end = length.map_or(run.len(), |(length, _)| start + length);
                for character in run[start..end].nfkc() {
                    self.characters.push(character);
                    self.sources.push(start);
                }
                start = end;
            }
        }
        self.sources.push(run.len());
    }

    fn search(&mut self) {
        let count = self.characters.len();
        self.costs.clear();
        self.costs.resize(count + 1, u32::MAX);
        self.costs[0] = 0;
        self.lengths.clear();
        self.lengths.resize(count + 1, 0);
        let mut is_after_katakana = false;
        for place in 0..count {
            let text = &self.characters[place..];
            let (costs, lengths) = (&mut self.costs[place..], &mut self.lengths[place..]);
            let mut offer = |length: usize, cost: u32| {
                let cost = costs[0].saturating_add(cost);
                if cost < costs[length] {
                    (costs[length], lengths[length]) = (cost, length);
                }
            };
            let mut is_known = false;
            self.dictionary.words_at(text, |length, value| {
                is_known |= length == 1;
                offer(length, value);
            });
            if !is_known {
                offer(1, UNKNOWN_COST);
            }
            let is_katakana = is_katakana(text[0]);
            if is_katakana && !is_after_katakana {
                let run = text.iter().take(KATAKANA_COSTS.len() + 1);
                let length = run.take_while(|next| self::is_katakana(**next)).count();
                if let Some(cost) = KATAKANA_COSTS.get(length - 1) {
                    offer(length, *cost);
                }
            }
            is_after_katakana = is_katakana;
        }
    }
}

/// Whether NFKC surely leaves the character as it is: what most of a text consists of.
fn is_plain(character: char) -> bool {
    matches!(character, '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FE}' | '\u{4E00}'..='\u{9FFF}')
}

/// Whether NFKC may join the character with the one before it: halfwidth voice marks and the
/// reading marks of Han; no other character of these scripts.
fn is_attached(character: char) -> bool {
    matches!(character, '\u{FF9E}' | '\u{FF9F}') || canonical_combining_class(character) != 0
}

/// Katakana with its long mark and iteration marks; NFKC has no halfwidth forms.
fn is_katakana(character: char) -> bool {
    matches!(character, '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FE}')
}
