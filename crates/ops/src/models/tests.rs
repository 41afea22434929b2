//! Models beside Python's own libraries, on the tiny ones of `reference.py` and
//! `reference_unigram.py`; files that are none.

use super::*;
use encoder::Reach;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use tokenizer::Tokenizer;

type Files = BTreeMap<String, Vec<u8>>;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/models/reference").join(name)
}

fn files(name: &str) -> Files {
    let read =
        |file: &&str| Some(((*file).to_owned(), std::fs::read(folder(name).join(file)).ok()?));
    FILES.iter().filter_map(read).collect()
}

fn reference() -> Vec<Value> {
    lines("reference.json")
}

fn lines(file: &str) -> Vec<Value> {
    let bytes = std::fs::read(folder(file)).expect("read");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f32> {
    let numbers = value.as_array().expect("a list").iter();
    numbers.map(|it| it.as_f64().expect("a number") as f32).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

#[test]
fn tokens_are_those_of_the_tokenizers_library() {
    let tokenizer = Tokenizer::read(&files("bert")["tokenizer.json"]).expect("read");
    let texts = reference();
    assert!(texts.len() > 10);
    for line in texts {
        let text = line["text"].as_str().expect("text");
        let expected: Vec<u64> =
            line["tokens"].as_array().expect("tokens").iter().filter_map(Value::as_u64).collect();
        let [before, behind] = &tokenizer.frame;
        let made = [before, &tokenizer.tokens(text, None).ids[..], behind].concat();
        let made: Vec<u64> = made.into_iter().map(u64::from).collect();
        assert_eq!(made, expected, "{text:?}");
    }
}

#[test]
fn pieces_of_sentencepiece_are_those_of_its_libraries() {
    let texts = lines("unigram.json");
    assert!(texts.len() > 10);
    for name in ["unigram", "metaspace"] {
        let tokenizer = Tokenizer::read(&files(name)["tokenizer.json"]).expect("read");
        let encoder = Encoder::of(&Pack::of(&files(name))).expect("a model");
        for line in &texts {
            let text = line["text"].as_str().expect("text");
            let expected = line[format!("{name}_tokens")].as_array().expect("tokens").iter();
            let made = tokenizer.tokens(text, None).ids.into_iter().map(u64::from);
            assert!(made.clone().eq(expected.filter_map(Value::as_u64)), "{text:?}: {made:?}");
            let made = encoder.encode(text, Reach::Beginning, &mut |_, _| {}).vector;
            for (ours, theirs) in made.iter().zip(&numbers(&line[name])) {
                assert!((ours - theirs).abs() < 1e-6, "{name} {text:?}: {made:?}");
            }
        }
    }
}

/// A long text is cut in parts, and so makes the same tokens as in one.
#[test]
fn a_long_text_makes_the_tokens_of_its_parts() {
    for (name, part) in [
        ("unigram", "The cat sat on the mat, die Katze; 猫は マットの ½ x\u{301}. "),
        ("metaspace", "The cat sat on the mat, die Katze; 猫は マットの ½ x\u{301}. "),
        ("unigram", "Кошка сидит, на коврике. "),
        ("metaspace", "Кошка сидит, на коврике. "),
    ] {
        let tokenizer = Tokenizer::read(&files(name)["tokenizer.json"]).expect("read");
        let of = |text: &str| tokenizer.tokens(text, None).ids;
        let (once, twice) = (of(part), of(&part.repeat(2)));
        let more = &twice[once.len()..];
        let long = of(&part.repeat(5_000));
        assert!(part.len() * 5_000 > 200_000 && once == twice[..once.len()]);
        assert_eq!(long.len(), once.len() + 4_999 * more.len());
        assert!(long[once.len()..].chunks(more.len()).all(|chunk| chunk == more), "{name}");
        // One word without an end.
        assert!(!of(&"猫".repeat(100_000)).is_empty());
    }
}

#[test]
fn a_tokenizer_that_makes_texts_endless_is_refused_or_stopped() {
    let with = |normalizer: Value| {
        let text = String::from_utf8(files("unigram")["tokenizer.json"].clone()).expect("text");
        let mut stored: Value = serde_json::from_str(&text).expect("JSON");
        stored["normalizer"] = normalizer;
        Tokenizer::read(stored.to_string().as_bytes())
    };
    let replace = |pattern: &str, content: &str| serde_json::json!({ "type": "Replace", "pattern": { "String": pattern }, "content": content });
    let sequence =
        |steps: Vec<Value>| serde_json::json!({ "type": "Sequence", "normalizers": steps });
    let doubling = vec![replace("a", "aa"); 40];
    let tokenizer = with(sequence(doubling)).expect("each step is harmless");
    assert!(tokenizer.tokens("a", None).ids.len() < 100_000);
    let told = |normalizer| with(normalizer).expect_err("refused").to_string();
    assert!(told(replace("", &"x".repeat(1_000))).contains("a long one"));
    assert!(told(sequence(vec![replace("a", "b"); 300])).contains("more than 256 steps"));
    let bracketed = serde_json::json!({
        "type": "Replace", "pattern": { "Regex": "[[:punct:]]" }, "content": "" });
    assert!(told(bracketed).contains("[[:punct:]]"));
    assert!(told(serde_json::json!({ "steps": [] })).contains("no type"));
}

#[test]
fn static_vectors_are_those_of_model2vec() {
    // Python keeps those of half precision in half precision.
    for (name, tolerance) in [("static", 1e-6), ("shared", 1e-3)] {
        let encoder = Encoder::of(&Pack::of(&files(name))).expect("a model");
        for line in reference() {
            let text = line["text"].as_str().expect("text");
            let made = encoder.encode(text, Reach::Beginning, &mut |_, _| {}).vector;
            let expected = numbers(&line[name]);
            assert_eq!(made.len(), expected.len());
            for (ours, theirs) in made.iter().zip(&expected) {
                assert!((ours - theirs).abs() < tolerance, "{name} {text:?}: {made:?}");
            }
        }
    }
}

#[test]
fn bert_vectors_are_those_of_sentence_transformers() {
    let encoder = Encoder::of(&Pack::of(&files("bert"))).expect("a model");
    for line in reference() {
        let text = line["text"].as_str().expect("text");
        let made = encoder.encode(text, Reach::Beginning, &mut |_, _| {}).vector;
        let similarity = cosine(&made, &numbers(&line["bert"]));
        assert!(similarity > 0.999_999, "{text:?}: {similarity}");
    }
}

/// The same model, whose places are counted from the second row.
#[test]
fn a_model_of_roberta_counts_its_places_from_behind_the_filling() {
    let mut given = files("bert");
    let mut tensors = given.remove("model.safetensors").expect("there");
    let length = u64::from_le_bytes(tensors[..8].try_into().expect("eight")) as usize;
    let mut header: Value = serde_json::from_slice(&tensors[8..8 + length]).expect("JSON");
    let places = &mut header["embeddings.position_embeddings.weight"];
    assert_eq!(places["shape"], serde_json::json!([32, 16]));
    let from = places["data_offsets"][0].as_u64().expect("a place") as usize + 8 + length;
    let to = places["data_offsets"][1].as_u64().expect("a place") as usize + 8 + length;
    let shifted = [vec![0xFF; 16 * 4], tensors[from..to].to_vec()].concat();
    let begins = tensors.len() - 8 - length;
    places["shape"] = serde_json::json!([33, 16]);
    places["data_offsets"] = serde_json::json!([begins, begins + shifted.len()]);
    tensors.extend(shifted);
    let header = serde_json::to_vec(&header).expect("JSON");
    let whole =
        [&(header.len() as u64).to_le_bytes()[..], &header, &tensors[8 + length..]].concat();
    given.insert("model.safetensors".to_owned(), whole);
    let config = String::from_utf8(given["config.json"].clone()).expect("text");
    let config = config.replace("\"bert\"", "\"xlm-roberta\"");
    assert!(config.contains("pad_token_id\":0"));
    let config = config.replace("embeddings\":32", "embeddings\":33");
    given.insert("config.json".to_owned(), config.into_bytes());
    let encoder = Encoder::of(&Pack::of(&given)).expect("a model");
    assert_eq!(encoder.facts().kind, "XLM-RoBERTa, 2 layers of 4 heads");
    let bert = Encoder::of(&Pack::of(&files("bert"))).expect("a model");
    for line in reference() {
        let text = line["text"].as_str().expect("text");
        let encode = |encoder: &Encoder| encoder.encode(text, Reach::All, &mut |_, _| {});
        assert_eq!(encode(&encoder), encode(&bert), "{text:?}");
    }
    // The first row is the place of the filling, which nobody writes, and is no number here.
    let filled = encoder.encode("[PAD]", Reach::All, &mut |_, _| {}).vector;
    assert!(filled.iter().all(|number| number.is_nan()));
}

#[test]
fn a_long_text_is_read_to_where_the_model_reads() {
    let text = "tea ".repeat(1_000);
    for (name, count) in [("static", 20), ("shared", 512), ("bert", 24)] {
        let encoder = Encoder::of(&Pack::of(&files(name))).expect("a model");
        let made = encoder.encode(&text, Reach::Beginning, &mut |_, _| {});
        // A character is a token's median length in these vocabularies, blanks count too.
        assert!(made.is_cut && made.token_count <= count, "{name}: {}", made.token_count);
        assert!(!encoder.encode("tea", Reach::Beginning, &mut |_, _| {}).is_cut);
    }
}

/// What is read piece by piece is the mean of the pieces, each in the length that the model reads.
#[test]
fn all_of_a_long_text_counts_where_that_is_wanted() {
    let words = "the cat sat on the mat tea green wine red drink dog ".repeat(5);
    for name in ["static", "bert"] {
        let encoder = Encoder::of(&Pack::of(&files(name))).expect("a model");
        let encode = |text: &str, reach| encoder.encode(text, reach, &mut |_, _| {});
        let all = encode(&words, Reach::All);
        assert!(!all.is_cut && all.token_count >= 60, "{name}: {}", all.token_count);
        let beginning = encode(&words, Reach::Beginning);
        assert!(beginning.is_cut && cosine(&all.vector, &beginning.vector) < 0.999_99);
        assert_eq!(encode("green tea", Reach::All), encode("green tea", Reach::Beginning));
    }
    let encoder = Encoder::of(&Pack::of(&files("bert"))).expect("a model");
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut expected = vec![0.0; 16];
    // 24 tokens are read, two of which stand around the text.
    for piece in words.chunks(22) {
        let made = encoder.encode(&piece.join(" "), Reach::Beginning, &mut |_, _| {});
        assert_eq!(made.token_count, piece.len() + 2);
        let weight = made.token_count as f32;
        expected.iter_mut().zip(&made.vector).for_each(|(sum, x)| *sum += x * weight);
    }
    let made = encoder.encode(&words.join(" "), Reach::All, &mut |_, _| {}).vector;
    assert!(cosine(&made, &expected) > 0.999_999);
}

#[test]
fn a_model_is_the_same_file_wherever_it_comes_from() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let mut given = files("bert");
    for (name, content) in &given {
        archive.start_file(format!("package/model/{name}"), options).expect("begun");
        archive.write_all(content).expect("written");
    }
    archive.start_file("package/deeper/model/tokenizer.json", options).expect("begun");
    let archive = archive.finish().expect("whole").into_inner();
    given.insert("README.md".to_owned(), b"of no use".to_vec());
    let pack = Pack::of(&given);
    assert_eq!(Pack::of(&archived(Cursor::new(archive)).expect("read")), pack);
    assert_eq!(Pack::read(pack.bytes().to_vec()), Some(pack.clone()));
    assert_eq!(pack.file("README.md"), None);
    assert_eq!(pack.file("config.json"), Some(&given["config.json"][..]));
    let facts = examine(&pack).expect("a model");
    assert_eq!((facts.dimension_count, facts.read_token_count_max), (16, Some(24)));
    assert_eq!(facts.kind, "BERT, 2 layers of 4 heads");
    for length in 0..pack.bytes().len().min(2_000) {
        assert_eq!(Pack::read(pack.bytes()[..length].to_vec()), None);
    }
}

/// What is told of the files of a model, one of which is replaced, or taken away.
fn refused(name: &str, file: &str, content: Option<&[u8]>) -> String {
    let mut files = files(name);
    match content {
        Some(content) => drop(files.insert(file.to_owned(), content.to_vec())),
        None => drop(files.remove(file)),
    }
    examine(&Pack::of(&files)).expect_err("no model").to_string()
}

fn changed(name: &str, file: &str, from: &str, to: &str) -> String {
    let text = String::from_utf8(files(name)[file].clone()).expect("text");
    assert!(text.contains(from), "{text}");
    refused(name, file, Some(text.replace(from, to).as_bytes()))
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    assert_eq!(refused("static", "tokenizer.json", None), "it has no tokenizer.json");
    assert_eq!(
        examine(&Pack::of(&Files::new())).expect_err("nothing").to_string(),
        "it has no tokenizer.json and no model.safetensors"
    );
    assert!(refused("bert", "config.json", None).contains("no model2vec model"));
    assert!(refused("bert", "1_Pooling/config.json", None).contains("1_Pooling"));
    assert!(changed("bert", "config.json", "\"bert\"", "\"mpnet\"").contains("of the kind mpnet"));
    assert!(changed("bert", "config.json", "\"gelu\"", "\"relu\"").contains("relu"));
    assert!(
        changed("bert", "1_Pooling/config.json", "cls_token\":false", "cls_token\":true")
            .contains("cls_token and mean_tokens")
    );
    assert!(changed("bert", "modules.json", "models.Normalize", "models.Dense").contains("Dense"));
    assert!(
        changed("static", "tokenizer.json", "\"WordPiece\",\"unk", "\"BPE\",\"unk").contains("BPE")
    );
    assert!(changed("static", "tokenizer.json", "BertNormalizer", "Nmt").contains("the kind Nmt"));
    assert!(refused("static", "model.safetensors", Some(b"no")).contains("ends too early"));
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    assert!(
        changed("bert", "config.json", "hidden_size\":16", "hidden_size\":20").contains("sizes")
    );
    assert!(changed("bert", "config.json", "heads\":4", "heads\":5").contains("no sense"));
    assert!(changed("bert", "config.json", "layers\":2", "layers\":3").contains("layer.2"));
    assert!(
        changed("bert", "config.json", "heads\":4", "heads\":0").contains("num_attention_heads")
    );
    assert!(
        changed("static", "tokenizer.json", "\"vocab\":{", "\"vocab\":{\"new\":9999,")
            .contains("do not fit")
    );
    // A token that the model has no vector for.
    assert!(
        changed("bert", "tokenizer.json", "\"ids\":[2]", "\"ids\":[2,99999]").contains("vectors")
    );
}

/// Whatever a file holds, it is a model or it is refused: nothing of it is believed.
#[test]
fn damaged_models_are_refused_or_work() {
    let mut state = 7_u64;
    let mut drawn = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut usable_count = 0;
    for name in ["static", "shared", "bert", "unigram", "metaspace"] {
        let whole = Pack::of(&files(name)).bytes().to_vec();
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..=drawn(3) {
                let at = drawn(bytes.len());
                bytes[at] = match drawn(3) {
                    0 => b'0' + drawn(10) as u8,
                    1 => bytes[at] ^ 1 << drawn(8),
                    _ => drawn(256) as u8,
                };
            }
            let Some(encoder) = Pack::read(bytes).and_then(|pack| Encoder::of(&pack).ok()) else {
                continue;
            };
            let made =
                encoder.encode("[MASK] Green tea, 日本 x½", Reach::Beginning, &mut |_, _| {});
            assert_eq!(made.vector.len(), encoder.facts().dimension_count);
            usable_count += 1;
        }
    }
    assert!(usable_count > 100, "most changes concern numbers alone: {usable_count}");
}
