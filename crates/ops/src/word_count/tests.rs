//! `word_count` as a whole: against plain definitions, recorded results of the outside tools, and
//! hostile files.

use super::OPERATION;
use super::class::{Alphanumeric, Class};
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
    let mut work = Work::new(Some(source), &params, &mut output);
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
        // Letters that are newer than the standard library, which defines what is expected here:
        // U+05C8 is one.
        let is_known = |c: &char| c.is_ascii() || Alphanumeric::wide(*c) == c.is_alphanumeric();
        let text = &text.chars().filter(is_known).collect::<String>();
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

/// Compares with the words of texts, given as PyICU 2.17 on ICU 72.1 cuts them.
fn check_as_in_icu(texts: &[(&str, &str)]) {
    for (text, words) in texts {
        check("uax29", text.as_bytes(), words.split('|'));
    }
}

#[test]
fn uax29_cuts_japanese_and_chinese_as_icu() {
    check_as_in_icu(&[
        (
            "東京特許許可局は今日、時々刻々と変わる天気予報をお知らせします。",
            "東京|特許|許可|局|は|今日|時々刻々|と|変わる|天気|予報|を|お知らせ|し|ます",
        ),
        (
            "私たちはコンピューターソフトウェアエンジニアリングを2024年から勉強しているヨ",
            "私|たち|は|コンピューター|ソフトウェア|エンジニアリング|を|2024|年|から|勉強|し|て|いる|ヨ",
        ),
        (
            "すもももももももものうち、ゝゞヽヾ々〆",
            "すもも|も|も|も|も|も|もの|うち|ゝ|ゞ|ヽヾ|々|〆",
        ),
        (
            "外国人参政権とABC放送局、ラーメンを食べたいｗｗｗ",
            "外国|人参|政権|と|ABC|放送|局|ラーメン|を|食|べた|い|ｗｗｗ",
        ),
        (
            "中华人民共和国成立于一九四九年十月一日，首都北京。研究生命的起源",
            "中华|人民|共和国|成立|于|一九四九年|十月|一日|首都|北京|研究|生命|的|起源",
        ),
        (
            "台灣的交通部長在臺北市參加國際會議並發表演說",
            "台灣|的|交通|部長|在|臺北市|參加|國際|會議|並|發表|演說",
        ),
        ("𠀋𠮷野家で𡨸漢字", "𠀋|𠮷|野家|で|𡨸|漢字"),
    ]);
}

#[test]
fn uax29_cuts_runs_of_katakana_as_icu() {
    check_as_in_icu(&[
        ("カカカカカカカカ", "カカカカカカカカ"),
        ("カカカカカカカカカ", "カ|カ|カ|カ|カ|カ|カ|カ|カ"),
        ("ヌルヌルスーパーヒョロヒョロ", "ヌルヌル|スーパー|ヒ|ョ|ロ|ヒ|ョ|ロ"),
        // Halfwidth letters with voice marks and squared words are normalized for the search.
        ("ﾊﾝｶｸｶﾀｶﾅﾃﾞｶﾞｷﾞｸﾞとヴァイオリンﾟ5㌔㍍㍿", "ﾊﾝ|ｶｸ|ｶﾀｶﾅ|ﾃﾞ|ｶﾞ|ｷﾞ|ｸﾞ|と|ヴァイオリ|ンﾟ|5|㌔㍍"),
        // Signs that belong to no script, combining marks, and a mark of the script Han.
        ("し゛ー々〱ーしー漢字ﾞカ", "し゛ー々〱ーし|ー|漢|字ﾞ|カ"),
        ("漢\u{3099}字カ\u{309A}漢字", "漢\u{3099}|字|カ\u{309A}|漢字"),
        ("8\u{16FF0}漢\u{16FF0}字ｶ", "8|\u{16FF0}|漢\u{16FF0}|字|ｶ"),
    ]);
}

#[test]
fn uax29_cuts_southeast_asian_scripts_as_icu() {
    check_as_in_icu(&[
        (
            "ผู้ใช้สามารถติดตั้งโปรแกรมคอมพิวเตอร์ได้ด้วยตนเองฯลฯ",
            "ผู้|ใช้|สามารถ|ติด|ตั้ง|โปรแกรม|คอมพิวเตอร์|ได้|ด้วย|ตนเอง|ฯลฯ",
        ),
        // Signs of abbreviation and repetition; four characters, which are not cut.
        ("ตากลม มากๆๆ กรุงเทพฯๆ ไทยฯ", "ตากลม|มากๆ|ๆ|กรุง|เทพฯๆ|ไทยฯ"),
        // What the dictionary does not know.
        ("ไทยไท ไทยก ฟกหดาสวัสดีอฮฌ", "ไทย|ไท|ไทยก|ฟก|หดา|สวัสดี|อฮฌ"),
        ("สมชายaสวัสดีครับ漢字ภาษาไทย", "สมชายaสวัสดี|ครับ|漢字|ภาษา|ไทย"),
        ("ປະເທດລາວມີພົນລະເມືອງປະມານເຈັດລ້ານຄົນ ຂອ້ຍບໍ່ຮູ້", "ປະເທດ|ລາວ|ມີ|ພົນລະເມືອງ|ປະມານ|ເຈັດ|ລ້ານ|ຄົນ|ຂ|ອ້ຍ|ບໍ່|ຮູ້"),
        (
            "ព្រះរាជាណាចក្រកម្ពុជាជាប្រទេសមួយនៅអាស៊ីអាគ្នេយ៍ ខ្ញុំមិនដឹងទេ",
            "ព្រះរាជាណាចក្រ|កម្ពុជា|ជា|ប្រទេស|មួយ|នៅ|អាស៊ី|អាគ្នេយ៍|ខ្ញុំ|មិនដឹង|ទេ",
        ),
        (
            "မြန်မာနိုင်ငံသည်အရှေ့တောင်အာရှတွင်တည်ရှိသည်။ ကျွန်တော်မသိဘူး",
            "မြန်မာနိုင်ငံ|သည်|အရှေ့တောင်|အာ|ရှ|တွင်|တည်ရှိသည်|ကျွန်တော်မ|သိ|ဘူး",
        ),
    ]);
}

#[test]
fn uax29_takes_single_characters_as_icu() {
    check_as_in_icu(&[
        ("〆切は〆 \u{17000}\u{17001} \u{18B00}", "〆|切|は|〆|\u{17000}|\u{17001}|\u{18B00}"),
        ("ァ\u{200D}ℹ a\u{200D}☎ ℹ", "ァ\u{200D}ℹ|ℹ"),
        // What newer versions of Unicode say otherwise.
        ("a\u{B8}b \u{600} 1\u{FE10}2 a\u{600}b", "a|b|1\u{FE10}2|a\u{600}b"),
    ]);
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

/// Short words are looked at eight bytes at a time: each place of each half must be seen.
#[test]
fn what_json_escapes_is_found_at_every_place_of_a_word() {
    for length in 1..=17 {
        for place in 0..length {
            for special in ["\"", "\\", "\u{1}", "\u{e}"] {
                let mut word = "é".repeat(length).chars().map(String::from).collect::<Vec<_>>();
                word[place] = special.to_owned();
                check("ws", word.concat().as_bytes(), [word.concat()]);
                let mut word = vec!["x"; length];
                word[place] = special;
                check("ws", word.concat().as_bytes(), [word.concat()]);
            }
        }
    }
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
