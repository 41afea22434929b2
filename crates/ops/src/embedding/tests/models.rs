//! `embedding` with a model, and of documents that are no plain texts.

use super::*;
use crate::models::{FILES, Pack};
use crate::work::Model;
use std::path::Path;
use windlass_core::BlobId;

/// A model of `models/reference`, as a job names it and as its open file.
fn model(name: &str) -> (ModelRef, File) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/models/reference").join(name);
    let read = |file: &&str| Some(((*file).to_owned(), std::fs::read(folder.join(file)).ok()?));
    opened(name, Pack::of(&FILES.iter().filter_map(read).collect()).bytes())
}

fn opened(name: &str, bytes: &[u8]) -> (ModelRef, File) {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    let size = bytes.len() as u64;
    (ModelRef { name: name.to_owned(), id: BlobId::of(bytes), size }, file)
}

fn counted(
    given: Given<'_>,
    asked: &ModelRef,
    file: File,
    source: Source,
) -> Result<Kept, Failure> {
    let (mut output, params) = (Kept::default(), with(given, asked, Some(COUNT)));
    let model = Some(Model { asked: asked.clone(), file });
    run(&mut Work { model, ..Work::new(Some(source), &params, &mut output) })?;
    Ok(output)
}

fn with(given: Given<'_>, asked: &ModelRef, step: Option<&str>) -> Params {
    let mut params = params(given, step);
    params.0.insert("model".to_owned(), asked.to_string());
    params
}

fn built_on(asked: &ModelRef, name: &str, before: &[&[u8]]) -> Result<Kept, Failure> {
    let model = asked.to_string();
    step(&[("model", &model)], name, before)
}

fn json_of(kept: &Kept) -> Value {
    serde_json::from_slice(&kept.artifacts[0].1).expect("JSON")
}

#[test]
fn a_model_gives_each_document_a_vector_and_its_neighbours() {
    let texts = ["green tea", "Green  TEA", "red wine", "", &"tea ".repeat(50)];
    for name in ["static", "bert"] {
        let vectors: Vec<Vec<u8>> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let (asked, file) = model(name);
                let source = source(&format!("{at}.txt"), text.as_bytes());
                counted(&[], &asked, file, source).expect("made").artifacts.remove(0).1
            })
            .collect();
        let (asked, _) = model(name);
        let before: Vec<&[u8]> = vectors.iter().map(Vec::as_slice).collect();
        assert!(built_on(&asked, FIT, &before).expect("made").artifacts.is_empty());
        let tea = built_on(&asked, TRANSFORM, &before[..1]).expect("made");
        let made = json_of(&tea);
        let vector = floats(&made["vector"]);
        assert_eq!((&made["features"], &made["vector_size"]), (&json!([]), &json!(vector.len())));
        assert_eq!(made["non_zero_features"], json!(vector.len()));
        assert_eq!((&made["model"], &made["encoding"]), (&json!(name), &json!("UTF-8")));
        assert_eq!(made["model_blake3"], asked.id.to_hex());
        let length: f64 = vector.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-5 && tea.notes.is_empty(), "{:?}", tea.notes);
        let long = built_on(&asked, TRANSFORM, &before[4..]).expect("made");
        assert!(long.notes[0].contains("longer than the model reads"), "{:?}", long.notes);

        let nearest = json_of(&built_on(&asked, NEAREST, &before).expect("made"));
        let of = |at: usize| &nearest["documents"][at];
        assert_eq!((&of(0)["name"], &of(0)["nearest"][0][0]), (&json!("0"), &json!("1")));
        let told = of(0)["nearest"][0][1].as_f64().expect("a number");
        let other = json_of(&built_on(&asked, TRANSFORM, &before[1..2]).expect("made"));
        let other = floats(&other["vector"]);
        let cosine: f64 = vector.iter().zip(&other).map(|(a, b)| a * b).sum();
        assert!((told - cosine).abs() < 1e-5, "{told} and {cosine}");
    }
}

#[test]
fn a_document_without_known_words_has_nought_and_no_neighbours() {
    let (asked, file) = model("static");
    let made = counted(&[], &asked, file, source("a.txt", "\u{1F375}".as_bytes())).expect("made");
    let empty = &made.artifacts[0].1[..];
    let (_, file) = model("static");
    let tea = counted(&[], &asked, file, source("b.txt", b"tea")).expect("made");
    let result = built_on(&asked, TRANSFORM, &[empty]).expect("made");
    assert!(result.notes[0].contains("no word that the model knows"), "{:?}", result.notes);
    assert_eq!(json_of(&result)["non_zero_features"], 0);
    let nearest = built_on(&asked, NEAREST, &[empty, &tea.artifacts[0].1]).expect("made");
    assert_eq!(json_of(&nearest)["documents"][0]["nearest"], json!([]));
    assert_eq!(json_of(&nearest)["documents"][1]["nearest"], json!([]));
}

#[test]
fn nearest_documents_of_many_blocks_are_those_of_each_pair() {
    let (asked, _) = model("static");
    let vectors: Vec<Vec<u8>> = (0..150)
        .map(|at: u32| {
            let base = at.to_string();
            let origin = Origin { base: &base, encoding: "UTF-8", notes: Vec::new() };
            let angle = (at * 37 % 150) as f32 / 50.0;
            semantic::encode(&origin, &[angle.cos(), angle.sin()])
        })
        .collect();
    let before: Vec<&[u8]> = vectors.iter().map(Vec::as_slice).collect();
    let nearest = json_of(&built_on(&asked, NEAREST, &before).expect("made"));
    for at in 0..150_i64 {
        let place = at * 37 % 150;
        let names = nearest["documents"][at as usize]["nearest"].as_array().expect("a list");
        let steps: Vec<i64> = names
            .iter()
            .map(|pair| pair[0].as_str().and_then(|name| name.parse().ok()).expect("a name"))
            .map(|other: i64| (other * 37 % 150 - place).abs())
            .collect();
        assert_eq!(steps.len(), 10);
        assert!(steps.is_sorted() && steps[0] == 1, "{at}: {steps:?}");
    }
}

#[test]
fn what_is_no_model_is_refused() {
    let texts = || source("a.txt", b"tea");
    let (asked, file) = opened("odd", b"windlass model\x01\x02\0\0\0[]");
    let failure = counted(&[], &asked, file, texts()).err().expect("refused");
    assert_eq!(failure.code, "model_unusable");
    assert!(failure.cause.contains("model odd: it has no tokenizer.json"), "{}", failure.cause);
    let (asked, file) = opened("odd", b"something else");
    assert_eq!(counted(&[], &asked, file, texts()).err().expect("refused").code, "model_unusable");
    let (asked, _) = model("static");
    let (_, short) = opened("static", b"short");
    let failure = counted(&[], &asked, short, texts()).err().expect("refused");
    assert_eq!(failure.code, "model_unreadable");
    let mut params = params(&[], Some(COUNT));
    params.0.insert("model".to_owned(), "static".to_owned());
    let mut output = Kept::default();
    let failure = run(&mut Work::new(Some(texts()), &params, &mut output)).expect_err("refused");
    assert_eq!(failure.code, "model_unknown");
}

#[test]
fn another_model_is_loaded_in_place_of_the_last() {
    for name in ["static", "bert", "static"] {
        let (asked, file) = model(name);
        let made = counted(&[], &asked, file, source("a.txt", b"tea")).expect("made");
        let placed = semantic::Placed::decode(&made.artifacts[0].1).expect("read");
        assert_eq!(placed.vector.len(), if name == "bert" { 16 } else { 8 });
    }
}

#[test]
fn what_no_step_wrote_of_vectors_is_refused() {
    let (asked, _) = model("static");
    let origin = Origin { base: "a", encoding: "UTF-8", notes: vec!["short"] };
    let good = semantic::encode(&origin, &[1.0, 2.0]);
    for name in [TRANSFORM, NEAREST] {
        for length in 0..good.len() {
            match built_on(&asked, name, &[&good[..length]]) {
                Err(failure) => assert_eq!(failure.code, "step_damaged"),
                // Whole numbers are gone from its end.
                Ok(_) => assert!((good.len() - length).is_multiple_of(4), "{length}"),
            }
        }
    }
    let longer = semantic::encode(&origin, &[1.0, 2.0, 3.0]);
    let failure = built_on(&asked, NEAREST, &[&good, &longer]).err().expect("refused");
    assert_eq!(failure.code, "step_damaged");
}

#[test]
fn of_a_document_the_text_counts() {
    let page = b"<html><body><p class=wine>green <b>tea</b></p></body></html>";
    let mut web = source("page.html", page);
    web.media = Media::Html;
    let (mut output, params) = (Kept::default(), params(&[], None));
    run(&mut Work::new(Some(web), &params, &mut output)).expect("made");
    let made = json_of(&output);
    assert_eq!(made["features"], json!(["green", "tea"]));
    assert_eq!(made["encoding"], "HTML");
    let (asked, file) = model("static");
    let mut web = source("page.html", page);
    web.media = Media::Html;
    let from_page = counted(&[], &asked, file, web).expect("made");
    let (_, file) = model("static");
    let from_text = counted(&[], &asked, file, source("a.txt", b"green tea")).expect("made");
    let vector = |kept: &Kept| semantic::Placed::decode(&kept.artifacts[0].1).expect("read").vector;
    assert_eq!(vector(&from_page), vector(&from_text));
}
