//! The winners of one contract and side, best score first, without ranking everybody.
//!
//! A tree over (cost per lot, collateral per lot) holds the positions of the register. A policy bounds the score that
//! anyone in a node's rectangle can have; the search opens the node with the greatest bound until a position's own
//! score is at least every bound left. Positions that the path has touched leave the tree and stand in a short list.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::adl::{Ranking, Region, Round, Winner};
use super::ledger::{Ledger, State};
use super::margin::Tiers;
use super::rules::MarginMode;
use crate::facts::{ContractId, Side};
use crate::money::{Cash, Price};

/// Positions in a leaf: small enough to look at each, large enough to keep the tree shallow.
const LEAF: usize = 12;

#[derive(Clone, Debug)]
struct Node {
    /// Least and greatest cost per lot, and collateral per lot, rounded outwards.
    cost: (i64, i64),
    collateral: (i64, i64),
    /// Lots of the largest position.
    most_lots: i64,
    /// Least id.
    oldest: u32,
    /// Range in `ids`.
    start: u32,
    end: u32,
    /// First of two children, 0 for a leaf.
    children: u32,
    parent: u32,
}

#[derive(Clone, Debug, Default)]
struct Tree {
    /// Version of the register it was built from.
    version: u64,
    nodes: Vec<Node>,
    ids: Vec<u32>,
    /// Per position of the register: its leaf, or `u32::MAX`.
    leaf: Vec<u32>,
    /// Positions in each node at the opening, and on this path.
    full: Vec<u32>,
    alive: Vec<u32>,
    /// Cross positions of this side.
    cross: Vec<u32>,
    /// Open positions of this side that the path has touched, and all cross positions.
    altered: Vec<u32>,
    /// Whether this path has used the tree yet, and how many touched positions it knows of.
    fresh: bool,
    synced: usize,
}

/// The trees of all contracts and sides, built when a round first needs them.
#[derive(Clone, Debug, Default)]
pub(super) struct Winners {
    trees: Vec<[Tree; 2]>,
    frontier: BinaryHeap<Item>,
}

/// What the search may open or yield next, greatest first. At equal scores a node goes before a position, because it
/// may hold a position of the same score and a lower account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    score: i128,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Position { account: Reverse<u32>, id: Reverse<u32> },
    Node(u32),
}

/// What one round asks: which winners, at which prices, by which policy.
pub(super) struct Question<'a> {
    pub ledger: &'a Ledger,
    pub policy: &'a dyn Ranking,
    pub contract: ContractId,
    /// Side of the winners.
    pub side: Side,
    pub round: &'a Round,
    pub tiers: &'a Tiers,
    /// Marks of all contracts, for the equity of cross accounts.
    pub marks: &'a [Price],
    /// Cash value of one lot at the mark.
    pub lot_value: i64,
    pub eligible: &'a dyn Fn(&Winner) -> bool,
}

impl Winners {
    /// Forgets the last path.
    pub fn reset(&mut self, contracts: usize) {
        self.trees.resize_with(contracts, Default::default);
        for tree in self.trees.iter_mut().flatten() {
            tree.fresh = false;
        }
    }

    /// Puts a position that was closed and is open again back among the candidates: a search forgets what is closed.
    pub fn reopened(&mut self, ledger: &Ledger, contract: ContractId, side: Side, id: u32) {
        let Some(trees) = self.trees.get_mut(usize::from(contract)) else { return };
        let tree = &mut trees[usize::from(side == Side::Short)];
        // What the tree has not looked at yet it will find among the touched; a cross position is no part of the tree.
        let known = tree.fresh
            && (tree.cross.contains(&id) || ledger.touched()[..tree.synced].iter().any(|position| position.id == id));
        if known && !tree.altered.contains(&id) {
            tree.altered.push(id);
        }
    }

    /// Starts a search.
    pub fn search(&mut self, question: &Question<'_>) {
        let tree = &mut self.trees[usize::from(question.contract)][usize::from(question.side == Side::Short)];
        tree.sync(question);
        self.frontier.clear();
        let mut altered = std::mem::take(&mut tree.altered);
        altered.retain(|&id| question.ledger.position(id).state != State::Closed);
        for &id in &altered {
            self.frontier.extend(question.candidate(id));
        }
        tree.altered = altered;
        if let Some(root) = tree.nodes.first()
            && tree.alive[0] > 0
        {
            self.frontier.extend(question.bound(root).map(|score| Item { score, kind: Kind::Node(0) }));
        }
    }

    /// The next best winner and its position.
    pub fn next(&mut self, question: &Question<'_>) -> Option<u32> {
        let tree = &self.trees[usize::from(question.contract)][usize::from(question.side == Side::Short)];
        while let Some(item) = self.frontier.pop() {
            match item.kind {
                Kind::Position { id, .. } => return Some(id.0),
                Kind::Node(at) => {
                    let node = &tree.nodes[at as usize];
                    if node.children == 0 {
                        let ids = &tree.ids[node.start as usize..node.end as usize];
                        let untouched = ids.iter().filter(|&&id| !question.ledger.is_touched(id));
                        // One by one: the heap is much larger than what joins it.
                        untouched.filter_map(|&id| question.candidate(id)).for_each(|item| self.frontier.push(item));
                    } else {
                        for child in [node.children, node.children + 1] {
                            if tree.alive[child as usize] > 0
                                && let Some(score) = question.bound(&tree.nodes[child as usize])
                            {
                                self.frontier.push(Item { score, kind: Kind::Node(child) });
                            }
                        }
                    }
                }
            }
        }
        None
    }
}

impl Question<'_> {
    /// A position as a candidate, where it is eligible.
    fn candidate(&self, id: u32) -> Option<Item> {
        let position = self.ledger.position(id);
        // One with an unfinished order is never a winner.
        if matches!(position.state, State::Closed | State::Queued) {
            return None;
        }
        let value = self.ledger.multiplier(self.contract).value(position.qty, self.round.mark);
        let winner = Winner::of(&position, self.ledger.backing(&position, self.marks), value, self.tiers);
        (self.eligible)(&winner).then(|| Item {
            score: self.policy.score(&winner, self.round),
            kind: Kind::Position { account: Reverse(winner.account), id: Reverse(id) },
        })
    }

    fn bound(&self, node: &Node) -> Option<i128> {
        // Regions speak of linear contracts: those who gain from a rise gain without bound.
        if !self.ledger.multiplier(self.contract).is_linear() {
            return Some(i128::MAX);
        }
        // A position that the path has not touched owes the funding of its lots since the opening.
        let funding = match self.side {
            Side::Long => self.ledger.funding(self.contract),
            Side::Short => -self.ledger.funding(self.contract),
        };
        let region = Region {
            side: self.side,
            cost_per_lot: node.cost,
            collateral_per_lot: (node.collateral.0 - funding, node.collateral.1 - funding),
            value_per_lot: self.lot_value,
            most_lots: node.most_lots,
            tiers: self.tiers,
            oldest: node.oldest,
        };
        self.policy.bound(&region, self.round)
    }
}

impl Tree {
    /// Brings the tree up to what the path has touched.
    fn sync(&mut self, question: &Question<'_>) {
        let register = question.ledger.register();
        if self.version != register.version() {
            self.build(question);
            self.version = register.version();
            self.fresh = false;
        }
        if !self.fresh {
            self.fresh = true;
            self.alive.clear();
            self.alive.extend_from_slice(&self.full);
            self.altered.clear();
            // The equity of a cross account moves with all marks, so each is looked at anew.
            self.altered.extend_from_slice(&self.cross);
            self.synced = 0;
        }
        let touched = question.ledger.touched();
        for position in &touched[self.synced..] {
            let mut at = self.leaf[position.id as usize];
            if at == u32::MAX {
                continue;
            }
            self.altered.push(position.id);
            loop {
                self.alive[at as usize] -= 1;
                if at == 0 {
                    break;
                }
                at = self.nodes[at as usize].parent;
            }
        }
        self.synced = touched.len();
    }

    fn build(&mut self, question: &Question<'_>) {
        let holdings = &question.ledger.register().holdings;
        self.nodes.clear();
        self.full.clear();
        self.ids.clear();
        self.leaf.clear();
        self.leaf.resize(holdings.account.len(), u32::MAX);
        self.cross.clear();
        if !holdings.cross.is_empty() {
            let of_this = |id: &u32| {
                let j = *id as usize;
                holdings.cross[j]
                    && holdings.contract[j] == question.contract
                    && Side::of(holdings.qty[j]) == question.side
            };
            self.cross.extend((0..u32::try_from(holdings.account.len()).unwrap_or(u32::MAX)).filter(of_this));
        }
        let mut keys: Vec<(i64, i64, u32, i64)> = (0u32..)
            .zip(&holdings.qty)
            .filter(|(id, qty)| {
                holdings.contract[*id as usize] == question.contract
                    && Side::of(**qty) == question.side
                    && holdings.mode(*id as usize) == MarginMode::Isolated
            })
            .map(|(id, qty)| {
                let lots = qty.0.abs();
                (holdings.cost[id as usize].0.abs() / lots, holdings.collateral[id as usize].0 / lots, id, lots)
            })
            .collect();
        if keys.is_empty() {
            return;
        }
        self.ids.resize(keys.len(), 0);
        // Nodes still to be split: index and range.
        let mut open = vec![(0u32, 0usize, keys.len(), 0u32)];
        self.nodes.push(EMPTY);
        self.full.push(0);
        while let Some((at, start, end, parent)) = open.pop() {
            let range = &mut keys[start..end];
            let node = Node::over(range, start, parent);
            let split = node.end - node.start > u32::try_from(LEAF).unwrap_or(u32::MAX);
            let by_cost = node.cost_matters_more(question.lot_value);
            self.full[at as usize] = node.end - node.start;
            self.nodes[at as usize] = node;
            if split {
                let middle = range.len() / 2;
                if by_cost {
                    range.select_nth_unstable(middle);
                } else {
                    range.select_nth_unstable_by_key(middle, |key| (key.1, key.0, key.2));
                }
                let first = u32::try_from(self.nodes.len()).expect("nodes are fewer than positions");
                self.nodes[at as usize].children = first;
                self.nodes.extend([EMPTY, EMPTY]);
                self.full.extend([0, 0]);
                open.push((first, start, start + middle, at));
                open.push((first + 1, start + middle, end, at));
            } else {
                for (offset, key) in range.iter().enumerate() {
                    self.ids[start + offset] = key.2;
                    self.leaf[key.2 as usize] = at;
                }
            }
        }
    }
}

const EMPTY: Node =
    Node { cost: (0, 0), collateral: (0, 0), most_lots: 0, oldest: 0, start: 0, end: 0, children: 0, parent: 0 };

impl Node {
    fn over(keys: &[(i64, i64, u32, i64)], start: usize, parent: u32) -> Self {
        let word = |x: usize| u32::try_from(x).expect("positions are numbered in 32 bits");
        let mut node = Self {
            cost: (i64::MAX, i64::MIN),
            collateral: (i64::MAX, i64::MIN),
            most_lots: 0,
            oldest: u32::MAX,
            start: word(start),
            end: word(start + keys.len()),
            parent,
            children: 0,
        };
        for &(cost, collateral, id, lots) in keys {
            // Keys are rounded down: the true value lies below the next whole unit.
            node.cost = (node.cost.0.min(cost), node.cost.1.max(cost + 1));
            node.collateral = (node.collateral.0.min(collateral), node.collateral.1.max(collateral + 1));
            node.most_lots = node.most_lots.max(lots);
            node.oldest = node.oldest.min(id);
        }
        node
    }

    /// Whether costs rather than collaterals are halved: whichever moves scores more. Scores are made of profit and equity,
    /// so the width of the costs counts against the profit that they leave at the mark, and that of the collaterals
    /// against equity.
    fn cost_matters_more(&self, lot_value: i64) -> bool {
        let profit = (self.cost.0 - lot_value).abs().max((self.cost.1 - lot_value).abs()).max(1);
        let equity = (self.collateral.0 + profit).max(1);
        let width = |(low, high): (i64, i64)| i128::from(high - low);
        width(self.cost) * i128::from(equity) >= width(self.collateral) * i128::from(profit)
    }
}

impl Winner {
    /// A position with what backs it, at its value at the mark; `maintenance` is that of the position alone.
    pub(super) fn of(position: &super::ledger::Position, backing: Cash, value: Cash, tiers: &Tiers) -> Self {
        Self {
            account: position.account,
            qty: position.qty,
            cost: position.cost,
            collateral: backing,
            value,
            maintenance: tiers.maintenance(value.abs()),
            opened: position.id,
        }
    }
}
