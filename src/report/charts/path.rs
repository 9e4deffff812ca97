//! Charts of one path in full: who paid, and what was open.

use super::{Data, extent, shortened};
use crate::folder::trace::{Deleveraged, Traced};
use crate::report::frame::{Axis, Swatch};
use crate::report::number::{grouped, percent, short};
use crate::report::plot::{Layer, Plot, Scale};
use crate::report::scene::{Colour, Dash};

/// The path with the greatest ADL among those in full; where there is none, no path.
fn most_adl<'a>(data: &Data<'a>) -> Option<&'a Traced> {
    let notional = |trace: &Traced| trace.frames.deleveraged.iter().map(|winner| winner.notional).sum::<f64>();
    data.traces
        .iter()
        .filter(|trace| !trace.frames.deleveraged.is_empty())
        .max_by(|a, b| notional(a).total_cmp(&notional(b)))
}

/// The path that needs the largest fund among those in full.
fn worst<'a>(data: &Data<'a>) -> Option<&'a Traced> {
    data.traces.iter().max_by(|a, b| {
        // Of equals the lower number: `max_by` keeps the last.
        a.frames.fund_need.total_cmp(&b.frames.fund_need).then(b.frames.path.cmp(&a.frames.path))
    })
}

fn empty(data: &Data<'_>, name: &'static str, title: &str, subtitle: &str, note: &str) -> Plot {
    Plot {
        name,
        title: title.into(),
        subtitle: subtitle.into(),
        legend: Vec::new(),
        x_name: String::new(),
        y_name: String::new(),
        caption: data.caption(),
        x: Axis { low: 0.0, high: 1.0, ticks: Vec::new() },
        y: Axis { low: 0.0, high: 1.0, ticks: Vec::new() },
        x_scale: Scale::Share,
        y_scale: Scale::Share,
        layers: vec![Layer::Note(note.into())],
        below: None,
    }
}

const NOBODY: &str = "nothing to draw: nobody is deleveraged on the paths kept in full";

fn winners(count: usize) -> String {
    if count == 1 { "1 winner".into() } else { format!("{} winners", grouped(count as f64, 0)) }
}

/// What share of its profit each deleveraged winner gave up.
pub(super) fn haircut(data: &Data<'_>) -> Plot {
    let subtitle = "Haircut of each deleveraged winner: loss against the mark over unrealised profit";
    let Some(trace) = most_adl(data) else {
        return empty(data, "haircut", "Nobody pays a haircut", subtitle, NOBODY);
    };
    let all = &trace.frames.deleveraged;
    let mut ratios: Vec<f64> = all
        .iter()
        .filter(|winner| winner.unrealised > 0.0 && winner.haircut > 0.0)
        .map(|winner| winner.haircut / winner.unrealised)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let gifts = all.iter().filter(|winner| winner.haircut <= 0.0).count();
    let path = trace.frames.path;
    let (Some(&median), Some(&largest)) = (ratios.get(ratios.len().div_ceil(2).saturating_sub(1)), ratios.last())
    else {
        let title = match all.len() {
            1 => format!("The one winner deleveraged on path {path} loses nothing against the mark"),
            many => format!("None of the {} on path {path} loses against the mark", winners(many)),
        };
        return empty(
            data,
            "haircut",
            &title,
            subtitle,
            "nothing to draw: ADL closed every winner at the mark or better",
        );
    };
    let title = match ratios.len() {
        1 => format!("One winner pays on path {path}: {} of its profit", percent(median)),
        many => {
            format!(
                "Half of the {} who pay on path {path} give up {} of their profit or more",
                winners(many),
                percent(median)
            )
        }
    };
    let count = 24.0;
    let width = if largest > 0.0 { largest * 1.000_001 / count } else { 1.0 };
    let mut bars: Vec<(f64, f64, f64)> = Vec::new();
    for ratio in &ratios {
        let from = libm::floor(ratio / width) * width;
        let one = 1.0 / ratios.len() as f64;
        match bars.last_mut() {
            Some(bar) if (bar.0 - from).abs() < 0.5 * width => bar.2 += one,
            _ => bars.push((from, from + width, one)),
        }
    }
    let tallest = bars.iter().fold(0.0_f64, |tallest, bar| tallest.max(bar.2));
    let mut layers: Vec<Layer> = bars
        .iter()
        .map(|&(from, to, height)| Layer::Bar { from, to, height, colour: Colour::PURPLE.faint(0.65) })
        .collect();
    layers.push(Layer::Upright { of: 0, x: median, colour: Colour::INK, width: 3.0, dash: Dash::Dashed });
    Plot {
        name: "haircut",
        title,
        subtitle: format!("{subtitle}; {} closed at the mark or better", winners(gifts)),
        legend: vec![(Swatch::Line(Colour::INK, Dash::Dashed), format!("median, {}", percent(median)))],
        x_name: "haircut, share of unrealised profit".into(),
        y_name: "share of the winners who pay".into(),
        caption: data.caption(),
        x: Axis::shares(largest),
        y: Axis::shares(tallest),
        x_scale: Scale::Share,
        y_scale: Scale::Share,
        layers,
        below: None,
    }
}

/// Lorenz curve of what winners gave up.
pub(super) fn lorenz(data: &Data<'_>) -> Plot {
    let subtitle = "Deleveraged winners ranked by what they gave up, the largest first";
    let Some(trace) = most_adl(data) else {
        return empty(data, "lorenz", "Nobody pays by ADL", subtitle, NOBODY);
    };
    let all = &trace.frames.deleveraged;
    // Where most close at the mark or better, what they gave up is their positions.
    let paid = all.iter().map(|winner| winner.haircut).sum::<f64>() > 0.0;
    let amount = |winner: &Deleveraged| if paid { winner.haircut.max(0.0) } else { winner.notional };
    let what = if paid { "loss against the mark" } else { "notional closed" };
    let mut amounts: Vec<f64> = all.iter().map(amount).collect();
    amounts.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = amounts.iter().sum();
    let n = amounts.len();
    let (mut x, mut y, mut sum) = (vec![0.0], vec![0.0], 0.0);
    for (rank, amount) in amounts.iter().enumerate() {
        sum += amount;
        x.push((rank + 1) as f64 / n as f64);
        y.push(if total > 0.0 { sum / total } else { 0.0 });
    }
    let tenth = n.div_ceil(10);
    let path = trace.frames.path;
    let title = if n == 1 {
        format!("One account bears all ADL of path {path}")
    } else {
        let share = y.get(tenth).copied().unwrap_or(1.0);
        format!(
            "The top {} of {} deleveraged on path {path} bear {} of the {what}",
            tenth,
            grouped(n as f64, 0),
            percent(share)
        )
    };
    Plot {
        name: "lorenz",
        title,
        subtitle: subtitle.into(),
        legend: vec![
            (
                Swatch::Line(Colour::PURPLE, Dash::Solid),
                format!("{what}, {} {} in all", short(total), data.header.currency),
            ),
            (Swatch::Line(Colour::GREY, Dash::Dashed), "if all gave up alike".into()),
        ],
        x_name: "share of the deleveraged accounts".into(),
        y_name: format!("share of the {what}"),
        caption: data.caption(),
        x: Axis { high: 1.0, ..Axis::shares(1.0) },
        y: Axis::shares(1.0),
        x_scale: Scale::Share,
        y_scale: Scale::Share,
        layers: Layer::lorenz(x, y, Colour::PURPLE),
        below: None,
    }
}

/// Shades of the map, from the darkest: least part of the fullest step, and strength of the colour.
const SHADES: [(f64, f64); 5] = [(0.3, 0.95), (0.1, 0.7), (0.03, 0.45), (0.01, 0.26), (0.0, 0.12)];

/// Notional by liquidation price over time: the map that traders know, on the worst path.
pub(super) fn liquidation_map(data: &Data<'_>) -> Plot {
    let name = "liquidation_map";
    let subtitle = "Open positions by their liquidation price, notional at that price";
    let Some(trace) = worst(data).filter(|trace| !trace.frames.time_s.is_empty()) else {
        return empty(data, name, "No path is kept in full", subtitle, "run again to keep paths in full");
    };
    let (frames, path) = (&trace.frames, trace.frames.path);
    let map = &frames.map;
    let fullest = map.steps.iter().flatten().map(|(_, notional)| *notional).fold(0.0, f64::max);
    if fullest <= 0.0 {
        let title = format!("No position of path {path} can be liquidated near the mark");
        return empty(data, name, &title, subtitle, "nothing to draw: every liquidation price is out of reach");
    }
    let end = frames.time_s.last().copied().unwrap_or(0.0).max(data.header.horizon.seconds());
    let border = |at: usize| map.low + map.step * at as f64;
    let mut shades: [[Vec<[f64; 4]>; 2]; SHADES.len()] = Default::default();
    for (at, changes) in map.steps.iter().enumerate() {
        let side = usize::from(border(at) + 0.5 * map.step > map.open);
        let shade = |notional: f64| SHADES.iter().position(|(least, _)| notional > 0.0 && notional >= least * fullest);
        let mut runs: Vec<(f64, Option<usize>)> = Vec::new();
        for (frame, notional) in changes {
            let from = frames.time_s.get(*frame).copied().unwrap_or(end);
            let now = shade(*notional);
            if runs.last().is_none_or(|last| last.1 != now) {
                runs.push((from, now));
            }
        }
        for (i, (from, shade)) in runs.iter().enumerate() {
            let to = runs.get(i + 1).map_or(end, |next| next.0);
            if let Some(shade) = shade {
                shades[*shade][side].push([*from, to, border(at), border(at + 1)]);
            }
        }
    }
    let sides = [Colour::VERMILLION, Colour::BLUE];
    let mut layers: Vec<Layer> = Vec::new();
    for (both, (_, strength)) in shades.into_iter().zip(SHADES) {
        for (of, tiles) in both.into_iter().enumerate().filter(|(_, tiles)| !tiles.is_empty()) {
            layers.push(Layer::Tiles { of, tiles, colour: sides[of].faint(strength) });
        }
    }
    layers.push(Layer::Curve {
        of: 2,
        x: frames.time_s.clone(),
        y: frames.mark.clone(),
        colour: Colour::INK,
        width: 3.0,
        dash: Dash::Solid,
    });
    let (least, most) = extent(&[&frames.mark, &[map.open]]);
    let opening = |at: usize| map.steps[at].first().filter(|(frame, _)| *frame == 0).map_or(0.0, |(_, sum)| *sum);
    let count = map.steps.len();
    let passed: f64 = (0..count).filter(|&at| border(at) >= least && border(at + 1) <= most).map(opening).sum();
    let within: f64 = (0..count).map(opening).sum();
    let nearest = (0..count)
        .filter(|&at| opening(at) > 0.0)
        .map(|at| (border(at) + 0.5 * map.step - map.open).abs() / map.open)
        .fold(f64::INFINITY, f64::min);
    let title = if passed > 0.0 {
        format!(
            "The mark of path {path} passes liquidation prices of {}; {} stand within {} of the opening",
            data.money(passed),
            short(within),
            percent(map.step * count as f64 / 2.0 / map.open)
        )
    } else if nearest.is_finite() {
        format!(
            "The mark of path {path} {} liquidation price: the nearest lie about {} away",
            if frames.orders.last().is_some_and(|count| *count > 0) { "passes hardly a" } else { "reaches no" },
            percent(nearest)
        )
    } else {
        format!("The mark of path {path} passes no liquidation price")
    };
    let (x_axis, time) = Axis::time(data.header.horizon.seconds());
    let steps: Vec<String> = SHADES.iter().rev().skip(1).map(|(least, _)| short(round_down(least * fullest))).collect();
    let unit = short(map.step);
    Plot {
        name,
        title,
        subtitle: format!(
            "{subtitle}; darker from {} {} for each {unit} of price",
            steps.join(", "),
            data.header.currency
        ),
        legend: vec![
            (Swatch::Area(sides[0].faint(0.7)), "longs".into()),
            (Swatch::Area(sides[1].faint(0.7)), "shorts".into()),
            (Swatch::Line(Colour::INK, Dash::Solid), "mark".into()),
        ],
        x_name: format!("time since the start, {time}"),
        y_name: data.price_unit(),
        caption: data.caption(),
        x: x_axis,
        y: Axis::prices(map.low, border(count)),
        x_scale: Scale::Time,
        y_scale: Scale::Price,
        layers,
        below: None,
    }
}

/// To two digits: borders of shades are told, not computed with.
fn round_down(amount: f64) -> f64 {
    format!("{amount:.1e}").parse().unwrap_or(amount)
}

/// Open interest of the worst path.
pub(super) fn open_interest(data: &Data<'_>) -> Plot {
    let subtitle = "Open interest: notional of all longs at the mark";
    let Some(trace) = worst(data).filter(|trace| !trace.frames.time_s.is_empty()) else {
        return empty(data, "open_interest", "No path is kept in full", subtitle, "run again to keep paths in full");
    };
    let values = &trace.frames.open_interest;
    let (first, last) = (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0));
    let change = if first > 0.0 { 1.0 - last / first } else { 0.0 };
    let title = if change.abs() < 0.000_5 {
        format!("Path {} leaves open interest as it was, {}", trace.frames.path, data.money(first))
    } else {
        let verb = if change > 0.0 { "falls" } else { "rises" };
        format!(
            "Open interest {verb} by {} on path {}, from {} to {}",
            percent(change.abs()),
            trace.frames.path,
            short(first),
            data.money(last)
        )
    };
    over_time(data, trace, "open_interest", title, subtitle, (values, Scale::Amount, data.header.currency.clone()))
}

/// Leverage of all traders together on the worst path.
pub(super) fn leverage(data: &Data<'_>) -> Plot {
    let subtitle = "Leverage of all positions together: notional over equity, both at the mark";
    let Some(trace) = worst(data).filter(|trace| !trace.frames.time_s.is_empty()) else {
        return empty(data, "leverage", "No path is kept in full", subtitle, "run again to keep paths in full");
    };
    let values = &trace.frames.leverage;
    let (first, last) = (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0));
    let title = format!("Leverage goes from {}x to {}x on path {}", short(first), short(last), trace.frames.path);
    over_time(data, trace, "leverage", title, subtitle, (values, Scale::Number, "notional ÷ equity".into()))
}

fn over_time(
    data: &Data<'_>,
    trace: &Traced,
    name: &'static str,
    title: String,
    subtitle: &str,
    (values, scale, unit): (&[f64], Scale, String),
) -> Plot {
    let (x_axis, time) = Axis::time(data.header.horizon.seconds());
    let (_, high) = extent(&[values, &[0.0]]);
    let what = format!("path {} ({})", trace.frames.path, trace.frames.roles.join(", "));
    Plot {
        name,
        title,
        subtitle: subtitle.into(),
        legend: vec![(Swatch::Line(Colour::BLUE, Dash::Solid), shortened(&what, 90))],
        x_name: format!("time since the start, {time}"),
        y_name: unit,
        caption: data.caption(),
        x: x_axis,
        y: Axis::amounts(0.0, high),
        x_scale: Scale::Time,
        y_scale: scale,
        layers: vec![Layer::Curve {
            of: 0,
            x: trace.frames.time_s.clone(),
            y: values.to_vec(),
            colour: Colour::BLUE,
            width: 3.0,
            dash: Dash::Solid,
        }],
        below: None,
    }
}
