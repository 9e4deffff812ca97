//! What was recorded: a CSV column of samples, or of quantiles with their probabilities.
//!
//! Samples x₍₁₎ ≤ … ≤ x₍ₙ₎ stand at probabilities (i − 1)/(n − 1) (Hyndman and Fan, "Sample quantiles in statistical
//! packages", The American Statistician 50 (1996), definition 7). Between two points the value, or its logarithm, is
//! interpolated; below the first given probability and above the last one it stays at the first and the last value.

use std::ops::Range;

use super::Distribution;
use super::cumulative::Cumulative;
use crate::market::columns::{Columns, FileFaults, number};
use crate::market::math;
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};

#[derive(Clone, Debug)]
struct Empirical {
    /// Ascending values, or their logarithms.
    points: Vec<f64>,
    /// Cell i ends at the probability of point i; a last cell holds what lies above the last point.
    cumulative: Cumulative,
    scale: Scale,
    support: (f64, f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
}

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "empirical",
    about: "recorded values: a CSV column of samples, or of quantiles with their probabilities",
    keys: &[
        Key {
            name: "file",
            shape: Shape::File,
            need: Need::Required,
            about: "a CSV file with a header, beside the scenario",
        },
        Key { name: "column", shape: Shape::Text, need: Need::Required, about: "the column that holds the values" },
        Key {
            name: "probability",
            shape: Shape::Text,
            need: Need::Optional,
            about: "the column that holds the probability below each value; without it every row is a sample of equal weight",
        },
        Key {
            name: "interpolation",
            shape: Shape::Choice(&[
                ("linear", "straight between neighbouring values"),
                ("log", "straight between the logarithms of neighbouring values, which must be positive"),
            ]),
            need: Need::Default("\"linear\""),
            about: "how values between two recorded ones are found",
        },
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let (source, column) = (values.file("file"), values.text("column"));
    let scale = if values.text("interpolation") == "log" { Scale::Log } else { Scale::Linear };
    let probability = values.maybe_text("probability");
    let mut wanted: Vec<(&str, Range<usize>)> = vec![(&column, values.span("column"))];
    if let Some(name) = &probability {
        wanted.push((name, values.span("probability")));
    }
    let mut faults = FileFaults::new(&source);
    let columns = Columns::read(&source, &wanted, &mut faults, reading)?;

    let mut points: Vec<(f64, f64)> = Vec::with_capacity(columns.rows.len());
    for cells in &columns.rows {
        let x = number(&cells[0], &column, &mut faults, reading);
        if scale == Scale::Log && x.is_some_and(|x| x <= 0.0) {
            let hint = "leave such rows out, or use interpolation = \"linear\"";
            faults.note(reading, &cells[0].span, format!("`{column}` = {} has no logarithm", cells[0].text), hint);
        }
        let p = match &probability {
            Some(name) => probability_of(cells, name, x, points.last(), &mut faults, reading),
            None => Some(0.0),
        };
        if let (Some(p), Some(x)) = (p, x) {
            points.push((p, x));
        }
    }
    if !faults.is_empty() {
        return None;
    }
    if probability.is_none() {
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        let last = points.len().saturating_sub(1).max(1) as f64;
        for (i, (p, _)) in points.iter_mut().enumerate() {
            *p = i as f64 / last;
        }
    }
    let support = (points[0].1, points[points.len() - 1].1);
    let cumulative = Cumulative::new(points.iter().map(|(p, _)| *p).chain([1.0]).collect());
    let of_scale = |x: f64| if scale == Scale::Log { math::ln(x) } else { x };
    let points = points.into_iter().map(|(_, x)| of_scale(x)).collect();
    Some(Box::new(Empirical { points, cumulative, scale, support }))
}

/// A probability in [0, 1] above the one before it, whose value is not below the one before it.
fn probability_of(
    cells: &[crate::market::columns::Cell<'_>],
    name: &str,
    x: Option<f64>,
    before: Option<&(f64, f64)>,
    faults: &mut FileFaults,
    reading: &mut Reading,
) -> Option<f64> {
    let p = number(&cells[1], name, faults, reading)?;
    if !(0.0..=1.0).contains(&p) {
        faults.note(
            reading,
            &cells[1].span,
            format!("`{name}` = {p} is no probability"),
            "a number from 0 to 1 is expected",
        );
        return None;
    }
    if let Some(&(earlier, least)) = before {
        if p <= earlier {
            let message = format!("`{name}` = {p} does not lie above the {earlier} of the row before");
            faults.note(reading, &cells[1].span, message, "sort the rows by probability and give each once");
        } else if x.is_some_and(|x| x < least) {
            let message = format!("{} at probability {p} lies below the {least} at {earlier}", cells[0].text);
            faults.note(reading, &cells[0].span, message, "quantiles never fall as the probability rises");
        }
    }
    Some(p)
}

impl Distribution for Empirical {
    fn quantile(&self, u: f64) -> f64 {
        let cell = self.cumulative.cell(u);
        let last = self.points.len() - 1;
        let value = if cell == 0 {
            self.points[0]
        } else if cell > last {
            self.points[last]
        } else {
            let (start, end) = self.cumulative.span(cell);
            let share = (u - start) / (end - start);
            self.points[cell - 1] + share * (self.points[cell] - self.points[cell - 1])
        };
        let value = match self.scale {
            Scale::Linear => value,
            Scale::Log => math::exp(value),
        };
        value.clamp(self.support.0, self.support.1)
    }

    fn share_at_most(&self, x: f64) -> f64 {
        if x >= self.support.1 {
            return 1.0;
        }
        if x < self.support.0 {
            return 0.0;
        }
        let at = match self.scale {
            Scale::Linear => x,
            Scale::Log => math::ln(x),
        };
        // The first point above; at least one lies at or below, and the last one is above.
        let cell = self.points.partition_point(|&point| point <= at).clamp(1, self.points.len() - 1);
        let (start, end) = self.cumulative.span(cell);
        let (low, high) = (self.points[cell - 1], self.points[cell]);
        start + ((at - low) / (high - low)).clamp(0.0, 1.0) * (end - start)
    }

    fn support(&self) -> (f64, f64) {
        self.support
    }
}
