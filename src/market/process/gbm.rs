//! Geometric Brownian motion.
//!
//! d ln I = (μ − σ²/2) dt + σ dW, hence E I_t = I_0·exp(μ·t). On the grid the step is exact: ln I moves by
//! (μ − σ²/2)·Δt + σ·ΔW. Source: Black and Scholes, "The Pricing of Options and Corporate Liabilities", Journal of
//! Political Economy 81 (1973).

use super::{Draws, PriceProcess};
use crate::market::math;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct Gbm {
    diffusion: Diffusion,
}

/// The key of an annual volatility, the same in every diffusive process.
pub(super) const VOLATILITY: Key = Key {
    name: "volatility",
    shape: Shape::Share { min: 0.0, max: 100.0 },
    need: Need::Default("0.6"),
    about: "standard deviation of the log return over a year of 365 days",
};

/// The key of an annual drift.
pub(super) const DRIFT: Key = Key {
    name: "drift",
    shape: Shape::Share { min: -100.0, max: 100.0 },
    need: Need::Default("0.0"),
    about: "growth rate of the expected price, a year",
};

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "gbm",
    about: "geometric Brownian motion: constant volatility, no crash",
    keys: &[DRIFT, VOLATILITY],
    build: |values, _| {
        Some(Box::new(Gbm { diffusion: Diffusion::annual(values.number("drift"), values.number("volatility")) }))
    },
};

/// Drift of ln I a second and volatility a √second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Diffusion {
    pub drift: f64,
    pub sigma: f64,
}

impl Diffusion {
    /// From the growth rate of the expected price and the volatility, both a year.
    pub fn annual(growth: f64, volatility: f64) -> Self {
        let variance = volatility * volatility;
        Self { drift: (growth - 0.5 * variance) / math::YEAR_S, sigma: volatility / math::sqrt(math::YEAR_S) }
    }

    /// Writes the log index of the diffusion alone.
    pub fn fill(&self, step_s: f64, brownian: &[f64], log_index: &mut [f64]) {
        let drift = self.drift * step_s;
        let mut level = 0.0;
        log_index[0] = level;
        for (point, dw) in log_index[1..].iter_mut().zip(brownian) {
            level += drift + self.sigma * dw;
            *point = level;
        }
    }
}

impl PriceProcess for Gbm {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        self.diffusion.fill(draws.grid.step_seconds(), draws.brownian, log_index);
    }

    fn variance_rate(&self) -> f64 {
        self.diffusion.sigma * self.diffusion.sigma
    }
}
