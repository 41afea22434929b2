//! Words and how often each occurs: as such a worker sends them, and as `word_count` writes them.

use super::super::message::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Words with their counts: the most frequent first, equally frequent ones by code point.
pub(super) type Counts = Vec<(String, u64)>;

/// Whether XML 1.0 can carry a character (its rule 2).
pub(super) fn is_allowed(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Reads `{word: count}` of a text of so many words; an error says what is wrong, of the worker.
pub(super) fn of_value(value: &Value, word_count: u64) -> Result<Counts, String> {
    let Value::Struct(members) = value else { return Err("has sent no counts".to_owned()) };
    let mut counts = Counts::with_capacity(members.len());
    for (word, count) in members {
        match count {
            Value::Int(count @ 1..) => counts.push((word.clone(), count.unsigned_abs())),
            other => return Err(format!("has sent {other:?} as the count of a word")),
        }
    }
    counts.sort_unstable_by(|(one, a), (other, b)| b.cmp(a).then_with(|| one.cmp(other)));
    let words: BTreeSet<&str> = counts.iter().map(|(word, _)| word.as_str()).collect();
    if words.len() < counts.len() {
        return Err("has sent a word twice".to_owned());
    }
    let sum = counts.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if sum != word_count {
        return Err(format!("has counted {sum} words of {word_count}"));
    }
    Ok(counts)
}

/// The result of `word_count`, byte for byte as that operation writes it.
pub(super) fn as_json(counts: &Counts) -> Vec<u8> {
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let mut out = format!(
        "{{\n  \"tokens\": \"ws\",\n  \"total\": {total},\n  \"distinct\": {},\n  \
         \"frequencies\": {{",
        counts.len()
    );
    for (position, (word, count)) in counts.iter().enumerate() {
        let separator = if position == 0 { "" } else { "," };
        let word = serde_json::to_string(word).expect("text is JSON");
        let _ = write!(out, "{separator}\n    {word}: {count}");
    }
    out.push_str(if counts.is_empty() { "}\n}\n" } else { "\n  }\n}\n" });
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(counts: &[(&str, Value)], word_count: u64) -> Result<Counts, String> {
        let members = counts.iter().map(|(word, count)| ((*word).to_owned(), count.clone()));
        of_value(&Value::Struct(members.collect()), word_count)
    }

    #[test]
    fn counts_are_sorted_and_their_sum_is_that_of_the_text() {
        let counts = read(&[("b", Value::Int(1)), ("A", Value::Int(1)), ("c", Value::Int(3))], 5);
        let counts = counts.expect("they are right");
        assert_eq!(counts, [("c".into(), 3), ("A".into(), 1), ("b".into(), 1)]);
        assert!(read(&[("a", Value::Int(1))], 2).is_err());
        assert!(read(&[("a", Value::Int(0))], 0).is_err());
        assert!(read(&[("a", Value::Text("1".into()))], 1).is_err());
        assert!(
            read(&[("a", Value::Int(1)), ("b", Value::Int(9)), ("a", Value::Int(2))], 12).is_err()
        );
        assert!(of_value(&Value::Nil, 0).is_err());
    }

    #[test]
    fn a_result_is_written_as_the_operation_writes_it() {
        let counts = vec![("say \"é\\\"".to_owned(), 2), ("b".to_owned(), 1)];
        let text = String::from_utf8(as_json(&counts)).expect("text");
        let expected = "{\n  \"tokens\": \"ws\",\n  \"total\": 3,\n  \"distinct\": 2,\n  \
            \"frequencies\": {\n    \"say \\\"é\\\\\\\"\": 2,\n    \"b\": 1\n  }\n}\n";
        assert_eq!(text, expected);
        assert!(as_json(&Vec::new()).ends_with(b"\"frequencies\": {}\n}\n"));
    }

    #[test]
    fn what_xml_forbids_is_known() {
        assert!("a\t\r\n é\u{85}\u{10ffff}\u{fffd}\u{7f}".chars().all(is_allowed));
        for c in ['\0', '\u{b}', '\u{c}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
            assert!(!is_allowed(c), "{c:?}");
        }
    }
}
