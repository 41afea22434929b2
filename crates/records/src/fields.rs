//! The fields of a file's first row: what is indexed where nobody says otherwise.

use crate::fault::LoadError;
use crate::row::{find, scalar};
use crate::rows::Rows;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fmt;
use std::io::Read;
use std::path::Path;
use windlass_core::records::FieldName;

/// Names of the fields of the first row that is an object, in its order, of which a scalar is the
/// value; none where there is no such row. With a key, of the first one that has it.
///
/// # Errors
/// `Read` and `Broken`, of what stands before that row.
pub fn scalar_fields(
    file: &Path,
    input: impl Read,
    key: Option<&FieldName>,
) -> Result<Vec<FieldName>, LoadError> {
    let failed = LoadError::of_file(file);
    let mut rows = Rows::open(file, None, input).map_err(&failed)?;
    while let Some((_, row)) = rows.next().map_err(&failed)? {
        let names = row.ok().and_then(names);
        if let Some(names) = names.filter(|names| key.is_none_or(|key| names.contains(key))) {
            return Ok(names);
        }
    }
    Ok(Vec::new())
}

/// `None` for what is no row.
fn names(row: &[u8]) -> Option<Vec<FieldName>> {
    find(row, &[]).ok()?;
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    for (name, value) in row_fields(std::str::from_utf8(row).ok()?) {
        let is_scalar = scalar(value, &mut String::new()).is_some();
        // A name that no field of a set can have is not indexed.
        if is_scalar && known.insert(name.clone()) {
            names.extend(FieldName::try_from(name).ok());
        }
    }
    Some(names)
}

/// The fields of a row in its order, each with its value as JSON; none of what is no row.
#[must_use]
pub fn row_fields(row: &str) -> Vec<(String, &str)> {
    let mut reader = serde_json::Deserializer::from_str(row);
    reader.deserialize_map(Fields).unwrap_or_default()
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            fields.push((name, value.get()));
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_with(key: Option<&str>, name: &str, text: &str) -> String {
        let key = key.map(|key| key.parse::<FieldName>().expect("a name"));
        let fields = scalar_fields(Path::new(name), text.as_bytes(), key.as_ref()).expect("reads");
        fields.iter().map(FieldName::as_str).collect::<Vec<_>>().join(" ")
    }

    fn fields(name: &str, text: &str) -> String {
        fields_with(None, name, text)
    }

    #[test]
    fn rows_without_the_key_are_passed_over() {
        let rows = "{\"nom\": 1}\n{\"name\": [1], \"a\": 1}\n{\"name\": \"x\", \"year\": 1}\n";
        assert_eq!(fields_with(Some("name"), "p.ndjson", rows), "name year");
        assert_eq!(fields_with(Some("year"), "p.csv", "nom,year\n1,2\n"), "nom year");
        assert_eq!(fields_with(Some("name"), "p.csv", "nom,year\n1,2\n"), "");
    }

    #[test]
    fn the_first_row_says_what_there_is_to_ask_for() {
        let row = r#"{"name": "a", "year": 1, "tags": [1], "": 2, "name": 3, "gone": null}"#;
        assert_eq!(fields("p.json", &format!("[5, {row}]")), "name year gone");
        assert_eq!(fields("p.json", &format!("{{\"1\": {row}}}")), "name year gone");
        assert_eq!(fields("p.ndjson", &format!("no row\n{row}\n")), "name year gone");
        assert_eq!(fields("p.csv", "name,year\nx\na,1\n"), "name year");
        assert_eq!(fields("p.csv", "name,year\n"), "");
    }
}
