//! What an account must pass to open: the tiers' caps on leverage, and maintenance margin at the opening mark.

use crate::money::{Cash, Multiplier, Price, Qty, Ratio};
use crate::traders::Opening;
use crate::venue::margin::Tiers;
use crate::venue::rules::Trigger;

/// One contract at the opening.
#[derive(Clone, Debug)]
pub struct OpeningContract {
    multiplier: Multiplier,
    open: Price,
    tiers: Tiers,
    caps: Vec<(Cash, f64)>,
}

impl OpeningContract {
    #[must_use]
    pub fn new(multiplier: Multiplier, open: Price, tiers: Tiers) -> Self {
        let caps = tiers.tiers().iter().map(|tier| (tier.floor, tier.max_leverage.to_f64())).collect();
        Self { multiplier, open, tiers, caps }
    }
}

/// The opening check of a scenario.
#[derive(Clone, Debug)]
pub struct OpeningRules {
    contracts: Vec<OpeningContract>,
    trigger: Trigger,
    /// An account opens with equity of at least (1 + buffer) × maintenance.
    buffer: Ratio,
}

impl OpeningRules {
    #[must_use]
    pub fn new(contracts: Vec<OpeningContract>, trigger: Trigger, buffer: Ratio) -> Self {
        Self { contracts, trigger, buffer }
    }
}

impl Opening for OpeningRules {
    fn contract(&self, contract: u16) -> (Multiplier, Price) {
        let OpeningContract { multiplier, open, .. } = self.contracts[usize::from(contract)];
        (multiplier, open)
    }

    fn leverage_tiers(&self, contract: u16) -> &[(Cash, f64)] {
        &self.contracts[usize::from(contract)].caps
    }

    fn accepts_cross(&self, positions: &[(u16, Qty, Cash)], wallet: Cash) -> bool {
        let (mut equity, mut maintenance) = (i128::from(wallet.0), 0i128);
        for &(contract, qty, cost) in positions {
            let OpeningContract { multiplier, open, tiers, .. } = &self.contracts[usize::from(contract)];
            // A position too large to be valued cannot be margined either.
            let Some(value) = multiplier.checked_value(qty, *open) else { return false };
            equity += i128::from(value.0) - i128::from(cost.0);
            maintenance += tiers.maintenance_billionths(value.abs());
        }
        let (one, buffer) = (i128::from(Ratio::ONE.0), i128::from(self.buffer.0));
        let excess = equity * one - maintenance;
        let covered = excess >= 0 && excess >= maintenance / one * buffer;
        covered && (self.trigger == Trigger::Below || excess > 0)
    }

    #[expect(
        clippy::inline_always,
        reason = "called once for every account drawn, and elsewhere for the few redrawn ones"
    )]
    #[inline(always)]
    fn accepts(&self, contract: u16, qty: Qty, cost: Cash, collateral: Cash) -> bool {
        let OpeningContract { multiplier, open, tiers, .. } = &self.contracts[usize::from(contract)];
        // A position too large to be valued cannot be margined either.
        let value = multiplier.checked_value(qty, *open).map(|value| value.0);
        let equity = value.and_then(|value| value.checked_sub(cost.0)).and_then(|gain| gain.checked_add(collateral.0));
        let (Some(equity), Some(notional)) = (equity.map(Cash), value.and_then(i64::checked_abs).map(Cash)) else {
            return false;
        };
        // Cover with a buffer of zero or more is no breach by `<`; by `≤` equality still is one.
        tiers.covers(equity, notional, self.buffer)
            && (self.trigger == Trigger::Below || !tiers.breaches(self.trigger, equity, notional))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::margin::Tier;

    fn rules(trigger: Trigger, buffer: Ratio) -> OpeningRules {
        let tier = |floor, rate, most: i64| Tier {
            floor: Cash(floor),
            rate: Ratio(rate),
            max_leverage: Ratio(most * 1_000_000_000),
        };
        // 5 % to 10,000, then 10 %: the deduction is 500.
        let tiers = Tiers::new(vec![tier(0, 50_000_000, 10), tier(10_000, 100_000_000, 5)]).unwrap();
        OpeningRules::new(vec![OpeningContract::new(Multiplier::Linear(1), Price(100), tiers)], trigger, buffer)
    }

    #[test]
    fn equity_equal_to_maintenance_is_a_breach_only_where_the_trigger_says_so() {
        // 50 lots at 100: notional 5,000, maintenance 250.
        let accepts = |trigger, collateral| rules(trigger, Ratio(0)).accepts(0, Qty(50), Cash(5_000), Cash(collateral));
        assert!(accepts(Trigger::Below, 250) && !accepts(Trigger::Below, 249));
        assert!(accepts(Trigger::AtOrBelow, 251) && !accepts(Trigger::AtOrBelow, 250));
    }

    #[test]
    fn the_buffer_and_the_second_tier_count() {
        // 200 lots short from 101: notional 20,000, profit 200, maintenance 2,000 − 500 = 1,500, with 5 % 1,575.
        let buffered = rules(Trigger::Below, Ratio(50_000_000));
        assert!(buffered.accepts(0, Qty(-200), Cash(-20_200), Cash(1_375)));
        assert!(!buffered.accepts(0, Qty(-200), Cash(-20_200), Cash(1_374)));
    }

    #[test]
    fn a_position_beyond_all_bounds_is_refused_without_a_panic() {
        let cash = Cash(i64::MAX);
        assert!(!rules(Trigger::Below, Ratio(0)).accepts(0, Qty(i64::MAX), cash, cash));
        assert!(!rules(Trigger::Below, Ratio(10_000_000_000)).accepts(
            0,
            Qty(-92_233_720_368_547_758),
            Cash(-i64::MAX),
            Cash(0)
        ));
    }
}
