//! The dictionaries for scripts without spaces, as the crate `icu_segmenter` ships them. They hold
//! the same words with the same values as those of ICU 72.

use icu_properties::CodePointMapData;
use icu_properties::props::{LineBreak, Script};
use icu_provider::{
    DataIdentifierBorrowed, DataMarker, DataMarkerAttributes, DataProvider, DataRequest,
    DataResponse,
};
use icu_segmenter::provider::{
    Baked, DictionaryBreakData, SegmenterDictionaryAutoV2, SegmenterDictionaryExtendedV2,
};

/// Which dictionary cuts a character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Language {
    Thai,
    Lao,
    Khmer,
    Burmese,
    ChineseJapanese,
}

impl Language {
    fn of(character: char) -> Option<Language> {
        match character {
            ..'\u{E00}' => return None,
            // The most frequent ones, and signs that Japanese shares with other scripts.
            '\u{3041}'..='\u{3096}'
            | '\u{30A1}'..='\u{30FA}'
            | '\u{30FC}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{FF70}'
            | VOICED
            | SEMIVOICED => return Some(Language::ChineseJapanese),
            _ => {}
        }
        let line_break = CodePointMapData::<LineBreak>::new().get(character);
        match script(character) {
            Script::Han | Script::Hiragana | Script::Katakana => Some(Language::ChineseJapanese),
            _ if line_break != LineBreak::ComplexContext => None,
            Script::Thai => Some(Language::Thai),
            Script::Lao => Some(Language::Lao),
            Script::Khmer => Some(Language::Khmer),
            Script::Myanmar => Some(Language::Burmese),
            _ => None,
        }
    }
}

/// The halfwidth voice marks. They go on with a run and do not start one.
const VOICED: char = '\u{FF9E}';
const SEMIVOICED: char = '\u{FF9F}';

/// The run that a text, which is not empty, starts with: whose dictionary cuts it, if any, and its
/// length in bytes.
///
/// Where ICU has no dictionary for a sign of Japanese that belongs to no script, as the repetition
/// mark of vertical text, it passes over all that belongs to no script.
pub(super) fn run(text: &str) -> (Option<Language>, usize) {
    let mut characters = text.char_indices();
    let first = characters.next().map(|(_, character)| character);
    let language = first.filter(|first| !matches!(*first, VOICED | SEMIVOICED));
    let language = language.and_then(Language::of);
    let end = characters.find(|(_, character)| match (language, first) {
        (Some(_), _) => Language::of(*character) != language,
        (None, Some('\u{3031}'..='\u{3035}' | '\u{309B}' | '\u{309C}' | '\u{30A0}')) => {
            script(*character) != Script::Common
        }
        (None, _) => true,
    });
    (language, end.map_or(text.len(), |(length, _)| length))
}

fn script(character: char) -> Script {
    CodePointMapData::<Script>::new().get(character)
}

/// The words of a language, each with a value; what a value means, the dictionary decides.
pub(super) struct Dictionary {
    data: &'static DictionaryBreakData<'static>,
}

impl Dictionary {
    pub(super) fn new(language: Language) -> Dictionary {
        let data = match language {
            Language::ChineseJapanese => static_data::<SegmenterDictionaryAutoV2>("cjdict"),
            Language::Thai => static_data::<SegmenterDictionaryExtendedV2>("thaidict"),
            Language::Lao => static_data::<SegmenterDictionaryExtendedV2>("laodict"),
            Language::Khmer => static_data::<SegmenterDictionaryExtendedV2>("khmerdict"),
            Language::Burmese => static_data::<SegmenterDictionaryExtendedV2>("burmesedict"),
        };
        Dictionary { data: data.expect("icu_segmenter compiles its dictionaries in") }
    }

    /// Tells `found` the length in characters and the value of each word that `text` starts with,
    /// the shortest first. Returns how many characters it took to see that no word goes on.
    pub(super) fn words_at(&self, text: &[char], mut found: impl FnMut(usize, u32)) -> usize {
        match self.data {
            DictionaryBreakData::Char16Trie(trie) => {
                let mut cursor = trie.cursor();
                for (length, character) in (1..).zip(text) {
                    // ICU asks for whole characters where the dictionary has halves of pairs.
                    let Ok(unit) = u16::try_from(u32::from(*character)) else { return length };
                    cursor.step16(unit);
                    if let Some(value) = cursor.value() {
                        found(length, value.unsigned_abs());
                    }
                    if cursor.is_empty() {
                        return length;
                    }
                }
            }
            DictionaryBreakData::ZeroTrie { alphabet, trie } => {
                let mut cursor = trie.cursor();
                for (length, character) in (1..).zip(text) {
                    let letter = alphabet.position32(u32::from(*character));
                    let Some(letter) = letter.and_then(|letter| u8::try_from(letter).ok()) else {
                        return length;
                    };
                    cursor.step(letter);
                    if cursor.take_value().is_some() {
                        found(length, 0);
                    }
                    if cursor.is_empty() {
                        return length;
                    }
                }
            }
        }
        text.len()
    }
}

fn static_data<M>(name: &str) -> Option<&'static DictionaryBreakData<'static>>
where
    M: DataMarker<DataStruct = DictionaryBreakData<'static>>,
    Baked: DataProvider<M>,
{
    let attributes = DataMarkerAttributes::try_from_str(name).ok()?;
    let id = DataIdentifierBorrowed::for_marker_attributes(attributes);
    let response: DataResponse<M> = Baked.load(DataRequest { id, ..Default::default() }).ok()?;
    response.payload.get_static()
}

#[cfg(test)]
mod tests {
    use super::{Dictionary, Language};
    use icu_segmenter::provider::DictionaryBreakData;

    /// These bytes were compared with ICU 72.1, word for word and value for value. Others need that
    /// comparison anew: `docs/decisions/0009-words-as-in-icu-72.md`.
    #[test]
    fn dictionaries_are_those_of_icu_72() {
        let languages = [
            Language::ChineseJapanese,
            Language::Thai,
            Language::Lao,
            Language::Khmer,
            Language::Burmese,
        ];
        let hashes = languages.map(|language| {
            let hash = match Dictionary::new(language).data {
                DictionaryBreakData::Char16Trie(trie) => blake3::hash(trie.data.as_bytes()),
                DictionaryBreakData::ZeroTrie { trie, .. } => blake3::hash(trie.as_bytes()),
            };
            hash.to_hex()[..16].to_owned()
        });
        let expected = [
            "b56881c133ba0908",
            "4b4982538f462cca",
            "ff2bfe950b326e6e",
            "a54802b2fc9dd5bb",
            "28d74105869a0d72",
        ];
        assert_eq!(hashes, expected);
    }
}
