//! Words cut into pieces of a vocabulary, longest first (WordPiece).

use super::table::Table;
use super::{ModelError, damaged};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest word that is cut into pieces where the vocabulary says nothing.
const CHARACTER_COUNT_MAX: usize = 100;

/// The part `model` of a `tokenizer.json`.
#[derive(Deserialize)]
pub(super) struct Stored {
    pub(super) vocab: BTreeMap<String, u32>,
    unk_token: String,
    #[serde(default = "prefix")]
    continuing_subword_prefix: String,
    #[serde(default = "character_count_max")]
    max_input_chars_per_word: usize,
}

fn prefix() -> String {
    "##".to_owned()
}

fn character_count_max() -> usize {
    CHARACTER_COUNT_MAX
}

/// A vocabulary of pieces.
#[derive(Debug)]
pub(super) struct Pieces {
    /// Those that begin a word; all of the vocabulary, as whoever made it might mean any.
    first: Table,
    /// Those that go on with one, without their prefix.
    next: Table,
    /// What stands for a word that cannot be put together.
    pub(super) unknown: u32,
    character_count_max: usize,
}

impl Pieces {
    pub(super) fn of(stored: &Stored) -> Result<Pieces, ModelError> {
        let unknown = stored.vocab.get(&stored.unk_token).copied();
        let unknown = unknown.ok_or_else(|| {
            damaged("tokenizer.json", format!("{} is not in its vocabulary", stored.unk_token))
        })?;
        let (mut first, mut next) = (Table::default(), Table::default());
        for (word, number) in &stored.vocab {
            let is_added = first.add(word.as_bytes(), *number);
            let rest = word.strip_prefix(&stored.continuing_subword_prefix);
            let is_added = is_added && rest.is_none_or(|rest| next.add(rest.as_bytes(), *number));
            if !is_added {
                return Err(damaged("tokenizer.json", "its vocabulary is too long"));
            }
        }
        let character_count_max = stored.max_input_chars_per_word;
        Ok(Pieces { first, next, unknown, character_count_max })
    }

    /// Adds the numbers of a word's pieces.
    pub(super) fn cut(&self, word: &str, into: &mut Vec<u32>) {
        if let Some(number) = self.first.find(word.as_bytes())
            && self.is_short(word)
        {
            into.push(number);
            return;
        }
        let before = into.len();
        if !self.is_short(word) || !self.cut_up(word, into) {
            into.truncate(before);
            into.push(self.unknown);
        }
    }

    fn is_short(&self, word: &str) -> bool {
        word.len() <= self.character_count_max || word.chars().count() <= self.character_count_max
    }

    /// `false`: a part of the word begins with no piece.
    fn cut_up(&self, word: &str, into: &mut Vec<u32>) -> bool {
        let mut rest = word;
        let mut table = &self.first;
        while !rest.is_empty() {
            let ends = rest.char_indices().rev().map(|(at, last)| at + last.len_utf8());
            let piece = ends
                .into_iter()
                .find_map(|end| table.find(&rest.as_bytes()[..end]).map(|number| (number, end)));
            let Some((number, end)) = piece else { return false };
            into.push(number);
            rest = &rest[end..];
            table = &self.next;
        }
        true
    }
}
