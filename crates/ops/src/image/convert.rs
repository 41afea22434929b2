//! Conversions between what decoders give and a [`Layout`]'s pixels, in place wherever pixels
//! shrink.

use super::picture::Layout;

/// Rec. 601 luma in 16-bit fixed point, as Pillow's `L24`.
pub(crate) fn luma(red: u8, green: u8, blue: u8) -> u8 {
    let sum = u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471;
    ((sum + 0x8000) >> 16) as u8
}

/// Luma and two differences of colour to red, green and blue, in place (JFIF's BT.601 over 0 to
/// 255), in 16-bit fixed point.
pub(super) fn ycc_to_rgb(mut bytes: Vec<u8>) -> Vec<u8> {
    let clamp = |value: i32| ((value + 0x8000) >> 16).clamp(0, 255) as u8;
    for pixel in bytes.as_chunks_mut::<3>().0 {
        let [luma, blue, red] = pixel.map(i32::from);
        let (luma, blue, red) = (luma << 16, blue - 128, red - 128);
        *pixel = [
            clamp(luma + 91_881 * red),
            clamp(luma - 22_554 * blue - 46_802 * red),
            clamp(luma + 116_130 * blue),
        ];
    }
    bytes
}

/// What a decoder gives: 8 bits a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Samples {
    /// Luma.
    Grey,
    /// Luma, alpha.
    GreyAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl Samples {
    /// Bytes of a pixel.
    pub(super) const fn channel_count(self) -> usize {
        match self {
            Samples::Grey => 1,
            Samples::GreyAlpha => 2,
            Samples::Rgb => 3,
            Samples::Rgba => 4,
        }
    }

    /// The layout that keeps what these hold; grey where that is wanted.
    pub(super) const fn layout(self, wanted: Layout) -> Layout {
        match (wanted, self) {
            (Layout::Grey, _) | (_, Samples::Grey) => Layout::Grey,
            (_, Samples::Rgb) => Layout::Rgb,
            (_, Samples::GreyAlpha | Samples::Rgba) => Layout::Rgba,
        }
    }

    /// Whether pixels of `layout` take no more room than these.
    pub(super) const fn shrinks_to(self, layout: Layout) -> bool {
        layout.channel_count() <= self.channel_count()
    }

    /// Writes the pixels of `from` in `layout` to `to`.
    pub(super) fn write(self, from: &[u8], layout: Layout, to: &mut [u8]) {
        match (self, layout) {
            (Samples::Rgb, Layout::Grey) => {
                for (pixel, grey) in from.as_chunks::<3>().0.iter().zip(to) {
                    *grey = luma(pixel[0], pixel[1], pixel[2]);
                }
            }
            (Samples::Rgba, Layout::Grey) => {
                for (pixel, grey) in from.as_chunks::<4>().0.iter().zip(to) {
                    *grey = luma(pixel[0], pixel[1], pixel[2]);
                }
            }
            (Samples::GreyAlpha, Layout::Grey) => {
                for (pixel, grey) in from.as_chunks::<2>().0.iter().zip(to) {
                    *grey = pixel[0];
                }
            }
            (Samples::GreyAlpha, Layout::Rgba) => {
                let pixels = from.as_chunks::<2>().0.iter();
                for ([grey, alpha], pixel) in pixels.zip(to.as_chunks_mut::<4>().0) {
                    *pixel = [*grey, *grey, *grey, *alpha];
                }
            }
            // The same pixels on both sides: `layout` comes from `Samples::layout`.
            _ => to.copy_from_slice(from),
        }
    }

    /// Makes a whole picture grey in the memory that it has.
    pub(super) fn into_grey(self, mut bytes: Vec<u8>) -> Vec<u8> {
        // Pieces small enough for a copy on the stack, so that the loop needs no index arithmetic.
        const PIECE_PIXELS: usize = 1_024;
        let channels = self.channel_count();
        if self == Samples::Grey {
            return bytes;
        }
        let count = bytes.len() / channels;
        let mut piece = [0_u8; PIECE_PIXELS];
        for start in (0..count).step_by(PIECE_PIXELS) {
            let end = (start + PIECE_PIXELS).min(count);
            let piece = &mut piece[..end - start];
            self.write(&bytes[start * channels..end * channels], Layout::Grey, piece);
            bytes[start..end].copy_from_slice(piece);
        }
        bytes.truncate(count);
        bytes.shrink_to_fit();
        bytes
    }
}
