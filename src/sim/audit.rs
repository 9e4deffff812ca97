//! An independent ledger, rebuilt from facts alone.
//!
//! The audit shares no code with the venue: it keeps its own cash, its own positions and its own tickets, computes
//! every realised profit itself, and after every batch asserts the invariants of `docs/methods.md`. Its cost follows
//! what changed, so that it can watch every path of a run: sums are kept up to date, and only the end of a path walks
//! all positions once.
//!
//! A violation is a sentence with the time, the parties and both numbers. The first one stands; what follows it on
//! the same path is not looked at.

mod invariants;
mod orders;
mod own;
mod position;
mod postings;
mod trades;

use std::collections::BTreeMap;

use orders::Order;
use position::Position;

use crate::facts::{AccountId, ContractId, Fact, Observer, Outcome, Paid, Party};
use crate::money::{Cash, Multiplier, Nanos, Qty};

/// Values of a lot at which unrealised profit is summed after every batch. The sums must agree at both, which they
/// do at any value once lots sum to zero; two distinct values catch lots and costs that are wrong together.
const PROBES: [i128; 2] = [1, 1_000_003];

/// What the audit knows of one contract.
#[derive(Clone, Debug, Default)]
struct Contract {
    multiplier: Option<Multiplier>,
    mark: Option<i64>,
    /// Σ funding per lot.
    funding: i64,
    /// Positions by account.
    traders: Vec<Position>,
    maker: Position,
    /// The sum of the engine's tickets.
    engine: Position,
    clearing: i64,
    lots: i64,
    cost: i128,
    /// Σ unrealised profit at each of `PROBES`.
    unrealised: [i128; 2],
    /// Lots that winners gave in this batch, and what rounds said.
    deleveraged: i64,
    placed: i64,
    /// The maker's opening was booked in this batch.
    opening: bool,
    touched: bool,
}

impl Contract {
    fn value(&self, qty: i64, price: i64) -> i64 {
        i64::try_from(i128::from(qty) * self.lot_value(price)).expect("overflow in the audit")
    }

    /// A trader's position with the funding up to now.
    fn trader(&self, account: AccountId) -> Position {
        let mut position = self.traders.get(account as usize).copied().unwrap_or_default();
        position.accrue(self.funding);
        position
    }

    /// What holding one lot is worth at a price: p·k, or −(f/p rounded to the nearest unit) of an inverse contract.
    fn lot_value(&self, price: i64) -> i128 {
        let price = i128::from(price);
        match self.multiplier {
            Some(Multiplier::Linear(k)) => price * i128::from(k),
            Some(Multiplier::Inverse(f)) => {
                let (whole, rest) = (i128::from(f) / price, i128::from(f) % price);
                -(whole + i128::from(2 * rest >= price))
            }
            None => 0,
        }
    }
}

/// A profit that a leg realised or a posting paid, in the order of happening.
type Realised = (Party, ContractId, usize, i64);

/// Lots, notional and haircut of one winner in one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Given {
    contract: ContractId,
    account: AccountId,
    lots: i64,
    notional: i64,
    haircut: i64,
}

/// Rebuilds the ledger of a path from facts and asserts its invariants after every batch.
#[derive(Debug)]
pub struct Audit {
    fund_floor: i64,
    violation: Option<String>,
    time: Nanos,
    contracts: Vec<Contract>,
    touched_contracts: Vec<ContractId>,
    traders: Vec<i64>,
    touched_traders: Vec<AccountId>,
    /// Traders that were below zero at the end of a batch of this instant.
    negative: Vec<AccountId>,
    maker: i64,
    engine: i64,
    backstops: Vec<i64>,
    fund: i64,
    fees: i64,
    venue: i64,
    rounding: i64,
    deficit: i64,
    world: i64,
    deposits: i64,
    withdrawals: i64,
    /// Cash of all parties but the world.
    held: i128,
    backstop_positions: BTreeMap<(u16, ContractId), Position>,
    /// Lots of the engine by contract, tick and sign; lots are positive.
    tickets: BTreeMap<(ContractId, i64, bool), i64>,
    orders: Vec<Order>,
    /// Open order of each account: its number + 1, or 0.
    orders_of: Vec<u32>,
    open_orders: u32,
    /// What layers paid to an account by postings, less what its closed orders declare; zero once all are closed.
    owed: Vec<Paid>,
    settling: Vec<AccountId>,
    engine_owed: Paid,
    backstops_owed: Paid,
    /// Balances of the pools of a divided fund; empty where it is not.
    pools: Vec<i64>,
    /// Net payments by postings over the path.
    paid: Paid,
    legs: Vec<Realised>,
    postings: Vec<Realised>,
    given: Vec<Given>,
    declared: Vec<Given>,
    own: own::OwnDeeds,
    ticket_results: i64,
    ticket_realised: i64,
    taken_over: i64,
    declared_taken_over: i64,
    /// Lots that backstops took by their legs, less what is told of it.
    backstops_took: i64,
    inventory: Option<i64>,
}

impl Audit {
    /// An audit of contracts with these cash units per lot and tick, and of a fund that payouts must leave at or
    /// above `fund_floor`.
    #[must_use]
    pub fn new(multipliers: &[Multiplier], fund_floor: Cash) -> Self {
        Self {
            fund_floor: fund_floor.0,
            violation: None,
            time: Nanos::ZERO,
            contracts: multipliers.iter().map(|k| Contract { multiplier: Some(*k), ..Contract::default() }).collect(),
            touched_contracts: Vec::new(),
            traders: Vec::new(),
            touched_traders: Vec::new(),
            negative: Vec::new(),
            maker: 0,
            engine: 0,
            backstops: Vec::new(),
            fund: 0,
            fees: 0,
            venue: 0,
            rounding: 0,
            deficit: 0,
            world: 0,
            deposits: 0,
            withdrawals: 0,
            held: 0,
            backstop_positions: BTreeMap::new(),
            tickets: BTreeMap::new(),
            orders: Vec::new(),
            orders_of: Vec::new(),
            open_orders: 0,
            owed: Vec::new(),
            settling: Vec::new(),
            engine_owed: Paid::default(),
            backstops_owed: Paid::default(),
            pools: Vec::new(),
            paid: Paid::default(),
            legs: Vec::new(),
            postings: Vec::new(),
            given: Vec::new(),
            declared: Vec::new(),
            own: own::OwnDeeds::default(),
            ticket_results: 0,
            ticket_realised: 0,
            taken_over: 0,
            declared_taken_over: 0,
            backstops_took: 0,
            inventory: None,
        }
    }

    /// Forgets the last path and keeps the memory.
    pub fn begin(&mut self) {
        self.violation = None;
        self.time = Nanos::ZERO;
        for contract in &mut self.contracts {
            let mut traders = std::mem::take(&mut contract.traders);
            traders.clear();
            *contract = Contract { multiplier: contract.multiplier, traders, ..Contract::default() };
        }
        self.traders.clear();
        self.touched_contracts.clear();
        self.touched_traders.clear();
        self.negative.clear();
        self.backstops.clear();
        (self.maker, self.engine, self.fund, self.fees, self.venue) = (0, 0, 0, 0, 0);
        (self.rounding, self.deficit, self.world, self.deposits, self.withdrawals) = (0, 0, 0, 0, 0);
        self.held = 0;
        self.backstop_positions.clear();
        self.tickets.clear();
        self.orders.clear();
        self.orders_of.clear();
        self.own.begin();
        self.open_orders = 0;
        self.owed.clear();
        self.settling.clear();
        (self.engine_owed, self.backstops_owed, self.paid) = Default::default();
        self.pools.clear();
        self.forget_batch();
    }

    fn forget_batch(&mut self) {
        self.legs.clear();
        self.postings.clear();
        self.given.clear();
        self.declared.clear();
        (self.ticket_results, self.ticket_realised, self.taken_over, self.declared_taken_over) = (0, 0, 0, 0);
        self.backstops_took = 0;
        self.inventory = None;
    }

    /// Ends the path: the last instant is closed, and all positions are valued once more from the tables.
    ///
    /// # Errors
    /// The first violation of the path, with its time and both numbers.
    pub fn finish(&mut self) -> Result<(), String> {
        if self.violation.is_none()
            && let Err(message) = self.end_of_instant().and_then(|()| self.whole_ledger())
        {
            self.violate(message);
        }
        self.violation.clone().map_or(Ok(()), Err)
    }

    /// Compares a row of `paths.csv` with the balances of this ledger and with itself.
    ///
    /// # Errors
    /// The first column that does not agree.
    pub fn agree(&self, row: &Outcome) -> Result<(), String> {
        for (what, in_row, here) in [
            ("fund_close", row.fund_close, self.fund),
            ("fund_close by flows", row.fund_close, row.fund_open + row.fund_received - row.fund_paid),
            ("fund_paid", row.fund_paid, self.paid.fund.0),
            ("venue_paid", row.venue_paid, self.paid.venue.0),
            ("backstop_loss", row.backstop_loss, self.paid.backstop.0),
            ("socialised", row.socialised, self.paid.socialised.0),
            ("unfunded_deficit", row.unfunded_deficit, -self.deficit),
            ("shortfall", row.shortfall, self.paid.total().0),
            ("taker_fees", row.taker_fees, self.fees),
            ("liquidations", row.liquidations, i64::try_from(self.orders.len()).expect("a count fits 63 bits")),
            (
                "liquidated_notional",
                row.liquidated_notional,
                row.to_book + row.to_engine + row.to_backstop + row.to_adl,
            ),
            ("to_book", row.to_book, self.orders.iter().map(|order| order.to_book).sum()),
            ("to_engine", row.to_engine, self.orders.iter().map(|order| order.to_engine).sum()),
            ("to_backstop", row.to_backstop, self.orders.iter().map(|order| order.to_backstop).sum()),
            ("to_adl", row.to_adl, self.orders.iter().map(|order| order.to_adl).sum()),
        ] {
            if in_row != here {
                return Err(format!("the row has {what} {in_row}, the audit {here}"));
            }
        }
        self.own.agree(&row.conduct)
    }

    /// Cash of a party in this ledger.
    #[must_use]
    pub fn cash(&self, party: Party) -> Cash {
        Cash(match party {
            Party::Trader(i) => self.traders.get(i as usize).copied().unwrap_or(0),
            Party::Maker => self.maker,
            Party::Engine => self.engine,
            Party::Backstop(j) => self.backstops.get(usize::from(j)).copied().unwrap_or(0),
            Party::Fund => self.fund,
            Party::Fees => self.fees,
            Party::Venue => self.venue,
            Party::Clearing(c) => self.contracts[usize::from(c)].clearing,
            Party::Rounding => self.rounding,
            Party::Deficit => self.deficit,
            Party::World => self.world,
        })
    }

    /// Lots and signed cost of a party in this ledger.
    #[must_use]
    pub fn position(&self, party: Party, contract: ContractId) -> (Qty, Cash) {
        let of = &self.contracts[usize::from(contract)];
        let position = match party {
            Party::Trader(i) => of.trader(i),
            Party::Maker => of.maker,
            Party::Engine => of.engine,
            Party::Backstop(j) => self.backstop_positions.get(&(j, contract)).copied().unwrap_or_default(),
            _ => Position::default(),
        };
        (Qty(position.qty), Cash(position.cost))
    }

    fn violate(&mut self, message: String) {
        self.violation = Some(format!("at {}: {message}", self.time));
    }

    // ------------------------------------------------------------------------------------------ facts

    fn fact(&mut self, fact: &Fact) -> Result<(), String> {
        match *fact {
            Fact::Posted { from, to, amount, why } => self.posted(from, to, amount.0, why),
            Fact::Traded { party, contract, qty, cash, order, via, ticket } => {
                self.traded(party, contract, qty.0, cash.0, order, via, ticket)
            }
            Fact::Funding { contract, per_lot } => {
                self.funded(contract, per_lot.0);
                Ok(())
            }
            Fact::TicketsFunded { paid, .. } => {
                self.engine_owed = less(self.engine_owed, paid);
                Ok(())
            }
            Fact::Marked { contract, mark } => {
                self.contracts[usize::from(contract)].mark = Some(mark.0);
                Ok(())
            }
            Fact::OrderOpened { order, contract, account, qty, bankruptcy, surplus, mark } => {
                self.order_opened(order, contract, account, qty, bankruptcy, surplus, mark)
            }
            Fact::OrderClosed { order, contract, account, disposal } => {
                self.order_closed(order, contract, account, &disposal)
            }
            Fact::TookOver { qty, .. } => {
                self.declared_taken_over += qty.0.abs();
                Ok(())
            }
            Fact::TicketClosed { result, paid, .. } => {
                self.ticket_results += result.0;
                self.engine_owed = less(self.engine_owed, paid);
                Ok(())
            }
            Fact::BackstopTook { qty, .. } => {
                self.backstops_took -= qty.0.abs();
                Ok(())
            }
            Fact::BackstopClosed { paid, .. } => {
                self.backstops_owed = less(self.backstops_owed, paid);
                Ok(())
            }
            Fact::PoolMoved { pool, change, balance } => {
                let held = at(&mut self.pools, usize::from(pool));
                *held += change.0;
                if *held != balance.0 {
                    return Err(format!(
                        "pool {pool} of the fund is said to hold {}, its changes sum to {held}",
                        balance.0
                    ));
                }
                Ok(())
            }
            Fact::Round { contract, needed, placed, .. } => {
                if placed.0 < 0 || placed.0 > needed.0.abs() {
                    return Err(format!("an ADL round placed {} of {} lots", placed.0, needed.0));
                }
                self.contracts[usize::from(contract)].placed += placed.0;
                self.touch(contract);
                Ok(())
            }
            Fact::Deleveraged { contract, account, qty, notional, haircut, .. } => {
                self.declared.push(Given {
                    contract,
                    account,
                    lots: qty.0.abs(),
                    notional: notional.0,
                    haircut: haircut.0,
                });
                Ok(())
            }
            Fact::Inventory { mark_to_market } => {
                self.inventory = Some(mark_to_market.0);
                Ok(())
            }
            Fact::Acted { contract, account, deed, qty, amount, .. } => {
                self.own.declare(account, contract, deed, qty.0, amount.0);
                Ok(())
            }
            Fact::Priced { .. }
            | Fact::SpotMoved { .. }
            | Fact::Drawdown { .. }
            | Fact::MaintenanceScaled { .. }
            | Fact::Halted { .. }
            | Fact::TakeoverRefused { .. }
            | Fact::Breached { .. }
            | Fact::OrderDropped { .. }
            | Fact::Exhausted { .. }
            | Fact::Horizon { .. } => Ok(()),
        }
    }

    fn touch(&mut self, contract: ContractId) {
        let of = &mut self.contracts[usize::from(contract)];
        if !of.touched {
            of.touched = true;
            self.touched_contracts.push(contract);
        }
    }
}

impl Observer for Audit {
    fn see(&mut self, time: Nanos, facts: &[Fact]) {
        if self.violation.is_some() {
            return;
        }
        if time < self.time {
            self.violate(format!("a batch of {time} comes late"));
            return;
        }
        if time > self.time {
            if let Err(message) = self.end_of_instant() {
                self.violate(message);
                return;
            }
            self.time = time;
        }
        for fact in facts {
            if let Err(message) = self.fact(fact) {
                self.violate(format!("{message} (at {fact:?})"));
                return;
            }
        }
        if let Err(message) = self.end_of_batch() {
            self.violate(message);
        }
        self.forget_batch();
    }
}

/// The entry at `i`, after growing the column to hold it.
fn at<T: Clone + Default>(column: &mut Vec<T>, i: usize) -> &mut T {
    if column.len() <= i {
        column.resize(i + 1, T::default());
    }
    &mut column[i]
}

/// Whether a party stands in the list of cash layers.
fn is_layer(party: Party) -> bool {
    matches!(party, Party::Fund | Party::Venue | Party::Backstop(_) | Party::Deficit)
}

fn plus(a: Paid, b: Paid) -> Paid {
    Paid {
        fund: a.fund + b.fund,
        venue: a.venue + b.venue,
        backstop: a.backstop + b.backstop,
        socialised: a.socialised + b.socialised,
        deficit: a.deficit + b.deficit,
    }
}

fn less(a: Paid, b: Paid) -> Paid {
    Paid {
        fund: a.fund - b.fund,
        venue: a.venue - b.venue,
        backstop: a.backstop - b.backstop,
        socialised: a.socialised - b.socialised,
        deficit: a.deficit - b.deficit,
    }
}

#[cfg(test)]
mod tests;
