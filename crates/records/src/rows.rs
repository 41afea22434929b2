//! The rows of a file, of whatever kind it is.

use crate::document::Document;
use crate::fault::{FileFault, RowFault};
use crate::format::Format;
use crate::lines::Lines;
use crate::source::{Opened, Piece, open};
use crate::table::Table;
use std::fmt::Display;
use std::io::Read;
use std::path::Path;
use windlass_core::records::FieldName;

/// Characters of a name or a key that a message shows.
pub(crate) const SHOWN_CHARACTER_COUNT: usize = 40;

/// The line on which a row begins, and the row as it is spelled in JSON.
pub(crate) type Row<'a> = (u64, Result<&'a [u8], RowFault>);

/// Fields that a message names.
const NAMED_COUNT_MAX: usize = 10;

/// The first fields and how many more there are, for people: names come from files.
#[must_use]
pub fn named<T: Display>(fields: &[T]) -> String {
    let (first, more) = fields.split_at(fields.len().min(NAMED_COUNT_MAX));
    let first: Vec<String> = first.iter().map(|name| plain(&name.to_string())).collect();
    match more.len() {
        0 => first.join(", "),
        count => format!("{} and {count} more", first.join(", ")),
    }
}

/// Up to 40 characters of a name, without what a terminal would obey.
fn plain(name: &str) -> String {
    let shown: String = name.chars().take(SHOWN_CHARACTER_COUNT).collect();
    shown.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

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
                let cause = format!("no field {name}; there are: {}", named(table.fields()));
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
