//! From a file's bytes to a picture: chooses the decoder by what the bytes are.

use super::convert::Samples;
use super::picture::{Layout, Orientation, Picture, zeroed};
use super::{bmp, damaged, gif, jpeg, png, unsupported, webp};
use image::ImageDecoder;
use windlass_core::Failure;
use windlass_core::media::Media;

/// A decoded file.
pub(super) struct Decoded {
    /// Its first picture, as stored.
    pub(super) picture: Picture,
    /// How it is to be turned.
    pub(super) orientation: Orientation,
    /// Whether there are more pictures behind it.
    pub(super) animated: bool,
}

/// Decodes; `wanted` is [`Layout::Grey`], or anything else for the layout that keeps the colours.
pub(super) fn decode(media: Media, bytes: &[u8], wanted: Layout) -> Result<Decoded, Failure> {
    match media {
        Media::Bmp => bmp::decode(bytes, wanted),
        Media::Gif => gif::decode(bytes, wanted),
        Media::Jpeg => jpeg::decode(bytes, wanted),
        Media::Png => png::decode(bytes, wanted),
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
