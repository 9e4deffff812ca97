//! What accounts did of their own accord, as a table for the terminal.

use std::fmt::Write as _;

use super::number::{Style, with_interval};
use crate::facts::{Column, Unit};
use crate::stats::Estimate;

/// Lines for a terminal; empty where nothing was done, or nobody could.
#[must_use]
pub fn table(means: &[(Column, Estimate)], currency: &str) -> String {
    let done: Vec<_> = means.iter().filter(|(_, mean)| mean.estimate != 0.0).collect();
    if done.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 3]> = done
        .iter()
        .map(|(column, mean)| {
            let (style, unit) = match column.unit {
                Unit::Cash => (Style::Amount, currency),
                Unit::Price => (Style::Plain, "price"),
                Unit::Count | Unit::Seconds => (Style::Plain, ""),
            };
            let [value, low, high] = with_interval(*mean, style);
            [column.name.replace('_', " "), value, format!("{low} … {high}  {unit}").trim_end().to_owned()]
        })
        .collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let (names, values) = (width(0), width(1));
    let mut text = String::from("\n  of their own accord, mean per crash\n");
    for [name, value, interval] in rows {
        let _ = writeln!(text, "  {name:<names$}  {value:>values$}  {interval}");
    }
    text
}
