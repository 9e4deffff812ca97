//! A log-normal body with a Pareto tail, for sizes of accounts: most are small, a few decide the outcome.
//!
//! With probability 1 − p the value is log-normal between `min` and t, with probability p it is Pareto from t to `max`:
//! P(X > x | X > t) = ((t/x)^α − c)/(1 − c), c = (t/max)^α. So F⁻¹(u) is the quantile of the body at u/(1 − p) below
//! 1 − p and that of the tail at (u − 1 + p)/p above it. Where p is absent it is the share that the log-normal itself
//! has above t, and the distribution function goes on without a step in its slope's scale. The cut at `max` is required:
//! recorded tails have α below 1, for which the uncut distribution has no mean. Sources: Johnson, Kotz, Balakrishnan,
//! "Continuous Univariate Distributions" 1 (1994), chapters 14 and 20; for the joint shape Reed, "The Pareto law of
//! incomes", Physica A 319 (2003).

use super::normal::Cut;
use super::{Distribution, fill_uniforms};
use crate::market::math;
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};

#[derive(Clone, Copy, Debug)]
struct LognormalPareto {
    mu: f64,
    sigma: f64,
    /// The body in standard deviations of the logarithm.
    cut: Cut,
    /// 1 − p.
    body: f64,
    ln_from: f64,
    /// −1/α.
    exponent: f64,
    /// 1 − (t/max)^α.
    share_kept: f64,
    /// The bounds as written: exp(ln x) need not be x.
    min: f64,
    from: f64,
    max: f64,
}

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "lognormal_pareto",
    about: "log-normal body with a power-law tail up to a greatest value",
    keys: &[
        Key {
            name: "median",
            shape: Shape::Positive { unit: "" },
            need: Need::Required,
            about: "median of the log-normal before its cut",
        },
        Key {
            name: "sigma",
            shape: Shape::Positive { unit: "" },
            need: Need::Required,
            about: "standard deviation of its natural logarithm before the cut",
        },
        Key {
            name: "tail_from",
            shape: Shape::Positive { unit: "" },
            need: Need::Required,
            about: "where the tail begins",
        },
        Key {
            name: "alpha",
            shape: Shape::Number { unit: "", min: 0.01, max: 100.0 },
            need: Need::Required,
            about: "tail exponent: P(X > x) falls as x to the power −alpha",
        },
        Key {
            name: "max",
            shape: Shape::Positive { unit: "" },
            need: Need::Required,
            about: "greatest value, where the tail is cut",
        },
        Key {
            name: "tail_share",
            shape: Shape::Share { min: 0.000_000_001, max: 0.999 },
            need: Need::Optional,
            about: "share of the draws in the tail; what the log-normal has above `tail_from` where absent",
        },
        Key { name: "min", shape: Shape::Positive { unit: "" }, need: Need::Optional, about: "least value" },
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let (mu, sigma) = (math::ln(values.number("median")), values.number("sigma"));
    let (from, max, alpha) = (values.number("tail_from"), values.number("max"), values.number("alpha"));
    if from >= max {
        reading.fault(
            &values.span("max"),
            format!("`max` = {max} does not lie above `tail_from` = {from}"),
            "let `tail_from` be less than `max`",
        );
        return None;
    }
    let min = values.maybe_number("min");
    let low = min.map_or(f64::NEG_INFINITY, |x| (math::ln(x) - mu) / sigma);
    let ln_from = math::ln(from);
    let high = (ln_from - mu) / sigma;
    if low >= high {
        reading.fault(
            &values.span("min"),
            format!("`min` does not lie below `tail_from` = {from}"),
            "let `min` be less than `tail_from`",
        );
        return None;
    }
    let cut = Cut::new(low, high, &values.span("tail_from"), reading)?;
    // Upper tails through Φ(−z), which keeps its digits where Φ(z) has none left.
    let own = math::normal_cdf(-high) / math::normal_cdf(-low);
    let tail = values.maybe_number("tail_share").unwrap_or(own);
    Some(Box::new(LognormalPareto {
        mu,
        sigma,
        cut,
        body: 1.0 - tail,
        ln_from,
        exponent: -1.0 / alpha,
        share_kept: 1.0 - math::exp(alpha * (ln_from - math::ln(max))),
        min: min.unwrap_or(0.0),
        from,
        max,
    }))
}

impl LognormalPareto {
    /// Natural logarithm of the value in the tail.
    fn ln_tail(&self, u: f64) -> f64 {
        // Rounding must not carry the share past its ends.
        let within = ((u - self.body) / (1.0 - self.body)).clamp(0.0, 1.0);
        self.ln_from + self.exponent * math::ln(1.0 - within * self.share_kept)
    }

    fn ln_body(&self, u: f64) -> f64 {
        self.mu + self.sigma * self.cut.quantile(u / self.body)
    }

    fn within(&self, u: f64, x: f64) -> f64 {
        if u < self.body { x.max(self.min).min(self.from) } else { x.max(self.from).min(self.max) }
    }
}

impl Distribution for LognormalPareto {
    fn quantile(&self, u: f64) -> f64 {
        let ln = if u < self.body { self.ln_body(u) } else { self.ln_tail(u) };
        self.within(u, math::exp(ln))
    }

    fn fill(&self, words: &[u64], values: &mut [f64]) {
        fill_uniforms(words, values);
        for u in values {
            *u = self.quantile(*u);
        }
    }

    fn share_at_most(&self, x: f64) -> f64 {
        if x >= self.max {
            return 1.0;
        }
        if x <= self.min {
            return 0.0;
        }
        let ln = math::ln(x);
        if x < self.from {
            return self.body * self.cut.share_at_most((ln - self.mu) / self.sigma);
        }
        let within = (1.0 - math::exp((ln - self.ln_from) / self.exponent)) / self.share_kept;
        self.body + (1.0 - self.body) * within
    }

    fn support(&self) -> (f64, f64) {
        (self.min, self.max)
    }
}
