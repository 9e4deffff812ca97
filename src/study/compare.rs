//! Scenarios on the same shocks: the first is the base, and every other one is told apart from it.

use super::{Runs, comparable, correct};
use crate::fault::{Failure, Faults};
use crate::folder::study::Study;
use crate::scenario::Scenario;

/// Runs all scenarios on one seed and compares each with the first.
///
/// # Errors
/// Scenarios that cannot be compared, a broken path or an interruption.
pub fn compare(scenarios: &[(String, Scenario)], runs: &Runs<'_>) -> Result<Study, Failure> {
    let Some(((label, first), others)) = scenarios.split_first() else {
        return Err(Faults::usage("nothing to compare", "name two scenarios or more").into());
    };
    for (_, other) in others {
        comparable(first, other)?;
    }
    let base = runs.run(first)?;
    let mut cells = vec![base.cell(label.clone(), Vec::new(), None)];
    for (label, other) in others {
        cells.push(runs.run(other)?.cell(label.clone(), Vec::new(), Some(&base)));
    }
    correct(&mut cells);
    let names: Vec<&str> = cells.iter().map(|cell| cell.label.as_str()).collect();
    Ok(Study { name: names.join(" · "), axes: Vec::new(), cells, base: 0 })
}
