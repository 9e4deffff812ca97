//! GARCH(1, 1) with Student t innovations: volatility that clusters, and tails heavier than normal ones.
//!
//! Over each interval T the return is r_n = √h_n·ε_n, and h_{n+1} = ω + α·r_n² + β·h_n, ω = (1 − α − β)·σ²·T with σ the
//! long-run volatility. ε = Z·√((ν − 2)/χ²_ν) is a Student t of ν degrees of freedom with variance 1; Z is the given
//! (correlated) Brownian increment over T, and χ²_ν = 2·Σ of ⌊ν/2⌋ standard exponentials, plus the square of a normal
//! where ν is odd, from the process's own stream: exact, with a fixed number of draws. Within an interval ln I follows the
//! Brownian motion at that constant volatility, so halving the step keeps the path. Exact at the ends of the intervals.
//!
//! ln I has no drift: E ln I_t = ln I_0 (a Student t has no exponential moment, hence no expected price). With
//! κ_ε = 3(ν − 2)/(ν − 4) for ν > 4 the kurtosis of r is κ_ε(1 − (α + β)²)/(1 − (α + β)² − (κ_ε − 1)α²), and r² has
//! autocorrelations ρ₁ = α(1 − αβ − β²)/(1 − 2αβ − β²), ρ_k = ρ₁(α + β)^(k−1), where the fourth moment is finite.
//! An interval that is no whole number of steps is lengthened to the next one.
//!
//! Sources: Bollerslev, "Generalized autoregressive conditional heteroskedasticity", Journal of Econometrics 31 (1986);
//! Bollerslev, "A conditionally heteroskedastic time series model for speculative prices and rates of return", Review of
//! Economics and Statistics 69 (1987).

use rand_distr::{Distribution as _, StandardNormal};

use super::gbm::VOLATILITY;
use super::jumps::waiting;
use super::{Draws, PriceProcess};
use crate::market::math::{self, YEAR_S};
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Shape};
use crate::rng::Stream;

#[derive(Clone, Copy, Debug)]
struct Garch {
    /// Long-run variance a second.
    variance: f64,
    /// Variance at the start over the long-run one.
    start: f64,
    alpha: f64,
    beta: f64,
    /// ν.
    degrees: u32,
    interval: Nanos,
}

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "garch",
    about: "GARCH(1, 1) with Student t innovations: volatility clusters, tails are heavy",
    keys: &[
        VOLATILITY,
        Key {
            name: "interval",
            shape: Shape::Time { min: Nanos(1_000_000) },
            need: Need::Default("\"1 min\""),
            about: "time over which one return counts, and after which the variance is updated; best a whole number of steps",
        },
        Key {
            name: "alpha",
            shape: Shape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("0.1"),
            about: "weight of the last squared return in the next variance",
        },
        Key {
            name: "beta",
            shape: Shape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("0.88"),
            about: "weight of the last variance in the next one; `alpha` + `beta` below 1",
        },
        Key {
            name: "degrees_of_freedom",
            shape: Shape::Count { min: 3, max: 60 },
            need: Need::Default("5"),
            about: "of the Student t: the fewer, the heavier the tails",
        },
        Key {
            name: "start_volatility",
            shape: Shape::Share { min: 0.0, max: 100.0 },
            need: Need::Optional,
            about: "volatility at the start, over a year; `volatility` where absent",
        },
    ],
    build: |values, reading| {
        let (alpha, beta) = (values.number("alpha"), values.number("beta"));
        if alpha + beta >= 1.0 {
            reading.fault(
                &values.span("alpha"),
                format!("`alpha` + `beta` is {}: the variance would grow without bound", alpha + beta),
                "their sum must be below 1",
            );
            return None;
        }
        let volatility = values.number("volatility");
        let start = values.maybe_number("start_volatility").filter(|_| volatility > 0.0);
        let degrees = u32::try_from(values.count("degrees_of_freedom")).expect("a count between 3 and 60");
        Some(Box::new(Garch {
            variance: volatility * volatility / YEAR_S,
            start: start.map_or(1.0, |start| (start / volatility) * (start / volatility)),
            alpha,
            beta,
            degrees,
            interval: values.time("interval"),
        }))
    },
};

impl Garch {
    /// √((ν − 2)/χ²_ν), which makes a standard normal a standardised Student t.
    fn widening(&self, stream: &mut Stream) -> f64 {
        let mut chi2 = 0.0;
        for _ in 0..self.degrees / 2 {
            chi2 += 2.0 * waiting(stream);
        }
        if self.degrees % 2 == 1 {
            let normal: f64 = StandardNormal.sample(stream.generator());
            chi2 += normal * normal;
        }
        math::sqrt(f64::from(self.degrees - 2) / chi2)
    }
}

impl PriceProcess for Garch {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        let step = draws.grid.step;
        let steps = usize::try_from((self.interval.0 + step.0 - 1) / step.0).unwrap_or(usize::MAX);
        let length_s = draws.grid.step_seconds() * steps as f64;
        let long_run = self.variance * length_s;
        let constant = (1.0 - self.alpha - self.beta) * long_run;
        let (mut variance, mut level) = (self.start * long_run, 0.0);
        log_index[0] = level;
        for (points, increments) in log_index[1..].chunks_mut(steps).zip(draws.brownian.chunks(steps)) {
            let sigma = math::sqrt(variance / length_s) * self.widening(draws.stream);
            let mut moved = 0.0;
            for (point, dw) in points.iter_mut().zip(increments) {
                moved += dw;
                *point = level + sigma * moved;
            }
            let last = points.last().copied().unwrap_or(level);
            variance = constant + self.alpha * (last - level) * (last - level) + self.beta * variance;
            level = last;
        }
    }

    fn variance_rate(&self) -> f64 {
        self.variance
    }
}
