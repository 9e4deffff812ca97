//! Cells that draw the same accounts and prices: they are drawn once a path for all of them, and what one cell has shown
//! of a path is not simulated again in another.
//!
//! Cells that differ only in the fund and in who is deleveraged are a family. Until a fund is first exhausted a path is
//! the same for every fund and every ADL policy (`docs/methods.md`, fund size). So where the budget is all that begins
//! ADL, a path that did not exhaust a fund and needs no more than a smaller one is, under the smaller one, the same path
//! with other balances; what a path needs of a fund without limit is the same for all of them, and so is what happens at
//! infinite depth while no fund is in the way there. Whatever comes out is equal to the byte to what running every path of
//! every cell would give.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::experiment::summary::Summary;
use crate::experiment::{self, PAIRED_PATHS};
use crate::facts::Outcome;
use crate::fault::{Failure, Faults};
use crate::folder::Header;
use crate::money::Cash;
use crate::registry::Setting;
use crate::scenario::Scenario;
use crate::sim::path::{Known, Pair, Wanted, Worker};
use crate::sim::stage::Stage;
use crate::sim::tally::Series;
use crate::study::sweep::{Metrics, PROBABILITIES};
use crate::study::{Run, Runs};
use crate::venue::rules::{CashLayer, PositionLayer};

/// Paths between two moments at which a run can be stopped.
const BATCH: u64 = 256;

/// Bytes that the rows of cells run together may take.
const ROWS: u64 = 1 << 29;

/// A cell to be run.
#[derive(Debug)]
pub(super) struct Member {
    /// Its number in the sweep.
    pub at: usize,
    pub scenario: Scenario,
    /// Cells of one family differ in the fund and in ADL only.
    pub family: usize,
}

/// What every path of a cell has shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub family: usize,
    /// Kept for as long as the sweep runs.
    pub is_of_base: bool,
    fund: Cash,
    rows: Vec<Outcome>,
    known: Vec<Known>,
}

/// Whether a key sets only the fund or who is deleveraged.
pub(super) fn is_of_family(setting: &Setting) -> bool {
    setting.key == "venue.fund.open" || setting.key == "venue.adl" || setting.key.starts_with("venue.adl.")
}

/// Whether the fund's budget is all that begins ADL, so that paths of one fund say something of another.
fn is_told_by_others(scenario: &Scenario) -> bool {
    let rules = &scenario.rules;
    rules.position_layers == [PositionLayer::Book, PositionLayer::Adl]
        && rules.cash_layers.first() == Some(&CashLayer::Fund)
        && rules.beyond_one_pass().is_none()
}

/// Names what a scenario draws: cells of one name draw the same on every path.
pub(super) fn draws(scenario: &Scenario) -> [u8; 32] {
    struct Hashed(Sha256);
    impl fmt::Write for Hashed {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text);
            Ok(())
        }
    }
    let mut hashed = Hashed(Sha256::new());
    Stage::draws(scenario, &mut hashed).expect("a hash takes everything");
    hashed.0.finalize().into()
}

/// How many cells are run together.
pub(super) fn together(runs: &Runs<'_>) -> usize {
    let row = (size_of::<Outcome>() + size_of::<Known>()) as u64;
    usize::try_from(ROWS / (row * runs.paths).max(1)).unwrap_or(usize::MAX).max(1)
}

/// The order in which the cells of a path are run: families together, within one the largest fund first, since it shows
/// the most.
pub(super) fn order(members: &mut [Member]) {
    members.sort_by_key(|member| (member.family, std::cmp::Reverse(member.scenario.rules.fund.open), member.at));
}

/// A path of a cell.
type Seen = (Outcome, Known);

/// Workers of one thread: one that draws for all, and one that runs the cells of a family in turn, in the same memory.
struct Slot<'s> {
    drawer: Worker<'s>,
    runner: Option<Runner<'s>>,
}

struct Runner<'s> {
    worker: Worker<'s>,
    family: usize,
    /// The cell that it served last.
    cell: usize,
}

impl<'s> Slot<'s> {
    /// A worker that runs by the rules of a cell.
    fn runner(&mut self, asked: Metrics, cell: usize, family: usize, stage: &'s Stage<'s>) -> &mut Worker<'s> {
        let runner = match self.runner.take() {
            Some(mut runner) if runner.family == family => {
                if runner.cell != cell {
                    runner.worker.serve(stage);
                }
                Runner { cell, ..runner }
            }
            _ => Runner { worker: asked.worker(stage), family, cell },
        };
        &mut self.runner.insert(runner).worker
    }
}

/// Runs cells that draw the same, in the order of [`order`], taking what `earlier` cells have shown; returns each with
/// what its paths have shown beyond their rows.
///
/// # Errors
/// A broken path, or an interruption.
pub(super) fn run(
    members: &[Member],
    asked: Metrics,
    runs: &Runs<'_>,
    earlier: &[Shown],
) -> Result<Vec<(Run, Vec<Known>)>, Failure> {
    let Some((first, others)) = members.split_first() else { return Ok(Vec::new()) };
    // Rows of parts do not say whether their path was free.
    let earlier = if asked == Metrics::All { earlier } else { &[] };
    let stage = Stage::new(&first.scenario, runs.seed)?;
    let others: Vec<Stage<'_>> = others.iter().map(|member| stage.beside(&member.scenario)).collect();
    let stages: Vec<&Stage<'_>> = std::iter::once(&stage).chain(&others).collect();
    let is_told: Vec<bool> = members.iter().map(|member| is_told_by_others(&member.scenario)).collect();
    let threads = runs.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Faults::usage(format!("cannot start {threads} threads: {error}"), "try --threads 1"))?;
    let slot = || Slot { drawer: Worker::new(&stage), runner: None };
    let slots: Vec<Mutex<Slot<'_>>> = (0..threads).map(|_| Mutex::new(slot())).collect();
    let path_of_all = |path: u64| -> Result<Vec<Seen>, Failure> {
        let number = rayon::current_thread_index().unwrap_or(0);
        let mut slot = slots[number].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut drawn = None;
        let mut seen: Vec<Seen> = Vec::with_capacity(members.len());
        for (at, member) in members.iter().enumerate() {
            if runs.stop.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            let fund = member.scenario.rules.fund.open;
            let floor = member.scenario.rules.fund.floor.0;
            // The smallest of the funds that are large enough has shown the most; of equal ones the last.
            let before = (0..at)
                .filter(|&other| is_told[at] && is_told[other] && members[other].family == member.family)
                .map(|other| (members[other].scenario.rules.fund.open, &seen[other]));
            let shown = earlier
                .iter()
                .filter(|shown| is_told[at] && shown.family == member.family)
                .filter_map(|shown| shown.path(path).map(|(row, known)| (shown.fund, row, known)));
            let found: Vec<(Cash, &Outcome, Known)> =
                shown.chain(before.map(|(fund, (row, known))| (fund, row, *known))).collect();
            let larger = found.iter().filter(|(other, ..)| *other >= fund).min_by_key(|(other, ..)| *other);
            let is_paired = path < PAIRED_PATHS && asked == Metrics::All;
            if let Some((_, row, known)) = larger.filter(|(_, row, known)| carries(row, known.deep, fund.0, floor)) {
                seen.push((with_fund(row, fund.0), *known));
                (runs.progress)(1);
                continue;
            }
            let known = Known {
                need: found.iter().find_map(|(_, _, known)| known.need),
                deep: found
                    .iter()
                    .find_map(|(_, _, known)| known.deep)
                    .filter(|(_, need)| enough(*need, fund.0, floor)),
            };
            let pair = if is_paired { Pair::WithInfiniteDepth } else { Pair::Alone };
            let lent = match drawn.take() {
                Some(drawn) => drawn,
                None => slot.drawer.draw(path)?,
            };
            let worker = slot.runner(asked, at, member.family, stages[at]);
            let (row, back) = worker.run_drawn(path, lent, Wanted { series: Series::Skip, pair }, known)?;
            drawn = Some(back);
            // What was known before may have been the more telling.
            let shown = worker.shown();
            seen.push((row, Known { deep: shown.deep.or(known.deep), ..shown }));
            (runs.progress)(1);
        }
        if let Some(drawn) = drawn {
            slot.drawer.take(drawn);
        }
        Ok(seen)
    };
    let mut rows: Vec<(Vec<Outcome>, Vec<Known>)> = members.iter().map(|_| <_>::default()).collect();
    let mut next = 0;
    while next < runs.paths {
        let last = runs.paths.min(next + BATCH);
        let paths: Vec<u64> = (next..last).collect();
        let batch: Vec<Result<Vec<Seen>, Failure>> =
            pool.install(|| paths.par_iter().with_max_len(1).map(|&path| path_of_all(path)).collect());
        for path in batch {
            for ((rows, known), (row, shown)) in rows.iter_mut().zip(path?) {
                rows.push(row);
                known.push(shown);
            }
        }
        next = last;
    }
    let finished = stages
        .iter()
        .zip(rows)
        .map(|(stage, (rows, known))| (asked.of(experiment::header(stage, runs.paths), rows), known));
    Ok(finished.collect())
}

impl Metrics {
    /// A worker that tells what is asked.
    fn worker<'s>(self, stage: &'s Stage<'s>) -> Worker<'s> {
        match self {
            Self::All => Worker::new(stage),
            Self::Probabilities => Worker::new(stage).until_decided(),
        }
    }

    /// What a row holds of what is asked: the same whether its path was run to the end or not.
    fn told(self, row: Outcome) -> Outcome {
        match self {
            Self::All => row,
            Self::Probabilities => Outcome {
                path: row.path,
                fund_open: row.fund_open,
                fund_need: row.fund_need,
                fund_need_cash: row.fund_need_cash,
                open_interest: row.open_interest,
                exhausted_at_s: row.exhausted_at_s,
                liquidations: row.liquidations.min(1),
                adl_events: row.adl_events.min(1),
                infinite_depth_notional: -1,
                weight: row.weight,
                ..Outcome::default()
            },
        }
    }

    /// A run of these rows with the metrics that are asked alone.
    pub(super) fn of(self, header: Header, rows: Vec<Outcome>) -> Run {
        let rows: Vec<Outcome> = rows.into_iter().map(|row| self.told(row)).collect();
        let mut summary = Summary::new(header.adverse);
        rows.iter().for_each(|row| summary.add(row));
        let mut run = Run::of(header, rows, &summary);
        if self == Self::Probabilities {
            run.metrics.retain(|metric| PROBABILITIES.contains(&metric.name.as_str()));
        }
        run
    }
}

impl Shown {
    pub(super) fn of(member: &Member, run: &Run, known: Vec<Known>) -> Self {
        Self {
            family: member.family,
            is_of_base: false,
            fund: member.scenario.rules.fund.open,
            rows: run.rows.clone(),
            known,
        }
    }

    fn path(&self, path: u64) -> Option<(&Outcome, Known)> {
        let at = usize::try_from(path).ok()?;
        Some((self.rows.get(at)?, *self.known.get(at)?))
    }
}

/// Whether a fund covers what a path needs.
fn enough(need: i64, fund: i64, floor: i64) -> bool {
    need == 0 || need <= fund - floor
}

/// Whether a path under a larger fund is the same under this one: it was not bound by the larger one, and needs no more.
fn carries(row: &Outcome, deep: Option<(i64, i64)>, fund: i64, floor: i64) -> bool {
    let is_free = row.exhausted_at_s.is_none()
        && row.adl_events == 0
        && (row.to_adl, row.to_engine, row.adl_notional) == (0, 0, 0)
        && (row.venue_paid, row.backstop_loss, row.socialised, row.unfunded_deficit) == (0, 0, 0, 0);
    let pair = row.infinite_depth_notional < 0 || deep.is_some_and(|(_, need)| enough(need, fund, floor));
    is_free && enough(row.fund_need_cash, fund, floor) && pair
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
        assert!(carries(&row, Some((9, 5)), 45, 5), "40 above the floor of 5");
        assert!(!carries(&row, Some((9, 5)), 44, 5));
        assert!(!carries(&row, Some((9, 41)), 45, 5), "more is needed at infinite depth");
        assert!(!carries(&row, None, 45, 5), "the fund was exhausted at infinite depth");
        let alone = Outcome { infinite_depth_notional: -1, ..row.clone() };
        assert!(carries(&alone, None, 45, 5));
        assert!(!carries(&Outcome { adl_events: 1, ..alone.clone() }, None, 45, 5));
        assert!(!carries(&Outcome { exhausted_at_s: Some(3), ..alone }, None, 45, 5));
        let smaller = with_fund(&row, 45);
        assert_eq!((smaller.fund_open, smaller.fund_close, smaller.fund_min, smaller.fund_need_cash), (45, 15, 5, 40));
    }
}
