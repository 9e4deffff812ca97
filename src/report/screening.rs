//! A screening as a table and as a bar chart.

use std::fs;
use std::path::Path;

use super::columns::{Align, aligned};
use super::frame::{Axis, Frame, Swatch, Words};
use super::number::{Style, grouped, percent, short};
use super::scene::{Colour, Dash, Scene};
use super::sweep::in_brackets;
use crate::fault::Failure;
use crate::folder::screening::{Effect, Screening};

/// Bars that a chart holds.
const MOST_BARS: usize = 16;

fn style(found: &Screening) -> Style {
    if found.unit == "share" { Style::Percent } else { Style::Amount }
}

/// The ranking as text.
#[must_use]
pub fn text(found: &Screening) -> String {
    let style = style(found);
    let mut text = format!(
        "{}: effect of each key on {}, {} trajectories, {} points of {} paths\n\n",
        found.header.scenario,
        found.metric,
        found.trajectories,
        found.visited.len(),
        grouped(found.header.paths as f64, 0)
    );
    let shown = |x: f64| match style {
        Style::Percent => percent(x).replace(" %", " pp"),
        _ => short(x),
    };
    let head = ["key", "from", "to", "effect over the range, μ* (95 %)", "μ", "σ"];
    let mut rows = vec![head.map(String::from)];
    for Effect { name, from, to, size, mean, spread, .. } in &found.effects {
        let size = in_brackets(*size, style).replace(" %", " pp");
        rows.push([name.clone(), tidy(from), tidy(to), size, shown(*mean), shown(*spread)]);
    }
    text.push_str(&aligned("  ", &rows, &[Align::Left, Align::Right]));
    text.push_str(
        "\n  μ* ranks the keys within the ranges given; σ large against μ* means that a key's effect depends on the others.\n",
    );
    text
}

/// The bar chart, the largest effect on top.
#[must_use]
pub fn chart(found: &Screening) -> Scene {
    let effects = &found.effects[..found.effects.len().min(MOST_BARS)];
    let count = effects.len();
    let title = effects.first().map_or_else(
        || "No key was screened".to_owned(),
        |first| format!("{} moves most with {}, over the ranges given", found.metric, first.name),
    );
    let caption = format!(
        "scenario {} · seed {} · {} trajectories of {} paths a point · flashcrash {}",
        found.header.scenario,
        found.header.seed,
        found.trajectories,
        grouped(found.header.paths as f64, 0),
        found.header.version
    );
    let high = effects.iter().map(|effect| effect.size.high).fold(0.0_f64, f64::max);
    let x = match style(found) {
        Style::Percent => Axis::shares(high),
        _ => Axis::amounts(0.0, if high > 0.0 { high } else { 1.0 }),
    };
    // From 1, as a line at 0 would be taken for an axis.
    let place = |at: usize| (count - at) as f64;
    let y = Axis {
        low: 0.4,
        high: count as f64 + 0.6,
        ticks: effects
            .iter()
            .enumerate()
            .map(|(at, effect)| (place(at), format!("{} ({} … {})", effect.name, tidy(&effect.from), tidy(&effect.to))))
            .collect(),
    };
    let words = Words {
        title,
        subtitle: "Mean size of the change over the whole range of a key, others anywhere in theirs (Morris, μ*)"
            .into(),
        legend: vec![
            (Swatch::Area(Colour::BLUE.faint(0.65)), "μ*".into()),
            (Swatch::Line(Colour::INK, Dash::Solid), "95 % interval over trajectories".into()),
        ],
        y_axis: String::new(),
        x_axis: format!("change of {}, {}", found.metric, found.unit),
        caption: &caption,
    };
    let mut scene = Scene::default();
    let frame = Frame::new(&mut scene, &words, x, y);
    for (at, effect) in effects.iter().enumerate() {
        let (middle, half) = (place(at), 0.32);
        let (left, right) = (frame.x(0.0), frame.x(effect.size.estimate).max(frame.x(0.0) + 1.0));
        let (top, foot) = (frame.y(middle + half), frame.y(middle - half));
        scene.area(vec![(left, foot), (left, top), (right, top), (right, foot)], Colour::BLUE.faint(0.65));
        frame.curve(&mut scene, &[effect.size.low, effect.size.high], &[middle, middle], Colour::INK, 2.5, Dash::Solid);
    }
    scene
}

/// Draws the chart into a folder; returns its name.
///
/// # Errors
/// It cannot be written.
pub fn draw(found: &Screening, dir: &Path) -> Result<&'static str, Failure> {
    let scene = chart(found);
    let svg = dir.join("screen.svg");
    fs::write(&svg, scene.svg()?).map_err(Failure::file(&svg))?;
    scene.png(&dir.join("screen.png"))?;
    Ok("screen")
}

/// An end of a range: large numbers with their suffix, anything else as it is written.
fn tidy(text: &str) -> String {
    match text.replace('_', "").parse::<f64>() {
        Ok(x) if x.abs() >= 10_000.0 => short(x),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::assert_readable;
    use super::*;
    use crate::folder::tests::header;
    use crate::stats::Estimate;

    #[test]
    fn the_chart_can_be_read() {
        let effect = |name: &str, x: f64| Effect {
            key: name.into(),
            name: name.into(),
            from: "1".into(),
            to: "200000".into(),
            size: Estimate { estimate: x, low: x * 0.6, high: x * 1.5, level: 0.95, standard_error: None },
            mean: -x,
            spread: x / 3.0,
        };
        for (unit, scale) in [("share", 0.1), ("USDT", 2e7)] {
            let found = Screening {
                header: header(),
                metric: "fund_need_mean".into(),
                unit: unit.into(),
                trajectories: 8,
                keys: vec![],
                effects: vec![effect("venue.fund.open", scale), effect("assets.0.book.depth_1pct", scale / 7.0)],
                visited: vec![],
            };
            assert_readable(&chart(&found));
            assert!(text(&found).contains("venue.fund.open"));
        }
    }
}
