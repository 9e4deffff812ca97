//! The headline figures as a table for the terminal.

use std::fmt::Write as _;
use std::path::Path;

use super::footnotes::Footnotes;
use super::number::{Style, grouped, short, with_interval};
use crate::folder::schema::{BEHAVIOURS, CHARTS};
use crate::folder::{Header, Metric};

/// Rows of the table: what it is called, the metric, how it is printed.
pub(super) const ROWS: [(&str, &str, Style); 14] = [
    ("crashes that exhaust the fund", "p_fund_exhausted", Style::Percent),
    ("crashes with ADL", "p_adl", Style::Percent),
    ("fund draw, mean", "fund_draw_mean", Style::Amount),
    ("fund need, mean", "fund_need_mean", Style::Amount),
    ("fund need, VaR 99 %", "fund_need_var_99", Style::Amount),
    ("fund need, ES 99 %", "fund_need_es_99", Style::Amount),
    ("liquidated notional, mean", "liquidated_notional_mean", Style::Amount),
    ("liquidations, mean", "liquidations_mean", Style::Plain),
    ("ADL notional, mean", "adl_notional_mean", Style::Amount),
    ("ADL accounts, mean", "adl_accounts_mean", Style::Plain),
    ("unfunded deficit, mean", "unfunded_deficit_mean", Style::Amount),
    ("cascade amplification", "cascade_amplification", Style::Plain),
    ("price amplification", "price_amplification", Style::Plain),
    ("impact beyond the index, mean", "impact_excess_mean", Style::Plain),
];

const HEAD: &str = "per crash of this scenario";
const INTERVAL: &str = "95 % interval";

/// The headline figures, each with its interval, flags as footnotes, and where the files are.
#[must_use]
pub fn headline(header: &Header, metrics: &[Metric], dir: &Path) -> String {
    let mut footnotes = Footnotes::default();
    let mut rows = Vec::new();
    for (label, name, style) in ROWS {
        let Some(metric) = metrics.iter().find(|metric| metric.name == name) else { continue };
        let Some(estimate) = metric.estimate else {
            rows.push([label, "–", "", "", "", ""].map(String::from));
            continue;
        };
        let marks = footnotes.marks(&metric.flags);
        let [value, low, high] = with_interval(estimate, style);
        // A share says its unit in every number.
        let unit = match (style, metric.unit.as_str()) {
            (Style::Percent, _) | (_, "ratio") => String::new(),
            (_, "percentage points") => "pp".into(),
            (_, unit) => unit.to_string(),
        };
        rows.push([label.to_string(), value, low, high, unit, marks]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (names, values, lows, highs, units) = (width(0).max(HEAD.len()), width(1), width(2), width(3), width(4));
    let interval = (lows + 3 + highs).max(INTERVAL.len());
    let paths = if header.paths == 1 { "1 path".into() } else { format!("{} paths", grouped(header.paths as f64, 0)) };
    let mut text = format!(
        "{}: {paths}, seed {}, fund {} {}\n\n",
        header.scenario,
        header.seed,
        short(header.fund_open.0 as f64 * header.cash_unit.to_f64()),
        header.currency
    );
    let _ = writeln!(text, "{}", format!("  {HEAD:names$}  {:values$}  {INTERVAL:^interval$}", "").trim_end());
    for [name, value, low, high, unit, marks] in &rows {
        let bounds = if low.is_empty() { String::new() } else { format!("{low:>lows$} … {high:<highs$}") };
        let row = format!("  {name:names$}  {value:>values$}  {bounds:interval$}  {unit:units$}  {marks}");
        text.push_str(row.trim_end());
        text.push('\n');
    }
    if rows.iter().any(|row| row[1] == "–") {
        text.push_str("\n  – undefined here: a ratio over nothing\n");
    }
    text.push_str(&footnotes.lines());
    let _ = write!(
        text,
        "\nWritten to {}: report.html (open it in a browser), {} charts (.svg, .png), summary.json, paths.csv, series.csv\n",
        dir.display(),
        CHARTS.iter().filter(|(name, _)| header.behaviours || *name != BEHAVIOURS).count()
    );
    text
}
