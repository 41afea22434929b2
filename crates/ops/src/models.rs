//! Models that make vectors of texts: what is kept of one, what it is, and its vectors.
//!
//! A static model (model2vec) has a vector for each token of its vocabulary, and a text's vector is
//! their mean. A BERT model (MiniLM and its like) reads the tokens through layers of attention, and
//! so does XLM-RoBERTa. Both cut texts into word pieces by a `tokenizer.json` of BERT's kind or of
//! SentencePiece's. The files are those that Python's libraries save; nothing is fetched from
//! anywhere.

mod archive;
mod bert;
mod charsmap;
mod cutter;
mod encoder;
mod family;
mod layers;
mod normal;
mod pack;
mod pieces;
mod pooled;
mod pooling;
mod prefixes;
mod rewrite;
mod safetensors;
mod split;
mod table;
mod tokenizer;
mod unigram;

pub use archive::archived;
pub(crate) use encoder::{Encoded, Encoder, Reach};
pub use pack::{FILES, Pack};

use serde_json::Value;
use thiserror::Error;

/// Bytes of a model's files together.
pub(crate) const MODEL_BYTES_MAX: u64 = 1 << 30;

/// Why files are no model that can be used here.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ModelError {
    /// Files that it cannot do without.
    #[error("it has no {}", .0.join(" and no "))]
    Missing(Vec<&'static str>),
    /// A kind of model that is not known here.
    #[error("{0}")]
    Unsupported(String),
    /// A file that is not what its name says.
    #[error("{file} cannot be read: {cause}")]
    Damaged {
        /// The file, as the model's folder names it.
        file: &'static str,
        /// What is wrong.
        cause: String,
    },
}

/// What a model is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// `static (model2vec)`, or the family of BERT's models with what distinguishes one of them.
    pub kind: String,
    /// Numbers of a vector.
    pub dimension_count: usize,
    /// Tokens of its vocabulary.
    pub token_count: usize,
    /// Tokens of a text that it reads; `None`: all.
    pub read_token_count_max: Option<usize>,
}

/// Reads a whole model and tells what it is.
///
/// # Errors
/// See [`ModelError`].
pub fn examine(pack: &Pack) -> Result<Facts, ModelError> {
    let megabytes = pack.bytes().len() >> 20;
    if pack.bytes().len() as u64 > MODEL_BYTES_MAX {
        let cause =
            format!("it has {megabytes} MB, more than the {} allowed", MODEL_BYTES_MAX >> 20);
        return Err(ModelError::Unsupported(cause));
    }
    Encoder::of(pack).map(|encoder| encoder.facts())
}

pub(crate) fn damaged(file: &'static str, cause: impl ToString) -> ModelError {
    ModelError::Damaged { file, cause: cause.to_string() }
}

/// The kind of a part of a `tokenizer.json`; `None`: there is no such part.
fn kind_of(part: &Value) -> Result<Option<&str>, ModelError> {
    match part {
        Value::Null => Ok(None),
        part => match part["type"].as_str() {
            Some(kind) => Ok(Some(kind)),
            None => Err(damaged("tokenizer.json", "a part of it has no type")),
        },
    }
}

/// What is told of a part of a `tokenizer.json` that is not known.
fn unsupported(what: &str, kind: &str, known: &str) -> ModelError {
    let cause = format!("its tokenizer has {what} of the kind {kind}, which is none of {known}");
    ModelError::Unsupported(cause)
}

#[cfg(test)]
mod tests;
