//! What a moving mark fires: how far it has come in each trigger list, and who is watched anew.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ledger::{Position, Slot, State};
use super::rules::MarginMode;
use super::triggers::{self, Trigger};
use super::{Queued, SIDES, Venue};
use crate::facts::{ContractId, Fact, Side};
use crate::money::{Price, narrow};

/// How far the marks have come in one trigger list.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    pub at: usize,
    /// No entry of the list from the cursor on lies nearer than this.
    pub bound: i64,
    pub rearmed: BinaryHeap<Reverse<Trigger>>,
    pub shift: Shift,
}

/// How far funding has brought the positions of a list towards their triggers since the opening, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shift {
    /// In parts of a step on the trigger line, 2^−63 each.
    sum: i128,
    /// The same in whole steps, rounded down and up.
    pub down: i64,
    pub up: i64,
}

impl Shift {
    pub const BITS: u32 = 63;
    /// A step.
    pub const ONE: i128 = 1 << Self::BITS;

    /// Adds parts of a step.
    #[inline]
    pub fn add(&mut self, parts: i128) {
        self.sum += parts;
        self.down = narrow(self.sum >> Self::BITS);
        self.up = self.down + i64::from(self.sum & (Self::ONE - 1) != 0);
    }
}

impl Cursor {
    /// No position triggers whose key lies beyond this while the mark is `distance` away.
    #[inline]
    pub fn reach(&self, distance: i64) -> i64 {
        distance + self.shift.up
    }

    /// No position of the list or beside it triggers nearer than this.
    #[inline]
    pub fn nearest(&self) -> i64 {
        self.rearmed.peek().map_or(self.bound, |Reverse(first)| first.distance.min(self.bound))
    }

    /// The key of a position that triggers at `distance` with the funding so far.
    pub fn key(&self, distance: i64) -> i64 {
        distance + self.shift.down
    }
}

impl Venue {
    /// The mark of a contract moves: everything fires that it has reached.
    pub(super) fn mark(&mut self, contract: ContractId, mark: Price) {
        let c = usize::from(contract);
        self.marks[c] = mark;
        // Holders of both sides stand on the same line.
        let (falling, place) = self.rules.contracts[c].line(Side::Long, mark);
        for holders in SIDES {
            let side = if holders == Side::Long { falling } else { falling.opposite() };
            let distance = self.ledger.register().contracts[c].triggers.distance(side, place);
            let cursor = &self.cursors[c][usize::from(side == Side::Short)];
            let reached = cursor.reach(distance);
            if cursor.nearest() <= reached {
                self.fire(contract, side, reached, mark);
            }
        }
        self.tell_inventory();
    }

    /// Queues every position whose trigger lies within `reached`, nearest first, ties by account; cross accounts wait
    /// until all marks are in.
    #[inline(never)]
    fn fire(&mut self, contract: ContractId, side: Side, reached: i64, mark: Price) {
        let (c, s) = (usize::from(contract), usize::from(side == Side::Short));
        let mut fired = std::mem::take(&mut self.fired);
        fired.clear();
        let cursor = &mut self.cursors[c][s];
        // At a step of volatility the contract has another list than the register's.
        let mut own = self.dynamic.triggers(c);
        loop {
            let triggers = own.as_deref().unwrap_or_else(|| &self.ledger.register().contracts[c].triggers);
            let within = triggers.within(side, cursor.at, reached);
            cursor.at += within.len();
            // What the list knows of a touched position is out of date: the heap speaks for it, or it is closed.
            fired.extend(within.iter().filter(|trigger| self.ledger.state(trigger.position) == State::Listed));
            cursor.bound = triggers.bound(side, cursor.at);
            if triggers.is_ready(side, cursor.at) || cursor.bound > reached {
                break;
            }
            if let Some(own) = &mut own {
                own.make_ready(side, cursor.at);
            } else {
                let register = self.ledger.register_mut().expect("a shared register is sorted beforehand");
                register.contracts[c].triggers.make_ready(side, cursor.at);
            }
        }
        let mut merged = false;
        while let Some(Reverse(first)) = cursor.rearmed.peek().copied() {
            if first.distance > reached {
                break;
            }
            cursor.rearmed.pop();
            let position = self.ledger.position(first.position);
            if position.state == State::Rearmed && self.ledger.armed(&position) == first.distance {
                fired.push(first);
                merged = true;
            }
        }
        if merged {
            fired.sort_unstable();
            fired.dedup();
        }
        let shifted = cursor.shift != Shift::default();
        if shifted || self.dynamic.is_on() || !self.ledger.register().holdings.cross.is_empty() {
            self.settle_candidates(contract, side, mark, &mut fired);
        }
        if !self.rules.contracts[c].multiplier.is_linear() {
            // Places that differ may be one tick, and then accounts decide.
            let toward = if side == Side::Short { -1 } else { 1 };
            fired.sort_by_key(|&trigger| (toward * self.tick_of(contract, side, trigger).0, trigger.position));
        }
        let ready = self.now + self.rules.latency;
        self.queue.make_room(fired.len());
        self.ledger.queue(&fired, |position, slot| self.queue.push(Queued { position, slot, ready }));
        if self.ledger.is_heard() {
            for &trigger in &fired {
                let account = self.ledger.position(trigger.position).account;
                let trigger = self.tick_of(contract, side, trigger);
                self.ledger.tell(Fact::Breached { contract, account, trigger, mark });
            }
        }
        self.fired = fired;
    }

    /// The tick at which a position triggers whose distance on its trigger line is up to date.
    fn tick_of(&self, contract: ContractId, side: Side, trigger: Trigger) -> Price {
        let c = usize::from(contract);
        let of = &self.rules.contracts[c];
        of.tick_at(of.line_side(side), self.ledger.register().contracts[c].triggers.place_at(side, trigger.distance))
    }

    /// Of positions that may breach keeps the isolated ones that do, in the order of their triggers as they are now;
    /// the others are armed anew, and cross accounts noted.
    #[inline(never)]
    fn settle_candidates(&mut self, contract: ContractId, side: Side, mark: Price, fired: &mut Vec<Trigger>) {
        let c = usize::from(contract);
        let (_, here) = self.rules.contracts[c].line(Side::Long, mark);
        let triggers = &self.ledger.register().contracts[c].triggers;
        let (open, reached) = (triggers.place_at(side, 0), triggers.distance(side, here));
        let mut last = Trigger { distance: i64::MIN, position: 0 };
        let (mut kept, mut in_order) = (0, true);
        for at in 0..fired.len() {
            let id = fired[at].position;
            let position = self.ledger.met(id);
            if position.mode == MarginMode::Cross {
                position.state = State::Due;
                self.due.push(position.account);
                continue;
            }
            // A position breaches from its trigger on.
            let &mut Position { qty, cost, collateral, owed, .. } = position;
            let place = self.rules.contracts[c].trigger(self.rules.trigger, qty, cost, collateral - owed);
            let now = Trigger { distance: triggers::distance(open, side, place), position: id };
            if now.distance > reached {
                self.arm(id, place);
                continue;
            }
            in_order &= last < now;
            last = now;
            fired[kept] = now;
            kept += 1;
        }
        fired.truncate(kept);
        if !in_order {
            fired.sort_unstable();
        }
    }

    /// Puts an open, touched position back under watch with its trigger as it is now. A cross account is looked at as
    /// soon as all marks of the next refresh are in.
    #[inline(never)]
    pub(super) fn rearm(&mut self, id: u32) {
        let slot = self.ledger.slot(id);
        self.rearm_at(slot);
    }

    /// The same where its funding has been counted up to now.
    pub(super) fn rearm_at(&mut self, slot: Slot) {
        let position = self.ledger.at_mut(slot);
        if position.mode == MarginMode::Cross {
            position.state = State::Due;
            self.due.push(position.account);
            return;
        }
        let &mut Position { contract, qty, cost, collateral, owed, .. } = position;
        let rules = &self.rules.contracts[usize::from(contract)];
        let place = rules.trigger(self.rules.trigger, qty, cost, collateral - owed);
        self.arm_at(slot, place);
    }

    /// Sets the trigger of a position to a place on its line.
    pub(super) fn arm(&mut self, id: u32, place: i64) {
        let slot = self.ledger.slot(id);
        self.arm_at(slot, place);
    }

    fn arm_at(&mut self, slot: Slot, place: i64) {
        let &Position { id, contract, qty, .. } = self.ledger.at(slot);
        let c = usize::from(contract);
        let side = self.rules.contracts[c].line_side(Side::of(qty));
        let distance = self.ledger.register().contracts[c].triggers.distance(side, place);
        let cursor = &mut self.cursors[c][usize::from(side == Side::Short)];
        let key = cursor.key(distance);
        self.ledger.rearm(slot, key);
        cursor.rearmed.push(Reverse(Trigger { distance: key, position: id }));
    }
}
