//! Importance sampling: which tilt, and what weighted paths say together.
//!
//! Every estimate is the plain mean of w·x over all paths, not divided by the mean weight, so it is unbiased. A metric
//! whose effective sample size (Σwx)²/Σ(wx)² is below 200 is not told, and none is where the 99 % interval of the mean
//! weight misses 1: then the tilt has left out a part of what can happen.

use std::sync::atomic::AtomicBool;

use super::summary::{LEVEL, Quantity, quantity, scale, seed};
use super::{Audited, Plan, Sink, run};
use crate::facts::{Outcome, Sample};
use crate::fault::{Failure, Faults, did_you_mean};
use crate::folder::schema::{METRICS, MetricUnit};
use crate::folder::tilted::Weighted;
use crate::folder::{Adverse, Flag, Header, Metric};
use crate::market::process::Tiltable;
use crate::scenario::Scenario;
use crate::sim::stage::Stage;
use crate::sim::tilt::{Tilt, WEIGHT_BITS};
use crate::stats::bootstrap::{self, splitmix};
use crate::stats::histogram::Cells;
use crate::stats::moments::Moments;
use crate::traders::Accounts;

/// Least effective sample size of an estimate that is told.
pub const LEAST_EFFECTIVE: f64 = 200.0;

/// Paths that the pilot gives to each tilt that it tries.
pub const PILOT: u64 = 400;

/// Number of the first path of the pilot: streams of their own, beyond every path that can be asked for.
const PILOT_FROM: u64 = 1 << 62;

/// Events without which the pilot learns nothing of a tilt.
const PILOT_EVENTS: u64 = 10;

/// Fraction bits kept of a weighted count; amounts are in cash units, whose fraction is nothing.
const COUNT_BITS: u32 = 20;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asked {
    /// The pilot chooses.
    Auto,
    Given(Tilt),
}

impl Asked {
    /// Reads `auto` or `drop=4,duration=2,jumps=3,size=2`.
    ///
    /// # Errors
    /// Another name, or a strength that is not above 1.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        const NAMES: [&str; 4] = ["drop", "duration", "jumps", "size"];
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let mut tilt = Tilt::default();
        for part in text.split(',') {
            let (name, strength) = part.split_once('=').unwrap_or((part, ""));
            let slot = match name.trim() {
                "drop" => &mut tilt.drop,
                "duration" => &mut tilt.duration,
                "jumps" => &mut tilt.jumps,
                "size" => &mut tilt.size,
                other => {
                    let hint = match did_you_mean(other, NAMES) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "write `--tilt=auto`, or strengths as in `--tilt=drop=4,size=2`".to_owned(),
                    };
                    return Err(Faults::usage(format!("`{other}` cannot be tilted"), hint));
                }
            };
            let strength = strength.trim().parse::<f64>().ok().filter(|x| (1.0..=8.0).contains(x) && *x > 1.0);
            let Some(strength) = strength else {
                return Err(Faults::usage(
                    format!("`{}` is no strength of a tilt", part.trim()),
                    "a strength is above 1 and at most 8: `--tilt=drop=4`",
                ));
            };
            *slot = Some(strength);
        }
        Ok(Self::Given(tilt))
    }
}

/// What of a scenario can be tilted.
fn tiltable(scenario: &Scenario) -> Tilt {
    let has =
        |what: Tiltable| scenario.assets.iter().any(|asset| asset.process.tiltable().contains(&what)).then_some(1.0);
    let size = match &scenario.accounts {
        Accounts::Generated(generated) => generated.largest().map(|_| 1.0),
        Accounts::Loaded(_) => None,
    };
    Tilt { drop: has(Tiltable::Drop), duration: has(Tiltable::Duration), jumps: has(Tiltable::Jumps), size }
}

/// Refuses a tilt of something that the scenario does not draw.
///
/// # Errors
/// The fault, with what can be tilted.
pub fn check(scenario: &Scenario, tilt: &Tilt) -> Result<(), Faults> {
    let can = tiltable(scenario);
    let named = [
        ("drop", tilt.drop, can.drop),
        ("duration", tilt.duration, can.duration),
        ("jumps", tilt.jumps, can.jumps),
        ("size", tilt.size, can.size),
    ];
    let able: Vec<&str> = named.iter().filter(|(_, _, can)| can.is_some()).map(|(name, ..)| *name).collect();
    let hint = if able.is_empty() {
        "a flash_crash with a drawn drop, a jump_diffusion, or a resampled population with drawn sizes can be tilted"
            .to_owned()
    } else {
        format!("it can be tilted by {}", able.join(", "))
    };
    if named.iter().all(|(_, asked, _)| asked.is_none()) {
        return Err(Faults::usage(format!("{}: there is nothing to tilt", scenario.source.name), hint));
    }
    match named.iter().find(|(_, asked, can)| asked.is_some() && can.is_none()) {
        Some((name, ..)) => {
            Err(Faults::usage(format!("{}: `{name}` is not drawn in this scenario", scenario.source.name), hint))
        }
        None => Ok(()),
    }
}

/// The tilts that the pilot tries: every combination of a few strengths, fewer where more can be tilted.
fn candidates(can: Tilt) -> Vec<Tilt> {
    let count = [can.drop, can.duration, can.jumps, can.size].iter().flatten().count();
    let strengths: &[f64] = if count < 3 { &[2.0, 4.0, 8.0] } else { &[2.0, 5.0] };
    let of = |can: Option<f64>| -> Vec<Option<f64>> {
        std::iter::once(None).chain(strengths.iter().map(|x| Some(*x)).filter(|_| can.is_some())).collect()
    };
    let mut found = Vec::new();
    for drop in of(can.drop) {
        for duration in of(can.duration) {
            for jumps in of(can.jumps) {
                for size in of(can.size) {
                    found.push(Tilt { drop, duration, jumps, size });
                }
            }
        }
    }
    found.retain(|tilt| *tilt != Tilt::default());
    found
}

/// One tilt as the pilot saw it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    pub tilt: Tilt,
    /// Pilot paths on which the event happened.
    pub events: u64,
    /// Mean and mean square of w·1{event}.
    pub mean: f64,
    pub square: f64,
}

impl Tried {
    /// Variance of one path over the squared probability: what a path is worth, the smaller the better.
    #[must_use]
    pub fn relative_variance(&self) -> f64 {
        if self.mean > 0.0 { self.square / (self.mean * self.mean) - 1.0 } else { f64::INFINITY }
    }
}

/// Tries tilts on paths of their own and returns the one under which the probability of `metric` is known best, with all
/// that were tried.
///
/// # Errors
/// A scenario with nothing to tilt, a metric that is no probability, a broken path or an interruption.
pub fn pilot(
    scenario: &Scenario,
    seed: u64,
    metric: &str,
    threads: usize,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Tilt, Vec<Tried>), Failure> {
    let Some(Quantity::Event(event)) = quantity(metric) else {
        return Err(Faults::usage(format!("`{metric}` is no probability"), "name p_fund_exhausted or p_adl").into());
    };
    let tilts = candidates(tiltable(scenario));
    check(scenario, tilts.last().unwrap_or(&Tilt::default()))?;
    let mut stage = Stage::new(scenario, seed)?;
    let mut tried = Vec::with_capacity(tilts.len());
    for tilt in tilts {
        stage.tilt = Some(tilt);
        let mut weights = Events { of: event, weights: Vec::new() };
        let plan = Plan { paths: PILOT_FROM..PILOT_FROM + PILOT, threads, audit: Audited::No };
        run(&stage, &plan, &mut weights, stop, progress)?;
        let count = PILOT as f64;
        let weights = weights.weights;
        tried.push(Tried {
            tilt,
            events: weights.len() as u64,
            mean: weights.iter().sum::<f64>() / count,
            square: weights.iter().map(|w| w * w).sum::<f64>() / count,
        });
    }
    let told = |tried: &&Tried| tried.events >= PILOT_EVENTS;
    let by_variance = |a: &&Tried, b: &&Tried| a.relative_variance().total_cmp(&b.relative_variance());
    let best = tried.iter().filter(told).min_by(by_variance);
    // Where no tilt reaches the event often enough, the one that reaches it most often, and of those the strongest.
    let best = best.or_else(|| tried.iter().max_by_key(|tried| tried.events));
    let best = best.map_or_else(Tilt::default, |tried| tried.tilt);
    Ok((best, tried))
}

struct Events {
    of: super::summary::Event,
    weights: Vec<f64>,
}

impl Sink for Events {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        let one = (1_u64 << WEIGHT_BITS) as f64;
        let happened = rows.iter().filter(|row| (self.of)(row));
        self.weights.extend(happened.map(|row| row.weight.unwrap_or(0) as f64 / one));
        Ok(())
    }

    fn series(&mut self, _: Vec<Sample>) {}
}

/// Integer sums over weighted paths; any order and any split gives the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedSummary {
    adverse: Adverse,
    weights: Moments,
    /// For each metric that has one, the moments of w·x and the cells that a bootstrap resamples.
    sums: Vec<(Moments, Cells)>,
}

/// The metrics told of weighted paths: probabilities, and means of what is never negative.
fn told() -> impl Iterator<Item = (&'static str, Quantity, u32)> {
    METRICS.iter().filter_map(|info| {
        let quantity = quantity(info.name)?;
        let bits = match (quantity, info.unit) {
            (Quantity::Event(_), _) => WEIGHT_BITS,
            (Quantity::Mean(_), MetricUnit::Number(_)) => COUNT_BITS,
            (Quantity::Mean(_), MetricUnit::Currency) if info.name != "fund_net_change_mean" => 0,
            _ => return None,
        };
        Some((info.name, quantity, bits))
    })
}

impl WeightedSummary {
    #[must_use]
    pub fn new(adverse: Adverse) -> Self {
        Self { adverse, weights: Moments::default(), sums: told().map(|_| <(Moments, Cells)>::default()).collect() }
    }

    pub fn add(&mut self, row: &Outcome) {
        let weight = row.weight.unwrap_or(1 << WEIGHT_BITS);
        self.weights.add(weight);
        for ((_, quantity, bits), (moments, cells)) in told().zip(&mut self.sums) {
            let value = match quantity {
                Quantity::Event(event) => i64::from(event(row)),
                Quantity::Mean(value) => value(row, self.adverse),
                _ => 0,
            };
            // To the nearest unit of the last bit that is kept.
            let shift = WEIGHT_BITS - bits;
            let half = if shift > 0 { 1_i128 << (shift - 1) } else { 0 };
            let product = (i128::from(weight) * i128::from(value) + half) >> shift;
            let product = i64::try_from(product).expect("overflow: a weighted amount beyond 64 bits");
            moments.add(product);
            cells.add(product);
        }
    }

    /// Joins the summary of other paths of the same scenario, seed and tilt.
    pub fn merge(&mut self, other: &Self) {
        self.weights.merge(&other.weights);
        for ((moments, cells), theirs) in self.sums.iter_mut().zip(&other.sums) {
            moments.merge(&theirs.0);
            cells.merge(&theirs.1);
        }
    }

    /// All metrics of [`METRICS`], in order; those that weighted paths do not tell are undefined.
    #[must_use]
    pub fn metrics(&self, header: &Header) -> Weighted {
        let one = (1_u64 << WEIGHT_BITS) as f64;
        let mean_weight = self.weights.mean(0.99).map(|e| e.times(1.0 / one));
        let is_sound = mean_weight.is_some_and(|e| e.low <= 1.0 && 1.0 <= e.high);
        let mut effective = Vec::new();
        let metrics = METRICS
            .iter()
            .map(|info| {
                let found = told().zip(&self.sums).find(|((name, ..), _)| *name == info.name);
                let unit = info.unit.text(&header.currency);
                let name = info.name.to_owned();
                let Some(((_, quantity, bits), (moments, cells))) = found else {
                    return Metric { name, unit, estimate: None, flags: Vec::new() };
                };
                let size = moments.effective_size();
                effective.push((name.clone(), size));
                if !is_sound || size < LEAST_EFFECTIVE {
                    return Metric { name, unit, estimate: None, flags: vec![Flag::FewEffective] };
                }
                let scale = scale(info.unit, header) / (1_u64 << bits) as f64;
                let exact = moments.mean(LEVEL);
                let boot = bootstrap::mean(&cells.weighted(), LEVEL, splitmix(seed(info.name)));
                let estimate = exact.zip(boot).map(|(exact, boot)| {
                    let mut estimate = boot;
                    estimate.estimate = exact.estimate;
                    let estimate = estimate.times(scale).at_least(0.0);
                    if matches!(quantity, Quantity::Event(_)) {
                        return crate::stats::Estimate { high: estimate.high.min(1.0), ..estimate };
                    }
                    estimate
                });
                Metric { name, unit, estimate, flags: Vec::new() }
            })
            .collect();
        Weighted { metrics, mean_weight, effective }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::header;

    #[test]
    fn a_tilt_is_written_as_it_is_read() {
        for text in ["drop=4", "drop=2.5,jumps=3,size=2"] {
            let Asked::Given(tilt) = Asked::parse(text).unwrap() else { panic!("{text}") };
            assert_eq!(tilt.to_string(), text);
        }
        assert_eq!(Asked::parse("auto").unwrap(), Asked::Auto);
        for (text, expected) in [
            ("dorp=4", "did you mean `drop`?"),
            ("drop", "is no strength"),
            ("drop=1", "above 1"),
            ("drop=9", "at most 8"),
            ("", "cannot be tilted"),
        ] {
            let told = Asked::parse(text).unwrap_err().render(crate::fault::Paint::Plain);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    fn row(weight: f64, adl: i64, need: i64) -> Outcome {
        let weight = (weight * (1_u64 << WEIGHT_BITS) as f64) as i64;
        Outcome { adl_events: adl, fund_need: need, weight: Some(weight), ..Outcome::default() }
    }

    #[test]
    fn an_estimate_is_the_mean_of_weight_times_value() {
        // 300 paths of weight ½ with the event and a need of 8, 170 of weight 5 without: (½·300)/470 and (4·300)/470.
        let mut summary = WeightedSummary::new(Adverse::Down);
        let rows = || (0..470).map(|i| if i < 300 { row(0.5, 1, 8_000_000) } else { row(5.0, 0, 0) });
        rows().for_each(|row| summary.add(&row));
        let told = summary.metrics(&header());
        assert_eq!(told.mean_weight.unwrap().estimate, (150.0 + 850.0) / 470.0);
        assert!(told.metrics.iter().all(|metric| metric.estimate.is_none()), "these weights do not average 1");
        // The same with the weights that they should have had: 320/470 and 150/170.
        let mut summary = WeightedSummary::new(Adverse::Down);
        rows().for_each(|row| {
            let weight = if row.adl_events > 0 { 0.5 } else { 320.0 / 170.0 };
            summary.add(&self::row(weight, row.adl_events, row.fund_need));
        });
        let told = summary.metrics(&header());
        let get = |name: &str| told.metrics.iter().find(|metric| metric.name == name).unwrap();
        let p = get("p_adl").estimate.unwrap();
        assert!((p.estimate - 150.0 / 470.0).abs() < 1e-9 && p.low < p.estimate && p.estimate < p.high, "{p:?}");
        assert!((get("fund_need_mean").estimate.unwrap().estimate - 8.0 * 150.0 / 470.0).abs() < 1e-9);
        let effective = |name: &str| told.effective.iter().find(|(known, _)| known == name).unwrap().1;
        assert!((effective("p_adl") - 300.0).abs() < 1e-9);
        assert_eq!(
            (get("p_liquidation").estimate, get("p_liquidation").flags.as_slice()),
            (None, &[Flag::FewEffective][..])
        );
    }

    #[test]
    fn any_split_gives_the_same_sums() {
        let rows: Vec<Outcome> =
            (0..40).map(|i| row(0.1 + f64::from(i) * 0.2, i64::from(i % 3), i64::from(i))).collect();
        let of = |rows: &[Outcome]| {
            let mut summary = WeightedSummary::new(Adverse::Down);
            rows.iter().for_each(|row| summary.add(row));
            summary
        };
        let (mut left, right) = (of(&rows[20..]), of(&rows[..20]));
        left.merge(&right);
        assert_eq!(left, of(&rows));
    }
}
