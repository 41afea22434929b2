//! HEIC and AVIF by libheif: turned once, with transparency, from 10 bits to 8, refused in words.

use super::super::decode::{self, Decoded, More};
use super::super::picture::Layout;
use super::{media_of, run};
use crate::image::heif;
use std::io::Write as _;
use windlass_core::media::Media;

/// Whether there is something to test with; said aloud if not.
fn is_there() -> bool {
    let Err(lack) = heif::extra().found else { return true };
    let _ = writeln!(std::io::stderr(), "not run: heif ({})", lack.what);
    let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|it| it == "heif"), "heif is required");
    false
}

fn sample(path: &str) -> Vec<u8> {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");
    std::fs::read(format!("{samples}/{path}")).unwrap()
}

fn decoded(path: &str, wanted: Layout) -> Decoded {
    let bytes = sample(path);
    decode::decode(media_of(&bytes), &bytes, wanted).unwrap()
}

/// The mean difference of two pictures' bytes.
fn difference(left: &[u8], right: &[u8]) -> f64 {
    assert_eq!(left.len(), right.len());
    let sum: u64 = left.iter().zip(right).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / left.len() as f64
}

#[test]
fn a_picture_on_its_side_is_turned_by_what_its_format_says() {
    if !is_there() {
        return;
    }
    // The same pixels as JPEG, whose orientation is applied by us.
    let jpeg = decoded("heap/images/photo-on-its-side.jpg", Layout::Rgba);
    let upright = jpeg.picture.clone().oriented(jpeg.orientation).unwrap();
    let avif = decoded("more/on-its-side.avif", Layout::Rgba);
    assert_eq!((avif.mode, avif.more, avif.dpi), ("RGB", More::None, None));
    let avif = avif.picture.oriented(avif.orientation).unwrap();
    assert_eq!((avif.width, avif.height, avif.layout), (480, 320, Layout::Rgb));
    let off = difference(&avif.bytes, &upright.bytes);
    assert!(off < 6.0, "{off}");
    let grey = decoded("more/on-its-side.avif", Layout::Grey).picture;
    assert_eq!(grey.bytes, avif.into_grey().bytes);
    // EXIF alone says it of this one, which does not count: phones write both, and mean one turn.
    let heic = decoded("more/with-exif.heic", Layout::Rgba);
    let heic = heic.picture.oriented(heic.orientation).unwrap();
    let off = difference(&heic.bytes, &jpeg.picture.bytes);
    assert!(off < 6.0 && heic.width == 320, "{off}");
}

/// libheif was told to refuse what is larger than the picture, and refuses what is as large where
/// tiles are put together.
#[test]
fn a_picture_of_tiles_is_put_together() {
    if !is_there() {
        return;
    }
    let tiles = decoded("more/tiles.avif", Layout::Grey).picture;
    assert_eq!((tiles.width, tiles.height), (256, 128));
    // Sky above, grass below, in both tiles.
    let mean = |row: usize, from: usize| {
        let levels = &tiles.bytes[row * 256 + from..][..128];
        levels.iter().map(|level| u32::from(*level)).sum::<u32>() / 128
    };
    assert!([0, 128].iter().all(|from| mean(2, *from) > mean(120, *from) + 15));
}

#[test]
fn transparency_is_kept() {
    if !is_there() {
        return;
    }
    let png = decoded("heap/images/anchor.png", Layout::Rgba).picture;
    let avif = decoded("more/anchor.avif", Layout::Rgba);
    assert_eq!(avif.mode, "RGBA");
    let avif = avif.picture;
    assert_eq!((avif.width, avif.height, avif.layout), (256, 256, Layout::Rgba));
    let alpha = |bytes: &[u8]| bytes.iter().skip(3).step_by(4).copied().collect::<Vec<u8>>();
    let off = difference(&alpha(&avif.bytes), &alpha(&png.bytes));
    assert!(off < 4.0, "{off}");
    assert!(!avif.is_opaque());
}

#[test]
fn ten_bits_become_eight() {
    if !is_there() {
        return;
    }
    let deep = decoded("more/deep.heic", Layout::Grey).picture;
    assert_eq!((deep.width, deep.height), (256, 64));
    // A ramp over all levels from left to right.
    for (wanted, level) in (0..=255_u8).zip(&deep.bytes) {
        assert!(level.abs_diff(wanted) < 4, "{wanted}: {level}");
    }
}

#[test]
fn the_operation_gives_a_grey_png_and_says_what_it_was() {
    if !is_there() {
        return;
    }
    let output = run(&sample("more/on-its-side.avif"), &[("describe", "true")]).unwrap();
    assert_eq!(output.artifacts[0].1, "image/png");
    let description: serde_json::Value = serde_json::from_slice(&output.artifacts[1].2).unwrap();
    assert_eq!(description["media_type"], "image/avif");
    assert_eq!(description["image_size"], serde_json::json!([480, 320]));
    assert!(output.notes.is_empty(), "{:?}", output.notes);
}

#[test]
fn cut_off_and_oversized_files_are_refused() {
    if !is_there() {
        return;
    }
    for name in ["more/with-exif.heic", "more/anchor.avif"] {
        let bytes = sample(name);
        let media = media_of(&bytes);
        for end in [24, bytes.len() / 4, bytes.len() / 2, bytes.len() - 8] {
            let failure = decode::decode(media, &bytes[..end], Layout::Grey).err();
            let failure = failure.unwrap_or_else(|| panic!("{name} of {end} bytes"));
            assert_eq!(failure.code, "image_damaged", "{name} of {end}: {}", failure.cause);
        }
        // The property of a picture's size: its name, its version, width and height.
        let mut huge = bytes.clone();
        for at in memchr::memmem::find_iter(&bytes, b"ispe") {
            huge[at + 8..at + 16].copy_from_slice(&[0, 0, 0xe0, 0, 0, 0, 0xe0, 0]);
        }
        let failure = decode::decode(media, &huge, Layout::Grey).err().unwrap();
        assert_eq!(failure.code, "image_too_large", "{}", failure.cause);
        assert!(failure.cause.contains("57344 x 57344"), "{}", failure.cause);
    }
    let sequence = b"\0\0\0\x14ftypavis\0\0\0\0avis\0\0\0\x08moov";
    assert_eq!(media_of(sequence), Media::Avif);
    let failure = decode::decode(Media::Avif, sequence, Layout::Grey).err().unwrap();
    assert_eq!(failure.code, "image_unsupported");
}
