//! Means, paired differences and ratios of sums from exact integer moments.

use super::wide::Wide;
use super::{Estimate, student_quantile};

/// Count, sum and sum of squares of `i64` values, exact: the same for every order and every split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    n: u64,
    sum: i128,
    squares: Wide,
}

impl Moments {
    pub fn add(&mut self, value: i64) {
        self.n += 1;
        self.sum += i128::from(value);
        self.squares += Wide::from(i128::from(value) * i128::from(value));
    }

    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// The same with so many values of 0 beside: what was seen only where it was not 0.
    #[must_use]
    pub const fn with_zeros(mut self, count: u64) -> Self {
        self.n += count;
        self
    }

    #[must_use]
    pub const fn count(&self) -> u64 {
        self.n
    }

    #[must_use]
    pub const fn sum(&self) -> i128 {
        self.sum
    }

    /// (Σx)²/Σx²: how many equal values would scatter as little; 0 without any but 0.
    #[must_use]
    pub fn effective_size(&self) -> f64 {
        let (sum, squares) = (self.sum as f64, self.squares.to_f64());
        if squares > 0.0 { sum * sum / squares } else { 0.0 }
    }

    /// True where all values are the same.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.scatter().is_zero()
    }

    /// n·Σx² − (Σx)² ≥ 0, exact.
    fn scatter(&self) -> Wide {
        self.squares.times(self.n) - Wide::product(self.sum, self.sum)
    }

    /// Unbiased variance [n·Σx² − (Σx)²]/[n(n − 1)]; `None` below two values.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let n = self.n as f64;
        (self.n > 1).then(|| self.scatter().to_f64() / (n * (n - 1.0)))
    }

    /// The mean with Student's interval x̄ ± t(n − 1)·s/√n; `None` without values.
    #[must_use]
    pub fn mean(&self, level: f64) -> Option<Estimate> {
        if self.n == 0 {
            return None;
        }
        let n = self.n as f64;
        let error = libm::sqrt(self.variance().unwrap_or(0.0) / n);
        Some(Estimate::student(self.sum as f64 / n, error, self.n - 1, level))
    }
}

/// Exact first and second moments of pairs (x, y).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    n: u64,
    x: i128,
    y: i128,
    xx: Wide,
    yy: Wide,
    xy: Wide,
}

impl Pairs {
    pub fn add(&mut self, x: i64, y: i64) {
        let (x, y) = (i128::from(x), i128::from(y));
        self.n += 1;
        self.x += x;
        self.y += y;
        self.xx += Wide::from(x * x);
        self.yy += Wide::from(y * y);
        self.xy += Wide::from(x * y);
    }

    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.x += other.x;
        self.y += other.y;
        self.xx += other.xx;
        self.yy += other.yy;
        self.xy += other.xy;
    }

    #[must_use]
    pub const fn count(&self) -> u64 {
        self.n
    }

    /// True where x = y in every pair: a difference of exactly 0, to be reported as identical.
    #[must_use]
    pub fn is_identical(&self) -> bool {
        (self.xx + self.yy - self.xy.times(2)).is_zero()
    }

    /// n·Σab − Σa·Σb over n(n − 1), for the three pairs (x, x), (y, y), (x, y).
    fn covariances(&self) -> [f64; 3] {
        let n = self.n as f64;
        [(self.xx, self.x, self.x), (self.yy, self.y, self.y), (self.xy, self.x, self.y)]
            .map(|(ab, a, b)| (ab.times(self.n) - Wide::product(a, b)).to_f64() / (n * (n - 1.0)))
    }

    /// Mean of x − y with Student's interval on the differences; `None` without pairs.
    #[must_use]
    pub fn difference(&self, level: f64) -> Option<Estimate> {
        if self.n == 0 {
            return None;
        }
        let n = self.n as f64;
        let sum = self.x - self.y;
        // Exact in integers: the variance of a difference of nearly equal columns would cancel in floats.
        let scatter = (self.xx + self.yy - self.xy.times(2)).times(self.n) - Wide::product(sum, sum);
        let variance = if self.n > 1 { scatter.to_f64() / (n * (n - 1.0)) } else { 0.0 };
        Some(Estimate::student(sum as f64 / n, libm::sqrt(variance / n), self.n - 1, level))
    }

    /// Σx/Σy with the delta-method interval: r ± t(n − 1)·s(x − r·y)/(ȳ·√n). `None` where Σy = 0.
    #[must_use]
    pub fn ratio_delta(&self, level: f64) -> Option<Estimate> {
        if self.y == 0 {
            return None;
        }
        let ratio = self.x as f64 / self.y as f64;
        if self.n < 2 {
            return Some(Estimate::student(ratio, 0.0, 0, level));
        }
        let [vx, vy, vxy] = self.covariances();
        let variance = (vx - 2.0 * ratio * vxy + ratio * ratio * vy).max(0.0);
        let n = self.n as f64;
        let error = libm::sqrt(variance / n) / (self.y as f64 / n).abs();
        Some(Estimate::student(ratio, error, self.n - 1, level))
    }

    /// Σx/Σy with Fieller's interval: all r with (x̄ − r·ȳ)² ≤ t²·s²(x − r·y)/n, the exact interval for normal means.
    ///
    /// `None` where Σy = 0. Both bounds are infinite where ȳ is not significantly different from 0: then no bounded
    /// interval has the coverage.
    #[must_use]
    pub fn ratio_fieller(&self, level: f64) -> Option<Estimate> {
        if self.y == 0 {
            return None;
        }
        if self.is_identical() && self.n > 1 {
            return Some(Estimate::exact(1.0, level));
        }
        let ratio = self.x as f64 / self.y as f64;
        let unbounded = Estimate::student(ratio, 0.0, 0, level);
        if self.n < 2 {
            return Some(unbounded);
        }
        let n = self.n as f64;
        let t = student_quantile(0.5 + level / 2.0, self.n - 1);
        let [vx, vy, vxy] = self.covariances();
        let (x, y, c) = (self.x as f64 / n, self.y as f64 / n, t * t / n);
        // (y² − c·vy)·r² − 2(x·y − c·vxy)·r + (x² − c·vx) ≤ 0
        let (a, b) = (y * y - c * vy, x * y - c * vxy);
        if a <= 0.0 {
            return Some(unbounded);
        }
        // The discriminant, multiplied out so that it is exactly 0 where x is a multiple of y.
        let residual = vx - 2.0 * ratio * vxy + ratio * ratio * vy;
        let root = libm::sqrt((c * y * y * residual - c * c * (vx * vy - vxy * vxy)).max(0.0));
        let delta = self.ratio_delta(level)?;
        Some(Estimate { low: (b - root) / a, high: (b + root) / a, ..delta })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bootstrap::{normal, splitmix, unit};
    use proptest::prelude::*;

    fn moments(values: &[i64]) -> Moments {
        let mut moments = Moments::default();
        for &value in values {
            moments.add(value);
        }
        moments
    }

    fn pairs(values: &[(i64, i64)]) -> Pairs {
        let mut pairs = Pairs::default();
        for &(x, y) in values {
            pairs.add(x, y);
        }
        pairs
    }

    #[test]
    fn mean_and_variance_of_four_values_by_hand() {
        // 2, 4, 4, 6: mean 4, squares of deviations 4 + 0 + 0 + 4 = 8, variance 8/3, se = √(8/12), t(3) = 3.182446.
        let mean = moments(&[2, 4, 4, 6]).mean(0.95).unwrap();
        assert_eq!(mean.estimate, 4.0);
        assert!((mean.standard_error.unwrap() - (8.0_f64 / 12.0).sqrt()).abs() < 1e-15);
        assert!((mean.high - (4.0 + 3.182_446_305 * (8.0_f64 / 12.0).sqrt())).abs() < 1e-8);
    }

    #[test]
    fn the_effective_size_counts_equal_values_and_ignores_zeros() {
        assert!((moments(&[7, 7, 7, 0, 0]).effective_size() - 3.0).abs() < 1e-12);
        // (1 + 3)²/(1 + 9) = 1.6.
        assert!((moments(&[1, 3]).effective_size() - 1.6).abs() < 1e-12);
        assert_eq!(moments(&[0, 0]).effective_size(), 0.0);
    }

    #[test]
    fn zeros_that_were_not_seen_count() {
        assert_eq!(moments(&[3, 5]).with_zeros(2), moments(&[0, 3, 0, 5]));
    }

    #[test]
    fn a_tiny_scatter_on_huge_values_is_not_lost() {
        // Floats would see no variance at all: 2⁶² ± 1.
        let at = 1_i64 << 62;
        assert!((moments(&[at - 1, at, at + 1]).variance().unwrap() - 1.0).abs() < 1e-12);
        assert!(moments(&[at, at]).is_constant());
        assert!(!moments(&[at, at + 1]).is_constant());
    }

    proptest! {
        #[test]
        fn any_split_and_order_gives_the_same_moments(mut values in prop::collection::vec(any::<i64>(), 0..40), cut in 0usize..40) {
            let whole = moments(&values);
            values.reverse();
            let cut = cut.min(values.len());
            let (left, right) = (moments(&values[..cut]), moments(&values[cut..]));
            let (mut a, mut b) = (left, right);
            a.merge(&right);
            b.merge(&left);
            prop_assert_eq!(a, whole);
            prop_assert_eq!(b, whole);
        }
    }

    #[test]
    fn a_paired_difference_is_that_of_the_differences() {
        let data = [(5, 2), (9, 4), (7, 7), (1, 3)];
        let direct = moments(&data.map(|(x, y)| x - y)).mean(0.95).unwrap();
        let paired = pairs(&data).difference(0.95).unwrap();
        assert!((paired.low - direct.low).abs() < 1e-12 && paired.estimate == direct.estimate);
        assert!(!pairs(&data).is_identical());
        let same = pairs(&[(5, 5), (-3, -3)]);
        assert!(same.is_identical());
        let zero = same.difference(0.95).unwrap();
        assert_eq!((zero.estimate, zero.low, zero.high), (0.0, 0.0, 0.0));
    }

    #[test]
    fn equal_columns_have_a_ratio_of_exactly_one() {
        let same = pairs(&[(7, 7), (11, 11), (0, 0)]);
        for ratio in [same.ratio_delta(0.95).unwrap(), same.ratio_fieller(0.95).unwrap()] {
            assert_eq!(ratio.estimate, 1.0);
            assert!((ratio.low - 1.0).abs() < 1e-9 && (ratio.high - 1.0).abs() < 1e-9);
        }
        assert_eq!(pairs(&[(3, 0)]).ratio_delta(0.95), None);
    }

    #[test]
    fn the_ratio_interval_is_the_delta_method_by_hand() {
        // x = 2, 4; y = 1, 3: r = 6/4 = 1.5; x − r·y = 0.5, −0.5: s² = 0.5; se = √(0.5/2)/2 = 0.25.
        let ratio = pairs(&[(2, 1), (4, 3)]).ratio_delta(0.95).unwrap();
        assert_eq!(ratio.estimate, 1.5);
        assert!((ratio.standard_error.unwrap() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn fieller_bounds_solve_their_equation_and_are_unbounded_near_zero() {
        let data: Vec<(i64, i64)> = vec![(12, 10), (30, 21), (7, 9), (22, 17), (15, 15)];
        let interval = pairs(&data).ratio_fieller(0.95).unwrap();
        let t = student_quantile(0.975, 4);
        for bound in [interval.low, interval.high] {
            let residues: Vec<f64> = data.iter().map(|&(x, y)| x as f64 - bound * y as f64).collect();
            let mean = residues.iter().sum::<f64>() / 5.0;
            let variance = residues.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / 4.0;
            assert!((mean * mean - t * t * variance / 5.0).abs() < 1e-6, "bound {bound}");
        }
        let hopeless = pairs(&[(1, 10), (5, -9), (3, 1)]).ratio_fieller(0.95).unwrap();
        assert_eq!((hopeless.low, hopeless.high), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn means_of_light_tails_cover_at_their_level() {
        let mut next = splitmix(11);
        for law in ["uniform", "normal", "exponential"] {
            let trials = 4_000;
            let truth = if law == "uniform" { 0.5 } else { 1.0 };
            let covered = (0..trials)
                .filter(|_| {
                    let mut sample = Moments::default();
                    for _ in 0..200 {
                        let value = match law {
                            "uniform" => unit(next()),
                            "normal" => 1.0 + normal(&mut next),
                            _ => -unit(next()).ln(),
                        };
                        sample.add((value * 1e9) as i64);
                    }
                    let mean = sample.mean(0.95).unwrap();
                    mean.low <= truth * 1e9 && truth * 1e9 <= mean.high
                })
                .count() as f64
                / f64::from(trials);
            assert!((0.93..=0.97).contains(&covered), "{law}: {covered}");
        }
    }

    #[test]
    fn ratios_of_sums_cover_at_their_level() {
        let mut next = splitmix(12);
        let trials = 3_000;
        let (mut delta, mut fieller) = (0, 0);
        for _ in 0..trials {
            let mut sample = Pairs::default();
            for _ in 0..150 {
                let y = 1.0 - unit(next()).ln();
                let x = 1.3 * y + 0.5 * normal(&mut next);
                sample.add((x * 1e6) as i64, (y * 1e6) as i64);
            }
            let (d, f) = (sample.ratio_delta(0.95).unwrap(), sample.ratio_fieller(0.95).unwrap());
            delta += u32::from(d.low <= 1.3 && 1.3 <= d.high);
            fieller += u32::from(f.low <= 1.3 && 1.3 <= f.high);
        }
        for covered in [delta, fieller] {
            let share = f64::from(covered) / f64::from(trials);
            assert!((0.93..=0.97).contains(&share), "{share}");
        }
    }
}
