//! Every winner loses the same share of its unrealised profit, as far as its position reaches.
//!
//! The haircut of a lot is the same for all (one price a round), so equal haircut ÷ profit means lots in proportion to
//! profit at the mark: xᵢ = min(qᵢ, λ·profitᵢ). Source: capped pro-rata, h = min(η, βᵢ), which minimises the largest
//! haircut (Chitra, arXiv 2512.01112, December 2025).

use super::{Policy, PriceNeed, Round, Shares, Sharing, Sybil, Winner};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct CappedProRata;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "capped_pro_rata",
    about: "the same share of every eligible winner's unrealised profit; needs an ADL price other than the mark",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Sharing(Box::new(CappedProRata)))),
};

impl Sharing for CappedProRata {
    fn boxed_clone(&self) -> Box<dyn Sharing> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    fn price_need(&self) -> PriceNeed {
        PriceNeed::OffMark
    }

    fn share(&self, winners: &[Winner], round: &Round, shares: &mut Shares) {
        shares.take_by_weight(winners, |winner| i128::from(winner.unrealised().0), round.needed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan, short, shorts_at};
    use super::*;

    /// Profits at 90: 10·10 = 100, 6·20 = 120, 20·4 = 80. Of 15 lots: 5, 6, 4; haircuts of 5 a lot are a quarter of each.
    #[test]
    fn haircuts_are_the_same_share_of_profit() {
        let winners = [short(0, 10, 100, 500), short(1, 6, 110, 500), short(2, 20, 94, 500)];
        assert_eq!(plan(&CappedProRata, &winners, shorts_at(90, 95, 15)), [5, 6, 4]);
    }

    /// Of 20 lots account 1 would give 8, but holds 6: the other 14 go 100 : 80, that is 7.8 and 6.2.
    #[test]
    fn nobody_gives_more_than_the_position() {
        let winners = [short(0, 10, 100, 500), short(1, 6, 110, 500), short(2, 20, 94, 500)];
        assert_eq!(plan(&CappedProRata, &winners, shorts_at(90, 95, 20)), [8, 6, 6]);
    }
}
