//! The least largest haircut: every winner loses the same share of its equity, as far as its position reaches.
//!
//! min M such that Σ haircutᵢ is the need and haircutᵢ ≤ M·equityᵢ. With one price a round the optimum is
//! xᵢ = min(qᵢ, λ·equityᵢ): any other plan takes more from somebody who is not full. Source: the min-max integer program
//! of Chitra's benchmark (arXiv 2512.01112 and its repository, December 2025), solved here directly.

use super::{Policy, PriceNeed, Round, Shares, Sharing, Sybil, Winner};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct MinMax;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "min_max",
    about: "the same share of every eligible winner's equity, which makes the largest loss least; needs an ADL price other than the mark",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Sharing(Box::new(MinMax)))),
};

impl Sharing for MinMax {
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
        shares.take_by_weight(winners, |winner| i128::from(winner.equity().0), round.needed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan, short, shorts_at};
    use super::*;

    /// Equities at 90: 100 + 100 = 200, 80 + 120 = 200, 320 + 80 = 400. Of 12 lots: 3, 3, 6.
    #[test]
    fn haircuts_are_the_same_share_of_equity() {
        let winners = [short(0, 10, 100, 100), short(1, 6, 110, 80), short(2, 20, 94, 320)];
        assert_eq!(plan(&MinMax, &winners, shorts_at(90, 95, 12)), [3, 3, 6]);
    }

    /// No other plan of the same lots has a smaller largest haircut ÷ equity: all plans of a small round are tried.
    #[test]
    fn the_largest_haircut_is_the_least_that_any_plan_has() {
        let winners = [short(0, 5, 100, 60), short(1, 6, 110, 80), short(2, 9, 94, 320)];
        for needed in 1..=20 {
            let round = shorts_at(90, 95, needed);
            let found = plan(&MinMax, &winners, round);
            let largest = |plan: &[i64]| {
                let share = |(winner, lots): (&Winner, &i64)| lots * 1_000_000 / winner.equity().0;
                winners.iter().zip(plan).map(share).max().unwrap()
            };
            let mut least = i64::MAX;
            for a in 0..=5 {
                for b in 0..=6 {
                    let c = needed - a - b;
                    if (0..=9).contains(&c) {
                        least = least.min(largest(&[a, b, c]));
                    }
                }
            }
            // Rounding to lots: at most one lot of the smallest equity, 110, above the best.
            assert!(largest(&found) <= least + 1_000_000 / 110, "{needed}: {found:?}");
        }
    }
}
