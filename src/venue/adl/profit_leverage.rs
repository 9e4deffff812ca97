//! Profit × effective leverage, the form BitMEX publishes: `PnL% × EffLev` in profit, `PnL% ÷ EffLev` in loss.

use super::{Policy, Ranking, Winner};
use crate::money::Price;
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
}
