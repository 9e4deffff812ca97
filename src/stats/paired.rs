//! Differences between two runs that met the same shocks, path by path, and what to make of many of them.
//!
//! Every difference is second less first. Two columns that agree on every path differ by exactly 0, and say so by a
//! standard error of 0.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::bootstrap::unit;
use super::quantile::Share;
use super::{Estimate, binomial_at_most};

/// A difference with its interval, and the probability of one at least as large where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub estimate: Estimate,
    /// Two-sided; 1 where both columns agree.
    pub p_value: f64,
}

impl Difference {
    /// Both columns agree on every path.
    #[must_use]
    pub const fn none(level: f64) -> Self {
        Self { estimate: Estimate::exact(0.0, level), p_value: 1.0 }
    }

    /// From a standard error by Student's law with so many degrees of freedom.
    #[must_use]
    pub fn student(difference: f64, standard_error: f64, degrees: u64, level: f64) -> Self {
        let estimate = Estimate::student(difference, standard_error, degrees, level);
        let p_value = if degrees == 0 {
            1.0
        } else if standard_error > 0.0 {
            two_sided(difference / standard_error, degrees)
        } else if difference == 0.0 {
            1.0
        } else {
            // The same on every path, and not 0: the smallest p-value that so many paths can give by their signs.
            libm::exp2(-(degrees as f64))
        };
        Self { estimate, p_value }
    }

    /// The difference in another unit; `factor` > 0.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { estimate: self.estimate.times(factor), p_value: self.p_value }
    }
}

/// P(|T| ≥ |t|) for Student's t.
fn two_sided(t: f64, degrees: u64) -> f64 {
    let tail = if degrees > 1_000 {
        Normal::standard().sf(t.abs())
    } else {
        StudentsT::new(0.0, 1.0, degrees as f64).map_or(0.5, |law| law.sf(t.abs()))
    };
    (2.0 * tail).min(1.0)
}

/// Difference of two means by Student's interval on the paired differences; `None` without pairs.
///
/// The differences are summed as integers, so that 0 is exactly 0.
#[must_use]
pub fn means(pairs: impl Iterator<Item = (i64, i64)>, level: f64) -> Option<Difference> {
    let mut moments = super::moments::Moments::default();
    for (first, second) in pairs {
        // Two amounts of opposite sign may differ by more than an i64 holds only where each is beyond any money.
        moments.add(second.saturating_sub(first));
    }
    let mean = moments.mean(level)?;
    let error = mean.standard_error.unwrap_or(0.0);
    Some(Difference::student(mean.estimate, error, moments.count() - 1, level))
}

/// Difference of two means of samples that have nothing in common, second less first, by Welch's test (1947): with
/// v = s²/n of each, se = √(v₁ + v₂) and (v₁ + v₂)²/[v₁²/(n₁ − 1) + v₂²/(n₂ − 1)] degrees of freedom, rounded down.
/// `None` where a sample has fewer than two values.
#[must_use]
pub fn unpaired_means(
    first: &super::moments::Moments,
    second: &super::moments::Moments,
    level: f64,
) -> Option<Difference> {
    use rust_decimal::prelude::ToPrimitive;
    let (a, b) = (first.variance()? / first.count() as f64, second.variance()? / second.count() as f64);
    let difference = second.sum() as f64 / second.count() as f64 - first.sum() as f64 / first.count() as f64;
    let parts = a * a / (first.count() - 1) as f64 + b * b / (second.count() - 1) as f64;
    let degrees = if parts > 0.0 { libm::floor((a + b) * (a + b) / parts).to_u64() } else { None };
    let degrees = degrees.unwrap_or(first.count() + second.count() - 2).max(1);
    Some(Difference::student(difference, libm::sqrt(a + b), degrees, level))
}

/// Difference of two probabilities on the same paths; `None` without paths.
///
/// Interval of Bonett and Price (2012): with b and c the paths on which only the first or only the second event happens,
/// p₁ = (b + 1)/(n + 2), p₂ = (c + 1)/(n + 2), the difference p₂ − p₁ ± z·√[(p₁ + p₂ − (p₂ − p₁)²)/(n + 2)], which covers
/// where few paths disagree and Wald's does not. The estimate stays (c − b)/n. P-value of McNemar's exact test.
#[must_use]
pub fn proportions(pairs: impl Iterator<Item = (bool, bool)>, level: f64) -> Option<Difference> {
    let (mut n, mut first_only, mut second_only) = (0_u64, 0_u64, 0_u64);
    for (first, second) in pairs {
        n += 1;
        first_only += u64::from(first && !second);
        second_only += u64::from(second && !first);
    }
    if n == 0 {
        return None;
    }
    let (b, c, paths) = (first_only as f64, second_only as f64, n as f64);
    let estimate = (c - b) / paths;
    let (p1, p2) = ((b + 1.0) / (paths + 2.0), (c + 1.0) / (paths + 2.0));
    let error = libm::sqrt((p1 + p2 - (p2 - p1) * (p2 - p1)) / (paths + 2.0));
    let half = Normal::standard().inverse_cdf(0.5 + level / 2.0) * error;
    let discordant = first_only + second_only;
    let p_value = if discordant == 0 {
        1.0
    } else {
        (2.0 * binomial_at_most(first_only.min(second_only), discordant, 0.5)).min(1.0)
    };
    Some(Difference {
        estimate: Estimate {
            estimate,
            low: (p2 - p1 - half).max(-1.0).min(estimate),
            high: (p2 - p1 + half).min(1.0).max(estimate),
            level,
            standard_error: Some(error),
        },
        p_value,
    })
}

/// One path's numerator and denominator in both runs: ((x₁, y₁), (x₂, y₂)).
pub type RatioPair = ((i64, i64), (i64, i64));

/// Difference of two ratios of sums Σx/Σy, by the delta method on the paired influences (x − r·y)/ȳ; `None` where a
/// denominator is 0.
#[must_use]
pub fn ratios(pairs: &[RatioPair], level: f64) -> Option<Difference> {
    let total = |value: fn(&RatioPair) -> i64| pairs.iter().map(|pair| i128::from(value(pair))).sum::<i128>() as f64;
    let (x1, y1) = (total(|pair| pair.0.0), total(|pair| pair.0.1));
    let (x2, y2) = (total(|pair| pair.1.0), total(|pair| pair.1.1));
    if y1 == 0.0 || y2 == 0.0 {
        return None;
    }
    if pairs.iter().all(|(first, second)| first == second) {
        return Some(Difference::none(level));
    }
    let n = pairs.len() as f64;
    let (r1, r2) = (x1 / y1, x2 / y2);
    let influence = |(x, y): (i64, i64), ratio: f64, total: f64| (x as f64 - ratio * y as f64) * n / total;
    // Both influences sum to 0, so their squares are the scatter.
    let scatter: f64 =
        pairs.iter().map(|(first, second)| influence(*second, r2, y2) - influence(*first, r1, y1)).map(|e| e * e).sum();
    let degrees = pairs.len() as u64 - 1;
    let error = if degrees > 0 { libm::sqrt(scatter / (n * degrees as f64)) } else { 0.0 };
    Some(Difference::student(r2 - r1, error, degrees, level))
}

/// What of the upper tail is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// X₍⌈αn⌉₎.
    ValueAtRisk,
    /// Mean of the worst 1 − α.
    ExpectedShortfall,
}

/// With fewer paths beyond the quantile, resamples that all agree prove nothing.
const FEW: u64 = 10;

/// Resamples of the paired bootstrap.
const RESAMPLES: u32 = 1_000;

/// Difference of two tail measures by the paired bootstrap: paths are drawn with replacement, both runs together.
///
/// Only paths that reach the outer 4·(1 − α) of either run can enter the tail of a resample (the chance that a resample
/// of 400 paths or more needs another is below 1e-9), so only they are drawn: their number is binomial, and is drawn by
/// its normal approximation. The interval is estimate ± z·se of the resampled differences.
#[must_use]
pub fn tails(first: &[i64], second: &[i64], share: Share, tail: Tail, level: f64, seed: u64) -> Option<Difference> {
    let n = first.len();
    if n == 0 || second.len() != n {
        return None;
    }
    let value = tail_of(&mut first.to_vec(), n, share, tail)?;
    let other = tail_of(&mut second.to_vec(), n, share, tail)?;
    if first == second {
        return Some(Difference::none(level));
    }
    let (low_first, low_second) = (cut(first, share), cut(second, share));
    let candidates: Vec<(i64, i64)> =
        first.iter().zip(second).map(|(&x, &y)| (x, y)).filter(|&(x, y)| x >= low_first || y >= low_second).collect();
    let mut next = super::bootstrap::splitmix(seed);
    let expected = candidates.len() as f64;
    // A binomial number of draws from the candidates; the whole sample where all are candidates.
    let spread = libm::sqrt(expected * (1.0 - expected / n as f64));
    let (mut sum, mut squares) = (0.0, 0.0);
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for _ in 0..RESAMPLES {
        let draws = libm::rint(expected + spread * super::bootstrap::normal(&mut next)).clamp(1.0, n as f64);
        let mut left = draws;
        xs.clear();
        ys.clear();
        while left >= 1.0 {
            left -= 1.0;
            let at = index(unit(next()), candidates.len());
            let (x, y) = candidates[at];
            xs.push(x);
            ys.push(y);
        }
        let x = tail_of(&mut xs, n, share, tail).unwrap_or(value);
        let y = tail_of(&mut ys, n, share, tail).unwrap_or(other);
        let difference = (y - x) - (other - value);
        sum += difference;
        squares += difference * difference;
    }
    let count = f64::from(RESAMPLES);
    let error = libm::sqrt(((squares - sum * sum / count) / (count - 1.0)).max(0.0));
    let degrees = n as u64 - 1;
    let difference = Difference::student(other - value, error, degrees, level);
    let beyond = n as u64 - share.rank(n as u64);
    if error == 0.0 && beyond < FEW {
        // A resampling without scatter has seen too few values to bound anything.
        return Some(Difference { p_value: 1.0, estimate: Estimate::student(other - value, 0.0, 0, level) });
    }
    Some(difference)
}

fn index(share: f64, count: usize) -> usize {
    use rust_decimal::prelude::ToPrimitive;
    libm::floor(share * count as f64).to_usize().unwrap_or(0).min(count - 1)
}

/// The value from which the outer 4·(1 − α) begins; the smallest of all where there are few.
fn cut(values: &[i64], share: Share) -> i64 {
    let n = values.len() as u64;
    let beyond = 4 * (n - share.rank(n)).max(100);
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = n.saturating_sub(beyond);
    sorted[usize::try_from(at).unwrap_or(0)]
}

/// The measure of `n` values of which only the upper ones are given; `None` where too few are.
fn tail_of(upper: &mut [i64], n: usize, share: Share, tail: Tail) -> Option<f64> {
    let beyond = n - usize::try_from(share.rank(n as u64)).ok()?;
    let at = upper.len().checked_sub(beyond + 1)?;
    upper.select_nth_unstable(at);
    let quantile = upper[at] as f64;
    match tail {
        Tail::ValueAtRisk => Some(quantile),
        Tail::ExpectedShortfall => {
            // [Σ over the worst + (⌈αn⌉ − αn)·X₍⌈αn⌉₎]/((1 − α)n)
            let (rank, weight) = (share.rank(n as u64) as f64, share.to_f64() * n as f64);
            let above: f64 = upper[at + 1..].iter().map(|&x| x as f64).sum();
            Some((above + (rank - weight) * quantile) / ((1.0 - share.to_f64()) * n as f64))
        }
    }
}

/// Holm's adjusted p-values (1979): in ascending order pᵢ·(m − i), never below the one before, at most 1. Rejecting those
/// below α keeps the chance of any false rejection below α, whatever the tests have in common.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (rank, &at) in order.iter().enumerate() {
        least = least.max((p_values[at] * (p_values.len() - rank) as f64).min(1.0));
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bootstrap::{normal, splitmix};

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
    }

    #[test]
    fn a_difference_of_means_is_students_on_the_differences() {
        // Differences 1, 2, 3: mean 2, s = 1, se = 1/√3, t = 2√3 = 3.4641 with 2 degrees: p = 0.074180.
        let d = means([(5, 6), (7, 9), (0, 3)].into_iter(), 0.95).unwrap();
        near(d.estimate.estimate, 2.0);
        near(d.estimate.standard_error.unwrap(), 1.0 / 3.0_f64.sqrt());
        assert!((d.p_value - 0.074_18).abs() < 1e-5, "{}", d.p_value);
    }

    #[test]
    fn samples_with_nothing_in_common_are_compared_by_welch() {
        // 1, 2, 3 and 4, 8: v₁ = 1/3, v₂ = 8/2 = 4; t = 4/√4.3333 = 1.92154 with 18.7778/(0.05556 + 16) = 1.169 → 1 degree.
        let of = |values: &[i64]| {
            let mut moments = super::super::moments::Moments::default();
            values.iter().for_each(|&value| moments.add(value));
            moments
        };
        let d = unpaired_means(&of(&[1, 2, 3]), &of(&[4, 8]), 0.95).unwrap();
        near(d.estimate.estimate, 4.0);
        near(d.estimate.standard_error.unwrap(), (13.0_f64 / 3.0).sqrt());
        // One degree of freedom is Cauchy's law: p = 1 − 2·atan(t)/π.
        near(d.p_value, 1.0 - 2.0 * (4.0 / (13.0_f64 / 3.0).sqrt()).atan() / std::f64::consts::PI);
        assert_eq!(unpaired_means(&of(&[1]), &of(&[4, 8]), 0.95), None);
    }

    #[test]
    fn equal_columns_differ_by_exactly_nothing() {
        let none = Difference::none(0.95);
        assert_eq!(means([(5, 5), (-7, -7)].into_iter(), 0.95), Some(none));
        assert_eq!(ratios(&[((1, 3), (1, 3)), ((2, 7), (2, 7))], 0.95), Some(none));
        let values = [4, 1, 9, 7];
        for tail in [Tail::ValueAtRisk, Tail::ExpectedShortfall] {
            assert_eq!(tails(&values, &values, Share::percent(99), tail, 0.95, 1), Some(none));
        }
    }

    #[test]
    fn a_difference_of_probabilities_follows_bonett_and_price_and_mcnemar() {
        // n = 100, b = 2, c = 8: p₁ = 3/102, p₂ = 9/102; difference 0.058824, se = √[(12/102 − (6/102)²)/102] = 0.033459;
        // McNemar: 2·P(Bin(10, ½) ≤ 2) = 2·56/1024 = 0.109375.
        let pairs = (0..100).map(|i| (i < 2, (10..18).contains(&i)));
        let d = proportions(pairs, 0.95).unwrap();
        near(d.estimate.estimate, 0.06);
        near(d.p_value, 0.109_375);
        assert!((d.estimate.low - (0.058_824 - 1.959_964 * 0.033_459)).abs() < 1e-5, "{:?}", d.estimate);
        assert!((d.estimate.high - (0.058_824 + 1.959_964 * 0.033_459)).abs() < 1e-5);
    }

    #[test]
    fn probabilities_that_agree_on_every_path_still_have_an_error() {
        let d = proportions((0..100).map(|_| (false, false)), 0.95).unwrap();
        assert_eq!((d.estimate.estimate, d.p_value), (0.0, 1.0));
        assert!(d.estimate.low < 0.0 && d.estimate.high > 0.0 && d.estimate.high < 0.05);
    }

    #[test]
    fn a_difference_of_ratios_is_that_of_the_sums() {
        // 3/6 and 9/6, influences (x − r·y)/ȳ with ȳ = 3: first (1 − 1)/3, (2 − 2)/3; second (4 − 3)/3, (5 − 6)/3.
        // Scatter 2/9, se = √[(2/9)/(2·1)] = 1/3.
        let d = ratios(&[((1, 2), (4, 2)), ((2, 4), (5, 4))], 0.95).unwrap();
        near(d.estimate.estimate, 1.0);
        near(d.estimate.standard_error.unwrap(), 1.0 / 3.0);
        assert_eq!(ratios(&[((1, 2), (4, 0))], 0.95), None);
    }

    #[test]
    fn holm_multiplies_by_the_tests_that_are_left() {
        // Ascending 0.01·4, 0.02·3, 0.03·2 → 0.06 (not below the one before), 0.5.
        let adjusted = holm(&[0.03, 0.01, 0.5, 0.02]);
        for (got, expected) in adjusted.iter().zip([0.06, 0.04, 0.5, 0.06]) {
            near(*got, expected);
        }
    }

    #[test]
    fn tail_measures_match_their_definitions() {
        // 200 values 1 … 200 in disorder: VaR 99 % = X₍198₎ = 198; ES = (199 + 200)/2.
        let first: Vec<i64> = (0..200).map(|i| (i * 7) % 200 + 1).collect();
        let second: Vec<i64> = first.iter().map(|x| x + 10).collect();
        let share = Share::percent(99);
        near(tail_of(&mut first.clone(), 200, share, Tail::ValueAtRisk).unwrap(), 198.0);
        near(tail_of(&mut first.clone(), 200, share, Tail::ExpectedShortfall).unwrap(), 199.5);
        // A constant shift has no scatter at all: nothing is claimed about an interval.
        let shifted = tails(&first, &second, share, Tail::ValueAtRisk, 0.95, 3).unwrap();
        assert_eq!(shifted.estimate.estimate, 10.0);
    }

    /// Intervals of the tail differences cover a known difference at about their level.
    #[test]
    fn tail_differences_cover() {
        // Normal X and Y = X + Z/2, so Y is normal with standard deviation √1.25; in units of 1e6.
        const ES_99: f64 = 2.665_214;
        const Q_99: f64 = 2.326_348;
        let wider = 1.25_f64.sqrt() - 1.0;
        let mut next = splitmix(99);
        for (tail, truth) in [(Tail::ExpectedShortfall, ES_99 * wider), (Tail::ValueAtRisk, Q_99 * wider)] {
            let mut covered = 0;
            for round in 0..100 {
                let (mut first, mut second) = (Vec::new(), Vec::new());
                for _ in 0..2_000 {
                    let x = normal(&mut next);
                    let y = x + 0.5 * normal(&mut next);
                    first.push((x * 1e6) as i64);
                    second.push((y * 1e6) as i64);
                }
                let d = tails(&first, &second, Share::percent(99), tail, 0.95, round).unwrap();
                covered += u32::from(d.estimate.low <= truth * 1e6 && truth * 1e6 <= d.estimate.high);
            }
            // 95 % ± 4 standard errors of 100 trials, and the small-sample bias of a tail of 20 paths.
            assert!((86..=100).contains(&covered), "{tail:?} covered {covered} of 100");
        }
    }
}
