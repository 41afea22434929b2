//! What a BERT layer does with its rows of numbers, beside products of matrices. Loops without
//! branches over slices, so that the compiler makes vector instructions of them.

/// Sums that are added up side by side.
const LANE_COUNT: usize = 8;

/// e to the power of `x`, within 2e-7 of it; 0 below -87 and no more than e^88.
///
/// x = n ln 2 + r: 2^n by its bits, e^r by its series up to r^7, whose rest is below 1e-8 for
/// |r| <= ln 2 / 2.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    // ln 2 in two parts, the first of which has so few bits that n times it is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Added and taken away again, it rounds to a whole number.
    const ROUNDING: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let n = x * std::f32::consts::LOG2_E + ROUNDING - ROUNDING;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let series = 1.0 / 720.0 + r / 5_040.0;
    let series = 1.0 / 24.0 + r * (1.0 / 120.0 + r * series);
    let series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * series)));
    // From -126 to 127, as x is bounded.
    let power = f32::from_bits(((n as i32 + 127) as u32) << 23);
    series * power
}

/// The activation of BERT: x times the share of the normal distribution below x, by the error
/// function of Abramowitz and Stegun 7.1.26, within 1.5e-7.
pub(super) fn gelu(numbers: &mut [f32]) {
    for x in numbers {
        let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * z);
        let series = -0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4));
        let series = t * (0.254_829_6 + t * series);
        let erf = (1.0 - series * exp(-z * z)).copysign(*x);
        *x *= 0.5 * (1.0 + erf);
    }
}

/// Scales a row so that its mean is 0 and its variance 1, then each number by its own weight and
/// bias.
pub(super) fn normalise_layer(row: &mut [f32], weights: &[f32], biases: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum(row, |x| x) / count;
    let variance = sum(row, |x| (x - mean) * (x - mean)) / count;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((x, weight), bias) in row.iter_mut().zip(weights).zip(biases) {
        *x = (*x - mean) * scale * weight + bias;
    }
}

/// Makes shares of a row's numbers, each first multiplied by `scale`.
pub(super) fn softmax(row: &mut [f32], scale: f32) {
    let largest = row.iter().fold(f32::NEG_INFINITY, |most, x| if *x > most { *x } else { most });
    row.iter_mut().for_each(|x| *x = exp((*x - largest) * scale));
    let all = sum(row, |x| x);
    row.iter_mut().for_each(|x| *x /= all);
}

/// Scales a vector to length 1; nought stays nought.
pub(super) fn normalise(vector: &mut [f32]) {
    let length = sum(vector, |x| x * x).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
}

fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (pieces, rest) = row.as_chunks::<LANE_COUNT>();
    let mut lanes = [0.0; LANE_COUNT];
    for piece in pieces {
        lanes.iter_mut().zip(piece).for_each(|(lane, x)| *lane += of(*x));
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|x| of(*x)).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_e_are_right() {
        for step in -8_700..8_800 {
            let x = step as f32 / 100.0;
            let expected = f64::from(x).exp();
            assert!((f64::from(exp(x)) / expected - 1.0).abs() < 2e-7, "{x}");
        }
        assert!(exp(f32::NEG_INFINITY) < 2e-38 && exp(1_000.0).is_finite());
    }

    /// Values of 0.5 x (1 + erf(x / sqrt(2))) by Python's `math.erf`.
    #[test]
    fn the_activation_is_right() {
        let cases = [
            (0.0, 0.0),
            (0.5, 0.345_731_23),
            (-0.5, -0.154_268_77),
            (1.0, 0.841_344_8),
            (-2.0, -0.045_500_264),
            (3.0, 2.995_950_3),
            (-5.0, -1.433_3e-6),
            (20.0, 20.0),
        ];
        for (x, expected) in cases {
            let mut made = [x];
            gelu(&mut made);
            assert!((made[0] - expected).abs() < 5e-7, "{x}: {} and {expected}", made[0]);
        }
    }

    #[test]
    fn rows_are_scaled() {
        let mut row = [1.0, 2.0, 3.0, 4.0];
        softmax(&mut row, 0.5);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((row[3] / row[2] - 0.5_f32.exp()).abs() < 1e-5);
        let mut row = [1.0, 3.0];
        normalise_layer(&mut row, &[2.0, 2.0], &[1.0, 1.0], 0.0);
        assert!((row[0] + 1.0).abs() < 1e-6 && (row[1] - 3.0).abs() < 1e-6);
        let mut vector = [3.0, 4.0];
        normalise(&mut vector);
        assert!((vector[0] - 0.6).abs() < 1e-6 && (vector[1] - 0.8).abs() < 1e-6);
        let mut nought = [0.0; 3];
        normalise(&mut nought);
        assert_eq!(nought, [0.0; 3]);
    }
}
