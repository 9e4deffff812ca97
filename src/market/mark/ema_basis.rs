//! The index plus a moving average of what the book trades above it.
//!
//! mark = I + B, B an average of the basis b = mid − I, which starts at the first one.
//!
//! `exponential`: B ← B + a·(b − B), a = 1 − e^(−Δt/τ) with Δt the time since the last refresh, so that the weight of an
//! old basis does not depend on how often the mark is refreshed. `flat`: the mean of the bases of the last `window`, one
//! taken every `sampling` at the most (and at refreshes only).
//!
//! As published: Binance flat, 30 s in 30 samples (announcement of 16 September 2025; 60 s before 18 September); Bybit
//! flat, 5 min sampled every second (page of 16 October 2024); Hyperliquid exponential with τ = 150 s (a half-life of 104 s);
//! Deribit exponential, 30 s.

use std::collections::VecDeque;

use super::{MarkRule, Prices};
use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};

#[derive(Clone, Debug)]
struct EmaBasis {
    basis: Basis,
}

pub(super) const HALF_LIFE: Key = Key {
    name: "half_life",
    shape: Shape::Time { min: Nanos(1) },
    need: Need::Optional,
    about: "time in which the weight of an old basis halves; 30 s where neither this nor `window` is given",
};

pub(super) const WINDOW: Key = Key {
    name: "window",
    shape: Shape::Time { min: Nanos(1) },
    need: Need::Optional,
    about: "instead of `half_life`: the window of a flat average, or the exponential one with the same mean age (τ is half of it)",
};

pub(super) const AVERAGE: Key = Key {
    name: "average",
    shape: Shape::Choice(&[
        ("exponential", "older bases weigh ever less (Hyperliquid, Deribit)"),
        ("flat", "all bases within `window` weigh the same (Binance, Bybit)"),
    ]),
    need: Need::Default("\"exponential\""),
    about: "how bases are averaged",
};

pub(super) const SAMPLING: Key = Key {
    name: "sampling",
    shape: Shape::Time { min: Nanos(0) },
    need: Need::Default("\"1 s\""),
    about: "least time between two samples of a flat average",
};

pub const ENTRY: Entry<dyn MarkRule> = Entry {
    kind: "ema_basis",
    about: "the index plus a moving average of mid less index",
    keys: &[HALF_LIFE, WINDOW, AVERAGE, SAMPLING],
    build: |values, reading| Some(Box::new(EmaBasis { basis: Basis::of(values, reading)? })),
};

/// The averaged basis B, in ticks.
#[derive(Clone, Debug)]
pub(super) enum Basis {
    Exponential(Exponential),
    Flat(Flat),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Exponential {
    tau_s: f64,
    basis: Option<f64>,
    /// The last elapsed time and its weight a.
    weight: (f64, f64),
}

#[derive(Clone, Debug)]
pub(super) struct Flat {
    window_s: f64,
    sampling_s: f64,
    now_s: f64,
    /// Time and basis of each sample within the window.
    samples: VecDeque<(f64, f64)>,
    sum: f64,
}

/// Times are sums of elapsed times: what rounding takes from a second must not skip a sample.
const ROUNDING_S: f64 = 1e-6;

impl Basis {
    pub fn of(values: &Values, reading: &mut Reading) -> Option<Self> {
        let (half_life, window) = (values.maybe_time("half_life"), values.maybe_time("window"));
        if half_life.is_some() && window.is_some() {
            reading.fault(&values.span("window"), "`half_life` and `window` are both given", "keep one of them");
            return None;
        }
        if values.text("average") == "exponential" {
            let tau_s = match window {
                Some(window) => 0.5 * window.seconds(),
                None => half_life.map_or(30.0, Nanos::seconds) / std::f64::consts::LN_2,
            };
            return Some(Self::Exponential(Exponential { tau_s, basis: None, weight: (0.0, 0.0) }));
        }
        let Some(window) = window else {
            let at = if half_life.is_some() { "half_life" } else { "average" };
            reading.fault(
                &values.span(at),
                "a flat average has no half-life but a window",
                "write `window`, as \"30 s\"",
            );
            return None;
        };
        Some(Self::Flat(Flat {
            window_s: window.seconds(),
            sampling_s: values.time("sampling").seconds(),
            now_s: 0.0,
            samples: VecDeque::new(),
            sum: 0.0,
        }))
    }

    pub fn reset(&mut self) {
        match self {
            Self::Exponential(average) => average.basis = None,
            Self::Flat(average) => {
                average.samples.clear();
                (average.now_s, average.sum) = (0.0, 0.0);
            }
        }
    }

    pub fn update(&mut self, prices: Prices) -> f64 {
        let now = prices.mid - prices.index;
        match self {
            Self::Exponential(average) => average.update(now, prices.elapsed_s),
            Self::Flat(average) => average.update(now, prices.elapsed_s),
        }
    }
}

impl Exponential {
    fn update(&mut self, now: f64, elapsed_s: f64) -> f64 {
        let basis = match self.basis {
            None => now,
            Some(before) => {
                if self.weight.0 != elapsed_s {
                    self.weight = (elapsed_s, 1.0 - math::exp(-elapsed_s / self.tau_s));
                }
                before + self.weight.1 * (now - before)
            }
        };
        self.basis = Some(basis);
        basis
    }
}

impl Flat {
    fn update(&mut self, now: f64, elapsed_s: f64) -> f64 {
        self.now_s += elapsed_s;
        if self.samples.back().is_none_or(|(last_s, _)| self.now_s - last_s >= self.sampling_s - ROUNDING_S) {
            self.samples.push_back((self.now_s, now));
            self.sum += now;
        }
        while self.samples.len() > 1 && self.samples[0].0 <= self.now_s - self.window_s + ROUNDING_S {
            self.sum -= self.samples.pop_front().map_or(0.0, |(_, basis)| basis);
        }
        self.sum / self.samples.len() as f64
    }
}

impl MarkRule for EmaBasis {
    fn boxed_clone(&self) -> Box<dyn MarkRule> {
        Box::new(self.clone())
    }

    fn reset(&mut self) {
        self.basis.reset();
    }

    fn looks_at_touch(&self) -> bool {
        false
    }

    fn mark(&mut self, prices: Prices) -> f64 {
        prices.index + self.basis.update(prices)
    }
}
