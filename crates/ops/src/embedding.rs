//! Vectors of texts that say how much each document is about which words (TF-IDF), and which
//! documents are nearest to each other.
//!
//! All texts of a run are weighed against each other: a word counts for more in a document the more
//! often it is there, and for less the more documents have it. The vectors are those of
//! scikit-learn's `TfidfVectorizer` with the same parameters, whose names these are, but for the
//! defaults `max_features=100` and `stop_words=english`. Of features that are equally frequent at
//! the cut of `max_features`, those of lower code points stay; scikit-learn leaves open which.
//!
//! Result `<base>_embedding.json` for each document:
//!
//! - `vector`: the weight of each feature; `features`: their names, by code point; `vector_size`:
//!   how many they are; `non_zero_features`: how many weights are not 0.
//! - With `form=sparse`, `vector` and `features` hold only what is not 0; `vector_size` stays.
//! - `encoding`: what the file was read as.
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
//! The work is divided: each document's terms are counted by themselves, one task chooses the
//! features, each document is weighed by itself. A file that cannot be read is left out, and the
//! others get their vectors. Files may have up to 256 MiB. A run that is repeated with more files
//! weighs the new ones against each other only: begin anew with another `--out` for all of them.

mod analyzer;
mod counts;
mod nearest;
mod result;
mod settings;
mod stop_words;
mod terms;
mod varint;
mod vocabulary;

use crate::Operation;
use crate::encoding::decode_text;
use crate::work::Work;
use counts::Counts;
use nearest::Neighbours;
use settings::{PARAMS, Settings};
use terms::Terms;
use vocabulary::{Builder, Vocabulary};
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::ledger::OnFailure;
use windlass_core::limits::{ATTEMPT_MS_MAX, PROGRESS_TIMEOUT_MS};
use windlass_core::media::Media;
use windlass_core::plan::{STEP_PARAM, Step, StepInput};

/// The operation `embedding`.
pub(crate) const OPERATION: Operation =
    Operation { spec: &SPEC, source: include_str!("embedding.rs"), run: Some(run) };

/// The steps; positions among them are what `StepInput` names.
const COUNT: &str = "count";
const FIT: &str = "fit";
const TRANSFORM: &str = "transform";
const NEAREST: &str = "nearest";

static SPEC: OperationSpec = OperationSpec {
    name: "embedding",
    version: 1,
    summary: "vectors of texts by their words (TF-IDF), and which texts are nearest",
    accepts: Accepts::Media(&[Media::Text, Media::Html, Media::Eml]),
    params: PARAMS,
    home: Home::Executor,
    // Counting a text costs no more than looking it up, and a result names its neighbours.
    cacheable: Cacheable::Never,
    attempt_ms_max: ATTEMPT_MS_MAX,
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

const TEXT_BYTES_MAX: u64 = 256 << 20;
/// A document's counts, or the features.
const STEP_BYTES_MAX: u64 = 1 << 30;
/// What passes from one step to the next, by its name.
const COUNTS_NAME: &str = "{base}_counts.bin";
const FEATURES_NAME: &str = "{base}_features.bin";
const STEP_MEDIA_TYPE: &str = "application/octet-stream";
/// Documents between two signs of life.
const PROGRESS_DOCUMENT_COUNT: usize = 256;

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
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
        Some(step) => Err(Failure::unavailable(
            "step_unknown",
            format!("this worker does not know the step {step} of embedding"),
            "Run the same version of windlass everywhere.",
        )),
    }
}

/// All steps for one document, which is weighed against nothing.
fn whole(settings: &Settings, work: &mut Work<'_>) -> Result<(), Failure> {
    let counts = count(settings, work)?;
    let counts = Counts::decode(&counts).ok_or_else(damaged)?;
    let mut builder = Builder::default();
    builder.add(&counts)?;
    let features = builder.choose(settings)?.encode();
    let vocabulary = Vocabulary::decode(&features).ok_or_else(damaged)?;
    result::write(settings, &counts, &vocabulary, work.output)
}

/// The document's terms and how often each occurs.
fn count(settings: &Settings, work: &mut Work<'_>) -> Result<Vec<u8>, Failure> {
    let Some(source) = work.source.as_mut() else {
        return Err(Failure::rejected(
            "input_missing",
            "there is no text to make a vector of",
            "Name the files.",
        ));
    };
    let bytes = source.read(TEXT_BYTES_MAX)?;
    let base = source.base.clone();
    let (text, encoding) = decode_text(&bytes);
    drop(bytes);
    let mut terms = Terms::default();
    let length = text.len() as u64;
    work.output.progress(0, length);
    analyzer::each_term(&text, settings, &mut |term| terms.add(term))?;
    work.output.progress(length, length);
    Ok(counts::encode(&base, encoding, &terms))
}

/// The features of all documents, and how much each weighs.
fn fit(settings: &Settings, work: &mut Work<'_>) -> Result<Vec<u8>, Failure> {
    let mut builder = Builder::default();
    let document_count = work.earlier.artifacts().len();
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
    let vocabulary = Vocabulary::decode(&features).ok_or_else(damaged)?;
    result::write(settings, &counts, &vocabulary, work.output)
}

/// Which documents are nearest to each.
fn nearest(settings: &Settings, work: &mut Work<'_>) -> Result<(), Failure> {
    if settings.nearest_count == 0 {
        return Ok(());
    }
    let last = work.earlier.artifacts().len().saturating_sub(1);
    let features = work.earlier.read(last, STEP_BYTES_MAX)?;
    let vocabulary = Vocabulary::decode(&features).ok_or_else(damaged)?;
    let mut neighbours = Neighbours::new(vocabulary.features.len());
    for position in 0..last {
        let bytes = work.earlier.read(position, STEP_BYTES_MAX)?;
        let counts = Counts::decode(&bytes).ok_or_else(damaged)?;
        neighbours.add(counts.base.to_owned(), &vocabulary.weights(settings, &counts));
        if position % PROGRESS_DOCUMENT_COUNT == 0 {
            work.output.progress(position as u64, last as u64);
        }
    }
    if let Some(note) = neighbours.too_much_work() {
        work.output.note(note);
        return Ok(());
    }
    let output = &mut *work.output;
    let json =
        neighbours.write(settings.nearest_count, &mut |done, all| output.progress(done, all));
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
