//! Whether a picture is one of printed paper, told from the first bytes of its file: by what a
//! format says of itself, and for JPEG by how bright its blocks are. A guess by which files are
//! sorted where the user does not say; nothing depends on its being right.
//!
//! Total on any bytes, and in time that their number bounds.

mod blocks;

use super::Media;

/// A PNG of fewer pixels that is not black and white is a logo or an icon.
const PIXEL_COUNT_MIN: u64 = 250_000;
/// Bits of a PNG file for each pixel in thousandths: pages have some, photographs many.
const MILLIBITS_OF_PAGES: std::ops::RangeInclusive<u64> = 100..=3_000;

/// Whether the file shows printed paper, by its first bytes (the more the better) and its size.
#[must_use]
pub fn is_paper(media: Media, head: &[u8], size: u64) -> bool {
    match media {
        Media::Jpeg => blocks::luma(head).is_some_and(|blocks| are_print(&blocks)),
        Media::Png => is_paper_png(head, size).unwrap_or(false),
        Media::Tiff => is_bilevel_tiff(head).unwrap_or(false),
        _ => false,
    }
}

/// Black and white, or large, without many colours and without grain: it packs well.
fn is_paper_png(head: &[u8], size: u64) -> Option<bool> {
    /// Behind the signature and the first chunk's length and name.
    const HEADER_AT: usize = 16;
    let header = head.get(HEADER_AT..)?;
    let number = |at: usize| Some(u64::from(u32::from_be_bytes(*header.get(at..)?.first_chunk()?)));
    let (width, height) = (number(0)?, number(4)?);
    let bits = *header.get(8)?;
    if bits <= 2 {
        return Some(true);
    }
    let pixels = width.saturating_mul(height);
    let millibits = size.saturating_mul(8_000).checked_div(pixels)?;
    Some(bits <= 8 && pixels >= PIXEL_COUNT_MIN && MILLIBITS_OF_PAGES.contains(&millibits))
}

/// Whether the first page has a bit for each pixel. Where its directory lies behind the first
/// bytes, it is not looked for.
fn is_bilevel_tiff(head: &[u8]) -> Option<bool> {
    const ENTRY_BYTES: usize = 12;
    const BITS_PER_SAMPLE: u16 = 258;
    let is_big = head.starts_with(b"MM");
    let short = |at: usize| {
        let bytes = *head.get(at..)?.first_chunk()?;
        Some(if is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let bytes = *head.get(4..)?.first_chunk()?;
    let at = if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) } as usize;
    let count = usize::from(short(at)?);
    let mut entries = (0..count).map(|index| at + 2 + index * ENTRY_BYTES);
    let bits = entries.find(|at| short(*at) == Some(BITS_PER_SAMPLE));
    // A file without this field has one bit (TIFF 6.0, section 8).
    Some(bits.is_none_or(|at| short(at + 8) == Some(1)))
}

/// A block of 8 x 8 pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Block {
    /// Mean brightness.
    mean: u8,
    /// How much changes within it: coefficients that are not zero; `None` where that is not told.
    detail: Option<u8>,
}

/// Most blocks are about as bright as the paper, which is bright; few are much darker, none black;
/// and those that are darker are full of strokes.
fn are_print(blocks: &[Block]) -> bool {
    const COUNT_MIN: usize = 200;
    const PAPER_MIN: u8 = 170;
    const SPREAD: u8 = 24;
    const DARKEST_MIN: u8 = 80;
    const DETAIL_MIN: u8 = 6;
    if blocks.len() < COUNT_MIN {
        return false;
    }
    let mut means: Vec<u8> = blocks.iter().map(|block| block.mean).collect();
    means.sort_unstable();
    let at = |percent: usize| means[(means.len() - 1) * percent / 100];
    let paper = at(80);
    let is_ink = |block: &&Block| block.mean.saturating_add(SPREAD) < paper;
    let ink = blocks.iter().filter(is_ink).count();
    let like_paper = blocks.iter().filter(|block| block.mean.abs_diff(paper) <= SPREAD).count();
    let strokes = blocks.iter().filter(is_ink);
    let strokes = strokes.filter(|block| block.detail.is_none_or(|it| it >= DETAIL_MIN)).count();
    paper >= PAPER_MIN
        && at(5) >= DARKEST_MIN
        && like_paper * 100 >= blocks.len() * 55
        && ink * 100 >= blocks.len()
        && strokes * 2 >= ink
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Sample, sniff};

    macro_rules! samples {
        ($($name:literal),*) => {
            [$(($name, include_bytes!(concat!("../../../../samples/heap/", $name)).as_slice())),*]
        };
    }

    fn told(bytes: &[u8]) -> bool {
        let size = bytes.len() as u64;
        let media = sniff(&Sample { head: bytes, tail: &[], size });
        // Whatever is cut off, an answer comes.
        for end in (0..bytes.len()).step_by(61) {
            let _ = is_paper(media, &bytes[..end], size);
        }
        is_paper(media, bytes, size)
    }

    #[test]
    fn scans_are_paper_and_photographs_are_not() {
        let scans = samples![
            "scans/page.png",
            "scans/slanting.png",
            "scans/two-pages.tif",
            "scans/receipt.jpg",
            "scans/letter.jpg"
        ];
        for (name, bytes) in scans {
            assert!(told(bytes), "{name}");
        }
        let photographs = samples![
            "images/anchor.png",
            "images/photo-cmyk.jpg",
            "images/photo-on-its-side.jpg",
            "images/photo-progressive.jpg",
            "images/photo.webp"
        ];
        for (name, bytes) in photographs {
            assert!(!told(bytes), "{name}");
        }
    }

    #[test]
    fn sky_and_night_are_no_paper() {
        let blocks = |of: &dyn Fn(u32) -> (u8, u8)| -> Vec<Block> {
            (0..1_000).map(of).map(|(mean, detail)| Block { mean, detail: Some(detail) }).collect()
        };
        let print = |n: u32| if n.is_multiple_of(4) { (170, 20) } else { (240, 1) };
        assert!(are_print(&blocks(&print)));
        // An evenly bright sky, clouds without strokes, white on black, too little to tell.
        assert!(!are_print(&blocks(&|_| (220, 1))));
        assert!(!are_print(&blocks(&|n| if n.is_multiple_of(4) { (170, 2) } else { (240, 1) })));
        assert!(!are_print(&blocks(&|n| if n.is_multiple_of(4) { (240, 20) } else { (10, 1) })));
        assert!(!are_print(&blocks(&print)[..100]));
    }
}
