//! The operation from file bytes to result bytes: pictures are built here, greys come from the
//! formula.

mod damage;
mod heif;

use super::convert::luma;
use super::encode::{self, Format};
use super::picture::{Layout, Orientation, Picture};
use super::{OPERATION, decode};
use crate::{Output, Source, Work};
use std::collections::BTreeMap;
use std::io::Write as _;
use windlass_core::Failure;
use windlass_core::media::{Media, Sample, sniff};
use windlass_core::params::Params;

#[derive(Default)]
struct Collected {
    artifacts: Vec<(String, String, Vec<u8>)>,
    notes: Vec<String>,
    progress: Vec<(u64, u64)>,
}

impl Output for Collected {
    fn artifact(&mut self, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.artifacts.push((name.to_owned(), media_type.to_owned(), bytes.to_vec()));
        Ok(())
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.progress.push((done, total));
    }
}

fn media_of(bytes: &[u8]) -> Media {
    sniff(&Sample { head: bytes, tail: &[], size: bytes.len() as u64 })
}

fn run(bytes: &[u8], given: &[(&str, &str)]) -> Result<Collected, Failure> {
    let given: BTreeMap<_, _> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let params = Params::normalise("image", OPERATION.spec.params, &given).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let source = Source::new(file, "x".to_owned(), media_of(bytes), bytes.len() as u64, None);
    let mut output = Collected::default();
    let mut work = Work::new(Some(source), &params, &mut output);
    OPERATION.run.unwrap()(&mut work).map(|()| output)
}

/// The one artifact, decoded with its own layout.
fn result(bytes: &[u8], given: &[(&str, &str)]) -> Picture {
    let output = run(bytes, given).unwrap();
    assert_eq!(output.progress.last(), Some(&(super::STEP_COUNT, super::STEP_COUNT)));
    let [(_, media_type, artifact)] = &output.artifacts[..] else { panic!("one artifact") };
    let media = media_of(artifact);
    assert_eq!(media.mime(), media_type);
    decode::decode(media, artifact, Layout::Rgba).unwrap().picture
}

fn grey(bytes: &[u8]) -> Vec<u8> {
    let picture = result(bytes, &[]);
    assert_eq!(picture.layout, Layout::Grey);
    picture.bytes
}

/// A PNG of any kind; `extra`: what else to set before the header is written.
fn png_of(
    (width, height): (u32, u32),
    color: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
    extra: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    extra(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    out
}

fn bmp_of(picture: &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::bmp::BmpEncoder::new(&mut bytes);
    let rgb = image::ExtendedColorType::Rgb8;
    encoder.encode(&picture.bytes, picture.width, picture.height, rgb).unwrap();
    bytes
}

fn gif_of(pictures: &[&Picture]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for picture in pictures {
        let rgb: Vec<u8> = match picture.layout {
            Layout::Grey => picture.bytes.iter().flat_map(|level| [*level; 3]).collect(),
            _ => picture.bytes.clone(),
        };
        let rgb8 = image::ExtendedColorType::Rgb8;
        encoder.encode(&rgb, picture.width, picture.height, rgb8).unwrap();
    }
    drop(encoder);
    bytes
}

fn sample(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/heap/images");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn described(bytes: &[u8], given: &[(&str, &str)]) -> serde_json::Value {
    let output = run(bytes, &[given, &[("describe", "true")]].concat()).unwrap();
    let (name, media_type, json) = &output.artifacts[1];
    assert_eq!((&**name, &**media_type), ("{base}_image.json", "application/json"));
    serde_json::from_slice(json).unwrap()
}

fn ramp(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 37 + index / 7) as u8).collect()
}

/// A picture with soft colours, which JPEG keeps well.
fn photo(width: u32, height: u32) -> Picture {
    let pixels = (0..height).flat_map(|y| {
        (0..width)
            .flat_map(move |x| [(x * 200 / width + 20) as u8, (y * 200 / height + 20) as u8, 90])
    });
    Picture { width, height, layout: Layout::Rgb, bytes: pixels.collect() }
}

fn jpeg_of(picture: &Picture) -> Vec<u8> {
    encode::encode(picture, Format::Jpeg { quality: 95 }).unwrap()
}

/// An EXIF block that holds the orientation alone, in either byte order.
fn exif(orientation: u16, big: bool) -> Vec<u8> {
    let mut fields = vec![(42_u64, 2), (8, 4), (1, 2), (0x0112, 2), (3, 2), (1, 4)];
    fields.extend([(u64::from(orientation), 2), (0, 2), (0, 4)]);
    let mut block = if big { b"MM".to_vec() } else { b"II".to_vec() };
    for (value, size) in fields {
        let bytes = value.to_be_bytes();
        let field = &bytes[8 - size..];
        if big { block.extend(field) } else { block.extend(field.iter().rev()) }
    }
    block
}

fn with_exif(jpeg: &[u8], block: &[u8]) -> Vec<u8> {
    let length = (2 + 6 + block.len()) as u16;
    let segment = [&[0xff, 0xe1][..], &length.to_be_bytes(), b"Exif\0\0", block].concat();
    [&jpeg[..2], &segment, &jpeg[2..]].concat()
}

#[test]
fn every_kind_of_png_becomes_the_formulas_grey() {
    use png::{BitDepth, ColorType};
    let size = (16, 8);
    let none = |_: &mut png::Encoder<'_, &mut Vec<u8>>| {};
    let eight = BitDepth::Eight;
    let rgb = ramp(128 * 3);
    let expected: Vec<u8> = rgb.chunks(3).map(|p| luma(p[0], p[1], p[2])).collect();
    assert_eq!(grey(&png_of(size, ColorType::Rgb, eight, &rgb, none)), expected);

    let rgba: Vec<u8> = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], p[0] ^ 0x5a]).collect();
    assert_eq!(grey(&png_of(size, ColorType::Rgba, eight, &rgba, none)), expected);

    let wide: Vec<u8> = rgb.iter().flat_map(|byte| [*byte, 0xff]).collect();
    assert_eq!(grey(&png_of(size, ColorType::Rgb, BitDepth::Sixteen, &wide, none)), expected);

    let levels = ramp(128);
    assert_eq!(grey(&png_of(size, ColorType::Grayscale, eight, &levels, none)), levels);
    let with_alpha: Vec<u8> = levels.iter().flat_map(|level| [*level, 7]).collect();
    assert_eq!(grey(&png_of(size, ColorType::GrayscaleAlpha, eight, &with_alpha, none)), levels);
    let wide: Vec<u8> = levels.iter().flat_map(|level| [*level, 0x80]).collect();
    assert_eq!(grey(&png_of(size, ColorType::Grayscale, BitDepth::Sixteen, &wide, none)), levels);

    let bits = [0b1010_0101_u8, 0x0f].repeat(8);
    let spread: Vec<u8> =
        bits.iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit & 1) * 255)).collect();
    assert_eq!(grey(&png_of(size, ColorType::Grayscale, BitDepth::One, &bits, none)), spread);

    let palette = ramp(16 * 3);
    let indices = ramp(64);
    let looked_up: Vec<u8> = indices
        .iter()
        .flat_map(|pair| [pair >> 4, pair & 15])
        .map(|index| &palette[usize::from(index) * 3..][..3])
        .map(|entry| luma(entry[0], entry[1], entry[2]))
        .collect();
    let indexed = png_of(size, ColorType::Indexed, BitDepth::Four, &indices, |encoder| {
        encoder.set_palette(palette.clone());
        encoder.set_trns(vec![0, 128]);
    });
    assert_eq!(grey(&indexed), looked_up);
}

#[test]
fn grey_of_known_colours_is_pillows() {
    let colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (1, 1, 1), (12, 34, 56)];
    let greys = colours.map(|(red, green, blue)| luma(red, green, blue));
    assert_eq!(greys, [76, 150, 29, 255, 1, 30]);
}

#[test]
fn jpeg_grey_is_that_of_the_decoded_colours() {
    let picture = photo(61, 43);
    let expected = picture.bytes.chunks(3).map(|p| luma(p[0], p[1], p[2]));
    let found = grey(&jpeg_of(&picture));
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.abs_diff(expected) <= 6, "{found} {expected}");
    }
}

#[test]
fn orientation_is_applied_in_both_byte_orders() {
    // Four quarters, told apart by their grey: a b / c d.
    let (width, height) = (32, 16);
    let level = |x: u32, y: u32| [[40_u8, 90], [140, 220]][(y / 8) as usize][(x / 16) as usize];
    let bytes = (0..height).flat_map(|y| (0..width).map(move |x| level(x, y))).collect();
    let picture = Picture { width, height, layout: Layout::Grey, bytes };
    let (a, b, c, d) = (40, 90, 140, 220);
    let corners = [
        [a, b, c, d],
        [b, a, d, c],
        [d, c, b, a],
        [c, d, a, b],
        [a, c, b, d],
        [c, a, d, b],
        [d, b, c, a],
        [b, d, a, c],
    ];
    for (index, expected) in corners.into_iter().enumerate() {
        for big in [false, true] {
            let value = index as u16 + 1;
            let turned = result(&with_exif(&jpeg_of(&picture), &exif(value, big)), &[]);
            let size = if value < 5 { (width, height) } else { (height, width) };
            assert_eq!((turned.width, turned.height), size, "{value}");
            let last = turned.bytes.len() - 1;
            let right = turned.width as usize - 1;
            let found = [0, right, last - right, last].map(|at| turned.bytes[at]);
            for (found, expected) in found.into_iter().zip(expected) {
                assert!(found.abs_diff(expected) <= 3, "{value}: {found} {expected}");
            }
        }
    }
    for block in [&exif(9, true)[..], &exif(6, true)[..18], b"MM\0*\xff\xff\xff\xff", b""] {
        assert_eq!(Orientation::from_exif_block(block), Orientation::default());
    }
}

#[test]
fn turning_keeps_every_pixel_of_every_layout() {
    for layout in [Layout::Grey, Layout::Rgb, Layout::Rgba] {
        let (width, height) = (67, 45);
        let bytes = ramp(width * height * layout.channel_count());
        let picture = Picture { width: 67, height: 45, layout, bytes };
        // Turned right, then left; each mirroring twice.
        for (there, back) in [(6, 8), (2, 2), (3, 3), (4, 4), (5, 5), (7, 7)] {
            let turned = picture.clone().oriented(Orientation::from_exif(there)).unwrap();
            assert_ne!(turned, picture);
            assert_eq!(turned.oriented(Orientation::from_exif(back)).unwrap(), picture);
        }
    }
}

#[test]
fn sizes_follow_width_height_and_fit() {
    let png = encode::encode(&photo(80, 40), Format::Png).unwrap();
    type Given = &'static [(&'static str, &'static str)];
    let cases: &[(Given, (u32, u32))] = &[
        (&[], (80, 40)),
        (&[("width", "20")], (20, 10)),
        (&[("height", "80")], (160, 80)),
        (&[("width", "30"), ("height", "30")], (30, 15)),
        (&[("width", "100"), ("height", "100"), ("fit", "contain")], (100, 50)),
        (&[("width", "100"), ("height", "100"), ("fit", "inside")], (80, 40)),
        (&[("width", "100"), ("fit", "inside")], (80, 40)),
        (&[("width", "40"), ("height", "40"), ("fit", "inside")], (40, 20)),
        (&[("width", "30"), ("height", "30"), ("fit", "cover")], (30, 30)),
        (&[("width", "7"), ("height", "90"), ("fit", "fill")], (7, 90)),
        (&[("width", "1")], (1, 1)),
    ];
    for (given, size) in cases {
        let picture = result(&png, given);
        assert_eq!((picture.width, picture.height), *size, "{given:?}");
    }
}

#[test]
fn cover_cuts_both_sides_and_fill_keeps_them() {
    // Black, white, black: thirds of the width.
    let row: Vec<u8> = (0..90).map(|x| if (30..60).contains(&x) { 255 } else { 0 }).collect();
    let picture = Picture { width: 90, height: 30, layout: Layout::Grey, bytes: row.repeat(30) };
    let png = encode::encode(&picture, Format::Png).unwrap();
    let square = |fit| result(&png, &[("width", "10"), ("height", "10"), ("fit", fit)]).bytes;
    assert!(square("cover").iter().all(|level| *level > 200));
    assert!(square("fill")[0] < 50);
}

#[test]
fn colours_and_transparency_are_kept_when_asked() {
    let bytes: Vec<u8> = ramp(24 * 24 * 4);
    let png = png_of((24, 24), png::ColorType::Rgba, png::BitDepth::Eight, &bytes, |_| {});
    for format in ["png", "webp"] {
        let picture = result(&png, &[("grayscale", "false"), ("format", format)]);
        assert_eq!(picture.layout, Layout::Rgba);
        assert_eq!(picture.bytes, bytes, "{format} is lossless");
    }
    let clear = [255_u8, 0, 0, 0].repeat(64);
    let png = png_of((8, 8), png::ColorType::Rgba, png::BitDepth::Eight, &clear, |_| {});
    let white = result(&png, &[("grayscale", "false"), ("format", "jpeg")]);
    assert_eq!((white.layout, white.bytes[0]), (Layout::Rgb, 255));
    let levels = [9_u8, 77].repeat(64);
    let png = png_of((8, 8), png::ColorType::GrayscaleAlpha, png::BitDepth::Eight, &levels, |_| {});
    let picture = result(&png, &[("grayscale", "false")]);
    assert_eq!((picture.layout, &picture.bytes[..4]), (Layout::Rgba, &[9, 9, 9, 77][..]));
}

#[test]
fn artifact_is_named_after_its_format() {
    let png = encode::encode(&photo(9, 9), Format::Png).unwrap();
    for (format, suffix) in [("png", "png"), ("jpeg", "jpg"), ("webp", "webp")] {
        let output = run(&png, &[("format", format)]).unwrap();
        assert_eq!(output.artifacts[0].0, format!("processed_{{base}}.{suffix}"));
    }
    let small = run(&png, &[("format", "jpeg"), ("quality", "1")]).unwrap();
    let large = run(&png, &[("format", "jpeg"), ("quality", "100")]).unwrap();
    assert!(small.artifacts[0].2.len() < large.artifacts[0].2.len());
}

#[test]
fn metadata_stays_behind() {
    let secret = b"MM\0*\0\0\0\x08\0\0 52.5163 N 13.3777 E";
    let jpeg = with_exif(&jpeg_of(&photo(16, 16)), secret);
    for format in ["png", "jpeg", "webp"] {
        let output = run(&jpeg, &[("grayscale", "false"), ("format", format)]).unwrap();
        let artifact = &output.artifacts[0].2;
        assert!(!artifact.windows(7).any(|window| window == b"52.5163"), "{format}");
    }
}

#[test]
fn of_an_animation_the_first_picture_is_taken() {
    let first = vec![10_u8; 16];
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&first).unwrap();
    writer.write_image_data(&[200; 16]).unwrap();
    writer.finish().unwrap();
    let output = run(&bytes, &[]).unwrap();
    assert_eq!(output.notes, ["The file is an animation; its first picture was taken."]);
    assert_eq!(grey(&bytes), first);
}

#[test]
fn bitmaps_and_gifs_are_read_with_their_colours() {
    let picture = photo(61, 43);
    let colours = [("grayscale", "false")];
    assert_eq!(result(&bmp_of(&picture), &colours), picture);
    let greys = Picture { width: 16, height: 8, layout: Layout::Grey, bytes: ramp(128) };
    assert_eq!(grey(&gif_of(&[&greys])), greys.bytes);
    // A palette holds no more than 256 colours: this one has fewer.
    let few = Picture { bytes: picture.bytes.iter().map(|byte| byte & 0xc0).collect(), ..picture };
    let found = result(&gif_of(&[&few]), &colours);
    assert_eq!(found.layout, Layout::Rgba);
    let found: Vec<u8> =
        found.bytes.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect();
    assert_eq!(found, few.bytes);
    let output = run(&gif_of(&[&few, &few]), &[]).unwrap();
    assert_eq!(output.notes, ["The file is an animation; its first picture was taken."]);
}

/// What Python's ImageHash 4.3.2 says of these samples (`phash` and `dhash` after Pillow's
/// `exif_transpose`).
#[test]
fn fingerprints_are_those_of_imagehash() {
    let expected = [
        ("anchor.png", "997886617a87699e", "30b270f01096d470"),
        ("photo-cmyk.jpg", "e6941263cc1b6b6d", "a4040c3407c7c7c7"),
        ("photo-on-its-side.jpg", "e6941263cc1b6b6d", "94040c3407c7c7c7"),
        ("photo-progressive.jpg", "e6941263cc1b6b6d", "24240c3407c7c7c7"),
        ("photo.webp", "e69412e2cc1b6b6d", "04140c3487c747c7"),
    ];
    let bits = |hex: &str| u64::from_str_radix(hex, 16).unwrap();
    for (name, phash, dhash) in expected {
        let described = described(&sample(name), &[]);
        for (field, expected) in [("phash", phash), ("dhash", dhash)] {
            let found = described[field].as_str().unwrap();
            assert_eq!(found.len(), 16);
            let apart = (bits(found) ^ bits(expected)).count_ones();
            assert!(apart <= 2, "{name}: {field} {found} is {apart} bits from {expected}");
        }
    }
}

#[test]
fn a_description_tells_size_colours_and_transparency() {
    let turned = described(&sample("photo-on-its-side.jpg"), &[("width", "20")]);
    assert_eq!(turned["image_size"], serde_json::json!([480, 320]));
    assert_eq!(turned["media_type"], "image/jpeg");
    assert_eq!((&turned["has_transparency"], &turned["animated"]), (&false.into(), &false.into()));
    let colors = turned["dominant_colors"].as_array().unwrap();
    assert!(colors[0]["share"].as_f64() >= colors[1]["share"].as_f64());
    let clear = [200_u8, 30, 30, 9].repeat(64);
    let png = png_of((8, 8), png::ColorType::Rgba, png::BitDepth::Eight, &clear, |_| {});
    let clear = described(&png, &[]);
    assert_eq!(clear["has_transparency"], true);
    assert_eq!(clear["dominant_colors"], serde_json::json!([]));
}

#[test]
fn the_result_is_the_same_with_a_description_and_a_thumbnail() {
    for name in ["anchor.png", "photo.webp", "photo-cmyk.jpg"] {
        let plain = run(&sample(name), &[]).unwrap().artifacts;
        let more = run(&sample(name), &[("describe", "true"), ("thumbnail", "64")]).unwrap();
        assert_eq!(plain[0], more.artifacts[0], "{name}");
        let names: Vec<&str> = more.artifacts.iter().map(|artifact| &*artifact.0).collect();
        let suffix = if name == "anchor.png" { "png" } else { "jpg" };
        let thumbnail = format!("{{base}}_thumbnail.{suffix}");
        assert_eq!(names, ["processed_{base}.png", "{base}_image.json", &*thumbnail]);
        let (_, media_type, bytes) = &more.artifacts[2];
        assert_eq!(media_of(bytes).mime(), media_type);
        let small = decode::decode(media_of(bytes), bytes, Layout::Rgba).unwrap().picture;
        assert_eq!(small.width.max(small.height), 64, "{name}");
        assert_ne!(small.layout, Layout::Grey, "{name}");
    }
}

#[test]
fn one_picture_looks_alike_in_every_coding() {
    let read = |name: &str| result(&sample(name), &[]);
    let progressive = read("photo-progressive.jpg");
    assert_eq!((progressive.width, progressive.height), (480, 320));
    for other in ["photo-cmyk.jpg", "photo-on-its-side.jpg", "photo.webp"] {
        let picture = read(other);
        assert_eq!((picture.width, picture.height), (480, 320), "{other}");
        let pairs = picture.bytes.iter().zip(&progressive.bytes);
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(sum < 3 * 480 * 320, "{other}: {sum} over all pixels");
    }
}
