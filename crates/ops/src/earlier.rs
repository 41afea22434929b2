//! What earlier phases of the same job made, as a task gets it: artifacts, one after another in a
//! file that is open for reading, or in memory.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use windlass_core::Failure;

/// Artifacts of earlier phases that a task builds on, in the order of the phases and of their
/// tasks; none for a task that builds on nothing. Who put them there has verified them.
#[derive(Debug)]
pub struct Earlier<'a>(Held<'a>);

/// Where the artifacts lie.
#[derive(Debug)]
enum Held<'a> {
    File {
        file: File,
        /// Where each begins, and its size.
        places: Vec<(u64, u64)>,
    },
    Memory(Vec<&'a [u8]>),
}

impl Default for Earlier<'_> {
    fn default() -> Self {
        Earlier::in_memory(Vec::new())
    }
}

impl<'a> Earlier<'a> {
    /// Artifacts of these sizes that lie in `file` in this order, the first at its beginning.
    #[must_use]
    pub fn new(file: File, sizes: Vec<u64>) -> Self {
        let mut offset = 0_u64;
        let placed = sizes.into_iter().map(|size| {
            let begins = offset;
            offset = offset.saturating_add(size);
            (begins, size)
        });
        Earlier(Held::File { places: placed.collect(), file })
    }

    /// The same in memory, for who runs steps in one process.
    #[must_use]
    pub fn in_memory(artifacts: Vec<&'a [u8]>) -> Self {
        Earlier(Held::Memory(artifacts))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::File { places, .. } => places.len(),
            Held::Memory(artifacts) => artifacts.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the artifact at a position.
    ///
    /// # Errors
    /// `input_too_large` above `bytes_max`, `earlier_missing` where there is no such artifact,
    /// `input_unreadable` where the read fails.
    pub fn read(&self, position: usize, bytes_max: u64) -> Result<Cow<'_, [u8]>, Failure> {
        let allowed = |size: u64| {
            (size <= bytes_max).then_some(size).ok_or_else(|| too_large(size, bytes_max))
        };
        match &self.0 {
            Held::Memory(artifacts) => {
                let bytes = artifacts.get(position).ok_or_else(|| self.missing(position))?;
                allowed(bytes.len() as u64)?;
                Ok(Cow::Borrowed(bytes))
            }
            Held::File { file, places } => {
                let (offset, size) = places.get(position).ok_or_else(|| self.missing(position))?;
                let mut bytes = vec![0; usize::try_from(allowed(*size)?).unwrap_or(usize::MAX)];
                file.read_exact_at(&mut bytes, *offset).map_err(|error| unreadable(&error))?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    fn missing(&self, position: usize) -> Failure {
        Failure::rejected(
            "earlier_missing",
            format!(
                "result {position} of an earlier phase is wanted, and there are {}",
                self.len()
            ),
            "Report it: the phases of this operation do not fit each other.",
        )
    }
}

fn too_large(size: u64, bytes_max: u64) -> Failure {
    Failure::rejected(
        "input_too_large",
        format!("a result to build on has {size} bytes, more than the {bytes_max} allowed"),
        "Divide the work further.",
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

    fn earlier<'a>(contents: &[&'a [u8]]) -> Earlier<'a> {
        let mut file = tempfile::tempfile().expect("a file");
        contents.iter().for_each(|bytes| file.write_all(bytes).expect("written"));
        Earlier::new(file, contents.iter().map(|bytes| bytes.len() as u64).collect())
    }

    fn in_memory<'a>(contents: &[&'a [u8]]) -> Earlier<'a> {
        Earlier::in_memory(contents.to_vec())
    }

    #[test]
    fn each_artifact_is_read_alone() {
        for earlier in [earlier(&[b"one", b"", b"four"]), in_memory(&[b"one", b"", b"four"])] {
            assert_eq!(earlier.len(), 3);
            let read = [0, 1, 2].map(|at| earlier.read(at, 4).expect("read").into_owned());
            assert_eq!(read, [b"one".to_vec(), Vec::new(), b"four".to_vec()]);
        }
    }

    #[test]
    fn what_is_not_there_and_what_is_too_large_is_told() {
        let code = |earlier: Earlier, at| earlier.read(at, 2).expect_err("refused").code;
        for make in [earlier, in_memory] {
            assert_eq!(code(make(&[b"on"]), 1), "earlier_missing");
            assert_eq!(code(make(&[b"one"]), 0), "input_too_large");
        }
        assert_eq!(code(Earlier::default(), 0), "earlier_missing");
        let file = tempfile::tempfile().expect("a file");
        assert_eq!(code(Earlier::new(file, vec![1]), 0), "input_unreadable");
    }
}
