//! A stream of bytes that knows its line, and hands out lines and JSON values of bounded length.

use crate::scan::Scan;
use memchr::{memchr, memchr_iter};
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use windlass_core::limits::RECORD_ROW_BYTES_MAX;

/// Few calls for large files, small beside a row's bound.
const BUFFER_BYTES: usize = 256 << 10;
/// What is looked at to tell what a stream holds.
const HEAD_BYTES: u64 = 64 << 10;
/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A stream whose beginning has been looked at.
pub(crate) type Opened<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads the beginning of a stream, and gives back the stream with it, without a byte order mark.
pub(crate) fn open<R: Read>(mut input: R) -> io::Result<Opened<R>> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    if head.starts_with(MARK) {
        head.drain(..MARK.len());
    }
    Ok(Cursor::new(head).chain(input))
}

/// Bytes that were asked for, if they were not too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Piece<'a> {
    Whole(&'a [u8]),
    TooLong,
}

/// A stream and a line number.
#[derive(Debug)]
pub(crate) struct Source<R> {
    input: BufReader<R>,
    /// Of the next byte, from 1.
    line: u64,
    /// What is being put together.
    piece: Vec<u8>,
    is_too_long: bool,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(input: R) -> Source<R> {
        let input = BufReader::with_capacity(BUFFER_BYTES, input);
        Source { input, line: 1, piece: Vec::new(), is_too_long: false }
    }

    /// The line of the next byte, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The next byte that is not white space, which stays; `None` at the end.
    pub(crate) fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            let count = buffer.iter().take_while(|byte| is_blank(byte)).count();
            let next = buffer.get(count).copied();
            self.line += memchr_iter(b'\n', &buffer[..count]).count() as u64;
            self.input.consume(count);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    /// Leaves out the byte that `peek` showed.
    pub(crate) fn skip(&mut self) {
        self.input.consume(1);
    }

    /// The JSON value that begins with the next byte; `None` where the stream ends within it.
    pub(crate) fn value(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.begin();
        let mut scan = Scan::default();
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                // A number at the end of the stream has no end of its own.
                return Ok(None);
            }
            let end = scan.end(buffer);
            let count = end.unwrap_or(buffer.len());
            let part = &buffer[..count];
            self.line += memchr_iter(b'\n', part).count() as u64;
            keep(&mut self.piece, &mut self.is_too_long, part);
            self.input.consume(count);
            if end.is_some() {
                return Ok(Some(self.finished()));
            }
        }
    }

    /// The rest of the line without its end; `None` at the end of the stream.
    pub(crate) fn rest_of_line(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.begin();
        let mut is_at_end = true;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok((!is_at_end).then(|| self.finished()));
            }
            is_at_end = false;
            let end = memchr(b'\n', buffer);
            keep(&mut self.piece, &mut self.is_too_long, &buffer[..end.unwrap_or(buffer.len())]);
            let count = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(count);
            if end.is_some() {
                self.line += 1;
                return Ok(Some(self.finished()));
            }
        }
    }

    fn begin(&mut self) {
        self.piece.clear();
        self.is_too_long = false;
    }

    fn finished(&self) -> Piece<'_> {
        if self.is_too_long { Piece::TooLong } else { Piece::Whole(&self.piece) }
    }
}

fn keep(piece: &mut Vec<u8>, is_too_long: &mut bool, part: &[u8]) {
    *is_too_long |= piece.len() + part.len() > RECORD_ROW_BYTES_MAX;
    if !*is_too_long {
        piece.extend_from_slice(part);
    }
}
