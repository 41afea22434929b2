//! WebP to pixels, lossy and lossless.

use super::convert::Samples;
use super::damaged;
use super::decode::{Decoded, More};
use super::picture::{Layout, Orientation, Picture, check_size, zeroed};
use image_webp::WebPDecoder;
use std::io::Cursor;
use windlass_core::Failure;

/// The decoder's own planes, the bytes that it unpacks, and the encoder.
const OVERHEAD_BYTES_PER_PIXEL: u64 = 4;

pub(super) fn decode(bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    check_length(bytes)?;
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    // A part is taken into memory by the length that it claims; none is longer than the file.
    decoder.set_memory_limit(bytes.len());
    let (width, height) = decoder.dimensions();
    let samples = if decoder.has_alpha() { Samples::Rgba } else { Samples::Rgb };
    let samples_bytes = samples.channel_count() as u64;
    check_size(width.into(), height.into(), samples_bytes + OVERHEAD_BYTES_PER_PIXEL)?;
    let animated = decoder.is_animated();
    let exif = decoder.exif_metadata().ok().flatten().unwrap_or_default();

    let length = decoder.output_buffer_size().ok_or_else(|| damaged("its size overflows"))?;
    let mut pixels = zeroed(length)?;
    if animated {
        decoder.read_frame(&mut pixels).map_err(damaged)?;
    } else {
        decoder.read_image(&mut pixels).map_err(damaged)?;
    }
    let layout = samples.layout(wanted);
    let bytes = if layout == Layout::Grey { samples.into_grey(pixels) } else { pixels };
    let picture = Picture { width, height, layout, bytes };
    let orientation = Orientation::from_exif_block(&exif);
    let mode = if samples == Samples::Rgba { "RGBA" } else { "RGB" };
    Ok(Decoded { picture, orientation, more: More::animation(animated), mode, dpi: None })
}

/// The container tells its length: a decoder fills what is missing with guesses.
fn check_length(bytes: &[u8]) -> Result<(), Failure> {
    const CHUNK_HEADER_BYTES: u64 = 8;
    let told =
        bytes.get(4..).and_then(|rest| rest.first_chunk()).map(|size| u32::from_le_bytes(*size));
    let told = u64::from(told.ok_or_else(|| damaged("its header is cut off"))?);
    let size = bytes.len() as u64;
    if told + CHUNK_HEADER_BYTES > size {
        return Err(damaged(format!(
            "the file has {size} of its {} bytes",
            told + CHUNK_HEADER_BYTES
        )));
    }
    Ok(())
}
