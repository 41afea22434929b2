//! From a file's bytes to a picture: chooses the decoder by what the bytes are.

use super::picture::{Layout, Orientation, Picture};
use super::{jpeg, png, unsupported, webp};
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
        Media::Jpeg => jpeg::decode(bytes, wanted),
        Media::Png => png::decode(bytes, wanted),
        Media::WebP => webp::decode(bytes, wanted),
        other => Err(unsupported(other.label())),
    }
}
