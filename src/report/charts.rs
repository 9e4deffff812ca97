//! The charts of a folder.

use super::frame::{Axis, Frame, Swatch, WordAt, Words};
use super::number::{labels, percent, short, suffix, ticks};
use super::scene::{Colour, Dash, Scene};
use crate::folder::series::Bands;
use crate::folder::{Adverse, Header, Metric};
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
}

impl Data<'_> {
    fn estimate(&self, name: &str) -> Option<Estimate> {
        self.metrics.iter().find(|metric| metric.name == name)?.estimate
    }

    fn is_zero(&self, name: &str) -> bool {
        self.estimate(name).is_none_or(|estimate| estimate.estimate == 0.0)
    }

    fn cash(&self, units: i64) -> f64 {
        units as f64 * self.header.cash_unit.to_f64()
    }

    fn money(&self, amount: f64) -> String {
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

fn paths(count: u64) -> String {
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

fn draw_fan(frame: &Frame, scene: &mut Scene, x: &[f64], fan: &[Vec<f64>; 5], colour: Colour) {
    frame.band(scene, x, &fan[0], &fan[4], colour.faint(0.2));
    frame.band(scene, x, &fan[1], &fan[3], colour.faint(0.32));
    frame.curve(scene, x, &fan[2], colour, 3.0, Dash::Solid);
}

/// The fund over time.
#[must_use]
pub fn fund(data: &Data<'_>) -> Scene {
    let open = data.cash(data.header.fund_open.0);
    let floor = data.cash(data.header.fund_floor.0);
    let title = match data.estimate("p_fund_exhausted") {
        Some(p) if open == 0.0 => format!(
            "There is no fund to start with; {} of the crashes lack one{}",
            percent(p.estimate),
            interval(p, percent)
        ),
        _ if data.is_zero("liquidations_mean") => {
            format!("No forced order on any path: the fund of {} stays untouched", data.money(open))
        }
        Some(p) if p.estimate > 0.0 && data.header.paths == 1 => {
            format!("The fund of {} is exhausted on this path", data.money(open))
        }
        Some(p) if p.estimate > 0.0 => {
            format!(
                "The fund of {} is exhausted on {} of the crashes{}",
                data.money(open),
                percent(p.estimate),
                interval(p, percent)
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
    legend.push((Swatch::Line(Colour::VERMILLION, Dash::Dashed), format!("floor, {}", data.money(floor))));
    let caption = data.caption();
    let words = Words {
        title,
        subtitle: format!("Insurance fund, cash balance over {}", data.over()),
        legend,
        y_axis: data.header.currency.clone(),
        x_axis: format!("time since the start, {unit}"),
        caption: &caption,
    };
    let mut scene = Scene::default();
    let frame = Frame::new(&mut scene, &words, x_axis, Axis::amounts(low, high));
    draw_fan(&frame, &mut scene, &x, &fan, Colour::BLUE);
    frame.level(&mut scene, floor, Colour::VERMILLION, 2.5, Dash::Dashed);
    scene
}

/// Liquidations over time by side.
#[must_use]
pub fn liquidations(data: &Data<'_>) -> Scene {
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
    let caption = data.caption();
    let words = Words {
        title,
        subtitle: format!("Cumulative liquidated notional at the mark of the moment, over {}", data.over()),
        legend,
        y_axis: data.header.currency.clone(),
        x_axis: format!("time since the start, {time}"),
        caption: &caption,
    };
    let mut scene = Scene::default();
    let frame = Frame::new(
        &mut scene,
        &words,
        x_axis,
        if quiet { Axis { ticks: vec![(0.0, "0".into())], low, high } } else { Axis::mirrored(low, high) },
    );
    draw_fan(&frame, &mut scene, &x, &short_fan, Colour::BLUE);
    draw_fan(&frame, &mut scene, &x, &long_fan, Colour::VERMILLION);
    frame.level(&mut scene, 0.0, Colour::GREY, 1.5, Dash::Solid);
    frame.word(&mut scene, WordAt::Top, "shorts");
    frame.word(&mut scene, WordAt::Bottom, "longs");
    scene
}

/// Index and traded price over time.
#[must_use]
pub fn price(data: &Data<'_>) -> Scene {
    let fall = match data.header.adverse {
        Adverse::Down => "deepen the fall",
        Adverse::Up => "heighten the rise",
    };
    let title = match data.estimate("price_amplification") {
        Some(ratio) if ratio.estimate >= 1.005 => {
            format!(
                "Liquidations {fall} by {}{}",
                percent(ratio.estimate - 1.0),
                interval(ratio, |bound| percent(bound - 1.0))
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
    let mut legend = fan_legend(data, Colour::BLUE, "traded, ");
    if data.header.series_paths == 1 {
        legend.push((Swatch::Line(Colour::VERMILLION, Dash::Dashed), "index".into()));
    } else {
        legend.push((Swatch::Line(Colour::VERMILLION, Dash::Dashed), "index, median".into()));
        legend.push((Swatch::Line(Colour::VERMILLION, Dash::Dotted), "index, 5 % and 95 %".into()));
    }
    let caption = data.caption();
    let words = Words {
        title,
        subtitle: format!(
            "{}, traded price (mid of the book) and index over {}",
            shortened(&data.header.symbol, 40),
            data.over()
        ),
        legend,
        y_axis: format!("{} per unit", data.header.currency),
        x_axis: format!("time since the start, {time}"),
        caption: &caption,
    };
    let mut scene = Scene::default();
    let frame = Frame::new(&mut scene, &words, x_axis, Axis::prices(low, high));
    draw_fan(&frame, &mut scene, &x, &traded, Colour::BLUE);
    if data.header.series_paths > 1 {
        for band in [0, 4] {
            frame.curve(&mut scene, &x, &index[band], Colour::VERMILLION, 2.0, Dash::Dotted);
        }
    }
    frame.curve(&mut scene, &x, &index[2], Colour::VERMILLION, 2.5, Dash::Dashed);
    scene
}

/// Where the bars of the distribution stand.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Abscissa {
    Linear,
    Decades,
}

impl Abscissa {
    /// Amount to abscissa.
    fn of(self, amount: f64) -> f64 {
        match self {
            Self::Linear => amount,
            Self::Decades => libm::log10(amount),
        }
    }
}

/// Distribution of the fund need.
#[must_use]
pub fn fund_need(data: &Data<'_>) -> Scene {
    let unit = data.header.cash_unit.to_f64();
    let n = data.need.count();
    let positive: Vec<(f64, u64)> =
        data.need.buckets().filter(|(key, _)| *key > 0).map(|(_, b)| (b.mean() * unit, b.count)).collect();
    let zeros = n - positive.iter().map(|(_, count)| count).sum::<u64>();
    let open = data.cash(data.header.fund_open.0);
    let (var, es) = (data.estimate("fund_need_var_99"), data.estimate("fund_need_es_99"));
    let mut legend = vec![(Swatch::Line(Colour::INK, Dash::Solid), format!("fund at the start, {}", data.money(open)))];
    for (estimate, name, colour, dash) in
        [(var, "VaR 99 %", Colour::VERMILLION, Dash::Dashed), (es, "ES 99 %", Colour::PURPLE, Dash::Dotted)]
    {
        if let Some(e) = estimate {
            legend.push((
                Swatch::Line(colour, dash),
                format!("{name}, {} ({} … {})", data.money(e.estimate), short(e.low), short(e.high)),
            ));
        }
    }
    let title = match (var, positive.is_empty()) {
        (_, true) => format!("No path needs the fund: 0 of {}", paths(n)),
        (Some(var), _) if n >= 100 && var.estimate > 0.0 => {
            format!(
                "One crash in a hundred needs a fund above {}; the venue has {}",
                data.money(var.estimate),
                data.money(open)
            )
        }
        (Some(_), _) if n >= 100 => {
            format!("Fewer than one crash in a hundred needs the fund; the venue has {}", data.money(open))
        }
        _ => format!(
            "The largest need is {}; the venue has {}",
            data.money(positive.last().map_or(0.0, |p| p.0)),
            data.money(open)
        ),
    };
    let needless = match (n, zeros) {
        (0, _) => "there is no path".to_string(),
        (n, zeros) if n == zeros => "no path needs any".to_string(),
        (n, 0) if n > 1 => "every path needs some".to_string(),
        (_, 0) => "the one path needs some".to_string(),
        _ => format!("{} of the paths need nothing and have no bar", percent(zeros as f64 / n as f64)),
    };
    let caption = data.caption();
    let words = |x_axis: String| Words {
        title: title.clone(),
        subtitle: format!("Fund that each path needs to pay every shortfall without ADL; {needless}"),
        legend: legend.clone(),
        y_axis: if n == 1 { "share of the one path".into() } else { format!("share of all {}", paths(n)) },
        x_axis,
        caption: &caption,
    };
    let mut scene = Scene::default();
    let (Some(first), Some(last)) = (positive.first(), positive.last()) else {
        let high = if open > 0.0 { open } else { 1.0 };
        let bare = Axis { ticks: vec![(0.0, "0 %".into())], ..Axis::shares(0.0) };
        let frame = Frame::new(
            &mut scene,
            &words(format!("fund need, {}", data.header.currency)),
            Axis::amounts(0.0, high),
            bare,
        );
        frame.upright(&mut scene, open, Colour::INK, 3.0, Dash::Solid);
        if let Some(p) = crate::stats::proportion(0, n, 0.95) {
            frame.note(
                &mut scene,
                &format!("nothing to draw: the share that needs the fund is below {} (95 %)", percent(p.high)),
            );
        }
        return scene;
    };
    // The marks are part of the picture where that does not squeeze the bars into a corner.
    let marks: Vec<f64> = [Some(open), var.map(|e| e.estimate), es.map(|e| e.estimate)]
        .into_iter()
        .flatten()
        .filter(|&m| m > 0.0)
        .collect();
    let low = marks.iter().fold(first.0, |low, &mark| low.min(mark));
    let high = marks.iter().fold(last.0, |high, &mark| high.max(mark));
    let abscissa = if last.0 > 30.0 * first.0 || high > 4.0 * last.0 { Abscissa::Decades } else { Abscissa::Linear };
    let (x_axis, x_name) = need_axis(abscissa, low, high, &data.header.currency);
    let bars = bars(abscissa, &x_axis, &positive, n);
    let tallest = bars.iter().fold(0.0_f64, |tallest, bar| tallest.max(bar.2));
    let frame = Frame::new(&mut scene, &words(x_name), x_axis, Axis::shares(tallest));
    for &(from, to, share) in &bars {
        frame.bar(&mut scene, from, to, share, Colour::BLUE.faint(0.65));
    }
    for (mark, colour, dash) in [
        (es.map(|e| e.estimate), Colour::PURPLE, Dash::Dotted),
        (var.map(|e| e.estimate), Colour::VERMILLION, Dash::Dashed),
        (Some(open), Colour::INK, Dash::Solid),
    ] {
        if let Some(mark) = mark.filter(|&mark| mark > 0.0 || abscissa == Abscissa::Linear) {
            frame.upright(&mut scene, abscissa.of(mark), colour, 3.0, dash);
        }
    }
    scene
}

/// The horizontal axis of the distribution over these amounts, and its name.
fn need_axis(abscissa: Abscissa, low: f64, high: f64, currency: &str) -> (Axis, String) {
    match abscissa {
        Abscissa::Linear => {
            // From zero, unless all needs are close together.
            let low = if low < 0.5 * high { 0.0 } else { low };
            let axis = if high > low { Axis::amounts(low, high) } else { Axis::amounts(0.0, high) };
            (axis, format!("fund need, {currency}"))
        }
        Abscissa::Decades => {
            let (from, to) = (libm::log10(low) - 0.1, libm::log10(high) + 0.1);
            let wide = to - from > 3.0;
            let (whole, _) = ticks(libm::floor(from), libm::ceil(to), 40);
            let mut at: Vec<f64> = Vec::new();
            for decade in whole.into_iter().filter(|decade| libm::rint(*decade) == *decade) {
                let within: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
                at.extend(within.iter().map(|m| decade + libm::log10(*m)));
            }
            at.retain(|tick| *tick >= from && *tick <= to);
            let ticks = at.into_iter().map(|tick| (tick, tidy(libm::exp(tick * std::f64::consts::LN_10)))).collect();
            (Axis { low: from, high: to, ticks }, format!("fund need, {currency} (logarithmic)"))
        }
    }
}

/// A label of a logarithmic axis: `20k`, `1M`.
fn tidy(amount: f64) -> String {
    let (factor, tail) = if (999.5..9_999.5).contains(&amount) { (1e3, "k") } else { suffix(amount) };
    let scaled = amount / factor;
    let rounded = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]
        .into_iter()
        .find(|round: &f64| (scaled / round - 1.0).abs() < 1e-6);
    rounded.map_or_else(|| short(amount), |round| labels(&[round], round).concat() + tail)
}

/// (from, to, share of all paths) of the bars in units of the abscissa.
fn bars(abscissa: Abscissa, axis: &Axis, positive: &[(f64, u64)], n: u64) -> Vec<(f64, f64, f64)> {
    let (Some(first), Some(last)) = (positive.first(), positive.last()) else { return Vec::new() };
    let many = positive.iter().map(|(_, count)| count).sum::<u64>();
    // Rice's rule, held between what shows a shape and what the eye can tell apart.
    let count = (2.0 * libm::cbrt(many as f64)).clamp(12.0, 60.0);
    let (first, last) = (abscissa.of(first.0), abscissa.of(last.0));
    // A distribution far narrower than the axis still gets bars that can be seen.
    let thinnest = (axis.high - axis.low) / 150.0;
    let width = ((last - first) * 1.000_001 / count).max(thinnest);
    let start = if last > first { first } else { first - 0.5 * width };
    let mut bars: Vec<(f64, f64, f64)> = Vec::new();
    for &(amount, hits) in positive {
        let from = start + libm::floor((abscissa.of(amount) - start) / width) * width;
        let share = hits as f64 / n as f64;
        match bars.last_mut() {
            Some(bar) if (bar.0 - from).abs() < 0.5 * width => bar.2 += share,
            _ => bars.push((from, from + width, share)),
        }
    }
    bars
}
