//! The lognormal distribution, optionally cut to an interval: X = median·exp(σ·Z). The usual shape of account sizes.

use super::normal::{Cut, cut_span};
use super::{Distribution, fill_uniforms};
use crate::market::math;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct Lognormal {
    /// ln of the median.
    mu: f64,
    sigma: f64,
    cut: Cut,
    /// The bounds as written: exp(ln x) need not be x.
    min: f64,
    max: f64,
}

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "lognormal",
    about: "the logarithm is normal; optionally cut to an interval (the rest is rescaled)",
    keys: &[
        Key {
            name: "median",
            shape: Shape::Positive { unit: "" },
            need: Need::Required,
            about: "median before the cut",
        },
        Key {
            name: "sigma",
            shape: Shape::Positive { unit: "" },
            need: Need::Required,
            about: "standard deviation of the natural logarithm before the cut",
        },
        Key { name: "min", shape: Shape::Positive { unit: "" }, need: Need::Optional, about: "least value" },
        Key { name: "max", shape: Shape::Positive { unit: "" }, need: Need::Optional, about: "greatest value" },
    ],
    build: |values, reading| {
        let (mu, sigma) = (math::ln(values.number("median")), values.number("sigma"));
        let (min, max) = (values.maybe_number("min"), values.maybe_number("max"));
        let low = min.map_or(f64::NEG_INFINITY, |x| (math::ln(x) - mu) / sigma);
        let high = max.map_or(f64::INFINITY, |x| (math::ln(x) - mu) / sigma);
        let cut = Cut::new(low, high, &cut_span(values), reading)?;
        Some(Box::new(Lognormal { mu, sigma, cut, min: min.unwrap_or(0.0), max: max.unwrap_or(f64::INFINITY) }))
    },
};

impl Distribution for Lognormal {
    fn quantile(&self, u: f64) -> f64 {
        math::exp(self.mu + self.sigma * self.cut.quantile(u)).max(self.min).min(self.max)
    }

    fn fill(&self, words: &[u64], values: &mut [f64]) {
        fill_uniforms(words, values);
        self.cut.quantile_all(values);
        for z in values.iter_mut() {
            *z = self.mu + self.sigma * *z;
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
        if x <= self.min { 0.0 } else { self.cut.share_at_most((math::ln(x) - self.mu) / self.sigma) }
    }

    fn support(&self) -> (f64, f64) {
        (self.min, self.max)
    }
}
