//! A task's result as data: its artifacts, notes and cost.

use crate::ids::BlobId;
use crate::names::{FILE_NAME_BYTES_MAX, cut, numbered_file, split_extension};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// Where an artifact's bytes are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Content {
    /// In the manifest itself.
    Inline(#[serde(with = "crate::input::bytes")] Vec<u8>),
    /// In a blob of this size.
    Blob {
        /// Its name.
        id: BlobId,
        /// Its length in bytes.
        size: u64,
    },
}

/// One named output of a task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Artifact {
    /// File name with `{base}` for the input's base: `processed_{base}.png`. The first artifact of
    /// a manifest is the main one.
    pub name: String,
    /// MIME type.
    pub media_type: String,
    /// Its bytes.
    pub content: Content,
}

/// What stands for `{base}` in the names of a task's artifacts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Base {
    /// That of its input.
    OfInput(Vec<u8>),
    /// Of a task without one: what it is called itself.
    OfTask(Vec<u8>),
}

impl Base {
    /// Its bytes, which may be no UTF-8.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let (Base::OfInput(bytes) | Base::OfTask(bytes)) = self;
        bytes
    }
}

/// The bases of the inputs whose results lie in one folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bases(BTreeSet<Vec<u8>>);

impl FromIterator<Vec<u8>> for Bases {
    fn from_iter<I: IntoIterator<Item = Vec<u8>>>(bases: I) -> Bases {
        Bases(bases.into_iter().collect())
    }
}

impl Artifact {
    /// Its file name among the results of other inputs: where it would be one of theirs, as
    /// `{base}_words.json` of `a` beside an input `a_words`, it gets a number.
    #[must_use]
    pub fn file_name_among(&self, base: &Base, others: &Bases) -> Vec<u8> {
        let name = self.file_name(base);
        let is_taken = |name: &[u8]| {
            let stem = split_extension(name).0;
            stem != base.bytes() && others.0.contains(stem)
        };
        if !is_taken(&name) {
            return name;
        }
        let mut numbered = (2..).map(|number| numbered_file(&name, number));
        numbered.find(|name| !is_taken(name)).expect("there is always a next number")
    }

    /// Its file name, `{base}` replaced. Without that all inputs' results would have the same name:
    /// then as much of the base goes before it as there is room for.
    #[must_use]
    pub fn file_name(&self, base: &Base) -> Vec<u8> {
        let name = self.name.as_str();
        if matches!(base, Base::OfInput(_)) && !name.contains("{base}") {
            let room = FILE_NAME_BYTES_MAX.saturating_sub(name.len() + 1);
            return [cut(base.bytes(), room), b"_", name.as_bytes()].concat();
        }
        let parts: Vec<&[u8]> = name.split("{base}").map(str::as_bytes).collect();
        parts.join(base.bytes())
    }
}

/// Whether bytes can be the name of a file in a folder, and lead nowhere else.
#[must_use]
pub fn is_file_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..")
        && name.len() <= FILE_NAME_BYTES_MAX
        && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

/// All of a task's result; stored as a blob, named by the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Main artifact first.
    pub artifacts: Vec<Artifact>,
    /// What the user should know of a success ("page 3 has no text layer; …").
    pub notes: Vec<String>,
    /// Time that the attempt took on its slot, in microseconds.
    pub duration_us: u64,
    /// Whether an earlier result was found by its key, and nothing was done.
    pub from_memo: bool,
}

/// A manifest before there was a memo.
#[derive(Deserialize)]
struct Manifest1 {
    artifacts: Vec<Artifact>,
    notes: Vec<String>,
    duration_us: u64,
}

/// A stored manifest that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ManifestError {
    /// Written by another version.
    #[error("manifest format {0} is not known to this version")]
    Version(u8),
    /// Not a manifest.
    #[error("manifest is damaged: {0}")]
    Damaged(String),
}

const MANIFEST_VERSION: u8 = 2;

impl Manifest {
    /// One version byte, then postcard.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let out = vec![MANIFEST_VERSION];
        postcard::to_extend(self, out).expect("writing to memory cannot fail")
    }

    /// The reverse of [`Manifest::encode`].
    ///
    /// # Errors
    /// An unknown version, or bytes that are no manifest.
    pub fn decode(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let damaged = |error: postcard::Error| ManifestError::Damaged(error.to_string());
        match bytes.split_first() {
            None => Err(ManifestError::Damaged("no bytes".to_owned())),
            Some((&MANIFEST_VERSION, body)) => postcard::from_bytes(body).map_err(damaged),
            Some((1, body)) => {
                let old: Manifest1 = postcard::from_bytes(body).map_err(damaged)?;
                let Manifest1 { artifacts, notes, duration_us } = old;
                Ok(Manifest { artifacts, notes, duration_us, from_memo: false })
            }
            Some((version, _)) => Err(ManifestError::Version(*version)),
        }
    }

    /// The same result as the memo gives it: it took no time.
    #[must_use]
    pub fn from_memo(self) -> Manifest {
        Manifest { duration_us: 0, from_memo: true, ..self }
    }

    /// The blobs that it names, with their lengths in bytes.
    pub fn blobs(&self) -> impl Iterator<Item = (BlobId, u64)> {
        self.artifacts.iter().filter_map(|artifact| match artifact.content {
            Content::Inline(_) => None,
            Content::Blob { id, size } => Some((id, size)),
        })
    }

    /// Bytes of all artifacts.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.artifacts.iter().map(|artifact| artifact.content.size()).sum()
    }
}

impl Content {
    /// Length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Content::Inline(bytes) => bytes.len() as u64,
            Content::Blob { size, .. } => *size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_base_get_that_of_their_input() {
        let named = |name: &str, base: &Base| {
            let artifact = Artifact {
                name: name.to_owned(),
                media_type: "text/plain".to_owned(),
                content: Content::Inline(Vec::new()),
            };
            String::from_utf8(artifact.file_name(base)).unwrap()
        };
        let input = Base::OfInput(b"a".to_vec());
        assert_eq!(named("{base}.txt", &input), "a.txt");
        assert_eq!(named("of_{base}_{base}.txt", &input), "of_a_a.txt");
        assert_eq!(named("out.txt", &input), "a_out.txt");
        let long = Base::OfInput(vec![b'a'; 200]);
        let own = "b".repeat(100);
        assert_eq!(named(&own, &long), format!("{}_{own}", "a".repeat(154)));
        let task = Base::OfTask(b"task-0".to_vec());
        assert_eq!(named("{base}.txt", &task), "task-0.txt");
        assert_eq!(named("factorial_52.txt", &task), "factorial_52.txt");
    }

    #[test]
    fn a_result_does_not_take_the_name_of_another_inputs() {
        let named = |name: &str, base: &str| {
            let artifact = Artifact {
                name: name.to_owned(),
                media_type: "text/plain".to_owned(),
                content: Content::Inline(Vec::new()),
            };
            let bases = ["a", "a_words", "a_words-2", "b"].map(|base| base.as_bytes().to_vec());
            let base = Base::OfInput(base.as_bytes().to_vec());
            let name = artifact.file_name_among(&base, &bases.into_iter().collect());
            String::from_utf8(name).unwrap()
        };
        assert_eq!(named("{base}_words.json", "a"), "a_words-3.json");
        assert_eq!(named("{base}.json", "a_words"), "a_words.json");
        assert_eq!(named("{base}_words.json", "b"), "b_words.json");
        assert_eq!(named("{base}.json", "a"), "a.json");
    }

    /// As version 1 wrote it: artifacts, notes, duration.
    #[test]
    fn manifests_of_version_1_are_read() {
        let artifact = Artifact {
            name: "{base}.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            content: Content::Inline(b"hi".to_vec()),
        };
        let notes = vec!["a note".to_owned()];
        let old = (vec![artifact.clone()], notes.clone(), 5_u64);
        let bytes = postcard::to_extend(&old, vec![1]).expect("encodes");
        let manifest =
            Manifest { artifacts: vec![artifact], notes, duration_us: 5, from_memo: false };
        assert_eq!(Manifest::decode(&bytes), Ok(manifest.clone()));
        assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
    }
}
