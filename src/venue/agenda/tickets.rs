//! The engine's lots: taken over from orders, sold as tickets.

use super::Work;
use crate::facts::{ContractId, Fact, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Price, Qty};
use crate::venue::engine::Ticket;
use crate::venue::{Fill, Order, Venue};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// As many lots as leave the fund's equity at its floor.
    WithinEquity,
    /// All, because nobody else can.
    Residual,
}

impl Venue {
    /// The engine takes lots of an order at the bankruptcy tick.
    #[inline(never)]
    pub(super) fn take_over(&mut self, at: usize, taking: Taking) {
        let Work { position, order, contract, side, left, bankruptcy, .. } = self.agenda.works[at];
        let mark = self.mark_of(contract);
        let k = self.ledger.multiplier(contract);
        let lots = match taking {
            Taking::Residual => left,
            Taking::WithinEquity => {
                // Each lot lowers the fund's equity by the distance of the mark beyond the bankruptcy tick.
                let lot = Qty(if side == Side::Long { 1 } else { -1 });
                let loss = k.value(lot, bankruptcy) - k.value(lot, mark);
                let (cash, floor) = self.pool(contract);
                let room = cash + self.inventory_of_pool(contract) - floor;
                let bearable = if loss.0 <= 0 {
                    // Lots whose bankruptcy tick the mark has not reached add to the equity: all of them, or none.
                    let after = i128::from(room.0) - i128::from(loss.0) * i128::from(left.0);
                    if after >= 0 { left } else { Qty::ZERO }
                } else {
                    Qty(room.0.max(0) / loss.0).min(left)
                };
                let lots = self.within_net_cap(contract, side, bearable);
                // Fewer lots may add too little.
                let after = i128::from(room.0) - i128::from(loss.0) * i128::from(lots.0);
                if after >= 0 { lots } else { Qty::ZERO }
            }
        };
        if lots < left {
            self.strained = true;
            self.ledger.facts.push(Fact::TakeoverRefused { order, contract, qty: left - lots });
        }
        if lots.is_zero() {
            return;
        }
        let (qty, cash) = super::leg(k, side, lots, k.notional(lots, bankruptcy));
        self.ledger.trade(position, qty, cash, Some(order), Via::Takeover);
        self.ledger.engine_opens(contract, -qty, bankruptcy, Some(order));
        self.engine.take(contract, Ticket { qty: -qty, bankruptcy });
        self.ledger.facts.push(Fact::TookOver { order, contract, qty: -qty, bankruptcy });
        self.agenda.works[at].left -= lots;
        self.note_left(at, Via::Takeover, lots);
    }

    pub(super) fn sell_ticket(&mut self, contract: ContractId, at: usize, order: &Order, fill: Fill) {
        if fill.lots.is_zero() {
            return;
        }
        let (qty, cash) = super::leg(self.ledger.multiplier(contract), order.side, fill.lots, fill.cash);
        self.ledger.trade_maker(contract, -qty, -cash, None, Via::Book);
        self.close_ticket(contract, at, qty, cash, Via::Book);
    }

    /// Closes signed lots of a ticket for signed cash; the result goes to the fund, or comes from it, at once. The budget
    /// of a sale saw to it that the fund can pay.
    fn close_ticket(&mut self, contract: ContractId, at: usize, qty: Qty, cash: Cash, via: Via) {
        let (bankruptcy, result) = self.ticket_trades(contract, at, qty, cash, via);
        let paid = Paid { fund: (-result).positive_part(), ..Paid::default() };
        self.ledger.post(Party::Engine, Party::Fund, result.positive_part(), Why::Inventory);
        self.ledger.post(Party::Fund, Party::Engine, paid.fund, Why::Shortfall);
        self.fund_moved(contract);
        self.ledger.facts.push(Fact::TicketClosed { contract, qty: -qty, bankruptcy, result, paid });
    }

    /// The engine's leg alone: the ticket's tick and the result, which lies in the engine's cash.
    pub(in crate::venue) fn ticket_trades(
        &mut self,
        contract: ContractId,
        at: usize,
        qty: Qty,
        cash: Cash,
        via: Via,
    ) -> (Price, Cash) {
        let bankruptcy = self.engine.ticket(contract, at).bankruptcy;
        let result = self.ledger.engine_closes(contract, qty, cash, bankruptcy, via);
        self.engine.close(contract, at, -qty);
        (bankruptcy, result)
    }
}
