//! The normal distribution, optionally cut to an interval, by Wichura's inverse distribution function.

use std::ops::Range;

use super::{Distribution, fill_uniforms};
use crate::market::math;
use crate::registry::{Entry, Key, Need, Reading, Shape};

#[derive(Clone, Copy, Debug)]
struct Normal {
    mean: f64,
    sd: f64,
    cut: Cut,
}

const ANY: Shape = Shape::Number { unit: "", min: f64::NEG_INFINITY, max: f64::INFINITY };

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "normal",
    about: "normal, optionally cut to an interval (the rest is rescaled, nothing piles up at the ends)",
    keys: &[
        Key { name: "mean", shape: ANY, need: Need::Required, about: "mean before the cut" },
        Key {
            name: "sd",
            shape: Shape::Positive { unit: "" },
            need: Need::Required,
            about: "standard deviation before the cut",
        },
        Key { name: "min", shape: ANY, need: Need::Optional, about: "least value" },
        Key { name: "max", shape: ANY, need: Need::Optional, about: "greatest value" },
    ],
    build: |values, reading| {
        let (mean, sd) = (values.number("mean"), values.number("sd"));
        let min = values.maybe_number("min").map_or(f64::NEG_INFINITY, |x| (x - mean) / sd);
        let max = values.maybe_number("max").map_or(f64::INFINITY, |x| (x - mean) / sd);
        let cut = Cut::new(min, max, &cut_span(values), reading)?;
        Some(Box::new(Normal { mean, sd, cut }))
    },
};

/// Where a fault of `min` and `max` together points.
pub(super) fn cut_span(values: &crate::registry::Values) -> Range<usize> {
    if values.has("max") { values.span("max") } else { values.span("min") }
}

/// A standard normal variate cut to an interval: z = Φ⁻¹(Φ(a) + u·(Φ(b) − Φ(a))).
///
/// Where the interval lies above 0 it is mirrored, because Φ has no digits left in its upper tail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    min: f64,
    max: f64,
    below: f64,
    width: f64,
    mirrored: bool,
}

impl Cut {
    /// Between `min` and `max` standard deviations; a fault at `span` where they are in the wrong order or hold
    /// next to nothing of the distribution.
    pub fn new(min: f64, max: f64, span: &Range<usize>, reading: &mut Reading) -> Option<Self> {
        if min >= max {
            reading.fault(span, "`max` does not lie above `min`", "let `min` be less than `max`");
            return None;
        }
        let mirrored = min > 0.0;
        let (low, high) = if mirrored { (-max, -min) } else { (min, max) };
        let below = math::normal_cdf(low);
        let width = math::normal_cdf(high) - below;
        if width < 1e-12 {
            let hint = "widen `min` and `max`, or move the middle of the distribution between them";
            reading.fault(span, "next to nothing of the distribution lies between `min` and `max`", hint);
            return None;
        }
        Some(Self { min, max, below, width, mirrored })
    }

    pub fn quantile(&self, u: f64) -> f64 {
        self.finish(math::normal_quantile(self.uniform(u)))
    }

    /// Uniforms in, variates out; bit for bit what `quantile` gives.
    pub fn quantile_all(&self, values: &mut [f64]) {
        for u in values.iter_mut() {
            *u = self.uniform(*u);
        }
        math::normal_quantile_all(values);
        for z in values {
            *z = self.finish(*z);
        }
    }

    /// P(Z ≤ z).
    pub fn share_at_most(&self, z: f64) -> f64 {
        if z >= self.max {
            return 1.0;
        }
        if z <= self.min {
            return 0.0;
        }
        if self.mirrored {
            1.0 - (math::normal_cdf(-z) - self.below) / self.width
        } else {
            (math::normal_cdf(z) - self.below) / self.width
        }
    }

    pub fn bounds(&self) -> (f64, f64) {
        (self.min, self.max)
    }

    fn uniform(&self, u: f64) -> f64 {
        let u = if self.mirrored { 1.0 - u } else { u };
        self.below + u * self.width
    }

    fn finish(&self, z: f64) -> f64 {
        let z = if self.mirrored { -z } else { z };
        // Rounding may step over a bound by a last digit.
        z.max(self.min).min(self.max)
    }
}

impl Distribution for Normal {
    fn quantile(&self, u: f64) -> f64 {
        self.mean + self.sd * self.cut.quantile(u)
    }

    fn fill(&self, words: &[u64], values: &mut [f64]) {
        fill_uniforms(words, values);
        self.cut.quantile_all(values);
        for z in values {
            *z = self.mean + self.sd * *z;
        }
    }

    fn share_at_most(&self, x: f64) -> f64 {
        self.cut.share_at_most((x - self.mean) / self.sd)
    }

    fn support(&self) -> (f64, f64) {
        let (min, max) = self.cut.bounds();
        (self.mean + self.sd * min, self.mean + self.sd * max)
    }
}
