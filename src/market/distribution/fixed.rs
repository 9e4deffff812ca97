//! Always the same value; what a bare number means.

use super::Distribution;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct Fixed {
    value: f64,
}

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "fixed",
    about: "always the same value; a bare number means this",
    keys: &[Key {
        name: "value",
        shape: Shape::Number { unit: "", min: f64::NEG_INFINITY, max: f64::INFINITY },
        need: Need::Required,
        about: "the value",
    }],
    build: |values, _| Some(Box::new(Fixed { value: values.number("value") })),
};

impl Distribution for Fixed {
    fn quantile(&self, _u: f64) -> f64 {
        self.value
    }

    fn fill(&self, words: &[u64], values: &mut [f64]) {
        values[..words.len()].fill(self.value);
    }

    fn share_at_most(&self, x: f64) -> f64 {
        if x >= self.value { 1.0 } else { 0.0 }
    }

    fn support(&self) -> (f64, f64) {
        (self.value, self.value)
    }
}
