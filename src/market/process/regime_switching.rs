//! Regimes: volatility and drift jump between a few values at random times.
//!
//! Within regime i d ln I = (μ_i − σ_i²/2) dt + σ_i dW. A regime lasts an exponential time of mean d_i; then another one j
//! follows with probability w_j/Σ_{m≠i} w_m. Over a long time regime i takes a share π_i ∝ w_i·(Σ_{m≠i} w_m)·d_i, since
//! the chain of regimes is reversible with weights w_i·Σ_{m≠i} w_m. Switching times do not depend on the step: a step that
//! holds a switch has the drift and the variance of its parts, so ln I on the grid is exact in law. With two regimes
//! the variance rate has autocovariance π₁π₂(σ₁² − σ₂²)²·exp(−(1/d₁ + 1/d₂)·lag).
//!
//! Source: Hamilton, "A new approach to the economic analysis of nonstationary time series and the business cycle",
//! Econometrica 57 (1989), in continuous time.

use super::jumps::waiting;
use super::{Draws, PriceProcess};
use crate::market::math::{self, YEAR_S};
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};
use crate::rng::{Stream, open_unit};

#[derive(Clone, Debug)]
struct RegimeSwitching {
    regimes: Vec<Regime>,
    /// Long-run share of time of each regime.
    shares: Vec<f64>,
    start: Start,
}

#[derive(Clone, Copy, Debug)]
struct Regime {
    /// Drift of ln I and its variance, a second.
    drift: f64,
    variance: f64,
    duration_s: f64,
    weight: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    First,
    Stationary,
}

const REGIME: &[Key] = &[
    super::gbm::VOLATILITY,
    super::gbm::DRIFT,
    Key {
        name: "duration",
        shape: Shape::Time { min: Nanos(1_000_000) },
        need: Need::Required,
        about: "mean time that the regime lasts",
    },
    Key {
        name: "weight",
        shape: Shape::Positive { unit: "" },
        need: Need::Default("1.0"),
        about: "how likely the regime follows another one, against the others that could",
    },
];

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "regime_switching",
    about: "volatility and drift that jump between a few regimes at random times",
    keys: &[
        Key {
            name: "regimes",
            shape: Shape::List(&Shape::Table(REGIME)),
            need: Need::Required,
            about: "two regimes or more, as calm and panic",
        },
        Key {
            name: "start",
            shape: Shape::Choice(&[
                ("first", "in the first regime of the list"),
                ("stationary", "in a regime drawn by its long-run share of time"),
            ]),
            need: Need::Default("\"first\""),
            about: "regime at the start",
        },
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn PriceProcess>> {
    let written = values.tables("regimes");
    if written.len() < 2 {
        reading.fault(
            &values.span("regimes"),
            format!("`regimes` holds {}, and nothing to switch to", written.len()),
            "give two regimes or more; one alone is `gbm`",
        );
        return None;
    }
    let regimes: Vec<Regime> = written
        .iter()
        .map(|regime| {
            let variance = regime.number("volatility") * regime.number("volatility") / YEAR_S;
            Regime {
                drift: regime.number("drift") / YEAR_S - 0.5 * variance,
                variance,
                duration_s: regime.time("duration").seconds(),
                weight: regime.number("weight"),
            }
        })
        .collect();
    let total: f64 = regimes.iter().map(|regime| regime.weight).sum();
    let shares: Vec<f64> =
        regimes.iter().map(|regime| regime.weight * (total - regime.weight) * regime.duration_s).collect();
    let whole: f64 = shares.iter().sum();
    if !(whole.is_finite() && whole > 0.0) {
        reading.fault(
            &values.span("regimes"),
            "the weights of these regimes are too far apart",
            "bring them within a factor of a million",
        );
        return None;
    }
    let start = if values.text("start") == "first" { Start::First } else { Start::Stationary };
    let shares = shares.iter().map(|share| share / whole).collect();
    Some(Box::new(RegimeSwitching { regimes, shares, start }))
}

/// The place that a uniform falls into among weights, of which one may be left out.
fn pick(weights: impl Iterator<Item = f64> + Clone, uniform: f64) -> usize {
    let mut left = uniform * weights.clone().sum::<f64>();
    let mut last = 0;
    for (i, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = i;
            if left < weight {
                return i;
            }
            left -= weight;
        }
    }
    last
}

impl RegimeSwitching {
    fn follower(&self, of: usize, stream: &mut Stream) -> usize {
        let uniform = open_unit(stream.word());
        let others = self.regimes.iter().enumerate().map(|(i, regime)| if i == of { 0.0 } else { regime.weight });
        pick(others, uniform)
    }
}

impl PriceProcess for RegimeSwitching {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        let step_s = draws.grid.step_seconds();
        // Drawn also where the first regime is given, so that the choice moves no other draw.
        let uniform = open_unit(draws.stream.word());
        let mut now = match self.start {
            Start::First => 0,
            Start::Stationary => pick(self.shares.iter().copied(), uniform),
        };
        let mut left_s = waiting(draws.stream) * self.regimes[now].duration_s;
        let mut level = 0.0;
        log_index[0] = level;
        for (point, dw) in log_index[1..].iter_mut().zip(draws.brownian) {
            let (mut rest_s, mut drift, mut variance) = (step_s, 0.0, 0.0);
            while left_s <= rest_s {
                let regime = self.regimes[now];
                drift += regime.drift * left_s;
                variance += regime.variance * left_s;
                rest_s -= left_s;
                now = self.follower(now, draws.stream);
                left_s = waiting(draws.stream) * self.regimes[now].duration_s;
            }
            let regime = self.regimes[now];
            drift += regime.drift * rest_s;
            variance += regime.variance * rest_s;
            left_s -= rest_s;
            level += drift + math::sqrt(variance / step_s) * dw;
            *point = level;
        }
    }

    fn variance_rate(&self) -> f64 {
        self.regimes.iter().zip(&self.shares).map(|(regime, share)| share * regime.variance).sum()
    }
}
