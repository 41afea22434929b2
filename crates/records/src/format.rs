//! What kind of file holds the rows: by its name, or by its first bytes.

use std::path::Path;

/// A kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// One JSON array of objects, or one object whose values are objects.
    Json,
    /// A JSON object on each line.
    Lines,
    /// One JSON object after another, each laid out over several lines.
    Sequence,
    /// A table whose first line names the fields: with commas, semicolons or tabs.
    Table,
}

impl Format {
    /// The kind that a file's name promises; `.json` promises none, as both JSON and lines of JSON
    /// are called so.
    #[must_use]
    pub fn of_name(path: &Path) -> Option<Format> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "ndjson" | "jsonl" | "ldjson" => Some(Format::Lines),
            "csv" | "tsv" | "tab" => Some(Format::Table),
            _ => None,
        }
    }

    /// The kind that a file's first bytes show; some kilobytes are enough.
    #[must_use]
    pub fn of_bytes(head: &[u8]) -> Format {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let mut visible = head.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
        match visible.next() {
            Some(b'[') => Format::Json,
            // A document's first value is a row; a row's first value is hardly ever an object.
            Some(b'{') if first_value_is_object(head) => Format::Json,
            Some(b'{') if first_line_is_a_brace(head) => Format::Sequence,
            Some(b'{') => Format::Lines,
            _ => Format::Table,
        }
    }
}

/// Whether an object begins as programs lay one out for people.
fn first_line_is_a_brace(head: &[u8]) -> bool {
    let rest = head.trim_ascii_start();
    let end = rest.iter().position(|byte| *byte == b'\n');
    end.is_some_and(|end| rest[..end].trim_ascii_end() == b"{")
}

/// Whether the first value of an object is an object, or there is none.
fn first_value_is_object(head: &[u8]) -> bool {
    let mut rest = head.trim_ascii_start();
    rest = rest.get(1..).unwrap_or_default().trim_ascii_start();
    if rest.first() == Some(&b'}') {
        return rest[1..].trim_ascii_start().is_empty();
    }
    let mut is_escaped = false;
    let end = rest.iter().skip(1).position(|&byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    let Some(end) = end else { return false };
    let rest = rest[end + 2..].trim_ascii_start();
    rest.strip_prefix(b":").is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b'{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_and_bytes_show() {
        let of_name = |name: &str| Format::of_name(Path::new(name));
        assert_eq!(of_name("a/b.NDJSON"), Some(Format::Lines));
        assert_eq!(of_name("b.tsv"), Some(Format::Table));
        assert_eq!((of_name("b.json"), of_name("b")), (None, None));
        let shown = [
            (r#" [{"a": 1}]"#, Format::Json),
            ("\u{feff}[]", Format::Json),
            (r#"{"1": {"name": "a"}, "2": {}}"#, Format::Json),
            ("{}\n", Format::Json),
            (r#"{"a \" b" : 1}"#, Format::Lines),
            ("{}\n{}", Format::Lines),
            ("name,year\n", Format::Table),
            ("", Format::Table),
            ("{\"", Format::Lines),
            ("{\r\n  \"name\": \"a\"\r\n}\r\n", Format::Sequence),
            ("{\n  \"1\": {\n    \"name\": \"a\"\n  }\n}\n", Format::Json),
            ("{\"name\":\n\"a\"}\n", Format::Lines),
        ];
        for (text, format) in shown {
            assert_eq!(Format::of_bytes(text.as_bytes()), format, "{text}");
        }
    }
}
