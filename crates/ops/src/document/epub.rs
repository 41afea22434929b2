//! EPUB books: the chapters in the order of the spine, the outline from their table of contents.

use super::builder::Builder;
use super::html::push_html;
use super::model::{Block, BreakKind, Document, Entry, Metadata};
use super::package::{Form, Package, join, split};
use super::xml::{Node, attribute, each_element, element_text, walk};
use std::collections::BTreeMap;
use windlass_core::Failure;

static FORM: Form = Form {
    label: "EPUB",
    damaged: "damaged_epub",
    unpacked_bytes_max: 192 << 20,
    program: "an e-book program",
};
/// Files that a book lists.
const ITEM_COUNT_MAX: usize = 50_000;
/// Entries of a table of contents that are looked at.
const ENTRY_COUNT_MAX: usize = 50_000;

/// A book as its package file describes it.
#[derive(Default)]
struct Book {
    /// Path of each file by its id.
    files: BTreeMap<String, String>,
    /// Paths in reading order.
    spine: Vec<String>,
    /// Where the table of contents lies, of version 3 and of version 2.
    navigation: Option<String>,
    contents: Option<String>,
}

/// Reads a whole file.
pub(super) fn read(
    bytes: Vec<u8>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Document, Failure> {
    let mut package = Package::open(&FORM, bytes)?;
    let container = package.main("META-INF/container.xml")?;
    let mut path = None;
    each_element(&container, |element| {
        if element.local_name().as_ref() == "rootfile" && path.is_none() {
            path = attribute(element, "full-path");
        }
    });
    let path = path.ok_or_else(|| FORM.damaged("its container names no package file"))?;
    let xml = package.main(&path)?;
    let book = Book::read(&xml, split(&path).0);
    refuse_locked(&mut package, &book)?;

    let mut document = Document::default();
    let count = book.spine.len();
    let mut chapters = BTreeMap::new();
    for (index, path) in book.spine.iter().enumerate() {
        progress(index, count);
        if document.is_full() {
            document.cut();
            break;
        }
        let Some(html) = package.part(path)? else {
            document.warnings.push(format!("the chapter {path} is missing"));
            continue;
        };
        let mut builder = Builder::for_pages();
        push_html(&html, &mut builder);
        let chapter = builder.finish();
        let number = chapters.len() + 1;
        chapters.insert(path.clone(), number);
        let title = Some(chapter.metadata.title.clone()).filter(|title| !title.is_empty());
        document.push_break(BreakKind::Chapter, number, title);
        document.append(chapter);
    }
    progress(count, count);
    document.metadata = Metadata {
        title: element_text(&xml, "title"),
        author: element_text(&xml, "creator"),
        subject: element_text(&xml, "subject"),
        creator: element_text(&xml, "publisher"),
    };
    outline(&mut package, &book, &chapters, &mut document)?;
    document.figure("chapter_count", chapters.len());
    let headings = document.blocks.iter().filter(|it| matches!(it, Block::Heading(..))).count();
    document.figure("heading_count", headings);
    document.warnings.splice(0..0, std::mem::take(&mut package.warnings));
    Ok(document)
}

impl Book {
    fn read(xml: &str, folder: &str) -> Book {
        let mut book = Book::default();
        let mut contents_id = None;
        each_element(xml, |element| match element.local_name().as_ref() {
            "item" if book.files.len() < ITEM_COUNT_MAX => {
                let id = attribute(element, "id").unwrap_or_default();
                let path =
                    join(folder, &percent_decoded(&attribute(element, "href").unwrap_or_default()));
                let properties = attribute(element, "properties").unwrap_or_default();
                if properties.split_whitespace().any(|it| it == "nav") {
                    book.navigation = Some(path.clone());
                }
                if attribute(element, "media-type").as_deref() == Some("application/x-dtbncx+xml") {
                    book.contents = Some(path.clone());
                }
                book.files.insert(id, path);
            }
            "spine" => contents_id = attribute(element, "toc"),
            "itemref" if book.spine.len() < ITEM_COUNT_MAX => {
                let id = attribute(element, "idref").unwrap_or_default();
                book.spine.extend(book.files.get(&id).cloned());
            }
            _ => {}
        });
        if let Some(path) = contents_id.and_then(|id| book.files.get(&id)) {
            book.contents = Some(path.clone());
        }
        book
    }
}

/// Fonts may be scrambled; where a chapter is, the book is locked.
fn refuse_locked(package: &mut Package, book: &Book) -> Result<(), Failure> {
    let Some(xml) = package.part("META-INF/encryption.xml")? else { return Ok(()) };
    let mut is_locked = false;
    each_element(&xml, |element| {
        if element.local_name().as_ref() == "CipherReference" {
            let path = percent_decoded(&attribute(element, "URI").unwrap_or_default());
            is_locked |= book.spine.contains(&join("", &path));
        }
    });
    if is_locked {
        return Err(Failure::rejected(
            "copy_protected",
            "the book is encrypted by a copy protection",
            "Open it in the shop's own reader, or get an edition without copy protection.",
        ));
    }
    Ok(())
}

/// Fills the outline from the table of contents, the newer form first.
fn outline(
    package: &mut Package,
    book: &Book,
    chapters: &BTreeMap<String, usize>,
    document: &mut Document,
) -> Result<(), Failure> {
    for path in [&book.navigation, &book.contents].into_iter().flatten() {
        let Some(xml) = package.part(path)? else { continue };
        let folder = split(path).0;
        for (level, title, target) in entries(&xml)? {
            let file = target.split('#').next().unwrap_or_default();
            let page = chapters.get(&join(folder, &percent_decoded(file))).copied();
            document.push_entry(Entry { level, title, page });
        }
        if !document.outline.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Level, title and target of each entry: list items with a link within `nav`, or `navPoint`s.
fn entries(xml: &str) -> Result<Vec<(usize, String, String)>, Failure> {
    let mut entries: Vec<(usize, String, String)> = Vec::new();
    let (mut open, mut level) = (Vec::new(), 0_usize);
    let mut is_contents = true;
    walk(xml, |node| {
        match node {
            Node::Start(element) => {
                let tag = match element.local_name().as_ref() {
                    "nav" => {
                        // Lists of pages and landmarks are navigation too.
                        let kind = attribute(element, "type");
                        is_contents = kind.is_none_or(|kind| kind.contains("toc"));
                        'n'
                    }
                    "li" | "navPoint" => {
                        level += 1;
                        if element.local_name().as_ref() == "navPoint"
                            && entries.len() < ENTRY_COUNT_MAX
                        {
                            entries.push((level, String::new(), String::new()));
                        }
                        'l'
                    }
                    "a" if is_contents && level > 0 && entries.len() < ENTRY_COUNT_MAX => {
                        let target = attribute(element, "href").unwrap_or_default();
                        entries.push((level, String::new(), target));
                        'a'
                    }
                    "navLabel" if level > 0 => 'a',
                    "content" => {
                        let target = attribute(element, "src").unwrap_or_default();
                        if let Some(entry) = entries.last_mut().filter(|it| it.2.is_empty()) {
                            entry.2 = target;
                        }
                        '_'
                    }
                    _ => '_',
                };
                open.push(tag);
            }
            Node::Text(text) if open.contains(&'a') => {
                if let Some(entry) = entries.last_mut() {
                    entry.1.push_str(text);
                }
            }
            Node::Text(_) => {}
            Node::End => match open.pop() {
                Some('l') => level = level.saturating_sub(1),
                Some('n') => is_contents = true,
                _ => {}
            },
        }
        Ok(())
    })?;
    for entry in &mut entries {
        entry.1 = entry.1.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    Ok(entries)
}

/// `%20` and the like, as addresses write them.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_decoded() {
        assert_eq!(percent_decoded("a%20b%C3%A9%zz%"), "a bé%zz%");
    }

    #[test]
    fn both_tables_of_contents_are_read() {
        let nav = "<html><nav epub:type='toc'><ol><li><a href='a.html'>One</a><ol><li>\
                   <a href='a.html#x'> Two  <b>bold</b></a></li></ol></li></ol></nav>\
                   <nav epub:type='page-list'><ol><li><a href='b'>12</a></li></ol></nav></html>";
        let found = entries(nav).unwrap();
        let wanted = [(1, "One", "a.html"), (2, "Two bold", "a.html#x")];
        assert_eq!(found, wanted.map(|(l, t, h)| (l, t.to_owned(), h.to_owned())));
        let ncx = "<ncx><navMap><navPoint><navLabel><text>One</text></navLabel><content src='a'/>\
                   <navPoint><navLabel><text>Two</text></navLabel><content src='b'/></navPoint>\
                   </navPoint></navMap></ncx>";
        let found = entries(ncx).unwrap();
        let wanted = [(1, "One", "a"), (2, "Two", "b")];
        assert_eq!(found, wanted.map(|(l, t, h)| (l, t.to_owned(), h.to_owned())));
    }
}
