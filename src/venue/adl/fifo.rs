//! The oldest position first.

use super::{Axis, Policy, Ranking, Round, Sybil, Winner};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct Fifo;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "fifo",
    about: "the position that was opened first goes first",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Ranking(Box::new(Fifo)))),
};

impl Ranking for Fifo {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    /// Two halves opened at the same time have the age of the whole.
    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    fn score(&self, winner: &Winner, _round: &Round) -> i128 {
        -i128::from(winner.opened)
    }

    fn asks_for_maintenance(&self) -> bool {
        false
    }

    fn axes(&self) -> &'static [Axis] {
        &[Axis::Opened]
    }

    fn bound(&self, region: &super::Region, _round: &Round) -> Option<i128> {
        Some(-i128::from(region.oldest))
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan_ranked, short, shorts_at};
    use super::*;

    #[test]
    fn age_decides_and_nothing_else() {
        let young = Winner { opened: 9, ..short(0, 10, 150, 1) };
        let old = Winner { opened: 3, ..short(1, 10, 91, 10_000) };
        assert_eq!(plan_ranked(&Fifo, &[young, old], shorts_at(90, 95, 15)), [5, 10]);
    }
}
