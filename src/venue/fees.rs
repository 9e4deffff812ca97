//! The rate of the fund's fee on a forced order.

use super::Venue;
use super::liquidation::Breached;
use super::rules::FeeCap;
use crate::money::{Ratio, div_floor, narrow};

/// What the fee leaves of the margin that a close frees, so that closing still restores it: Drift
/// (`calculate_perp_if_fee` in `programs/drift/src/math/liquidation.rs`, protocol-v2@0ae3e3b).
const LEFT: Ratio = Ratio(950_000_000);

impl Venue {
    /// The liquidation fee, or what the missing margin leaves of it:
    ///
    /// min(rate, 0.95·(maintenance rate − taker rate − missing margin ÷ notional))⁺, rounded down to a billionth.
    ///
    /// Each lot closed frees its maintenance margin and costs both fees; a fund's fee beyond that would leave an account
    /// that is short of margin shorter of it.
    pub(super) fn greatest_fee_rate(&self, breached: &Breached<'_>) -> Ratio {
        let rate = self.rules.liquidation_fee;
        if self.rules.waterfall.fee_cap != FeeCap::MissingMargin {
            return rate;
        }
        let notional = breached.notional(breached.lots());
        let tiers = &breached.rules.tiers;
        let maintenance = tiers.tiers()[tiers.tier_of(notional)].rate;
        let one = i128::from(Ratio::ONE.0);
        let missing = breached.missing_billionths();
        // All over the notional, in billionths of a cash unit.
        let spread = i128::from((maintenance - self.rules.taker_fee).0) * i128::from(notional.0) - missing;
        let room = div_floor(spread.max(0) * i128::from(LEFT.0), i128::from(notional.0.max(1)) * one);
        rate.min(Ratio(narrow(room)))
    }
}
