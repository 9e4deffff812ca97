//! The same share of everything, in steps, until the margin ratio is well below 1.
//!
//! Paradex (paradex-docs, risk-system/liquidations, August 2026): all positions of an account are reduced by the same
//! share, a multiple of 20 %, so that its maintenance ÷ equity falls below 90 %. An isolated position is an account of its
//! own here.

use super::{Breached, BreachedAccount, LiquidationRule};
use crate::money::{Cash, Qty, Ratio};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct ShareOfAll {
    step: Ratio,
    target: Ratio,
}

pub const ENTRY: Entry<dyn LiquidationRule> = Entry {
    kind: "share_of_all",
    about: "the least multiple of a share of every position that brings maintenance ÷ equity below a target",
    keys: &[
        Key {
            name: "step",
            shape: Shape::Share { min: 0.001, max: 1.0 },
            need: Need::Default("0.2"),
            about: "the share closed is a multiple of this",
        },
        Key {
            name: "target",
            shape: Shape::Share { min: 0.001, max: 1.0 },
            need: Need::Default("0.9"),
            about: "maintenance ÷ equity that what is left must lie below",
        },
    ],
    build: |values, _| Some(Box::new(ShareOfAll { step: values.ratio("step"), target: values.ratio("target") })),
};

impl LiquidationRule for ShareOfAll {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule> {
        Box::new(*self)
    }

    fn plan(&self, breached: &Breached<'_>) -> Qty {
        let maintenance_after = |share| {
            let left = breached.notional(breached.lots() - breached.part(share).0);
            breached.rules.tiers.maintenance_billionths(left) + breached.others.maintenance
        };
        breached.part(self.least(breached.equity, maintenance_after))
    }

    fn share(&self, account: &BreachedAccount<'_>) -> Option<Ratio> {
        Some(self.least(account.equity, |share| account.maintenance_after(share)))
    }
}

impl ShareOfAll {
    /// The least multiple of the step that leaves a maintenance margin below the target; everything where none does.
    fn least(&self, equity: Cash, maintenance_after: impl Fn(Ratio) -> i128) -> Ratio {
        let mut share = self.step;
        while share < Ratio::ONE {
            // maintenance < target × equity, both in billionths.
            if maintenance_after(share) < i128::from(equity.0) * i128::from(self.target.0) {
                return share;
            }
            share += self.step;
        }
        Ratio::ONE
    }
}
