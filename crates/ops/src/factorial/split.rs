//! A factorial over several workers, as functions from bytes to bytes: parts, halves, digits.
//!
//! Each of `count` tasks multiplies its share of the prime powers ([`part`]); shares are multiplied
//! in pairs ([`pair`]) until two are left. Their product is the longest step, so two tasks share
//! it: one calculates it modulo x^L - 1, the other modulo x^L + 1 ([`half`]), L limbs being half of
//! what the product needs. The last task puts these together and writes the digits ([`digits`]):
//! all that it does is linear.

use super::decimal::{Decimal, Multiplier, join_halves};
use super::prime::PRIME;
use super::product::{Power, multiply_out, powers_of_factorial};
use thiserror::Error;

/// Which half of the product of two parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// Modulo x^L - 1.
    Minus,
    /// Modulo x^L + 1.
    Plus,
}

/// Bytes that are no result of an earlier phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{what} is damaged")]
pub struct SplitError {
    what: &'static str,
}

const PART: SplitError = SplitError { what: "a part of the product" };
const HALF: SplitError = SplitError { what: "a half of the product" };

/// Bytes of a residue.
const RESIDUE_BYTES: usize = 8;

/// The product of share `index` of `count`; three bytes for each limb, lowest first. `goes_on` is
/// asked before each long step; `None` where it says no.
#[must_use]
pub fn part(
    n: u64,
    index: usize,
    count: usize,
    goes_on: &mut dyn FnMut() -> bool,
) -> Option<Vec<u8>> {
    let all = powers_of_factorial(n).powers;
    // Neighbours have nearly equal powers: every share is as long as the others.
    let share: Vec<Power> = all.into_iter().skip(index).step_by(count.max(1)).collect();
    multiply_out(&share, &mut Multiplier::new(), goes_on).map(|product| product.encode())
}

/// The product of two parts, as a part.
///
/// # Errors
/// What is given is no part.
pub fn pair(a: &[u8], b: &[u8]) -> Result<Vec<u8>, SplitError> {
    let (a, b) = (Decimal::decode(a).ok_or(PART)?, Decimal::decode(b).ok_or(PART)?);
    Ok(Multiplier::new().multiply(&a, &b).encode())
}

/// One half of the product of two parts; eight bytes for each of L residues.
///
/// # Errors
/// What is given is no part.
pub fn half(a: &[u8], b: &[u8], which: Half) -> Result<Vec<u8>, SplitError> {
    let (a, b) = (Decimal::decode(a).ok_or(PART)?, Decimal::decode(b).ok_or(PART)?);
    let residues = Multiplier::new().half_product(&a, &b, which);
    Ok(residues.into_iter().flat_map(u64::to_le_bytes).collect())
}

/// The digits of n! from both halves, and the end of the line.
///
/// # Errors
/// What is given are no two halves of one product.
pub fn digits(n: u64, minus: &[u8], plus: &[u8]) -> Result<Vec<u8>, SplitError> {
    if minus.len() != plus.len() {
        return Err(HALF);
    }
    let number = join_halves(&residues(minus)?, &residues(plus)?).ok_or(HALF)?;
    let zero_count = powers_of_factorial(n).zero_count;
    Ok(number.write(usize::try_from(zero_count).expect("n is bounded"), b"\n"))
}

fn residues(bytes: &[u8]) -> Result<Vec<u64>, SplitError> {
    let chunks = bytes.chunks_exact(RESIDUE_BYTES);
    if !chunks.remainder().is_empty() {
        return Err(HALF);
    }
    let values = chunks.map(|chunk| u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
    values.map(|value| if value < PRIME { Ok(value) } else { Err(HALF) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(n: u64) -> Vec<u8> {
        let wanted = powers_of_factorial(n);
        let number = multiply_out(&wanted.powers, &mut Multiplier::new(), &mut || true);
        number.expect("it goes on").write(usize::try_from(wanted.zero_count).expect("small"), b"\n")
    }

    fn over_workers(n: u64, count: usize) -> Vec<u8> {
        let mut parts: Vec<Vec<u8>> =
            (0..count).map(|index| part(n, index, count, &mut || true).expect("made")).collect();
        while parts.len() > 2 {
            let (last, before) = (parts.pop().expect("three"), parts.pop().expect("three"));
            parts.insert(0, pair(&before, &last).expect("parts"));
        }
        let half = |which| half(&parts[0], &parts[1], which).expect("parts");
        digits(n, &half(Half::Minus), &half(Half::Plus)).expect("halves")
    }

    #[test]
    fn the_smallest_have_nothing_to_share() {
        for n in 0..30 {
            assert_eq!(over_workers(n, 2), whole(n), "{n}!");
        }
    }

    #[test]
    fn what_no_phase_wrote_is_refused() {
        let good = part(50, 0, 2, &mut || true).expect("made");
        let too_long = vec![1; 30_000_000];
        for bad in [&good[..good.len() - 1], &[0xff; 3], &[], &[1, 0, 0, 0, 0, 0], &too_long] {
            assert_eq!(half(&good, bad, Half::Plus), Err(PART));
            assert_eq!(pair(bad, &good), Err(PART));
        }
        let residues = half(&good, &good, Half::Plus).expect("a part");
        for bad in [&residues[8..], &residues[1..], &vec![0xff; residues.len()][..]] {
            assert_eq!(digits(50, &residues, bad), Err(HALF));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_digits_are_those_of_one_worker(n in 0..5_000_u64, count in 2..6_usize) {
            prop_assert_eq!(over_workers(n, count), whole(n));
        }
    }
}
