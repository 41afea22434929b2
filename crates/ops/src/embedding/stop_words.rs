//! Words that are left out of the vectors because every text has them.
//!
//! `english.txt` is the list of scikit-learn 1.9.1 (`sklearn/feature_extraction/_stop_words.py`,
//! BSD-3-Clause), which it took from the Glasgow Information Retrieval Group.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// scikit-learn's list of English words, in order, those of each first letter apart: every word of
/// every text is looked for.
static ENGLISH: LazyLock<[Vec<&str>; 26]> = LazyLock::new(|| {
    let mut words = [const { Vec::new() }; 26];
    for word in include_str!("english.txt").split_whitespace() {
        if let Some(letter) = letter(word) {
            words[letter].push(word);
        }
    }
    words
});

/// Which of the 26 a word begins with.
fn letter(word: &str) -> Option<usize> {
    let first = *word.as_bytes().first()?;
    first.is_ascii_lowercase().then(|| usize::from(first - b'a'))
}

/// The words that are left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum StopWords {
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
                letter(word).is_some_and(|letter| ENGLISH[letter].binary_search(&word).is_ok())
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
        assert_eq!(ENGLISH.iter().map(Vec::len).sum::<usize>(), 318);
        assert!(ENGLISH.iter().all(|words| words.is_sorted()));
        assert!(StopWords::English.contains("yourselves") && !StopWords::English.contains("cat"));
    }
}
