//! The ledger of one path: who holds what, moved only by `post` and `trade`, both of which write the fact.
//!
//! Balances of accounts and positions are an overlay over the register: an entry exists only for what the path has
//! touched, and a new path forgets all of it by advancing an epoch.

use std::sync::Arc;

mod posting;
pub(super) mod touched;
mod trade;

use super::adl::Winner;
use super::beside::{Beside, Place};
use super::register::{Register, Row};
use super::rules::{MarginMode, Rules};
use super::triggers::Trigger;
use crate::facts::counted::Counted;
use crate::facts::{ContractId, Fact, Party, Via, Why};
use crate::money::{Cash, Multiplier, Nanos, Price, Qty, narrow};
use touched::Touched;

/// A position as it stands now: one line of cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Position {
    pub id: u32,
    pub account: u32,
    /// Where the ledger keeps what few positions have.
    rare: Place,
    pub contract: ContractId,
    pub mode: MarginMode,
    pub state: State,
    pub qty: Qty,
    pub cost: Cash,
    /// Isolated collateral; 0 of a cross position, which the account's wallet backs.
    pub collateral: Cash,
    /// Funding owed and not yet realised; negative where it is due to the holder.
    pub owed: Cash,
    /// Σ funding per lot up to which `owed` counts.
    funded: i64,
    /// All cash that trades (before funding), payments and fees of this position have brought since the opening.
    pub moved: Cash,
}

/// What a position has once it is watched anew, or a part of it was closed.
#[derive(Clone, Copy, Debug, Default)]
struct Rare {
    /// Key of its entry among the re-armed triggers.
    armed: i64,
    /// When an order last closed a part of it.
    partial_at: Option<Nanos>,
}

/// Where a touched position stands in the liquidation process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Open, and armed by its entry in the static trigger list.
    Listed,
    /// Open, and armed by an entry in the heap of re-armed triggers.
    Rearmed,
    /// Open, of a cross account that is looked at once all marks of a refresh are in.
    Due,
    /// Waiting for a forced order, or in one.
    Queued,
    Closed,
}

/// Where the ledger keeps a position that the path has touched: the same until the path's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    fn of(place: usize) -> Self {
        // Places are counted in 32 bits, as positions are.
        Self(u32::try_from(place).expect("positions are numbered in 32 bits"))
    }

    fn at(self) -> usize {
        self.0 as usize
    }
}

/// Who holds cash that is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The collateral of a position.
    Position(u32),
    House(Party),
}

/// House parties of one contract, which a path keeps where somebody listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct HouseContract {
    clearing: Cash,
    maker_qty: Qty,
    maker_cost: Cash,
}

/// Cash and net positions of a backstop, by contract.
#[derive(Clone, Debug, Default)]
pub(super) struct Vault {
    pub cash: Cash,
    pub positions: Vec<(Qty, Cash)>,
}

#[derive(Clone, Debug, Default)]
pub struct Ledger {
    register: Arc<Register>,
    /// An empty register, held between paths: a new one would be an allocation each time.
    vacant: Arc<Register>,
    multipliers: Vec<Multiplier>,
    positions: Touched,
    touched: Vec<Position>,
    rare: Beside<Rare>,
    /// Room for what is gathered of the register.
    rows: Vec<Row>,
    wallets: Touched,
    wallet: Vec<Cash>,
    house: Vec<HouseContract>,
    /// Σ funding per lot of each contract.
    funding: Vec<i64>,
    pub(super) backstops: Vec<Vault>,
    maker: Cash,
    engine: Cash,
    fund: Cash,
    fees: Cash,
    venue: Cash,
    rounding: Cash,
    deficit: Cash,
    /// What happened since the facts were last taken.
    pub facts: Vec<Fact>,
    /// What postings and orders come to, where they are not told.
    pub counted: Counted,
    telling: Telling,
}

/// How much of what happens is written as facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Telling {
    /// What a row is counted from, and of that neither postings nor orders nor deleveraged lots, which the ledger counts.
    Counted,
    /// The same and what accounts trade by forced orders and are deleveraged of, for those who wait for it.
    Overheard,
    /// All that happens after the opening.
    #[default]
    Silent,
    /// The opening too, for an audit or a trace.
    Told,
}

impl Ledger {
    /// Opens a path: deposits, every position against the maker at its own entry, the maker's flat part realised.
    pub fn open(&mut self, register: Arc<Register>, rules: &Rules, telling: Telling) {
        self.register = Arc::clone(&register);
        self.multipliers.clear();
        self.multipliers.extend(rules.contracts.iter().map(|contract| contract.multiplier));
        let holdings = &register.holdings;
        self.positions.reset(holdings.account.len());
        self.touched.clear();
        self.rare.clear();
        self.wallets.reset(holdings.wallet.len());
        self.wallet.clear();
        self.house.clear();
        self.house.resize(rules.contracts.len(), HouseContract::default());
        self.funding.clear();
        self.funding.resize(rules.contracts.len(), 0);
        (self.maker, self.engine, self.fees) = (Cash::ZERO, Cash::ZERO, Cash::ZERO);
        (self.rounding, self.deficit) = (Cash::ZERO, Cash::ZERO);
        (self.fund, self.venue) = (rules.fund.open, rules.venue_capital);
        self.backstops.clear();
        self.backstops.extend(rules.waterfall.backstops.iter().map(|backstop| Vault {
            cash: backstop.capital,
            positions: vec![Default::default(); rules.contracts.len()],
        }));
        self.facts.clear();
        self.counted.begin();
        self.telling = telling;
        if telling == Telling::Told {
            self.tell_opening();
        }
        for (c, contract) in (0u16..).zip(&register.contracts) {
            // The maker sells to all longs, then buys from all shorts.
            let before = self.facts.len();
            self.trade_maker(c, -contract.long_lots, -contract.long_cost, None, Via::Opening);
            self.trade_maker(c, contract.short_lots, contract.short_cost, None, Via::Opening);
            if telling < Telling::Told {
                self.facts.truncate(before);
            }
        }
    }

    fn tell_opening(&mut self) {
        let register = Arc::clone(&self.register);
        let holdings = &register.holdings;
        let mut deposit = |to: Party, amount: Cash| {
            if !amount.is_zero() {
                self.facts.push(Fact::Posted { from: Party::World, to, amount, why: Why::Deposit });
            }
        };
        deposit(Party::Fund, self.fund);
        deposit(Party::Venue, self.venue);
        for (j, backstop) in (0u16..).zip(&self.backstops) {
            deposit(Party::Backstop(j), backstop.cash);
        }
        for (account, &wallet) in (0u32..).zip(&holdings.wallet) {
            deposit(Party::Trader(account), wallet);
        }
        for j in 0..holdings.account.len() {
            deposit(Party::Trader(holdings.account[j]), holdings.collateral[j]);
        }
        for j in 0..holdings.account.len() {
            self.facts.push(Fact::Traded {
                party: Party::Trader(holdings.account[j]),
                contract: holdings.contract[j],
                qty: holdings.qty[j],
                cash: holdings.cost[j],
                order: None,
                via: Via::Opening,
                ticket: None,
            });
        }
    }

    /// Whether nobody waits for what befalls an account.
    #[must_use]
    pub fn is_unheard(&self) -> bool {
        self.telling == Telling::Counted
    }

    /// Whether somebody listens to more than a row is counted from.
    #[must_use]
    #[inline]
    pub fn is_heard(&self) -> bool {
        self.telling > Telling::Overheard
    }

    #[must_use]
    pub fn register(&self) -> &Arc<Register> {
        &self.register
    }

    /// The register for sorting its trigger lists, where this ledger alone holds it.
    pub fn register_mut(&mut self) -> Option<&mut Register> {
        Arc::get_mut(&mut self.register)
    }

    /// Lets go of the register, so that its owner can rebuild it.
    pub fn release(&mut self) -> Arc<Register> {
        std::mem::replace(&mut self.register, Arc::clone(&self.vacant))
    }

    #[must_use]
    pub fn fund(&self) -> Cash {
        self.fund
    }

    #[must_use]
    pub fn venue(&self) -> Cash {
        self.venue
    }

    #[must_use]
    pub fn multiplier(&self, contract: ContractId) -> Multiplier {
        self.multipliers[usize::from(contract)]
    }

    /// A position as it stands now.
    #[must_use]
    #[inline]
    pub fn position(&self, id: u32) -> Position {
        let mut position = match self.positions.find(id) {
            Some(slot) => self.touched[slot],
            None => Position::opened(&self.register, id),
        };
        position.accrue(&self.funding);
        position
    }

    /// Where a position is kept from now on, its funding counted.
    #[expect(clippy::inline_always, reason = "a look-up that is shorter than a call")]
    #[inline(always)]
    pub fn slot(&mut self, id: u32) -> Slot {
        let slot = Slot::of(self.place_of(id));
        self.touched[slot.at()].accrue(&self.funding);
        slot
    }

    /// A position that the path has touched, as it stands now.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub fn held(&mut self, slot: Slot) -> Position {
        let kept = &mut self.touched[slot.at()];
        // Copied before it is written to: a processor waits where it reads at once what it has just written in parts.
        let mut position = *kept;
        if position.accrue(&self.funding) {
            (kept.owed, kept.funded) = (position.owed, position.funded);
        }
        position
    }

    /// A position that the path has touched, in place, with its funding as it was last counted: up to now for one that an
    /// order of this instant is on.
    #[must_use]
    #[inline]
    pub fn at(&self, slot: Slot) -> &Position {
        &self.touched[slot.at()]
    }

    /// The same for change.
    #[inline]
    pub fn at_mut(&mut self, slot: Slot) -> &mut Position {
        &mut self.touched[slot.at()]
    }

    /// Key of a position's entry among the re-armed triggers, where it is one of them.
    #[must_use]
    pub fn armed(&self, position: &Position) -> i64 {
        self.rare.get(position.rare).armed
    }

    /// When an order last closed a part of a position.
    #[must_use]
    pub fn partial_at(&self, position: &Position) -> Option<Nanos> {
        self.rare.get(position.rare).partial_at
    }

    fn rare_mut(&mut self, slot: Slot) -> &mut Rare {
        self.rare.of(&mut self.touched[slot.at()].rare)
    }

    /// Takes note of the key under which a position is watched anew.
    pub fn rearm(&mut self, slot: Slot, key: i64) {
        self.at_mut(slot).state = State::Rearmed;
        self.rare_mut(slot).armed = key;
    }

    /// Takes note of when an order last closed a part of a position.
    pub fn set_partial_at(&mut self, slot: Slot, at: Option<Nanos>) {
        self.rare_mut(slot).partial_at = at;
    }

    /// Where a position stands in the liquidation process.
    #[must_use]
    pub fn state(&self, id: u32) -> State {
        self.positions.find(id).map_or(State::Listed, |slot| self.touched[slot].state)
    }

    /// Σ funding per lot of a contract since the opening.
    #[must_use]
    pub fn funding(&self, contract: ContractId) -> i64 {
        self.funding[usize::from(contract)]
    }

    /// Funding of `per_lot` falls due on all open positions but the engine's tickets.
    #[inline]
    pub fn fund_positions(&mut self, contract: ContractId, per_lot: Cash) {
        let c = usize::from(contract);
        self.funding[c] += per_lot.0;
        if !self.backstops.is_empty() || self.is_heard() {
            self.fund_house(contract, per_lot);
        }
    }

    /// The funding of maker and vaults is part of their cost at once: nobody reads their entry prices.
    #[inline(never)]
    fn fund_house(&mut self, contract: ContractId, per_lot: Cash) {
        let c = usize::from(contract);
        for vault in &mut self.backstops {
            let (qty, cost) = &mut vault.positions[c];
            *cost += funding_of(*qty, per_lot.0);
        }
        if self.is_heard() {
            let house = &mut self.house[c];
            house.maker_cost += funding_of(house.maker_qty, per_lot.0);
            self.facts.push(Fact::Funding { contract, per_lot });
        }
    }

    /// Cash that backs a position and is counted in its account: collateral, or the wallet of a cross account.
    #[must_use]
    pub fn purse(&self, position: &Position) -> Cash {
        match position.mode {
            MarginMode::Isolated => position.collateral,
            MarginMode::Cross => self.wallet(position.account),
        }
    }

    /// Cash (signed) enters what backs a position in a slot; returns its account.
    #[inline]
    fn enter(&mut self, slot: Slot, amount: Cash) -> u32 {
        let position = &mut self.touched[slot.at()];
        let account = position.account;
        match position.mode {
            MarginMode::Isolated => position.collateral += amount,
            MarginMode::Cross => self.enter_wallet(account, amount),
        }
        account
    }

    /// The same for cash that a position's lots or fees move.
    #[inline]
    fn move_cash(&mut self, id: u32, amount: Cash) -> u32 {
        let slot = self.slot(id);
        self.move_cash_at(slot, amount)
    }

    #[inline]
    fn move_cash_at(&mut self, slot: Slot, amount: Cash) -> u32 {
        self.touched[slot.at()].moved += amount;
        self.enter(slot, amount)
    }

    /// Cash (signed) enters the wallet that backs a cross position.
    #[inline(never)]
    fn enter_wallet(&mut self, account: u32, amount: Cash) {
        *self.wallet_mut(account) += amount;
    }

    /// Equity of a position less its value and plus its cost, with its account's other positions at these marks: what
    /// the collateral of an isolated position without funding is. So equity = backing + value − cost.
    #[must_use]
    #[inline]
    pub fn backing(&self, position: &Position, marks: &[Price]) -> Cash {
        match position.mode {
            MarginMode::Isolated => position.collateral - position.owed,
            MarginMode::Cross => self.cross_backing(position, marks),
        }
    }

    #[inline(never)]
    fn cross_backing(&self, position: &Position, marks: &[Price]) -> Cash {
        let others = self.legs(position.account).filter(|leg| leg.id != position.id);
        let others: Cash = others.map(|leg| self.unrealised(&leg, marks)).sum();
        self.wallet(position.account) + others - position.owed
    }

    /// Unrealised profit of a position at these marks, after the funding it owes.
    #[must_use]
    pub fn unrealised(&self, position: &Position, marks: &[Price]) -> Cash {
        let c = usize::from(position.contract);
        self.multipliers[c].value(position.qty, marks[c]) - position.cost - position.owed
    }

    /// The open cross positions of an account.
    pub fn legs(&self, account: u32) -> impl Iterator<Item = Position> {
        let holdings = &self.register.holdings;
        // Where all positions are isolated nothing is looked for.
        let end = if holdings.cross.is_empty() { 0 } else { holdings.account.len() };
        let first = holdings.account[..end].partition_point(|&other| other < account);
        (first..end)
            .take_while(move |&id| self.register.holdings.account[id] == account)
            .filter(|&id| self.register.holdings.mode(id) == MarginMode::Cross)
            .map(|id| self.position(u32::try_from(id).expect("positions are numbered in 32 bits")))
            .filter(|leg| !leg.qty.is_zero())
    }

    /// Pays a position the funding that is due to it.
    #[inline(never)]
    pub fn collect_funding(&mut self, slot: Slot) {
        let position = self.at_mut(slot);
        let due = -position.owed;
        debug_assert!(due.0 >= 0);
        position.owed += due;
        let contract = position.contract;
        let account = self.enter(slot, due);
        self.house[usize::from(contract)].clearing -= due;
        let (from, to) = (Party::Clearing(contract), Party::Trader(account));
        self.tell_posted(from, to, due, Why::Funding);
    }

    /// Turns unrealised profit of a cross position into cash of its wallet: its cost rises by it.
    pub fn settle(&mut self, id: u32, amount: Cash) {
        debug_assert!(amount.0 >= 0);
        if amount.is_zero() {
            return;
        }
        let position = self.position_mut(id);
        position.cost += amount;
        position.moved += amount;
        let (account, contract) = (position.account, position.contract);
        *self.wallet_mut(account) += amount;
        self.house[usize::from(contract)].clearing -= amount;
        let (from, to) = (Party::Clearing(contract), Party::Trader(account));
        self.tell_posted(from, to, amount, Why::Settled);
    }
}

impl Position {
    /// A position as the register has it.
    #[must_use]
    #[expect(clippy::inline_always, reason = "written where it is kept")]
    #[inline(always)]
    pub fn opened(register: &Register, id: u32) -> Self {
        Self::of(id, register.row(id))
    }

    #[expect(clippy::inline_always, reason = "written where it is kept")]
    #[inline(always)]
    fn of(id: u32, row: Row) -> Self {
        let Row { qty, cost, collateral, account, contract, mode } = row;
        Self {
            id,
            account,
            contract,
            qty,
            cost,
            collateral,
            mode,
            owed: Cash::ZERO,
            funded: 0,
            moved: Cash::ZERO,
            state: State::Listed,
            rare: Place::NONE,
        }
    }

    /// What backs an isolated position before the funding of its lots since the opening: the same until something happens
    /// to it.
    #[must_use]
    #[inline]
    pub fn backing_at_opening(&self) -> Cash {
        self.collateral - self.owed + funding_of(self.qty, self.funded)
    }

    /// Counts funding up to now, from Σ funding per lot of each contract; says whether there is more.
    #[inline]
    fn accrue(&mut self, funding: &[i64]) -> bool {
        let funding = funding[usize::from(self.contract)];
        let is_more = funding != self.funded;
        if is_more {
            self.owe(funding);
        }
        is_more
    }

    #[inline]
    fn owe(&mut self, funding: i64) {
        self.owed += funding_of(self.qty, funding - self.funded);
        self.funded = funding;
    }
}

impl Ledger {
    /// Whether the path has touched a position.
    #[must_use]
    pub fn is_touched(&self, id: u32) -> bool {
        self.positions.holds(id)
    }

    /// All positions that the path has touched.
    #[must_use]
    pub fn touched(&self) -> &[Position] {
        &self.touched
    }

    /// A position for change.
    #[inline]
    pub fn position_mut(&mut self, id: u32) -> &mut Position {
        let slot = self.place_of(id);
        let position = &mut self.touched[slot];
        position.accrue(&self.funding);
        position
    }

    #[expect(clippy::inline_always, reason = "a look-up that every posting starts with, shorter than a call")]
    #[inline(always)]
    fn place_of(&mut self, id: u32) -> usize {
        match self.positions.find(id) {
            Some(slot) => slot,
            None => self.touch(id),
        }
    }

    /// Touches a position that an ADL round has read already: an isolated one is not read again.
    pub(super) fn touch_read(&mut self, id: u32, contract: ContractId, read: &Winner) -> Slot {
        let register = &self.register;
        if register.holdings.mode(id as usize) == MarginMode::Cross || self.is_touched(id) {
            return self.slot(id);
        }
        let owed = self.owed_since_opening(contract, read.qty);
        let (qty, cost, collateral) = (read.qty, read.cost, read.collateral + owed);
        let row = Row { qty, cost, collateral, account: read.account, contract, mode: MarginMode::Isolated };
        self.touched.push(Position { owed, funded: self.funding(contract), ..Position::of(id, row) });
        Slot::of(self.positions.add(id))
    }

    /// What a position that the path has not touched owes of funding.
    pub(super) fn owed_since_opening(&self, contract: ContractId, qty: Qty) -> Cash {
        funding_of(qty, self.funding(contract))
    }

    #[inline(never)]
    fn touch(&mut self, id: u32) -> usize {
        self.touched.push(Position::opened(&self.register, id));
        self.positions.add(id)
    }

    /// Has positions wait for a forced order, and tells where each is kept.
    pub fn queue(&mut self, ids: &[Trigger], mut each: impl FnMut(u32, Slot)) {
        /// Rows that are gathered at a time stay in the first level of cache.
        const ROWS: usize = 64;
        let mut rows = std::mem::take(&mut self.rows);
        for ids in ids.chunks(ROWS) {
            rows.clear();
            // Mostly none has been touched, or all have just been looked at.
            if !self.is_touched(ids[0].position) {
                self.register.gather(ids.iter().map(|trigger| trigger.position), &mut rows);
            }
            for (at, &Trigger { position: id, .. }) in ids.iter().enumerate() {
                let slot = if let Some(slot) = self.positions.find(id) {
                    self.touched[slot].state = State::Queued;
                    slot
                } else {
                    let row = rows.get(at).copied().unwrap_or_else(|| self.register.row(id));
                    self.touched.push(Position { state: State::Queued, ..Position::of(id, row) });
                    self.positions.add(id)
                };
                each(id, Slot::of(slot));
            }
        }
        self.rows = rows;
    }

    #[inline]
    fn wallet_mut(&mut self, account: u32) -> &mut Cash {
        let slot = if let Some(slot) = self.wallets.find(account) {
            slot
        } else {
            self.wallet.push(self.register.holdings.wallet[account as usize]);
            self.wallets.add(account)
        };
        &mut self.wallet[slot]
    }

    /// Free cash of an account.
    #[must_use]
    pub fn wallet(&self, account: u32) -> Cash {
        match self.wallets.find(account) {
            Some(slot) => self.wallet[slot],
            None => self.register.holdings.wallet[account as usize],
        }
    }
}

/// Funding of so many lots, signed, at so many cash units a lot.
///
/// # Panics
/// Where it leaves 64 bits: a broken path.
#[inline]
fn funding_of(qty: Qty, per_lot: i64) -> Cash {
    // Only a product that is too large is looked at in 128 bits, for the message that says how large.
    let too_large = || narrow(i128::from(qty.0) * i128::from(per_lot));
    Cash(qty.0.checked_mul(per_lot).unwrap_or_else(too_large))
}
