//! XML-RPC's values and answers as text (xmlrpc.com/spec.md, with the `nil` and `i8` that Python
//! knows too). Members of a struct keep their order, which clients of the older systems see.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt::{self, Write as _};

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Array(Vec<Value>),
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// A struct of these members.
    pub(super) fn members<const N: usize>(members: [(&str, Value); N]) -> Value {
        Value::Struct(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// What `{"error": true, "message": …}` is in these systems.
    pub(super) fn error(message: &str) -> Value {
        let message = Value::Text(message.to_owned());
        Value::members([("error", Value::Bool(true)), ("message", message)])
    }

    /// What `{"error": false, "result": …}` is in these systems.
    pub(super) fn result(rows: Vec<Value>) -> Value {
        Value::members([("error", Value::Bool(false)), ("result", Value::Array(rows))])
    }

    pub(super) fn write(&self, out: &mut String) {
        out.push_str("<value>");
        match self {
            Value::Nil => out.push_str("<nil/>"),
            Value::Bool(is_true) => {
                let _ = write!(out, "<boolean>{}</boolean>", u8::from(*is_true));
            }
            Value::Int(number) => {
                let kind = if i32::try_from(*number).is_ok() { "int" } else { "i8" };
                let _ = write!(out, "<{kind}>{number}</{kind}>");
            }
            Value::Double(number) => {
                let _ = write!(out, "<double>{number:?}</double>");
            }
            Value::Text(text) => {
                out.push_str("<string>");
                write_text(text, out);
                out.push_str("</string>");
            }
            Value::Array(values) => {
                out.push_str("<array><data>");
                values.iter().for_each(|value| value.write(out));
                out.push_str("</data></array>");
            }
            Value::Struct(members) => {
                out.push_str("<struct>");
                for (name, value) in members {
                    out.push_str("<member><name>");
                    write_text(name, out);
                    out.push_str("</name>");
                    value.write(out);
                    out.push_str("</member>");
                }
                out.push_str("</struct>");
            }
        }
        out.push_str("</value>");
    }
}

/// A call.
pub(super) fn call(method: &str, params: &[Value]) -> String {
    let mut out = "<?xml version='1.0'?>\n<methodCall><methodName>".to_owned();
    write_text(method, &mut out);
    out.push_str("</methodName><params>");
    for param in params {
        out.push_str("<param>");
        param.write(&mut out);
        out.push_str("</param>");
    }
    out.push_str("</params></methodCall>\n");
    out
}

/// An answer.
pub(super) fn response(value: &Value) -> String {
    let mut out = "<?xml version='1.0'?>\n<methodResponse><params><param>".to_owned();
    value.write(&mut out);
    out.push_str("</param></params></methodResponse>\n");
    out
}

/// What a caller's client raises as an error.
pub(super) fn fault(text: &str) -> String {
    let (code, text) = (Value::Int(1), Value::Text(text.to_owned()));
    let mut out = "<?xml version='1.0'?>\n<methodResponse><fault>".to_owned();
    Value::members([("faultCode", code), ("faultString", text)]).write(&mut out);
    out.push_str("</fault></methodResponse>\n");
    out
}

/// What XML forbids becomes a replacement character; a line's end stays what it is.
fn write_text(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// From JSON, whose objects keep their order.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        from.deserialize_any(FromJson)
    }
}

struct FromJson;

impl<'de> Visitor<'de> for FromJson {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, is_true: bool) -> Result<Value, E> {
        Ok(Value::Bool(is_true))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Double(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element()? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = entries.next_entry()? {
            members.push(member);
        }
        Ok(Value::Struct(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_order_and_their_kinds() {
        let row = r#"{"record_id":2,"name":"a<b","ok":true,"no":null,"x":1.0,"big":5000000000}"#;
        let value: Value = serde_json::from_str(row).expect("JSON");
        let response = response(&value);
        let order = ["record_id", "name", "ok", "no", "x", "big"];
        let places = order.map(|name| response.find(&format!("<name>{name}</name>")));
        assert!(places.is_sorted() && places[0].is_some(), "{response}");
        for part in [
            "<int>2</int>",
            "<string>a&lt;b</string>",
            "<boolean>1</boolean>",
            "<nil/>",
            "<double>1.0</double>",
            "<i8>5000000000</i8>",
        ] {
            assert!(response.contains(part), "{part} in {response}");
        }
    }

    #[test]
    fn what_xml_forbids_is_replaced() {
        let mut out = String::new();
        write_text("a\0\u{1b}\r\n\u{ffff}", &mut out);
        assert_eq!(out, "a\u{fffd}\u{fffd}&#13;\n\u{fffd}");
        assert!(fault("<x>").contains("<string>&lt;x&gt;</string>"));
    }
}
