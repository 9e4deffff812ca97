//! Exact fractions: read from the literal text of a decimal, printed as a decimal.

use num_bigint::BigInt;
pub use num_rational::BigRational as Fraction;

/// Longest literal and greatest exponent that are read: more than any venue writes, and little work.
const MOST_DIGITS: usize = 400;
const MOST_EXPONENT: i32 = 400;

/// Digits that a printed fraction has at most.
const SHOWN_DIGITS: i32 = 20;

#[must_use]
pub fn whole(n: i64) -> Fraction {
    Fraction::from_integer(n.into())
}

#[must_use]
pub fn zero() -> Fraction {
    whole(0)
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// The number that a decimal literal says, exactly: `-12.5`, `1e-9`, `.5`. `None` where it is none or absurdly long.
#[must_use]
pub fn parse(text: &str) -> Option<Fraction> {
    let text = text.trim();
    if text.len() > MOST_DIGITS {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    if exponent.abs() > MOST_EXPONENT {
        return None;
    }
    let (sign, digits) = match mantissa.as_bytes().first()? {
        b'-' => (-1, &mantissa[1..]),
        b'+' => (1, &mantissa[1..]),
        _ => (1, mantissa),
    };
    let (units, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if units.is_empty() && decimals.is_empty() {
        return None;
    }
    let mut value = BigInt::from(0);
    for byte in units.bytes().chain(decimals.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * BigInt::from(10) + BigInt::from(byte - b'0');
    }
    let shift = exponent - i32::try_from(decimals.len()).ok()?;
    let power = power_of_ten(shift.unsigned_abs());
    let value = value * BigInt::from(sign);
    Some(if shift >= 0 { Fraction::from_integer(value * power) } else { Fraction::new(value, power) })
}

/// A share: a decimal, or a percentage such as `0.4 %`.
#[must_use]
pub fn parse_share(text: &str) -> Option<Fraction> {
    match text.trim().strip_suffix('%') {
        Some(percent) => Some(parse(percent)? / whole(100)),
        None => parse(text),
    }
}

/// A plain decimal of at most 20 significant digits, rounded half away from zero where more would be needed; also a
/// JSON number. Beyond 30 digits before or after the point it has an exponent.
#[must_use]
pub fn show(value: &Fraction) -> String {
    let nil = zero();
    if *value == nil {
        return "0".to_owned();
    }
    let sign = if *value < nil { "-" } else { "" };
    let value = if *value < nil { -value.clone() } else { value.clone() };
    // The position of the first digit, by the lengths of both parts and one comparison.
    let length = |n: &BigInt| i32::try_from(n.to_string().len()).unwrap_or(i32::MAX);
    let scale = |exponent: i32| {
        let power = Fraction::from_integer(power_of_ten(exponent.unsigned_abs()));
        if exponent >= 0 { power } else { power.recip() }
    };
    let mut first = length(value.numer()) - length(value.denom());
    if value < scale(first) {
        first -= 1;
    }
    let rounded = (value * scale(SHOWN_DIGITS - 1 - first)).round().to_integer().to_string();
    // Rounding up may add a digit: 9.99… becomes 10.
    first += i32::try_from(rounded.len()).unwrap_or(SHOWN_DIGITS) - SHOWN_DIGITS;
    let digits = rounded.trim_end_matches('0');
    let count = i32::try_from(digits.len()).unwrap_or(SHOWN_DIGITS);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    if first.abs() > 30 {
        let (head, tail) = digits.split_at(1);
        let point = if tail.is_empty() { "" } else { "." };
        format!("{sign}{head}{point}{tail}e{first}")
    } else if first < 0 {
        format!("{sign}0.{}{digits}", zeros(-first - 1))
    } else if count <= first + 1 {
        format!("{sign}{digits}{}", zeros(first + 1 - count))
    } else {
        let (units, decimals) = digits.split_at(usize::try_from(first + 1).unwrap_or(0));
        format!("{sign}{units}.{decimals}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        show(&parse(text).unwrap())
    }

    #[test]
    fn decimals_are_read_exactly_and_printed_plainly() {
        for text in ["0.1", "114500.3", "-0.000001", "1", "1200000", "0.00000000000000000001", "99999999999999999999"] {
            assert_eq!(round_trip(text), text);
        }
        assert_eq!(round_trip("1e-3"), "0.001");
        assert_eq!(round_trip("1.50E2"), "150");
        assert_eq!(round_trip(" .5 "), "0.5");
        assert_eq!(round_trip("-0"), "0");
        assert_eq!(round_trip("1e60"), "1e60");
        assert_eq!(round_trip("-1.5e-60"), "-1.5e-60");
    }

    #[test]
    fn quotients_have_twenty_digits_rounded_to_nearest() {
        assert_eq!(show(&(whole(2) / whole(3))), "0.66666666666666666667");
        assert_eq!(show(&(whole(-20_000) / whole(3))), "-6666.6666666666666667");
        assert_eq!(round_trip("9.99999999999999999999"), "10");
        assert_eq!(round_trip("123456789012345678901234"), "123456789012345678900000");
    }

    #[test]
    fn what_is_no_decimal_is_none() {
        for text in ["", ".", "-", "1.2.3", "0x10", "NaN", "inf", "1e", "1e999", "1_000", "é", "--1", "1 2"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"9".repeat(401)), None);
        assert_eq!(parse_share("0.4 %"), parse("0.004"));
    }
}
