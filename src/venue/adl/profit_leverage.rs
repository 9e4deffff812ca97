//! Profit × effective leverage, the form BitMEX publishes: `PnL% × EffLev` in profit, `PnL% ÷ EffLev` in loss.

use super::{Policy, Ranking, Region, Winner};
use crate::facts::Side;
use crate::money::{Price, div_ceil};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct ProfitLeverage;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "profit_leverage",
    about: "highest (unrealised profit ÷ cost) × effective leverage first",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Ranking(Box::new(ProfitLeverage)))),
};

const BILLION: i128 = 1_000_000_000;

impl Ranking for ProfitLeverage {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    /// ⌊1e9·a⌋·⌊1e9·b⌋ with a = uPnL⁺/|cost| and b = |notional at mark|/equity at mark; equity ≤ 0 ranks last.
    fn score(&self, winner: &Winner, _mark: Price) -> i128 {
        let equity = i128::from(winner.equity().0);
        if equity <= 0 {
            return i128::MIN;
        }
        let profit = i128::from(winner.unrealised().0);
        let cost = i128::from(winner.cost.0.abs()).max(1);
        let leverage = i128::from(winner.value.0.abs()) * BILLION / equity;
        let gain = crate::money::div_floor(profit * BILLION, cost);
        if gain > 0 { gain * leverage } else { gain * BILLION * BILLION / leverage.max(1) }
    }

    /// The greatest gain in the region times the greatest leverage in it, each rounded up.
    fn bound(&self, region: &Region) -> Option<i128> {
        let value = i128::from(region.value_per_lot);
        let (cost_low, cost_high) = (i128::from(region.cost_per_lot.0), i128::from(region.cost_per_lot.1));
        let collateral = i128::from(region.collateral_per_lot.0);
        let (gain, equity) = match region.side {
            Side::Short => (div_ceil((cost_high - value) * BILLION, cost_high.max(1)), collateral + cost_low - value),
            Side::Long => (div_ceil((value - cost_low) * BILLION, cost_low.max(1)), collateral + value - cost_high),
        };
        if gain <= 0 {
            // Scores of losing positions are negative or zero.
            return Some(0);
        }
        if equity <= 0 {
            return Some(i128::MAX);
        }
        Some(gain * div_ceil(value * BILLION, equity))
    }
}
