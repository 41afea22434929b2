//! What an attempt gives, kept in memory: the output of the operations' tests.

use crate::Output;
use windlass_core::Failure;

/// Everything that an attempt gave.
#[derive(Default)]
pub(crate) struct Kept {
    /// Names and contents, the main one first.
    pub(crate) artifacts: Vec<(String, Vec<u8>)>,
    pub(crate) notes: Vec<String>,
    /// Done, and of how much (0: not known).
    pub(crate) progress: Vec<(u64, u64)>,
}

impl Output for Kept {
    fn artifact(&mut self, name: &str, _: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.artifacts.push((name.to_owned(), bytes.to_vec()));
        Ok(())
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn progress(&mut self, done: u64, total: u64) {
        assert!(total == 0 || done <= total, "{done} of {total}");
        self.progress.push((done, total));
    }
}
