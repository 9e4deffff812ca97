//! What many paths say together: integer sums while they come in, estimates with intervals at the end.
//!
//! The summary holds integers only, so any order and any split of the paths gives the same bytes, and its size does not
//! grow with the number of paths. Quantiles are exact: the histograms name the bucket, and another pass over the
//! written rows finds the value.

use crate::facts::Outcome;
use crate::folder::schema::{METRICS, MetricUnit};
use crate::folder::{Adverse, Flag, Header, Metric};
use crate::stats::bootstrap::{self, splitmix};
use crate::stats::histogram::{Cells, Histogram};
use crate::stats::moments::{Moments, Pairs};
use crate::stats::paired::Tail;
use crate::stats::quantile::{Selector, Share, interval_ranks};
use crate::stats::{Estimate, proportion};

/// Nominal coverage of every interval.
pub const LEVEL: f64 = 0.95;

/// The tail that headlines are about.
pub const P99: Share = Share::percent(99);

/// With fewer paths beyond a quantile there is no experience of how often the interval of the expected shortfall covers.
const THIN_TAIL: u64 = 10;

/// Percentage points in `impact_excess` are kept in billionths.
const POINT: i128 = 1_000_000_000;

/// Whether a path counts.
pub type Event = fn(&Outcome) -> bool;
/// A value of a path.
pub type Value = fn(&Outcome, Adverse) -> i64;
/// Numerator and denominator of a path.
pub type Values = fn(&Outcome, Adverse) -> (i64, i64);

/// Events whose probability is estimated.
const EVENTS: [(&str, Event); 4] = [
    ("p_fund_exhausted", |row| row.exhausted_at_s.is_some()),
    ("p_adl", |row| row.adl_events > 0),
    ("p_liquidation", |row| row.liquidations > 0),
    ("p_unfunded_deficit", |row| row.unfunded_deficit > 0),
];

/// Quantities whose mean is estimated.
const MEANS: [(&str, Value); 18] = [
    ("fund_draw_mean", |row, _| row.fund_draw),
    ("fund_need_mean", |row, _| row.fund_need),
    ("fund_paid_mean", |row, _| row.fund_paid),
    ("fund_received_mean", |row, _| row.fund_received),
    ("fund_net_change_mean", |row, _| row.fund_close - row.fund_open),
    ("inventory_hole_mean", |row, _| row.inventory_hole),
    ("liquidations_mean", |row, _| row.liquidations),
    ("liquidated_accounts_mean", |row, _| row.liquidated_accounts),
    ("liquidated_notional_mean", |row, _| row.liquidated_notional),
    ("adl_events_mean", |row, _| row.adl_events),
    ("adl_accounts_mean", |row, _| row.adl_accounts),
    ("adl_notional_mean", |row, _| row.adl_notional),
    ("adl_haircut_mean", |row, _| row.adl_haircut),
    ("shortfall_mean", |row, _| row.shortfall),
    ("unfunded_deficit_mean", |row, _| row.unfunded_deficit),
    ("fees_waived_mean", |row, _| row.fees_waived),
    ("impact_excess_mean", impact_excess),
    ("taker_volume_mean", |row, _| row.taker_volume),
];

/// Ratios of sums.
const RATIOS: [(&str, Values); 8] = [
    ("fund_need_to_open_interest", |row, _| (row.fund_need, row.open_interest)),
    ("liquidated_to_open_interest", |row, _| (row.liquidated_notional, row.open_interest)),
    ("liquidated_long_share", |row, _| (row.liquidated_long_notional, row.liquidated_notional)),
    ("adl_share_of_liquidated", |row, _| (row.to_adl, row.liquidated_notional)),
    ("adl_haircut_to_notional", |row, _| (row.adl_haircut, row.adl_notional)),
    ("price_amplification", adverse_moves),
    ("taker_sell_share", |row, _| (row.taker_sells, row.taker_volume)),
    ("forced_share_of_volume", |row, _| (row.forced_volume, row.taker_volume)),
];

/// How a metric is made of the rows, for those who compare runs path by path.
#[derive(Clone, Copy, Debug)]
pub enum Quantity {
    /// Share of the paths.
    Event(Event),
    Mean(Value),
    /// Ratio of sums.
    Ratio(Values),
    /// The same over the paths that were run in pairs.
    PairedRatio,
    /// Upper tail at 99 %.
    Tail(Value, Tail),
}

/// The quantity behind a metric; `None` for those that are not compared.
#[must_use]
pub fn quantity(name: &str) -> Option<Quantity> {
    let event = EVENTS.iter().find(|(known, _)| *known == name).map(|(_, event)| Quantity::Event(*event));
    let mean = || MEANS.iter().find(|(known, _)| *known == name).map(|(_, value)| Quantity::Mean(*value));
    let ratio = || RATIOS.iter().find(|(known, _)| *known == name).map(|(_, values)| Quantity::Ratio(*values));
    let tail = || match name {
        "fund_need_var_99" => Some(Quantity::Tail(|row, _| row.fund_need, Tail::ValueAtRisk)),
        "fund_draw_var_99" => Some(Quantity::Tail(|row, _| row.fund_draw, Tail::ValueAtRisk)),
        "fund_need_es_99" => Some(Quantity::Tail(|row, _| row.fund_need, Tail::ExpectedShortfall)),
        "cascade_amplification" => Some(Quantity::PairedRatio),
        _ => None,
    };
    event.or_else(mean).or_else(ratio).or_else(tail)
}

/// What a metric's integer unit is worth in its printed one.
#[must_use]
pub fn scale(unit: MetricUnit, header: &Header) -> f64 {
    match unit {
        MetricUnit::Currency => header.cash_unit.to_f64(),
        MetricUnit::PercentagePoints => 1.0 / POINT as f64,
        MetricUnit::Seconds => 1e-9,
        MetricUnit::Share | MetricUnit::Ratio | MetricUnit::Number(_) => 1.0,
    }
}

/// Shares of all paths by which the times of exhaustion are summarised.
const EXHAUSTED_BY: [(&str, Share); 3] = [
    ("exhausted_at_s_q05", Share::percent(5)),
    ("exhausted_at_s_q25", Share::percent(25)),
    ("exhausted_at_s_q50", Share::percent(50)),
];

/// Means that the fund's own size cuts off.
const CENSORED: [&str; 3] = ["fund_draw_mean", "fund_draw_var_99", "fund_paid_mean"];

/// Largest adverse moves from the opening price in ticks: traded, and exogenous.
fn adverse_moves(row: &Outcome, adverse: Adverse) -> (i64, i64) {
    match adverse {
        Adverse::Down => (row.price_open - row.traded_low, row.price_open - row.index_exogenous_low),
        Adverse::Up => (row.traded_high - row.price_open, row.index_exogenous_high - row.price_open),
    }
}

/// Adverse traded move less adverse exogenous move, in billionths of a percentage point of the opening price.
fn impact_excess(row: &Outcome, adverse: Adverse) -> i64 {
    let (traded, exogenous) = adverse_moves(row, adverse);
    if row.price_open == 0 {
        return 0;
    }
    let excess = i128::from(traded - exogenous) * 100 * POINT / i128::from(row.price_open);
    i64::try_from(excess).expect("overflow: a price ten million times the opening one")
}

/// Integer sums over paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    adverse: Adverse,
    paths: u64,
    events: [u64; EVENTS.len()],
    means: [(Moments, Cells); MEANS.len()],
    ratios: [Pairs; RATIOS.len()],
    /// Liquidated notional with the same at infinite depth, over the paths run in pairs.
    cascade: Pairs,
    fund_need: Histogram,
    fund_draw: Histogram,
    /// Times of exhaustion of the paths that have one.
    exhausted: Histogram,
    redrawn: Moments,
}

impl Summary {
    #[must_use]
    pub fn new(adverse: Adverse) -> Self {
        Self {
            adverse,
            paths: 0,
            events: [0; EVENTS.len()],
            means: [(); MEANS.len()].map(|()| <(Moments, Cells)>::default()),
            ratios: [Pairs::default(); RATIOS.len()],
            cascade: Pairs::default(),
            fund_need: Histogram::default(),
            fund_draw: Histogram::default(),
            exhausted: Histogram::default(),
            redrawn: Moments::default(),
        }
    }

    #[must_use]
    pub const fn paths(&self) -> u64 {
        self.paths
    }

    /// The fund needs of all paths.
    #[must_use]
    pub const fn fund_need(&self) -> &Histogram {
        &self.fund_need
    }

    pub fn add(&mut self, row: &Outcome) {
        self.paths += 1;
        for (hits, (_, event)) in self.events.iter_mut().zip(EVENTS) {
            *hits += u64::from(event(row));
        }
        for ((moments, cells), (_, value)) in self.means.iter_mut().zip(MEANS) {
            let value = value(row, self.adverse);
            moments.add(value);
            cells.add(value);
        }
        for (pairs, (_, values)) in self.ratios.iter_mut().zip(RATIOS) {
            let (x, y) = values(row, self.adverse);
            pairs.add(x, y);
        }
        if row.infinite_depth_notional >= 0 {
            self.cascade.add(row.liquidated_notional, row.infinite_depth_notional);
        }
        self.fund_need.add(row.fund_need);
        self.fund_draw.add(row.fund_draw);
        if let Some(time) = row.exhausted_at_s {
            self.exhausted.add(time);
        }
        self.redrawn.add(row.redrawn);
    }

    /// Joins the summary of other paths of the same scenario and seed; associative and commutative to the byte.
    pub fn merge(&mut self, other: &Self) {
        self.paths += other.paths;
        for (mine, theirs) in self.events.iter_mut().zip(&other.events) {
            *mine += theirs;
        }
        for ((moments, cells), theirs) in self.means.iter_mut().zip(&other.means) {
            moments.merge(&theirs.0);
            cells.merge(&theirs.1);
        }
        for (mine, theirs) in self.ratios.iter_mut().zip(&other.ratios) {
            mine.merge(theirs);
        }
        self.cascade.merge(&other.cascade);
        self.fund_need.merge(&other.fund_need);
        self.fund_draw.merge(&other.fund_draw);
        self.exhausted.merge(&other.exhausted);
        self.redrawn.merge(&other.redrawn);
    }

    /// All metrics of [`METRICS`], in order. `pass` shows every summarised row once more, in any order; it is called once,
    /// and again where many paths crowd round a quantile.
    ///
    /// # Errors
    /// Those of `pass`.
    pub fn metrics<E>(
        &self,
        header: &Header,
        pass: impl Fn(&mut dyn FnMut(&Outcome)) -> Result<(), E>,
    ) -> Result<Vec<Metric>, E> {
        let mut need = Selector::for_shares(&self.fund_need, &[P99], LEVEL);
        let mut draw = Selector::for_shares(&self.fund_draw, &[P99], LEVEL);
        let mut exhausted = Selector::new(&self.exhausted, &self.exhaustion_ranks());
        let mut open = [true; 3];
        while open.contains(&true) {
            pass(&mut |row| {
                let time = row.exhausted_at_s;
                for (selector, value, open) in [
                    (&mut need, Some(row.fund_need), open[0]),
                    (&mut draw, Some(row.fund_draw), open[1]),
                    (&mut exhausted, time, open[2]),
                ] {
                    if let Some(value) = value.filter(|_| open) {
                        selector.see(value);
                    }
                }
            })?;
            for (open, selector) in open.iter_mut().zip([&mut need, &mut draw, &mut exhausted]) {
                *open = *open && !selector.is_settled();
            }
        }
        let tails = Tails { need, draw, exhausted };
        Ok(METRICS
            .iter()
            .map(|info| {
                let (estimate, mut flags) = self.estimate(info.name, header, &tails);
                let scale = scale(info.unit, header);
                let estimate = estimate.map(|estimate| if scale == 1.0 { estimate } else { estimate.times(scale) });
                if estimate.is_some() && CENSORED.contains(&info.name) {
                    flags.push(Flag::Censored);
                }
                if estimate.is_some_and(|estimate| !estimate.low.is_finite() || !estimate.high.is_finite()) {
                    flags.push(Flag::Unbounded);
                }
                if estimate.is_none() {
                    flags.clear();
                }
                flags.sort_unstable();
                Metric { name: info.name.to_string(), unit: info.unit.text(&header.currency), estimate, flags }
            })
            .collect())
    }

    /// One probability, mean or ratio in its unit, from the sums alone; `None` for other metrics and where undefined.
    #[must_use]
    pub fn metric(&self, name: &str, header: &Header) -> Option<Estimate> {
        let info = METRICS.iter().find(|info| info.name == name)?;
        if !matches!(quantity(name)?, Quantity::Event(_) | Quantity::Mean(_) | Quantity::Ratio(_)) {
            return None;
        }
        let none = || Selector::new(&Histogram::default(), &[]);
        let tails = Tails { need: none(), draw: none(), exhausted: none() };
        self.estimate(name, header, &tails).0.map(|estimate| estimate.times(scale(info.unit, header)))
    }

    /// Ranks among all paths (a path never exhausted counts as later than any time) of the quantiles and their bounds.
    fn exhaustion_ranks(&self) -> Vec<u64> {
        let mut ranks = Vec::new();
        for (_, share) in EXHAUSTED_BY {
            let (low, high) = interval_ranks(self.paths, share, LEVEL);
            ranks.push(share.rank(self.paths));
            ranks.extend(low);
            ranks.extend(high);
        }
        ranks
    }

    /// A metric in its integer unit.
    fn estimate(&self, name: &str, header: &Header, tails: &Tails) -> (Option<Estimate>, Vec<Flag>) {
        if let Some(at) = EVENTS.iter().position(|(event, _)| *event == name) {
            return (proportion(self.events[at], self.paths, LEVEL), Vec::new());
        }
        if let Some(at) = MEANS.iter().position(|(mean, _)| *mean == name) {
            return mean(name, &self.means[at]);
        }
        if let Some(at) = RATIOS.iter().position(|(ratio, _)| *ratio == name) {
            let estimate = self.ratios[at].ratio_delta(LEVEL);
            // A share of a whole cannot leave 0 … 1, whatever a symmetric interval says.
            let part = ["liquidated_long_share", "adl_share_of_liquidated"].contains(&name);
            let estimate = estimate.map(|e| e.at_least(0.0));
            return (estimate.map(|e| if part { Estimate { high: e.high.min(1.0), ..e } } else { e }), Vec::new());
        }
        if let Some((_, share)) = EXHAUSTED_BY.iter().find(|(quantile, _)| *quantile == name) {
            return (self.exhausted_by(*share, tails), Vec::new());
        }
        match name {
            "fund_need_var_99" => at_risk(&tails.need, &self.fund_need),
            "fund_draw_var_99" => at_risk(&tails.draw, &self.fund_draw),
            "fund_need_es_99" => shortfall(&tails.need, &self.fund_need),
            "cascade_amplification" => {
                let estimate = self.cascade.ratio_fieller(LEVEL).map(|e| e.at_least(0.0));
                (estimate, if self.cascade.is_identical() { vec![Flag::Identical] } else { Vec::new() })
            }
            "redrawn_share" if header.accounts > 0 => {
                let estimate = self.redrawn.mean(LEVEL).map(|e| e.times(1.0 / header.accounts as f64).at_least(0.0));
                (estimate, Vec::new())
            }
            _ => (None, Vec::new()),
        }
    }

    /// The time by which a share of all paths has exhausted the fund, nanoseconds. All paths are watched to the horizon,
    /// so the Kaplan-Meier curve is one less the empirical distribution, and its quantiles are order statistics.
    fn exhausted_by(&self, share: Share, tails: &Tails) -> Option<Estimate> {
        let estimate = tails.exhausted.value(share.rank(self.paths))? as f64;
        let (low, high) = interval_ranks(self.paths, share, LEVEL);
        Some(Estimate {
            estimate,
            low: low.and_then(|rank| tails.exhausted.value(rank)).map_or(0.0, |time| time as f64),
            high: high.and_then(|rank| tails.exhausted.value(rank)).map_or(f64::INFINITY, |time| time as f64),
            level: LEVEL,
            standard_error: None,
        })
    }
}

/// What the passes over the rows found.
struct Tails {
    need: Selector,
    draw: Selector,
    exhausted: Selector,
}

/// The 99 % quantile.
fn at_risk(selector: &Selector, histogram: &Histogram) -> (Option<Estimate>, Vec<Flag>) {
    let estimate = selector.value_at_risk(P99, LEVEL).map(|e| e.at_least(0.0));
    (estimate, if histogram.is_constant() { vec![Flag::Identical] } else { Vec::new() })
}

/// The expected shortfall of the worst 1 %, from the histogram of all paths and what was selected from it.
pub(crate) fn shortfall(tail: &Selector, histogram: &Histogram) -> (Option<Estimate>, Vec<Flag>) {
    let resampled = tail.expected_shortfall_bootstrap(histogram, P99, LEVEL, splitmix(seed("fund_need_es_99")));
    let mut flags = Vec::new();
    if histogram.is_tail_dominated() {
        flags.push(Flag::TailDominated);
    }
    let paths = histogram.count();
    if histogram.is_constant() {
        flags.push(Flag::Identical);
    } else if paths - P99.rank(paths) < THIN_TAIL {
        flags.push(Flag::ThinTail);
    }
    (resampled.map(|e| e.at_least(0.0)), flags)
}

/// A mean: Student's interval, or the bootstrap-t where a few paths carry the sum.
fn mean(name: &str, (moments, cells): &(Moments, Cells)) -> (Option<Estimate>, Vec<Flag>) {
    // Only these two can be negative; for the rest an interval below 0 says nothing.
    let bound = if ["fund_net_change_mean", "impact_excess_mean"].contains(&name) { f64::NEG_INFINITY } else { 0.0 };
    let student = moments.mean(LEVEL);
    if moments.count() > 1 && moments.is_constant() {
        return (student, vec![Flag::Identical]);
    }
    if !cells.is_tail_dominated() {
        return (student.map(|e| e.at_least(bound)), Vec::new());
    }
    let boot = bootstrap::mean(&cells.weighted(), LEVEL, splitmix(seed(name)));
    // The centre stays the exact mean; only the interval comes from the cells.
    let estimate = student.zip(boot).map(|(exact, boot)| Estimate { estimate: exact.estimate, ..boot }.at_least(bound));
    (estimate, vec![Flag::TailDominated])
}

/// The seed of a metric's resampling (FNV-1a of its name), so that its interval does not move when another is added.
#[must_use]
pub fn seed(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::VERSION;
    use crate::money::{Cash, Nanos, Quantum};
    use proptest::prelude::*;
    use rust_decimal::dec;
    use std::convert::Infallible;

    fn header(paths: u64) -> Header {
        Header {
            scenario: "test".into(),
            about: String::new(),
            file: String::new(),
            set: Vec::new(),
            hash: String::new(),
            seed: 1,
            paths,
            series_paths: paths,
            version: VERSION.into(),
            currency: "USDT".into(),
            cash_unit: Quantum::new(dec!(0.01)).unwrap(),
            symbol: "BTC".into(),
            tick: Quantum::new(dec!(0.1)).unwrap(),
            adverse: Adverse::Down,
            accounts: 100,
            horizon: Nanos(60),
            fund_open: Cash(0),
            fund_floor: Cash(0),
            adl: None,
            inverse: false,
            behaviours: false,
            tilt: None,
        }
    }

    fn summary(rows: &[Outcome], adverse: Adverse) -> Summary {
        let mut summary = Summary::new(adverse);
        rows.iter().for_each(|row| summary.add(row));
        summary
    }

    fn metrics(rows: &[Outcome], adverse: Adverse) -> Vec<Metric> {
        let header = header(rows.len() as u64);
        summary(rows, adverse)
            .metrics(&header, |visit| {
                rows.iter().for_each(visit);
                Ok::<(), Infallible>(())
            })
            .unwrap()
    }

    fn get<'a>(metrics: &'a [Metric], name: &str) -> &'a Metric {
        metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}"))
    }

    fn value(metrics: &[Metric], name: &str) -> f64 {
        get(metrics, name).estimate.unwrap_or_else(|| panic!("{name} is undefined")).estimate
    }

    /// Four paths by hand, opening at 1,000 ticks.
    fn four() -> Vec<Outcome> {
        let base = Outcome {
            price_open: 1_000,
            open_interest: 10_000,
            infinite_depth_notional: -1,
            taker_volume: 5_000,
            taker_sells: 2_800,
            forced_volume: 400,
            ..Outcome::default()
        };
        vec![
            Outcome {
                path: 0,
                traded_low: 900,
                index_exogenous_low: 920,
                traded_high: 1_010,
                index_exogenous_high: 1_005,
                ..base.clone()
            },
            Outcome {
                path: 1,
                liquidations: 3,
                liquidated_accounts: 2,
                liquidated_notional: 600,
                liquidated_long_notional: 600,
                infinite_depth_notional: 400,
                traded_low: 700,
                index_exogenous_low: 800,
                traded_high: 1_000,
                index_exogenous_high: 1_000,
                ..base.clone()
            },
            Outcome {
                path: 2,
                liquidations: 5,
                liquidated_notional: 1_000,
                liquidated_long_notional: 600,
                infinite_depth_notional: 900,
                adl_events: 1,
                adl_accounts: 4,
                to_adl: 80,
                adl_notional: 80,
                adl_haircut: 20,
                fund_open: 500,
                fund_close: 100,
                fund_draw: 400,
                fund_need: 700,
                unfunded_deficit: 12,
                traded_low: 600,
                index_exogenous_low: 800,
                traded_high: 1_200,
                index_exogenous_high: 1_100,
                exhausted_at_s: Some(30_000_000_000),
                redrawn: 8,
                ..base.clone()
            },
            Outcome {
                path: 3,
                traded_low: 1_000,
                index_exogenous_low: 1_000,
                traded_high: 1_000,
                index_exogenous_high: 1_000,
                ..base
            },
        ]
    }

    #[test]
    fn four_paths_by_hand() {
        let metrics = metrics(&four(), Adverse::Down);
        for (name, expected) in [
            ("p_fund_exhausted", 0.25),
            ("p_adl", 0.25),
            ("p_liquidation", 0.5),
            ("p_unfunded_deficit", 0.25),
            ("liquidations_mean", 2.0),
            ("liquidated_notional_mean", 4.0), // 1,600 units of 0.01 over four paths
            ("fund_need_mean", 1.75),
            ("fund_draw_mean", 1.0),
            ("fund_net_change_mean", -1.0),
            ("fund_need_var_99", 7.0),
            ("fund_need_es_99", 7.0), // ⌈3.96⌉ = 4: [0 + 0.04·700]/0.04
            ("fund_need_to_open_interest", 700.0 / 40_000.0),
            ("liquidated_to_open_interest", 1_600.0 / 40_000.0),
            ("liquidated_long_share", 1_200.0 / 1_600.0),
            ("adl_share_of_liquidated", 80.0 / 1_600.0),
            ("adl_haircut_to_notional", 0.25),
            ("unfunded_deficit_mean", 0.03),
            ("cascade_amplification", 1_600.0 / 1_300.0), // paths 1 and 2 alone were run in pairs
            ("price_amplification", 800.0 / 480.0),       // (100 + 300 + 400 + 0)/(80 + 200 + 200 + 0)
            ("taker_volume_mean", 50.0),
            ("taker_sell_share", 0.56),
            ("forced_share_of_volume", 0.08),
            ("impact_excess_mean", 8.0), // 2, 10, 20 and 0 percentage points
            ("exhausted_at_s_q05", 30.0),
            ("redrawn_share", 0.02),
        ] {
            let got = value(&metrics, name);
            assert!((got - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{name}: {got} against {expected}");
        }
        assert_eq!(get(&metrics, "exhausted_at_s_q50").estimate, None, "fewer than half exhaust the fund");
        assert_eq!(get(&metrics, "fund_need_mean").unit, "USDT");
        assert!(get(&metrics, "fund_draw_var_99").flags.contains(&Flag::Censored));
        let shortfall = get(&metrics, "fund_need_es_99");
        assert!(shortfall.flags.contains(&Flag::ThinTail) && shortfall.flags.contains(&Flag::Unbounded));
        assert_eq!(shortfall.estimate.unwrap().high, f64::INFINITY, "nothing lies beyond the quantile to learn from");
    }

    #[test]
    fn a_crash_up_is_measured_at_the_highs() {
        let metrics = metrics(&four(), Adverse::Up);
        // Traded 10 + 0 + 200 + 0 over exogenous 5 + 0 + 100 + 0; excess 0.5, 0, 10 and 0 points.
        assert!((value(&metrics, "price_amplification") - 2.0).abs() < 1e-12);
        assert!((value(&metrics, "impact_excess_mean") - 10.5 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_quiet_day_has_zeros_and_no_ratios() {
        let row = Outcome {
            price_open: 1_000,
            traded_low: 1_000,
            traded_high: 1_000,
            index_exogenous_low: 1_000,
            index_exogenous_high: 1_000,
            ..Outcome::default()
        };
        let metrics = metrics(&vec![row; 50], Adverse::Down);
        for name in [
            "cascade_amplification",
            "price_amplification",
            "liquidated_long_share",
            "fund_need_to_open_interest",
            "exhausted_at_s_q05",
        ] {
            assert_eq!(get(&metrics, name).estimate, None, "{name}");
            assert!(get(&metrics, name).flags.is_empty());
        }
        let need = get(&metrics, "fund_need_mean");
        assert_eq!((need.estimate.unwrap().high, need.flags.clone()), (0.0, vec![Flag::Identical]));
        assert_eq!(value(&metrics, "fund_need_var_99"), 0.0);
        assert_eq!(
            get(&metrics, "fund_need_var_99").flags,
            [Flag::Identical, Flag::Unbounded],
            "fifty paths bound no 99 % quantile"
        );
        assert!(get(&metrics, "p_adl").estimate.unwrap().high > 0.05, "no event in fifty paths is not no risk");
    }

    #[test]
    fn one_path_has_estimates_and_no_finite_upper_bounds() {
        let metrics = metrics(&four()[2..3], Adverse::Down);
        let need = get(&metrics, "fund_need_mean");
        assert_eq!(need.estimate.unwrap().estimate, 7.0);
        assert_eq!(need.estimate.unwrap().high, f64::INFINITY);
        assert_eq!(need.flags, [Flag::Unbounded]);
    }

    #[test]
    fn no_path_at_all_has_no_estimates() {
        assert!(metrics(&[], Adverse::Down).iter().all(|metric| metric.estimate.is_none()));
    }

    #[test]
    fn a_mean_carried_by_one_path_in_a_hundred_is_flagged_and_leans_up() {
        let rows: Vec<Outcome> = (0..200)
            .map(|path| Outcome {
                path,
                fund_need: if path == 17 { 1_000_000 } else { i64::try_from(path).unwrap() },
                ..Outcome::default()
            })
            .collect();
        let all = metrics(&rows, Adverse::Down);
        let need = get(&all, "fund_need_mean");
        assert!(need.flags.contains(&Flag::TailDominated));
        let estimate = need.estimate.unwrap();
        assert!(
            (estimate.estimate - (1_000_000.0 + 19_900.0 - 17.0) / 200.0 / 100.0).abs() < 1e-9,
            "the centre is the exact mean"
        );
        assert!(estimate.high - estimate.estimate > 1.5 * (estimate.estimate - estimate.low));
        assert_eq!(metrics(&rows, Adverse::Down), all, "resampling is deterministic");
    }

    #[test]
    fn equal_pairs_amplify_by_exactly_one() {
        let rows: Vec<Outcome> = (1..40)
            .map(|path| Outcome { path, liquidated_notional: 7, infinite_depth_notional: 7, ..Outcome::default() })
            .collect();
        let all = metrics(&rows, Adverse::Down);
        let cascade = get(&all, "cascade_amplification");
        let estimate = cascade.estimate.unwrap();
        assert_eq!((estimate.estimate, estimate.low, estimate.high), (1.0, 1.0, 1.0));
        assert_eq!(cascade.flags, [Flag::Identical]);
    }

    #[test]
    fn every_documented_metric_is_computed_from_somewhere() {
        let metrics = metrics(&[four(), four(), four(), four()].concat(), Adverse::Down);
        let undefined: Vec<&str> = metrics.iter().filter(|m| m.estimate.is_none()).map(|m| m.name.as_str()).collect();
        assert_eq!(undefined, ["exhausted_at_s_q50"]);
    }

    proptest! {
        #[test]
        fn any_split_and_order_gives_the_same_summary(seed in any::<u64>(), cut in 0usize..30) {
            let mut next = splitmix(seed);
            let rows: Vec<Outcome> = (0..30)
                .map(|path| {
                    let values = [(); Outcome::COLUMNS.len()].map(|()| i64::try_from(next() >> 24).unwrap());
                    Outcome::from_values(path, values, (path % 3 == 0).then_some(i64::try_from(path).unwrap()))
                })
                .collect();
            let whole = summary(&rows, Adverse::Down);
            let mut left = summary(&rows[..cut], Adverse::Down);
            let right = summary(&rows[cut..], Adverse::Down);
            let mut swapped = right.clone();
            swapped.merge(&left);
            left.merge(&right);
            prop_assert_eq!(&left, &whole);
            prop_assert_eq!(&swapped, &whole);
        }
    }
}
