//! A picture to draw figures on: rectangles, lines, text, written as PNG.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use windlass_core::Failure;

/// Red, green, blue.
pub(super) type Color = [u8; 3];

pub(super) const WHITE: Color = [255, 255, 255];
pub(super) const INK: Color = [51, 51, 51];
pub(super) const PALE: Color = [214, 214, 214];

const WEIGHT: FontWeight = FontWeight::Regular;
const HEIGHT: RasterHeight = RasterHeight::Size16;
/// Height of a line of text in pixels, and width of a letter.
pub(super) const TEXT_HEIGHT: usize = HEIGHT.val();
pub(super) const TEXT_WIDTH: usize = get_raster_width(WEIGHT, HEIGHT);

/// Where a text lies beside the point that it is written at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Canvas {
        Canvas { width, height, pixels: vec![WHITE[0]; width * height * 3] }
    }

    /// Sets a pixel; one outside the picture is left out.
    pub(super) fn set(&mut self, x: usize, y: usize, color: Color) {
        if x < self.width && y < self.height {
            let at = (y * self.width + x) * 3;
            self.pixels[at..at + 3].copy_from_slice(&color);
        }
    }

    /// Lays a colour over a pixel; `cover` of 255 hides what was there.
    fn blend(&mut self, x: usize, y: usize, color: Color, cover: u8) {
        if x >= self.width || y >= self.height {
            return;
        }
        let at = (y * self.width + x) * 3;
        for (under, over) in self.pixels[at..at + 3].iter_mut().zip(color) {
            let (below, above) = (u32::from(*under), u32::from(over));
            let cover = u32::from(cover);
            *under = ((below * (255 - cover) + above * cover + 127) / 255) as u8;
        }
    }

    /// A vertical line of both ends.
    pub(super) fn column(&mut self, x: usize, top: usize, bottom: usize, color: Color) {
        for y in top..=bottom {
            self.set(x, y, color);
        }
    }

    /// A horizontal line of both ends.
    pub(super) fn row(&mut self, y: usize, left: usize, right: usize, color: Color) {
        for x in left..=right {
            self.set(x, y, color);
        }
    }

    /// Writes a line of text whose top is at `y`.
    pub(super) fn text(&mut self, x: usize, y: usize, text: &str, align: Align) {
        let width = text.chars().count() * TEXT_WIDTH;
        let mut left = match align {
            Align::Left => x,
            Align::Center => x.saturating_sub(width / 2),
            Align::Right => x.saturating_sub(width),
        };
        for letter in text.chars() {
            if let Some(raster) = get_raster(letter, WEIGHT, HEIGHT) {
                for (row, covers) in raster.rows().enumerate() {
                    for (column, cover) in covers.iter().enumerate() {
                        self.blend(left + column, y + row, INK, *cover);
                    }
                }
            }
            left += TEXT_WIDTH;
        }
    }

    /// Writes a line of text on a white ground, for places that are drawn on.
    pub(super) fn label(&mut self, x: usize, y: usize, text: &str) {
        let width = text.chars().count() * TEXT_WIDTH;
        for row in y..y + TEXT_HEIGHT + 2 {
            self.row(row, x, x + width + 5, WHITE);
        }
        self.text(x + 3, y + 1, text, Align::Left);
    }

    /// Writes a line of text from the bottom up, whose middle is at `y`.
    pub(super) fn text_upwards(&mut self, x: usize, y: usize, text: &str) {
        let mut bottom = y + text.chars().count() * TEXT_WIDTH / 2;
        for letter in text.chars() {
            if let Some(raster) = get_raster(letter, WEIGHT, HEIGHT) {
                for (row, covers) in raster.rows().enumerate() {
                    for (column, cover) in covers.iter().enumerate() {
                        self.blend(x + row, bottom.saturating_sub(column), INK, *cover);
                    }
                }
            }
            bottom = bottom.saturating_sub(TEXT_WIDTH);
        }
    }

    /// The PNG file.
    pub(super) fn encode(&self) -> Result<Vec<u8>, Failure> {
        let failed = |error: png::EncodingError| {
            Failure::rejected(
                "picture_not_encoded",
                format!("the picture cannot be written: {error}"),
                "Leave `waveform` and `spectrogram` away.",
            )
        };
        let (width, height) = (self.width as u32, self.height as u32);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }
}
