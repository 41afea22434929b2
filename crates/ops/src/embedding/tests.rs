//! `embedding` step by step: scikit-learn's own weights, documents without terms, neighbours, what
//! no step wrote.

mod models;

use super::origin::Origin;
use super::term::Term;
use super::*;
use crate::Earlier;
use crate::kept::Kept;
use crate::work::Source;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use windlass_core::media::Media;
use windlass_core::params::Params;

type Given<'a> = &'a [(&'a str, &'a str)];

fn params(given: Given<'_>, step: Option<&str>) -> Params {
    let given: BTreeMap<_, _> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut params = Params::normalise("embedding", SPEC.params, &given).expect("accepted");
    params.0.extend(step.map(|step| (STEP_PARAM.to_owned(), step.to_owned())));
    params
}

fn source(name: &str, content: &[u8]) -> Source {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(content).expect("written");
    file.rewind().expect("rewound");
    Source::new(file, name.to_owned(), Media::Text, content.len() as u64, None)
}

/// What a step makes of these artifacts of earlier steps.
fn step(given: Given<'_>, name: &str, before: &[&[u8]]) -> Result<Kept, Failure> {
    let earlier = Earlier::in_memory(before.to_vec());
    let mut output = Kept::default();
    let params = params(given, Some(name));
    run(&mut Work { earlier, ..Work::new(None, &params, &mut output) })?;
    Ok(output)
}

/// What a run makes of documents that are called `0.txt`, `1.txt` and so on.
struct Run {
    vectors: Vec<Value>,
    notes: Vec<Vec<String>>,
    nearest: Value,
}

fn all(given: Given<'_>, documents: &[&[u8]]) -> Result<Run, Failure> {
    let count = |(index, document): (usize, &&[u8])| {
        let (mut output, params) = (Kept::default(), params(given, Some(COUNT)));
        let source = source(&format!("{index}.txt"), document);
        run(&mut Work::new(Some(source), &params, &mut output)).expect("counted");
        output.artifacts.remove(0).1
    };
    let counts: Vec<Vec<u8>> = documents.iter().enumerate().map(count).collect();
    let mut before: Vec<&[u8]> = counts.iter().map(Vec::as_slice).collect();
    let features = step(given, FIT, &before)?.artifacts.remove(0).1;
    let (mut vectors, mut notes) = (Vec::new(), Vec::new());
    for counts in &counts {
        let made = step(given, TRANSFORM, &[counts, &features])?;
        assert_eq!(made.artifacts[0].0, "{base}_embedding.json");
        vectors.push(serde_json::from_slice(&made.artifacts[0].1).expect("JSON"));
        notes.push(made.notes);
    }
    before.push(&features);
    let nearest = match step(given, NEAREST, &before)?.artifacts.first() {
        Some((_, bytes)) => serde_json::from_slice(bytes).expect("JSON"),
        None => Value::Null,
    };
    Ok(Run { vectors, notes, nearest })
}

fn floats(vector: &Value) -> Vec<f64> {
    let floats = vector.as_array().expect("an array").iter();
    floats.map(|it| it.as_f64().expect("a number")).collect()
}

/// Every parameter, beside what scikit-learn 1.9.1 makes of the same documents (`reference.py`).
#[test]
fn weights_are_those_of_scikit_learn() {
    let reference: Value =
        serde_json::from_str(include_str!("reference.json")).expect("the reference is JSON");
    let documents: Vec<&[u8]> = reference["documents"]
        .as_array()
        .expect("documents")
        .iter()
        .map(|it| it.as_str().expect("text").as_bytes())
        .collect();
    let cases = reference["cases"].as_array().expect("cases");
    assert!(cases.len() > 20);
    for case in cases {
        let given: Vec<(&str, &str)> = case["params"]
            .as_object()
            .expect("parameters")
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().expect("text")))
            .collect();
        let run = all(&given, &documents).expect("made");
        for (position, result) in run.vectors.iter().enumerate() {
            let place = format!("document {position} with {given:?}");
            assert_eq!(result["features"], case["features"], "{place}");
            let vector = floats(&result["vector"]);
            assert_eq!(result["vector_size"], json!(vector.len()), "{place}");
            let mut expected = vec![0.0; vector.len()];
            let listed = case["vectors"][position].as_array().expect("weights");
            for pair in listed {
                let number = pair[0].as_u64().expect("a number") as usize;
                expected[number] = pair[1].as_f64().expect("a weight");
            }
            assert_eq!(result["non_zero_features"], json!(listed.len()), "{place}");
            for (ours, theirs) in vector.iter().zip(&expected) {
                assert!((ours - theirs).abs() < 1e-12, "{place}: {ours} and {theirs}");
            }
        }
    }
}

#[test]
fn of_equally_frequent_terms_the_lower_code_points_stay() {
    let documents: [&[u8]; 2] = [b"pear apple fig", b"fig Pear quince"];
    let run = all(&[("max_features", "3"), ("lowercase", "false")], &documents).expect("made");
    assert_eq!(run.vectors[0]["features"], json!(["Pear", "apple", "fig"]));
}

#[test]
fn a_sparse_result_holds_what_is_not_nought() {
    let documents: [&[u8]; 2] = [b"pear apple", b"fig pear"];
    let given: Given<'_> = &[("form", "sparse"), ("use_idf", "false"), ("norm", "none")];
    let run = all(given, &documents).expect("made");
    let expected = json!({
        "vector": [1.0, 1.0],
        "features": ["fig", "pear"],
        "vector_size": 3,
        "non_zero_features": 2,
        "encoding": "UTF-8",
    });
    assert_eq!(run.vectors[1], expected);
}

#[test]
fn neighbours_are_named_nearest_first() {
    let documents: [&[u8]; 5] =
        [b"red wine red", b"red wine", b"wine white", b"green tea", b"the of"];
    let run = all(&[], &documents).expect("made");
    let listed = run.nearest["documents"].as_array().expect("documents");
    let names = |at: usize| -> Vec<&str> {
        let pairs = listed[at]["nearest"].as_array().expect("pairs").iter();
        pairs.map(|pair| pair[0].as_str().expect("a name")).collect()
    };
    assert_eq!(listed[0]["name"], "0");
    assert_eq!(names(0), ["1", "2"]);
    assert_eq!(names(2), ["1", "0"]);
    assert_eq!((names(3), names(4)), (vec![], vec![]));
    let vectors: Vec<Vec<f64>> = run.vectors.iter().map(|it| floats(&it["vector"])).collect();
    let cosine: f64 = vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum();
    let told = listed[0]["nearest"][0][1].as_f64().expect("a number");
    assert!((told - cosine).abs() < 1e-12, "{told} and {cosine}");
    let one = all(&[("nearest", "1"), ("norm", "l1")], &documents).expect("made").nearest;
    assert_eq!(one["documents"][2]["nearest"].as_array().map(Vec::len), Some(1));
    assert!(
        (one["documents"][0]["nearest"][0][1].as_f64().expect("a number") - cosine).abs() < 1e-12
    );
    assert_eq!(all(&[("nearest", "0")], &documents).expect("made").nearest, Value::Null);
}

/// A document that is twice there is its own copy's nearest, and never more than equal to it.
#[test]
fn copies_are_equal_and_come_in_their_order() {
    let run = all(&[], &[b"red wine", b"wine", b"red wine", b"red wine"]).expect("made");
    let nearest = &run.nearest["documents"][2]["nearest"];
    assert_eq!((&nearest[0], &nearest[1]), (&json!(["0", 1.0]), &json!(["3", 1.0])));
}

#[test]
fn documents_without_terms_have_empty_vectors_and_a_note() {
    let run =
        all(&[], &[b"cats and dogs", b"", b"the of and", b"\0\xff\xfe\x01\x80"]).expect("made");
    for at in 1..4 {
        assert_eq!(run.vectors[at]["vector"], json!([0.0, 0.0]), "document {at}");
        assert_eq!(run.vectors[at]["non_zero_features"], json!(0));
        assert_eq!(run.notes[at], ["the document has none of the features: its vector is 0"]);
    }
    assert!(run.notes[0].is_empty());
}

#[test]
fn one_document_is_weighed_against_nothing() {
    let (mut output, params) = (Kept::default(), params(&[], None));
    let text = source("a.b.txt", b"cats and dogs, cats");
    run(&mut Work::new(Some(text), &params, &mut output)).expect("made");
    let alone: Value = serde_json::from_slice(&output.artifacts[0].1).expect("JSON");
    assert_eq!(all(&[], &[b"cats and dogs, cats"]).expect("made").vectors[0], alone);
    assert_eq!(floats(&alone["vector"]), [2.0 / 5.0_f64.sqrt(), 1.0 / 5.0_f64.sqrt()]);
}

#[test]
fn texts_are_read_in_their_encoding() {
    let run = all(&[], &[b"\xff\xfeM\0\xfc\0n\0", "Mün".as_bytes()]).expect("made");
    assert_eq!(run.vectors[0]["features"], json!(["mün"]));
    assert_eq!(run.vectors[0]["encoding"], "UTF-16LE");
}

fn refused(given: Given<'_>, documents: &[&[u8]]) -> (String, String) {
    let failure = all(given, documents).err().expect("refused");
    (failure.code, failure.cause)
}

#[test]
fn where_no_term_is_left_the_failure_says_why() {
    let (code, cause) = refused(&[], &[b"the of", b""]);
    assert_eq!((code.as_str(), cause.contains("stop words")), ("no_features", true), "{cause}");
    let (code, cause) = refused(&[("min_df", "2")], &[b"cat", b"dog"]);
    assert_eq!(code, "no_features");
    assert_eq!(cause, "none of the 2 terms is in 2 to 2 of 2 documents");
    let (code, _) = refused(&[("min_df", "3"), ("max_df", "0.5")], &[b"cat", b"dog"]);
    assert_eq!(code, "parameters_conflict");
    let conflict = Settings::of(&params(&[("ngram_min", "3"), ("ngram_max", "2")], None));
    assert_eq!(conflict.expect_err("refused").code, "parameters_conflict");
}

/// Another process has made what a step reads: it ends with a failure whatever that is.
#[test]
fn what_no_step_wrote_is_refused() {
    let terms = [b"cat", b"dog"].map(|term| (Term::of(term), 1));
    let origin = Origin { base: "a", encoding: "UTF-8", notes: vec!["short"] };
    let good = counts::encode(&origin, &terms);
    let features = step(&[], FIT, &[&good]).expect("made").artifacts.remove(0).1;
    for (name, artifacts) in
        [(FIT, vec![&good]), (TRANSFORM, vec![&good, &features]), (NEAREST, vec![&good, &features])]
    {
        for (at, artifact) in artifacts.iter().enumerate() {
            for length in 0..artifact.len() {
                let mut broken: Vec<&[u8]> = artifacts.iter().map(|it| it.as_slice()).collect();
                broken[at] = &artifact[..length];
                let failure = step(&[], name, &broken).err().expect("refused");
                assert_eq!(failure.code, "step_damaged", "{name}, {length} bytes");
            }
            for changed in 0..artifact.len() {
                let mut bytes = artifact.to_vec();
                bytes[changed] ^= 0x55;
                let mut broken: Vec<&[u8]> = artifacts.iter().map(|it| it.as_slice()).collect();
                broken[at] = &bytes;
                // Some changes make other terms of it: no step may stop over any.
                let _ = step(&[], name, &broken);
            }
        }
    }
}
