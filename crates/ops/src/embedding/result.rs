//! A document's vector as JSON: a field on each line.

use super::counts::Counts;
use super::json::{json, push_json};
use super::settings::Settings;
use super::vocabulary::Vocabulary;
use crate::work::Output;
use serde::Serialize;
use std::borrow::Cow;
use windlass_core::Failure;
use windlass_core::model::ModelRef;

/// Writes the vector of a document.
pub(super) fn write(
    settings: &Settings,
    counts: &Counts<'_>,
    vocabulary: &Vocabulary,
    output: &mut dyn Output,
) -> Result<(), Failure> {
    counts.origin.notes.iter().for_each(|note| output.note((*note).to_owned()));
    let weights = vocabulary.weights(settings, counts);
    if weights.is_empty() {
        output.note("the document has none of the features: its vector is 0".to_owned());
    }
    let named = |(number, _): &(u32, f64)| vocabulary.name(*number as usize);
    let (vector, features) = if settings.is_sparse {
        let names: Vec<&str> = weights.iter().map(named).collect();
        let weights: Vec<f64> = weights.iter().map(|(_, weight)| *weight).collect();
        (json(&weights), Cow::Owned(json(&names)))
    } else {
        (dense(&weights, vocabulary.len()), Cow::Borrowed(vocabulary.listed()))
    };
    let fields = Fields {
        vector: &vector,
        features: &features,
        vector_size: vocabulary.len(),
        non_zero_features: weights.len(),
        encoding: counts.origin.encoding,
        model: None,
    };
    output.artifact("{base}_embedding.json", "application/json", &fields.write())
}

/// All weights as a JSON list; most of them are nought.
fn dense(weights: &[(u32, f64)], count: usize) -> Vec<u8> {
    /// Of a weight at most, with its comma.
    const WEIGHT_BYTES: usize = 25;
    let mut out = Vec::with_capacity(NOUGHT.len() * count + WEIGHT_BYTES * weights.len() + 2);
    out.push(b'[');
    let mut written = 0;
    for (number, weight) in weights {
        let number = *number as usize;
        push_noughts(number - written, &mut out);
        push_json(weight, &mut out);
        out.push(b',');
        written = number + 1;
    }
    push_noughts(count - written, &mut out);
    // Each has a comma behind it, the last one too.
    out.pop_if(|last| *last == b',');
    out.push(b']');
    out
}

const NOUGHT: &[u8] = b"0.0,";

fn push_noughts(count: usize, out: &mut Vec<u8>) {
    /// Written at once.
    const COUNT: usize = 64;
    const NOUGHTS: &[u8; COUNT * NOUGHT.len()] = &{
        let mut all = [0; COUNT * NOUGHT.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = NOUGHT[at % NOUGHT.len()];
            at += 1;
        }
        all
    };
    let mut left = count * NOUGHT.len();
    while left > 0 {
        let length = left.min(NOUGHTS.len());
        out.extend_from_slice(&NOUGHTS[..length]);
        left -= length;
    }
}

/// The fields of a result, in the order in which they are written.
pub(super) struct Fields<'a> {
    /// As a JSON list.
    pub(super) vector: &'a [u8],
    /// Their names, as a JSON list.
    pub(super) features: &'a [u8],
    pub(super) vector_size: usize,
    pub(super) non_zero_features: usize,
    pub(super) encoding: &'a str,
    /// What made the vector, where a model did.
    pub(super) model: Option<&'a ModelRef>,
}

impl Fields<'_> {
    pub(super) fn write(&self) -> Vec<u8> {
        /// Room for all but the lists.
        const OTHER_BYTES: usize = 256;
        let mut out = Vec::with_capacity(self.vector.len() + self.features.len() + OTHER_BYTES);
        out.extend_from_slice(b"{\n  \"vector\": ");
        out.extend_from_slice(self.vector);
        out.extend_from_slice(b",\n  \"features\": ");
        out.extend_from_slice(self.features);
        push("vector_size", &self.vector_size, &mut out);
        push("non_zero_features", &self.non_zero_features, &mut out);
        push("encoding", &self.encoding, &mut out);
        if let Some(ModelRef { name, id, .. }) = self.model {
            push("model", name, &mut out);
            push("model_blake3", &id.to_hex(), &mut out);
        }
        out.extend_from_slice(b"\n}\n");
        out
    }
}

/// Adds a field behind another one.
fn push(name: &str, value: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\n  \"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\": ");
    push_json(value, out);
}
