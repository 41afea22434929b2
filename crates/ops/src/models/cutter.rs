//! How a text becomes tokens between those that are added: made normal, cut into words, the words
//! into pieces of a vocabulary.

use super::normal::{Normal, words};
use super::pieces::{Pieces, Stored as StoredPieces};
use super::rewrite::{self, Rewrite};
use super::split::{self, Split};
use super::unigram::{Stored as StoredUnigram, Unigram};
use super::{ModelError, damaged, unsupported};
use serde_json::Value;
use std::collections::BTreeMap;

const FILE: &str = "tokenizer.json";
/// A longer text is cut in chunks of about so many bytes: of a long one only the beginning may
/// count.
const CHUNK_BYTES: usize = 64 << 10;

/// From a text to tokens.
#[derive(Debug)]
pub(super) struct Cutter {
    way: Way,
    vocabulary: Vocabulary,
}

#[derive(Debug)]
enum Way {
    /// As BERT's own tokenizer: no word and no rule reaches over white space.
    Bert(Normal),
    Steps(Vec<Rewrite>, Vec<Split>),
}

#[derive(Debug)]
enum Vocabulary {
    Pieces(Pieces),
    Unigram(Unigram),
}

/// Tokens in the making: one more than wanted shows that there are more.
pub(super) struct Cutting {
    pub(super) ids: Vec<u32>,
    count_max: usize,
    /// A buffer.
    normal: String,
}

impl Cutting {
    pub(super) fn new(count_max: usize) -> Cutting {
        Cutting { ids: Vec::new(), count_max, normal: String::new() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.ids.len() > self.count_max
    }
}

impl Cutter {
    /// As these parts of a `tokenizer.json` say; and the characters of each token, by its number.
    pub(super) fn of(
        normalizer: &Value,
        pre_tokenizer: &Value,
        model: Value,
    ) -> Result<(Cutter, BTreeMap<u32, usize>), ModelError> {
        let (rewrites, splits) = (rewrite::steps(normalizer)?, split::steps(pre_tokenizer)?);
        let way = match (&rewrites[..], &splits[..]) {
            ([], [Split::Bert]) => Way::Bert(Normal::NONE),
            ([Rewrite::Bert(normal)], [Split::Bert]) => Way::Bert(*normal),
            _ => Way::Steps(rewrites, splits),
        };
        let mut lengths = BTreeMap::new();
        let vocabulary = match kind_of_model(&model) {
            "WordPiece" => {
                let stored: StoredPieces =
                    serde_json::from_value(model).map_err(|error| damaged(FILE, error))?;
                let counted = stored.vocab.iter().map(|(word, id)| (*id, word.chars().count()));
                lengths.extend(counted);
                Vocabulary::Pieces(Pieces::of(&stored)?)
            }
            "Unigram" => {
                let stored: StoredUnigram =
                    serde_json::from_value(model).map_err(|error| damaged(FILE, error))?;
                let words = stored.vocab.iter().zip(0_u32..);
                lengths.extend(words.map(|((word, _), id)| (id, word.chars().count())));
                Vocabulary::Unigram(Unigram::of(&stored)?)
            }
            kind => return Err(unsupported("tokens", kind, "WordPiece, Unigram")),
        };
        Ok((Cutter { way, vocabulary }, lengths))
    }

    /// What stands for words that are not known.
    pub(super) fn unknown(&self) -> Option<u32> {
        match &self.vocabulary {
            Vocabulary::Pieces(pieces) => Some(pieces.unknown),
            Vocabulary::Unigram(unigram) => unigram.unknown,
        }
    }

    /// The normal form of a text.
    pub(super) fn normal(&self, text: &str) -> String {
        match &self.way {
            Way::Bert(normal) => {
                let mut made = String::new();
                normal.write(text, &mut made);
                made
            }
            Way::Steps(rewrites, _) => rewrite::apply(rewrites, text),
        }
    }

    /// A text in parts that are cut one by one.
    pub(super) fn chunks<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let is_whole = match &self.way {
            Way::Bert(_) => false,
            Way::Steps(rewrites, _) => rewrites.iter().any(Rewrite::sees_ends),
        };
        let mut rest = text;
        std::iter::from_fn(move || {
            let end = if is_whole { rest.len() } else { chunk_end(rest) };
            let (chunk, behind) = rest.split_at(end);
            rest = behind;
            (!chunk.is_empty()).then_some(chunk)
        })
    }

    /// Cuts a text. `is_first`: nothing stands before it.
    pub(super) fn cut(&self, text: &str, is_first: bool, into: &mut Cutting) {
        if let Way::Bert(normal) = &self.way {
            let mut made = std::mem::take(&mut into.normal);
            let blanks = [' ', '\t', '\n', '\r'];
            for piece in text.split(blanks).filter(|piece| !piece.is_empty()) {
                if into.is_full() {
                    break;
                }
                normal.write(piece, &mut made);
                self.cut_normal(&made, false, into);
            }
            into.normal = made;
            return;
        }
        self.cut_normal(&self.normal(text), is_first, into);
    }

    /// Cuts a text in its normal form.
    pub(super) fn cut_normal(&self, text: &str, is_first: bool, into: &mut Cutting) {
        let mut cut = |word: &str| {
            if !into.is_full() {
                match &self.vocabulary {
                    Vocabulary::Pieces(pieces) => pieces.cut(word, &mut into.ids),
                    Vocabulary::Unigram(unigram) => unigram.cut(word, &mut into.ids),
                }
            }
        };
        match &self.way {
            Way::Bert(_) => words(text).for_each(cut),
            Way::Steps(_, splits) => split::apply(splits, text, is_first, &mut cut),
        }
    }
}

/// Where a chunk ends: a short text's does at its end, else before a single blank between letters,
/// or before a blank, or somewhere.
fn chunk_end(text: &str) -> usize {
    if text.len() <= CHUNK_BYTES {
        return text.len();
    }
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (from, to) = (boundary(CHUNK_BYTES), boundary(text.len().min(2 * CHUNK_BYTES)));
    let blanks = || text[from..to].match_indices(' ').map(|(at, _)| from + at);
    let is_between = |at: &usize| {
        text[..*at].ends_with(char::is_alphanumeric)
            && text[at + 1..].starts_with(char::is_alphanumeric)
    };
    blanks().find(is_between).or_else(|| blanks().next()).unwrap_or(to)
}

/// Old files do not say that they have word pieces.
fn kind_of_model(model: &Value) -> &str {
    model["type"].as_str().unwrap_or("WordPiece")
}
