//! From a file's bytes to a picture: chooses the decoder by what the bytes are.

use super::convert::Samples;
use super::picture::{Layout, Orientation, Picture, zeroed};
use super::{bmp, damaged, gif, heif, jpeg, png, tiff, unsupported, webp};
use image::ImageDecoder;
use windlass_core::Failure;
use windlass_core::media::Media;

/// A decoded file.
pub(crate) struct Decoded {
    /// Its first picture, as stored.
    pub(crate) picture: Picture,
    /// How it is to be turned.
    pub(crate) orientation: Orientation,
    /// What is behind it.
    pub(crate) more: More,
    /// How the file stores its pixels, in Pillow's letters: `L`, `RGB`, `P`, `1`.
    pub(crate) mode: &'static str,
    /// Pixels of an inch, where the file says so and means it.
    pub(crate) dpi: Option<u32>,
}

/// What a file holds behind its first picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum More {
    None,
    /// Further pictures of an animation.
    Animation,
    /// Further pages.
    Pages,
    /// Pictures beside the main one, which was taken.
    Pictures,
}

impl More {
    pub(super) fn animation(is_one: bool) -> More {
        if is_one { More::Animation } else { More::None }
    }
}

/// Decodes; `wanted` is [`Layout::Grey`], or anything else for the layout that keeps the colours.
pub(crate) fn decode(media: Media, bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    match media {
        Media::Bmp => bmp::decode(bytes, wanted),
        Media::Gif => gif::decode(bytes, wanted),
        Media::Heic | Media::Avif => heif::decode(media, bytes, wanted),
        Media::Jpeg => jpeg::decode(bytes, wanted),
        Media::Png => png::decode(bytes, wanted),
        Media::Tiff => tiff::decode(bytes, wanted),
        Media::WebP => webp::decode(bytes, wanted),
        other => Err(unsupported(other.label())),
    }
}

/// The pixels of a picture whose size is known to be fine.
pub(super) fn by_image_crate(
    decoder: impl ImageDecoder,
    samples: Samples,
    wanted: Layout,
) -> Result<Picture, Failure> {
    let (width, height) = decoder.dimensions();
    let mut pixels = zeroed(width as usize * height as usize * samples.channel_count())?;
    decoder.read_image(&mut pixels).map_err(damaged)?;
    let layout = samples.layout(wanted);
    let bytes = if layout == Layout::Grey { samples.into_grey(pixels) } else { pixels };
    Ok(Picture { width, height, layout, bytes })
}

/// A resolution that a scanner or a camera of paper may have; others stand in files because some
/// number had to (72, 1).
pub(super) fn sensible_dpi(dpi: f64) -> Option<u32> {
    (75.0..=2_400.0).contains(&dpi).then_some(dpi.round() as u32)
}
