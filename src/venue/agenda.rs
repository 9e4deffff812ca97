//! One check instant, as a machine that stops whenever it needs a fill.
//!
//! The order of work is fixed: inventory tickets, oldest first; queued orders in turn, each through the position
//! layers before ADL; one ADL round per contract and side over all residues; then, order by order, the layers after
//! ADL and a sale without limit of what is still left; then fees and surplus. Accounts that these fills make unsafe
//! are seen at the next mark refresh.

use super::backstop::Gift;
use super::engine::Ticket;
use super::ledger::{Holder, Position, State};
use super::liquidation::{Breached, Others};
use super::rules::{AdlTrigger, Execution, FeeCap, MarginMode, PositionLayer, SurplusTo};
use super::{Fill, Next, Order, Venue, register};
use crate::facts::{ContractId, Disposal, Fact, OrderId, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Multiplier, Price, Qty, Ratio, div_floor, narrow};

mod cross;

use cross::CrossAccount;

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
    /// The greatest rate of the fund's fee.
    fee_rate: Ratio,
    /// Whether the book has been asked.
    pub in_book: Book,
    pub disposal: Disposal,
}

/// Whether an order has been to the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Book {
    Unasked,
    Asked,
}

/// A step of an order before or after the ADL round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The book as far as the account's own equity goes: where ADL stands before the book.
    BookUnfunded,
    /// The book with the fund's budget.
    Book,
    Engine,
    Backstop,
    /// What is left, without limit.
    Rest,
}

/// Which fill the machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    Ticket { contract: ContractId, at: usize },
    Book { work: usize, funded: Funded },
    Vault { backstop: u16, contract: ContractId },
    Rest { work: usize },
}

/// Whether a sale may draw on the fund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Funded {
    Fund,
    EquityAlone,
    /// No budget stops the sale: all cash layers pay.
    Anybody,
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
    Backstop(u16),
    Work(usize),
}

/// What a loser of a round is settled for once the round is over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Debt {
    /// `before` is the order's equity at bankruptcy before the fill.
    Work {
        at: usize,
        before: Cash,
    },
    Ticket {
        qty: Qty,
        bankruptcy: Price,
        result: Cash,
    },
    Backstop {
        backstop: u16,
        qty: Qty,
        result: Cash,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Inventory { contract: ContractId, at: usize, left: Qty },
    Vaults { backstop: u16, contract: ContractId },
    Orders { work: usize, step: usize },
    Rounds,
    Rest { work: usize, step: usize },
    Close,
}

#[derive(Debug)]
pub(super) struct Agenda {
    phase: Phase,
    pub works: Vec<Work>,
    pub needs: Vec<Need>,
    /// What the fund is to pay for closing losers at the mark, by contract.
    pub promised: Vec<(ContractId, Cash)>,
    /// Whether the fund is keeping that promise: its drawdown does not bind then.
    pub keeps_promise: bool,
    /// What backstops paid for the orders of this instant, for repayments.
    pub gifts: Vec<Gift>,
    pub debts: Vec<Debt>,
    /// Positions that bore a socialised loss in this instant.
    pub charged: Vec<u32>,
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
            PositionLayer::Backstop => Some(Step::Backstop),
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
            promised: Vec::new(),
            keeps_promise: false,
            gifts: Vec::new(),
            debts: Vec::new(),
            charged: Vec::new(),
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
        self.keeps_promise = false;
        self.debts.clear();
        self.charged.clear();
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
        self.agenda.promised.clear();
        self.agenda.gifts.clear();
        self.refill_capacity();
        self.watch_drawdown();
        self.agenda.phase = if self.engine.is_empty() { self.start_vaults() } else { self.start_inventory(0) };
    }

    fn start_inventory(&mut self, contract: ContractId) -> Phase {
        if usize::from(contract) >= self.marks.len() {
            return self.start_vaults();
        }
        if self.is_halted(contract, self.now) {
            return self.start_inventory(contract + 1);
        }
        let left = self.rules.engine_slice.unwrap_or(Qty::MAX);
        Phase::Inventory { contract, at: 0, left }
    }

    fn start_vaults(&mut self) -> Phase {
        if self.backstops_hold() { Phase::Vaults { backstop: 0, contract: 0 } } else { self.start_orders() }
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
                            limit: self.band(contract, Side::of(ticket.qty)),
                            bankruptcy: ticket.bankruptcy,
                            surplus: Cash::ZERO,
                            budget: Some(self.budget(contract)),
                        },
                    );
                }
                Phase::Vaults { backstop, contract } => {
                    if usize::from(contract) == self.marks.len() {
                        self.agenda.phase = if usize::from(backstop) + 1 < self.ledger.backstops.len() {
                            Phase::Vaults { backstop: backstop + 1, contract: 0 }
                        } else {
                            self.start_orders()
                        };
                        continue;
                    }
                    self.agenda.phase = Phase::Vaults { backstop, contract: contract + 1 };
                    if let Some(order) = self.vault_order(backstop, contract) {
                        return self.ask(Pending::Vault { backstop, contract }, order);
                    }
                }
                Phase::Orders { work, step } => {
                    if work == self.agenda.works.len() && !self.open_order() {
                        self.gather_needs();
                        // Nobody stands opposite a token that an account holds.
                        let contracts = &self.rules.contracts;
                        let is_contract = |c: ContractId| !contracts[usize::from(c)].tiers.are_haircuts();
                        self.agenda.needs.retain(|need| is_contract(need.contract));
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
                    self.meet_claims();
                    for work in 0..self.agenda.works.len() {
                        self.close_order(work);
                    }
                    self.rearm_charged();
                    self.agenda.works.clear();
                    if !self.engine.is_empty() {
                        self.engine.sweep();
                        // Told even where the last ticket is gone: its loss is no longer unrealised.
                        let mark_to_market = self.inventory() + self.backstops_mark_to_market();
                        self.ledger.facts.push(Fact::Inventory { mark_to_market });
                    } else if self.backstops_hold() {
                        self.tell_inventory();
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
            let Some(queued) = self.next_due() else { return false };
            let position = *self.ledger.position_mut(queued.position);
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
            self.open_work(&position, backing, equity, Others::default());
            return true;
        }
    }

    /// Opens an order on a position that `backing` backs. `equity` is that of its account, `others` the margins of
    /// the account's other positions.
    fn open_work(&mut self, position: &Position, backing: Cash, equity: Cash, others: Others) {
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
            others,
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
            fee_rate: self.greatest_fee_rate(&breached),
            in_book: Book::Unasked,
            disposal: Disposal::default(),
        });
        self.spend_capacity();
        if surplus.0 < 0 {
            let mut paid = Paid::default();
            if -surplus > self.budget(contract) {
                self.exhausted(Some(order), contract);
            }
            let at = self.agenda.works.len() - 1;
            self.cover(-surplus, Holder::Position(position.id), contract, Some(at), &mut paid);
            self.agenda.works[at].disposal.paid = paid;
        }
    }

    /// One step of one order: an order to the book, or done at once.
    fn step(&mut self, at: usize, step: Step) -> Option<Next> {
        let contract = self.agenda.works[at].contract;
        let (pending, budget) = match step {
            Step::Engine => {
                self.take_over(at, Taking::WithinEquity);
                return None;
            }
            Step::Backstop => {
                self.backstops_take(at);
                return None;
            }
            Step::Book | Step::BookUnfunded if self.passes_the_book(at) => return None,
            Step::Book if self.rules.waterfall.adl_trigger == AdlTrigger::BookExhausted => {
                (Pending::Book { work: at, funded: Funded::Anybody }, None)
            }
            Step::Book => (Pending::Book { work: at, funded: Funded::Fund }, Some(self.budget(contract))),
            Step::BookUnfunded => (Pending::Book { work: at, funded: Funded::EquityAlone }, Some(Cash::ZERO)),
            Step::Rest => (Pending::Rest { work: at }, None),
        };
        let work = &self.agenda.works[at];
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
        Some(self.ask(pending, order))
    }

    /// The worst price of an order in the book.
    fn limit(&self, work: &Work) -> Option<Price> {
        if self.rules.execution == Execution::Market {
            return None;
        }
        let rules = &self.rules.contracts[usize::from(work.contract)];
        let position = self.ledger.held(work.position);
        let &Position { qty, cost, mode, .. } = position;
        let backing = self.ledger.backing(position, &self.marks);
        let (equity, notional) = register::at_mark(rules, qty, cost, backing, work.mark);
        if self.rules.execution == Execution::BankruptcyOrMark && equity.0 < 0 {
            return Some(work.mark);
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
                div_floor(i128::from(work.mark.0) * rate * scaled, i128::from(Ratio::ONE.0) * maintenance)
            }
            Execution::FillablePrice => {
                let scaled = i128::from(equity.0) * i128::from(rules.tiers.scale());
                let short_of = (maintenance - scaled).clamp(0, maintenance);
                // A tick is worth notional ÷ mark; one and a half times that, rounded once.
                let worth = 2 * i128::from(notional.0.max(1)) * i128::from(rules.tiers.scale());
                div_floor(3 * short_of * i128::from(work.mark.0), worth)
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
    #[inline]
    pub(super) fn equity_at_bankruptcy(&self, work: &Work) -> Cash {
        let position = self.ledger.held(work.position);
        let value = self.ledger.multiplier(work.contract).value(position.qty, work.bankruptcy);
        work.backing + (position.moved - work.moved) + value - position.cost
    }

    /// `shortfall` is what the fill leaves, where the order had a budget.
    pub(super) fn take_fill(&mut self, pending: Pending, order: &Order, fill: Fill, shortfall: Cash) {
        self.agenda.waiting = None;
        self.watch_band(order, &fill);
        match pending {
            Pending::Ticket { contract, at } => {
                let cut = order.budget.is_some_and(|budget| fill.uncut > budget);
                if cut {
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
            Pending::Vault { backstop, contract } => self.sell_vault(backstop, contract, order, fill),
            Pending::Book { work, funded: Funded::Anybody } => {
                self.agenda.works[work].in_book = Book::Asked;
                self.sell(work, fill);
                self.settle_rest(work, order.surplus);
            }
            Pending::Book { work, funded } => {
                let is_second = self.agenda.works[work].in_book == Book::Asked;
                self.agenda.works[work].in_book = Book::Asked;
                let cut = order.budget.is_some_and(|budget| fill.uncut > budget);
                let entry = self.agenda.works[work];
                if cut && funded == Funded::Fund {
                    self.exhausted(Some(entry.order), entry.contract);
                }
                self.sell(work, fill);
                self.ledger.pay_in(Party::Fund, entry.position, shortfall, Why::Shortfall);
                self.fund_moved(entry.contract);
                let disposal = &mut self.agenda.works[work].disposal;
                disposal.paid.fund += shortfall;
                // After a first pass on the account's own equity, what ADL spared counts from that pass on.
                let all = if is_second { disposal.book_cost_avoided } else { fill.uncut };
                disposal.book_cost_avoided = all - shortfall;
                // What was paid when the order opened.
                let gain = self.equity_at_bankruptcy(&self.agenda.works[work]) - order.surplus;
                self.repay(work, gain.positive_part());
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
                let (cash, floor) = self.funds.pool(contract);
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
    pub(super) fn ticket_trades(
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

    /// Whether what is left of an order may go to ADL, where only accounts below zero do.
    fn is_negative(&self, work: &Work) -> Option<Cash> {
        let Cash(equity) = self.at_marks(work.position).equity;
        (equity < 0).then_some(Cash(-equity))
    }

    /// Residues of all orders join those of the tickets.
    fn gather_needs(&mut self) {
        if !self.agenda.adl {
            self.agenda.needs.clear();
            return;
        }
        self.backstop_needs();
        let negative_alone = match self.rules.waterfall.adl_trigger {
            AdlTrigger::NegativeAccountValue { tolerance } => {
                let open = self.agenda.works.iter().filter(|work| !work.left.is_zero());
                let lacking: Cash = open.filter_map(|work| self.is_negative(work)).sum();
                if lacking < tolerance {
                    return;
                }
                true
            }
            AdlTrigger::Residue | AdlTrigger::BookExhausted => false,
        };
        for at in 0..self.agenda.works.len() {
            let work = self.agenda.works[at];
            if work.left.is_zero() || (negative_alone && self.is_negative(&work).is_none()) {
                continue;
            }
            let surplus = self.equity_at_bankruptcy(&work).positive_part();
            let price = self.adl_price(work.contract, work.side, work.left, work.bankruptcy, surplus);
            let Work { contract, side, left: lots, .. } = work;
            self.agenda.needs.push(Need { source: Source::Work(at), contract, side, lots, price });
        }
    }

    /// The most that fees of a finished order can take of its position: equity at the mark, and of an isolated one its cash.
    fn room_for_fees(&self, work: &Work) -> Cash {
        let position = self.ledger.held(work.position);
        let rules = &self.rules.contracts[usize::from(work.contract)];
        let backing = self.ledger.backing(position, &self.marks);
        let (equity, _) = register::at_mark(rules, position.qty, position.cost, backing, work.mark);
        // The cash of a cross account can lie in the unrealised profit of its other positions.
        let cash = match position.mode {
            MarginMode::Cross => equity,
            MarginMode::Isolated => position.collateral,
        };
        let room = cash.min(equity);
        match self.rules.waterfall.fee_cap {
            FeeCap::Equity | FeeCap::MissingMargin => room,
            FeeCap::Surplus => room.min(self.equity_at_bankruptcy(work).positive_part()),
        }
    }

    /// Fees and surplus of a finished order. What equity cannot pay is waived; of a position that stays open, fees
    /// take no more than its equity at the mark, and its surplus stays with it.
    fn close_order(&mut self, at: usize) {
        let work = &self.agenda.works[at];
        let (position, notional, contract) = (work.position, work.notional, work.contract);
        let mut disposal = work.disposal;
        // Each fee lowers cash, equity and surplus alike.
        let mut room = self.room_for_fees(work);
        let mut charge = |venue: &mut Self, rate: Ratio, to: Party, why: Why| {
            let due = rate.of_ceil(notional);
            let paid = due.min(room.positive_part());
            room -= paid;
            venue.ledger.take_out(position, to, paid, why);
            disposal.fees_waived += due - paid;
        };
        let (taker, liquidation) = (self.rules.taker_fee, work.fee_rate);
        charge(self, taker, Party::Fees, Why::TakerFee);
        charge(self, liquidation, Party::Fund, Why::LiquidationFee);
        self.fund_moved(contract);
        let after = self.ledger.held(position);
        let (account, closed, lacking) = (after.account, after.qty.is_zero(), -after.collateral);
        let cross = after.mode == MarginMode::Cross;
        if cross {
            self.settle_wallet(position, contract, &mut disposal.paid);
        } else if lacking.0 > 0 {
            // Its bankruptcy tick lay so near its entry that what stays open gains there a little of what was counted on.
            self.cover(lacking, Holder::Position(position), contract, None, &mut disposal.paid);
        }
        if closed {
            // The wallet of a cross account is what its liquidation leaves only once all its positions are closed.
            let whole = !cross || self.ledger.legs(account).next().is_none();
            if self.rules.surplus_to == SurplusTo::Fund && whole {
                let left = self.ledger.purse(self.ledger.held(position));
                self.ledger.take_out(position, Party::Fund, left, Why::Surplus);
                self.fund_moved(contract);
            }
            self.ledger.release_collateral(position);
            self.ledger.position_mut(position).state = State::Closed;
        } else {
            self.ledger.position_mut(position).partial_at = Some(self.now);
        }
        if cross {
            self.release_cross(account);
        } else if !closed {
            self.rearm(position);
        }
        let order = self.agenda.works[at].order;
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
#[inline]
pub(super) fn leg(k: Multiplier, side: Side, lots: Qty, cash: Cash) -> (Qty, Cash) {
    let qty = match side {
        Side::Long => -lots,
        Side::Short => lots,
    };
    (qty, k.signed(qty, cash))
}
