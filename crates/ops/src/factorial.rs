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
//!
//! `windlass run` divides the work: two tasks multiply a share of the primes each, two calculate a
//! half of the product of both shares each, and one writes the digits. So two workers are faster
//! than one. `windlass call` gives all of it to one worker.

mod decimal;
mod prime;
mod product;
pub mod split;
mod transform;

use crate::{Operation, Output, Work};
use decimal::Multiplier;
use product::{multiply_out, powers_of_factorial};
use split::{Half, SplitError};
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::ledger::OnFailure;
use windlass_core::limits::ATTEMPT_MS_MAX;
use windlass_core::params::{ParamKind, ParamSpec, Params};
use windlass_core::plan::{STEP_PARAM, Step, StepInput};

/// The operation `factorial`.
pub(crate) const OPERATION: Operation = Operation {
    spec: &SPEC,
    source: include_str!("factorial.rs"),
    run: Some(run),
    is_instant: Some(is_instant),
};

/// Largest n: 66 MB of digits, seconds of work.
const N_MAX: i64 = 10_000_000;
/// Largest n that takes some ten microseconds.
const INSTANT_N_MAX: i64 = 500;
/// Digits shown of the highest places.
const FIRST_DIGIT_COUNT: usize = 20;
/// What passes from one step to the next.
const STEP_MEDIA_TYPE: &str = "application/octet-stream";

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
    output_bytes_max: OUTPUT_BYTES_MAX,
    steps: &[
        Step { name: PART, input: StepInput::Nothing(PART_COUNT), on_failure: OnFailure::Stop },
        Step { name: HALF, input: StepInput::AllOfBefore(2), on_failure: OnFailure::Stop },
        Step { name: DIGITS, input: StepInput::AllOfBefore(1), on_failure: OnFailure::Stop },
    ],
};

/// What an attempt writes at most; a half of the largest product has 64 MiB.
const OUTPUT_BYTES_MAX: u64 = 128 << 20;
/// Shares of the product. Their own product is the longest step and has two halves: more shares
/// would be more work, not less time.
const PART_COUNT: u32 = 2;
/// The steps, as `split.rs` tells them.
const PART: &str = "part";
const HALF: &str = "half";
const DIGITS: &str = "digits";

fn is_instant(params: &Params) -> bool {
    params.int("n").is_some_and(|n| n <= INSTANT_N_MAX)
}

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let n = work.params.int("n").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    match work.params.text(STEP_PARAM) {
        None => whole(n, &mut *work.output),
        Some(PART) => part(n, work),
        Some(HALF) => half(n, work),
        Some(DIGITS) => digits(n, work),
        Some(step) => Err(Failure::unavailable(
            "step_unknown",
            format!("this worker does not know the step {step} of factorial"),
            "Run the same version of windlass everywhere.",
        )),
    }
}

/// One of the shares of the product.
fn part(n: u64, work: &mut Work<'_>) -> Result<(), Failure> {
    let (index, output) = (work.index as usize, &mut *work.output);
    let part = split::part(n, index, PART_COUNT as usize, &mut || !output.is_cancelled());
    let part = part.ok_or_else(cancelled)?;
    output.artifact(&format!("factorial_{n}_part_{index}.bin"), STEP_MEDIA_TYPE, &part)
}

/// One half of the product of both shares.
fn half(n: u64, work: &mut Work<'_>) -> Result<(), Failure> {
    let [a, b] = [0, 1].map(|share| work.earlier.read(share, OUTPUT_BYTES_MAX));
    let (which, name) = match work.index {
        0 => (Half::Minus, "minus"),
        _ => (Half::Plus, "plus"),
    };
    let half = split::half(&a?, &b?, which).map_err(damaged)?;
    work.output.artifact(&format!("factorial_{n}_{name}.bin"), STEP_MEDIA_TYPE, &half)
}

/// The digits, out of both halves.
fn digits(n: u64, work: &mut Work<'_>) -> Result<(), Failure> {
    let [minus, plus] = [0, 1].map(|half| work.earlier.read(half, OUTPUT_BYTES_MAX));
    let text = split::digits(n, &minus?, &plus?).map_err(damaged)?;
    let zero_count = powers_of_factorial(n).zero_count;
    write(n, usize::try_from(zero_count).expect("n is bounded"), &text, &mut *work.output)
}

/// All of it by one task.
fn whole(n: u64, output: &mut dyn Output) -> Result<(), Failure> {
    let wanted = powers_of_factorial(n);
    let mut goes_on = || !output.is_cancelled();
    let Some(number) = multiply_out(&wanted.powers, &mut Multiplier::new(), &mut goes_on) else {
        return Err(cancelled());
    };
    let zero_count = usize::try_from(wanted.zero_count).expect("n is bounded");
    let text = number.write(zero_count, b"\n");
    drop(number);
    write(n, zero_count, &text, output)
}

fn write(n: u64, zero_count: usize, text: &[u8], output: &mut dyn Output) -> Result<(), Failure> {
    output.artifact(&format!("factorial_{n}.txt"), "text/plain", text)?;
    let facts = facts(n, zero_count, &text[..text.len() - 1]);
    output.artifact(&format!("factorial_{n}.json"), "application/json", facts.as_bytes())
}

fn cancelled() -> Failure {
    Failure::unavailable("cancelled", "the calculation was cancelled", "")
}

fn damaged(error: SplitError) -> Failure {
    Failure::rejected("step_damaged", error.to_string(), "Report it: its bytes were verified.")
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
