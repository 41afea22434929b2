//! Tells text in any encoding, and web pages and mails among it: by the absence of what text does
//! not hold.

use super::sniff::find;
use super::{Media, Sample};

/// Text or a web page; `None`: not plausible in any encoding.
pub(super) fn kind(sample: &Sample<'_>) -> Option<Media> {
    let form = Form::of(sample.head)?;
    // A long file is text at its end as well: a script may carry an archive behind itself.
    let is_text = sample.tail.is_empty() || form.is_plausible_tail(sample.tail, sample.size);
    is_text.then(|| {
        let start = form.ascii(sample.head);
        match () {
            () if is_html(&start) => Media::Html,
            () if form == Form::Bytes && is_mail(sample.head) => Media::Eml,
            () => Media::Text,
        }
    })
}

/// How characters lie in bytes, as far as control characters can be told by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// ASCII's own bytes stand for its characters: UTF-8, Latin-1, Shift-JIS, KOI8, …
    Bytes,
    /// Two bytes a unit.
    Utf16 { big: bool },
    /// Four bytes a unit.
    Utf32 { big: bool },
}

impl Form {
    /// By the byte order mark, else by where zero bytes and common characters lie; `None`: what
    /// lies there is not plausible as text.
    fn of(head: &[u8]) -> Option<Form> {
        let marked = match head {
            [0xff, 0xfe, 0, 0, ..] => Some(Form::Utf32 { big: false }),
            [0, 0, 0xfe, 0xff, ..] => Some(Form::Utf32 { big: true }),
            [0xff, 0xfe, ..] => Some(Form::Utf16 { big: false }),
            [0xfe, 0xff, ..] => Some(Form::Utf16 { big: true }),
            _ if Form::Bytes.is_plausible(head) => return Some(Form::Bytes),
            _ => None,
        };
        let unmarked = || {
            let big = [false, true].into_iter().find(|big| is_unmarked_utf16(head, *big));
            big.map(|big| Form::Utf16 { big })
        };
        marked.or_else(unmarked).filter(|form| form.is_plausible(head))
    }

    fn is_plausible(self, bytes: &[u8]) -> bool {
        match self {
            Form::Bytes => is_utf8_text(bytes) || is_single_byte_text(bytes),
            Form::Utf16 { big } => Census::of(utf16(bytes, big)).is_text(),
            Form::Utf32 { big } => {
                let units = bytes.chunks_exact(4).map(|unit| {
                    let unit = [unit[0], unit[1], unit[2], unit[3]];
                    if big { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) }
                });
                Census::of(units).is_text()
            }
        }
    }

    /// The tail may begin inside a unit or a character: it is aligned by the file's size first.
    fn is_plausible_tail(self, tail: &[u8], size: u64) -> bool {
        let unit = match self {
            Form::Bytes => return self.is_plausible(after_first_character(tail)),
            Form::Utf16 { .. } => 2,
            Form::Utf32 { .. } => 4,
        };
        let start = size - (tail.len() as u64).min(size);
        let skipped = (unit - start % unit) % unit;
        self.is_plausible(tail.get(skipped as usize..).unwrap_or_default())
    }

    /// The start with everything but ASCII left out.
    fn ascii(self, head: &[u8]) -> Vec<u8> {
        const START_BYTES: usize = 4_096;
        let start = &head[..head.len().min(START_BYTES)];
        start.iter().copied().filter(|byte| (1..0x80).contains(byte)).collect()
    }
}

/// Without the continuation bytes of a character whose start was cut off.
fn after_first_character(tail: &[u8]) -> &[u8] {
    let cut = tail.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    &tail[cut..]
}

/// Counts over characters or units.
#[derive(Default)]
struct Census {
    count: usize,
    /// U+0000.
    zeros: usize,
    /// Control characters that texts do not hold.
    controls: usize,
    /// Not characters: surrogates without partner, non-characters, beyond Unicode.
    invalid: usize,
}

impl Census {
    fn of(units: impl Iterator<Item = u32>) -> Census {
        let mut census = Census::default();
        for unit in units {
            census.count += 1;
            census.zeros += usize::from(unit == 0);
            census.controls += usize::from(is_control(unit));
            census.invalid += usize::from(unit > 0x10_ffff || unit & 0xfffe == 0xfffe);
        }
        census
    }

    /// The same of ASCII's characters, many at a time.
    fn of_ascii(bytes: &[u8]) -> Census {
        Census {
            count: bytes.len(),
            zeros: bytes.iter().filter(|byte| **byte == 0).count(),
            controls: bytes.iter().filter(|byte| is_control(u32::from(**byte))).count(),
            invalid: 0,
        }
    }

    /// Logs of crashed machines hold some zeros, tables of old systems control characters as
    /// separators; more than that is no text.
    fn is_text(&self) -> bool {
        self.count > 0
            && self.zeros * 1_000 <= self.count
            && self.controls * 8 <= self.count
            && self.invalid * 1_000 <= self.count
    }
}

/// A control character that no text format uses; not so tab, line ends, page breaks, bell,
/// backspace, escape, the shifts of ISO 2022, and DOS's end of file.
fn is_control(character: u32) -> bool {
    matches!(character, 0x01..=0x06 | 0x10..=0x19 | 0x1c..=0x1f | 0x7f)
}

/// UTF-8 with at most its last character cut off.
fn is_utf8_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let census = match valid.is_ascii() {
        true => Census::of_ascii(valid.as_bytes()),
        false => Census::of(valid.chars().map(u32::from)),
    };
    census.is_text()
}

/// Text in an encoding without a check of its own: random bytes hold a control byte in twelve, so
/// a long run without any is no chance; a short one must look like letters as well.
fn is_single_byte_text(bytes: &[u8]) -> bool {
    const LONG_BYTES: usize = 256;
    let is_long = bytes.len() >= LONG_BYTES;
    let controls_max = if is_long { bytes.len() / 1_000 } else { 0 };
    let controls = bytes.iter().filter(|byte| **byte == 0 || is_control(u32::from(**byte)));
    // Other files have more than that soon.
    if controls.take(controls_max + 1).count() > controls_max {
        return false;
    }
    // 0x80-0x9F are rare in Western and Cyrillic pages; where Shift-JIS fills them, pairs fit.
    let upper_controls = || bytes.iter().filter(|byte| (0x80..0xa0).contains(*byte)).count();
    is_long || upper_controls() * 8 <= bytes.len() || is_shift_jis(bytes)
}

fn is_shift_jis(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        let fits = match byte {
            0x81..=0x9f | 0xe0..=0xfc => {
                rest.next().is_none_or(|trail| matches!(trail, 0x40..=0x7e | 0x80..=0xfc))
            }
            0x80 | 0xa0 | 0xfd..=0xff => false,
            _ => true,
        };
        if !fits {
            return false;
        }
    }
    true
}

/// Units with pairs of surrogates joined; a lone one counts as a non-character.
fn utf16(bytes: &[u8], big: bool) -> impl Iterator<Item = u32> {
    let units = bytes.chunks_exact(2).map(move |unit| {
        let unit = [unit[0], unit[1]];
        if big { u16::from_be_bytes(unit) } else { u16::from_le_bytes(unit) }
    });
    char::decode_utf16(units).map(|unit| unit.map_or(u32::from(u16::MAX), u32::from))
}

/// UTF-16 without a mark. Almost any bytes are valid UTF-16, so the characters must keep together:
/// mostly of one alphabet and Latin signs, or of the East Asian blocks with spaces between.
fn is_unmarked_utf16(head: &[u8], big: bool) -> bool {
    const EAST_ASIAN: [std::ops::RangeInclusive<u32>; 4] =
        [0x3000..=0x30ff, 0x4e00..=0x9fff, 0xac00..=0xd7a3, 0xff00..=0xffef];
    let mut pages = [0_usize; 256];
    let (mut east_asian, mut spaces, mut count) = (0, 0, 0);
    for character in utf16(head, big) {
        if character == 0 || is_control(character) || character & 0xfffe == 0xfffe {
            return false;
        }
        count += 1;
        pages[(character >> 8 & 0xff) as usize] += 1;
        east_asian += usize::from(EAST_ASIAN.iter().any(|block| block.contains(&character)));
        spaces += usize::from(matches!(character, 0x0a | 0x0d | 0x20 | 0x3000..=0x3002 | 0xff0c));
    }
    let latin = pages[0];
    let alphabet = pages[1..].iter().max().copied().unwrap_or(0);
    let one_alphabet = latin > 0 && (latin + alphabet) * 10 >= count * 9;
    let asian = (east_asian + latin) * 20 >= count * 19 && spaces * 50 >= count;
    count > 1 && (one_alphabet || asian)
}

/// Whether a text is a web page: what stands first behind declarations and comments is one of the
/// elements that only pages begin with. (Markdown may begin with `<p` or `<div`.)
fn is_html(start: &[u8]) -> bool {
    const FIRST: [&[u8]; 7] =
        [b"!doctype html", b"html", b"head", b"body", b"meta", b"title", b"script"];
    let mut rest = start.trim_ascii_start();
    while let Some(inner) = rest.strip_prefix(b"<") {
        let skipped: &[u8] = if inner.starts_with(b"!--") {
            b"-->"
        } else if inner.starts_with(b"?") {
            b"?>"
        } else {
            return FIRST.iter().any(|name| {
                let end = inner.get(name.len());
                inner.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
                    && end.is_none_or(|byte| byte.is_ascii_whitespace() || b">/[".contains(byte))
            });
        };
        match find(inner, skipped) {
            Some(at) => rest = inner[at + skipped.len()..].trim_ascii_start(),
            None => return false,
        }
    }
    false
}

/// Whether a text is a mail: it begins with fields (RFC 5322, 2.2), one says who wrote it, and one
/// is of those that only programs write. Notes and letters begin with `From:` and `Subject:` too.
fn is_mail(head: &[u8]) -> bool {
    const BY_PROGRAMS: [&[u8]; 5] =
        [b"message-id", b"mime-version", b"received", b"return-path", b"dkim-signature"];
    const NAME_BYTES_MAX: usize = 76;
    let (mut has_author, mut is_by_program, mut count) = (false, false, 0);
    // Mailboxes have such a line before each of their mails (RFC 4155).
    let behind_mark = head.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let head = if head.starts_with(b"From ") { &head[behind_mark..] } else { head };
    for line in head.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        // A field goes on in lines that begin with a blank.
        if count > 0 && matches!(line[0], b' ' | b'\t') {
            continue;
        }
        let colon = line.iter().take(NAME_BYTES_MAX).position(|byte| *byte == b':');
        let name = line[..colon.unwrap_or(0)].to_ascii_lowercase();
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        count += 1;
        has_author |= name == b"from" || name == b"sender";
        is_by_program |= BY_PROGRAMS.contains(&name.as_slice());
    }
    has_author && is_by_program
}
