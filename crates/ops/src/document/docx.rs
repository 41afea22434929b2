//! DOCX files: the package, its parts, and the order in which their texts are put together.
//!
//! Everything is counted while it is unpacked, so that a bomb ends early and cheaply.

use super::docx_lists::Lists;
use super::docx_text::{Counts, read_part};
use super::pdf::Metadata;
use super::{Extract, push_section};
use crate::encoding::decode_text;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use windlass_core::Failure;
use zip::ZipArchive;

/// All XML that is read of one file, unpacked; a book of 900 pages has 15 MB.
const UNPACKED_BYTES_MAX: u64 = 96 << 20;
/// Parts that are read: Word writes at most nine headers and footers a section.
const PART_COUNT_MAX: usize = 2_000;
/// Entries of the archive; documents full of pictures have some thousands.
const ENTRY_COUNT_MAX: usize = 100_000;

/// What a DOCX file holds.
#[derive(Default)]
pub(super) struct DocxExtract {
    /// Body, notes and comments between headers and footers, and what to say about them.
    pub(super) extract: Extract,
    /// Paragraphs and tables of the body itself.
    pub(super) counts: Counts,
    pub(super) metadata: Metadata,
}

/// The archive with what is left of the budget.
struct Package {
    archive: ZipArchive<Cursor<Vec<u8>>>,
    bytes_left: u64,
    warnings: Vec<String>,
}

/// One entry of a relationships part.
struct Relation {
    kind: String,
    target: String,
}

/// Reads a whole file.
pub(super) fn read(
    bytes: Vec<u8>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<DocxExtract, Failure> {
    let archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|_| damaged("its archive is cut off or overwritten"))?;
    if archive.len() > ENTRY_COUNT_MAX {
        return Err(too_big(&format!("it has {} entries", archive.len())));
    }
    let mut package = Package { archive, bytes_left: UNPACKED_BYTES_MAX, warnings: Vec::new() };
    let main = package.main_part()?;
    let (folder, name) = main.rsplit_once('/').unwrap_or(("", &main));
    let relations = package.relations(&join(folder, &format!("_rels/{name}.rels")))?;
    let part_of = |kind: &str| part_names(&relations, folder, kind).into_iter().next();
    let styles = package.optional(part_of("styles"))?;
    let mut lists = Lists::read(&package.optional(part_of("numbering"))?, &styles);

    let mut found = DocxExtract::default();
    let body =
        package.part(&main)?.ok_or_else(|| damaged(&format!("its main part {main} is missing")))?;
    let mut body_text = String::new();
    found.counts = read_part(&body, &mut lists, &mut body_text, &mut package.warnings)?;
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
    for (index, (kind, is_repeated)) in sections.iter().enumerate() {
        progress(index, sections.len());
        if kind.is_empty() {
            push_section(&mut found.extract.text, &body_text);
            continue;
        }
        for part in part_names(&relations, folder, kind).iter().take(PART_COUNT_MAX) {
            let Some(xml) = package.part(part)? else { continue };
            let mut text = String::new();
            read_part(&xml, &mut lists, &mut text, &mut package.warnings)?;
            if !is_repeated || seen.insert(text.trim().to_owned()) {
                push_section(&mut found.extract.text, &text);
            }
        }
    }
    found.metadata = package.metadata()?;
    found.extract.warnings = package.warnings;
    Ok(found)
}

impl Package {
    /// The text of a part; `None` where the archive has none of this name.
    fn part(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        let file = self.archive.by_index(index);
        let file = file.map_err(|error| damaged(&format!("{name} cannot be read: {error}")))?;
        // The declared size refuses an honest bomb at once; the limit on reading the others.
        if file.size() > self.bytes_left {
            return Err(too_big(&format!("{name} alone unpacks to {} bytes", file.size())));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(file.size()).unwrap_or(0).min(1 << 24));
        let outcome = file.take(self.bytes_left + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > self.bytes_left {
            return Err(too_big(&format!("{name} unpacks to more than it declares")));
        }
        self.bytes_left -= bytes.len() as u64;
        if let Err(error) = outcome {
            if bytes.is_empty() {
                return Err(damaged(&format!("{name} cannot be unpacked: {error}")));
            }
            self.warnings.push(format!("{name} is damaged; its text may be incomplete"));
        }
        let text = String::from_utf8(bytes);
        Ok(Some(text.unwrap_or_else(|error| decode_text(error.as_bytes()).0)))
    }

    fn optional(&mut self, name: Option<String>) -> Result<String, Failure> {
        Ok(name.map_or(Ok(None), |name| self.part(&name))?.unwrap_or_default())
    }

    /// The name of the part that holds the body.
    fn main_part(&mut self) -> Result<String, Failure> {
        const USUAL: &str = "word/document.xml";
        let relations = self.relations("_rels/.rels")?;
        let main = part_names(&relations, "", "officeDocument").into_iter().next();
        Ok(main
            .filter(|name| self.archive.index_for_name(name).is_some())
            .unwrap_or_else(|| USUAL.to_owned()))
    }

    fn relations(&mut self, name: &str) -> Result<Vec<Relation>, Failure> {
        let xml = self.part(name)?.unwrap_or_default();
        let mut relations = Vec::new();
        each_element(&xml, |element| {
            if element.local_name().as_ref() == "Relationship"
                && attribute(element, "TargetMode").as_deref() != Some("External")
                && let (Some(kind), Some(target)) =
                    (attribute(element, "Type"), attribute(element, "Target"))
            {
                relations.push(Relation { kind, target });
            }
        });
        Ok(relations)
    }

    fn metadata(&mut self) -> Result<Metadata, Failure> {
        let relations = self.relations("_rels/.rels")?;
        let part_of = |kind: &str| part_names(&relations, "", kind).into_iter().next();
        let core = self.optional(part_of("core-properties"))?;
        let app = self.optional(part_of("extended-properties"))?;
        Ok(Metadata {
            title: element_text(&core, "title"),
            author: element_text(&core, "creator"),
            subject: element_text(&core, "subject"),
            creator: element_text(&app, "Application"),
        })
    }
}

/// Names of the parts that relations of a kind point to, in their order.
fn part_names(relations: &[Relation], folder: &str, kind: &str) -> Vec<String> {
    // Types differ between transitional and strict files in all but their last component.
    let of_kind =
        relations.iter().filter(|relation| relation.kind.rsplit('/').next() == Some(kind));
    of_kind.map(|relation| join(folder, &relation.target)).collect()
}

/// A target resolved against the folder of the part that names it.
fn join(folder: &str, target: &str) -> String {
    let (base, target) = match target.strip_prefix('/') {
        Some(absolute) => ("", absolute),
        None => (folder, target),
    };
    let mut path: Vec<&str> = Vec::new();
    for step in base.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.join("/")
}

/// Shows every start tag of a small part; stops silently where the XML is damaged.
pub(super) fn each_element(xml: &str, mut each: impl FnMut(&BytesStart<'_>)) {
    let mut reader = Reader::from_str(xml);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) | Event::Empty(element) => each(&element),
            Event::Eof => break,
            _ => {}
        }
    }
}

/// An attribute by its name without prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let attributes = attributes.with_checks(false);
    let found = attributes.flatten().find(|found| found.key.local_name().as_ref() == name)?;
    Some(match quick_xml::escape::unescape(&found.value) {
        Ok(value) => value.into_owned(),
        Err(_) => found.value.to_string(),
    })
}

/// The text of the first element of this name.
fn element_text(xml: &str, name: &str) -> String {
    let mut reader = Reader::from_str(xml);
    let mut text = String::new();
    let mut inside = false;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) => inside |= element.local_name().as_ref() == name,
            Event::End(_) if inside => break,
            Event::Text(piece) if inside => text.push_str(&piece),
            Event::CData(piece) if inside => text.push_str(&piece),
            Event::GeneralRef(reference) if inside => push_reference(&reference, &mut text),
            Event::Eof => break,
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// Adds the character that `&name;` or `&#number;` stands for; unknown ones add nothing.
pub(super) fn push_reference(reference: &quick_xml::events::BytesRef<'_>, text: &mut String) {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => text.push(c),
        _ => text.push_str(quick_xml::escape::resolve_xml_entity(reference).unwrap_or_default()),
    }
}

fn damaged(what: &str) -> Failure {
    Failure::rejected(
        "damaged_docx",
        format!("the file is a damaged DOCX: {what}"),
        "Open it in a word processor, repair it and save it again.",
    )
}

fn too_big(what: &str) -> Failure {
    Failure::rejected(
        "unpacked_too_large",
        format!("{what}, more than the {UNPACKED_BYTES_MAX} bytes a DOCX may unpack to"),
        "If the file is meant to be so large, split the document.",
    )
}

/// Too deep a nesting of elements.
pub(super) fn too_deep(depth_max: usize) -> Failure {
    Failure::rejected(
        "nested_too_deep",
        format!("elements of the document are nested more than {depth_max} deep"),
        "Open it in a word processor, repair it and save it again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_within_the_archive() {
        assert_eq!(join("word", "header1.xml"), "word/header1.xml");
        assert_eq!(join("word", "/word/footer.xml"), "word/footer.xml");
        assert_eq!(join("word", "../docProps/../../x.xml"), "x.xml");
    }
}
