//! Words cut into the pieces that are likeliest together (T. Kudo, "Subword regularization", 2018),
//! as SentencePiece's models have them.
//!
//! Equal to the tokenizers library (`models/unigram` of version 0.23): characters that no piece has
//! are unknown, and several in a row are one unknown token.

use super::prefixes::Prefixes;
use super::{ModelError, damaged};
use serde::Deserialize;

const FILE: &str = "tokenizer.json";
/// No piece.
const NONE: u32 = u32::MAX;
/// A longer word, which is none, is cut in parts: each byte of one takes some thirty.
const WORD_BYTES_MAX: usize = 64 << 10;
/// A longer piece is none.
const PIECE_BYTES_MAX: usize = 1 << 10;
/// How much less likely an unknown character is than the unlikeliest piece.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The part `model` of a `tokenizer.json`.
#[derive(Deserialize)]
pub(super) struct Stored {
    pub(super) vocab: Vec<(String, f64)>,
    unk_id: Option<u32>,
    #[serde(default)]
    byte_fallback: bool,
}

/// A vocabulary of pieces and how likely each is.
#[derive(Debug)]
pub(super) struct Unigram {
    prefixes: Prefixes,
    /// Natural logarithms.
    scores: Vec<f64>,
    unknown_score: f64,
    /// What stands for what no piece has.
    pub(super) unknown: Option<u32>,
    /// What stands for each byte of it instead.
    bytes: Option<Box<[Option<u32>; 256]>>,
}

/// The best way to a place in a word.
#[derive(Clone, Copy)]
struct Best {
    score: f64,
    /// Where its last piece begins; `None`: nothing leads here.
    begins: Option<usize>,
    piece: u32,
}

impl Unigram {
    pub(super) fn of(stored: &Stored) -> Result<Unigram, ModelError> {
        let numbered = || stored.vocab.iter().zip(0_u32..).map(|((it, _), id)| (it.as_str(), id));
        let pieces = numbered().filter(|(piece, _)| (1..=PIECE_BYTES_MAX).contains(&piece.len()));
        let prefixes =
            Prefixes::of(pieces).ok_or_else(|| damaged(FILE, "it has too many pieces"))?;
        let scores: Vec<f64> = stored.vocab.iter().map(|(_, score)| *score).collect();
        let lowest = scores.iter().copied().fold(f64::INFINITY, f64::min);
        if stored.unk_id.is_some_and(|id| id as usize >= scores.len()) {
            return Err(damaged(FILE, "its unknown token is not in its vocabulary"));
        }
        let byte = |byte: usize| prefixes.find(format!("<0x{byte:02X}>").as_bytes());
        let bytes = stored.byte_fallback.then(|| Box::new(std::array::from_fn(byte)));
        let unknown_score = lowest - UNKNOWN_PENALTY;
        Ok(Unigram { prefixes, scores, unknown_score, unknown: stored.unk_id, bytes })
    }

    /// Adds the numbers of a word's pieces.
    pub(super) fn cut(&self, word: &str, into: &mut Vec<u32>) {
        let mut rest = word;
        while !rest.is_empty() {
            let mut end = rest.len().min(WORD_BYTES_MAX);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (part, behind) = rest.split_at(end);
            self.cut_part(part, into);
            rest = behind;
        }
    }

    fn cut_part(&self, word: &str, into: &mut Vec<u32>) {
        let ways = self.ways(word);
        let first = into.len();
        let mut end = word.len();
        // From behind, and turned round at last.
        let mut unknown = end..end;
        while let Some(Best { begins: Some(begins), piece, .. }) = ways.get(end).copied() {
            if piece == NONE {
                unknown.start = begins;
            } else {
                self.add_unknown(&word.as_bytes()[unknown], into);
                into.push(piece);
                unknown = begins..begins;
            }
            end = begins;
        }
        self.add_unknown(&word.as_bytes()[unknown], into);
        into[first..].reverse();
    }

    /// What stands for what no piece has, the last first: a piece that it is together, its bytes
    /// where each has a token, else one token.
    fn add_unknown(&self, text: &[u8], into: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        if let Some(piece) = self.prefixes.find(text) {
            return into.push(piece);
        }
        let of_bytes = self.bytes.as_ref().and_then(|bytes| {
            let each = text.iter().rev().map(|byte| bytes[usize::from(*byte)]);
            each.collect::<Option<Vec<u32>>>()
        });
        match of_bytes {
            Some(bytes) => into.extend(bytes),
            None => into.extend(self.unknown),
        }
    }

    /// The best way to each place of a word.
    fn ways(&self, word: &str) -> Vec<Best> {
        let nowhere = Best { score: 0.0, begins: None, piece: NONE };
        let mut ways = vec![nowhere; word.len() + 1];
        for (at, character) in word.char_indices() {
            let here = ways[at].score;
            let one = character.len_utf8();
            let mut is_known = false;
            let mut reach = |length: usize, score: f64, piece: u32| {
                let way = &mut ways[at + length];
                if way.begins.is_none() || score > way.score {
                    *way = Best { score, begins: Some(at), piece };
                }
            };
            for (length, id) in self.prefixes.of_text(&word.as_bytes()[at..]) {
                is_known |= length == one;
                // The token for what is unknown is no better known for being written out.
                let piece = if self.unknown == Some(id) { NONE } else { id };
                reach(length, here + self.scores[id as usize], piece);
            }
            if !is_known {
                reach(one, here + self.unknown_score, NONE);
            }
        }
        ways
    }
}
