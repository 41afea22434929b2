//! The operation from its parameter to the bytes of its results.

use super::{OPERATION, is_instant};
use crate::{Earlier, Output, Work};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use windlass_core::params::{ParamError, Params};
use windlass_core::plan::{STEP_PARAM, Step, StepInput};
use windlass_core::{BlobId, Failure};

#[derive(Default)]
struct Collected {
    artifacts: Vec<(String, Vec<u8>)>,
    is_cancelled: bool,
}

impl Output for Collected {
    fn artifact(&mut self, name: &str, _media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.artifacts.push((name.to_owned(), bytes.to_vec()));
        Ok(())
    }

    fn note(&mut self, note: String) {
        panic!("nothing is to be noted of a number: {note}");
    }

    fn progress(&mut self, _done: u64, _total: u64) {}

    fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }
}

fn params(n: &str) -> Result<Params, ParamError> {
    let given = BTreeMap::from([("n".to_owned(), n.to_owned())]);
    Params::normalise("factorial", OPERATION.spec.params, &given)
}

fn run(n: u32) -> Collected {
    let params = params(&n.to_string()).unwrap();
    let mut output = Collected::default();
    let mut work = Work::new(None, &params, &mut output);
    OPERATION.run.unwrap()(&mut work).unwrap();
    output
}

fn digits(n: u32) -> Vec<u8> {
    let (_, mut text) = run(n).artifacts.swap_remove(0);
    assert_eq!(text.pop(), Some(b'\n'));
    text
}

#[test]
fn small_ones_are_written_with_their_facts() {
    let artifacts = run(25).artifacts;
    let [(digits_name, digits), (facts_name, facts)] = &artifacts[..] else { panic!("two") };
    assert_eq!(
        (digits_name.as_str(), facts_name.as_str()),
        ("factorial_25.txt", "factorial_25.json")
    );
    assert_eq!(digits, b"15511210043330985984000000\n");
    assert_eq!(
        String::from_utf8_lossy(facts),
        "{\"n\":25,\"digit_count\":26,\"trailing_zero_count\":6,\"digit_sum\":72,\
         \"first_digits\":\"15511210043330985984\"}\n"
    );
    for (n, expected) in [(0, "1"), (1, "1"), (2, "2"), (5, "120"), (10, "3628800")] {
        assert_eq!(digits_text(n), expected);
    }
}

fn digits_text(n: u32) -> String {
    String::from_utf8(digits(n)).unwrap()
}

/// n, digits, trailing zeros, sum of the digits, and the first half of the hash of the digits and
/// a line feed, by Python's `math.factorial` and PyPI's `blake3`.
const BY_PYTHON: &[(u32, usize, usize, u64, &str)] = &[
    (52, 68, 12, 279, "58943f57ccd48e08"),
    (100, 158, 24, 648, "b78a7d832b9bd51c"),
    (170, 307, 41, 1179, "b1f8c0c9acca8ab2"),
    (255, 505, 63, 1899, "d90c7de1d793d369"),
    (256, 507, 63, 1989, "e5870cdd4ef93b6a"),
    (1000, 2568, 249, 10539, "fabae50d196836d4"),
    (1001, 2571, 249, 10719, "40224c534ce30ce4"),
    (4096, 13020, 1021, 54279, "4f26e8d86880ef33"),
    (9999, 35656, 2495, 149346, "4600ecf1bc935493"),
    (20000, 77338, 4999, 325494, "3b0b4018ed58039a"),
    (30011, 121337, 7500, 513252, "ab88f9090fdabb97"),
];

#[test]
fn digits_are_those_of_python() {
    for (n, digit_count, zero_count, digit_sum, hash) in BY_PYTHON {
        let artifacts = run(*n).artifacts;
        assert_eq!(BlobId::of(&artifacts[0].1).to_hex()[..16], **hash, "{n}!");
        let facts = String::from_utf8_lossy(&artifacts[1].1);
        let expected = format!(
            "{{\"n\":{n},\"digit_count\":{digit_count},\"trailing_zero_count\":{zero_count},\
             \"digit_sum\":{digit_sum},"
        );
        assert!(facts.starts_with(&expected), "{facts}");
    }
}

#[test]
fn what_has_no_factorial_here_is_refused_with_the_bounds() {
    for n in ["-1", "10000001", "1.5", "ten", ""] {
        let error = params(n).unwrap_err().to_string();
        assert_eq!(error, format!("parameter n={n}: a whole number from 0 to 10000000 is wanted"));
    }
}

#[test]
fn a_cancelled_one_ends() {
    let params = params("10000").unwrap();
    let mut output = Collected { is_cancelled: true, ..Collected::default() };
    let mut work = Work::new(None, &params, &mut output);
    assert_eq!(OPERATION.run.unwrap()(&mut work).unwrap_err().code, "cancelled");
}

/// One task of a step, on what the tasks of the step before made.
fn step(n: u32, name: &str, index: u32, before: &[Vec<u8>]) -> Collected {
    let mut params = params(&n.to_string()).unwrap();
    params.0.insert(STEP_PARAM.to_owned(), name.to_owned());
    let mut file = tempfile::tempfile().unwrap();
    before.iter().for_each(|bytes| file.write_all(bytes).unwrap());
    let earlier = Earlier::new(file, before.iter().map(|bytes| bytes.len() as u64).collect());
    let mut output = Collected::default();
    let mut work = Work { earlier, index, ..Work::new(None, &params, &mut output) };
    OPERATION.run.unwrap()(&mut work).unwrap();
    output
}

/// The steps as the catalogue tells them: what they make together is what one task makes.
#[test]
fn the_steps_come_to_the_same_as_one_task() {
    for n in [0, 1, 7, 52, 1_000, 30_011] {
        let mut made: Vec<Vec<u8>> = Vec::new();
        let mut last = Collected::default();
        for Step { name, input, .. } in OPERATION.spec.steps {
            let (StepInput::Nothing(count) | StepInput::AllOfBefore(count)) = *input else {
                panic!("no files")
            };
            let tasks: Vec<Collected> =
                (0..count).map(|index| step(n, name, index, &made)).collect();
            made = tasks.iter().map(|task| task.artifacts[0].1.clone()).collect();
            last = tasks.into_iter().next_back().unwrap();
        }
        assert!(last.artifacts == run(n).artifacts, "{n}!");
    }
}

/// Digits times a small number, by hand.
fn times(digits: &[u8], factor: u32) -> Vec<u8> {
    let mut carry = 0;
    let mut product: Vec<u8> = Vec::new();
    for digit in digits.iter().rev() {
        let sum = u32::from(digit - b'0') * factor + carry;
        product.push(b'0' + (sum % 10) as u8);
        carry = sum / 10;
    }
    while carry > 0 {
        product.push(b'0' + (carry % 10) as u8);
        carry /= 10;
    }
    product.reverse();
    product
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn each_is_the_one_before_times_n(n in 1..6_000_u32) {
        prop_assert_eq!(digits(n), times(&digits(n - 1), n));
    }
}

#[test]
fn only_small_numbers_are_instant() {
    let params = |n: &str| Params([("n".to_owned(), n.to_owned())].into());
    assert!(is_instant(&params("0")) && is_instant(&params("500")));
    assert!(!is_instant(&params("501")) && !is_instant(&params("-x")));
    assert!(!is_instant(&Params::default()));
}
