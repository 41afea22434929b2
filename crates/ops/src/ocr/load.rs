//! From a file to the grey pages that are read, one after another.

use crate::image::convert::luma;
use crate::image::decode::{Decoded, More, decode};
use crate::image::picture::{Layout, Orientation, Picture};
use crate::image::tiff;
use windlass_core::Failure;
use windlass_core::media::Media;

/// A page before it is read.
pub(super) struct Sheet {
    /// As it is looked at, in colours over white; where they are wanted and there are some.
    pub(super) colors: Option<Picture>,
    /// Whether it lies in the file as it is looked at.
    pub(super) lies_upright: bool,
    /// As it is looked at, in grey.
    pub(super) grey: Picture,
    /// How the file stores its pixels, in Pillow's letters.
    pub(super) mode: &'static str,
    /// Pixels of an inch, where the file says so.
    pub(super) dpi: Option<u32>,
}

/// What a file held beside its pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ended {
    /// Further pictures of an animation were left out.
    pub(super) is_animation: bool,
}

/// Hands each page of the file to `each`, with its number from 0 and whether another one follows.
pub(super) fn sheets(
    media: Media,
    bytes: &[u8],
    keeps_colors: bool,
    each: &mut dyn FnMut(u32, bool, Sheet) -> Result<(), Failure>,
) -> Result<Ended, Failure> {
    if media != Media::Tiff {
        let decoded = decode(media, bytes, Layout::Rgba)?;
        let is_animation = decoded.more == More::Animation;
        each(0, false, sheet(decoded, keeps_colors)?)?;
        return Ok(Ended { is_animation });
    }
    let mut pages = tiff::Pages::open(bytes)?;
    for index in 0.. {
        let decoded = pages.decode(Layout::Rgba)?;
        each(index, pages.has_more(), sheet(decoded, keeps_colors)?)?;
        if !pages.has_more() {
            break;
        }
        pages.next()?;
    }
    Ok(Ended { is_animation: false })
}

fn sheet(decoded: Decoded, keeps_colors: bool) -> Result<Sheet, Failure> {
    let Decoded { picture, orientation, mode, dpi, .. } = decoded;
    let lies_upright = orientation == Orientation::default();
    let picture = over_white(picture).oriented(orientation)?;
    let (grey, colors) = match (picture.layout, keeps_colors) {
        (Layout::Grey, _) => (picture, None),
        (_, false) => (grey(&picture), None),
        (_, true) => (grey(&picture), has_colors(&picture).then_some(picture)),
    };
    Ok(Sheet { grey, colors, lies_upright, mode, dpi })
}

/// Behind transparent pixels lies paper.
fn over_white(picture: Picture) -> Picture {
    let Picture { width, height, layout: Layout::Rgba, bytes } = picture else { return picture };
    let over = |value: &u8, alpha: u8| {
        let (value, alpha) = (u32::from(*value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let mut opaque = Vec::with_capacity(bytes.len() / 4 * 3);
    for [red, green, blue, alpha] in bytes.as_chunks::<4>().0 {
        opaque.extend([over(red, *alpha), over(green, *alpha), over(blue, *alpha)]);
    }
    Picture { width, height, layout: Layout::Rgb, bytes: opaque }
}

/// Whether a pixel is not grey.
fn has_colors(picture: &Picture) -> bool {
    picture.bytes.as_chunks::<3>().0.iter().any(|[red, green, blue]| red != green || red != blue)
}

fn grey(picture: &Picture) -> Picture {
    let pixels = picture.bytes.as_chunks::<3>().0.iter();
    let bytes = pixels.map(|[red, green, blue]| luma(*red, *green, *blue)).collect();
    Picture { width: picture.width, height: picture.height, layout: Layout::Grey, bytes }
}
