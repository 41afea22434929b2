//! What earlier phases of the same job made, as a task gets it: artifacts, one after another in a
//! file that is open for reading.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use windlass_core::Failure;

/// Bytes handed over at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Artifacts of earlier phases that a task builds on; none for a task that builds on nothing. Who
/// put them into the file has verified them.
#[derive(Debug, Default)]
pub struct Earlier {
    held: Held,
    artifacts: Vec<(u64, EarlierArtifact)>,
}

/// Where the artifacts lie.
#[derive(Debug, Default)]
enum Held {
    #[default]
    Nowhere,
    File(File),
    Memory(Vec<u8>),
}

/// What is known of an artifact of an earlier phase.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EarlierArtifact {
    /// Its name, `{base}` and all.
    pub name: String,
    /// Its MIME type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// Which of the results that the task builds on it is of, counted from 0.
    pub result: u32,
}

impl Earlier {
    /// Artifacts that lie in `file` in this order, the first at its beginning.
    #[must_use]
    pub fn new(file: File, artifacts: Vec<EarlierArtifact>) -> Earlier {
        Earlier::of(Held::File(file), artifacts)
    }

    /// The same in memory, for who runs steps in one process.
    #[must_use]
    pub fn in_memory(bytes: Vec<u8>, artifacts: Vec<EarlierArtifact>) -> Earlier {
        Earlier::of(Held::Memory(bytes), artifacts)
    }

    fn of(held: Held, artifacts: Vec<EarlierArtifact>) -> Earlier {
        let mut offset = 0_u64;
        let placed = artifacts.into_iter().map(|artifact| {
            let begins = offset;
            offset = offset.saturating_add(artifact.size);
            (begins, artifact)
        });
        Earlier { artifacts: placed.collect(), held }
    }

    /// What there is, in the order of the phases and of their tasks.
    pub fn artifacts(&self) -> impl ExactSizeIterator<Item = &EarlierArtifact> {
        self.artifacts.iter().map(|(_, artifact)| artifact)
    }

    /// The bytes of the artifact at a position.
    ///
    /// # Errors
    /// `input_too_large` above `bytes_max`, `earlier_missing` where there is no such artifact,
    /// `input_unreadable` where the read fails.
    pub fn read(&self, position: usize, bytes_max: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let size = self.artifacts.get(position).map_or(0, |(_, artifact)| artifact.size);
        if size > bytes_max {
            return Err(Failure::rejected(
                "input_too_large",
                format!("a result to build on has {size} bytes, more than the {bytes_max} allowed"),
                "Divide the work further.",
            ));
        }
        self.stream(position, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Feeds the artifact at a position piece by piece.
    ///
    /// # Errors
    /// As [`Earlier::read`], and whatever `each` returns.
    pub fn stream(
        &self,
        position: usize,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some((offset, artifact)) = self.artifacts.get(position) else {
            return Err(missing(position, self.artifacts.len()));
        };
        let file = match &self.held {
            Held::File(file) => file,
            Held::Memory(bytes) => return each(within(bytes, *offset, artifact.size)?),
            Held::Nowhere => return Err(missing(position, self.artifacts.len())),
        };
        let mut at = *offset;
        let end = offset.saturating_add(artifact.size);
        let piece_bytes = usize::try_from(artifact.size.min(PIECE_BYTES)).unwrap_or(0);
        let mut piece = vec![0; piece_bytes];
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(piece_bytes).min(piece_bytes);
            file.read_exact_at(&mut piece[..wanted], at).map_err(|error| unreadable(&error))?;
            each(&piece[..wanted])?;
            at += wanted as u64;
        }
        Ok(())
    }
}

fn within(bytes: &[u8], offset: u64, size: u64) -> Result<&[u8], Failure> {
    let range = usize::try_from(offset).ok().zip(usize::try_from(offset.saturating_add(size)).ok());
    let bytes = range.and_then(|(from, to)| bytes.get(from..to));
    bytes.ok_or_else(|| unreadable(&io::ErrorKind::UnexpectedEof.into()))
}

fn missing(position: usize, count: usize) -> Failure {
    Failure::rejected(
        "earlier_missing",
        format!("result {position} of an earlier phase is wanted, and there are {count}"),
        "Report it: the phases of this operation do not fit each other.",
    )
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::unavailable(
        "input_unreadable",
        format!("the result of an earlier phase cannot be read: {error}"),
        "Check the worker's disk; the task is tried again by itself.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn earlier(contents: &[&[u8]]) -> Earlier {
        let mut file = tempfile::tempfile().expect("a file");
        contents.iter().for_each(|bytes| file.write_all(bytes).expect("written"));
        let artifact = |bytes: &&[u8]| EarlierArtifact {
            name: "part".to_owned(),
            media_type: "application/octet-stream".to_owned(),
            size: bytes.len() as u64,
            result: 0,
        };
        Earlier::new(file, contents.iter().map(artifact).collect())
    }

    #[test]
    fn each_artifact_is_read_alone() {
        let long = b"0123456789".repeat(150_000);
        let earlier = earlier(&[b"one", b"", &long, b"four"]);
        assert_eq!(earlier.read(0, 10), Ok(b"one".to_vec()));
        assert_eq!(earlier.read(1, 10), Ok(Vec::new()));
        assert!(earlier.read(2, 2_000_000) == Ok(long));
        assert_eq!(earlier.read(3, 4), Ok(b"four".to_vec()));
    }

    #[test]
    fn memory_is_read_as_a_file_is() {
        let Earlier { artifacts, .. } = earlier(&[b"one", b"", b"four"]);
        let listed = || artifacts.iter().map(|(_, artifact)| artifact.clone()).collect();
        let whole = Earlier::in_memory(b"onefour".to_vec(), listed());
        assert_eq!(
            [0, 1, 2].map(|at| whole.read(at, 4)),
            [Ok(b"one".to_vec()), Ok(Vec::new()), Ok(b"four".to_vec())]
        );
        let short = Earlier::in_memory(b"onefou".to_vec(), listed());
        assert_eq!(short.read(2, 4).expect_err("refused").code, "input_unreadable");
    }

    #[test]
    fn what_is_not_there_and_what_is_too_large_is_told() {
        let code = |read: Result<Vec<u8>, Failure>| read.expect_err("refused").code;
        assert_eq!(code(earlier(&[b"one"]).read(1, 10)), "earlier_missing");
        assert_eq!(code(earlier(&[b"one"]).read(0, 2)), "input_too_large");
        assert_eq!(code(Earlier::default().read(0, 2)), "earlier_missing");
        let short = Earlier { artifacts: earlier(&[b"one"]).artifacts, ..earlier(&[]) };
        assert_eq!(code(short.read(0, 10)), "input_unreadable");
    }
}
