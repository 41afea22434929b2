//! Text files: encodings, and text that is not there.

use super::*;

#[test]
fn any_encoding_becomes_utf8() {
    let german = "Die Straße ist schön und größer als die übrigen Wege in München.";
    let given = read(Media::Text, &encoding_rs::WINDOWS_1252.encode(german).0);
    assert_eq!(given.text(), german);
    let json = given.json();
    assert_eq!(json["document_type"], "Generic Text");
    assert_eq!(json["encoding"], "windows-1252");
    assert_eq!(json["file_size_bytes"], german.chars().count());
    assert_eq!(json["character_count"], german.chars().count());
    assert_eq!(json["word_count"], 12);
    assert_eq!(json["text_content"], german);
    assert_eq!(given.notes, Vec::<String>::new());
}

#[test]
fn the_analysis_shows_the_first_thousand_characters() {
    let given = read(Media::Text, "ü".repeat(1_500).as_bytes());
    assert_eq!(given.json()["text_content"], "ü".repeat(1_000));
    assert_eq!(given.text().chars().count(), 1_500);
}

#[test]
fn blank_text_is_said_to_be_blank() {
    let given = read(Media::Text, b" \n\t\n");
    assert_eq!(given.notes, ["the file holds nothing but blank space"]);
    assert_eq!(given.json()["warnings"], json!(given.notes));
}

#[test]
fn other_kinds_are_refused() {
    assert_eq!(refused(Media::Png, b"x").code, "input_unsupported");
}
