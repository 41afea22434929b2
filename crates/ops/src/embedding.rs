//! Vectors of texts, and which documents are nearest to each other: by their words (TF-IDF), or by
//! what they mean (a model).
//!
//! Without a model all texts of a run are weighed against each other: a word counts for more in a
//! document the more often it is there, and for less the more documents have it. The vectors are
//! those of scikit-learn's `TfidfVectorizer` with the same parameters, whose names these are, but
//! for the defaults `max_features=100` and `stop_words=english`. Of features that are equally
//! frequent at the cut of `max_features`, those of lower code points stay; scikit-learn leaves open
//! which.
//!
//! With `model=NAME`, or `model=DIR`, a model makes the vectors, and texts in other words are near
//! each other too. `windlass models add` takes the kinds that are known, static models (model2vec),
//! BERT models (MiniLM and its like) and XLM-RoBERTa, in one language or many; the vectors are
//! those of Python's model2vec and sentence-transformers. A model reads the beginning of a text
//! alone, often 256 or 512 tokens; where a text is longer, a note says so. With `read=all` it reads
//! the whole text in pieces of that length, and the vector is their mean. Nothing is downloaded.
//! Results are known again by the text and the model's content, whatever the model is called.
//!
//! Texts are read in any encoding; of PDF, Office, OpenDocument, EPUB, RTF, HTML and mails the text
//! is taken, as `document` does it, scanned pages too (`ocr`, `lang`).
//!
//! Result `<base>_embedding.json` for each document:
//!
//! - `vector`: the weight of each feature, or the model's numbers; `features`: the features' names,
//!   by code point (none of a model); `vector_size`: how many numbers; `non_zero_features`: how
//!   many of them are not 0.
//! - With `form=sparse`, `vector` and `features` hold only what is not 0; `vector_size` stays.
//! - `encoding`: what the file was read as, of a document its kind (`PDF`).
//! - `model` and `model_blake3`: the model's name and the hash of its content.
//!
//! Result `nearest.json` for all: `documents`, each with its `name` (`<base>` of its result) and
//! `nearest`, the `[name, similarity]` of the documents most similar to it, at most `nearest` of
//! them. Similarity is the cosine between both vectors; documents that share no feature are not
//! similar at all and not listed. `--param nearest=0` leaves this out.
//!
//! Words are runs of two or more of Python's `\w`, in lower case unless `lowercase=false`.
//! `min_df` and `max_df` leave out words that fewer or more documents have: `3` means documents,
//! `0.5` or `50%` a share of them, so `1` is one document and `1.0` is all. `stop_words` is
//! `english` (scikit-learn's list), `none`, or words of your own; `stop_words=@FILE` reads them
//! from a file. They are left out before runs of `ngram_min` to `ngram_max` words are formed.
//! `analyzer=char` takes runs of characters instead, `char_wb` those within words.
//!
//! The work is divided: each document is counted, or given its vector, by itself, one task chooses
//! the features, each document is weighed by itself. A file that cannot be read is left out, and
//! the others get their vectors. Texts may have up to 256 MiB. A run that is repeated with more
//! files weighs the new ones against each other only: begin anew with another `--out` for all of
//! them.

mod analyzer;
mod counts;
mod dense;
mod json;
mod nearest;
mod origin;
mod result;
mod semantic;
mod settings;
mod stop_words;
mod term;
mod terms;
mod varint;
mod vocabulary;

use crate::needs::Need;
use crate::work::Work;
use crate::{Operation, Output, document};
use counts::Counts;
use dense::DenseNeighbours;
use nearest::Neighbours;
use origin::Text;
use semantic::Placed;
use settings::{PARAMS, Settings};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use vocabulary::{Builder, Vocabulary};
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::ledger::OnFailure;
use windlass_core::limits::PROGRESS_TIMEOUT_MS;
use windlass_core::model::ModelRef;
use windlass_core::plan::{STEP_PARAM, Step, StepInput};

/// The operation `embedding`.
pub(crate) const OPERATION: Operation = Operation {
    spec: &SPEC,
    source: include_str!("embedding.rs"),
    run: Some(run),
    is_instant: None,
};

/// It needs nothing; but scanned pages are read as `document` reads them.
pub(crate) const NEED: Need =
    Need { operation: "embedding", lack: || None, basis: document::basis, extras: Vec::new };

/// The steps; positions among them are what `StepInput` names.
const COUNT: &str = "count";
const FIT: &str = "fit";
const TRANSFORM: &str = "transform";
const NEAREST: &str = "nearest";

static SPEC: OperationSpec = OperationSpec {
    name: "embedding",
    version: 3,
    summary: "vectors of texts by their words (TF-IDF) or a model, and which are nearest",
    accepts: Accepts::Media(document::MEDIA),
    params: PARAMS,
    home: Home::Executor,
    // Counting a text costs no more than looking it up.
    cacheable: Cacheable::With("model"),
    // Hundreds of scanned pages.
    attempt_ms_max: 3_600_000,
    progress_ms_max: Some(PROGRESS_TIMEOUT_MS),
    // A text, its lower case and its terms; or the terms of all documents.
    memory_bytes_max: 3 << 30,
    output_bytes_max: 1 << 30,
    steps: &[
        Step { name: COUNT, input: StepInput::Files, on_failure: OnFailure::Continue },
        Step { name: FIT, input: StepInput::AllOf(1, &[0]), on_failure: OnFailure::Stop },
        Step {
            name: NEAREST,
            input: StepInput::AllOf(1, &[0, 1]),
            on_failure: OnFailure::Continue,
        },
        // The last one has a task for each file: who waits for one file's result finds it there.
        Step {
            name: TRANSFORM,
            input: StepInput::EachOf(0, &[1]),
            on_failure: OnFailure::Continue,
        },
    ],
};

/// A document's counts or vector, or the features.
const STEP_BYTES_MAX: u64 = 1 << 30;
/// What passes from one step to the next, by its name.
const COUNTS_NAME: &str = "{base}_counts.bin";
const VECTOR_NAME: &str = "{base}_vector.bin";
const FEATURES_NAME: &str = "{base}_features.bin";
const STEP_MEDIA_TYPE: &str = "application/octet-stream";
/// Documents between two signs of life.
const PROGRESS_DOCUMENT_COUNT: usize = 256;

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    if work.params.text("model").is_some() {
        return run_with_model(work);
    }
    let settings = Settings::of(work.params)?;
    match work.params.text(STEP_PARAM) {
        None => whole(&settings, work),
        Some(COUNT) => {
            let counts = count(&settings, work)?;
            work.output.artifact(COUNTS_NAME, STEP_MEDIA_TYPE, &counts)
        }
        Some(FIT) => {
            let features = fit(&settings, work)?;
            work.output.artifact(FEATURES_NAME, STEP_MEDIA_TYPE, &features)
        }
        Some(TRANSFORM) => transform(&settings, work),
        Some(NEAREST) => nearest(&settings, work),
        Some(step) => Err(unknown(step)),
    }
}

/// The same steps with a model: each document has its vector after the first one.
fn run_with_model(work: &mut Work<'_>) -> Result<(), Failure> {
    let settings = Settings::of(work.params)?;
    let model = ModelRef::of(&SPEC, work.params).ok_or_else(|| {
        let cause = "the model was not looked up when the job was submitted";
        let next_step = "Submit it with `windlass run` or `windlass submit`, which do that.";
        Failure::rejected("model_unknown", cause, next_step)
    })?;
    match work.params.text(STEP_PARAM) {
        None => {
            let vector = vector(&settings, work)?;
            Placed::decode(&vector).ok_or_else(damaged)?.write(&model, work.output)
        }
        Some(COUNT) => {
            let vector = vector(&settings, work)?;
            work.output.artifact(VECTOR_NAME, STEP_MEDIA_TYPE, &vector)
        }
        // There is nothing that all documents decide together.
        Some(FIT) => Ok(()),
        Some(TRANSFORM) => {
            let vector = work.earlier.read(0, STEP_BYTES_MAX)?;
            Placed::decode(&vector).ok_or_else(damaged)?.write(&model, work.output)
        }
        Some(NEAREST) => nearest_vectors(&settings, work),
        Some(step) => Err(unknown(step)),
    }
}

fn unknown(step: &str) -> Failure {
    Failure::unavailable(
        "step_unknown",
        format!("this worker does not know the step {step} of embedding"),
        "Run the same version of windlass everywhere.",
    )
}

/// All steps for one document, which is weighed against nothing.
fn whole(settings: &Settings, work: &mut Work<'_>) -> Result<(), Failure> {
    let counts = count(settings, work)?;
    let counts = Counts::decode(&counts).ok_or_else(damaged)?;
    let mut builder = Builder::default();
    builder.add(&counts)?;
    let features = builder.choose(settings)?.encode();
    let vocabulary = Vocabulary::decode(features).ok_or_else(damaged)?;
    result::write(settings, &counts, &vocabulary, work.output)
}

/// The document's terms and how often each occurs.
fn count(settings: &Settings, work: &mut Work<'_>) -> Result<Vec<u8>, Failure> {
    let mut read = Text::of(work)?;
    let length = read.text.len() as u64;
    work.output.progress(0, length);
    let text = analyzer::prepared(std::mem::take(&mut read.text), settings);
    let counts = counts::of_text(&read.origin(), text, settings)?;
    work.output.progress(length, length);
    Ok(counts)
}

/// The document's vector by the model.
fn vector(settings: &Settings, work: &mut Work<'_>) -> Result<Vec<u8>, Failure> {
    let model = work.model.as_ref().ok_or_else(|| {
        let cause = "the worker did not hand over the model";
        Failure::unavailable(
            "model_unreadable",
            cause,
            "Run the same version of windlass everywhere.",
        )
    })?;
    let encoder = semantic::loaded(model)?;
    let mut read = Text::of(work)?;
    let output = &mut *work.output;
    let mut alive = |done: usize, all: usize| output.progress(done as u64, all as u64);
    let made = encoder.encode(&read.text, settings.reach, &mut alive);
    read.notes.extend(semantic::note(&made));
    Ok(semantic::encode(&read.origin(), &made.vector))
}

/// The features of all documents, and how much each weighs.
fn fit(settings: &Settings, work: &mut Work<'_>) -> Result<Vec<u8>, Failure> {
    let mut builder = Builder::default();
    let document_count = work.earlier.len();
    for position in 0..document_count {
        let bytes = work.earlier.read(position, STEP_BYTES_MAX)?;
        builder.add(&Counts::decode(&bytes).ok_or_else(damaged)?)?;
        if position % PROGRESS_DOCUMENT_COUNT == 0 {
            work.output.progress(position as u64, document_count as u64);
        }
    }
    Ok(builder.choose(settings)?.encode())
}

/// The vector of one document.
fn transform(settings: &Settings, work: &mut Work<'_>) -> Result<(), Failure> {
    // Its own result comes first, the features behind it.
    let [counts, features] = [0, 1].map(|position| work.earlier.read(position, STEP_BYTES_MAX));
    let (counts, features) = (counts?, features?);
    let counts = Counts::decode(&counts).ok_or_else(damaged)?;
    let vocabulary = last_read(features)?;
    result::write(settings, &counts, &vocabulary, work.output)
}

/// The features that this process read last: one document after another needs the same.
static LAST_READ: Mutex<Option<Arc<Vocabulary>>> = Mutex::new(None);

fn last_read(features: Cow<'_, [u8]>) -> Result<Arc<Vocabulary>, Failure> {
    let mut last = LAST_READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(vocabulary) = last.as_ref().filter(|it| it.is_of(&features)) {
        return Ok(Arc::clone(vocabulary));
    }
    // Two at once might not fit.
    *last = None;
    let vocabulary = Arc::new(Vocabulary::decode(features.into_owned()).ok_or_else(damaged)?);
    *last = Some(Arc::clone(&vocabulary));
    Ok(vocabulary)
}

/// Which documents are nearest to each.
fn nearest(settings: &Settings, work: &mut Work<'_>) -> Result<(), Failure> {
    if settings.nearest_count == 0 {
        return Ok(());
    }
    let last = work.earlier.len().saturating_sub(1);
    let features = work.earlier.read(last, STEP_BYTES_MAX)?;
    let vocabulary = Vocabulary::decode(features.into_owned()).ok_or_else(damaged)?;
    let mut neighbours = Neighbours::new(vocabulary.len());
    for position in 0..last {
        let bytes = work.earlier.read(position, STEP_BYTES_MAX)?;
        let counts = Counts::decode(&bytes).ok_or_else(damaged)?;
        neighbours.add(counts.origin.base.to_owned(), &vocabulary.weights(settings, &counts));
        if position % PROGRESS_DOCUMENT_COUNT == 0 {
            work.output.progress(position as u64, last as u64);
        }
    }
    let note = neighbours.too_much_work();
    tell_nearest(work.output, note, |progress| neighbours.write(settings.nearest_count, progress))
}

/// The same by the vectors of a model.
fn nearest_vectors(settings: &Settings, work: &mut Work<'_>) -> Result<(), Failure> {
    if settings.nearest_count == 0 {
        return Ok(());
    }
    let mut neighbours = DenseNeighbours::default();
    let count = work.earlier.len();
    for position in 0..count {
        let bytes = work.earlier.read(position, STEP_BYTES_MAX)?;
        let Placed { origin, vector } = Placed::decode(&bytes).ok_or_else(damaged)?;
        if !neighbours.add(origin.base.to_owned(), &vector) {
            return Err(damaged());
        }
        if position % PROGRESS_DOCUMENT_COUNT == 0 {
            work.output.progress(position as u64, count as u64);
        }
    }
    let note = neighbours.too_much_work();
    tell_nearest(work.output, note, |progress| neighbours.write(settings.nearest_count, progress))
}

/// Writes the nearest documents, unless that is too much work, which a note says.
fn tell_nearest(
    output: &mut dyn Output,
    too_much_work: Option<String>,
    json: impl FnOnce(&mut dyn FnMut(u64, u64)) -> Vec<u8>,
) -> Result<(), Failure> {
    if let Some(note) = too_much_work {
        output.note(note);
        return Ok(());
    }
    let json = json(&mut |done, all| output.progress(done, all));
    output.artifact("{base}.json", "application/json", &json)
}

fn damaged() -> Failure {
    Failure::rejected(
        "step_damaged",
        "the result of an earlier step cannot be read",
        "Run the same version of windlass everywhere.",
    )
}

#[cfg(test)]
mod tests;
