//! How large a fund must be.
//!
//! A path exhausts a fund F exactly where its critical fund is larger, F_crit = fund_need_cash + floor (−∞ where nothing
//! is needed): until the first exhaustion the path is the same for every fund. Where a fall from the peak stops the fund at
//! a share a of it, F_crit is at least max over t of (m − n)/a − m, n the fund's cumulative result and m its peak in the window. So one run gives P(exhausted | F) for all
//! F, where the fund's budget is the only trigger of ADL and no lot reaches the venue's own inventory. Elsewhere every
//! fund is simulated. What depends on the fund through the book (ADL, unfunded deficit) is always simulated: fund money
//! pays for selling what ADL would have kept out of the book.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::{Run, Runs};
use crate::experiment::summary::LEVEL;
use crate::facts::Outcome;
use crate::fault::{Failure, Faults};
use crate::folder::fund_size::{Cost, FundSize, Method, Point, Simulated, Target};
use crate::registry::Setting;
use crate::scenario::Scenario;
use crate::stats::moments::Moments;
use crate::stats::{Estimate, binomial_at_most, proportion};
use crate::venue::rules::{CashLayer, Drawdown, PositionLayer};

/// The key that is varied.
const FUND: &str = "venue.fund.open";

/// Points of the curve beside the funds that are marked.
const POINTS: usize = 80;

/// Rounds of bisection where the fund must be searched by simulation.
const SEARCH: usize = 5;

/// Reads `p_adl <= 0.001` or `p_fund_exhausted <= 0.1 %`.
///
/// # Errors
/// Another metric, or a share that is not between 0 and 1.
pub fn target(text: &str) -> Result<Target, Faults> {
    let wrong = || {
        Faults::usage(
            format!("`{text}` is no target"),
            "write \"p_adl <= 0.001\" or \"p_fund_exhausted <= 0.1 %\"; the share lies between 0 and 1",
        )
    };
    let (metric, share) = ["<=", "≤", "<"].iter().find_map(|sign| text.split_once(sign)).ok_or_else(wrong)?;
    let (metric, share) = (metric.trim(), share.trim());
    let share = match share.strip_suffix('%') {
        Some(share) => share.trim().parse::<f64>().ok().map(|x| x / 100.0),
        None => share.parse().ok(),
    };
    match (metric, share) {
        ("p_adl" | "p_fund_exhausted", Some(share)) if share > 0.0 && share < 1.0 => {
            Ok(Target { metric: metric.to_owned(), share })
        }
        _ => Err(wrong()),
    }
}

/// Smallest n with 1 − (1 − target)ⁿ ≥ confidence: with fewer paths even the largest critical fund is not enough.
#[must_use]
pub fn paths_needed(share: f64, confidence: f64) -> u64 {
    libm::ceil(libm::log(1.0 - confidence) / libm::log1p(-share) - 1e-9).to_u64().unwrap_or(u64::MAX)
}

/// Smallest rank r (from 1) with P(Bin(n, 1 − target) ≤ r − 1) ≥ confidence, so that the r-th smallest critical fund is
/// at least the (1 − target)-quantile at that confidence; `None` where n is too small.
#[must_use]
pub fn sufficient_rank(n: u64, share: f64, confidence: f64) -> Option<u64> {
    let is_enough = |rank: u64| binomial_at_most(rank - 1, n, 1.0 - share) >= confidence;
    // At rank n the sum is all but (1 − target)ⁿ, which the sum itself cannot tell from 1.
    if n < paths_needed(share, confidence) {
        return None;
    }
    let (mut low, mut high) = (1, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// The critical fund of a path in cash units; `None` is −∞.
fn critical(row: &Outcome, floor: i64) -> Option<i64> {
    let cash = (row.fund_need_cash > 0).then(|| row.fund_need_cash + floor);
    cash.max(row.fall_fund)
}

/// Whether one run tells P(exhausted | F) for every F.
fn method(scenario: &Scenario, rows: &[Outcome]) -> Method {
    let rules = &scenario.rules;
    if rules.position_layers != [PositionLayer::Book, PositionLayer::Adl] {
        return Method::Grid(
            "`position_layers` is not book, adl, so the size of the fund changes a path before the fund is used up"
                .into(),
        );
    }
    if rules.cash_layers.first() != Some(&CashLayer::Fund) {
        return Method::Grid(
            "the fund is not the first cash layer, so what it needs depends on who pays before it".into(),
        );
    }
    let reason = match rules.waterfall.fund.drawdown {
        // It is on exactly while it leaves no allowance, so the first order that it cuts is the same for all larger falls.
        Some(Drawdown { start, stop, .. }) if start == stop => rules.beyond_its_budget(),
        Some(_) => Some("a drawdown that has stopped the fund goes on to do so at smaller falls"),
        None => rules.beyond_one_pass(),
    };
    if let Some(reason) = reason {
        return Method::Grid(reason.into());
    }
    if rows.iter().any(|row| row.to_engine != 0) {
        return Method::Grid("lots reached the venue's own inventory on some paths".into());
    }
    Method::OnePass
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub target: Target,
    pub confidence: f64,
    pub cost: Option<Cost>,
}

/// Runs the study. `load` checks the scenario with a setting of the fund; `begin` is told how many runs come next.
///
/// # Errors
/// Faults of the scenario at one of the funds, a broken path, or an interruption.
pub fn fund_size(
    question: &Question,
    load: &dyn Fn(&[Setting]) -> Result<Scenario, Failure>,
    runs: &Runs<'_>,
    begin: &dyn Fn(u64),
) -> Result<FundSize, Failure> {
    let Question { target, confidence, cost } = question;
    let scenario = load(&[])?;
    begin(1);
    let run = runs.run(&scenario)?;
    let header = run.header.clone();
    let unit = header.cash_unit.to_f64();
    let floor = header.fund_floor.0;
    let mut sorted: Vec<Option<i64>> = run.rows.iter().map(|row| critical(row, floor)).collect();
    sorted.sort_unstable();
    let amount = |units: i64| units as f64 * unit;
    // A fund below the floor is none: −∞ is the floor itself.
    let at_rank = |rank: u64| {
        let at = usize::try_from(rank).unwrap_or(usize::MAX).saturating_sub(1).min(sorted.len() - 1);
        sorted[at].unwrap_or(floor)
    };
    let n = sorted.len() as u64;
    let share = |share: f64| libm::ceil((1.0 - share) * n as f64 - 1e-9).to_u64().unwrap_or(n).clamp(1, n);
    let method = method(&scenario, &run.rows);
    let fund_open = amount(header.fund_open.0);

    // Funds to simulate: spread over the needs, with the ones that are spoken of.
    let mut funds: Vec<i64> =
        [0.5, 0.2, 0.1, 0.05, 0.02, 0.01].iter().map(|&s| rounded_up(at_rank(share(s)), unit)).collect();
    funds.extend([floor, header.fund_open.0, rounded_up(at_rank(n), unit)]);
    let (mut estimate, mut sufficient) = (None, None);
    if method == Method::OnePass {
        estimate = Some(at_rank(share(target.share)));
        sufficient = sufficient_rank(n, target.share, *confidence).map(at_rank);
        funds.extend(sufficient);
    }
    funds.sort_unstable();
    funds.dedup();
    let simulate = |fund: i64| -> Result<(Simulated, Run), Failure> {
        let literal = header.cash_unit.show(fund).normalize().to_string();
        let run = runs.run(&load(&[Setting { key: FUND.into(), literal }])?)?;
        Ok((simulated(&run, amount(fund), unit, *cost), run))
    };
    begin(funds.len() as u64);
    let mut grid = Vec::with_capacity(funds.len());
    for &fund in &funds {
        grid.push(simulate(fund)?.0);
    }
    if let Method::Grid(_) = method {
        let meets = |cell: &Simulated, bound: bool| {
            let hits =
                cell.estimate(&target.metric).map_or(n, |e| libm::rint(e.estimate * n as f64).to_u64().unwrap_or(n));
            let p = if bound {
                // The one-sided bound at the confidence is the upper end of a two-sided interval of 2c − 1.
                proportion(hits, n, 2.0 * confidence - 1.0).map_or(1.0, |p| p.high)
            } else {
                hits as f64 / n as f64
            };
            p <= target.share
        };
        // From the largest fund down, so that a fund that meets the target by chance between two that do not is passed by.
        let found = |grid: &[Simulated], bound: bool| {
            let failing = grid.iter().rposition(|cell| !meets(cell, bound));
            failing.map_or(Some(0), |at| (at + 1 < grid.len()).then_some(at + 1))
        };
        for _ in 0..SEARCH {
            let Some(at) = found(&grid, true).filter(|&at| at > 0) else { break };
            let middle = units(0.5 * (grid[at - 1].fund + grid[at].fund), unit);
            begin(1);
            grid.insert(at, simulate(middle)?.0);
        }
        sufficient = found(&grid, true).map(|at| units(grid[at].fund, unit));
        estimate = found(&grid, false).map(|at| units(grid[at].fund, unit));
    }
    let curve = match method {
        Method::OnePass => one_pass_curve(&sorted, floor, unit, &[header.fund_open.0]),
        Method::Grid(_) => {
            grid.iter().filter_map(|cell| Some(Point { fund: cell.fund, p: cell.estimate(&target.metric)? })).collect()
        }
    };
    let mut interest = Moments::default();
    run.rows.iter().for_each(|row| interest.add(row.open_interest));
    let cheapest = grid
        .iter()
        .filter_map(|cell| Some((cell.fund, cell.cost?.estimate)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(fund, _)| fund);
    let independent = cost.map(|cost| {
        let ratio = cost.capital / (cost.crashes_per_year * cost.social_weight);
        if ratio >= 1.0 { amount(floor) } else { amount(at_rank(share(ratio))) }
    });
    Ok(FundSize {
        target: target.clone(),
        confidence: *confidence,
        estimate: estimate.map(amount),
        sufficient: sufficient.map(amount),
        paths_needed: paths_needed(target.share, *confidence),
        open_interest: interest.mean(LEVEL).map(|e| e.estimate * unit),
        fund_open,
        curve,
        grid,
        cost: *cost,
        cheapest,
        cheapest_if_independent: independent,
        method,
        header,
    })
}

/// The nearest number of cash units to an amount.
fn units(amount: f64, unit: f64) -> i64 {
    libm::rint(amount / unit).to_i64().unwrap_or(i64::MAX)
}

/// A fund rounded up to three digits, as nobody sets one to the cent.
fn rounded_up(fund: i64, unit: f64) -> i64 {
    let amount = Decimal::from_f64(fund as f64 * unit);
    let up = amount.and_then(|x| x.round_sf_with_strategy(3, rust_decimal::RoundingStrategy::AwayFromZero));
    up.and_then(|x| x.to_f64()).map_or(fund, |x| units(x, unit).max(fund))
}

/// P(F_crit > F) at funds spread over the critical funds found, and at the ones given.
fn one_pass_curve(sorted: &[Option<i64>], floor: i64, unit: f64, marked: &[i64]) -> Vec<Point> {
    let n = sorted.len();
    let mut funds: Vec<i64> = (0..=POINTS).filter_map(|i| sorted[(n - 1) * i / POINTS]).collect();
    // The upper tail is what is asked about, so it gets points of its own.
    funds.extend(sorted.iter().rev().take(POINTS).flatten());
    funds.extend(marked);
    funds.push(floor);
    funds.retain(|fund| *fund >= floor);
    funds.sort_unstable();
    funds.dedup();
    let point = |fund: i64| {
        let above = n - sorted.partition_point(|critical| critical.is_none_or(|critical| critical <= fund));
        proportion(above as u64, n as u64, LEVEL).map(|p| Point { fund: fund as f64 * unit, p })
    };
    funds.into_iter().filter_map(point).collect()
}

fn simulated(run: &Run, fund: f64, unit: f64, cost: Option<Cost>) -> Simulated {
    let mut beyond = Moments::default();
    for row in &run.rows {
        // What others paid, and what ADL spared the book at the winners' expense.
        beyond.add(row.venue_paid + row.backstop_loss + row.socialised + row.unfunded_deficit + row.book_cost_avoided);
    }
    let beyond = beyond.mean(LEVEL).map_or(Estimate::exact(0.0, LEVEL), |e| e.times(unit).at_least(0.0));
    let cost = cost.map(|cost| {
        let held = cost.capital * fund;
        let weight = cost.crashes_per_year * cost.social_weight;
        Estimate {
            estimate: held + weight * beyond.estimate,
            low: held + weight * beyond.low,
            high: held + weight * beyond.high,
            level: beyond.level,
            standard_error: beyond.standard_error.map(|se| se * weight),
        }
    });
    Simulated { fund, metrics: run.metrics.clone(), beyond, cost }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_thousand_needs_2995_paths() {
        // ln 0.05/ln 0.999 = 2994.2.
        assert_eq!(paths_needed(0.001, 0.95), 2_995);
        assert_eq!(sufficient_rank(2_994, 0.001, 0.95), None);
        assert_eq!(sufficient_rank(2_995, 0.001, 0.95), Some(2_995));
        // 1 − ½ⁿ ≥ 0.95 from n = 5; of 10, P(Bin(10, ½) ≤ 7) = 968/1024 = 0.945 < 0.95 ≤ P(≤ 8): rank 9.
        assert_eq!(paths_needed(0.5, 0.95), 5);
        assert_eq!(sufficient_rank(10, 0.5, 0.95), Some(9));
    }

    #[test]
    fn the_curve_counts_paths_that_need_more() {
        // Critical funds −∞, 10, 10, 30 above a floor of 5.
        let sorted = [None, Some(10), Some(10), Some(30)];
        let curve = one_pass_curve(&sorted, 5, 1.0, &[20]);
        let told: Vec<(f64, f64)> = curve.iter().map(|point| (point.fund, point.p.estimate)).collect();
        // A fund of exactly 10 carries the paths that need 10.
        assert_eq!(told, [(5.0, 0.75), (10.0, 0.25), (20.0, 0.25), (30.0, 0.0)]);
    }

    #[test]
    fn a_target_is_a_probability_and_a_bound() {
        assert_eq!(target("p_adl <= 0.001").unwrap(), Target { metric: "p_adl".into(), share: 0.001 });
        assert_eq!(target("p_fund_exhausted ≤ 5 %").unwrap().share, 0.05);
        for text in ["p_adl", "p_adl <= 0", "p_adl <= 2", "p_liquidation <= 0.1", "p_adl >= 0.1"] {
            assert!(target(text).is_err(), "{text}");
        }
    }

    /// The order statistic covers the true quantile at the stated confidence.
    #[test]
    fn the_sufficient_fund_is_large_enough_as_often_as_stated() {
        let mut next = crate::stats::bootstrap::splitmix(5);
        let (n, share) = (400, 0.02);
        let rank = sufficient_rank(n, share, 0.95).unwrap() as usize;
        let covered = (0..2_000)
            .filter(|_| {
                let mut need: Vec<f64> = (0..n).map(|_| crate::stats::bootstrap::unit(next())).collect();
                need.sort_unstable_by(f64::total_cmp);
                need[rank - 1] >= 1.0 - share
            })
            .count();
        // At least 95 %, less 3 standard errors of 2,000 trials (0.5 %).
        assert!(covered >= 1_870, "{covered} of 2000");
    }
}
