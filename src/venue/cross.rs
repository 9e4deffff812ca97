//! Cross accounts: one wallet and the unrealised profit of all cross positions back each of them.
//!
//! An account with one cross position breaches at a tick of its own, like an isolated one. With several, its equity is a
//! sum over contracts, so no single tick decides; each position holds a bound instead. With equity E, maintenance M and
//! notionals Nⱼ at the marks, a move of every position against the account by the share
//!
//!   d = (E − M) ÷ Σ Nⱼ·(1 + r_max,ⱼ)
//!
//! costs at most E − M, since maintenance rises by at most r_max of what notional rises. So the account is safe until one
//! of its positions has moved by d, and only then is it looked at again, exactly.

use super::margin::BEYOND_ALL;
use super::rules::{ContractRules, Rules, Trigger};
use crate::facts::{ContractId, Side};
use crate::money::{Cash, Multiplier, Price, Qty, Ratio, div_floor, narrow};

/// A place on the trigger line that every mark has passed, for those who suffer from a fall.
const ALWAYS: i64 = 1 << 60;

/// A cross position of one account.
#[derive(Clone, Copy, Debug)]
pub struct Leg {
    pub id: u32,
    pub contract: ContractId,
    pub qty: Qty,
    /// Cost, with the funding owed.
    pub cost: Cash,
    /// The place on the trigger line at which the account must be looked at.
    pub bound: i64,
}

/// A cross account at the marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Wallet plus unrealised profit.
    pub equity: Cash,
    /// Maintenance margin of all positions, in billionths of a cash unit: exact.
    pub maintenance: i128,
}

impl Standing {
    /// An account with this cash and no position.
    #[must_use]
    pub fn of_cash(cash: Cash) -> Self {
        Self { equity: cash, maintenance: 0 }
    }

    /// Adds signed lots at a mark. `cost` is theirs, with the funding that they owe.
    pub fn add(&mut self, of: &ContractRules, qty: Qty, cost: Cash, mark: Price) {
        let value = of.multiplier.value(qty, mark);
        self.equity += value - cost;
        self.maintenance += of.tiers.maintenance_billionths(value.abs());
    }

    #[must_use]
    pub fn breaches(&self, trigger: Trigger) -> bool {
        let equity = i128::from(self.equity.0) * i128::from(Ratio::ONE.0);
        match trigger {
            Trigger::Below => equity < self.maintenance,
            Trigger::AtOrBelow => equity <= self.maintenance,
        }
    }
}

/// Equity and maintenance of an account with these positions.
#[must_use]
pub fn standing(rules: &Rules, marks: &[Price], wallet: Cash, legs: &[Leg]) -> Standing {
    let mut standing = Standing::of_cash(wallet);
    for leg in legs {
        let c = usize::from(leg.contract);
        standing.add(&rules.contracts[c], leg.qty, leg.cost, marks[c]);
    }
    standing
}

/// Writes the bound of every position: the first place on its trigger line, in the direction of loss, at which the account
/// must be looked at.
pub fn bound(rules: &Rules, marks: &[Price], wallet: Cash, legs: &mut [Leg]) {
    if let [leg] = legs {
        leg.bound = rules.contracts[usize::from(leg.contract)].trigger(rules.trigger, leg.qty, leg.cost, wallet);
        return;
    }
    let standing = standing(rules, marks, wallet, legs);
    let slack = i128::from(standing.equity.0) * i128::from(Ratio::ONE.0) - standing.maintenance;
    let exposure: i128 = legs
        .iter()
        .map(|leg| {
            let c = usize::from(leg.contract);
            let notional = rules.contracts[c].multiplier.notional(leg.qty, marks[c]);
            i128::from(notional.0) * i128::from(Ratio::ONE.0 + rules.contracts[c].tiers.greatest_rate().0)
        })
        .sum();
    for leg in legs {
        let c = usize::from(leg.contract);
        let (side, place) = rules.contracts[c].line(Side::of(leg.qty), marks[c]);
        let allowed = narrow(div_floor(i128::from(place) * slack.max(0), exposure.max(1)));
        // An account that opens in breach is looked at first of all, wherever the marks go.
        leg.bound = match (side, slack < 0) {
            (Side::Long, true) => ALWAYS,
            (Side::Short, true) => 1,
            (Side::Long, false) => place - allowed,
            (Side::Short, false) => place + allowed,
        };
    }
}

impl ContractRules {
    /// The liquidation tick of a position on `side` that triggers at a place of its line: the first tick, in the direction
    /// of loss, at which a lot is worth that much, or so little. Several places may fall on one tick.
    #[must_use]
    pub fn tick_at(&self, side: Side, place: i64) -> Price {
        let Multiplier::Inverse(f) = self.multiplier else { return Price(place) };
        let (f, place) = (i128::from(f), i128::from(place));
        match side {
            // ⌊f/p + ½⌋ ≥ place: the greatest such p.
            Side::Long if place <= 0 => BEYOND_ALL,
            Side::Long => Price(narrow(div_floor(2 * f, 2 * place - 1))),
            // ⌊f/p + ½⌋ ≤ place: the least such p.
            Side::Short if place < 0 => BEYOND_ALL,
            Side::Short => Price(narrow(div_floor(2 * f, 2 * place + 1) + 1)),
        }
    }
}
