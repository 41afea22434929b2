//! A term as it is compared and found.

use std::cmp::Ordering;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// A term's bytes; their order is that of code points. Most terms are short, or differ within their
/// first bytes, which stand beside as a number.
#[derive(Clone, Copy, Eq, Debug)]
pub(super) struct Term<'a> {
    head: u64,
    bytes: &'a [u8],
}

/// Bytes of a term that its head holds.
const HEAD_BYTES: usize = 8;

impl<'a> Term<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Term<'a> {
        Term::within(bytes, 0..bytes.len())
    }

    /// The term that lies there among others, which is found out in fewer steps.
    pub(super) fn within(all: &'a [u8], place: Range<usize>) -> Term<'a> {
        let bytes = &all[place.clone()];
        let head = match all[place.start..].first_chunk::<HEAD_BYTES>() {
            Some(chunk) => u64::from_be_bytes(*chunk) & !behind(bytes.len()),
            None => {
                let mut chunk = [0; HEAD_BYTES];
                chunk[..bytes.len()].copy_from_slice(bytes);
                u64::from_be_bytes(chunk)
            }
        };
        Term { head, bytes }
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The first eight bytes as a number, the first one highest; 0 where the term is shorter. Of
    /// two terms, one with a lower head comes first.
    pub(super) fn head(self) -> u64 {
        self.head
    }

    /// Where a table finds it.
    pub(super) fn hash(self) -> u64 {
        /// Odd, of about as many ones as noughts: 2^64 divided by the golden ratio.
        const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
        if self.bytes.len() > HEAD_BYTES {
            return xxh3_64(self.bytes);
        }
        // The upper half of a product depends on all bits of its factors.
        let product = u128::from(self.head ^ FACTOR) * u128::from(FACTOR ^ self.bytes.len() as u64);
        product as u64 ^ (product >> 64) as u64
    }

    fn tail(self) -> &'a [u8] {
        self.bytes.get(HEAD_BYTES..).unwrap_or_default()
    }
}

/// The bits of a head that a term of so many bytes leaves free.
fn behind(length: usize) -> u64 {
    if length < HEAD_BYTES { u64::MAX >> (8 * length) } else { 0 }
}

impl PartialEq for Term<'_> {
    fn eq(&self, other: &Term<'_>) -> bool {
        self.head == other.head
            && self.bytes.len() == other.bytes.len()
            && (self.bytes.len() <= HEAD_BYTES || self.tail() == other.tail())
    }
}

impl Ord for Term<'_> {
    fn cmp(&self, other: &Term<'_>) -> Ordering {
        self.head.cmp(&other.head).then_with(|| self.bytes.cmp(other.bytes))
    }
}

impl PartialOrd for Term<'_> {
    fn partial_cmp(&self, other: &Term<'_>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_ordered_and_equal_as_their_bytes_are() {
        let terms: [&[u8]; 13] = [
            b"",
            b"\0",
            b"\0\0",
            b"a",
            b"a\0",
            b"ab",
            b"abcdefgh",
            b"abcdefgh\0",
            b"abcdefghi",
            b"abcdefghij",
            b"abcdefgi",
            b"b",
            b"\xff",
        ];
        assert!(terms.is_sorted());
        for (at, left) in terms.iter().enumerate() {
            let among_others = [left, &b"z"[..], b"zzzzzzzz"].concat();
            for (position, right) in terms.iter().enumerate() {
                let left = Term::within(&among_others, 0..left.len());
                let right = Term::of(right);
                assert_eq!(left.cmp(&right), at.cmp(&position), "{left:?} {right:?}");
                assert_eq!(left == right, at == position, "{left:?} {right:?}");
                assert_eq!(left.hash() == right.hash(), at == position, "{left:?} {right:?}");
            }
        }
    }
}
