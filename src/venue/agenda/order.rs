//! One forced order: opened, taken through the layers before and after ADL, closed with its fees and surplus.

use super::tickets::Taking;
use super::{Book, Funded, Pending, Source, Step, Work, leg};
use crate::facts::{ContractId, Fact, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Price, Qty, Ratio, div_floor, narrow};
use crate::venue::agenda::Need;
use crate::venue::beside::Place;
use crate::venue::ledger::{Holder, Ledger, Position, Slot};
use crate::venue::liquidation::{Breached, Others};
use crate::venue::rules::{AdlTrigger, Execution, FeeCap, MarginMode, Rules, SurplusTo};
use crate::venue::{Fill, Order, Venue, margin, register};

/// What the book did with an order, and what follows of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::venue) struct Answer {
    pub fill: Fill,
    /// What the fill leaves, where the order had a budget.
    pub shortfall: Cash,
    /// Whether the order's budget cut it short.
    pub cut: bool,
    /// The order's equity at bankruptcy before the fill.
    pub surplus: Cash,
}

impl Venue {
    /// Opens the next due order that still breaches; false where none is due.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub(super) fn open_order(&mut self) -> bool {
        loop {
            if self.agenda.cross.waits() && self.open_next_of_cross() {
                return true;
            }
            let Some(queued) = self.next_due() else { return false };
            let slot = queued.slot;
            let held = self.ledger.held(slot);
            if held.mode == MarginMode::Cross {
                self.open_cross(slot);
                continue;
            }
            let c = usize::from(held.contract);
            let rules = &self.rules.contracts[c];
            let backing = held.collateral - held.owed;
            let (equity, notional) = register::at_mark(rules, held.qty, held.cost, backing, self.marks[c]);
            if !rules.tiers.breaches(self.rules.trigger, equity, notional) {
                self.drop_order(slot);
                continue;
            }
            let closing = if self.closes_all {
                Closing { lots: held.qty.abs(), notional, fee_rate: self.rules.liquidation_fee }
            } else {
                self.plan(&held, equity, Others::default(), None)
            };
            self.open_work(slot, &held, backing, closing);
            return true;
        }
    }

    /// Gives up the order of a position that no longer breaches.
    #[inline(never)]
    fn drop_order(&mut self, slot: Slot) {
        let &Position { id, contract, account, .. } = self.ledger.at(slot);
        self.ledger.facts.push(Fact::OrderDropped { contract, account });
        self.rearm(id);
    }

    /// What an order closes of a position. `equity` is that of its account, `others` the margins of the account's other
    /// positions, and `reduced_by` the share that is closed of each of them where the rule says one.
    #[inline(never)]
    pub(super) fn plan(&self, held: &Position, equity: Cash, others: Others, reduced_by: Option<Ratio>) -> Closing {
        let &Position { contract, qty, .. } = held;
        let mark = self.marks[usize::from(contract)];
        let rules = &self.rules.contracts[usize::from(contract)];
        let since_partial = self.ledger.partial_at(held).map(|at| self.now - at);
        let breached = Breached { rules, trigger: self.rules.trigger, qty, mark, equity, others, since_partial };
        let lots = reduced_by.map_or_else(|| self.rules.liquidation.plan(&breached), |share| breached.part(share));
        let sound = lots.0 >= 1 && lots.0 <= qty.0.abs();
        assert!(sound, "a liquidation rule plans {} of {} lots", lots.0, qty.0.abs());
        Closing { lots, notional: rules.multiplier.notional(lots, mark), fee_rate: self.greatest_fee_rate(&breached) }
    }

    /// Opens an order on a position, as it is held, that `backing` backs.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub(super) fn open_work(&mut self, slot: Slot, held: &Position, backing: Cash, closing: Closing) {
        // Cash that is due counts in equity, so it is there before any is paid for it.
        if held.owed.0 < 0 {
            self.ledger.collect_funding(slot);
        }
        let &Position { id, account, contract, qty, cost, moved, .. } = held;
        let Closing { lots: left, notional, fee_rate } = closing;
        assert!(left.0 >= 1, "an order on {left:?}");
        let (bankruptcy, surplus) = margin::bankruptcy(self.ledger.multiplier(contract), qty, cost, backing);
        let order = self.orders;
        self.orders += 1;
        let at = self.agenda.works.len();
        self.agenda.works.push(Work {
            position: id,
            slot,
            account,
            order,
            contract,
            side: Side::of(qty),
            left,
            bankruptcy,
            base: backing - moved,
            notional,
            liquidation_fee: fee_rate.of_ceil(notional),
            in_book: Book::Unasked,
            disposal: Place::NONE,
        });
        if self.ledger.is_heard() {
            let qty = if qty.0 > 0 { left } else { -left };
            let (surplus, mark) = (surplus.positive_part(), self.mark_of(contract));
            self.ledger.tell(Fact::OrderOpened { order, contract, account, qty, bankruptcy, surplus, mark });
        } else {
            self.ledger.counted.opened(account);
        }
        self.spend_capacity();
        if surplus.0 < 0 {
            self.cover_beyond_price(at, -surplus);
        }
    }

    /// Cash layers pay what an order lacks that no price of its position is high or low enough for.
    #[inline(never)]
    fn cover_beyond_price(&mut self, at: usize, lacking: Cash) {
        let Work { position, contract, order, .. } = self.agenda.works[at];
        let mut paid = Paid::default();
        if lacking > self.budget(contract) {
            self.exhausted(Some(order), contract);
        }
        self.cover(lacking, Holder::Position(position), contract, Some(at), &mut paid);
        self.agenda.set_paid(at, paid);
    }

    /// One step of one order: done at once, or an order to the book, which is then waited for.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub(super) fn step(&mut self, at: usize, step: Step) -> bool {
        let (pending, budget) = match step {
            Step::Engine => {
                self.take_over(at, Taking::WithinEquity);
                return false;
            }
            Step::Backstop => {
                self.backstops_take(at);
                return false;
            }
            Step::Book | Step::BookUnfunded if self.passes_the_book(at) => return false,
            Step::Book if self.rules.waterfall.adl_trigger == AdlTrigger::BookExhausted => {
                (Pending::Book { work: at, funded: Funded::Anybody }, None)
            }
            Step::Book => {
                let budget = self.budget(self.agenda.works[at].contract);
                (Pending::Book { work: at, funded: Funded::Fund }, Some(budget))
            }
            Step::BookUnfunded => (Pending::Book { work: at, funded: Funded::EquityAlone }, Some(Cash::ZERO)),
            Step::Rest => (Pending::Rest { work: at }, None),
        };
        let work = &self.agenda.works[at];
        let contract = work.contract;
        let order = Order {
            contract,
            side: work.side,
            lots: work.left,
            limit: match pending {
                Pending::Rest { .. } => self.band(contract, work.side),
                _ => self.within_band(contract, work.side, self.limit(work)),
            },
            bankruptcy: work.bankruptcy,
            surplus: self.equity_at_bankruptcy(work).positive_part(),
            budget,
        };
        self.ask(pending, order);
        true
    }

    /// The worst price of an order in the book.
    #[expect(clippy::inline_always, reason = "asked by every order, mostly for nothing")]
    #[inline(always)]
    fn limit(&self, work: &Work) -> Option<Price> {
        (self.rules.execution != Execution::Market).then(|| self.price_limit(work))
    }

    #[inline(never)]
    fn price_limit(&self, work: &Work) -> Price {
        let rules = &self.rules.contracts[usize::from(work.contract)];
        let position = self.ledger.at(work.slot);
        let &Position { qty, cost, mode, .. } = position;
        let backing = self.ledger.backing(position, &self.marks);
        let mark = self.mark_of(work.contract);
        let (equity, notional) = register::at_mark(rules, qty, cost, backing, mark);
        if self.rules.execution == Execution::BankruptcyOrMark && equity.0 < 0 {
            return mark;
        }
        // Distances from the mark, in the direction of loss, in whole ticks towards the mark.
        let maintenance = rules.tiers.maintenance_scaled(notional).max(1);
        let ticks = match self.rules.execution {
            Execution::ZeroPrice | Execution::FillablePrice if mode == MarginMode::Cross => {
                self.cross_distance(work, equity, notional)
            }
            Execution::ZeroPrice => {
                let rate = i128::from(rules.tiers.tiers()[rules.tiers.tier_of(notional)].rate.0);
                let scaled = i128::from(equity.0) * i128::from(rules.tiers.scale());
                div_floor(i128::from(mark.0) * rate * scaled, i128::from(Ratio::ONE.0) * maintenance)
            }
            Execution::FillablePrice => {
                let scaled = i128::from(equity.0) * i128::from(rules.tiers.scale());
                let short_of = (maintenance - scaled).clamp(0, maintenance);
                // A tick is worth notional ÷ mark; one and a half times that, rounded once.
                let worth = 2 * i128::from(notional.0.max(1)) * i128::from(rules.tiers.scale());
                div_floor(3 * short_of * i128::from(mark.0), worth)
            }
            Execution::Market | Execution::Bankruptcy | Execution::BankruptcyOrMark => return work.bankruptcy,
        };
        let ticks = Price(narrow(ticks));
        match work.side {
            Side::Long => mark - ticks,
            Side::Short => mark + ticks,
        }
    }

    /// Equity of the position if what is left of it closes at its bankruptcy tick.
    #[inline]
    pub(in crate::venue) fn equity_at_bankruptcy(&self, work: &Work) -> Cash {
        work.equity_at_bankruptcy(&self.ledger)
    }

    /// Trades lots of an order into the book.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn sell(&mut self, at: usize, fill: Fill) {
        if fill.lots.is_zero() {
            return;
        }
        let work = &mut self.agenda.works[at];
        work.left -= fill.lots;
        let Work { slot, order, contract, side, .. } = *work;
        self.note_left(at, Via::Book, fill.lots);
        let (qty, cash) = leg(self.ledger.multiplier(contract), side, fill.lots, fill.cash);
        self.ledger.trade_at(slot, qty, cash, Some(order), Via::Book);
        self.ledger.trade_maker(contract, -qty, -cash, Some(order), Via::Book);
    }

    /// The book's answer to the order that was waited for.
    #[inline]
    pub(in crate::venue) fn take_fill(&mut self, pending: Pending, answer: Answer) {
        let Answer { fill, shortfall, cut, surplus } = answer;
        match pending {
            Pending::Book { work, funded: Funded::Anybody } => {
                self.agenda.works[work].in_book = Book::Asked;
                self.sell(work, fill);
                self.settle_rest(work, surplus);
            }
            Pending::Book { work: at, funded } => {
                if cut && funded == Funded::Fund {
                    let Work { order, contract, .. } = self.agenda.works[at];
                    self.exhausted(Some(order), contract);
                }
                let work = &mut self.agenda.works[at];
                let is_second = std::mem::replace(&mut work.in_book, Book::Asked) == Book::Asked;
                // After a first pass on the account's own equity, what ADL spared counts from that pass on.
                let uncut = if is_second { Cash::ZERO } else { fill.uncut };
                self.sell(at, fill);
                if !shortfall.is_zero() || !uncut.is_zero() {
                    self.pay_for_fill(at, shortfall, uncut - shortfall);
                }
                // Now, or when the order opened.
                if self.agenda.works[at].disposal != Place::NONE {
                    let gain = self.equity_at_bankruptcy(&self.agenda.works[at]) - surplus;
                    self.repay(at, gain.positive_part());
                }
            }
            Pending::Rest { work } => {
                self.sell(work, fill);
                if !self.agenda.works[work].left.is_zero() {
                    self.take_over(work, Taking::Residual);
                }
                self.settle_rest(work, surplus);
            }
            Pending::Ticket { .. } | Pending::Vault { .. } => unreachable!("inventory is not an account's order"),
        }
    }

    /// The fund pays what a fill leaves, which spared so much of what all lots would have cost.
    #[inline(never)]
    fn pay_for_fill(&mut self, at: usize, shortfall: Cash, spared: Cash) {
        let Work { slot, contract, .. } = self.agenda.works[at];
        if self.ledger.is_heard() {
            self.agenda.disposal(at).book_cost_avoided += spared;
        } else {
            self.ledger.counted.book_cost_avoided += spared.0;
        }
        if !shortfall.is_zero() {
            self.agenda.disposal(at).paid.fund += shortfall;
            self.ledger.pay_in_at(Party::Fund, slot, shortfall, Why::Shortfall);
            self.fund_moved(contract);
        }
    }

    /// The same for an order of inventory.
    pub(in crate::venue) fn take_inventory_fill(&mut self, pending: Pending, order: &Order, answer: Answer) {
        match pending {
            Pending::Ticket { contract, at } => self.take_ticket_fill(contract, at, order, answer),
            Pending::Vault { backstop, contract } => self.sell_vault(backstop, contract, order, answer.fill),
            Pending::Book { .. } | Pending::Rest { .. } => unreachable!("an account's order is not inventory"),
        }
    }

    fn take_ticket_fill(&mut self, contract: ContractId, at: usize, order: &Order, answer: Answer) {
        let fill = answer.fill;
        if answer.cut {
            self.exhausted(None, contract);
        }
        self.sell_ticket(contract, at, order, fill);
        self.fund_moved(contract);
        let residue = order.lots - fill.lots;
        if !residue.is_zero() {
            let side = order.side;
            let source = Source::Ticket(at);
            let price = self.adl_price(contract, side, residue, order.bankruptcy, Cash::ZERO);
            self.agenda.needs.push(Need { source, contract, side, lots: residue, price });
        }
    }

    /// Fees and surplus of a finished order. What equity cannot pay is waived; of a position that stays open, fees
    /// take no more than its equity at the mark, and its surplus stays with it.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub(super) fn close_order(&mut self, at: usize) {
        let work = &self.agenda.works[at];
        let &Work { position, account, slot, contract, .. } = work;
        let (taker, liquidation) = (self.rules.taker_fee.of_ceil(work.notional), work.liquidation_fee);
        let held = self.ledger.at(slot);
        let (closed, cross, collateral) = (held.qty.is_zero(), held.mode == MarginMode::Cross, held.collateral);
        // Each fee lowers cash, equity and surplus alike.
        let room = work.room_for_fees(&self.ledger, held, &self.rules, &self.marks).positive_part();
        let to_fees = taker.min(room);
        let to_fund = liquidation.min(room - to_fees);
        let waived = taker + liquidation - to_fees - to_fund;
        if self.ledger.is_heard() {
            self.agenda.disposal(at).fees_waived = waived;
        } else {
            self.ledger.counted.fees_waived += waived.0;
        }
        let fees = [(Party::Fees, to_fees, Why::TakerFee), (Party::Fund, to_fund, Why::LiquidationFee)];
        self.ledger.take_out_all(slot, fees);
        self.fund_moved(contract);
        // Fees take nothing that is not there.
        if cross || collateral.0 < 0 {
            self.make_whole(at);
        }
        if closed {
            // The wallet of a cross account is what its liquidation leaves only once all its positions are closed.
            if self.rules.surplus_to == SurplusTo::Fund && (!cross || self.holds_no_more(account)) {
                self.ledger.close_for(slot, Party::Fund, Why::Surplus);
                self.fund_moved(contract);
            } else {
                self.ledger.close(slot);
            }
        } else {
            self.ledger.set_partial_at(slot, Some(self.now));
        }
        if self.ledger.is_heard() {
            let (order, disposal) = (self.agenda.works[at].order, *self.agenda.disposal(at));
            self.ledger.tell(Fact::OrderClosed { order, contract, account, disposal });
        }
        if cross {
            self.release_cross(account);
        } else if !closed {
            self.rearm(position);
        }
    }

    /// Pays what a finished order has left its account without: of a cross one out of its other positions first.
    #[inline(never)]
    fn make_whole(&mut self, at: usize) {
        let Work { position, slot, contract, .. } = self.agenda.works[at];
        let &Position { mode, collateral, .. } = self.ledger.at(slot);
        let mut paid = self.agenda.paid(at);
        match mode {
            MarginMode::Cross => self.settle_wallet(position, contract, &mut paid),
            // Its bankruptcy tick lay so near its entry that what stays open gains there a little of what was counted on.
            MarginMode::Isolated => self.cover(-collateral, Holder::Position(position), contract, None, &mut paid),
        }
        self.agenda.set_paid(at, paid);
    }

    /// Whether a cross account has no position left.
    #[inline(never)]
    fn holds_no_more(&self, account: u32) -> bool {
        self.ledger.legs(account).next().is_none()
    }
}

/// How many lots an order closes, and what its fees are charged on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    lots: Qty,
    /// At the mark.
    notional: Cash,
    /// The greatest rate of the fund's fee.
    fee_rate: Ratio,
}

impl Work {
    /// Equity of the position if what is left of it closes at its bankruptcy tick.
    #[inline]
    fn equity_at_bankruptcy(&self, ledger: &Ledger) -> Cash {
        let position = ledger.at(self.slot);
        let value = ledger.multiplier(self.contract).value(position.qty, self.bankruptcy);
        self.base + position.moved + value - position.cost
    }

    /// The most that fees of a finished order can take of its position: equity at the mark, and of an isolated one its cash.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn room_for_fees(&self, ledger: &Ledger, position: &Position, rules: &Rules, marks: &[Price]) -> Cash {
        let backing = ledger.backing(position, marks);
        let value = if position.qty.is_zero() {
            Cash::ZERO
        } else {
            ledger.multiplier(self.contract).value(position.qty, marks[usize::from(self.contract)])
        };
        let equity = backing + value - position.cost;
        // The cash of a cross account can lie in the unrealised profit of its other positions.
        let cash = match position.mode {
            MarginMode::Cross => equity,
            MarginMode::Isolated => position.collateral,
        };
        let room = cash.min(equity);
        match rules.waterfall.fee_cap {
            FeeCap::Equity | FeeCap::MissingMargin => room,
            FeeCap::Surplus => room.min(self.equity_at_bankruptcy(ledger).positive_part()),
        }
    }
}
