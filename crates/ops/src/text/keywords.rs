//! The key phrases of a text, by YAKE: what is written large, early, often and in changing company
//! counts as one.

use super::space::is_space;
use serde::Serialize;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use yake_rust::{Config, ResultItem, StopWords, get_n_best};

/// What is looked at of a text: the method takes its time, and long texts say early what they are
/// about.
pub(super) const KEYWORD_BYTES_MAX: usize = 4 << 20;
/// A text of so few bytes is not divided.
const PART_BYTES_MIN: usize = 4 << 10;

/// A phrase as it stands in the text, and its score: the lower, the better.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Keyword(String, f64);

/// The best phrases of a text in a language (ISO 639-1). Where the library has no list of stop
/// words for it, none is one.
pub(super) fn keywords(text: &str, language: Option<&str>, count_max: usize) -> Vec<Keyword> {
    let mut end = text.len().min(KEYWORD_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let listed = language.and_then(|code| {
        // The one list that is named otherwise than its language.
        StopWords::predefined(match code {
            "cs" => "cz",
            code => code,
        })
    });
    let stop_words = listed.unwrap_or_else(|| StopWords::custom(HashSet::new()));
    let text = blanks_between_words(&text[..end]);
    let of_part = |part: &str| get_n_best(count_max, part, &stop_words, &Config::default());
    let found = best(&text, count_max, &of_part);
    found.into_iter().map(|it| Keyword(it.raw, rounded(it.score))).collect()
}

/// The best phrases of a text, in parts where the library gives up on the whole: the expressions by
/// which it finds sentences have a limit of steps, and whoever reaches it panics.
fn best(
    text: &str,
    count_max: usize,
    of_part: &dyn Fn(&str) -> Vec<ResultItem>,
) -> Vec<ResultItem> {
    if let Ok(found) = catch_unwind(AssertUnwindSafe(|| of_part(text))) {
        return found;
    }
    let blank = text.bytes().skip(text.len() / 2).position(|byte| byte == b' ');
    let Some(blank) = blank.filter(|_| text.len() >= PART_BYTES_MIN) else { return Vec::new() };
    let (first, second) = text.split_at(text.len() / 2 + blank);
    let mut found = best(first, count_max, of_part);
    found.extend(best(second.trim_start(), count_max, of_part));
    found.sort_by(|a, b| a.score.total_cmp(&b.score));
    let mut known = HashSet::new();
    found.retain(|it| known.insert(it.keyword.clone()));
    found.truncate(count_max);
    found
}

/// Lines and paragraphs mean nothing: the original joins most of them first, and where it does not
/// the library divides sentences otherwise. So 193 of 200 lists of speeches and parts of novels are
/// those of yake 0.7, and 124 with the lines kept.
fn blanks_between_words(text: &str) -> String {
    let words = text.split(is_space).filter(|word| !word.is_empty());
    let mut joined = String::with_capacity(text.len());
    for word in words {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

/// To ten digits: sums are formed in an order that changes from process to process, which the last
/// digits show.
fn rounded(score: f64) -> f64 {
    format!("{score:.9e}").parse().unwrap_or(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_the_library_gives_up_on_is_read_in_parts() {
        let item = |word: &str, score| ResultItem {
            raw: word.to_owned(),
            keyword: word.to_owned(),
            score,
        };
        let text = "a ".repeat(3_000) + &"b ".repeat(3_000);
        let of_part = |part: &str| {
            assert!(part.len() < 4_000, "too long");
            let score = if part.contains('b') { 0.5 } else { 0.7 };
            vec![item(&part[..1], score), item("both", 0.9)]
        };
        let found = best(text.trim_end(), 3, &of_part);
        let words: Vec<&str> = found.iter().map(|it| it.raw.as_str()).collect();
        assert_eq!(words, ["b", "a", "both"]);
        let never = |_: &str| -> Vec<ResultItem> { panic!("too long") };
        assert!(best(&text, 3, &never).is_empty());
    }

    /// By yake 0.7.3 for Python: `KeywordExtractor(lan="en", n=3, top=10)`.
    #[test]
    fn phrases_are_those_of_yake() {
        let text = "The harbour of Aberdeen is one of the busiest harbours of Scotland. \
                    Fishing boats and supply ships share the harbour.\nIn 1136, King David gave \
                    the bishops the right to levy tithes on ships trading at the port of \
                    Aberdeen.\n\nThe port of \
                    Aberdeen is older than Aberdeen Airport, and supply ships reach the oil \
                    fields of the North Sea in a day.";
        let expected = [
            ("harbours of Scotland", 0.02009344659561165),
            ("busiest harbours", 0.03121684911949993),
            ("King David gave", 0.04336114202006553),
            ("Aberdeen", 0.043735327891112896),
            ("port of Aberdeen", 0.04839252642018468),
            ("Aberdeen Airport", 0.05193851582708322),
            ("Scotland", 0.059628652249777335),
            ("supply ships", 0.06493009713980569),
            ("supply ships share", 0.0659546492006327),
            ("King David", 0.06962008028582208),
        ];
        let found = keywords(text, Some("en"), 10);
        let phrases: Vec<&str> = found.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(phrases, expected.map(|(phrase, _)| phrase));
        for (ours, (_, theirs)) in found.iter().zip(expected) {
            assert!((ours.1 / theirs - 1.0).abs() < 1e-6, "{ours:?} and {theirs}");
        }
    }

    #[test]
    fn stop_words_are_those_of_the_language() {
        let text =
            "Der Zug fährt nach Berlin. Der Zug fährt nach Hamburg, weil der Zug dort wartet.";
        let german = keywords(text, Some("de"), 5);
        let is_at_an_end = |it: &Keyword| it.0.starts_with("nach ") || it.0.ends_with(" nach");
        assert!(!german.iter().any(is_at_an_end), "{german:?}");
        assert!(keywords(text, None, 20).iter().any(is_at_an_end));
    }

    #[test]
    fn whatever_a_text_is_there_is_a_list() {
        let hostile = [
            "",
            " ",
            "the of and",
            "!!!",
            "a",
            "\0\0",
            "\u{FEFF}",
            "1 2 3",
            "\u{301}\u{301}",
            "日本語",
            "A A A A A A A A",
            "-- '' --",
            "http://x.y/z?q=1#2",
            "𝔸𝔹 ℂ",
            "İİİ ıı ſſ ẞ",
        ];
        for text in hostile {
            for language in [Some("en"), Some("ja"), Some("zz"), None] {
                let found = keywords(text, language, 10);
                assert!(found.iter().all(|it| it.1.is_finite()), "{text:?}: {found:?}");
            }
        }
    }
}
