//! Texts as BERT's vocabularies have them: cleaned, in lower case, without accents, cut at white
//! space and punctuation.
//!
//! The rules are those of the tokenizers library (`normalizers/bert.rs`, `pre_tokenizers/bert.rs`
//! of version 0.21), which are those of BERT's own tokenizer.

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// How a text is made normal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub(super) struct Normal {
    clean_text: bool,
    handle_chinese_chars: bool,
    /// As `lowercase` where it is not said.
    strip_accents: Option<bool>,
    lowercase: bool,
}

impl Normal {
    /// A text that stays what it is.
    pub(super) const NONE: Normal = Normal {
        clean_text: false,
        handle_chinese_chars: false,
        strip_accents: Some(false),
        lowercase: false,
    };

    /// The normal form of a text, in place of what `into` held.
    pub(super) fn write(&self, text: &str, into: &mut String) {
        into.clear();
        if text.is_ascii() {
            // Nothing else concerns ASCII: there is no accent and no Chinese.
            let kept = text.bytes().filter(|byte| !self.clean_text || !is_removed_ascii(*byte));
            let kept =
                kept.map(|byte| if self.lowercase { byte.to_ascii_lowercase() } else { byte });
            into.extend(kept.map(char::from));
            return;
        }
        let cleaned = text.chars().filter(|it| !self.clean_text || !is_removed(*it));
        let spaced = cleaned.flat_map(|character| {
            let is_apart = self.handle_chinese_chars && is_chinese(character);
            let blank = is_apart.then_some(' ');
            blank.into_iter().chain([character]).chain(blank)
        });
        match (self.strip_accents.unwrap_or(self.lowercase), self.lowercase) {
            (true, true) => into.extend(without_accents(spaced).flat_map(char::to_lowercase)),
            (true, false) => into.extend(without_accents(spaced)),
            (false, true) => into.extend(spaced.flat_map(char::to_lowercase)),
            (false, false) => into.extend(spaced),
        }
    }
}

fn without_accents(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    text.nfd().filter(|it| it.general_category() != GeneralCategory::NonspacingMark)
}

/// Whether it is one of the marks that stand with letters.
pub(super) fn is_mark(character: char) -> bool {
    character.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_removed_ascii(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// What says nothing: controls, formats, and what stands for something unknown.
fn is_removed(character: char) -> bool {
    use GeneralCategory::{Control, Format, PrivateUse};
    let is_control = || matches!(character.general_category(), Control | Format | PrivateUse);
    character == '\u{FFFD}' || !matches!(character, '\t' | '\n' | '\r') && is_control()
}

/// The blocks of CJK ideographs that BERT's tokenizer names.
fn is_chinese(character: char) -> bool {
    matches!(
        u32::from(character),
        0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0x2F800..=0x2FA1F
    )
}

/// The words of a normal text; a character of punctuation is one by itself.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(char::is_whitespace).flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let end = match is_punctuation(first) {
                true => first.len_utf8(),
                false => rest.find(is_punctuation).unwrap_or(rest.len()),
            };
            let (word, behind) = rest.split_at(end);
            rest = behind;
            Some(word)
        })
    })
}

fn is_punctuation(character: char) -> bool {
    match character.is_ascii() {
        true => character.is_ascii_punctuation(),
        false => character.general_category_group() == GeneralCategoryGroup::Punctuation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNCASED: Normal = Normal {
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: None,
        lowercase: true,
    };

    fn cut(normal: Normal, text: &str) -> Vec<String> {
        let mut made = String::new();
        normal.write(text, &mut made);
        words(&made).map(str::to_owned).collect()
    }

    #[test]
    fn accents_and_capitals_go_and_punctuation_stands_alone() {
        assert_eq!(
            cut(UNCASED, "Ångström's  CAFÉ…ok?!"),
            ["angstrom", "'", "s", "cafe", "…", "ok", "?", "!"]
        );
        assert_eq!(cut(UNCASED, "日本\u{200B}語x"), ["日", "本", "語", "x"]);
        assert_eq!(cut(UNCASED, "a\u{0}b\u{7F}c\td"), ["abc", "d"]);
    }

    #[test]
    fn what_is_not_asked_for_stays() {
        let cased = Normal { lowercase: false, ..UNCASED };
        assert_eq!(cut(cased, "Café"), ["Café"]);
        assert_eq!(cut(Normal { strip_accents: Some(true), ..cased }, "Café"), ["Cafe"]);
        assert_eq!(cut(Normal::NONE, "A\u{7F}日本"), ["A\u{7F}日本"]);
    }
}
