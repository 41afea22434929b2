//! A document's vector as JSON: a field on each line.

use super::counts::Counts;
use super::settings::Settings;
use super::vocabulary::Vocabulary;
use crate::work::Output;
use serde::Serialize;
use windlass_core::Failure;
use windlass_core::model::ModelRef;

/// Writes the vector of a document.
pub(super) fn write(
    settings: &Settings,
    counts: &Counts<'_>,
    vocabulary: &Vocabulary<'_>,
    output: &mut dyn Output,
) -> Result<(), Failure> {
    counts.origin.notes.iter().for_each(|note| output.note((*note).to_owned()));
    let weights = vocabulary.weights(settings, counts);
    if weights.is_empty() {
        output.note("the document has none of the features: its vector is 0".to_owned());
    }
    let vector_size = vocabulary.features.len();
    let (vector, features): (Vec<f64>, Vec<&str>) = if settings.is_sparse {
        let named = |(number, weight): &(u32, f64)| {
            (*weight, vocabulary.features.get(*number as usize).map_or("", |(name, _)| name))
        };
        weights.iter().map(named).unzip()
    } else {
        let mut vector = vec![0.0; vector_size];
        for (number, weight) in &weights {
            vector[*number as usize] = *weight;
        }
        (vector, vocabulary.features.iter().map(|(name, _)| *name).collect())
    };
    let fields = Fields {
        vector: &vector,
        features: Some(&features),
        vector_size,
        non_zero_features: weights.len(),
        encoding: counts.origin.encoding,
        model: None,
    };
    output.artifact("{base}_embedding.json", "application/json", &fields.write())
}

/// The fields of a result, in the order in which they are written.
pub(super) struct Fields<'a, N> {
    pub(super) vector: &'a [N],
    /// Where they have names.
    pub(super) features: Option<&'a [&'a str]>,
    pub(super) vector_size: usize,
    pub(super) non_zero_features: usize,
    pub(super) encoding: &'a str,
    /// What made the vector, where a model did.
    pub(super) model: Option<&'a ModelRef>,
}

impl<N: Serialize> Fields<'_, N> {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = b"{\n".to_vec();
        push("vector", &self.vector, &mut out);
        push("features", &self.features.unwrap_or_default(), &mut out);
        push("vector_size", &self.vector_size, &mut out);
        push("non_zero_features", &self.non_zero_features, &mut out);
        push("encoding", &self.encoding, &mut out);
        if let Some(ModelRef { name, id, .. }) = self.model {
            push("model", name, &mut out);
            push("model_blake3", &id.to_hex(), &mut out);
        }
        // The last comma and the end of its line.
        out.truncate(out.len() - 2);
        out.extend_from_slice(b"\n}\n");
        out
    }
}

fn push(name: &str, value: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("  \"{name}\": ").as_bytes());
    serde_json::to_writer(&mut *out, value).expect("numbers and text can always be written");
    out.extend_from_slice(b",\n");
}
