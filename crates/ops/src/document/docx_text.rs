//! The text of one WordprocessingML part, read event by event, never as a tree.
//!
//! Deleted text, field codes and fallbacks of alternate content are left out; cells end in tabs.

use super::docx::{attribute, push_reference, too_deep};
use super::docx_lists::{ListRef, Lists};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use windlass_core::Failure;

/// Elements within elements; Word's own files stay under 100.
const DEPTH_MAX: usize = 2_000;

/// Paragraphs and tables that stand in the body itself, not in cells or boxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) paragraph_count: u64,
    pub(super) table_count: u64,
}

/// What an open element means to the reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Body,
    Paragraph,
    ParagraphProperties,
    Text,
    Cell,
    Row,
    Table,
    Other,
}

struct PartReader<'a> {
    lists: &'a mut Lists,
    out: &'a mut String,
    open: Vec<Open>,
    /// Texts of the paragraphs that are open: one, or more where a text box stands in a paragraph.
    paragraphs: Vec<Paragraph>,
    /// Where in `out` each open cell began.
    cells: Vec<usize>,
    counts: Counts,
    /// Elements that are open inside one whose content is left out, itself included.
    skipped_depth: usize,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    list: ListRef,
    style: Option<String>,
    /// Paragraphs of text boxes that are anchored here; they follow.
    boxes: String,
}

/// Appends a part's text to `out`.
///
/// # Errors
/// Elements nested too deeply. Damaged XML ends the text with a warning.
pub(super) fn read_part(
    xml: &str,
    lists: &mut Lists,
    out: &mut String,
    warnings: &mut Vec<String>,
) -> Result<Counts, Failure> {
    let mut part = PartReader {
        lists,
        out,
        open: Vec::new(),
        paragraphs: Vec::new(),
        cells: Vec::new(),
        counts: Counts::default(),
        skipped_depth: 0,
    };
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => part.start(&element)?,
            Ok(Event::Empty(element)) => {
                part.start(&element)?;
                part.end();
            }
            Ok(Event::End(_)) => part.end(),
            Ok(Event::Text(text)) => part.text(|out| out.push_str(&text)),
            Ok(Event::CData(text)) => part.text(|out| out.push_str(&text)),
            Ok(Event::GeneralRef(reference)) => part.text(|out| push_reference(&reference, out)),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                warnings
                    .push(format!("the document is damaged; its text may be incomplete ({error})"));
                break;
            }
        }
    }
    // Of damaged XML, what was open when it ended.
    while !part.open.is_empty() {
        part.end();
    }
    Ok(part.counts)
}

impl PartReader<'_> {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Failure> {
        if self.open.len() + self.skipped_depth >= DEPTH_MAX {
            return Err(too_deep(DEPTH_MAX));
        }
        let name = element.name();
        let (prefix, local) = match name.as_ref().split_once(':') {
            Some((prefix, local)) => (prefix, local),
            None => ("", name.as_ref()),
        };
        if self.skipped_depth > 0 || is_left_out(prefix, local) {
            self.skipped_depth += 1;
            return Ok(());
        }
        let open = match (prefix, local) {
            // Text of the document, of drawings and of formulas.
            ("w" | "a" | "m" | "", "t") => Open::Text,
            ("w" | "" | "a", "p") => self.start_paragraph(),
            ("w" | "", "pPr") => Open::ParagraphProperties,
            ("w" | "", "body") => Open::Body,
            ("w" | "a" | "", "tbl") => self.start_table(),
            ("w" | "a" | "", "tr") => Open::Row,
            ("w" | "a" | "", "tc") => {
                self.cells.push(self.out.len());
                Open::Cell
            }
            ("w" | "a" | "", _) => {
                self.mark(local, element);
                Open::Other
            }
            _ => Open::Other,
        };
        self.open.push(open);
        Ok(())
    }

    fn start_paragraph(&mut self) -> Open {
        self.counts.paragraph_count += u64::from(self.open.last() == Some(&Open::Body));
        self.paragraphs.push(Paragraph::default());
        Open::Paragraph
    }

    fn start_table(&mut self) -> Open {
        self.counts.table_count += u64::from(self.open.last() == Some(&Open::Body));
        Open::Table
    }

    /// Elements without content of their own that stand for a character or a property.
    fn mark(&mut self, local: &str, element: &BytesStart<'_>) {
        let in_properties = self.open.contains(&Open::ParagraphProperties);
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        match local {
            "numId" if in_properties => paragraph.list.set_list(attribute(element, "val")),
            "ilvl" if in_properties => paragraph.list.set_level(attribute(element, "val")),
            "pStyle" if in_properties => paragraph.style = attribute(element, "val"),
            // Inside properties these are tab stops.
            "tab" | "ptab" if !in_properties => paragraph.text.push('\t'),
            "br" | "cr" => paragraph.text.push('\n'),
            "noBreakHyphen" => paragraph.text.push('\u{2011}'),
            _ => {}
        }
    }

    fn text(&mut self, push: impl FnOnce(&mut String)) {
        if self.skipped_depth == 0 && self.open.last() == Some(&Open::Text) {
            match self.paragraphs.last_mut() {
                Some(paragraph) => push(&mut paragraph.text),
                None => push(self.out),
            }
        }
    }

    fn end(&mut self) {
        if self.skipped_depth > 0 {
            self.skipped_depth -= 1;
            return;
        }
        match self.open.pop() {
            Some(Open::Paragraph) => self.end_paragraph(),
            Some(Open::Cell) => self.end_cell(),
            Some(Open::Row) => {
                let end = self.out.trim_end_matches(['\t', ' ']).len();
                self.out.truncate(end);
                self.out.push('\n');
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        let label = self.lists.label(&paragraph.list, paragraph.style.as_deref());
        let out = match self.paragraphs.last_mut() {
            Some(outer) => &mut outer.boxes,
            None => &mut *self.out,
        };
        if let Some(label) = label {
            out.push_str(&label);
            out.push(' ');
        }
        out.push_str(&paragraph.text);
        out.push('\n');
        out.push_str(&paragraph.boxes);
    }

    /// The paragraphs of a cell stand on one line, so that rows stay rows.
    fn end_cell(&mut self) {
        let Some(start) = self.cells.pop() else { return };
        let start = start.min(self.out.len());
        let cell = self.out.split_off(start);
        for (index, word) in
            cell.split(['\n', '\t']).filter(|line| !line.trim().is_empty()).enumerate()
        {
            if index > 0 {
                self.out.push(' ');
            }
            self.out.push_str(word.trim());
        }
        self.out.push('\t');
    }
}

/// Content that is not part of the document as it is read.
fn is_left_out(prefix: &str, local: &str) -> bool {
    match prefix {
        "mc" => local == "Fallback",
        "w" | "" => {
            matches!(local, "del" | "moveFrom" | "instrText" | "delText" | "delInstrText")
        }
        _ => false,
    }
}
