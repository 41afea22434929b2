//! A number-theoretic transform: exact products of long sequences of small integers.
//!
//! Arithmetic is modulo a prime below 2^62, with values kept in a redundant range between steps
//! (Harvey, "Faster arithmetic for number-theoretic transforms", 2014). Lengths are 2^k and 3·2^k.

use super::prime::{Factor, PRIME, halved, montgomery, power, product, reduced, root_of_order};
use std::ops::Range;

/// Values of one recursion's end: 32 KiB, the first level of cache.
const LEAF_COUNT: usize = 4_096;

/// Transforms of every length up to the one that it was made for.
#[derive(Debug)]
pub(super) struct Transform {
    /// Of block s of every level: w^e(s), with e(2s) = e(s)/2, e(2s+1) = e(s)/2 + 1/4 of a turn.
    turns: Vec<Factor>,
}

/// The smallest length that holds `count` values: 2^k or 3 · 2^k.
pub(super) fn length_for(count: usize) -> usize {
    let power = count.next_power_of_two().max(4);
    let three_quarters = power / 4 * 3;
    if three_quarters >= count.max(12) { three_quarters } else { power }
}

impl Transform {
    /// Knows nothing yet: it grows with what it is asked for.
    pub(super) fn new() -> Transform {
        Transform { turns: vec![Factor::new(1)] }
    }

    /// Replaces the coefficients of a polynomial (below PRIME) by its values, in an order of its
    /// own; the length is one of [`length_for`].
    pub(super) fn forward(&mut self, values: &mut [u64]) {
        match third_of(values.len()) {
            None => {
                self.grow(values.len());
                forward(values, 0, &self.turns);
            }
            Some(third) => {
                self.grow(third);
                split_thirds(values, third);
                values.chunks_exact_mut(third).for_each(|part| forward(part, 0, &self.turns));
            }
        }
    }

    /// The reverse of [`Transform::forward`], with every coefficient times the number that
    /// [`unscale`] takes away; the results are below 4 · PRIME.
    pub(super) fn backward(&mut self, values: &mut [u64]) {
        match third_of(values.len()) {
            None => backward(values, 0, &self.turns),
            Some(third) => {
                values.chunks_exact_mut(third).for_each(|part| backward(part, 0, &self.turns));
                join_thirds(values, third);
            }
        }
    }

    /// As [`Transform::forward`] modulo x^n - 1 (block 0) or x^n + 1 (block 1), the two blocks of
    /// x^2n - 1; n is a power of 2.
    pub(super) fn forward_block(&mut self, values: &mut [u64], block: usize) {
        self.grow(2 * values.len());
        forward(values, block, &self.turns);
    }

    /// The reverse of [`Transform::forward_block`], scaled as [`Transform::backward`] says.
    pub(super) fn backward_block(&mut self, values: &mut [u64], block: usize) {
        backward(values, block, &self.turns);
    }

    fn grow(&mut self, length: usize) {
        while self.turns.len() < length / 2 {
            let known = self.turns.len();
            // The level of 2^l known turns adds roots of order 2^(l+2).
            let root = Factor::new(root_of_order(4 * known as u64));
            self.turns.reserve_exact(known);
            for index in 0..known {
                let value = reduced(root.times(self.turns[index].value));
                self.turns.push(Factor::new(value));
            }
        }
    }
}

/// Multiplies value by value; both may be below 4 · PRIME. Each product is divided by 2^64, which
/// [`unscale`] makes good.
pub(super) fn multiply_values(values: &mut [u64], others: &[u64]) {
    for (value, other) in values.iter_mut().zip(others) {
        *value = montgomery(reduced(*value), reduced(*other));
    }
}

/// Multiplies each value by itself, as [`multiply_values`] does.
pub(super) fn square_values(values: &mut [u64]) {
    for value in values {
        *value = montgomery(reduced(*value), reduced(*value));
    }
}

/// Gives true coefficients back, below PRIME, from what [`Transform::backward`] left.
pub(super) fn unscale(length: usize) -> impl Fn(u64) -> u64 {
    let scale = power(length as u64 % PRIME, PRIME - 2);
    let scale = ((u128::from(scale) << 64) % u128::from(PRIME)) as u64;
    let scale = Factor::new(scale);
    move |value| reduced(scale.times(value))
}

fn third_of(length: usize) -> Option<usize> {
    (!length.is_power_of_two()).then_some(length / 3)
}

/// One level: (x^2m - t^2) splits into (x^m - t) and (x^m + t). Values stay below 4 · PRIME.
#[inline(always)]
fn split_half(values: &mut [u64], turn: Factor) {
    let (left, right) = values.split_at_mut(values.len() / 2);
    for (a, b) in left.iter_mut().zip(right) {
        let kept = halved(*a);
        let turned = turn.times(*b);
        *a = kept + turned;
        *b = kept + 2 * PRIME - turned;
    }
}

/// The reverse of [`split_half`], each value doubled; `turn` is the mirrored one, minus the inverse
/// of the level's. Values are and stay below 2 · PRIME.
#[inline(always)]
fn join_half(values: &mut [u64], turn: Factor) {
    let (left, right) = values.split_at_mut(values.len() / 2);
    for (a, b) in left.iter_mut().zip(right) {
        let sum = halved(*a + *b);
        let difference = *b + 2 * PRIME - *a;
        *a = sum;
        *b = turn.times(difference);
    }
}

/// Minus the inverse of turn s: that of the same level whose lower bits are the others.
#[inline(always)]
fn mirrored(turns: &[Factor], block: usize) -> Factor {
    if block == 0 {
        return MINUS_ONE;
    }
    let top = 1 << block.ilog2();
    turns[block ^ (top - 1)]
}

const MINUS_ONE: Factor = Factor::new(PRIME - 1);

/// The levels of a block that lie in one leaf of the recursion: its turns are consecutive.
fn turns_of(block: usize, count: usize) -> Range<usize> {
    block * count..(block + 1) * count
}

fn forward(values: &mut [u64], block: usize, turns: &[Factor]) {
    if values.len() > LEAF_COUNT {
        split_half(values, turns[block]);
        let (left, right) = values.split_at_mut(values.len() / 2);
        forward(left, 2 * block, turns);
        forward(right, 2 * block + 1, turns);
        return;
    }
    let mut length = values.len();
    while length > 4 {
        let of_level = &turns[turns_of(block, values.len() / length)];
        for (part, turn) in values.chunks_exact_mut(length).zip(of_level) {
            split_half(part, *turn);
        }
        length /= 2;
    }
    // The last two levels at once: their halves are too short for loops.
    let quads = values.len() / 4;
    let upper = &turns[turns_of(block, quads)];
    let lower = &turns[turns_of(block, 2 * quads)];
    for ((part, turn), pair) in values.chunks_exact_mut(4).zip(upper).zip(lower.chunks_exact(2)) {
        split_half(part, *turn);
        let (left, right) = part.split_at_mut(2);
        split_half(left, pair[0]);
        split_half(right, pair[1]);
    }
}

fn backward(values: &mut [u64], block: usize, turns: &[Factor]) {
    if values.len() > LEAF_COUNT {
        let (left, right) = values.split_at_mut(values.len() / 2);
        backward(left, 2 * block, turns);
        backward(right, 2 * block + 1, turns);
        join_half(values, mirrored(turns, block));
        return;
    }
    let quads = values.len() / 4;
    for (index, part) in values.chunks_exact_mut(4).enumerate() {
        let index = block * quads + index;
        let (left, right) = part.split_at_mut(2);
        join_half(left, mirrored(turns, 2 * index));
        join_half(right, mirrored(turns, 2 * index + 1));
        join_half(part, mirrored(turns, index));
    }
    let mut length = 8;
    while length <= values.len() {
        let first = block * (values.len() / length);
        for (index, part) in values.chunks_exact_mut(length).enumerate() {
            join_half(part, mirrored(turns, first + index));
        }
        length *= 2;
    }
}

/// Powers of a root, as [`montgomery`] takes them: 2^64 · root^index.
struct Powers {
    next: [u64; 4],
    step: Factor,
}

impl Powers {
    fn of(root: u64) -> Powers {
        let one = ((1_u128 << 64) % u128::from(PRIME)) as u64;
        let mut next = [one; 4];
        for index in 1..4 {
            next[index] = product(next[index - 1], root);
        }
        Powers { next, step: Factor::new(power(root, 4)) }
    }

    /// The next four; four chains, so that none waits for its own last product.
    #[inline(always)]
    fn four(&mut self) -> [u64; 4] {
        let four = self.next;
        self.next = four.map(|power| reduced(self.step.times(power)));
        four
    }
}

/// x^3m - 1 splits into x^m - w^i; in the part of w^i, x = r^i · y makes y^m - 1 of it.
fn split_thirds(values: &mut [u64], third: usize) {
    let root = root_of_order(3 * third as u64);
    let turn = power(root, third as u64);
    let (once, twice) = (Factor::new(turn), Factor::new(product(turn, turn)));
    let (mut first, mut second) = (Powers::of(root), Powers::of(product(root, root)));
    let (a, rest) = values.split_at_mut(third);
    let (b, c) = rest.split_at_mut(third);
    let fours = a.chunks_exact_mut(4).zip(b.chunks_exact_mut(4)).zip(c.chunks_exact_mut(4));
    for ((a, b), c) in fours {
        let (first, second) = (first.four(), second.four());
        for index in 0..4 {
            let (x, y, z) = (a[index], b[index], c[index]);
            let turned = halved(once.times(y) + twice.times(z));
            let turned_twice = halved(twice.times(y) + once.times(z));
            a[index] = x + y + z;
            b[index] = montgomery(reduced(x + turned), first[index]);
            c[index] = montgomery(reduced(x + turned_twice), second[index]);
        }
    }
}

/// The reverse of [`split_thirds`], each value times 3.
fn join_thirds(values: &mut [u64], third: usize) {
    let root = root_of_order(3 * third as u64);
    let turn = power(root, third as u64);
    let (once, twice) = (Factor::new(turn), Factor::new(product(turn, turn)));
    let back = power(root, PRIME - 2);
    let (mut first, mut second) = (Powers::of(back), Powers::of(product(back, back)));
    let (a, rest) = values.split_at_mut(third);
    let (b, c) = rest.split_at_mut(third);
    let fours = a.chunks_exact_mut(4).zip(b.chunks_exact_mut(4)).zip(c.chunks_exact_mut(4));
    for ((a, b), c) in fours {
        let (first, second) = (first.four(), second.four());
        for index in 0..4 {
            let x = reduced(a[index]);
            let y = montgomery(reduced(b[index]), first[index]);
            let z = montgomery(reduced(c[index]), second[index]);
            a[index] = x + y + z;
            b[index] = x + halved(twice.times(y) + once.times(z));
            c[index] = x + halved(once.times(y) + twice.times(z));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn convolve(a: &[u64], b: &[u64]) -> Vec<u64> {
        let length = length_for(a.len() + b.len() - 1);
        let mut transform = Transform::new();
        let mut values = a.to_vec();
        values.resize(length, 0);
        transform.forward(&mut values);
        let mut others = b.to_vec();
        others.resize(length, 0);
        transform.forward(&mut others);
        multiply_values(&mut values, &others);
        transform.backward(&mut values);
        values.into_iter().map(unscale(length)).take(a.len() + b.len() - 1).collect()
    }

    fn schoolbook(a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut sums = vec![0; a.len() + b.len() - 1];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                sums[i + j] = (sums[i + j] + product(*x, *y)) % PRIME;
            }
        }
        sums
    }

    #[test]
    fn lengths_are_powers_and_three_quarters_of_powers() {
        let lengths = [1, 4, 5, 9, 12, 13, 17, 24, 25, 33, 49].map(length_for);
        assert_eq!(lengths, [4, 4, 8, 12, 12, 16, 24, 24, 32, 48, 64]);
    }

    #[test]
    fn longer_than_a_leaf() {
        let a: Vec<u64> = (0..9_000).map(|i| i * 7 % 1_000).collect();
        let mut values = a.clone();
        values.resize(2 * LEAF_COUNT * 2, 0);
        let length = values.len();
        let mut transform = Transform::new();
        transform.forward(&mut values);
        let one = ((1_u128 << 64) % u128::from(PRIME)) as u64;
        multiply_values(&mut values, &vec![one; length]);
        transform.backward(&mut values);
        // The neutral factor has taken away no 2^64.
        let scale = power(length as u64, PRIME - 2);
        let back: Vec<u64> = values.iter().map(|value| product(reduced(*value), scale)).collect();
        assert_eq!(back[..a.len()], a);
        assert!(back[a.len()..].iter().all(|value| *value == 0));
    }

    proptest! {
        #[test]
        fn products_are_exact(
            a in prop::collection::vec(0..PRIME, 1..80),
            b in prop::collection::vec(0..PRIME, 1..80),
        ) {
            prop_assert_eq!(convolve(&a, &b), schoolbook(&a, &b));
        }
    }
}
