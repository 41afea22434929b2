//! The text of one WordprocessingML part, read event by event, never as a tree.
//!
//! Deleted text, field codes and fallbacks of alternate content are left out; cells end in tabs.

use super::builder::Builder;
use super::docx_lists::{ListRef, Lists};
use super::docx_styles::Styles;
use super::package::Relations;
use super::xml::{Node, attribute, walk};
use quick_xml::events::BytesStart;
use windlass_core::Failure;

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
    Link,
    Other,
}

/// What a part's paragraphs refer to.
pub(super) struct PartContext<'a> {
    pub(super) lists: &'a mut Lists,
    pub(super) styles: &'a Styles,
    /// Of the part: where links lead.
    pub(super) relations: &'a Relations,
}

struct PartReader<'a, 'c> {
    context: &'a mut PartContext<'c>,
    out: &'a mut String,
    /// The same content as blocks; text boxes come as notes of their own.
    blocks: &'a mut Builder,
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
    /// The level that it has in the outline by itself, from 1.
    outline_level: Option<u8>,
    /// Paragraphs of text boxes that are anchored here; they follow.
    boxes: String,
}

/// Appends a part's text to `out` and its blocks to `blocks`.
///
/// # Errors
/// Elements nested too deeply. Damaged XML ends the text with a warning.
pub(super) fn read_part(
    xml: &str,
    context: &mut PartContext<'_>,
    out: &mut String,
    blocks: &mut Builder,
    warnings: &mut Vec<String>,
) -> Result<Counts, Failure> {
    let mut part = PartReader {
        context,
        out,
        blocks,
        open: Vec::new(),
        paragraphs: Vec::new(),
        cells: Vec::new(),
        counts: Counts::default(),
        skipped_depth: 0,
    };
    let damage = walk(xml, |node| {
        match node {
            Node::Start(element) => part.start(element),
            Node::End => part.end(),
            Node::Text(text) => part.text(text),
        }
        Ok(())
    })?;
    if let Some(error) = damage {
        warnings.push(format!("the document is damaged; its text may be incomplete ({error})"));
    }
    Ok(part.counts)
}

impl PartReader<'_, '_> {
    fn start(&mut self, element: &BytesStart<'_>) {
        let name = element.name();
        let (prefix, local) = match name.as_ref().split_once(':') {
            Some((prefix, local)) => (prefix, local),
            None => ("", name.as_ref()),
        };
        if self.skipped_depth > 0 || is_left_out(prefix, local) {
            self.skipped_depth += 1;
            return;
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
                self.blocks.start_cell();
                Open::Cell
            }
            ("w" | "", "hyperlink") => self.start_link(element),
            ("w" | "a" | "", _) => {
                self.mark(local, element);
                Open::Other
            }
            _ => Open::Other,
        };
        self.open.push(open);
    }

    fn start_link(&mut self, element: &BytesStart<'_>) -> Open {
        let id = attribute(element, "id");
        let relation = id.and_then(|id| self.context.relations.get(&id));
        let target = match relation {
            Some(relation) => Some(relation.target.clone()),
            None => attribute(element, "anchor").map(|anchor| format!("#{anchor}")),
        };
        let Some(target) = target else { return Open::Other };
        self.blocks.open_link(target);
        Open::Link
    }

    fn start_paragraph(&mut self) -> Open {
        self.counts.paragraph_count += u64::from(self.open.last() == Some(&Open::Body));
        if self.paragraphs.is_empty() {
            self.blocks.flush();
        } else {
            self.blocks.start_aside();
        }
        self.paragraphs.push(Paragraph::default());
        Open::Paragraph
    }

    fn start_table(&mut self) -> Open {
        self.counts.table_count += u64::from(self.open.last() == Some(&Open::Body));
        self.blocks.start_table();
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
            "outlineLvl" if in_properties => {
                let level = attribute(element, "val").and_then(|level| level.parse::<u8>().ok());
                // 9 is body text.
                paragraph.outline_level = level.filter(|level| *level < 9).map(|level| level + 1);
            }
            // Inside properties these are tab stops.
            "tab" | "ptab" if !in_properties => self.push("\t"),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("\u{2011}"),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped_depth == 0 && self.open.last() == Some(&Open::Text) {
            self.push(text);
        }
    }

    fn push(&mut self, text: &str) {
        match self.paragraphs.last_mut() {
            Some(paragraph) => paragraph.text.push_str(text),
            None => self.out.push_str(text),
        }
        self.blocks.push(text);
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
                self.blocks.end_row();
            }
            Some(Open::Table) => self.blocks.end_table(),
            Some(Open::Link) => self.blocks.close_link(),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        let lists = &mut self.context.lists;
        let label = lists.label(&paragraph.list, paragraph.style.as_deref());
        self.end_block(&paragraph, label.as_deref());
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

    /// Says what the paragraph was, now that its properties and its number are known.
    fn end_block(&mut self, paragraph: &Paragraph, label: Option<&str>) {
        let styles = self.context.styles;
        let of_style = || paragraph.style.as_deref().and_then(|style| styles.level(style));
        let heading = paragraph.outline_level.or_else(of_style);
        let lists = &self.context.lists;
        let depth = || lists.depth(&paragraph.list, paragraph.style.as_deref());
        let label = label.map(|label| (depth(), label.to_owned()));
        self.blocks.set_level(heading, label);
        if self.paragraphs.is_empty() {
            self.blocks.flush();
        } else {
            self.blocks.end_aside();
        }
    }

    /// The paragraphs of a cell stand on one line, so that rows stay rows.
    fn end_cell(&mut self) {
        self.blocks.end_cell(1);
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
