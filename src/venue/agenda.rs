//! One check instant, as a machine that stops whenever it needs a fill.
//!
//! The order of work is fixed: inventory tickets, oldest first; queued orders in turn, each through the position
//! layers before ADL; one ADL round per contract and side over all residues; then, order by order, the layers after
//! ADL and a sale without limit of what is still left; then fees and surplus. Accounts that these fills make unsafe
//! are seen at the next mark refresh.

use super::engine::Ticket;
use super::ledger::{Position, State};
use super::liquidation::Breached;
use super::rules::{
    CashLayer, ContractRules, CrossBankruptcy, Execution, MarginMode, PositionLayer, PositionOrder, SurplusTo,
};
use super::{Fill, Next, Order, Venue, cross, register};
use crate::facts::{ContractId, Disposal, Fact, OrderId, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Multiplier, Price, Qty, Ratio, div_floor, narrow};

/// A forced order in this instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub position: u32,
    pub account: u32,
    pub order: OrderId,
    pub contract: ContractId,
    pub side: Side,
    /// Lots still to dispose of (positive).
    pub left: Qty,
    pub bankruptcy: Price,
    pub mark: Price,
    /// Equity that backs the position at the opening of the order, less its value and plus its cost; and what its lots
    /// had moved by then.
    backing: Cash,
    moved: Cash,
    /// Notional at the mark of all lots of the order, for fees.
    notional: Cash,
    pub disposal: Disposal,
}

/// A step of an order before or after the ADL round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The book as far as the account's own equity goes: where ADL stands before the book.
    BookUnfunded,
    /// The book with the fund's budget.
    Book,
    Engine,
    /// What is left, without limit.
    Rest,
}

/// Which fill the machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    Ticket { contract: ContractId, at: usize },
    Book { work: usize, funded: Funded },
    Rest { work: usize },
}

/// Whether a sale may draw on the fund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Funded {
    ByFund,
    ByEquityAlone,
}

/// Lots that wait for the ADL round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub source: Source,
    pub contract: ContractId,
    pub side: Side,
    pub lots: Qty,
    pub price: Price,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Ticket(usize),
    Work(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Inventory { contract: ContractId, at: usize, left: Qty },
    Orders { work: usize, step: usize },
    Rounds,
    Rest { work: usize, step: usize },
    Close,
}

/// A cross account in breach: its positions in the order in which they are closed, each until the account is healthy.
#[derive(Clone, Debug, Default)]
struct CrossAccount {
    account: u32,
    /// Position, and its share of the account's equity where that is shared out.
    legs: Vec<(u32, Cash)>,
    next: usize,
}

#[derive(Debug)]
pub(super) struct Agenda {
    phase: Phase,
    pub works: Vec<Work>,
    pub needs: Vec<Need>,
    waiting: Option<(Pending, Order)>,
    /// The cross account whose positions are being closed one by one.
    cross: CrossAccount,
    before: Vec<Step>,
    adl: bool,
    after: Vec<Step>,
}

impl Agenda {
    pub fn new(layers: &[PositionLayer]) -> Self {
        let adl_at = layers.iter().position(|layer| *layer == PositionLayer::Adl);
        let book_at = layers.iter().position(|layer| *layer == PositionLayer::Book);
        let step = |layer: &PositionLayer| match layer {
            PositionLayer::Book => Some(Step::Book),
            PositionLayer::Engine => Some(Step::Engine),
            PositionLayer::Adl => None,
        };
        let split = adl_at.unwrap_or(layers.len());
        let mut before: Vec<Step> = layers[..split].iter().filter_map(step).collect();
        let mut after: Vec<Step> = layers[split..].iter().filter_map(step).collect();
        if let (Some(adl), Some(book)) = (adl_at, book_at)
            && adl < book
        {
            before.push(Step::BookUnfunded);
        }
        after.push(Step::Rest);
        Self {
            phase: Phase::Idle,
            works: Vec::new(),
            needs: Vec::new(),
            waiting: None,
            cross: CrossAccount::default(),
            before,
            adl: adl_at.is_some(),
            after,
        }
    }

    pub fn reset(&mut self) {
        self.phase = Phase::Idle;
        self.works.clear();
        self.needs.clear();
        self.waiting = None;
        self.cross.legs.clear();
    }

    pub fn is_busy(&self) -> bool {
        self.phase != Phase::Idle
    }

    pub fn waiting(&self) -> Option<(Pending, Order)> {
        self.waiting
    }
}

impl Venue {
    pub(super) fn begin_instant(&mut self) {
        self.agenda.works.clear();
        self.agenda.needs.clear();
        self.agenda.phase = if self.engine.is_empty() { self.start_orders() } else { self.start_inventory(0) };
    }

    fn start_inventory(&mut self, contract: ContractId) -> Phase {
        if usize::from(contract) >= self.marks.len() {
            return self.start_orders();
        }
        let left = self.rules.engine_slice.unwrap_or(Qty::MAX);
        Phase::Inventory { contract, at: 0, left }
    }

    /// Takes what is due off the queue, first in first out; each order is opened when its turn comes.
    fn start_orders(&mut self) -> Phase {
        Phase::Orders { work: 0, step: 0 }
    }

    /// Goes on until a fill is needed or the instant is over.
    pub(super) fn proceed(&mut self) -> Next {
        loop {
            match self.agenda.phase {
                Phase::Idle => return Next::Idle,
                Phase::Inventory { contract, at, left } => {
                    if at >= self.engine.count(contract) || left.is_zero() {
                        self.agenda.phase = self.start_inventory(contract + 1);
                        continue;
                    }
                    let ticket = self.engine.ticket(contract, at);
                    let lots = Qty(ticket.qty.0.abs().min(left.0));
                    self.agenda.phase = Phase::Inventory { contract, at: at + 1, left: left - lots };
                    return self.ask(
                        Pending::Ticket { contract, at },
                        Order {
                            contract,
                            side: Side::of(ticket.qty),
                            lots,
                            limit: None,
                            bankruptcy: ticket.bankruptcy,
                            surplus: Cash::ZERO,
                            budget: Some(self.budget()),
                        },
                    );
                }
                Phase::Orders { work, step } => {
                    if work == self.agenda.works.len() && !self.open_order() {
                        self.gather_needs();
                        self.agenda.phase = Phase::Rounds;
                        continue;
                    }
                    if step == self.agenda.before.len() || self.agenda.works[work].left.is_zero() {
                        self.agenda.phase = Phase::Orders { work: work + 1, step: 0 };
                        continue;
                    }
                    self.agenda.phase = Phase::Orders { work, step: step + 1 };
                    if let Some(order) = self.step(work, self.agenda.before[step]) {
                        return order;
                    }
                }
                Phase::Rounds => {
                    if self.agenda.adl {
                        self.rounds();
                    }
                    self.agenda.phase = Phase::Rest { work: 0, step: 0 };
                }
                Phase::Rest { work, step } => {
                    if work == self.agenda.works.len() {
                        self.agenda.phase = Phase::Close;
                        continue;
                    }
                    if step == self.agenda.after.len() || self.agenda.works[work].left.is_zero() {
                        self.agenda.phase = Phase::Rest { work: work + 1, step: 0 };
                        continue;
                    }
                    self.agenda.phase = Phase::Rest { work, step: step + 1 };
                    if let Some(order) = self.step(work, self.agenda.after[step]) {
                        return order;
                    }
                }
                Phase::Close => {
                    for work in 0..self.agenda.works.len() {
                        self.close_order(work);
                    }
                    if !self.engine.is_empty() {
                        self.engine.sweep();
                        let mark_to_market = self.inventory();
                        self.ledger.facts.push(Fact::Inventory { mark_to_market });
                    }
                    self.agenda.phase = Phase::Idle;
                    return Next::Idle;
                }
            }
        }
    }

    fn ask(&mut self, pending: Pending, order: Order) -> Next {
        self.agenda.waiting = Some((pending, order));
        Next::Order(order)
    }

    /// Opens the next due order that still breaches; false where none is due.
    fn open_order(&mut self) -> bool {
        loop {
            if self.open_next_of_cross() {
                return true;
            }
            let Some(queued) = self.queue.front().copied() else { return false };
            if queued.ready > self.now {
                return false;
            }
            self.queue.pop_front();
            let position = self.ledger.position(queued.position);
            let (contract, account) = (position.contract, position.account);
            if position.mode == MarginMode::Cross {
                if !self.begin_cross(account) {
                    self.ledger.facts.push(Fact::OrderDropped { contract, account });
                    self.release_cross(account);
                }
                continue;
            }
            let mark = self.marks[usize::from(contract)];
            let rules = &self.rules.contracts[usize::from(contract)];
            let backing = position.collateral - position.owed;
            let (equity, notional) = register::at_mark(rules, position.qty, position.cost, backing, mark);
            if !rules.tiers.breaches(self.rules.trigger, equity, notional) {
                self.ledger.facts.push(Fact::OrderDropped { contract, account });
                self.rearm(position.id);
                continue;
            }
            self.open_work(&position, backing, equity, 0);
            return true;
        }
    }

    /// Opens an order on a position that `backing` backs. `equity` is that of its account, `elsewhere` the maintenance
    /// margin of the account's other positions in billionths.
    fn open_work(&mut self, position: &Position, backing: Cash, equity: Cash, elsewhere: i128) {
        let contract = position.contract;
        let mark = self.marks[usize::from(contract)];
        let rules = &self.rules.contracts[usize::from(contract)];
        let (bankruptcy, surplus) = register::bankruptcy(rules, position.qty, position.cost, backing);
        let breached = Breached {
            rules,
            trigger: self.rules.trigger,
            qty: position.qty,
            mark,
            equity,
            elsewhere,
            since_partial: position.partial_at.map(|at| self.now - at),
        };
        let left = self.rules.liquidation.plan(&breached);
        let sound = left.0 >= 1 && left.0 <= position.qty.0.abs();
        assert!(sound, "a liquidation rule plans {} of {} lots", left.0, position.qty.0.abs());
        let order = self.orders;
        self.orders += 1;
        // Cash that is due counts in equity, so it is there before any is paid for it.
        self.ledger.collect_funding(position.id);
        self.ledger.facts.push(Fact::OrderOpened {
            order,
            contract,
            account: position.account,
            qty: if position.qty.0 > 0 { left } else { -left },
            bankruptcy,
            surplus: surplus.positive_part(),
            mark,
        });
        self.agenda.works.push(Work {
            position: position.id,
            account: position.account,
            order,
            contract,
            side: Side::of(position.qty),
            left,
            bankruptcy,
            mark,
            backing,
            moved: position.moved,
            notional: rules.multiplier.notional(left, mark),
            disposal: Disposal::default(),
        });
        if surplus.0 < 0 {
            let mut paid = Paid::default();
            if -surplus > self.budget() {
                self.exhausted(Some(order), contract);
            }
            self.cover(-surplus, position.id, &mut paid);
            if let Some(work) = self.agenda.works.last_mut() {
                work.disposal.paid = paid;
            }
        }
    }

    // ------------------------------------------------------------------------------------------ cross accounts

    /// Puts the positions of a cross account into their order; false where the account is healthy again.
    fn begin_cross(&mut self, account: u32) -> bool {
        let mut legs = std::mem::take(&mut self.legs);
        let wallet = self.legs_of(account, &mut legs);
        let standing = cross::standing(&self.rules, &self.marks, wallet, &legs);
        let breaches = !legs.is_empty() && standing.breaches(self.rules.trigger);
        if breaches {
            let at_mark = |leg: &cross::Leg| {
                let c = usize::from(leg.contract);
                (self.rules.contracts[c].multiplier.value(leg.qty, self.marks[c]), &self.rules.contracts[c].tiers)
            };
            let maintenance = |leg: &cross::Leg| {
                let (value, tiers) = at_mark(leg);
                tiers.maintenance_billionths(value.abs())
            };
            legs.sort_by_key(|leg| {
                let (value, _) = at_mark(leg);
                let key = match self.rules.position_order {
                    PositionOrder::Maintenance => -maintenance(leg),
                    PositionOrder::Loss => i128::from((value - leg.cost).0),
                    PositionOrder::Notional => -i128::from(value.abs().0),
                };
                (key, leg.id)
            });
            let share = |leg: &cross::Leg| match self.rules.cross_bankruptcy {
                CrossBankruptcy::Sequential => Cash::ZERO,
                // A notional of no maintenance takes no part of the equity.
                CrossBankruptcy::Proportional => {
                    let product = i128::from(standing.equity.0) * (maintenance(leg) / 1_000);
                    Cash(narrow(div_floor(product, (standing.maintenance / 1_000).max(1))))
                }
            };
            let shared: Vec<(u32, Cash)> = legs.iter().map(|leg| (leg.id, share(leg))).collect();
            self.agenda.cross = CrossAccount { account, legs: shared, next: 0 };
        }
        self.legs = legs;
        breaches
    }

    /// Opens the order on the next position of the cross account in turn, while the account is in breach.
    fn open_next_of_cross(&mut self) -> bool {
        let CrossAccount { account, next, .. } = self.agenda.cross;
        let Some(&(id, share)) = self.agenda.cross.legs.get(next) else { return false };
        // Lots that wait for the ADL round or for the layers after it leave at their bankruptcy tick.
        let mut equity = self.ledger.wallet(account);
        let (mut maintenance, mut elsewhere) = (0i128, 0i128);
        for leg in self.ledger.legs(account) {
            let c = usize::from(leg.contract);
            let ContractRules { multiplier, tiers } = &self.rules.contracts[c];
            let waiting = self.agenda.works.iter().rev().find(|work| work.position == leg.id);
            let (left, bankruptcy) = waiting.map_or((Qty::ZERO, Price(1)), |work| (work.left, work.bankruptcy));
            let left = if leg.qty.0 > 0 { left } else { -left };
            let value = multiplier.value(leg.qty - left, self.marks[c]);
            equity += value + multiplier.value(left, bankruptcy) - leg.cost - leg.owed;
            let margin = tiers.maintenance_billionths(value.abs());
            maintenance += margin;
            elsewhere += if leg.id == id { 0 } else { margin };
        }
        // Where a loss is shared out, no position keeps its share unpaid.
        let healthy = !(cross::Standing { equity, maintenance }).breaches(self.rules.trigger);
        if healthy && share.0 >= 0 {
            self.agenda.cross.legs.clear();
            return false;
        }
        self.agenda.cross.next += 1;
        if self.rules.cross_bankruptcy == CrossBankruptcy::Sequential {
            // What is left below a tick is handed on: it can be spent once.
            for at in 0..self.agenda.works.len() {
                let work = self.agenda.works[at];
                if work.account == account && !work.left.is_zero() {
                    let surplus = self.equity_at_bankruptcy(&work).positive_part();
                    self.agenda.works[at].backing -= surplus;
                }
            }
        }
        let position = self.ledger.position(id);
        let value =
            self.ledger.multiplier(position.contract).value(position.qty, self.marks[usize::from(position.contract)]);
        let of_it = match self.rules.cross_bankruptcy {
            CrossBankruptcy::Sequential => equity,
            CrossBankruptcy::Proportional => share,
        };
        self.open_work(&position, of_it - value + position.cost, equity, elsewhere);
        true
    }

    /// Unrealised profit of an account's other positions pays what its wallet lacks; what that cannot pay, the cash
    /// layers do.
    pub(super) fn settle_wallet(&mut self, position: u32, paid: &mut Paid) {
        let account = self.ledger.position(position).account;
        let mut lacking = (-self.ledger.wallet(account)).positive_part();
        if lacking.is_zero() {
            return;
        }
        let profits: Vec<(u32, Cash)> = self
            .ledger
            .legs(account)
            .map(|leg| (leg.id, self.ledger.unrealised(&leg, &self.marks)))
            .filter(|(_, profit)| profit.0 > 0)
            .collect();
        for (id, profit) in profits {
            let part = lacking.min(profit);
            self.ledger.settle(id, part);
            lacking -= part;
        }
        if lacking.0 > 0 {
            self.cover(lacking, position, paid);
        }
    }

    /// One step of one order: an order to the book, or done at once.
    fn step(&mut self, at: usize, step: Step) -> Option<Next> {
        let work = self.agenda.works[at];
        let (pending, budget) = match step {
            Step::Engine => {
                self.take_over(at, Taking::WithinEquity);
                return None;
            }
            Step::Book => (Pending::Book { work: at, funded: Funded::ByFund }, Some(self.budget())),
            Step::BookUnfunded => (Pending::Book { work: at, funded: Funded::ByEquityAlone }, Some(Cash::ZERO)),
            Step::Rest => (Pending::Rest { work: at }, None),
        };
        let order = Order {
            contract: work.contract,
            side: work.side,
            lots: work.left,
            limit: if budget.is_some() { self.limit(&work) } else { None },
            bankruptcy: work.bankruptcy,
            surplus: self.equity_at_bankruptcy(&work).positive_part(),
            budget,
        };
        Some(self.ask(pending, order))
    }

    /// The worst price of an order in the book.
    fn limit(&self, work: &Work) -> Option<Price> {
        if self.rules.execution == Execution::Market {
            return None;
        }
        let rules = &self.rules.contracts[usize::from(work.contract)];
        let position = self.ledger.position(work.position);
        let Position { qty, cost, .. } = position;
        let backing = self.ledger.backing(&position, &self.marks);
        let (equity, notional) = register::at_mark(rules, qty, cost, backing, work.mark);
        if self.rules.execution == Execution::BankruptcyOrMark && equity.0 < 0 {
            return Some(work.mark);
        }
        // Distances from the mark, in the direction of loss, in whole ticks towards the mark.
        let maintenance = rules.tiers.maintenance_scaled(notional).max(1);
        let ticks = match self.rules.execution {
            Execution::ZeroPrice => {
                let rate = i128::from(rules.tiers.tiers()[rules.tiers.tier_of(notional)].rate.0);
                let scaled = i128::from(equity.0) * i128::from(rules.tiers.scale());
                div_floor(i128::from(work.mark.0) * rate * scaled, i128::from(Ratio::ONE.0) * maintenance)
            }
            Execution::FillablePrice => {
                let scaled = i128::from(equity.0) * i128::from(rules.tiers.scale());
                let short_of = (maintenance - scaled).clamp(0, maintenance) * 3 / 2;
                // A tick is worth notional ÷ mark.
                let worth = i128::from(notional.0.max(1)) * i128::from(rules.tiers.scale());
                div_floor(short_of * i128::from(work.mark.0), worth)
            }
            Execution::Market | Execution::Bankruptcy | Execution::BankruptcyOrMark => return Some(work.bankruptcy),
        };
        let ticks = Price(narrow(ticks));
        Some(match work.side {
            Side::Long => work.mark - ticks,
            Side::Short => work.mark + ticks,
        })
    }

    /// Equity of the position if what is left of it closes at its bankruptcy tick.
    fn equity_at_bankruptcy(&self, work: &Work) -> Cash {
        let position = self.ledger.position(work.position);
        let value = self.ledger.multiplier(work.contract).value(position.qty, work.bankruptcy);
        work.backing + (position.moved - work.moved) + value - position.cost
    }

    pub(super) fn take_fill(&mut self, pending: Pending, order: &Order, fill: Fill) {
        self.agenda.waiting = None;
        let k = self.ledger.multiplier(order.contract);
        let shortfall = order.shortfall(k, fill.lots, fill.cash);
        match pending {
            Pending::Ticket { contract, at } => {
                let cut = order.budget.is_some_and(|budget| fill.uncut > budget);
                if cut {
                    self.exhausted(None, contract);
                }
                self.sell_ticket(contract, at, order, fill);
                let residue = order.lots - fill.lots;
                if !residue.is_zero() {
                    let side = order.side;
                    let source = Source::Ticket(at);
                    self.agenda.needs.push(Need { source, contract, side, lots: residue, price: order.bankruptcy });
                }
            }
            Pending::Book { work, funded } => {
                let cut = order.budget.is_some_and(|budget| fill.uncut > budget);
                let entry = self.agenda.works[work];
                if cut && funded == Funded::ByFund {
                    self.exhausted(Some(entry.order), entry.contract);
                }
                self.sell(work, fill);
                self.ledger.pay_in(Party::Fund, entry.position, shortfall, Why::Shortfall);
                let disposal = &mut self.agenda.works[work].disposal;
                disposal.paid.fund += shortfall;
                // After a first pass on the account's own equity, what ADL spared counts from that pass on.
                let is_second = funded == Funded::ByFund && self.agenda.before.contains(&Step::BookUnfunded);
                let all = if is_second { disposal.book_cost_avoided } else { fill.uncut };
                disposal.book_cost_avoided = all - shortfall;
            }
            Pending::Rest { work } => {
                self.sell(work, fill);
                if !self.agenda.works[work].left.is_zero() {
                    self.take_over(work, Taking::Residual);
                }
                self.settle_rest(work, order.surplus);
            }
        }
    }

    /// Trades lots of an order into the book.
    fn sell(&mut self, at: usize, fill: Fill) {
        if fill.lots.is_zero() {
            return;
        }
        let Work { position, order, contract, side, mark, .. } = self.agenda.works[at];
        let (qty, cash) = leg(self.ledger.multiplier(contract), side, fill.lots, fill.cash);
        self.ledger.trade(position, qty, cash, Some(order), Via::Book);
        self.ledger.trade_maker(contract, -qty, -cash, Some(order), Via::Book);
        let work = &mut self.agenda.works[at];
        work.left -= fill.lots;
        work.disposal.to_book += self.ledger.multiplier(contract).notional(fill.lots, mark);
    }

    /// After the sale without limit: cash layers pay what equity lacks, or a gain repays them, last payer first.
    fn settle_rest(&mut self, at: usize, before: Cash) {
        let work = self.agenda.works[at];
        let equity = self.equity_at_bankruptcy(&work);
        if equity.0 < 0 {
            let budget = self.budget();
            if -equity > budget {
                self.exhausted(Some(work.order), work.contract);
            }
            let mut paid = work.disposal.paid;
            self.cover(-equity, work.position, &mut paid);
            self.agenda.works[at].disposal.paid = paid;
        } else {
            let gain = (equity - before).positive_part();
            self.repay(at, gain);
        }
    }

    fn repay(&mut self, at: usize, gain: Cash) {
        let Work { position, disposal, .. } = self.agenda.works[at];
        let mut left = gain.min(disposal.paid.total());
        let mut paid = disposal.paid;
        let mut back = |venue: &mut Self, party: Party, paid: &mut Cash| {
            let part = left.min(*paid);
            venue.ledger.take_out(position, party, part, Why::Repayment);
            *paid -= part;
            left -= part;
        };
        back(self, Party::Deficit, &mut paid.deficit);
        for i in (0..self.rules.cash_layers.len()).rev() {
            match self.rules.cash_layers[i] {
                CashLayer::Fund => back(self, Party::Fund, &mut paid.fund),
                CashLayer::Venue => back(self, Party::Venue, &mut paid.venue),
            }
        }
        self.agenda.works[at].disposal.paid = paid;
    }

    /// Makes the cash layers pay `amount`, in their order; what none can pay is the unfunded deficit.
    fn cover(&mut self, amount: Cash, position: u32, paid: &mut Paid) {
        let mut left = amount;
        for i in 0..self.rules.cash_layers.len() {
            let (party, limit) = match self.rules.cash_layers[i] {
                CashLayer::Fund => (Party::Fund, self.budget()),
                CashLayer::Venue => (Party::Venue, self.ledger.venue().positive_part()),
            };
            let part = left.min(limit);
            self.ledger.pay_in(party, position, part, Why::Shortfall);
            match party {
                Party::Fund => paid.fund += part,
                _ => paid.venue += part,
            }
            self.strained |= party != Party::Fund && part.0 > 0;
            left -= part;
        }
        self.ledger.pay_in(Party::Deficit, position, left, Why::Shortfall);
        self.strained |= left.0 > 0;
        paid.deficit += left;
    }

    /// The engine takes lots of an order at the bankruptcy tick.
    fn take_over(&mut self, at: usize, taking: Taking) {
        let Work { position, order, contract, side, left, bankruptcy, mark, .. } = self.agenda.works[at];
        let k = self.ledger.multiplier(contract);
        let lots = match taking {
            Taking::Residual => left,
            Taking::WithinEquity => {
                // Each lot lowers the fund's equity by the distance of the mark beyond the bankruptcy tick.
                let lot = Qty(if side == Side::Long { 1 } else { -1 });
                let loss = k.value(lot, bankruptcy) - k.value(lot, mark);
                let room = self.ledger.fund() + self.inventory() - self.rules.fund.floor;
                if loss.0 <= 0 {
                    // Lots whose bankruptcy tick the mark has not reached add to the equity: all of them, or none.
                    let after = i128::from(room.0) - i128::from(loss.0) * i128::from(left.0);
                    if after >= 0 { left } else { Qty::ZERO }
                } else {
                    Qty(room.0.max(0) / loss.0).min(left)
                }
            }
        };
        if lots < left {
            self.strained = true;
            self.ledger.facts.push(Fact::TakeoverRefused { order, contract, qty: left - lots });
        }
        if lots.is_zero() {
            return;
        }
        let (qty, cash) = leg(k, side, lots, k.notional(lots, bankruptcy));
        self.ledger.trade(position, qty, cash, Some(order), Via::Takeover);
        self.ledger.engine_opens(contract, -qty, bankruptcy, Some(order));
        self.engine.take(contract, Ticket { qty: -qty, bankruptcy });
        self.ledger.facts.push(Fact::TookOver { order, contract, qty: -qty, bankruptcy });
        let work = &mut self.agenda.works[at];
        work.left -= lots;
        work.disposal.to_engine += k.notional(lots, mark);
    }

    fn sell_ticket(&mut self, contract: ContractId, at: usize, order: &Order, fill: Fill) {
        if fill.lots.is_zero() {
            return;
        }
        let (qty, cash) = leg(self.ledger.multiplier(contract), order.side, fill.lots, fill.cash);
        self.ledger.trade_maker(contract, -qty, -cash, None, Via::Book);
        self.close_ticket(contract, at, qty, cash, Via::Book);
    }

    /// Closes signed lots of a ticket for signed cash; the result goes to the fund, or comes from it, at once. The
    /// order's budget saw to it that the fund can pay.
    pub(super) fn close_ticket(&mut self, contract: ContractId, at: usize, qty: Qty, cash: Cash, via: Via) {
        let bankruptcy = self.engine.ticket(contract, at).bankruptcy;
        let result = self.ledger.engine_closes(contract, qty, cash, bankruptcy, via);
        self.engine.close(contract, at, -qty);
        let paid = Paid { fund: (-result).positive_part(), ..Paid::default() };
        self.ledger.post(Party::Engine, Party::Fund, result.positive_part(), Why::Inventory);
        self.ledger.post(Party::Fund, Party::Engine, paid.fund, Why::Shortfall);
        self.ledger.facts.push(Fact::TicketClosed { contract, qty: -qty, bankruptcy, result, paid });
    }

    /// Funding on the engine's tickets: what it owes is a shortfall of the fund's and then of the other cash layers, what
    /// it is due an inflow.
    pub(super) fn fund_tickets(&mut self, contract: ContractId, per_lot: Cash) {
        let lots = self.engine.lots(contract);
        if lots.is_zero() {
            return;
        }
        let owed = Cash(narrow(i128::from(lots.0) * i128::from(per_lot.0)));
        let clearing = Party::Clearing(contract);
        if owed.0 < 0 {
            self.ledger.post(clearing, Party::Engine, -owed, Why::Funding);
            self.ledger.post(Party::Engine, Party::Fund, -owed, Why::Inventory);
            return;
        }
        self.ledger.post(Party::Engine, clearing, owed, Why::Funding);
        let mut paid = Paid::default();
        self.cover_engine(owed, &mut paid);
        self.ledger.facts.push(Fact::TicketsFunded { contract, owed, paid });
    }

    /// Makes the cash layers bring the engine back to zero.
    fn cover_engine(&mut self, amount: Cash, paid: &mut Paid) {
        let mut left = amount;
        for i in 0..self.rules.cash_layers.len() {
            let (party, limit) = match self.rules.cash_layers[i] {
                CashLayer::Fund => (Party::Fund, self.budget()),
                CashLayer::Venue => (Party::Venue, self.ledger.venue().positive_part()),
            };
            let part = left.min(limit);
            self.ledger.post(party, Party::Engine, part, Why::Shortfall);
            match party {
                Party::Fund => paid.fund += part,
                _ => paid.venue += part,
            }
            self.strained |= party != Party::Fund && part.0 > 0;
            left -= part;
        }
        self.ledger.post(Party::Deficit, Party::Engine, left, Why::Shortfall);
        self.strained |= left.0 > 0;
        paid.deficit += left;
    }

    /// Residues of all orders join those of the tickets.
    fn gather_needs(&mut self) {
        if !self.agenda.adl {
            self.agenda.needs.clear();
            return;
        }
        for (at, work) in self.agenda.works.iter().enumerate() {
            if !work.left.is_zero() {
                self.agenda.needs.push(Need {
                    source: Source::Work(at),
                    contract: work.contract,
                    side: work.side,
                    lots: work.left,
                    price: work.bankruptcy,
                });
            }
        }
    }

    /// Fees and surplus of a finished order. What equity cannot pay is waived; of a position that stays open, fees
    /// take no more than its equity at the mark, and its surplus stays with it.
    fn close_order(&mut self, at: usize) {
        let work = &self.agenda.works[at];
        let (position, notional, mark, contract) = (work.position, work.notional, work.mark, work.contract);
        let mut disposal = work.disposal;
        let rules = std::sync::Arc::clone(&self.rules);
        let mut charge = |venue: &mut Self, rate: Ratio, to: Party, why: Why| {
            let rules = &rules.contracts[usize::from(contract)];
            let due = rate.of_ceil(notional);
            let now = venue.ledger.position(position);
            let backing = venue.ledger.backing(&now, &venue.marks);
            let (equity, _) = register::at_mark(rules, now.qty, now.cost, backing, mark);
            let paid = due.min(venue.ledger.purse(&now).min(equity).positive_part());
            venue.ledger.take_out(position, to, paid, why);
            disposal.fees_waived += due - paid;
        };
        let (taker, liquidation) = (self.rules.taker_fee, self.rules.liquidation_fee);
        charge(self, taker, Party::Fees, Why::TakerFee);
        charge(self, liquidation, Party::Fund, Why::LiquidationFee);
        let after = self.ledger.position(position);
        let cross = after.mode == MarginMode::Cross;
        if cross {
            self.settle_wallet(position, &mut disposal.paid);
        }
        if after.qty.is_zero() {
            // The wallet of a cross account is what its liquidation leaves only once all its positions are closed.
            let whole = !cross || self.ledger.legs(after.account).next().is_none();
            if self.rules.surplus_to == SurplusTo::Fund && whole {
                let left = self.ledger.purse(&self.ledger.position(position));
                self.ledger.take_out(position, Party::Fund, left, Why::Surplus);
            }
            self.ledger.release_collateral(position);
            self.ledger.position_mut(position).state = State::Closed;
        } else {
            self.ledger.position_mut(position).partial_at = Some(self.now);
        }
        if cross {
            self.release_cross(after.account);
        } else if !after.qty.is_zero() {
            self.rearm(position);
        }
        let work = self.agenda.works[at];
        let Work { order, contract, account, .. } = work;
        self.ledger.facts.push(Fact::OrderClosed { order, contract, account, disposal });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taking {
    /// As many lots as leave the fund's equity at its floor.
    WithinEquity,
    /// All, because nobody else can.
    Residual,
}

/// The signed leg of whoever closes `lots` of a position on `side` for `cash`: a long sells, a short buys.
pub(super) fn leg(k: Multiplier, side: Side, lots: Qty, cash: Cash) -> (Qty, Cash) {
    let qty = match side {
        Side::Long => -lots,
        Side::Short => lots,
    };
    (qty, k.signed(qty, cash))
}
