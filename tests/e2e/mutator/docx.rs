//! Damage to a DOCX: the fields of its archive, and the XML of its parts under right checksums.

use super::bytes::{crc32, places};
use super::damage::Mutator;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
/// Offsets of the fields of each header that say how, how long and where (APPNOTE 4.3).
const LOCAL_FIELDS: &[usize] = &[6, 8, 14, 18, 22, 26, 28];
const CENTRAL_FIELDS: &[usize] = &[8, 10, 16, 20, 24, 28, 30, 32, 42];
const END_FIELDS: &[usize] = &[4, 8, 10, 12, 16, 20];
/// Deeper than any reader can follow by recursion alone.
const NESTING: usize = 5_000;
/// XML that readers of documents give a meaning, or should not.
const PIECES: &[&str] = &[
    "<w:p>",
    "</w:p>",
    "<w:r><w:t>",
    "</w:t></w:r>",
    "<w:tbl><w:tr><w:tc>",
    "</w:tc></w:tr></w:tbl>",
    "<w:del>",
    "<w:pPr><w:numPr><w:ilvl w:val=\"-9\"/><w:numId w:val=\"4294967296\"/></w:numPr></w:pPr>",
    "<mc:AlternateContent>",
    "<mc:Fallback>",
    "&#xD800;",
    "&#99999999999;",
    "&nbsp;",
    "&",
    "<![CDATA[",
    "<!--",
    "<?xml",
    "<!DOCTYPE a [<!ENTITY b \"&b;&b;\">]>",
    "<w:pStyle w:val='",
    "\u{0}",
    "\u{FFFE}",
];

/// One entry of the archive, unpacked.
struct Part {
    name: Vec<u8>,
    xml: Vec<u8>,
}

pub(super) fn damage(mutator: &mut Mutator, docx: &mut Vec<u8>) {
    match mutator.below(5) {
        0 => field(mutator, docx, LOCAL, LOCAL_FIELDS),
        1 => field(mutator, docx, CENTRAL, CENTRAL_FIELDS),
        2 => field(mutator, docx, END, END_FIELDS),
        _ => {
            let mut parts = unpacked(docx);
            if parts.is_empty() {
                return;
            }
            change(mutator, &mut parts);
            *docx = packed(&parts);
        }
    }
}

fn field(mutator: &mut Mutator, docx: &mut [u8], signature: &[u8], fields: &[usize]) {
    if let (Some(at), Some(field)) = (mutator.pick(&places(docx, signature)), mutator.pick(fields))
        && at + field < docx.len()
    {
        mutator.number(docx, at + field);
    }
}

fn change(mutator: &mut Mutator, parts: &mut Vec<Part>) {
    let index = mutator.below(parts.len());
    let lender = parts[mutator.below(parts.len())].xml.clone();
    let Part { name, xml } = &mut parts[index];
    let at = mutator.below(xml.len());
    match mutator.below(8) {
        0 => mutator.damage(xml, &lender),
        1 => mutator.damage(name, b"word/document.xml"),
        2 => drop(parts.remove(index)),
        3 => *xml = lender,
        4 => {
            let opened = mutator.pick(&["<w:p>", "<w:tbl>", "<w:tc>", "<w:del>", "<x>"]);
            let opened = opened.unwrap_or_default().repeat(mutator.below(NESTING));
            drop(xml.splice(at..at, opened.into_bytes()));
        }
        5 => {
            let Some(from) = mutator.pick(&places(xml, b"<")) else { return };
            let Some(to) = mutator.pick(&places(xml, b">")) else { return };
            let element = xml[from.min(to)..from.max(to)].repeat(1 + mutator.below(32));
            drop(xml.splice(from..from, element));
        }
        _ => {
            for _ in 0..=mutator.below(4) {
                let tags = places(xml, b"<");
                let at = mutator.pick(&tags).unwrap_or(0);
                let piece = mutator.pick(PIECES).unwrap_or_default();
                drop(xml.splice(at..at, piece.bytes()));
            }
        }
    }
}

/// The stored entries, by their local headers; packed ones are left out.
fn unpacked(docx: &[u8]) -> Vec<Part> {
    let part = |at: usize| {
        let header = docx.get(at..at + 30)?;
        let word = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let size = word(18) | word(20) << 16;
        let name_end = at + 30 + word(26);
        let data = name_end + word(28);
        (word(8) == 0).then_some(())?;
        let name = docx.get(at + 30..name_end)?.to_vec();
        Some(Part { name, xml: docx.get(data..data.checked_add(size)?)?.to_vec() })
    };
    places(docx, LOCAL).into_iter().filter_map(part).collect()
}

/// A sound archive of these parts, stored.
fn packed(parts: &[Part]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for Part { name, xml } in parts {
        let size = (xml.len() as u32).to_le_bytes();
        let name_length = (name.len() as u16).to_le_bytes();
        // Version 2.0, no flags, stored, midnight, checksum, both sizes, name, no extra field.
        let head = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0].as_slice();
        let crc = crc32(xml).to_le_bytes();
        let common = [head, &crc, &size, &size, &name_length, &[0, 0]].concat();
        let offset = (archive.len() as u32).to_le_bytes();
        directory.extend([CENTRAL, &[20, 0], &common, &[0; 10], &offset, name].concat());
        archive.extend([LOCAL, &common, name, xml].concat());
    }
    let count = (parts.len() as u16).to_le_bytes();
    let size = (directory.len() as u32).to_le_bytes();
    let offset = (archive.len() as u32).to_le_bytes();
    archive.append(&mut directory);
    archive.extend([END, &[0; 4], &count, &count, &size, &offset, &[0, 0]].concat());
    archive
}
