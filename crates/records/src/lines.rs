//! Rows on lines of their own; blank lines are left out.

use crate::fault::FileFault;
use crate::source::{Piece, Source};
use std::io::Read;

/// A file that is read line by line.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    source: Source<R>,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Lines<R> {
        Lines { source: Source::new(input) }
    }

    /// The next row's bytes and its line; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Piece<'_>)>, FileFault> {
        // Blank lines are white space before the row.
        if self.source.peek()?.is_none() {
            return Ok(None);
        }
        let line = self.source.line();
        Ok(self.source.rest_of_line()?.map(|piece| (line, piece)))
    }
}
