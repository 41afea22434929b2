//! XML-RPC's calls and their answers, read from text.

use super::message::Value;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use thiserror::Error;

/// Values within values.
const DEPTH_MAX: usize = 32;

/// A method and its parameters.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) params: Vec<Value>,
}

/// A text that is no call.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(super) enum MessageError {
    #[error("the request is no XML: {0}")]
    Xml(String),
    #[error("the request is no XML-RPC call: {0}")]
    Shape(String),
}

impl Call {
    /// Reads a call.
    pub(super) fn read(text: &str) -> Result<Call, MessageError> {
        let mut reader = Parser(Reader::from_str(text));
        reader.0.config_mut().expand_empty_elements = true;
        reader.open("methodCall")?;
        reader.open("methodName")?;
        let method = reader.text("methodName")?.trim().to_owned();
        let mut params = Vec::new();
        // Without parameters the list may be left out.
        if reader.open_or_close("params", "methodCall")? {
            while reader.open_or_close("param", "params")? {
                reader.open("value")?;
                params.push(reader.value(0)?);
                reader.close("param")?;
            }
            reader.close("methodCall")?;
        }
        Ok(Call { method, params })
    }
}

/// Reads the answer to a call; the inner error is a fault's text.
pub(super) fn read_answer(text: &str) -> Result<Result<Value, String>, MessageError> {
    let mut reader = Parser(Reader::from_str(text));
    reader.0.config_mut().expand_empty_elements = true;
    reader.open("methodResponse")?;
    match reader.next_element()? {
        Piece::Open(name) if name == "params" => {
            reader.open("param")?;
            reader.open("value")?;
            let value = reader.value(0)?;
            reader.close("param")?;
            reader.close("params")?;
            reader.close("methodResponse")?;
            Ok(Ok(value))
        }
        Piece::Open(name) if name == "fault" => {
            reader.open("value")?;
            let Value::Struct(members) = reader.value(0)? else { return Err(shape("<fault>")) };
            let text = members.into_iter().find_map(|(name, value)| match value {
                Value::Text(text) if name == "faultString" => Some(text),
                _ => None,
            });
            Ok(Err(text.unwrap_or_else(|| "a fault without words".to_owned())))
        }
        _ => Err(shape("<params> is missing")),
    }
}

struct Parser<'a>(Reader<&'a [u8]>);

/// What matters of a document: elements that begin and end, and the text between.
enum Piece {
    Open(String),
    Close(String),
    Text(String),
}

impl Parser<'_> {
    fn next(&mut self) -> Result<Piece, MessageError> {
        loop {
            let event = self.0.read_event().map_err(|e| MessageError::Xml(e.to_string()))?;
            return Ok(match event {
                Event::Start(element) => Piece::Open(element.name().as_ref().to_owned()),
                Event::End(element) => Piece::Close(element.name().as_ref().to_owned()),
                Event::Text(text) => Piece::Text(text.to_string()),
                Event::CData(text) => Piece::Text(text.to_string()),
                Event::GeneralRef(reference) => Piece::Text(character(&reference)?),
                Event::Eof => return Err(shape("it ends too early")),
                _ => continue,
            });
        }
    }

    /// The same without the white space between elements.
    fn next_element(&mut self) -> Result<Piece, MessageError> {
        loop {
            match self.next()? {
                Piece::Text(text) if text.trim().is_empty() => {}
                Piece::Text(text) => return Err(shape(&format!("{text:?} between elements"))),
                piece => return Ok(piece),
            }
        }
    }

    fn open(&mut self, name: &str) -> Result<(), MessageError> {
        match self.next_element()? {
            Piece::Open(found) if found == name => Ok(()),
            _ => Err(shape(&format!("<{name}> is missing"))),
        }
    }

    fn close(&mut self, name: &str) -> Result<(), MessageError> {
        match self.next_element()? {
            Piece::Close(found) if found == name => Ok(()),
            _ => Err(shape(&format!("</{name}> is missing"))),
        }
    }

    /// Whether the next is an element within another one, not the end of that.
    fn open_or_close(&mut self, name: &str, around: &str) -> Result<bool, MessageError> {
        match self.next_element()? {
            Piece::Open(found) if found == name => Ok(true),
            Piece::Close(found) if found == around => Ok(false),
            _ => Err(shape(&format!("<{name}> is missing"))),
        }
    }

    /// All text up to the end of this element.
    fn text(&mut self, name: &str) -> Result<String, MessageError> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Piece::Text(more) => text.push_str(&more),
                Piece::Close(found) if found == name => return Ok(text),
                _ => return Err(shape(&format!("<{name}> holds more than text"))),
            }
        }
    }

    /// A value whose element has begun.
    fn value(&mut self, depth: usize) -> Result<Value, MessageError> {
        if depth == DEPTH_MAX {
            return Err(shape(&format!("more than {DEPTH_MAX} values within each other")));
        }
        let mut text = String::new();
        // Without an element for its kind a value is text.
        let kind = loop {
            match self.next()? {
                Piece::Text(more) => text.push_str(&more),
                Piece::Close(_) => return Ok(Value::Text(text)),
                Piece::Open(kind) => break kind,
            }
        };
        let value = match &*kind {
            "array" => self.array(depth)?,
            "struct" => self.members(depth)?,
            kind => scalar(kind, self.text(kind)?)?,
        };
        self.close("value")?;
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value, MessageError> {
        let mut values = Vec::new();
        self.open("data")?;
        while self.open_or_close("value", "data")? {
            values.push(self.value(depth + 1)?);
        }
        self.close("array")?;
        Ok(Value::Array(values))
    }

    fn members(&mut self, depth: usize) -> Result<Value, MessageError> {
        let mut members = Vec::new();
        while self.open_or_close("member", "struct")? {
            self.open("name")?;
            let name = self.text("name")?;
            self.open("value")?;
            members.push((name, self.value(depth + 1)?));
            self.close("member")?;
        }
        Ok(Value::Struct(members))
    }
}

fn scalar(kind: &str, text: String) -> Result<Value, MessageError> {
    let wrong = || shape(&format!("{text:?} as {kind}"));
    Ok(match kind {
        "int" | "i4" | "i1" | "i2" | "i8" => Value::Int(text.trim().parse().map_err(|_| wrong())?),
        "boolean" => match text.trim() {
            "0" => Value::Bool(false),
            "1" => Value::Bool(true),
            _ => return Err(wrong()),
        },
        "double" | "float" => Value::Double(text.trim().parse().map_err(|_| wrong())?),
        "nil" => Value::Nil,
        // Nobody here is sent times or bytes; as text they equal nothing else.
        "string" | "dateTime.iso8601" | "base64" => Value::Text(text),
        _ => return Err(shape(&format!("a value of the kind {kind}"))),
    })
}

fn character(reference: &BytesRef<'_>) -> Result<String, MessageError> {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return Ok(c.to_string());
    }
    let known = quick_xml::escape::resolve_xml_entity(reference);
    known.map(str::to_owned).ok_or_else(|| MessageError::Xml("an unknown entity".to_owned()))
}

fn shape(what: &str) -> MessageError {
    MessageError::Shape(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's `xmlrpc.client.dumps((…), "m", allow_none=True)` writes it.
    const CALL: &str = "<?xml version='1.0'?>\n<methodCall>\n<methodName>m</methodName>\n<params>\n\
        <param>\n<value><string>a &amp; &lt;b&gt; &#233;</string></value>\n</param>\n\
        <param>\n<value><int>2002</int></value>\n</param>\n\
        <param>\n<value><nil/></value></param>\n\
        <param>\n<value><boolean>1</boolean></value>\n</param>\n\
        <param>\n<value><double>1.5</double></value>\n</param>\n\
        <param>\n<value><array><data>\n<value><int>-1</int></value>\n<value>bare</value>\n\
        </data></array></value>\n</param>\n\
        <param>\n<value><struct>\n<member>\n<name>z</name>\n<value><string></string></value>\n\
        </member>\n<member>\n<name>a</name>\n<value><int>2</int></value>\n</member>\n\
        </struct></value>\n</param>\n</params>\n</methodCall>\n";

    fn params() -> Vec<Value> {
        let text = |text: &str| Value::Text(text.to_owned());
        vec![
            text("a & <b> é"),
            Value::Int(2002),
            Value::Nil,
            Value::Bool(true),
            Value::Double(1.5),
            Value::Array(vec![Value::Int(-1), text("bare")]),
            Value::members([("z", text("")), ("a", Value::Int(2))]),
        ]
    }

    #[test]
    fn a_call_of_python_is_read_with_all_kinds() {
        let call = Call { method: "m".to_owned(), params: params() };
        assert_eq!(Call::read(CALL), Ok(call));
        let bare = "<methodCall><methodName> m </methodName></methodCall>";
        assert_eq!(Call::read(bare), Ok(Call { method: "m".to_owned(), params: Vec::new() }));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in params() {
            let mut written = String::new();
            value.write(&mut written);
            let call = format!(
                "<methodCall><methodName>m</methodName><params><param>{written}</param></params>\
                 </methodCall>"
            );
            assert_eq!(Call::read(&call).map(|call| call.params), Ok(vec![value]));
        }
    }

    #[test]
    fn an_answer_is_a_value_or_a_fault() {
        use crate::older::xmlrpc::message::{fault, response};
        for value in params() {
            assert_eq!(read_answer(&response(&value)), Ok(Ok(value)));
        }
        assert_eq!(read_answer(&fault("x < y")), Ok(Err("x < y".to_owned())));
        for wrong in ["", "<methodResponse></methodResponse>", "<methodCall></methodCall>"] {
            assert!(read_answer(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_called_is_read_again() {
        use crate::older::xmlrpc::message::call;
        let written = call("m", &params());
        assert_eq!(Call::read(&written), Ok(Call { method: "m".to_owned(), params: params() }));
    }

    #[test]
    fn no_text_does_harm() {
        for end in 0..CALL.len() - 2 {
            if let Some(part) = CALL.get(..end) {
                assert!(Call::read(part).is_err(), "{part}");
            }
        }
        let deep = "<value><array><data>".repeat(100_000);
        let call = format!("<methodCall><methodName>m</methodName><params><param>{deep}");
        assert!(Call::read(&call).expect_err("too deep").to_string().contains("32 values"));
        for value in ["<int>x</int>", "<boolean>2</boolean>", "<odd>1</odd>", "<int>1</int>2"] {
            let call = format!(
                "<methodCall><methodName>m</methodName><params><param><value>{value}</value>\
                 </param></params></methodCall>"
            );
            assert!(Call::read(&call).is_err(), "{value}");
        }
    }
}
