//! What each part of the market adds: a table and a waterfall, first-in and last-in side by side.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::columns::{Align, aligned};
use super::frame::Axis;
use super::number::{Style, grouped, short, with_interval};
use super::scene::{Anchor, Colour, Dash, HEIGHT, Scene, Shape, WIDTH, Weight};
use crate::fault::Failure;
use crate::folder::attribution::{Attribution, Effect};
use crate::stats::Estimate;

/// Name of the chart's files.
pub const CHART: &str = "attribution";

fn style(effect: &Effect) -> Style {
    if effect.unit == "percentage points" { Style::Plain } else { Style::Amount }
}

fn unit(effect: &Effect) -> &str {
    if effect.unit == "percentage points" { "pp" } else { &effect.unit }
}

fn signed(estimate: Estimate, style: Style) -> String {
    let [value, low, high] = with_interval(estimate, style);
    let sign = if estimate.estimate > 0.0 && value != "0" { "+" } else { "" };
    if estimate.standard_error == Some(0.0) {
        return format!("{sign}{value}");
    }
    format!("{sign}{value} ({low} … {high})")
}

/// The table for a terminal: one block a metric, one line a part.
#[must_use]
pub fn table(found: &Attribution) -> String {
    let mut text = format!(
        "what each part adds on the same shocks, means of {} paths of seed {} with 95 % intervals, path by path\n",
        grouped(found.paths as f64, 0),
        found.seed
    );
    for effect in &found.effects {
        let style = style(effect);
        let _ = writeln!(text, "\n  {}, {}", effect.label, unit(effect));
        let head = ["", "added first", "in order", "added last"].map(String::from);
        let mut rows = vec![head];
        let mean = |estimate: Estimate| with_interval(estimate, style)[0].clone();
        rows.push(["all parts off".into(), String::new(), mean(effect.off), String::new()]);
        for (part, added) in found.parts.iter().zip(&effect.added) {
            let cell = |estimate| signed(estimate, style);
            rows.push([part.clone(), cell(added.first_in), cell(added.in_order), cell(added.last_in)]);
        }
        rows.push(["all parts on".into(), String::new(), mean(effect.on), String::new()]);
        text.push_str(&aligned("    ", &rows, &[Align::Left, Align::Right]));
    }
    text.push_str(
        "\n  What a part adds depends on which others are on: in order the parts add up, first and last show how far the order matters.\n",
    );
    text
}

/// Draws the waterfall as SVG and PNG into a folder.
///
/// # Errors
/// A chart that cannot be written.
pub fn draw(found: &Attribution, dir: &Path) -> Result<(), Failure> {
    let scene = waterfall(found);
    let svg = dir.join(format!("{CHART}.svg"));
    fs::write(&svg, scene.svg()?).map_err(Failure::file(&svg))?;
    scene.png(&dir.join(format!("{CHART}.png")))
}

/// Where a panel stands.
#[derive(Clone, Copy)]
struct Panel {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

const TOP: f64 = 132.0;
const GAP: f64 = 70.0;

/// Four panels, a metric each.
#[must_use]
pub fn waterfall(found: &Attribution) -> Scene {
    let mut scene = Scene::default();
    scene.shapes.push(Shape::Text {
        at: (36.0, 38.0),
        text: title(found),
        size: 26.0,
        weight: Weight::Bold,
        colour: Colour::INK,
        anchor: Anchor::Left,
    });
    let told =
        format!("Means of {} paths on the same shocks; whiskers: 95 %, path by path", grouped(found.paths as f64, 0));
    scene.text((36.0, 70.0), told, 18.0, Colour::GREY, Anchor::Left);
    legend(&mut scene);
    let (width, height) = ((WIDTH - 72.0 - GAP) / 2.0, (HEIGHT - TOP - 70.0 - GAP) / 2.0);
    for (at, effect) in found.effects.iter().take(4).enumerate() {
        let (column, row) = ((at % 2) as f64, (at / 2) as f64);
        let left = 36.0 + column * (width + GAP);
        let top = TOP + row * (height + GAP);
        let panel = Panel { left: left + 70.0, right: left + width, top: top + 26.0, bottom: top + height };
        draw_panel(&mut scene, panel, found, effect);
    }
    let caption = format!("scenario {} · seed {} · flashcrash {}", found.scenario, found.seed, found.version);
    scene.text((36.0, HEIGHT - 22.0), caption, 15.0, Colour::GREY, Anchor::Left);
    scene
}

/// The finding: what the largest part in order adds to the first metric.
pub(super) fn title(found: &Attribution) -> String {
    // The first metric that any part moves.
    let moved = |effect: &&Effect| effect.added.iter().any(|added| added.in_order.estimate != 0.0);
    let Some(effect) = found.effects.iter().find(moved) else { return "No part of the market adds anything".into() };
    let style = style(effect);
    let value = |estimate: Estimate| with_interval(estimate, style)[0].clone();
    let parts = found.parts.iter().zip(&effect.added);
    let largest = parts.max_by(|a, b| a.1.in_order.estimate.abs().total_cmp(&b.1.in_order.estimate.abs()));
    match largest {
        Some((part, added)) => format!(
            "{} {} {} with all parts, {} without; {part} adds {} first, {} last",
            capital(&effect.label),
            value(effect.on),
            unit(effect),
            value(effect.off),
            value(added.first_in),
            value(added.last_in)
        ),
        None => "What each part of the market adds".into(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn legend(scene: &mut Scene) {
    let mut x = 36.0;
    let mut swatch = |scene: &mut Scene, colour: Colour, text: &str| {
        scene.area(rectangle(x, 98.0, x + 22.0, 112.0), colour);
        scene.text((x + 32.0, 105.0), text, 17.0, Colour::INK, Anchor::Left);
        x += 60.0 + super::scene::text_width(text, 17.0, Weight::Regular);
    };
    swatch(scene, Colour::GREY.faint(0.7), "all parts off, all on");
    swatch(scene, Colour::VERMILLION, "in order: adds");
    swatch(scene, Colour::BLUE, "in order: takes away");
    diamond(scene, (x + 11.0, 105.0), Colour::WHITE);
    scene.text((x + 32.0, 105.0), "added first", 17.0, Colour::INK, Anchor::Left);
    x += 60.0 + super::scene::text_width("added first", 17.0, Weight::Regular);
    diamond(scene, (x + 11.0, 105.0), Colour::INK);
    scene.text((x + 32.0, 105.0), "added last", 17.0, Colour::INK, Anchor::Left);
}

fn rectangle(left: f64, top: f64, right: f64, bottom: f64) -> Vec<(f64, f64)> {
    vec![(left, top), (right, top), (right, bottom), (left, bottom)]
}

fn diamond(scene: &mut Scene, (x, y): (f64, f64), colour: Colour) {
    let at = |r: f64| vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y)];
    scene.area(at(8.0), Colour::INK);
    scene.area(at(5.5), colour);
}

fn draw_panel(scene: &mut Scene, panel: Panel, found: &Attribution, effect: &Effect) {
    // Where each step starts: all off, and what was added in order before it.
    let mut starts = vec![effect.off.estimate];
    for added in &effect.added {
        starts.push(starts.last().copied().unwrap_or(0.0) + added.in_order.estimate);
    }
    let finite = |x: f64| x.is_finite().then_some(x);
    let reach = effect.added.iter().zip(&starts).flat_map(|(added, start)| {
        [added.first_in, added.in_order, added.last_in].map(|e| [e.low, e.high, e.estimate].map(|x| start + x))
    });
    let reach: Vec<f64> = reach.flatten().chain([0.0, effect.off.high, effect.on.high]).filter_map(finite).collect();
    let (low, high) = (reach.iter().copied().fold(0.0, f64::min), reach.iter().copied().fold(0.0, f64::max));
    let axis = if high > low {
        // Room for the number over the tallest column.
        Axis::amounts(low, high + 0.08 * (high - low))
    } else {
        Axis { low: 0.0, high: 1.0, ticks: vec![(0.0, "0".into())] }
    };
    let y = |value: f64| {
        let share = (value.clamp(axis.low, axis.high) - axis.low) / (axis.high - axis.low);
        panel.bottom - share * (panel.bottom - panel.top)
    };
    let heading = format!("{}, {}", effect.label, unit(effect));
    scene.shapes.push(Shape::Text {
        at: (panel.left - 70.0, panel.top - 18.0),
        text: heading,
        size: 18.0,
        weight: Weight::Bold,
        colour: Colour::INK,
        anchor: Anchor::Left,
    });
    for (tick, label) in &axis.ticks {
        scene.line(vec![(panel.left, y(*tick)), (panel.right, y(*tick))], Colour::GRID, 1.0, Dash::Solid);
        scene.text((panel.left - 10.0, y(*tick)), label.clone(), 15.0, Colour::INK, Anchor::Right);
    }
    let slots = (found.parts.len() + 2) as f64;
    let slot = (panel.right - panel.left) / slots;
    let middle = |at: usize| panel.left + (at as f64 + 0.5) * slot;
    let half = slot * 0.28;
    let name = |scene: &mut Scene, at: usize, text: &str| {
        scene.text((middle(at), panel.bottom + 16.0), text, 15.0, Colour::INK, Anchor::Centre);
    };
    let column = |scene: &mut Scene, at: usize, mean: Estimate, text: &str| {
        let (left, right) = (middle(at) - half, middle(at) + half);
        scene.area(rectangle(left, y(mean.estimate), right, y(0.0)), Colour::GREY.faint(0.7));
        scene.text(
            (middle(at), y(mean.estimate) - 12.0),
            short(rounded(mean.estimate)),
            15.0,
            Colour::INK,
            Anchor::Centre,
        );
        name(scene, at, text);
    };
    column(scene, 0, effect.off, "all off");
    for (i, (part, added)) in found.parts.iter().zip(&effect.added).enumerate() {
        let (from, at) = (starts[i], i + 1);
        let to = from + added.in_order.estimate;
        let colour = if to >= from { Colour::VERMILLION } else { Colour::BLUE };
        let (left, right) = (middle(at) - half, middle(at) + half);
        scene.line(vec![(middle(at - 1) + half, y(from)), (right, y(from))], Colour::GREY, 1.0, Dash::Dotted);
        // A step of nothing is still seen as a line.
        let (top, bottom) = (y(from.max(to)), y(from.min(to)).max(y(from.max(to)) + 2.0));
        scene.area(rectangle(left, top, right, bottom), colour);
        for (offset, estimate) in [(-0.75, added.first_in), (0.0, added.in_order), (0.75, added.last_in)] {
            let x = middle(at) + offset * half * 1.9;
            let ends = [estimate.low, estimate.high]
                .map(|end| y(from + if end.is_finite() { end } else { estimate.estimate }));
            scene.line(vec![(x, ends[0]), (x, ends[1])], Colour::INK, 2.0, Dash::Solid);
            if offset != 0.0 {
                let fill = if offset < 0.0 { Colour::WHITE } else { Colour::INK };
                diamond(scene, (x, y(from + estimate.estimate)), fill);
            }
        }
        name(scene, at, part);
    }
    column(scene, found.parts.len() + 1, effect.on, "all on");
    scene.line(vec![(panel.left, y(0.0)), (panel.right, y(0.0))], Colour::INK, 1.5, Dash::Solid);
}

/// Three digits are enough beside a bar.
fn rounded(x: f64) -> f64 {
    format!("{x:.2e}").parse().unwrap_or(x)
}
