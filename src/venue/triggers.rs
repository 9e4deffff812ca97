//! The trigger index: which positions a moving mark breaches, without looking at the others.
//!
//! Per contract and side one list of (distance of the liquidation tick from the opening mark, position), in the order
//! in which a mark moving against that side reaches them. A path keeps a cursor. Positions are laid out in buckets by
//! one counting pass; a bucket is sorted when the price first reaches it, so what the price never reaches is never
//! sorted. Positions whose trigger changed during the path stand in a small heap beside the list.

use crate::facts::Side;

/// A position and the distance, in ticks against its side, at which it triggers. The order of the derive is the
/// order of firing: distance, then position (hence account).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trigger {
    pub distance: i64,
    pub position: u32,
}

/// The lists of one contract.
#[derive(Clone, Debug, Default)]
pub struct Triggers {
    open: i64,
    shift: u32,
    sides: [List; 2],
}

#[derive(Clone, Debug, Default)]
struct List {
    keys: Vec<Trigger>,
    /// Start of each bucket in `keys`, and one past the last.
    starts: Vec<u32>,
    /// While buckets are filled: next free place of each.
    fill: Vec<u32>,
    /// Buckets before this one are sorted.
    sorted: usize,
}

/// Buckets a side. The last takes everything farther away.
const BUCKETS: usize = 2048;

/// Steps from the opening mark to a place on the trigger line, positive in the direction that hurts `side`.
pub(super) fn distance(open: i64, side: Side, place: i64) -> i64 {
    match side {
        Side::Long => open - place,
        Side::Short => place - open,
    }
}

fn side_index(side: Side) -> usize {
    match side {
        Side::Long => 0,
        Side::Short => 1,
    }
}

impl Triggers {
    /// Empties the lists around an opening mark.
    pub fn start(&mut self, open: i64) {
        self.open = open;
        // The buckets reach as far as the opening price itself: a fall to zero, or a rise to twice the price.
        let reach = open.max(1).unsigned_abs().ilog2() + 1;
        self.shift = reach.saturating_sub(BUCKETS.ilog2());
        for list in &mut self.sides {
            list.keys.clear();
            list.fill.clear();
            list.fill.resize(BUCKETS, 0);
            list.sorted = 0;
        }
    }

    fn bucket(&self, distance: i64) -> usize {
        let bucket = (distance.max(0) >> self.shift).unsigned_abs();
        usize::try_from(bucket).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1))
    }

    /// First pass: counts a position.
    pub fn count(&mut self, side: Side, place: i64) {
        // A trigger that no price reaches is counted too: funding may bring it into reach.
        let bucket = self.bucket(distance(self.open, side, place));
        self.sides[side_index(side)].fill[bucket] += 1;
    }

    /// Between the passes: lays the buckets out.
    pub fn lay_out(&mut self) {
        for list in &mut self.sides {
            list.starts.clear();
            let mut at = 0;
            for count in &mut list.fill {
                list.starts.push(at);
                at += std::mem::replace(count, at);
            }
            list.starts.push(at);
            list.keys.resize(usize::try_from(at).expect("a count of positions fits a word"), Trigger::default());
        }
    }

    /// Second pass: puts a position into its bucket.
    pub fn place(&mut self, side: Side, place: i64, position: u32) {
        let distance = distance(self.open, side, place);
        let bucket = self.bucket(distance);
        let list = &mut self.sides[side_index(side)];
        let at = list.fill[bucket];
        list.keys[at as usize] = Trigger { distance, position };
        list.fill[bucket] += 1;
    }

    /// Sorts everything that is not sorted yet.
    pub fn sort(&mut self) {
        for list in &mut self.sides {
            while list.sorted < BUCKETS {
                list.sort_next();
            }
        }
    }

    /// Distance of a place on the line in the sense of this contract's lists.
    #[must_use]
    pub fn distance(&self, side: Side, place: i64) -> i64 {
        distance(self.open, side, place)
    }

    /// The place on the line at a distance.
    #[must_use]
    pub fn place_at(&self, side: Side, distance: i64) -> i64 {
        match side {
            Side::Long => self.open - distance,
            Side::Short => self.open + distance,
        }
    }

    /// Whether the entry at `cursor` can be read without sorting.
    #[must_use]
    pub fn is_ready(&self, side: Side, cursor: usize) -> bool {
        let list = &self.sides[side_index(side)];
        cursor >= list.keys.len() || cursor < list.starts[list.sorted] as usize
    }

    /// Sorts buckets until the entry at `cursor` can be read.
    pub fn make_ready(&mut self, side: Side, cursor: usize) {
        let list = &mut self.sides[side_index(side)];
        while cursor < list.keys.len() && cursor >= list.starts[list.sorted] as usize {
            list.sort_next();
        }
    }

    /// The entries from `cursor` on within a distance, as far as they can be read without sorting.
    #[must_use]
    pub fn within(&self, side: Side, cursor: usize, distance: i64) -> &[Trigger] {
        let list = &self.sides[side_index(side)];
        let ready = list.keys.get(cursor..list.starts[list.sorted] as usize).unwrap_or_default();
        // A mark reaches few.
        &ready[..ready.iter().take_while(|trigger| trigger.distance <= distance).count()]
    }

    /// A distance that no entry at or after `cursor` lies below, read without sorting.
    #[must_use]
    pub fn bound(&self, side: Side, cursor: usize) -> i64 {
        let list = &self.sides[side_index(side)];
        if cursor >= list.keys.len() {
            return i64::MAX;
        }
        if self.is_ready(side, cursor) {
            return list.keys[cursor].distance;
        }
        // The cursor stands at the start of the first unsorted bucket; skip those that are empty.
        let bucket = list.starts.partition_point(|&start| start as usize <= cursor) - 1;
        if bucket == 0 { i64::MIN } else { i64::try_from(bucket).map_or(i64::MAX, |bucket| bucket << self.shift) }
    }
}

impl List {
    fn sort_next(&mut self) {
        let range = self.starts[self.sorted] as usize..self.starts[self.sorted + 1] as usize;
        self.keys[range].sort_unstable();
        self.sorted += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_the_order_the_mark_reaches_them() {
        let mut triggers = Triggers::default();
        let open = 1_000_000;
        let ticks: Vec<i64> = (0..500).map(|i| 1_000_000 - (i * 7919) % 1_200_003).collect();
        triggers.start(open);
        ticks.iter().for_each(|&t| triggers.count(Side::Long, t));
        triggers.lay_out();
        for (position, &t) in (0u32..).zip(&ticks) {
            triggers.place(Side::Long, t, position);
        }
        let mut expected: Vec<Trigger> =
            (0u32..).zip(&ticks).map(|(position, t)| Trigger { distance: open - t, position }).collect();
        expected.sort_unstable();
        let mut seen = Vec::new();
        for distance in (-200_000..1_201_000).step_by(999) {
            let before = seen.len();
            loop {
                seen.extend_from_slice(triggers.within(Side::Long, seen.len(), distance));
                let (at, side) = (seen.len(), Side::Long);
                if triggers.is_ready(side, at) || triggers.bound(side, at) > distance {
                    break;
                }
                triggers.make_ready(side, at);
            }
            assert!(seen[before..].iter().all(|entry| entry.distance <= distance));
            assert!(expected.get(seen.len()).is_none_or(|next| next.distance > distance));
        }
        assert_eq!(seen, expected);
    }
}
