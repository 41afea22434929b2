//! What hostile and damaged pictures come to: a failure with a cause, never harm.

use super::super::decode;
use super::super::encode::{self, Format};
use super::super::picture::Layout;
use super::{bmp_of, gif_of, jpeg_of, media_of, photo, png_of, run};
use proptest::prelude::*;
use windlass_core::FailureKind;

/// The header of a PNG of this size, and nothing behind it.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let png = png_of((1, 1), png::ColorType::Rgb, png::BitDepth::Eight, &[0; 3], |_| {});
    let mut header = png[..33].to_vec();
    header[16..20].copy_from_slice(&width.to_be_bytes());
    header[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&header[12..29]);
    header[29..33].copy_from_slice(&sum.to_be_bytes());
    header.extend(&png[33..]);
    header
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let update = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, update)
}

#[test]
fn bombs_are_refused_by_their_header() {
    for (width, height) in [(65_535, 65_535), (u32::MAX >> 1, u32::MAX >> 1), (1, 200_000_001)] {
        let failure = run(&bomb(width, height), &[]).err().unwrap();
        assert_eq!(failure.code, "image_too_large");
        assert_eq!(failure.kind, FailureKind::Rejected);
        assert!(failure.cause.contains(&format!("{width} x {height}")), "{}", failure.cause);
        assert!(failure.cause.contains("200 megapixels"), "{}", failure.cause);
        assert!(!failure.next_step.is_empty());
    }
    // The same for a JPEG's frame header, and for what the parameters ask for.
    let mut jpeg = jpeg_of(&photo(8, 8));
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xff);
    assert_eq!(run(&jpeg, &[]).err().unwrap().code, "image_too_large");
    let png = encode::encode(&photo(9, 9), Format::Png).unwrap();
    let failure = run(&png, &[("width", "65535")]).err().unwrap();
    assert_eq!(failure.code, "image_too_large");
    let failure =
        run(&png, &[("width", "17000"), ("height", "2"), ("fit", "fill"), ("format", "webp")]);
    assert_eq!(failure.err().unwrap().code, "image_not_encoded");
}

#[test]
fn a_palette_of_broken_or_too_many_colours_is_damage() {
    for palette_bytes in [1, 28, 257 * 3] {
        let palette = vec![7; palette_bytes];
        let set = |encoder: &mut png::Encoder<'_, &mut Vec<u8>>| encoder.set_palette(palette);
        let (indexed, depth) = (png::ColorType::Indexed, png::BitDepth::Eight);
        let failure = run(&png_of((2, 2), indexed, depth, &[0; 4], set), &[]).map(|_| ());
        assert_eq!(failure.unwrap_err().code, "image_damaged", "{palette_bytes} bytes");
    }
}

fn samples_of_each_kind() -> Vec<Vec<u8>> {
    let picture = photo(70, 50);
    let formats = [Format::Png, Format::Jpeg { quality: 80 }, Format::WebP];
    let ours = formats.map(|format| encode::encode(&picture, format).unwrap());
    [&ours[..], &[bmp_of(&picture), gif_of(&[&picture])]].concat()
}

#[test]
fn cut_off_files_are_damaged_wherever_they_end() {
    for bytes in samples_of_each_kind() {
        let media = media_of(&bytes);
        for end in (16..bytes.len()).step_by(7).chain([bytes.len() - 2, bytes.len() - 1]) {
            let failure = decode::decode(media, &bytes[..end], Layout::Grey).err();
            let failure = failure.unwrap_or_else(|| panic!("{media:?} of {end} bytes"));
            assert_eq!(failure.code, "image_damaged", "{media:?} of {end} bytes");
            assert!(!failure.next_step.is_empty());
        }
    }
}

proptest! {
    #[test]
    fn flipped_bits_fail_or_pass_but_do_no_harm(
        kind in 0_usize..5,
        at in any::<usize>(),
        bit in 0..8,
    ) {
        let mut bytes = samples_of_each_kind().swap_remove(kind);
        let media = media_of(&bytes);
        let at = at % bytes.len();
        bytes[at] ^= 1_u8 << bit;
        match decode::decode(media, &bytes, Layout::Grey) {
            Ok(decoded) => {
                let picture = decoded.picture;
                prop_assert_eq!(picture.bytes.len(), (picture.width * picture.height) as usize);
            }
            Err(failure) => prop_assert_eq!(failure.kind, FailureKind::Rejected),
        }
    }
}
