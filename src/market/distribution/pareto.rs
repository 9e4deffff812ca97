//! The Pareto distribution cut at a greatest value, for tails of account sizes.
//!
//! P(X > x) = ((min/x)^α − c)/(1 − c) with c = (min/max)^α, so F⁻¹(u) = min·(1 − u·(1 − c))^(−1/α). The cut is required:
//! recorded tails have α below 1, for which the uncut distribution has no mean. Source: Johnson, Kotz, Balakrishnan,
//! "Continuous Univariate Distributions" 1 (1994), chapter 20.

use super::{Distribution, fill_uniforms};
use crate::market::math;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct Pareto {
    min: f64,
    max: f64,
    ln_min: f64,
    /// −1/α.
    exponent: f64,
    /// 1 − (min/max)^α.
    share_kept: f64,
}

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "pareto",
    about: "power-law tail from a least to a greatest value",
    keys: &[
        Key {
            name: "alpha",
            shape: Shape::Number { unit: "", min: 0.01, max: 100.0 },
            need: Need::Required,
            about: "tail exponent: P(X > x) falls as x to the power −alpha",
        },
        Key { name: "min", shape: Shape::Positive { unit: "" }, need: Need::Required, about: "least value" },
        Key {
            name: "max",
            shape: Shape::Positive { unit: "" },
            need: Need::Required,
            about: "greatest value, where the tail is cut",
        },
    ],
    build: |values, reading| {
        let (alpha, min, max) = (values.number("alpha"), values.number("min"), values.number("max"));
        if min >= max {
            reading.fault(
                &values.span("max"),
                format!("`max` = {max} does not lie above `min` = {min}"),
                "let `min` be less than `max`",
            );
            return None;
        }
        let ln_min = math::ln(min);
        let share_kept = 1.0 - math::exp(alpha * (ln_min - math::ln(max)));
        Some(Box::new(Pareto { min, max, ln_min, exponent: -1.0 / alpha, share_kept }))
    },
};

impl Pareto {
    fn ln_quantile(&self, u: f64) -> f64 {
        self.ln_min + self.exponent * math::ln(1.0 - u * self.share_kept)
    }
}

impl Distribution for Pareto {
    fn quantile(&self, u: f64) -> f64 {
        math::exp(self.ln_quantile(u)).max(self.min).min(self.max)
    }

    fn fill(&self, words: &[u64], values: &mut [f64]) {
        fill_uniforms(words, values);
        for u in values.iter_mut() {
            *u = self.ln_quantile(*u);
        }
        math::exp_all(values);
        for x in values {
            *x = x.max(self.min).min(self.max);
        }
    }

    fn share_at_most(&self, x: f64) -> f64 {
        if x >= self.max {
            return 1.0;
        }
        if x <= self.min {
            return 0.0;
        }
        (1.0 - math::exp((math::ln(x) - self.ln_min) / self.exponent)) / self.share_kept
    }

    fn support(&self) -> (f64, f64) {
        (self.min, self.max)
    }
}
