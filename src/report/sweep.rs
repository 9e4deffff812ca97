//! Tables, sentences and charts of studies: runs side by side.

use std::fmt::Write as _;

use super::number::{Style, grouped, short, with_interval};
use super::table::ROWS;
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
        let width: Vec<usize> =
            (0..7).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
        text.push('\n');
        for row in rows {
            let [label, first, second, value, interval, unit, p] = row;
            let line = format!(
                "  {label:w0$}  {first:>w1$}  {second:>w2$}  {value:>w3$}  {interval:^w4$}  {unit:w5$}  {p}",
                w0 = width[0],
                w1 = width[1],
                w2 = width[2],
                w3 = width[3],
                w4 = width[4],
                w5 = width[5],
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
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

/// An amount to three digits.
#[must_use]
pub fn amount(x: f64) -> String {
    short(x)
}
