//! Vectors of texts through the real binary: three steps over a folder, one of its files bad.

use crate::lab::Lab;
use serde_json::{Value, json};

fn floats(vector: &Value) -> Vec<f64> {
    vector.as_array().expect("an array").iter().map(|it| it.as_f64().expect("a number")).collect()
}

/// Weights by scikit-learn 1.9.1: `TfidfVectorizer(max_features=100, stop_words='english')` over
/// the three good texts.
#[test]
fn a_folder_gets_its_vectors_though_one_file_is_bad() {
    let lab = Lab::new();
    lab.input("a/tea.txt", "Green tea, black tea and red wine.");
    lab.input("b/tea.txt", "Tea: the best tea is green!");
    lab.input("wine.txt", [&b"\xff\xfe"[..], &utf16("Red wine, white wine")].concat());
    lab.input("bad.txt", [0x89, b'P', b'N', b'G', 0, 1, 2, 3, 0xff, 0xfe].repeat(20));
    lab.run(&["run", "in", "--op", "embedding"]).ended(3).said("bad.txt");
    let names =
        ["nearest.json", "tea-2_embedding.json", "tea_embedding.json", "wine_embedding.json"];
    assert_eq!(lab.results("embedding"), names);

    let tea = lab.result("embedding", "tea_embedding.json");
    assert_eq!(tea["features"], json!(["best", "black", "green", "red", "tea", "white", "wine"]));
    assert_eq!((&tea["vector_size"], &tea["non_zero_features"]), (&json!(7), &json!(5)));
    let expected = [
        0.0,
        0.4450472076122795,
        0.3384698726826178,
        0.3384698726826178,
        0.6769397453652356,
        0.0,
        0.3384698726826178,
    ];
    for (ours, theirs) in floats(&tea["vector"]).iter().zip(expected) {
        assert!((ours - theirs).abs() < 1e-12, "{ours} and {theirs}");
    }
    assert_eq!(lab.result("embedding", "wine_embedding.json")["encoding"], "UTF-16LE");

    let nearest = lab.result("embedding", "nearest.json");
    let of = |at: usize| {
        let document = &nearest["documents"][at];
        (document["name"].clone(), document["nearest"][0][0].clone())
    };
    assert_eq!(of(0), (json!("tea"), json!("tea-2")));
    assert_eq!(of(1), (json!("tea-2"), json!("tea")));
    assert_eq!(of(2), (json!("wine"), json!("tea")));

    // The same command again makes the same bytes.
    let before = std::fs::read(lab.path("processed_results/embedding/nearest.json"));
    lab.run(&["run", "in", "--op", "embedding"]).ended(3);
    let after = std::fs::read(lab.path("processed_results/embedding/nearest.json"));
    assert_eq!(before.expect("read"), after.expect("read"));
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn words_to_leave_out_come_from_a_file() {
    let lab = Lab::new();
    lab.input("a.txt", "cats and dogs");
    std::fs::write(lab.path("words"), "cats\nand\n").expect("written");
    let words = format!("stop_words=@{}", lab.path("words").display());
    lab.run(&["run", "in", "--op", "embedding", "--param", &words]).ended(0);
    assert_eq!(lab.result("embedding", "a_embedding.json")["features"], json!(["dogs"]));
    let none = "stop_words=@no/such/file";
    lab.run(&["run", "in", "--op", "embedding", "--param", none]).ended(2).said("cannot be read");
}

#[test]
fn texts_without_a_term_fail_with_the_cause() {
    let lab = Lab::new();
    lab.input("a.txt", "the of and");
    lab.run(&["run", "in", "--op", "embedding"]).ended(3).said("stop words only");
    assert_eq!(lab.row("a.txt")["code"], "no_features");
}
