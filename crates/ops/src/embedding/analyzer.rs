//! From a text to its terms, as scikit-learn's analyzers cut them (`text.py`, 1.9.1).

use super::settings::{Accents, Analyzer, Settings};
use super::term::Term;
use crate::text::is_space;
use crate::word_count::is_python_word;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use windlass_core::Failure;

/// What is done with each term.
type Each<'a> = &'a mut dyn FnMut(Term<'_>) -> Result<(), Failure>;

/// A text as its terms are cut from it.
pub(super) fn prepared(mut text: String, settings: &Settings) -> String {
    if settings.lowercase {
        match text.is_ascii() {
            true => text.make_ascii_lowercase(),
            false => text = text.to_lowercase(),
        }
    }
    without_accents(text, settings.accents)
}

/// Hands over every term of a prepared text, as often as it occurs.
///
/// # Errors
/// Whatever `each` returns.
pub(super) fn each_term(text: &str, settings: &Settings, each: Each<'_>) -> Result<(), Failure> {
    let (shortest, longest) = settings.ngrams;
    match settings.analyzer {
        Analyzer::Word if longest == 1 => words(text, settings).try_for_each(each),
        Analyzer::Word => each_of_words(text, settings, each),
        Analyzer::Char => {
            let text = white_space_once(text);
            (shortest..=longest).try_for_each(|length| each_window(&text, length, each))
        }
        Analyzer::CharWithinWords => each_within_words(text, settings.ngrams, each),
    }
}

/// The words of a prepared text that are not left out.
pub(super) fn words<'t>(text: &'t str, settings: &Settings) -> impl Iterator<Item = Term<'t>> {
    Words { text, at: 0 }.filter(|word| !settings.stop_words.contains(*word))
}

fn without_accents(text: String, accents: Accents) -> String {
    match accents {
        Accents::Kept => text,
        _ if text.is_ascii() => text,
        Accents::Ascii => text.nfkd().filter(char::is_ascii).collect(),
        Accents::Unicode => {
            let is_base = |character: &char| canonical_combining_class(*character) == 0;
            text.nfkd().filter(is_base).collect()
        }
    }
}

/// Every run of words.
fn each_of_words(text: &str, settings: &Settings, each: Each<'_>) -> Result<(), Failure> {
    let (shortest, longest) = settings.ngrams;
    let words: Vec<&[u8]> = words(text, settings).map(Term::bytes).collect();
    let mut run = Vec::new();
    for length in shortest..=longest {
        for words in words.windows(length) {
            run.clear();
            for (position, word) in words.iter().enumerate() {
                run.extend_from_slice(if position == 0 { b"" } else { b" " });
                run.extend_from_slice(word);
            }
            each(Term::of(&run))?;
        }
    }
    Ok(())
}

/// What Python's `\b\w\w+\b` finds: runs of word characters, two of them at least.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = Term<'a>;

    fn next(&mut self) -> Option<Term<'a>> {
        loop {
            let start = end_of_run::<false>(self.text, self.at);
            let end = end_of_run::<true>(self.text, start);
            self.at = end;
            if start == end {
                return None;
            }
            // A character of several bytes is one all the same.
            if end - start > 4 || self.text[start..end].chars().nth(1).is_some() {
                return Some(Term::within(self.text.as_bytes(), start..end));
            }
        }
    }
}

/// Where, from `at` on, the text first holds something else than word characters, or than others.
fn end_of_run<const ARE_WORDS: bool>(text: &str, mut at: usize) -> usize {
    let class = if ARE_WORDS { Class::Word } else { Class::Other };
    loop {
        let rest = &text.as_bytes()[at..];
        let run = rest.iter().position(|byte| CLASSES[usize::from(*byte)] != class);
        at += run.unwrap_or(rest.len());
        let several = run.filter(|run| CLASSES[usize::from(rest[*run])] == Class::Several);
        let Some(character) = several.and_then(|_| text[at..].chars().next()) else { return at };
        if is_python_word(character) != ARE_WORDS {
            return at;
        }
        at += character.len_utf8();
    }
}

/// What a byte of UTF-8 is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Other,
    /// One of several of a character.
    Several,
}

const CLASSES: [Class; 0x100] = {
    let mut table = [Class::Several; 0x100];
    let mut byte = 0_u8;
    while byte < 0x80 {
        let is_word = byte.is_ascii_alphanumeric() || byte == b'_';
        table[byte as usize] = if is_word { Class::Word } else { Class::Other };
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
    starts.zip(ends).try_for_each(|(start, end)| each(Term::within(text.as_bytes(), start..end)))
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
                each(Term::of(padded.as_bytes()))?;
                break;
            }
            each_window(&padded, length, each)?;
        }
    }
    Ok(())
}
