//! Values that can be asked for: the scalars of JSON, each equal only to its own kind.

use super::number::write_canonical_number;
use serde::{Deserialize, Serialize};

/// A scalar.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false; no number.
    Bool(bool),
    /// A number as JSON writes it; equal by value, whatever the spelling.
    Number(String),
    /// Text; equal code point by code point.
    Text(String),
}

/// A scalar that lies elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueRef<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number as JSON writes it.
    Number(&'a str),
    /// Text.
    Text(&'a str),
}

impl Value {
    /// The same value, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(is_true) => ValueRef::Bool(*is_true),
            Value::Number(text) => ValueRef::Number(text),
            Value::Text(text) => ValueRef::Text(text),
        }
    }
}

impl ValueRef<'_> {
    /// Appends bytes that are equal where and only where the values are: one for the kind, then the
    /// text.
    pub fn write_canonical(self, out: &mut Vec<u8>) {
        match self {
            ValueRef::Null => out.push(b'0'),
            ValueRef::Bool(is_true) => out.push(if is_true { b't' } else { b'f' }),
            ValueRef::Number(text) => {
                out.push(b'#');
                write_canonical_number(text, out);
            }
            ValueRef::Text(text) => {
                out.push(b'"');
                out.extend_from_slice(text.as_bytes());
            }
        }
    }

    /// The text by which a key finds its shard; `None` for what cannot be a key: null, true, false
    /// and the empty text.
    #[must_use]
    pub fn key_text(self) -> Option<String> {
        match self {
            ValueRef::Null | ValueRef::Bool(_) | ValueRef::Text("") => None,
            ValueRef::Text(text) => Some(text.to_owned()),
            ValueRef::Number(text) => {
                let mut out = Vec::new();
                write_canonical_number(text, &mut out);
                String::from_utf8(out).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(value: ValueRef<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        value.write_canonical(&mut out);
        out
    }

    #[test]
    fn kinds_are_never_equal() {
        use ValueRef::{Bool, Null, Number, Text};
        let different =
            [Null, Bool(true), Bool(false), Number("1"), Text("1"), Text("true"), Text("null")];
        for (position, one) in different.iter().enumerate() {
            for other in &different[position + 1..] {
                assert_ne!(canonical(*one), canonical(*other), "{one:?} {other:?}");
            }
        }
        assert_eq!(canonical(Number("1.0")), canonical(Number("1")));
    }

    #[test]
    fn keys_are_texts_and_numbers() {
        assert_eq!(ValueRef::Text("Alice").key_text().as_deref(), Some("Alice"));
        assert_eq!(ValueRef::Number("4.20e1").key_text().as_deref(), Some("42"));
        for bad in [ValueRef::Null, ValueRef::Bool(true), ValueRef::Text("")] {
            assert_eq!(bad.key_text(), None);
        }
    }
}
