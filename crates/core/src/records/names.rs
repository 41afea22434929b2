//! Names of record sets, groups and fields, checked wherever they come from.

use crate::limits::{RECORD_FIELD_NAME_BYTES_MAX, RECORD_NAME_BYTES_MAX};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A name that is refused; a usage error.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum NameError {
    /// Not a name of a record set or a group.
    #[error(
        "{0:?} is no name: a letter or a digit comes first, then letters, digits, `-` and `_`, at \
         most {max} in all",
        max = RECORD_NAME_BYTES_MAX
    )]
    Word(String),
    /// Not a name of a field.
    #[error("a field's name has 1 to {max} bytes", max = RECORD_FIELD_NAME_BYTES_MAX)]
    Field,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(name: String) -> Result<$name, NameError> {
                $check(&name)?;
                Ok($name(name))
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<$name, NameError> {
                name.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A record set's name: `people`.
    SetName,
    check_word
);
name!(
    /// A group's name: `am`. Its instances each serve one shard whole.
    GroupName,
    check_word
);
name!(
    /// A field of rows, spelled as in the files.
    FieldName,
    check_field
);

fn check_word(name: &str) -> Result<(), NameError> {
    let is_word_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let begins_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if begins_well && name.len() <= RECORD_NAME_BYTES_MAX && name.bytes().all(is_word_byte) {
        return Ok(());
    }
    Err(NameError::Word(name.chars().take(RECORD_NAME_BYTES_MAX).collect()))
}

fn check_field(name: &str) -> Result<(), NameError> {
    let fits = (1..=RECORD_FIELD_NAME_BYTES_MAX).contains(&name.len());
    if fits { Ok(()) } else { Err(NameError::Field) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        for good in ["people", "am", "A-1_b", "9"] {
            assert_eq!(good.parse::<SetName>().map(String::from).as_deref(), Ok(good));
        }
        for bad in ["", "-a", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<GroupName>().is_err(), "{bad}");
        }
        assert!("zip code".parse::<FieldName>().is_ok());
        assert_eq!("".parse::<FieldName>(), Err(NameError::Field));
    }

    #[test]
    fn stored_names_are_checked_as_they_are_read() {
        let bytes = postcard::to_allocvec("a/b").expect("encodes");
        assert!(postcard::from_bytes::<SetName>(&bytes).is_err());
        let name: SetName = "people".parse().expect("a name");
        let bytes = postcard::to_allocvec(&name).expect("encodes");
        assert_eq!(postcard::from_bytes(&bytes), Ok(name));
    }
}
