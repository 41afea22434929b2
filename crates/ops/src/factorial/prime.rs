//! Arithmetic modulo the prime of the transform; values stay redundant where that saves a step.

/// A prime, 22,369,617 · 3 · 2^36 + 1: it has roots of unity of order 3 · 2^k for k up to 36.
pub(super) const PRIME: u64 = 0x3fff_ff30_0000_0001;
const GENERATOR: u64 = 5;
/// -1/PRIME modulo 2^64: a step of Newton's iteration doubles the right bits, and 3 are given.
const PRIME_INVERSE: u64 = {
    let mut inverse = PRIME;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(PRIME.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
};

/// A constant factor with its quotient by PRIME, so that multiplying needs no division (Shoup).
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor {
    pub(super) value: u64,
    quotient: u64,
}

impl Factor {
    /// The factor `value`, which is below PRIME.
    pub(super) const fn new(value: u64) -> Factor {
        let quotient = ((value as u128) << 64) / PRIME as u128;
        Factor { value, quotient: quotient as u64 }
    }

    /// `x` times this factor, below 2 · PRIME; `x` is any number.
    #[inline(always)]
    pub(super) fn times(self, x: u64) -> u64 {
        let quotient = ((u128::from(self.quotient) * u128::from(x)) >> 64) as u64;
        self.value.wrapping_mul(x).wrapping_sub(quotient.wrapping_mul(PRIME))
    }
}

/// A number below 4 · PRIME as one below PRIME.
#[inline(always)]
pub(super) fn reduced(value: u64) -> u64 {
    let value = if value >= 2 * PRIME { value - 2 * PRIME } else { value };
    if value >= PRIME { value - PRIME } else { value }
}

/// A number below 4 · PRIME as one below 2 · PRIME.
#[inline(always)]
pub(super) fn halved(value: u64) -> u64 {
    if value >= 2 * PRIME { value - 2 * PRIME } else { value }
}

/// a · b / 2^64 modulo PRIME, below PRIME; a and b are below PRIME (Montgomery's reduction).
#[inline(always)]
pub(super) fn montgomery(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let multiple = (product as u64).wrapping_mul(PRIME_INVERSE);
    let sum = product + u128::from(multiple) * u128::from(PRIME);
    let value = (sum >> 64) as u64;
    if value >= PRIME { value - PRIME } else { value }
}

/// a + b modulo PRIME; both are below it.
pub(super) fn add(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= PRIME { sum - PRIME } else { sum }
}

/// a - b modulo PRIME; both are below it.
pub(super) fn subtract(a: u64, b: u64) -> u64 {
    if a >= b { a - b } else { a + PRIME - b }
}

/// Half of a number below PRIME, modulo PRIME.
pub(super) fn halve(value: u64) -> u64 {
    if value & 1 == 0 { value / 2 } else { value / 2 + PRIME.div_ceil(2) }
}

/// a · b modulo PRIME; slow.
pub(super) fn product(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

/// A power modulo PRIME; slow.
pub(super) fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(result, base);
        }
        base = product(base, base);
        exponent >>= 1;
    }
    result
}

/// A root of unity of this order, which divides PRIME - 1.
pub(super) fn root_of_order(order: u64) -> u64 {
    power(GENERATOR, (PRIME - 1) / order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_have_their_order() {
        for order in [2, 3, 4, 12, 3 << 36] {
            let root = root_of_order(order);
            assert_eq!(power(root, order), 1);
            assert_ne!(power(root, order / 2), 1);
            assert!(order % 3 != 0 || power(root, order / 3) != 1);
        }
    }
}
