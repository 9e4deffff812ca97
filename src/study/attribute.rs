//! Attribution: what feedback, the withdrawal of quotes and behaviours each add to a crash.
//!
//! All combinations of the parts are run on the same shocks: infinite depth where feedback is off, a book that keeps its
//! quotes where withdrawal is, and accounts that do nothing of their own accord where behaviours are. What a part adds
//! depends on which others are on, so three differences stand side by side: added first (to a market without any part),
//! in order (to one with those before it), and last (to one with all others). In order they add up from all off to all
//! on; first and last say how far the order matters. Intervals are paired, path by path.

use super::Runs;
use crate::experiment::summary::LEVEL;
use crate::facts::Outcome;
use crate::fault::Failure;
use crate::folder::attribution::{Added, Attribution, Effect};
use crate::folder::{Adverse, VERSION};
use crate::scenario::Scenario;
use crate::stats::Estimate;
use crate::stats::moments::Moments;
use crate::stats::paired;

/// A part of the market that can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Feedback,
    Withdrawal,
    Behaviours,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Withdrawal => "withdrawal",
            Self::Behaviours => "behaviours",
        }
    }

    fn switch_off(self, scenario: &mut Scenario) {
        match self {
            Self::Feedback => scenario.without_feedback(),
            Self::Withdrawal => scenario.without_withdrawal(),
            Self::Behaviours => scenario.without_behaviours(),
        }
    }
}

/// The parts of a scenario, in the order in which they are switched on.
#[must_use]
pub fn parts(scenario: &Scenario) -> Vec<Part> {
    let mut parts = vec![Part::Feedback, Part::Withdrawal];
    if scenario.accounts.behave() {
        parts.push(Part::Behaviours);
    }
    parts
}

/// Billionths of a percentage point, in which the adverse move is summed.
const POINT: i128 = 1_000_000_000;

/// The farthest adverse move of the traded price, in billionths of a percentage point of the opening price.
fn traded_move(row: &Outcome, adverse: Adverse) -> i64 {
    let moved = match adverse {
        Adverse::Down => row.price_open - row.traded_low,
        Adverse::Up => row.traded_high - row.price_open,
    };
    let share = i128::from(moved) * 100 * POINT / i128::from(row.price_open.max(1));
    i64::try_from(share).expect("overflow: a price ten million times the opening one")
}

/// What is attributed: name, label, unit, value of a row.
type Measure = (&'static str, &'static str, Unit, fn(&Outcome, Adverse) -> i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    PercentagePoints,
    Currency,
}

const MEASURES: [Measure; 4] = [
    ("traded_move", "adverse move of the traded price", Unit::PercentagePoints, traded_move),
    ("liquidated_notional", "liquidated notional", Unit::Currency, |row, _| row.liquidated_notional),
    ("fund_need", "fund need", Unit::Currency, |row, _| row.fund_need),
    ("adl_notional", "ADL notional", Unit::Currency, |row, _| row.adl_notional),
];

/// How many runs an attribution makes.
#[must_use]
pub fn runs(scenario: &Scenario) -> u64 {
    1 << parts(scenario).len()
}

/// Runs every combination of the parts and compares.
///
/// # Errors
/// A scenario that cannot be loaded, a broken path or an interruption.
pub fn attribute(load: &dyn Fn() -> Result<Scenario, Failure>, runs: &Runs<'_>) -> Result<Attribution, Failure> {
    let whole = load()?;
    let parts = parts(&whole);
    // The rows with the parts of a mask on.
    let mut rows: Vec<Vec<Outcome>> = Vec::new();
    let mut header = None;
    for mask in 0..1_u32 << parts.len() {
        let mut scenario = load()?;
        for (_, part) in parts.iter().enumerate().filter(|(at, _)| mask & (1 << at) == 0) {
            part.switch_off(&mut scenario);
        }
        let run = runs.run(&scenario)?;
        header.get_or_insert(run.header);
        rows.push(run.rows);
    }
    let Some(header) = header else { unreachable!("there is at least the run with all parts off") };
    let all = rows.len() - 1;
    let effects = MEASURES
        .iter()
        .map(|&(name, label, unit, value)| {
            let scale = match unit {
                Unit::PercentagePoints => 1.0 / POINT as f64,
                Unit::Currency => header.cash_unit.to_f64(),
            };
            let value = |row: &Outcome| value(row, header.adverse);
            let difference = |from: usize, to: usize| {
                let pairs = rows[from].iter().zip(&rows[to]).map(|(a, b)| (value(a), value(b)));
                paired::means(pairs, LEVEL).map_or(Estimate::exact(0.0, LEVEL), |found| found.times(scale).estimate)
            };
            let mean = |at: usize| {
                let mut moments = Moments::default();
                rows[at].iter().for_each(|row| moments.add(value(row)));
                moments.mean(LEVEL).map_or(Estimate::exact(0.0, LEVEL), |mean| mean.times(scale))
            };
            let added = (0..parts.len()).map(|part| {
                let before = (1 << part) - 1;
                Added {
                    first_in: difference(0, 1 << part),
                    in_order: difference(before, before | (1 << part)),
                    last_in: difference(all & !(1 << part), all),
                }
            });
            Effect {
                name: name.to_owned(),
                label: label.to_owned(),
                unit: match unit {
                    Unit::PercentagePoints => "percentage points".to_owned(),
                    Unit::Currency => header.currency.clone(),
                },
                off: mean(0),
                on: mean(all),
                added: added.collect(),
            }
        })
        .collect();
    Ok(Attribution {
        scenario: header.scenario.clone(),
        seed: runs.seed,
        paths: runs.paths,
        version: VERSION.to_owned(),
        parts: parts.iter().map(|part| part.name().to_owned()).collect(),
        effects,
    })
}
