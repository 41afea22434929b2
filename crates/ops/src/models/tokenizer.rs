//! From a text to the numbers of its tokens, as a `tokenizer.json` says.

use super::cutter::{Cutter, Cutting};
use super::{ModelError, damaged, kind_of, unsupported};
use aho_corasick::{AhoCorasick, MatchKind};
use serde::Deserialize;
use serde_json::Value;

const FILE: &str = "tokenizer.json";
/// The largest that are known have 17 MB; read, each byte takes some twenty.
const BYTES_MAX: usize = 64 << 20;

/// What a `tokenizer.json` holds, as far as it decides about tokens.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    model: Value,
}

/// A token that is found in the text before anything is cut.
#[derive(Clone, Debug, Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
}

/// Cuts texts into tokens.
#[derive(Debug)]
pub(super) struct Tokenizer {
    cutter: Cutter,
    /// Tokens that stand in the text as it is, and those that stand in its normal form.
    verbatim: Option<Finder>,
    normalised: Option<Finder>,
    /// What a model that reads whole texts has before and behind them.
    pub(super) frame: [Vec<u32>; 2],
    /// How many different tokens there are.
    pub(super) token_count: usize,
    /// The highest number of a token.
    pub(super) token_id_max: u32,
    /// Characters of the token in the middle of all, the shortest first.
    pub(super) median_character_count: usize,
}

/// Added tokens, found all at once.
#[derive(Debug)]
struct Finder {
    search: AhoCorasick,
    tokens: Vec<Added>,
}

/// A text's tokens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tokens {
    pub(super) ids: Vec<u32>,
    /// Whether the text goes on behind them.
    pub(super) is_cut: bool,
}

impl Tokenizer {
    pub(super) fn read(bytes: &[u8]) -> Result<Tokenizer, ModelError> {
        if bytes.len() > BYTES_MAX {
            let cause = format!("it has more than {} MB", BYTES_MAX >> 20);
            return Err(damaged(FILE, cause));
        }
        let stored: Stored = serde_json::from_slice(bytes).map_err(|error| damaged(FILE, error))?;
        let (cutter, mut lengths) =
            Cutter::of(&stored.normalizer, &stored.pre_tokenizer, stored.model)?;
        let added = stored.added_tokens.iter().map(|added| (&added.content, added.id));
        lengths.extend(added.map(|(word, id)| (id, word.chars().count())));
        let (normalised, verbatim): (Vec<_>, Vec<_>) =
            stored.added_tokens.into_iter().partition(|added| added.normalized);
        let normalised = normalised.into_iter().map(|added| {
            let content = cutter.normal(&added.content);
            Added { content, ..added }
        });
        let frame = frame(&stored.post_processor)?;
        let ids = lengths.keys().copied().chain(frame.iter().flatten().copied());
        Ok(Tokenizer {
            token_id_max: ids.max().unwrap_or(0),
            frame,
            verbatim: Finder::of(verbatim)?,
            normalised: Finder::of(normalised.collect())?,
            token_count: lengths.len(),
            median_character_count: median(lengths.into_values().collect()),
            cutter,
        })
    }

    /// What stands for words that are not known.
    pub(super) fn unknown(&self) -> Option<u32> {
        self.cutter.unknown()
    }

    /// A text's tokens, so many at most.
    pub(super) fn tokens(&self, text: &str, count_max: Option<usize>) -> Tokens {
        let count_max = count_max.unwrap_or(usize::MAX);
        let mut into = Cutting::new(count_max);
        match &self.verbatim {
            None => self.cut(text, true, &mut into),
            Some(finder) => finder.part(text, &mut into, &mut |part, is_first, into| {
                self.cut(part, is_first, into);
            }),
        }
        let is_cut = into.ids.len() > count_max;
        into.ids.truncate(count_max);
        Tokens { ids: into.ids, is_cut }
    }

    /// Cuts a part of a text that holds no verbatim token. `is_first`: nothing stands before it.
    fn cut(&self, text: &str, is_first: bool, into: &mut Cutting) {
        for (number, chunk) in self.cutter.chunks(text).enumerate() {
            if into.is_full() {
                return;
            }
            let is_first = is_first && number == 0;
            match &self.normalised {
                None => self.cutter.cut(chunk, is_first, into),
                Some(finder) => {
                    let normal = self.cutter.normal(chunk);
                    finder.part(&normal, into, &mut |part, is_first_part, into| {
                        self.cutter.cut_normal(part, is_first && is_first_part, into);
                    });
                }
            }
        }
    }
}

impl Finder {
    fn of(tokens: Vec<Added>) -> Result<Option<Finder>, ModelError> {
        let tokens: Vec<Added> =
            tokens.into_iter().filter(|added| !added.content.is_empty()).collect();
        if tokens.is_empty() {
            return Ok(None);
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(tokens.iter().map(|added| added.content.as_str()))
            .map_err(|error| damaged(FILE, error))?;
        Ok(Some(Finder { search, tokens }))
    }

    /// Goes through a text: adds the tokens that it finds, and has what lies between them cut,
    /// which is told whether nothing stands before it.
    fn part(&self, text: &str, into: &mut Cutting, cut: &mut dyn FnMut(&str, bool, &mut Cutting)) {
        let mut begins = 0;
        for found in self.search.find_iter(text) {
            if into.is_full() {
                return;
            }
            let (mut from, mut to) = (found.start(), found.end());
            let added = &self.tokens[found.pattern().as_usize()];
            let is_alone = !text[..from].ends_with(is_word) && !text[to..].starts_with(is_word);
            if added.single_word && !is_alone {
                continue;
            }
            if added.lstrip {
                from = text[..from].trim_end().len().max(begins);
            }
            if added.rstrip {
                to += text[to..].len() - text[to..].trim_start().len();
            }
            if begins < from {
                cut(&text[begins..from], begins == 0, into);
            }
            into.ids.push(added.id);
            begins = to;
        }
        if begins < text.len() {
            cut(&text[begins..], begins == 0, into);
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The tokens before and behind a single text.
fn frame(post_processor: &Value) -> Result<[Vec<u32>; 2], ModelError> {
    let astray = || damaged(FILE, "what it puts around a text cannot be read");
    let number = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match kind_of(post_processor)? {
        None => Ok([Vec::new(), Vec::new()]),
        Some("BertProcessing" | "RobertaProcessing") => {
            let token = |name: &str| number(&post_processor[name][1]).ok_or_else(astray);
            Ok([vec![token("cls")?], vec![token("sep")?]])
        }
        Some("TemplateProcessing") => {
            let mut frame = [Vec::new(), Vec::new()];
            let mut side = 0;
            for part in post_processor["single"].as_array().ok_or_else(astray)? {
                if part["Sequence"].is_object() {
                    side = 1;
                    continue;
                }
                let name = part["SpecialToken"]["id"].as_str().ok_or_else(astray)?;
                let ids = post_processor["special_tokens"][name]["ids"].as_array();
                for id in ids.ok_or_else(astray)? {
                    frame[side].push(number(id).ok_or_else(astray)?);
                }
            }
            Ok(frame)
        }
        Some(kind) => Err(unsupported(
            "a post-processor",
            kind,
            "TemplateProcessing, BertProcessing, RobertaProcessing",
        )),
    }
}

/// The middle of all, rounded down.
fn median(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    let upper = lengths.len() / 2;
    match (lengths.len() % 2, lengths.get(upper)) {
        (_, None) => 0,
        (1, Some(length)) => *length,
        (_, Some(length)) => usize::midpoint(lengths[upper - 1], *length),
    }
}
