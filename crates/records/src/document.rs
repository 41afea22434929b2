//! JSON that is laid out over lines: an array of rows, an object whose values are rows and whose
//! names are not kept, or one row after another. Only one row is in memory at a time.

use crate::fault::FileFault;
use crate::source::{Piece, Source};
use std::io::Read;

/// A document that is read row by row.
#[derive(Debug)]
pub(crate) struct Document<R> {
    source: Source<R>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing is read.
    New,
    /// Within an array (`]`) or an object (`}`), of which something is read or not.
    Within { close: u8, is_first: bool },
    /// The document is closed.
    Closed,
    /// Of rows of which none encloses the others.
    Sequence,
}

impl<R: Read> Document<R> {
    pub(crate) fn new(input: R) -> Document<R> {
        Document { source: Source::new(input), state: State::New }
    }

    /// Rows one after another, with nothing around them or between them.
    pub(crate) fn sequence(input: R) -> Document<R> {
        Document { source: Source::new(input), state: State::Sequence }
    }

    /// The next row's bytes and the line on which it begins; `None` at the document's end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Piece<'_>)>, FileFault> {
        if self.state == State::Sequence {
            return match self.source.peek()? {
                None => Ok(None),
                Some(b'{') => self.row().map(Some),
                found => Err(self.broken(found, "`{` or the end of the file")),
            };
        }
        if self.state == State::New {
            let close = match self.source.peek()? {
                Some(b'[') => b']',
                Some(b'{') => b'}',
                found => return Err(self.broken(found, "an array or an object of records")),
            };
            self.source.skip();
            self.state = State::Within { close, is_first: true };
        }
        let State::Within { close, is_first } = self.state else { return Ok(None) };
        if self.is_closed(close, is_first)? {
            self.state = State::Closed;
            return match self.source.peek()? {
                None => Ok(None),
                found => Err(self.broken(found, "the end of the file")),
            };
        }
        self.state = State::Within { close, is_first: false };
        if close == b'}' {
            self.skip_name()?;
        }
        match self.source.peek()? {
            Some(b',' | b':' | b'}' | b']') | None => {
                let found = self.source.peek()?;
                Err(self.broken(found, "a record"))
            }
            Some(_) => self.row().map(Some),
        }
    }

    /// The value that begins with the next byte, and its line.
    fn row(&mut self) -> Result<(u64, Piece<'_>), FileFault> {
        let line = self.source.line();
        let ended = || FileFault::Broken { line, cause: "the file ends in this record".to_owned() };
        let piece = self.source.value()?.ok_or_else(ended)?;
        Ok((line, piece))
    }

    /// Leaves out what stands before the next row, or says that there is none.
    fn is_closed(&mut self, close: u8, is_first: bool) -> Result<bool, FileFault> {
        match self.source.peek()? {
            Some(byte) if byte == close => {
                self.source.skip();
                Ok(true)
            }
            Some(b',') if !is_first => {
                self.source.skip();
                Ok(false)
            }
            Some(_) if is_first => Ok(false),
            found => Err(self.broken(found, &format!("`,` or `{}`", char::from(close)))),
        }
    }

    fn skip_name(&mut self) -> Result<(), FileFault> {
        let line = self.source.line();
        let found = self.source.peek()?;
        if found != Some(b'"') {
            return Err(self.broken(found, "a name in quotes"));
        }
        let is_name = match self.source.value()? {
            Some(Piece::Whole(name)) => {
                serde_json::from_slice::<serde::de::IgnoredAny>(name).is_ok()
            }
            Some(Piece::TooLong) => true,
            None => false,
        };
        if !is_name {
            return Err(FileFault::Broken { line, cause: "a name is not well formed".to_owned() });
        }
        match self.source.peek()? {
            Some(b':') => {
                self.source.skip();
                Ok(())
            }
            found => Err(self.broken(found, "`:` after the name")),
        }
    }

    fn broken(&self, found: Option<u8>, wanted: &str) -> FileFault {
        let found = match found {
            None => "the file ends".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("`{}` stands", char::from(byte)),
            Some(byte) => format!("byte {byte:#04x} stands"),
        };
        let cause = format!("{found} where {wanted} is wanted");
        FileFault::Broken { line: self.source.line(), cause }
    }
}
