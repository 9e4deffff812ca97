//! The largest unrealised profit in money first: few accounts are touched, and always the same kind.

use super::{Axis, Policy, Ranking, Region, Round, Sybil, Winner};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct LargestProfit;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "largest_profit",
    about: "largest unrealised profit in money first",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Ranking(Box::new(LargestProfit)))),
};

impl Ranking for LargestProfit {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    /// Half a position has half the profit.
    fn sybil(&self) -> Sybil {
        Sybil::Splittable
    }

    fn score(&self, winner: &Winner, _round: &Round) -> i128 {
        i128::from(winner.unrealised().0)
    }

    fn asks_for_maintenance(&self) -> bool {
        false
    }

    fn axes(&self) -> &'static [Axis] {
        &[Axis::Cost, Axis::Lots]
    }

    fn bound(&self, region: &Region<'_>, _round: &Round) -> Option<i128> {
        Some(region.most_profit().max(0) * i128::from(region.most_lots))
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan_ranked, short, shorts_at};
    use super::*;

    /// Profits at 90: 100, 90 and 120. As two halves of 60 the third is no longer first.
    #[test]
    fn splitting_lets_the_largest_slip_behind() {
        let round = shorts_at(90, 95, 12);
        let winners = [short(0, 10, 100, 50), short(1, 3, 120, 50), short(2, 12, 100, 50)];
        assert_eq!(plan_ranked(&LargestProfit, &winners, round), [0, 0, 12]);
        let split = [winners[0], winners[1], short(2, 6, 100, 25), short(3, 6, 100, 25)];
        assert_eq!(plan_ranked(&LargestProfit, &split, round), [10, 2, 0, 0]);
    }
}
