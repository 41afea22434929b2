//! OLE compound files, in which Office before 2007 keeps its documents: named streams, and the
//! properties of the document in one of them ([MS-CFB], [MS-OLEPS]).

use super::model::Metadata;
use super::rtf_pages::{UTF_16_PAGE, code_page};
use cfb::{CompoundFile, OpenOptions};
use encoding_rs::UTF_16LE;
use std::io::{Cursor, Read};
use windlass_core::Failure;

/// The stream of the properties that users know.
const SUMMARY: &str = "\u{5}SummaryInformation";
/// What is read of a stream at once: where a part of it cannot be read, this is lost.
const BLOCK_BYTES: usize = 1_024;
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
        let opened = OpenOptions::new().max_buffer_size(BLOCK_BYTES);
        let file = match with_whole_sectors(bytes) {
            Some(bytes) => opened.open_with(Cursor::new(bytes)),
            None => return Err(damaged("its table of sectors is longer than itself")),
        };
        let file =
            file.map_err(|error| damaged(&format!("its streams cannot be found: {error}")))?;
        Ok(Streams { file, size })
    }

    /// A stream, as much of it as can be read; `None`: there is none of this name.
    pub(super) fn read(&mut self, name: &str) -> Option<Vec<u8>> {
        let mut stream = self.file.open_stream(name).ok()?.take(self.size);
        let (mut bytes, mut block) = (Vec::new(), [0; BLOCK_BYTES]);
        // What comes before damage is there.
        while let Ok(count @ 1..) = stream.read(&mut block) {
            bytes.extend(&block[..count]);
        }
        Some(bytes)
    }

    /// Whether there is a stream of this name, not within another part.
    pub(super) fn has(&self, name: &str) -> bool {
        self.file.is_stream(name)
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

/// What a file is whose streams are not Word's.
pub(super) fn not_word(streams: &Streams) -> Failure {
    let kinds = [
        ("Workbook", "an Excel workbook before 2007"),
        ("Book", "an Excel workbook before 1997"),
        ("PowerPoint Document", "a PowerPoint presentation before 2007"),
        ("__properties_version1.0", "a mail of Outlook"),
    ];
    match kinds.iter().find(|(stream, _)| streams.has(stream)) {
        Some((_, kind)) => Failure::rejected(
            "input_unsupported",
            format!("the file is {kind}, which is not read"),
            "Save it in a newer format, and process that.",
        ),
        None => damaged("it holds no Word document"),
    }
}

/// The file with zeros behind it where its last sectors are not all there, as some programs leave
/// them out; `None`: its list of tables is longer than it can be, and would be read all the same.
fn with_whole_sectors(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    /// Before the first sector.
    const HEAD_BYTES: usize = 512;
    const NO_SECTOR: u32 = 0xFFFF_FFFA;
    let sector_bytes = match u16_at(&bytes, 30) {
        Some(9) => 512,
        Some(12) => 4_096,
        // No compound file: `cfb` says why.
        _ => return Some(bytes),
    };
    let head_bytes = HEAD_BYTES.max(sector_bytes);
    let sector_count = bytes.len().saturating_sub(head_bytes).div_ceil(sector_bytes);
    let entry_count = sector_bytes / 4;
    let table_count = sector_count.div_ceil(entry_count);
    let (mut next, mut list_count) = (u32_at(&bytes, 68).unwrap_or(NO_SECTOR), 0);
    while next < NO_SECTOR {
        list_count += 1;
        if list_count > table_count.div_ceil(entry_count - 1) + 1 {
            return None;
        }
        let end = head_bytes + (next as usize + 1) * sector_bytes;
        next = u32_at(&bytes, end - 4).unwrap_or(NO_SECTOR);
    }
    // A table of sectors tells of all that it has room for.
    let whole_count = if sector_bytes == 512 { table_count * entry_count } else { sector_count };
    bytes.resize(head_bytes + whole_count * sector_bytes, 0);
    Some(bytes)
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
