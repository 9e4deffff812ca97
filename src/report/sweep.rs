//! Tables, sentences and charts of studies: runs side by side.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::columns::{Align, aligned};
use super::footnotes::Footnotes;
use super::frame::{Axis, Frame, Swatch, Words};
use super::number::{Style, grouped, percent, short, with_interval};
use super::scene::{Anchor, Colour, Dash, Scene, Weight, text_width};
use super::table::ROWS;
use crate::fault::Failure;
use crate::folder::study::{Cell, Contrast, HEADLINE, SIGNIFICANT, Study};
use crate::stats::Estimate;

/// How a headline metric is called and printed.
fn row_of(name: &str) -> (&'static str, Style) {
    ROWS.iter().find(|(_, known, _)| *known == name).map_or(("", Style::Plain), |(label, _, style)| (label, *style))
}

/// The unit behind a number, where the number does not say it.
fn unit_of(cell: &Cell, name: &str) -> String {
    match cell.metrics.iter().find(|metric| metric.name == name).map(|metric| metric.unit.as_str()) {
        Some("share" | "ratio") | None => String::new(),
        Some("percentage points") => "pp".into(),
        Some(unit) => unit.to_owned(),
    }
}

fn signed(text: String, value: f64) -> String {
    if value > 0.0 && text != "0" && text != "0 %" { format!("+{text}") } else { text }
}

/// A difference with its sign, and its interval; percentages become percentage points.
fn difference(contrast: &Contrast, style: Style) -> [String; 3] {
    let Estimate { estimate, low, high, .. } = contrast.difference;
    let [e, l, h] = with_interval(contrast.difference, style);
    let points = |text: String| text.strip_suffix(" %").map_or(text.clone(), |share| format!("{share} pp"));
    [signed(points(e), estimate), signed(points(l), low), signed(points(h), high)]
}

/// What differs, in sentences: one for each cell beside the base.
#[must_use]
pub fn findings(study: &Study) -> Vec<String> {
    let base = study.base();
    let tests: usize =
        study.cells.iter().flat_map(|cell| &cell.contrasts).filter(|contrast| contrast.adjusted.is_some()).count();
    let sentence = |cell: &Cell| {
        if cell.identical {
            return format!(
                "{} and {} are identical: every one of {} has the same outcome, so every difference is exactly 0.",
                base.label,
                cell.label,
                paths(base.header.paths)
            );
        }
        let told: Vec<String> = HEADLINE
            .iter()
            .filter_map(|name| cell.contrast(name))
            .filter(|contrast| contrast.is_significant())
            .map(|contrast| {
                let (label, style) = row_of(&contrast.name);
                let [value, low, high] = difference(contrast, style);
                format!("{label} {value} ({low} … {high})")
            })
            .collect();
        if told.is_empty() {
            return format!(
                "{} does not differ significantly from {} in any headline metric (Holm over {tests} comparisons, {:.0} %).",
                cell.label,
                base.label,
                SIGNIFICANT * 100.0
            );
        }
        format!(
            "{} differs significantly from {} in {} of {} headline metrics (Holm over {tests} comparisons, {:.0} %): {}.",
            cell.label,
            base.label,
            told.len(),
            cell.contrasts.iter().filter(|contrast| contrast.adjusted.is_some()).count(),
            SIGNIFICANT * 100.0,
            told.join("; ")
        )
    };
    study.cells.iter().enumerate().filter(|(at, _)| *at != study.base).map(|(_, cell)| sentence(cell)).collect()
}

fn paths(count: u64) -> String {
    if count == 1 { "1 path".into() } else { format!("{} paths", grouped(count as f64, 0)) }
}

/// How the columns of a comparison stand: label, both values, difference, interval, unit, p-value.
const COMPARED: [Align; 7] =
    [Align::Left, Align::Right, Align::Right, Align::Right, Align::Centre, Align::Left, Align::Left];

/// One table for each cell beside the base: both values, the difference with its interval, and the adjusted p-value.
#[must_use]
pub fn comparison(study: &Study) -> String {
    let base = study.base();
    let mut text = format!(
        "{} on the same shocks, seed {}: differences from {}, path by path\n",
        paths(base.header.paths),
        base.header.seed,
        base.label
    );
    for (at, cell) in study.cells.iter().enumerate() {
        if at == study.base || cell.identical {
            continue;
        }
        let head = ["", &base.label, &cell.label, "difference", "95 % interval", "", "p"];
        let mut rows = vec![head.map(String::from)];
        for name in HEADLINE {
            let (label, style) = row_of(name);
            let value = |cell: &Cell| cell.estimate(name).map_or("–".into(), |e| with_interval(e, style)[0].clone());
            let (first, second, unit) = (value(base), value(cell), unit_of(cell, name));
            match cell.contrast(name) {
                Some(contrast) => {
                    let [value, low, high] = difference(contrast, style);
                    let p = p_value(contrast.adjusted.unwrap_or(contrast.p_value));
                    let mark = if contrast.is_significant() { " *" } else { "" };
                    rows.push([
                        label.into(),
                        first,
                        second,
                        value,
                        format!("{low} … {high}"),
                        unit,
                        format!("{p}{mark}"),
                    ]);
                }
                None => rows.push([label.into(), first, second, "–".into(), String::new(), unit, String::new()]),
            }
        }
        text.push('\n');
        text.push_str(&aligned("  ", &rows, &COMPARED));
    }
    text.push_str("\n  p is Holm's over all headline metrics shown; * below 0.05\n\n");
    for finding in findings(study) {
        let _ = writeln!(text, "{finding}");
    }
    text
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

/// An amount with its interval in one cell of a table: `1.23M (1.10 … 1.40M)`.
#[must_use]
pub fn in_brackets(estimate: Estimate, style: Style) -> String {
    let [value, low, high] = with_interval(estimate, style);
    if estimate.low == estimate.high { value } else { format!("{value} ({low} … {high})") }
}

/// A plain value to four digits.
#[must_use]
pub fn value(x: f64) -> String {
    if !x.is_finite() {
        return if x > 0.0 { "∞".into() } else { "−∞".into() };
    }
    if x.abs() >= 10_000.0 { short(x) } else { format!("{x:.4}").trim_end_matches('0').trim_end_matches('.').into() }
}

// ---------------------------------------------------------------------------------------------- sweeps

/// Columns of the table of a sweep.
const COLUMNS: [(&str, &str); 6] = [
    ("P(exhausted)", "p_fund_exhausted"),
    ("P(ADL)", "p_adl"),
    ("fund need ES 99 %", "fund_need_es_99"),
    ("liquidated, mean", "liquidated_notional_mean"),
    ("ADL notional, mean", "adl_notional_mean"),
    ("price amplification", "price_amplification"),
];

/// One row a cell, each estimate with its interval; `*` where it differs significantly from the base.
#[must_use]
pub fn table(study: &Study) -> String {
    let base = study.base();
    let mut rows = vec![study.axes.clone()];
    let is_asked = |(_, name): &&(&str, &str)| base.metrics.iter().any(|metric| metric.name == *name);
    let columns: Vec<&(&str, &str)> = COLUMNS.iter().filter(is_asked).collect();
    rows[0].extend(columns.iter().map(|(label, _)| (*label).to_owned()));
    let mut footnotes = Footnotes::default();
    let mut marks = |cell: &Cell, name: &str| {
        let metric = cell.metrics.iter().find(|metric| metric.name == name && metric.estimate.is_some());
        metric.map_or_else(String::new, |metric| footnotes.marks(&metric.flags))
    };
    let notes: Vec<Vec<String>> =
        study.cells.iter().map(|cell| columns.iter().map(|(_, name)| marks(cell, name)).collect()).collect();
    // Marks are as wide as the widest of their column, so that the numbers stand below one another.
    let widest: Vec<usize> =
        (0..columns.len()).map(|at| notes.iter().map(|row| row[at].len()).max().unwrap_or(0)).collect();
    for (at, cell) in study.cells.iter().enumerate() {
        let mut row = cell.values.clone();
        for (column, (_, name)) in columns.iter().enumerate() {
            let mark = if cell.contrast(name).is_some_and(Contrast::is_significant) { "*" } else { " " };
            let value = cell.estimate(name).map_or_else(|| "–".to_owned(), |e| in_brackets(e, row_of(name).1));
            let note = &notes[at][column];
            row.push(format!("{value}{mark}{note:width$}", width = widest[column]));
        }
        row.push(match (at == study.base, cell.identical) {
            (true, _) => "base".into(),
            (_, true) => "identical to the base".into(),
            _ => String::new(),
        });
        rows.push(row);
    }
    rows[0].push(String::new());
    let mut text = format!(
        "{}: {} cells of {} on the same shocks, seed {}, base {}\n\n",
        study.name,
        study.cells.len(),
        paths(base.header.paths),
        base.header.seed,
        base.label
    );
    text.push_str(&aligned("  ", &rows, &[Align::Right]));
    text.push_str("\n  estimate (95 % interval) in ");
    text.push_str(&base.header.currency);
    text.push_str(", per cent or ratio; * differs from the base (Holm over all headline metrics of all cells, 5 %)\n");
    text.push_str(&footnotes.lines());
    text
}

/// The charts of a sweep: metric, file name.
const CHARTS: [&str; 7] = [
    "p_fund_exhausted",
    "p_adl",
    "fund_need_es_99",
    "liquidated_notional_mean",
    "adl_notional_mean",
    "cascade_amplification",
    "price_amplification",
];

/// Lines that can be told apart in one chart.
const MOST_LINES: usize = 4;
const COLOURS: [(Colour, Dash); MOST_LINES] = [
    (Colour::BLUE, Dash::Solid),
    (Colour::VERMILLION, Dash::Dashed),
    (Colour::PURPLE, Dash::Dotted),
    (Colour::INK, Dash::Solid),
];

/// A chart of a sweep, ready to be drawn.
#[derive(Debug)]
pub struct Picture {
    /// Of its files.
    pub name: String,
    scene: Scene,
}

impl Picture {
    /// Draws it into a folder. It takes 20 MB while that lasts.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn draw(&self, dir: &Path) -> Result<(), Failure> {
        let svg = dir.join(format!("{}.svg", self.name));
        fs::write(&svg, self.scene.svg()?).map_err(Failure::file(&svg))?;
        self.scene.png(&dir.join(format!("{}.png", self.name)))
    }
}

/// The charts of a sweep. Axes beyond the second stand at the base.
#[must_use]
pub fn pictures(study: &Study) -> Vec<Picture> {
    let picture = |metric: &&str| Some(Picture { name: format!("sweep_{metric}"), scene: chart(study, metric)? });
    CHARTS.iter().filter_map(picture).collect()
}

/// Distinct values of an axis in the order of the cells.
fn along(study: &Study, axis: usize) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for cell in &study.cells {
        if !values.contains(&cell.values[axis]) {
            values.push(cell.values[axis].clone());
        }
    }
    values
}

fn number(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok().filter(|x: &f64| x.is_finite())
}

/// A value of an axis as charts show it.
fn tidy(text: &str) -> String {
    number(text).map_or_else(|| text.to_owned(), short)
}

/// Where the values of an axis stand in a chart.
struct Places {
    at: Vec<f64>,
    axis: Axis,
    is_number: bool,
}

/// Numbers by their size, over decades where they span more than 8 times; words side by side.
fn places(values: &[String]) -> Places {
    let numbers: Option<Vec<f64>> = values.iter().map(|text| number(text)).collect();
    let (at, is_number) = match numbers {
        Some(numbers) => {
            let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let spread = least > 0.0 && most > 8.0 * least;
            (numbers.iter().map(|&x| if spread { libm::log10(x) } else { x }).collect::<Vec<f64>>(), true)
        }
        None => ((0..values.len()).map(|i| i as f64).collect(), false),
    };
    let low = at.iter().copied().fold(f64::INFINITY, f64::min);
    let high = at.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let air = if high > low { 0.06 * (high - low) } else { 1.0 };
    let label = |text: &String| tidy(text);
    let mut ticks: Vec<(f64, String)> = at.iter().copied().zip(values.iter().map(label)).collect();
    ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
    Places { at, axis: Axis { low: low - air, high: high + air, ticks }, is_number }
}

fn y_axis(style: Style, low: f64, high: f64) -> Axis {
    match style {
        Style::Percent => Axis::shares(high),
        _ => Axis::amounts(low, high),
    }
}

fn shown(x: f64, style: Style) -> String {
    match style {
        Style::Percent => percent(x),
        Style::Amount | Style::Plain => short(x),
    }
}

/// The chart of one metric; `None` where there is only one point or no estimate.
#[must_use]
pub fn chart(study: &Study, metric: &str) -> Option<Scene> {
    let lengths: Vec<usize> = (0..study.axes.len()).map(|axis| along(study, axis).len()).collect();
    // The longest axis of numbers runs to the right, the next one tells the lines apart.
    let is_number = |axis: usize| along(study, axis).iter().all(|text| number(text).is_some());
    let mut order: Vec<usize> = (0..study.axes.len()).filter(|&axis| lengths[axis] > 1).collect();
    order.sort_by_key(|&axis| (!is_number(axis), usize::MAX - lengths[axis]));
    let (&across, rest) = order.split_first()?;
    let lines = rest.first().copied();
    let base = study.base();
    let shown_cells: Vec<&Cell> = study
        .cells
        .iter()
        .filter(|cell| {
            (0..study.axes.len())
                .all(|axis| axis == across || Some(axis) == lines || cell.values[axis] == base.values[axis])
        })
        .collect();
    if shown_cells.iter().all(|cell| cell.estimate(metric).is_none()) {
        return None;
    }
    match lines {
        Some(second) if lengths[second] > MOST_LINES => Some(heat(study, metric, across, second, &shown_cells)),
        _ => Some(curves(study, metric, across, lines, &shown_cells)),
    }
}

fn words<'a>(study: &Study, metric: &str, title: String, axes: &[usize], caption: &'a str) -> Words<'a> {
    let base = study.base();
    let fixed: Vec<String> = (0..study.axes.len())
        .filter(|axis| !axes.contains(axis) && along(study, *axis).len() > 1)
        .map(|axis| format!("{} {}", study.axes[axis], tidy(&base.values[axis])))
        .collect();
    let held = if fixed.is_empty() { String::new() } else { format!("; {}", fixed.join(", ")) };
    let unit = unit_of(base, metric);
    Words {
        title,
        subtitle: format!("{} on the same shocks in every cell{held}", paths(base.header.paths)),
        legend: Vec::new(),
        y_axis: unit,
        x_axis: study.axes[axes[0]].clone(),
        caption,
    }
}

fn caption(study: &Study) -> String {
    let header = &study.base().header;
    format!(
        "sweep {} · scenario {} · seed {} · intervals: 95 % · flashcrash {}",
        study.name, header.scenario, header.seed, header.version
    )
}

fn title(study: &Study, metric: &str, cells: &[&Cell]) -> String {
    let (label, style) = row_of(metric);
    let found: Vec<(&Cell, f64)> =
        cells.iter().filter_map(|cell| Some((*cell, cell.estimate(metric)?.estimate))).collect();
    let least = found.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let most = found.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let mut name: Vec<char> = label.chars().collect();
    if let Some(first) = name.first_mut() {
        *first = first.to_uppercase().next().unwrap_or(*first);
    }
    let name: String = name.into_iter().collect();
    match (least, most) {
        (Some(least), Some(most)) if most.1 > least.1 => format!(
            "{name}: from {} ({}) to {} ({})",
            shown(least.1, style),
            brief(study, least.0),
            shown(most.1, style),
            brief(study, most.0)
        ),
        (Some(same), _) => format!("{name}: {} in every cell", shown(same.1, style)),
        _ => name,
    }
}

/// A cell by the values of the axes that vary.
fn brief(study: &Study, cell: &Cell) -> String {
    let parts: Vec<String> = (0..study.axes.len())
        .filter(|axis| along(study, *axis).len() > 1)
        .map(|axis| tidy(&cell.values[axis]))
        .collect();
    parts.join(", ")
}

fn curves(study: &Study, metric: &str, across: usize, lines: Option<usize>, cells: &[&Cell]) -> Scene {
    let (_, style) = row_of(metric);
    let values = along(study, across);
    let x = places(&values);
    let groups = lines.map_or_else(|| vec![String::new()], |axis| along(study, axis));
    let bound = |e: Estimate| {
        let bounds = if e.low.is_finite() && e.high.is_finite() { [e.low, e.high] } else { [e.estimate; 2] };
        bounds.into_iter().chain([e.estimate])
    };
    let all: Vec<f64> = cells.iter().filter_map(|cell| cell.estimate(metric)).flat_map(bound).collect();
    let low = all.iter().copied().fold(f64::INFINITY, f64::min);
    let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // A quantity that comes near 0 is shown from 0; a ratio far from it is not.
    let low = if low > 0.0 && low < 0.5 * high { 0.0 } else { low };
    let caption = caption(study);
    let mut axes = vec![across];
    axes.extend(lines);
    let mut words = words(study, metric, title(study, metric, cells), &axes, &caption);
    for (group, (colour, dash)) in groups.iter().zip(COLOURS) {
        let text =
            lines.map_or_else(|| row_of(metric).0.to_owned(), |axis| format!("{} {}", study.axes[axis], tidy(group)));
        words.legend.push((Swatch::Line(colour, dash), text));
    }
    let unbounded = |cell: &&&Cell| cell.estimate(metric).is_some_and(|e| !e.low.is_finite() || !e.high.is_finite());
    if cells.iter().any(|cell| unbounded(&cell)) {
        words.subtitle.push_str("; where there is no bar, there are too few paths to bound the estimate");
    }
    let mut scene = Scene::default();
    let frame = Frame::new(&mut scene, &words, x.axis.clone(), y_axis(style, low, high));
    for (group, (colour, dash)) in groups.iter().zip(COLOURS) {
        let mut points: Vec<(f64, Estimate)> = cells
            .iter()
            .filter(|cell| lines.is_none_or(|axis| cell.values[axis] == *group))
            .filter_map(|cell| {
                let at = values.iter().position(|value| *value == cell.values[across])?;
                Some((x.at[at], cell.estimate(metric)?))
            })
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        // What is not bounded has no bar; the subtitle says so.
        let bounded = |e: &Estimate| e.low.is_finite() && e.high.is_finite();
        let finite = |y: f64, e: &Estimate| if bounded(e) { y } else { e.estimate };
        let xs: Vec<f64> = points.iter().map(|point| point.0).collect();
        let lows: Vec<f64> = points.iter().map(|(_, e)| finite(e.low, e)).collect();
        let highs: Vec<f64> = points.iter().map(|(_, e)| finite(e.high, e)).collect();
        let middle: Vec<f64> = points.iter().map(|(_, e)| e.estimate).collect();
        if x.is_number {
            frame.band(&mut scene, &xs, &lows, &highs, colour.faint(0.2));
            frame.curve(&mut scene, &xs, &middle, colour, 3.0, dash);
        }
        for (at, (&x, &y)) in xs.iter().zip(&middle).enumerate() {
            frame.curve(&mut scene, &[x, x], &[lows[at], highs[at]], colour, 2.0, Dash::Solid);
            dot(&frame, &mut scene, x, y, colour);
        }
    }
    scene
}

/// A small square at a point.
fn dot(frame: &Frame, scene: &mut Scene, x: f64, y: f64, colour: Colour) {
    const HALF: f64 = 4.5;
    let (x, y) = (frame.x(x), frame.y(y));
    scene.area(vec![(x - HALF, y - HALF), (x + HALF, y - HALF), (x + HALF, y + HALF), (x - HALF, y + HALF)], colour);
}

fn heat(study: &Study, metric: &str, across: usize, up: usize, cells: &[&Cell]) -> Scene {
    let (_, style) = row_of(metric);
    let (columns, rows) = (along(study, across), along(study, up));
    let found: Vec<f64> = cells.iter().filter_map(|cell| Some(cell.estimate(metric)?.estimate)).collect();
    let low = found.iter().copied().fold(f64::INFINITY, f64::min);
    let high = found.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let share = |y: f64| if high > low { (y - low) / (high - low) } else { 0.0 };
    let grid = |values: &[String]| Axis {
        low: -0.5,
        high: values.len() as f64 - 0.5,
        ticks: values.iter().enumerate().map(|(at, text)| (at as f64, tidy(text))).collect(),
    };
    let caption = caption(study);
    let mut words = words(study, metric, title(study, metric, cells), &[across, up], &caption);
    words.y_axis.clone_from(&study.axes[up]);
    let tone = |share: f64| Colour::BLUE.faint(0.08 + 0.62 * share);
    words.legend = vec![
        (Swatch::Area(tone(0.0)), format!("least, {}", shown(low, style))),
        (Swatch::Area(tone(1.0)), format!("most, {}", shown(high, style))),
    ];
    let mut scene = Scene::default();
    let frame = Frame::new(&mut scene, &words, grid(&columns), grid(&rows));
    for cell in cells {
        let place = |values: &[String], axis: usize| values.iter().position(|value| *value == cell.values[axis]);
        let (Some(i), Some(j)) = (place(&columns, across), place(&rows, up)) else { continue };
        let Some(estimate) = cell.estimate(metric) else { continue };
        let (i, j) = (i as f64, j as f64);
        let (left, right) = (frame.x(i - 0.5) + 1.0, frame.x(i + 0.5) - 1.0);
        let (top, foot) = (frame.y(j + 0.5) + 1.0, frame.y(j - 0.5) - 1.0);
        let tile = vec![(left, top), (right, top), (right, foot), (left, foot)];
        scene.area(tile.clone(), Colour::WHITE);
        scene.area(tile, tone(share(estimate.estimate)));
        let [value, from, to] = with_interval(estimate, style);
        let interval = format!("{from} … {to}");
        let fits = |text: &str, size: f64| text_width(text, size, Weight::Regular) < right - left - 6.0;
        let (x, y) = (frame.x(i), frame.y(j));
        if fits(&interval, 12.0) && foot - top > 44.0 {
            scene.text((x, y - 10.0), value, 17.0, Colour::INK, Anchor::Centre);
            scene.text((x, y + 13.0), interval, 12.0, Colour::INK, Anchor::Centre);
        } else if fits(&value, 14.0) && foot - top > 16.0 {
            scene.text((x, y), value, 14.0, Colour::INK, Anchor::Centre);
        }
    }
    scene
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::assert_readable;
    use super::*;
    use crate::folder::tests::header;
    use crate::folder::{Flag, Metric};

    fn estimate(x: f64, half: f64) -> Estimate {
        Estimate { estimate: x, low: x - half, high: x + half, level: 0.95, standard_error: None }
    }

    fn cell(values: &[&str], p: f64) -> Cell {
        let metric = |name: &str, unit: &str, x: f64| Metric {
            name: name.into(),
            unit: unit.into(),
            estimate: Some(estimate(x, x / 4.0)),
            flags: vec![],
        };
        Cell {
            label: values.join(", "),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            header: header(),
            metrics: vec![metric("p_adl", "share", p), metric("fund_need_es_99", "USDT", p * 3e7)],
            contrasts: vec![],
            identical: false,
        }
    }

    fn grid(across: &[&str], lines: &[&str]) -> Study {
        let cells: Vec<Cell> = across
            .iter()
            .enumerate()
            .flat_map(|(i, x)| lines.iter().enumerate().map(move |(j, y)| cell(&[x, y], 0.1 + 0.08 * (i + j) as f64)))
            .collect();
        Study { name: "caps".into(), axes: vec!["leverage cap".into(), "cap keeps".into()], cells, base: 0 }
    }

    #[test]
    fn every_chart_of_a_sweep_can_be_read() {
        for lines in [&["notional", "collateral"][..], &["1_000", "2_000", "5_000", "10_000", "1000000"]] {
            let study = grid(&["5", "10", "25", "50", "75", "100", "125"], lines);
            for metric in ["p_adl", "fund_need_es_99"] {
                assert_readable(&chart(&study, metric).unwrap());
            }
            assert!(chart(&study, "price_amplification").is_none(), "nothing was estimated");
        }
        assert_readable(&chart(&grid(&["fund", "venue"], &["x"]), "p_adl").unwrap());
        assert!(chart(&grid(&["5"], &["x"]), "p_adl").is_none(), "one cell is no chart");
    }

    #[test]
    fn an_estimate_that_cannot_be_trusted_has_its_footnote_in_the_table_of_a_sweep_too() {
        let mut study = grid(&["5", "10"], &["x"]);
        study.cells[1].metrics[1].flags = vec![Flag::TailDominated, Flag::ThinTail];
        insta::assert_snapshot!(table(&study), @r"
        caps: 2 cells of 3 paths on the same shocks, seed 7, base 5, x

          leverage cap  cap keeps                     P(ADL)             fund need ES 99 %
                     5          x   10.0 % (7.5 % … 12.5 %)   3.00M (2.25M … 3.75M)         base
                    10          x  18.0 % (13.5 % … 22.5 %)      5.4M (4.0M … 6.8M) [1][2]

          estimate (95 % interval) in USDT, per cent or ratio; * differs from the base (Holm over all headline metrics of all cells, 5 %)

          [1] tail-dominated: 1 % of the paths carry over half; bootstrap-t, no coverage claimed (heavy tail: interval too narrow)
          [2] thin tail: fewer than 10 paths lie beyond the quantile; run more
        ");
    }

    fn contrast(name: &str, x: f64, p: f64) -> Contrast {
        Contrast { name: name.into(), difference: estimate(x, x.abs() / 4.0), p_value: p, adjusted: Some(p) }
    }

    #[test]
    fn what_differs_is_said_in_a_sentence() {
        let twin =
            Cell { label: "B".into(), identical: true, contrasts: vec![contrast("p_adl", 0.0, 1.0)], ..cell(&[], 0.1) };
        let same = Cell { label: "C".into(), contrasts: vec![contrast("p_adl", 0.02, 0.2)], ..cell(&[], 0.1) };
        let other = Cell {
            label: "D".into(),
            contrasts: vec![contrast("p_adl", -0.02, 0.001), contrast("fund_need_es_99", 4e6, 0.3)],
            ..cell(&[], 0.1)
        };
        let base = Cell { label: "A".into(), ..cell(&[], 0.1) };
        let study = Study { name: "x".into(), axes: vec![], cells: vec![base, twin, same, other], base: 0 };
        insta::assert_snapshot!(findings(&study).join("\n"), @r"
        A and B are identical: every one of 3 paths has the same outcome, so every difference is exactly 0.
        C does not differ significantly from A in any headline metric (Holm over 4 comparisons, 5 %).
        D differs significantly from A in 1 of 2 headline metrics (Holm over 4 comparisons, 5 %): crashes with ADL −2.00 pp (−2.50 pp … −1.50 pp).
        ");
    }
}
