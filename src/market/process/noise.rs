//! Brownian increments of all assets on one path: the noise that diffusive price processes are driven by.

use rand_distr::{Distribution as _, StandardNormal};

use super::Grid;
use crate::market::math;
use crate::money::Nanos;
use crate::rng::{Purpose, Stream};

/// Brownian increments of every asset over every step, in √seconds, in buffers that are kept from path to path.
///
/// One standard normal is drawn a mark interval, from stream (`Index`, (asset, 0), path). Steps finer than that are
/// filled in by Brownian bridges, each level from a stream of its own, (`Bridge`, (asset, level), path): level 0 cuts
/// a mark interval into the odd part of the number of its steps, one after the other; level ℓ ≥ 1 halves what level
/// ℓ − 1 left. The odd part comes first, so halving the step adds one level and leaves every coarser one as it was:
/// the fine path meets the coarse one at each of its points, up to the rounding of a sum. Bridges: Glasserman,
/// "Monte Carlo Methods in Financial Engineering" (2004), section 3.1.
#[derive(Clone, Debug, Default)]
pub struct Noise {
    /// Increments of asset a from `a·stride` on; whole mark intervals, so a tail may lie beyond the grid.
    increments: Vec<f64>,
    stride: usize,
    steps: usize,
}

impl Noise {
    /// Draws the increments of one path. `mark_interval` is a whole multiple of the step; `correlation` is the lower
    /// triangular Cholesky factor of the assets' correlations, one row an asset.
    ///
    /// # Panics
    /// Where `mark_interval` is not a positive whole multiple of the step, or a row is shorter than its place asks for.
    pub fn draw(&mut self, seed: u64, path: u64, grid: Grid, mark_interval: Nanos, correlation: &[Vec<f64>]) {
        assert!(
            grid.step.0 > 0 && mark_interval.0 > 0 && mark_interval.0 % grid.step.0 == 0,
            "the mark interval is a whole multiple of the step"
        );
        let per_mark =
            usize::try_from(mark_interval.0 / grid.step.0).expect("a mark interval has a countable number of steps");
        self.steps = grid.steps;
        self.stride = grid.steps.div_ceil(per_mark) * per_mark;
        self.increments.resize(self.stride * correlation.len(), 0.0);
        for (asset, increments) in self.increments.chunks_exact_mut(self.stride.max(1)).enumerate() {
            let asset = u32::try_from(asset).expect("assets are few");
            fill_independent(seed, path, asset, per_mark, mark_interval.seconds(), increments);
        }
        self.correlate(correlation);
    }

    /// The increments of one asset, one a step of the grid.
    #[must_use]
    pub fn increments(&self, asset: usize) -> &[f64] {
        &self.increments[asset * self.stride..][..self.steps]
    }

    /// From independent to correlated: row by row from the last, because each needs only those before it as drawn.
    fn correlate(&mut self, correlation: &[Vec<f64>]) {
        for (asset, row) in correlation.iter().enumerate().rev() {
            let (before, from) = self.increments.split_at_mut(asset * self.stride);
            let own = &mut from[..self.stride];
            if row[asset] != 1.0 {
                for x in own.iter_mut() {
                    *x *= row[asset];
                }
            }
            for (other, &weight) in before.chunks_exact(self.stride.max(1)).zip(row) {
                if weight != 0.0 {
                    for (x, y) in own.iter_mut().zip(other) {
                        *x += weight * y;
                    }
                }
            }
        }
    }
}

fn fill_independent(seed: u64, path: u64, asset: u32, per_mark: usize, mark_s: f64, increments: &mut [f64]) {
    let halvings = per_mark.trailing_zeros();
    let odd = per_mark >> halvings;

    let mut stream = Stream::new(seed, Purpose::Index, (asset, 0), path);
    let scale = math::sqrt(mark_s);
    for interval in increments.chunks_exact_mut(per_mark) {
        let normal: f64 = StandardNormal.sample(stream.generator());
        interval[0] = scale * normal;
    }

    // The increment over a stretch of steps stands at its first step until the stretch is cut.
    let mut length = per_mark;
    let mut length_s = mark_s;
    if odd > 1 {
        length /= odd;
        length_s /= odd as f64;
        let mut stream = Stream::new(seed, Purpose::Bridge, (asset, 0), path);
        for interval in increments.chunks_exact_mut(per_mark) {
            cut(interval, length, odd, length_s, &mut stream);
        }
    }
    for level in 1..=halvings {
        let mut stream = Stream::new(seed, Purpose::Bridge, (asset, level), path);
        // The middle of a bridge over T has standard deviation √T / 2.
        let spread = 0.5 * math::sqrt(length_s);
        for stretch in increments.chunks_exact_mut(length) {
            let normal: f64 = StandardNormal.sample(stream.generator());
            let whole = stretch[0];
            stretch[0] = 0.5 * whole + spread * normal;
            stretch[length / 2] = whole - stretch[0];
        }
        length /= 2;
        length_s *= 0.5;
    }
}

/// Cuts one interval into `parts` stretches of `length` steps and `length_s` seconds, from left to right: of what is
/// left over r parts, the next one takes 1/r and a normal with variance (r − 1)/r of its length.
fn cut(interval: &mut [f64], length: usize, parts: usize, length_s: f64, stream: &mut Stream) {
    let mut left = interval[0];
    for part in 0..parts - 1 {
        let remaining = (parts - part) as f64;
        let normal: f64 = StandardNormal.sample(stream.generator());
        let next = left / remaining + math::sqrt(length_s * (remaining - 1.0) / remaining) * normal;
        interval[part * length] = next;
        left -= next;
    }
    interval[(parts - 1) * length] = left;
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: fn() -> Vec<Vec<f64>> = || vec![vec![1.0]];

    fn grid(step_ms: i64, steps: usize) -> Grid {
        Grid { step: Nanos(step_ms * 1_000_000), steps }
    }

    fn walked(noise: &Noise, asset: usize, every: usize) -> Vec<f64> {
        let mut w = 0.0;
        noise
            .increments(asset)
            .chunks(every)
            .map(|steps| {
                for step in steps {
                    w += step;
                }
                w
            })
            .collect()
    }

    #[test]
    fn a_finer_step_meets_the_coarser_path_at_all_its_points() {
        for mark_ms in [1_000, 3_000] {
            let (mut coarse, mut fine) = (Noise::default(), Noise::default());
            let mark = Nanos(mark_ms * 1_000_000);
            coarse.draw(5, 9, grid(1_000, 1_800), mark, &ALONE());
            for (step_ms, every) in [(500, 2), (250, 4), (125, 8)] {
                fine.draw(5, 9, grid(step_ms, 1_800 * every), mark, &ALONE());
                let pairs = walked(&coarse, 0, 1).into_iter().zip(walked(&fine, 0, every));
                for (i, (a, b)) in pairs.enumerate() {
                    assert!((a - b).abs() < 1e-11, "step {step_ms} ms, point {i}: {a} against {b}");
                }
            }
        }
    }

    #[test]
    fn increments_have_the_variance_of_their_step_and_are_uncorrelated_at_every_ratio() {
        // Ratios of mark interval to step: 1, 2, 4, 3, 6, 5, 12.
        for ratio in [1_i64, 2, 4, 3, 6, 5, 12] {
            let steps = 240_000;
            let mut noise = Noise::default();
            let step = Nanos(100_000_000);
            noise.draw(1, 0, Grid { step, steps }, step * ratio, &ALONE());
            let w = noise.increments(0);
            let n = steps as f64;
            let variance = w.iter().map(|x| x * x).sum::<f64>() / n;
            // Standard error of a variance: √(2/n) of it; five of them.
            assert!((variance / 0.1 - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "ratio {ratio}: {variance}");
            for lag in [1, 2, 3] {
                let product = w.windows(lag + 1).map(|x| x[0] * x[lag]).sum::<f64>() / n / 0.1;
                assert!(product.abs() < 5.0 / n.sqrt(), "ratio {ratio}, lag {lag}: {product}");
            }
            // Each place within the mark interval by itself: a wrong bridge shows here and not in the mean.
            let ratio = usize::try_from(ratio).unwrap();
            for place in 0..ratio {
                let here: Vec<f64> = w.iter().skip(place).step_by(ratio).copied().collect();
                let n = here.len() as f64;
                let variance = here.iter().map(|x| x * x).sum::<f64>() / n;
                assert!(
                    (variance / 0.1 - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
                    "ratio {ratio}, place {place}: {variance}"
                );
            }
        }
    }

    #[test]
    fn every_level_of_bridges_draws_normals_of_its_own() {
        let mut noise = Noise::default();
        noise.draw(3, 0, grid(250, 80_000), Nanos::SECOND, &ALONE());
        let w = noise.increments(0);
        // The normal of a bridge, up to scale: first half less second half.
        let first: Vec<f64> = w.chunks(4).map(|x| x[0] + x[1] - x[2] - x[3]).collect();
        let second: Vec<f64> = w.chunks(2).map(|x| x[0] - x[1]).collect();
        let whole: Vec<f64> = w.chunks(4).map(|x| x.iter().sum()).collect();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>() / 20_000.0;
        for (a, b) in [(&first, &second), (&first, &whole), (&second, &whole)] {
            let correlation = product(a, b) / (product(a, a) * product(b, b)).sqrt();
            assert!(correlation.abs() < 5.0 / 20_000f64.sqrt(), "{correlation}");
        }
    }

    #[test]
    fn assets_are_correlated_as_asked_and_the_first_one_stays_as_it_is_alone() {
        let rows = vec![vec![1.0], vec![0.6, 0.8], vec![0.5, -0.3, 0.812_403_840_463_596]];
        let (mut noise, mut alone) = (Noise::default(), Noise::default());
        noise.draw(2, 3, grid(500, 100_001), Nanos::SECOND, &rows);
        alone.draw(2, 3, grid(500, 100_001), Nanos::SECOND, &ALONE());
        assert_eq!(noise.increments(0), alone.increments(0));
        let correlation = |a: usize, b: usize| {
            noise.increments(a).iter().zip(noise.increments(b)).map(|(x, y)| x * y).sum::<f64>() / 100_001.0 / 0.5
        };
        for (a, b, wanted) in [(0, 1, 0.6), (0, 2, 0.5), (1, 2, 0.06), (1, 1, 1.0), (2, 2, 1.0)] {
            assert!((correlation(a, b) - wanted).abs() < 0.02, "{a} with {b}: {}", correlation(a, b));
        }
    }

    #[test]
    fn a_path_does_not_depend_on_what_was_drawn_before_it() {
        let (mut used, mut fresh) = (Noise::default(), Noise::default());
        used.draw(1, 7, grid(100, 5_003), Nanos::SECOND, &[vec![1.0], vec![0.5, 0.75f64.sqrt()]]);
        used.draw(1, 8, grid(500, 1_000), Nanos::SECOND, &ALONE());
        fresh.draw(1, 8, grid(500, 1_000), Nanos::SECOND, &ALONE());
        assert_eq!(used.increments(0), fresh.increments(0));
        assert_eq!(used.increments(0).len(), 1_000);
        used.draw(1, 8, grid(500, 0), Nanos::SECOND, &ALONE());
        assert!(used.increments(0).is_empty());
    }
}
