//! Words that are left out of the vectors because every text has them.
//!
//! `english.txt` is the list of scikit-learn 1.9.1 (`sklearn/feature_extraction/_stop_words.py`,
//! BSD-3-Clause), which it took from the Glasgow Information Retrieval Group.

use super::term::Term;
use hashbrown::HashTable;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// scikit-learn's list of English words: every word of every text is looked for.
static ENGLISH: LazyLock<English> = LazyLock::new(|| {
    let mut english = English { lengths: [0; 0x100], words: HashTable::new() };
    for word in include_str!("english.txt").split_whitespace() {
        let word = Term::of(word.as_bytes());
        english.lengths[English::first(word)] |= English::length(word);
        english.words.insert_unique(word.hash(), word, |word| word.hash());
    }
    english
});

struct English {
    /// The lengths of those that begin with a byte: most other words have another one.
    lengths: [u32; 0x100],
    /// Found by their hash.
    words: HashTable<Term<'static>>,
}

impl English {
    fn first(word: Term<'_>) -> usize {
        word.bytes().first().map_or(0, |byte| usize::from(*byte))
    }

    /// As a bit; all that are too long for one share the last.
    fn length(word: Term<'_>) -> u32 {
        1 << word.bytes().len().min(31)
    }

    fn contains(&self, word: Term<'_>) -> bool {
        self.lengths[English::first(word)] & English::length(word) != 0
            && self.words.find(word.hash(), |known| *known == word).is_some()
    }
}

/// The words that are left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum StopWords {
    #[default]
    None,
    English,
    Own(BTreeSet<Vec<u8>>),
}

impl StopWords {
    /// As the parameter says it: `none`, `english`, or words separated by commas.
    pub(super) fn of(value: &str) -> StopWords {
        match value {
            "none" | "" => StopWords::None,
            "english" => StopWords::English,
            words => {
                StopWords::Own(words.split(',').map(|word| word.as_bytes().to_owned()).collect())
            }
        }
    }

    pub(super) fn contains(&self, word: Term<'_>) -> bool {
        match self {
            StopWords::None => false,
            StopWords::English => ENGLISH.contains(word),
            StopWords::Own(words) => words.contains(word.bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_english_list_is_whole_and_can_be_searched() {
        assert_eq!(ENGLISH.words.len(), 318);
        let has = |word: &str| StopWords::English.contains(Term::of(word.as_bytes()));
        let list = include_str!("english.txt");
        assert!(list.split_whitespace().all(has));
        assert!(!has("cat") && !has("") && !has(&"a".repeat(40)));
    }
}
