//! Turns a grey picture by any angle.

use crate::image::picture::{Layout, Picture, zeroed};
use windlass_core::Failure;

/// The picture turned counterclockwise about its middle, in a box that holds all of it; what was
/// outside is white. Between pixels it is interpolated linearly.
pub(super) fn turned(grey: &Picture, degrees: f64) -> Result<Picture, Failure> {
    /// Pixel positions in 16-bit fixed point.
    const ONE: f64 = 65_536.0;
    const WHITE: u8 = 255;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (f64::from(grey.width), f64::from(grey.height));
    let wide = (width * cos.abs() + height * sin.abs()).ceil() as u32;
    let high = (width * sin.abs() + height * cos.abs()).ceil() as u32;
    let mut bytes = zeroed(wide as usize * high as usize)?;
    let (right, down) = ((cos * ONE) as i64, (sin * ONE) as i64);
    let (columns, rows) = (i64::from(grey.width), i64::from(grey.height));
    let row_bytes = grey.width as usize;
    for (y, row) in bytes.chunks_exact_mut(wide as usize).enumerate() {
        // The middle of this row's first pixel, in the picture that is turned.
        let (x, y) = (0.5 - f64::from(wide) / 2.0, y as f64 + 0.5 - f64::from(high) / 2.0);
        let from_x = x * cos - y * sin + width / 2.0 - 0.5;
        let from_y = x * sin + y * cos + height / 2.0 - 0.5;
        let (mut x, mut y) = ((from_x * ONE) as i64, (from_y * ONE) as i64);
        for pixel in row {
            let (column, line) = (x >> 16, y >> 16);
            *pixel = if (0..columns - 1).contains(&column) && (0..rows - 1).contains(&line) {
                let at = line as usize * row_bytes + column as usize;
                let near = [at, at + 1, at + row_bytes, at + row_bytes + 1];
                blend(near.map(|at| grey.bytes[at]), (x & 0xffff) as u32, (y & 0xffff) as u32)
            } else {
                WHITE
            };
            x += right;
            y += down;
        }
    }
    Ok(Picture { width: wide, height: high, layout: Layout::Grey, bytes })
}

/// Between four pixels, by the position within them in 1/65536.
fn blend([a, b, c, d]: [u8; 4], x: u32, y: u32) -> u8 {
    // Eight bits of each position are enough for eight bits of brightness.
    let (x, y) = (x >> 8, y >> 8);
    let across = |left: u8, right: u8| u32::from(left) * (256 - x) + u32::from(right) * x;
    ((across(a, b) * (256 - y) + across(c, d) * y + 0x8000) >> 16) as u8
}
