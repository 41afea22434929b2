//! TIFF to pixels, page by page: bilevel (faxes too), grey, colours, palettes.

use super::convert::{Samples, ycc_to_rgb};
use super::decode::{Decoded, More};
use super::jpeg::cmyk_to_rgb;
use super::picture::{Layout, Orientation, Picture, check_size, zeroed};
use super::tiff_palette::{self, Shown};
use super::{damaged, tiff_fax, unsupported};
use std::borrow::Cow;
use std::io::Cursor;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};
use windlass_core::Failure;

/// Pages of one file: a chain of directories may be a loop of hostile length.
const PAGE_COUNT_MAX: usize = 10_000;
/// What the decoder may take for the values of one field.
const FIELD_BYTES_MAX: usize = 16 << 20;
/// Beside the unpacked samples: what a strip is unpacked through, and the converted picture's
/// slack.
const OVERHEAD_BYTES_PER_PIXEL: u64 = 2;

/// The pages of a file, one after another.
pub(crate) struct Pages<'a> {
    decoder: Decoder<Cursor<Cow<'a, [u8]>>>,
    /// Pages whose samples are indices of colours.
    has_palette: Vec<bool>,
    page_index: usize,
}

pub(super) fn decode(bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    let mut pages = Pages::open(bytes)?;
    let decoded = pages.decode(wanted)?;
    let more = if pages.has_more() { More::Pages } else { More::None };
    Ok(Decoded { more, ..decoded })
}

impl<'a> Pages<'a> {
    /// Opens a file at its first page.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Pages<'a>, Failure> {
        let mut limits = Limits::default();
        // The crate's name for what bounds fields. Pixels come into a buffer of ours, which
        // `check_size` bounds: it knows the whole picture.
        limits.decoding_buffer_size = FIELD_BYTES_MAX;
        limits.intermediate_buffer_size = usize::MAX;
        let Shown { bytes, has_palette } = tiff_palette::shown(bytes);
        let decoder = Decoder::new(Cursor::new(bytes)).map_err(failure)?.with_limits(limits);
        Ok(Pages { decoder, has_palette, page_index: 0 })
    }

    /// Whether there are pages behind this one.
    pub(crate) fn has_more(&self) -> bool {
        self.decoder.more_images()
    }

    /// Goes to the next page.
    pub(crate) fn next(&mut self) -> Result<(), Failure> {
        self.page_index += 1;
        if self.page_index == PAGE_COUNT_MAX {
            return Err(unsupported(format!("more than {PAGE_COUNT_MAX} pages")));
        }
        self.decoder.next_image().map_err(failure)
    }

    /// The pixels of this page.
    pub(crate) fn decode(&mut self, wanted: Layout) -> Result<Decoded, Failure> {
        let has_palette = self.has_palette.get(self.page_index).is_some_and(|it| *it);
        let decoder = &mut self.decoder;
        let (width, height) = decoder.dimensions().map_err(failure)?;
        // Sixteen bits a channel at most, before anything else of the file is believed.
        check_size(width.into(), height.into(), 1)?;
        let color = decoder.colortype().map_err(failure)?;
        if has_palette && !matches!(color, ColorType::Gray(_)) {
            return Err(unsupported("a TIFF with other samples beside the indices of its palette"));
        }
        let stored = match has_palette {
            true => Stored { samples: Samples::Rgb, mode: "P", ..Stored::of(color)? },
            false => Stored::of(color)?,
        };
        let unpacked = (u64::from(stored.bits) * stored.channel_count as u64).div_ceil(8);
        let whole = stored.samples.channel_count() as u64;
        check_size(width.into(), height.into(), unpacked + whole + OVERHEAD_BYTES_PER_PIXEL)?;

        let fax = match color {
            ColorType::Gray(1) => tiff_fax::rows(decoder, (width, height))?,
            _ => None,
        };
        let row_bytes = stored.row_bytes(width);
        let rows = match fax {
            Some(rows) => rows,
            None => stored.unpacked_rows(decoder, (width, height))?,
        };
        let orientation = decoder.find_tag_unsigned::<u16>(Tag::Orientation).map_err(failure)?;
        let orientation = Orientation::from_exif(orientation.unwrap_or(1));
        let dpi = dots_per_inch(decoder);

        let (samples, mut bytes) = stored.into_bytes(rows, width as usize, row_bytes)?;
        if has_palette {
            let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(failure)?;
            bytes = tiff_palette::colours(&bytes, stored.bits, &map)?;
        }
        let layout = samples.layout(wanted);
        let bytes = match layout {
            Layout::Grey => samples.into_grey(bytes),
            _ if samples.shrinks_to(layout) => bytes,
            _ => {
                let mut wider = zeroed(width as usize * height as usize * layout.channel_count())?;
                samples.write(&bytes, layout, &mut wider);
                wider
            }
        };
        let picture = Picture { width, height, layout, bytes };
        Ok(Decoded { picture, orientation, more: More::None, mode: stored.mode, dpi })
    }
}

/// How the samples of a page lie.
#[derive(Clone, Copy)]
struct Stored {
    bits: u8,
    channel_count: usize,
    /// What they are once each has a byte.
    samples: Samples,
    color: ColorType,
    mode: &'static str,
}

impl Stored {
    fn of(color: ColorType) -> Result<Stored, Failure> {
        let (bits, channel_count, samples, mode) = match color {
            ColorType::Gray(1) => (1, 1, Samples::Grey, "1"),
            ColorType::Gray(bits @ (2 | 4 | 8)) => (bits, 1, Samples::Grey, "L"),
            ColorType::Gray(16) => (16, 1, Samples::Grey, "I;16"),
            ColorType::Multiband { bit_depth: bits @ (8 | 16), num_samples: 2 } => {
                (bits, 2, Samples::GreyAlpha, "LA")
            }
            ColorType::RGB(bits @ (8 | 16)) => (bits, 3, Samples::Rgb, "RGB"),
            ColorType::RGBA(bits @ (8 | 16)) => (bits, 4, Samples::Rgba, "RGBA"),
            ColorType::YCbCr(8) => (8, 3, Samples::Rgb, "YCbCr"),
            ColorType::CMYK(8) => (8, 4, Samples::Rgba, "CMYK"),
            other => return Err(unsupported(format!("TIFF colours of the kind {other:?}"))),
        };
        Ok(Stored { bits, channel_count, samples, color, mode })
    }

    fn row_bytes(self, width: u32) -> usize {
        (width as usize * self.channel_count * usize::from(self.bits)).div_ceil(8)
    }

    /// The rows of a page, unpacked, the samples of a pixel together.
    fn unpacked_rows(
        self,
        decoder: &mut Decoder<Cursor<Cow<'_, [u8]>>>,
        (width, height): (u32, u32),
    ) -> Result<Vec<u8>, Failure> {
        let row_bytes = self.row_bytes(width);
        let told = decoder.image_buffer_layout().map_err(failure)?;
        let lie_apart = told.planes > 1;
        let row_bytes_of_plane = row_bytes / told.planes.max(1);
        if (lie_apart && (told.planes != self.channel_count || self.bits < 8))
            || told.row_stride.is_some_and(|stride| stride.get() != row_bytes_of_plane)
        {
            return Err(unsupported("a TIFF whose samples lie in an unusual way"));
        }
        if lie_apart {
            if decoder.find_tag(Tag::TileWidth).map_err(failure)?.is_some() {
                return Err(unsupported("a TIFF in tiles whose colours lie apart"));
            }
            // They are brought together in another buffer.
            let pixel_bytes = self.channel_count as u64 * u64::from(self.bits / 8);
            check_size(width.into(), height.into(), 2 * pixel_bytes + OVERHEAD_BYTES_PER_PIXEL)?;
        }
        let mut rows = zeroed(row_bytes * height as usize)?;
        decoder.read_image_bytes(&mut rows).map_err(failure)?;
        if lie_apart { together(&rows, told.planes, usize::from(self.bits / 8)) } else { Ok(rows) }
    }

    /// A byte for each sample.
    fn into_bytes(
        self,
        rows: Vec<u8>,
        width: usize,
        row_bytes: usize,
    ) -> Result<(Samples, Vec<u8>), Failure> {
        let bytes = match self.bits {
            8 => rows,
            // The decoder gives numbers of this machine's byte order.
            16 => rows.as_chunks::<2>().0.iter().map(|pair| upper_byte(*pair)).collect(),
            bits => {
                let height = rows.len() / row_bytes.max(1);
                let mut bytes = zeroed(width * height)?;
                for (row, to) in rows.chunks_exact(row_bytes).zip(bytes.chunks_exact_mut(width)) {
                    unpack(row, bits, to);
                }
                bytes
            }
        };
        Ok(match self.color {
            ColorType::YCbCr(_) => (Samples::Rgb, ycc_to_rgb(bytes)),
            ColorType::CMYK(_) => (Samples::Rgb, cmyk_to_rgb(bytes, false)),
            _ => (self.samples, bytes),
        })
    }
}

/// From one plane after the other to one pixel after the other.
fn together(planes: &[u8], count: usize, sample_bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut pixels = zeroed(planes.len())?;
    for (channel, plane) in planes.chunks_exact((planes.len() / count).max(1)).enumerate() {
        let samples = plane.chunks_exact(sample_bytes);
        for (sample, pixel) in samples.zip(pixels.chunks_exact_mut(count * sample_bytes)) {
            pixel[channel * sample_bytes..][..sample_bytes].copy_from_slice(sample);
        }
    }
    Ok(pixels)
}

fn upper_byte(pair: [u8; 2]) -> u8 {
    u16::from_ne_bytes(pair).to_be_bytes()[0]
}

/// Samples of 1, 2 or 4 bits, the first one in the upper bits, spread over 0 to 255.
fn unpack(row: &[u8], bits: u8, to: &mut [u8]) {
    let (per_byte, mask) = (usize::from(8 / bits), (1_u16 << bits) - 1);
    let step = 255 / mask;
    for (index, sample) in to.iter_mut().enumerate() {
        let shift = 8 - u16::from(bits) * (index % per_byte + 1) as u16;
        let value = (u16::from(row[index / per_byte]) >> shift) & mask;
        *sample = (value * step) as u8;
    }
}

/// Pixels of an inch, where the file says so and means it.
fn dots_per_inch(decoder: &mut Decoder<Cursor<Cow<'_, [u8]>>>) -> Option<u32> {
    const INCH: u16 = 2;
    const CENTIMETRE: u16 = 3;
    let dots = decoder.find_tag(Tag::XResolution).ok()??.into_f32().ok()?;
    let unit = decoder.find_tag_unsigned::<u16>(Tag::ResolutionUnit).ok()?.unwrap_or(INCH);
    let dpi = match unit {
        INCH => dots,
        CENTIMETRE => dots * 2.54,
        _ => return None,
    };
    super::decode::sensible_dpi(f64::from(dpi))
}

pub(super) fn failure(error: TiffError) -> Failure {
    match error {
        TiffError::UnsupportedError(what) => unsupported(what),
        TiffError::LimitsExceeded => damaged("a field of it takes more room than any real one"),
        other => damaged(other),
    }
}

#[cfg(test)]
#[path = "tests/tiff.rs"]
mod tests;
