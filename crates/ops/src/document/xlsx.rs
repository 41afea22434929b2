//! XLSX files: the sheets in their order, their cells as tables, comments and drawn texts after
//! them.

use super::builder::Builder;
use super::chart::push_charts;
use super::drawing::{Drawing, push_texts};
use super::model::{BreakKind, Document, Link};
use super::package::{Form, Package, Relations, part_names, split};
use super::xlsx_cells::{Sheet, read_sheet};
use super::xlsx_numbers::Formats;
use super::xml::{Node, attribute, each_element, walk};
use serde_json::json;
use windlass_core::Failure;

static FORM: Form = Form {
    label: "XLSX",
    damaged: "damaged_xlsx",
    unpacked_bytes_max: 384 << 20,
    program: "a spreadsheet program",
};
/// Sheets that are read.
const SHEET_COUNT_MAX: usize = 10_000;
/// Texts that cells share.
const SHARED_COUNT_MAX: usize = 8_000_000;

/// One sheet as the workbook lists it.
struct Listed {
    name: String,
    part: Option<String>,
    is_hidden: bool,
}

/// Texts that cells name by number: all in one string, for millions of small ones.
#[derive(Default)]
pub(super) struct Shared {
    text: String,
    ends: Vec<u32>,
}

impl Shared {
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.text.get(start..end)
    }
}

/// Reads a whole file.
pub(super) fn read(
    bytes: Vec<u8>,
    is_content_wanted: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Document, Failure> {
    let mut package = Package::open(&FORM, bytes)?;
    let main = package.main_part("xl/workbook.xml")?;
    if main.ends_with(".bin") {
        return Err(Failure::rejected(
            "binary_workbook",
            "the file is a binary workbook (XLSB), which is not read",
            "Save it as a workbook of the usual kind (XLSX) and process that.",
        ));
    }
    let folder = split(&main).0.to_owned();
    let relations = package.relations(&main)?;
    let workbook = package.main(&main)?;
    let (sheets, is_1904) = listed(&workbook, &relations, &folder);
    let part_of = |kind: &str| part_names(&relations, &folder, kind).into_iter().next();
    let formats = Formats::read(&package.optional(part_of("styles"))?, is_1904);
    let shared = shared_strings(&package.optional(part_of("sharedStrings"))?)?;

    let mut builder = Builder::default();
    let count = sheets.len();
    for (index, sheet) in sheets.iter().enumerate() {
        progress(index, count);
        if builder.document.is_full() {
            builder.document.cut();
            break;
        }
        builder.document.push_break(BreakKind::Sheet, index + 1, Some(sheet.name.clone()));
        let Some(part) = &sheet.part else { continue };
        let Some(xml) = package.part(part)? else {
            builder.document.warnings.push(format!("the sheet {} is missing", sheet.name));
            continue;
        };
        let relations = package.relations(part)?;
        let cells = Sheet { shared: &shared, formats: &formats, relations: &relations };
        if read_sheet(&xml, &cells, &mut builder)?.is_some() {
            let warning = format!("the sheet {} is damaged; it may be incomplete", sheet.name);
            builder.document.warnings.push(warning);
        }
        drop(xml);
        extras(&mut package, part, &relations, &mut builder)?;
    }
    progress(count, count);
    let mut document = builder.finish();
    document.metadata = package.metadata()?;
    describe(&mut document, &sheets);
    document.warnings.splice(0..0, std::mem::take(&mut package.warnings));
    package.attach(&mut document, |name| name.contains("/embeddings/"), is_content_wanted);
    Ok(document)
}

/// Sheets by name, and which of them are hidden.
fn describe(document: &mut Document, sheets: &[Listed]) {
    let rows = sheets.iter().map(|sheet| json!({"name": sheet.name, "hidden": sheet.is_hidden}));
    document.figure("sheet_count", sheets.len());
    document.figure("sheets", rows.collect::<Vec<_>>());
    let hidden: Vec<&str> =
        sheets.iter().filter(|it| it.is_hidden).map(|it| it.name.as_str()).take(12).collect();
    if !hidden.is_empty() {
        let are = if hidden.len() == 1 { "sheet is" } else { "sheets are" };
        document.warnings.push(format!("hidden {are} read as well: {}", hidden.join(", ")));
    }
}

/// The sheets of a workbook, and whether its days count from 1904.
fn listed(workbook: &str, relations: &Relations, folder: &str) -> (Vec<Listed>, bool) {
    let (mut sheets, mut is_1904) = (Vec::new(), false);
    each_element(workbook, |element| match element.local_name().as_ref() {
        "workbookPr" => {
            is_1904 = matches!(attribute(element, "date1904").as_deref(), Some("1" | "true"));
        }
        "sheet" if sheets.len() < SHEET_COUNT_MAX => {
            let id = attribute(element, "id").unwrap_or_default();
            let relation = relations.get(&id);
            sheets.push(Listed {
                name: attribute(element, "name").unwrap_or_default(),
                part: relation.map(|relation| super::package::join(folder, &relation.target)),
                is_hidden: attribute(element, "state").is_some_and(|state| state != "visible"),
            });
        }
        _ => {}
    });
    (sheets, is_1904)
}

/// The texts that cells share, without the reading aids of East Asian ones.
fn shared_strings(xml: &str) -> Result<Shared, Failure> {
    let mut shared = Shared::default();
    let mut open: Vec<char> = Vec::new();
    walk(xml, |node| {
        match node {
            Node::Start(element) => open.push(match element.local_name().as_ref() {
                "si" => 's',
                "t" if !open.contains(&'p') => 't',
                "rPh" => 'p',
                _ => '_',
            }),
            Node::Text(text) if open.last() == Some(&'t') => shared.text.push_str(text),
            Node::End => {
                if open.pop() == Some('s') && shared.ends.len() < SHARED_COUNT_MAX {
                    shared.ends.push(u32::try_from(shared.text.len()).unwrap_or(u32::MAX));
                }
            }
            Node::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(shared)
}

/// Comments and the texts of drawings that belong to a sheet.
fn extras(
    package: &mut Package,
    part: &str,
    relations: &Relations,
    builder: &mut Builder,
) -> Result<(), Failure> {
    let folder = split(part).0;
    for kind in ["comments", "threadedComment", "drawing"] {
        for name in part_names(relations, folder, kind) {
            let Some(xml) = package.part(&name)? else { continue };
            match kind {
                "drawing" => {
                    let relations = package.relations(&name)?;
                    let drawing = Drawing { relations: &relations, body_only: false };
                    push_texts(&xml, &drawing, builder)?;
                    push_charts(package, &relations, split(&name).0, builder)?;
                }
                _ => comments(&xml, builder)?,
            }
        }
    }
    Ok(())
}

/// A paragraph a comment, behind the cell that it is about.
fn comments(xml: &str, builder: &mut Builder) -> Result<(), Failure> {
    let mut open: Vec<char> = Vec::new();
    walk(xml, |node| {
        match node {
            Node::Start(element) => {
                let tag = match element.local_name().as_ref() {
                    "comment" | "threadedComment" => 'c',
                    "t" | "text" => 't',
                    _ => '_',
                };
                if tag == 'c' {
                    builder.flush();
                    builder.push(&attribute(element, "ref").unwrap_or_default());
                    builder.push(": ");
                }
                open.push(tag);
            }
            // The element `text` holds others in one format and the words in another.
            Node::Text(text) if open.last() == Some(&'t') && !text.trim().is_empty() => {
                builder.push(text);
            }
            Node::End => {
                if open.pop() == Some('c') {
                    builder.flush();
                }
            }
            Node::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(())
}

/// A link of a cell.
pub(super) fn push_link(builder: &mut Builder, text: String, target: String) {
    builder.document.push_link(Link { text, target, page: None });
}
