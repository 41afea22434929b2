//! The rows of a file, of whatever kind it is.

use crate::document::Document;
use crate::fault::{FileFault, RowFault};
use crate::format::Format;
use crate::lines::Lines;
use crate::source::{Opened, Piece, open};
use crate::table::Table;
use std::io::Read;
use std::path::Path;
use windlass_core::records::FieldName;

/// The line on which a row begins, and the row as it is spelled in JSON.
pub(crate) type Row<'a> = (u64, Result<&'a [u8], RowFault>);

/// A file that is read row by row.
#[derive(Debug)]
pub(crate) enum Rows<R> {
    Document(Document<Opened<R>>),
    Lines(Lines<Opened<R>>),
    Table(Table<Opened<R>>),
}

impl<R: Read> Rows<R> {
    /// The kind is told by the file's name where that promises one and none is given, else by its
    /// first bytes.
    pub(crate) fn open(
        file: &Path,
        format: Option<Format>,
        input: R,
    ) -> Result<Rows<R>, FileFault> {
        let input = open(input)?;
        let head = input.get_ref().0.get_ref();
        let format = format.or_else(|| Format::of_name(file));
        Ok(match format.unwrap_or_else(|| Format::of_bytes(head)) {
            Format::Json => Rows::Document(Document::new(input)),
            Format::Sequence => Rows::Document(Document::sequence(input)),
            Format::Lines => Rows::Lines(Lines::new(input)),
            Format::Table => {
                let head = head.clone();
                Rows::Table(Table::new(input, &head)?)
            }
        })
    }

    /// A table that does not have this field has no row that does.
    pub(crate) fn check_field(&self, name: &FieldName) -> Result<(), FileFault> {
        match self {
            Rows::Table(table) if !table.has_field(name.as_str()) => {
                let cause = format!("no field {name}; there are: {}", table.fields());
                Err(FileFault::Broken { line: 1, cause })
            }
            _ => Ok(()),
        }
    }

    /// The next row; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, FileFault> {
        let (line, piece) = match self {
            Rows::Table(table) => return table.next(),
            Rows::Document(document) => match document.next()? {
                Some(next) => next,
                None => return Ok(None),
            },
            Rows::Lines(lines) => match lines.next()? {
                Some(next) => next,
                None => return Ok(None),
            },
        };
        let row = match piece {
            Piece::Whole(row) => Ok(row),
            Piece::TooLong => Err(RowFault::TooLong),
        };
        Ok(Some((line, row)))
    }
}
