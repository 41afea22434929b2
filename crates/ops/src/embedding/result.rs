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
    let mut out = Vec::with_capacity(4 * count + 24 * weights.len() + 2);
    let mut weights = weights.iter().peekable();
    out.push(b'[');
    for number in 0..count {
        if number > 0 {
            out.push(b',');
        }
        match weights.next_if(|(next, _)| *next as usize == number) {
            None => out.extend_from_slice(b"0.0"),
            Some((_, weight)) => push_json(weight, &mut out),
        }
    }
    out.push(b']');
    out
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
