//! Whole numbers in base 1,000,000: multiplied as they are, so that writing their digits costs
//! nothing. Turning a binary number of this size into digits takes longer than making it.

use super::prime::{PRIME, add, halve, subtract};
use super::split::Half;
use super::transform::{Transform, length_for, multiply_values, square_values, unscale};

/// Value of a limb's place.
const BASE: u64 = 1_000_000;
/// Bytes of an encoded limb.
const LIMB_BYTES: usize = 3;
/// Decimal digits of a limb.
const LIMB_DIGITS: usize = 6;
/// Up to so many limbs of the shorter factor, every limb is multiplied with every other.
const SCHOOLBOOK_LIMB_COUNT_MAX: usize = 160;
/// Limbs of the shorter factor. Limbs enter a transform as -500,000 to 500,000; sums of so many
/// products of two must lie between -PRIME/2 and PRIME/2.
const TRANSFORM_LIMB_COUNT_MAX: u64 = PRIME / 2 / (BASE / 2 * (BASE / 2));

/// A whole number, not negative.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Decimal {
    /// Lowest first; the highest is not 0.
    limbs: Vec<u32>,
}

/// Multiplies; keeps what transforms share.
#[derive(Debug)]
pub(super) struct Multiplier {
    transform: Transform,
}

impl Decimal {
    /// 1.
    pub(super) fn one() -> Decimal {
        Decimal { limbs: vec![1] }
    }

    /// Multiplies by a number of at most 43 bits.
    pub(super) fn multiply_small(&mut self, factor: u64) {
        debug_assert!(factor < 1 << 43, "a limb times it, and what is carried, fit 64 bits");
        let mut carry = 0;
        for limb in &mut self.limbs {
            let sum = u64::from(*limb) * factor + carry;
            *limb = (sum % BASE) as u32;
            carry = sum / BASE;
        }
        while carry > 0 {
            self.limbs.push((carry % BASE) as u32);
            carry /= BASE;
        }
    }

    /// How many limbs it has.
    pub(super) fn limb_count(&self) -> usize {
        self.limbs.len()
    }

    /// Its digits, highest first, then so many zeros, then `end`.
    pub(super) fn write(&self, zero_count: usize, end: &[u8]) -> Vec<u8> {
        let (highest, others) = self.limbs.split_last().expect("a number has a limb");
        let highest = highest.to_string();
        let digit_count = highest.len() + others.len() * LIMB_DIGITS;
        let mut text = Vec::with_capacity(digit_count + zero_count + end.len());
        text.extend_from_slice(highest.as_bytes());
        for limb in others.iter().rev() {
            let mut digits = [b'0'; LIMB_DIGITS];
            let mut rest = *limb;
            for digit in digits.iter_mut().rev() {
                *digit += (rest % 10) as u8;
                rest /= 10;
            }
            text.extend_from_slice(&digits);
        }
        text.resize(digit_count + zero_count, b'0');
        text.extend_from_slice(end);
        text
    }

    /// Three bytes for each limb, lowest first.
    pub(super) fn encode(&self) -> Vec<u8> {
        self.limbs.iter().flat_map(|limb| limb.to_le_bytes().into_iter().take(LIMB_BYTES)).collect()
    }

    /// The reverse of [`Decimal::encode`]; `None` for anything else, and for what is too long to be
    /// multiplied.
    pub(super) fn decode(bytes: &[u8]) -> Option<Decimal> {
        if (bytes.len() / LIMB_BYTES) as u64 >= TRANSFORM_LIMB_COUNT_MAX {
            return None;
        }
        let chunks = bytes.chunks_exact(LIMB_BYTES);
        let is_whole = chunks.remainder().is_empty();
        let limbs: Vec<u32> = chunks.map(|c| u32::from_le_bytes([c[0], c[1], c[2], 0])).collect();
        let is_number = limbs.iter().all(|limb| u64::from(*limb) < BASE)
            && limbs.last().is_some_and(|highest| *highest > 0);
        (is_whole && is_number).then_some(Decimal { limbs })
    }

    /// The number whose coefficients are these, lowest first, each below 2^63.
    fn carried(sums: impl Iterator<Item = u64>) -> Decimal {
        let mut carry = 0;
        let mut limbs = Vec::with_capacity(sums.size_hint().0 + 1);
        for sum in sums {
            let sum = sum + carry;
            limbs.push((sum % BASE) as u32);
            carry = sum / BASE;
        }
        while carry > 0 {
            limbs.push((carry % BASE) as u32);
            carry /= BASE;
        }
        while limbs.len() > 1 && limbs.last() == Some(&0) {
            limbs.pop();
        }
        Decimal { limbs }
    }
}

impl Multiplier {
    pub(super) fn new() -> Multiplier {
        Multiplier { transform: Transform::new() }
    }

    /// The product of two numbers.
    pub(super) fn multiply(&mut self, a: &Decimal, b: &Decimal) -> Decimal {
        let shorter = a.limb_count().min(b.limb_count());
        if shorter <= SCHOOLBOOK_LIMB_COUNT_MAX {
            return schoolbook(a, b);
        }
        self.transformed(a, (a != b).then_some(b))
    }

    /// A number times itself.
    pub(super) fn square(&mut self, a: &Decimal) -> Decimal {
        if a.limb_count() <= SCHOOLBOOK_LIMB_COUNT_MAX {
            return schoolbook(a, a);
        }
        self.transformed(a, None)
    }

    /// `a` times `b` modulo x^L - 1 or x^L + 1, where 2L limbs hold the product: [`join_halves`]
    /// makes it of both.
    pub(super) fn half_product(&mut self, a: &Decimal, b: &Decimal, which: Half) -> Vec<u64> {
        let length = value_count(a, b).next_power_of_two().max(8);
        let block = usize::from(which == Half::Plus);
        let mut halves = [a, b].map(|number| {
            let values = balanced(number, length);
            let (low, high) = values.split_at(length / 2);
            let folded = low.iter().zip(high).map(|(low, high)| match which {
                Half::Minus => add(*low, *high),
                Half::Plus => subtract(*low, *high),
            });
            let mut folded: Vec<u64> = folded.collect();
            self.transform.forward_block(&mut folded, block);
            folded
        });
        let [values, others] = &mut halves;
        multiply_values(values, others);
        self.transform.backward_block(values, block);
        let unscaled = unscale(length / 2);
        values.iter().map(|value| unscaled(*value)).collect()
    }

    /// `a` times `b`, or `a` times itself.
    fn transformed(&mut self, a: &Decimal, b: Option<&Decimal>) -> Decimal {
        let count = value_count(a, b.unwrap_or(a));
        let length = length_for(count);
        let mut values = balanced(a, length);
        self.transform.forward(&mut values);
        match b {
            None => square_values(&mut values),
            Some(b) => {
                let mut others = balanced(b, length);
                self.transform.forward(&mut others);
                multiply_values(&mut values, &others);
            }
        }
        self.transform.backward(&mut values);
        let unscaled = unscale(length);
        let values = values[..count].iter().map(|value| unscaled(*value));
        unbalanced(values).expect("a product has no more limbs than its factors")
    }
}

/// The product of which these are both halves; `None` where there is no such number.
pub(super) fn join_halves(minus: &[u64], plus: &[u64]) -> Option<Decimal> {
    let low = minus.iter().zip(plus).map(|(minus, plus)| halve(add(*minus, *plus)));
    let high = minus.iter().zip(plus).map(|(minus, plus)| halve(subtract(*minus, *plus)));
    unbalanced(low.chain(high))
}

/// How many values hold the product of two numbers; a balanced number may be one limb longer.
fn value_count(a: &Decimal, b: &Decimal) -> usize {
    let shorter = a.limb_count().min(b.limb_count());
    assert!((shorter as u64) < TRANSFORM_LIMB_COUNT_MAX, "sums of products fit the prime");
    a.limb_count() + b.limb_count() + 2
}

/// Limbs from -500,000 to 500,000 modulo PRIME, and zeros up to a length.
fn balanced(number: &Decimal, length: usize) -> Vec<u64> {
    let mut carry = 0;
    let mut values = Vec::with_capacity(length);
    for limb in &number.limbs {
        let limb = u64::from(*limb) + carry;
        let is_high = limb >= BASE / 2;
        values.push(if is_high { PRIME - BASE + limb } else { limb });
        carry = u64::from(is_high);
    }
    values.push(carry);
    // BASE itself, carried on, is 0 here.
    for value in &mut values {
        *value = if *value == PRIME { 0 } else { *value };
    }
    values.resize(length, 0);
    values
}

/// The number whose coefficients are these, lowest first, those above PRIME/2 negative; `None`
/// where it is longer, or negative.
fn unbalanced(sums: impl Iterator<Item = u64>) -> Option<Decimal> {
    let mut carry = 0_i64;
    let mut limbs = Vec::with_capacity(sums.size_hint().0);
    for sum in sums {
        let signed = if sum > PRIME / 2 { sum as i64 - PRIME as i64 } else { sum as i64 };
        let sum = signed + carry;
        limbs.push(sum.rem_euclid(BASE as i64) as u32);
        carry = sum.div_euclid(BASE as i64);
    }
    while limbs.len() > 1 && limbs.last() == Some(&0) {
        limbs.pop();
    }
    (carry == 0 && !limbs.is_empty()).then_some(Decimal { limbs })
}

fn schoolbook(a: &Decimal, b: &Decimal) -> Decimal {
    let (short, long) = if a.limb_count() < b.limb_count() { (a, b) } else { (b, a) };
    let mut sums = vec![0_u64; short.limb_count() + long.limb_count() - 1];
    for (index, limb) in short.limbs.iter().enumerate() {
        for (sum, other) in sums[index..].iter_mut().zip(&long.limbs) {
            *sum += u64::from(*limb) * u64::from(*other);
        }
    }
    Decimal::carried(sums.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(limbs: &[u32]) -> Decimal {
        Decimal::carried(limbs.iter().map(|limb| u64::from(*limb)))
    }

    fn text(number: &Decimal) -> String {
        String::from_utf8(number.write(0, b"")).expect("digits")
    }

    #[test]
    fn digits_are_written_with_the_zeros_between() {
        assert_eq!(text(&number(&[7, 0, 12])), "12000000000007");
        assert_eq!(number(&[7]).write(3, b"\n"), b"7000\n");
        assert_eq!(text(&number(&[0, 0])), "0");
    }

    #[test]
    fn small_factors_carry_to_the_end() {
        let mut number = number(&[999_999, 999_999]);
        number.multiply_small((1 << 43) - 1);
        // 999999999999 * 8796093022207, by Python.
        assert_eq!(text(&number), "8796093022198203906977793");
    }

    proptest! {
        #[test]
        fn transforms_agree_with_the_schoolbook(
            a in prop::collection::vec(prop_oneof![0..1_000_000_u32, Just(999_999), Just(500_000),
                                                   Just(499_999)], 1..400),
            b in prop::collection::vec(0..1_000_000_u32, 1..400),
        ) {
            let (a, b) = (number(&a), number(&b));
            let mut multiplier = Multiplier::new();
            prop_assert_eq!(multiplier.transformed(&a, Some(&b)), schoolbook(&a, &b));
            prop_assert_eq!(multiplier.transformed(&a, None), schoolbook(&a, &a));
        }
    }
}
