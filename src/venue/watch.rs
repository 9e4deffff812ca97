//! What a moving mark fires: how far it has come in each trigger list, and who is watched anew.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ledger::{Position, Slot, State};
use super::rules::MarginMode;
use super::triggers::{self, Trigger};
use super::{Queued, SIDES, Venue};
use crate::facts::{ContractId, Fact, Side};
use crate::money::{Cash, Price, narrow};

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
    /// Whole steps on the trigger line, rounded down.
    whole: i64,
    /// What is left of a step, in 2^−33 of it.
    parts: i64,
    /// What rounds up: 1 once funding has been paid.
    rest: i64,
}

impl Shift {
    /// So many that the greatest pace of all, 10⁹ steps for a cash unit a lot, fits a word.
    pub const BITS: u32 = 33;

    /// Adds `amount` times so many parts of a step.
    #[inline]
    pub fn add(&mut self, amount: i64, parts: i64) {
        // Mostly they fit a word together.
        if let Some(sum) = amount.checked_mul(parts).and_then(|more| more.checked_add(self.parts)) {
            self.whole += sum >> Self::BITS;
            self.parts = sum & ((1 << Self::BITS) - 1);
        } else {
            self.add_wide(amount, parts);
        }
        self.rest = 1;
    }

    #[inline(never)]
    fn add_wide(&mut self, amount: i64, parts: i64) {
        let sum = i128::from(amount) * i128::from(parts) + i128::from(self.parts);
        self.whole += narrow(sum >> Self::BITS);
        self.parts = narrow(sum & ((1 << Self::BITS) - 1));
    }

    /// Whole steps above it: none before the first payment.
    #[inline]
    pub fn up(&self) -> i64 {
        self.whole + self.rest
    }

    /// Whether funding has been paid.
    pub fn is_any(&self) -> bool {
        self.rest > 0
    }
}

impl Cursor {
    /// No position triggers whose key lies beyond this while the mark is `distance` away.
    #[inline]
    pub fn reach(&self, distance: i64) -> i64 {
        distance + self.shift.up()
    }

    /// No position of the list or beside it triggers nearer than this.
    #[inline]
    pub fn nearest(&self) -> i64 {
        self.rearmed.peek().map_or(self.bound, |Reverse(first)| first.distance.min(self.bound))
    }

    /// The key of a position that triggers at `distance` with the funding so far.
    pub fn key(&self, distance: i64) -> i64 {
        distance + self.shift.whole
    }
}

/// The distance of a candidate that does not breach.
const STAYS: i64 = i64::MAX;

/// The places of candidates, in the order of the list, whose triggers must be found: where one's may be nearer than
/// listed by up to `slack` more steps than its neighbour's and so their order is not known, and those that are not surely
/// within a distance.
#[expect(clippy::needless_bitwise_bool, reason = "no processor foresees which stand near one another")]
fn doubtful<'a>(candidates: &[Trigger], slack: u64, within: i64, room: &'a mut Vec<usize>) -> &'a [usize] {
    if room.len() < candidates.len() {
        room.resize(candidates.len(), 0);
    }
    let (mut count, mut is_near_last) = (0, false);
    for (at, this) in candidates.iter().enumerate() {
        let is_near_next = candidates.get(at + 1).is_some_and(|next| {
            let apart = next.distance.wrapping_sub(this.distance).cast_unsigned();
            (apart < slack) | ((apart == slack) & (next.position < this.position))
        });
        room[count] = at;
        count += usize::from(is_near_last | is_near_next | (this.distance > within));
        is_near_last = is_near_next;
    }
    &room[..count]
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
            if cursor.nearest() <= cursor.reach(distance) {
                self.fire(contract, side, distance, mark);
            }
        }
        self.tell_inventory();
    }

    /// Queues every position whose trigger lies within a distance of the opening mark, nearest first, ties by account; cross
    /// accounts wait until all marks are in.
    #[inline(never)]
    fn fire(&mut self, contract: ContractId, side: Side, distance: i64, mark: Price) {
        let (c, s) = (usize::from(contract), usize::from(side == Side::Short));
        let mut fired = std::mem::take(&mut self.fired);
        fired.clear();
        let cursor = &mut self.cursors[c][s];
        let reached = cursor.reach(distance);
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
        let is_shifted = cursor.shift.is_any();
        let is_listed = !self.dynamic.is_on() && self.ledger.register().holdings.cross.is_empty();
        if is_shifted || !is_listed {
            // Whoever listens is told where each trigger is, and on the curve of an inverse contract it decides of ties.
            let is_moot = !self.ledger.is_heard() && self.rules.contracts[c].multiplier.is_linear();
            let funding = Cash(self.ledger.funding(contract));
            let span = (is_listed && !merged && is_moot).then(|| self.paces[c].span(side, funding));
            self.settle_candidates(contract, side, distance, span, &mut fired);
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
    ///
    /// Candidates that stand as the register lists them have all been brought towards their triggers by funding alone, by
    /// a number of steps within `span`. One that stands far enough from its neighbours and from the mark breaches at its
    /// place in the order, and its trigger need not be found.
    #[inline(never)]
    fn settle_candidates(
        &mut self,
        contract: ContractId,
        side: Side,
        reached: i64,
        span: Option<[i64; 2]>,
        fired: &mut Vec<Trigger>,
    ) {
        let c = usize::from(contract);
        let open = self.ledger.register().contracts[c].triggers.place_at(side, 0);
        let mut room = std::mem::take(&mut self.doubtful);
        let (slack, within, most) = match span {
            Some([least, most]) => (most.abs_diff(least), reached.saturating_add(least), most),
            None => (u64::MAX, i64::MIN, 0),
        };
        let (mut in_order, mut some_stay) = (true, false);
        let mut last = Trigger { distance: i64::MIN, position: 0 };
        for &at in doubtful(fired, slack, within, &mut room) {
            let id = fired[at].position;
            // Those that breach are touched when they are queued.
            let Position { mode, account, qty, cost, collateral, owed, .. } = self.ledger.position(id);
            if mode == MarginMode::Cross {
                self.ledger.position_mut(id).state = State::Due;
                self.due.push(account);
                (fired[at].distance, some_stay) = (STAYS, true);
                continue;
            }
            // A position breaches from its trigger on.
            let place = self.rules.contracts[c].trigger(self.rules.trigger, qty, cost, collateral - owed);
            let distance = triggers::distance(open, side, place);
            if distance > reached {
                self.arm(id, place);
                (fired[at].distance, some_stay) = (STAYS, true);
                continue;
            }
            // As far from the opening mark as it would be before the funding that the others' places are before.
            let now = Trigger { distance: distance.saturating_add(most), position: id };
            in_order &= last < now;
            last = now;
            fired[at] = now;
        }
        self.doubtful = room;
        if some_stay {
            fired.retain(|trigger| trigger.distance != STAYS);
        }
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
