//! The winners of one contract and side, best score first, without ranking everybody.
//!
//! A tree over what the policy's score moves with holds the positions of the register. A policy bounds the score that
//! anyone in a node's region can have; the search opens the node with the greatest bound until the last winner that the
//! round needs scores above every bound left. A node is split when it is first opened, so what no search comes near is
//! never sorted. Positions that the path has touched leave the tree and stand aside.
//!
//! A round that takes a good part of a side ranks it instead: then the tree would be opened nearly everywhere.

use std::collections::BinaryHeap;

use super::adl::{Ranking, Region, Round, Winner};
use super::ledger::touched::Touched;
use super::ledger::{Ledger, State};
use super::margin::Tiers;
use super::rules::{Eligible, MarginMode};
use crate::facts::{ContractId, Side};
use crate::money::{Cash, Price, Qty};

mod aside;
mod ranked;
mod shortlist;
mod tree;

use ranked::{Ranked, coarse};
use shortlist::Shortlist;
use tree::{Key, Node, Tree};

/// A side is ranked where a round needs more than one in so many of its lots: a candidate of the search costs several
/// times one of the ranking, for the nodes above it and for the heap.
const RANKED_FROM: i64 = 8;

/// The trees of all contracts and sides, built when a round first needs them.
#[derive(Clone, Debug, Default)]
pub(super) struct Winners {
    trees: Vec<[Tree; 2]>,
    /// Nodes that the running search may open, greatest bound first.
    frontier: BinaryHeap<Ahead>,
    shortlist: Shortlist,
    ranked: Ranked,
}

/// A node that a search may open, and what no score in it exceeds, from [afar](coarse): the heap moves and compares words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ahead {
    bound: u32,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    /// A node of the tree.
    Node(u32),
    /// A leaf of the positions that have left it.
    Aside(u32),
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
    /// Whether the policy asks for the maintenance margin of winners.
    pub asks_for_maintenance: bool,
    /// Marks of all contracts, for the equity of cross accounts.
    pub marks: &'a [Price],
    /// Accounts with an unfinished order: with no position of theirs are they winners. None are asked for where no account
    /// has two positions and none is backed by a wallet: then the order is on the position that would win, and its state
    /// says so.
    pub busy: Option<&'a Touched>,
}

/// A winner that gives lots: its place among the winners, and all its lots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
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

/// A place in a list of positions, as it is kept: in 32 bits, like their numbers.
fn numbered(place: usize) -> u32 {
    u32::try_from(place).expect("positions are numbered in 32 bits")
}

impl Winners {
    /// Forgets the last path.
    pub fn reset(&mut self, contracts: usize) {
        self.trees.resize_with(contracts, Default::default);
        self.trees.iter_mut().flatten().for_each(Tree::reset);
    }

    /// Puts a position that was closed and is open again back among the candidates.
    pub fn reopened(&mut self, ledger: &Ledger, contract: ContractId, side: Side, id: u32) {
        if let Some(trees) = self.trees.get_mut(usize::from(contract)) {
            trees[usize::from(side == Side::Short)].reopened(ledger, id);
        }
    }

    /// Finds the winners of a round, or ranks the whole side where the round takes a good part of it: fills `winners` with
    /// them, or with everybody where they were ranked, and `chosen` with those that give lots in their order. Returns how
    /// many lots these have.
    pub fn choose(&mut self, question: &Question<'_>, winners: &mut Vec<Winner>, chosen: &mut Vec<Chosen>) -> Qty {
        let mut found = Qty::ZERO;
        chosen.clear();
        if question.takes_much() {
            self.ranked.rank(question);
            std::mem::swap(&mut self.ranked.winners, winners);
            for next in self.ranked.best() {
                if found >= question.round.needed {
                    break;
                }
                found += next.lots;
                chosen.push(next);
            }
            return found;
        }
        self.find(question);
        winners.clear();
        while found < question.round.needed {
            let Some(winner) = self.shortlist.next() else { break };
            let place = numbered(winners.len());
            found += winner.qty.abs();
            chosen.push(Chosen { place, lots: winner.qty.abs() });
            winners.push(winner);
        }
        found
    }

    /// Opens the node with the greatest bound until nobody that is left can be among the winners.
    fn find(&mut self, question: &Question<'_>) {
        let field = &question.field;
        let tree = &mut self.trees[usize::from(field.contract)][usize::from(field.side == Side::Short)];
        tree.sync(question);
        let (shortlist, frontier) = (&mut self.shortlist, &mut self.frontier);
        shortlist.begin(question.round.needed);
        frontier.clear();
        if let Some(root) = tree.root()
            && let Some(bound) = question.bound(tree.node(root))
        {
            frontier.push(Ahead { bound: coarse(bound), at: At::Node(root) });
        }
        for (at, node) in tree.aside.leaves() {
            if let Some(bound) = question.bound(node) {
                frontier.push(Ahead { bound: coarse(bound), at: At::Aside(at) });
            }
        }
        while let Some(ahead) = frontier.pop()
            && ahead.bound >= coarse(shortlist.floor())
        {
            let mut at = match ahead.at {
                At::Node(at) => at,
                At::Aside(at) => {
                    let (keys, free) = tree.aside.leaf(at);
                    question.look_at_leaf(keys, free, shortlist);
                    continue;
                }
            };
            loop {
                if let Some((keys, alive)) = tree.leaf(at) {
                    question.look_at_leaf(keys, alive, shortlist);
                    break;
                }
                let first = tree.split(at, question);
                let (low, high) = (question.bound_in(tree, first), question.bound_in(tree, first + 1));
                let (better, worse) = if high > low { (first + 1, first) } else { (first, first + 1) };
                if let Some(bound) = low.min(high)
                    && bound >= shortlist.floor()
                {
                    frontier.push(Ahead { bound: coarse(bound), at: At::Node(worse) });
                }
                let Some(bound) = low.max(high).filter(|bound| *bound >= shortlist.floor()) else { break };
                // The better of the two is opened at once where it would be the first to be taken off again.
                let bound = coarse(bound);
                if frontier.peek().is_some_and(|first| first.bound > bound) {
                    frontier.push(Ahead { bound, at: At::Node(better) });
                    break;
                }
                at = better;
            }
        }
        // They come last, since few of them are among the best.
        for id in tree.alone(field.ledger) {
            if let Some(winner) = field.winner(id) {
                question.look_at(winner, shortlist);
            }
        }
        shortlist.end();
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
        let maintenance = if self.asks_for_maintenance { self.tiers.maintenance(value.abs()) } else { Cash::ZERO };
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
        // Of an inverse contract no bound is known, and a search would look at everybody.
        let is_bounded = self.field.ledger.multiplier(self.field.contract).is_linear();
        !is_bounded || self.round.needed.0 > lots.0 / RANKED_FROM
    }

    /// Takes those of a leaf's positions that are still there and may be among the winners.
    fn look_at_leaf(&self, keys: &[Key], alive: u32, shortlist: &mut Shortlist) {
        let mut left = alive;
        while left != 0 {
            let &Key { id, account, qty, whole_cost, whole_collateral, .. } = &keys[left.trailing_zeros() as usize];
            left &= left - 1;
            let winner = self.field.at_opening(account, id, (qty, whole_cost, whole_collateral));
            if let Some(winner) = self.field.eligible(winner) {
                self.look_at(winner, shortlist);
            }
        }
        shortlist.settle();
    }

    /// Takes a winner that may be among those of the round.
    fn look_at(&self, winner: Winner, shortlist: &mut Shortlist) {
        let score = self.policy.score(&winner, self.round);
        if score >= shortlist.floor() {
            shortlist.take(score, winner);
        }
    }

    /// What no score in a node of the tree exceeds, where anybody in it can win.
    fn bound_in(&self, tree: &Tree, node: u32) -> Option<i128> {
        if tree.is_empty(node) { None } else { self.bound(tree.node(node)) }
    }

    fn bound(&self, node: &Node) -> Option<i128> {
        let Field { ledger, contract, side, tiers, .. } = self.field;
        debug_assert!(ledger.multiplier(contract).is_linear(), "regions speak of linear contracts");
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
            most_lots: node.lots.1,
            tiers,
            oldest: node.oldest,
            accounts: node.accounts,
        };
        self.policy.bound(&region, self.round)
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
