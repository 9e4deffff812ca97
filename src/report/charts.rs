//! The charts of a folder.

mod conduct;
mod need;
mod path;

use super::frame::{Axis, Swatch, WordAt};
use super::number::{percent, shares, short};
use super::plot::{Below, Layer, Plot, Scale};
use super::scene::{Colour, Dash};
use crate::facts::Column;
use crate::folder::series::Bands;
use crate::folder::trace::Traced;
use crate::folder::what_if::WhatIf;
use crate::folder::{AdlFrom, Adverse, Header, Metric};
use crate::stats::Estimate;
use crate::stats::histogram::Histogram;

/// All that the charts show.
#[derive(Clone, Debug)]
pub struct Data<'a> {
    pub header: &'a Header,
    pub metrics: &'a [Metric],
    pub bands: &'a Bands,
    /// Fund need of every path, cash units.
    pub need: &'a Histogram,
    /// Paths in full.
    pub traces: &'a [Traced],
    /// The one path with half the leverage cap.
    pub what_if: Option<&'a WhatIf>,
    /// What accounts did of their own accord, means a path; empty where nobody can do anything.
    pub conduct: &'a [(Column, Estimate)],
}

/// Every chart, in the order of `CHARTS`; that of behaviours only where there are any.
#[must_use]
pub fn all(data: &Data<'_>) -> Vec<Plot> {
    let mut plots = vec![
        fund(data),
        liquidations(data),
        price(data),
        need::fund_need(data),
        need::exceedance(data),
        adl(data),
        path::haircut(data),
        path::lorenz(data),
        path::liquidation_map(data),
        path::open_interest(data),
        path::leverage(data),
    ];
    if data.header.behaviours {
        plots.push(conduct::behaviours(data));
    }
    plots
}

impl Data<'_> {
    pub(super) fn estimate(&self, name: &str) -> Option<Estimate> {
        self.metrics.iter().find(|metric| metric.name == name)?.estimate
    }

    pub(super) fn is_zero(&self, name: &str) -> bool {
        self.estimate(name).is_none_or(|estimate| estimate.estimate == 0.0)
    }

    pub(super) fn cash(&self, units: i64) -> f64 {
        units as f64 * self.header.cash_unit.to_f64()
    }

    /// Paths whose need lies in a bucket above this amount.
    fn need_beyond(&self, amount: f64) -> u64 {
        let unit = self.header.cash_unit.to_f64();
        let above = self.need.buckets().filter(|(key, bucket)| *key > 0 && bucket.mean() * unit > amount);
        above.map(|(_, bucket)| bucket.count).sum()
    }

    pub(super) fn money(&self, amount: f64) -> String {
        format!("{} {}", short(amount), self.header.currency)
    }

    fn caption(&self) -> String {
        let header = self.header;
        let hash: String = header.hash.chars().take(12).collect();
        format!(
            "scenario {} ({hash}) · seed {} · {} · flashcrash {}",
            shortened(&header.scenario, 60),
            header.seed,
            paths(header.paths),
            header.version
        )
    }

    /// What becomes of a fund whose budget cuts a sale short: one that its fall from the peak stops has money left.
    pub(super) fn exhausted(&self) -> &'static str {
        if matches!(self.header.adl, Some(AdlFrom::Fall { .. })) { "stops paying" } else { "is exhausted" }
    }

    /// The unit of prices.
    pub(super) fn price_unit(&self) -> String {
        let currency = &self.header.currency;
        if self.header.inverse { format!("price of 1 {currency}") } else { format!("{currency} per unit") }
    }

    /// What the bands are over.
    fn over(&self) -> String {
        let header = self.header;
        if header.series_paths < header.paths {
            format!("the first {} of {}", super::number::grouped(header.series_paths as f64, 0), paths(header.paths))
        } else {
            paths(header.paths)
        }
    }

    fn seconds(&self) -> Vec<f64> {
        self.bands.times.iter().map(|time| time.seconds()).collect()
    }

    /// The five curves of a series.
    fn fan(&self, column: &str, scale: f64) -> [Vec<f64>; 5] {
        let rows = self.bands.column(column).unwrap_or(&[]);
        [0, 1, 2, 3, 4].map(|band| rows.iter().map(|row| row[band] as f64 * scale).collect())
    }
}

pub(super) fn paths(count: u64) -> String {
    if count == 1 { "1 path".into() } else { format!("{} paths", super::number::grouped(count as f64, 0)) }
}

fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit { text.into() } else { text.chars().take(limit - 1).chain(['…']).collect() }
}

/// ` (95 %: 17 … 20 %)`, or nothing where the interval is a point or unbounded.
fn interval(estimate: Estimate, show: impl Fn(f64) -> String) -> String {
    if !estimate.low.is_finite() || !estimate.high.is_finite() || estimate.low == estimate.high {
        return String::new();
    }
    format!(" (95 %: {} … {})", show(estimate.low), show(estimate.high))
}

/// How far a ratio lies beyond 1.
pub(super) fn beyond(ratio: Estimate) -> Estimate {
    Estimate { estimate: ratio.estimate - 1.0, low: ratio.low - 1.0, high: ratio.high - 1.0, ..ratio }
}

fn extent(curves: &[&[f64]]) -> (f64, f64) {
    curves
        .iter()
        .flat_map(|curve| curve.iter())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &y| (low.min(y), high.max(y)))
}

fn fan_legend(data: &Data<'_>, colour: Colour, what: &str) -> Vec<(Swatch, String)> {
    if data.header.series_paths == 1 {
        return vec![(Swatch::Line(colour, Dash::Solid), format!("{what}the one path"))];
    }
    vec![
        (Swatch::Line(colour, Dash::Solid), format!("{what}median")),
        (Swatch::Area(colour.faint(0.45)), "25–75 % of the paths".into()),
        (Swatch::Area(colour.faint(0.2)), "5–95 %".into()),
    ]
}

/// The layers of a fan: `of` are the legend's entries of the median, the inner band and the outer one. Of one path there
/// is the line alone.
fn draw_fan(layers: &mut Vec<Layer>, x: &[f64], fan: [Vec<f64>; 5], colour: Colour, of: [usize; 3]) {
    let [p05, p25, p50, p75, p95] = fan;
    if p05 != p95 {
        layers.push(Layer::Band { of: of[2], x: x.to_vec(), low: p05, high: p95, colour: colour.faint(0.2) });
        layers.push(Layer::Band { of: of[1], x: x.to_vec(), low: p25, high: p75, colour: colour.faint(0.32) });
    }
    layers.push(Layer::Curve { of: of[0], x: x.to_vec(), y: p50, colour, width: 3.0, dash: Dash::Solid });
}

/// The fund over time.
#[must_use]
fn fund(data: &Data<'_>) -> Plot {
    let open = data.cash(data.header.fund_open.0);
    let floor = data.cash(data.header.fund_floor.0);
    let title = match data.estimate("p_fund_exhausted") {
        Some(p) if open == 0.0 => format!(
            "There is no fund to start with; {} of the crashes lack one{}",
            shares(p)(p.estimate),
            interval(p, shares(p))
        ),
        _ if data.is_zero("liquidations_mean") => {
            format!("No forced order on any path: the fund of {} stays untouched", data.money(open))
        }
        Some(p) if p.estimate > 0.0 && data.header.paths == 1 => {
            format!("The fund of {} {} on this path", data.money(open), data.exhausted())
        }
        Some(p) if p.estimate > 0.0 => {
            format!(
                "The fund of {} {} on {} of the crashes{}",
                data.money(open),
                data.exhausted(),
                shares(p)(p.estimate),
                interval(p, shares(p))
            )
        }
        Some(_) if data.header.paths == 1 => format!("The fund of {} holds on this path", data.money(open)),
        Some(p) if p.high < 0.5 => format!(
            "The fund of {} holds on every path (95 %: fails on less than {})",
            data.money(open),
            percent(p.high)
        ),
        _ => format!("The fund of {} holds on every path", data.money(open)),
    };
    let (x, fan) = (data.seconds(), data.fan("fund", data.header.cash_unit.to_f64()));
    let (low, high) = extent(&[&fan[0], &fan[4], &[floor, open, 0.0]]);
    let (x_axis, unit) = Axis::time(data.header.horizon.seconds());
    let mut legend = fan_legend(data, Colour::BLUE, "");
    let mut layers = Vec::new();
    draw_fan(&mut layers, &x, fan, Colour::BLUE, [0, 1, 2]);
    for (at, dash, text) in adl_levels(data, open, floor) {
        legend.push((Swatch::Line(Colour::VERMILLION, dash), text));
        let of = Some(legend.len() - 1);
        layers.push(Layer::Level { of, y: at, colour: Colour::VERMILLION, width: 2.5, dash });
    }
    Plot {
        name: "fund",
        title,
        subtitle: format!("Insurance fund, cash balance over {}", data.over()),
        legend,
        y_name: data.header.currency.clone(),
        x_name: format!("time since the start, {unit}"),
        caption: data.caption(),
        x: x_axis,
        y: Axis::amounts(low, high),
        x_scale: Scale::Time,
        y_scale: Scale::Amount,
        layers,
        below: None,
    }
}

/// Levels of the fund at which something changes, with their names: the floor, and where ADL takes over. A fall is measured
/// from the fund's peak, which is drawn at its opening.
fn adl_levels(data: &Data<'_>, open: f64, floor: f64) -> Vec<(f64, Dash, String)> {
    let floor_at = data.money(floor);
    match data.header.adl {
        None => vec![(floor, Dash::Dashed, format!("floor, {floor_at}"))],
        Some(AdlFrom::Floor) => vec![(floor, Dash::Dashed, format!("floor, where ADL takes over, {floor_at}"))],
        Some(AdlFrom::Fall { start, stop }) => {
            let (start, stop) = (start.0 as f64 / 1e9, stop.0 as f64 / 1e9);
            let level = |share: f64| open * (1.0 - share);
            let mut levels = vec![(floor, Dash::Dashed, format!("floor, {floor_at}"))];
            let told = format!("ADL starts {} below the peak, {}", percent(start), data.money(level(start)));
            levels.push((level(start), Dash::Dotted, told));
            if stop < start {
                let told = format!("ends {} below it, {}", percent(stop), data.money(level(stop)));
                levels.push((level(stop), Dash::Solid, told));
            }
            levels
        }
    }
}

/// Liquidations over time by side.
#[must_use]
fn liquidations(data: &Data<'_>) -> Plot {
    let quiet = data.is_zero("liquidations_mean");
    let title = match (data.estimate("liquidated_notional_mean"), data.estimate("liquidated_long_share")) {
        (Some(notional), Some(long)) if !quiet => {
            let (share, side) =
                if long.estimate >= 0.5 { (long.estimate, "long") } else { (1.0 - long.estimate, "short") };
            let each = if data.header.paths == 1 { "on this path" } else { "per crash on average" };
            let range = interval(notional, short);
            format!("{} are liquidated {each}{range}, {} of it {side}", data.money(notional.estimate), percent(share))
        }
        _ => "No position is liquidated on any path".to_string(),
    };
    let unit = data.header.cash_unit.to_f64();
    let (x, short_fan, long_fan) =
        (data.seconds(), data.fan("liquidated_short", unit), data.fan("liquidated_long", -unit));
    let (low, high) = extent(&[&long_fan[4], &short_fan[4], &[0.0]]);
    // Both sides keep some room, so that the empty one is seen to be empty.
    let reach = if high > low { high - low } else { 1.0 };
    let (low, high) = (low.min(-0.12 * reach), high.max(0.12 * reach));
    let (x_axis, time) = Axis::time(data.header.horizon.seconds());
    let one = data.header.series_paths == 1;
    let median = if one { "" } else { ", median" };
    let mut legend = vec![
        (Swatch::Line(Colour::BLUE, Dash::Solid), format!("shorts{median}")),
        (Swatch::Line(Colour::VERMILLION, Dash::Solid), format!("longs{median}")),
    ];
    if !one {
        legend.push((Swatch::Area(Colour::GREY.faint(0.45)), "25–75 % of the paths".into()));
        legend.push((Swatch::Area(Colour::GREY.faint(0.2)), "5–95 %".into()));
    }
    let mut layers = Vec::new();
    draw_fan(&mut layers, &x, short_fan, Colour::BLUE, [0, 2, 3]);
    draw_fan(&mut layers, &x, long_fan, Colour::VERMILLION, [1, 2, 3]);
    layers.push(Layer::Level { of: None, y: 0.0, colour: Colour::GREY, width: 1.5, dash: Dash::Solid });
    layers.push(Layer::Word(WordAt::Top, "shorts"));
    layers.push(Layer::Word(WordAt::Bottom, "longs"));
    Plot {
        name: "liquidations",
        title,
        subtitle: format!("Cumulative liquidated notional at the mark of the moment, over {}", data.over()),
        legend,
        y_name: data.header.currency.clone(),
        x_name: format!("time since the start, {time}"),
        caption: data.caption(),
        x: x_axis,
        y: if quiet { Axis { ticks: vec![(0.0, "0".into())], low, high } } else { Axis::mirrored(low, high) },
        x_scale: Scale::Time,
        y_scale: Scale::Mirrored,
        layers,
        below: None,
    }
}

/// Index and traded price over time, and the depth that is left below them.
#[must_use]
fn price(data: &Data<'_>) -> Plot {
    let fall = match data.header.adverse {
        Adverse::Down => "deepen the fall",
        Adverse::Up => "heighten the rise",
    };
    let title = match data.estimate("price_amplification") {
        Some(ratio) if ratio.estimate >= 1.005 => {
            format!(
                "Liquidations {fall} by {}{}",
                shares(beyond(ratio))(ratio.estimate - 1.0),
                interval(ratio, |bound| shares(beyond(ratio))(bound - 1.0))
            )
        }
        Some(_) => format!("Liquidations do not {fall}: the traded price follows the index"),
        None => "The index never moves against the crowd: nothing to amplify".to_string(),
    };
    let tick = data.header.tick.to_f64();
    let (x, index, traded) = (data.seconds(), data.fan("index", tick), data.fan("traded", tick));
    let (low, high) = extent(&[&index[0], &index[4], &traded[0], &traded[4]]);
    let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
    let (x_axis, time) = Axis::time(data.header.horizon.seconds());
    let mut legend = fan_legend(data, Colour::BLUE, "traded, depth left: ");
    if data.header.series_paths == 1 {
        legend.push((Swatch::Line(Colour::VERMILLION, Dash::Dashed), "index".into()));
    } else {
        legend.push((Swatch::Line(Colour::VERMILLION, Dash::Dashed), "index, median".into()));
        legend.push((Swatch::Line(Colour::VERMILLION, Dash::Dotted), "index, 5 % and 95 %".into()));
    }
    let mut layers = Vec::new();
    draw_fan(&mut layers, &x, traded, Colour::BLUE, [0, 1, 2]);
    let [p05, _, p50, _, p95] = index;
    let vermillion = |of, y, width, dash| Layer::Curve { of, x: x.clone(), y, colour: Colour::VERMILLION, width, dash };
    if data.header.series_paths > 1 {
        layers.push(vermillion(4, p05, 2.0, Dash::Dotted));
        layers.push(vermillion(4, p95, 2.0, Dash::Dotted));
        layers.push(vermillion(3, p50, 2.5, Dash::Dashed));
    } else {
        layers.push(vermillion(1, p50, 2.5, Dash::Dashed));
    }
    Plot {
        name: "price",
        title,
        subtitle: format!(
            "{}, traded price (mid of the book) and index over {}; below, the depth left on the side that forced orders hit",
            shortened(&data.header.symbol, 40),
            data.over()
        ),
        legend,
        y_name: data.price_unit(),
        x_name: format!("time since the start, {time}"),
        caption: data.caption(),
        x: x_axis,
        y: Axis::prices(low, high),
        x_scale: Scale::Time,
        y_scale: Scale::Price,
        layers,
        below: Some(depth(data, &x)),
    }
}

/// Depth left in the book over time, in the colours of the traded price.
fn depth(data: &Data<'_>, x: &[f64]) -> Below {
    let fan = data.fan("depth_left", 1e-9);
    let thinnest = |curve: &[f64]| curve.iter().copied().fold(1.0_f64, f64::min);
    let lowest = thinnest(&fan[2]);
    let told = if lowest >= 0.995 {
        "the book keeps it".to_owned()
    } else if data.header.series_paths == 1 {
        format!("the book thins to {}", percent(lowest))
    } else {
        format!(
            "half of the crashes thin the book to {} or less, one in twenty to {}",
            percent(lowest),
            percent(thinnest(&fan[0]))
        )
    };
    let top = extent(&[&fan[4], &[1.0]]).1;
    let mut layers = Vec::new();
    draw_fan(&mut layers, x, fan, Colour::BLUE, [0, 1, 2]);
    Below {
        short: "depth left",
        y_name: format!("depth left within 1 %, share of normal: {told}"),
        y: Axis::few_shares(top),
        y_scale: Scale::Share,
        layers,
    }
}

/// ADL over time.
fn adl(data: &Data<'_>) -> Plot {
    let (x, fan) = (data.seconds(), data.fan("adl", data.header.cash_unit.to_f64()));
    let title = match (data.estimate("p_adl"), data.estimate("adl_notional_mean")) {
        (Some(p), _) if p.estimate == 0.0 && data.header.paths == 1 => "Nobody is deleveraged on this path".to_owned(),
        (Some(p), _) if p.estimate == 0.0 => format!("Nobody is deleveraged (95 %: on less than {})", percent(p.high)),
        (Some(_), Some(mean)) if data.header.paths == 1 => {
            format!("Winners are deleveraged of {} on this path", data.money(mean.estimate))
        }
        (Some(p), Some(mean)) => format!(
            "Winners are deleveraged on {} of the crashes{}, of {} on average over all{}",
            shares(p)(p.estimate),
            interval(p, shares(p)),
            data.money(mean.estimate),
            interval(mean, short)
        ),
        (Some(p), None) => {
            format!("Winners are deleveraged on {} of the crashes{}", shares(p)(p.estimate), interval(p, shares(p)))
        }
        _ => "No path was run".to_owned(),
    };
    let (low, high) = extent(&[&fan[4], &[0.0]]);
    let (x_axis, time) = Axis::time(data.header.horizon.seconds());
    let legend = fan_legend(data, Colour::PURPLE, "");
    let mut layers = Vec::new();
    draw_fan(&mut layers, &x, fan, Colour::PURPLE, [0, 1, 2]);
    Plot {
        name: "adl",
        title,
        subtitle: format!("Cumulative ADL notional, winners' side, over {}", data.over()),
        legend,
        y_name: data.header.currency.clone(),
        x_name: format!("time since the start, {time}"),
        caption: data.caption(),
        x: x_axis,
        y: if high > low {
            Axis::amounts(low, high)
        } else {
            Axis { ticks: vec![(0.0, "0".into())], low: 0.0, high: 1.0 }
        },
        x_scale: Scale::Time,
        y_scale: Scale::Amount,
        layers,
        below: None,
    }
}
