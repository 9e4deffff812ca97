//! Estimates and their intervals. Knows nothing of the simulator.
//!
//! Everything that is accumulated is an integer (counts, 128-bit sums, 256-bit sums of squares, bucket counts), so an
//! accumulation does not depend on the order of its values or on how they were split. Floats appear only where an
//! estimate is drawn from the sums.

pub mod bootstrap;
#[cfg(test)]
#[path = "stats/tests/coverage.rs"]
mod coverage;
pub mod histogram;
pub mod moments;
pub mod paired;
pub mod quantile;
pub mod wide;

use rust_decimal::prelude::ToPrimitive;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// A number with its interval.
///
/// A bound that the data cannot give (one path, too few paths for a quantile, a denominator that may be zero) is
/// infinite; it is never replaced by a finite guess.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub estimate: f64,
    pub low: f64,
    pub high: f64,
    /// Nominal coverage of `low..high`, 0.95 in everything printed.
    pub level: f64,
    /// `None` where the interval does not come from one (order statistics, Clopper-Pearson).
    pub standard_error: Option<f64>,
}

impl Estimate {
    /// A value known without error.
    #[must_use]
    pub const fn exact(value: f64, level: f64) -> Self {
        Self { estimate: value, low: value, high: value, level, standard_error: Some(0.0) }
    }

    /// estimate ± t·se with Student's quantile at `degrees` degrees of freedom; unbounded without degrees of freedom.
    #[must_use]
    pub fn student(estimate: f64, standard_error: f64, degrees: u64, level: f64) -> Self {
        if degrees == 0 {
            return Self { estimate, low: f64::NEG_INFINITY, high: f64::INFINITY, level, standard_error: None };
        }
        let half =
            if standard_error == 0.0 { 0.0 } else { student_quantile(0.5 + level / 2.0, degrees) * standard_error };
        Self { estimate, low: estimate - half, high: estimate + half, level, standard_error: Some(standard_error) }
    }

    /// The estimate in another unit; `factor` > 0.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            estimate: self.estimate * factor,
            low: self.low * factor,
            high: self.high * factor,
            level: self.level,
            standard_error: self.standard_error.map(|se| se * factor),
        }
    }

    /// The interval cut at a bound that the quantity cannot pass, which costs no coverage.
    #[must_use]
    pub fn at_least(self, bound: f64) -> Self {
        Self { low: self.low.max(bound), high: self.high.max(bound), ..self }
    }
}

/// Quantile of Student's t: the x with P(T ≤ x) = `probability`.
///
/// Above 1,000 degrees of freedom ν by z + (z³ + z)/4ν + (5z⁵ + 16z³ + 3z)/96ν² (Abramowitz and Stegun 26.7.5), which
/// is then good to 1e-9; the inverse beta function that serves below has lost its fifth digit at a million.
#[must_use]
pub fn student_quantile(probability: f64, degrees: u64) -> f64 {
    if degrees > 1_000 {
        let z = Normal::standard().inverse_cdf(probability);
        let (square, nu) = (z * z, degrees as f64);
        return z + z * (square + 1.0) / (4.0 * nu) + z * ((5.0 * square + 16.0) * square + 3.0) / (96.0 * nu * nu);
    }
    let law = StudentsT::new(0.0, 1.0, degrees as f64).expect("positive degrees of freedom");
    law.inverse_cdf(probability)
}

/// P(B ≤ k) for B binomial (n, p), to about 1e-12.
///
/// The weights are summed outwards from the mode by their ratios and normalised by their own sum: O(√n) terms, no
/// gamma function, and no continued fraction that stops converging for a million paths.
#[must_use]
pub fn binomial_at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    const NEGLIGIBLE: f64 = 1e-17;
    let odds = p / (1.0 - p);
    let mode = libm::floor((n as f64 + 1.0) * p).to_u64().unwrap_or(0).min(n);
    let (mut below, mut above) = if mode <= k { (1.0, 0.0) } else { (0.0, 1.0) };
    let mut weight = 1.0;
    for j in (1..=mode).rev() {
        weight *= j as f64 / ((n - j + 1) as f64 * odds);
        if j - 1 <= k {
            below += weight;
        } else {
            above += weight;
        }
        if weight < NEGLIGIBLE {
            break;
        }
    }
    weight = 1.0;
    for j in mode + 1..=n {
        weight *= (n - j + 1) as f64 * odds / j as f64;
        if j <= k {
            below += weight;
        } else {
            above += weight;
        }
        if weight < NEGLIGIBLE {
            break;
        }
    }
    below / (below + above)
}

/// A proportion with the Clopper-Pearson interval: the p at which the tail beyond `hits` has half of 1 − level.
/// Coverage is never below `level`. `None` without trials.
#[must_use]
pub fn proportion(hits: u64, trials: u64, level: f64) -> Option<Estimate> {
    if trials == 0 || hits > trials {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    let low = if hits == 0 { 0.0 } else { decreasing_root(|p| binomial_at_most(hits - 1, trials, p) - (1.0 - tail)) };
    let high = if hits == trials { 1.0 } else { decreasing_root(|p| binomial_at_most(hits, trials, p) - tail) };
    Some(Estimate { estimate: hits as f64 / trials as f64, low, high, level, standard_error: None })
}

/// The root of a decreasing function on (0, 1), by bisection to the last bit that matters.
fn decreasing_root(f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if f(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
        // Sixteen digits relative to the root: small proportions keep their digits too.
        if high - low <= 1e-15 * high {
            break;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::function::beta::inv_beta_reg;

    #[test]
    fn binomial_tails_match_hand_sums() {
        // (n, p) = (4, 1/2): 1, 4, 6, 4, 1 sixteenths.
        for (k, sixteenths) in [(0, 1.0), (1, 5.0), (2, 11.0), (3, 15.0), (4, 16.0)] {
            assert!((binomial_at_most(k, 4, 0.5) - sixteenths / 16.0).abs() < 1e-15);
        }
        // (3, 0.1): 0.729, 0.972, 0.999.
        for (k, expected) in [(0, 0.729), (1, 0.972), (2, 0.999)] {
            assert!((binomial_at_most(k, 3, 0.1) - expected).abs() < 1e-15);
        }
        assert!((binomial_at_most(500_000, 1_000_001, 0.5) - 0.5).abs() < 1e-10, "symmetric at a million");
    }

    #[test]
    fn clopper_pearson_is_the_beta_quantile() {
        for (k, n) in [(1_u64, 10_u64), (5, 10), (3, 1_000), (250, 1_000), (9, 10)] {
            let interval = proportion(k, n, 0.95).unwrap();
            let (a, b) = (k as f64, n as f64);
            assert!((interval.low - inv_beta_reg(a, b - a + 1.0, 0.025)).abs() < 1e-9, "{k}/{n}");
            assert!((interval.high - inv_beta_reg(a + 1.0, b - a, 0.975)).abs() < 1e-9, "{k}/{n}");
        }
    }

    #[test]
    fn no_event_in_n_paths_bounds_the_rate_by_the_closed_form() {
        // 0 of n: (1 − p)ⁿ = 0.025.
        let none = proportion(0, 1_000, 0.95).unwrap();
        assert_eq!(none.low, 0.0);
        assert!((none.high - (1.0 - 0.025_f64.powf(1e-3))).abs() < 1e-14);
        let all = proportion(1_000, 1_000, 0.95).unwrap();
        assert_eq!((all.estimate, all.high), (1.0, 1.0));
        assert!((all.low - 0.025_f64.powf(1e-3)).abs() < 1e-14);
        assert_eq!(proportion(0, 0, 0.95), None);
    }

    /// Σ over outcomes of P(k)·1{p in the interval of k}.
    fn exact_coverage(n: u64, p: f64) -> f64 {
        (0..=n)
            .filter(|&k| {
                let interval = proportion(k, n, 0.95).unwrap();
                interval.low <= p && p <= interval.high
            })
            .map(|k| binomial_at_most(k, n, p) - if k == 0 { 0.0 } else { binomial_at_most(k - 1, n, p) })
            .sum()
    }

    #[test]
    fn proportions_cover_as_often_as_computed_exactly() {
        for (n, p) in [(100, 0.02), (100, 0.3), (300, 0.005)] {
            let exact = exact_coverage(n, p);
            assert!(exact >= 0.95, "conservative by construction: {exact} at ({n}, {p})");
            let intervals: Vec<Estimate> = (0..=n).map(|k| proportion(k, n, 0.95).unwrap()).collect();
            let mut next = bootstrap::splitmix(7);
            let trials = 20_000;
            let covered = (0..trials)
                .filter(|_| {
                    let hits = (0..n).filter(|_| bootstrap::unit(next()) < p).count();
                    intervals[hits].low <= p && p <= intervals[hits].high
                })
                .count() as f64
                / f64::from(trials);
            let error = (exact * (1.0 - exact) / f64::from(trials)).sqrt();
            assert!((covered - exact).abs() < 4.0 * error, "{covered} against {exact} at ({n}, {p})");
            assert!(covered >= 0.94);
        }
    }

    #[test]
    fn student_quantiles_are_those_of_the_tables() {
        for (degrees, expected) in [
            (1, 12.706_205),
            (2, 4.302_653),
            (9, 2.262_157),
            (99, 1.984_217),
            (1_000, 1.962_339),
            (1_001, 1.962_337),
            (9_999, 1.960_201),
            (999_999, 1.959_966),
        ] {
            let got = student_quantile(0.975, degrees);
            assert!((got - expected).abs() < 2e-6, "{got} at {degrees}");
        }
    }

    #[test]
    fn one_value_has_no_finite_interval() {
        let one = Estimate::student(5.0, 0.0, 0, 0.95);
        assert_eq!((one.low, one.high), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(one.at_least(0.0).low, 0.0);
    }
}
