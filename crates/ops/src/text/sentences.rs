//! The sentences of a text, by the rules of its language: abbreviations, quotations and numbers do
//! not end one.

use super::space::is_space;
use serde::Serialize;

/// A part of the text that is cut by itself: paragraphs are short, and what has none must not be
/// worked on as a whole.
const PART_BYTES_MAX: usize = 16 << 10;

/// How many there are, and which, where that was asked.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sentences {
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<Vec<String>>,
}

/// Cuts a text into sentences by the rules of a language (ISO 639-1), English ones where it has
/// none. In the list, white space within a sentence is one blank.
pub(super) fn sentences(text: &str, language: &str, listed: bool) -> Sentences {
    let mut sentences = Sentences { count: 0, list: listed.then(Vec::new) };
    let mut rest = text;
    while !rest.is_empty() {
        let (part, behind) = rest.split_at(end_of_part(rest));
        rest = behind;
        for sentence in sentencex::segment(language, part) {
            let mut words = sentence.split(is_space).filter(|word| !word.is_empty()).peekable();
            if words.peek().is_none() {
                continue;
            }
            sentences.count += 1;
            if let Some(list) = &mut sentences.list {
                list.push(words.collect::<Vec<_>>().join(" "));
            }
        }
    }
    sentences
}

/// Behind the last empty line of what may be one part; else behind its last line or blank.
fn end_of_part(text: &str) -> usize {
    if text.len() <= PART_BYTES_MAX {
        return text.len();
    }
    let mut end = PART_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let part = &text[..end];
    let behind = |mark: &str| part.rfind(mark).map(|at| at + mark.len());
    behind("\n\n").or_else(|| behind("\n")).or_else(|| behind(" ")).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str, language: &str) -> Vec<String> {
        let made = sentences(text, language, true);
        let list = made.list.expect("asked for");
        assert_eq!(
            (sentences(text, language, false).count, made.count),
            (made.count, list.len() as u64)
        );
        list
    }

    #[test]
    fn abbreviations_do_not_end_a_sentence() {
        let text = "Dr. Smith paid $3.50 on\nJan. 5. He left! \"Why?\" she asked.\n\nNew paragraph";
        let expected =
            ["Dr. Smith paid $3.50 on Jan. 5.", "He left!", "\"Why?\" she asked.", "New paragraph"];
        assert_eq!(listed(text, "en"), expected);
        let german = "Das kostet z.B. 3 Euro. Am 5. Mai kam er.";
        assert_eq!(listed(german, "de"), ["Das kostet z.B. 3 Euro.", "Am 5. Mai kam er."]);
        assert_eq!(listed("これは文です。二つ目です。", "ja").len(), 2);
        assert_eq!(listed(" \n\t\n", "en").len(), 0);
    }

    #[test]
    fn long_texts_are_cut_between_sentences() {
        let text = "One two three four.\n\n".repeat(10_000);
        let made = sentences(&text, "en", true);
        assert_eq!(made.count, 10_000);
        assert!(made.list.expect("asked for").iter().all(|it| it == "One two three four."));
        let unbroken = "é".repeat(200_000);
        assert_eq!(sentences(&unbroken, "en", false).count, 25);
    }
}
