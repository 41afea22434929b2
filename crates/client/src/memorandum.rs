//! What a run keeps beside its job: how it was asked for, so that `--failed` alone can go on.
//!
//! A blob of JSON, named by the job; the master never looks into it.

use crate::gather::Choice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// How a run was asked for. Paths are absolute and not expanded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Files, folders and patterns.
    pub paths: Vec<OsString>,
    /// Which operation a file goes to.
    pub choice: Choice,
    /// Parameters as given.
    pub params: BTreeMap<String, String>,
    /// Where results go.
    pub out: PathBuf,
    /// Whether everything is done anew, also what the memo knows.
    pub fresh: bool,
}

const MEMORANDUM_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    paths: Vec<Vec<u8>>,
    operation: Option<String>,
    skip: Vec<String>,
    params: BTreeMap<String, String>,
    out: Vec<u8>,
    /// Absent where it is not asked for, so that commands are known again that never had it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    fresh: bool,
}

impl Asked {
    /// A hash of all of it: the same command has the same one, run after run.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let hash = blake3::hash(&self.encode());
        let (half, _) = hash.as_bytes().split_first_chunk::<16>().expect("a hash has 32 bytes");
        u128::from_le_bytes(*half)
    }

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (operation, skip) = match &self.choice {
            Choice::Auto { skip } => (None, skip.clone()),
            Choice::One(operation) => (Some(operation.clone()), Vec::new()),
        };
        let stored = Stored {
            version: MEMORANDUM_VERSION,
            paths: self.paths.iter().map(|path| path.as_bytes().to_vec()).collect(),
            operation,
            skip,
            params: self.params.clone(),
            out: self.out.as_os_str().as_bytes().to_vec(),
            fresh: self.fresh,
        };
        serde_json::to_vec(&stored).expect("plain data is always JSON")
    }

    /// The reverse of [`Asked::encode`]; `None` for what another version wrote.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Asked> {
        let stored: Stored = serde_json::from_slice(bytes).ok()?;
        if stored.version != MEMORANDUM_VERSION {
            return None;
        }
        let path = |bytes: &Vec<u8>| OsStr::from_bytes(bytes).to_owned();
        Some(Asked {
            paths: stored.paths.iter().map(path).collect(),
            choice: match stored.operation {
                Some(operation) => Choice::One(operation),
                None => Choice::Auto { skip: stored.skip },
            },
            params: stored.params,
            out: PathBuf::from(path(&stored.out)),
            fresh: stored.fresh,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_round_trips_and_every_part_counts() {
        let asked = Asked {
            paths: vec![OsStr::from_bytes(b"/a/\xff").to_owned()],
            choice: Choice::Auto { skip: vec!["image".to_owned()] },
            params: BTreeMap::from([("width".to_owned(), "5".to_owned())]),
            out: PathBuf::from("/out"),
            fresh: false,
        };
        assert_eq!(Asked::decode(&asked.encode()), Some(asked.clone()));
        let fresh = Asked { fresh: true, ..asked.clone() };
        assert_eq!(Asked::decode(&fresh.encode()), Some(fresh.clone()));
        assert_ne!(fresh.fingerprint(), asked.fingerprint());
        let other = Asked { out: PathBuf::from("/other"), ..asked.clone() };
        assert_ne!(asked.fingerprint(), other.fingerprint());
    }
}
