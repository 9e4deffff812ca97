//! Numbers as people read them: suffixes instead of exponents, as many digits as the interval supports.

use rust_decimal::prelude::ToPrimitive;

use crate::stats::Estimate;

/// 10^exponent by repeated multiplication, the same everywhere.
fn ten_to(exponent: i32) -> f64 {
    let magnitude = (0..exponent.abs()).fold(1.0, |power, _| power * 10.0);
    if exponent < 0 { 1.0 / magnitude } else { magnitude }
}

/// ⌊log₁₀|x|⌋ for x ≠ 0.
fn decade(x: f64) -> i32 {
    let guess = libm::floor(libm::log10(x.abs())).to_i32().unwrap_or(0);
    // The logarithm of 1000 may fall a hair short of 3.
    if ten_to(guess + 1) <= x.abs() { guess + 1 } else { guess }
}

/// The factor and suffix in which `x` has one to four digits before the point.
#[must_use]
pub fn suffix(x: f64) -> (f64, &'static str) {
    match x.abs() {
        x if x >= 999.5e9 => (1e12, "tn"),
        x if x >= 999.5e6 => (1e9, "bn"),
        x if x >= 999.5e3 => (1e6, "M"),
        x if x >= 9_999.5 => (1e3, "k"),
        _ => (1.0, ""),
    }
}

/// `x` with so many decimals and commas between thousands; never `-0`.
#[must_use]
pub fn grouped(x: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", x.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let mut out = String::new();
    if x < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        out.push('−');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Decimals that show `resolution`.
fn decimals(resolution: f64) -> usize {
    if resolution <= 0.0 { 0 } else { usize::try_from((-decade(resolution)).clamp(0, 9)).unwrap_or(0) }
}

/// `x` to three significant digits with a suffix: `1.23M`, `450k`, `7`.
#[must_use]
pub fn short(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".into() } else { "∞".into() };
    }
    let (factor, suffix) = suffix(x);
    let scaled = x / factor;
    let places = decimals(ten_to(decade(scaled) - 2));
    let text = grouped(scaled, places);
    // 2M rather than 2.00M: an exact amount does not need its zeros.
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{suffix}")
}

/// A share as a percentage to about three digits: `12.3 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let x = share * 100.0;
    if x == 0.0 {
        return "0 %".into();
    }
    let text = grouped(x, decimals(ten_to((decade(x) - 1).min(0))).min(4));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// How a share and the ends of its interval are told: as [`percent`], with more digits where an end would otherwise read
/// like the share itself.
pub fn shares(estimate: Estimate) -> impl Fn(f64) -> String + Copy {
    let told = |share: f64, more: usize| {
        let x = share * 100.0;
        if more == 0 || x == 0.0 {
            return percent(share);
        }
        let places = decimals(ten_to((decade(x) - 1).min(0))) + more;
        format!("{} %", grouped(x, places.min(4)))
    };
    let Estimate { estimate, low, high, .. } = estimate;
    let apart = |a: f64, b: f64, more: usize| a == b || !b.is_finite() || told(a, more) != told(b, more);
    let more = (0..2).find(|&more| apart(estimate, low, more) && apart(estimate, high, more)).unwrap_or(2);
    move |share| told(share, more)
}

/// How a quantity is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// With a suffix.
    Amount,
    /// In per cent.
    Percent,
    /// Plain digits.
    Plain,
}

/// Estimate, low and high with the digits that the interval supports (two of its half-width), one suffix for all three.
/// An infinite bound prints as `∞`.
#[must_use]
pub fn with_interval(estimate: Estimate, style: Style) -> [String; 3] {
    let largest = [estimate.estimate, estimate.low, estimate.high]
        .into_iter()
        .filter(|x| x.is_finite())
        .fold(0.0_f64, |largest, x| largest.max(x.abs()));
    let (factor, tail) = match style {
        Style::Amount => suffix(if estimate.estimate == 0.0 { largest } else { estimate.estimate }),
        Style::Percent => (0.01, " %"),
        Style::Plain => (1.0, ""),
    };
    let half = (estimate.high - estimate.low) / factor / 2.0;
    let scaled = estimate.estimate / factor;
    let places = if half.is_finite() && half > 0.0 {
        decimals(ten_to(decade(half) - 1))
    } else if scaled != 0.0 {
        decimals(ten_to(decade(scaled) - 2))
    } else {
        0
    };
    // A whole number of a small unit has no use for more places than this.
    let places = places.min(if style == Style::Plain { 6 } else { 4 });
    let show = |x: f64| {
        if x.is_infinite() {
            return if x > 0.0 { "∞" } else { "−∞" }.to_string();
        }
        if x == 0.0 {
            // Nothing has no suffix, but a share of nothing is still a share.
            return format!("0{}", if style == Style::Percent { tail } else { "" });
        }
        format!("{}{tail}", grouped(x / factor, places))
    };
    [estimate.estimate, estimate.low, estimate.high].map(show)
}

/// Round numbers between `low` and `high`, about `target` of them, and their distance: 1, 2 or 5 times a power of ten.
#[must_use]
pub fn ticks(low: f64, high: f64, target: u32) -> (Vec<f64>, f64) {
    let raw = (high - low) / f64::from(target.max(1));
    if !raw.is_finite() || raw <= 0.0 {
        return (vec![low], 1.0);
    }
    let power = ten_to(decade(raw));
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= raw * 0.999).unwrap_or(10.0 * power);
    (multiples(low, high, step), step)
}

/// The multiples of `step` from `low` to `high`.
#[must_use]
pub fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = libm::ceil(low / step - 1e-9);
    let last = libm::floor(high / step + 1e-9);
    let count = (last - first).to_u32().unwrap_or(0).min(1_000);
    (0..=count).map(|i| (first + f64::from(i)) * step).collect()
}

/// Labels of ticks with one suffix for the whole axis and the decimals that their distance needs.
#[must_use]
pub fn labels(ticks: &[f64], step: f64) -> Vec<String> {
    let (factor, tail) = suffix(ticks.iter().fold(0.0_f64, |largest, tick| largest.max(tick.abs())));
    let places = decimals(step / factor * 1.000_001);
    ticks
        .iter()
        .map(
            |&tick| {
                if tick.abs() < step * 1e-6 { "0".into() } else { format!("{}{tail}", grouped(tick / factor, places)) }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(estimate: f64, low: f64, high: f64) -> Estimate {
        Estimate { estimate, low, high, level: 0.95, standard_error: None }
    }

    #[test]
    fn digits_follow_the_interval() {
        let shown = |e: Estimate, style| {
            let [value, low, high] = with_interval(e, style);
            format!("{value} [{low} … {high}]")
        };
        assert_eq!(shown(estimate(1_234_567.0, 1_190_000.0, 1_280_000.0), Style::Amount), "1.235M [1.190M … 1.280M]");
        assert_eq!(shown(estimate(1_234_567.0, 800_000.0, 1_700_000.0), Style::Amount), "1.23M [0.80M … 1.70M]");
        assert_eq!(shown(estimate(0.123_456, 0.117, 0.130), Style::Percent), "12.35 % [11.70 % … 13.00 %]");
        assert_eq!(shown(estimate(0.0, 0.0, 0.003_69), Style::Percent), "0 % [0 % … 0.37 %]");
        assert_eq!(shown(estimate(5_000.0, 0.0, f64::INFINITY), Style::Amount), "5,000 [0 … ∞]");
        assert_eq!(shown(estimate(1.0, 1.0, 1.0), Style::Plain), "1.00 [1.00 … 1.00]");
        assert_eq!(shown(estimate(0.0, 0.0, 0.0), Style::Amount), "0 [0 … 0]");
    }

    #[test]
    fn amounts_never_show_an_exponent() {
        let texts: Vec<String> =
            [0.0, 7.0, 9_999.0, 12_345.0, 2e6, 1_234_567.0, 9.876e9, -4.5e13, 0.000_012].map(short).to_vec();
        assert_eq!(texts, ["0", "7", "9,999", "12.3k", "2M", "1.23M", "9.88bn", "−45tn", "0.000012"]);
        assert_eq!(
            [0.5, 0.123_4, 0.000_4, 1.0, 0.999_9, 0.0].map(percent),
            ["50 %", "12 %", "0.04 %", "100 %", "100 %", "0 %"]
        );
    }

    #[test]
    fn the_ends_of_an_interval_read_apart_from_its_share() {
        let told = |estimate: f64, low: f64, high: f64| {
            let show = shares(Estimate { estimate, low, high, level: 0.95, standard_error: None });
            [estimate, low, high].map(show).join(", ")
        };
        assert_eq!(told(0.184, 0.168, 0.202), "18 %, 17 %, 20 %");
        assert_eq!(told(0.1229, 0.1165, 0.1295), "12.3 %, 11.7 %, 13.0 %");
        assert_eq!(told(0.5, 0.5, 0.5), "50 %, 50 %, 50 %");
        assert_eq!(told(0.0, 0.0, 0.036), "0 %, 0 %, 3.6 %");
        assert_eq!(told(0.990_1, 0.990_0, 0.990_2), "99.01 %, 99.00 %, 99.02 %");
    }

    #[test]
    fn ticks_are_round_and_labels_tell_them_apart() {
        let (at, step) = ticks(0.0, 2_300_000.0, 6);
        assert_eq!(step, 500_000.0);
        assert_eq!(labels(&at, step), ["0", "0.5M", "1.0M", "1.5M", "2.0M"]);
        let (at, step) = ticks(99_000.0, 116_000.0, 6);
        assert_eq!(labels(&at, step), ["100k", "105k", "110k", "115k"]);
        let (at, step) = ticks(-0.3, 0.3, 4);
        assert_eq!(labels(&at, step), ["−0.2", "0", "0.2"]);
        assert_eq!(ticks(5.0, 5.0, 6).0, [5.0]);
        assert_eq!(decade(1_000.0), 3);
        assert_eq!(decade(0.001), -3);
    }
}
