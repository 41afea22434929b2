//! Static models: a vector for each token, and a text's vector is their mean.
//!
//! Equal to Python's model2vec (`model.py` of version 0.10): texts are cut to the model's number of
//! tokens, first by characters; tokens that stand for unknown words do not count.

use super::encoder::{Encoded, Reach};
use super::layers::normalise;
use super::safetensors::Tensors;
use super::tokenizer::{Tokenizer, Tokens};
use super::{Facts, ModelError, damaged};
use serde_json::Value;

const FILE: &str = "model.safetensors";
/// Tokens of a text that count where the model does not say.
const TOKEN_COUNT_MAX: usize = 512;

/// The vectors of all tokens.
#[derive(Debug)]
pub(super) struct StaticVectors {
    tokenizer: Tokenizer,
    dimension_count: usize,
    /// One behind the other.
    vectors: Vec<f32>,
    /// Of each token, where tokens share vectors: the number of its vector.
    mapping: Option<Vec<usize>>,
    /// Of each token: what its vector is multiplied by.
    weights: Option<Vec<f32>>,
    normalises: bool,
    token_count_max: Option<usize>,
}

impl StaticVectors {
    pub(super) fn of(
        tokenizer: &[u8],
        tensors: &[u8],
        config: &Value,
        normalises: bool,
    ) -> Result<StaticVectors, ModelError> {
        let tensors = Tensors::read(tensors)?;
        let name = ["embeddings", "embedding.weight"].into_iter().find(|name| tensors.has(name));
        let name = name.ok_or_else(|| {
            let what = "it is no model2vec model, whose vectors are called embeddings, and its \
                        config.json names no other kind";
            ModelError::Unsupported(what.to_owned())
        })?;
        let tokenizer = Tokenizer::read(tokenizer)?;
        let shape = tensors.shape(name)?.to_vec();
        let &[vector_count, dimension_count] = &shape[..] else {
            return Err(damaged(FILE, format!("{name} has the sizes {shape:?}")));
        };
        let vectors = tensors.floats(name, &shape)?;
        let token_count = tokenizer.token_count;
        let of_tokens = |name| -> Result<Option<Vec<f32>>, ModelError> {
            tensors.has(name).then(|| tensors.floats(name, &[token_count])).transpose()
        };
        let weights = of_tokens("weights")?;
        let mapping = tensors.has("mapping").then(|| tensors.positions("mapping")).transpose()?;
        let fits = match &mapping {
            None => vector_count == token_count,
            Some(mapping) => {
                mapping.len() == token_count && mapping.iter().all(|at| *at < vector_count)
            }
        };
        if !fits || dimension_count == 0 {
            let cause = format!("{vector_count} vectors do not fit {token_count} tokens");
            return Err(damaged(FILE, cause));
        }
        let normalises = normalises || config["normalize"].as_bool().unwrap_or(false);
        let token_count_max = match config.get("max_length") {
            None => Some(TOKEN_COUNT_MAX),
            Some(count) => count.as_u64().and_then(|count| usize::try_from(count).ok()),
        };
        Ok(StaticVectors {
            tokenizer,
            dimension_count,
            vectors,
            mapping,
            weights,
            normalises,
            token_count_max,
        })
    }

    pub(super) fn facts(&self) -> Facts {
        Facts {
            kind: "static (model2vec)".to_owned(),
            dimension_count: self.dimension_count,
            token_count: self.tokenizer.token_count,
            read_token_count_max: self.token_count_max,
        }
    }

    pub(super) fn encode(&self, text: &str, reach: Reach) -> Encoded {
        let median = self.tokenizer.median_character_count;
        let token_count_max = self.token_count_max.filter(|_| reach == Reach::Beginning);
        let character_count_max = token_count_max.map(|count| count.saturating_mul(median));
        let beginning = character_count_max.and_then(|count| text.char_indices().nth(count));
        let read = beginning.map_or(text, |(end, _)| &text[..end]);
        let Tokens { ids, is_cut } = self.tokenizer.tokens(read, token_count_max);
        let mut vector = vec![0.0; self.dimension_count];
        let mut token_count = 0;
        let unknown = self.tokenizer.unknown();
        let known = ids.iter().filter(|id| Some(**id) != unknown);
        for id in known.map(|id| *id as usize) {
            let at = self.mapping.as_ref().map_or(Some(id), |mapping| mapping.get(id).copied());
            let start = at.map(|at| at * self.dimension_count);
            let token =
                start.and_then(|start| self.vectors.get(start..start + self.dimension_count));
            let weight = match &self.weights {
                None => Some(1.0),
                Some(weights) => weights.get(id).copied(),
            };
            let (Some(token), Some(weight)) = (token, weight) else { continue };
            vector.iter_mut().zip(token).for_each(|(sum, number)| *sum += number * weight);
            token_count += 1;
        }
        if token_count > 0 {
            let count = token_count as f32;
            vector.iter_mut().for_each(|number| *number /= count);
        }
        if self.normalises {
            normalise(&mut vector);
        }
        Encoded { vector, token_count, is_cut: is_cut || read.len() < text.len() }
    }
}
