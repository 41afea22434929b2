//! OpenDocument: texts (ODT), spreadsheets (ODS) and presentations (ODP), all by one reader.

use super::builder::{Builder, Kind};
use super::model::{BreakKind, Document, Metadata};
use super::package::{Form, Package, locked};
use super::xml::{Node, attribute, element_text, walk};
use quick_xml::events::BytesStart;
use serde_json::json;
use windlass_core::Failure;

pub(super) static ODT: Form = Form {
    label: "ODT",
    damaged: "damaged_odt",
    unpacked_bytes_max: 96 << 20,
    program: "a word processor",
};
pub(super) static ODS: Form = Form {
    label: "ODS",
    damaged: "damaged_ods",
    unpacked_bytes_max: 192 << 20,
    program: "a spreadsheet program",
};
pub(super) static ODP: Form = Form {
    label: "ODP",
    damaged: "damaged_odp",
    unpacked_bytes_max: 192 << 20,
    program: "a presentation program",
};

/// Spaces that one element may stand for.
const SPACE_COUNT_MAX: usize = 1_000;
/// Times that a row with text in it is repeated.
const ROW_REPEAT_MAX: usize = 1_000;

/// What an open element means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Paragraph,
    Heading(u8),
    List,
    Item,
    Table,
    Row,
    Cell,
    Link,
    /// A foot note, an end note, a comment.
    Note,
    /// A header or a footer.
    Margin,
    /// Content that is left out, and what is in it.
    Skipped,
    Other,
}

struct Reader {
    open: Vec<Open>,
    is_spreadsheet: bool,
    slides: usize,
    sheets: Vec<String>,
    paragraph_count: usize,
    table_count: usize,
    cell_repeat: usize,
    list_depth: usize,
    /// The next paragraph is the first of its list item.
    is_item_start: bool,
    is_title: bool,
}

/// Reads a whole file.
pub(super) fn read(
    form: &'static Form,
    bytes: Vec<u8>,
    is_content_wanted: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Document, Failure> {
    let mut package = Package::open(form, bytes)?;
    let manifest = package.part("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.contains("encryption-data") {
        return Err(locked());
    }
    progress(0, 1);
    let xml = package.main("content.xml")?;
    let mut builder = Builder::default();
    let mut reader = Reader::new(form.label == "ODS");
    let damage = walk(&xml, |node| {
        match node {
            Node::Start(element) => reader.start(element, &mut builder),
            Node::Text(text) => reader.text(text, &mut builder),
            Node::End => reader.end(&mut builder),
        }
        Ok(())
    })?;
    drop(xml);
    if form.label == "ODT" {
        let styles = package.part("styles.xml")?.unwrap_or_default();
        reader.margins(&styles, &mut builder)?;
    }
    let mut document = builder.finish();
    if let Some(error) = damage {
        let warning = format!("the document is damaged; its text may be incomplete ({error})");
        document.warnings.push(warning);
    }
    reader.describe(&mut document);
    let meta = package.part("meta.xml")?.unwrap_or_default();
    let author = element_text(&meta, "creator");
    document.metadata = Metadata {
        title: element_text(&meta, "title"),
        author: if author.is_empty() { element_text(&meta, "initial-creator") } else { author },
        subject: element_text(&meta, "subject"),
        creator: element_text(&meta, "generator"),
    };
    document.warnings.splice(0..0, std::mem::take(&mut package.warnings));
    // Embedded objects are folders of their own; only foreign ones are files.
    let is_embedded = |name: &str| name.starts_with("Object ") && !name.contains('/');
    package.attach(&mut document, is_embedded, is_content_wanted);
    progress(1, 1);
    Ok(document)
}

impl Reader {
    fn new(is_spreadsheet: bool) -> Reader {
        Reader {
            open: Vec::new(),
            is_spreadsheet,
            slides: 0,
            sheets: Vec::new(),
            paragraph_count: 0,
            table_count: 0,
            cell_repeat: 1,
            list_depth: 0,
            is_item_start: false,
            is_title: false,
        }
    }

    /// Headers and footers, which stand with the styles of pages: those that are shown.
    fn margins(&mut self, styles: &str, builder: &mut Builder) -> Result<(), Failure> {
        let mut depth = 0_usize;
        let counts = (self.paragraph_count, self.table_count);
        walk(styles, |node| {
            match node {
                Node::Start(element) if depth > 0 || is_margin(element) => {
                    depth += 1;
                    self.start(element, builder);
                }
                Node::Text(text) if depth > 0 => self.text(text, builder),
                Node::End if depth > 0 => {
                    depth -= 1;
                    self.end(builder);
                }
                _ => {}
            }
            Ok(())
        })?;
        (self.paragraph_count, self.table_count) = counts;
        Ok(())
    }

    fn describe(self, document: &mut Document) {
        if self.is_spreadsheet {
            let rows = self.sheets.iter().map(|name| json!({"name": name, "hidden": false}));
            document.figure("sheet_count", self.sheets.len());
            document.figure("sheets", rows.collect::<Vec<_>>());
        } else if self.slides > 0 {
            document.figure("slide_count", self.slides);
        } else {
            document.figure("paragraph_count", self.paragraph_count);
            document.figure("table_count", self.table_count);
        }
    }

    fn start(&mut self, element: &BytesStart<'_>, builder: &mut Builder) {
        let name = element.name();
        let (prefix, local) = name.as_ref().split_once(':').unwrap_or(("", name.as_ref()));
        let number = |name: &str| attribute(element, name).and_then(|it| it.parse::<usize>().ok());
        let open = match (prefix, local) {
            _ if self.open.last() == Some(&Open::Skipped) => Open::Skipped,
            // Text that was deleted; what begins forms, scripts and styles; what stands for a
            // picture where it is not shown.
            ("text", "tracked-changes" | "ruby-text" | "note-citation")
            | ("svg", "title" | "desc")
            | ("office", "forms" | "scripts" | "font-face-decls")
            | (_, "automatic-styles")
            | ("table", "shapes" | "content-validations" | "calculation-settings")
            | ("presentation", "date-time-decl" | "footer-decl" | "header-decl") => Open::Skipped,
            ("text", "h") => {
                builder.flush();
                self.paragraph_count += usize::from(!builder.has_open_table());
                let level = number("outline-level").unwrap_or(1).clamp(1, 9);
                Open::Heading(u8::try_from(level).unwrap_or(9))
            }
            ("text", "p") => {
                builder.flush();
                self.paragraph_count += usize::from(!builder.has_open_table());
                Open::Paragraph
            }
            ("text", "list") => {
                self.list_depth += 1;
                Open::List
            }
            ("text", "list-item" | "list-header") => {
                self.is_item_start = true;
                Open::Item
            }
            ("style", _) if is_margin(element) => {
                builder.start_aside();
                Open::Margin
            }
            ("text", "note") | ("office", "annotation") => {
                builder.start_aside();
                Open::Note
            }
            ("text", "a") => {
                builder.open_link(attribute(element, "href").unwrap_or_default());
                Open::Link
            }
            ("table", _) => self.start_table(local, element, builder),
            ("draw", "page") => {
                builder.append_notes();
                self.slides += 1;
                builder.document.push_break(BreakKind::Slide, self.slides, None);
                Open::Other
            }
            ("draw", "frame") => {
                self.is_title = attribute(element, "class").as_deref() == Some("title");
                Open::Other
            }
            _ => {
                self.mark(local, number("c"), builder);
                Open::Other
            }
        };
        self.open.push(open);
    }

    /// Elements that stand for characters.
    fn mark(&self, local: &str, count: Option<usize>, builder: &mut Builder) {
        match local {
            "s" => builder.push(&" ".repeat(count.unwrap_or(1).min(SPACE_COUNT_MAX))),
            "tab" => builder.push("\t"),
            "line-break" => builder.push_break(),
            _ => {}
        }
    }

    fn start_table(
        &mut self,
        local: &str,
        element: &BytesStart<'_>,
        builder: &mut Builder,
    ) -> Open {
        let repeat = |name: &str| attribute(element, name).and_then(|it| it.parse().ok());
        match local {
            "table" => {
                if self.is_spreadsheet && !builder.has_open_table() {
                    let name = attribute(element, "name").unwrap_or_default();
                    self.sheets.push(name.clone());
                    builder.append_notes();
                    let number = self.sheets.len();
                    builder.document.push_break(BreakKind::Sheet, number, Some(name));
                }
                self.table_count += usize::from(!builder.has_open_table());
                builder.start_table();
                Open::Table
            }
            "table-row" => {
                builder.set_row_repeat(
                    repeat("number-rows-repeated").unwrap_or(1_usize).min(ROW_REPEAT_MAX),
                );
                Open::Row
            }
            "table-cell" | "covered-table-cell" => {
                self.cell_repeat = repeat("number-columns-repeated").unwrap_or(1);
                builder.start_cell();
                Open::Cell
            }
            _ => Open::Other,
        }
    }

    fn text(&mut self, text: &str, builder: &mut Builder) {
        let is_in_paragraph = self.open.iter().rev().find_map(|open| match open {
            Open::Paragraph | Open::Heading(_) => Some(true),
            Open::Skipped | Open::Cell | Open::Note => Some(false),
            _ => None,
        });
        if is_in_paragraph == Some(true) && self.open.last() != Some(&Open::Skipped) {
            builder.push_collapsed(text);
        }
    }

    fn end(&mut self, builder: &mut Builder) {
        match self.open.pop() {
            Some(Open::Heading(level)) => {
                builder.set_kind(Kind::Heading(level));
                builder.flush();
            }
            Some(Open::Paragraph) => self.end_paragraph(builder),
            Some(Open::List) => self.list_depth = self.list_depth.saturating_sub(1),
            Some(Open::Cell) => builder.end_cell(self.cell_repeat),
            Some(Open::Row) => builder.end_row(),
            Some(Open::Table) => builder.end_table(),
            Some(Open::Link) => builder.close_link(),
            Some(Open::Note) => builder.end_aside(),
            Some(Open::Margin) => builder.end_repeated_aside(),
            _ => {}
        }
    }

    fn end_paragraph(&mut self, builder: &mut Builder) {
        let is_in_note = self.open.contains(&Open::Note);
        if self.is_title && self.slides > 0 && !is_in_note {
            builder.set_kind(Kind::Heading(1));
        } else if self.list_depth > 0 && !is_in_note && !builder.has_open_table() {
            // Further paragraphs of an item stand below it.
            if std::mem::take(&mut self.is_item_start) {
                let depth = u8::try_from(self.list_depth - 1).unwrap_or(u8::MAX);
                builder.set_kind(Kind::Item { depth, marker: "\u{2022}".to_owned() });
            }
        }
        builder.flush();
    }
}

/// Whether an element is a header or a footer of the pages; not one that is switched off.
fn is_margin(element: &BytesStart<'_>) -> bool {
    const NAMES: &[&str] = &[
        "style:header",
        "style:header-left",
        "style:header-first",
        "style:footer",
        "style:footer-left",
        "style:footer-first",
    ];
    NAMES.contains(&element.name().as_ref())
        && attribute(element, "display").as_deref() != Some("false")
}
