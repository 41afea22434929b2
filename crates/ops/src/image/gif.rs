//! GIF to pixels: the first picture, on the canvas that the file tells.

use super::convert::Samples;
use super::damaged;
use super::decode::{Decoded, More, by_image_crate};
use super::picture::{Layout, Orientation, check_size};
use image::ImageDecoder;
use image::codecs::gif::GifDecoder;
use std::io::Cursor;
use windlass_core::Failure;

/// The picture may be unpacked beside its canvas; and the encoder.
const OVERHEAD_BYTES_PER_PIXEL: u64 = 2;

pub(super) fn decode(bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    let outline = Outline::of(bytes).ok_or_else(|| damaged("its end is missing"))?;
    let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let samples = Samples::Rgba;
    let samples_bytes = samples.channel_count() as u64;
    let (own_width, own_height) = outline.first.ok_or_else(|| damaged("it holds no picture"))?;
    check_size(own_width.into(), own_height.into(), samples_bytes)?;
    check_size(width.into(), height.into(), 2 * samples_bytes + OVERHEAD_BYTES_PER_PIXEL)?;
    let picture = by_image_crate(decoder, samples, wanted)?;
    Ok(Decoded {
        picture,
        orientation: Orientation::default(),
        more: More::animation(outline.picture_count > 1),
        mode: "P",
        dpi: None,
    })
}

/// What the blocks of a file tell without unpacking them.
#[derive(Default)]
struct Outline {
    /// Width and height of the first picture, which may differ from the canvas.
    first: Option<(u16, u16)>,
    picture_count: u32,
}

impl Outline {
    /// Walks the blocks to the end mark; `None` for a file without one, as it was cut off.
    fn of(bytes: &[u8]) -> Option<Outline> {
        const HEADER_BYTES: usize = 13;
        const PICTURE_HEADER_BYTES: usize = 9;
        let mut outline = Outline::default();
        let mut at = HEADER_BYTES + palette_bytes(*bytes.get(10)?);
        loop {
            match *bytes.get(at)? {
                b';' => return Some(outline),
                // An extension: its kind, then data.
                b'!' => at = behind_data(bytes, at + 2)?,
                b',' => {
                    let header = bytes.get(at + 1..)?.first_chunk::<PICTURE_HEADER_BYTES>()?;
                    let size = |low: usize| u16::from_le_bytes([header[low], header[low + 1]]);
                    outline.first.get_or_insert((size(4), size(6)));
                    outline.picture_count += 1;
                    // Behind the palette stands the width of a code, then data.
                    let palette = palette_bytes(header[8]);
                    at = behind_data(bytes, at + 1 + PICTURE_HEADER_BYTES + palette + 1)?;
                }
                // Between blocks some writers leave zeros.
                0 => at += 1,
                _ => return None,
            }
        }
    }
}

/// Bytes of the palette that a field of flags tells.
fn palette_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Where pieces of data, each behind its length, end with one of none.
fn behind_data(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
