//! The size of the result and the scaling to it.

use super::picture::{Layout, Picture, check_size, zeroed};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use windlass_core::Failure;
use windlass_core::params::Params;

/// Beside the result: the scaler's pass in one direction, and the encoder.
const OVERHEAD_BYTES_PER_PIXEL: u64 = 2;

/// How a picture fills its box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fit {
    /// As large as fits, shape kept.
    Contain,
    /// The same, but never larger than before.
    Inside,
    /// All of the box, the rest cut off.
    Cover,
    /// All of the box, shape given up.
    Fill,
}

/// What the parameters ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target {
    width: Option<u32>,
    height: Option<u32>,
    fit: Fit,
}

impl Target {
    /// A box of this side, for pictures that are larger.
    pub(super) fn inside(side: u32) -> Target {
        Target { width: Some(side), height: Some(side), fit: Fit::Inside }
    }

    pub(super) fn of(params: &Params) -> Target {
        let side = |name| params.int(name).and_then(|side| u32::try_from(side).ok());
        let fit = match params.text("fit") {
            Some("inside") => Fit::Inside,
            Some("cover") => Fit::Cover,
            Some("fill") => Fit::Fill,
            _ => Fit::Contain,
        };
        Target { width: side("width"), height: side("height"), fit }
    }

    /// Width and height of the result of a picture of this size.
    fn size(self, width: u32, height: u32) -> (u32, u32) {
        let follow = |side: u32, to: u32, of: u32| {
            let rounded = (u64::from(side) * u64::from(to) + u64::from(of) / 2) / u64::from(of);
            u32::try_from(rounded.max(1)).unwrap_or(u32::MAX)
        };
        let inside = |(new_width, new_height)| {
            let is_larger = new_width > width || new_height > height;
            if self.fit == Fit::Inside && is_larger {
                (width, height)
            } else {
                (new_width, new_height)
            }
        };
        match (self.width, self.height) {
            (None, None) => (width, height),
            (Some(to), None) => inside((to, follow(height, to, width))),
            (None, Some(to)) => inside((follow(width, to, height), to)),
            (Some(box_width), Some(box_height)) => match self.fit {
                Fit::Cover | Fit::Fill => (box_width, box_height),
                Fit::Contain | Fit::Inside => {
                    // The side that touches the box first decides.
                    let is_wider = u64::from(width) * u64::from(box_height)
                        >= u64::from(height) * u64::from(box_width);
                    inside(if is_wider {
                        (box_width, follow(height, box_width, width))
                    } else {
                        (follow(width, box_height, height), box_height)
                    })
                }
            },
        }
    }
}

/// The picture in the wanted size.
pub(super) fn scale(picture: Picture, target: &Target) -> Result<Picture, Failure> {
    if target.size(picture.width, picture.height) == (picture.width, picture.height) {
        return Ok(picture);
    }
    scaled(&picture, target)
}

/// A copy in the wanted size.
pub(super) fn scaled(picture: &Picture, target: &Target) -> Result<Picture, Failure> {
    let (width, height) = target.size(picture.width, picture.height);
    let mut options = lanczos();
    if target.fit == Fit::Cover {
        options = options.fit_into_destination(None);
    }
    resized(picture, width, height, &options)
}

/// A copy of exactly this size, whatever becomes of the shape.
pub(crate) fn squeeze(picture: &Picture, width: u32, height: u32) -> Result<Picture, Failure> {
    resized(picture, width, height, &lanczos())
}

fn lanczos() -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
}

fn resized(
    picture: &Picture,
    width: u32,
    height: u32,
    options: &ResizeOptions,
) -> Result<Picture, Failure> {
    let layout = picture.layout;
    let channels = layout.channel_count();
    check_size(width.into(), height.into(), channels as u64 + OVERHEAD_BYTES_PER_PIXEL)?;
    let kind = match layout {
        Layout::Grey => PixelType::U8,
        Layout::Rgb => PixelType::U8x3,
        Layout::Rgba => PixelType::U8x4,
    };
    let mut bytes = zeroed(width as usize * height as usize * channels)?;
    let from = ImageRef::new(picture.width, picture.height, &picture.bytes, kind);
    let from = from.map_err(|error| refused(&error))?;
    let to = Image::from_slice_u8(width, height, &mut bytes, kind);
    let mut to = to.map_err(|error| refused(&error))?;
    Resizer::new().resize(&from, &mut to, options).map_err(|error| refused(&error))?;
    Ok(Picture { width, height, layout, bytes })
}

fn refused(error: &dyn std::fmt::Display) -> Failure {
    Failure::rejected(
        "image_not_scaled",
        format!("the picture cannot be scaled: {error}"),
        "Choose another width and height.",
    )
}
