//! Tells the kinds apart that are ISO base media files: a row of boxes, the first one `ftyp`.

use super::sniff::find;
use super::{Media, Sample};

/// Bytes before a box's content: its length and its name.
const BOX_HEADER_BYTES: usize = 8;
/// A longer first box is no list of brands.
const FTYP_BYTES_MAX: usize = 4_096;
/// Compatible brands that are looked at.
const BRAND_COUNT_MAX: usize = 64;

/// HEIC, AVIF, MPEG-4 sound or video; `None`: no such file.
pub(super) fn kind(sample: &Sample<'_>) -> Option<Media> {
    let head = sample.head;
    let length = u32::from_be_bytes(*head.first_chunk()?) as usize;
    match head.get(4..8)? {
        b"ftyp" if length <= FTYP_BYTES_MAX => {
            let content = head.get(BOX_HEADER_BYTES..length.min(head.len()))?;
            by_brands(content, sample)
        }
        // QuickTime before it had `ftyp`: the first box is one that only it begins with.
        b"moov" | b"mdat" | b"wide" | b"pnot" if length == 1 || length >= BOX_HEADER_BYTES => {
            let within = length as u64 <= sample.size || length == 1;
            within.then(|| sound_or_video(sample))
        }
        _ => None,
    }
}

fn by_brands(content: &[u8], sample: &Sample<'_>) -> Option<Media> {
    // The major brand, its version, then the compatible ones.
    let major = content.get(..4)?;
    let others = content.chunks_exact(4).skip(2).take(BRAND_COUNT_MAX);
    let has = |brand: &[u8]| major == brand || others.clone().any(|other| other == brand);
    match major {
        b"M4A " | b"M4B " | b"M4P " | b"F4A " | b"F4B " => Some(Media::M4a),
        b"avif" | b"avis" => Some(Media::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            Some(Media::Heic)
        }
        // General brands of the image format: the compatible ones name the coding.
        b"mif1" | b"msf1" | b"mif2" if has(b"avif") || has(b"avis") => Some(Media::Avif),
        b"mif1" | b"msf1" | b"mif2" => Some(Media::Heic),
        // Still pictures with the same frame that no kind here stands for.
        b"jp2 " | b"jpx " | b"jpm " | b"jxl " | b"crx " => None,
        _ => Some(sound_or_video(sample)),
    }
}

/// By the handlers of the tracks, which stand in `moov`, near the file's start or its end.
fn sound_or_video(sample: &Sample<'_>) -> Media {
    let handler = |name: &[u8]| has_handler(sample.head, name) || has_handler(sample.tail, name);
    if handler(b"soun") && !handler(b"vide") { Media::M4a } else { Media::Video }
}

fn has_handler(bytes: &[u8], wanted: &[u8]) -> bool {
    // Name, version and flags, QuickTime's component type, then the handler.
    const HANDLER_AT: usize = 4 + 4 + 4;
    let mut rest = bytes;
    while let Some(at) = find(rest, b"hdlr") {
        rest = &rest[at..];
        if rest.get(HANDLER_AT..).is_some_and(|handler| handler.starts_with(wanted)) {
            return true;
        }
        rest = &rest[4..];
    }
    false
}
