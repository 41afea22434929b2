//! What operations read: texts in any encoding, words, strings of a PDF.

use super::operation::{TABLES_BYTES_MAX, json, run};
use super::shape::magnitude;
use crate::target::Target;
use std::collections::BTreeMap;
use windlass_core::media::Media;
use windlass_core::params::Params;

pub(super) const TEXT: Target = Target {
    name: "text",
    run: text,
    seeds: texts,
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 128,
};

pub(super) const WORD_COUNT: Target = Target {
    name: "word_count",
    run: word_count,
    seeds: || (0..5).flat_map(|way| texts().into_iter().map(move |t| joined(way, &t))).collect(),
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 128,
};

pub(super) const PDF_STRING: Target = Target {
    name: "pdf_string",
    run: pdf_string,
    seeds: || vec![b"plain".to_vec(), b"\xfe\xff\0G\xd8\x3d\xde\0".to_vec(), b"\x80\xa0".to_vec()],
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 256,
};

/// The text that these bytes are beyond doubt: no mark and no zero speaks for another encoding.
fn plain(bytes: &[u8]) -> Option<&str> {
    let is_plain = !bytes.contains(&0) && !bytes.starts_with(b"\xef\xbb\xbf");
    std::str::from_utf8(bytes).ok().filter(|_| is_plain)
}

/// As Python's `str.isspace`, which counts four separators more than Unicode.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn text(bytes: &[u8]) -> String {
    let params = Params::default();
    let (Ok(read), Ok(analysed)) =
        (run("document", Media::Text, bytes, &params), run("text", Media::Text, bytes, &params))
    else {
        panic!("bytes of any kind are read as text");
    };
    let analysis = json(&analysed);
    let compound = analysis["vader"]["compound"].as_f64().expect("a number");
    assert!((-1.0..=1.0).contains(&compound), "{compound}");
    if let Some(text) = plain(bytes) {
        assert_eq!(read.artifacts[1], text.as_bytes(), "a text does not come back");
        let words = text.split(is_space).filter(|word| !word.is_empty()).count();
        assert_eq!(analysis["word_count"], words);
        assert_eq!(analysis["character_count"], text.chars().count());
    }
    let mood = (compound * 2.0).round();
    format!("{} {mood} {}", analysis["encoding"], analysis["language"]["code"])
}

fn texts() -> Vec<Vec<u8>> {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    vec![
        b"The plot was good, but the characters are uncompelling. VERY bad!!! :-( 3.14".to_vec(),
        "I don't hate it \u{1F600}\u{1F600}, sort of... na\u{ef}ve \u{3a3}\u{3a3}"
            .as_bytes()
            .to_vec(),
        "\u{6771}\u{4eac} \u{e2a}\u{e27}\u{e31} \u{1c5} \u{130}x \u{bd}".as_bytes().to_vec(),
        b"caf\xe9 \x1c \x85 \xa0 d\xe9j\xe0 vu, l'\xe9t\xe9".to_vec(),
        [b"\xff\xfe".to_vec(), utf16("Gr\u{fc}\u{df}e 42")].concat(),
        utf16("without a mark, and long enough to be told"),
    ]
}

fn joined(way: u8, text: &[u8]) -> Vec<u8> {
    [&[way], text].concat()
}

/// The first byte chooses what a word is.
fn word_count(bytes: &[u8]) -> String {
    const WAYS: [&str; 5] = ["alnum", "ws", "ascii", "letters", "uax29"];
    let [way, bytes @ ..] = bytes else { return "too short".to_owned() };
    let tokens = WAYS[usize::from(*way) % WAYS.len()];
    let params = Params(BTreeMap::from([("tokens".to_owned(), tokens.to_owned())]));
    let counted = run("word_count", Media::Text, bytes, &params).expect("any bytes are counted");
    let counted = json(&counted);
    if let Some(expected) = naive(tokens, bytes) {
        let expected = serde_json::to_value(expected).expect("a map of numbers");
        assert_eq!(counted["frequencies"], expected, "{tokens}");
    }
    format!("{tokens} {}", magnitude(counted["total"].as_u64().unwrap_or(0) as usize))
}

/// The plain definition of each way; `None` where it depends on the version of Unicode.
fn naive(tokens: &str, bytes: &[u8]) -> Option<BTreeMap<String, u64>> {
    if tokens == "ascii" {
        let words = bytes.split(|byte| !byte.is_ascii_alphabetic());
        return Some(tally(words.map(|word| String::from_utf8_lossy(word).into_owned())));
    }
    let text = plain(bytes)?;
    // Latin letters were settled long ago.
    let is_settled = text.chars().all(|c| c < '\u{370}');
    match tokens {
        "ws" => Some(tally(text.split(is_space).map(str::to_owned))),
        "alnum" if is_settled => {
            Some(tally(text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase)))
        }
        "letters" if is_settled => Some(tally(
            text.split(|c: char| !c.is_alphabetic() || c == '\u{345}').map(str::to_owned),
        )),
        _ => None,
    }
}

fn tally(words: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for word in words.filter(|word| !word.is_empty()) {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// The bytes become the title of a sound PDF.
fn pdf_string(bytes: &[u8]) -> String {
    let title: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let pdf = format!(
        "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 \
         R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n4 0 \
         obj\n<</Title<{title}>>>\nendobj\ntrailer\n<</Root 1 0 R/Info 4 0 R/Size 5>>\n"
    );
    let kept = run("document", Media::Pdf, pdf.as_bytes(), &Params::default());
    let analysis = json(&kept.expect("a sound PDF is read"));
    let title = analysis["metadata"]["title"].as_str().unwrap_or_default();
    assert!(!title.chars().any(char::is_control), "control characters in {title:?}");
    if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        assert_eq!(title.as_bytes().trim_ascii(), bytes.trim_ascii(), "a title does not come back");
    }
    let is_wide = bytes.starts_with(b"\xfe\xff") || bytes.starts_with(b"\xff\xfe");
    format!("{is_wide} {} {}", title.contains('\u{fffd}'), magnitude(title.len()))
}
