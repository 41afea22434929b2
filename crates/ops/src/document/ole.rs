//! OLE compound files, in which Office before 2007 keeps its documents: named streams, and the
//! properties of the document in one of them ([MS-CFB], [MS-OLEPS]).

use super::model::Metadata;
use super::rtf_pages::code_page;
use cfb::CompoundFile;
use encoding_rs::UTF_16LE;
use std::io::{Cursor, Read};
use windlass_core::Failure;

/// The stream of the properties that users know.
const SUMMARY: &str = "\u{5}SummaryInformation";
/// Properties that are looked at; Office writes under 20.
const PROPERTY_COUNT_MAX: u32 = 256;

/// The streams of a file.
pub(super) struct Streams {
    file: CompoundFile<Cursor<Vec<u8>>>,
    /// Of the file: no stream is longer, whatever a damaged directory says.
    size: u64,
}

impl Streams {
    pub(super) fn open(bytes: Vec<u8>) -> Result<Streams, Failure> {
        let size = bytes.len() as u64;
        let file = CompoundFile::open(Cursor::new(bytes))
            .map_err(|error| damaged(&format!("its streams cannot be found: {error}")))?;
        Ok(Streams { file, size })
    }

    /// A stream, as much of it as can be read; `None`: there is none of this name.
    pub(super) fn read(&mut self, name: &str) -> Option<Vec<u8>> {
        let stream = self.file.open_stream(name).ok()?;
        let mut bytes = Vec::new();
        // What was read before damage is there.
        let _ = stream.take(self.size).read_to_end(&mut bytes);
        Some(bytes)
    }

    /// Title, author, subject and creator, as far as the file tells them, and the code page that
    /// they are in.
    pub(super) fn properties(&mut self) -> (Metadata, Option<i32>) {
        self.read(SUMMARY).and_then(|bytes| properties(&bytes)).unwrap_or_default()
    }

    /// Objects of other programs within the document.
    pub(super) fn embedded_count(&self) -> usize {
        self.file.read_storage("ObjectPool").map_or(0, Iterator::count)
    }
}

/// The failure of a file that is not what it is to be.
pub(super) fn damaged(what: &str) -> Failure {
    Failure::rejected(
        "damaged_office_file",
        format!("the file is a damaged Office document: {what}"),
        "Open it in a word processor, repair it and save it again.",
    )
}

fn properties(bytes: &[u8]) -> Option<(Metadata, Option<i32>)> {
    const CODE_PAGE: u32 = 1;
    let section = bytes.get(u32_at(bytes, 44)? as usize..)?;
    let count = u32_at(section, 4)?.min(PROPERTY_COUNT_MAX);
    let entries = (0..count as usize).filter_map(|index| {
        Some((u32_at(section, 8 + 8 * index)?, u32_at(section, 12 + 8 * index)? as usize))
    });
    let page = entries.clone().find(|(id, _)| *id == CODE_PAGE);
    let page = page.and_then(|(_, at)| u16_at(section, at + 4)).map(i32::from);
    let mut metadata = Metadata::default();
    for (id, at) in entries {
        let field = match id {
            2 => &mut metadata.title,
            3 => &mut metadata.subject,
            4 => &mut metadata.author,
            18 => &mut metadata.creator,
            _ => continue,
        };
        if let Some(text) = text_at(section, at, page.unwrap_or(1252)) {
            *field = text;
        }
    }
    Some((metadata, page))
}

/// A property's text.
fn text_at(section: &[u8], at: usize, page: i32) -> Option<String> {
    /// A string in the file's code page, and one in UTF-16.
    const NARROW: u32 = 0x1E;
    const WIDE: u32 = 0x1F;
    /// The code page that says UTF-16.
    const UTF_16_PAGE: i32 = 1200;
    let (kind, length) = (u32_at(section, at)?, u32_at(section, at + 4)? as usize);
    let rest = section.get(at + 8..)?;
    let (encoding, size) = match kind {
        NARROW if page == UTF_16_PAGE => (UTF_16LE, length),
        NARROW => (code_page(page), length),
        WIDE => (UTF_16LE, length.saturating_mul(2)),
        _ => return None,
    };
    let text = encoding.decode_without_bom_handling(&rest[..size.min(rest.len())]).0;
    let text = text.split('\0').next().unwrap_or_default().trim();
    Some(text.to_owned())
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}
