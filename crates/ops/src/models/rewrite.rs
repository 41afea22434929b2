//! What a `tokenizer.json` of SentencePiece's kind makes of a text before it is cut, step by step.

use super::charsmap::Charsmap;
use super::normal::{Normal, is_mark};
use super::{ModelError, damaged, tokenizer};
use regex::Regex;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

const FILE: &str = "tokenizer.json";
const KNOWN: &str = "Precompiled, Replace, Lowercase, NFC, NFKC, NFD, NFKD, StripAccents, Strip, \
                     Prepend, BertNormalizer";

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Rewrite {
    Bert(Normal),
    Table(Charsmap),
    Replace(Regex, String),
    Lowercase,
    Nfc,
    Nfkc,
    Nfd,
    Nfkd,
    WithoutAccents,
    Strip { left: bool, right: bool },
    Prepend(String),
}

/// The steps of a `normalizer`.
pub(super) fn steps(stored: &Value) -> Result<Vec<Rewrite>, ModelError> {
    let text = |name: &str| stored[name].as_str();
    let astray = |what: &str| damaged(FILE, format!("a step of its normalizer has no {what}"));
    let one = match tokenizer::kind_of(stored) {
        None => return Ok(Vec::new()),
        Some("Sequence") => {
            let parts = stored["normalizers"].as_array().ok_or_else(|| astray("list"))?;
            let parts: Result<Vec<_>, _> = parts.iter().map(steps).collect();
            return parts.map(|parts| parts.concat());
        }
        Some("BertNormalizer") => {
            let normal = serde_json::from_value(stored.clone());
            Rewrite::Bert(normal.map_err(|error| damaged(FILE, error))?)
        }
        Some("Precompiled") => {
            let table = text("precompiled_charsmap").ok_or_else(|| astray("table"))?;
            Rewrite::Table(Charsmap::read(table)?)
        }
        Some("Replace") => {
            let pattern = pattern(&stored["pattern"])?;
            Rewrite::Replace(pattern, text("content").ok_or_else(|| astray("content"))?.to_owned())
        }
        Some("Lowercase") => Rewrite::Lowercase,
        Some("NFC") => Rewrite::Nfc,
        Some("NFKC") => Rewrite::Nfkc,
        Some("NFD") => Rewrite::Nfd,
        Some("NFKD") => Rewrite::Nfkd,
        Some("StripAccents") => Rewrite::WithoutAccents,
        Some("Strip") => {
            let side = |name: &str| stored[name].as_bool().unwrap_or(true);
            Rewrite::Strip { left: side("strip_left"), right: side("strip_right") }
        }
        Some("Prepend") => {
            Rewrite::Prepend(text("prepend").ok_or_else(|| astray("prepend"))?.to_owned())
        }
        Some(kind) => return Err(tokenizer::unsupported("a normalizer", kind, KNOWN)),
    };
    Ok(vec![one])
}

/// What is to be replaced: a text, or whatever a regular expression finds.
fn pattern(stored: &Value) -> Result<Regex, ModelError> {
    let verbatim = stored["String"].as_str().map(regex::escape);
    let pattern = verbatim.or_else(|| stored["Regex"].as_str().map(str::to_owned));
    let pattern = pattern.ok_or_else(|| damaged(FILE, "a Replace has no pattern"))?;
    Regex::new(&pattern).map_err(|_| {
        let cause = format!("its normalizer has an expression that is not known here: {pattern}");
        ModelError::Unsupported(cause)
    })
}

impl Rewrite {
    /// The text after this step.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut made = String::with_capacity(text.len());
        match self {
            Rewrite::Bert(normal) => normal.write(text, &mut made),
            Rewrite::Table(table) => table.write(text, &mut made),
            Rewrite::Replace(pattern, by) => {
                return pattern.replace_all(text, regex::NoExpand(by)).into_owned();
            }
            Rewrite::Lowercase => made.extend(text.chars().flat_map(char::to_lowercase)),
            Rewrite::Nfc => made.extend(text.nfc()),
            Rewrite::Nfkc => made.extend(text.nfkc()),
            Rewrite::Nfd => made.extend(text.nfd()),
            Rewrite::Nfkd => made.extend(text.nfkd()),
            Rewrite::WithoutAccents => made.extend(text.chars().filter(|it| !is_mark(*it))),
            Rewrite::Strip { left, right } => {
                let text = if *left { text.trim_start() } else { text };
                made.push_str(if *right { text.trim_end() } else { text });
            }
            Rewrite::Prepend(before) if !text.is_empty() => {
                made.push_str(before);
                made.push_str(text);
            }
            Rewrite::Prepend(_) => {}
        }
        made
    }
}
