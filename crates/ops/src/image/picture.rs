//! Pixels in memory: their layout, their limits, and their orientation.

use super::convert::Samples;
use windlass_core::{Failure, FailureKind};

/// Pixels of one picture.
pub(crate) const PIXEL_COUNT_MAX: u64 = 200_000_000;
/// What one picture may take while at work: the operation's address space less a margin for the
/// input file, the program and its stacks.
pub(crate) const MEMORY_BYTES_MAX: u64 = 1_792 << 20;
/// Side of the square pieces in which a picture is turned, so that both its rows and its columns
/// stay in the processor's cache.
const TILE: usize = 32;

/// What a pixel holds, a byte each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// Luma.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl Layout {
    /// Bytes of a pixel.
    pub(crate) const fn channel_count(self) -> usize {
        match self {
            Layout::Grey => 1,
            Layout::Rgb => 3,
            Layout::Rgba => 4,
        }
    }
}

/// A picture: rows from the top, without gaps between.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Picture {
    /// Pixels of a row.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
    /// What a pixel holds.
    pub(crate) layout: Layout,
    /// `width * height * channel_count` bytes.
    pub(crate) bytes: Vec<u8>,
}

/// How the stored picture must be turned to be looked at: first mirrored at its diagonal, then left
/// to right, then top to bottom.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Orientation {
    transposed: bool,
    left_right: bool,
    top_bottom: bool,
}

impl Orientation {
    /// By the value of the EXIF field (0x0112); other values are taken for 1, upright.
    pub(crate) fn from_exif(value: u16) -> Orientation {
        let (transposed, left_right, top_bottom) = match value {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Orientation { transposed, left_right, top_bottom }
    }

    /// By quarters clockwise, in degrees.
    pub(crate) fn from_turn(clockwise_degrees: u32) -> Orientation {
        Orientation::from_exif(match clockwise_degrees % 360 {
            90 => 6,
            180 => 3,
            270 => 8,
            _ => 1,
        })
    }

    /// Finds the field in an EXIF block: a TIFF file of its own, whose first directory holds it.
    /// Anything damaged means upright: the pixels matter more.
    pub(crate) fn from_exif_block(block: &[u8]) -> Orientation {
        Orientation::from_exif(orientation_field(block).unwrap_or(1))
    }
}

fn orientation_field(block: &[u8]) -> Option<u16> {
    const ENTRY_BYTES: usize = 12;
    const ORIENTATION: u16 = 0x0112;
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let big = match block.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let field = *block.get(at..)?.first_chunk()?;
        Some(if big { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) })
    };
    let offset = *block.get(4..)?.first_chunk()?;
    let directory =
        if big { u32::from_be_bytes(offset) } else { u32::from_le_bytes(offset) } as usize;
    let count = usize::from(u16_at(directory)?);
    let entries = (0..count).map(|index| directory + 2 + index * ENTRY_BYTES);
    let found = entries.into_iter().find(|at| u16_at(*at) == Some(ORIENTATION))?;
    u16_at(found + 8)
}

/// Refuses a picture by its size, before memory is taken for it. `bytes_per_pixel` is the peak of
/// the work on it.
pub(crate) fn check_size(width: u64, height: u64, bytes_per_pixel: u64) -> Result<(), Failure> {
    if width == 0 || height == 0 {
        return Err(super::damaged(format!("its size is {width} x {height} pixels")));
    }
    let pixels = width.saturating_mul(height);
    let memory = pixels.saturating_mul(bytes_per_pixel);
    if pixels <= PIXEL_COUNT_MAX && memory <= MEMORY_BYTES_MAX {
        return Ok(());
    }
    Err(Failure::rejected(
        "image_too_large",
        format!(
            "the picture of {width} x {height} pixels needs {} MiB of memory; the limits are {} \
             megapixels and {} MiB",
            memory >> 20,
            PIXEL_COUNT_MAX / 1_000_000,
            MEMORY_BYTES_MAX >> 20
        ),
        "Scale the picture down with another program, or cut it into parts.",
    ))
}

/// Zeroed memory, or a failure where there is none.
pub(crate) fn zeroed(length: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| {
        Failure::new(
            FailureKind::OutOfMemory,
            "out_of_memory",
            format!("{length} bytes for the picture's pixels could not be had"),
            "Run with fewer workers.",
        )
    })?;
    bytes.resize(length, 0);
    Ok(bytes)
}

impl Picture {
    /// Bytes of a row.
    pub(crate) fn row_bytes(&self) -> usize {
        self.width as usize * self.layout.channel_count()
    }

    /// Whether no pixel is transparent.
    pub(super) fn is_opaque(&self) -> bool {
        self.layout != Layout::Rgba
            || self.bytes.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255)
    }

    /// The picture without its colours and its transparency, in the memory that it has.
    pub(super) fn into_grey(self) -> Picture {
        let samples = match self.layout {
            Layout::Grey => return self,
            Layout::Rgb => Samples::Rgb,
            Layout::Rgba => Samples::Rgba,
        };
        Picture { layout: Layout::Grey, bytes: samples.into_grey(self.bytes), ..self }
    }

    /// The picture as it is looked at.
    pub(crate) fn oriented(self, orientation: Orientation) -> Result<Picture, Failure> {
        let mut picture = if orientation.transposed { self.transposed()? } else { self };
        let row_bytes = picture.row_bytes();
        let channels = picture.layout.channel_count();
        if orientation.left_right {
            for row in picture.bytes.chunks_exact_mut(row_bytes) {
                mirror(row, channels);
            }
        }
        if orientation.top_bottom {
            let (upper, lower) =
                picture.bytes.split_at_mut(picture.height as usize / 2 * row_bytes);
            let below = lower.chunks_exact_mut(row_bytes).rev();
            for (above, below) in upper.chunks_exact_mut(row_bytes).zip(below) {
                above.swap_with_slice(below);
            }
        }
        Ok(picture)
    }

    fn transposed(self) -> Result<Picture, Failure> {
        let mut bytes = zeroed(self.bytes.len())?;
        let (width, height) = (self.width as usize, self.height as usize);
        match self.layout {
            Layout::Grey => transpose::<1>(&self.bytes, &mut bytes, width, height),
            Layout::Rgb => transpose::<3>(&self.bytes, &mut bytes, width, height),
            Layout::Rgba => transpose::<4>(&self.bytes, &mut bytes, width, height),
        }
        Ok(Picture { width: self.height, height: self.width, layout: self.layout, bytes })
    }
}

fn mirror(row: &mut [u8], channels: usize) {
    row.reverse();
    // Reversed bytes are reversed pixels whose channels stand backwards.
    if channels > 1 {
        row.chunks_exact_mut(channels).for_each(<[u8]>::reverse);
    }
}

fn transpose<const CHANNELS: usize>(from: &[u8], to: &mut [u8], width: usize, height: usize) {
    let (from, _) = from.as_chunks::<CHANNELS>();
    let (to, _) = to.as_chunks_mut::<CHANNELS>();
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for x in left..(left + TILE).min(width) {
                for y in top..(top + TILE).min(height) {
                    to[x * height + y] = from[y * width + x];
                }
            }
        }
    }
}
