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
use crate::market::math;
use crate::market::process::{Lean, PARTS, Tiltable};
use crate::scenario::Scenario;
use crate::sim::path::{Leaning, Worker};
use crate::sim::stage::Stage;
use crate::sim::tilt::{Tilt, WEIGHT_BITS};
use crate::stats::bootstrap::{self, splitmix};
use crate::stats::histogram::Cells;
use crate::stats::moments::Moments;
use crate::traders::Accounts;

/// Least effective sample size of an estimate that is told.
pub const LEAST_EFFECTIVE: f64 = 200.0;

/// Paths of a round in which the pilot looks for the event, and of one in which it settles the strengths.
pub const SEARCHING: u64 = 1_000;
pub const SETTLING: u64 = 3_000;

/// Most rounds in which the pilot looks for the event, each of which makes it some ten times less rare; and rounds after
/// that.
const SEARCHES: usize = 6;
const SETTLES: usize = 2;

/// Shares of the strengths so learnt that are tried in the end. Cross-entropy looks at where most crashes are; the variance
/// is made by those on which the tilted law thins out, so it is often less under a milder tilt.
const TEMPERS: [f64; 3] = [1.0, 0.7, 0.5];

/// Share of a round's paths that count as the worst, where the direction of the noise is learnt.
const WORST: f64 = 0.3;

/// Share of a round's paths from which the next tilt is learnt.
const ELITE: f64 = 0.1;

/// The greatest strength of a tilt, and the farthest that the noise of a part is moved.
const STRONGEST: f64 = 20.0;
/// The greatest rate of the drop and the duration: a mean at the 1,000th part of their range.
const NEAREST: f64 = 1_000.0;
const FARTHEST: f64 = 6.0;

/// Number of the first path of the pilot: streams of their own, beyond every path that can be asked for.
const PILOT_FROM: u64 = 1 << 62;

/// Events without which the pilot learns nothing of a tilt.
const PILOT_EVENTS: u64 = 30;

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
    /// Reads `auto` or `drop=10,duration=5,jumps=3,noise=1,size=2`; the noise may have a strength for each part of the fall,
    /// as `noise=0/0/0.5/1/0/0/0/0`.
    ///
    /// # Errors
    /// Another name, or a strength out of its bounds.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let mut tilt = Tilt::default();
        for part in text.split(',') {
            let (name, strength) = part.split_once('=').unwrap_or((part, ""));
            let number =
                |text: &str, low: f64, high: f64| text.trim().parse::<f64>().ok().filter(|x| (low..=high).contains(x));
            let wrong = |right: &str| Faults::usage(format!("`{}` is no strength of a tilt", part.trim()), right);
            let above = || {
                let told = format!("a strength is above 1 and at most {STRONGEST}: `--tilt=jumps=4`");
                number(strength, 1.0, STRONGEST).filter(|x| *x > 1.0).ok_or_else(|| wrong(&told)).map(Some)
            };
            let near = || {
                let told = format!("a rate is above 0 and at most {NEAREST}: `--tilt=drop=10`");
                number(strength, 0.0, NEAREST).filter(|x| *x > 0.0).ok_or_else(|| wrong(&told)).map(Some)
            };
            match name.trim() {
                "drop" => tilt.drop = near()?,
                "duration" => tilt.duration = near()?,
                "jumps" => tilt.jumps = above()?,
                "size" => tilt.size = above()?,
                "noise" => {
                    let parts: Option<Vec<f64>> =
                        strength.split('/').map(|text| number(text, -FARTHEST, FARTHEST)).collect();
                    // One shift of the whole fall is the same drift in each part.
                    let even = |x: f64| [x / math::sqrt(PARTS as f64); PARTS];
                    let read = parts.and_then(|parts| match parts.as_slice() {
                        [one] => Some(even(*one)),
                        parts => parts.try_into().ok(),
                    });
                    let told = format!(
                        "the noise is moved by so many standard deviations of the fall, at most {FARTHEST}, or of each of \
                         its {PARTS} parts: `--tilt=noise=1.5`, `--tilt=noise=0/0/0.5/1/1/0/0/0`"
                    );
                    tilt.noise = Some(read.ok_or_else(|| wrong(&told))?);
                }
                other => {
                    let names = Tilt::default().named().map(|(name, _)| name);
                    let hint = match did_you_mean(other, names) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "write `--tilt=auto`, or strengths as in `--tilt=drop=10,size=2`".to_owned(),
                    };
                    return Err(Faults::usage(format!("`{other}` cannot be tilted"), hint));
                }
            }
        }
        Ok(Self::Given(tilt))
    }
}

/// What of a scenario's prices can be tilted.
fn tiltable(scenario: &Scenario) -> Vec<Tiltable> {
    let mut able: Vec<Tiltable> = scenario.assets.iter().flat_map(|asset| asset.process.tiltable()).collect();
    // The noise of one of several assets says something of the others, so its density is not that of one alone.
    able.retain(|what| scenario.assets.len() == 1 || !matches!(what, Tiltable::Noise(_)));
    able.sort_by_key(|what| what.index());
    able.dedup();
    able
}

/// Whether sizes are drawn, so that the largest can be tilted.
fn has_sizes(scenario: &Scenario) -> bool {
    matches!(&scenario.accounts, Accounts::Generated(generated) if generated.largest().is_some())
}

/// Everything that can be tilted, as a tilt of strengths that change nothing.
fn neutral(scenario: &Scenario) -> Tilt {
    let mut tilt = Tilt::default();
    tiltable(scenario).into_iter().for_each(|what| tilt.set(what, what.neutral()));
    tilt
}

/// Refuses a tilt of something that the scenario does not draw.
///
/// # Errors
/// The fault, with what can be tilted.
pub fn check(scenario: &Scenario, tilt: &Tilt) -> Result<(), Faults> {
    let can = Tilt { size: has_sizes(scenario).then_some(1.0), ..neutral(scenario) }.named();
    let able: Vec<&str> = can.iter().filter(|(_, can)| *can).map(|(name, _)| *name).collect();
    let hint = if able.is_empty() {
        "a flash_crash with a drawn drop, a jump_diffusion, or a resampled population with drawn sizes can be tilted"
            .to_owned()
    } else {
        format!("it can be tilted by {}", able.join(", "))
    };
    let asked = tilt.named();
    if asked.iter().all(|(_, asked)| !asked) {
        return Err(Faults::usage(format!("{}: there is nothing to tilt", scenario.source.name), hint));
    }
    match asked.iter().find(|(name, asked)| *asked && !able.contains(name)) {
        Some((name, _)) => {
            Err(Faults::usage(format!("{}: `{name}` is not drawn in this scenario", scenario.source.name), hint))
        }
        None => Ok(()),
    }
}

/// One tilt as the pilot saw it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    pub tilt: Tilt,
    pub paths: u64,
    /// Pilot paths on which the event happened.
    pub events: u64,
    /// Mean and mean square of w·1{event}.
    pub mean: f64,
    pub square: f64,
}

impl Tried {
    fn of(tilt: Tilt, seen: &[Seen]) -> Self {
        let weights = || seen.iter().filter(|path| path.happened).map(|path| path.weight);
        let count = seen.len() as f64;
        Self {
            tilt: without_the_neutral(tilt),
            paths: seen.len() as u64,
            events: weights().count() as u64,
            mean: weights().sum::<f64>() / count,
            square: weights().map(|w| w * w).sum::<f64>() / count,
        }
    }

    /// Variance of one path over the squared probability: what a path is worth, the smaller the better.
    #[must_use]
    pub fn relative_variance(&self) -> f64 {
        if self.mean > 0.0 { self.square / (self.mean * self.mean) - 1.0 } else { f64::INFINITY }
    }
}

/// Looks for a tilt on paths of its own and returns the one under which the probability of `metric` is known best, with
/// all that were tried.
///
/// By cross-entropy (Rubinstein and Kroese 2004, "The Cross-Entropy Method", chapter 3): every round draws paths under the
/// tilt that the last one ended with, takes those that show the event, or where they are too few the tenth with the
/// greatest fund need, and moves each strength to the weighted mean of its statistic over them, the maximum likelihood
/// of its family (see `moved`).
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
    let able = tiltable(scenario);
    let sizes: &[Option<f64>] = if has_sizes(scenario) { &[None, Some(2.0), Some(4.0)] } else { &[None] };
    let mut tilt = neutral(scenario);
    check(scenario, &Tilt { size: sizes.last().copied().flatten(), ..tilt })?;
    let mut stage = Stage::new(scenario, seed)?;
    let mut tried: Vec<Tried> = Vec::new();
    let mut first = PILOT_FROM;
    let mut round = |tilt: Tilt, paths: u64, tried: &mut Vec<Tried>| -> Result<Vec<Seen>, Failure> {
        stage.tilt = Some(tilt);
        let mut seen = Round { of: event, seen: Vec::new() };
        let plan = Plan { paths: first..first + paths, threads, audit: Audited::No };
        run(&stage, &plan, &mut seen, stop, progress)?;
        first += paths;
        let mut worker = Worker::new(&stage);
        for path in &mut seen.seen {
            path.leaning = worker.leaning(path.path)?;
        }
        tried.push(Tried::of(tilt, &seen.seen));
        Ok(seen.seen)
    };
    if !able.is_empty() {
        for _ in 0..SEARCHES {
            let seen = round(tilt, SEARCHING, &mut tried)?;
            tilt = moved(tilt, &able, &seen);
            if elite(&seen).1 == Elite::Happened {
                break;
            }
        }
        for _ in 0..SETTLES {
            let seen = round(tilt, SETTLING, &mut tried)?;
            tilt = moved(tilt, &able, &seen);
        }
    }
    // Those before were learnt from, and small ones flatter themselves: only these are chosen from.
    let settled = tried.len();
    if !able.is_empty() {
        for share in TEMPERS {
            round(tempered(tilt, &able, share), SETTLING, &mut tried)?;
        }
    }
    let best = best_of(&tried[settled..]).unwrap_or(tilt);
    for size in sizes.iter().filter(|size| size.is_some()) {
        round(Tilt { size: *size, ..best }, SETTLING, &mut tried)?;
    }
    Ok((best_of(&tried[settled..]).map_or(best, without_the_neutral), tried))
}

/// The same tilt, so much nearer to none.
fn tempered(tilt: Tilt, able: &[Tiltable], share: f64) -> Tilt {
    let mut next = tilt;
    for &what in able {
        let (from, to) = (what.neutral(), tilt.of(what).unwrap_or(what.neutral()));
        next.set(what, rounded(from + share * (to - from)));
    }
    next
}

/// To two digits; nothing has no sign.
fn rounded(x: f64) -> f64 {
    libm::rint(x * 100.0) / 100.0 + 0.0
}

/// What the paths from which a tilt is learnt have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elite {
    Happened,
    /// The event is still too rare: they need the most.
    NeedMost,
}

/// The paths with the event, or where they are fewer than a tenth the tenth that needs most.
fn elite(seen: &[Seen]) -> (Vec<&Seen>, Elite) {
    let happened: Vec<&Seen> = seen.iter().filter(|path| path.happened).collect();
    if happened.len() as f64 >= ELITE * seen.len() as f64 {
        return (happened, Elite::Happened);
    }
    (worst(seen.iter().collect(), ELITE), Elite::NeedMost)
}

/// This share of the paths, those that need most.
fn worst(mut seen: Vec<&Seen>, share: f64) -> Vec<&Seen> {
    seen.sort_by_key(|path| (std::cmp::Reverse(path.need), path.path));
    let kept = seen.iter().enumerate().take_while(|(at, _)| (*at as f64) < share * seen.len() as f64).count();
    seen.truncate(kept);
    seen
}

/// Of the tilts that reach the event often enough the one with the least variance; where none does, the one that reaches
/// it most often.
fn best_of(tried: &[Tried]) -> Option<Tilt> {
    let tilted = || tried.iter().filter(|tried| tried.tilt != Tilt::default());
    let told = tilted().filter(|tried| tried.events >= PILOT_EVENTS);
    let best = told.min_by(|a, b| a.relative_variance().total_cmp(&b.relative_variance()));
    best.or_else(|| tilted().max_by_key(|tried| tried.events)).map(|tried| tried.tilt)
}

/// Every strength at the weighted mean of its statistic over the elite, to two digits and within its bounds.
///
/// The weights leave few paths to such a mean, and the noise has a strength for each part of the fall: there the mean
/// says only how far, along the direction in which the worst of the tilted paths differ from all of them, which needs no
/// weights (sliced inverse regression: Li 1991).
fn moved(tilt: Tilt, able: &[Tiltable], seen: &[Seen]) -> Tilt {
    let (elite, _) = elite(seen);
    let mean = |what: Tiltable| {
        let told = || elite.iter().filter_map(|path| path.leaning.statistics[what.index()].map(|x| (path.weight, x)));
        let weights: f64 = told().map(|(weight, _)| weight).sum();
        (weights > 0.0).then(|| told().map(|(weight, x)| weight * x).sum::<f64>() / weights)
    };
    let mut next = tilt;
    for &what in able.iter().filter(|what| !matches!(what, Tiltable::Noise(_))) {
        let strength = mean(what).map(|mean| match what {
            Tiltable::Jumps => mean.clamp(1.0, STRONGEST),
            _ => Lean::near_of_mean(mean, NEAREST),
        });
        if let Some(strength) = strength {
            next.set(what, rounded(strength));
        }
    }
    let drawn: Vec<&Seen> = seen.iter().filter(|path| path.leaning.is_tilted).collect();
    let bad = worst(drawn.clone(), WORST);
    let average = |of: &[&Seen], what: Tiltable| {
        let told = || of.iter().filter_map(|path| path.leaning.statistics[what.index()]);
        told().sum::<f64>() / (told().count() as f64).max(1.0)
    };
    let parts: Vec<Tiltable> = able.iter().copied().filter(|what| matches!(what, Tiltable::Noise(_))).collect();
    let direction: Vec<f64> = parts.iter().map(|&part| average(&bad, part) - average(&drawn, part)).collect();
    let length = math::sqrt(direction.iter().map(|x| x * x).sum());
    if length > 0.0 {
        let far: f64 = parts.iter().zip(&direction).map(|(&part, x)| mean(part).unwrap_or(0.0) * x / length).sum();
        for (&part, x) in parts.iter().zip(&direction) {
            next.set(part, rounded((far * x / length).clamp(-FARTHEST, FARTHEST)));
        }
    }
    next
}

/// Leaves out what has a strength that changes nothing.
fn without_the_neutral(tilt: Tilt) -> Tilt {
    let above = |x: Option<f64>| x.filter(|x| *x > 1.0);
    let near = |x: Option<f64>| x.filter(|x| *x > 0.0);
    Tilt {
        drop: near(tilt.drop),
        duration: near(tilt.duration),
        jumps: above(tilt.jumps),
        noise: tilt.noise.filter(|noise| noise.iter().any(|x| *x != 0.0)),
        size: above(tilt.size),
    }
}

/// A path of the pilot.
struct Seen {
    path: u64,
    weight: f64,
    happened: bool,
    need: i64,
    leaning: Leaning,
}

struct Round {
    of: super::summary::Event,
    seen: Vec<Seen>,
}

impl Sink for Round {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        let one = (1_u64 << WEIGHT_BITS) as f64;
        self.seen.extend(rows.iter().map(|row| Seen {
            path: row.path,
            weight: row.weight.unwrap_or(0) as f64 / one,
            happened: (self.of)(row),
            need: row.fund_need,
            leaning: Leaning::default(),
        }));
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
        for text in ["drop=4", "drop=2.5,jumps=3,size=2", "drop=12,noise=0/-0.25/0.5/1/1/0/0/0"] {
            let Asked::Given(tilt) = Asked::parse(text).unwrap() else { panic!("{text}") };
            assert_eq!(tilt.to_string(), text);
        }
        assert_eq!(Asked::parse("auto").unwrap(), Asked::Auto);
        for (text, expected) in [
            ("dorp=4", "did you mean `drop`?"),
            ("drop", "is no strength"),
            ("jumps=1", "above 1"),
            ("jumps=21", "at most 20"),
            ("drop=0", "above 0"),
            ("drop=1001", "at most 1000"),
            ("noise=1/2", "of each of its 8 parts"),
            ("noise=7", "at most 6"),
            ("", "cannot be tilted"),
        ] {
            let told = Asked::parse(text).unwrap_err().render(crate::fault::Paint::Plain);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn a_mean_share_gives_the_rate_that_has_it_and_the_density_is_that_of_a_law() {
        let grid = || (0..100_000).map(|i| (f64::from(i) + 0.5) / 100_000.0);
        for wanted in [0.4, 0.1, 0.01] {
            let rate = Lean::near_of_mean(wanted, NEAREST);
            let mean = grid().map(|s| Lean::Tilted(rate).share_near(s).0).sum::<f64>() / 100_000.0;
            assert!((mean - wanted).abs() < 1e-4 * wanted.max(0.1), "{wanted}: {mean}");
            let density = grid().map(|s| Lean::Original(rate).share_near(s).1).sum::<f64>() / 100_000.0;
            assert!((density - 1.0).abs() < 1e-3, "{density}");
            // And over what was drawn from it, its inverse: every part of the original law is reached.
            let inverse = grid().map(|s| 1.0 / Lean::Tilted(rate).share_near(s).1).sum::<f64>() / 100_000.0;
            assert!(wanted < 0.1 || (inverse - 1.0).abs() < 2e-2, "{wanted}: {inverse}");
        }
        assert_eq!(Lean::near_of_mean(0.6, NEAREST), 0.0, "the far half is not sought");
        assert_eq!(Lean::Tilted(0.0).share_near(0.3), (0.3, 1.0));
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
