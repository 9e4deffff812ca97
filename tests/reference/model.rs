//! The rules written for clarity: exact decimals, every account looked at whenever anything happens, one straight line
//! from the start of a check instant to its end.
//!
//! An order asks the [`Desk`] for its fill, which answers with what the venue was given at the same place and compares
//! what both hold at that moment.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::drive::Desk;
use super::margin::{self, d, rate};
use super::world::{Contract, Disposer, Payer, World};

pub type D = Decimal;

/// Where the two differ, in words.
pub type Outcome<T = ()> = Result<T, String>;

#[derive(Clone, Debug)]
pub struct Position {
    pub account: usize,
    pub contract: usize,
    pub qty: D,
    pub cost: D,
    /// Funding owed (or, negative, due to it) and not yet settled.
    pub owed: D,
    pub collateral: D,
    pub state: State,
    /// When an order last closed a part of it.
    pub partial_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Watched,
    /// Breached, with its order due at this time.
    Queued(i64),
    /// In an order that is not finished.
    InOrder,
}

/// Lots that the engine took over at a bankruptcy tick.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    pub qty: D,
    pub tick: D,
}

/// Lots of a ticket that the book did not take.
#[derive(Clone, Copy, Debug)]
pub struct Unsold {
    pub contract: usize,
    pub at: usize,
    pub long: bool,
    pub lots: D,
}

/// Everything that anybody holds, in whole numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Lots, cost, collateral, funding owed.
    pub positions: Vec<(i64, i64, i64, i64)>,
    pub wallets: Vec<i64>,
    pub maker: i64,
    pub fund: i64,
    pub fees: i64,
    pub venue: i64,
    pub clearing: Vec<i64>,
    pub rounding: i64,
    pub deficit: i64,
    /// Lots and tick of each ticket, contract by contract, oldest first.
    pub tickets: Vec<(i64, i64)>,
}

/// What is told of an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Breached { position: (usize, usize), trigger: i64, mark: i64 },
    Opened { order: u32, position: (usize, usize), lots: i64, bankruptcy: i64, surplus: i64, mark: i64 },
    Dropped { position: (usize, usize) },
    Exhausted { order: Option<u32>, contract: usize },
    TookOver { order: u32, lots: i64, tick: i64 },
    TakeoverRefused { order: u32, lots: i64 },
    TicketClosed { contract: usize, lots: i64, tick: i64, result: i64, paid: [i64; 3] },
    TicketsFunded { contract: usize, owed: i64, paid: [i64; 3] },
    Round { contract: usize, long_losers: bool, needed: i64, placed: i64 },
    Deleveraged { position: (usize, usize), lots: i64, notional: i64, haircut: i64 },
    Closed { order: u32, to_book: i64, to_engine: i64, to_adl: i64, paid: [i64; 3], waived: i64, avoided: i64 },
}

/// What the book needs to know of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub contract: usize,
    pub long: bool,
    pub lots: i64,
    pub limit: Option<i64>,
    pub bankruptcy: i64,
    pub surplus: i64,
    pub budget: Option<i64>,
}

/// What the book answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub lots: i64,
    pub cash: i64,
    /// The shortfall without a budget.
    pub uncut: i64,
}

/// Cash layers in the order of `Paid`: fund, venue, and what nobody pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purse {
    Fund,
    Venue,
    Deficit,
}

/// One forced order within its instant.
#[derive(Clone, Debug)]
pub struct Forced {
    pub id: u32,
    pub position: usize,
    pub long: bool,
    pub bankruptcy: D,
    /// Lots still to be disposed of.
    pub left: D,
    to_book: D,
    to_engine: D,
    pub to_adl: D,
    paid: Vec<(Purse, D)>,
    avoided: Option<D>,
}

pub struct Model<'w> {
    pub world: &'w World,
    pub now: i64,
    pub marks: Vec<D>,
    pub positions: Vec<Position>,
    wallets: Vec<D>,
    maker: D,
    /// Lots, cost and (always 0) funding owed of outside liquidity in each contract.
    maker_positions: Vec<(D, D, D)>,
    fund: D,
    fees: D,
    venue: D,
    clearing: Vec<D>,
    rounding: D,
    deficit: D,
    tickets: Vec<Vec<Ticket>>,
    /// Positions in breach, first in first out.
    queue: Vec<usize>,
    orders: u32,
    pub told: Vec<Told>,
}

pub fn whole(value: D) -> i64 {
    assert!(value.is_integer(), "{value} is not whole");
    value.to_i64().unwrap()
}

/// 1 for a long, −1 for a short.
pub fn sign(long: bool) -> D {
    if long { D::ONE } else { -D::ONE }
}

/// What a leg of `lots` for `cash` makes of a position of lots, cost and funding owed, and what is realised.
fn leg((qty, cost, owed): (D, D, D), lots: D, cash: D) -> ((D, D, D), D) {
    if lots.is_zero() || qty.is_zero() || (qty > D::ZERO) == (lots > D::ZERO) {
        return ((qty + lots, cost + cash, owed), D::ZERO);
    }
    let closed = lots.abs().min(qty.abs());
    let closing = (cash * closed / lots.abs()).ceil();
    let released = (cost * closed / qty.abs()).ceil();
    let settled = (owed * closed / qty.abs()).ceil();
    ((qty + lots, cost - released + cash - closing, owed - settled), -closing - released - settled)
}

impl<'w> Model<'w> {
    pub fn open(world: &'w World) -> Self {
        let mut model = Self {
            world,
            now: 0,
            marks: world.contracts.iter().map(|contract| d(contract.open)).collect(),
            positions: Vec::new(),
            wallets: world.wallets.iter().map(|&cash| d(cash)).collect(),
            maker: D::ZERO,
            maker_positions: vec![(D::ZERO, D::ZERO, D::ZERO); world.contracts.len()],
            fund: d(world.fund),
            fees: D::ZERO,
            venue: d(world.venue_capital),
            clearing: vec![D::ZERO; world.contracts.len()],
            rounding: D::ZERO,
            deficit: D::ZERO,
            tickets: vec![Vec::new(); world.contracts.len()],
            queue: Vec::new(),
            orders: 0,
            told: Vec::new(),
        };
        for holding in &world.holdings {
            model.positions.push(Position {
                account: holding.account,
                contract: holding.contract,
                qty: d(holding.lots),
                cost: d(holding.cost),
                owed: D::ZERO,
                collateral: d(holding.collateral),
                state: State::Watched,
                partial_at: None,
            });
        }
        // Outside liquidity sold what the longs hold and bought what the shorts hold; what cancels is realised at once.
        for contract in 0..world.contracts.len() {
            for long in [true, false] {
                let of_side = world.holdings.iter().filter(|h| h.contract == contract && (h.lots > 0) == long);
                let (lots, cost) = of_side.fold((0, 0), |sum, h| (sum.0 + h.lots, sum.1 + h.cost));
                model.trade_maker(contract, -d(lots), -d(cost));
            }
        }
        model
    }

    pub fn contract(&self, contract: usize) -> &'w Contract {
        &self.world.contracts[contract]
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            positions: self
                .positions
                .iter()
                .map(|p| (whole(p.qty), whole(p.cost), whole(p.collateral), whole(p.owed)))
                .collect(),
            wallets: self.wallets.iter().map(|&cash| whole(cash)).collect(),
            maker: whole(self.maker),
            fund: whole(self.fund),
            fees: whole(self.fees),
            venue: whole(self.venue),
            clearing: self.clearing.iter().map(|&cash| whole(cash)).collect(),
            rounding: whole(self.rounding),
            deficit: whole(self.deficit),
            tickets: self
                .tickets
                .iter()
                .flatten()
                .filter(|ticket| !ticket.qty.is_zero())
                .map(|ticket| (whole(ticket.qty), whole(ticket.tick)))
                .collect(),
        }
    }

    fn name(&self, position: usize) -> (usize, usize) {
        (self.positions[position].account, self.positions[position].contract)
    }

    // ------------------------------------------------------------------------------------------- money and lots

    fn trade_maker(&mut self, contract: usize, lots: D, cash: D) {
        if lots.is_zero() {
            return;
        }
        let realised;
        (self.maker_positions[contract], realised) = leg(self.maker_positions[contract], lots, cash);
        self.maker += realised;
        self.clearing[contract] -= realised;
    }

    pub fn trade(&mut self, position: usize, lots: D, cash: D) {
        let held = &mut self.positions[position];
        let realised;
        ((held.qty, held.cost, held.owed), realised) = leg((held.qty, held.cost, held.owed), lots, cash);
        held.collateral += realised;
        self.clearing[held.contract] -= realised;
    }

    /// What is left of a closed position goes to its account's wallet.
    pub fn release(&mut self, position: usize) {
        let held = &mut self.positions[position];
        self.wallets[held.account] += std::mem::take(&mut held.collateral);
    }

    /// What lots held from a price on have gained at the mark.
    fn gain(&self, contract: usize, lots: D, from: D) -> D {
        let of = self.contract(contract);
        of.value(lots, self.marks[contract]) - of.value(lots, from)
    }

    /// What the fund would have if the engine's tickets were closed at the marks.
    fn fund_equity(&self) -> D {
        let mut equity = self.fund;
        for (contract, tickets) in self.tickets.iter().enumerate() {
            for ticket in tickets {
                equity += self.gain(contract, ticket.qty, ticket.tick);
            }
        }
        equity
    }

    /// What the fund may pay now.
    fn budget(&self) -> D {
        if !self.world.cash_layers.contains(&Payer::Fund) {
            return D::ZERO;
        }
        (self.fund.min(self.fund_equity()) - d(self.world.floor)).max(D::ZERO)
    }

    /// What is left of a position, beyond nothing, if the rest closes at the order's bankruptcy tick.
    fn surplus(&self, forced: &Forced) -> D {
        let position = &self.positions[forced.position];
        position.equity(self.contract(position.contract), forced.bankruptcy)
    }

    fn pay(&mut self, forced: &mut Forced, purse: Purse, amount: D) {
        match purse {
            Purse::Fund => self.fund -= amount,
            Purse::Venue => self.venue -= amount,
            Purse::Deficit => self.deficit -= amount,
        }
        self.positions[forced.position].collateral += amount;
        forced.paid.push((purse, amount));
    }

    // ------------------------------------------------------------------------------------------- marks

    pub fn mark(&mut self, now: i64, contract: usize, mark: i64) {
        self.now = now;
        self.marks[contract] = d(mark);
        let mark = d(mark);
        for long in [true, false] {
            let mut breached: Vec<(D, usize)> = Vec::new();
            for (i, position) in self.positions.iter().enumerate() {
                let watched = position.state == State::Watched && !position.qty.is_zero();
                if watched
                    && position.contract == contract
                    && position.is_long() == long
                    && position.breaches(self.world, mark)
                {
                    let tick = position.liquidation_tick(self.world, mark);
                    breached.push((if long { -tick } else { tick }, i));
                }
            }
            breached.sort();
            for (tick, i) in breached {
                self.told.push(Told::Breached {
                    position: self.name(i),
                    trigger: whole(tick.abs()),
                    mark: whole(mark),
                });
                self.positions[i].state = State::Queued(now + self.world.latency);
                self.queue.push(i);
            }
        }
    }

    // ------------------------------------------------------------------------------------------- funding

    /// Every long owes so much for each lot, and every short receives it; the engine's tickets settle at once.
    pub fn fund(&mut self, now: i64, contract: usize, per_lot: i64) {
        self.now = now;
        let per_lot = d(per_lot);
        for position in self.positions.iter_mut().filter(|position| position.contract == contract) {
            position.owed += position.qty * per_lot;
        }
        // Outside liquidity is no account: what it owes is a part of its cost.
        let (qty, cost, _) = &mut self.maker_positions[contract];
        *cost += *qty * per_lot;

        let due: D = self.tickets[contract].iter().map(|ticket| ticket.qty * per_lot).sum();
        self.clearing[contract] += due;
        if due <= D::ZERO {
            self.fund -= due;
            return;
        }
        let mut missing = due;
        let mut paid = [0; 3];
        for payer in &self.world.cash_layers {
            match payer {
                Payer::Fund => {
                    let amount = missing.min(self.budget());
                    self.fund -= amount;
                    paid[0] = whole(amount);
                    missing -= amount;
                }
                Payer::Venue => {
                    let amount = missing.min(self.venue);
                    self.venue -= amount;
                    paid[1] = whole(amount);
                    missing -= amount;
                }
            }
        }
        self.deficit -= missing;
        paid[2] = whole(missing);
        self.told.push(Told::TicketsFunded { contract, owed: whole(due), paid });
    }

    // ------------------------------------------------------------------------------------------- a check instant

    pub fn check(&mut self, now: i64, desk: &mut Desk<'_>) -> Outcome {
        self.now = now;
        let layers = self.world.position_layers.clone();
        let adl = layers.iter().position(|&layer| layer == Disposer::Adl);
        let (before, after) = match adl {
            Some(at) => (&layers[..at], &layers[at + 1..]),
            None => (&layers[..], &[][..]),
        };

        let unsold = self.sell_inventory(desk)?;

        let mut orders = self.due_orders();
        let mut opened = Vec::new();
        for position in orders.drain(..) {
            let Some(mut forced) = self.begin(position) else { continue };
            for layer in before {
                self.dispose(*layer, &mut forced, desk, Terms::WithinBudget)?;
            }
            // ADL ahead of the book is for what the account itself cannot bear.
            if after.contains(&Disposer::Book) {
                self.book(&mut forced, desk, Terms::OwnEquity)?;
            }
            opened.push(forced);
        }

        if adl.is_some() {
            self.adl_rounds(&unsold, &mut opened, desk);
        }

        for forced in &mut opened {
            for layer in after {
                self.dispose(*layer, forced, desk, Terms::WithinBudget)?;
            }
            self.sell_the_rest(forced, desk)?;
        }
        for forced in opened {
            self.finish(forced);
        }
        for tickets in &mut self.tickets {
            tickets.retain(|ticket| !ticket.qty.is_zero());
        }
        Ok(())
    }

    /// Sells the engine's lots, oldest first, and returns what of them the book did not take.
    fn sell_inventory(&mut self, desk: &mut Desk<'_>) -> Outcome<Vec<Unsold>> {
        let mut unsold = Vec::new();
        for contract in 0..self.tickets.len() {
            let mut slice = self.world.slice.map_or(D::MAX, d);
            for at in 0..self.tickets[contract].len() {
                let Ticket { qty, tick } = self.tickets[contract][at];
                let offered = qty.abs().min(slice);
                if offered.is_zero() {
                    break;
                }
                slice -= offered;
                let long = qty > D::ZERO;
                let budget = self.budget();
                let request = Request {
                    contract,
                    long,
                    lots: whole(offered),
                    limit: None,
                    bankruptcy: whole(tick),
                    surplus: 0,
                    budget: Some(whole(budget)),
                };
                let Answer { lots, cash, uncut } = desk.ask(self, &request)?;
                let (lots, cash) = (d(lots), d(cash));
                if d(uncut) > budget {
                    self.told.push(Told::Exhausted { order: None, contract });
                }
                if !lots.is_zero() {
                    let sign = sign(long);
                    let sold = self.contract(contract).cash(-sign * lots, cash);
                    let result = self.contract(contract).value(-sign * lots, tick) - sold;
                    self.trade_maker(contract, sign * lots, -sold);
                    // A ticket is worth exactly lots·tick, so its realised profit is the result.
                    self.clearing[contract] -= result;
                    self.fund += result;
                    self.tickets[contract][at].qty -= sign * lots;
                    self.tell_ticket(contract, sign * lots, tick, result);
                }
                if lots < offered {
                    unsold.push(Unsold { contract, at, long, lots: offered - lots });
                }
            }
        }
        Ok(unsold)
    }

    fn tell_ticket(&mut self, contract: usize, lots: D, tick: D, result: D) {
        let paid = [whole((-result).max(D::ZERO)), 0, 0];
        let (lots, tick, result) = (whole(lots), whole(tick), whole(result));
        self.told.push(Told::TicketClosed { contract, lots, tick, result, paid });
    }

    /// Takes the positions whose latency is over off the queue, in its order.
    fn due_orders(&mut self) -> Vec<usize> {
        let (due, later) = self.queue.iter().partition(|&&i| match self.positions[i].state {
            State::Queued(ready) => ready <= self.now,
            _ => unreachable!("only breached positions are queued"),
        });
        self.queue = later;
        due
    }

    /// An order on a position that still breaches; a healthy one is watched again.
    fn begin(&mut self, at: usize) -> Option<Forced> {
        let position = &self.positions[at];
        let mark = self.marks[position.contract];
        if position.qty.is_zero() || !position.breaches(self.world, mark) {
            self.positions[at].state = State::Watched;
            self.told.push(Told::Dropped { position: self.name(at) });
            return None;
        }
        // What is due to it is paid in; what it owes is settled as it closes.
        let due = (-position.owed).max(D::ZERO);
        self.clearing[position.contract] -= due;
        self.positions[at].owed += due;
        self.positions[at].collateral += due;
        let position = &self.positions[at];
        let contract = self.contract(position.contract);
        let (bankruptcy, surplus) = position.bankruptcy(contract, mark);
        let lots = margin::planned(self, position);
        assert!(lots >= D::ONE && lots <= position.qty.abs() && lots.is_integer(), "a plan of {lots} lots");
        let forced = Forced {
            id: self.orders,
            position: at,
            long: position.is_long(),
            bankruptcy,
            left: lots,
            to_book: D::ZERO,
            to_engine: D::ZERO,
            to_adl: D::ZERO,
            paid: Vec::new(),
            avoided: None,
        };
        self.orders += 1;
        let sign = sign(position.is_long());
        self.told.push(Told::Opened {
            order: forced.id,
            position: self.name(at),
            lots: whole(sign * lots),
            bankruptcy: whole(bankruptcy),
            surplus: whole(surplus),
            mark: whole(mark),
        });
        self.positions[at].state = State::InOrder;
        Some(forced)
    }

    fn dispose(&mut self, layer: Disposer, forced: &mut Forced, desk: &mut Desk<'_>, terms: Terms) -> Outcome {
        match layer {
            Disposer::Book => self.book(forced, desk, terms),
            Disposer::Engine => {
                self.take_over(forced);
                Ok(())
            }
            Disposer::Adl => unreachable!("ADL is a round of its own"),
        }
    }

    /// Lots sold into the book as far as the terms allow; the fund pays the shortfall.
    fn book(&mut self, forced: &mut Forced, desk: &mut Desk<'_>, terms: Terms) -> Outcome {
        if forced.left.is_zero() {
            return Ok(());
        }
        let contract = self.positions[forced.position].contract;
        let budget = match terms {
            Terms::OwnEquity => Some(D::ZERO),
            Terms::WithinBudget => Some(self.budget()),
            Terms::WithoutLimit => None,
        };
        let limit = match terms {
            Terms::WithoutLimit => None,
            _ => margin::limit(self.world, &self.positions[forced.position], self.marks[contract], forced.bankruptcy),
        };
        let request = Request {
            contract,
            long: forced.long,
            lots: whole(forced.left),
            limit: limit.map(whole),
            bankruptcy: whole(forced.bankruptcy),
            surplus: whole(self.surplus(forced)),
            budget: budget.map(whole),
        };
        let Answer { lots, cash, uncut } = desk.ask(self, &request)?;
        let (lots, cash, uncut) = (d(lots), d(cash), d(uncut));
        let sign = sign(forced.long);
        let cash = self.contract(contract).cash(-sign * lots, cash);
        self.trade(forced.position, -sign * lots, cash);
        self.trade_maker(contract, sign * lots, -cash);
        forced.left -= lots;
        forced.to_book += lots;

        let shortfall = (-self.surplus(forced)).max(D::ZERO);
        // What the first sale would have cost without its budget, less what sales within the budget did cost.
        if terms != Terms::WithoutLimit {
            forced.avoided = Some(forced.avoided.unwrap_or(uncut) - shortfall);
        }
        match terms {
            Terms::OwnEquity => assert!(shortfall.is_zero(), "the book took more than the account's equity bears"),
            Terms::WithinBudget => {
                if uncut > budget.unwrap() {
                    self.told.push(Told::Exhausted { order: Some(forced.id), contract });
                }
                assert!(shortfall <= budget.unwrap(), "the fund pays more than it may");
                self.pay(forced, Purse::Fund, shortfall);
            }
            // Settled when the engine has taken what even the book could not.
            Terms::WithoutLimit => {}
        }
        Ok(())
    }

    /// After all sales: the cash layers pay what is missing, or get back what they paid before.
    fn settle(&mut self, forced: &mut Forced) {
        let shortfall = (-self.surplus(forced)).max(D::ZERO);
        if shortfall > D::ZERO {
            let contract = self.positions[forced.position].contract;
            if shortfall > self.budget() {
                self.told.push(Told::Exhausted { order: Some(forced.id), contract });
            }
            let mut missing = shortfall;
            for payer in &self.world.cash_layers {
                let (purse, most) = match payer {
                    Payer::Fund => (Purse::Fund, self.budget()),
                    Payer::Venue => (Purse::Venue, self.venue),
                };
                let amount = missing.min(most);
                self.pay(forced, purse, amount);
                missing -= amount;
            }
            self.pay(forced, Purse::Deficit, missing);
            return;
        }
        let mut gain = self.surplus(forced);
        let mut paid = std::mem::take(&mut forced.paid);
        for (purse, amount) in paid.iter_mut().rev() {
            let back = gain.min(*amount);
            match purse {
                Purse::Fund => self.fund += back,
                Purse::Venue => self.venue += back,
                Purse::Deficit => self.deficit += back,
            }
            self.positions[forced.position].collateral -= back;
            *amount -= back;
            gain -= back;
        }
        forced.paid = paid;
    }

    /// The engine takes the most lots that leave the fund's equity at or above its floor.
    fn take_over(&mut self, forced: &mut Forced) {
        let contract = self.positions[forced.position].contract;
        let sign = sign(forced.long);
        let equity = self.fund_equity();
        let gain = self.gain(contract, sign, forced.bankruptcy);
        let mut lots = forced.left;
        while lots > D::ZERO && equity + lots * gain < d(self.world.floor) {
            lots -= D::ONE;
        }
        if lots < forced.left {
            self.told.push(Told::TakeoverRefused { order: forced.id, lots: whole(forced.left - lots) });
        }
        self.hand_over(forced, lots);
    }

    /// The engine takes lots at the bankruptcy tick, whatever its fund says.
    fn hand_over(&mut self, forced: &mut Forced, lots: D) {
        if lots.is_zero() {
            return;
        }
        let contract = self.positions[forced.position].contract;
        let sign = sign(forced.long);
        let cash = self.contract(contract).value(-sign * lots, forced.bankruptcy);
        self.trade(forced.position, -sign * lots, cash);
        self.tickets[contract].push(Ticket { qty: sign * lots, tick: forced.bankruptcy });
        forced.left -= lots;
        forced.to_engine += lots;
        let (lots, tick) = (whole(sign * lots), whole(forced.bankruptcy));
        self.told.push(Told::TookOver { order: forced.id, lots, tick });
    }

    /// What no layer took is sold without limit, what the book cannot take goes to the engine, and then the cash layers
    /// pay or are repaid.
    fn sell_the_rest(&mut self, forced: &mut Forced, desk: &mut Desk<'_>) -> Outcome {
        if !forced.left.is_zero() {
            self.book(forced, desk, Terms::WithoutLimit)?;
            let rest = forced.left;
            self.hand_over(forced, rest);
            self.settle(forced);
        }
        Ok(())
    }

    /// Fees, and what becomes of the position.
    fn finish(&mut self, forced: Forced) {
        let world = self.world;
        let position = &mut self.positions[forced.position];
        let contract = &world.contracts[position.contract];
        let mark = self.marks[position.contract];
        let disposed = forced.to_book + forced.to_engine + forced.to_adl;
        let notional = contract.value(disposed, mark).abs();
        let is_closed = position.qty.is_zero();
        let mut bearable = position.collateral;
        if !is_closed {
            bearable = bearable.min(position.equity(contract, mark));
        }
        let mut bearable = bearable.max(D::ZERO);
        let mut waived = D::ZERO;
        for (billionths, purse) in [(world.taker_fee, &mut self.fees), (world.liquidation_fee, &mut self.fund)] {
            let due = (rate(billionths) * notional).ceil();
            let fee = due.min(bearable);
            position.collateral -= fee;
            *purse += fee;
            bearable -= fee;
            waived += due - fee;
        }
        if is_closed {
            if world.surplus_to_fund {
                self.fund += std::mem::take(&mut position.collateral);
            }
        } else {
            position.partial_at = Some(self.now);
        }
        position.state = State::Watched;
        if is_closed {
            self.release(forced.position);
        }
        let at_mark = |lots| whole(contract.value(lots, mark).abs());
        let of = |purse| whole(forced.paid.iter().filter(|paid| paid.0 == purse).map(|paid| paid.1).sum());
        self.told.push(Told::Closed {
            order: forced.id,
            to_book: at_mark(forced.to_book),
            to_engine: at_mark(forced.to_engine),
            to_adl: at_mark(forced.to_adl),
            paid: [of(Purse::Fund), of(Purse::Venue), of(Purse::Deficit)],
            waived: whole(waived),
            avoided: forced.avoided.map_or(0, whole),
        });
    }

    // ------------------------------------------------------------------------------------------- for ADL

    pub fn ticket(&self, contract: usize, at: usize) -> Ticket {
        self.tickets[contract][at]
    }

    /// A ticket gives lots to a winner at its own tick.
    pub fn deleverage_ticket(&mut self, contract: usize, at: usize, lots: D) {
        let ticket = &mut self.tickets[contract][at];
        let signed = sign(ticket.qty > D::ZERO) * lots;
        ticket.qty -= signed;
        let tick = ticket.tick;
        self.tell_ticket(contract, signed, tick, D::ZERO);
    }

    /// What a sharing round rounds against its winners.
    pub fn round_off(&mut self, contract: usize, amount: D) {
        self.clearing[contract] -= amount;
        self.rounding += amount;
    }
}

/// How far the fund stands behind a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Terms {
    OwnEquity,
    WithinBudget,
    WithoutLimit,
}
