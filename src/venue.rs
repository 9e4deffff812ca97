//! The venue: a pure, deterministic state machine over exact money.
//!
//! [`Venue::apply`] takes one command and says what is needed next. The venue never calls a book: it emits one order
//! at a time with all that the book needs, and takes back one fill, which it checks. The work of a check instant is
//! that of `docs/methods.md`: engine inventory, then the queued orders (position layers before ADL), one ADL round per
//! contract and side, what is left sold without limit, then fees and surplus.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use crate::facts::{ContractId, Fact, OrderId, Side};
use crate::money::{Cash, Nanos, Price, Qty};

pub mod adl;
mod agenda;
mod backstop;
mod cover;
mod engine;
mod fund;
pub mod ledger;
pub mod liquidation;
pub mod margin;
pub mod presets;
pub mod register;
mod round;
pub mod rules;
mod schedule;
mod socialise;
pub mod triggers;
mod winners;

use agenda::Agenda;
use engine::Engine;
use fund::Funds;
use ledger::{Ledger, State, Telling};
use register::Register;
use rules::{AdlPrice, AdlTrigger, CashLayer, PositionLayer, Rules, Waterfall};
use schedule::Schedule;
use triggers::Trigger;

/// What the venue is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The mark of a contract was refreshed: triggers fire.
    Mark { now: Nanos, contract: ContractId, mark: Price },
    /// The index of a contract, where the [rules want it](Rules::needs_index); before the mark of the same refresh.
    Index { now: Nanos, contract: ContractId, index: Price },
    /// A check instant: inventory and queued orders are worked off.
    Check { now: Nanos },
    /// The book's answer to the order just emitted.
    Fill(Fill),
}

/// What the venue needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This order wants a fill before anything else.
    Order(Order),
    /// Nothing until the next mark or check.
    Idle,
}

/// One order to the book with all that is needed to find its fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub contract: ContractId,
    /// Side of the position that is closed: a long is sold, a short bought back.
    pub side: Side,
    /// At most so many lots (positive).
    pub lots: Qty,
    /// Worst price; `None` at the market.
    pub limit: Option<Price>,
    pub bankruptcy: Price,
    /// Equity above zero if all lots close at `bankruptcy`.
    pub surplus: Cash,
    /// What the fund may pay: the fill is the greatest x ≤ lots with S(x) ≤ budget. `None`: sold without limit.
    pub budget: Option<Cash>,
}

impl Order {
    /// S(x): the shortfall if `lots` lots trade for `cash` in total (positive) and the rest closes at the bankruptcy
    /// tick. `k` is the contract's multiplier.
    #[must_use]
    pub fn shortfall(&self, k: crate::money::Multiplier, lots: Qty, cash: Cash) -> Cash {
        let at_bankruptcy = k.value(lots, self.bankruptcy);
        match self.side {
            Side::Long => at_bankruptcy - self.surplus - cash,
            Side::Short => cash - self.surplus - at_bankruptcy,
        }
        .positive_part()
    }
}

/// What the book did with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Lots traded (positive or zero).
    pub lots: Qty,
    /// Total cash of the fill (positive), rounded once against the taker.
    pub cash: Cash,
    /// S(min(lots, limit, capacity)): what the fill would have cost the fund without its budget.
    pub uncut: Cash,
}

/// A command that cannot be carried out. The venue is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("an order is waiting for its fill")]
    Busy,
    #[error("no order is waiting for a fill")]
    NoOrder,
    #[error("a fill of {filled} lots exceeds the order's {ordered}")]
    TooMuch { filled: i64, ordered: i64 },
    #[error("a fill leaves a shortfall of {shortfall} over the budget {budget}")]
    OverBudget { shortfall: i64, budget: i64 },
    #[error("a fill has negative lots or cash")]
    Negative,
    #[error("unknown contract {0}")]
    NoContract(ContractId),
    #[error("a mark must be above zero, not {0}")]
    NoPrice(i64),
}

/// A venue on one path. One lives in each worker and is opened anew for every path.
#[derive(Debug)]
pub struct Venue {
    rules: Arc<Rules>,
    ledger: Ledger,
    now: Nanos,
    marks: Vec<Price>,
    /// Per contract and side (longs first).
    cursors: Vec<[Cursor; 2]>,
    queue: VecDeque<Queued>,
    engine: Engine,
    funds: Funds,
    schedule: Schedule,
    agenda: Agenda,
    round: round::Scratch,
    fired: Vec<Trigger>,
    orders: OrderId,
    strained: bool,
}

/// How far the marks have come in one trigger list.
#[derive(Clone, Debug, Default)]
struct Cursor {
    at: usize,
    /// No entry of the list from the cursor on lies nearer than this.
    bound: i64,
    rearmed: BinaryHeap<Reverse<Trigger>>,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    position: u32,
    ready: Nanos,
}

const SIDES: [Side; 2] = [Side::Long, Side::Short];

impl Venue {
    /// A venue with this rule book; [`open`](Self::open) starts a path.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        let contracts = rules.contracts.len();
        Self {
            ledger: Ledger::default(),
            now: Nanos::ZERO,
            marks: vec![Price::ZERO; contracts],
            cursors: vec![<[Cursor; 2]>::default(); contracts],
            queue: VecDeque::new(),
            engine: Engine::new(contracts),
            funds: Funds::new(rules.fund, &rules.waterfall.fund, contracts),
            schedule: Schedule::new(contracts),
            agenda: Agenda::new(&rules.position_layers),
            round: round::Scratch::default(),
            fired: Vec::new(),
            orders: 0,
            strained: false,
            rules,
        }
    }

    /// Starts a path on a register, with all marks at their opening.
    ///
    /// A register that others share must be [sorted](Register::sort); one that only this venue holds is sorted as far
    /// as the path needs.
    /// Returns the fund's opening balance.
    pub fn open(&mut self, register: Arc<Register>, telling: Telling) -> Cash {
        self.ledger.open(register, &self.rules, telling);
        let register = self.ledger.register();
        self.now = Nanos::ZERO;
        for ((mark, cursors), contract) in self.marks.iter_mut().zip(&mut self.cursors).zip(&register.contracts) {
            *mark = contract.open;
            for (cursor, side) in cursors.iter_mut().zip(SIDES) {
                cursor.at = 0;
                cursor.rearmed.clear();
                cursor.bound = contract.triggers.bound(side, 0);
            }
        }
        self.queue.clear();
        self.engine.reset();
        self.funds.reset(self.ledger.fund());
        self.schedule.reset(&self.marks);
        if telling == Telling::Told && self.funds.is_divided() {
            for (pool, open) in (0u16..).zip(self.funds.openings()) {
                self.ledger.facts.push(Fact::PoolMoved { pool, change: open, balance: open });
            }
        }
        self.agenda.reset();
        self.round.reset(self.marks.len());
        self.orders = 0;
        self.strained = false;
        self.ledger.fund()
    }

    /// Ends a path: hands the register back, so that it can serve another venue or be rebuilt.
    pub fn release(&mut self) -> Arc<Register> {
        self.ledger.release()
    }

    /// The facts since they were last cleared.
    pub fn facts(&mut self) -> &mut Vec<Fact> {
        &mut self.ledger.facts
    }

    /// Whether nothing waits at the next check instant.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.engine.is_empty() && !self.backstops_hold()
    }

    /// Whether the path met an exhaustion, an ADL lot, a refused takeover or cash from a layer other than the fund:
    /// then its fund need differs from its fund draw.
    #[must_use]
    pub fn was_strained(&self) -> bool {
        self.strained
    }

    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Lots and bankruptcy ticks of the engine's inventory in one contract, oldest first.
    pub fn tickets(&self, contract: ContractId) -> impl Iterator<Item = (Qty, Price)> {
        self.engine.tickets(contract)
    }

    /// Carries out one command.
    ///
    /// # Errors
    /// Where the command is out of turn or a fill does not fit its order; nothing has changed then.
    pub fn apply(&mut self, command: Command) -> Result<Next, Refused> {
        match command {
            Command::Mark { now, contract, mark } => {
                if self.agenda.is_busy() {
                    return Err(Refused::Busy);
                }
                if usize::from(contract) >= self.marks.len() {
                    return Err(Refused::NoContract(contract));
                }
                if mark.0 <= 0 {
                    return Err(Refused::NoPrice(mark.0));
                }
                self.now = now;
                self.mark(contract, mark);
                Ok(Next::Idle)
            }
            Command::Index { now, contract, index } => {
                if usize::from(contract) >= self.marks.len() {
                    return Err(Refused::NoContract(contract));
                }
                if index.0 <= 0 {
                    return Err(Refused::NoPrice(index.0));
                }
                self.schedule.note_index(now, contract, index, self.rules.interruptions.band);
                Ok(Next::Idle)
            }
            Command::Check { now } => {
                if self.agenda.is_busy() {
                    return Err(Refused::Busy);
                }
                self.now = now;
                if self.is_idle() || self.is_out(now) {
                    return Ok(Next::Idle);
                }
                self.begin_instant();
                Ok(self.proceed())
            }
            Command::Fill(fill) => {
                let (pending, order) = self.agenda.waiting().ok_or(Refused::NoOrder)?;
                self.check_fill(&order, &fill)?;
                self.take_fill(pending, &order, fill);
                Ok(self.proceed())
            }
        }
    }

    fn check_fill(&self, order: &Order, fill: &Fill) -> Result<(), Refused> {
        if fill.lots.0 < 0 || fill.cash.0 < 0 || fill.uncut.0 < 0 {
            return Err(Refused::Negative);
        }
        if fill.lots > order.lots {
            return Err(Refused::TooMuch { filled: fill.lots.0, ordered: order.lots.0 });
        }
        if let Some(budget) = order.budget {
            let shortfall = order.shortfall(self.ledger.multiplier(order.contract), fill.lots, fill.cash);
            if shortfall > budget {
                return Err(Refused::OverBudget { shortfall: shortfall.0, budget: budget.0 });
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------------------------------------ triggers

    fn mark(&mut self, contract: ContractId, mark: Price) {
        let c = usize::from(contract);
        self.marks[c] = mark;
        for (s, side) in SIDES.into_iter().enumerate() {
            let reached = self.ledger.register().contracts[c].triggers.distance(side, mark);
            let cursor = &self.cursors[c][s];
            let rearmed = cursor.rearmed.peek().is_some_and(|Reverse(first)| first.distance <= reached);
            if cursor.bound <= reached || rearmed {
                self.fire(contract, side, reached, mark);
            }
        }
        self.tell_inventory();
    }

    /// Tells the mark-to-market of inventory, where there is any.
    fn tell_inventory(&mut self) {
        if !self.engine.is_empty() || self.backstops_hold() {
            let mark_to_market = self.inventory() + self.backstops_mark_to_market();
            self.ledger.facts.push(Fact::Inventory { mark_to_market });
        }
    }

    /// Queues every position whose trigger lies within `reached`, nearest first, ties by account.
    fn fire(&mut self, contract: ContractId, side: Side, reached: i64, mark: Price) {
        let (c, s) = (usize::from(contract), usize::from(side == Side::Short));
        let mut fired = std::mem::take(&mut self.fired);
        fired.clear();
        let cursor = &mut self.cursors[c][s];
        loop {
            let triggers = &self.ledger.register().contracts[c].triggers;
            if !triggers.is_ready(side, cursor.at) {
                if triggers.bound(side, cursor.at) > reached {
                    break;
                }
                let register = self.ledger.register_mut().expect("a shared register is sorted beforehand");
                register.contracts[c].triggers.make_ready(side, cursor.at);
                continue;
            }
            match triggers.at(side, cursor.at) {
                Some(trigger) if trigger.distance <= reached => {
                    fired.push(trigger);
                    cursor.at += 1;
                }
                _ => break,
            }
        }
        cursor.bound = self.ledger.register().contracts[c].triggers.bound(side, cursor.at);
        // What the list knows of a touched position is out of date: the heap speaks for it, or it is closed.
        fired.retain(|trigger| self.ledger.position(trigger.position).state == State::Listed);
        let mut merged = false;
        while let Some(Reverse(first)) = cursor.rearmed.peek().copied() {
            if first.distance > reached {
                break;
            }
            cursor.rearmed.pop();
            let position = self.ledger.position(first.position);
            let triggers = &self.ledger.register().contracts[c].triggers;
            if position.state == State::Rearmed && triggers.distance(side, position.liquidation) == first.distance {
                fired.push(first);
                merged = true;
            }
        }
        if merged {
            fired.sort_unstable();
            fired.dedup();
        }
        let ready = self.now + self.rules.latency;
        for trigger in &fired {
            let position = self.ledger.position_mut(trigger.position);
            position.state = State::Queued;
            let (account, tick) = (position.account, position.liquidation);
            self.ledger.facts.push(Fact::Breached { contract, account, trigger: tick, mark });
            self.queue.push_back(Queued { position: trigger.position, ready });
        }
        self.fired = fired;
    }

    /// Puts an open, touched position back under watch with its trigger as it is now.
    fn rearm(&mut self, id: u32) {
        let position = self.ledger.position(id);
        let rules = &self.rules.contracts[usize::from(position.contract)];
        let tick = rules.tiers.liquidation_tick(
            self.rules.trigger,
            rules.multiplier,
            position.qty,
            position.cost,
            position.collateral,
        );
        let side = Side::of(position.qty);
        let entry = self.ledger.position_mut(id);
        entry.liquidation = tick;
        entry.state = State::Rearmed;
        if side == Side::Short || tick.0 > 0 {
            let c = usize::from(position.contract);
            let distance = self.ledger.register().contracts[c].triggers.distance(side, tick);
            let cursor = &mut self.cursors[c][usize::from(side == Side::Short)];
            cursor.rearmed.push(Reverse(Trigger { distance, position: id }));
        }
    }

    // ------------------------------------------------------------------------------------------ the fund

    /// Mark-to-market of the engine's inventory against its tickets.
    fn inventory(&self) -> Cash {
        self.engine.mark_to_market(&self.marks, &self.rules.contracts)
    }

    fn exhausted(&mut self, order: Option<OrderId>, contract: ContractId) {
        self.strained = true;
        self.ledger.facts.push(Fact::Exhausted { order, contract });
    }
}

impl Rules {
    /// The same rules with a fund that stands first and takes every shortfall, and no ADL: what a path is run again
    /// under for its fund need.
    #[must_use]
    pub fn with_unlimited_fund(&self) -> Self {
        /// Half of what a balance can hold, so that inflows never overflow it.
        const UNLIMITED: Cash = Cash(i64::MAX / 4);
        let mut rules = self.clone();
        rules.fund = rules::FundRules { open: UNLIMITED, floor: -UNLIMITED };
        rules.position_layers.retain(|layer| !matches!(layer, PositionLayer::Adl | PositionLayer::Backstop));
        rules.cash_layers = vec![CashLayer::Fund];
        // One fund that nothing binds; fees as they are. Interruptions are not the fund's and stay.
        rules.waterfall = Waterfall { fee_cap: self.waterfall.fee_cap, ..Waterfall::default() };
        rules
    }

    /// Whether the venue must be told the index.
    #[must_use]
    pub fn needs_index(&self) -> bool {
        self.waterfall.adl_price == AdlPrice::Oracle || self.interruptions.band.is_some()
    }

    /// Why one run does not tell when the fund is exhausted for every size of it, where it does not.
    #[must_use]
    pub fn beyond_one_pass(&self) -> Option<&'static str> {
        let limits = &self.waterfall.fund;
        let bound = limits.drawdown.is_some()
            || limits.draw_cap.is_some()
            || limits.net_position_cap.is_some()
            || !limits.pools.is_empty();
        if bound {
            return Some("more than the floor limits what the fund pays");
        }
        if self.waterfall.adl_trigger != AdlTrigger::Residue {
            return Some("ADL has a trigger of its own");
        }
        if self.waterfall.adl_price != AdlPrice::Bankruptcy {
            return Some("ADL is not at the bankruptcy price");
        }
        None
    }
}

#[cfg(test)]
mod tests;
