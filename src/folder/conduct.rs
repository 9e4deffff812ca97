//! `behaviours.csv`: what accounts did of their own accord, the mean a path of each column with its interval.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::damaged;
use crate::facts::{Column, Conduct};
use crate::fault::Failure;
use crate::stats::Estimate;

/// Level of the intervals.
const LEVEL: f64 = 0.95;
const HEAD: &str = "column,mean,low,high";

/// Writes the file where anybody can do anything.
///
/// # Errors
/// A file that cannot be written.
pub fn write(means: &[(Column, Estimate)], dir: &Path) -> Result<(), Failure> {
    if means.is_empty() {
        return Ok(());
    }
    let number = |x: f64| if x.is_finite() { format!("{x}") } else { String::new() };
    let mut text = format!("{HEAD}\n");
    for (column, mean) in means {
        let _ = writeln!(text, "{},{},{},{}", column.name, number(mean.estimate), number(mean.low), number(mean.high));
    }
    let path = dir.join("behaviours.csv");
    fs::write(&path, text).map_err(Failure::file(&path))
}

/// Reads it; nothing where there is none.
///
/// # Errors
/// A file that is there but does not hold what [`write`] writes, with its line.
pub fn read(dir: &Path) -> Result<Vec<(Column, Estimate)>, Failure> {
    let path = dir.join("behaviours.csv");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, head)| head != HEAD) {
        return Err(damaged(&path, &format!("line 1 is not `{HEAD}`")));
    }
    lines.map(|(at, line)| mean(line).ok_or_else(|| damaged(&path, &format!("line {}", at + 1)))).collect()
}

fn mean(line: &str) -> Option<(Column, Estimate)> {
    let [name, mean, low, high] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
    let column = Conduct::COLUMNS.iter().find(|column| column.name == name)?;
    let bound = |text: &str, none: f64| if text.is_empty() { Some(none) } else { text.parse::<f64>().ok() };
    let estimate = Estimate {
        estimate: mean.parse().ok()?,
        low: bound(low, f64::NEG_INFINITY)?,
        high: bound(high, f64::INFINITY)?,
        level: LEVEL,
        standard_error: None,
    };
    Some((*column, estimate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_survive_their_file_and_damage_is_named_by_its_line() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap().is_empty());
        write(&[], dir.path()).unwrap();
        assert!(!dir.path().join("behaviours.csv").exists(), "nobody can do anything: no file");
        let mean = |estimate, low, high| Estimate { estimate, low, high, level: LEVEL, standard_error: None };
        let means = [
            (Conduct::COLUMNS[0], mean(1.5, 1.0, 2.0)),
            (Conduct::COLUMNS[2], mean(4e6, f64::NEG_INFINITY, f64::INFINITY)),
        ];
        write(&means, dir.path()).unwrap();
        let found = read(dir.path()).unwrap();
        let told = |(column, mean): &(Column, Estimate)| (column.name, mean.estimate, mean.low, mean.high);
        assert_eq!(found.iter().map(told).collect::<Vec<_>>(), means.iter().map(told).collect::<Vec<_>>());
        let path = dir.path().join("behaviours.csv");
        fs::write(&path, format!("{HEAD}\nvoluntary_sold,1,0,2\nsold,1,0,2\n")).unwrap();
        let told = read(dir.path()).unwrap_err().to_string();
        assert!(told.contains("behaviours.csv") && told.contains("line 3"), "{told}");
    }
}
