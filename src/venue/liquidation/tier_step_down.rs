//! Large positions step down through the risk limits; small ones close whole.
//!
//! BitMEX: above the lowest tier the position is reduced to a lower risk limit, in the lowest tier it is taken over
//! whole. OKX cuts by two tiers at a time and closes tiers 1 and 2 whole. Bybit reduces tier by tier.

use super::{Breached, LiquidationRule};
use crate::money::Qty;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct TierStepDown {
    tiers: usize,
    whole_up_to: usize,
}

pub const ENTRY: Entry<dyn LiquidationRule> = Entry {
    kind: "tier_step_down",
    about: "cuts the position into a lower tier of notional; in the lowest tiers closes all of it",
    keys: &[
        Key {
            name: "tiers",
            shape: Shape::Count { min: 1, max: 1_000 },
            need: Need::Default("1"),
            about: "how many tiers one order steps down",
        },
        Key {
            name: "whole_up_to",
            shape: Shape::Count { min: 1, max: 1_000 },
            need: Need::Default("1"),
            about: "number of tiers, from the lowest, in which the whole position is closed",
        },
    ],
    build: |values, _| {
        let count = |key| usize::try_from(values.count(key)).unwrap_or(usize::MAX);
        Some(Box::new(TierStepDown { tiers: count("tiers"), whole_up_to: count("whole_up_to") }))
    },
};

impl LiquidationRule for TierStepDown {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule> {
        Box::new(*self)
    }

    fn plan(&self, breached: &Breached<'_>) -> Qty {
        let lots = breached.lots();
        let tiers = &breached.rules.tiers;
        let now = tiers.tier_of(breached.notional(lots));
        if now < self.whole_up_to {
            return Qty(lots);
        }
        let target = now.saturating_sub(self.tiers);
        breached.least(|closed| tiers.tier_of(breached.notional(lots - closed)) <= target)
    }
}
