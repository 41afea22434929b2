//! Counts the words of a text file: how many there are, how many different ones, and how often each
//! occurs.
//!
//! Result `<base>_word_count.json`: `tokens` (the way of splitting), `total`, `distinct` and
//! `frequencies`, an object from word to count: the most frequent first, equally frequent ones by
//! code point.
//!
//! What a word is, `--param tokens=…` says; each way counts exactly what the named tool counts:
//!
//! - `alnum` (default): runs of letters and numbers in lower case, as Python's
//!   `[m.lower() for m in regex.findall(r'[\p{Alphabetic}\p{N}]+', text)]` with PyPI's `regex`.
//! - `ws`: what stands between white space, case kept, as Python's `text.split()`.
//! - `ascii`: runs of the bytes A-Z and a-z, case kept, as `tr -cs A-Za-z '\n'` without the empty
//!   line. Bytes are taken as they are, whatever the encoding.
//! - `letters`: runs of letters, case kept, as Go's `unicode.IsLetter`.
//! - `uax29`: the words of Unicode's UAX 29 as the word iterator of ICU 72 marks them, case kept:
//!   an address as `me@example.org` is one word, `x:y` are two. Chinese, Japanese, Thai, Lao, Khmer
//!   and Burmese are cut by ICU's dictionaries as ICU cuts them.
//!
//! `alnum` knows the characters of Unicode 18, as PyPI's newest `regex`, `letters` those of Unicode
//! 17, as Go 1.27; lower case is that of Unicode 17, as in Python 3.15. Older tools do not know the
//! newest letters. `uax29` takes letters that are newer than ICU 72 for what Unicode 18 says.
//!
//! A file in another encoding than UTF-8 is decoded first; a byte order mark is not part of the
//! text. UTF-8 files may have any size, since memory grows with the distinct words only; in other
//! encodings 256 MiB are the limit. A word above 1 MiB is listed by its first 64 bytes, its length
//! and its hash. HTML is counted as it is written, with its tags.
//!
//! With `tokens=ws` and `workers=older`, workers of the older MapReduce take part
//! (`docs/moving-from-older-systems.md`), in files of at most 64 KiB of UTF-8 without characters
//! that XML 1.0 forbids.

mod class;
mod long_word;
mod pieces;
mod runs;
mod table;
mod uax29;

pub(crate) use class::{PythonWord, is_python_word};
pub(crate) use pieces::Split;
pub(crate) use runs::Runs;
pub(crate) use table::{Table, short_key};

use crate::Operation;
use crate::work::Work;
use class::{Alphanumeric, AsciiLetter, HIGH_BITS, Letter, NotSpace, between};
use std::io::Write;
use table::Word;
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::limits::{ATTEMPT_MS_MAX, PROGRESS_TIMEOUT_MS};
use windlass_core::media::Media;
use windlass_core::older;
use windlass_core::params::{ParamKind, ParamSpec};

/// The operation `word_count`.
pub(crate) const OPERATION: Operation = Operation {
    spec: &SPEC,
    source: include_str!("word_count.rs"),
    run: Some(run),
    is_instant: None,
};

const SPEC: OperationSpec = OperationSpec {
    name: "word_count",
    version: 1,
    summary: "count the words of a text: total, distinct, how often each occurs",
    accepts: Accepts::Media(&[Media::Text, Media::Html, Media::Eml]),
    params: &[
        ParamSpec {
            name: "tokens",
            kind: ParamKind::Choice(&["alnum", "ws", "ascii", "letters", "uax29"]),
            default: Some("alnum"),
            required: false,
            doc: "What a word is: letters and numbers, anything between white space, A-Z, letters, \
                  or the words of Unicode's UAX 29.",
        },
        ParamSpec {
            name: older::WORKERS_PARAM,
            kind: ParamKind::Choice(&["own", older::OLDER_TOO]),
            default: None,
            required: false,
            doc: "`older`: workers of the older MapReduce that are connected take part; they count \
                  with tokens=ws alone.",
        },
    ],
    home: Home::Executor,
    cacheable: Cacheable::Always,
    attempt_ms_max: ATTEMPT_MS_MAX,
    progress_ms_max: Some(PROGRESS_TIMEOUT_MS),
    // The table at its largest while it grows, or the sorted words beside the written result.
    memory_bytes_max: 3 << 30,
    output_bytes_max: 1 << 30,
    steps: &[],
};

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let tokens = work.params.text("tokens").unwrap_or("alnum").to_owned();
    let mut split: Box<dyn Split> = match tokens.as_str() {
        "ws" => Box::new(Runs::<NotSpace>::new()),
        "ascii" => Box::new(Runs::<AsciiLetter>::new()),
        "letters" => Box::new(Runs::<Letter>::new()),
        "uax29" => Box::new(uax29::Words::new()),
        _ => Box::new(Runs::<Alphanumeric>::new()),
    };
    let Some(source) = work.source.as_mut() else {
        return Err(Failure::rejected(
            "input_missing",
            "there is no file to count",
            "Name the files to count.",
        ));
    };
    let mut table = Table::for_text(source.size);
    let encoding = pieces::count_file(source, &mut *split, &mut table, work.output)?;
    if let Some(encoding) = encoding.filter(|encoding| *encoding != "UTF-8") {
        work.output.note(format!("the text was read as {encoding}"));
    }
    if table.total() == 0 {
        work.output.note("the file holds no word".to_owned());
    }
    if table.shortened_count() > 0 {
        let count = table.shortened_count();
        work.output.note(format!("{count} words above 1 MiB are listed by start, length and hash"));
    }
    let result = write_result(&tokens, table);
    work.output.artifact("{base}_word_count.json", "application/json", &result)
}

/// The result as JSON, one word a line. Written by hand: nothing else keeps this order without a
/// copy of every word.
fn write_result(tokens: &str, table: Table) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + table.distinct() * 20);
    let (total, distinct) = (table.total(), table.distinct());
    let head = format!(
        "{{\n  \"tokens\": \"{tokens}\",\n  \"total\": {total},\n  \"distinct\": {distinct},\n  \
         \"frequencies\": {{"
    );
    out.extend_from_slice(head.as_bytes());
    let mut separator = "\n    \"";
    table.for_each_sorted(|word, count| {
        out.extend_from_slice(separator.as_bytes());
        separator = ",\n    \"";
        match word {
            // Sixteen bytes are copied faster than so many as the word has.
            Word::Short(key) if !needs_escape(u128::from_le_bytes(*key)) => {
                out.extend_from_slice(key);
                out.truncate(out.len() - key.len() + word.bytes().len());
            }
            _ => push_escaped(word.bytes(), &mut out),
        }
        out.extend_from_slice(b"\": ");
        push_number(count, &mut out);
    });
    out.extend_from_slice(if distinct == 0 { b"}\n}\n" } else { b"\n  }\n}\n" });
    out
}

/// Whether JSON writes a byte of the word otherwise than it is.
fn needs_escape(key: u128) -> bool {
    // Whatever lies behind the word is made harmless.
    let bytes = key | u128::MAX << ((key >> 120) * 8);
    [bytes as u64, (bytes >> 64) as u64].into_iter().any(|half| {
        let low = half & !HIGH_BITS;
        let found = between(low, 0, 0x1F) | between(low, b'"', b'"') | between(low, b'\\', b'\\');
        found & !half != 0
    })
}

fn push_escaped(word: &[u8], out: &mut Vec<u8>) {
    for byte in word {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0..0x20 => {
                write!(out, "\\u{byte:04x}").expect("writing to memory cannot fail");
            }
            _ => out.push(*byte),
        }
    }
}

fn push_number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[first..]);
        }
    }
}

#[cfg(test)]
mod tests;
