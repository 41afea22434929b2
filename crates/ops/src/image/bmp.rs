//! Windows bitmaps to pixels.

use super::convert::Samples;
use super::damaged;
use super::decode::{Decoded, More, by_image_crate};
use super::picture::{Layout, Orientation, check_size};
use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;
use std::io::Cursor;
use windlass_core::Failure;

/// The encoder and the rows that are unpacked.
const OVERHEAD_BYTES_PER_PIXEL: u64 = 2;

pub(super) fn decode(bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let samples = match decoder.color_type() {
        image::ColorType::Rgba8 => Samples::Rgba,
        _ => Samples::Rgb,
    };
    let samples_bytes = samples.channel_count() as u64;
    check_size(width.into(), height.into(), samples_bytes + OVERHEAD_BYTES_PER_PIXEL)?;
    let picture = by_image_crate(decoder, samples, wanted)?;
    let mode = if samples == Samples::Rgba { "RGBA" } else { "RGB" };
    let (orientation, more) = (Orientation::default(), More::None);
    Ok(Decoded { picture, orientation, more, mode, dpi: None })
}
