//! `windlass models`, and vectors by a model through the real binary: on this machine, on a worker
//! elsewhere, from the memo and not from it.

use crate::cluster::{joined, master, run_on};
use crate::lab::{Lab, Ran};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A tiny model of the operations' tests.
fn tiny(name: &str) -> PathBuf {
    let ops = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/src/models/reference");
    ops.join(name).canonicalize().expect("a model")
}

fn add(lab: &Lab, name: &str, more: &[&str]) -> Ran {
    let source = tiny(name);
    let mut args = vec!["models", "add", source.to_str().expect("text")];
    args.extend(more);
    lab.run(&args)
}

fn vector(lab: &Lab, name: &str) -> Value {
    lab.result("embedding", &format!("{name}_embedding.json"))["vector"].clone()
}

fn json(lab: &Lab, args: &[&str]) -> Value {
    serde_json::from_str(&lab.run(args).ended(0).stdout).expect("JSON")
}

const WITH_MODEL: [&str; 6] = ["run", "in", "--op", "embedding", "--param", "model=small"];

#[test]
fn models_are_added_listed_shown_and_removed() {
    let lab = Lab::new();
    lab.run(&["models"]).ended(0).said("There is no model");
    add(&lab, "static", &[]).ended(0).said("Model static is added");
    let again = add(&lab, "static", &[]);
    assert!(again.ended(0).said("there already").stdout.contains("static (model2vec)"));
    add(&lab, "bert", &["--name", "static"]).ended(1).said("--replace");
    add(&lab, "bert", &["--name", "small"]).ended(0);
    let listed = lab.run(&["models"]).ended(0).stdout.clone();
    assert!(listed.contains("static (model2vec), vectors of 8"), "{listed}");
    assert!(listed.contains("BERT, 2 layers of 4 heads, vectors of 16"), "{listed}");
    let shown = json(&lab, &["models", "show", "small", "--json"]);
    let hash = shown["blake3"].as_str().expect("a hash");
    let file = std::fs::read(lab.path("models/small.model")).expect("a file");
    assert_eq!(hash, blake3::hash(&file).to_hex().as_str());
    assert!(lab.run(&["models", "show", "small"]).ended(0).stdout.contains(hash));
    lab.run(&["models", "rm", "small"]).ended(0);
    lab.run(&["models", "rm", "small"]).ended(2).said("there are static");
    let empty = lab.path("empty");
    std::fs::create_dir(&empty).expect("made");
    let empty = empty.to_str().expect("text");
    lab.run(&["models", "add", empty]).ended(1).said("no tokenizer.json and no model.safetensors");
    let text = lab.input("a.txt", "tea");
    let text = text.to_str().expect("text");
    lab.run(&["models", "add", text]).ended(1).said("it is no wheel");
}

#[test]
fn a_model_by_name_or_folder_makes_vectors_and_is_remembered_by_its_content() {
    let lab = Lab::new();
    lab.input("a.txt", "green tea");
    lab.input("b.html", "<!doctype html><html><body><p>green <b>tea</b></p></body></html>");
    lab.run(&WITH_MODEL).ended(2).said("there is no model \"small\"").said("windlass models add");
    add(&lab, "static", &["--name", "small"]).ended(0);
    lab.run(&WITH_MODEL).ended(0);
    let first = vector(&lab, "a");
    assert_eq!(first.as_array().map(Vec::len), Some(8));
    assert_eq!(vector(&lab, "b"), first, "its text is the same");
    assert_eq!(lab.result("embedding", "nearest.json")["documents"][0]["nearest"][0][0], "b");
    // The file alone is not the model: it is what the job took along.
    lab.run(&WITH_MODEL).ended(0).said("known from earlier runs");
    assert_eq!((lab.row("a.txt")["memo"].clone(), vector(&lab, "a")), (true.into(), first.clone()));
    // A copy under another name counts as the text in that file.
    lab.input("c.txt", "green tea");
    lab.run(&WITH_MODEL).ended(0);
    let nearest = lab.result("embedding", "nearest.json");
    assert_eq!(nearest["documents"][2]["name"], "c");
    // Another model of the same name is another one.
    add(&lab, "bert", &["--name", "small", "--replace"]).ended(0);
    lab.run(&WITH_MODEL).ended(0);
    assert_eq!(lab.row("a.txt")["memo"], false);
    assert_eq!(vector(&lab, "a").as_array().map(Vec::len), Some(16));
    lab.run(&["models", "rm", "small"]).ended(0);
    let folder = format!("model={}", tiny("static").display());
    lab.run(&["run", "in", "--op", "embedding", "--param", &folder]).ended(0);
    assert_eq!(vector(&lab, "a"), first);
    assert_eq!(lab.result("embedding", "a_embedding.json")["model"], "static");
}

#[test]
fn a_worker_elsewhere_gets_the_model_from_its_master() {
    let lab = Lab::new();
    lab.input("a.txt", "green tea");
    add(&lab, "bert", &["--name", "small"]).ended(0);
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let args = ["in", "--op", "embedding", "--param", "model=small"];
    let ran = run_on(&lab, &address, &args).output().expect("it ends");
    Ran::of(ran).ended(0);
    let made = vector(&lab, "a");
    let other = Lab::new();
    other.input("a.txt", "green tea");
    add(&other, "bert", &["--name", "small"]).ended(0);
    other.run(&WITH_MODEL).ended(0);
    assert_eq!(made, vector(&other, "a"));
}
