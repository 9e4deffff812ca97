//! Trades on the ledger: what a leg does to who holds a position.

use super::{Ledger, Position, Slot, Telling};
use crate::facts::{ContractId, Fact, OrderId, Party, Via, Why};
use crate::money::{Cash, Price, Qty, div_ceil, narrow};
use crate::venue::rules::MarginMode;

impl Ledger {
    /// One leg of a trade on a trader's position: `qty` bought (or sold, negative) for `cash`, signed like `qty`.
    /// Realised profit goes to what backs the position; a close releases the funding owed in proportion, like the cost.
    pub fn trade(&mut self, position: u32, qty: Qty, cash: Cash, order: Option<OrderId>, via: Via) {
        let slot = self.slot(position);
        self.trade_at(slot, qty, cash, order, via);
    }

    /// The same for a position whose place is known.
    #[expect(clippy::inline_always, reason = "once an order, and short where nobody listens")]
    #[inline(always)]
    pub fn trade_at(&mut self, slot: Slot, qty: Qty, cash: Cash, order: Option<OrderId>, via: Via) {
        let entry = &mut self.touched[slot.at()];
        let contract = entry.contract;
        let (new_qty, new_cost, gained) = fill(entry.qty, entry.cost, qty, cash);
        let funding = if entry.owed.is_zero() { Cash::ZERO } else { funding_released(entry, qty) };
        entry.qty = new_qty;
        entry.cost = new_cost;
        entry.owed -= funding;
        entry.moved += gained;
        let realised = gained - funding;
        let account = entry.account;
        match entry.mode {
            MarginMode::Isolated => entry.collateral += realised,
            MarginMode::Cross => self.enter_wallet(account, realised),
        }
        let party = Party::Trader(account);
        if self.is_heard() || (order.is_some() && self.telling == Telling::Overheard) {
            self.tell(Fact::Traded { party, contract, qty, cash, order, via, ticket: None });
        }
        self.realise(party, contract, realised);
    }

    /// The maker's leg of a trade, for those who are told of it: what the maker holds decides nothing.
    #[expect(clippy::inline_always, reason = "once an order, and nothing where nobody listens")]
    #[inline(always)]
    pub fn trade_maker(&mut self, contract: ContractId, qty: Qty, cash: Cash, order: Option<OrderId>, via: Via) {
        if self.is_heard() && !qty.is_zero() {
            self.tell_maker(contract, qty, cash, order, via);
        }
    }

    #[inline(never)]
    fn tell_maker(&mut self, contract: ContractId, qty: Qty, cash: Cash, order: Option<OrderId>, via: Via) {
        let house = &mut self.house[usize::from(contract)];
        let (new_qty, new_cost, realised) = fill(house.maker_qty, house.maker_cost, qty, cash);
        (house.maker_qty, house.maker_cost) = (new_qty, new_cost);
        self.maker += realised;
        self.tell(Fact::Traded { party: Party::Maker, contract, qty, cash, order, via, ticket: None });
        self.realise(Party::Maker, contract, realised);
    }

    /// The engine's leg that opens a ticket of `qty` lots at its bankruptcy tick.
    pub fn engine_opens(&mut self, contract: ContractId, qty: Qty, ticket: Price, order: Option<OrderId>) {
        let cash = self.multiplier(contract).value(qty, ticket);
        let party = Party::Engine;
        self.facts.push(Fact::Traded { party, contract, qty, cash, order, via: Via::Takeover, ticket: Some(ticket) });
    }

    /// The engine's leg that closes part of a ticket: `qty` is what it buys (or sells, negative). Returns its result,
    /// which now lies in its cash and must be posted on at once.
    pub fn engine_closes(&mut self, contract: ContractId, qty: Qty, cash: Cash, ticket: Price, via: Via) -> Cash {
        let released = self.multiplier(contract).value(-qty, ticket);
        let realised = -(cash + released);
        self.engine += realised;
        let party = Party::Engine;
        self.facts.push(Fact::Traded { party, contract, qty, cash, order: None, via, ticket: Some(ticket) });
        self.realise(party, contract, realised);
        realised
    }

    /// A backstop's leg of a trade. Returns what it realises, which is in its cash.
    pub(in crate::venue) fn trade_backstop(
        &mut self,
        backstop: u16,
        contract: ContractId,
        (qty, cash): (Qty, Cash),
        order: Option<OrderId>,
        via: Via,
    ) -> Cash {
        let vault = &mut self.backstops[usize::from(backstop)];
        let held = &mut vault.positions[usize::from(contract)];
        let (new_qty, new_cost, realised) = fill(held.0, held.1, qty, cash);
        *held = (new_qty, new_cost);
        vault.cash += realised;
        let party = Party::Backstop(backstop);
        self.facts.push(Fact::Traded { party, contract, qty, cash, order, via, ticket: None });
        self.realise(party, contract, realised);
        realised
    }

    #[expect(clippy::inline_always, reason = "once an order, and short where nobody listens")]
    #[inline(always)]
    fn realise(&mut self, party: Party, contract: ContractId, realised: Cash) {
        if self.is_heard() {
            self.tell_realised(party, contract, realised);
        }
    }

    #[inline(never)]
    fn tell_realised(&mut self, party: Party, contract: ContractId, realised: Cash) {
        self.house[usize::from(contract)].clearing -= realised;
        let clearing = Party::Clearing(contract);
        if realised.0 > 0 {
            self.facts.push(Fact::Posted { from: clearing, to: party, amount: realised, why: Why::Realised });
        } else if realised.0 < 0 {
            self.facts.push(Fact::Posted { from: party, to: clearing, amount: -realised, why: Why::Realised });
        }
    }
}

/// What a leg does to a position: new quantity, new cost, realised profit.
///
/// A partial close releases ⌈cost·closed/qty⌉ of the signed cost; of a leg through zero ⌈cash·closed/filled⌉ closes
/// and the rest opens. Both round against the account.
#[must_use]
#[expect(clippy::inline_always, reason = "twice an order, and a few additions unless a part is closed")]
#[inline(always)]
pub fn fill(qty: Qty, cost: Cash, leg: Qty, cash: Cash) -> (Qty, Cash, Cash) {
    // The whole position, which is the usual order.
    if leg.0 == -qty.0 && !qty.is_zero() {
        return (Qty::ZERO, Cash::ZERO, -(cash + cost));
    }
    fill_in_part(qty, cost, leg, cash)
}

#[inline(never)]
fn fill_in_part(qty: Qty, cost: Cash, leg: Qty, cash: Cash) -> (Qty, Cash, Cash) {
    if qty.is_zero() || (qty.0 > 0) == (leg.0 > 0) {
        return (qty + leg, cost + cash, Cash::ZERO);
    }
    if leg.0.abs() <= qty.0.abs() {
        let released = share_ceil(cost, leg.0.abs(), qty.0.abs());
        (qty + leg, cost - released, -(cash + released))
    } else {
        let closing = share_ceil(cash, qty.0.abs(), leg.0.abs());
        (qty + leg, cash - closing, -(closing + cost))
    }
}

/// The part of the funding owed that a leg of so many lots releases.
#[inline]
fn funding_released(position: &Position, leg: Qty) -> Cash {
    // The whole position, which is the usual order.
    if leg.0 == -position.qty.0 { position.owed } else { funding_of_part(position, leg) }
}

#[inline(never)]
fn funding_of_part(position: &Position, leg: Qty) -> Cash {
    if (position.qty.0 > 0) == (leg.0 > 0) {
        return Cash::ZERO;
    }
    let held = position.qty.0.abs();
    let closed = leg.0.abs().min(held);
    if closed == 0 { Cash::ZERO } else { share_ceil(position.owed, closed, held) }
}

/// ⌈amount·part/whole⌉.
fn share_ceil(amount: Cash, part: i64, whole: i64) -> Cash {
    if part == whole {
        return amount;
    }
    if let Some(product) = amount.0.checked_mul(part) {
        // The usual case: a quotient of 64 bits, which is cut towards zero.
        return Cash(product / whole + i64::from(product % whole > 0));
    }
    Cash(narrow(div_ceil(i128::from(amount.0) * i128::from(part), i128::from(whole))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_partial_close_rounds_against_the_account_on_both_sides() {
        // Long 3 for 100: closing 1 releases ⌈100/3⌉ = 34, sold at 40 realises 6.
        assert_eq!(fill(Qty(3), Cash(100), Qty(-1), Cash(-40)), (Qty(2), Cash(66), Cash(6)));
        // Short 3 for 100: closing 1 releases ⌈−100/3⌉ = −33, bought at 30 realises 3.
        assert_eq!(fill(Qty(-3), Cash(-100), Qty(1), Cash(30)), (Qty(-2), Cash(-67), Cash(3)));
    }

    #[test]
    fn a_fill_through_zero_closes_then_opens() {
        // Long 2 for 200, sell 5 for 501: ⌈−501·2/5⌉ = −200 closes (profit 0), −301 opens a short of 3.
        assert_eq!(fill(Qty(2), Cash(200), Qty(-5), Cash(-501)), (Qty(-3), Cash(-301), Cash(0)));
    }

    proptest! {
        #[test]
        fn a_share_in_64_bits_is_that_of_128(
            amount in prop_oneof![-1_000_000i64..1_000_000, -i64::MAX / 4..i64::MAX / 4],
            whole in prop_oneof![1i64..1_000, 1i64..1_000_000_000_000],
            of in 0f64..1.0,
        ) {
            let part = 1 + Cash::floor(of * whole as f64).unwrap().0.min(whole - 1);
            let wide = div_ceil(i128::from(amount) * i128::from(part), i128::from(whole));
            prop_assert_eq!(i128::from(share_ceil(Cash(amount), part, whole).0), wide);
        }
    }

    #[test]
    fn adding_realises_nothing() {
        assert_eq!(fill(Qty(2), Cash(200), Qty(1), Cash(90)), (Qty(3), Cash(290), Cash(0)));
    }
}
