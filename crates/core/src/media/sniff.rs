//! Tells a file's kind by its bytes: signatures first, then text, for text has none.
//!
//! Total on any bytes: nothing here indexes without a bound or trusts a length that it reads.

use super::{Media, Sample, audio, boxes, text, zip};

/// Readers look for a PDF's header in this many first bytes; mail and print systems put their own
/// lines before it.
const PDF_HEADER_BYTES_MAX: usize = 1_024;

/// What the file is.
#[must_use]
pub fn sniff(sample: &Sample<'_>) -> Media {
    let head = sample.head;
    if sample.size == 0 || head.is_empty() {
        return Media::Empty;
    }
    signed(sample)
        .or_else(|| boxes::kind(sample))
        .or_else(|| late_pdf(sample).then_some(Media::Pdf))
        .or_else(|| text::kind(sample))
        .or_else(|| audio::kind(head))
        .unwrap_or(Media::Unknown)
}

/// Kinds that begin with bytes of their own.
fn signed(sample: &Sample<'_>) -> Option<Media> {
    let head = sample.head;
    let starts = |signature: &[u8]| head.starts_with(signature);
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") || starts(b"PK\x07\x08") {
        return Some(zip::kind(sample));
    }
    if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(compound(sample));
    }
    let trimmed = trim(head);
    if trimmed.starts_with(b"%PDF-") || is_postscript_pdf(trimmed) {
        return Some(Media::Pdf);
    }
    if trimmed.starts_with(b"{\\rtf") {
        return Some(Media::Rtf);
    }
    image(head).or_else(|| sound_or_video(head)).or_else(|| archive(head)).or_else(|| program(head))
}

/// Without a byte order mark and the white space before a document's first character.
fn trim(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start()
}

/// `%!PS-Adobe-3.0 PDF-1.4`: an old spelling of the header that readers still take.
fn is_postscript_pdf(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"%!PS-Adobe-") else { return false };
    let line = rest.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    line.get(3..).is_some_and(|version| version.starts_with(b" PDF-"))
}

/// A PDF whose header stands behind other bytes. Programs and mails quote `%PDF-` too: what ends a
/// PDF must be there as well.
fn late_pdf(sample: &Sample<'_>) -> bool {
    let start = &sample.head[..sample.head.len().min(PDF_HEADER_BYTES_MAX)];
    let end = if sample.tail.is_empty() { sample.head } else { sample.tail };
    find(start, b"%PDF-").is_some_and(|at| {
        start.get(at + 5).is_some_and(u8::is_ascii_digit)
            && (find(end, b"startxref").is_some() || find(end, b"%%EOF").is_some())
    })
}

/// An OLE compound file: Office before 2007, or a locked newer one. It shows by the names of its
/// streams, or, where these lie in the middle, by how Word's begins.
fn compound(sample: &Sample<'_>) -> Media {
    const SECTOR_BYTES: usize = 512;
    let has_stream = |name: &str| {
        let name: Vec<u8> = name.bytes().flat_map(|byte| [byte, 0]).collect();
        find(sample.head, &name).is_some() || find(sample.tail, &name).is_some()
    };
    // Word 97 to 2003, and 6 and 95.
    let is_word = |sector: &[u8]| match sector {
        [0xEC, 0xA5, version, 0, ..] => matches!(version, 0xC0..=0xC2 | 0xD9),
        [0xDC, 0xA5, version, 0, ..] => matches!(version, 0x65..=0x69),
        _ => false,
    };
    if has_stream("EncryptedPackage") {
        Media::OfficeLocked
    } else if has_stream("WordDocument") || sample.head.chunks(SECTOR_BYTES).any(is_word) {
        Media::Doc
    } else {
        Media::Ole
    }
}

fn image(head: &[u8]) -> Option<Media> {
    match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Media::Png),
        [0xff, 0xd8, 0xff, ..] => Some(Media::Jpeg),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Media::Gif),
        // TIFF and BigTIFF in both byte orders.
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Media::Tiff),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Media::WebP),
        // "BM" begins words as well: the length of the second header settles it.
        [b'B', b'M', ..] => {
            let header = head.get(14..18)?;
            matches!(header, [12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0])
                .then_some(Media::Bmp)
        }
        _ => None,
    }
}

fn sound_or_video(head: &[u8]) -> Option<Media> {
    match head {
        [b'R', b'I', b'F', b'F' | b'X', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'R' | b'B', b'F' | b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => {
            Some(Media::Wav)
        }
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Some(Media::Video),
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => {
            Some(Media::Aiff)
        }
        [b'f', b'L', b'a', b'C', ..] => Some(Media::Flac),
        [b'O', b'g', b'g', b'S', 0, ..] => {
            let first_page = &head[..head.len().min(512)];
            let video = find(first_page, b"\x80theora").is_some();
            Some(if video { Media::Video } else { Media::Ogg })
        }
        [b'c', b'a', b'f', b'f', 0, 1, 0, 0, ..] => Some(Media::Caf),
        [b'#', b'!', b'A', b'M', b'R', b'\n' | b'-' | b'_', ..] => Some(Media::Amr),
        [b'I', b'D', b'3', ..] => audio::tagged(head),
        [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] if audio::is_windows(head) => {
            Some(Media::Wma)
        }
        // Matroska and WebM; Windows Media; Flash; MPEG program stream.
        [0x1a, 0x45, 0xdf, 0xa3, ..]
        | [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..]
        | [b'F', b'L', b'V', 1, ..]
        | [0, 0, 1, 0xba | 0xb3, ..] => Some(Media::Video),
        _ => is_transport_stream(head).then_some(Media::Video),
    }
}

/// MPEG transport stream: packets of 188 bytes, each beginning with the same byte.
fn is_transport_stream(head: &[u8]) -> bool {
    const PACKET_BYTES: usize = 188;
    const SYNC: u8 = 0x47;
    (0..5).all(|packet| head.get(packet * PACKET_BYTES) == Some(&SYNC))
}

fn archive(head: &[u8]) -> Option<Media> {
    let known = match head {
        [0x1f, 0x8b, 8, ..]                                    // gzip
        | [0xfd, b'7', b'z', b'X', b'Z', 0, ..]                // xz
        | [0x28, 0xb5, 0x2f, 0xfd, ..]                         // zstd
        | [0x04, 0x22, 0x4d, 0x18, ..]                         // lz4
        | [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..]             // 7z
        | [b'R', b'a', b'r', b'!', 0x1a, 0x07, ..]             // rar
        | [b'M', b'S', b'C', b'F', 0, 0, 0, 0, ..]             // Windows cabinet
        | [b'L', b'Z', b'I', b'P', 1, ..] => true,             // lzip
        // bzip2: a block's or, for nothing at all, the end's own number follows.
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] => {
            rest.starts_with(b"1AY&SY") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90")
        }
        // Unix ar: Debian packages, static libraries.
        _ => head.starts_with(b"!<arch>\n") || is_tar(head),
    };
    known.then_some(Media::Archive)
}

/// tar: by its mark, or, before POSIX, by the sum of its first header.
fn is_tar(head: &[u8]) -> bool {
    const HEADER_BYTES: usize = 512;
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(header) = head.get(..HEADER_BYTES) else { return false };
    if header[257..].starts_with(b"ustar") {
        return true;
    }
    let digits = header[SUM].trim_ascii_start();
    let digits = digits.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
    let told = std::str::from_utf8(digits).ok().and_then(|text| u32::from_str_radix(text, 8).ok());
    // The sum is taken with blanks in its own place.
    let bytes = header.iter().enumerate();
    let sum = bytes.map(|(at, byte)| u32::from(if SUM.contains(&at) { b' ' } else { *byte })).sum();
    header[0] != 0 && told == Some(sum)
}

fn program(head: &[u8]) -> Option<Media> {
    let known = match head {
        [0x7f, b'E', b'L', b'F', ..]
        | [0, b'a', b's', b'm', ..]
        // Mach-O in both widths and byte orders, universal binaries, Java classes.
        | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
        | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]
        | [0xca, 0xfe, 0xba, 0xbe, ..] => true,
        [b'M', b'Z', ..] => is_windows_program(head),
        _ => false,
    };
    known.then_some(Media::Program)
}

/// "MZ" with the address of a PE (or older NE, LE) header that is where it should be; where the
/// address lies outside the head, it must at least be a sensible one.
fn is_windows_program(head: &[u8]) -> bool {
    const ADDRESS_AT: usize = 0x3c;
    const ADDRESS_MAX: usize = 1 << 20;
    let Some(&[a, b, c, d]) = head.get(ADDRESS_AT..ADDRESS_AT + 4) else { return false };
    let address = u32::from_le_bytes([a, b, c, d]) as usize;
    match head.get(address..).and_then(|rest| rest.get(..2)) {
        Some(mark) => matches!(mark, b"PE" | b"NE" | b"LE" | b"LX") && address > ADDRESS_AT,
        None => (head.len()..ADDRESS_MAX).contains(&address),
    }
}

/// Where `needle` first occurs.
pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = needle.first()?;
    let mut start = 0;
    loop {
        start += haystack.get(start..)?.iter().position(|byte| byte == first)?;
        if haystack[start..].starts_with(needle) {
            return Some(start);
        }
        start += 1;
    }
}
