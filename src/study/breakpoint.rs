//! Reverse stress: how far a key must go until a probability reaches a level.
//!
//! A coarse grid finds where the level is first passed, and halving narrows it; all points meet the same shocks, so the
//! curve between them is smoother than the error of each point. The interval of the answer reaches from the first value
//! at which the upper bound of the probability passes the level to the first at which the lower bound does, both by
//! straight lines between the points.
//!
//! "First" is from the end of the range where the probability is smaller: a larger drop exhausts a fund more often, a larger
//! fund is exhausted less often. A level that is passed already at that end is not passed within the range.

use super::Runs;
use crate::fault::{Failure, Faults};
use crate::folder::frontier::Passing;
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

/// Where a level is passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reached {
    pub level: f64,
    pub at: Passing,
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
    let scenario_at = |x: f64| load(&[Setting { key: question.key.clone(), literal: format!("{x}") }]);
    let cell = |x: f64, scenario: &Scenario| -> Result<(f64, Cell), Failure> {
        let literal = format!("{x}");
        let cell = runs.run(scenario)?.cell(format!("{} {literal}", question.key), vec![literal], None);
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
        let x = tidy(question.from + share * (question.to - question.from));
        points.push(cell(x, &scenario_at(x)?)?);
    }
    let of = |point: &(f64, Cell)| point.1.estimate(&question.metric).map(|p| (point.0, p));
    for level in &question.levels {
        for _ in 0..ROUNDS {
            let curve: Vec<(f64, Estimate)> = points.iter().filter_map(of).collect();
            let Some(at) = bracket(&curve, *level) else { break };
            let middle = tidy(0.5 * (points[at - 1].0 + points[at].0));
            if middle <= points[at - 1].0 || middle >= points[at].0 {
                break;
            }
            // A key that takes whole numbers alone is known no more closely than that.
            let Ok(scenario) = scenario_at(middle) else { break };
            begin(1);
            points.insert(at, cell(middle, &scenario)?);
        }
    }
    let curve: Vec<(f64, Estimate)> = points.iter().filter_map(of).collect();
    let reached = |&level: &f64| Some(Reached { level, at: passing(&curve, level)? });
    let reached = question.levels.iter().filter_map(reached).collect();
    let cells = points.into_iter().map(|(_, cell)| cell).collect();
    Ok((Study { name: question.key.clone(), axes: vec![question.key.clone()], cells, base: 0 }, reached))
}

/// To nine digits, so that a literal does not end in the rounding of a float.
fn tidy(x: f64) -> f64 {
    format!("{x:.8e}").parse().unwrap_or(x)
}

/// Whether the probability is smaller at the end of the range than at its beginning.
fn falls(curve: &[(f64, Estimate)]) -> bool {
    let (first, last) = (curve.first(), curve.last());
    first.zip(last).is_some_and(|((_, first), (_, last))| last.estimate < first.estimate)
}

/// The place before which a point is to be put, so that the passing of a level is known more closely; `None` where the level
/// is not passed between two points.
fn bracket(curve: &[(f64, Estimate)], level: f64) -> Option<usize> {
    let is_reached = |(_, p): &(f64, Estimate)| p.estimate >= level;
    if falls(curve) {
        curve.iter().rposition(is_reached).map(|at| at + 1).filter(|&at| at < curve.len())
    } else {
        curve.iter().position(is_reached).filter(|&at| at > 0)
    }
}

/// Where a curve in ascending order of its abscissas passes a level; `None` where it has no point.
fn passing(curve: &[(f64, Estimate)], level: f64) -> Option<Passing> {
    let falls = falls(curve);
    let along = |bound: fn(&Estimate) -> f64| -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = curve.iter().map(|(x, p)| (*x, bound(p))).collect();
        if falls {
            points.reverse();
        }
        points
    };
    let (end, p) = *if falls { curve.last() } else { curve.first() }?;
    if p.estimate >= level {
        return Some(Passing::Beyond { end, p });
    }
    let Some(estimate) = crossing(&along(|p| p.estimate), level) else {
        let (most, p) = *curve.iter().max_by(|a, b| a.1.estimate.total_cmp(&b.1.estimate))?;
        return Some(Passing::Never { most, p });
    };
    // Before the range lies all that the upper bound may have passed already, behind it what the lower bound never passes.
    let (before, behind) = if falls { (f64::INFINITY, f64::NEG_INFINITY) } else { (f64::NEG_INFINITY, f64::INFINITY) };
    let sooner = if p.high >= level { before } else { crossing(&along(|p| p.high), level).unwrap_or(before) };
    let later = crossing(&along(|p| p.low), level).unwrap_or(behind);
    let (low, high) = if falls { (later, sooner) } else { (sooner, later) };
    let at = Estimate { estimate, low, high, level: 0.95, standard_error: None };
    Some(if falls { Passing::Falls(at) } else { Passing::Rises(at) })
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

    /// Probabilities a tenth wide to both sides.
    fn curve(points: &[(f64, f64)]) -> Vec<(f64, Estimate)> {
        let around = |p: f64| Estimate {
            estimate: p,
            low: (p - 0.1).max(0.0),
            high: (p + 0.1).min(1.0),
            level: 0.95,
            standard_error: None,
        };
        points.iter().map(|(x, p)| (*x, around(*p))).collect()
    }

    #[test]
    fn a_level_that_is_passed_before_the_range_begins_has_no_value_in_it() {
        let rising = curve(&[(1.0, 0.3), (2.0, 0.5), (3.0, 0.9)]);
        assert_eq!(passing(&rising, 0.3), Some(Passing::Beyond { end: 1.0, p: rising[0].1 }));
        assert_eq!(passing(&rising, 0.05), Some(Passing::Beyond { end: 1.0, p: rising[0].1 }));
        assert_eq!(bracket(&rising, 0.05), None, "there is nothing to narrow");
        // 0.4 lies half-way from 0.3 to 0.5; the upper bound is there from the beginning, the lower one at 2.
        let Some(Passing::Rises(at)) = passing(&rising, 0.4) else { panic!("{:?}", passing(&rising, 0.4)) };
        assert_eq!((at.estimate, at.low, at.high), (1.5, f64::NEG_INFINITY, 2.0));
        assert_eq!(passing(&rising, 0.95), Some(Passing::Never { most: 3.0, p: rising[2].1 }));
        assert_eq!(passing(&[], 0.5), None);
    }

    #[test]
    fn a_probability_that_falls_is_followed_to_where_it_falls_below_the_level() {
        let falling = curve(&[(10.0, 0.9), (20.0, 0.5), (30.0, 0.6), (40.0, 0.2)]);
        // The last time that it falls to 0.55: an eighth of the way from 0.6 at 30 to 0.2 at 40. The upper bound falls from
        // 0.7 to 0.3, so it is there at 33.75, the lower bound last at 10 + 10·(0.8 − 0.55)/0.4.
        let Some(Passing::Falls(at)) = passing(&falling, 0.55) else { panic!("{:?}", passing(&falling, 0.55)) };
        assert!((at.estimate - 31.25).abs() < 1e-12 && (at.high - 33.75).abs() < 1e-12, "{at:?}");
        assert!((at.low - 16.25).abs() < 1e-12, "{at:?}");
        assert_eq!(bracket(&falling, 0.55), Some(3));
        assert_eq!(passing(&falling, 0.2), Some(Passing::Beyond { end: 40.0, p: falling[3].1 }));
        assert_eq!(passing(&falling, 0.95), Some(Passing::Never { most: 10.0, p: falling[0].1 }));
        let Some(Passing::Falls(at)) = passing(&falling, 0.25) else { panic!("{:?}", passing(&falling, 0.25)) };
        assert_eq!(at.high, f64::INFINITY, "the upper bound is above it at the end of the range");
    }

    #[test]
    fn values_are_written_as_people_write_them() {
        assert_eq!(format!("{}", tidy(0.1 + 0.2)), "0.3");
        assert_eq!(format!("{}", tidy(122_000_000.0 / 3.0)), "40666666.7");
    }
}
