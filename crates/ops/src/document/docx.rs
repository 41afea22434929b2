//! DOCX files: the order in which the texts of their parts are put together.

use super::builder::Builder;
use super::chart::push_charts;
use super::docx_lists::Lists;
use super::docx_styles::Styles;
use super::docx_text::{Counts, PartContext, read_part};
use super::model::Document;
use super::package::{Form, Package, part_names, split};
use super::{is_blank, push_section};
use std::collections::BTreeSet;
use windlass_core::Failure;

static FORM: Form = Form {
    label: "DOCX",
    damaged: "damaged_docx",
    unpacked_bytes_max: 96 << 20,
    program: "a word processor",
};
/// Parts that are read: Word writes at most nine headers and footers a section.
const PART_COUNT_MAX: usize = 2_000;

/// Reads a whole file: body, notes and comments between headers and footers.
pub(super) fn read(
    bytes: Vec<u8>,
    is_content_wanted: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Document, Failure> {
    let mut package = Package::open(&FORM, bytes)?;
    let main = package.main_part("word/document.xml")?;
    let folder = split(&main).0.to_owned();
    let relations = package.relations(&main)?;
    let part_of = |kind: &str| part_names(&relations, &folder, kind).into_iter().next();
    let styles = package.optional(part_of("styles"))?;
    let mut lists = Lists::read(&package.optional(part_of("numbering"))?, &styles);
    let styles = Styles::read(&styles);

    let mut text = String::new();
    let mut body_blocks = Builder::default();
    let body = package.main(&main)?;
    let mut context = PartContext { lists: &mut lists, styles: &styles, relations: &relations };
    let mut body_text = String::new();
    let counts =
        read_part(&body, &mut context, &mut body_text, &mut body_blocks, &mut package.warnings)?;
    drop(body);
    let sections: [(&str, bool); 6] = [
        ("header", true),
        ("", false),
        ("footnotes", false),
        ("endnotes", false),
        ("comments", false),
        ("footer", true),
    ];
    // Each section of a document repeats its headers and footers; each wording is wanted once.
    let mut seen = BTreeSet::new();
    let mut document = Document::default();
    let mut body_document = Some(body_blocks.finish());
    for (index, (kind, is_repeated)) in sections.iter().enumerate() {
        progress(index, sections.len());
        if kind.is_empty() {
            push_section(&mut text, &body_text);
            body_document.take().into_iter().for_each(|body| document.append(body));
            let mut drawn = Builder::default();
            push_charts(&mut package, &relations, &folder, &mut drawn)?;
            let drawn = drawn.finish();
            drawn.blocks.iter().for_each(|block| push_section(&mut text, block.text()));
            document.append(drawn);
            continue;
        }
        for part in part_names(&relations, &folder, kind).iter().take(PART_COUNT_MAX) {
            let Some(xml) = package.part(part)? else { continue };
            let (mut own, mut blocks) = (String::new(), Builder::default());
            let relations = package.relations(part)?;
            let mut context =
                PartContext { lists: &mut lists, styles: &styles, relations: &relations };
            read_part(&xml, &mut context, &mut own, &mut blocks, &mut package.warnings)?;
            if !is_repeated || seen.insert(own.trim().to_owned()) {
                push_section(&mut text, &own);
                document.append(blocks.finish());
            }
        }
    }
    document.metadata = package.metadata()?;
    let is_embedded = |name: &str| name.contains("/embeddings/");
    package.attach(&mut document, is_embedded, is_content_wanted);
    finish(document, package, counts, text)
}

fn finish(
    mut document: Document,
    package: Package,
    counts: Counts,
    text: String,
) -> Result<Document, Failure> {
    document.warnings.splice(0..0, package.warnings);
    if is_blank(&text) {
        document.warnings.push("the document holds no text".to_owned());
    }
    document.text = Some(text);
    document.has_pages = false;
    document.figure("paragraph_count", counts.paragraph_count);
    document.figure("table_count", counts.table_count);
    Ok(document)
}
