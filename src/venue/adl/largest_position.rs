//! The largest position first, by value at the mark: the fewest counterparties.

use super::{Axis, Policy, Ranking, Region, Round, Sybil, Winner};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct LargestPosition;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "largest_position",
    about: "largest position value at the mark first",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Ranking(Box::new(LargestPosition)))),
};

impl Ranking for LargestPosition {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    /// Half a position is half as large.
    fn sybil(&self) -> Sybil {
        Sybil::Splittable
    }

    fn score(&self, winner: &Winner, _round: &Round) -> i128 {
        i128::from(winner.value.0).abs()
    }

    fn asks_for_maintenance(&self) -> bool {
        false
    }

    fn axes(&self) -> &'static [Axis] {
        &[Axis::Lots]
    }

    fn bound(&self, region: &Region<'_>, _round: &Round) -> Option<i128> {
        Some(i128::from(region.value_per_lot) * i128::from(region.most_lots))
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan_ranked, short, shorts_at};
    use super::*;

    #[test]
    fn splitting_lets_the_largest_slip_behind() {
        let round = shorts_at(90, 95, 12);
        let winners = [short(0, 10, 100, 50), short(1, 3, 120, 50), short(2, 12, 95, 50)];
        assert_eq!(plan_ranked(&LargestPosition, &winners, round), [0, 0, 12]);
        let split = [winners[0], winners[1], short(2, 6, 95, 25), short(3, 6, 95, 25)];
        assert_eq!(plan_ranked(&LargestPosition, &split, round), [10, 0, 2, 0]);
    }
}
