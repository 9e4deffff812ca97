//! Chart of what accounts did of their own accord.

use super::{Data, interval};
use crate::facts::Unit;
use crate::report::frame::{Axis, Swatch};
use crate::report::number::short;
use crate::report::plot::{Layer, Plot, Scale};
use crate::report::scene::{Colour, Dash};
use crate::stats::Estimate;

/// Columns of amounts and what their bars are called, in order.
const NAMES: [(&str, &str); 13] = [
    ("voluntary_sold", "all sales"),
    ("voluntary_bought", "all purchases"),
    ("stop_loss_notional", "stop-loss"),
    ("take_profit_notional", "take-profit"),
    ("voluntary_exit_notional", "exits"),
    ("panic_notional", "panic"),
    ("dip_buyer_notional", "dip buyers"),
    ("arbitrage_notional", "arbitrage"),
    ("re_entry_notional", "re-entries"),
    ("topped_up", "topped up"),
    ("withdrawn", "withdrawn"),
    ("hedge_broken", "hedges lost"),
    ("spot_sold", "spot sold"),
];

/// What each behaviour moved: bars of the means with their intervals, those that moved nothing left out.
pub(super) fn behaviours(data: &Data<'_>) -> Plot {
    let mean = |name: &str| {
        data.conduct
            .iter()
            .find(|(column, mean)| column.name == name && column.unit == Unit::Cash && mean.estimate != 0.0)
            .map(|(_, mean)| *mean)
    };
    let bars: Vec<(&str, Estimate)> =
        NAMES.iter().filter_map(|(column, name)| mean(column).map(|mean| (*name, mean))).collect();
    let names: Vec<&str> = bars.iter().map(|(name, _)| *name).collect();
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    let ends = bars.iter().flat_map(|(_, mean)| [Some(mean.estimate), finite(mean.low), finite(mean.high)]).flatten();
    let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
    let mut layers = Vec::new();
    // One bar alone is no wall.
    let half = 0.06 * (bars.len() as f64).clamp(1.0, 5.0);
    let totals = bars.iter().filter(|(name, _)| name.starts_with("all ")).count();
    for (at, (_, mean)) in bars.iter().enumerate() {
        let middle = at as f64 + 0.5;
        let colour = if at < totals { Colour::BLUE } else { Colour::PURPLE };
        let (from, to) = (middle - half, middle + half);
        layers.push(Layer::Bar { from, to, height: mean.estimate, colour: colour.faint(0.65) });
        if let (Some(low), Some(high)) = (finite(mean.low), finite(mean.high))
            && high > low
        {
            layers.push(Layer::Whisker { x: middle, low, high });
        }
    }
    let one = data.header.paths == 1;
    let each = if one { "on this path" } else { "per crash on average" };
    let told = |(name, before, after): (&str, &str, &str)| {
        mean(name).map(|mean| format!("{before} {}{after}{}", data.money(mean.estimate), interval(mean, short)))
    };
    let traded = [("voluntary_sold", "sell", ""), ("voluntary_bought", "buy", "")];
    let moved = [("topped_up", "add", " of margin"), ("withdrawn", "take out", " of margin")];
    let mut did: Vec<String> = traded.into_iter().filter_map(told).collect();
    if did.is_empty() {
        did.extend(moved.into_iter().filter_map(told));
    }
    let title = match (bars.is_empty(), did.is_empty()) {
        (true, _) => "Nobody does anything of their own accord".to_owned(),
        (false, true) => "Nobody trades of their own accord".to_owned(),
        _ => format!("Of their own accord accounts {} {each}", did.join(" and ")),
    };
    let mut legend = Vec::new();
    if bars.is_empty() {
        layers.push(Layer::Note("nothing to draw: no behaviour moves anything".into()));
    } else if !one {
        legend.push((Swatch::Line(Colour::INK, Dash::Solid), "95 % interval".into()));
    }
    Plot {
        name: "behaviours",
        title,
        subtitle: "What accounts trade and move of their own accord, at the mark of the moment; by behaviour sales and purchases together".into(),
        legend,
        x_name: String::new(),
        y_name: data.header.currency.clone(),
        caption: data.caption(),
        x: if names.is_empty() { Axis { low: 0.0, high: 1.0, ticks: Vec::new() } } else { Axis::classes(&names) },
        y: if bars.is_empty() { Axis { low: 0.0, high: 1.0, ticks: Vec::new() } } else { Axis::amounts(low, high) },
        x_scale: Scale::Class,
        y_scale: Scale::Amount,
        layers,
        below: None,
    }
}
