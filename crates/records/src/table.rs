//! Tables: the first line names the fields, each further one is a row, turned into JSON.
//!
//! Cells are text, but for those that are spelled as a number is ([`is_number_cell`]). An empty
//! cell is the empty text.

use crate::fault::{FileFault, RowFault};
use crate::rows::Row;
use csv::ByteRecord;
use memchr::memchr_iter;
use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Read};
use std::rc::Rc;
use windlass_core::limits::RECORD_ROW_BYTES_MAX;

/// What csv's reader takes in at once: a row is refused between its bound and so much beyond.
const BUFFER_BYTES: usize = 64 << 10;
/// Numbers of more digits are text: as numbers most readers would round them.
const DIGIT_COUNT_MAX: usize = 15;

/// A table that is read row by row.
#[derive(Debug)]
pub(crate) struct Table<R> {
    reader: csv::Reader<Bounded<R>>,
    stream: Rc<Stream>,
    fields: Vec<String>,
    /// `{"name":` and `,"name":`, one for each field.
    names: Vec<Vec<u8>>,
    cells: ByteRecord,
    row: Vec<u8>,
}

/// What is known of the stream while a row is read.
#[derive(Debug, Default)]
struct Stream {
    /// Bytes that the row may still take.
    allowance: Cell<usize>,
    /// Whether the stream has ended.
    is_at_end: Cell<bool>,
    quotes: Cell<Quotes>,
}

/// Where a table is among its quotes. The reader does not tell that a file ends within some: all
/// rows behind a quote that is never closed would be a part of one cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Quotes {
    /// At the beginning of a cell.
    #[default]
    Begin,
    Outside,
    Within,
    /// Behind one that ends the cell, or is the first half of a doubled one.
    Behind,
}

impl Quotes {
    fn after(self, bytes: &[u8], delimiter: u8) -> Quotes {
        bytes.iter().fold(self, |quotes, byte| match (quotes, *byte) {
            (Quotes::Begin, b'"') | (Quotes::Behind, b'"') => Quotes::Within,
            (Quotes::Within, b'"') => Quotes::Behind,
            (Quotes::Within, _) => Quotes::Within,
            (_, b'\n') => Quotes::Begin,
            (_, byte) if byte == delimiter => Quotes::Begin,
            _ => Quotes::Outside,
        })
    }
}

/// A stream that ends in an error where a row goes on and on: behind a quote that is never closed
/// lies the rest of the file.
#[derive(Debug)]
struct Bounded<R> {
    input: R,
    delimiter: u8,
    stream: Rc<Stream>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowance = &self.stream.allowance;
        if allowance.get() == 0 {
            let text =
                format!("a row has more than {RECORD_ROW_BYTES_MAX} bytes; is a quote not closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let count = self.input.read(buffer)?;
        allowance.set(allowance.get().saturating_sub(count));
        self.stream.is_at_end.set(count == 0);
        let quotes = self.stream.quotes.get();
        if count == 0 && quotes == Quotes::Within {
            let text = "the file ends in a cell whose quote is not closed";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        self.stream.quotes.set(quotes.after(&buffer[..count], self.delimiter));
        Ok(count)
    }
}

impl<R: Read> Table<R> {
    /// Reads the names of the fields; `head` is the stream's beginning, of which they are part.
    pub(crate) fn new(input: R, head: &[u8]) -> Result<Table<R>, FileFault> {
        let stream = Rc::new(Stream::default());
        let delimiter = delimiter(head);
        let bounded = Bounded { input, delimiter, stream: Rc::clone(&stream) };
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            // With its own choice, a row behind CR LF would be counted on the line before.
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(bounded);
        let (fields, names) = (Vec::new(), Vec::new());
        let (cells, row) = (ByteRecord::new(), Vec::new());
        let mut table = Table { reader, stream, fields, names, cells, row };
        table.read()?;
        table.fields = fields_of(&table.cells)?;
        table.names = table
            .fields
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let mut written = vec![if index == 0 { b'{' } else { b',' }];
                write_text(name, &mut written);
                written.push(b':');
                written
            })
            .collect();
        Ok(table)
    }

    /// Whether a field is among those that the first line names.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field == name)
    }

    /// What the fields are called.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The next row; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, FileFault> {
        if !self.read()? {
            return Ok(None);
        }
        let line = self.line();
        let (found, wanted) = (self.cells.len(), self.names.len());
        if found != wanted {
            return Ok(Some((line, Err(RowFault::CellCount { found, wanted }))));
        }
        self.row.clear();
        for (index, (name, cell)) in self.names.iter().zip(&self.cells).enumerate() {
            self.row.extend_from_slice(name);
            let cell = if index + 1 == wanted { without_return(cell) } else { cell };
            let Ok(cell) = std::str::from_utf8(cell) else {
                return Ok(Some((line, Err(RowFault::NotText))));
            };
            if is_number_cell(cell) {
                self.row.extend_from_slice(cell.as_bytes());
            } else {
                write_text(cell, &mut self.row);
            }
        }
        self.row.push(b'}');
        let is_too_long = self.row.len() > RECORD_ROW_BYTES_MAX;
        Ok(Some((line, if is_too_long { Err(RowFault::TooLong) } else { Ok(&self.row) })))
    }

    /// Reads the next row into `cells`; blank lines are none.
    fn read(&mut self) -> Result<bool, FileFault> {
        loop {
            self.stream.allowance.set(RECORD_ROW_BYTES_MAX);
            let line = self.reader.position().line();
            let read = self.reader.read_byte_record(&mut self.cells);
            if !read.map_err(|error| file_fault(error, line))? {
                return Ok(false);
            }
            if self.cells.len() > 1 || self.cells.get(0) != Some(b"\r") {
                return Ok(true);
            }
        }
    }

    /// The line on which the row begins that was read last. The reader would say where it began to
    /// look for it, which may be some blank lines before.
    fn line(&self) -> u64 {
        let in_cells = memchr_iter(b'\n', self.cells.as_slice()).count() as u64;
        let own_end = u64::from(!self.stream.is_at_end.get());
        self.reader.position().line().saturating_sub(in_cells + own_end)
    }
}

fn file_fault(error: csv::Error, line: u64) -> FileFault {
    let cause = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            FileFault::Io(error)
        }
        csv::ErrorKind::Io(error) => FileFault::Broken { line, cause: error.to_string() },
        _ => FileFault::Broken { line, cause },
    }
}

/// What stands between cells: whichever of comma, semicolon and tab is most frequent among the
/// names; of equally frequent ones the first of these.
fn delimiter(head: &[u8]) -> u8 {
    let mut is_quoted = false;
    let visible = head.iter().copied().filter(|&byte| {
        is_quoted ^= byte == b'"';
        !is_quoted
    });
    let line: Vec<u8> = visible.take_while(|&byte| byte != b'\n').collect();
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    // The last of equal ones is taken.
    [b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

fn fields_of(cells: &ByteRecord) -> Result<Vec<String>, FileFault> {
    let broken = |cause: String| FileFault::Broken { line: 1, cause };
    let (mut fields, mut known) = (Vec::new(), HashSet::new());
    for (index, cell) in cells.iter().enumerate() {
        let text = std::str::from_utf8(cell)
            .map_err(|_| broken("the names of the fields are not UTF-8".to_owned()))?;
        let name = text.trim();
        if name.is_empty() {
            return Err(broken(format!("field {} has no name", index + 1)));
        }
        if !known.insert(name) {
            return Err(broken(format!("two fields are called {name:?}")));
        }
        fields.push(name.to_owned());
    }
    if fields.is_empty() {
        return Err(broken("the file is empty".to_owned()));
    }
    Ok(fields)
}

/// The last cell of a line that ends in CR LF has the CR.
fn without_return(cell: &[u8]) -> &[u8] {
    cell.strip_suffix(b"\r").unwrap_or(cell)
}

/// Whether a cell is a number: digits, perhaps a minus before and a fraction behind them. What
/// would not come back as it was (`007`, `+49`, `1e5`, more than 15 digits) is text.
fn is_number_cell(cell: &str) -> bool {
    let unsigned = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && whole.len() + fraction.map_or(0, str::len) <= DIGIT_COUNT_MAX
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("memory takes text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &[u8], expected: Expect) {
        let mut shown = String::new();
        let outcome = read(text, &mut shown);
        if let Err(FileFault::Broken { line, cause }) = outcome {
            shown += &format!("broken at {line}: {cause}\n");
        }
        expected.assert_eq(&shown);
    }

    fn read(text: &[u8], shown: &mut String) -> Result<(), FileFault> {
        let mut table = Table::new(text, text)?;
        while let Some((line, row)) = table.next()? {
            *shown += &match row {
                Ok(row) => format!("{line}: {}\n", String::from_utf8_lossy(row)),
                Err(fault) => format!("{line}: bad: {fault}\n"),
            };
        }
        Ok(())
    }

    #[test]
    fn numbers_are_numbers_and_all_else_is_text() {
        let text = "name,value\na,2002\nb,-1.50\nc,007\nd,1e5\ne,+4\nf,1234567890123456\ng,\nh,true\ni, 5\n";
        check(
            text.as_bytes(),
            expect![[r#"
            2: {"name":"a","value":2002}
            3: {"name":"b","value":-1.50}
            4: {"name":"c","value":"007"}
            5: {"name":"d","value":"1e5"}
            6: {"name":"e","value":"+4"}
            7: {"name":"f","value":"1234567890123456"}
            8: {"name":"g","value":""}
            9: {"name":"h","value":"true"}
            10: {"name":"i","value":" 5"}
        "#]],
        );
    }

    #[test]
    fn quotes_semicolons_and_tabs_are_understood_and_lines_are_counted() {
        check(
            b"name;\"no, te\"\r\n\"a\nb\";\"x \"\"y\"\"\"\r\nc;d\r\n",
            expect![[r#"
                2: {"name":"a\nb","no, te":"x \"y\""}
                4: {"name":"c","no, te":"d"}
            "#]],
        );
        check(
            b"a\tb\n1\t2",
            expect![[r#"
            2: {"a":1,"b":2}
        "#]],
        );
    }

    #[test]
    fn a_bad_row_costs_only_itself() {
        check(
            b"a,b\n1\n2,3,4\n\xff,1\n5,6\n",
            expect![[r#"
            2: bad: 1 cells, but the first line names 2 fields
            3: bad: 3 cells, but the first line names 2 fields
            4: bad: not UTF-8
            5: {"a":5,"b":6}
        "#]],
        );
    }

    #[test]
    fn names_must_be_there_and_differ() {
        check(b"", expect!["broken at 1: the file is empty\n"]);
        check(b"a,,b\n", expect!["broken at 1: field 2 has no name\n"]);
        check(b"a, a\n", expect!["broken at 1: two fields are called \"a\"\n"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_take_the_file_into_memory() {
        let mut text = b"a,b\n1,\"2\n".to_vec();
        text.extend(b"3,4\n".repeat(RECORD_ROW_BYTES_MAX));
        check(
            &text,
            expect!["broken at 2: a row has more than 1048576 bytes; is a quote not closed?\n"],
        );
    }
}
