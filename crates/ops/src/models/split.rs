//! Where a `tokenizer.json` of SentencePiece's kind has a text cut before its pieces are looked
//! for.

use super::normal::words;
use super::{ModelError, damaged, kind_of, unsupported};
use serde_json::Value;

const FILE: &str = "tokenizer.json";
const KNOWN: &str = "WhitespaceSplit, Metaspace, BertPreTokenizer";

/// One step; each cuts what the one before it left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Split {
    /// At white space, which goes.
    Whitespace,
    /// At white space and around each character of punctuation.
    Bert,
    /// Before each blank, which becomes a visible character.
    Metaspace { blank: char, first: First, cuts: bool },
}

/// Whether a text that begins without a blank gets one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum First {
    Always,
    /// At the beginning of all only.
    Once,
    Never,
}

/// The steps of a `pre_tokenizer`.
pub(super) fn steps(stored: &Value) -> Result<Vec<Split>, ModelError> {
    let one = match kind_of(stored)? {
        None => return Ok(Vec::new()),
        Some("Sequence") => {
            let parts = stored["pretokenizers"].as_array();
            let parts = parts.ok_or_else(|| damaged(FILE, "a Sequence has no list"))?;
            let parts: Result<Vec<_>, _> = parts.iter().map(steps).collect();
            return parts.map(|parts| parts.concat());
        }
        Some("WhitespaceSplit") => Split::Whitespace,
        Some("BertPreTokenizer") => Split::Bert,
        Some("Metaspace") => {
            let blank = stored["replacement"].as_str().and_then(|it| it.chars().next());
            let first = match (stored["prepend_scheme"].as_str(), &stored["add_prefix_space"]) {
                (Some("never"), _) => First::Never,
                (Some("first"), Value::Bool(true) | Value::Null) => First::Once,
                (Some("always") | None, Value::Bool(true) | Value::Null) => First::Always,
                _ => return Err(damaged(FILE, "its Metaspace contradicts itself")),
            };
            let cuts = stored["split"].as_bool().unwrap_or(true);
            Split::Metaspace { blank: blank.unwrap_or('\u{2581}'), first, cuts }
        }
        Some(kind) => return Err(unsupported("a pre-tokenizer", kind, KNOWN)),
    };
    Ok(vec![one])
}

/// Hands over the parts of a text. `is_first`: nothing stands before it.
pub(super) fn apply(steps: &[Split], text: &str, is_first: bool, each: &mut dyn FnMut(&str)) {
    if text.is_empty() {
        return;
    }
    let Some((step, rest)) = steps.split_first() else { return each(text) };
    let begins = text.as_ptr() as usize;
    let is_first_of = |part: &str| is_first && part.as_ptr() as usize == begins;
    match step {
        Split::Whitespace => {
            for part in text.split_whitespace() {
                apply(rest, part, is_first_of(part), each);
            }
        }
        Split::Bert => words(text).for_each(|part| apply(rest, part, is_first_of(part), each)),
        Split::Metaspace { blank, first, cuts } => {
            let mut shown = String::with_capacity(text.len() + blank.len_utf8());
            let is_wanted = match first {
                First::Always => true,
                First::Once => is_first,
                First::Never => false,
            };
            if is_wanted && !text.starts_with([' ', *blank]) {
                shown.push(*blank);
            }
            shown.extend(text.chars().map(|it| if it == ' ' { *blank } else { it }));
            if !cuts {
                return apply(rest, &shown, is_first, each);
            }
            let mut from = 0;
            let cuts = shown.match_indices(*blank).map(|(at, _)| at).chain([shown.len()]);
            for (number, at) in cuts.filter(|at| *at > 0).enumerate() {
                apply(rest, &shown[from..at], is_first && number == 0, each);
                from = at;
            }
        }
    }
}
