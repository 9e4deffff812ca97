//! Entry prices of positions that were opened at different times: the age of a book.
//!
//! Positions are closed at a constant rate, so their ages are exponential with mean τ; over an age a the logarithm of the
//! price moved by a normal variate of variance σ²·a. Over all ages the offset ln(entry/mark) is then Laplace with scale
//! b = σ·√(τ/2) (Kotz, Kozubowski, Podgórski, "The Laplace Distribution" (2001), section 2.2.1), and the entry stands at
//! exp(b·ln 2u) − 1 below the mark and exp(−b·ln 2(1 − u)) − 1 above it. Positions that could not have lived so long at their
//! leverage are drawn again by the opening check, which is what surviving means.

use super::Distribution;
use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct AgedEntry {
    /// Scale of the Laplace distribution of the logarithm.
    scale: f64,
    /// Distribution function at the cuts.
    below: f64,
    width: f64,
    min: f64,
    max: f64,
}

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "aged_entry",
    about: "entry offsets of positions of exponentially distributed age under a diffusing price (Laplace in logarithms)",
    keys: &[
        Key {
            name: "mean_age",
            shape: Shape::Time { min: Nanos(1) },
            need: Need::Required,
            about: "mean time since a position was opened",
        },
        Key {
            name: "volatility",
            shape: Shape::Number { unit: "", min: 0.000_001, max: 100.0 },
            need: Need::Required,
            about: "standard deviation of the log return over a year of 365 days, while the book was built",
        },
        Key {
            name: "min",
            shape: Shape::Number { unit: "", min: -0.999, max: f64::INFINITY },
            need: Need::Optional,
            about: "least offset; the rest is rescaled",
        },
        Key {
            name: "max",
            shape: Shape::Number { unit: "", min: -0.999, max: f64::INFINITY },
            need: Need::Optional,
            about: "greatest offset; the rest is rescaled",
        },
    ],
    build: |values, reading| {
        let age = values.time("mean_age").seconds() / math::YEAR_S;
        let scale = values.number("volatility") * math::sqrt(age / 2.0);
        let (min, max) = (values.maybe_number("min"), values.maybe_number("max"));
        let (below, above) = (min.map_or(0.0, |x| laplace(x, scale)), max.map_or(1.0, |x| laplace(x, scale)));
        if above - below < 1e-12 {
            reading.fault(
                &super::normal::cut_span(values),
                "next to nothing of the distribution lies between `min` and `max`",
                "let `min` lie below 0 and `max` above it",
            );
            return None;
        }
        Some(Box::new(AgedEntry {
            scale,
            below,
            width: above - below,
            min: min.unwrap_or(-1.0),
            max: max.unwrap_or(f64::INFINITY),
        }))
    },
};

/// P(offset ≤ x) before any cut.
fn laplace(offset: f64, scale: f64) -> f64 {
    let x = math::ln(1.0 + offset) / scale;
    if x < 0.0 { 0.5 * math::exp(x) } else { 1.0 - 0.5 * math::exp(-x) }
}

impl Distribution for AgedEntry {
    fn quantile(&self, u: f64) -> f64 {
        let u = self.below + u * self.width;
        let ln = if u < 0.5 { self.scale * math::ln(2.0 * u) } else { -self.scale * math::ln(2.0 * (1.0 - u)) };
        (math::exp(ln) - 1.0).max(self.min).min(self.max)
    }

    fn share_at_most(&self, x: f64) -> f64 {
        if x >= self.max {
            return 1.0;
        }
        if x <= self.min { 0.0 } else { (laplace(x, self.scale) - self.below) / self.width }
    }

    fn support(&self) -> (f64, f64) {
        (self.min, self.max)
    }
}
