//! From a text to its terms, as scikit-learn's analyzers cut them (`text.py`, 1.9.1).

use super::settings::{Accents, Analyzer, Settings};
use crate::text::is_space;
use crate::word_count::is_python_word;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use windlass_core::Failure;

/// What is done with each term.
type Each<'a> = &'a mut dyn FnMut(&str) -> Result<(), Failure>;

/// Hands over every term of a text, as often as it occurs.
///
/// # Errors
/// Whatever `each` returns.
pub(super) fn each_term(text: &str, settings: &Settings, each: Each<'_>) -> Result<(), Failure> {
    let text = match (settings.lowercase, text.is_ascii()) {
        (true, true) => Cow::Owned(text.to_ascii_lowercase()),
        (true, false) => Cow::Owned(text.to_lowercase()),
        (false, _) => Cow::Borrowed(text),
    };
    let text = without_accents(text, settings.accents);
    match settings.analyzer {
        Analyzer::Word => each_of_words(&text, settings, each),
        Analyzer::Char => {
            let (shortest, longest) = settings.ngrams;
            let text = white_space_once(&text);
            (shortest..=longest).try_for_each(|length| each_window(&text, length, each))
        }
        Analyzer::CharWithinWords => each_within_words(&text, settings.ngrams, each),
    }
}

fn without_accents(text: Cow<'_, str>, accents: Accents) -> Cow<'_, str> {
    match accents {
        Accents::Kept => text,
        _ if text.is_ascii() => text,
        Accents::Ascii => Cow::Owned(text.nfkd().filter(char::is_ascii).collect()),
        Accents::Unicode => {
            let is_base = |character: &char| canonical_combining_class(*character) == 0;
            Cow::Owned(text.nfkd().filter(is_base).collect())
        }
    }
}

fn each_of_words(text: &str, settings: &Settings, each: Each<'_>) -> Result<(), Failure> {
    let (shortest, longest) = settings.ngrams;
    let words = Words(text).filter(|word| !settings.stop_words.contains(word));
    if longest == 1 {
        return words.into_iter().try_for_each(each);
    }
    let words: Vec<&str> = words.collect();
    let mut run = String::new();
    for length in shortest..=longest {
        for words in words.windows(length) {
            run.clear();
            for (position, word) in words.iter().enumerate() {
                run.push_str(if position == 0 { "" } else { " " });
                run.push_str(word);
            }
            each(&run)?;
        }
    }
    Ok(())
}

/// What Python's `\b\w\w+\b` finds: runs of word characters, two of them at least.
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let start = end_of_run(self.0, false);
            let rest = &self.0[start..];
            if rest.is_empty() {
                self.0 = rest;
                return None;
            }
            let (word, rest) = rest.split_at(end_of_run(rest, true));
            self.0 = rest;
            // A character of several bytes is one all the same.
            if word.len() > 1 && word.chars().nth(1).is_some() {
                return Some(word);
            }
        }
    }
}

/// Where the text first holds something else: for a run of word characters, or of others.
fn end_of_run(text: &str, of_words: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte < 0x80 {
            if IS_WORD_BYTE[byte as usize] != of_words {
                return at;
            }
            at += 1;
            continue;
        }
        let character = text[at..].chars().next().unwrap_or(' ');
        if is_python_word(character) != of_words {
            return at;
        }
        at += character.len_utf8();
    }
    at
}

const IS_WORD_BYTE: [bool; 0x80] = {
    let mut table = [false; 0x80];
    let mut byte = 0_u8;
    while byte < 0x80 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    table
};

/// Two or more characters of white space become one blank.
fn white_space_once(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let mut is_run = false;
        while is_space(character) && characters.next_if(|next| is_space(*next)).is_some() {
            is_run = true;
        }
        out.push(if is_run { ' ' } else { character });
    }
    out
}

/// Every run of so many characters.
fn each_window(text: &str, length: usize, each: Each<'_>) -> Result<(), Failure> {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]).skip(length);
    let starts = text.char_indices().map(|(at, _)| at);
    starts.zip(ends).try_for_each(|(start, end)| each(&text[start..end]))
}

/// Every run of characters within a word, a blank standing before and behind the word. A word that
/// is shorter than a run is one itself, for the shortest such length alone.
fn each_within_words(
    text: &str,
    (shortest, longest): (usize, usize),
    each: Each<'_>,
) -> Result<(), Failure> {
    let mut padded = String::new();
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        padded.clear();
        padded.extend([" ", word, " "]);
        let character_count = padded.chars().count();
        for length in shortest..=longest {
            if length >= character_count {
                each(&padded)?;
                break;
            }
            each_window(&padded, length, each)?;
        }
    }
    Ok(())
}
