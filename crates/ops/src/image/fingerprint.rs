//! Fingerprints that stay nearly the same when a picture is scaled, compressed or brightened: two
//! pictures look alike where few of the 64 bits differ.
//!
//! Both are those of Python's ImageHash 4.3 (`phash`, `dhash` of size 8), bit for bit but for what
//! the last digit of the scaling decides.

use super::picture::Picture;
use super::scale::squeeze;
use std::f64::consts::PI;
use windlass_core::Failure;

/// Bits of a row and of a column.
const SIDE: usize = 8;
/// Pixels of a side that `phash` looks at.
const PHASH_SIDE: usize = 32;

/// The lowest frequencies of the picture: whether each is above their median.
pub(super) fn phash(grey: &Picture) -> Result<String, Failure> {
    let small = squeeze(grey, PHASH_SIDE as u32, PHASH_SIDE as u32)?;
    let pixel = |x: usize, y: usize| f64::from(small.bytes[y * PHASH_SIDE + x]);
    // DCT-II, of which the lowest frequencies are wanted: down the columns, then along the rows.
    let wave = |frequency: usize, at: usize| {
        (PI * frequency as f64 * (2 * at + 1) as f64 / (2 * PHASH_SIDE) as f64).cos()
    };
    let down = |v: usize, x: usize| (0..PHASH_SIDE).map(|y| pixel(x, y) * wave(v, y)).sum::<f64>();
    let mut frequencies = [0.0; SIDE * SIDE];
    for v in 0..SIDE {
        let row: [f64; PHASH_SIDE] = std::array::from_fn(|x| down(v, x));
        for u in 0..SIDE {
            frequencies[v * SIDE + u] = row.iter().enumerate().map(|(x, y)| y * wave(u, x)).sum();
        }
    }
    let mut sorted = frequencies;
    sorted.sort_by(f64::total_cmp);
    let median = f64::midpoint(sorted[SIDE * SIDE / 2 - 1], sorted[SIDE * SIDE / 2]);
    Ok(hex(frequencies.map(|value| value > median)))
}

/// Whether the picture grows brighter from each of 9 x 8 pixels to the one on its right.
pub(super) fn dhash(grey: &Picture) -> Result<String, Failure> {
    let small = squeeze(grey, SIDE as u32 + 1, SIDE as u32)?;
    let brighter = |at: usize| {
        let left = at / SIDE * (SIDE + 1) + at % SIDE;
        small.bytes[left + 1] > small.bytes[left]
    };
    Ok(hex(std::array::from_fn(brighter)))
}

/// The first bit is the highest.
fn hex(bits: [bool; SIDE * SIDE]) -> String {
    let value = bits.into_iter().fold(0_u64, |value, bit| value << 1 | u64::from(bit));
    format!("{value:016x}")
}
