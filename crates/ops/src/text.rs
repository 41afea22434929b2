//! Figures and mood of a text file: words, characters, sentences, the most common words, sentiment,
//! language, readability; on request key phrases and the sentences themselves.
//!
//! Result `<base>_analysis.json`:
//!
//! - `word_count`: pieces between white space; `character_count`: code points; `sentence_count`:
//!   pieces between `.`, `!` and `?` that hold more than white space.
//! - `common_words`: the ten most frequent words as `[word, count]`, equally frequent ones in order
//!   of appearance. A word is a run of letters, numbers and `_` in lower case (Python's `\w+`).
//! - `positive_words`, `negative_words`: how often a short list of such words occurs (good, great,
//!   … and bad, terrible, …); `sentiment_score`: the difference.
//! - `vader`: `neg`, `neu`, `pos`, `compound` of the whole text, as vaderSentiment 3.3.2 for Python
//!   computes them. Made for English.
//! - `language`: `code` (ISO 639-3), `name`, `confidence` (0 to 1), `reliable`; or null.
//! - `readability`: `counts` of sentences, words, syllables, words of three or more syllables,
//!   letters and characters, and of these `flesch_reading_ease`, `flesch_kincaid_grade`,
//!   `gunning_fog`, `smog_index`, `automated_readability_index` and `coleman_liau_index`, by
//!   the formulas of textstat 0.7.13. They are made for English: null for a text that surely is
//!   in another language, or has no word. A sentence here is a piece between `.`, `!` and `?`
//!   of three words or more; syllables are estimated by the letters, a fiftieth of words
//!   wrongly.
//! - `sentences`, with `--param sentences=count` or `list`: how many there are by the rules of
//!   the text's language, which know abbreviations and quotations (`count`), and what they are
//!   (`list`).
//! - `keywords`, with `--param keywords=10`: the best key phrases as `[phrase, score]`, the
//!   lowest score first, as YAKE for Python finds them (up to three words, stop words of the
//!   text's language). Looking for them takes many times as long as all else; of a text above 4
//!   MiB the beginning is taken.
//! - `encoding`: what the file was read as; a byte order mark is not part of the text.
//!
//! HTML is analysed as it is written, with its tags. Files may have up to 256 MiB.

mod keywords;
mod languages;
mod lexicon;
mod readability;
mod sentences;
mod space;
mod syllables;
mod vader;

pub(crate) use space::is_space;

use crate::Operation;
use crate::encoding::decode_text;
use crate::word_count::{PythonWord, Runs, Split, Table};
use crate::work::{Output, Work};
use keywords::{KEYWORD_BYTES_MAX, Keyword, keywords};
use languages::two_letters;
use readability::{Readability, readability};
use sentences::{Sentences, sentences};
use serde::Serialize;
use vader::Polarity;
use whatlang::Lang;
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::limits::{ATTEMPT_MS_MAX, PROGRESS_TIMEOUT_MS};
use windlass_core::media::Media;
use windlass_core::params::{ParamKind, ParamSpec, Params};

/// The operation `text`.
pub(crate) const OPERATION: Operation =
    Operation { spec: &SPEC, source: include_str!("text.rs"), run: Some(run), is_instant: None };

const SPEC: OperationSpec = OperationSpec {
    name: "text",
    version: 2,
    summary: "words, sentences, common words, sentiment, readability, key phrases of a text",
    accepts: Accepts::Media(&[Media::Text, Media::Html, Media::Eml]),
    params: &[
        ParamSpec {
            name: "keywords",
            kind: ParamKind::Int { min: 0, max: 100 },
            default: Some("0"),
            required: false,
            doc: "How many key phrases to list; they take many times as long as all else.",
        },
        ParamSpec {
            name: "sentences",
            kind: ParamKind::Choice(&["none", "count", "list"]),
            default: Some("none"),
            required: false,
            doc: "Count the sentences by the rules of the text's language, or list them.",
        },
    ],
    home: Home::Executor,
    cacheable: Cacheable::Always,
    attempt_ms_max: ATTEMPT_MS_MAX,
    progress_ms_max: Some(PROGRESS_TIMEOUT_MS),
    // The text as bytes and decoded, its lower case, and its distinct words.
    memory_bytes_max: 3 << 30,
    output_bytes_max: 64 << 20,
    steps: &[],
};

const TEXT_BYTES_MAX: u64 = 256 << 20;
const COMMON_WORD_COUNT: usize = 10;
/// Start of the text that tells its language.
const LANGUAGE_BYTES_MAX: usize = 64 << 10;

const POSITIVE: [&str; 8] =
    ["good", "great", "excellent", "amazing", "wonderful", "fantastic", "love", "best"];
const NEGATIVE: [&str; 7] = ["bad", "terrible", "awful", "hate", "worst", "horrible", "disgusting"];

/// The result; field order is that of the file.
#[derive(Serialize)]
struct Analysis {
    word_count: usize,
    character_count: usize,
    sentence_count: usize,
    common_words: Vec<(String, u64)>,
    positive_words: u64,
    negative_words: u64,
    sentiment_score: i64,
    vader: Polarity,
    language: Option<Language>,
    readability: Option<Readability>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentences: Option<Sentences>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keywords: Option<Vec<Keyword>>,
    encoding: &'static str,
}

/// The language of a text, and how sure that is.
#[derive(Serialize)]
pub(crate) struct Language {
    code: &'static str,
    name: &'static str,
    confidence: f64,
    reliable: bool,
}

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let Some(source) = work.source.as_mut() else {
        return Err(Failure::rejected(
            "input_missing",
            "there is no file to analyse",
            "Name the files to analyse.",
        ));
    };
    let bytes = source.read(TEXT_BYTES_MAX)?;
    let (text, encoding) = decode_text(bytes);
    let analysis = analyse(&text, encoding, work.params, work.output)?;
    if analysis.word_count == 0 {
        work.output.note("the file holds no word".to_owned());
    }
    let mut result = serde_json::to_vec_pretty(&analysis).map_err(|error| {
        Failure::rejected("result_unwritable", format!("the result is no JSON: {error}"), "")
    })?;
    result.push(b'\n');
    work.output.artifact("{base}_analysis.json", "application/json", &result)
}

/// The analysis of a text.
fn analyse(
    text: &str,
    encoding: &'static str,
    params: &Params,
    output: &mut dyn Output,
) -> Result<Analysis, Failure> {
    let bytes = text.len() as u64;
    let vader = vader::polarity(text);
    output.progress(bytes / 2, bytes);
    let words = lowered_words(text, output)?;
    let count_listed = |list: &[&str]| list.iter().map(|word| words.count_of(word)).sum::<u64>();
    let (positive, negative) = (count_listed(&POSITIVE), count_listed(&NEGATIVE));
    let common = words.most_common(COMMON_WORD_COUNT).into_iter();
    let language = whatlang::detect(&text[..language_end(text)]);
    let is_foreign = language.as_ref().is_some_and(|it| it.is_reliable() && it.lang() != Lang::Eng);
    let code = language.as_ref().and_then(|it| two_letters(it.lang().code()));
    let keyword_count = params.int("keywords").and_then(|count| usize::try_from(count).ok());
    let keyword_count = keyword_count.filter(|count| *count > 0);
    if keyword_count.is_some() && text.len() > KEYWORD_BYTES_MAX {
        let taken = KEYWORD_BYTES_MAX >> 20;
        output.note(format!("the key phrases are those of the text's first {taken} MiB"));
    }
    let asked = params.text("sentences").filter(|asked| *asked != "none");
    let cut = |asked: &str| sentences(text, code.unwrap_or("en"), asked == "list");
    Ok(Analysis {
        word_count: text.split(is_space).filter(|piece| !piece.is_empty()).count(),
        character_count: text.chars().count(),
        sentence_count: text.split(['.', '!', '?']).filter(|piece| !is_blank(piece)).count(),
        common_words: common.collect(),
        positive_words: positive,
        negative_words: negative,
        sentiment_score: positive.cast_signed() - negative.cast_signed(),
        vader,
        language: language.map(Language::of),
        readability: (!is_foreign).then(|| readability(text)).flatten(),
        sentences: asked.map(cut),
        keywords: keyword_count.map(|count| keywords(text, code, count)),
        encoding,
    })
}

fn is_blank(piece: &str) -> bool {
    piece.chars().all(is_space)
}

/// The words of the text in lower case. The whole text is lowered before it is cut: some characters
/// become two, and the second may belong to no word.
fn lowered_words(text: &str, output: &mut dyn Output) -> Result<Table, Failure> {
    let mut table = Table::for_text(text.len() as u64);
    let lowered = text.to_lowercase();
    Runs::<PythonWord>::new().count(lowered.as_bytes(), &mut table);
    output.progress(text.len() as u64, text.len() as u64);
    table.check_bounds()?;
    Ok(table)
}

/// The language of a text's start.
pub(crate) fn language(text: &str) -> Option<Language> {
    whatlang::detect(&text[..language_end(text)]).map(Language::of)
}

/// Where the part of the text ends that tells its language.
fn language_end(text: &str) -> usize {
    let mut end = text.len().min(LANGUAGE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

impl Language {
    fn of(found: whatlang::Info) -> Language {
        Language {
            code: found.lang().code(),
            name: found.lang().eng_name(),
            confidence: found.confidence(),
            reliable: found.is_reliable(),
        }
    }
}

#[cfg(test)]
mod tests;
