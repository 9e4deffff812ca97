//! The index plus a moving average of what the book trades above it.
//!
//! mark = I + B, B ← B + a·(mid − I − B), a = 1 − e^(−Δt/τ) with Δt the time since the last refresh, so that the weight of
//! an old basis does not depend on how often the mark is refreshed. B starts at the first basis. Exchanges publish
//! such a leg with a flat or an exponential mean: Hyperliquid an exponential one with τ = 150 s, Deribit one of 30 s,
//! Binance a flat one of 30 s (60 s before 18 September 2025), Bybit a flat one of 5 min.

use super::{MarkRule, Prices};
use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};

#[derive(Clone, Copy, Debug)]
struct EmaBasis {
    basis: Basis,
}

/// The keys of the averaging time.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "half_life",
        shape: Shape::Time { min: Nanos(1) },
        need: Need::Optional,
        about: "time in which the weight of an old basis halves; 30 s where neither this nor `window` is given",
    },
    Key {
        name: "window",
        shape: Shape::Time { min: Nanos(1) },
        need: Need::Optional,
        about: "instead of `half_life`: the flat window with the same mean age (τ is half of it)",
    },
];

pub const ENTRY: Entry<dyn MarkRule> = Entry {
    kind: "ema_basis",
    about: "the index plus an exponential moving average of mid less index",
    keys: KEYS,
    build: |values, reading| Some(Box::new(EmaBasis { basis: Basis::of(values, reading)? })),
};

/// The averaged basis B, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Basis {
    tau_s: f64,
    basis: Option<f64>,
    /// The last elapsed time and its weight a.
    weight: (f64, f64),
}

impl Basis {
    pub fn of(values: &Values, reading: &mut Reading) -> Option<Self> {
        let tau_s = match (values.maybe_time("half_life"), values.maybe_time("window")) {
            (Some(_), Some(_)) => {
                reading.fault(&values.span("window"), "`half_life` and `window` are both given", "keep one of them");
                return None;
            }
            (None, Some(window)) => 0.5 * window.seconds(),
            (half_life, None) => half_life.map_or(30.0, Nanos::seconds) / std::f64::consts::LN_2,
        };
        Some(Self { tau_s, basis: None, weight: (0.0, 0.0) })
    }

    pub fn reset(&mut self) {
        self.basis = None;
    }

    pub fn update(&mut self, prices: Prices) -> f64 {
        let now = prices.mid - prices.index;
        let basis = match self.basis {
            None => now,
            Some(before) => {
                if self.weight.0 != prices.elapsed_s {
                    self.weight = (prices.elapsed_s, 1.0 - math::exp(-prices.elapsed_s / self.tau_s));
                }
                before + self.weight.1 * (now - before)
            }
        };
        self.basis = Some(basis);
        basis
    }
}

impl MarkRule for EmaBasis {
    fn boxed_clone(&self) -> Box<dyn MarkRule> {
        Box::new(*self)
    }

    fn reset(&mut self) {
        self.basis.reset();
    }

    fn mark(&mut self, prices: Prices) -> f64 {
        prices.index + self.basis.update(prices)
    }
}
