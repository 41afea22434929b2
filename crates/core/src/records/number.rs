//! Numbers as JSON writes them, compared by value without rounding: 2002, 2002.0 and 2.002e3 are
//! one number, and so are no two that a float could not tell apart.

/// Numbers of more digits, zeros included, are written with an exponent.
const PLAIN_DIGIT_COUNT_MAX: i64 = 21;

/// Whether the text is a number by JSON's grammar (RFC 8259, section 6).
#[must_use]
pub fn is_number(text: &str) -> bool {
    parts(text).is_some()
}

/// A number's text, cut into its parts.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// With its sign, empty where there is none.
    exponent: &'a str,
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let (is_negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (rest, exponent) = match rest.split_once(['e', 'E']) {
        Some((rest, exponent)) => {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            is_digits(digits).then_some((rest, exponent))?
        }
        None => (rest, ""),
    };
    let (whole, fraction) = match rest.split_once('.') {
        Some((whole, fraction)) => (whole, is_digits(fraction).then_some(fraction)?),
        None => (rest, ""),
    };
    let is_whole = is_digits(whole) && (whole.len() == 1 || !whole.starts_with('0'));
    is_whole.then_some(Parts { is_negative, whole, fraction, exponent })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Appends the one spelling of a number's value, itself a JSON number; text that is no number is
/// appended as it is.
///
/// Equal values have equal spellings, unless an exponent does not fit into 64 bits: then the
/// number equals only its own spelling.
pub fn write_canonical_number(text: &str, out: &mut Vec<u8>) {
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    if write_value(text, out).is_none() {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Whether the text is a whole number without exponent, as nearly all are.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.len() < 19 && is_digits(digits) && !digits.starts_with('0') || text == "0"
}

fn write_value(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let Parts { is_negative, whole, fraction, exponent } = parts(text)?;
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let Some(last) = digits.bytes().rposition(|digit| digit != b'0') else {
        out.push(b'0');
        return Some(());
    };
    let zero_count = i64::try_from(digits.len() - last - 1).ok()?;
    let digits = &digits[..=last];
    let exponent: i64 = if exponent.is_empty() { 0 } else { exponent.parse().ok()? };
    // The value is `digits` as a whole number, times ten to this.
    let scale = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let scale = scale.checked_add(zero_count)?;
    if is_negative {
        out.push(b'-');
    }
    write_digits(digits, scale, out);
    Some(())
}

fn write_digits(digits: &str, scale: i64, out: &mut Vec<u8>) {
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let point = scale.saturating_add(count);
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    let written = if scale >= 0 && point <= PLAIN_DIGIT_COUNT_MAX {
        format!("{digits}{}", zeros(scale))
    } else if scale < 0 && point > 0 {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{whole}.{fraction}")
    } else if scale < 0 && point > -6 {
        format!("0.{}{digits}", zeros(-point))
    } else {
        format!("{digits}e{scale}")
    };
    out.extend_from_slice(written.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        write_canonical_number(text, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn one_value_has_one_spelling() {
        let alike: &[&[&str]] = &[
            &["2002", "2002.0", "2.002e3", "20020e-1", "200200E-2", "2002.000e+0"],
            &["0", "-0", "0.0", "0e99", "-0.00E-5"],
            &["-12.5", "-1.25e1", "-12.50"],
            &["0.001", "1e-3", "0.1e-2"],
            &["1e30", "1000000000000000000000000000000"],
            &["1e-7", "0.0000001", "10e-8"],
            &["100000000000000000000", "1e20"],
        ];
        for spellings in alike {
            for spelling in *spellings {
                assert_eq!(canonical(spelling), spellings[0]);
            }
        }
    }

    #[test]
    fn numbers_that_floats_confuse_differ() {
        assert_ne!(canonical("9007199254740993"), canonical("9007199254740992"));
        assert_ne!(canonical("0.1"), canonical("0.10000000000000001"));
        assert_ne!(canonical("1e400"), canonical("1e401"));
    }

    #[test]
    fn what_is_a_number_is_what_json_says() {
        for good in ["0", "-1", "1.5", "1e5", "1E+5", "0.0e-0", "123456789012345678901234567890"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "-", "+1", "01", "1.", ".5", "1e", "0x1", "NaN", "1 ", "1e5e5", "--1"] {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn an_exponent_beyond_bounds_is_kept_as_it_is() {
        assert_eq!(canonical("1e99999999999999999999"), "1e99999999999999999999");
        assert_eq!(canonical("5e-9223372036854775808"), "5e-9223372036854775808");
    }

    proptest! {
        #[test]
        fn canonical_numbers_are_numbers_of_the_same_value(
            text in "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?"
        ) {
            let once = canonical(&text);
            prop_assert!(is_number(&once), "{once}");
            prop_assert_eq!(&canonical(&once), &once);
            prop_assert_eq!(once.parse::<f64>().expect("a number").abs(),
                            text.parse::<f64>().expect("a number").abs());
        }
    }
}
