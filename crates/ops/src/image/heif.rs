//! HEIC and AVIF to pixels, by libheif where the machine has it.
//!
//! libheif turns, mirrors and crops the picture as the file says; the orientation that cameras
//! write into EXIF beside that is theirs to look at, and is not applied again.

use super::convert::Samples;
use super::decode::{Decoded, More};
use super::picture::{Layout, Orientation, Picture, check_size, zeroed};
use super::{damaged, unsupported};
use crate::needs::{Extra, Lack, identity};
use windlass_core::media::Media;
use windlass_core::{Failure, FailureKind};
use windlass_native::heif::{self, Channels, Coding, Heif, HeifError};
use windlass_native::library::LoadError;

/// How to get it on Debian and Ubuntu: from Debian 13 on each decoder is a package of its own,
/// which comes along.
const INSTALL: &str = "apt-get install libheif1";
const INSTALL_DECODERS: &str = "apt-get install libheif-plugin-libde265 libheif-plugin-dav1d";
/// Bytes of a pixel while it is decoded, at most: the decoder's pictures, those before and after
/// turning, red, green and blue in a row, and ours. Measured: docs/decisions/0069.
const PLAIN_BYTES_PER_PIXEL: u64 = 14;
/// The same where a sample has more than 8 bits, which take two bytes.
const DEEP_BYTES_PER_PIXEL: u64 = 26;
/// Largest side that is looked at before the whole size is known.
const SIDE_MAX: u32 = 65_535;

/// Whether this kind is read by libheif.
pub(crate) fn reads(media: Media) -> bool {
    matches!(media, Media::Heic | Media::Avif)
}

/// What results depend on: the library's file, by size and time.
pub(crate) fn basis() -> Vec<(String, String)> {
    heif::installed().map(|path| identity(&path)).into_iter().collect()
}

/// What is there of it. Opens the library: decoders may be missing beside it.
pub(super) fn extra() -> Extra {
    let lacks = |what: String, install| Err(Lack { what, install });
    let found = match heif::load() {
        Err(LoadError::Missing(_)) => lacks("libheif is not installed".to_owned(), INSTALL),
        Err(error) => lacks(format!("failed to {error}"), INSTALL),
        Ok(heif) => {
            let version = heif.version();
            let missing = [(Coding::Hevc, "HEIC"), (Coding::Av1, "AVIF")].into_iter();
            let missing: Vec<&str> = missing
                .filter(|(coding, _)| !heif.decodes(*coding))
                .map(|(_, kind)| kind)
                .collect();
            match missing.as_slice() {
                [] => Ok(format!("libheif {version}")),
                kinds => lacks(
                    format!("libheif {version} has no decoder for {}", kinds.join(" and ")),
                    INSTALL_DECODERS,
                ),
            }
        }
    };
    Extra { what_for: "HEIC and AVIF", found }
}

pub(super) fn decode(media: Media, bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    let heif = heif::load().map_err(|error| unavailable(media, &error))?;
    let opened = heif.open(bytes, SIDE_MAX);
    let mut file = opened.map_err(|error| failure(heif, media, bytes, error))?;
    let (width, height) = (file.width(), file.height());
    let per_pixel = if file.bit_depth() > 8 { DEEP_BYTES_PER_PIXEL } else { PLAIN_BYTES_PER_PIXEL };
    check_size(width.into(), height.into(), per_pixel)?;
    let (stored_width, stored_height) = file.stored_size();
    check_size(stored_width.into(), stored_height.into(), per_pixel)?;

    let (channels, samples) = match file.has_alpha() {
        true => (Channels::Rgba, Samples::Rgba),
        false => (Channels::Rgb, Samples::Rgb),
    };
    let is_premultiplied = file.has_alpha() && file.is_premultiplied();
    let layout = samples.layout(wanted);
    let row_bytes = width as usize * layout.channel_count();
    let mut pixels = zeroed(row_bytes * height as usize)?;
    let mut rows = pixels.chunks_exact_mut(row_bytes);
    let decoded = file.rows(channels, &mut |row| {
        let Some(to) = rows.next() else { return };
        if is_premultiplied {
            samples.write(&divided(row), layout, to);
        } else {
            samples.write(row, layout, to);
        }
    });
    decoded.map_err(|error| failure(heif, media, bytes, error))?;
    let more = match () {
        () if is_sequence(bytes) => More::Animation,
        () if file.picture_count() > 1 => More::Pictures,
        () => More::None,
    };
    let mode = if file.has_alpha() { "RGBA" } else { "RGB" };
    let picture = Picture { width, height, layout, bytes: pixels };
    Ok(Decoded { picture, orientation: Orientation::default(), more, mode, dpi: None })
}

/// Colours as they are where nothing shines through.
fn divided(row: &[u8]) -> Vec<u8> {
    let mut row = row.to_vec();
    for pixel in row.as_chunks_mut::<4>().0 {
        let alpha = u32::from(pixel[3]);
        for color in &mut pixel[..3] {
            let whole = (u32::from(*color) * 255 + alpha / 2).checked_div(alpha).unwrap_or(0);
            *color = whole.min(255) as u8;
        }
    }
    row
}

/// Whether the file's first brand is that of moving pictures, which have a still one beside them at
/// best.
fn is_sequence(bytes: &[u8]) -> bool {
    matches!(bytes.get(8..12), Some(b"avis" | b"msf1" | b"hevc" | b"hevx" | b"hevm" | b"hevs"))
}

/// What is missing on this machine; another one may have it.
fn unavailable(media: Media, error: &LoadError) -> Failure {
    let label = media.label();
    let cause = match error {
        LoadError::Missing(_) => format!("{label} is read by libheif, which is not installed"),
        LoadError::Broken { .. } => format!("{label} is read by libheif: failed to {error}"),
    };
    let next_step = format!("Install it on the worker's machine, on Debian and Ubuntu: {INSTALL}");
    Failure::rejected("heif_unavailable", cause, next_step)
}

fn failure(heif: Heif, media: Media, bytes: &[u8], error: HeifError) -> Failure {
    match error {
        HeifError::Damaged(_) if is_sequence(bytes) => {
            unsupported(format!("{} without a still picture", media.label()))
        }
        HeifError::Damaged(what) => damaged(what),
        HeifError::Unsupported(what) => unsupported(what),
        HeifError::NoDecoder(_) => Failure::rejected(
            "heif_decoder_missing",
            format!(
                "libheif {} has no decoder here for the coding of this {}",
                heif.version(),
                media.label()
            ),
            format!(
                "Install one on the worker's machine, on Debian 13 and later: {INSTALL_DECODERS}"
            ),
        ),
        HeifError::TooLarge(what) => Failure::rejected(
            "image_too_large",
            format!("the picture claims more than is believed: {}", what.trim_end()),
            "Get the file again from where it came, or scale it down with another program.",
        ),
        HeifError::Memory(what) => Failure::new(
            FailureKind::OutOfMemory,
            "out_of_memory",
            format!("the picture's pixels could not be unpacked: {what}"),
            "Run with fewer workers.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premultiplied_colours_become_whole() {
        assert_eq!(
            divided(&[64, 32, 0, 128, 9, 9, 9, 0, 7, 8, 9, 255, 200, 0, 0, 100]),
            [128, 64, 0, 128, 0, 0, 0, 0, 7, 8, 9, 255, 255, 0, 0, 100]
        );
    }

    #[test]
    fn brands_of_moving_pictures_are_told() {
        assert!(is_sequence(b"\0\0\0\x18ftypavis\0\0\0\0"));
        assert!(!is_sequence(b"\0\0\0\x18ftypavif\0\0\0\0avis"));
        assert!(!is_sequence(b"\0\0\0\x18ft"));
    }
}
