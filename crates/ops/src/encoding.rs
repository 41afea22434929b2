//! Bytes to text: the encoding of a text file is told by its bytes alone.
//!
//! Order of trust: a byte order mark, the zero-byte pattern of UTF-32 and UTF-16, valid UTF-8, then
//! statistics (chardetng). Line ends are kept as they are; what cannot be decoded becomes U+FFFD.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// How much of a file the statistics look at: beyond this they no longer change their mind.
const SAMPLE_BYTES_MAX: usize = 1 << 20;

/// The text of a file and the name of the encoding that it was in, without its byte order mark. Own
/// bytes that are UTF-8 are not copied.
pub(crate) fn decode_text<'a>(bytes: impl Into<Cow<'a, [u8]>>) -> (String, &'static str) {
    let bytes = bytes.into();
    if let Some(decoded) = decode_marked(&bytes) {
        return decoded;
    }
    let sample = sample_of(&bytes);
    // Text in UTF-16 and UTF-32 can be valid UTF-8 full of zero bytes, which no UTF-8 text holds.
    if sample.contains(&0)
        && let Some(decoded) = decode_unmarked_wide(&bytes)
    {
        return decoded;
    }
    let bytes = match bytes {
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => return (text, "UTF-8"),
            Err(error) => Cow::Owned(error.into_bytes()),
        },
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => return (text.to_owned(), "UTF-8"),
            Err(_) => Cow::Borrowed(bytes),
        },
    };
    let sample = sample_of(&bytes);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(sample, sample.len() == bytes.len());
    // A file that is UTF-8 but for a few damaged bytes is still best read as UTF-8.
    let encoding = match mostly_utf8(sample) {
        true => UTF_8,
        false => detector.guess(None, Utf8Detection::Allow),
    };
    (decode_with(encoding, &bytes), encoding.name())
}

fn sample_of(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(SAMPLE_BYTES_MAX)]
}

fn decode_marked(bytes: &[u8]) -> Option<(String, &'static str)> {
    // UTF-32LE's mark begins with UTF-16LE's, so it is asked first.
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE, 0, 0])
        && rest.len().is_multiple_of(4)
    {
        return Some((decode_utf32(rest, u32::from_le_bytes), "UTF-32LE"));
    }
    if let Some(rest) = bytes.strip_prefix(&[0, 0, 0xFE, 0xFF]) {
        return Some((decode_utf32(rest, u32::from_be_bytes), "UTF-32BE"));
    }
    let (encoding, mark_bytes) = Encoding::for_bom(bytes)?;
    Some((decode_with(encoding, &bytes[mark_bytes..]), encoding.name()))
}

fn decode_unmarked_wide(bytes: &[u8]) -> Option<(String, &'static str)> {
    if let Some(decoded) = decode_unmarked_utf32(bytes) {
        return Some(decoded);
    }
    if !looks_wide(bytes) {
        return None;
    }
    let [even, odd] = zero_counts(sample_of(bytes));
    let encoding = if odd >= even { UTF_16LE } else { UTF_16BE };
    Some((decode_with(encoding, bytes), encoding.name()))
}

fn decode_unmarked_utf32(bytes: &[u8]) -> Option<(String, &'static str)> {
    if bytes.len() < 8 || !bytes.len().is_multiple_of(4) {
        return None;
    }
    let is_text = |convert: fn([u8; 4]) -> u32| {
        let mut units = bytes.as_chunks::<4>().0.iter();
        units.all(|unit| char::from_u32(convert(*unit)).is_some_and(|c| c != '\0'))
    };
    if is_text(u32::from_le_bytes) {
        return Some((decode_utf32(bytes, u32::from_le_bytes), "UTF-32LE"));
    }
    is_text(u32::from_be_bytes).then(|| (decode_utf32(bytes, u32::from_be_bytes), "UTF-32BE"))
}

/// Whether zero bytes sit mostly at even or mostly at odd places, as in UTF-16 of text with spaces,
/// digits or Latin letters. No 8-bit text holds so many zeros.
fn looks_wide(bytes: &[u8]) -> bool {
    let sample = sample_of(bytes);
    let [even, odd] = zero_counts(sample);
    let pairs = sample.len() / 2;
    let (many, few) = (even.max(odd), even.min(odd));
    // Chinese or Japanese text has about one ASCII sign (line end, digit) in twenty characters.
    pairs >= 2 && many * 20 >= pairs && few * 10 <= many
}

/// How many zero bytes stand at even and at odd places.
fn zero_counts(sample: &[u8]) -> [usize; 2] {
    let mut counts = [0, 0];
    for pair in sample.as_chunks::<2>().0 {
        counts[0] += usize::from(pair[0] == 0);
        counts[1] += usize::from(pair[1] == 0);
    }
    counts
}

/// Whether at least nine in ten of the bytes above 127 belong to valid UTF-8 sequences.
fn mostly_utf8(sample: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    for chunk in sample.utf8_chunks() {
        valid += chunk.valid().bytes().filter(|byte| *byte >= 0x80).count();
        invalid += chunk.invalid().len();
    }
    valid >= invalid.saturating_mul(9) && valid > 0
}

fn decode_with(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn decode_utf32(bytes: &[u8], convert: fn([u8; 4]) -> u32) -> String {
    let (units, rest) = bytes.as_chunks::<4>();
    let whole = units.iter().map(|unit| char::from_u32(convert(*unit)).unwrap_or('\u{FFFD}'));
    whole.chain((!rest.is_empty()).then_some('\u{FFFD}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], text: &str, name: &str) {
        assert_eq!(decode_text(bytes), (text.to_owned(), name_of(name)));
    }

    fn name_of(name: &str) -> &'static str {
        name.to_owned().leak()
    }

    fn utf16(text: &str, convert: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(convert).collect()
    }

    fn utf32(text: &str, convert: fn(u32) -> [u8; 4]) -> Vec<u8> {
        text.chars().flat_map(|c| convert(u32::from(c))).collect()
    }

    #[test]
    fn utf8_is_taken_as_it_is_and_line_ends_stay() {
        check(b"", "", "UTF-8");
        check(
            "na\u{ef}ve\r\nstra\u{df}e\rx\n".as_bytes(),
            "na\u{ef}ve\r\nstra\u{df}e\rx\n",
            "UTF-8",
        );
        check(b"\xEF\xBB\xBFmarked", "marked", "UTF-8");
    }

    #[test]
    fn one_damaged_byte_does_not_lose_utf8() {
        let mut bytes = "grüße aus münchen, schöne straßen".repeat(3).into_bytes();
        bytes.push(0xFF);
        let (text, name) = decode_text(bytes);
        assert_eq!(name, "UTF-8");
        assert!(text.starts_with("grüße") && text.ends_with('\u{FFFD}'));
    }

    #[test]
    fn wide_encodings_with_and_without_mark() {
        for text in ["Grüße, 42\r\nline", "日本語の文章です。\n二行目 1\n", "Привет, мир\n"]
        {
            check(&utf16(text, u16::to_le_bytes), text, "UTF-16LE");
            check(&utf16(text, u16::to_be_bytes), text, "UTF-16BE");
            check(&utf32(text, u32::to_le_bytes), text, "UTF-32LE");
            check(&utf32(text, u32::to_be_bytes), text, "UTF-32BE");
            let marked = format!("\u{FEFF}{text}");
            check(&utf16(&marked, u16::to_le_bytes), text, "UTF-16LE");
            check(&utf16(&marked, u16::to_be_bytes), text, "UTF-16BE");
            check(&utf32(&marked, u32::to_le_bytes), text, "UTF-32LE");
            check(&utf32(&marked, u32::to_be_bytes), text, "UTF-32BE");
        }
    }

    #[test]
    fn older_encodings_are_told_by_statistics() {
        let german = "Die Straße ist schön und größer als die übrigen Wege in München.";
        check(&encoding_rs::WINDOWS_1252.encode(german).0, german, "windows-1252");
        let russian = "Съешь же ещё этих мягких французских булок, да выпей чаю.";
        check(&encoding_rs::WINDOWS_1251.encode(russian).0, russian, "windows-1251");
        let japanese = "これは日本語で書かれた長い文章です。文字コードを判定します。";
        check(&encoding_rs::SHIFT_JIS.encode(japanese).0, japanese, "Shift_JIS");
        check(&encoding_rs::EUC_JP.encode(japanese).0, japanese, "EUC-JP");
    }

    #[test]
    fn binary_rubbish_ends_without_panic() {
        for length in 0..200_usize {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 167 % 256) as u8).collect();
            decode_text(bytes);
        }
    }
}
