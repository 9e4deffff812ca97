//! The tree over the isolated positions of one contract and side that the path has not touched.
//!
//! A node is split when it is first opened, so what no search comes near is never sorted. The tree of a shared register is
//! kept from path to path; what a path changes is who is still there.

use super::super::adl::Axis;
use super::super::ledger::{Ledger, State};
use super::super::rules::MarginMode;
use super::aside::Aside;
use super::{Field, Question, numbered};
use crate::facts::Side;
use crate::money::{Cash, Qty};

/// Positions in a leaf: small enough to look at each, large enough to keep the tree shallow.
pub(super) const LEAF: u32 = 16;

/// A rectangle of costs and collaterals with positions in it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Least and greatest cost per lot, and collateral per lot, rounded outwards.
    pub cost: (i64, i64),
    pub collateral: (i64, i64),
    /// Lots of the smallest and of the largest position.
    pub lots: (i64, i64),
    /// Least id.
    pub oldest: u32,
    /// Least and greatest account.
    pub accounts: (u32, u32),
    /// Range of its keys.
    pub start: u32,
    pub end: u32,
    /// First of two children, 0 for a leaf and for a node that is not split yet.
    children: u32,
    parent: u32,
}

/// An isolated position with all that a policy is told of it: those of a leaf are read in a row, where the columns of the
/// register would be a line of cache each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Cost and collateral per lot, rounded down.
    cost: i64,
    collateral: i64,
    pub id: u32,
    pub account: u32,
    pub qty: Qty,
    /// Of all its lots, the collateral before the funding of these lots since the opening.
    pub whole_cost: Cash,
    pub whole_collateral: Cash,
}

/// Where a position stands in the tree: the lowest node that holds it, and its place among the keys of a leaf.
#[derive(Clone, Copy, Debug)]
struct Seat {
    node: u32,
    place: u32,
}

/// No node, or no place: the node is no leaf.
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Version of the register it was built from, and what it is divided by.
    version: u64,
    axes: &'static [Axis],
    nodes: Vec<Node>,
    /// The positions, those of a node side by side.
    keys: Vec<Key>,
    /// Of each position of the register.
    seats: Vec<Seat>,
    /// Who is in each node at the opening, and on this path: of a leaf a bit for each of its keys, of a node that is not
    /// split yet the number of positions, of one with children how many of the two hold any. So a position that leaves is
    /// missed where it was, and farther up only where it was the last.
    full: Vec<u32>,
    alive: Vec<u32>,
    /// Cross positions of this side. The equity of their accounts moves with all marks, so each is looked at anew.
    cross: Vec<u32>,
    /// Open isolated positions that the path has touched.
    pub aside: Aside,
    /// Whether this path has used the tree yet, and how many touched positions it knows of.
    fresh: bool,
    synced: usize,
}

impl Tree {
    /// Forgets the last path.
    pub fn reset(&mut self) {
        self.fresh = false;
    }

    /// Puts a position that was closed and is open again back among the candidates: a search forgets what is closed.
    pub fn reopened(&mut self, ledger: &Ledger, id: u32) {
        // What the tree has not looked at yet it will find among the touched; a cross position is always looked at.
        if !self.fresh || self.seats[id as usize].node == NONE {
            return;
        }
        let place = ledger.touched()[..self.synced].iter().position(|position| position.id == id);
        if let Some(place) = place {
            self.aside.reopened(numbered(place));
        }
    }

    /// Brings the tree up to what the path has touched.
    pub fn sync(&mut self, question: &Question<'_>) {
        let Question { field, policy, lot_value, .. } = question;
        let register = field.ledger.register();
        if self.version != register.version() || self.axes != policy.axes() {
            self.build(field);
            self.version = register.version();
            self.axes = policy.axes();
            self.fresh = false;
        }
        if !self.fresh {
            self.fresh = true;
            self.alive.clear();
            self.alive.extend_from_slice(&self.full);
            self.aside.begin();
            self.synced = 0;
        }
        let touched = field.ledger.touched();
        for (place, position) in (numbered(self.synced)..).zip(&touched[self.synced..]) {
            let seat = self.seats[position.id as usize];
            if seat.node == NONE {
                continue;
            }
            if position.state != State::Closed {
                self.aside.add(place);
            }
            self.leave(seat);
        }
        self.synced = touched.len();
        self.aside.sync(field.ledger, |node| node.widest(self.axes, *lot_value));
    }

    fn leave(&mut self, Seat { node, place }: Seat) {
        let mut at = node;
        let alive = &mut self.alive[at as usize];
        if place == NONE {
            *alive -= 1;
        } else {
            *alive &= !(1 << place);
        }
        while self.alive[at as usize] == 0 && at != 0 {
            at = self.nodes[at as usize].parent;
            self.alive[at as usize] -= 1;
        }
    }

    /// A tree of the root alone.
    fn build(&mut self, field: &Field<'_>) {
        let holdings = &field.ledger.register().holdings;
        self.nodes.clear();
        self.full.clear();
        self.seats.clear();
        self.seats.resize(holdings.account.len(), Seat { node: NONE, place: NONE });
        self.keys.clear();
        self.cross.clear();
        for (id, (&contract, &qty)) in (0u32..).zip(holdings.contract.iter().zip(&holdings.qty)) {
            if contract != field.contract || Side::of(qty) != field.side {
                continue;
            }
            let j = id as usize;
            if holdings.mode(j) == MarginMode::Cross {
                self.cross.push(id);
            } else {
                self.keys.push(Key::new(id, holdings.account[j], qty, holdings.cost[j], holdings.collateral[j]));
            }
        }
        if !self.keys.is_empty() {
            let root = Node::over(self.keys.iter(), 0, 0);
            self.seat(0, &root);
            self.full.push(root.everybody());
            self.nodes.push(root);
        }
    }

    /// Positions that are looked at one by one.
    pub fn alone<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = u32> + 'a {
        self.cross.iter().copied().chain(self.aside.alone(ledger))
    }

    /// The root, where anybody is in the tree.
    pub fn root(&self) -> Option<u32> {
        self.alive.first().is_some_and(|&alive| alive > 0).then_some(0)
    }

    pub fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    pub fn is_empty(&self, at: u32) -> bool {
        self.alive[at as usize] == 0
    }

    /// The keys of a leaf, and a bit for each that is still there; nothing where the node is no leaf.
    #[inline]
    pub fn leaf(&self, at: u32) -> Option<(&[Key], u32)> {
        let node = self.node(at);
        node.is_leaf().then(|| (&self.keys[node.range()], self.alive[at as usize]))
    }

    /// The first of a node's two children, which are made where there are none yet.
    pub fn split(&mut self, at: u32, question: &Question<'_>) -> u32 {
        let node = self.node(at);
        if node.children != 0 {
            return node.children;
        }
        // What the path has touched has left the tree already.
        let is_whole = self.alive[at as usize] == self.full[at as usize];
        let gone = |key: &Key| !is_whole && question.field.ledger.is_touched(key.id);
        let range = node.range();
        let keys = &mut self.keys[range.clone()];
        let middle = halve(keys, |key| key, self.nodes[at as usize].widest(self.axes, question.lot_value));
        let first = u32::try_from(self.nodes.len()).expect("nodes are fewer than positions");
        let ranges = [range.start..range.start + middle, range.start + middle..range.end];
        for (child, range) in (first..).zip(ranges) {
            let keys = &self.keys[range.clone()];
            let node = Node::over(keys.iter(), range.start, at);
            self.full.push(node.everybody());
            self.alive.push(if node.is_leaf() {
                (0..).zip(keys).map(|(place, key)| u32::from(!gone(key)) << place).sum()
            } else {
                (0..).zip(keys).map(|(_, key): (u32, &Key)| u32::from(!gone(key))).sum()
            });
            self.seat(child, &node);
            self.nodes.push(node);
        }
        self.nodes[at as usize].children = first;
        self.full[at as usize] = 2;
        self.alive[at as usize] = [first, first + 1].map(|child| u32::from(!self.is_empty(child))).iter().sum();
        first
    }

    /// Tells the positions of a node where they stand.
    fn seat(&mut self, at: u32, node: &Node) {
        let is_leaf = node.is_leaf();
        for (place, key) in (0..).zip(&self.keys[node.range()]) {
            self.seats[key.id as usize] = Seat { node: at, place: if is_leaf { place } else { NONE } };
        }
    }
}

/// Puts the lower half of what has these keys first, along an axis; returns where the upper half begins.
pub(super) fn halve<T>(items: &mut [T], key: impl Fn(&T) -> &Key, axis: Axis) -> usize {
    let middle = items.len() / 2;
    // How equal keys are told apart decides which node they are in, not which is found first.
    match axis {
        Axis::Cost => items.select_nth_unstable_by_key(middle, |item| key(item).cost),
        Axis::Collateral => items.select_nth_unstable_by_key(middle, |item| key(item).collateral),
        Axis::Lots => items.select_nth_unstable_by_key(middle, |item| key(item).qty.abs()),
        Axis::Opened => items.select_nth_unstable_by_key(middle, |item| key(item).id),
    };
    middle
}

impl Key {
    pub fn new(id: u32, account: u32, qty: Qty, whole_cost: Cash, whole_collateral: Cash) -> Self {
        let lots = qty.0.abs();
        let (cost, collateral) = (whole_cost.0.abs() / lots, whole_collateral.0.div_euclid(lots));
        Self { cost, collateral, id, account, qty, whole_cost, whole_collateral }
    }
}

impl Node {
    /// Over keys that begin at `start`.
    pub fn over<'a>(keys: impl ExactSizeIterator<Item = &'a Key>, start: usize, parent: u32) -> Self {
        let mut node = Self {
            cost: (i64::MAX, i64::MIN),
            collateral: (i64::MAX, i64::MIN),
            lots: (i64::MAX, 0),
            oldest: u32::MAX,
            accounts: (u32::MAX, 0),
            start: numbered(start),
            end: numbered(start + keys.len()),
            parent,
            children: 0,
        };
        for &Key { cost, collateral, id, account, qty, .. } in keys {
            // Keys are rounded down: the true value lies below the next whole unit.
            node.cost = (node.cost.0.min(cost), node.cost.1.max(cost + 1));
            node.collateral = (node.collateral.0.min(collateral), node.collateral.1.max(collateral + 1));
            node.lots = (node.lots.0.min(qty.0.abs()), node.lots.1.max(qty.0.abs()));
            node.oldest = node.oldest.min(id);
            node.accounts = (node.accounts.0.min(account), node.accounts.1.max(account));
        }
        node
    }

    /// Whether its positions are looked at one by one.
    #[inline]
    pub fn is_leaf(&self) -> bool {
        self.end - self.start <= LEAF
    }

    #[inline]
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// All of its positions, as [`Tree::full`] has those of a node without children.
    pub fn everybody(&self) -> u32 {
        let count = self.end - self.start;
        if self.is_leaf() { (1 << count) - 1 } else { count }
    }

    /// The axis that moves scores most from one end of the node to the other. Scores are made of profit and equity, so the
    /// width of the costs counts against the profit that they leave at the mark, and that of the collaterals against
    /// equity.
    pub fn widest(&self, axes: &[Axis], lot_value: i64) -> Axis {
        let profit = (self.cost.0 - lot_value).abs().max((self.cost.1 - lot_value).abs()).max(1);
        let equity = (self.collateral.0 + profit).max(1);
        let share = |axis: Axis| match axis {
            Axis::Cost => (self.cost, profit),
            Axis::Collateral => (self.collateral, equity),
            Axis::Lots => (self.lots, self.lots.1),
            Axis::Opened => ((0, 1), 1),
        };
        let is_wider = |axis: Axis, than: Axis| {
            let ((low, high), of) = share(axis);
            let ((other_low, other_high), other_of) = share(than);
            i128::from(high - low) * i128::from(other_of) > i128::from(other_high - other_low) * i128::from(of)
        };
        let wider = |best: Axis, &axis: &Axis| if is_wider(axis, best) { axis } else { best };
        axes.split_first().map_or(Axis::Opened, |(first, others)| others.iter().fold(*first, wider))
    }
}
