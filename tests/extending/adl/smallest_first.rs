//! The smallest position first: many counterparties, and no large one is touched while small ones suffice.

use super::{Policy, Ranking, Round, Sybil, Winner};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct SmallestFirst;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "smallest_first",
    about: "smallest value at the mark first",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Ranking(Box::new(SmallestFirst)))),
};

impl Ranking for SmallestFirst {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    /// Two halves come earlier than the whole, so together they never give less.
    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    fn score(&self, winner: &Winner, _round: &Round) -> i128 {
        -i128::from(winner.value.0).abs()
    }
}
