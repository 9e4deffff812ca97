//! One check instant, as a machine that stops whenever it needs a fill.
//!
//! The order of work is fixed: inventory tickets, oldest first; queued orders in turn, each through the position
//! layers before ADL; one ADL round per contract and side over all residues; then, order by order, the layers after
//! ADL and a sale without limit of what is still left; then fees and surplus. Accounts that these fills make unsafe
//! are seen at the next mark refresh.

use super::backstop::Gift;
use super::beside::{Beside, Place};
use super::ledger::Slot;
use super::rules::{AdlPrice, AdlTrigger, MarginMode, PositionLayer};
use super::{Order, Venue};
use crate::facts::{ContractId, Disposal, Fact, OrderId, Paid, Side, Via};
use crate::money::{Cash, Multiplier, Price, Qty};

mod cross;
mod order;
mod tickets;

use cross::CrossAccount;
pub(super) use order::Answer;

/// A forced order in this instant: one line of cache, since an instant may have as many as there are accounts, and goes
/// over all of them several times.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Work {
    pub position: u32,
    pub slot: Slot,
    pub account: u32,
    pub order: OrderId,
    /// Where the agenda keeps its disposal: an order whose lots and payers are only counted has one when a layer first pays
    /// for it.
    disposal: Place,
    pub contract: ContractId,
    pub side: Side,
    /// Whether the book has been asked.
    pub in_book: Book,
    /// Lots still to dispose of (positive).
    pub left: Qty,
    pub bankruptcy: Price,
    /// Equity that backs the position at the opening of the order, less its value and plus its cost, and less what its lots
    /// had moved by then: with what they have moved since the start of the path it is what backs the position now.
    base: Cash,
    /// Notional at the mark of all lots of the order, for fees.
    notional: Cash,
    /// The greatest fee for the fund.
    liquidation_fee: Cash,
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
    /// Where lots of orders went and who paid for them, as far as it is told at their end or a layer has paid.
    disposals: Beside<Disposal>,
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
            disposals: Beside::default(),
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
        self.disposals.clear();
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

    /// The order that waits for its fill, and which it is.
    pub fn waiting(&self) -> Option<&(Pending, Order)> {
        self.waiting.as_ref()
    }

    /// What was waited for is there.
    pub fn answered(&mut self) {
        self.waiting = None;
    }

    /// Who has paid for an order so far.
    pub fn paid(&self, at: usize) -> Paid {
        self.disposals.get(self.works[at].disposal).paid
    }

    pub fn set_paid(&mut self, at: usize, paid: Paid) {
        self.disposal(at).paid = paid;
    }

    /// The disposal of an order, which is kept from now on.
    fn disposal(&mut self, at: usize) -> &mut Disposal {
        self.disposals.of(&mut self.works[at].disposal)
    }
}

impl Venue {
    pub(super) fn begin_instant(&mut self) {
        self.agenda.works.clear();
        self.agenda.disposals.clear();
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

    /// Goes on until a fill is needed or the instant is over. Each phase but that of the orders is a call of its own, so that
    /// the way of an order does not pay for the others.
    #[inline(never)]
    pub(super) fn proceed(&mut self) {
        self.go_on();
    }

    /// The same in place, where an order has its fill.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub(super) fn go_on(&mut self) {
        while self.agenda.waiting.is_none() {
            match self.agenda.phase {
                Phase::Orders { work, step } => self.work_off(work, step),
                Phase::Idle => return,
                Phase::Inventory { contract, at, left } => self.sell_inventory(contract, at, left),
                Phase::Vaults { backstop, contract } => self.sell_vaults(backstop, contract),
                Phase::Rounds => {
                    if self.agenda.adl {
                        self.rounds();
                    }
                    self.agenda.phase = Phase::Rest { work: 0, step: 0 };
                }
                Phase::Rest { work, step } => self.work_off_rest(work, step),
                Phase::Close => self.close_instant(),
            }
        }
    }

    /// The orders that will go to the book after the one that waits, as long as all is closed and none is given up.
    #[inline]
    pub(super) fn foresee(&self, most: usize, mut each: impl FnMut(ContractId, Side, Qty)) {
        match self.agenda.phase {
            Phase::Orders { .. } if self.closes_all && self.agenda.before.first() == Some(&Step::Book) => {
                for queued in self.queue.waiting().iter().take(most) {
                    let of = self.ledger.at(queued.slot);
                    if queued.ready > self.now || of.mode == MarginMode::Cross {
                        return;
                    }
                    each(of.contract, Side::of(of.qty), of.qty.abs());
                }
            }
            Phase::Rest { work, .. } => {
                let rest = self.agenda.works.iter().skip(work + 1).filter(|work| !work.left.is_zero());
                rest.take(most).for_each(|work| each(work.contract, work.side, work.left));
            }
            _ => {}
        }
    }

    #[inline(never)]
    fn sell_inventory(&mut self, contract: ContractId, at: usize, left: Qty) {
        if at >= self.engine.count(contract) || left.is_zero() {
            self.agenda.phase = self.start_inventory(contract + 1);
            return;
        }
        let ticket = self.engine.ticket(contract, at);
        let lots = Qty(ticket.qty.0.abs().min(left.0));
        self.agenda.phase = Phase::Inventory { contract, at: at + 1, left: left - lots };
        let order = Order {
            contract,
            side: Side::of(ticket.qty),
            lots,
            limit: self.band(contract, Side::of(ticket.qty)),
            bankruptcy: ticket.bankruptcy,
            surplus: Cash::ZERO,
            budget: Some(self.budget(contract)),
        };
        self.ask(Pending::Ticket { contract, at }, order);
    }

    #[inline(never)]
    fn sell_vaults(&mut self, backstop: u16, contract: ContractId) {
        if usize::from(contract) == self.marks.len() {
            self.agenda.phase = if usize::from(backstop) + 1 < self.ledger.backstops.len() {
                Phase::Vaults { backstop: backstop + 1, contract: 0 }
            } else {
                self.start_orders()
            };
            return;
        }
        self.agenda.phase = Phase::Vaults { backstop, contract: contract + 1 };
        if let Some(order) = self.vault_order(backstop, contract) {
            self.ask(Pending::Vault { backstop, contract }, order);
        }
    }

    /// Opens due orders and takes each through the layers before ADL.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn work_off(&mut self, mut work: usize, mut step: usize) {
        loop {
            if work == self.agenda.works.len() && !self.open_order() {
                self.gather_needs();
                // Nobody stands opposite a token that an account holds.
                let contracts = &self.rules.contracts;
                self.agenda.needs.retain(|need| !contracts[usize::from(need.contract)].tiers.are_haircuts());
                self.agenda.phase = Phase::Rounds;
                return;
            }
            if step == self.agenda.before.len() || self.agenda.works[work].left.is_zero() {
                (work, step) = (work + 1, 0);
                continue;
            }
            let layer = self.agenda.before[step];
            step += 1;
            if self.step(work, layer) {
                self.agenda.phase = Phase::Orders { work, step };
                return;
            }
        }
    }

    /// Takes what ADL has left of each order through the layers after it.
    #[inline(never)]
    fn work_off_rest(&mut self, mut work: usize, mut step: usize) {
        while work < self.agenda.works.len() {
            if step == self.agenda.after.len() || self.agenda.works[work].left.is_zero() {
                (work, step) = (work + 1, 0);
                continue;
            }
            let layer = self.agenda.after[step];
            step += 1;
            if self.step(work, layer) {
                self.agenda.phase = Phase::Rest { work, step };
                return;
            }
        }
        self.agenda.phase = Phase::Close;
    }

    /// Claims, fees and surplus of all orders of the instant.
    #[inline(never)]
    fn close_instant(&mut self) {
        self.meet_claims();
        for work in 0..self.agenda.works.len() {
            self.close_order(work);
        }
        self.rearm_charged();
        self.agenda.works.clear();
        self.agenda.disposals.clear();
        if !self.engine.is_empty() {
            self.engine.sweep();
            // Told even where the last ticket is gone: its loss is no longer unrealised.
            let mark_to_market = self.inventory() + self.backstops_mark_to_market();
            self.ledger.facts.push(Fact::Inventory { mark_to_market });
        } else if self.backstops_hold() {
            self.tell_inventory();
        }
        self.agenda.phase = Phase::Idle;
    }

    /// Takes note of lots that have left an order, by their notional at the mark: it is counted, and kept where the order's
    /// end will be told.
    #[expect(clippy::inline_always, reason = "once an order, and one addition or two where nobody listens")]
    #[inline(always)]
    pub(super) fn note_left(&mut self, at: usize, via: Via, lots: Qty) {
        let &Work { contract, side, .. } = &self.agenda.works[at];
        let notional = self.ledger.multiplier(contract).notional(lots, self.marks[usize::from(contract)]);
        if self.ledger.is_heard() {
            self.agenda.disposal(at).add(via, notional);
        } else {
            self.ledger.counted.left(side, via, notional);
        }
    }

    #[inline]
    fn ask(&mut self, pending: Pending, order: Order) {
        self.agenda.waiting = Some((pending, order));
    }

    /// What the account of an order lacks at the marks, where it is below zero.
    fn lacking(&self, work: &Work) -> Option<Cash> {
        let Cash(equity) = self.at_marks(work.position).equity;
        (equity < 0).then_some(Cash(-equity))
    }

    /// Residues of all orders join those of the tickets.
    #[inline(never)]
    fn gather_needs(&mut self) {
        if !self.agenda.adl {
            self.agenda.needs.clear();
            return;
        }
        self.backstop_needs();
        let negative_alone = match self.rules.waterfall.adl_trigger {
            AdlTrigger::NegativeAccountValue { tolerance } => {
                if self.lacking_accounts() < tolerance {
                    return;
                }
                true
            }
            AdlTrigger::Residue | AdlTrigger::BookExhausted => false,
        };
        // Only a fund that pays for a better price than bankruptcy asks what the position has left there.
        let asks_for_surplus = self.rules.waterfall.adl_price == AdlPrice::MarkWhileFunded;
        for at in 0..self.agenda.works.len() {
            let work = &self.agenda.works[at];
            if work.left.is_zero() || (negative_alone && self.lacking(work).is_none()) {
                continue;
            }
            let &Work { contract, side, left: lots, bankruptcy, .. } = work;
            let surplus = if asks_for_surplus { self.equity_at_bankruptcy(work).positive_part() } else { Cash::ZERO };
            let price = self.adl_price(contract, side, lots, bankruptcy, surplus);
            self.agenda.needs.push(Need { source: Source::Work(at), contract, side, lots, price });
        }
    }
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
