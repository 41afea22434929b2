//! How VADER cuts a text: at white space, emoji spelled out, punctuation taken off.

use crate::text::lexicon::{Entry, Lexicon, Term};
use crate::text::space::is_space;
use crate::word_count::short_key;
use std::ops::ControlFlow;

/// A word as the rules see it.
#[derive(Clone, Copy, Default)]
pub(super) struct Token {
    pub(super) entry: Entry,
    pub(super) is_upper: bool,
}

impl Token {
    /// `raw` is what stands between white space.
    pub(super) fn of(raw: &str, lexicon: &Lexicon) -> Token {
        let word = strip_punctuation(raw);
        let entry = match lower_short(word) {
            Some(key) => lexicon.get_short(key),
            None => lexicon.get(&word.to_lowercase()),
        };
        let negates = entry.negates || contains_nt(word);
        Token { entry: Entry { negates, ..entry }, is_upper: is_upper(raw) }
    }

    pub(super) fn is(&self, term: Term) -> bool {
        self.entry.term == term
    }
}

/// Calls `each` with everything that stands between white space, once emoji have become their
/// names.
pub(super) fn for_each_token(
    text: &str,
    lexicon: &Lexicon,
    mut each: impl FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for piece in text.split(is_space).filter(|piece| !piece.is_empty()) {
        let has_emoji = !piece.is_ascii() && piece.chars().any(|c| lexicon.emoji_name(c).is_some());
        match has_emoji {
            true => for_each_named(piece, lexicon, &mut each)?,
            false => each(piece)?,
        }
    }
    ControlFlow::Continue(())
}

/// An emoji's name starts a new word, but what follows the emoji is glued to the name's last word.
fn for_each_named(
    piece: &str,
    lexicon: &Lexicon,
    each: &mut impl FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut token = String::new();
    for character in piece.chars() {
        let Some(name) = lexicon.emoji_name(character) else {
            token.push(character);
            continue;
        };
        for word in name.split(is_space) {
            if !token.is_empty() {
                each(&token)?;
            }
            token.clear();
            token.push_str(word);
        }
    }
    if token.is_empty() { ControlFlow::Continue(()) } else { each(&token) }
}

/// A word without punctuation around it. What would keep two characters or fewer is an emoticon and
/// stays as it is.
fn strip_punctuation(raw: &str) -> &str {
    let stripped = raw.trim_matches(|c: char| c.is_ascii_punctuation());
    if stripped.chars().nth(2).is_none() { raw } else { stripped }
}

/// Python's `str.isupper()`: there is a capital letter, and no small or title-case one. Punctuation
/// has no case, so it may still be there.
pub(super) fn is_upper(word: &str) -> bool {
    let mut has_upper = false;
    for character in word.chars() {
        if character.is_lowercase() || is_title(character) {
            return false;
        }
        has_upper = has_upper || character.is_uppercase();
    }
    has_upper
}

/// Neither small nor capital, but with both forms, as U+01C5.
fn is_title(character: char) -> bool {
    !character.is_ascii()
        && !character.is_uppercase()
        && character.to_lowercase().ne([character])
        && character.to_uppercase().ne([character])
}

/// The key of a short ASCII word in lower case.
fn lower_short(word: &str) -> Option<u128> {
    let mut lower = [0; 16];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    if lower.is_ascii() { short_key(lower) } else { None }
}

/// Whether the word in lower case contains "n't"; nothing but N and T lowers to n and t.
fn contains_nt(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.contains(&b'\'') && bytes.windows(3).any(|three| three.eq_ignore_ascii_case(b"n't"))
}

/// Exclamation and question marks of a text.
#[derive(Default)]
pub(super) struct Emphasis {
    exclamation_count: usize,
    question_count: usize,
}

impl Emphasis {
    pub(super) fn add(&mut self, raw: &str) {
        for byte in raw.bytes() {
            self.exclamation_count += usize::from(byte == b'!');
            self.question_count += usize::from(byte == b'?');
        }
    }

    /// What they add to the size of the sum.
    pub(super) fn amount(&self) -> f64 {
        let exclamations = self.exclamation_count.min(4) as f64 * 0.292;
        let questions = match self.question_count {
            0 | 1 => 0.0,
            count @ (2 | 3) => count as f64 * 0.18,
            _ => 0.96,
        };
        exclamations + questions
    }
}
