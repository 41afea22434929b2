//! What stands around a PDF's pages: its outline, and where destinations lead.

use super::model::{Document, Entry};
use super::pdf_strings::decode;
use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Object, String as PdfString};
use std::collections::{BTreeMap, BTreeSet};

/// Entries of an outline that are looked at.
const ENTRY_COUNT_MAX: usize = 10_000;
/// Levels of an outline.
const LEVEL_MAX: usize = 32;
/// Nodes and names of a name tree that are looked at.
const NAME_COUNT_MAX: usize = 50_000;

/// Fills the outline.
pub(super) fn outline(pdf: &Pdf, document: &mut Document) {
    let Some(catalog) = catalog(pdf) else { return };
    let Some(first) = catalog.get::<Dict<'_>>("Outlines").and_then(|it| it.get("First")) else {
        return;
    };
    let places = Places::of(pdf, &catalog);
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<(Dict<'_>, usize)> = vec![(first, 1)];
    while let Some((entry, level)) = ahead.pop() {
        // An outline that bites its tail ends there.
        let is_new = entry.obj_id().is_none_or(|id| seen.insert(id));
        if !is_new || document.outline.len() >= ENTRY_COUNT_MAX {
            continue;
        }
        let title = entry.get::<PdfString<'_>>("Title").map(|it| decode(it.as_bytes()));
        let title = title.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let page = places.page_of(&entry);
        document.push_entry(Entry { level, title, page });
        ahead.extend(entry.get::<Dict<'_>>("Next").map(|next| (next, level)));
        if level < LEVEL_MAX {
            ahead.extend(entry.get::<Dict<'_>>("First").map(|child| (child, level + 1)));
        }
    }
}

/// The dictionary that everything hangs from.
pub(super) fn catalog(pdf: &Pdf) -> Option<Dict<'_>> {
    pdf.xref().get(pdf.xref().root_id())
}

/// Where destinations lead.
struct Places<'a> {
    /// Page numbers from 1, by the number of the page's object.
    pages: BTreeMap<u32, usize>,
    old_names: Option<Dict<'a>>,
    names: BTreeMap<Vec<u8>, Object<'a>>,
}

impl<'a> Places<'a> {
    fn of(pdf: &'a Pdf, catalog: &Dict<'a>) -> Places<'a> {
        let pages = pdf.pages().iter().enumerate();
        let pages = pages
            .filter_map(|(index, page)| page.raw().obj_id().map(|id| (id.obj_number, index + 1)));
        let mut names = BTreeMap::new();
        let tree = catalog.get::<Dict<'_>>("Names").and_then(|it| it.get("Dests"));
        each_name(tree, |name, value| {
            names.insert(name, value);
        });
        Places { pages: pages.collect(), old_names: catalog.get("Dests"), names }
    }

    /// The page that an entry or a link leads to, from 1.
    fn page_of(&self, entry: &Dict<'a>) -> Option<usize> {
        let action = || entry.get::<Dict<'a>>("A").filter(|action| is_named(action, "GoTo"));
        let place = entry.get::<Object<'a>>("Dest").or_else(|| action()?.get("D"))?;
        let named = match &place {
            Object::String(name) => self.names.get(name.as_bytes()).cloned(),
            Object::Name(name) => self.old_names.as_ref()?.get::<Object<'a>>(name),
            _ => Some(place),
        };
        let array = match named? {
            Object::Array(array) => array,
            Object::Dict(dict) => dict.get::<Array<'a>>("D")?,
            _ => return None,
        };
        let page = array.raw_iter().next()?;
        match page.as_obj_ref() {
            Some(page) => self.pages.get(&page.obj_number).copied(),
            // Some programs write the page's index instead.
            None => {
                let index = array.iter::<i32>().next().and_then(|it| usize::try_from(it).ok())?;
                (index < self.pages.len()).then_some(index + 1)
            }
        }
    }
}

/// Whether an action or an annotation is of a kind.
pub(super) fn is_named(dict: &Dict<'_>, kind: &str) -> bool {
    let name = dict.get::<Name<'_>>("S").or_else(|| dict.get("Subtype"));
    name.is_some_and(|name| name.as_str() == kind)
}

/// Shows every name of a name tree with its value (ISO 32000-2, 7.9.6).
pub(super) fn each_name<'a>(tree: Option<Dict<'a>>, mut each: impl FnMut(Vec<u8>, Object<'a>)) {
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<Dict<'a>> = tree.into_iter().collect();
    let mut count = 0;
    while let Some(node) = ahead.pop() {
        count += 1;
        // Nodes within one another share their object's number: their place tells them apart.
        if count > NAME_COUNT_MAX || !seen.insert(node.data().as_ptr()) {
            continue;
        }
        if let Some(names) = node.get::<Array<'a>>("Names") {
            let mut pairs = names.iter::<Object<'a>>();
            while let (Some(name), Some(value)) = (pairs.next(), pairs.next()) {
                count += 1;
                if let Object::String(name) = name
                    && count <= NAME_COUNT_MAX
                {
                    each(name.as_bytes().to_vec(), value);
                }
            }
        }
        if let Some(kids) = node.get::<Array<'a>>("Kids") {
            // The first one is looked at first.
            let kids: Vec<Dict<'a>> = kids.iter::<Dict<'a>>().take(NAME_COUNT_MAX).collect();
            ahead.extend(kids.into_iter().rev());
        }
    }
}
