//! Cuts the most levered winners until leverages are equal.
//!
//! For monotone risk measures, one asset and isolated margin the optimal plan reduces the highest leverage first until
//! leverages are equal; it resists Sybils and wash trades and does not depend on the path (Campbell, Hey, Moallemi, Nutz,
//! "Risk-Based Auto-Deleveraging", arXiv 2603.15963v2, 2026).
//!
//! With rᵢ lots kept, value v and haircut h per lot, leverage after is rᵢ·v ÷ (eᵢ − (qᵢ − rᵢ)·h). Setting that to λ gives
//! rᵢ = λ·(eᵢ − qᵢ·h) ÷ (v − λ·h): the lots kept are in proportion to the equity after closing everything at the ADL
//! price, as far as the position reaches. So the lots kept are poured, not the lots taken.

use super::{Policy, Round, Shares, Sharing, Sybil, Winner};
use crate::facts::Side;
use crate::money::proportion::Proportion;
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct LeverageLevelling;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "leverage_levelling",
    about: "the most levered winners are cut until leverages are equal",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Sharing(Box::new(LeverageLevelling)))),
};

/// Equity after closing the whole position at the round's quantity-weighted price, rounded down, at least 0.
fn equity_after(winner: &Winner, side: Side, price: &Proportion) -> i128 {
    let lots = winner.qty.0.unsigned_abs();
    let (collateral, cost) = (i128::from(winner.collateral.0), i128::from(winner.cost.0));
    let equity = match side {
        Side::Long => collateral + price.floor(lots).cast_signed() - cost,
        Side::Short => collateral - cost - price.ceil(lots).cast_signed(),
    };
    equity.clamp(0, i128::from(i64::MAX))
}

impl Sharing for LeverageLevelling {
    fn boxed_clone(&self) -> Box<dyn Sharing> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    fn share(&self, winners: &[Winner], round: &Round, shares: &mut Shares) {
        let needed = u128::from(round.needed.0.unsigned_abs()).max(1);
        let price = Proportion::new(round.cash.0.unsigned_abs(), needed);
        shares.keep_by_weight(winners, |winner| equity_after(winner, round.side, &price), round.needed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan, short, shorts_at};
    use super::*;

    /// At the mark of 90 equities are 100, 200 and 600 and values 900 each: 9x, 4.5x, 1.5x. Five lots bring the first to 4.5x;
    /// after 11 the first two keep 3 and 6 of their ten, 2.7x each, and the third is not touched.
    #[test]
    fn the_most_levered_are_cut_until_leverages_are_equal() {
        let winners = [short(0, 10, 90, 100), short(1, 10, 90, 200), short(2, 10, 90, 600)];
        assert_eq!(plan(&LeverageLevelling, &winners, shorts_at(90, 90, 5)), [5, 0, 0]);
        assert_eq!(plan(&LeverageLevelling, &winners, shorts_at(90, 90, 11)), [7, 4, 0]);
    }

    /// At an ADL price of 95 equity after closing all is 100 − 50 = 50 and 200 − 50 = 150; of 20 lots 12 are kept as 3 : 9.
    /// Leverages then: 3·90 ÷ (100 − 7·5) = 4.15 and 9·90 ÷ (200 − 5) = 4.15.
    #[test]
    fn the_haircut_counts_in_the_leverage_that_is_levelled() {
        let winners = [short(0, 10, 90, 100), short(1, 10, 90, 200)];
        assert_eq!(plan(&LeverageLevelling, &winners, shorts_at(90, 95, 8)), [7, 1]);
    }
}
