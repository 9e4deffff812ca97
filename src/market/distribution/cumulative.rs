//! Which cell of a cumulative distribution a uniform falls into.

use crate::registry::{Reading, Values};

/// Ends of cells that ascend to 1. Cell i holds the uniforms from the end of cell i − 1 up to and with its own end.
#[derive(Clone, Debug)]
pub(super) struct Cumulative {
    ends: Vec<f64>,
    /// `starts[j]` is the cell that holds j/256: a search starts there and is short whatever the number of cells.
    starts: Vec<usize>,
}

const PARTS: usize = 256;

impl Cumulative {
    /// From ascending ends; the last one counts as 1.
    pub fn new(mut ends: Vec<f64>) -> Self {
        if let Some(last) = ends.last_mut() {
            *last = 1.0;
        }
        let mut starts: Vec<usize> =
            (0..PARTS).map(|j| ends.partition_point(|&end| end < j as f64 / PARTS as f64)).collect();
        starts.push(ends.len().saturating_sub(1));
        Self { ends, starts }
    }

    /// The cell of `u` in (0, 1).
    pub fn cell(&self, u: f64) -> usize {
        // 1 + u has the first bits of u at the top of its mantissa: its part of 256 without a cast. The bound keeps the
        // sum from rounding to 2.
        let shifted = 1.0 + u.clamp(0.0, 1.0 - f64::EPSILON);
        let part = ((shifted.to_bits() >> 44) & 0xff) as usize;
        let (first, last) = (self.starts[part], self.starts[part + 1]);
        first + self.ends[first..last].partition_point(|&end| end < u)
    }

    /// Start and end of a cell.
    pub fn span(&self, cell: usize) -> (f64, f64) {
        (if cell == 0 { 0.0 } else { self.ends[cell - 1] }, self.ends[cell])
    }
}

/// The key `weights`, one for each of `count` things and equal where absent, and their sum, which is positive and finite.
pub(super) fn weights(values: &Values, count: usize, of_what: &str, reading: &mut Reading) -> Option<(Vec<f64>, f64)> {
    let weights: Vec<f64> = if values.has("weights") {
        values.numbers("weights").into_iter().map(|(_, weight)| weight).collect()
    } else {
        vec![1.0; count]
    };
    if weights.len() != count {
        let message = format!("there are {} weights for {count} {of_what}", weights.len());
        let hint = format!("give each of the {of_what} one weight, in the same order");
        reading.fault(&values.span("weights"), message, hint);
        return None;
    }
    let total: f64 = weights.iter().sum();
    if total <= 0.0 || !total.is_finite() {
        reading.fault(
            &values.span("weights"),
            "the weights have no positive, finite sum",
            "let at least one weight be above 0",
        );
        return None;
    }
    Some((weights, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_falls_into_the_cell_that_a_plain_search_finds() {
        let ends: Vec<f64> = vec![0.001, 0.002, 0.25, 0.25, 0.3, 0.999, 1.0];
        let cumulative = Cumulative::new(ends.clone());
        for i in 0..20_000 {
            let u = (f64::from(i) + 0.5) / 20_000.0;
            assert_eq!(cumulative.cell(u), ends.iter().position(|&end| u <= end).unwrap(), "{u}");
        }
        for u in [0.001, 0.25, 0.999, f64::MIN_POSITIVE, crate::rng::open_unit(u64::MAX), 0.5, 0.75] {
            assert_eq!(cumulative.cell(u), ends.iter().position(|&end| u <= end).unwrap(), "{u}");
        }
    }
}
