//! Vectors by a model: of one text, as it passes between steps, as JSON.

use super::json::json;
use super::origin::Origin;
use super::result::Fields;
use super::varint::Reader;
use crate::models::MODEL_BYTES_MAX;
use crate::models::{Encoded, Encoder, Pack};
use crate::work::{Model, Output};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};
use windlass_core::model::ModelRef;
use windlass_core::{BlobId, Failure};

/// Largest file of a model: beside it, an executor holds what it is made into.
const VERSION: u8 = 1;

/// A document between two steps: where it comes from, and its vector.
#[derive(Clone, Debug)]
pub(super) struct Placed<'a> {
    pub(super) origin: Origin<'a>,
    pub(super) vector: Vec<f32>,
}

/// The model that this process worked with last: files come one by one, and loading it takes longer
/// than most of them.
static LOADED: Mutex<Option<(BlobId, Arc<Encoder>)>> = Mutex::new(None);

/// The model, loaded if it is not the last one.
///
/// # Errors
/// `model_unusable`, or `model_unreadable` where its file cannot be read.
pub(super) fn loaded(model: &Model) -> Result<Arc<Encoder>, Failure> {
    let mut last = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((id, encoder)) = &*last
        && *id == model.asked.id
    {
        return Ok(Arc::clone(encoder));
    }
    // Two at once might not fit.
    *last = None;
    let encoder = Arc::new(load(model)?);
    *last = Some((model.asked.id, Arc::clone(&encoder)));
    Ok(encoder)
}

fn load(Model { asked, file }: &Model) -> Result<Encoder, Failure> {
    let ModelRef { name, size, .. } = asked;
    if *size > MODEL_BYTES_MAX {
        let cause =
            format!("model {name} has {size} bytes, more than the {MODEL_BYTES_MAX} allowed");
        return Err(Failure::rejected("model_unusable", cause, "Take a smaller model."));
    }
    let mut bytes = vec![0; usize::try_from(*size).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(|error| {
        let cause = format!("model {name} cannot be read: {error}");
        Failure::unavailable("model_unreadable", cause, "Check the worker's disk.")
    })?;
    let unusable = |cause: String| {
        let next_step = "Add it anew with `windlass models add`, which says what it lacks.";
        Failure::rejected("model_unusable", format!("model {name}: {cause}"), next_step)
    };
    let pack =
        Pack::read(bytes).ok_or_else(|| unusable("it is no model of this program".into()))?;
    Encoder::of(&pack).map_err(|error| unusable(error.to_string()))
}

/// A document with its vector: one version byte, where it comes from, the numbers.
pub(super) fn encode(origin: &Origin<'_>, vector: &[f32]) -> Vec<u8> {
    let mut out = vec![VERSION];
    origin.push(&mut out);
    out.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
    out
}

impl Placed<'_> {
    /// The reverse of [`encode`]; `None` for what it did not write.
    pub(super) fn decode(bytes: &[u8]) -> Option<Placed<'_>> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let mut reader = Reader(rest);
        let origin = Origin::read(&mut reader)?;
        let (numbers, rest) = reader.0.as_chunks::<4>();
        let vector = numbers.iter().map(|it| f32::from_le_bytes(*it)).collect();
        rest.is_empty().then_some(Placed { origin, vector })
    }

    /// Writes the document's result.
    pub(super) fn write(&self, model: &ModelRef, output: &mut dyn Output) -> Result<(), Failure> {
        self.origin.notes.iter().for_each(|note| output.note((*note).to_owned()));
        let fields = Fields {
            vector: &json(&self.vector),
            features: b"[]",
            vector_size: self.vector.len(),
            non_zero_features: self.vector.iter().filter(|number| **number != 0.0).count(),
            encoding: self.origin.encoding,
            model: Some(model),
        };
        output.artifact("{base}_embedding.json", "application/json", &fields.write())
    }
}

/// What the user should know of a vector.
pub(super) fn note(made: &Encoded) -> Option<String> {
    match made {
        Encoded { token_count: 0, .. } => {
            Some("the document has no word that the model knows: its vector is 0".to_owned())
        }
        Encoded { token_count, is_cut: true, .. } => Some(format!(
            "the document is longer than the model reads: its first {token_count} tokens count \
             (read=all has it read all)"
        )),
        Encoded { .. } => None,
    }
}
