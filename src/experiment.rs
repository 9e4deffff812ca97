//! Monte Carlo: many paths in parallel, their rows in order, and the summary of them all.
//!
//! Paths are cut into batches whose borders do not depend on the number of threads; a batch is run by all threads and
//! handed on in the order of its paths. Every thread has one slot for the whole run. Memory does not grow with paths.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::facts::{Observer, Outcome, Sample};
use crate::fault::{Failure, Faults};
use crate::folder::{self, AdlFrom, Adverse, Header};
use crate::market::process::Direction;
use crate::sim::audit::Audit;
use crate::sim::path::{Pair, Wanted, Worker};
use crate::sim::stage::Stage;
use crate::sim::tally::Series;
use crate::venue::rules::{Drawdown, PositionLayer, Rules};

pub mod book;
pub mod conduct;
pub mod opening;
pub mod replay;
pub mod shard;
pub mod summary;
pub mod tilted;
pub mod until;
pub mod what_if;

/// Paths run again at infinite depth for the cascade amplification: the first so many.
pub const PAIRED_PATHS: u64 = 1_000;
/// Paths whose series are kept: the first so many.
pub const SERIES_PATHS: u64 = 1_000;
/// Paths between two deliveries.
const BATCH: u64 = 256;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub paths: Range<u64>,
    pub threads: usize,
    pub audit: Audited,
}

/// Whether every path is audited from its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audited {
    Yes,
    No,
}

/// Takes what a run delivers, in the order of the paths.
pub trait Sink {
    /// Rows of a batch of paths.
    ///
    /// # Errors
    /// Where they cannot be kept; the run stops then.
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure>;

    /// Samples of one path at the output times.
    fn series(&mut self, samples: Vec<Sample>);
}

/// What the folder of so many paths is about.
#[must_use]
pub fn header(stage: &Stage<'_>, paths: u64) -> Header {
    let scenario = stage.scenario;
    let first = &scenario.assets[0];
    Header {
        scenario: scenario.name.clone(),
        about: scenario.about.clone(),
        file: folder::relative(&scenario.source.name),
        set: scenario.settings.iter().map(ToString::to_string).collect(),
        hash: scenario.hash.clone(),
        seed: stage.seed,
        paths,
        series_paths: paths.min(SERIES_PATHS),
        version: folder::VERSION.to_owned(),
        currency: scenario.currency.clone(),
        cash_unit: scenario.cash_unit,
        symbol: first.symbol.clone(),
        tick: first.tick,
        adverse: match scenario.direction {
            Direction::Down => Adverse::Down,
            Direction::Up => Adverse::Up,
        },
        accounts: scenario.accounts.count(),
        horizon: scenario.clock.horizon,
        fund_open: scenario.rules.fund.open,
        fund_floor: scenario.rules.fund.floor,
        adl: adl_from(&scenario.rules),
        inverse: !first.multiplier.is_linear(),
        behaviours: scenario.accounts.behave(),
        tilt: stage.tilt.as_ref().map(ToString::to_string),
    }
}

/// What makes ADL take over from the fund.
fn adl_from(rules: &Rules) -> Option<AdlFrom> {
    let from = match rules.waterfall.fund.drawdown {
        Some(Drawdown { start, stop, .. }) => AdlFrom::Fall { start, stop },
        None => AdlFrom::Floor,
    };
    rules.position_layers.contains(&PositionLayer::Adl).then_some(from)
}

/// Whether a run runs a path again at infinite depth. Weighted paths are not: ratios of sums would count each once.
#[must_use]
pub fn pair_of(stage: &Stage<'_>, path: u64) -> Pair {
    if path < PAIRED_PATHS && stage.tilt.is_none() { Pair::WithInfiniteDepth } else { Pair::Alone }
}

struct Slot<'s> {
    stage: &'s Stage<'s>,
    worker: Worker<'s>,
    audit: Audit,
    /// Paths before this one keep their series; weighted paths do not, as bands would count each once.
    series_paths: u64,
}

/// Runs the paths of a plan. `progress` is told how many are done; raising `stop` ends the run between two paths.
///
/// # Errors
/// The first broken path in path order, what the sink reports, or [`Failure::Interrupted`].
pub fn run(
    stage: &Stage<'_>,
    plan: &Plan,
    sink: &mut dyn Sink,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), Failure> {
    let threads = plan.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Faults::usage(format!("cannot start {threads} threads: {error}"), "try --threads 1"))?;
    let slots: Vec<Mutex<Slot<'_>>> = (0..threads).map(|_| Mutex::new(Slot::new(stage))).collect();
    let mut first = plan.paths.start;
    while first < plan.paths.end {
        let last = plan.paths.end.min(first + BATCH - first % BATCH);
        let batch: Vec<Result<(Outcome, Option<Vec<Sample>>), Failure>> = pool.install(|| {
            let count = usize::try_from(last - first).expect("a batch is small");
            (0..count)
                .into_par_iter()
                .with_max_len(1)
                .map(|offset| {
                    let path = first + offset as u64;
                    if stop.load(Ordering::Relaxed) {
                        return Err(Failure::Interrupted);
                    }
                    let at = rayon::current_thread_index().unwrap_or(0);
                    let mut slot = slots[at].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let done = slot.run(path, plan.audit);
                    progress(1);
                    done
                })
                .collect()
        });
        let mut rows = Vec::with_capacity(batch.len());
        for done in batch {
            let (row, samples) = done?;
            rows.push(row);
            if let Some(samples) = samples {
                sink.series(samples);
            }
        }
        sink.rows(&rows)?;
        first = last;
    }
    Ok(())
}

impl<'s> Slot<'s> {
    fn new(stage: &'s Stage<'s>) -> Self {
        let rules = &stage.scenario.rules;
        let multipliers: Vec<_> = rules.contracts.iter().map(|contract| contract.multiplier).collect();
        let series_paths = if stage.tilt.is_some() { 0 } else { SERIES_PATHS };
        let audit = Audit::new(&multipliers, rules.fund.floor);
        Self { stage, worker: Worker::new(stage), audit, series_paths }
    }

    fn run(&mut self, path: u64, audited: Audited) -> Result<(Outcome, Option<Vec<Sample>>), Failure> {
        let wanted = Wanted {
            series: if path < self.series_paths { Series::Keep } else { Series::Skip },
            pair: pair_of(self.stage, path),
        };
        let row = match audited {
            Audited::No => self.worker.run(path, wanted, &mut [])?,
            Audited::Yes => {
                self.audit.begin();
                let observer: &mut dyn Observer = &mut self.audit;
                let row = self.worker.run(path, wanted, &mut [observer])?;
                let verdict = self.audit.finish().and_then(|()| self.audit.agree(&row));
                verdict.map_err(|violation| self.worker.broken(path, &violation))?;
                row
            }
        };
        let samples = (wanted.series == Series::Keep).then(|| self.worker.samples().to_vec());
        Ok((row, samples))
    }
}
