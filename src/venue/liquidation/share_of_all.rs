//! The same share of everything, in steps, until the margin ratio is well below 1.
//!
//! Paradex: all positions are reduced by the same share, a multiple of 20 %, so that maintenance ÷ equity falls below 90 %.
//! An isolated position is an account of its own here.

use super::{Breached, LiquidationRule};
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
        let lots = breached.lots();
        let tiers = &breached.rules.tiers;
        let mut share = self.step;
        while share < Ratio::ONE {
            let closed = share.of_ceil(Cash(lots)).0.clamp(1, lots);
            // maintenance < target × equity, both in billionths.
            let maintenance =
                tiers.maintenance_billionths(breached.notional(lots - closed)) + breached.others.maintenance;
            if maintenance < i128::from(breached.equity.0) * i128::from(self.target.0) {
                return Qty(closed);
            }
            share += self.step;
        }
        Qty(lots)
    }
}
