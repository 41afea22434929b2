//! PNG to pixels: row by row into the wanted layout where the file allows it.

use super::convert::Samples;
use super::decode::{Decoded, More, sensible_dpi};
use super::picture::{Layout, Orientation, Picture, check_size, zeroed};
use super::{damaged, unsupported};
use png::{
    BitDepth, ColorType, Decoder, DecodingError, Info, Limits, Reader, Transformations, Unit,
};
use std::io::Cursor;
use windlass_core::Failure;

/// What the decoder may take for itself beside the pixels: rows, palettes, text.
const DECODER_BYTES_MAX: usize = 64 << 20;
/// Rows and encoder beside the pixels, rounded up to whole bytes a pixel.
const OVERHEAD_BYTES_PER_PIXEL: u64 = 2;

pub(super) fn decode(bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    let limits = Limits { bytes: DECODER_BYTES_MAX };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    // Palettes and few bits become whole bytes; 16 bits keep their upper 8, as in Pillow.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // The size stands in the first bytes: a bomb is refused before anything is unpacked.
    let info = decoder.read_header_info().map_err(failure)?;
    let (width, height) = (info.width, info.height);
    let samples_bytes = if info.interlaced { 4 } else { 0 };
    check_size(width.into(), height.into(), samples_bytes + OVERHEAD_BYTES_PER_PIXEL)?;

    let mut reader = decoder.read_info().map_err(failure)?;
    check_palette(reader.info().palette.as_deref().unwrap_or_default())?;
    let samples = samples(&reader)?;
    let layout = samples.layout(wanted);
    let layout_bytes = layout.channel_count() as u64;
    let peak = samples_bytes + layout_bytes + OVERHEAD_BYTES_PER_PIXEL;
    check_size(width.into(), height.into(), peak)?;
    let bytes = if reader.info().interlaced {
        whole(&mut reader, samples, layout)?
    } else {
        rows(&mut reader, samples, layout)?
    };
    let animated = reader.info().animation_control.is_some_and(|control| control.num_frames > 1);
    // What follows the pixels must be there too: the checksum, the end mark.
    reader.finish().map_err(failure)?;
    let exif = reader.info().exif_metadata.as_deref().unwrap_or_default();
    let orientation = Orientation::from_exif_block(exif);
    let picture = Picture { width, height, layout, bytes };
    let (mode, dpi) = (mode(reader.info()), dots_per_inch(reader.info()));
    Ok(Decoded { picture, orientation, more: More::animation(animated), mode, dpi })
}

/// How Pillow calls what the file holds.
fn mode(info: &Info<'_>) -> &'static str {
    match (info.color_type, info.bit_depth) {
        (ColorType::Grayscale, BitDepth::One) => "1",
        (ColorType::Grayscale, BitDepth::Sixteen) => "I;16",
        (ColorType::Grayscale, _) => "L",
        (ColorType::GrayscaleAlpha, _) => "LA",
        (ColorType::Rgb, _) => "RGB",
        (ColorType::Rgba, _) => "RGBA",
        (ColorType::Indexed, _) => "P",
    }
}

fn dots_per_inch(info: &Info<'_>) -> Option<u32> {
    const INCHES_OF_A_METRE: f64 = 39.370_1;
    let dots = info.pixel_dims.filter(|dots| dots.unit == Unit::Meter)?;
    sensible_dpi(f64::from(dots.xppu) / INCHES_OF_A_METRE)
}

/// Whole colours, and no more than a byte can name; the decoder relies on both without a look.
fn check_palette(palette: &[u8]) -> Result<(), Failure> {
    const CHANNEL_COUNT: usize = 3;
    const COLOR_COUNT_MAX: usize = 256;
    let (length, rest) = (palette.len() / CHANNEL_COUNT, palette.len() % CHANNEL_COUNT);
    if rest == 0 && length <= COLOR_COUNT_MAX {
        return Ok(());
    }
    Err(damaged(format!("its palette has {} bytes", palette.len())))
}

type Source<'a> = Reader<Cursor<&'a [u8]>>;

fn samples(reader: &Source<'_>) -> Result<Samples, Failure> {
    match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => Ok(Samples::Grey),
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Ok(Samples::GreyAlpha),
        (ColorType::Rgb, BitDepth::Eight) => Ok(Samples::Rgb),
        (ColorType::Rgba, BitDepth::Eight) => Ok(Samples::Rgba),
        (color, depth) => Err(unsupported(format!("{color:?} of {depth:?}"))),
    }
}

/// Row by row: only the wanted pixels are ever whole in memory.
fn rows(reader: &mut Source<'_>, samples: Samples, layout: Layout) -> Result<Vec<u8>, Failure> {
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let row_bytes = width * layout.channel_count();
    let mut bytes = zeroed(row_bytes * height)?;
    for to in bytes.chunks_exact_mut(row_bytes) {
        let row = reader.next_row().map_err(failure)?;
        let row = row.ok_or_else(|| damaged("rows are missing"))?;
        samples.write(row.data(), layout, to);
    }
    Ok(bytes)
}

/// Interlaced pictures come in passes over all rows.
fn whole(reader: &mut Source<'_>, samples: Samples, layout: Layout) -> Result<Vec<u8>, Failure> {
    let length = reader.output_buffer_size().ok_or_else(|| damaged("its size overflows"))?;
    let mut bytes = zeroed(length)?;
    reader.next_frame(&mut bytes).map_err(failure)?;
    if layout == Layout::Grey {
        return Ok(samples.into_grey(bytes));
    }
    if samples.shrinks_to(layout) {
        return Ok(bytes);
    }
    let mut wider = zeroed(bytes.len() / samples.channel_count() * layout.channel_count())?;
    samples.write(&bytes, layout, &mut wider);
    Ok(wider)
}

fn failure(error: DecodingError) -> Failure {
    match error {
        DecodingError::LimitsExceeded => {
            damaged("its parts beside the pixels take more memory than any real picture's")
        }
        other => damaged(other),
    }
}
