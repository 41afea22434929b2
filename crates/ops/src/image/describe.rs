//! What a picture looks like, in numbers: fingerprints and colours.

use super::picture::{Picture, check_size};
use super::{colors, fingerprint};
use serde::Serialize;
use windlass_core::Failure;
use windlass_core::media::Media;

/// A copy that becomes grey stands beside the picture.
const COPY_COUNT: u64 = 2;

/// The fields of `<name>_image.json`.
#[derive(Serialize, Debug)]
pub(super) struct Description {
    /// What the file is.
    pub(super) media_type: &'static str,
    /// Width and height in pixels, as it is looked at.
    pub(super) image_size: [u32; 2],
    /// Whether any pixel is transparent, be it a little.
    pub(super) has_transparency: bool,
    /// Whether there are more pictures in the file.
    pub(super) animated: bool,
    /// Sixteen hexadecimal digits.
    pub(super) phash: String,
    /// Sixteen hexadecimal digits.
    pub(super) dhash: String,
    /// The largest share first.
    pub(super) dominant_colors: Vec<colors::Color>,
}

/// Describes a picture with its colours, turned as it is looked at.
pub(super) fn describe(
    picture: &Picture,
    media: Media,
    animated: bool,
) -> Result<Description, Failure> {
    let (width, height) = (picture.width, picture.height);
    let channels = picture.layout.channel_count() as u64;
    check_size(width.into(), height.into(), channels * COPY_COUNT)?;
    let grey = picture.clone().into_grey();
    Ok(Description {
        media_type: media.mime(),
        image_size: [width, height],
        has_transparency: !picture.is_opaque(),
        animated,
        phash: fingerprint::phash(&grey)?,
        dhash: fingerprint::dhash(&grey)?,
        dominant_colors: colors::dominant(picture)?,
    })
}
