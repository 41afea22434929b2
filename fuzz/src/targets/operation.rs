//! An operation as a function from bytes to artifacts.

use serde_json::Value;
use std::io::Write;
use windlass_core::Failure;
use windlass_core::media::Media;
use windlass_core::params::Params;
use windlass_ops::{Output, Source, Work};

/// Tables that are made once in a process: the lexicon, the classes of characters, fonts.
pub(super) const TABLES_BYTES_MAX: usize = 32 << 20;

/// What an operation gives out.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) artifacts: Vec<Vec<u8>>,
    pub(super) notes: usize,
}

impl Output for Kept {
    fn artifact(&mut self, _: &str, _: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.artifacts.push(bytes.to_vec());
        Ok(())
    }

    fn note(&mut self, _: String) {
        self.notes += 1;
    }

    fn progress(&mut self, _: u64, _: u64) {}
}

/// Runs an operation over a file of these bytes; a failure has a cause and a next step.
pub(super) fn run(
    operation: &str,
    media: Media,
    bytes: &[u8],
    params: &Params,
) -> Result<Kept, Failure> {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("the disk takes it");
    let source = Source::new(file, "x".to_owned(), media, bytes.len() as u64, None);
    let mut output = Kept::default();
    let mut work = Work::new(Some(source), params, &mut output);
    let operation = windlass_ops::find(operation).and_then(|operation| operation.run);
    let done = operation.expect("an operation with a function")(&mut work);
    if let Err(failure) = &done {
        let is_told = !failure.cause.is_empty() && !failure.next_step.is_empty();
        assert!(is_told, "a failure without cause or next step: {failure:?}");
    }
    done.map(|()| output)
}

/// The main artifact.
pub(super) fn json(kept: &Kept) -> Value {
    let bytes = kept.artifacts.first().expect("a main artifact");
    serde_json::from_slice(bytes).expect("the main artifact is JSON")
}
