//! Experiments of experiments: runs side by side on the same shocks, and what differs between them.
//!
//! A run is kept row by row while it is compared: about 400 bytes a path and run.

pub mod attribute;
pub mod breakpoint;
pub mod calibrate;
pub mod compare;
pub mod contributions;
pub mod fund_size;
pub mod screen;
pub mod sweep;

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use crate::experiment::summary::{LEVEL, P99, Quantity, Summary, quantity, scale, seed as seed_of};
use crate::experiment::{self, Audited, Plan, Sink};
use crate::facts::{Outcome, Sample};
use crate::fault::{Failure, Faults};
use crate::folder::schema::METRICS;
use crate::folder::study::{Cell, Contrast, HEADLINE};
use crate::folder::{Header, Metric};
use crate::scenario::Scenario;
use crate::sim::stage::Stage;
use crate::stats::paired::{self, Difference};

/// How the runs of a study are made.
#[derive(Clone, Copy)]
pub struct Runs<'a> {
    pub seed: u64,
    pub paths: u64,
    pub threads: usize,
    /// Raised to end between two paths.
    pub stop: &'a AtomicBool,
    /// Told how many paths are done.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl std::fmt::Debug for Runs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} paths of seed {}", self.paths, self.seed)
    }
}

/// A run with all its rows.
#[derive(Clone, Debug)]
pub struct Run {
    pub header: Header,
    pub metrics: Vec<Metric>,
    pub rows: Vec<Outcome>,
}

struct Rows {
    rows: Vec<Outcome>,
    summary: Summary,
}

impl Sink for Rows {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        rows.iter().for_each(|row| self.summary.add(row));
        self.rows.extend_from_slice(rows);
        Ok(())
    }

    fn series(&mut self, _: Vec<Sample>) {}
}

impl Runs<'_> {
    /// Runs a scenario.
    ///
    /// # Errors
    /// A broken path, or an interruption.
    pub fn run(&self, scenario: &Scenario) -> Result<Run, Failure> {
        let stage = Stage::new(scenario, self.seed)?;
        let header = experiment::header(&stage, self.paths);
        let mut sink = Rows { rows: Vec::new(), summary: Summary::new(header.adverse) };
        let plan = Plan { paths: 0..self.paths, threads: self.threads, audit: Audited::No };
        experiment::run(&stage, &plan, &mut sink, self.stop, self.progress)?;
        Ok(Run::of(header, sink.rows, &sink.summary))
    }
}

impl Run {
    /// From the rows of all paths and their summary.
    #[must_use]
    pub fn of(header: Header, rows: Vec<Outcome>, summary: &Summary) -> Self {
        let shown = summary.metrics(&header, |visit| {
            rows.iter().for_each(visit);
            Ok::<(), std::convert::Infallible>(())
        });
        let metrics = shown.unwrap_or_else(|never| match never {});
        Self { header, metrics, rows }
    }

    /// The run as a cell beside its base: `None` for the base itself.
    #[must_use]
    pub fn cell(&self, label: String, values: Vec<String>, base: Option<&Self>) -> Cell {
        Cell {
            label,
            values,
            header: self.header.clone(),
            metrics: self.metrics.clone(),
            contrasts: base.map_or_else(Vec::new, |base| contrasts(base, self)),
            identical: base.is_some_and(|base| base.rows == self.rows),
        }
    }
}

/// Refuses runs whose amounts or paths cannot be set side by side.
///
/// # Errors
/// Another currency or another cash unit.
pub fn comparable(first: &Scenario, second: &Scenario) -> Result<(), Faults> {
    if first.currency == second.currency && first.cash_unit == second.cash_unit {
        return Ok(());
    }
    let unit = |scenario: &Scenario| format!("{} in units of {}", scenario.currency, scenario.cash_unit.size());
    Err(Faults::usage(
        format!("{} counts {}, {} counts {}", first.name, unit(first), second.name, unit(second)),
        "compare scenarios of one settlement currency and cash unit",
    ))
}

/// Every metric of the second run less that of the first, path by path. Both have the same paths.
fn contrasts(first: &Run, second: &Run) -> Vec<Contrast> {
    let contrast = |info: &crate::folder::schema::MetricInfo| {
        let difference = difference(info.name, first, second)?.times(scale(info.unit, &second.header));
        Some(Contrast {
            name: info.name.to_owned(),
            difference: difference.estimate,
            p_value: difference.p_value,
            adjusted: None,
        })
    };
    let is_asked = |info: &&crate::folder::schema::MetricInfo| second.metrics.iter().any(|m| m.name == info.name);
    METRICS.par_iter().filter(is_asked).filter_map(contrast).collect()
}

fn difference(name: &str, first: &Run, second: &Run) -> Option<Difference> {
    if first.rows == second.rows {
        // Nothing to test: whatever is computed from the same rows is the same.
        let both = [first, second].map(|run| run.metrics.iter().find(|m| m.name == name)?.estimate);
        return both.iter().all(Option::is_some).then(|| Difference::none(LEVEL)).filter(|_| quantity(name).is_some());
    }
    let rows = || first.rows.iter().zip(&second.rows);
    let (a, b) = (first.header.adverse, second.header.adverse);
    match quantity(name)? {
        Quantity::Event(event) => paired::proportions(rows().map(|(x, y)| (event(x), event(y))), LEVEL),
        Quantity::Mean(value) => paired::means(rows().map(|(x, y)| (value(x, a), value(y, b))), LEVEL),
        Quantity::Ratio(values) => {
            let pairs: Vec<_> = rows().map(|(x, y)| (values(x, a), values(y, b))).collect();
            paired::ratios(&pairs, LEVEL)
        }
        Quantity::PairedRatio => {
            let pair = |row: &Outcome| (row.liquidated_notional, row.infinite_depth_notional);
            let pairs: Vec<_> = rows()
                .filter(|(x, y)| x.infinite_depth_notional >= 0 && y.infinite_depth_notional >= 0)
                .map(|(x, y)| (pair(x), pair(y)))
                .collect();
            paired::ratios(&pairs, LEVEL)
        }
        Quantity::Tail(value, tail) => {
            let column = |run: &Run, adverse| run.rows.iter().map(|row| value(row, adverse)).collect::<Vec<i64>>();
            paired::tails(&column(first, a), &column(second, b), P99, tail, LEVEL, seed_of(name))
        }
    }
}

/// Holm's correction over the headline metrics of all cells that are not their base's twins.
pub fn correct(cells: &mut [Cell]) {
    let mut tested: Vec<&mut Contrast> = cells
        .iter_mut()
        .filter(|cell| !cell.identical)
        .flat_map(|cell| cell.contrasts.iter_mut())
        .filter(|contrast| HEADLINE.contains(&contrast.name.as_str()))
        .collect();
    let p_values: Vec<f64> = tested.iter().map(|contrast| contrast.p_value).collect();
    for (contrast, adjusted) in tested.iter_mut().zip(paired::holm(&p_values)) {
        contrast.adjusted = Some(adjusted);
    }
}
