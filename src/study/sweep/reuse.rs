//! Cells that differ only in the fund: what one of them has shown is not simulated again.
//!
//! Until a fund is first exhausted a path is the same for every fund (`docs/methods.md`, fund size). So where the budget is
//! all that begins ADL, a path that did not exhaust a fund and needs no more than a smaller one is, under the smaller one,
//! the same path with other balances; only paths that need more are run. Whatever comes out is equal to the byte to what
//! running every path would give.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::experiment::PAIRED_PATHS;
use crate::experiment::summary::Summary;
use crate::experiment::{self};
use crate::facts::Outcome;
use crate::fault::{Failure, Faults};
use crate::money::Cash;
use crate::scenario::Scenario;
use crate::sim::path::{Pair, Wanted, Worker};
use crate::sim::stage::Stage;
use crate::sim::tally::Series;
use crate::study::{Run, Runs};
use crate::venue::rules::{CashLayer, PositionLayer};

/// The key in which such cells differ.
pub(super) const FUND: &str = "venue.fund.open";

/// Paths between two moments at which a run can be stopped.
const BATCH: usize = 256;

/// The rows of a cell, and what each path needed of the fund at infinite depth.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    fund: Cash,
    rows: Vec<Outcome>,
    deep: Vec<Option<i64>>,
}

impl Shown {
    pub(super) fn fund(&self) -> Cash {
        self.fund
    }
}

/// Whether the fund's budget is all that begins ADL, so that paths of one fund say something of another.
pub(super) fn is_told_by_others(scenario: &Scenario) -> bool {
    let rules = &scenario.rules;
    rules.position_layers == [PositionLayer::Book, PositionLayer::Adl]
        && rules.cash_layers.first() == Some(&CashLayer::Fund)
        && rules.beyond_one_pass().is_none()
}

/// Runs a cell, taking what a cell with a larger fund has shown.
///
/// # Errors
/// A broken path, or an interruption.
pub(super) fn run(scenario: &Scenario, runs: &Runs<'_>, larger: Option<&Shown>) -> Result<(Run, Shown), Failure> {
    let stage = Stage::new(scenario, runs.seed)?;
    let (fund, floor) = (scenario.rules.fund.open, scenario.rules.fund.floor.0);
    let count = usize::try_from(runs.paths).unwrap_or(usize::MAX);
    let mut rows: Vec<Option<Outcome>> = vec![None; count];
    let mut deep: Vec<Option<i64>> = vec![None; count];
    if let Some(larger) = larger.filter(|larger| larger.fund >= fund) {
        for (at, row) in larger.rows.iter().enumerate() {
            if carries(row, larger.deep[at], fund.0, floor) {
                rows[at] = Some(with_fund(row, fund.0));
                deep[at] = larger.deep[at];
            }
        }
    }
    let open: Vec<usize> = (0..count).filter(|&at| rows[at].is_none()).collect();
    (runs.progress)((count - open.len()) as u64);
    let threads = runs.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Faults::usage(format!("cannot start {threads} threads: {error}"), "try --threads 1"))?;
    let workers: Vec<Mutex<Worker<'_>>> = (0..threads).map(|_| Mutex::new(Worker::new(&stage))).collect();
    for batch in open.chunks(BATCH) {
        let done: Vec<Result<(Outcome, Option<i64>), Failure>> = pool.install(|| {
            batch
                .par_iter()
                .with_max_len(1)
                .map(|&at| {
                    if runs.stop.load(Ordering::Relaxed) {
                        return Err(Failure::Interrupted);
                    }
                    let slot = rayon::current_thread_index().unwrap_or(0);
                    let mut worker = workers[slot].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let path = at as u64;
                    let pair = if path < PAIRED_PATHS { Pair::WithInfiniteDepth } else { Pair::Alone };
                    let row = worker.run(path, Wanted { series: Series::Skip, pair }, &mut [])?;
                    (runs.progress)(1);
                    Ok((row, worker.infinite_depth_need()))
                })
                .collect()
        });
        for (&at, done) in batch.iter().zip(done) {
            let (row, need) = done?;
            rows[at] = Some(row);
            deep[at] = need;
        }
    }
    let rows: Vec<Outcome> = rows.into_iter().flatten().collect();
    let header = experiment::header(&stage, runs.paths);
    let mut summary = Summary::new(header.adverse);
    rows.iter().for_each(|row| summary.add(row));
    let run = Run::of(header, rows.clone(), &summary);
    Ok((run, Shown { fund, rows, deep }))
}

/// Whether a path under a larger fund is the same under this one: it was not bound by the larger one, and needs no more.
fn carries(row: &Outcome, deep: Option<i64>, fund: i64, floor: i64) -> bool {
    let is_free = row.exhausted_at_s.is_none()
        && row.adl_events == 0
        && (row.to_adl, row.to_engine, row.adl_notional) == (0, 0, 0)
        && (row.venue_paid, row.backstop_loss, row.socialised, row.unfunded_deficit) == (0, 0, 0, 0);
    let enough = |need: i64| need == 0 || need <= fund - floor;
    let pair = row.infinite_depth_notional < 0 || deep.is_some_and(enough);
    is_free && enough(row.fund_need_cash) && pair
}

fn with_fund(row: &Outcome, fund: i64) -> Outcome {
    let less = row.fund_open - fund;
    Outcome { fund_open: fund, fund_close: row.fund_close - less, fund_min: row.fund_min - less, ..row.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_carries_over_where_it_was_free_and_the_smaller_fund_is_enough() {
        let row = Outcome {
            fund_open: 100,
            fund_close: 70,
            fund_min: 60,
            fund_need_cash: 40,
            infinite_depth_notional: 9,
            ..Outcome::default()
        };
        assert!(carries(&row, Some(5), 45, 5), "40 above the floor of 5");
        assert!(!carries(&row, Some(5), 44, 5));
        assert!(!carries(&row, Some(41), 45, 5), "more is needed at infinite depth");
        assert!(!carries(&row, None, 45, 5), "the fund was exhausted at infinite depth");
        let alone = Outcome { infinite_depth_notional: -1, ..row.clone() };
        assert!(carries(&alone, None, 45, 5));
        assert!(!carries(&Outcome { adl_events: 1, ..alone.clone() }, None, 45, 5));
        assert!(!carries(&Outcome { exhausted_at_s: Some(3), ..alone }, None, 45, 5));
        let smaller = with_fund(&row, 45);
        assert_eq!((smaller.fund_open, smaller.fund_close, smaller.fund_min, smaller.fund_need_cash), (45, 15, 5, 40));
    }
}
