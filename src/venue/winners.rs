//! The winners of one contract and side, best score first, without ranking everybody.
//!
//! A tree over (cost per lot, collateral per lot) holds the positions of the register. A policy bounds the score that
//! anyone in a node's rectangle can have; the search opens the node with the greatest bound until a position's own
//! score is at least every bound left. A node is split when it is first opened, so what no search comes near is never
//! sorted. Positions that the path has touched leave the tree and stand in a short list.
//!
//! A round that takes a good part of a side ranks it instead: then the tree would be opened nearly everywhere.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::adl::{Ranking, Region, Round, Winner};
use super::ledger::touched::Touched;
use super::ledger::{Ledger, State};
use super::margin::Tiers;
use super::rules::{Eligible, MarginMode};
use crate::facts::{ContractId, Side};
use crate::money::{Cash, Price, Qty};

mod ranked;

use ranked::Ranked;

/// Positions in a leaf: small enough to look at each, large enough to keep the tree shallow.
const LEAF: u32 = 12;

/// A side is ranked where a round needs more than one in so many of its lots: a candidate of the search costs several
/// times one of the ranking, for the nodes above it and for the heap.
const RANKED_FROM: i64 = 8;

#[derive(Clone, Debug)]
struct Node {
    /// Least and greatest cost per lot, and collateral per lot, rounded outwards.
    cost: (i64, i64),
    collateral: (i64, i64),
    /// Lots of the largest position.
    most_lots: i64,
    /// Least id.
    oldest: u32,
    /// Range in `keys`.
    start: u32,
    end: u32,
    /// First of two children, 0 for a leaf and for a node that is not split yet.
    children: u32,
    parent: u32,
}

/// An isolated position at the opening, with all that a policy is told of it: those of a leaf are read in a row, where the
/// register's columns would be a line of cache each.
#[derive(Clone, Copy, Debug)]
struct Key {
    /// Cost and collateral per lot, rounded down.
    cost: i64,
    collateral: i64,
    id: u32,
    account: u32,
    qty: Qty,
    /// Of all its lots.
    whole_cost: Cash,
    whole_collateral: Cash,
}

#[derive(Clone, Debug, Default)]
struct Tree {
    /// Version of the register it was built from.
    version: u64,
    nodes: Vec<Node>,
    /// The positions, those of a node side by side.
    keys: Vec<Key>,
    /// Per position of the register: the lowest node that holds it, or `u32::MAX`.
    leaf: Vec<u32>,
    /// Positions in each node without children at the opening, and on this path; of one with children how many of the two
    /// hold any. So a position that leaves is counted where it was, and farther up only where it was the last.
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
    /// Candidates of the running search, as its items name them.
    seen: Vec<(Winner, u32)>,
    ranked: Ranked,
    is_ranked: bool,
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
    Position { account: Reverse<u32>, id: Reverse<u32>, seen: u32 },
    Node(u32),
}

/// Who may win in a round: one side of a contract, the rule of eligibility, and the prices that it speaks of.
pub(super) struct Field<'a> {
    pub ledger: &'a Ledger,
    pub contract: ContractId,
    /// Side of the winners.
    pub side: Side,
    pub rule: Eligible,
    /// Value of one lot at the mark, and at the round's worst ADL price for a winner.
    pub lot: Cash,
    pub lot_at_worst: Cash,
    pub tiers: &'a Tiers,
    /// Marks of all contracts, for the equity of cross accounts.
    pub marks: &'a [Price],
    /// Accounts with an unfinished order: with no position of theirs are they winners. None are asked for where no account
    /// has two positions and none is backed by a wallet: then the order is on the position that would win, and its state
    /// says so.
    pub busy: Option<&'a Touched>,
}

/// A winner that gives lots: its place among the winners, and all its lots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    pub place: u32,
    pub lots: Qty,
}

/// What one round asks: which winners, by which policy.
pub(super) struct Question<'a> {
    pub field: Field<'a>,
    pub policy: &'a dyn Ranking,
    pub round: &'a Round,
    /// Cash value of one lot at the mark.
    pub lot_value: i64,
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

    /// Starts a search, or ranks the whole side where the round takes a good part of it.
    pub fn search(&mut self, question: &Question<'_>) {
        self.is_ranked = question.takes_much();
        if self.is_ranked {
            self.ranked.rank(question);
        } else {
            self.seen.clear();
            self.start(question);
        }
    }

    /// Whoever gives lots in a round: fills `winners` with them, or with everybody where they were ranked, and `best` with
    /// their order. Returns how many lots they have.
    pub fn best(&mut self, question: &Question<'_>, winners: &mut Vec<Winner>, best: &mut Vec<Best>) -> Qty {
        self.search(question);
        let mut found = Qty::ZERO;
        best.clear();
        if self.is_ranked {
            std::mem::swap(&mut self.ranked.winners, winners);
            for next in self.ranked.best() {
                if found >= question.round.needed {
                    break;
                }
                found += next.lots;
                best.push(next);
            }
            return found;
        }
        winners.clear();
        while found < question.round.needed {
            let Some((winner, _)) = self.next(question) else { break };
            let place = u32::try_from(winners.len()).expect("positions are numbered in 32 bits");
            found += winner.qty.abs();
            best.push(Best { place, lots: winner.qty.abs() });
            winners.push(winner);
        }
        found
    }

    /// The next best winner and its position.
    pub fn next(&mut self, question: &Question<'_>) -> Option<(Winner, u32)> {
        if self.is_ranked {
            return self.ranked.next().map(|winner| (*winner, winner.opened));
        }
        let field = &question.field;
        let tree = &mut self.trees[usize::from(field.contract)][usize::from(field.side == Side::Short)];
        while let Some(item) = self.frontier.pop() {
            match item.kind {
                Kind::Position { seen, .. } => return Some(self.seen[seen as usize]),
                Kind::Node(at) => {
                    if tree.is_leaf(at) {
                        let is_whole = tree.is_whole(at);
                        for key in tree.keys_of(at) {
                            // One by one: the heap is much larger than what joins it.
                            if is_whole || !field.ledger.is_touched(key.id) {
                                let held = (key.qty, key.whole_cost, key.whole_collateral);
                                let winner = field.eligible(field.at_opening(key.account, key.id, held));
                                if let Some(item) = question.item(winner, key.id, &mut self.seen) {
                                    self.frontier.push(item);
                                }
                            }
                        }
                        continue;
                    }
                    let first = tree.split(at, question);
                    for child in [first, first + 1] {
                        if tree.alive[child as usize] > 0
                            && let Some(score) = question.bound(&tree.nodes[child as usize])
                        {
                            self.frontier.push(Item { score, kind: Kind::Node(child) });
                        }
                    }
                }
            }
        }
        None
    }

    fn start(&mut self, question: &Question<'_>) {
        let field = &question.field;
        let tree = &mut self.trees[usize::from(field.contract)][usize::from(field.side == Side::Short)];
        tree.sync(field);
        self.frontier.clear();
        tree.altered.retain(|&id| field.ledger.state(id) != State::Closed);
        for &id in &tree.altered {
            self.frontier.extend(question.item(field.winner(id), id, &mut self.seen));
        }
        if let Some(root) = tree.nodes.first()
            && tree.alive[0] > 0
        {
            self.frontier.extend(question.bound(root).map(|score| Item { score, kind: Kind::Node(0) }));
        }
    }
}

impl Field<'_> {
    /// A position as a winner, where its state and the rule let it be one.
    fn winner(&self, id: u32) -> Option<Winner> {
        let position = self.ledger.position(id);
        // One with an unfinished order is never a winner.
        if matches!(position.state, State::Closed | State::Queued) {
            return None;
        }
        let backing = self.ledger.backing(&position, self.marks);
        self.eligible(Winner::of(&position, backing, self.value(position.qty), self.tiers))
    }

    /// An isolated position that the path has not touched, of this quantity, cost and collateral: it owes the funding of
    /// its lots since the opening.
    fn at_opening(&self, account: u32, id: u32, (qty, cost, collateral): (Qty, Cash, Cash)) -> Winner {
        let collateral = collateral - self.ledger.owed_since_opening(self.contract, qty);
        let value = self.value(qty);
        let maintenance = self.tiers.maintenance(value.abs());
        Winner { account, qty, cost, collateral, value, maintenance, opened: id }
    }

    fn value(&self, qty: Qty) -> Cash {
        Cash(qty.0 * self.lot.0)
    }

    fn eligible(&self, winner: Winner) -> Option<Winner> {
        let value_at_worst = Cash(winner.qty.0 * self.lot_at_worst.0);
        let is_free = || self.busy.is_none_or(|busy| busy.find(winner.account).is_none());
        (self.rule.admits(&winner, value_at_worst) && is_free()).then_some(winner)
    }

    /// All eligible winners, in the order of their accounts.
    #[inline]
    pub fn each(&self, mut take: impl FnMut(Winner)) {
        let holdings = &self.ledger.register().holdings;
        let of_side = (0u32..).zip(holdings.contract.iter().zip(&holdings.qty));
        let of_side =
            of_side.filter(|(_, (contract, qty))| **contract == self.contract && Side::of(**qty) == self.side);
        for (id, (_, &qty)) in of_side {
            let j = id as usize;
            let winner = if self.ledger.is_touched(id) || holdings.mode(j) == MarginMode::Cross {
                self.winner(id)
            } else {
                self.eligible(self.at_opening(holdings.account[j], id, (qty, holdings.cost[j], holdings.collateral[j])))
            };
            if let Some(winner) = winner {
                take(winner);
            }
        }
    }
}

impl Eligible {
    /// Whether a winner may be deleveraged; `value_at_worst` is its value at the round's worst ADL price for it.
    fn admits(self, winner: &Winner, value_at_worst: Cash) -> bool {
        let profit_there = value_at_worst - winner.cost;
        let solvent = (winner.collateral + profit_there).0 >= 0;
        solvent
            && match self {
                Self::ProfitAtAdlPrice => profit_there.0 > 0,
                Self::ProfitAtMark => winner.unrealised().0 > 0,
                Self::SolventAfter => true,
            }
    }
}

impl Question<'_> {
    /// Whether the round takes so much of the side that ranking all of it costs less than searching it.
    fn takes_much(&self) -> bool {
        let contract = &self.field.ledger.register().contracts[usize::from(self.field.contract)];
        let lots = match self.field.side {
            Side::Long => contract.long_lots,
            Side::Short => contract.short_lots,
        };
        self.round.needed.0 > lots.0 / RANKED_FROM
    }

    /// A winner as an item of the search.
    fn item(&self, winner: Option<Winner>, id: u32, seen: &mut Vec<(Winner, u32)>) -> Option<Item> {
        let winner = winner?;
        let at = u32::try_from(seen.len()).expect("positions are numbered in 32 bits");
        seen.push((winner, id));
        let kind = Kind::Position { account: Reverse(winner.account), id: Reverse(id), seen: at };
        Some(Item { score: self.policy.score(&winner, self.round), kind })
    }

    fn bound(&self, node: &Node) -> Option<i128> {
        let Field { ledger, contract, side, tiers, .. } = self.field;
        // Regions speak of linear contracts: those who gain from a rise gain without bound.
        if !ledger.multiplier(contract).is_linear() {
            return Some(i128::MAX);
        }
        // A position that the path has not touched owes the funding of its lots since the opening.
        let funding = match side {
            Side::Long => ledger.funding(contract),
            Side::Short => -ledger.funding(contract),
        };
        let region = Region {
            side,
            cost_per_lot: node.cost,
            collateral_per_lot: (node.collateral.0 - funding, node.collateral.1 - funding),
            value_per_lot: self.lot_value,
            most_lots: node.most_lots,
            tiers,
            oldest: node.oldest,
        };
        self.policy.bound(&region, self.round)
    }
}

impl Tree {
    /// Brings the tree up to what the path has touched.
    fn sync(&mut self, field: &Field<'_>) {
        let register = field.ledger.register();
        if self.version != register.version() {
            self.build(field);
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
        let touched = field.ledger.touched();
        for position in &touched[self.synced..] {
            let mut at = self.leaf[position.id as usize];
            if at == u32::MAX {
                continue;
            }
            self.altered.push(position.id);
            loop {
                self.alive[at as usize] -= 1;
                if self.alive[at as usize] > 0 || at == 0 {
                    break;
                }
                at = self.nodes[at as usize].parent;
            }
        }
        self.synced = touched.len();
    }

    /// A tree of the root alone.
    fn build(&mut self, field: &Field<'_>) {
        let holdings = &field.ledger.register().holdings;
        self.nodes.clear();
        self.full.clear();
        self.leaf.clear();
        self.leaf.resize(holdings.account.len(), u32::MAX);
        self.keys.clear();
        self.cross.clear();
        for (id, (&contract, &qty)) in (0u32..).zip(holdings.contract.iter().zip(&holdings.qty)) {
            if contract != field.contract || Side::of(qty) != field.side {
                continue;
            }
            let j = id as usize;
            if holdings.mode(j) == MarginMode::Cross {
                self.cross.push(id);
                continue;
            }
            let (lots, whole_cost, whole_collateral) = (qty.0.abs(), holdings.cost[j], holdings.collateral[j]);
            let (cost, collateral) = (whole_cost.0.abs() / lots, whole_collateral.0 / lots);
            self.keys.push(Key {
                cost,
                collateral,
                id,
                account: holdings.account[j],
                qty,
                whole_cost,
                whole_collateral,
            });
            self.leaf[j] = 0;
        }
        if !self.keys.is_empty() {
            self.nodes.push(Node::over(&self.keys, 0, 0));
            self.full.push(self.nodes[0].end);
        }
    }

    /// Whether the positions of a node are looked at one by one.
    fn is_leaf(&self, at: u32) -> bool {
        let node = &self.nodes[at as usize];
        node.end - node.start <= LEAF
    }

    /// Whether the path has touched none of the positions of a node without children.
    fn is_whole(&self, at: u32) -> bool {
        self.alive[at as usize] == self.full[at as usize]
    }

    fn keys_of(&self, at: u32) -> &[Key] {
        let node = &self.nodes[at as usize];
        &self.keys[node.start as usize..node.end as usize]
    }

    /// The first of a node's two children, which are made where there are none yet.
    fn split(&mut self, at: u32, question: &Question<'_>) -> u32 {
        let Node { children, start, end, .. } = self.nodes[at as usize];
        if children != 0 {
            return children;
        }
        let is_whole = self.is_whole(at);
        let by_cost = self.nodes[at as usize].cost_matters_more(question.lot_value);
        let keys = &mut self.keys[start as usize..end as usize];
        let middle = keys.len() / 2;
        // How equal keys are told apart decides which node they are in, not which is found first.
        if by_cost {
            keys.select_nth_unstable_by_key(middle, |key| key.cost);
        } else {
            keys.select_nth_unstable_by_key(middle, |key| key.collateral);
        }
        let first = u32::try_from(self.nodes.len()).expect("nodes are fewer than positions");
        let (low, high) = keys.split_at(middle);
        for (child, keys, start) in [(first, low, start as usize), (first + 1, high, start as usize + middle)] {
            keys.iter().for_each(|key| self.leaf[key.id as usize] = child);
            let node = Node::over(keys, start, at);
            let full = node.end - node.start;
            // What the path has touched has left the tree already.
            let gone = || keys.iter().filter(|key| question.field.ledger.is_touched(key.id)).count();
            let gone = if is_whole { 0 } else { gone() };
            self.full.push(full);
            self.alive.push(full - u32::try_from(gone).expect("positions are numbered in 32 bits"));
            self.nodes.push(node);
        }
        self.nodes[at as usize].children = first;
        self.full[at as usize] = 2;
        self.alive[at as usize] =
            [first, first + 1].map(|child| u32::from(self.alive[child as usize] > 0)).iter().sum();
        first
    }
}

impl Node {
    fn over(keys: &[Key], start: usize, parent: u32) -> Self {
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
        for &Key { cost, collateral, id, qty, .. } in keys {
            // Keys are rounded down: the true value lies below the next whole unit.
            node.cost = (node.cost.0.min(cost), node.cost.1.max(cost + 1));
            node.collateral = (node.collateral.0.min(collateral), node.collateral.1.max(collateral + 1));
            node.most_lots = node.most_lots.max(qty.0.abs());
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
