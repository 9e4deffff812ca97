//! The best positions that a search has come by so far.

use std::cmp::Ordering;

use super::super::adl::Winner;
use super::numbered;
use crate::money::Qty;

/// Candidates of one search, best first as far as they are put in order: as many as the round needs, and for a while those
/// that came on top. They are put in order a few times a search and not with each that comes, which a heap would do.
#[derive(Clone, Debug, Default)]
pub(super) struct Shortlist {
    needed: Qty,
    /// With a lower score nobody is among the winners any more.
    floor: i128,
    /// So many of them stand in their order, those that have come since behind them.
    found: Vec<Found>,
    ordered: usize,
    /// Room to put them in order.
    merged: Vec<Found>,
    /// Candidates as the policy was shown them.
    shown: Vec<Winner>,
    /// Lots of all that is found, and how many there may be before it is put in order again.
    lots: Qty,
    due: Qty,
    /// How many of the best have been handed out.
    given: usize,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    score: i128,
    lots: Qty,
    /// Positions are in the order of their accounts, so of equal scores the lower number is the better.
    id: u32,
    /// Place among those shown.
    shown: u32,
}

impl Found {
    fn better_first(&self, other: &Self) -> Ordering {
        (other.score, self.id).cmp(&(self.score, other.id))
    }
}

impl Shortlist {
    /// Starts a search for so many lots.
    pub fn begin(&mut self, needed: Qty) {
        self.found.clear();
        self.shown.clear();
        (self.needed, self.due, self.lots) = (needed, needed, Qty::ZERO);
        (self.ordered, self.given) = (0, 0);
        self.floor = i128::MIN;
    }

    /// With a lower score nobody is among the winners any more.
    #[inline]
    pub fn floor(&self) -> i128 {
        self.floor
    }

    /// A candidate with a score of at least the floor.
    #[inline]
    pub fn take(&mut self, score: i128, winner: Winner) {
        let shown = numbered(self.shown.len());
        let lots = winner.qty.abs();
        self.found.push(Found { score, lots, id: winner.opened, shown });
        self.shown.push(winner);
        self.lots += lots;
    }

    /// Raises the floor where so many have come that it is worth the sorting.
    #[inline]
    pub fn settle(&mut self) {
        if self.lots >= self.due {
            self.cut();
        }
    }

    /// Keeps those that the round needs, in their order.
    #[inline(never)]
    fn cut(&mut self) {
        let (old, new) = self.found.split_at_mut(self.ordered);
        new.sort_unstable_by(Found::better_first);
        self.merged.clear();
        self.lots = Qty::ZERO;
        let (mut old, mut new) = (&*old, &*new);
        while self.lots < self.needed {
            let of_old = match (old, new) {
                ([], []) => break,
                ([], _) => false,
                (_, []) => true,
                ([a, ..], [b, ..]) => a.better_first(b).is_le(),
            };
            let from = if of_old { &mut old } else { &mut new };
            let Some((best, rest)) = from.split_first() else { break };
            self.lots += best.lots;
            self.merged.push(*best);
            *from = rest;
        }
        std::mem::swap(&mut self.found, &mut self.merged);
        self.ordered = self.found.len();
        if self.lots >= self.needed {
            self.floor = self.found.last().map_or(i128::MAX, |last| last.score);
        }
        self.due = self.lots + Qty(self.needed.0 / AGAIN_AFTER);
    }

    /// Ends the search: all that the round needs are found.
    pub fn end(&mut self) {
        self.cut();
    }

    /// The next best.
    pub fn next(&mut self) -> Option<Winner> {
        let found = self.found.get(self.given)?;
        self.given += 1;
        Some(self.shown[found.shown as usize])
    }
}

/// What is found is put in order again when so manieth a part of what the round needs has come on top.
const AGAIN_AFTER: i64 = 2;
