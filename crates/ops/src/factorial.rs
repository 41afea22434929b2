//! Calculates n!, the product of the whole numbers from 1 to n, with all its digits.
//!
//! `--param n=52`, from 0 to 10,000,000; no file is taken.
//!
//! Results: `factorial_<n>.txt`, the digits and the end of the line, as Python's
//! `print(math.factorial(n))` writes them; `factorial_<n>.json` with `n`, `digit_count`,
//! `trailing_zero_count`, `digit_sum` and `first_digits` (20 of them at most).
//!
//! The number is a product of powers of primes, calculated in base 1,000,000 from the start:
//! turning a binary number of this size into digits would take longer than making it. Long factors
//! are multiplied by a number-theoretic transform, exactly. 1,000,000! has 5,565,709 digits,
//! 10,000,000! has 65,657,060 and needs about 400 MB of memory.

mod decimal;
mod prime;
mod product;
pub mod split;
mod transform;

use crate::{Operation, Work};
use decimal::Multiplier;
use product::{multiply_out, powers_of_factorial};
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::limits::ATTEMPT_MS_MAX;
use windlass_core::params::{ParamKind, ParamSpec};

/// The operation `factorial`.
pub(crate) const OPERATION: Operation =
    Operation { spec: &SPEC, source: include_str!("factorial.rs"), run: Some(run) };

/// Largest n: 66 MB of digits, seconds of work.
const N_MAX: i64 = 10_000_000;
/// Digits shown of the highest places.
const FIRST_DIGIT_COUNT: usize = 20;

static SPEC: OperationSpec = OperationSpec {
    name: "factorial",
    version: 1,
    summary: "calculate n! with all its digits",
    accepts: Accepts::Nothing,
    params: &[ParamSpec {
        name: "n",
        kind: ParamKind::Int { min: 0, max: N_MAX },
        default: None,
        required: true,
        doc: "The number whose factorial is wanted.",
    }],
    home: Home::Worker,
    cacheable: Cacheable::Never,
    attempt_ms_max: ATTEMPT_MS_MAX,
    progress_ms_max: None,
    memory_bytes_max: 1 << 30,
    output_bytes_max: 128 << 20,
    steps: &[],
};

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let n = work.params.int("n").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let output = &mut *work.output;
    let wanted = powers_of_factorial(n);
    let mut goes_on = || !output.is_cancelled();
    let Some(number) = multiply_out(&wanted.powers, &mut Multiplier::new(), &mut goes_on) else {
        return Err(Failure::unavailable("cancelled", "the calculation was cancelled", ""));
    };
    let zero_count = usize::try_from(wanted.zero_count).expect("n is bounded");
    let text = number.write(zero_count, b"\n");
    drop(number);
    output.artifact(&format!("factorial_{n}.txt"), "text/plain", &text)?;
    let facts = facts(n, zero_count, &text[..text.len() - 1]);
    output.artifact(&format!("factorial_{n}.json"), "application/json", facts.as_bytes())
}

fn facts(n: u64, zero_count: usize, digits: &[u8]) -> String {
    let digit_sum: u64 = digits.iter().map(|digit| u64::from(digit - b'0')).sum();
    let first = &digits[..digits.len().min(FIRST_DIGIT_COUNT)];
    format!(
        "{{\"n\":{n},\"digit_count\":{},\"trailing_zero_count\":{zero_count},\
         \"digit_sum\":{digit_sum},\"first_digits\":\"{}\"}}\n",
        digits.len(),
        String::from_utf8_lossy(first),
    )
}

#[cfg(test)]
mod tests;
