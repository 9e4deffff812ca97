//! Quantiles, value at risk and expected shortfall: exact, selected in a second pass over the values.

use std::collections::BTreeMap;

use super::histogram::{Bucket, Histogram, bounds, key};
use super::wide::Wide;
use super::{Estimate, binomial_at_most, bootstrap};

/// A probability in millionths, so that ⌈αn⌉ is an integer computation: 0.07·100 is 7.000000000000001 in floats,
/// which rounds up to the wrong rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// `None` unless 0 < millionths < 1,000,000.
    #[must_use]
    pub const fn millionths(millionths: u32) -> Option<Self> {
        if millionths > 0 && millionths < 1_000_000 { Some(Self(millionths)) } else { None }
    }

    /// A whole percentage, 1 to 99.
    ///
    /// # Panics
    /// Outside 1 to 99; meant for constants.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        assert!(percent > 0 && percent < 100, "a percentage strictly between 0 and 100");
        Self(percent * 10_000)
    }

    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// ⌈αn⌉, the rank of X_(⌈αn⌉), from 1.
    #[must_use]
    pub fn rank(self, n: u64) -> u64 {
        let rank = (u128::from(self.0) * u128::from(n)).div_ceil(1_000_000);
        u64::try_from(rank).expect("a rank is at most n")
    }
}

/// X_(⌈αn⌉) of ascending values; `None` where there are none.
#[must_use]
pub fn of_sorted(ascending: &[i64], share: Share) -> Option<i64> {
    let rank = share.rank(u64::try_from(ascending.len()).ok()?);
    usize::try_from(rank).ok()?.checked_sub(1).and_then(|at| ascending.get(at)).copied()
}

/// Ranks (l, u) with P(X_(l) ≤ quantile ≤ X_(u)) ≥ level: l the largest with P(B ≤ l − 1) ≤ (1 − level)/2, u the
/// smallest with P(B ≥ u) ≤ (1 − level)/2, B binomial (n, α). `None` where no such rank exists: the bound is infinite.
#[must_use]
pub fn interval_ranks(n: u64, share: Share, level: f64) -> (Option<u64>, Option<u64>) {
    let (p, tail) = (share.to_f64(), (1.0 - level) / 2.0);
    // The first k in 0..=n with P(B ≤ k) > tail; P(B ≤ k) grows with k.
    let first = |limit: f64, strict: bool| {
        let (mut low, mut high) = (0, n);
        while low < high {
            let middle = low + (high - low) / 2;
            let at_most = binomial_at_most(middle, n, p);
            let reached = if strict { at_most > limit } else { at_most >= limit };
            if reached {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    };
    let low = first(tail, true);
    let high = first(1.0 - tail, false) + 1;
    ((low >= 1).then_some(low), (high <= n).then_some(high))
}

/// Bins kept of the values that lie where a rank is.
const MOST_BINS: usize = 1_024;

/// Finds values by rank among values seen several times: once by a [`Histogram`], which names the bucket of each rank,
/// then by `see`, which keeps the values of those buckets. Where a bucket holds more different values than
/// [`MOST_BINS`] (a thousandth of a large fund is many cents), they are kept in bins, and another pass looks into the
/// bins of the ranks; so memory does not grow with the number of values.
#[derive(Clone, Debug)]
pub struct Selector {
    n: u64,
    wanted: Vec<Wanted>,
    /// Each rank with its place in `wanted`.
    ranks: BTreeMap<u64, usize>,
}

/// A range of values in which a rank lies.
#[derive(Clone, Debug)]
struct Wanted {
    low: i64,
    high: i64,
    /// Values below `low`.
    below: u64,
    /// Sums over the values above `high`.
    sum_above: i128,
    squares_above: Wide,
    /// The values within: those that agree but for their last `shift` bits together.
    bins: BTreeMap<i64, Bucket>,
    shift: u32,
    /// (mean, count) of the bins above `high` that an earlier pass told of.
    passed: Vec<(f64, u64)>,
}

impl Wanted {
    fn keep(&mut self, value: i64) {
        let bin = self.bins.entry(value >> self.shift).or_default();
        bin.count += 1;
        bin.sum += i128::from(value);
        while self.bins.len() > MOST_BINS {
            self.shift += 1;
            let mut wider: BTreeMap<i64, Bucket> = BTreeMap::new();
            for (at, bin) in std::mem::take(&mut self.bins) {
                let into = wider.entry(at >> 1).or_default();
                into.count += bin.count;
                into.sum += bin.sum;
            }
            self.bins = wider;
        }
    }

    /// The bin of a rank among all values, and how many values within lie below it.
    fn bin(&self, rank: u64) -> Option<(i64, u64)> {
        let mut left = rank.checked_sub(self.below + 1)?;
        let mut before = 0;
        for (&at, bin) in &self.bins {
            if left < bin.count {
                return Some((at, before));
            }
            left -= bin.count;
            before += bin.count;
        }
        None
    }

    /// The part of the range that a rank's bin covers, to be looked into by the next pass.
    fn narrowed(&self, rank: u64) -> Option<Self> {
        let (at, before) = self.bin(rank)?;
        let low = at << self.shift;
        let above = || self.bins.range(at + 1..).map(|(_, bin)| *bin);
        let mut passed: Vec<(f64, u64)> = above().map(|bin| (bin.mean(), bin.count)).collect();
        passed.extend(&self.passed);
        Some(Self {
            low: low.max(self.low),
            high: (low | ((1 << self.shift) - 1)).min(self.high),
            below: self.below + before,
            sum_above: self.sum_above + above().map(|bin| bin.sum).sum::<i128>(),
            squares_above: Wide::ZERO,
            bins: BTreeMap::new(),
            shift: 0,
            passed,
        })
    }
}

impl Selector {
    /// Prepares to find `ranks` (from 1); ranks that no value has are ignored.
    #[must_use]
    pub fn new(histogram: &Histogram, ranks: &[u64]) -> Self {
        let mut selector = Self { n: histogram.count(), wanted: Vec::new(), ranks: BTreeMap::new() };
        for &rank in ranks {
            let Some((key, below)) = histogram.find(rank) else { continue };
            let (low, high) = bounds(key);
            let known = selector.wanted.iter().position(|wanted| wanted.low == low);
            selector.ranks.insert(rank, known.unwrap_or(selector.wanted.len()));
            if known.is_none() {
                selector.wanted.push(Wanted {
                    low,
                    high,
                    below,
                    sum_above: histogram.sum_above(key),
                    squares_above: Wide::ZERO,
                    bins: BTreeMap::new(),
                    shift: 0,
                    passed: Vec::new(),
                });
            }
        }
        selector
    }

    /// Prepares for the value at risk and expected shortfall of each share, with intervals.
    #[must_use]
    pub fn for_shares(histogram: &Histogram, shares: &[Share], level: f64) -> Self {
        let n = histogram.count();
        let mut ranks = Vec::new();
        for share in shares {
            let (low, high) = interval_ranks(n, *share, level);
            ranks.push(share.rank(n));
            ranks.extend(low);
            ranks.extend(high);
        }
        Self::new(histogram, &ranks)
    }

    /// Shows one value of a pass; every value that the histogram saw comes once a pass, in any order.
    pub fn see(&mut self, value: i64) {
        for wanted in &mut self.wanted {
            if value > wanted.high {
                wanted.squares_above += Wide::from(i128::from(value) * i128::from(value));
            } else if value >= wanted.low {
                wanted.keep(value);
            }
        }
    }

    /// After a pass: whether every rank is found. If not, what is still open is narrowed, and another pass must follow.
    pub fn is_settled(&mut self) -> bool {
        if self.wanted.iter().all(|wanted| wanted.shift == 0) {
            return true;
        }
        let ranks = std::mem::take(&mut self.ranks);
        let before = std::mem::take(&mut self.wanted);
        for (rank, at) in ranks {
            // All are looked into again, so that every pass shows the same values to each.
            let Some(wanted) = before[at].narrowed(rank) else { continue };
            let known = self.wanted.iter().position(|other| (other.low, other.high) == (wanted.low, wanted.high));
            self.ranks.insert(rank, known.unwrap_or(self.wanted.len()));
            if known.is_none() {
                self.wanted.push(wanted);
            }
        }
        false
    }

    fn around(&self, rank: u64) -> Option<&Wanted> {
        self.wanted.get(*self.ranks.get(&rank)?)
    }

    /// The value of a rank that was prepared.
    #[must_use]
    pub fn value(&self, rank: u64) -> Option<i64> {
        let (value, _) = self.around(rank).filter(|wanted| wanted.shift == 0)?.bin(rank)?;
        Some(value)
    }

    /// VaR_α = X_(⌈αn⌉) with its order-statistic interval. A bound whose rank does not exist is infinite.
    #[must_use]
    pub fn value_at_risk(&self, share: Share, level: f64) -> Option<Estimate> {
        let estimate = self.value(share.rank(self.n))? as f64;
        let (low, high) = interval_ranks(self.n, share, level);
        Some(Estimate {
            estimate,
            low: low.and_then(|rank| self.value(rank)).map_or(f64::NEG_INFINITY, |value| value as f64),
            high: high.and_then(|rank| self.value(rank)).map_or(f64::INFINITY, |value| value as f64),
            level,
            standard_error: None,
        })
    }

    /// ES_α = [Σ_{i>r} X_(i) + (r − αn)·X_(r)]/((1 − α)n) with r = ⌈αn⌉, exact.
    ///
    /// Interval: ES_α = q + E(X − q)⁺/(1 − α), whose first-order error does not depend on that of q = X_(r), so
    /// se = s((X − q)⁺)/((1 − α)·√n), with Student's quantile at the number of paths beyond q less one.
    #[must_use]
    pub fn expected_shortfall(&self, share: Share, level: f64) -> Option<Estimate> {
        let rank = share.rank(self.n);
        let kept = self.around(rank)?;
        let quantile = i128::from(self.value(rank)?);
        let above_bucket = self.n - kept.below - kept.bins.values().map(|bin| bin.count).sum::<u64>();
        let within: Vec<(i128, u64)> = kept
            .bins
            .iter()
            .map(|(&value, bin)| (i128::from(value), bin.count))
            .filter(|&(value, _)| value > quantile)
            .collect();
        let beyond = above_bucket + within.iter().map(|(_, count)| count).sum::<u64>();
        let ties = i128::from(self.n - rank - beyond);
        let sum_beyond = kept.sum_above + within.iter().map(|&(value, count)| value * i128::from(count)).sum::<i128>();

        let (n, alpha) = (i128::from(self.n), i128::from(share.0));
        let numerator =
            1_000_000 * (sum_beyond + ties * quantile) + (1_000_000 * i128::from(rank) - alpha * n) * quantile;
        let estimate = numerator as f64 / ((1_000_000 - alpha) * n) as f64;

        // Moments of (X − q)⁺: Σ(x − q) and Σ(x − q)² over the paths beyond q, both exact.
        let excess = sum_beyond - i128::from(beyond) * quantile;
        let squares_within =
            within.iter().fold(Wide::ZERO, |sum, &(value, count)| sum + Wide::from(value * value).times(count));
        let squares = kept.squares_above + squares_within - Wide::product(2 * quantile, sum_beyond)
            + Wide::from(quantile * quantile).times(beyond);
        let scatter = squares.times(self.n) - Wide::product(excess, excess);
        let count = self.n as f64;
        let tail = self.n - rank;
        if tail < 2 {
            return Some(Estimate::student(estimate, 0.0, 0, level));
        }
        let variance = scatter.to_f64() / (count * (count - 1.0));
        let error = libm::sqrt(variance / count) / (1.0 - share.to_f64());
        Some(Estimate::student(estimate, error, tail - 1, level))
    }

    /// The expected shortfall with a bootstrap-t interval on the mean of (X − q)⁺, for tails whose few largest values
    /// carry it: Student's interval then covers far less than its level. `histogram` is the one the selector came from.
    #[must_use]
    pub fn expected_shortfall_bootstrap(
        &self,
        histogram: &Histogram,
        share: Share,
        level: f64,
        next: impl FnMut() -> u64,
    ) -> Option<Estimate> {
        let exact = self.expected_shortfall(share, level)?;
        if exact.standard_error.is_none() {
            return Some(exact);
        }
        let rank = share.rank(self.n);
        let quantile = self.value(rank)?;
        let wanted = self.around(rank)?;
        let excess = |value: f64| value - quantile as f64;
        let bucket = key(quantile);
        let within = wanted.bins.iter().filter(|&(&value, _)| value > quantile);
        let mut cells: Vec<(f64, u64)> = within.map(|(&value, bin)| (excess(value as f64), bin.count)).collect();
        cells.extend(wanted.passed.iter().map(|&(mean, count)| (excess(mean), count)));
        cells.extend(histogram.buckets().filter(|(key, _)| *key > bucket).map(|(_, b)| (excess(b.mean()), b.count)));
        let beyond: u64 = cells.iter().map(|cell| cell.1).sum();
        cells.push((0.0, self.n - beyond));
        let tail = bootstrap::mean(&cells, level, next)?.times(1.0 / (1.0 - share.to_f64()));
        Some(Estimate { low: quantile as f64 + tail.low, high: quantile as f64 + tail.high, ..exact })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bootstrap::{splitmix, unit};
    use proptest::prelude::*;

    const P99: Share = Share::percent(99);

    fn select(values: &[i64], shares: &[Share]) -> Selector {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.add(value));
        let mut selector = Selector::for_shares(&histogram, shares, 0.95);
        shown(&mut selector, values);
        selector
    }

    /// Shows all values as often as it takes; returns how often.
    fn shown(selector: &mut Selector, values: &[i64]) -> u32 {
        for pass in 1.. {
            values.iter().for_each(|&value| selector.see(value));
            if selector.is_settled() {
                return pass;
            }
        }
        0
    }

    #[test]
    fn a_crowd_in_one_bucket_takes_more_passes_and_no_more_memory() {
        // 60,000 different values within a thousandth of each other, a tail of ten above them.
        let base = 1_i64 << 40;
        let mut values: Vec<i64> = (0..60_000).map(|i| base + (i * 7_919) % 60_000 * 13_001).collect();
        values.extend((1..=10).map(|i| 2 * base + i));
        assert_eq!(key(base), key(base + 60_000 * 13_001));
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.add(value));
        let mut selector = Selector::for_shares(&histogram, &[P99], 0.95);
        let mut passes = 0;
        loop {
            values.iter().for_each(|&value| selector.see(value));
            passes += 1;
            assert!(selector.wanted.iter().all(|wanted| wanted.bins.len() <= MOST_BINS));
            if selector.is_settled() {
                break;
            }
        }
        assert!(passes > 1);
        let rank = P99.rank(60_010);
        let (at, shortfall) = naive(&values, 0.99, usize::try_from(rank).unwrap());
        assert_eq!(selector.value(rank).unwrap() as f64, at);
        let exact = selector.expected_shortfall(P99, 0.95).unwrap();
        assert!((exact.estimate / shortfall - 1.0).abs() < 1e-12);
        let variance = |values: &[i64]| {
            let excess: Vec<f64> = values.iter().map(|&x| (x as f64 - at).max(0.0)).collect();
            let mean = excess.iter().sum::<f64>() / excess.len() as f64;
            excess.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (excess.len() as f64 - 1.0)
        };
        let error = (variance(&values) / 60_010.0).sqrt() / 0.01;
        assert!((exact.standard_error.unwrap() / error - 1.0).abs() < 1e-6, "{exact:?} {error}");
        let boot = selector.expected_shortfall_bootstrap(&histogram, P99, 0.95, splitmix(3)).unwrap();
        assert!(boot.low < shortfall && shortfall < boot.high && boot.high - boot.low < 8.0 * error, "{boot:?}");
    }

    /// The definition, on sorted values, in floats.
    fn naive(values: &[i64], alpha: f64, rank: usize) -> (f64, f64) {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let n = values.len() as f64;
        let beyond: f64 = sorted[rank..].iter().map(|&value| value as f64).sum();
        let at = sorted[rank - 1] as f64;
        (at, (beyond + (rank as f64 - alpha * n) * at) / ((1.0 - alpha) * n))
    }

    #[test]
    fn ranks_are_not_spoiled_by_floats() {
        assert_eq!(Share::percent(7).rank(100), 7);
        assert_eq!(P99.rank(100), 99);
        assert_eq!(P99.rank(101), 100);
        assert_eq!(P99.rank(1), 1);
        assert_eq!(of_sorted(&[10, 20, 30, 40], Share::percent(50)), Some(20));
        assert_eq!(of_sorted(&[], P99), None);
        assert_eq!(Share::millionths(1_000_000), None);
    }

    #[test]
    fn risk_of_ten_values_by_hand() {
        // 1..10 at 75 %: r = ⌈7.5⌉ = 8; VaR = 8; ES = [9 + 10 + 0.5·8]/2.5 = 9.2.
        let values: Vec<i64> = (1..=10).collect();
        let p75 = Share::percent(75);
        let selector = select(&values, &[p75]);
        assert_eq!(selector.value_at_risk(p75, 0.95).unwrap().estimate, 8.0);
        let shortfall = selector.expected_shortfall(p75, 0.95).unwrap();
        assert!((shortfall.estimate - 9.2).abs() < 1e-12);
        // (X − 8)⁺: eight zeros, 1, 2: s² = (10·5 − 9)/90; se = √(s²/10)/0.25.
        assert!((shortfall.standard_error.unwrap() - (41.0_f64 / 900.0).sqrt() / 0.25).abs() < 1e-12);
    }

    #[test]
    fn ties_at_the_quantile_count_in_the_shortfall() {
        // 1, 5, 5, 5 at 50 %: r = 2, VaR = 5, ES = (5 + 5)/2. At 60 %: r = ⌈2.4⌉ = 3, ES = [5 + 0.6·5]/1.6 = 5.
        for percent in [50, 60] {
            let share = Share::percent(percent);
            let selector = select(&[5, 1, 5, 5], &[share]);
            assert_eq!(selector.value_at_risk(share, 0.95).unwrap().estimate, 5.0);
            assert!((selector.expected_shortfall(share, 0.95).unwrap().estimate - 5.0).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn two_passes_find_what_sorting_finds(
            values in prop::collection::vec(prop_oneof![Just(0i64), -50i64..50, 0i64..1_000_000_000_000, any::<i64>().prop_map(|v| v / 4)], 1..200),
            percent in 1u32..100,
        ) {
            let share = Share::percent(percent);
            let selector = select(&values, &[share]);
            let rank = usize::try_from(share.rank(values.len() as u64)).unwrap();
            let (var, es) = naive(&values, share.to_f64(), rank);
            prop_assert_eq!(selector.value_at_risk(share, 0.95).unwrap().estimate, var);
            let got = selector.expected_shortfall(share, 0.95).unwrap().estimate;
            let size = values.iter().map(|v| v.unsigned_abs()).max().unwrap() as f64;
            prop_assert!((got - es).abs() <= 1e-9 * (1.0 + size), "{} against {}", got, es);
        }
    }

    #[test]
    fn interval_ranks_are_the_tightest_that_cover() {
        // n = 10, median: P(B ≤ 1) = 0.0107, P(B ≤ 2) = 0.0547, so l = 2 and u = 9.
        assert_eq!(interval_ranks(10, Share::percent(50), 0.95), (Some(2), Some(9)));
        // 0.99^n > 0.025 up to n = 367: no upper bound for the 99 % quantile before 368 paths.
        assert_eq!(interval_ranks(367, P99, 0.95).1, None);
        assert_eq!(interval_ranks(368, P99, 0.95).1, Some(368));
        assert_eq!(
            interval_ranks(1, P99, 0.95),
            (Some(1), None),
            "one value lies above the 99 % quantile 1 time in 100"
        );
        assert_eq!(interval_ranks(1, Share::percent(50), 0.95), (None, None));
    }

    #[test]
    fn too_few_paths_leave_the_quantile_open_above() {
        let values: Vec<i64> = (1..=100).collect();
        let var = select(&values, &[P99]).value_at_risk(P99, 0.95).unwrap();
        assert_eq!((var.estimate, var.high), (99.0, f64::INFINITY));
        assert!(var.low.is_finite());
    }

    #[test]
    fn quantile_intervals_cover_as_often_as_computed_exactly() {
        let (n, share) = (1_000_u64, Share::percent(95));
        let (low, high) = interval_ranks(n, share, 0.95);
        let (low, high) = (low.unwrap(), high.unwrap());
        let exact = binomial_at_most(high - 1, n, 0.95) - binomial_at_most(low - 1, n, 0.95);
        assert!((0.95..0.97).contains(&exact), "{exact}");
        let mut next = splitmix(3);
        let trials = 3_000;
        let covered = (0..trials)
            .filter(|_| {
                // Uniform values: X_(l) ≤ 0.95 ≤ X_(u) is a statement on counts.
                let below = (0..n).filter(|_| unit(next()) <= 0.95).count() as u64;
                low <= below && below < high
            })
            .count() as f64
            / f64::from(trials);
        let error = (exact * (1.0 - exact) / f64::from(trials)).sqrt();
        assert!((covered - exact).abs() < 4.0 * error, "{covered} against {exact}");
        assert!(covered >= 0.94);
    }

    /// Exponential values: VaR = ln 100, ES = 1 + ln 100. Thirty paths lie beyond the quantile.
    #[test]
    fn shortfall_intervals_cover_on_an_exponential_tail() {
        let mut next = splitmix(5);
        let truth = (1.0 + 100.0_f64.ln()) * 1e9;
        let trials = 300;
        let (mut student, mut resampled) = (0, 0);
        for trial in 0..trials {
            let values: Vec<i64> = (0..3_000).map(|_| (-unit(next()).ln() * 1e9) as i64).collect();
            let mut histogram = Histogram::default();
            values.iter().for_each(|&value| histogram.add(value));
            let selector = select(&values, &[P99]);
            let plain = selector.expected_shortfall(P99, 0.95).unwrap();
            let boot = selector.expected_shortfall_bootstrap(&histogram, P99, 0.95, splitmix(trial)).unwrap();
            assert_eq!(plain.estimate, boot.estimate);
            student += u32::from(plain.low <= truth && truth <= plain.high);
            resampled += u32::from(boot.low <= truth && truth <= boot.high);
        }
        let share = |count: u32| f64::from(count) / trials as f64;
        assert!((0.87..=0.97).contains(&share(student)), "{student}");
        assert!((0.92..=0.98).contains(&share(resampled)), "{resampled}");
        assert!(resampled > student);
    }
}
