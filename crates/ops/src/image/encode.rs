//! From a picture to the bytes of a file.

use super::picture::{Layout, Picture};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use image_webp::WebPEncoder;
use windlass_core::Failure;
use windlass_core::media::Media;
use windlass_core::params::Params;

/// WebP writes a side in 14 bits.
const WEBP_SIDE_MAX: u32 = 16_383;

/// The file format of a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    Png,
    Jpeg {
        quality: u8,
    },
    /// Lossless.
    WebP,
}

impl Format {
    pub(super) fn of(params: &Params) -> Format {
        let quality = params.int("quality").and_then(|quality| u8::try_from(quality).ok());
        match params.text("format") {
            Some("jpeg") => Format::Jpeg { quality: quality.unwrap_or(85) },
            Some("webp") => Format::WebP,
            _ => Format::Png,
        }
    }

    pub(super) fn suffix(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg { .. } => "jpg",
            Format::WebP => "webp",
        }
    }

    pub(super) fn media(self) -> Media {
        match self {
            Format::Png => Media::Png,
            Format::Jpeg { .. } => Media::Jpeg,
            Format::WebP => Media::WebP,
        }
    }
}

pub(super) fn encode(picture: &Picture, format: Format) -> Result<Vec<u8>, Failure> {
    match format {
        Format::Png => png(picture).map_err(|error| refused(&error)),
        Format::Jpeg { quality } => jpeg(picture, quality).map_err(|error| refused(&error)),
        Format::WebP => {
            if picture.width.max(picture.height) > WEBP_SIDE_MAX {
                return Err(refused(&format!(
                    "WebP holds at most {WEBP_SIDE_MAX} pixels a side, this picture has {} x {}",
                    picture.width, picture.height
                )));
            }
            webp(picture).map_err(|error| refused(&error))
        }
    }
}

fn png(picture: &Picture) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_color(match picture.layout {
        Layout::Grey => png::ColorType::Grayscale,
        Layout::Rgb => png::ColorType::Rgb,
        Layout::Rgba => png::ColorType::Rgba,
    });
    // A tenth of zlib's time for a tenth more bytes.
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.bytes)?;
    writer.finish()?;
    Ok(out)
}

fn jpeg(picture: &Picture, quality: u8) -> Result<Vec<u8>, image::ImageError> {
    let mut out = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut out, quality);
    let (width, height) = (picture.width, picture.height);
    match picture.layout {
        Layout::Grey => encoder.encode(&picture.bytes, width, height, ExtendedColorType::L8)?,
        Layout::Rgb => encoder.encode(&picture.bytes, width, height, ExtendedColorType::Rgb8)?,
        Layout::Rgba => {
            let opaque = over_white(&picture.bytes);
            encoder.encode(&opaque, width, height, ExtendedColorType::Rgb8)?;
        }
    }
    Ok(out)
}

fn webp(picture: &Picture) -> Result<Vec<u8>, image_webp::EncodingError> {
    let mut out = Vec::new();
    let color = match picture.layout {
        Layout::Grey => image_webp::ColorType::L8,
        Layout::Rgb => image_webp::ColorType::Rgb8,
        Layout::Rgba => image_webp::ColorType::Rgba8,
    };
    WebPEncoder::new(&mut out).encode(&picture.bytes, picture.width, picture.height, color)?;
    Ok(out)
}

/// Transparent pixels laid over white.
fn over_white(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    for [red, green, blue, alpha] in bytes.as_chunks::<4>().0 {
        let alpha = u32::from(*alpha);
        let over =
            |channel: &u8| ((u32::from(*channel) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        out.extend([over(red), over(green), over(blue)]);
    }
    out
}

fn refused(error: &dyn std::fmt::Display) -> Failure {
    Failure::rejected(
        "image_not_encoded",
        format!("the result cannot be written in this format: {error}"),
        "Choose another format, or a smaller width and height.",
    )
}
