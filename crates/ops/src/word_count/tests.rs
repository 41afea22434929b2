//! `word_count` as a whole: against plain definitions, recorded results of the outside tools, and
//! hostile files.

use super::OPERATION;
use crate::work::{Output, Source, Work};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Seek, Write};
use windlass_core::Failure;
use windlass_core::media::Media;
use windlass_core::params::Params;

#[derive(Default)]
struct Kept {
    artifact: Vec<u8>,
    notes: Vec<String>,
}

impl Output for Kept {
    fn artifact(&mut self, name: &str, _: &str, bytes: &[u8]) -> Result<(), Failure> {
        assert_eq!(name, "{base}_word_count.json");
        self.artifact = bytes.to_vec();
        Ok(())
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn progress(&mut self, _: u64, _: u64) {}
}

fn run(tokens: &str, content: &[u8]) -> Kept {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(content).expect("written");
    file.rewind().expect("rewound");
    let source = Source::new(file, "x.txt".to_owned(), Media::Text, content.len() as u64, None);
    let params = Params(BTreeMap::from([("tokens".to_owned(), tokens.to_owned())]));
    let mut output = Kept::default();
    let mut work = Work { source: Some(source), params: &params, output: &mut output };
    OPERATION.run.expect("a function")(&mut work).expect("counted");
    output
}

fn result(tokens: &str, content: &[u8]) -> Value {
    serde_json::from_slice(&run(tokens, content).artifact).expect("valid JSON")
}

/// Compares with the expected words, given in any order and as often as they occur.
fn check<W: Into<String>>(tokens: &str, content: &[u8], expected: impl IntoIterator<Item = W>) {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for word in expected {
        *counts.entry(word.into()).or_default() += 1;
    }
    let result = result(tokens, content);
    assert_eq!(result["total"], counts.values().sum::<u64>(), "{tokens}");
    assert_eq!(result["distinct"], counts.len(), "{tokens}");
    assert_eq!(result["frequencies"], serde_json::to_value(&counts).expect("a map"), "{tokens}");
}

fn runs(text: &str, belongs: impl Fn(char) -> bool) -> Vec<String> {
    text.split(|c| !belongs(c)).filter(|run| !run.is_empty()).map(str::to_owned).collect()
}

/// Characters of one to four bytes, with those whose lower case depends on others or is longer.
const MIXED_TEXT: &str =
    "([ -~]|[a-cA-CΣσéİŉ'\u{345} ]|[\u{80}-\u{7ff}]|[中文。가ー]|\\PC|\\s){0,300}";

proptest! {
    /// Text of all sorts of characters, long enough to cross blocks of 64 bytes.
    #[test]
    fn runs_equal_their_definitions(text in MIXED_TEXT) {
        // A leading byte order mark is not part of a text.
        let text = text.trim_start_matches('\u{feff}');
        let alnum = runs(text, char::is_alphanumeric);
        check("alnum", text.as_bytes(), alnum.iter().map(|word| word.to_lowercase()));
        let is_space = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
        check("ws", text.as_bytes(), runs(text, |c| !is_space(c)));
        check("ascii", text.as_bytes(), runs(text, |c| c.is_ascii_alphabetic()));
    }

    #[test]
    fn ascii_takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let words = bytes.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty());
        check("ascii", &bytes, words.map(|word| String::from_utf8_lossy(word)));
    }
}

const SAMPLE: &str = "Don't 3.14 1,000 foo_bar x:y e-mail me@example.org ΣΊΣΥΦΟΣ Straße ŉ İx ½ Ⅷ \
                      हिन्दी 東京 __init__";

/// By PyPI's regex 2026.11.15 on Python 3.11.
#[test]
fn alnum_as_in_python() {
    let words = "don t 3 14 1 000 foo bar x y e mail me example org σίσυφος straße ŉ i\u{307}x ½ ⅷ \
                 हिन दी 東京 init";
    check("alnum", SAMPLE.as_bytes(), words.split(' '));
}

/// By Go 1.27.3, `strings.FieldsFunc` with `!unicode.IsLetter`.
#[test]
fn letters_as_in_go() {
    let words = "Don t foo bar x y e mail me example org ΣΊΣΥΦΟΣ Straße ŉ İx ह न द 東京 init";
    check("letters", SAMPLE.as_bytes(), words.split(' '));
}

/// By PyICU 2.17 on ICU 72.1: words whose rule status is 100 or more.
#[test]
fn uax29_as_in_icu() {
    let words = "Don't 3.14 1,000 foo_bar x y e mail me@example.org ΣΊΣΥΦΟΣ Straße ŉ İx Ⅷ हिन्दी \
                 東京 __init__";
    check("uax29", SAMPLE.as_bytes(), words.split(' '));
    let thai = "สวัสดีครับผมชื่อสมชาย ภาษาไทย";
    check("uax29", thai.as_bytes(), ["สวัสดี", "ครับ", "ผม", "ชื่อ", "สมชาย", "ภาษา", "ไทย"]);
    let chinese = "我爱北京天安门。인공지능 세계";
    check("uax29", chinese.as_bytes(), ["我", "爱", "北京", "天安门", "인공지능", "세계"]);
    let quotes = "צה\"ל ק'ל a\u{301}b 🇩🇪 a\u{200d}😀 _ __ _\u{301} ３";
    check("uax29", quotes.as_bytes(), ["צה\"ל", "ק'ל", "a\u{301}b", "__", "３"]);
}

#[test]
fn order_is_by_count_then_code_point_and_words_are_escaped() {
    let kept = run("ws", "b é b a\"\\ 𝒜 \u{1}".as_bytes());
    let text = String::from_utf8(kept.artifact).expect("UTF-8");
    let expected = "{\n  \"tokens\": \"ws\",\n  \"total\": 6,\n  \"distinct\": 5,\n  \
                    \"frequencies\": {\n    \"b\": 2,\n    \"\\u0001\": 1,\n    \
                    \"a\\\"\\\\\": 1,\n    \"é\": 1,\n    \"𝒜\": 1\n  }\n}\n";
    assert_eq!(text, expected);
}

#[test]
fn a_file_without_words_is_a_result_with_a_note() {
    let kept = run("alnum", b" ... \n");
    assert_eq!(kept.notes, ["the file holds no word"]);
    let result: Value = serde_json::from_slice(&kept.artifact).expect("valid JSON");
    assert_eq!((&result["total"], &result["frequencies"]), (&0.into(), &serde_json::json!({})));
}

#[test]
fn other_encodings_are_decoded_and_said() {
    let text = "Grüße aus Köln, schöne Grüße.\n";
    let words = ["grüße", "aus", "köln", "schöne", "grüße"];
    check("alnum", format!("\u{feff}{text}").as_bytes(), words);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check("alnum", &[&[0xFF, 0xFE], &*wide].concat(), words);
    check("alnum", &wide, words);
    assert_eq!(run("alnum", &wide).notes, ["the text was read as UTF-16LE"]);
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    check("alnum", &latin, words);
}

#[test]
fn damaged_text_is_counted_around_the_damage() {
    let mut bytes = "größe und schönheit ".repeat(9).into_bytes();
    bytes.extend_from_slice(b"one\xFFtwo \xE4\xB8");
    let result = result("alnum", &bytes);
    assert_eq!(
        (&result["frequencies"]["größe"], &result["frequencies"]["two"]),
        (&9.into(), &1.into())
    );
    // A lone half of a pair in UTF-16 becomes the replacement character, which is no letter.
    let lone = [0xFF, 0xFE, b'a', 0, 0x00, 0xD8, b'b', 0];
    check("letters", &lone, ["a", "b"]);
}

#[test]
fn pieces_of_a_large_file_are_joined() {
    // Words of 7 bytes lie across every border of the pieces that the file is read in.
    let text = "größe\u{a0}".repeat(400_000);
    let result = result("alnum", text.as_bytes());
    assert_eq!(result["frequencies"], serde_json::json!({ "größe": 400_000 }));
    let lines = "x. ".repeat(900_000);
    assert_eq!(self::result("uax29", lines.as_bytes())["total"], 900_000);
}

#[test]
fn a_giant_word_is_listed_shortened() {
    for (tokens, word) in
        [("ws", "é"), ("alnum", "Ab"), ("letters", "中"), ("ascii", "z"), ("uax29", "q")]
    {
        let giant = word.repeat(3 << 20);
        let text = format!("one {giant} two {giant}");
        let kept = run(tokens, text.as_bytes());
        let result: Value = serde_json::from_slice(&kept.artifact).expect("valid JSON");
        assert_eq!((&result["total"], &result["distinct"]), (&4.into(), &3.into()), "{tokens}");
        assert!(kept.artifact.len() < 1_000, "{tokens}");
        assert_eq!(kept.notes, ["2 words above 1 MiB are listed by start, length and hash"]);
    }
}
