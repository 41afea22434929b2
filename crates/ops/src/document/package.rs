//! ZIP archives with documents inside: their parts, unpacked within a budget, and the relations
//! between the parts of Office Open XML.
//!
//! Everything is counted while it is unpacked, so that a bomb ends early and cheaply.

use super::model::{Attachment, Document, Metadata};
use super::xml::{attribute, each_element, element_text};
use crate::encoding::decode_text;
use memchr::memmem;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use windlass_core::Failure;
use zip::ZipArchive;
use zip::result::ZipError;

/// One part, unpacked: the XML of a book of 900 pages has 15 MB, a sheet of a million cells 60 MB.
const PART_BYTES_MAX: u64 = 96 << 20;
/// Entries of the archive; documents full of pictures have some thousands.
const ENTRY_COUNT_MAX: usize = 100_000;
/// Where the end of the archive is looked for: its record and the longest comment.
const END_BYTES_MAX: usize = 66 << 10;

/// What a format's archives are called, how much they may hold, and what opens them.
#[derive(Debug)]
pub(super) struct Form {
    /// `DOCX`.
    pub(super) label: &'static str,
    /// `damaged_docx`.
    pub(super) damaged: &'static str,
    /// All parts that are read of one file, unpacked.
    pub(super) unpacked_bytes_max: u64,
    /// `a word processor`.
    pub(super) program: &'static str,
}

/// An archive with what is left of its budget.
pub(super) struct Package {
    pub(super) form: &'static Form,
    archive: ZipArchive<Cursor<Vec<u8>>>,
    bytes_left: u64,
    pub(super) warnings: Vec<String>,
}

/// The relations of a part, in their order and by id: a part may name each of a million.
#[derive(Debug, Default)]
pub(super) struct Relations {
    list: Vec<Relation>,
    by_id: BTreeMap<String, usize>,
}

/// One entry of a relationships part.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    kind: String,
    pub(super) target: String,
    /// The target is no part but an address.
    pub(super) is_external: bool,
}

impl Package {
    /// Opens an archive.
    ///
    /// # Errors
    /// It is damaged or has more entries than any document.
    pub(super) fn open(form: &'static Form, bytes: Vec<u8>) -> Result<Package, Failure> {
        if let Some(count) = declared_entries(&bytes).filter(|it| *it > ENTRY_COUNT_MAX as u64) {
            return Err(form.too_big(&format!("it has {count} entries")));
        }
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|_| form.damaged("its archive is cut off or overwritten"))?;
        if archive.len() > ENTRY_COUNT_MAX {
            return Err(form.too_big(&format!("it has {} entries", archive.len())));
        }
        let bytes_left = form.unpacked_bytes_max;
        Ok(Package { form, archive, bytes_left, warnings: Vec::new() })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// All entries that are no folders.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.archive.file_names().flatten();
        names.filter(|name| !name.ends_with('/')).map(|name| name.into_owned()).collect()
    }

    /// What an entry unpacks to, as the archive declares it.
    pub(super) fn declared_bytes(&mut self, name: &str) -> u64 {
        let Some(index) = self.archive.index_for_name(name) else { return 0 };
        self.archive.by_index_raw(index).map_or(0, |file| file.size())
    }

    /// The content of a part; `None` where the archive has none of this name.
    ///
    /// # Errors
    /// It is locked, cannot be unpacked at all, or unpacks to more than is left.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        let file = self.archive.by_index(index).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => locked(),
            error => self.form.damaged(&format!("{name} cannot be read: {error}")),
        })?;
        let room = self.bytes_left.min(PART_BYTES_MAX);
        // The declared size refuses an honest bomb at once; the limit on reading the others.
        if file.size() > room {
            let what = format!("{name} alone unpacks to {} bytes", file.size());
            return Err(self.form.too_big(&what));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(file.size()).unwrap_or(0).min(1 << 24));
        let outcome = file.take(room + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > room {
            return Err(self.form.too_big(&format!("{name} unpacks to more than it declares")));
        }
        self.bytes_left -= bytes.len() as u64;
        if let Err(error) = outcome {
            if bytes.is_empty() {
                return Err(self.form.damaged(&format!("{name} cannot be unpacked: {error}")));
            }
            self.warnings.push(format!("{name} is damaged; its text may be incomplete"));
        }
        Ok(Some(bytes))
    }

    /// The text of a part; `None` where the archive has none of this name.
    ///
    /// # Errors
    /// As [`Package::bytes`].
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        let text = String::from_utf8(bytes);
        Ok(Some(text.unwrap_or_else(|error| decode_text(error.into_bytes()).0)))
    }

    /// As [`Package::part`], empty where there is none.
    pub(super) fn optional(&mut self, name: Option<String>) -> Result<String, Failure> {
        Ok(name.map_or(Ok(None), |name| self.part(&name))?.unwrap_or_default())
    }

    /// A part that the document cannot be without.
    pub(super) fn main(&mut self, name: &str) -> Result<String, Failure> {
        let form = self.form;
        let missing = || form.damaged(&format!("its main part {name} is missing"));
        self.part(name)?.ok_or_else(missing)
    }

    /// The name of the part that an Office Open XML package begins with.
    pub(super) fn main_part(&mut self, usual: &str) -> Result<String, Failure> {
        let relations = self.relations_in("_rels/.rels")?;
        let main = part_names(&relations, "", "officeDocument").into_iter().next();
        Ok(main.filter(|name| self.has(name)).unwrap_or_else(|| usual.to_owned()))
    }

    /// The relations of a part to others.
    pub(super) fn relations(&mut self, part: &str) -> Result<Relations, Failure> {
        let (folder, name) = split(part);
        self.relations_in(&join(folder, &format!("_rels/{name}.rels")))
    }

    fn relations_in(&mut self, name: &str) -> Result<Relations, Failure> {
        let xml = self.part(name)?.unwrap_or_default();
        let mut relations = Relations::default();
        each_element(&xml, |element| {
            if element.local_name().as_ref() == "Relationship"
                && let (Some(kind), Some(target)) =
                    (attribute(element, "Type"), attribute(element, "Target"))
            {
                let id = attribute(element, "Id").unwrap_or_default();
                let is_external = attribute(element, "TargetMode").as_deref() == Some("External");
                relations.push(id, Relation { kind, target, is_external });
            }
        });
        Ok(relations)
    }

    /// Title, author, subject and program of an Office Open XML package.
    pub(super) fn metadata(&mut self) -> Result<Metadata, Failure> {
        let relations = self.relations_in("_rels/.rels")?;
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

    /// Lists entries as attachments; with their content where it is wanted and within the budget.
    pub(super) fn attach(
        &mut self,
        document: &mut Document,
        is_embedded: impl Fn(&str) -> bool,
        is_content_wanted: bool,
    ) {
        for name in self.names().into_iter().filter(|name| is_embedded(name)) {
            let mut size = self.declared_bytes(&name);
            let mut content = None;
            if is_content_wanted {
                match self.bytes(&name) {
                    Ok(Some(bytes)) => {
                        size = bytes.len() as u64;
                        content = Some(bytes);
                    }
                    Ok(None) => {}
                    Err(failure) => document
                        .warnings
                        .push(format!("the attachment {name} is left out: {}", failure.cause)),
                }
            }
            let media_type = media_type_of(&name).to_owned();
            let name = split(&name).1.to_owned();
            document.push_attachment(Attachment { name, media_type, size, content });
        }
    }
}

impl Relations {
    fn push(&mut self, id: String, relation: Relation) {
        self.by_id.entry(id).or_insert(self.list.len());
        self.list.push(relation);
    }

    /// The relation of this id.
    pub(super) fn get(&self, id: &str) -> Option<&Relation> {
        self.by_id.get(id).map(|index| &self.list[*index])
    }
}

impl Form {
    pub(super) fn damaged(&self, what: &str) -> Failure {
        Failure::rejected(
            self.damaged,
            format!("the file is a damaged {}: {what}", self.label),
            format!("Open it in {}, repair it and save it again.", self.program),
        )
    }

    fn too_big(&self, what: &str) -> Failure {
        let max = self.unpacked_bytes_max.min(PART_BYTES_MAX);
        let article = if self.label.starts_with(['E', 'O', 'X']) { "an" } else { "a" };
        Failure::rejected(
            "unpacked_too_large",
            format!("{what}, more than the {max} bytes {article} {} may unpack to", self.label),
            "If the file is meant to be so large, split the document.",
        )
    }
}

/// The document asks for a password.
pub(super) fn locked() -> Failure {
    Failure::rejected(
        "password_required",
        "password required: the document is encrypted",
        "Save a copy without a password and process that.",
    )
}

/// The number of entries that the end of a large archive declares: each takes memory as soon as the
/// archive is opened. Others cannot declare more than 65,535.
fn declared_entries(bytes: &[u8]) -> Option<u64> {
    let end = &bytes[bytes.len().saturating_sub(END_BYTES_MAX)..];
    let at = memmem::rfind(end, b"PK\x06\x06")?;
    end.get(at + 32..)?.first_chunk().map(|count| u64::from_le_bytes(*count))
}

/// Names of the parts that relations of a kind point to, in their order.
pub(super) fn part_names(relations: &Relations, folder: &str, kind: &str) -> Vec<String> {
    // Types differ between transitional and strict files in all but their last component.
    let of_kind = relations
        .list
        .iter()
        .filter(|relation| !relation.is_external && relation.kind.rsplit('/').next() == Some(kind));
    of_kind.map(|relation| join(folder, &relation.target)).collect()
}

/// Folder and file name of a part.
pub(super) fn split(part: &str) -> (&str, &str) {
    part.rsplit_once('/').unwrap_or(("", part))
}

/// A target resolved against the folder of the part that names it.
pub(super) fn join(folder: &str, target: &str) -> String {
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

/// The media type of an embedded file by its name; what it is does not show otherwise before it is
/// unpacked.
pub(super) fn media_type_of(name: &str) -> &'static str {
    windlass_core::media::by_extension(name.as_bytes())
        .map_or("application/octet-stream", windlass_core::media::Media::mime)
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

    #[test]
    fn an_archive_that_declares_endless_entries_is_not_opened() {
        let mut end = b"PK\x06\x06".to_vec();
        end.resize(32, 0);
        end.extend_from_slice(&1_000_000_u64.to_le_bytes());
        assert_eq!(declared_entries(&end), Some(1_000_000));
        static FORM: Form = Form {
            label: "DOCX",
            damaged: "damaged_docx",
            unpacked_bytes_max: 1,
            program: "a program",
        };
        let refused = Package::open(&FORM, end).err().map(|failure| failure.code);
        assert_eq!(refused.as_deref(), Some("unpacked_too_large"));
    }
}
