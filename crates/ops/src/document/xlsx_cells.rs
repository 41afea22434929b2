//! The cells of one sheet: what each shows, put into rows; blank rows part tables.

use super::builder::Builder;
use super::package::Relations;
use super::xlsx::{Shared, push_link};
use super::xlsx_numbers::Formats;
use super::xml::{Node, attribute, walk};
use quick_xml::events::BytesStart;
use windlass_core::Failure;

/// Columns of a sheet, fixed by the format.
const COLUMN_COUNT: usize = 16_384;

/// What the cells of a sheet refer to.
pub(super) struct Sheet<'a> {
    pub(super) shared: &'a Shared,
    pub(super) formats: &'a Formats,
    pub(super) relations: &'a Relations,
}

/// What an open element means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Row,
    Cell,
    /// The value, as a number or a text.
    Value,
    /// The text of a cell that holds its own.
    Inline,
    /// Reading aids.
    Phonetic,
    Other,
}

/// How a cell's value is written.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Type {
    #[default]
    Number,
    Shared,
    Bool,
    /// Texts of formulas, errors and dates are written as they are shown.
    Text,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    /// Of the row before, from 1.
    row: usize,
    is_row_open: bool,
    is_table_open: bool,
    /// Cells of the open row that were passed.
    column: usize,
    cell_column: usize,
    kind: Type,
    style: usize,
    value: String,
    inline: String,
}

/// Adds the tables of a sheet; returns what is wrong with damaged XML.
///
/// # Errors
/// Elements nested too deeply.
pub(super) fn read_sheet(
    xml: &str,
    sheet: &Sheet<'_>,
    builder: &mut Builder,
) -> Result<Option<String>, Failure> {
    let mut reader = Reader::default();
    let damage = walk(xml, |node| {
        match node {
            Node::Start(element) => reader.start(element, sheet, builder),
            Node::Text(text) => match reader.open.last() {
                Some(Open::Value) => reader.value.push_str(text),
                Some(Open::Inline) => reader.inline.push_str(text),
                _ => {}
            },
            Node::End => reader.end(sheet, builder),
        }
        Ok(())
    })?;
    reader.end_table(builder);
    Ok(damage)
}

impl Reader {
    fn start(&mut self, element: &BytesStart<'_>, sheet: &Sheet<'_>, builder: &mut Builder) {
        let is_phonetic = self.open.contains(&Open::Phonetic);
        let open = match element.local_name().as_ref() {
            "row" => {
                let number = attribute(element, "r").and_then(|number| number.parse().ok());
                let number = number.unwrap_or(self.row + 1);
                // A gap of empty rows ends a table.
                if number > self.row + 1 {
                    self.end_table(builder);
                }
                self.row = number;
                (self.column, self.is_row_open) = (0, false);
                Open::Row
            }
            "c" => {
                self.start_cell(element);
                Open::Cell
            }
            "v" if self.open.last() == Some(&Open::Cell) => Open::Value,
            "t" if !is_phonetic => Open::Inline,
            "rPh" => Open::Phonetic,
            "hyperlink" => {
                link(element, sheet, builder);
                Open::Other
            }
            _ => Open::Other,
        };
        self.open.push(open);
    }

    fn start_cell(&mut self, element: &BytesStart<'_>) {
        self.value.clear();
        self.inline.clear();
        let place = attribute(element, "r").and_then(|place| column(&place));
        self.cell_column = place.unwrap_or(self.column).min(COLUMN_COUNT - 1);
        self.style = attribute(element, "s").and_then(|style| style.parse().ok()).unwrap_or(0);
        self.kind = match attribute(element, "t").as_deref() {
            Some("s") => Type::Shared,
            Some("b") => Type::Bool,
            Some("str" | "inlineStr" | "e" | "d") => Type::Text,
            _ => Type::Number,
        };
    }

    fn end(&mut self, sheet: &Sheet<'_>, builder: &mut Builder) {
        match self.open.pop() {
            Some(Open::Cell) => self.end_cell(sheet, builder),
            Some(Open::Row) if self.is_row_open => builder.end_row(),
            // Rows that hold nothing end a table as missing ones do.
            Some(Open::Row) => self.end_table(builder),
            _ => {}
        }
    }

    fn end_cell(&mut self, sheet: &Sheet<'_>, builder: &mut Builder) {
        let shown = match self.kind {
            _ if !self.inline.is_empty() => self.inline.clone(),
            Type::Shared => {
                let index = self.value.trim().parse().ok();
                index.and_then(|index| sheet.shared.get(index)).unwrap_or_default().to_owned()
            }
            Type::Bool => if self.value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            Type::Text => self.value.clone(),
            Type::Number => sheet.formats.shown(self.value.trim(), self.style),
        };
        if shown.trim().is_empty() || (self.kind == Type::Bool && self.value.is_empty()) {
            return;
        }
        if !self.is_table_open {
            builder.start_table();
            self.is_table_open = true;
        }
        self.is_row_open = true;
        if self.cell_column > self.column {
            builder.start_cell();
            builder.end_cell(self.cell_column - self.column);
        }
        builder.start_cell();
        builder.push(&shown);
        builder.end_cell(1);
        self.column = self.cell_column + 1;
    }

    fn end_table(&mut self, builder: &mut Builder) {
        if std::mem::take(&mut self.is_table_open) {
            builder.end_table();
        }
    }
}

fn link(element: &BytesStart<'_>, sheet: &Sheet<'_>, builder: &mut Builder) {
    let id = attribute(element, "id").unwrap_or_default();
    let outward = sheet.relations.get(&id);
    let target = match (outward, attribute(element, "location")) {
        (Some(relation), _) => relation.target.clone(),
        (None, Some(place)) => format!("#{place}"),
        (None, None) => return,
    };
    let text = attribute(element, "display").or_else(|| attribute(element, "ref"));
    push_link(builder, text.unwrap_or_default(), target);
}

/// The column of a place like `BC12`, from 0.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let number = letters.fold(0_usize, |number, letter| {
        number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    number.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_in_letters() {
        assert_eq!(column("A1"), Some(0));
        assert_eq!(column("Z9"), Some(25));
        assert_eq!(column("AA10"), Some(26));
        assert_eq!(column("XFD1"), Some(COLUMN_COUNT - 1));
        assert_eq!(column("12"), None);
    }
}
