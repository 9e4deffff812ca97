//! A few values, each with its weight: the round leverages (5x, 10x, 20x …) at which recorded positions pile up.

use super::Distribution;
use super::cumulative::{Cumulative, weights};
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};

#[derive(Clone, Debug)]
struct Discrete {
    /// Ascending, so that a greater uniform never gives a lesser value.
    values: Vec<f64>,
    cumulative: Cumulative,
}

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "discrete",
    about: "one of some values, each with its weight",
    keys: &[
        Key {
            name: "values",
            shape: Shape::List(&Shape::Number { unit: "", min: f64::NEG_INFINITY, max: f64::INFINITY }),
            need: Need::Required,
            about: "the values",
        },
        Key {
            name: "weights",
            shape: Shape::List(&Shape::Number { unit: "", min: 0.0, max: f64::INFINITY }),
            need: Need::Optional,
            about: "weight of each value, of any sum; equal where absent",
        },
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let points = values.numbers("values");
    if points.is_empty() {
        reading.fault(&values.span("values"), "`values` is empty", "give at least one value");
        return None;
    }
    let (weights, total) = weights(values, points.len(), "values", reading)?;
    let mut pairs: Vec<(f64, f64)> =
        points.iter().zip(weights).filter(|(_, w)| *w > 0.0).map(|((_, x), w)| (*x, w)).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let ends = pairs.iter().map(|(_, weight)| {
        sum += weight;
        sum / total
    });
    let cumulative = Cumulative::new(ends.collect());
    Some(Box::new(Discrete { values: pairs.into_iter().map(|(x, _)| x).collect(), cumulative }))
}

impl Distribution for Discrete {
    fn quantile(&self, u: f64) -> f64 {
        self.values[self.cumulative.cell(u)]
    }

    fn share_at_most(&self, x: f64) -> f64 {
        match self.values.partition_point(|&value| value <= x) {
            0 => 0.0,
            reached => self.cumulative.span(reached - 1).1,
        }
    }

    fn support(&self) -> (f64, f64) {
        (self.values[0], self.values[self.values.len() - 1])
    }
}
