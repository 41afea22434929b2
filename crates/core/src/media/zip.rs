//! Tells the kinds apart that are ZIP archives inside, by the names of their entries.
//!
//! Entries may come in any order: names are gathered from the local headers in the head and from
//! the central directory in the tail.

use super::sniff::find;
use super::{Media, Sample};

const LOCAL_SIGNATURE: &[u8] = b"PK\x03\x04";
const LOCAL_HEADER_BYTES: usize = 30;
const CENTRAL_SIGNATURE: &[u8] = b"PK\x01\x02";
const CENTRAL_HEADER_BYTES: usize = 46;
const METHOD_STORED: u16 = 0;

/// What the entries seen so far speak for.
#[derive(Default)]
struct Evidence {
    content_types: bool,
    word: bool,
    excel: bool,
    powerpoint: bool,
    container: bool,
    package: bool,
    /// By the `mimetype` entry, which says it outright.
    declared: Option<Media>,
}

/// The kind of an archive that begins with a ZIP signature.
pub(super) fn kind(sample: &Sample<'_>) -> Media {
    let mut evidence = Evidence::default();
    evidence.read_locals(sample.head);
    evidence.read_locals(sample.tail);
    evidence.read_central(sample.head);
    evidence.read_central(sample.tail);
    evidence.verdict()
}

impl Evidence {
    fn verdict(&self) -> Media {
        if let Some(media) = self.declared {
            return media;
        }
        match (self.content_types, self.word, self.excel, self.powerpoint) {
            (true, true, _, _) => Media::Docx,
            (true, _, true, _) => Media::Xlsx,
            (true, _, _, true) => Media::Pptx,
            _ if self.container && self.package => Media::Epub,
            _ => Media::Zip,
        }
    }

    /// Local headers: found by their signature, since an entry written as a stream does not tell
    /// its length before its data.
    fn read_locals(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(at) = find(rest, LOCAL_SIGNATURE) {
            rest = &rest[at..];
            if let (Some(method), Some(size), Some(name_length), Some(extra_length)) =
                (u16_at(rest, 8), u32_at(rest, 18), u16_at(rest, 26), u16_at(rest, 28))
            {
                let data_at = LOCAL_HEADER_BYTES + usize::from(name_length);
                let name = rest.get(LOCAL_HEADER_BYTES..data_at).unwrap_or_default();
                self.note(name);
                if name == b"mimetype" && method == METHOD_STORED {
                    let data = rest.get(data_at + usize::from(extra_length)..);
                    self.declare(data.unwrap_or_default(), size as usize);
                }
            }
            rest = &rest[LOCAL_SIGNATURE.len()..];
        }
    }

    fn read_central(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(at) = find(rest, CENTRAL_SIGNATURE) {
            rest = &rest[at..];
            if let Some(name_length) = u16_at(rest, 28) {
                let end = CENTRAL_HEADER_BYTES + usize::from(name_length);
                self.note(rest.get(CENTRAL_HEADER_BYTES..end).unwrap_or_default());
            }
            rest = &rest[CENTRAL_SIGNATURE.len()..];
        }
    }

    fn note(&mut self, name: &[u8]) {
        // Some writers take backslashes for separators or begin names with one.
        let name = name.strip_prefix(b"/").or(name.strip_prefix(b"\\")).unwrap_or(name);
        let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
        let under = |folder: &[u8]| {
            let Some((start, rest)) = name.split_at_checked(folder.len()) else { return false };
            start.eq_ignore_ascii_case(folder) && matches!(rest.first(), Some(b'/' | b'\\'))
        };
        self.content_types |= is(b"[Content_Types].xml");
        self.word |= under(b"word");
        self.excel |= under(b"xl");
        self.powerpoint |= under(b"ppt");
        self.container |= is(b"META-INF/container.xml");
        self.package |= name.to_ascii_lowercase().ends_with(b".opf");
    }

    /// `size` is 0 where the entry was written as a stream; its data ends with the next header
    /// then.
    fn declare(&mut self, data: &[u8], size: usize) {
        const TYPE_BYTES_MAX: usize = 128;
        let end = if size == 0 { find(data, b"PK").unwrap_or(data.len()) } else { size };
        let declared = data[..end.min(data.len()).min(TYPE_BYTES_MAX)].trim_ascii();
        let declared = declared.strip_suffix(b"-template").unwrap_or(declared);
        let known = [Media::Epub, Media::Odt, Media::Ods, Media::Odp];
        let is_declared = |media: &Media| media.mime().as_bytes() == declared;
        self.declared = self.declared.or(known.into_iter().find(is_declared));
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|field| u16::from_le_bytes(*field))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|field| u32::from_le_bytes(*field))
}
