//! What a `tokenizer.json` of SentencePiece's kind makes of a text before it is cut, step by step.

use super::charsmap::Charsmap;
use super::normal::{Normal, is_mark};
use super::{ModelError, damaged, kind_of, unsupported};
use regex::{Regex, RegexBuilder};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

const FILE: &str = "tokenizer.json";
const KNOWN: &str = "Precompiled, Replace, Lowercase, NFC, NFKC, NFD, NFKD, StripAccents, Strip, \
                     Prepend, BertNormalizer";

/// Steps of a normalizer; those that are known have some forty.
const STEP_COUNT_MAX: usize = 256;
/// Bytes of what a step puts into a text.
const CONTENT_BYTES_MAX: usize = 256;
/// Bytes of a regular expression that is made ready.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// How many times as long as it was a text may become; one that a hostile file makes longer is left
/// as it is then.
const GROWTH_MAX: usize = 64;

/// One step.
#[derive(Debug)]
pub(super) enum Rewrite {
    Bert(Normal),
    Table(Charsmap),
    Replace(Sought, String),
    Lowercase,
    Nfc,
    Nfkc,
    Nfd,
    Nfkd,
    WithoutAccents,
    Strip { left: bool, right: bool },
    Prepend(String),
}

/// What is replaced.
#[derive(Debug)]
pub(super) enum Sought {
    Text(String),
    Pattern(Regex),
}

/// The steps of a `normalizer`.
pub(super) fn steps(stored: &Value) -> Result<Vec<Rewrite>, ModelError> {
    let mut made = Vec::new();
    add_steps(stored, &mut made)?;
    Ok(made)
}

/// A text after all steps.
pub(super) fn apply(steps: &[Rewrite], text: &str) -> String {
    let mut made = text.to_owned();
    for step in steps {
        if made.len() > GROWTH_MAX * text.len().max(CONTENT_BYTES_MAX) {
            break;
        }
        made = step.apply(&made);
    }
    made
}

fn add_steps(stored: &Value, into: &mut Vec<Rewrite>) -> Result<(), ModelError> {
    let text = |name: &str| stored[name].as_str();
    let content = |name: &str| {
        let found = text(name).filter(|it| it.len() <= CONTENT_BYTES_MAX).map(str::to_owned);
        let cause = format!("a step of its normalizer has no {name}, or a long one");
        found.ok_or_else(|| damaged(FILE, cause))
    };
    let astray = |what: &str| damaged(FILE, format!("a step of its normalizer has no {what}"));
    let one = match kind_of(stored)? {
        None => return Ok(()),
        Some("Sequence") => {
            let parts = stored["normalizers"].as_array().ok_or_else(|| astray("list"))?;
            return parts.iter().try_for_each(|part| add_steps(part, into));
        }
        Some("BertNormalizer") => {
            let normal = serde_json::from_value(stored.clone());
            Rewrite::Bert(normal.map_err(|error| damaged(FILE, error))?)
        }
        Some("Precompiled") => {
            let table = text("precompiled_charsmap").ok_or_else(|| astray("table"))?;
            Rewrite::Table(Charsmap::read(table)?)
        }
        Some("Replace") => Rewrite::Replace(sought(&stored["pattern"])?, content("content")?),
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
        Some("Prepend") => Rewrite::Prepend(content("prepend")?),
        Some(kind) => return Err(unsupported("a normalizer", kind, KNOWN)),
    };
    if into.len() == STEP_COUNT_MAX {
        return Err(damaged(FILE, format!("its normalizer has more than {STEP_COUNT_MAX} steps")));
    }
    into.push(one);
    Ok(())
}

/// Expressions are Oniguruma's there. Classes in brackets and flags mean other things here, and are
/// refused; lines begin and end within a text there.
fn sought(stored: &Value) -> Result<Sought, ModelError> {
    if let Some(text) = stored["String"].as_str() {
        return Ok(Sought::Text(text.to_owned()));
    }
    let pattern = stored["Regex"].as_str();
    let pattern = pattern.ok_or_else(|| damaged(FILE, "a Replace has no pattern"))?;
    let is_alike = !pattern.contains("[:") && !pattern.contains("(?");
    let made = RegexBuilder::new(pattern).multi_line(true).size_limit(PATTERN_BYTES_MAX).build();
    made.ok().filter(|_| is_alike).map(Sought::Pattern).ok_or_else(|| {
        let shown: String = pattern.chars().take(80).collect();
        let cause = format!("its normalizer has an expression that is not known here: {shown}");
        ModelError::Unsupported(cause)
    })
}

impl Rewrite {
    /// Whether it treats the beginning or the end of a text in another way than its middle.
    pub(super) fn sees_ends(&self) -> bool {
        match self {
            Rewrite::Strip { .. } | Rewrite::Prepend(_) => true,
            Rewrite::Replace(Sought::Pattern(pattern), _) => {
                pattern.as_str().contains(['^', '$', '\\'])
            }
            _ => false,
        }
    }

    /// The text after this step.
    fn apply(&self, text: &str) -> String {
        let mut made = String::with_capacity(text.len());
        match self {
            Rewrite::Bert(normal) => normal.write(text, &mut made),
            Rewrite::Table(table) => table.write(text, &mut made),
            Rewrite::Replace(Sought::Text(sought), by) => return text.replace(sought, by),
            Rewrite::Replace(Sought::Pattern(pattern), by) => {
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
