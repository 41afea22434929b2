//! What is asked of a record set: rows whose fields equal what is wanted.

use super::names::FieldName;
use super::number::is_number;
use super::value::{Value, ValueRef};
use crate::limits::RECORD_CONDITION_COUNT_MAX;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a field must be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Wanted {
    /// This value, of this kind.
    Exact(Value),
    /// What somebody wrote who could not say of which kind it is: the text, or the number, truth
    /// value or null that is written so.
    Written(String),
}

/// One field and what it must be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Condition {
    /// The key field, or one that is indexed.
    pub field: FieldName,
    /// What it must be.
    pub wanted: Wanted,
}

/// Rows that meet all conditions are wanted, in the order of their files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Query {
    /// One at least.
    pub conditions: Vec<Condition>,
}

/// A query that a record set cannot answer; a usage error.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum QueryError {
    /// Nothing is asked.
    #[error("a query needs a condition")]
    Empty,
    /// Too much is asked.
    #[error("{0} conditions, at most {max} are possible", max = RECORD_CONDITION_COUNT_MAX)]
    TooMany(usize),
    /// A scan of all rows would be needed.
    #[error(
        "field {field} cannot be asked for: the set is indexed by {indexed}; load it again with an \
         index on {field}"
    )]
    NotIndexed {
        /// The field.
        field: FieldName,
        /// Those that can be asked for, with commas between them.
        indexed: String,
    },
}

impl Wanted {
    /// The values that would do, one of each kind at most, text first.
    pub fn values(&self) -> impl Iterator<Item = ValueRef<'_>> {
        let (first, second) = match self {
            Wanted::Exact(value) => (value.as_ref(), None),
            Wanted::Written(text) => (ValueRef::Text(text), other_kind(text)),
        };
        std::iter::once(first).chain(second)
    }
}

/// The value of another kind that is written so.
fn other_kind(text: &str) -> Option<ValueRef<'_>> {
    match text {
        "true" => Some(ValueRef::Bool(true)),
        "false" => Some(ValueRef::Bool(false)),
        "null" => Some(ValueRef::Null),
        _ => is_number(text).then_some(ValueRef::Number(text)),
    }
}

impl Query {
    /// Asks for one field.
    #[must_use]
    pub fn one(field: FieldName, wanted: Wanted) -> Query {
        Query { conditions: vec![Condition { field, wanted }] }
    }

    /// Whether its conditions are not too few, nor too many.
    ///
    /// # Errors
    /// `Empty`, `TooMany`
    pub fn check_count(&self) -> Result<(), QueryError> {
        match self.conditions.len() {
            0 => Err(QueryError::Empty),
            count if count > RECORD_CONDITION_COUNT_MAX => Err(QueryError::TooMany(count)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_may_be_of_another_kind() {
        let values = |text: &str| {
            let wanted = Wanted::Written(text.to_owned());
            wanted.values().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(values("2002"), r#"Text("2002") Number("2002")"#);
        assert_eq!(values("02002"), r#"Text("02002")"#);
        assert_eq!(values("true"), r#"Text("true") Bool(true)"#);
        assert_eq!(values("null"), r#"Text("null") Null"#);
        let exact = Wanted::Exact(Value::Text("2002".to_owned()));
        assert_eq!(exact.values().count(), 1);
    }
}
