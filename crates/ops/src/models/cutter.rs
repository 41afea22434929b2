//! How a text becomes tokens between those that are added: made normal, cut into words, the words
//! into pieces of a vocabulary.

use super::normal::{Normal, words};
use super::pieces::{Pieces, Stored as StoredPieces};
use super::rewrite::{self, Rewrite};
use super::split::{self, Split};
use super::tokenizer::{kind_of, unsupported};
use super::unigram::{Stored as StoredUnigram, Unigram};
use super::{ModelError, damaged};
use serde_json::Value;
use std::collections::BTreeMap;

const FILE: &str = "tokenizer.json";
/// A longer text is cut at once no further than to a blank between letters behind so many bytes:
/// of a long one only the beginning may count.
const CHUNK_BYTES: usize = 64 << 10;

/// From a text to tokens.
#[derive(Debug)]
pub(super) struct Cutter {
    way: Way,
    vocabulary: Vocabulary,
    /// Characters of each token, by its number.
    pub(super) lengths: BTreeMap<u32, usize>,
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
    /// As these parts of a `tokenizer.json` say.
    pub(super) fn of(
        normalizer: &Value,
        pre_tokenizer: &Value,
        model: Value,
    ) -> Result<Cutter, ModelError> {
        let way = match (&rewrite::steps(normalizer)?[..], &split::steps(pre_tokenizer)?[..]) {
            ([], [Split::Bert]) => Way::Bert(Normal::NONE),
            ([Rewrite::Bert(normal)], [Split::Bert]) => Way::Bert(*normal),
            (rewrites, splits) => Way::Steps(rewrites.to_vec(), splits.to_vec()),
        };
        let mut lengths = BTreeMap::new();
        let vocabulary = match kind_of(&model).unwrap_or("WordPiece") {
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
        Ok(Cutter { way, vocabulary, lengths })
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
            Way::Steps(rewrites, _) => {
                rewrites.iter().fold(text.to_owned(), |text, rewrite| rewrite.apply(&text))
            }
        }
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
        let mut rest = text;
        while !rest.is_empty() && !into.is_full() {
            let (chunk, behind) = rest.split_at(chunk_end(rest));
            self.cut_normal(&self.normal(chunk), is_first && rest.len() == text.len(), into);
            rest = behind;
        }
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

/// How much of a text is cut at once: all of a short one, else to where a single blank stands
/// between letters, where no rule joins what lies on its two sides; in a text that has none, and
/// that is no text, somewhere.
fn chunk_end(text: &str) -> usize {
    if text.len() <= CHUNK_BYTES {
        return text.len();
    }
    let is_between = |three: &[u8]| {
        three[0].is_ascii_alphanumeric() && three[1] == b' ' && three[2].is_ascii_alphanumeric()
    };
    let behind = &text.as_bytes()[CHUNK_BYTES..text.len().min(2 * CHUNK_BYTES)];
    match behind.windows(3).position(is_between) {
        Some(at) => CHUNK_BYTES + at + 1,
        None => {
            let most = text.len().min(2 * CHUNK_BYTES);
            (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
        }
    }
}
