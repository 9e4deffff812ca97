//! Dango: the most extreme entry price first, whatever the profit in % or the leverage.
//!
//! Among winning longs the lowest entry, among winning shorts the highest: the order in which the exchange's index
//! stores positions (left-curve@c1468da, July 2026).

use super::{Axis, BILLION, Policy, Ranking, Region, Round, Sybil, Winner, billionths_floor};
use crate::facts::Side;
use crate::money::Cash;
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct EntryPrice;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "entry_price",
    about: "longs of the lowest, shorts of the highest average entry price first",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Ranking(Box::new(EntryPrice)))),
};

impl Ranking for EntryPrice {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    /// Cost per lot in billionths of a cash unit, rounded down; negative for longs, whose `cost` is positive.
    fn score(&self, winner: &Winner, _round: &Round) -> i128 {
        billionths_floor(-winner.cost, Cash(winner.qty.0))
    }

    fn asks_for_maintenance(&self) -> bool {
        false
    }

    fn axes(&self) -> &'static [Axis] {
        &[Axis::Cost]
    }

    fn bound(&self, region: &Region<'_>, _round: &Round) -> Option<i128> {
        Some(match region.side {
            Side::Long => -i128::from(region.cost_per_lot.0) * BILLION,
            Side::Short => i128::from(region.cost_per_lot.1) * BILLION,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{long, longs_at, plan_ranked, short, shorts_at};
    use super::*;

    #[test]
    fn the_entry_furthest_from_the_mark_goes_first() {
        let shorts = [short(0, 10, 100, 1), short(1, 10, 120, 10_000), short(2, 10, 110, 1)];
        assert_eq!(plan_ranked(&EntryPrice, &shorts, shorts_at(90, 95, 15)), [0, 10, 5]);
        let longs = [long(0, 10, 80, 1), long(1, 10, 60, 10_000), long(2, 10, 70, 1)];
        assert_eq!(plan_ranked(&EntryPrice, &longs, longs_at(90, 85, 15)), [0, 10, 5]);
    }
}
