//! Stochastic volatility: Heston's square-root variance, and with jumps Bates' model.
//!
//! d ln I = (μ − v/2 − λκ_J) dt + √v dB + dΣJ, dv = κ(θ − v) dt + ξ√v dZ, dB·dZ = ρ dt, all rates a year.
//!
//! The variance moves once a mark interval Δ by Andersen's quadratic-exponential scheme: with m and s² the exact mean and
//! variance of v_{t+Δ} given v_t and ψ = s²/m², it is a·(b + N)² where ψ ≤ 1.5 (b² = 2/ψ − 1 + √(2/ψ)·√(2/ψ − 1),
//! a = m/(1 + b²)), and else 0 with probability p = (ψ − 1)/(ψ + 1) and exponential of mean m/(1 − p) otherwise. Both
//! have mean m and variance s² exactly, and neither is ever below 0. Over the same interval
//!
//!   ln I ← ln I + μΔ − ρκθΔ/ξ + (Δ/2)(κρ/ξ − ½)(v_t + v_{t+Δ}) + (ρ/ξ)(v_{t+Δ} − v_t) + √((1 − ρ²)(v_t + v_{t+Δ})/2)·ΔW,
//!
//! W the given Brownian motion of the asset. So the scheme is exact in the first two moments of v, and its only error is
//! that of the trapezium for ∫v over one mark interval. Steps finer than that share the interval's drift and follow W, so
//! halving the step keeps the path. As W drives the part of the return that is independent of v, the diffusive returns
//! of two such assets are correlated √(1 − ρ₁²)·√(1 − ρ₂²) times what `[market]` says.
//!
//! Sources: Heston, "A closed-form solution for options with stochastic volatility", Review of Financial Studies 6 (1993);
//! Bates, "Jumps and stochastic volatility", Review of Financial Studies 9 (1996); Andersen, "Simple and efficient
//! simulation of the Heston stochastic volatility model", Journal of Computational Finance 11 (2008).

use rand_distr::{Distribution as _, StandardNormal};

use super::gbm::DRIFT;
use super::jumps::{self, PoissonJumps};
use super::{Draws, PriceProcess};
use crate::market::math::{self, YEAR_S};
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Shape};
use crate::rng::Stream;

/// Rates are a year.
#[derive(Clone, Copy, Debug)]
struct StochasticVolatility {
    drift: f64,
    /// v at the start.
    start: f64,
    /// κ.
    reversion: f64,
    /// θ.
    mean: f64,
    /// ξ.
    vol_of_vol: f64,
    /// ρ.
    correlation: f64,
    jumps: PoissonJumps,
}

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "stochastic_volatility",
    about: "variance that wanders and returns to its mean (Heston); with jumps at Poisson times where `intensity` is above 0 (Bates)",
    keys: &[
        DRIFT,
        Key {
            name: "volatility",
            shape: Shape::Share { min: 0.000_001, max: 100.0 },
            need: Need::Default("0.6"),
            about: "long-run volatility: root of the variance that v returns to, over a year of 365 days",
        },
        Key {
            name: "start_volatility",
            shape: Shape::Share { min: 0.0, max: 100.0 },
            need: Need::Optional,
            about: "volatility at the start; `volatility` where absent",
        },
        Key {
            name: "half_life",
            shape: Shape::Time { min: Nanos(1_000_000_000) },
            need: Need::Default("\"1 d\""),
            about: "time in which half of the distance between variance and its mean is made up",
        },
        Key {
            name: "vol_of_vol",
            shape: Shape::Number { unit: "a year", min: 0.0, max: 10_000.0 },
            need: Need::Default("6.0"),
            about: "ξ in dv = κ(θ − v)dt + ξ√v dZ",
        },
        Key {
            name: "correlation",
            shape: Shape::Number { unit: "", min: -1.0, max: 1.0 },
            need: Need::Default("-0.3"),
            about: "of returns with changes of variance; below 0 volatility rises when the price falls",
        },
        jumps::intensity("0.0", "expected number of jumps"),
        jumps::LAW,
        jumps::MEAN,
        jumps::SD,
        jumps::UP_SHARE,
        jumps::UP_MEAN,
        jumps::DOWN_MEAN,
    ],
    build: |values, _| {
        let volatility = values.number("volatility");
        let start = values.maybe_number("start_volatility").unwrap_or(volatility);
        let jumps = PoissonJumps::of(values);
        Some(Box::new(StochasticVolatility {
            drift: values.number("drift") - jumps.compensation() * YEAR_S,
            start: start * start,
            reversion: std::f64::consts::LN_2 * YEAR_S / values.time("half_life").seconds(),
            mean: volatility * volatility,
            vol_of_vol: values.number("vol_of_vol"),
            correlation: values.number("correlation"),
            jumps,
        }))
    },
};

/// What a mark interval needs, computed once a path.
#[derive(Clone, Copy, Debug)]
struct Scheme {
    /// e^(−κΔ).
    kept: f64,
    mean: f64,
    /// s² = v·by_variance + constant.
    by_variance: f64,
    constant: f64,
    /// The drift of ln I: fixed, by v before, by v after.
    drift: f64,
    before: f64,
    after: f64,
    /// (1 − ρ²)/2.
    own: f64,
}

/// 1 − e^(−x), also where x is so small that the difference would keep few digits.
fn gone(x: f64) -> f64 {
    if x < 1e-4 { x * (1.0 - 0.5 * x * (1.0 - x / 3.0)) } else { 1.0 - math::exp(-x) }
}

/// Above this ψ the variance may be 0 (Andersen's critical value; any from 1 to 2 serves).
const SWITCH: f64 = 1.5;

impl Scheme {
    /// For a mark interval in years.
    fn new(model: &StochasticVolatility, years: f64) -> Self {
        let StochasticVolatility { drift, reversion, mean, vol_of_vol, correlation, .. } = *model;
        let gone = gone(reversion * years);
        let kept = 1.0 - gone;
        let spread = vol_of_vol * vol_of_vol * gone / reversion;
        // Without noise of its own the variance cannot tell where the return went.
        let lean = if vol_of_vol > 0.0 { correlation / vol_of_vol } else { 0.0 };
        let rho = if vol_of_vol > 0.0 { correlation } else { 0.0 };
        let trapezium = 0.5 * years * (reversion * lean - 0.5);
        Self {
            kept,
            mean,
            by_variance: spread * kept,
            constant: 0.5 * mean * spread * gone,
            drift: (drift - lean * reversion * mean) * years,
            before: trapezium - lean,
            after: trapezium + lean,
            own: 0.5 * (1.0 - rho * rho),
        }
    }

    /// v one mark interval later.
    fn next(&self, variance: f64, stream: &mut Stream) -> f64 {
        let normal: f64 = StandardNormal.sample(stream.generator());
        let mean = self.mean + (variance - self.mean) * self.kept;
        let spread = variance * self.by_variance + self.constant;
        if spread == 0.0 {
            return mean;
        }
        let psi = spread / (mean * mean);
        if psi <= SWITCH {
            let twice = 2.0 / psi;
            let b2 = twice - 1.0 + math::sqrt(twice) * math::sqrt(twice - 1.0);
            let root = math::sqrt(b2) + normal;
            mean / (1.0 + b2) * root * root
        } else {
            let at_zero = (psi - 1.0) / (psi + 1.0);
            // 1 − U by the upper tail, so that its logarithm is exact far out.
            let above = math::normal_cdf(-normal);
            if above >= 1.0 - at_zero { 0.0 } else { math::ln((1.0 - at_zero) / above) * mean / (1.0 - at_zero) }
        }
    }
}

impl PriceProcess for StochasticVolatility {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        let step_s = draws.grid.step_seconds();
        let per_mark = draws.per_mark;
        let scheme = Scheme::new(self, step_s * per_mark as f64 / YEAR_S);
        let (mut variance, mut level) = (self.start, 0.0);
        log_index[0] = level;
        for (points, increments) in log_index[1..].chunks_mut(per_mark).zip(draws.brownian.chunks(per_mark)) {
            let next = scheme.next(variance, draws.stream);
            let drift = scheme.drift + scheme.before * variance + scheme.after * next;
            let sigma = math::sqrt(scheme.own * (variance + next) / YEAR_S);
            let mut moved = 0.0;
            for ((j, point), dw) in (1_u32..).zip(points.iter_mut()).zip(increments) {
                moved += dw;
                *point = level + drift * (f64::from(j) / per_mark as f64) + sigma * moved;
            }
            level = points.last().copied().unwrap_or(level);
            variance = next;
        }
        self.jumps.add(step_s, draws.stream, log_index);
    }

    fn variance_rate(&self) -> f64 {
        self.mean / YEAR_S + self.jumps.variance()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    /// v of mean 0.64 with half-life 6 h, over intervals of 2 h.
    fn scheme(vol_of_vol: f64) -> (Scheme, f64) {
        let reversion = std::f64::consts::LN_2 * 4.0 * 365.0;
        let size = jumps::JumpSize::Normal { mean: 0.0, sd: 0.0 };
        let jumps = PoissonJumps { intensity: 0.0, size };
        let model = StochasticVolatility {
            drift: 0.0,
            start: 0.64,
            reversion,
            mean: 0.64,
            vol_of_vol,
            correlation: 0.0,
            jumps,
        };
        (Scheme::new(&model, 1.0 / 12.0 / 365.0), reversion)
    }

    #[test]
    fn a_step_of_the_variance_has_its_exact_mean_and_variance_on_both_sides_of_the_switch_and_stays_positive() {
        for (vol_of_vol, from) in [(20.0, 0.64), (20.0, 0.05), (60.0, 0.64), (60.0, 0.001), (60.0, 0.0)] {
            let (scheme, reversion) = scheme(vol_of_vol);
            let mut stream = Stream::new(3, Purpose::Process, (0, 0), 0);
            let n = 200_000;
            let draws: Vec<f64> = (0..n).map(|_| scheme.next(from, &mut stream)).collect();
            assert!(draws.iter().all(|v| *v >= 0.0));
            let kept = (-reversion / 12.0 / 365.0).exp();
            let mean = 0.64 + (from - 0.64) * kept;
            let xi2 = vol_of_vol * vol_of_vol;
            let spread = from * xi2 * kept * (1.0 - kept) / reversion
                + 0.64 * xi2 * (1.0 - kept) * (1.0 - kept) / (2.0 * reversion);
            let found = draws.iter().sum::<f64>() / f64::from(n);
            let squares: Vec<f64> = draws.iter().map(|v| (v - found) * (v - found)).collect();
            let found_spread = squares.iter().sum::<f64>() / f64::from(n);
            let error = (found_spread / f64::from(n)).sqrt();
            assert!((found - mean).abs() < 2.576 * error, "ξ = {vol_of_vol}, v = {from}: mean {found}, not {mean}");
            let error =
                (squares.iter().map(|x| (x - found_spread) * (x - found_spread)).sum::<f64>()).sqrt() / f64::from(n);
            assert!(
                (found_spread - spread).abs() < 2.576 * error,
                "ξ = {vol_of_vol}, v = {from}: variance {found_spread}, not {spread} ± {error}"
            );
        }
    }

    #[test]
    fn what_is_gone_after_little_time_keeps_its_digits() {
        for x in [1e-20, 1e-9, 9.9e-5, 1.01e-4, 0.3, 40.0] {
            let exact = -libm::expm1(-x);
            assert!((gone(x) / exact - 1.0).abs() < 1e-11, "{x}: {} against {exact}", gone(x));
        }
    }

    #[test]
    fn the_variance_forgets_at_its_rate() {
        let (scheme, reversion) = scheme(20.0);
        let kept = (-reversion / 12.0 / 365.0).exp();
        // Correlation of v with itself one and three intervals later, over 400 stretches of 500.
        for lag in [1_usize, 3] {
            let mut stream = Stream::new(5, Purpose::Process, (0, 0), 1);
            let mut v = 0.64;
            let stationary = 0.64 * 400.0 / (2.0 * reversion);
            let products: Vec<f64> = (0..400)
                .map(|_| {
                    let chain: Vec<f64> = (0..500)
                        .map(|_| {
                            v = scheme.next(v, &mut stream);
                            v
                        })
                        .collect();
                    chain.windows(lag + 1).map(|x| (x[0] - 0.64) * (x[lag] - 0.64)).sum::<f64>() / (500 - lag) as f64
                })
                .collect();
            let mean = products.iter().sum::<f64>() / 400.0;
            let error = (products.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 400.0 / 399.0).sqrt();
            let wanted = stationary * kept.powi(i32::try_from(lag).unwrap());
            assert!((mean - wanted).abs() < 2.576 * error, "lag {lag}: {mean} ± {error}, not {wanted}");
        }
    }
}
