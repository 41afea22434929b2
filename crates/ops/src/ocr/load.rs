//! From a file to the grey pages that are read, one after another.

use crate::image::convert::luma;
use crate::image::decode::{Decoded, More, decode};
use crate::image::picture::{Layout, Picture};
use crate::image::tiff;
use windlass_core::Failure;
use windlass_core::media::Media;

/// A page before it is read.
pub(super) struct Sheet {
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
    each: &mut dyn FnMut(u32, bool, Sheet) -> Result<(), Failure>,
) -> Result<Ended, Failure> {
    if media != Media::Tiff {
        let decoded = decode(media, bytes, Layout::Rgba)?;
        let is_animation = decoded.more == More::Animation;
        each(0, false, sheet(decoded)?)?;
        return Ok(Ended { is_animation });
    }
    let mut pages = tiff::Pages::open(bytes)?;
    for index in 0.. {
        let decoded = pages.decode(Layout::Rgba)?;
        each(index, pages.has_more(), sheet(decoded)?)?;
        if !pages.has_more() {
            break;
        }
        pages.next()?;
    }
    Ok(Ended { is_animation: false })
}

fn sheet(decoded: Decoded) -> Result<Sheet, Failure> {
    let Decoded { picture, orientation, mode, dpi, .. } = decoded;
    Ok(Sheet { grey: grey(picture).oriented(orientation)?, mode, dpi })
}

/// Grey over white: behind transparent pixels lies paper.
fn grey(picture: Picture) -> Picture {
    let Picture { width, height, layout, bytes } = picture;
    let bytes = match layout {
        Layout::Grey => bytes,
        Layout::Rgb => bytes.as_chunks::<3>().0.iter().map(|[r, g, b]| luma(*r, *g, *b)).collect(),
        Layout::Rgba => {
            let over = |value: u8, alpha: u8| {
                let (value, alpha) = (u32::from(value), u32::from(alpha));
                ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
            };
            let pixels = bytes.as_chunks::<4>().0.iter();
            pixels.map(|[r, g, b, alpha]| over(luma(*r, *g, *b), *alpha)).collect()
        }
    };
    Picture { width, height, layout: Layout::Grey, bytes }
}
