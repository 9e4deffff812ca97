//! Binance and Aster: profit in % of the wallet × margin ratio, both of the account. This is not profit × leverage.
//!
//! PnLpct = max(0, uPnL) ÷ max(1, W); margin ratio = MM ÷ (W + uPnL) where that is above 0, else 0; score = their product
//! (Binance support 360033525471, "Counterparty Liquidation", mirror of the 2020 text). Of an isolated position, W is its
//! collateral. The published 1 in max(1, W) is one USDT; here it is the smallest unit of money, which differs only for
//! accounts with less than one USDT.

use super::{Policy, Ranking, Region, Round, Sybil, Winner, billionths, billionths_ceil, product};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct Binance;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "binance",
    about: "highest (unrealised profit ÷ wallet) × (maintenance margin ÷ equity) first",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Ranking(Box::new(Binance)))),
};

impl Ranking for Binance {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    /// Halves of a large account stand in lower tiers, with lower margin ratios.
    fn sybil(&self) -> Sybil {
        Sybil::Splittable
    }

    fn score(&self, winner: &Winner, _round: &Round) -> i128 {
        let equity = winner.equity();
        if equity.0 <= 0 {
            return i128::MIN;
        }
        let profit = billionths(winner.unrealised().positive_part(), winner.collateral.positive_part());
        product(profit, billionths(winner.maintenance.positive_part(), equity))
    }

    fn bound(&self, region: &Region<'_>, _round: &Round) -> Option<i128> {
        let profit = region.most_profit();
        if profit <= 0 {
            return Some(0);
        }
        let (collateral, equity) = (i128::from(region.collateral_per_lot.0), region.least_equity());
        if collateral <= 0 || equity <= 0 {
            return Some(i128::MAX);
        }
        let ratio = billionths_ceil(region.most_maintenance(), equity);
        Some(product(billionths_ceil(profit, collateral), ratio))
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan_ranked, short, shorts_at};
    use super::*;

    /// Values of 900 at 90, maintenance 9 each (1 %). Account 0: 100/100 × 9/200 = 0.045. Account 1: 300/400 × 9/700 = 0.0096.
    /// Profit × leverage would say 0.1 × 4.5 = 0.45 against 0.25 × 1.29 = 0.32: the same order here, but not for account 2:
    /// 100/300 × 9/400 = 0.0075, with 0.1 × 2.25 = 0.225.
    #[test]
    fn profit_counts_against_the_wallet_and_leverage_as_margin_ratio() {
        let winners = [short(0, 10, 100, 100), short(1, 10, 120, 400), short(2, 10, 100, 300)];
        let round = shorts_at(90, 95, 15);
        assert_eq!(plan_ranked(&Binance, &winners, round), [10, 5, 0]);
        assert_eq!(Binance.score(&winners[0], &round), 1_000_000_000 * 45_000_000);
        assert_eq!(Binance.score(&winners[1], &round), 750_000_000 * 12_857_142);
    }

    /// A tier of 10 % above a value of 500: 900 needs 0.1·900 − 45 = 45, halves of 450 need 4.5 (5 as whole units).
    #[test]
    fn splitting_lowers_the_score_where_it_lowers_the_tier() {
        let round = shorts_at(90, 95, 10);
        let whole = Winner { maintenance: crate::money::Cash(45), ..short(0, 10, 100, 100) };
        let half = Winner { maintenance: crate::money::Cash(5), ..short(0, 5, 100, 50) };
        assert!(Binance.score(&half, &round) < Binance.score(&whole, &round));
        let other = Winner { maintenance: crate::money::Cash(20), ..short(1, 10, 100, 100) };
        assert_eq!(plan_ranked(&Binance, &[whole, other], round), [10, 0]);
        let split = [half, Winner { account: 2, ..half }, other];
        assert_eq!(plan_ranked(&Binance, &split, round), [0, 0, 10]);
    }
}
