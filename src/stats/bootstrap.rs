//! The bootstrap-t interval for means that a few paths carry.

use rust_decimal::prelude::ToPrimitive;

use super::Estimate;

/// Resamples; the outer 2.5 % are then the 25th from either end.
const RESAMPLES: usize = 999;

/// A small generator for resampling, by Steele, Lea and Flood (2014). Not for simulated paths.
pub fn splitmix(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// A float in (0, 1) from a random word.
#[must_use]
pub fn unit(word: u64) -> f64 {
    ((word >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0
}

/// A standard normal by Box and Muller.
pub fn normal(next: &mut impl FnMut() -> u64) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(unit(next())));
    radius * libm::cos(std::f64::consts::TAU * unit(next()))
}

/// A Poisson count: by inversion, and by the rounded normal where the mean is above 64 (its error is then far below
/// that of the bootstrap).
fn poisson(mean: f64, at_zero: f64, next: &mut impl FnMut() -> u64) -> f64 {
    if mean > 64.0 {
        return libm::rint(mean + libm::sqrt(mean) * normal(next)).max(0.0);
    }
    let u = unit(next());
    let (mut count, mut weight) = (0.0, at_zero);
    let mut reached = weight;
    while u > reached && count < 1_000.0 {
        count += 1.0;
        weight *= mean / count;
        reached += weight;
    }
    count
}

/// The bootstrap-t interval of the mean of values given as (value, count) cells.
///
/// Each resample gives every value a Poisson(1) weight, so a cell of c values weighs Poisson(c); with the resample's
/// mean m* and standard error se*, t* = (m* − m)/se*, and the interval is m − t*₍₉₇.₅₎·se … m − t*₍₂.₅₎·se. It leans to
/// the side of the long tail, which Student's does not (Efron 1981; Hall 1988). `None` without values.
#[must_use]
pub fn mean(cells: &[(f64, u64)], level: f64, mut next: impl FnMut() -> u64) -> Option<Estimate> {
    let n: u64 = cells.iter().map(|cell| cell.1).sum();
    let weights: Vec<f64> = cells.iter().map(|cell| cell.1 as f64).collect();
    let (mean, error) = moments(cells, &weights)?;
    if n < 2 || error == 0.0 {
        return Some(Estimate::student(mean, 0.0, n - 1, level));
    }
    let at_zero: Vec<f64> = weights.iter().map(|&count| libm::exp(-count)).collect();
    let mut resampled = vec![0.0; cells.len()];
    let mut pivots = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for ((weight, &count), &zero) in resampled.iter_mut().zip(&weights).zip(&at_zero) {
            *weight = poisson(count, zero, &mut next);
        }
        pivots.push(match moments(cells, &resampled) {
            Some((m, se)) if se > 0.0 => (m - mean) / se,
            // A resample without scatter says that the data cannot bound the mean on that side.
            Some((m, _)) if m < mean => f64::NEG_INFINITY,
            _ => f64::INFINITY,
        });
    }
    pivots.sort_unstable_by(f64::total_cmp);
    let rank = libm::floor((1.0 - level) / 2.0 * (RESAMPLES as f64 + 1.0)).to_usize()?.clamp(1, RESAMPLES);
    let (left, right) = (pivots[rank - 1], pivots[RESAMPLES - rank]);
    Some(Estimate {
        estimate: mean,
        low: mean - right * error,
        high: mean - left * error,
        level,
        standard_error: Some(error),
    })
}

/// Mean and standard error of weighted cells; `None` without weight.
fn moments(cells: &[(f64, u64)], weights: &[f64]) -> Option<(f64, f64)> {
    let n: f64 = weights.iter().sum();
    if n <= 0.0 {
        return None;
    }
    let mean = cells.iter().zip(weights).map(|(cell, weight)| cell.0 * weight).sum::<f64>() / n;
    let scatter: f64 = cells.iter().zip(weights).map(|(cell, weight)| weight * (cell.0 - mean) * (cell.0 - mean)).sum();
    let error = if n > 1.0 { libm::sqrt(scatter / (n * (n - 1.0))) } else { 0.0 };
    Some((mean, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::histogram::Cells;
    use crate::stats::moments::Moments;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut next = splitmix(1_234_567);
        assert_eq!(next(), 6_457_827_717_110_365_317);
        assert_eq!(next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn poisson_counts_have_their_mean_and_variance() {
        let mut next = splitmix(2);
        for mean in [0.3, 5.0, 200.0] {
            let at_zero = libm::exp(-mean);
            let draws: Vec<f64> = (0..40_000).map(|_| poisson(mean, at_zero, &mut next)).collect();
            let average = draws.iter().sum::<f64>() / 4e4;
            let variance = draws.iter().map(|d| (d - average) * (d - average)).sum::<f64>() / 4e4;
            assert!((average - mean).abs() < 5.0 * (mean / 4e4).sqrt(), "{average}");
            assert!((variance / mean - 1.0).abs() < 0.05, "{variance}");
        }
    }

    #[test]
    fn light_tails_give_nearly_students_interval() {
        let cells: Vec<(f64, u64)> = (0..100).map(|i| (f64::from(i), 10)).collect();
        let boot = mean(&cells, 0.95, splitmix(1)).unwrap();
        let mut exact = Moments::default();
        (0..1_000).for_each(|i| exact.add(i % 100));
        let student = exact.mean(0.95).unwrap();
        assert!((boot.estimate - student.estimate).abs() < 1e-9);
        assert!((boot.low - student.low).abs() < 0.15 * (student.high - student.low));
        assert!((boot.high - student.high).abs() < 0.15 * (student.high - student.low));
    }

    #[test]
    fn the_interval_leans_towards_the_tail_and_covers_better_than_students() {
        // A loss on one path in fifty, Pareto(1.8) in size: the mean of 500 such paths is carried by a handful.
        let truth = 0.02 * (1.8 / 0.8);
        let mut next = splitmix(9);
        let (mut student, mut boot) = (0, 0);
        let trials = 300;
        for trial in 0..trials {
            let (mut moments, mut cells) = (Moments::default(), Cells::default());
            for _ in 0..500 {
                let size = if unit(next()) < 0.02 { unit(next()).powf(-1.0 / 1.8) } else { 0.0 };
                let value = (size * 1e6) as i64;
                moments.add(value);
                cells.add(value);
            }
            let s = moments.mean(0.95).unwrap().times(1e-6);
            let b = mean(&cells.weighted(), 0.95, splitmix(trial)).unwrap().times(1e-6);
            student += u32::from(s.low <= truth && truth <= s.high);
            boot += u32::from(b.low <= truth && truth <= b.high);
        }
        assert!(boot > student + 15, "bootstrap-t {boot}, Student {student} of {trials}");
        assert!(f64::from(boot) >= 0.85 * trials as f64, "{boot} of {trials}");
    }

    #[test]
    fn equal_seeds_give_equal_bytes_and_constants_have_no_width() {
        let cells = [(1.0, 30), (50.0, 2)];
        assert_eq!(mean(&cells, 0.95, splitmix(4)), mean(&cells, 0.95, splitmix(4)));
        assert_ne!(mean(&cells, 0.95, splitmix(4)), mean(&cells, 0.95, splitmix(5)));
        let flat = mean(&[(3.0, 10)], 0.95, splitmix(4)).unwrap();
        assert_eq!((flat.low, flat.high), (3.0, 3.0));
        assert_eq!(mean(&[], 0.95, splitmix(4)), None);
    }
}
