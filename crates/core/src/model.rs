//! Models as jobs name them: by their content, so that the name of one says for ever what it was.
//!
//! A parameter holds the whole of it. So it travels with the job, decides with the other parameters
//! whether an earlier result counts, and keeps the model's bytes from a collection.

use crate::catalogue::OperationSpec;
use crate::ids::BlobId;
use crate::params::{ParamKind, Params};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest name of a model.
const NAME_BYTES_MAX: usize = 64;

/// Which model is meant: written `NAME@BLAKE3/BYTES`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ModelRef {
    /// What the user calls it; see [`is_name`].
    pub name: String,
    /// Its file, a blob.
    pub id: BlobId,
    /// Size of that file in bytes.
    pub size: u64,
}

/// Whether a model can have this name: letters, digits, `.`, `-` and `_`, the first a letter or a
/// digit.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    name.len() <= NAME_BYTES_MAX
        && name.bytes().all(is_plain)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

impl ModelRef {
    /// Reads what [`ModelRef`] writes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<ModelRef> {
        let (name, rest) = text.split_once('@')?;
        let (hex, size) = rest.split_once('/')?;
        let id = BlobId::from_hex(hex).filter(|id| id.to_hex() == hex)?;
        let model = ModelRef { name: name.to_owned(), id, size: size.parse().ok()? };
        (is_name(name) && model.to_string() == text).then_some(model)
    }

    /// The model that an operation with these parameters works with.
    #[must_use]
    pub fn of(spec: &OperationSpec, params: &Params) -> Option<ModelRef> {
        let param = spec.params.iter().find(|param| param.kind == ParamKind::Model)?;
        params.text(param.name).and_then(ModelRef::parse)
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.name, self.id, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_in_one_way() {
        let model = ModelRef { name: "all-MiniLM.v2".to_owned(), id: BlobId::of(b"a"), size: 7 };
        let text = model.to_string();
        assert_eq!(ModelRef::parse(&text), Some(model));
        let hex = BlobId::of(b"a").to_hex();
        for other in [
            format!("a@{hex}"),
            format!("@{hex}/7"),
            format!("a@{}/7", hex.to_uppercase()),
            format!("a@{hex}/07"),
            format!("a@{hex}/-7"),
            format!("a/b@{hex}/7"),
            format!("a@{}/7", &hex[1..]),
        ] {
            assert_eq!(ModelRef::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn names_are_plain() {
        for name in ["a", "potion-base-8M", "1.0_x"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".a", "-a", "a b", "a/b", "ä", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
