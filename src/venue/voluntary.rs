//! What traders do of their own accord: orders in the book, payments into a position, withdrawals from one.
//!
//! An order of a trader's own takes the same way as a forced one: the venue says what the book must know, the book
//! answers with a fill, the venue checks and posts it. It never costs anybody else: lots that close fill only as far as
//! the account's own equity bears the price (no worse than the bankruptcy price), lots that open only as far as the
//! tier's leverage and maintenance margin allow at the limit price. An account with a forced order under way cannot
//! act, since the venue cancels its orders first.

use super::agenda::leg;
use super::bisect::last_that_holds;
use super::cross::Standing;
use super::ledger::{Position, Slot, State};
use super::rules::{MarginMode, Trigger};
use super::{Fill, Order, Refused, Venue, margin, register};
use crate::facts::{Deed, Fact, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Nanos, Price, Qty, Ratio, div_ceil, narrow};

/// What a trader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    pub position: u32,
    /// Kind of the behaviour, for the log.
    pub by: &'static str,
    pub action: Action,
}

/// The ways to act on a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Order(OwnOrder),
    /// Cash from the account's wallet becomes collateral.
    TopUp(Cash),
    /// Collateral leaves the venue, as far as equity at the mark stays at or above `keep` × maintenance margin.
    Withdraw {
        amount: Cash,
        keep: Ratio,
    },
}

/// An order of a trader's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnOrder {
    /// Lots bought, or sold where negative. Against the position they close at most all of it; else they open more on
    /// the side that the position had at the start of the path.
    pub qty: Qty,
    /// No lot trades at a worse price.
    pub limit: Price,
    /// Cash of the wallet that becomes collateral of what is opened, in proportion to what fills; for lots that close,
    /// collateral that goes back to the wallet, as far as the tier's leverage lets it.
    pub margin: Cash,
}

/// An order of a trader's own that waits for its fill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    own: Own,
    pub(super) order: Order,
    /// Collateral that comes or goes with the whole order.
    margin: Cash,
}

impl Venue {
    /// Marks as they are.
    #[must_use]
    pub fn mark_of(&self, contract: crate::facts::ContractId) -> Price {
        self.marks[usize::from(contract)]
    }

    /// Equity, notional and maintenance margin of a position at the mark, the margin rounded up; equity and margin of a
    /// cross position are those of its account.
    #[must_use]
    pub fn standing(&self, position: &Position) -> (Cash, Cash, Cash) {
        let rules = &self.rules.contracts[usize::from(position.contract)];
        let mark = self.mark_of(position.contract);
        if position.mode == MarginMode::Cross {
            let Standing { equity, maintenance } = self.at_marks(position.id);
            let maintenance = Cash(narrow(div_ceil(maintenance, i128::from(Ratio::ONE.0))));
            return (equity, rules.multiplier.notional(position.qty, mark), maintenance);
        }
        let backing = self.ledger.backing(position, &self.marks);
        let (equity, notional) = register::at_mark(rules, position.qty, position.cost, backing, mark);
        (equity, notional, rules.tiers.maintenance(notional))
    }

    /// [`Command::Own`](super::Command::Own).
    ///
    /// # Errors
    /// Where an order waits for its fill or there is no such position; nothing has changed then.
    pub fn acted(&mut self, now: Nanos, own: &Own) -> Result<(), Refused> {
        if self.is_busy() {
            return Err(Refused::Busy);
        }
        if own.position as usize >= self.ledger.register().holdings.account.len() {
            return Err(Refused::NoPosition(own.position));
        }
        self.now = now;
        let position = self.ledger.position(own.position);
        if self.is_under_order(&position) {
            return Ok(());
        }
        match own.action {
            // Nobody trades in a contract that stands still.
            Action::Order(_) if self.is_halted(position.contract, self.now) => {}
            Action::Order(wanted) => self.send(own, wanted, &position),
            Action::TopUp(amount) => {
                if !position.qty.is_zero() && position.mode == MarginMode::Isolated {
                    let moved = self.ledger.top_up(own.position, amount);
                    self.watch_legs(position.account);
                    self.moved(own, Deed::ToppedUp, moved);
                }
            }
            Action::Withdraw { amount, keep } => {
                let (equity, _, maintenance) = self.standing(&position);
                // What must stay, rounded up against the account; unrealised profit cannot be withdrawn.
                let kept =
                    Cash(narrow(div_ceil(i128::from(maintenance.0) * i128::from(keep.0), i128::from(Ratio::ONE.0))));
                let most = (equity - kept).min(self.ledger.purse(&position)).positive_part();
                if !position.qty.is_zero() {
                    let taken = amount.min(most).positive_part();
                    self.ledger.withdraw(own.position, taken);
                    self.moved(own, Deed::Withdrew, taken);
                }
            }
        }
        Ok(())
    }

    /// Whether any position of this one's account waits for its forced order.
    fn is_under_order(&self, position: &Position) -> bool {
        let (of, at) = (&self.ledger.register().holdings.account, position.id as usize);
        // Positions stand in the order of their accounts: those of one are neighbours.
        let is_its = |other: &usize| of.get(*other) == Some(&position.account);
        let is_queued = |at: usize| u32::try_from(at).is_ok_and(|id| self.ledger.state(id) == State::Queued);
        position.state == State::Queued
            || (0..at).rev().take_while(is_its).any(is_queued)
            || (at + 1..of.len()).take_while(is_its).any(is_queued)
    }

    /// The wallet that backs an account's cross positions has less in it: they are looked at at the next refresh.
    fn watch_legs(&mut self, account: u32) {
        let mut legs = self.ledger.legs(account);
        if legs.next().is_some_and(|leg| leg.state != State::Queued) {
            drop(legs);
            self.release_cross(account);
        }
    }

    /// Tells of cash that moved, and watches the position at its new trigger.
    fn moved(&mut self, own: &Own, deed: Deed, amount: Cash) {
        if amount.is_zero() {
            return;
        }
        let Position { contract, account, .. } = self.ledger.position(own.position);
        self.ledger.facts.push(Fact::Acted { contract, account, by: own.by, deed, qty: Qty::ZERO, amount });
        self.rearm(own.position);
    }

    /// What the book must know of a trader's own order; nothing where not one lot may trade.
    fn send(&mut self, own: &Own, wanted: OwnOrder, position: &Position) {
        let id = own.position as usize;
        let closes = !position.qty.is_zero() && (position.qty.0 > 0) != (wanted.qty.0 > 0);
        let limit = Some(wanted.limit);
        let contract = position.contract;
        let (order, margin) = if closes {
            let rules = &self.rules.contracts[usize::from(contract)];
            let backing = self.ledger.backing(position, &self.marks);
            let (bankruptcy, surplus) = margin::bankruptcy(rules.multiplier, position.qty, position.cost, backing);
            let lots = wanted.qty.abs().min(position.qty.abs());
            let side = Side::of(position.qty);
            let budget = Some(Cash::ZERO);
            // A part may close at a loss of what is posted and no more, since nobody else stands in for the account.
            let surplus = surplus.min(self.ledger.purse(position)).positive_part();
            (Order { contract, side, lots, limit, bankruptcy, surplus, budget }, wanted.margin)
        } else {
            // Nobody changes sides: the index of winners knows each position by the side that it opened on.
            let opened_on = Side::of(self.ledger.register().holdings.qty[id]);
            if Side::of(wanted.qty) != opened_on {
                return;
            }
            // The wallet of a cross account is its margin already.
            let margin = match position.mode {
                MarginMode::Isolated => wanted.margin.min(self.ledger.wallet(position.account)).positive_part(),
                MarginMode::Cross => Cash::ZERO,
            };
            let lots = self.most_opened(position, wanted, margin);
            let side = Side::of(wanted.qty).opposite();
            let (bankruptcy, surplus) = (Price::ZERO, Cash::ZERO);
            (Order { contract, side, lots, limit, bankruptcy, surplus, budget: None }, margin)
        };
        if order.lots.0 > 0 {
            self.own = Some(Waiting { own: *own, order, margin });
        }
    }

    /// The greatest number of lots that the account may open at the limit price: equity at the mark stays above
    /// maintenance margin, and notional within the leverage of its tier.
    fn most_opened(&self, position: &Position, wanted: OwnOrder, margin: Cash) -> Qty {
        let rules = &self.rules.contracts[usize::from(position.contract)];
        let mark = self.mark_of(position.contract);
        let sign = wanted.qty.0.signum();
        let backing = self.ledger.backing(position, &self.marks);
        // What the account's other cross positions need is not there for this one.
        let others = match position.mode {
            MarginMode::Isolated => 0,
            MarginMode::Cross => {
                let own = rules.tiers.maintenance_billionths(rules.multiplier.notional(position.qty, mark));
                self.at_marks(position.id).maintenance - own
            }
        };
        let holds = |lots: i64| {
            let opened = Qty(sign * lots);
            let fee = self.rules.taker_fee.of_ceil(rules.multiplier.notional(Qty(lots), mark));
            let cost = position.cost + rules.multiplier.value(opened, wanted.limit);
            let collateral = backing + margin - fee;
            let (equity, notional) = register::at_mark(rules, position.qty + opened, cost, collateral, mark);
            let most = rules.tiers.tiers()[rules.tiers.tier_of(notional)].max_leverage;
            let maintenance = rules.tiers.maintenance_billionths(notional) + others;
            !(Standing { equity, maintenance }).breaches(Trigger::AtOrBelow)
                && i128::from(notional.0) * i128::from(Ratio::ONE.0) <= i128::from(equity.0) * i128::from(most.0)
        };
        let all = wanted.qty.0.abs();
        Qty(if holds(all) { all } else { last_that_holds(0, all, holds) })
    }

    pub(super) fn take_own_fill(&mut self, fill: Fill) -> Result<(), Refused> {
        let Some(Waiting { own, order, margin }) = self.own else { return Err(Refused::NoOrder) };
        self.check_fill(&order, &fill)?;
        self.own = None;
        if fill.lots.is_zero() {
            return Ok(());
        }
        let id = own.position;
        let slot = self.ledger.slot(id);
        let Position { contract, account, qty: held, mode, state, .. } = *self.ledger.at(slot);
        let opens = held.is_zero() || Side::of(held) != order.side;
        let part = i128::from(margin.0.max(0)) * i128::from(fill.lots.0);
        let part = Cash(narrow(div_ceil(part, i128::from(order.lots.0))));
        if opens && !part.is_zero() {
            self.ledger.top_up(id, part);
            self.watch_legs(account);
        }
        let (qty, cash) = leg(self.ledger.multiplier(contract), order.side, fill.lots, fill.cash);
        self.ledger.trade_at(slot, qty, cash, None, Via::Book);
        self.ledger.trade_maker(contract, -qty, -cash, None, Via::Book);
        let amount = self.ledger.multiplier(contract).notional(fill.lots, self.mark_of(contract));
        self.charge_taker(slot, amount);
        if mode == MarginMode::Cross {
            self.settle_wallet(id, contract, &mut Paid::default());
            self.release_cross(account);
        }
        self.ledger.facts.push(Fact::Acted { contract, account, by: own.by, deed: Deed::Traded, qty, amount });
        if self.ledger.at(slot).qty.is_zero() {
            self.ledger.close(slot);
            return Ok(());
        }
        if !opens && !part.is_zero() {
            self.free(id, part);
        }
        if state == State::Closed {
            self.ledger.set_partial_at(slot, None);
            self.round.search.reopened(&self.ledger, contract, Side::of(qty), id);
        }
        self.rearm(id);
        Ok(())
    }

    /// Hands collateral back to the wallet, as far as the account could still open what it holds.
    fn free(&mut self, id: u32, amount: Cash) {
        let position = self.ledger.position(id);
        let (equity, notional, _) = self.standing(&position);
        let rules = &self.rules.contracts[usize::from(position.contract)];
        let most = rules.tiers.tiers()[rules.tiers.tier_of(notional)].max_leverage;
        let needed = i128::from(notional.0) * i128::from(Ratio::ONE.0);
        let needed = Cash(narrow(div_ceil(needed, i128::from(most.0.max(1)))));
        if position.mode == MarginMode::Cross {
            return;
        }
        let freed = amount.min(position.collateral).min(equity - needed).positive_part();
        self.ledger.free(id, freed);
    }

    /// The taker fee on a notional value, as far as the equity of the position at the mark can pay it.
    fn charge_taker(&mut self, slot: Slot, notional: Cash) {
        let due = self.rules.taker_fee.of_ceil(notional);
        let position = self.ledger.at(slot);
        let rules = &self.rules.contracts[usize::from(position.contract)];
        let (backing, mark) = (self.ledger.backing(position, &self.marks), self.mark_of(position.contract));
        let (equity, _) = register::at_mark(rules, position.qty, position.cost, backing, mark);
        let paid = due.min(self.ledger.purse(position).min(equity)).positive_part();
        self.ledger.take_out_at(slot, Party::Fees, paid, Why::TakerFee);
    }
}

#[cfg(test)]
mod tests;
