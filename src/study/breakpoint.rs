//! Reverse stress: how far a key must go until a probability reaches a level.
//!
//! A coarse grid finds where the level is first passed, and halving narrows it; all points meet the same shocks, so the
//! curve between them is smoother than the error of each point. The interval of the answer reaches from the first value
//! at which the upper bound of the probability passes the level to the first at which the lower bound does, both by
//! straight lines between the points.

use super::Runs;
use crate::fault::{Failure, Faults};
use crate::folder::study::{Cell, Study};
use crate::registry::Setting;
use crate::scenario::Scenario;
use crate::stats::Estimate;

/// Points of the coarse grid.
const GRID: u32 = 9;
/// Halvings for each level.
const ROUNDS: usize = 4;

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub key: String,
    pub from: f64,
    pub to: f64,
    /// A probability of the summary, such as `p_fund_exhausted`.
    pub metric: String,
    /// Shares to be reached.
    pub levels: Vec<f64>,
}

/// Where a level is first reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reached {
    pub level: f64,
    /// `None` where it is not reached within the range.
    pub at: Option<Estimate>,
}

/// Runs the study; the cells are in ascending order of the key.
///
/// # Errors
/// Faults of the scenario at one of the values, a metric without estimate, a broken path or an interruption.
pub fn breakpoint(
    question: &Question,
    load: &dyn Fn(&[Setting]) -> Result<Scenario, Failure>,
    runs: &Runs<'_>,
    begin: &dyn Fn(u64),
) -> Result<(Study, Vec<Reached>), Failure> {
    let cell = |x: f64| -> Result<(f64, Cell), Failure> {
        let literal = format!("{x}");
        let scenario = load(&[Setting { key: question.key.clone(), literal: literal.clone() }])?;
        let cell = runs.run(&scenario)?.cell(format!("{} {literal}", question.key), vec![literal], None);
        if cell.estimate(&question.metric).is_none() {
            return Err(Faults::usage(
                format!("`{}` has no estimate", question.metric),
                "use a probability such as p_fund_exhausted, p_adl or p_unfunded_deficit",
            )
            .into());
        }
        Ok((x, cell))
    };
    begin(u64::from(GRID));
    let mut points = Vec::new();
    for i in 0..GRID {
        let share = f64::from(i) / f64::from(GRID - 1);
        points.push(cell(tidy(question.from + share * (question.to - question.from)))?);
    }
    let p = |point: &(f64, Cell)| point.1.estimate(&question.metric).map_or(0.0, |e| e.estimate);
    for level in &question.levels {
        for _ in 0..ROUNDS {
            let Some(at) = points.iter().position(|point| p(point) >= *level).filter(|&at| at > 0) else { break };
            let middle = tidy(0.5 * (points[at - 1].0 + points[at].0));
            if middle <= points[at - 1].0 || middle >= points[at].0 {
                break;
            }
            begin(1);
            points.insert(at, cell(middle)?);
        }
    }
    let curve = |bound: fn(Estimate) -> f64| -> Vec<(f64, f64)> {
        points.iter().filter_map(|(x, cell)| Some((*x, bound(cell.estimate(&question.metric)?)))).collect()
    };
    let (middle, low, high) = (curve(|e| e.estimate), curve(|e| e.low), curve(|e| e.high));
    let reached = question
        .levels
        .iter()
        .map(|&level| Reached {
            level,
            at: crossing(&middle, level).map(|at| Estimate {
                estimate: at,
                low: crossing(&high, level).unwrap_or(f64::NEG_INFINITY),
                high: crossing(&low, level).unwrap_or(f64::INFINITY),
                level: 0.95,
                standard_error: None,
            }),
        })
        .collect();
    let cells = points.into_iter().map(|(_, cell)| cell).collect();
    Ok((Study { name: question.key.clone(), axes: vec![question.key.clone()], cells, base: 0 }, reached))
}

/// To nine digits, so that a literal does not end in the rounding of a float.
fn tidy(x: f64) -> f64 {
    format!("{x:.8e}").parse().unwrap_or(x)
}

/// The first abscissa at which the curve reaches a level, by straight lines; `None` where it does not.
fn crossing(curve: &[(f64, f64)], level: f64) -> Option<f64> {
    let at = curve.iter().position(|(_, y)| *y >= level)?;
    let (x, y) = curve[at];
    let Some((x0, y0)) = at.checked_sub(1).map(|before| curve[before]) else { return Some(x) };
    Some(x0 + (x - x0) * (level - y0) / (y - y0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_reached_between_two_points() {
        let curve = [(1.0, 0.0), (2.0, 0.2), (3.0, 0.1), (4.0, 0.9)];
        // From 0 at 1 to 0.2 at 2, 0.05 lies a quarter of the way; the later fall below 0.2 does not count.
        assert_eq!(crossing(&curve, 0.05), Some(1.25));
        assert_eq!(crossing(&curve, 0.2), Some(2.0));
        assert_eq!(crossing(&curve, 0.5), Some(3.5));
        assert_eq!(crossing(&curve, 0.95), None);
        assert_eq!(crossing(&[(1.0, 0.3)], 0.1), Some(1.0), "reached from the start");
    }

    #[test]
    fn values_are_written_as_people_write_them() {
        assert_eq!(format!("{}", tidy(0.1 + 0.2)), "0.3");
        assert_eq!(format!("{}", tidy(122_000_000.0 / 3.0)), "40666666.7");
    }
}
