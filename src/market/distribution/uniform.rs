//! Every value between two bounds equally likely: F⁻¹(u) = min + u·(max − min).

use super::Distribution;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct Uniform {
    min: f64,
    max: f64,
}

const ANY: Shape = Shape::Number { unit: "", min: f64::NEG_INFINITY, max: f64::INFINITY };

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "uniform",
    about: "every value between two bounds equally likely",
    keys: &[
        Key { name: "min", shape: ANY, need: Need::Required, about: "least value" },
        Key { name: "max", shape: ANY, need: Need::Required, about: "greatest value" },
    ],
    build: |values, reading| {
        let (min, max) = (values.number("min"), values.number("max"));
        if min > max {
            reading.fault(
                &values.span("max"),
                format!("`max` = {max} lies below `min` = {min}"),
                "let `min` be at most `max`",
            );
            return None;
        }
        Some(Box::new(Uniform { min, max }))
    },
};

impl Distribution for Uniform {
    fn quantile(&self, u: f64) -> f64 {
        // Two products, because max − min overflows for bounds near the ends of the range.
        (self.min * (1.0 - u) + self.max * u).clamp(self.min, self.max)
    }

    fn share_at_most(&self, x: f64) -> f64 {
        if x >= self.max {
            return 1.0;
        }
        // Halves, because max − min overflows for bounds near the ends of the range.
        ((0.5 * x - 0.5 * self.min) / (0.5 * self.max - 0.5 * self.min)).max(0.0)
    }

    fn support(&self) -> (f64, f64) {
        (self.min, self.max)
    }
}
