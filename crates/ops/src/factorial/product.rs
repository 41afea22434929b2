//! n! as a product of powers of primes, by squaring from the highest bit of the exponents down
//! (Borwein, "On the complexity of calculating factorials", 1985): half of the work is one square.

use super::decimal::{Decimal, Multiplier};

/// A prime and how often it is a factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Power {
    pub(super) prime: u64,
    pub(super) exponent: u64,
}

/// n! without its trailing zeros, as powers of primes in ascending order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Powers {
    pub(super) powers: Vec<Power>,
    /// How many factors 10 were taken away.
    pub(super) zero_count: u64,
}

/// Factors of one leaf of the product: limbs are multiplied by one factor after another there.
const LEAF_FACTOR_COUNT: usize = 48;
/// Products of small factors that [`Decimal::multiply_small`] takes at once.
const SMALL_BOUND: u64 = 1 << 43;

/// The powers of primes in n! (Legendre's formula), without the tens.
pub(super) fn powers_of_factorial(n: u64) -> Powers {
    let mut powers: Vec<Power> =
        primes_up_to(n).map(|prime| Power { prime, exponent: exponent_of(prime, n) }).collect();
    let zero_count = exponent_of(5, n);
    for power in powers.iter_mut().filter(|power| matches!(power.prime, 2 | 5)) {
        power.exponent -= zero_count;
    }
    powers.retain(|power| power.exponent > 0);
    Powers { powers, zero_count }
}

/// Multiplies powers out. `goes_on` is asked before each long step; `None` where it says no.
pub(super) fn multiply_out(
    powers: &[Power],
    multiplier: &mut Multiplier,
    goes_on: &mut dyn FnMut() -> bool,
) -> Option<Decimal> {
    let highest = powers.iter().map(|power| power.exponent).max().unwrap_or(0);
    let mut result = Decimal::one();
    for bit in (0..u64::BITS - highest.leading_zeros()).rev() {
        if !goes_on() {
            return None;
        }
        result = multiplier.square(&result);
        let factors: Vec<u64> = powers
            .iter()
            .filter(|power| power.exponent >> bit & 1 == 1)
            .map(|power| power.prime)
            .collect();
        let once = product_of(&gathered(&factors), multiplier);
        if !goes_on() {
            return None;
        }
        result = multiplier.multiply(&result, &once);
    }
    Some(result)
}

/// Neighbours multiplied while they stay small.
fn gathered(factors: &[u64]) -> Vec<u64> {
    let mut gathered: Vec<u64> = Vec::with_capacity(factors.len() / 2 + 1);
    for factor in factors {
        match gathered.last_mut() {
            Some(last) if *last * factor < SMALL_BOUND => *last *= factor,
            _ => gathered.push(*factor),
        }
    }
    gathered
}

fn product_of(factors: &[u64], multiplier: &mut Multiplier) -> Decimal {
    if factors.len() <= LEAF_FACTOR_COUNT {
        let mut product = Decimal::one();
        factors.iter().for_each(|factor| product.multiply_small(*factor));
        return product;
    }
    let (low, high) = factors.split_at(factors.len() / 2);
    let (low, high) = (product_of(low, multiplier), product_of(high, multiplier));
    multiplier.multiply(&low, &high)
}

fn exponent_of(prime: u64, n: u64) -> u64 {
    let mut exponent = 0;
    let mut rest = n / prime;
    while rest > 0 {
        exponent += rest;
        rest /= prime;
    }
    exponent
}

/// The sieve of Eratosthenes over odd numbers.
fn primes_up_to(n: u64) -> impl Iterator<Item = u64> {
    let count = usize::try_from(n.saturating_sub(1) / 2).expect("n is bounded");
    // Position i stands for 2i + 3.
    let mut is_composite = vec![false; count];
    for index in 0.. {
        let prime = 2 * index + 3;
        let square = (prime * prime - 3) / 2;
        if square >= count {
            break;
        }
        if !is_composite[index] {
            is_composite[square..].iter_mut().step_by(prime).for_each(|known| *known = true);
        }
    }
    let odd = is_composite.into_iter().enumerate().filter(|(_, is_composite)| !is_composite);
    (2..=n.min(2)).chain(odd.map(|(index, _)| 2 * index as u64 + 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_those_of_the_books() {
        assert_eq!(primes_up_to(1).count(), 0);
        assert_eq!(primes_up_to(2).collect::<Vec<_>>(), [2]);
        assert_eq!(primes_up_to(30).collect::<Vec<_>>(), [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        assert_eq!(primes_up_to(49).last(), Some(47));
        assert_eq!(primes_up_to(1_000_000).count(), 78_498);
    }

    #[test]
    fn tens_are_taken_away() {
        let Powers { powers, zero_count } = powers_of_factorial(10);
        let powers: Vec<_> = powers.iter().map(|power| (power.prime, power.exponent)).collect();
        assert_eq!((powers, zero_count), (vec![(2, 6), (3, 4), (7, 1)], 2));
    }

    #[test]
    fn it_ends_early_when_told_to() {
        let powers = powers_of_factorial(1_000).powers;
        let mut asked = 0;
        let mut goes_on = || {
            asked += 1;
            asked < 3
        };
        assert_eq!(multiply_out(&powers, &mut Multiplier::new(), &mut goes_on), None);
        assert_eq!(asked, 3);
    }
}
