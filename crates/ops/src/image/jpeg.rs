//! JPEG to pixels.
//!
//! Grey comes from the decoded colours, not from the stored luma alone: where colours leave the
//! range of bytes and are cut to it, as everywhere else, the two differ by up to 10 of 255.

use super::convert::Samples;
use super::decode::{Decoded, More, sensible_dpi};
use super::picture::{Layout, Orientation, Picture, check_size, zeroed};
use super::{damaged, unsupported};
use windlass_core::Failure;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// A JPEG's sides are 16-bit numbers: our own limit is by area.
const SIDE_MAX: usize = 65_535;
/// Bytes of a decoded coefficient, which progressive files keep until all their scans are read.
const COEFFICIENT_BYTES: u64 = 2;

pub(super) fn decode(bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    let outline = Outline::of(bytes)?;
    let options = DecoderOptions::default().set_max_width(SIDE_MAX).set_max_height(SIDE_MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(failure)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| damaged("its size is missing"))?;
    let stored = decoder.input_colorspace().ok_or_else(|| damaged("its colours are not told"))?;
    let (space, samples) = match stored {
        ColorSpace::Luma => (ColorSpace::Luma, Samples::Grey),
        ColorSpace::CMYK => (ColorSpace::CMYK, Samples::Rgba),
        ColorSpace::YCbCr | ColorSpace::RGB | ColorSpace::YCCK => (ColorSpace::RGB, Samples::Rgb),
        other => return Err(unsupported(format!("colours of the kind {other:?}"))),
    };
    let channels = samples.channel_count() as u64;
    let kept = if outline.is_buffered { COEFFICIENT_BYTES * channels } else { 0 };
    check_size(width as u64, height as u64, channels + kept + 1)?;

    // From here on damage is an error: what the decoder would paint grey is no result.
    decoder.set_options(options.set_strict_mode(true).jpeg_set_out_colorspace(space));
    let mut pixels = zeroed(width * height * samples.channel_count())?;
    decoder.decode_into(&mut pixels).map_err(failure)?;
    let orientation = decoder.exif().map(|exif| Orientation::from_exif_block(exif));
    drop(decoder);

    let (samples, pixels) = if space == ColorSpace::CMYK {
        (Samples::Rgb, cmyk_to_rgb(pixels, outline.has_adobe))
    } else {
        (samples, pixels)
    };
    let layout = samples.layout(wanted);
    let bytes = if layout == Layout::Grey { samples.into_grey(pixels) } else { pixels };
    let picture = Picture { width: width as u32, height: height as u32, layout, bytes };
    let mode = match stored {
        ColorSpace::Luma => "L",
        ColorSpace::CMYK | ColorSpace::YCCK => "CMYK",
        _ => "RGB",
    };
    let (orientation, dpi) = (orientation.unwrap_or_default(), outline.dpi);
    Ok(Decoded { picture, orientation, more: More::None, mode, dpi })
}

/// Ink to light, in place: red is what cyan and black leave over. Adobe's programs, and all that
/// follow them, store the amounts upside down.
pub(super) fn cmyk_to_rgb(mut bytes: Vec<u8>, is_inverted: bool) -> Vec<u8> {
    let flip = if is_inverted { 0 } else { 255 };
    let count = bytes.len() / 4;
    for index in 0..count {
        let ink = &bytes[index * 4..index * 4 + 4];
        let white = ink[3] ^ flip;
        let light = [ink[0], ink[1], ink[2]].map(|amount| product(amount ^ flip, white));
        bytes[index * 3..index * 3 + 3].copy_from_slice(&light);
    }
    bytes.truncate(count * 3);
    bytes
}

/// a * b / 255, rounded.
fn product(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    ((product + (product >> 8)) >> 8) as u8
}

/// What the markers of a file tell without decoding it.
struct Outline {
    /// All coefficients are kept until the last scan.
    is_buffered: bool,
    /// Adobe's segment is there.
    has_adobe: bool,
    /// Pixels of an inch, by the first segment of JFIF files.
    dpi: Option<u32>,
}

impl Outline {
    /// Walks the segments to the end mark; a file without one was cut off.
    fn of(bytes: &[u8]) -> Result<Outline, Failure> {
        let mut outline = Outline { is_buffered: false, has_adobe: false, dpi: None };
        let (mut at, mut scans) = (2, 0_u32);
        loop {
            at = next_marker(bytes, at)
                .ok_or_else(|| damaged("the end of the picture is missing"))?;
            let marker = bytes[at - 1];
            match marker {
                0xd9 if scans > 0 => break,
                // Start and restart marks have no content, nor have stuffed bytes.
                0x00 | 0x01 | 0xd0..=0xd9 => continue,
                0xc2 => outline.is_buffered = true,
                0xda => scans += 1,
                _ => {}
            }
            let content = bytes.get(at..).unwrap_or_default();
            let length = content.first_chunk().map(|length| u16::from_be_bytes(*length));
            let length = length.ok_or_else(|| damaged("a segment is cut off"))?;
            outline.has_adobe |= marker == 0xee && content[2..].starts_with(b"Adobe");
            if marker == 0xe0 {
                outline.dpi = outline.dpi.or_else(|| dots_per_inch(&content[2..]));
            }
            at += usize::from(length);
        }
        outline.is_buffered |= scans > 1;
        Ok(outline)
    }
}

/// Unit and horizontal density of a JFIF segment's content.
fn dots_per_inch(content: &[u8]) -> Option<u32> {
    const INCH: u8 = 1;
    const CENTIMETRE: u8 = 2;
    let [_, _, unit, high, low] = *content.strip_prefix(b"JFIF\0")?.first_chunk()?;
    let dots = f64::from(u16::from_be_bytes([high, low]));
    match unit {
        INCH => sensible_dpi(dots),
        CENTIMETRE => sensible_dpi(dots * 2.54),
        _ => None,
    }
}

/// Where the next marker's content begins: behind 0xff, any more of them, and its number.
fn next_marker(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        let fill = bytes[at..].iter().take_while(|byte| **byte == 0xff).count();
        at += fill + 1;
        match bytes.get(at - 1)? {
            0 => {}
            _ => return Some(at),
        }
    }
}

fn failure(error: DecodeErrors) -> Failure {
    match error {
        DecodeErrors::Unsupported(scheme) => unsupported(format!("{scheme:?}")),
        other => damaged(other),
    }
}
