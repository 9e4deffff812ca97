//! Means of what accounts did of their own accord, over the paths of a run.

use super::summary::LEVEL;
use crate::facts::{Column, Conduct, Outcome, Unit};
use crate::folder::Header;
use crate::stats::Estimate;
use crate::stats::moments::Moments;

/// Sums of the columns of [`Conduct`], as integers, so that any order and split of the paths gives the same.
#[derive(Clone, Debug, Default)]
pub struct Means {
    columns: [Moments; Conduct::COLUMNS.len()],
}

impl Means {
    pub fn add(&mut self, row: &Outcome) {
        for (moments, value) in self.columns.iter_mut().zip(row.conduct.values()) {
            moments.add(value);
        }
    }

    /// Each column with its mean a path in its unit; empty where nobody has a behaviour, or no path was run.
    #[must_use]
    pub fn estimates(&self, header: &Header) -> Vec<(Column, Estimate)> {
        if !header.behaviours {
            return Vec::new();
        }
        let scale = |unit: Unit| match unit {
            Unit::Cash => header.cash_unit.to_f64(),
            Unit::Price => header.tick.to_f64(),
            Unit::Seconds => 1e-9,
            Unit::Count => 1.0,
        };
        let columns = Conduct::COLUMNS.iter().zip(&self.columns);
        columns
            .filter_map(|(column, moments)| Some((*column, moments.mean(LEVEL)?.times(scale(column.unit)))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::header;

    #[test]
    fn means_are_in_the_units_of_their_columns() {
        let mut means = Means::default();
        for (orders, sold, fall) in [(2, 3_000_000, 10), (4, 5_000_000, 30)] {
            let conduct =
                Conduct { voluntary_orders: orders, voluntary_sold: sold, spot_fall: fall, ..Conduct::default() };
            means.add(&Outcome { conduct, ..Outcome::default() });
        }
        assert!(means.estimates(&header()).is_empty());
        let header = Header { behaviours: true, ..header() };
        let found = means.estimates(&header);
        let mean = |name: &str| found.iter().find(|(column, _)| column.name == name).unwrap().1.estimate;
        let (cash, tick) = (header.cash_unit.to_f64(), header.tick.to_f64());
        assert_eq!((mean("voluntary_orders"), mean("top_ups")), (3.0, 0.0));
        assert!((mean("voluntary_sold") - 4_000_000.0 * cash).abs() < 1e-9);
        assert!((mean("spot_fall") - 20.0 * tick).abs() < 1e-9);
    }
}
