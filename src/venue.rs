//! The venue: a pure, deterministic state machine over exact money.
//!
//! [`Venue::apply`] takes one command and says what is needed next. The venue never calls a book: it emits one order
//! at a time with all that the book needs, and takes back one fill, which it checks. The work of a check instant is
//! that of `docs/methods.md`: engine inventory, then the queued orders (position layers before ADL), one ADL round per
//! contract and side, what is left sold without limit, then fees and surplus.

use std::sync::Arc;

use crate::facts::counted::Counted;
use crate::facts::{ContractId, Fact, OrderId, Side};
use crate::money::{Cash, Nanos, Price, Qty, Ratio};

pub mod adl;
mod adl_price;
mod agenda;
mod backstop;
mod beside;
pub(crate) mod bisect;
mod cover;
pub mod cross;
mod dynamic;
mod engine;
mod fees;
mod fund;
mod funding;
pub mod ledger;
pub mod liquidation;
pub mod margin;
pub mod peak;
pub mod presets;
mod queue;
pub mod register;
mod round;
pub mod rules;
mod schedule;
mod socialise;
pub mod triggers;
pub mod voluntary;
mod watch;
mod winners;

use agenda::{Agenda, Answer, Pending};
use dynamic::Dynamic;
use engine::Engine;
use fund::Funds;
use funding::Paces;
use ledger::{Ledger, State, Telling};
use queue::{Queue, Queued};
use register::Register;
use rules::{AdlPrice, AdlTrigger, BandOf, CashLayer, FeeCap, PositionLayer, Rules, Waterfall};
use schedule::Schedule;
use triggers::Trigger;
use voluntary::{Own, Waiting};
use watch::{Cursor, Shift};

/// What the venue is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The mark of a contract was refreshed: triggers fire.
    Mark { now: Nanos, contract: ContractId, mark: Price },
    /// All marks of a refresh are in: cross accounts that left a bound are looked at.
    Refreshed { now: Nanos },
    /// Funding of `per_lot` cash units a lot falls due: longs pay, shorts receive (both reversed where negative).
    Funding { now: Nanos, contract: ContractId, per_lot: Cash },
    /// The index of a contract, where the [rules want it](Rules::needs_index); before the mark of the same refresh.
    Index { now: Nanos, contract: ContractId, index: Price },
    /// The realised volatility of a contract, where the rules have steps for it; before the mark of the same refresh.
    Volatility { now: Nanos, contract: ContractId, volatility: Ratio },
    /// A check instant: inventory and queued orders are worked off.
    Check { now: Nanos },
    /// The book's answer to the order just emitted.
    Fill(Fill),
    /// A trader sends an order of its own, pays into its position or withdraws from it.
    Own { now: Nanos, own: Own },
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
    #[expect(clippy::inline_always, reason = "a few products, asked for twice an order")]
    #[inline(always)]
    pub fn shortfall(&self, k: crate::money::Multiplier, lots: Qty, cash: Cash) -> Cash {
        let (qty, paid) = agenda::leg(k, self.side, lots, cash);
        (paid + k.value(-qty, self.bankruptcy) - self.surplus).positive_part()
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
    #[error("unknown position {0}")]
    NoPosition(u32),
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
    queue: Queue,
    engine: Engine,
    funds: Funds,
    schedule: Schedule,
    agenda: Agenda,
    round: round::Scratch,
    dynamic: Dynamic,
    paces: Vec<Paces>,
    /// Whether every order is of all lots at the whole fee.
    closes_all: bool,
    /// The trader's own order that waits for its fill.
    own: Option<Waiting>,
    fired: Vec<Trigger>,
    /// Places in `fired` of those whose triggers must be found.
    doubtful: Vec<usize>,
    /// Cross accounts to be looked at once all marks of a refresh are in.
    due: Vec<u32>,
    legs: Vec<cross::Leg>,
    orders: OrderId,
    strained: bool,
}

const SIDES: [Side; 2] = [Side::Long, Side::Short];

impl Venue {
    /// A venue with this rule book; [`open`](Self::open) starts a path.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        let contracts = rules.contracts.len();
        let dynamic = Dynamic::new(&rules);
        // At whatever step of volatility, since what funding shifts outlasts it.
        let rates = |c: usize| match dynamic.greatest_rate(c) {
            Some(greatest) => [Ratio(0), greatest],
            None => rules.contracts[c].tiers.rates(),
        };
        let paces = (0..contracts).map(|c| Paces::new(&rules.contracts[c], rates(c))).collect();
        Self {
            ledger: Ledger::default(),
            now: Nanos::ZERO,
            marks: vec![Price::ZERO; contracts],
            cursors: vec![<[Cursor; 2]>::default(); contracts],
            queue: Queue::default(),
            engine: Engine::new(&rules.contracts),
            funds: Funds::new(rules.fund, &rules.waterfall.fund, &rules.cash_layers, contracts),
            schedule: Schedule::new(contracts),
            agenda: Agenda::new(&rules.position_layers),
            round: round::Scratch::default(),
            dynamic,
            paces,
            closes_all: rules.liquidation.closes_all() && rules.waterfall.fee_cap != FeeCap::MissingMargin,
            own: None,
            fired: Vec::new(),
            doubtful: Vec::new(),
            due: Vec::new(),
            legs: Vec::new(),
            orders: 0,
            strained: false,
            rules,
        }
    }

    /// Takes another rule book over the same contracts for the paths to come. What it knows of a register stays.
    pub fn govern(&mut self, rules: Arc<Rules>) {
        let before = std::mem::replace(self, Self::new(rules));
        // All of them are emptied at the next opening.
        (self.ledger, self.round, self.cursors) = (before.ledger, before.round, before.cursors);
        (self.queue, self.fired, self.doubtful) = (before.queue, before.fired, before.doubtful);
        (self.due, self.legs) = (before.due, before.legs);
    }

    /// Starts a path on a register, with all marks at their opening.
    ///
    /// A register that others share must be [sorted](Register::sort); one that only this venue holds is sorted as far
    /// as the path needs.
    /// Returns the fund's opening balance.
    pub fn open(&mut self, register: Arc<Register>, telling: Telling) -> Cash {
        self.dynamic.reset(&mut self.rules);
        self.ledger.open(register, &self.rules, telling);
        let register = self.ledger.register();
        self.now = Nanos::ZERO;
        for ((mark, cursors), contract) in self.marks.iter_mut().zip(&mut self.cursors).zip(&register.contracts) {
            *mark = contract.open;
            for (cursor, side) in cursors.iter_mut().zip(SIDES) {
                cursor.at = 0;
                cursor.rearmed.clear();
                cursor.shift = Shift::default();
                cursor.bound = contract.triggers.bound(side, 0);
            }
        }
        self.queue.clear();
        self.due.clear();
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
        self.own = None;
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

    /// Whether postings and orders are told, and not only counted.
    #[must_use]
    #[inline]
    pub fn is_heard(&self) -> bool {
        self.ledger.is_heard()
    }

    /// What postings and orders have come to on this path, where they are [not told](Self::is_heard).
    pub fn counted(&mut self) -> &mut Counted {
        &mut self.ledger.counted
    }

    /// The facts since they were last cleared, and beside them what was only counted.
    pub fn happened(&mut self) -> (&mut Vec<Fact>, &Counted) {
        (&mut self.ledger.facts, &self.ledger.counted)
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
    #[inline]
    pub fn apply(&mut self, command: Command) -> Result<Next, Refused> {
        match command {
            Command::Fill(fill) => {
                self.filled(fill)?;
                Ok(self.next())
            }
            Command::Mark { now, contract, mark } => self.marked(now, contract, mark).map(|()| Next::Idle),
            Command::Refreshed { now } => self.refreshed(now).map(|()| Next::Idle),
            Command::Check { now } => {
                self.check(now)?;
                Ok(self.next())
            }
            Command::Index { now, contract, index } => self.indexed(now, contract, index).map(|()| Next::Idle),
            Command::Volatility { now, contract, volatility } => {
                self.hears_of(contract)?;
                self.now = now;
                self.note_volatility(contract, volatility);
                Ok(Next::Idle)
            }
            Command::Funding { now, contract, per_lot } => self.funded(now, contract, per_lot).map(|()| Next::Idle),
            Command::Own { now, own } => {
                self.acted(now, &own)?;
                Ok(self.next())
            }
        }
    }

    /// Whether the venue can be told of a contract now.
    #[inline]
    fn hears_of(&self, contract: ContractId) -> Result<(), Refused> {
        if self.is_busy() {
            return Err(Refused::Busy);
        }
        if usize::from(contract) >= self.marks.len() {
            return Err(Refused::NoContract(contract));
        }
        Ok(())
    }

    /// [`Command::Mark`].
    ///
    /// # Errors
    /// Where an order waits for its fill, the contract is unknown or the mark not above zero; nothing has changed then.
    #[inline]
    pub fn marked(&mut self, now: Nanos, contract: ContractId, mark: Price) -> Result<(), Refused> {
        self.hears_of(contract)?;
        if mark.0 <= 0 {
            return Err(Refused::NoPrice(mark.0));
        }
        self.now = now;
        self.note_price(now, contract, BandOf::Mark, mark);
        self.mark(contract, mark);
        Ok(())
    }

    fn indexed(&mut self, now: Nanos, contract: ContractId, index: Price) -> Result<(), Refused> {
        if usize::from(contract) >= self.marks.len() {
            return Err(Refused::NoContract(contract));
        }
        if index.0 <= 0 {
            return Err(Refused::NoPrice(index.0));
        }
        self.schedule.note_index(contract, index);
        self.note_price(now, contract, BandOf::Index, index);
        Ok(())
    }

    /// [`Command::Funding`].
    ///
    /// # Errors
    /// Where an order waits for its fill or the contract is unknown; nothing has changed then.
    #[inline]
    pub fn funded(&mut self, now: Nanos, contract: ContractId, per_lot: Cash) -> Result<(), Refused> {
        self.hears_of(contract)?;
        self.now = now;
        self.fund(contract, per_lot);
        Ok(())
    }

    /// [`Command::Refreshed`].
    ///
    /// # Errors
    /// Where an order waits for its fill.
    #[inline]
    pub fn refreshed(&mut self, now: Nanos) -> Result<(), Refused> {
        if self.is_busy() {
            return Err(Refused::Busy);
        }
        self.now = now;
        if !self.due.is_empty() {
            self.look_at_cross_accounts();
        }
        Ok(())
    }

    /// [`Command::Check`].
    ///
    /// # Errors
    /// Where an order waits for its fill.
    pub fn check(&mut self, now: Nanos) -> Result<(), Refused> {
        if self.is_busy() {
            return Err(Refused::Busy);
        }
        self.now = now;
        if self.is_idle() || self.is_out(now) {
            return Ok(());
        }
        self.begin_instant();
        self.proceed();
        Ok(())
    }

    /// [`Command::Fill`], which comes once an order.
    ///
    /// # Errors
    /// Where no order waits or the fill does not fit it; nothing has changed then.
    pub fn filled(&mut self, fill: Fill) -> Result<(), Refused> {
        if self.own.is_some() {
            return self.take_own_fill(fill);
        }
        let (pending, order) = self.agenda.waiting().ok_or(Refused::NoOrder)?;
        let (shortfall, cut) = self.check_fill(order, &fill)?;
        let (pending, answer) = (*pending, Answer { fill, shortfall, cut, surplus: order.surplus });
        let is_inventory = matches!(pending, Pending::Ticket { .. } | Pending::Vault { .. });
        if is_inventory || self.rules.interruptions.band.is_some() {
            let order = *order;
            self.watch_band(&order, &fill);
            if is_inventory {
                self.agenda.answered();
                self.take_inventory_fill(pending, &order, answer);
                self.proceed();
                return Ok(());
            }
        }
        self.agenda.answered();
        self.take_fill(pending, answer);
        self.go_on();
        Ok(())
    }

    /// The order that waits for its fill.
    #[must_use]
    #[inline]
    pub fn wanted(&self) -> Option<&Order> {
        self.own.as_ref().map(|own| &own.order).or_else(|| self.agenda.waiting().map(|(_, order)| order))
    }

    /// Contract, side and lots of the order that waits and of those, `most` in all, that will come after it at this instant
    /// if none is given up or cut short: as far as that is known.
    #[inline]
    pub fn foreseen(&self, most: usize, mut each: impl FnMut(ContractId, Side, Qty)) {
        if let Some(order) = self.wanted() {
            each(order.contract, order.side, order.lots);
            self.foresee(most - 1, each);
        }
    }

    fn next(&self) -> Next {
        self.wanted().map_or(Next::Idle, |order| Next::Order(*order))
    }

    fn is_busy(&self) -> bool {
        self.agenda.is_busy() || self.own.is_some()
    }

    /// Returns the shortfall that a fill within a budget leaves, nothing where no budget stops it; and whether the budget
    /// cut it short.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn check_fill(&self, order: &Order, fill: &Fill) -> Result<(Cash, bool), Refused> {
        if fill.lots.0 < 0 || fill.cash.0 < 0 || fill.uncut.0 < 0 {
            return Err(Refused::Negative);
        }
        if fill.lots > order.lots {
            return Err(Refused::TooMuch { filled: fill.lots.0, ordered: order.lots.0 });
        }
        let Some(budget) = order.budget else { return Ok((Cash::ZERO, false)) };
        let shortfall = order.shortfall(self.ledger.multiplier(order.contract), fill.lots, fill.cash);
        if shortfall > budget {
            return Err(Refused::OverBudget { shortfall: shortfall.0, budget: budget.0 });
        }
        Ok((shortfall, fill.uncut > budget))
    }

    // ------------------------------------------------------------------------------------------ triggers

    /// Tells the mark-to-market of inventory, where there is any.
    #[inline]
    fn tell_inventory(&mut self) {
        if !self.engine.is_empty() || (!self.ledger.backstops.is_empty() && self.backstops_hold()) {
            let mark_to_market = self.inventory() + self.backstops_mark_to_market();
            self.ledger.facts.push(Fact::Inventory { mark_to_market });
        }
    }

    // ------------------------------------------------------------------------------------------ cross accounts

    /// The open cross positions of an account, with its wallet.
    fn legs_of(&self, account: u32, legs: &mut Vec<cross::Leg>) -> Cash {
        legs.clear();
        legs.extend(self.ledger.legs(account).map(|leg| cross::Leg {
            id: leg.id,
            contract: leg.contract,
            qty: leg.qty,
            cost: leg.cost + leg.owed,
            bound: 0,
        }));
        self.ledger.wallet(account)
    }

    /// Queues the accounts among those due that breach, by account, and sets bounds for the others.
    #[inline(never)]
    fn look_at_cross_accounts(&mut self) {
        let mut due = std::mem::take(&mut self.due);
        due.sort_unstable();
        due.dedup();
        let mut legs = std::mem::take(&mut self.legs);
        let ready = self.now + self.rules.latency;
        let mut waiting = 0;
        for at in 0..due.len() {
            let account = due[at];
            let wallet = self.legs_of(account, &mut legs);
            if legs.is_empty() || legs.iter().any(|leg| self.ledger.position(leg.id).state == State::Queued) {
                continue;
            }
            if legs.iter().all(|leg| self.is_halted(leg.contract, self.now)) {
                // Like an isolated position it is judged when a mark of it is told again.
                due[waiting] = account;
                waiting += 1;
                continue;
            }
            if cross::standing(&self.rules, &self.marks, wallet, &legs).breaches(self.rules.trigger) {
                for leg in &legs {
                    self.ledger.position_mut(leg.id).state = State::Queued;
                }
                let first = legs[0];
                let mark = self.marks[usize::from(first.contract)];
                self.ledger.facts.push(Fact::Breached { contract: first.contract, account, trigger: mark, mark });
                let slot = self.ledger.slot(first.id);
                self.queue.push(Queued { position: first.id, slot, ready });
            } else {
                cross::bound(&self.rules, &self.marks, wallet, &mut legs);
                for leg in &legs {
                    self.arm(leg.id, leg.bound);
                }
            }
        }
        due.truncate(waiting);
        self.due = due;
        self.legs = legs;
    }

    /// Gives up the order of a cross account: it is looked at again at the next refresh.
    #[inline(never)]
    fn release_cross(&mut self, account: u32) {
        let mut legs = std::mem::take(&mut self.legs);
        self.legs_of(account, &mut legs);
        for leg in &legs {
            self.ledger.position_mut(leg.id).state = State::Due;
        }
        self.due.push(account);
        self.legs = legs;
    }

    // ------------------------------------------------------------------------------------------ the fund

    /// Mark-to-market of the engine's inventory against its tickets.
    fn inventory(&self) -> Cash {
        self.engine.mark_to_market(&self.marks)
    }

    #[inline(never)]
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
        matches!(self.waterfall.adl_price, AdlPrice::Oracle | AdlPrice::OracleWhileSolvent)
            || self.interruptions.band.is_some_and(|band| band.of == BandOf::Index)
    }

    /// Why one run does not tell when the fund is exhausted for every size of it, where it does not.
    #[must_use]
    pub fn beyond_one_pass(&self) -> Option<&'static str> {
        if self.waterfall.fund.drawdown.is_some() {
            return Some("a drawdown stops the fund above its floor, so when it stops depends on its size");
        }
        self.beyond_its_budget()
    }

    /// Why more than the fund's floor and its fall from the peak decide when it is exhausted, where more does.
    #[must_use]
    pub fn beyond_its_budget(&self) -> Option<&'static str> {
        let limits = &self.waterfall.fund;
        let bound = limits.draw_cap.is_some() || limits.net_position_cap.is_some() || !limits.pools.is_empty();
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
