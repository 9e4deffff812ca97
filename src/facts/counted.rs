//! What postings, forced orders and deleveraged lots come to in a row.
//!
//! The ledger counts here as it posts where nobody listens; where somebody does, a tally counts the same from the facts
//! that tell of them. So a row is the same either way, and what is only counted is never told.

use super::{AccountId, Disposal, Party, Side, Via, Why};
use crate::money::Cash;

/// A set of numbers, of accounts say, that a new path empties at once: a word of members carries the stamp of its path.
#[derive(Clone, Debug, Default)]
pub struct Distinct {
    words: Vec<Word>,
    stamp: u32,
    count: i64,
}

/// Which of 32 numbers in a row are members, as of the path with this stamp.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    stamp: u32,
    members: u32,
}

impl Distinct {
    /// Starts a path without members.
    pub fn empty(&mut self) {
        self.count = 0;
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            // After 2³² paths in one slot old stamps could be taken for new ones.
            self.words.fill(Word::default());
            self.stamp = 1;
        }
    }

    #[inline]
    pub fn insert(&mut self, number: u32) {
        let Some(word) = self.words.get_mut((number / u32::BITS) as usize) else { return self.insert_beyond(number) };
        if word.stamp != self.stamp {
            *word = Word { stamp: self.stamp, members: 0 };
        }
        let member = 1 << (number % u32::BITS);
        self.count += i64::from(word.members & member == 0);
        word.members |= member;
    }

    #[inline(never)]
    fn insert_beyond(&mut self, number: u32) {
        self.words.resize((number / u32::BITS) as usize + 1, Word::default());
        self.insert(number);
    }

    #[must_use]
    #[inline]
    pub fn contains(&self, number: u32) -> bool {
        let word = self.words.get((number / u32::BITS) as usize).copied().unwrap_or_default();
        word.stamp == self.stamp && word.members & (1 << (number % u32::BITS)) != 0
    }

    /// How many members there are.
    #[must_use]
    #[inline]
    pub fn count(&self) -> i64 {
        self.count
    }
}

/// Sums over the postings, orders and deleveraged lots of one path so far, in cash units, under the names of the columns that they make.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// n(t): cumulative fund inflow less payouts, and its lowest value so far.
    pub flow: i64,
    pub flow_min: i64,
    pub fund_paid: i64,
    pub fund_received: i64,
    pub taker_fees: i64,
    pub venue_paid: i64,
    pub backstop_loss: i64,
    pub socialised: i64,
    pub unfunded_deficit: i64,
    pub liquidations: i64,
    pub liquidated: Distinct,
    pub to_book: i64,
    pub to_engine: i64,
    pub to_backstop: i64,
    pub to_adl: i64,
    /// Notional of the lots that left losers, longs and shorts.
    pub of_longs: i64,
    pub of_shorts: i64,
    pub fees_waived: i64,
    pub book_cost_avoided: i64,
    pub deleveraged: Distinct,
    pub adl_notional: i64,
    pub adl_haircut: i64,
    pub adl_gift: i64,
}

impl Counted {
    /// Starts a path.
    pub fn begin(&mut self) {
        let mut liquidated = std::mem::take(&mut self.liquidated);
        let mut deleveraged = std::mem::take(&mut self.deleveraged);
        liquidated.empty();
        deleveraged.empty();
        *self = Self { liquidated, deleveraged, ..Self::default() };
    }

    /// Cash was posted.
    #[expect(clippy::inline_always, reason = "with parties and reason known it is a few additions")]
    #[inline(always)]
    pub fn posted(&mut self, from: Party, to: Party, amount: Cash, why: Why) {
        let amount = amount.0;
        match (from, to) {
            // The opening balance is known; a deposit is not income.
            (Party::World, _) | (_, Party::World) => return,
            (Party::Fund, _) => {
                self.flow -= amount;
                self.flow_min = self.flow_min.min(self.flow);
                self.fund_paid += amount;
            }
            (_, Party::Fund) => {
                self.flow += amount;
                if why == Why::Repayment {
                    self.fund_paid -= amount;
                } else {
                    self.fund_received += amount;
                }
            }
            (_, Party::Fees) if why == Why::TakerFee => self.taker_fees += amount,
            _ => {}
        }
        let (layer, net) = match why {
            Why::Shortfall | Why::Inventory => (from, amount),
            Why::Repayment => (to, -amount),
            _ => return,
        };
        match layer {
            Party::Venue => self.venue_paid += net,
            Party::Backstop(_) => self.backstop_loss += net,
            Party::Deficit => self.unfunded_deficit += net,
            Party::Trader(_) => self.socialised += net,
            // The fund is counted above; the engine hands a gain on, which is no payment of a layer.
            _ => {}
        }
    }

    /// A forced order was opened.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub fn opened(&mut self, account: AccountId) {
        self.liquidations += 1;
        self.liquidated.insert(account);
    }

    /// Lots of a winner were closed against a loser: their notional at the mark, and what the winner gave up (negative
    /// where it was given something).
    #[inline]
    pub fn deleveraged(&mut self, account: AccountId, notional: Cash, haircut: Cash) {
        self.deleveraged.insert(account);
        self.gave_up(notional, haircut);
    }

    /// The same without the account.
    #[inline]
    pub fn gave_up(&mut self, notional: Cash, haircut: Cash) {
        self.adl_notional += notional.0;
        self.adl_haircut += haircut.0.max(0);
        self.adl_gift += (-haircut.0).max(0);
    }

    /// Lots left a forced order on a position of this side by a layer: their notional at the mark.
    ///
    /// # Panics
    /// Where no order loses lots that way.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub fn left(&mut self, side: Side, via: Via, notional: Cash) {
        match via {
            Via::Book => self.to_book += notional.0,
            Via::Takeover => self.to_engine += notional.0,
            Via::Backstop => self.to_backstop += notional.0,
            Via::Adl => self.to_adl += notional.0,
            Via::Opening | Via::Socialised => unreachable!("{via:?} closes no lots of a forced order"),
        }
        match side {
            Side::Long => self.of_longs += notional.0,
            Side::Short => self.of_shorts += notional.0,
        }
    }

    /// A forced order on a position of this side is finished, of which nothing was counted before.
    pub fn closed(&mut self, side: Side, disposal: &Disposal) {
        self.left(side, Via::Book, disposal.to_book);
        self.left(side, Via::Takeover, disposal.to_engine);
        self.left(side, Via::Backstop, disposal.to_backstop);
        self.left(side, Via::Adl, disposal.to_adl);
        self.fees_waived += disposal.fees_waived.0;
        self.book_cost_avoided += disposal.book_cost_avoided.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_stamps_are_never_taken_for_new_ones() {
        let words = vec![Word { stamp: 1, members: u32::MAX }, Word { stamp: u32::MAX, members: u32::MAX }];
        let mut set = Distinct { words, stamp: u32::MAX, count: 0 };
        set.empty();
        assert_eq!((set.contains(0), set.contains(40), set.contains(64)), (false, false, false));
        set.insert(0);
        set.insert(40);
        set.insert(40);
        set.insert(900);
        assert_eq!((set.contains(0), set.contains(40), set.contains(900)), (true, true, true));
        assert_eq!(
            (set.contains(1), set.contains(41), set.contains(899), set.contains(5_000)),
            (false, false, false, false)
        );
        assert_eq!((set.count(), set.stamp), (3, 1));
    }
}
