//! One row: JSON checked and brought into compact form, its fields found.
//!
//! White space between tokens goes; everything else stays as it is spelled: the order of fields,
//! numbers of any size, escapes.

use crate::fault::RowFault;
use memchr::memchr2;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use windlass_core::limits::{RECORD_INDEXED_FIELD_COUNT_MAX, RECORD_ROW_DEPTH_MAX};
use windlass_core::records::{FieldName, ValueRef};

/// Fields that can be looked for at once: the key and those that are indexed.
pub(crate) const FIELD_COUNT_MAX: usize = RECORD_INDEXED_FIELD_COUNT_MAX + 1;

/// The JSON of each field that was looked for, in their order; of a name that a row has twice the
/// last one counts.
pub(crate) type Found<'a> = [Option<&'a str>; FIELD_COUNT_MAX];

/// Checks a row and finds fields in it.
pub(crate) fn find<'a>(row: &'a [u8], fields: &[&str]) -> Result<Found<'a>, RowFault> {
    let text = std::str::from_utf8(row).map_err(|_| RowFault::NotText)?;
    if !text.trim_ascii_start().starts_with('{') {
        // Not even a value of another kind, perhaps: that is told first.
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| json_fault(&error))?;
        return Err(RowFault::NotObject);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = Fields(fields).deserialize(&mut reader).map_err(|error| json_fault(&error))?;
    reader.end().map_err(|error| json_fault(&error))?;
    Ok(found)
}

fn json_fault(error: &serde_json::Error) -> RowFault {
    // Its line counts from the row's beginning: it would only mislead.
    let text = error.to_string();
    let cause = text.split(" at line ").next().unwrap_or_default();
    RowFault::Json(format!("{cause} at character {}", error.column()))
}

struct Fields<'s>(&'s [&'s str]);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Found<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Found<'de>, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
        let mut found = Found::default();
        while let Some(position) = map.next_key_seed(Name(self.0))? {
            match position {
                Some(position) => found[position] = Some(map.next_value::<&RawValue>()?.get()),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// A field's name, as its position among those that are looked for.
struct Name<'s>(&'s [&'s str]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|field| *field == name))
    }
}

/// The text of a field that is a key.
pub(crate) fn key_text(json: Option<&str>, field: &FieldName) -> Result<String, RowFault> {
    let json = json.ok_or_else(|| RowFault::NoKey(field.clone()))?;
    let bad = |found| RowFault::Key { field: field.clone(), found };
    let mut text = String::new();
    let value = scalar(json, &mut text).ok_or_else(|| match json.as_bytes().first() {
        Some(b'"') => half_pair(),
        Some(b'[') => bad("an array"),
        _ => bad("an object"),
    })?;
    value.key_text().ok_or_else(|| {
        bad(match value {
            ValueRef::Null => "null",
            ValueRef::Bool(_) => "true or false",
            _ => "empty",
        })
    })
}

fn half_pair() -> RowFault {
    RowFault::Json("an escape \\u is half of a pair".to_owned())
}

/// The scalar that well-formed JSON says; `None` for an array or an object, and for text with half
/// of a pair. Text with escapes is put into `text`.
pub(crate) fn scalar<'a>(json: &'a str, text: &'a mut String) -> Option<ValueRef<'a>> {
    match json.as_bytes().first()? {
        b'"' => Some(ValueRef::Text(string(json, text)?)),
        b't' => Some(ValueRef::Bool(true)),
        b'f' => Some(ValueRef::Bool(false)),
        b'n' => Some(ValueRef::Null),
        b'[' | b'{' => None,
        _ => Some(ValueRef::Number(json)),
    }
}

fn string<'a>(json: &'a str, text: &'a mut String) -> Option<&'a str> {
    if !json.contains('\\') {
        return json.get(1..json.len() - 1);
    }
    *text = serde_json::from_str::<Cow<'_, str>>(json).ok()?.into_owned();
    Some(text)
}

/// Appends a well-formed row without white space between its tokens.
///
/// # Errors
/// `TooDeep`, and `Json` for an escape that is half a character, which no text can hold.
pub(crate) fn write_compact(row: &[u8], out: &mut Vec<u8>) -> Result<(), RowFault> {
    let mut depth = 0;
    let mut at = 0;
    while let Some(&byte) = row.get(at) {
        match byte {
            b'"' => {
                let end = text_end(row, at)?;
                out.extend_from_slice(&row[at..end]);
                at = end;
                continue;
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'{' | b'[' if depth == RECORD_ROW_DEPTH_MAX => return Err(RowFault::TooDeep),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        out.push(byte);
        at += 1;
    }
    Ok(())
}

/// The position behind the text that begins at `start` with its quote.
fn text_end(row: &[u8], start: usize) -> Result<usize, RowFault> {
    let mut at = start + 1;
    let mut has_unicode_escape = false;
    while let Some(next) = row.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += next;
        if row[at] == b'"' {
            let end = at + 1;
            if has_unicode_escape
                && serde_json::from_slice::<Cow<'_, str>>(&row[start..end]).is_err()
            {
                return Err(half_pair());
            }
            return Ok(end);
        }
        has_unicode_escape |= row.get(at + 1) == Some(&b'u');
        at += 2;
    }
    Ok(row.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn compact(row: &str) -> Result<String, RowFault> {
        find(row.as_bytes(), &[])?;
        let mut out = Vec::new();
        write_compact(row.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn only_white_space_between_tokens_goes() {
        let row = "{ \"b\" : 1.50 ,\n\t\"a b\": [ 1e400, \" x \\\" y \" ], \"b\": 12345678901234567890123 }";
        assert_eq!(
            compact(row).expect("a row"),
            r#"{"b":1.50,"a b":[1e400," x \" y "],"b":12345678901234567890123}"#
        );
    }

    #[test]
    fn what_is_no_row_says_why() {
        let fault = |row: &[u8]| {
            let found = find(row, &[]).and_then(|_| write_compact(row, &mut Vec::new()));
            found.expect_err("refused").to_string()
        };
        assert_eq!(fault(b"[1]"), "not an object");
        assert_eq!(fault(b"12"), "not an object");
        assert_eq!(fault(b"{\"a\":1,}"), "invalid JSON: trailing comma at character 8");
        assert_eq!(fault(b"{\"a\":1}x"), "invalid JSON: trailing characters at character 8");
        assert_eq!(fault(b"{\"a\":\"\xff\"}"), "not UTF-8");
        assert_eq!(fault(br#"{"a":"\ud800"}"#), "invalid JSON: an escape \\u is half of a pair");
        assert_eq!(fault(b"hello"), "invalid JSON: expected value at character 1");
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(64), "]".repeat(64));
        assert_eq!(fault(deep.as_bytes()), "objects and arrays inside each other, more than 64");
    }

    #[test]
    fn a_key_that_is_half_of_a_pair_is_told_as_that() {
        let field = "name".parse().expect("a name");
        let fault = |json| key_text(Some(json), &field).expect_err("refused").to_string();
        assert_eq!(fault(r#""\ud83d""#), "invalid JSON: an escape \\u is half of a pair");
        assert_eq!(fault("{}"), "field name is an object: a key is text or a number");
        assert_eq!(fault("[1]"), "field name is an array: a key is text or a number");
    }

    #[test]
    fn fields_are_found_by_their_meaning_and_the_last_counts() {
        let row = br#"{"n\u0061me": "x", "year": 2, "year":2002, "none": null}"#;
        let found = find(row, &["name", "year", "town"]).expect("a row");
        assert_eq!(found[..3], [Some("\"x\""), Some("2002"), None]);
        let mut text = String::new();
        assert_eq!(scalar(r#""\u00e9\n""#, &mut text), Some(ValueRef::Text("é\n")));
    }

    proptest! {
        #[test]
        fn compact_rows_say_what_the_row_said(
            pairs in proptest::collection::vec(("[a-c\"\\\\ é]{0,3}", "[ \\PC\\n]{0,8}", any::<f64>()), 0..5)
        ) {
            let mut object = serde_json::Map::new();
            for (name, text, number) in pairs {
                object.insert(name, serde_json::json!([text, number, {"deep": null}]));
            }
            let row = serde_json::to_string_pretty(&Value::Object(object)).expect("JSON");
            let written = compact(&row).expect("a row");
            prop_assert_eq!(
                serde_json::from_str::<Value>(&written).expect("JSON").to_string(),
                serde_json::from_str::<Value>(&row).expect("JSON").to_string()
            );
        }
    }
}
