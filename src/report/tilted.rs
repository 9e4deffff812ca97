//! A run of importance sampling on the terminal.

use std::fmt::Write as _;
use std::path::Path;

use super::number::{grouped, with_interval};
use super::table::ROWS;
use crate::folder::tilted::Weighted;
use crate::folder::{Flag, Header};

/// What the pilot tried, one line each; empty where the tilt was given. The trials are (tilt, events, relative variance).
#[must_use]
pub fn pilot(trials: &[(String, u64, f64)], paths: u64, chosen: &str) -> String {
    if trials.is_empty() {
        return String::new();
    }
    let mut text = format!("Pilot, {paths} paths of their own for each tilt (variance of a path over p²):\n");
    for (tilt, events, variance) in trials {
        let known = if variance.is_finite() { format!("{variance:.1}") } else { "–".into() };
        let mark = if tilt == chosen { "  chosen" } else { "" };
        let _ = writeln!(text, "  {tilt:24} {events:>5} events  {known:>8}{mark}");
    }
    text.push('\n');
    text
}

/// The headline figures that weighted paths tell, each with its effective sample size.
#[must_use]
pub fn text(header: &Header, told: &Weighted, dir: &Path) -> String {
    let mut text = format!(
        "{}: {} paths, seed {}, importance sampling by {}\n\n",
        header.scenario,
        grouped(header.paths as f64, 0),
        header.seed,
        header.tilt.as_deref().unwrap_or("nothing")
    );
    let effective = |name: &str| told.effective.iter().find(|(known, _)| known == name).map(|(_, size)| *size);
    let mut rows = vec![["per crash of this scenario", "", "95 % interval", "effective paths"].map(String::from)];
    for (label, name, style) in ROWS {
        let Some(size) = effective(name) else { continue };
        let metric = told.metrics.iter().find(|metric| metric.name == name);
        let estimate = metric.and_then(|metric| metric.estimate);
        let [value, interval] = estimate.map_or_else(
            || ["–".to_owned(), "not told".to_owned()],
            |estimate| {
                let [value, low, high] = with_interval(estimate, style);
                [value, format!("{low} … {high}")]
            },
        );
        rows.push([label.to_owned(), value, interval, grouped(size, 0)]);
    }
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let (w0, w1, w2, w3) = (width(0), width(1), width(2), width(3));
    for [label, value, interval, size] in &rows {
        let _ = writeln!(text, "  {label:w0$}  {value:>w1$}  {interval:^w2$}  {size:>w3$}");
    }
    if rows.iter().any(|row| row[1] == "–") {
        let _ = writeln!(text, "\n  – {}", Flag::FewEffective.about());
    }
    if let Some(mean) = told.mean_weight {
        let verdict = if mean.low <= 1.0 && 1.0 <= mean.high { "contains 1, as it must" } else { "MISSES 1" };
        let _ = writeln!(
            text,
            "\n  mean weight {:.4}; its 99 % interval {:.4} … {:.4} {verdict}",
            mean.estimate, mean.low, mean.high
        );
    }
    let _ =
        writeln!(text, "\nWritten to {}: summary.json, paths.csv (last column: weight), manifest.json", dir.display());
    text
}
