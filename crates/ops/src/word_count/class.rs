//! Which characters make up a word, per way of splitting: eight ASCII bytes at a time, others
//! singly.

use super::runs::TwoByte;
use icu_properties::CodePointSetData;
use icu_properties::props::Alphabetic;
use std::sync::LazyLock;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// A set of characters whose maximal runs are words.
pub(crate) trait Class {
    /// Whether words are counted in lower case.
    const LOWERED: bool;
    /// Whether bytes above 127 are parts of characters; otherwise none of them belongs to a word.
    const UNICODE: bool = true;

    /// The high bit of every byte that belongs to a word; the given bytes have theirs cleared.
    fn ascii(bytes: u64) -> u64;

    /// Whether a character above U+007F belongs to a word.
    fn wide(character: char) -> bool;

    /// What [`Class::wide`] says of the most common characters, worked out once in a process.
    fn two_byte() -> &'static TwoByte;
}

/// Alphabetic characters and numbers: `[\p{Alphabetic}\p{N}]`, lowered.
pub(crate) struct Alphanumeric;
/// Whatever Python's `str.split()` does not take for white space.
pub(crate) struct NotSpace;
/// `A-Za-z`.
pub(crate) struct AsciiLetter;
/// General category L, Go's `unicode.IsLetter`.
pub(crate) struct Letter;
/// Python's `\w`: letters, numbers, underscore.
pub(crate) struct PythonWord;

impl Class for Alphanumeric {
    const LOWERED: bool = true;

    #[inline]
    fn ascii(bytes: u64) -> u64 {
        letters(bytes) | between(bytes, b'0', b'9')
    }

    fn wide(character: char) -> bool {
        is_common_letter(character)
            || CodePointSetData::new::<Alphabetic>().contains(character)
            || character.general_category_group() == GeneralCategoryGroup::Number
    }

    fn two_byte() -> &'static TwoByte {
        static TABLES: LazyLock<TwoByte> = LazyLock::new(|| TwoByte::of(Alphanumeric::wide));
        &TABLES
    }
}

impl Class for NotSpace {
    const LOWERED: bool = false;

    #[inline]
    fn ascii(bytes: u64) -> u64 {
        // Python counts the four separators before the blank as white space, Unicode does not.
        !(between(bytes, b'\t', b'\r') | between(bytes, 0x1C, b' '))
    }

    fn wide(character: char) -> bool {
        !character.is_whitespace()
    }

    fn two_byte() -> &'static TwoByte {
        static TABLES: LazyLock<TwoByte> = LazyLock::new(|| TwoByte::of(NotSpace::wide));
        &TABLES
    }
}

impl Class for AsciiLetter {
    const LOWERED: bool = false;
    const UNICODE: bool = false;

    #[inline]
    fn ascii(bytes: u64) -> u64 {
        letters(bytes)
    }

    fn wide(_: char) -> bool {
        false
    }

    fn two_byte() -> &'static TwoByte {
        static TABLES: LazyLock<TwoByte> = LazyLock::new(|| TwoByte::of(AsciiLetter::wide));
        &TABLES
    }
}

impl Class for Letter {
    const LOWERED: bool = false;

    #[inline]
    fn ascii(bytes: u64) -> u64 {
        letters(bytes)
    }

    fn wide(character: char) -> bool {
        is_common_letter(character) || is_letter(character)
    }

    fn two_byte() -> &'static TwoByte {
        static TABLES: LazyLock<TwoByte> = LazyLock::new(|| TwoByte::of(Letter::wide));
        &TABLES
    }
}

impl Class for PythonWord {
    const LOWERED: bool = false;

    #[inline]
    fn ascii(bytes: u64) -> u64 {
        letters(bytes) | between(bytes, b'0', b'9') | between(bytes, b'_', b'_')
    }

    fn wide(character: char) -> bool {
        is_common_letter(character) || character.is_numeric() || is_letter(character)
    }

    fn two_byte() -> &'static TwoByte {
        static TABLES: LazyLock<TwoByte> = LazyLock::new(|| TwoByte::of(PythonWord::wide));
        &TABLES
    }
}

/// Whether a character above U+007F is one of Python's `\w`.
pub(crate) fn is_python_word(character: char) -> bool {
    PythonWord::two_byte().belongs(character).unwrap_or_else(|| PythonWord::wide(character))
}

/// General category L in the Unicode version of the standard library: the category table is newer,
/// but what is new in it is not alphabetic for the standard library.
fn is_letter(character: char) -> bool {
    character.is_alphabetic() && character.general_category_group() == GeneralCategoryGroup::Letter
}

/// Chinese characters and Korean syllables are most of what lies above U+07FF in practice.
fn is_common_letter(character: char) -> bool {
    matches!(character, '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

pub(crate) const EACH: u64 = u64::from_le_bytes([1; 8]);
pub(crate) const HIGH_BITS: u64 = EACH << 7;

/// The high bit of every byte from `first` to `last`; all bytes are below 128.
#[inline]
pub(crate) fn between(bytes: u64, first: u8, last: u8) -> u64 {
    let at_least = bytes + EACH * u64::from(0x80 - first);
    let above = bytes + EACH * u64::from(0x7F - last);
    at_least & !above & HIGH_BITS
}

#[inline]
fn letters(bytes: u64) -> u64 {
    // The bit that tells small from capital letters; it makes no letter of any other byte.
    between(bytes | (EACH * 0x20), b'a', b'z')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<C: Class>(expected: fn(u8) -> bool) {
        for byte in 0..0x80_u8 {
            let word =
                C::ascii(u64::from_le_bytes([b' ', byte, b' ', b' ', b' ', b' ', b' ', b' ']));
            assert_eq!(word >> 15 & 1 == 1, expected(byte), "byte {byte}");
        }
    }

    #[test]
    fn ascii_classes_equal_their_definitions() {
        check::<Alphanumeric>(|byte| byte.is_ascii_alphanumeric());
        check::<AsciiLetter>(|byte| byte.is_ascii_alphabetic());
        check::<Letter>(|byte| byte.is_ascii_alphabetic());
        check::<PythonWord>(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        check::<NotSpace>(|byte| !matches!(byte, 9..=13 | 28..=32));
    }

    #[test]
    fn fast_ranges_agree_with_the_properties() {
        for character in ('\u{80}'..=char::MAX).filter(|c| is_common_letter(*c)) {
            assert!(is_letter(character) && character.is_alphanumeric(), "{character}");
        }
    }

    /// Code points, counted with regex 2026.11.15 (Unicode 18) and Go 1.27.3 (Unicode 17). The
    /// letters are those of the standard library's Unicode.
    #[test]
    fn classes_are_as_large_as_those_of_the_outside_tools() {
        let count = |belongs: fn(char) -> bool| ('\0'..=char::MAX).filter(|c| belongs(*c)).count();
        let is_alphanumeric = |c: char| c.is_ascii_alphanumeric() || Alphanumeric::wide(c);
        assert_eq!(count(is_alphanumeric), 161_939);
        if char::UNICODE_VERSION.0 == 17 {
            assert_eq!(count(is_letter), 145_672);
        }
    }
}
