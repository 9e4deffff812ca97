//! Cash that moves between house parties, positions and wallets, and how it is told.

use super::{Holder, Ledger, Slot, State};
use crate::facts::{Fact, Party, Why};
use crate::money::Cash;
use crate::venue::rules::MarginMode;

impl Ledger {
    #[expect(clippy::inline_always, reason = "with the party known it is one address")]
    #[inline(always)]
    fn house_cash(&mut self, party: Party) -> &mut Cash {
        match party {
            Party::Maker => &mut self.maker,
            Party::Engine => &mut self.engine,
            Party::Fund => &mut self.fund,
            Party::Fees => &mut self.fees,
            Party::Venue => &mut self.venue,
            Party::Rounding => &mut self.rounding,
            Party::Deficit => &mut self.deficit,
            Party::Clearing(contract) => &mut self.house[usize::from(contract)].clearing,
            Party::Backstop(j) => &mut self.backstops[usize::from(j)].cash,
            Party::Trader(_) | Party::World => {
                panic!("{party:?} is not a house party with cash of its own")
            }
        }
    }

    /// Tells a posting, or counts it where nobody listens.
    #[expect(clippy::inline_always, reason = "with parties and reason known it is a few additions")]
    #[inline(always)]
    pub(super) fn tell_posted(&mut self, from: Party, to: Party, amount: Cash, why: Why) {
        if self.is_heard() {
            self.tell(Fact::Posted { from, to, amount, why });
        } else {
            self.counted.posted(from, to, amount, why);
        }
    }

    /// Writes a fact for those who listen: aside, so that what is done where nobody does lies close together.
    #[inline(never)]
    pub(in crate::venue) fn tell(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// Moves cash between two house parties.
    pub fn post(&mut self, from: Party, to: Party, amount: Cash, why: Why) {
        debug_assert!(amount.0 >= 0);
        if amount.is_zero() {
            return;
        }
        *self.house_cash(from) -= amount;
        *self.house_cash(to) += amount;
        self.tell_posted(from, to, amount, why);
    }

    /// Pays into what backs a position.
    pub fn pay_in(&mut self, from: Party, position: u32, amount: Cash, why: Why) {
        let slot = self.slot(position);
        self.pay_in_at(from, slot, amount, why);
    }

    /// The same for a position whose place is known.
    #[inline]
    pub fn pay_in_at(&mut self, from: Party, slot: Slot, amount: Cash, why: Why) {
        debug_assert!(amount.0 >= 0);
        if amount.is_zero() {
            return;
        }
        *self.house_cash(from) -= amount;
        let to = Party::Trader(self.move_cash_at(slot, amount));
        self.tell_posted(from, to, amount, why);
    }

    /// Takes out of what backs a position.
    pub fn take_out(&mut self, position: u32, to: Party, amount: Cash, why: Why) {
        let slot = self.slot(position);
        self.take_out_at(slot, to, amount, why);
    }

    /// The same for a position whose place is known.
    #[expect(clippy::inline_always, reason = "with its payee known it is a few additions")]
    #[inline(always)]
    pub fn take_out_at(&mut self, slot: Slot, to: Party, amount: Cash, why: Why) {
        debug_assert!(amount.0 >= 0);
        if amount.is_zero() {
            return;
        }
        *self.house_cash(to) += amount;
        let from = Party::Trader(self.move_cash_at(slot, -amount));
        self.tell_posted(from, to, amount, why);
    }

    /// Closes a position that has no lots left, and takes what is left of what backs it.
    #[expect(clippy::inline_always, reason = "with its payee known it is a few additions")]
    #[inline(always)]
    pub fn close_for(&mut self, slot: Slot, to: Party, why: Why) {
        let position = &mut self.touched[slot.at()];
        position.state = State::Closed;
        if position.mode == MarginMode::Cross {
            let left = self.wallet(self.at(slot).account);
            return self.take_out_at(slot, to, left, why);
        }
        let left = std::mem::take(&mut position.collateral);
        debug_assert!(left.0 >= 0);
        if left.is_zero() {
            return;
        }
        position.moved -= left;
        let from = Party::Trader(position.account);
        *self.house_cash(to) += left;
        self.tell_posted(from, to, left, why);
    }

    /// Takes several amounts out of what backs a position, each told by itself: one change of its cash.
    #[expect(clippy::inline_always, reason = "with the payees known it is a few additions")]
    #[inline(always)]
    pub fn take_out_all<const N: usize>(&mut self, slot: Slot, payments: [(Party, Cash, Why); N]) {
        let all: Cash = payments.iter().map(|(_, amount, _)| *amount).sum();
        if all.is_zero() {
            return;
        }
        let from = Party::Trader(self.move_cash_at(slot, -all));
        for (to, amount, why) in payments {
            debug_assert!(amount.0 >= 0);
            if !amount.is_zero() {
                *self.house_cash(to) += amount;
                self.tell_posted(from, to, amount, why);
            }
        }
    }

    /// Moves free cash of an account to the collateral of its position, as far as there is any; returns how much. Both
    /// are the account's own, so nothing is posted.
    pub fn top_up(&mut self, position: u32, amount: Cash) -> Cash {
        let account = self.position(position).account;
        let moved = amount.min(self.wallet(account)).positive_part();
        if !moved.is_zero() {
            *self.wallet_mut(account) -= moved;
            self.position_mut(position).collateral += moved;
        }
        moved
    }

    /// Moves collateral of a position to its account's wallet.
    pub fn free(&mut self, position: u32, amount: Cash) {
        debug_assert!(amount.0 >= 0);
        let position = self.position_mut(position);
        position.collateral -= amount;
        let account = position.account;
        *self.wallet_mut(account) += amount;
    }

    /// Takes collateral of a position off the venue.
    pub fn withdraw(&mut self, position: u32, amount: Cash) {
        debug_assert!(amount.0 >= 0);
        if amount.is_zero() {
            return;
        }
        let slot = self.slot(position);
        let from = Party::Trader(self.enter(slot, -amount));
        self.tell_posted(from, Party::World, amount, Why::Withdrawal);
    }

    /// Moves collateral from one position to another.
    pub fn give(&mut self, from: u32, to: u32, amount: Cash, why: Why) {
        debug_assert!(amount.0 >= 0);
        if amount.is_zero() {
            return;
        }
        let from = Party::Trader(self.move_cash(from, -amount));
        let to = Party::Trader(self.move_cash(to, amount));
        self.tell_posted(from, to, amount, why);
    }

    /// Moves free cash of an account: out of its wallet (`amount` > 0) or back into it. The other side is a position or
    /// a house party.
    pub fn give_free(&mut self, account: u32, other: Holder, amount: Cash, why: Why) {
        if amount.is_zero() {
            return;
        }
        *self.wallet_mut(account) -= amount;
        let other = match other {
            Holder::Position(id) => Party::Trader(self.move_cash(id, amount)),
            Holder::House(party) => {
                *self.house_cash(party) += amount;
                party
            }
        };
        let (from, to) = if amount.0 > 0 { (Party::Trader(account), other) } else { (other, Party::Trader(account)) };
        self.tell_posted(from, to, amount.abs(), why);
    }

    /// Closes a position that has no lots left: its collateral goes to its account's wallet.
    #[inline]
    pub fn close(&mut self, slot: Slot) {
        let position = self.at_mut(slot);
        position.state = State::Closed;
        if position.mode == MarginMode::Cross {
            return;
        }
        let (account, left) = (position.account, std::mem::take(&mut position.collateral));
        if !left.is_zero() {
            *self.wallet_mut(account) += left;
        }
    }
}
