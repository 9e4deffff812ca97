//! Liquidation rules: how many lots of a breached position are closed.

use std::fmt::Debug;

use super::bisect::last_that_holds;
use super::cross::Leg;
use super::rules::{ContractRules, Trigger};
use crate::money::{Cash, Nanos, Price, Qty, Ratio};
use crate::registry::{Entry, EntryInfo, FamilyInfo, plug_ins};

/// A breached position as a rule sees it, at the mark.
#[derive(Clone, Copy, Debug)]
pub struct Breached<'a> {
    pub rules: &'a ContractRules,
    pub trigger: Trigger,
    /// Signed lots.
    pub qty: Qty,
    pub mark: Price,
    /// Collateral plus unrealised profit; of a cross position its account's wallet plus all unrealised profit.
    pub equity: Cash,
    /// Margins of the account's other cross positions.
    pub others: Others,
    /// Since the last order that closed a part of this position; `None` where there was none.
    pub since_partial: Option<Nanos>,
}

/// What the other positions of a cross account need, as far as they stay open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Maintenance margin in billionths of a cash unit: exact.
    pub maintenance: i128,
    /// Initial margin, that of each position rounded up to a cash unit.
    pub initial: Cash,
}

impl Breached<'_> {
    /// Lots, without their sign.
    #[must_use]
    pub fn lots(&self) -> i64 {
        self.qty.0.abs()
    }

    /// Notional at the mark of so many lots.
    #[must_use]
    pub fn notional(&self, lots: i64) -> Cash {
        self.rules.multiplier.notional(Qty(lots), self.mark)
    }

    /// Lots of a share of the position, rounded up, so that at least one closes.
    #[must_use]
    pub fn part(&self, share: Ratio) -> Qty {
        part(self.qty, share)
    }

    /// Maintenance margin of all positions that stand together, less their equity, in billionths of a cash unit.
    #[must_use]
    pub fn missing_billionths(&self) -> i128 {
        let maintenance = self.rules.tiers.maintenance_billionths(self.notional(self.lots())) + self.others.maintenance;
        maintenance - i128::from(self.equity.0) * i128::from(Ratio::ONE.0)
    }

    /// The least lots from 1 on that satisfy a condition which holds from some number on; all lots where none does.
    pub fn least(&self, holds: impl Fn(i64) -> bool) -> Qty {
        Qty(last_that_holds(self.lots(), 0, holds))
    }

    /// The least lots from 1 on that satisfy a condition; all lots where none does. As long as the tier of what is left is
    /// the same, the condition holds from some number on, or up to one.
    pub fn least_by_tier(&self, holds: impl Fn(i64) -> bool) -> Qty {
        let lots = self.lots();
        let tier_after = |closed: i64| self.rules.tiers.tier_of(self.notional(lots - closed));
        let mut first = 1;
        while first < lots {
            if holds(first) {
                return Qty(first);
            }
            let tier = tier_after(first);
            let below = last_that_holds(lots, first, |closed| tier_after(closed) < tier);
            let last = if tier_after(below) < tier { below - 1 } else { below };
            if last > first && holds(last) {
                return Qty(last_that_holds(last, first, holds));
            }
            first = last + 1;
        }
        Qty(lots)
    }
}

/// Lots of a share of a position, without their sign: rounded up, at least one and at most all.
fn part(qty: Qty, share: Ratio) -> Qty {
    let lots = qty.0.abs();
    Qty(share.of_ceil(Cash(lots)).0.clamp(1, lots))
}

/// A cross account in breach as a rule sees it, at the marks.
#[derive(Clone, Copy, Debug)]
pub struct BreachedAccount<'a> {
    pub contracts: &'a [ContractRules],
    pub marks: &'a [Price],
    /// Wallet plus unrealised profit of all cross positions.
    pub equity: Cash,
    /// The positions in contracts that can be closed now.
    pub positions: &'a [Leg],
    /// Maintenance margin, in billionths of a cash unit, of those that cannot, as their contracts stand still, and of
    /// tokens held as collateral.
    pub kept: i128,
}

impl BreachedAccount<'_> {
    /// Maintenance margin of the account, in billionths of a cash unit, after closing a share of each of its positions
    /// at the marks, each rounded up to a lot.
    #[must_use]
    pub fn maintenance_after(&self, share: Ratio) -> i128 {
        let left = |leg: &Leg| {
            let c = usize::from(leg.contract);
            let ContractRules { multiplier, tiers } = &self.contracts[c];
            let Qty(closed) = part(leg.qty, share);
            tiers.maintenance_billionths(multiplier.notional(Qty(leg.qty.0.abs() - closed), self.marks[c]))
        };
        self.kept + self.positions.iter().map(left).sum::<i128>()
    }
}

/// A rule for one breached account: how many lots to close.
pub trait LiquidationRule: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule>;

    /// Lots to close, from 1 to all. The venue holds a plan to that.
    fn plan(&self, breached: &Breached<'_>) -> Qty;

    /// Whether every plan is all lots: then none is asked for.
    fn closes_all(&self) -> bool {
        false
    }

    /// The share of every position of a cross account that is closed, above 0 and at most 1, for a rule that reduces
    /// them all alike: it is asked once, before the account's first order, and all its positions are cut by that share.
    /// Where there is none each position is planned by itself, while the account is in breach.
    fn share(&self, _account: &BreachedAccount<'_>) -> Option<Ratio> {
        None
    }
}

impl Clone for Box<dyn LiquidationRule> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

plug_ins! {
    /// All liquidation rules. One line a rule.
    RULES: dyn LiquidationRule, &INFO, [
        full,
        partial_fraction,
        tier_step_down,
        restore_margin,
        share_of_all,
    ]
}

pub static INFO: FamilyInfo = FamilyInfo {
    name: "liquidation rule",
    about: "How much of a position that breaches its maintenance margin is closed.",
    entries: || RULES.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: true,
};

#[cfg(test)]
mod tests;
