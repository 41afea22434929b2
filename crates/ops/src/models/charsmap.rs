//! What SentencePiece makes of characters before it cuts a text: a table of replacements that the
//! model brings along (`precompiled_charsmap`), a double array (J. Aoe, "An efficient digital
//! search algorithm by using a double-array structure", 1989) and the texts that it leads to.
//!
//! As the tokenizers library applies it (crate `spm_precompiled` 0.1): what a user sees as one
//! character is replaced as a whole where the table has a beginning of it, else each of its code
//! points.

use super::{ModelError, damaged};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use unicode_segmentation::UnicodeSegmentation;

/// A longer one is looked at by its code points alone.
const CHARACTER_BYTES_MAX: usize = 5;

/// A longer text for a character is none of those that are known, which have 33 bytes.
const REPLACED_BYTES_MAX: usize = 256;

/// The table.
#[derive(Debug)]
pub(super) struct Charsmap {
    units: Vec<u32>,
    /// The replacements, each up to a zero.
    texts: Vec<u8>,
}

impl Charsmap {
    pub(super) fn read(encoded: &str) -> Result<Charsmap, ModelError> {
        let astray =
            || damaged("tokenizer.json", "its precompiled_charsmap is no table of replacements");
        let bytes = STANDARD.decode(encoded).map_err(|_| astray())?;
        let (length, rest) = bytes.split_first_chunk().ok_or_else(astray)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (units, texts) = rest.split_at_checked(length).ok_or_else(astray)?;
        let (units, left) = units.as_chunks();
        if !left.is_empty() || units.is_empty() {
            return Err(astray());
        }
        let units = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        Ok(Charsmap { units, texts: texts.to_vec() })
    }

    /// Appends a text with its characters replaced.
    pub(super) fn write(&self, text: &str, into: &mut String) {
        for seen in text.graphemes(true) {
            let whole = Some(seen).filter(|it| it.len() <= CHARACTER_BYTES_MAX);
            if let Some(replaced) = whole.and_then(|it| self.find(it)) {
                into.push_str(replaced);
                continue;
            }
            for (at, character) in seen.char_indices() {
                let one = &seen[at..at + character.len_utf8()];
                into.push_str(self.find(one).unwrap_or(one));
            }
        }
    }

    /// What stands for the shortest beginning that the table has.
    fn find(&self, text: &str) -> Option<&str> {
        let mut place = offset(*self.units.first()?);
        for byte in text.bytes().take_while(|byte| *byte != 0) {
            place ^= usize::from(byte);
            let unit = *self.units.get(place)?;
            if label(unit) != u32::from(byte) {
                return None;
            }
            place ^= offset(unit);
            if has_leaf(unit) {
                let begins = (self.units.get(place)? & 0x7FFF_FFFF) as usize;
                let text = self.texts.get(begins..)?;
                let text = &text[..text.len().min(REPLACED_BYTES_MAX + 1)];
                let end = text.iter().position(|byte| *byte == 0)?;
                return std::str::from_utf8(&text[..end]).ok();
            }
        }
        None
    }
}

fn has_leaf(unit: u32) -> bool {
    unit >> 8 & 1 == 1
}

fn label(unit: u32) -> u32 {
    unit & 0x8000_00FF
}

fn offset(unit: u32) -> usize {
    (unit >> 10 << ((unit & 1 << 9) >> 6)) as usize
}
