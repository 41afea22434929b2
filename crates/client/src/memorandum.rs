//! What a run keeps beside its job: how it was asked for, so that `--failed` alone can go on, and
//! what it left out, so that whoever fetches the results is told.
//!
//! A blob of JSON, named by the job; the master never looks into it.

use crate::cluster::{Cluster, ClusterError};
use crate::gather::Choice;
use crate::report::{Outcome, Row};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use windlass_core::view::JobView;

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
/// Bound on a stored memorandum: the paths of one command line, and what was left out.
const MEMORANDUM_BYTES_MAX: u64 = 16 << 20;
/// Bytes of what was left out; more is counted and not named.
const LEFT_OUT_BYTES_MAX: usize = 12 << 20;

/// All that is kept beside a job.
#[derive(Clone, PartialEq, Debug)]
pub struct Memorandum {
    /// How it was asked for.
    pub asked: Asked,
    /// Files that became none of its tasks, as the report tells of them.
    pub left_out: Vec<Row>,
    /// How many more there were than are named.
    pub unnamed_count: u64,
}

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
    /// Absent in what is hashed: it is not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOut>,
    #[serde(default, skip_serializing_if = "is_zero")]
    unnamed_count: u64,
}

/// A file that was left out.
#[derive(Serialize, Deserialize)]
struct LeftOut {
    path: Vec<u8>,
    /// Whether it cannot be read; else no operation takes it.
    failed: bool,
    kind: String,
    code: String,
    cause: String,
    next_step: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl LeftOut {
    fn of(row: &Row) -> LeftOut {
        LeftOut {
            path: row.input.clone(),
            failed: row.outcome == Outcome::Failed,
            kind: row.kind.clone(),
            code: row.code.clone(),
            cause: row.cause.clone(),
            next_step: row.next_step.clone(),
        }
    }

    fn row(self) -> Row {
        let LeftOut { path, failed, kind, code, cause, next_step } = self;
        let outcome = if failed { Outcome::Failed } else { Outcome::Skipped };
        Row { kind, code, cause, next_step, ..Row::new(path, "", outcome) }
    }

    /// Bytes that it takes as JSON, at most: a path is a list of numbers, and a character of a text
    /// may be written as `\u0007`.
    fn bytes(&self) -> usize {
        let texts = [&self.kind, &self.code, &self.cause, &self.next_step];
        self.path.len() * 4 + texts.iter().map(|text| text.len() * 6).sum::<usize>() + 100
    }
}

impl Memorandum {
    /// Of what was asked, and of files that are in no job.
    #[must_use]
    pub fn new(asked: Asked, rows: impl Iterator<Item = Row>) -> Memorandum {
        let mut left_out = Vec::new();
        let (mut bytes, mut unnamed_count) = (0, 0);
        for row in rows {
            bytes += LeftOut::of(&row).bytes();
            if bytes > LEFT_OUT_BYTES_MAX {
                unnamed_count += 1;
            } else {
                left_out.push(row);
            }
        }
        Memorandum { asked, left_out, unnamed_count }
    }

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let stored = Stored {
            left_out: self.left_out.iter().map(LeftOut::of).collect(),
            unnamed_count: self.unnamed_count,
            ..self.asked.stored()
        };
        serde_json::to_vec(&stored).expect("plain data is always JSON")
    }

    /// The reverse of [`Memorandum::encode`]; `None` for what another version wrote.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Memorandum> {
        let stored: Stored = serde_json::from_slice(bytes).ok()?;
        if stored.version != MEMORANDUM_VERSION {
            return None;
        }
        let path = |bytes: &Vec<u8>| OsStr::from_bytes(bytes).to_owned();
        let asked = Asked {
            paths: stored.paths.iter().map(path).collect(),
            choice: match stored.operation {
                Some(operation) => Choice::One(operation),
                None => Choice::Auto { skip: stored.skip },
            },
            params: stored.params,
            out: PathBuf::from(path(&stored.out)),
            fresh: stored.fresh,
        };
        let left_out = stored.left_out.into_iter().map(LeftOut::row).collect();
        Some(Memorandum { asked, left_out, unnamed_count: stored.unnamed_count })
    }

    /// What is kept beside a job; `None`: nothing, or it is lost.
    ///
    /// # Errors
    /// The cluster cannot tell.
    pub fn of(cluster: &Cluster, job: &JobView) -> Result<Option<Memorandum>, ClusterError> {
        let Some(id) = job.memorandum else { return Ok(None) };
        match cluster.read_blob(id, MEMORANDUM_BYTES_MAX) {
            Ok(bytes) => Ok(Memorandum::decode(&bytes)),
            Err(error) if error.is_lost() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Asked {
    /// A hash of all of it: the same command has the same one, run after run.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let bytes = serde_json::to_vec(&self.stored()).expect("plain data is always JSON");
        let hash = blake3::hash(&bytes);
        let (half, _) = hash.as_bytes().split_first_chunk::<16>().expect("a hash has 32 bytes");
        u128::from_le_bytes(*half)
    }

    fn stored(&self) -> Stored {
        let (operation, skip) = match &self.choice {
            Choice::Auto { skip } => (None, skip.clone()),
            Choice::One(operation) => (Some(operation.clone()), Vec::new()),
        };
        Stored {
            version: MEMORANDUM_VERSION,
            paths: self.paths.iter().map(|path| path.as_bytes().to_vec()).collect(),
            operation,
            skip,
            params: self.params.clone(),
            out: self.out.as_os_str().as_bytes().to_vec(),
            fresh: self.fresh,
            left_out: Vec::new(),
            unnamed_count: 0,
        }
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
        let decoded = |asked: &Asked| {
            let memorandum = Memorandum::new(asked.clone(), std::iter::empty());
            Memorandum::decode(&memorandum.encode()).map(|it| it.asked)
        };
        assert_eq!(decoded(&asked), Some(asked.clone()));
        let fresh = Asked { fresh: true, ..asked.clone() };
        assert_eq!(decoded(&fresh), Some(fresh.clone()));
        assert_ne!(fresh.fingerprint(), asked.fingerprint());
        let other = Asked { out: PathBuf::from("/other"), ..asked.clone() };
        assert_ne!(asked.fingerprint(), other.fingerprint());
    }

    #[test]
    fn what_was_left_out_is_kept_as_far_as_there_is_room() {
        let asked = Asked {
            paths: Vec::new(),
            choice: Choice::One("text".to_owned()),
            params: BTreeMap::new(),
            out: PathBuf::from("/out"),
            fresh: false,
        };
        let failed = Row {
            kind: "rejected".to_owned(),
            code: "input_unreadable".to_owned(),
            cause: "it cannot be read".to_owned(),
            next_step: "Check its permissions.".to_owned(),
            ..Row::new(b"/a/\xff".to_vec(), "", Outcome::Failed)
        };
        let skipped = |n: usize| Row {
            cause: "no operation takes it".to_owned(),
            ..Row::new(format!("/{n}").repeat(500).into_bytes(), "", Outcome::Skipped)
        };
        let rows = std::iter::once(failed.clone()).chain((0..2_000).map(skipped));
        let memorandum = Memorandum::new(asked.clone(), rows);
        let named_count = memorandum.left_out.len() as u64;
        assert_eq!(memorandum.left_out[0], failed);
        assert!(named_count > 100 && memorandum.unnamed_count > 0);
        assert_eq!(named_count + memorandum.unnamed_count, 2_001);
        let bytes = memorandum.encode();
        assert!(bytes.len() as u64 <= MEMORANDUM_BYTES_MAX);
        assert_eq!(Memorandum::decode(&bytes), Some(memorandum));
    }
}
