//! Candidates that have left the tree: open positions that the path has touched.
//!
//! Most are what is left of the last winner of a round, with all of its collateral behind a part of its lots: far from the
//! best. So they are not looked at one by one but stand in leaves of their own, each with its bound. Anything may happen to
//! them between two rounds; a position that is not what its leaf takes it for leaves it, and leaves are made anew when many
//! stand alone.

use super::super::adl::Axis;
use super::super::ledger::{Ledger, Position, State};
use super::tree::{Key, Node, halve};

#[derive(Clone, Debug, Default)]
pub(super) struct Aside {
    /// Those that stand alone, by where the ledger keeps them.
    alone: Vec<u32>,
    /// How many of them do so because no [`key`] speaks of them, as of when leaves were last made.
    unfit: usize,
    leaves: Vec<Leaf>,
    /// Positions in the leaves, and where the ledger keeps each.
    keys: Vec<Key>,
    places: Vec<u32>,
    /// Room to put them in order.
    sorted: Vec<(Key, u32)>,
}

#[derive(Clone, Debug)]
struct Leaf {
    node: Node,
    /// A bit for each key that is still what it was, and for each that may win in this round.
    held: u32,
    free: u32,
}

/// Leaves are made anew where so many more stand alone than have to, and one more for every so many in the leaves.
const ALONE: usize = 24;
const ALONE_OF: usize = 16;

impl Aside {
    /// Forgets the last path.
    pub fn begin(&mut self) {
        self.alone.clear();
        self.unfit = 0;
        self.clear_leaves();
    }

    fn clear_leaves(&mut self) {
        self.leaves.clear();
        self.keys.clear();
        self.places.clear();
    }

    /// Adds an open isolated position, by where the ledger keeps it.
    pub fn add(&mut self, place: u32) {
        self.alone.push(place);
    }

    /// The same for one that may still be known.
    pub fn reopened(&mut self, place: u32) {
        let is_held = |leaf: &Leaf| {
            let mut places = (0..).zip(&self.places[leaf.node.range()]);
            places.any(|(bit, &other)| other == place && leaf.held & (1 << bit) != 0)
        };
        if !self.alone.contains(&place) && !self.leaves.iter().any(is_held) {
            self.alone.push(place);
        }
    }

    /// Brings everything up to what the ledger holds. Leaves are divided along the axis that is named for what they hold.
    pub fn sync(&mut self, ledger: &Ledger, axis: impl Fn(&Node) -> Axis) {
        let touched = ledger.touched();
        self.alone.retain(|&place| touched[place as usize].state != State::Closed);
        for leaf in &mut self.leaves {
            leaf.free = 0;
            let mut left = leaf.held;
            while left != 0 {
                let bit = left & left.wrapping_neg();
                let at = leaf.node.range().start + left.trailing_zeros() as usize;
                left ^= bit;
                let position = &touched[self.places[at] as usize];
                if position.state == State::Closed {
                    leaf.held ^= bit;
                } else if !is_as_it_was(position, &self.keys[at]) {
                    leaf.held ^= bit;
                    self.alone.push(self.places[at]);
                } else if position.state != State::Queued {
                    leaf.free |= bit;
                }
            }
        }
        if self.alone.len() >= self.unfit + ALONE + self.keys.len() / ALONE_OF {
            self.make_leaves(ledger, &axis);
        }
    }

    /// Positions that stand alone.
    pub fn alone<'a>(&self, ledger: &'a Ledger) -> impl Iterator<Item = u32> {
        let touched: &'a [Position] = ledger.touched();
        self.alone.iter().map(|&place| touched[place as usize].id)
    }

    /// The leaves in which anybody may win.
    pub fn leaves(&self) -> impl Iterator<Item = (u32, &Node)> {
        let leaves = (0..).zip(&self.leaves).filter(|(_, leaf)| leaf.free != 0);
        leaves.map(|(at, leaf)| (at, &leaf.node))
    }

    /// The keys of a leaf, and a bit for each that may win.
    pub fn leaf(&self, at: u32) -> (&[Key], u32) {
        let leaf = &self.leaves[at as usize];
        (&self.keys[leaf.node.range()], leaf.free)
    }

    #[inline(never)]
    fn make_leaves(&mut self, ledger: &Ledger, axis: &impl Fn(&Node) -> Axis) {
        for leaf in &self.leaves {
            let held = (0..).zip(&self.places[leaf.node.range()]).filter(|(bit, _)| leaf.held & (1 << bit) != 0);
            self.alone.extend(held.map(|(_, &place)| place));
        }
        self.clear_leaves();
        self.sorted.clear();
        let sorted = &mut self.sorted;
        self.alone.retain(|&place| {
            let key = key(&ledger.touched()[place as usize]);
            sorted.extend(key.map(|key| (key, place)));
            key.is_none()
        });
        self.unfit = self.alone.len();
        let mut sorted = std::mem::take(&mut self.sorted);
        self.divide(ledger, &mut sorted, axis);
        self.sorted = sorted;
    }

    /// Puts keys into leaves: one where they fit, else each half by itself.
    fn divide(&mut self, ledger: &Ledger, keys: &mut [(Key, u32)], axis: &impl Fn(&Node) -> Axis) {
        let node = Node::over(keys.iter().map(|(key, _)| key), self.keys.len(), 0);
        if !node.is_leaf() {
            let middle = halve(keys, |(key, _)| key, axis(&node));
            let (low, high) = keys.split_at_mut(middle);
            self.divide(ledger, low, axis);
            self.divide(ledger, high, axis);
            return;
        }
        let touched = ledger.touched();
        let is_free = |&(_, place): &(Key, u32)| touched[place as usize].state != State::Queued;
        let free = (0..).zip(&*keys).map(|(bit, entry)| u32::from(is_free(entry)) << bit).sum();
        self.leaves.push(Leaf { held: node.everybody(), free, node });
        self.keys.extend(keys.iter().map(|(key, _)| *key));
        self.places.extend(keys.iter().map(|(_, place)| *place));
    }
}

/// An isolated position as a leaf holds it; nothing where the bound of a leaf would not speak of it, because it has made
/// more of its entry than its entry is worth.
fn key(position: &Position) -> Option<Key> {
    let &Position { id, account, qty, cost, .. } = position;
    let is_usual = cost.is_zero() || (cost.0 < 0) == (qty.0 < 0);
    (is_usual && !qty.is_zero()).then(|| Key::new(id, account, qty, cost, position.backing_at_opening()))
}

fn is_as_it_was(position: &Position, key: &Key) -> bool {
    position.qty == key.qty && position.cost == key.whole_cost && position.backing_at_opening() == key.whole_collateral
}
