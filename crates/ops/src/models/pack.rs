//! A model as one file: the files that count, one after another behind a list of them. The same
//! files make the same bytes, so that its hash says which model it is.

use super::ModelError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// The files of a model's folder that count, where they are there; others say nothing of a vector.
pub const FILES: &[&str] = &[
    "config.json",
    "tokenizer.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
    "0_StaticEmbedding/tokenizer.json",
    "0_StaticEmbedding/model.safetensors",
];

/// How a pack begins: a word, then the version of what follows.
const BEGINNING: &[u8; 15] = b"windlass model\x01";

/// A model's files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pack {
    bytes: Vec<u8>,
    files: BTreeMap<String, Range<usize>>,
}

/// One entry of the list, in the order of the files.
#[derive(Serialize, Deserialize)]
struct Listed {
    name: String,
    size: u64,
}

impl Pack {
    /// Of files by their names in the model's folder; what is not among [`FILES`] is left out.
    #[must_use]
    pub fn of(files: &BTreeMap<String, Vec<u8>>) -> Pack {
        let kept = || files.iter().filter(|(name, _)| FILES.contains(&name.as_str()));
        let listed =
            kept().map(|(name, content)| Listed { name: name.clone(), size: content.len() as u64 });
        let list = serde_json::to_vec(&listed.collect::<Vec<_>>());
        let list = list.expect("names and numbers can always be written");
        let mut bytes = BEGINNING.to_vec();
        bytes.extend_from_slice(&(list.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&list);
        let mut ranges = BTreeMap::new();
        for (name, content) in kept() {
            let begins = bytes.len();
            bytes.extend_from_slice(content);
            ranges.insert(name.clone(), begins..bytes.len());
        }
        Pack { bytes, files: ranges }
    }

    /// Whether a file that begins like this is meant to be a pack.
    #[must_use]
    pub fn is_begun(bytes: &[u8]) -> bool {
        bytes.starts_with(&BEGINNING[..BEGINNING.len() - 1])
    }

    /// The reverse of [`Pack::bytes`]; `None` for what is no pack, or of another version.
    #[must_use]
    pub fn read(bytes: Vec<u8>) -> Option<Pack> {
        let rest = bytes.strip_prefix(BEGINNING)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let list: Vec<Listed> = serde_json::from_slice(rest.get(..length)?).ok()?;
        let mut at = BEGINNING.len() + 4 + length;
        let mut files = BTreeMap::new();
        for Listed { name, size } in list {
            let end = at.checked_add(usize::try_from(size).ok()?)?;
            files.insert(name, at..end);
            at = end;
        }
        (at == bytes.len()).then_some(Pack { bytes, files })
    }

    /// The one file that it is.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Each of its files with its size in bytes, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.files.iter().map(|(name, range)| (name.as_str(), range.len() as u64))
    }

    /// A file's content.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|range| &self.bytes[range.clone()])
    }

    /// The contents of files that a model cannot do without.
    pub(super) fn needed<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[&[u8]; N], ModelError> {
        let missing: Vec<&'static str> =
            names.into_iter().filter(|name| self.file(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(ModelError::Missing(missing));
        }
        Ok(names.map(|name| self.file(name).unwrap_or_default()))
    }
}
