//! A run of importance sampling on the terminal.

use std::fmt::Write as _;
use std::path::Path;

use super::columns::{Align, aligned};
use super::number::{grouped, with_interval};
use super::table::ROWS;
use crate::folder::tilted::Weighted;
use crate::folder::{Flag, Header};

/// A tilt that the pilot tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// As it is written; empty where nothing was tilted.
    pub tilt: String,
    pub paths: u64,
    pub events: u64,
    /// Variance of one path over the squared probability.
    pub relative_variance: f64,
}

/// What the pilot tried, one line each; empty where the tilt was given.
#[must_use]
pub fn pilot(trials: &[Trial], chosen: &str) -> String {
    if trials.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "Pilot, on paths of its own (variance of one weighted path over p²: the less, the more a path is worth):\n",
    );
    let mut is_marked = false;
    for Trial { tilt, paths, events, relative_variance } in trials {
        let known = if relative_variance.is_finite() { format!("{relative_variance:.0}") } else { "–".into() };
        let is_chosen = tilt == chosen && !is_marked;
        is_marked |= is_chosen;
        let mark = if is_chosen { "  chosen" } else { "" };
        let name = if tilt.is_empty() { "nothing tilted" } else { tilt };
        let _ = writeln!(text, "  {paths:>5} paths {events:>5} events, variance over p² {known:>6}  {name}{mark}");
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
    text.push_str(&aligned("  ", &rows, &[Align::Left, Align::Right, Align::Centre, Align::Right]));
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
