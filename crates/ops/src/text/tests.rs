//! `text` as a whole: the fields of the older service, published VADER examples, hostile files.

use super::vader::{Polarity, polarity};
use super::{analyse, run};
use crate::kept::Kept;
use crate::work::{Output, Source, Work};
use serde_json::{Value, json};
use std::io::{Seek, Write};
use windlass_core::Failure;
use windlass_core::media::Media;
use windlass_core::params::Params;

fn result(content: &[u8]) -> (Value, Vec<String>) {
    result_with(&[], content)
}

fn result_with(given: &[(&str, &str)], content: &[u8]) -> (Value, Vec<String>) {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(content).expect("written");
    file.rewind().expect("rewound");
    let source = Source::new(file, "x.txt".to_owned(), Media::Text, content.len() as u64, None);
    let mut output = Kept::default();
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let given = given.iter().map(pair).collect();
    let params = Params::normalise("text", super::SPEC.params, &given).expect("accepted");
    run(&mut Work::new(Some(source), &params, &mut output)).expect("analysed");
    assert_eq!(output.artifacts[0].0, "{base}_analysis.json");
    (serde_json::from_slice(&output.artifacts[0].1).expect("valid JSON"), output.notes)
}

#[test]
fn fields_are_those_of_the_older_service() {
    let text =
        "The good, the BAD... and the best!?  \u{a0}. Is it bad?\r\nNo: it's great_ (great). ";
    let (result, notes) = result(text.as_bytes());
    let expected = [
        ("word_count", json!(15)),
        ("character_count", json!(text.chars().count())),
        ("sentence_count", json!(4)),
        ("positive_words", json!(3)),
        ("negative_words", json!(2)),
        ("sentiment_score", json!(1)),
        ("encoding", json!("UTF-8")),
    ];
    for (field, value) in expected {
        assert_eq!(result[field], value, "{field}");
    }
    let common = json!([
        ["the", 3],
        ["bad", 2],
        ["it", 2],
        ["good", 1],
        ["and", 1],
        ["best", 1],
        ["is", 1],
        ["no", 1],
        ["s", 1],
        ["great_", 1]
    ]);
    assert_eq!(result["common_words"], common);
    assert!(notes.is_empty());
}

/// Python lowers the whole text first: `İ` becomes `i` and a mark that ends the word.
#[test]
fn words_are_cut_after_lowering() {
    let (result, _) = result("İstanbul ΟΔΟΣ".as_bytes());
    assert_eq!(result["common_words"], json!([["i", 1], ["stanbul", 1], ["οδος", 1]]));
}

#[test]
fn languages_are_told() {
    for (text, code, name) in [
        ("Der Zug fährt heute nicht, weil die Strecke gesperrt ist.", "deu", "German"),
        ("The train does not run today because the line is closed.", "eng", "English"),
        ("Поезд сегодня не ходит, потому что путь закрыт.", "rus", "Russian"),
    ] {
        let (result, _) = result(text.as_bytes());
        assert_eq!(
            (&result["language"]["code"], &result["language"]["name"]),
            (&json!(code), &json!(name))
        );
        assert!(result["language"]["confidence"].as_f64().expect("a number") > 0.0);
    }
}

#[test]
fn a_text_without_words_is_a_result_with_a_note() {
    let (result, notes) = result(b"\n \t\n");
    assert_eq!(notes, ["the file holds no word"]);
    assert_eq!((&result["word_count"], &result["language"]), (&json!(0), &Value::Null));
    assert_eq!(result["vader"], json!({ "neg": 0.0, "neu": 0.0, "pos": 0.0, "compound": 0.0 }));
}

#[test]
fn hostile_bytes_give_a_result() {
    for content in
        [&b"\0\0\0"[..], b"\xFF\xFE\x00\xD8", b"\xEF\xBB\xBF", b"a\xFFb \xC3", &[0xA9; 99]]
    {
        result(content);
    }
}

/// Time grows with the text only: the original needs hours for these.
#[test]
fn long_texts_are_rated_in_linear_time() {
    struct Silent;
    impl Output for Silent {
        fn artifact(&mut self, _: &str, _: &str, _: &[u8]) -> Result<(), Failure> {
            Ok(())
        }
        fn note(&mut self, _: String) {}
        fn progress(&mut self, _: u64, _: u64) {}
    }
    let given = [("sentences".to_owned(), "count".to_owned())].into();
    let params = Params::normalise("text", super::SPEC.params, &given).expect("accepted");
    for unit in ["good but bad ", "😁", "Σ'", "!", "n't"] {
        let text = unit.repeat(100_000);
        let analysis = analyse(&text, "UTF-8", &params, &mut Silent).expect("analysed");
        assert!(analysis.vader.compound.abs() <= 1.0);
    }
}

#[test]
fn sentences_and_key_phrases_come_on_request() {
    let text = "Dr. Smith knows Professor Jones. Professor Jones knows nobody at all.";
    let (plain, _) = result(text.as_bytes());
    assert_eq!((&plain["sentences"], &plain["keywords"]), (&Value::Null, &Value::Null));
    assert_eq!(plain["sentence_count"], 3);
    let given = [("sentences", "list"), ("keywords", "2")];
    let (result, _) = result_with(&given, text.as_bytes());
    let list = json!(["Dr. Smith knows Professor Jones.", "Professor Jones knows nobody at all."]);
    assert_eq!(result["sentences"], json!({ "count": 2, "list": list }));
    assert_eq!(result["keywords"][0][0], "Professor Jones");
    assert_eq!(result["keywords"].as_array().map(Vec::len), Some(2));
}

#[test]
fn readability_is_for_english() {
    let english = "The train does not run today because the line is closed.";
    let (english, _) = result(english.as_bytes());
    assert_eq!(english["readability"]["counts"]["word_count"], 11);
    assert_eq!(english["readability"]["counts"]["syllable_count"], 13);
    let german =
        "Der Zug fährt heute nicht, weil die Strecke gesperrt ist. Morgen fährt er wieder.";
    assert_eq!(result(german.as_bytes()).0["readability"], Value::Null);
    assert_eq!(result(b" \n").0["readability"], Value::Null);
}

fn check(text: &str, [neg, neu, pos, compound]: [f64; 4]) {
    assert_eq!(polarity(text), Polarity { neg, neu, pos, compound }, "{text}");
}

/// The examples of vaderSentiment's own demonstration, rated by version 3.3.2 on Python 3.11.
#[test]
fn vader_rates_the_published_examples() {
    let cases = [
        ("VADER is smart, handsome, and funny.", [0.0, 0.254, 0.746, 0.8316]),
        ("VADER is smart, handsome, and funny!", [0.0, 0.248, 0.752, 0.8439]),
        ("VADER is very smart, handsome, and funny.", [0.0, 0.299, 0.701, 0.8545]),
        ("VADER is VERY SMART, handsome, and FUNNY.", [0.0, 0.246, 0.754, 0.9227]),
        ("VADER is VERY SMART, handsome, and FUNNY!!!", [0.0, 0.233, 0.767, 0.9342]),
        ("VADER is VERY SMART, uber handsome, and FRIGGIN FUNNY!!!", [0.0, 0.294, 0.706, 0.9469]),
        ("VADER is not smart, handsome, nor funny.", [0.646, 0.354, 0.0, -0.7424]),
        ("The book was good.", [0.0, 0.508, 0.492, 0.4404]),
        ("At least it isn't a horrible book.", [0.0, 0.678, 0.322, 0.431]),
        ("The book was only kind of good.", [0.0, 0.697, 0.303, 0.3832]),
        (
            "The plot was good, but the characters are uncompelling and the dialog is not great.",
            [0.327, 0.579, 0.094, -0.7042],
        ),
        ("Today SUX!", [0.779, 0.221, 0.0, -0.5461]),
        ("Today only kinda sux! But I'll get by, lol", [0.127, 0.556, 0.317, 0.5249]),
        ("Make sure you :) or :D today!", [0.0, 0.294, 0.706, 0.8633]),
        ("Catch utf-8 emoji such as 💘 and 💋 and 😁", [0.0, 0.583, 0.417, 0.875]),
        ("Not bad at all", [0.0, 0.513, 0.487, 0.431]),
        ("Sentiment analysis has never been good.", [0.325, 0.675, 0.0, -0.3412]),
        ("Sentiment analysis has never been this good!", [0.0, 0.621, 0.379, 0.5672]),
        ("Most automated sentiment analysis tools are shit.", [0.375, 0.625, 0.0, -0.5574]),
        ("With VADER, sentiment analysis is the shit!", [0.0, 0.583, 0.417, 0.6476]),
        ("Other sentiment analysis tools can be quite bad.", [0.351, 0.649, 0.0, -0.5849]),
        ("On the other hand, VADER is quite bad ass", [0.0, 0.423, 0.577, 0.802]),
        ("VADER is such a badass!", [0.0, 0.598, 0.402, 0.4003]),
        ("Without a doubt, excellent idea.", [0.0, 0.341, 0.659, 0.7013]),
        (
            "Roger Dodger is one of the most compelling variations on this theme.",
            [0.0, 0.834, 0.166, 0.2944],
        ),
        (
            "Roger Dodger is at least compelling as a variation on the theme.",
            [0.0, 0.853, 0.147, 0.2263],
        ),
        (
            "Roger Dodger is one of the least compelling variations on this theme.",
            [0.132, 0.868, 0.0, -0.1695],
        ),
        ("Not such a badass after all.", [0.289, 0.711, 0.0, -0.2584]),
        ("Without a doubt, an excellent idea.", [0.0, 0.408, 0.592, 0.7013]),
    ];
    cases.into_iter().for_each(|(text, scores)| check(text, scores));
}

/// Each rule and quirk once, rated by version 3.3.2 on Python 3.11.
#[test]
fn vader_follows_every_rule() {
    let cases = [
        ("", [0.0, 0.0, 0.0, 0.0]),
        ("good", [0.0, 0.0, 1.0, 0.4404]),
        ("no good", [0.706, 0.294, 0.0, -0.3412]),
        ("no", [1.0, 0.0, 0.0, -0.296]),
        ("no or not good", [0.697, 0.303, 0.0, -0.5583]),
        ("she has a beating heart and hearts", [0.0, 0.231, 0.769, 0.936]),
        ("wait at the bus stop now", [0.0, 1.0, 0.0, 0.0]),
        ("yeah right", [0.0, 0.312, 0.688, 0.296]),
        ("it is to die for", [0.494, 0.506, 0.0, -0.5994]),
        ("kiss of death", [0.506, 0.13, 0.364, -0.2732]),
        ("smile 😁ok 😁😁!", [0.0, 0.504, 0.496, 0.8955]),
        ("🆙 good ⚠\u{fe0f}", [0.0, 0.484, 0.516, 0.4926]),
        ("good good but good good", [0.0, 0.079, 0.921, 0.891]),
        ("GOOD", [0.0, 0.0, 1.0, 0.4404]),
        ("GOOD bad", [0.491, 0.0, 0.509, 0.0343]),
        ("never so good", [0.0, 0.348, 0.652, 0.5777]),
        ("so this good", [0.0, 0.386, 0.614, 0.4902]),
        ("it was never really so good", [0.0, 0.55, 0.45, 0.6236]),
        ("is this good??", [0.0, 0.38, 0.62, 0.504]),
        ("good?? bad????", [0.606, 0.0, 0.394, -0.3736]),
        ("least good", [0.706, 0.294, 0.0, -0.3412]),
        ("very least good", [0.0, 0.386, 0.614, 0.4902]),
        (":P :p", [0.0, 0.0, 1.0, 0.5766]),
        ("''tis fine''", [0.0, 0.357, 0.643, 0.2023]),
        ("K good Straße", [0.0, 0.408, 0.592, 0.4404]),
        ("x\u{1c}good\u{3000}bad", [0.473, 0.135, 0.392, -0.1531]),
        ("just enough good", [0.0, 0.408, 0.592, 0.4404]),
        ("he is sort of really nice", [0.0, 0.641, 0.359, 0.4215]),
        ("won't n't N'T great", [0.429, 0.571, 0.0, -0.3085]),
        ("the 1 in 16 good a a a a a a a a a a a", [0.0, 0.838, 0.162, 0.4404]),
    ];
    cases.into_iter().for_each(|(text, scores)| check(text, scores));
}
