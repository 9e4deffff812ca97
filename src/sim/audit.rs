//! An independent ledger, rebuilt from facts alone.
//!
//! The audit shares no code with the venue: it keeps its own cash, its own positions and its own tickets, computes
//! every realised profit itself, and after every batch asserts the invariants of `docs/methods.md`. Its cost follows
//! what changed, so that it can watch every path of a run: sums are kept up to date, and only the end of a path walks
//! all positions once.
//!
//! A violation is a sentence with the time, the parties and both numbers. The first one stands; what follows it on
//! the same path is not looked at.

use std::collections::BTreeMap;

use crate::facts::{AccountId, ContractId, Disposal, Fact, Observer, OrderId, Outcome, Paid, Party, Via, Why};
use crate::money::{Cash, Multiplier, Nanos, Price, Qty};

/// Prices in ticks at which unrealised profit is valued after every batch. The sums must agree at both, which they
/// do at any price once lots sum to zero; two distinct prices catch lots and costs that are wrong together.
const PROBES: [i128; 2] = [1, 1_000_003];

/// A position in lots and signed cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    qty: i64,
    cost: i64,
}

impl Position {
    /// Applies a leg of `qty` signed lots for `cash` signed alike, and returns the profit that it realises.
    ///
    /// A close releases ⌈cost·closed/qty⌉ of the signed cost; a leg through zero closes with ⌈cash·closed/filled⌉ of
    /// its signed cash and opens with the rest. So cost after = cost before + cash + realised.
    fn trade(&mut self, qty: i64, cash: i64) -> i64 {
        if self.qty == 0 || qty == 0 || (self.qty > 0) == (qty > 0) {
            self.qty += qty;
            self.cost += cash;
            return 0;
        }
        let closed = self.qty.abs().min(qty.abs());
        let closing_cash = part_up(cash, closed, qty.abs());
        let released = part_up(self.cost, closed, self.qty.abs());
        let realised = -closing_cash - released;
        self.qty += qty;
        self.cost += cash + realised;
        realised
    }

    /// Unrealised profit at `price` ticks.
    fn unrealised(self, price: i128, multiplier: i64) -> i128 {
        i128::from(self.qty) * price * i128::from(multiplier) - i128::from(self.cost)
    }
}

/// ⌈amount·part/whole⌉ for 0 ≤ part ≤ whole, whole > 0.
fn part_up(amount: i64, part: i64, whole: i64) -> i64 {
    let product = i128::from(amount) * i128::from(part);
    let (floor, rest) = (product.div_euclid(i128::from(whole)), product.rem_euclid(i128::from(whole)));
    i64::try_from(floor + i128::from(rest > 0)).expect("a part is no larger than the whole")
}

/// What the audit knows of one contract.
#[derive(Clone, Debug, Default)]
struct Contract {
    multiplier: i64,
    mark: Option<i64>,
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
        i64::try_from(i128::from(qty) * i128::from(price) * i128::from(self.multiplier)).expect("overflow in the audit")
    }
}

/// A forced order as the audit follows it.
#[derive(Clone, Copy, Debug)]
struct Order {
    contract: ContractId,
    account: AccountId,
    /// Signed lots that have not yet left the loser.
    left: i64,
    bankruptcy: i64,
    mark: i64,
    to_book: i64,
    to_engine: i64,
    to_adl: i64,
    to_backstop: i64,
    open: bool,
    /// Another open order of the same account, as in `Audit::orders_of`.
    next: u32,
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
    /// Net payments by postings over the path.
    paid: Paid,
    legs: Vec<Realised>,
    postings: Vec<Realised>,
    given: Vec<Given>,
    declared: Vec<Given>,
    ticket_results: i64,
    ticket_realised: i64,
    taken_over: i64,
    declared_taken_over: i64,
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
            contracts: multipliers.iter().map(|k| Contract { multiplier: k.0, ..Contract::default() }).collect(),
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
            backstop_positions: BTreeMap::new(),
            tickets: BTreeMap::new(),
            orders: Vec::new(),
            orders_of: Vec::new(),
            open_orders: 0,
            owed: Vec::new(),
            settling: Vec::new(),
            engine_owed: Paid::default(),
            paid: Paid::default(),
            legs: Vec::new(),
            postings: Vec::new(),
            given: Vec::new(),
            declared: Vec::new(),
            ticket_results: 0,
            ticket_realised: 0,
            taken_over: 0,
            declared_taken_over: 0,
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
        self.backstop_positions.clear();
        self.tickets.clear();
        self.orders.clear();
        self.orders_of.clear();
        self.open_orders = 0;
        self.owed.clear();
        self.settling.clear();
        (self.engine_owed, self.paid) = (Paid::default(), Paid::default());
        self.forget_batch();
    }

    fn forget_batch(&mut self) {
        self.legs.clear();
        self.postings.clear();
        self.given.clear();
        self.declared.clear();
        (self.ticket_results, self.ticket_realised, self.taken_over, self.declared_taken_over) = (0, 0, 0, 0);
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
            ("to_adl", row.to_adl, self.orders.iter().map(|order| order.to_adl).sum()),
        ] {
            if in_row != here {
                return Err(format!("the row has {what} {in_row}, the audit {here}"));
            }
        }
        Ok(())
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
            Party::Trader(i) => of.traders.get(i as usize).copied().unwrap_or_default(),
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
            Fact::Priced { .. }
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

    fn add_cash(&mut self, party: Party, amount: i64) {
        match party {
            Party::Trader(i) => {
                *at(&mut self.traders, i as usize) += amount;
                self.touched_traders.push(i);
            }
            Party::Maker => self.maker += amount,
            Party::Engine => self.engine += amount,
            Party::Backstop(j) => *at(&mut self.backstops, usize::from(j)) += amount,
            Party::Fund => self.fund += amount,
            Party::Fees => self.fees += amount,
            Party::Venue => self.venue += amount,
            Party::Clearing(c) => {
                self.contracts[usize::from(c)].clearing += amount;
                self.touch(c);
            }
            Party::Rounding => self.rounding += amount,
            Party::Deficit => self.deficit += amount,
            Party::World => self.world += amount,
        }
    }

    fn posted(&mut self, from: Party, to: Party, amount: i64, why: Why) -> Result<(), String> {
        if amount < 0 {
            return Err(format!("a posting of {amount} from {from:?} to {to:?}: amounts are never negative"));
        }
        self.add_cash(from, -amount);
        self.add_cash(to, amount);
        match (from, to) {
            (Party::World, _) => self.deposits += amount,
            (_, Party::World) => self.withdrawals += amount,
            (Party::Fund, _) if amount > 0 && self.fund < self.fund_floor => {
                return Err(format!(
                    "a payout of {amount} ({why:?}) takes the fund to {}, below its floor of {}",
                    self.fund, self.fund_floor
                ));
            }
            _ => {}
        }
        match why {
            Why::Realised => {
                let (party, contract, amount) = match (from, to) {
                    (Party::Clearing(c), party) => (party, c, amount),
                    (party, Party::Clearing(c)) => (party, c, -amount),
                    _ => {
                        return Err(format!(
                            "profit realised between {from:?} and {to:?}, neither of them a clearing account"
                        ));
                    }
                };
                if amount != 0 {
                    self.postings.push((party, contract, self.postings.len(), amount));
                }
            }
            Why::Shortfall | Why::Inventory if is_layer(from) => self.layer_paid(from, to, Cash(amount))?,
            // A winner's profit that is socialised comes from a trader.
            Why::Shortfall => self.layer_paid(from, to, Cash(amount))?,
            Why::Repayment => self.layer_paid(to, from, Cash(-amount))?,
            _ => {}
        }
        Ok(())
    }

    /// A cash layer paid for a trader or the engine, or was repaid (a negative amount).
    fn layer_paid(&mut self, layer: Party, of: Party, amount: Cash) -> Result<(), String> {
        let paid = match layer {
            Party::Fund => Paid { fund: amount, ..Paid::default() },
            Party::Venue => Paid { venue: amount, ..Paid::default() },
            Party::Backstop(_) => Paid { backstop: amount, ..Paid::default() },
            Party::Trader(_) => Paid { socialised: amount, ..Paid::default() },
            Party::Deficit => Paid { deficit: amount, ..Paid::default() },
            _ => return Err(format!("{layer:?} paid a shortfall or was repaid one: it is no cash layer")),
        };
        self.paid = plus(self.paid, paid);
        match of {
            Party::Trader(i) => {
                let owed = at(&mut self.owed, i as usize);
                *owed = plus(*owed, paid);
                self.settling.push(i);
            }
            Party::Engine => self.engine_owed = plus(self.engine_owed, paid),
            _ => return Err(format!("a shortfall of {of:?}: only traders and the engine have one")),
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one fact")]
    fn traded(
        &mut self,
        party: Party,
        contract: ContractId,
        qty: i64,
        cash: i64,
        order: Option<OrderId>,
        via: Via,
        ticket: Option<Price>,
    ) -> Result<(), String> {
        self.touch(contract);
        if i128::from(qty) * i128::from(cash) < 0 {
            return Err(format!("a leg of {party:?} has {qty} lots and cash {cash}: signs differ"));
        }
        let of = &mut self.contracts[usize::from(contract)];
        let mut other;
        let position = match party {
            Party::Trader(i) => at(&mut of.traders, i as usize),
            Party::Maker => &mut of.maker,
            Party::Engine => &mut of.engine,
            Party::Backstop(j) => {
                other = self.backstop_positions.get(&(j, contract)).copied().unwrap_or_default();
                &mut other
            }
            _ => return Err(format!("{party:?} traded {qty} lots: it never holds a position")),
        };
        let before = *position;
        let realised = match party {
            Party::Engine => {
                let Some(Price(tick)) = ticket else {
                    return Err(format!("the engine traded {qty} lots of no ticket"));
                };
                let of_ticket = i64::try_from(i128::from(qty) * i128::from(tick) * i128::from(of.multiplier))
                    .map_err(|_| "overflow in the audit".to_owned())?;
                if via == Via::Takeover {
                    if cash != of_ticket {
                        return Err(format!("the engine took {qty} lots at tick {tick} for {cash}, not {of_ticket}"));
                    }
                    *self.tickets.entry((contract, tick, qty > 0)).or_default() += qty.abs();
                    self.taken_over += qty.abs();
                } else {
                    let held = self.tickets.entry((contract, tick, qty < 0)).or_default();
                    if *held < qty.abs() {
                        return Err(format!(
                            "the engine closed {qty} lots of its tickets at tick {tick}, which hold {held}"
                        ));
                    }
                    *held -= qty.abs();
                }
                position.qty += qty;
                position.cost += of_ticket;
                let realised = of_ticket - cash;
                self.ticket_realised += realised;
                realised
            }
            // The maker's opening is netted in whatever order the venue chose. Its postings say what was realised;
            // that clearing and costs still sum to zero is checked as everywhere.
            Party::Maker if via == Via::Opening => {
                of.opening = true;
                position.qty += qty;
                position.cost += cash;
                0
            }
            _ => position.trade(qty, cash),
        };
        let after = *position;
        let multiplier = of.multiplier;
        of.lots += after.qty - before.qty;
        of.cost += i128::from(after.cost) - i128::from(before.cost);
        for (sum, price) in of.unrealised.iter_mut().zip(PROBES) {
            *sum += after.unrealised(price, multiplier) - before.unrealised(price, multiplier);
        }
        if let Party::Backstop(j) = party {
            self.backstop_positions.insert((j, contract), after);
        }
        if realised != 0 {
            self.legs.push((party, contract, self.legs.len(), realised));
        }
        match party {
            Party::Trader(account) => self.trader_traded(account, contract, qty, cash, before.qty, order, via),
            _ => Ok(()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one fact")]
    fn trader_traded(
        &mut self,
        account: AccountId,
        contract: ContractId,
        qty: i64,
        cash: i64,
        held: i64,
        order: Option<OrderId>,
        via: Via,
    ) -> Result<(), String> {
        let forced = matches!(via, Via::Adl | Via::Takeover) || order.is_some();
        if forced && (i128::from(qty) * i128::from(held) > 0 || qty.abs() > held.abs()) {
            return Err(format!("account {account} was made to trade {qty} lots ({via:?}), but holds {held}"));
        }
        let loser = order.and_then(|id| self.orders.get_mut(id as usize)).filter(|order| order.account == account);
        let of = &self.contracts[usize::from(contract)];
        if let Some(order) = loser {
            if !order.open || order.contract != contract {
                return Err(format!(
                    "account {account} traded {qty} lots of contract {contract} by an order that is not open there"
                ));
            }
            order.left += qty;
            let notional = of.value(qty.abs(), order.mark);
            match via {
                Via::Book => order.to_book += notional,
                Via::Takeover => order.to_engine += notional,
                Via::Adl => order.to_adl += notional,
                Via::Opening => return Err(format!("account {account} opened {qty} lots by a forced order")),
            }
        } else if via == Via::Adl {
            let Some(mark) = of.mark else {
                return Err(format!("contract {contract} was deleveraged before it had a mark"));
            };
            // A buyer pays `cash` for what is worth qty·mark·k, a seller (both negative) gets less than that.
            let haircut = cash - of.value(qty, mark);
            let (lots, notional) = (qty.abs(), of.value(qty.abs(), mark));
            self.contracts[usize::from(contract)].deleveraged += lots;
            self.given.push(Given { contract, account, lots, notional, haircut });
        } else if via == Via::Takeover {
            return Err(format!("account {account} lost {qty} lots to the engine without an order of its own"));
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one fact")]
    fn order_opened(
        &mut self,
        id: OrderId,
        contract: ContractId,
        account: AccountId,
        qty: Qty,
        bankruptcy: Price,
        surplus: Cash,
        mark: Price,
    ) -> Result<(), String> {
        if id as usize != self.orders.len() {
            return Err(format!("order {id} opened where order {} comes next", self.orders.len()));
        }
        let (Qty(held), _) = self.position(Party::Trader(account), contract);
        if qty.0 == 0 || i128::from(qty.0) * i128::from(held) < 0 || qty.0.abs() > held.abs() {
            return Err(format!("order {id} is to close {} lots of account {account}, which holds {held}", qty.0));
        }
        if surplus.0 < 0 {
            return Err(format!("order {id} of account {account} opens with a negative surplus of {}", surplus.0));
        }
        if let Some(now) = self.contracts[usize::from(contract)].mark
            && now != mark.0
        {
            return Err(format!("order {id} opened at mark {}, but the mark is {now}", mark.0));
        }
        let head = at(&mut self.orders_of, account as usize);
        self.orders.push(Order {
            contract,
            account,
            left: qty.0,
            bankruptcy: bankruptcy.0,
            mark: mark.0,
            to_book: 0,
            to_engine: 0,
            to_adl: 0,
            to_backstop: 0,
            open: true,
            next: *head,
        });
        *head = id + 1;
        self.open_orders += 1;
        Ok(())
    }

    fn order_closed(
        &mut self,
        id: OrderId,
        contract: ContractId,
        account: AccountId,
        disposal: &Disposal,
    ) -> Result<(), String> {
        let Some(order) = self.orders.get(id as usize).copied().filter(|order| order.open) else {
            return Err(format!("order {id} closed, but is not open"));
        };
        if (order.contract, order.account) != (contract, account) {
            return Err(format!("order {id} of account {} closed as one of account {account}", order.account));
        }
        if order.left != 0 {
            return Err(format!("order {id} closed with {} lots left", order.left));
        }
        for (what, declared, traded) in [
            ("the book", disposal.to_book.0, order.to_book),
            ("the engine", disposal.to_engine.0, order.to_engine),
            ("the backstop", disposal.to_backstop.0, order.to_backstop),
            ("ADL", disposal.to_adl.0, order.to_adl),
        ] {
            if declared != traded {
                return Err(format!(
                    "order {id} says that {declared} of notional went to {what}; its legs say {traded}"
                ));
            }
        }
        self.orders[id as usize].open = false;
        self.open_orders -= 1;
        self.unlink(id, account);
        let owed = at(&mut self.owed, account as usize);
        *owed = less(*owed, disposal.paid);
        self.settling.push(account);
        Ok(())
    }

    /// Takes an order out of the chain of its account's open orders.
    fn unlink(&mut self, id: OrderId, account: AccountId) {
        let next = self.orders[id as usize].next;
        let head = &mut self.orders_of[account as usize];
        if *head == id + 1 {
            *head = next;
            return;
        }
        let mut at = *head;
        while at != 0 {
            let order = &mut self.orders[at as usize - 1];
            if order.next == id + 1 {
                order.next = next;
                return;
            }
            at = order.next;
        }
    }

    // ------------------------------------------------------------------------------------------ invariants

    fn end_of_batch(&mut self) -> Result<(), String> {
        self.realised_as_computed()?;
        self.deleveraged_as_traded()?;
        while let Some(c) = self.touched_contracts.pop() {
            let of = &mut self.contracts[usize::from(c)];
            of.touched = false;
            if of.lots != 0 {
                return Err(format!("positions of contract {c} sum to {} lots, not 0", of.lots));
            }
            if i128::from(of.clearing) + of.cost != 0 {
                return Err(format!(
                    "clearing of contract {c} holds {} and costs sum to {}: not 0 together",
                    of.clearing, of.cost
                ));
            }
            for (sum, price) in of.unrealised.iter().zip(PROBES) {
                if *sum != i128::from(of.clearing) {
                    return Err(format!(
                        "unrealised profit of contract {c} at {price} ticks is {sum}, its clearing holds {}",
                        of.clearing
                    ));
                }
            }
            if (of.deleveraged, of.placed) != (0, 0) && of.deleveraged != of.placed {
                return Err(format!(
                    "ADL rounds of contract {c} placed {} lots, winners gave {}",
                    of.placed, of.deleveraged
                ));
            }
            (of.deleveraged, of.placed, of.opening) = (0, 0, false);
        }
        for (what, cash) in
            [("fund", self.fund), ("venue", self.venue), ("fees", self.fees), ("rounding", self.rounding)]
        {
            if cash < 0 {
                return Err(format!("the cash of {what} is {cash}"));
            }
        }
        if let Some(j) = self.backstops.iter().position(|&cash| cash < 0) {
            return Err(format!("the cash of backstop {j} is {}", self.backstops[j]));
        }
        if self.engine != 0 {
            return Err(format!("the engine holds cash of {}; it must be 0 after every event", self.engine));
        }
        if self.ticket_results != self.ticket_realised {
            return Err(format!(
                "closed tickets report {}, the engine's legs realise {}",
                self.ticket_results, self.ticket_realised
            ));
        }
        if self.taken_over != self.declared_taken_over {
            return Err(format!(
                "takeovers of {} lots reported, {} lots traded",
                self.declared_taken_over, self.taken_over
            ));
        }
        if let Some(declared) = self.inventory {
            let value = self.inventory_value();
            if value != i128::from(declared) {
                return Err(format!("inventory is said to stand at {declared}, its tickets at {value}"));
            }
        }
        self.traders_not_negative()
    }

    /// Every realised posting is the profit that the audit computes for its leg, in the order of the legs.
    fn realised_as_computed(&mut self) -> Result<(), String> {
        if self.legs.is_empty() && self.postings.is_empty() && self.touched_contracts.is_empty() {
            return Ok(());
        }
        for &c in &self.touched_contracts {
            let of = &mut self.contracts[usize::from(c)];
            if of.opening {
                let is_here = |entry: &&Realised| entry.0 == Party::Maker && entry.1 == c;
                let posted: i64 = self.postings.iter().filter(is_here).map(|entry| entry.3).sum();
                let computed: i64 = self.legs.iter().filter(is_here).map(|entry| entry.3).sum();
                let realised = posted - computed;
                of.maker.cost += realised;
                of.cost += i128::from(realised);
                of.unrealised.iter_mut().for_each(|sum| *sum -= i128::from(realised));
                if of.maker.qty == 0 && of.maker.cost != 0 {
                    return Err(format!(
                        "the maker opens flat in contract {c} with an unrealised remainder of {}",
                        -of.maker.cost
                    ));
                }
                self.postings.retain(|entry| !is_here(&entry));
                self.legs.retain(|entry| !is_here(&entry));
            }
        }
        self.legs.sort_unstable();
        self.postings.sort_unstable();
        let same = |a: &Realised, b: &Realised| (a.0, a.1, a.3) == (b.0, b.1, b.3);
        if self.legs.len() != self.postings.len() || !self.legs.iter().zip(&self.postings).all(|(a, b)| same(a, b)) {
            let odd = (0..self.legs.len().max(self.postings.len()))
                .find(|&i| !matches!((self.legs.get(i), self.postings.get(i)), (Some(a), Some(b)) if same(a, b)));
            let tell = |entry: Option<&Realised>| {
                entry.map_or_else(
                    || "nothing".to_owned(),
                    |(party, c, _, amount)| format!("{amount} of {party:?} in contract {c}"),
                )
            };
            let odd = odd.unwrap_or(0);
            return Err(format!(
                "realised by the legs: {}; posted: {}",
                tell(self.legs.get(odd)),
                tell(self.postings.get(odd))
            ));
        }
        Ok(())
    }

    /// What winners are said to have given is what their legs say.
    fn deleveraged_as_traded(&mut self) -> Result<(), String> {
        if self.given.is_empty() && self.declared.is_empty() {
            return Ok(());
        }
        let (given, declared) = (by_winner(&mut self.given), by_winner(&mut self.declared));
        if given != declared {
            let odd = (0..given.len().max(declared.len())).find(|&i| given.get(i) != declared.get(i)).unwrap_or(0);
            return Err(format!("deleveraged by the legs: {:?}; as told: {:?}", given.get(odd), declared.get(odd)));
        }
        Ok(())
    }

    fn inventory_value(&self) -> i128 {
        self.contracts
            .iter()
            .filter_map(|of| of.mark.map(|mark| of.engine.unrealised(i128::from(mark), of.multiplier)))
            .sum()
    }

    /// A trader may be below zero only while an order of its own is unfinished, and then only by what the rest of
    /// its lots would bring at their bankruptcy ticks.
    fn traders_not_negative(&mut self) -> Result<(), String> {
        while let Some(account) = self.touched_traders.pop() {
            let cash = self.traders[account as usize];
            if cash >= 0 {
                continue;
            }
            let mut covered = i128::from(cash);
            let mut next = self.orders_of.get(account as usize).copied().unwrap_or(0);
            if next == 0 {
                return Err(format!("account {account} has cash of {cash} and no unfinished order"));
            }
            while next != 0 {
                let order = self.orders[next as usize - 1];
                let of = &self.contracts[usize::from(order.contract)];
                covered += of.traders[account as usize].unrealised(i128::from(order.bankruptcy), of.multiplier);
                next = order.next;
            }
            if covered < 0 {
                return Err(format!(
                    "account {account} has cash of {cash}, and {covered} if the rest closes at bankruptcy"
                ));
            }
            self.negative.push(account);
        }
        Ok(())
    }

    fn end_of_instant(&mut self) -> Result<(), String> {
        if self.open_orders > 0 {
            let id = self.orders.iter().position(|order| order.open).unwrap_or(0);
            return Err(format!("order {id} is unfinished at the end of its instant"));
        }
        while let Some(account) = self.negative.pop() {
            let cash = self.traders[account as usize];
            if cash < 0 {
                return Err(format!("account {account} ends the instant with cash of {cash}"));
            }
        }
        while let Some(account) = self.settling.pop() {
            let owed = self.owed[account as usize];
            if owed != Paid::default() {
                return Err(format!(
                    "layers paid for account {account} what its orders do not tell: {owed:?} too much"
                ));
            }
        }
        if self.engine_owed != Paid::default() {
            return Err(format!(
                "layers paid for the engine what its tickets do not tell: {:?} too much",
                self.engine_owed
            ));
        }
        Ok(())
    }

    /// The whole ledger from its tables: nothing here uses the running sums.
    fn whole_ledger(&self) -> Result<(), String> {
        let clearing: i128 = self.contracts.iter().map(|of| i128::from(of.clearing)).sum();
        let held: i128 = self.traders.iter().chain(&self.backstops).map(|&cash| i128::from(cash)).sum::<i128>()
            + [self.maker, self.engine, self.fund, self.fees, self.venue, self.rounding, self.deficit]
                .iter()
                .map(|&cash| i128::from(cash))
                .sum::<i128>()
            + clearing;
        let posted = i128::from(self.deposits) - i128::from(self.withdrawals);
        if held != posted {
            return Err(format!("all parties hold {held}, deposits less withdrawals are {posted}"));
        }
        if let Some(i) = self.traders.iter().position(|&cash| cash < 0) {
            return Err(format!("account {i} ends the path with cash of {}", self.traders[i]));
        }
        if self.paid.deficit.0 != -self.deficit {
            return Err(format!("the unfunded deficit is {}, its payments {}", -self.deficit, self.paid.deficit.0));
        }
        for (c, of) in self.contracts.iter().enumerate() {
            let backstops = self
                .backstop_positions
                .iter()
                .filter(|((_, at), _)| usize::from(*at) == c)
                .map(|(_, position)| position);
            let mark = i128::from(of.mark.unwrap_or(1));
            for price in [mark, 2 * mark + 1] {
                let sum: i128 = of
                    .traders
                    .iter()
                    .chain([&of.maker, &of.engine])
                    .chain(backstops.clone())
                    .map(|position| position.unrealised(price, of.multiplier))
                    .sum();
                if sum != i128::from(of.clearing) {
                    return Err(format!(
                        "all positions of contract {c} at {price} ticks stand at {sum}, clearing at {}",
                        of.clearing
                    ));
                }
            }
        }
        Ok(())
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

/// Sums by contract and account.
fn by_winner(given: &mut [Given]) -> Vec<Given> {
    given.sort_unstable();
    let mut sums: Vec<Given> = Vec::new();
    for one in given.iter() {
        match sums.last_mut() {
            Some(sum) if (sum.contract, sum.account) == (one.contract, one.account) => {
                sum.lots += one.lots;
                sum.notional += one.notional;
                sum.haircut += one.haircut;
            }
            _ => sums.push(*one),
        }
    }
    sums
}

#[cfg(test)]
mod tests;
