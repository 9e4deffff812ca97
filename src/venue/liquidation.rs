//! Liquidation rules: how many lots of a breached position are closed.

use std::fmt::Debug;

use super::cross::Standing;
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

    /// Maintenance margin of all positions that stand together, less their equity, in billionths of a cash unit.
    #[must_use]
    pub fn missing_billionths(&self) -> i128 {
        let maintenance = self.rules.tiers.maintenance_billionths(self.notional(self.lots())) + self.others.maintenance;
        maintenance - i128::from(self.equity.0) * i128::from(Ratio::ONE.0)
    }

    /// Whether what is left after closing `lots` at the mark, before fees, no longer breaches.
    #[must_use]
    pub fn is_healthy_after(&self, lots: i64) -> bool {
        let left = self.notional(self.lots() - lots);
        if self.others.maintenance == 0 {
            return !self.rules.tiers.breaches(self.trigger, self.equity, left);
        }
        let maintenance = self.rules.tiers.maintenance_billionths(left) + self.others.maintenance;
        !Standing { equity: self.equity, maintenance }.breaches(self.trigger)
    }

    /// The least lots from 1 on that satisfy a condition which holds from some number on; all lots where none does.
    pub fn least(&self, holds: impl Fn(i64) -> bool) -> Qty {
        let (mut bad, mut good) = (0, self.lots());
        while good - bad > 1 {
            let middle = bad + (good - bad) / 2;
            if holds(middle) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        Qty(good)
    }
}

/// A rule for one breached account: how many lots to close.
pub trait LiquidationRule: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule>;

    /// Lots to close, from 1 to all. The venue holds a plan to that.
    fn plan(&self, breached: &Breached<'_>) -> Qty;
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
