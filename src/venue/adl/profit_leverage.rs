//! Profit × effective leverage, the form BitMEX publishes: `PnL% × EffLev` in profit, `PnL% ÷ EffLev` in loss.
//!
//! Source: bitmex.com/app/autoDeleveraging. MEXC, Poloniex and CoinEx use the same; Bybit and OKX (current text) rank by
//! profit × effective leverage too.

use super::{BILLION, Policy, Ranking, Region, Round, Sybil, Winner, gain, leverage, product};
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

impl Ranking for ProfitLeverage {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    /// ⌊1e9·a⌋·⌊1e9·b⌋ with a = uPnL⁺/|cost| and b = |notional at mark|/equity at mark; equity ≤ 0 ranks last.
    fn score(&self, winner: &Winner, _round: &Round) -> i128 {
        let Some(leverage) = leverage(winner) else { return i128::MIN };
        let gain = gain(winner);
        if gain > 0 { product(gain, leverage) } else { gain * BILLION * BILLION / leverage.max(1) }
    }

    fn asks_for_maintenance(&self) -> bool {
        false
    }

    /// The greatest gain in the region times the greatest leverage in it, each rounded up.
    fn bound(&self, region: &Region<'_>, _round: &Round) -> Option<i128> {
        if region.most_profit() <= 0 {
            // Scores of losing positions are negative or zero.
            return Some(0);
        }
        let (Some(gain), Some(leverage)) = (region.most_gain(), region.most_leverage()) else { return Some(i128::MAX) };
        Some(product(gain, leverage))
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan_ranked, short, shorts_at};
    use super::*;

    /// At 90: account 0 gains 10 % at 9x (900 ÷ 100), account 1 gains 25 % at 3x, account 2 gains 10 % at 10x.
    #[test]
    fn the_product_of_profit_and_leverage_decides() {
        let winners = [short(0, 10, 100, 0), short(1, 10, 120, 0), short(2, 9, 100, -9)];
        assert_eq!(plan_ranked(&ProfitLeverage, &winners, shorts_at(90, 95, 20)), [10, 1, 9]);
    }
}
