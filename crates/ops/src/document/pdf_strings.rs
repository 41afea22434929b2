//! Text strings of PDF dictionaries: UTF-16 or UTF-8 with a mark, else PDFDocEncoding.
//!
//! The table is that of ISO 32000-2, annex D.3.

/// Codes 0x18-0x1F.
const ACCENTS: [char; 8] = [
    '\u{02D8}', '\u{02C7}', '\u{02C6}', '\u{02D9}', '\u{02DD}', '\u{02DB}', '\u{02DA}', '\u{02DC}',
];
/// Codes 0x80-0xA0.
const PUNCTUATION: [char; 33] = [
    '\u{2022}', '\u{2020}', '\u{2021}', '\u{2026}', '\u{2014}', '\u{2013}', '\u{0192}', '\u{2044}',
    '\u{2039}', '\u{203A}', '\u{2212}', '\u{2030}', '\u{201E}', '\u{201C}', '\u{201D}', '\u{2018}',
    '\u{2019}', '\u{201A}', '\u{2122}', '\u{FB01}', '\u{FB02}', '\u{0141}', '\u{0152}', '\u{0160}',
    '\u{0178}', '\u{017D}', '\u{0131}', '\u{0142}', '\u{0153}', '\u{0161}', '\u{017E}', '\u{FFFD}',
    '\u{20AC}',
];

/// The text of a string, without control characters.
pub(super) fn decode(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Not allowed, but written by many programs: plain UTF-8.
        _ => match std::str::from_utf8(bytes) {
            Ok(text) if !bytes.is_ascii() => text.to_owned(),
            _ => bytes.iter().map(|byte| pdf_doc_char(*byte)).collect(),
        },
    };
    text.chars().filter(|c| !c.is_control()).collect()
}

fn utf16(bytes: &[u8], convert: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| convert(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect()
}

fn pdf_doc_char(byte: u8) -> char {
    match byte {
        0x18..=0x1F => ACCENTS[usize::from(byte - 0x18)],
        0x80..=0xA0 => PUNCTUATION[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_string_is_read() {
        assert_eq!(decode(b"plain"), "plain");
        assert_eq!(decode(b"\xFE\xFF\0G\0r\0\xFC\0n"), "Gr\u{fc}n");
        assert_eq!(decode(b"\xFF\xFEG\0r\0\xFC\0"), "Gr\u{fc}");
        assert_eq!(decode(b"\xEF\xBB\xBFna\xC3\xAFve"), "na\u{ef}ve");
        assert_eq!(decode(b"caf\xE9 \x84 \xA0"), "caf\u{e9} \u{2014} \u{20ac}");
        assert_eq!(decode(b"a\0b\x07"), "ab");
    }
}
