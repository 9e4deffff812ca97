//! Return alone: unrealised profit over the entry value, the collateral or the equity.
//!
//! KuCoin cross ranks by (P − E) ÷ |E|, the return of the position; KuCoin isolated by PnL% × opening leverage, which is
//! profit ÷ collateral; OKX ranked by return on margin before effective leverage came in. Profit ÷ equity is the score
//! of the simulator flox (FLOX-Foundation/flox@d2dc5ec).

use super::{Axis, Policy, Ranking, Region, Round, Sybil, Winner, billionths_ceil, billionths_floor, gain};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Cost,
    Collateral,
    Equity,
}

#[derive(Clone, Copy, Debug)]
struct PnlRatio {
    over: Over,
}

pub const ENTRY: Entry<Policy> = Entry {
    kind: "pnl_ratio",
    about: "highest return first: unrealised profit as a share of something",
    keys: &[Key {
        name: "over",
        shape: Shape::Choice(&[
            ("cost", "profit ÷ entry value (KuCoin cross)"),
            ("collateral", "profit ÷ collateral: profit in % × opening leverage (KuCoin isolated, OKX before)"),
            ("equity", "profit ÷ equity at the mark"),
        ]),
        need: Need::Default("\"cost\""),
        about: "what the profit is a share of",
    }],
    build: |values, _| {
        let over = match values.text("over").as_str() {
            "collateral" => Over::Collateral,
            "equity" => Over::Equity,
            _ => Over::Cost,
        };
        Some(Box::new(Policy::Ranking(Box::new(PnlRatio { over }))))
    },
};

impl Ranking for PnlRatio {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    /// In billionths, rounded down; equity ≤ 0 ranks last.
    fn score(&self, winner: &Winner, _round: &Round) -> i128 {
        let equity = winner.equity();
        if equity.0 <= 0 {
            return i128::MIN;
        }
        match self.over {
            Over::Cost => gain(winner),
            Over::Collateral => billionths_floor(winner.unrealised(), winner.collateral.positive_part()),
            Over::Equity => billionths_floor(winner.unrealised(), equity),
        }
    }

    fn asks_for_maintenance(&self) -> bool {
        false
    }

    fn axes(&self) -> &'static [Axis] {
        match self.over {
            Over::Cost => &[Axis::Cost],
            Over::Collateral | Over::Equity => &[Axis::Cost, Axis::Collateral],
        }
    }

    fn bound(&self, region: &Region<'_>, _round: &Round) -> Option<i128> {
        let profit = region.most_profit();
        if profit <= 0 {
            return Some(0);
        }
        let over = match self.over {
            Over::Cost => return Some(region.most_gain().unwrap_or(i128::MAX)),
            Over::Collateral => i128::from(region.collateral_per_lot.0),
            // Profit ÷ (collateral + profit) rises with profit, unless funding that is owed outweighs the collateral.
            Over::Equity if region.collateral_per_lot.0 < 0 => return Some(i128::MAX),
            Over::Equity => i128::from(region.collateral_per_lot.0) + profit,
        };
        Some(if over > 0 { billionths_ceil(profit, over) } else { i128::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{long, longs_at, plan_ranked, short, shorts_at};
    use super::*;

    /// KuCoin's example: long from 200 at 220 returns 10 %, short from 220 at 200 returns 9.09 %.
    #[test]
    fn the_return_of_a_position_is_that_of_the_published_example() {
        let policy = PnlRatio { over: Over::Cost };
        assert_eq!(policy.score(&long_at_220(), &longs_at(220, 210, 1)), 100_000_000);
        let short = Winner { value: crate::money::Cash(-5 * 200), ..short(0, 5, 220, 1_000) };
        assert_eq!(policy.score(&short, &shorts_at(200, 210, 1)), 90_909_090);
    }

    fn long_at_220() -> Winner {
        Winner { value: crate::money::Cash(5 * 220), ..long(0, 5, 200, 1_000) }
    }

    /// Profits at 90: 100 on 1,000 of cost, 400 of collateral and 500 of equity; 60 on 960, 60 and 120.
    #[test]
    fn the_base_of_the_ratio_changes_the_order() {
        let winners = [short(0, 10, 100, 400), short(1, 10, 96, 60)];
        let first = |over| plan_ranked(&PnlRatio { over }, &winners, shorts_at(90, 95, 10));
        assert_eq!(first(Over::Cost), [10, 0]);
        assert_eq!(first(Over::Collateral), [0, 10]);
        assert_eq!(first(Over::Equity), [0, 10]);
    }
}
