//! The mutator: its randomness, and damage that knows nothing of formats.

use std::ops::Range;

/// Longest block that is removed, copied or moved at once.
const BLOCK_BYTES_MAX: usize = 2_048;
/// Values that length fields, counts and offsets are set to.
const NUMBERS: &[u64] =
    &[0, 1, 2, 7, 8, 255, 256, 65_535, 65_536, 0x7FFF_FFFF, 0xFFFF_FFFF, u64::MAX];

/// A source of damage (SplitMix64, by Sebastiano Vigna).
pub(crate) struct Mutator {
    state: u64,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Mutator {
        Mutator { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, without it; 0 where there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % (end as u64).max(1)) as usize
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).copied()
    }

    /// A place of a short block.
    fn block(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.below(bytes.len());
        let length = self.below((bytes.len() - start).min(BLOCK_BYTES_MAX) + 1);
        start..start + length
    }

    /// Damage that knows nothing of formats.
    pub(crate) fn damage(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let (at, block) = (self.below(bytes.len()), self.block(bytes));
        match self.below(11) {
            0 => {
                for _ in 0..=self.below(8) {
                    let at = self.below(bytes.len());
                    bytes[at] ^= 1 << self.below(8);
                }
            }
            1 => bytes[at] = self.next() as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(block)),
            4 => {
                let repeated = bytes[block.clone()].repeat(1 + self.below(64));
                drop(bytes.splice(block.end..block.end, repeated));
            }
            5 => {
                bytes.truncate(at);
                bytes.extend_from_slice(&other[self.below(other.len())..]);
            }
            6 => {
                let from = self.block(other);
                let lent = other[from].to_vec();
                drop(bytes.splice(block, lent));
            }
            7 => bytes[block].fill(0),
            8 => self.number(bytes, at),
            9 => self.varint(bytes, at),
            _ => self.decimal(bytes, at),
        }
    }

    /// Sets a binary field.
    pub(super) fn number(&mut self, bytes: &mut [u8], at: usize) {
        let width = [1, 2, 4, 8][self.below(4)];
        let value = self.pick(NUMBERS).unwrap_or(0);
        let little = value.to_le_bytes();
        let big = value.to_be_bytes();
        let field = if self.below(2) == 0 { &little[..width] } else { &big[8 - width..] };
        for (byte, new) in bytes[at..].iter_mut().zip(field) {
            *byte = *new;
        }
    }

    /// Puts a number in seven bits a byte in the place of a byte, as `postcard` writes lengths.
    fn varint(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let mut left = self.pick(NUMBERS).unwrap_or(0);
        let mut field = Vec::new();
        while left > 0x7F {
            field.push(left as u8 | 0x80);
            left >>= 7;
        }
        field.push(left as u8);
        drop(bytes.splice(at..=at, field));
    }

    /// Replaces the next number written in decimal digits.
    pub(super) fn decimal(&mut self, bytes: &mut Vec<u8>, from: usize) {
        let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit) else { return };
        let start = from + start;
        let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let old: u64 = text(&bytes[start..start + digits]).parse().unwrap_or(0);
        let new = match self.below(6) {
            0 => old.saturating_add(1).to_string(),
            1 => old.saturating_sub(1).to_string(),
            2 => format!("-{old}"),
            3 => old.saturating_mul(1_000).to_string(),
            4 => "99999999999999999999".to_owned(),
            _ => self.pick(NUMBERS).unwrap_or(0).to_string(),
        };
        drop(bytes.splice(start..start + digits, new.into_bytes()));
    }
}

/// Bytes as text, for reading ASCII in them.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
