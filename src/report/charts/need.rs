//! Charts of the fund that a path needs.

use super::{Data, interval, paths};
use crate::report::frame::{Axis, Swatch};
use crate::report::number::{labels, percent, shares, short, suffix, ticks};
use crate::report::plot::{Layer, Plot, Scale};
use crate::report::scene::{Colour, Dash};

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

    const fn scale(self) -> Scale {
        match self {
            Self::Linear => Scale::Amount,
            Self::Decades => Scale::LogAmount,
        }
    }
}

/// Distribution of the fund need.
pub(super) fn fund_need(data: &Data<'_>) -> Plot {
    let unit = data.header.cash_unit.to_f64();
    let n = data.need.count();
    let positive: Vec<(f64, u64)> =
        data.need.buckets().filter(|(key, _)| *key > 0).map(|(_, b)| (b.mean() * unit, b.count)).collect();
    let zeros = n - positive.iter().map(|(_, count)| count).sum::<u64>();
    let open = data.cash(data.header.fund_open.0);
    // One path has no tail.
    let tail = |name: &str| data.estimate(name).filter(|_| n > 1);
    let (var, es) = (tail("fund_need_var_99"), tail("fund_need_es_99"));
    let (var, es) = if positive.is_empty() { (None, None) } else { (var, es) };
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
        (_, true) if n == 1 => "This path needs nothing of the fund".to_owned(),
        (_, true) => format!("No path needs the fund: 0 of {}", paths(n)),
        _ if n == 1 => {
            let need = positive.last().map_or(0.0, |p| p.0);
            format!("This path needs a fund of {}; the venue has {}", data.money(need), data.money(open))
        }
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
    let mut plot = Plot {
        name: "fund_need",
        title,
        subtitle: format!("Fund that each path needs to pay every shortfall without ADL; {needless}"),
        legend,
        y_name: if n == 1 { "share of the one path".into() } else { format!("share of all {}", paths(n)) },
        x_name: format!("fund need, {}", data.header.currency),
        caption: data.caption(),
        x: Axis::amounts(0.0, if open > 0.0 { open } else { 1.0 }),
        y: Axis { ticks: vec![(0.0, "0 %".into())], ..Axis::shares(0.0) },
        x_scale: Scale::Amount,
        y_scale: Scale::Share,
        layers: Vec::new(),
        below: None,
    };
    let upright = |of, x, colour, dash| Layer::Upright { of, x, colour, width: 3.0, dash };
    let (Some(first), Some(last)) = (positive.first(), positive.last()) else {
        plot.layers.push(upright(0, open, Colour::INK, Dash::Solid));
        if n == 1 {
            plot.layers.push(Layer::Note("nothing to draw: one path has no distribution".into()));
        } else if let Some(p) = crate::stats::proportion(0, n, 0.95) {
            plot.layers.push(Layer::Note(format!(
                "nothing to draw: the share that needs the fund is below {} (95 %)",
                percent(p.high)
            )));
        }
        return plot;
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
    (plot.x, plot.x_name, plot.y) = (x_axis, x_name, Axis::shares(tallest));
    plot.x_scale = abscissa.scale();
    for &(from, to, height) in &bars {
        plot.layers.push(Layer::Bar { from, to, height, colour: Colour::BLUE.faint(0.65) });
    }
    let of_es = if var.is_some() { 2 } else { 1 };
    for (of, mark, colour, dash) in [
        (of_es, es.map(|e| e.estimate), Colour::PURPLE, Dash::Dotted),
        (1, var.map(|e| e.estimate), Colour::VERMILLION, Dash::Dashed),
        (0, Some(open), Colour::INK, Dash::Solid),
    ] {
        if let Some(mark) = mark.filter(|&mark| mark > 0.0 || abscissa == Abscissa::Linear) {
            plot.layers.push(upright(of, abscissa.of(mark), colour, dash));
        }
    }
    plot
}

/// Share of the paths that need at least so much, on logarithmic axes: a power law is a straight line.
pub(super) fn exceedance(data: &Data<'_>) -> Plot {
    let unit = data.header.cash_unit.to_f64();
    let n = data.need.count();
    let open = data.cash(data.header.fund_open.0);
    // Paths that need at least the bucket's amount, from the largest down.
    let mut beyond = 0;
    let mut points: Vec<(f64, u64)> = Vec::new();
    for (_, bucket) in data.need.buckets().rev().filter(|(key, _)| *key > 0) {
        beyond += bucket.count;
        points.push((bucket.mean() * unit, beyond));
    }
    points.reverse();
    let over = data.need_beyond(open);
    let title = match (n, over) {
        (0, _) => "No path was run".to_owned(),
        (2.., _) if points.is_empty() => format!("No path needs the fund: 0 of {}", paths(n)),
        (1, 0) => "This path needs less than the venue has".to_owned(),
        (1, _) => "This path needs more than the venue has".to_owned(),
        _ => {
            let p = crate::stats::proportion(over, n, 0.95);
            let share = over as f64 / n as f64;
            format!(
                "{} of the crashes need more than the {} at hand{}",
                p.map_or_else(|| percent(share), |p| shares(p)(share)),
                data.money(open),
                p.map_or_else(String::new, |p| interval(p, shares(p)))
            )
        }
    };
    let mut plot = Plot {
        name: "exceedance",
        title,
        subtitle: "Share of the paths that need at least this fund, both axes logarithmic, with its 95 % interval"
            .into(),
        legend: vec![
            (Swatch::Line(Colour::BLUE, Dash::Solid), "share of the paths".into()),
            (Swatch::Area(Colour::BLUE.faint(0.25)), "95 % interval".into()),
            (Swatch::Line(Colour::INK, Dash::Solid), format!("fund at the start, {}", data.money(open))),
        ],
        y_name: "share of the paths".into(),
        x_name: format!("fund need, {} (logarithmic)", data.header.currency),
        caption: data.caption(),
        x: Axis::amounts(0.0, if open > 0.0 { open } else { 1.0 }),
        y: Axis { ticks: vec![(0.0, "0 %".into())], ..Axis::shares(0.0) },
        x_scale: Scale::Amount,
        y_scale: Scale::Share,
        layers: Vec::new(),
        below: None,
    };
    let (Some(&first), Some(&last), true) = (points.first(), points.last(), n > 1) else {
        plot.legend.clear();
        let why = if n == 1 { "one path has no distribution" } else { "no path needs the fund" };
        plot.layers.push(Layer::Note(format!("nothing to draw: {why}")));
        return plot;
    };
    let log = |x: f64| libm::log10(x);
    let marks = [first.0, last.0, if open > 0.0 { open } else { first.0 }];
    let (low, high) = marks.iter().fold((f64::MAX, 0.0_f64), |(low, high), &m| (low.min(m), high.max(m)));
    (plot.x, plot.x_name) = need_axis(Abscissa::Decades, low, high, &data.header.currency);
    (plot.x_scale, plot.y_scale) = (Scale::LogAmount, Scale::LogShare);
    let floor = log(0.4 / n as f64);
    let decades = |power: f64| (power, percent(libm::exp(power * std::f64::consts::LN_10)));
    let (whole, _) = ticks(libm::ceil(floor), 0.0, 40);
    let whole = whole.into_iter().filter(|power| libm::rint(*power) == *power).map(decades).collect();
    plot.y = Axis { low: floor, high: log(1.15), ticks: whole };
    // The interval changes slowly, so a few dozen points draw it.
    let every = points.len().div_ceil(48);
    let thin: Vec<(f64, u64)> = points.iter().copied().step_by(every).chain([last]).collect();
    let bounds: Vec<(f64, f64, f64)> = thin
        .iter()
        .filter_map(|&(amount, count)| {
            let p = crate::stats::proportion(count, n, 0.95)?;
            Some((log(amount), log(p.low).max(floor), log(p.high).min(0.0)))
        })
        .collect();
    let column = |pick: fn(&(f64, f64, f64)) -> f64| bounds.iter().map(pick).collect::<Vec<f64>>();
    plot.layers.push(Layer::Band {
        of: 1,
        x: column(|b| b.0),
        low: column(|b| b.1),
        high: column(|b| b.2),
        colour: Colour::BLUE.faint(0.25),
    });
    let fine = points.len().div_ceil(600);
    let curve: Vec<(f64, u64)> = points.iter().copied().step_by(fine).chain([last]).collect();
    plot.layers.push(Layer::Curve {
        of: 0,
        x: curve.iter().map(|p| log(p.0)).collect(),
        y: curve.iter().map(|p| log(p.1 as f64 / n as f64)).collect(),
        colour: Colour::BLUE,
        width: 3.0,
        dash: Dash::Solid,
    });
    if open > 0.0 {
        plot.layers.push(Layer::Upright { of: 2, x: log(open), colour: Colour::INK, width: 3.0, dash: Dash::Solid });
    }
    plot
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
