//! Words that are left out of the vectors because every text has them.
//!
//! `english.txt` is the list of scikit-learn 1.9.1 (`sklearn/feature_extraction/_stop_words.py`,
//! BSD-3-Clause), which it took from the Glasgow Information Retrieval Group.

use hashbrown::HashTable;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64;

/// scikit-learn's list of English words, found by their hash: every word of every text is looked
/// for.
static ENGLISH: LazyLock<HashTable<&str>> = LazyLock::new(|| {
    let mut table = HashTable::new();
    for word in include_str!("english.txt").split_whitespace() {
        table.insert_unique(hash(word), word, |word| hash(word));
    }
    table
});
/// Bytes of the longest of them.
const ENGLISH_WORD_BYTES_MAX: usize = 12;

fn hash(word: &str) -> u64 {
    xxh3_64(word.as_bytes())
}

/// The words that are left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum StopWords {
    #[default]
    None,
    English,
    Own(BTreeSet<String>),
}

impl StopWords {
    /// As the parameter says it: `none`, `english`, or words separated by commas.
    pub(super) fn of(value: &str) -> StopWords {
        match value {
            "none" | "" => StopWords::None,
            "english" => StopWords::English,
            words => StopWords::Own(words.split(',').map(str::to_owned).collect()),
        }
    }

    pub(super) fn contains(&self, word: &str) -> bool {
        match self {
            StopWords::None => false,
            StopWords::English => {
                word.len() <= ENGLISH_WORD_BYTES_MAX
                    && ENGLISH.find(hash(word), |known| *known == word).is_some()
            }
            StopWords::Own(words) => words.contains(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_english_list_is_whole_and_can_be_searched() {
        assert_eq!(ENGLISH.len(), 318);
        let longest = ENGLISH.iter().map(|word| word.len()).max();
        assert_eq!(longest, Some(ENGLISH_WORD_BYTES_MAX));
        assert!(StopWords::English.contains("yourselves") && !StopWords::English.contains("cat"));
    }
}
