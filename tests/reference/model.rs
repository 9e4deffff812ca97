//! The rules written for clarity: exact decimals, every account looked at whenever anything happens, one straight line
//! from the start of a check instant to its end.
//!
//! Who disposes of an order's lots stands in `orders`, who pays in `purses`, margins in `margin`, vaults in `vaults`,
//! rounds in `adl`. An order asks the [`Desk`] for its fill, which answers with what the venue was given at the same
//! place and compares what both hold at that moment.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::desk::Desk;
use super::margin::d;
use super::orders::{Forced, Terms};
use super::purses::{Claim, Paid, Pool};
use super::stops::Stops;
use super::vaults::Vault;
use super::world::{Contract, Disposer, World};

pub type D = Decimal;

/// Where the two differ, in words.
pub type Outcome<T = ()> = Result<T, String>;

#[derive(Clone, Debug)]
pub struct Position {
    pub account: usize,
    pub contract: usize,
    /// Whether the account's wallet backs it, and no collateral of its own.
    pub cross: bool,
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
    /// It, or the cross account that it is a part of, waits for its order or has one that is not finished.
    Busy,
}

/// A breach that waits for its order.
#[derive(Clone, Copy, Debug)]
pub struct Queued {
    /// The position, or the first one of a cross account.
    pub position: usize,
    pub due: i64,
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
    /// At which they would be deleveraged.
    pub price: D,
}

/// Everything that anybody holds, in whole numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Lots, cost, collateral, funding owed.
    pub positions: Vec<(i64, i64, i64, i64)>,
    pub wallets: Vec<i64>,
    pub maker: i64,
    /// Each pool of it.
    pub fund: Vec<i64>,
    pub fees: i64,
    pub venue: i64,
    /// Cash, and lots and cost in each contract.
    pub vaults: Vec<(i64, Vec<(i64, i64)>)>,
    pub clearing: Vec<i64>,
    pub rounding: i64,
    pub deficit: i64,
    /// Lots and tick of each ticket, contract by contract, oldest first.
    pub tickets: Vec<(i64, i64)>,
}

/// Who paid: fund, venue, vaults, other accounts, nobody.
pub type Payers = [i64; 5];

/// What is told of an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Breached {
        position: (usize, usize),
        trigger: i64,
        mark: i64,
    },
    Opened {
        order: u32,
        position: (usize, usize),
        lots: i64,
        bankruptcy: i64,
        surplus: i64,
        mark: i64,
    },
    Dropped {
        position: (usize, usize),
    },
    Exhausted {
        order: Option<u32>,
        contract: usize,
    },
    Drawdown {
        pool: usize,
        on: bool,
        peak: i64,
        balance: i64,
    },
    TookOver {
        order: u32,
        lots: i64,
        tick: i64,
    },
    TakeoverRefused {
        order: u32,
        lots: i64,
    },
    TicketClosed {
        contract: usize,
        lots: i64,
        tick: i64,
        result: i64,
        paid: Payers,
    },
    TicketsFunded {
        contract: usize,
        owed: i64,
        paid: Payers,
    },
    VaultTook {
        vault: usize,
        order: u32,
        contract: usize,
        lots: i64,
        cash: i64,
    },
    VaultClosed {
        vault: usize,
        contract: usize,
        lots: i64,
        result: i64,
        paid: Payers,
    },
    Round {
        contract: usize,
        long_losers: bool,
        needed: i64,
        placed: i64,
    },
    Deleveraged {
        position: (usize, usize),
        lots: i64,
        notional: i64,
        haircut: i64,
    },
    /// Lots traded, cash paid in or cash withdrawn, by an account of its own accord.
    Acted {
        position: (usize, usize),
        deed: Deed,
        lots: i64,
        amount: i64,
    },
    /// A contract stands still, as an order has met its band.
    Halted {
        contract: usize,
        until: i64,
    },
    /// Maintenance is so many times that of the tiers from now on.
    Scaled {
        contract: usize,
        times: i64,
    },
    Closed {
        order: u32,
        went: Went,
        paid: Payers,
        waived: i64,
        avoided: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Traded,
    ToppedUp,
    Withdrew,
}

/// Where the lots of an order went, at the mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Went {
    pub book: i64,
    pub engine: i64,
    pub vaults: i64,
    pub adl: i64,
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

pub struct Model<'w> {
    pub world: &'w World,
    pub now: i64,
    pub marks: Vec<D>,
    pub indices: Vec<D>,
    pub positions: Vec<Position>,
    pub wallets: Vec<D>,
    maker: D,
    /// Lots, cost and (always 0) funding owed of outside liquidity in each contract.
    maker_positions: Vec<(D, D, D)>,
    pub pools: Vec<Pool>,
    /// What the fund has paid for each contract, net of repayments.
    pub drawn: Vec<D>,
    pub fees: D,
    pub venue: D,
    pub vaults: Vec<Vault>,
    pub stops: Stops,
    /// The step of volatility at which each contract stands.
    steps: Vec<Option<usize>>,
    pub clearing: Vec<D>,
    pub rounding: D,
    pub deficit: D,
    pub tickets: Vec<Vec<Ticket>>,
    /// First in, first out.
    pub queue: Vec<Queued>,
    /// Contracts in which funding has fallen due since their last mark.
    pub unseen: Vec<bool>,
    /// What the fund is to pay for closing losers at the mark, by contract; and whether it is paying that.
    pub promised: Vec<(usize, D)>,
    pub keeps_promise: bool,
    /// Accounts with an order in this instant.
    pub losers: Vec<usize>,
    pub orders: u32,
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
pub fn leg((qty, cost, owed): (D, D, D), lots: D, cash: D) -> ((D, D, D), D) {
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
        let contracts = world.contracts.len();
        let opens: Vec<D> = world.contracts.iter().map(|contract| d(contract.open)).collect();
        let mut model = Self {
            world,
            now: 0,
            marks: opens.clone(),
            indices: opens,
            positions: Vec::new(),
            wallets: world.wallets.iter().map(|&cash| d(cash)).collect(),
            maker: D::ZERO,
            maker_positions: vec![(D::ZERO, D::ZERO, D::ZERO); contracts],
            pools: Pool::open(world),
            drawn: vec![D::ZERO; contracts],
            fees: D::ZERO,
            venue: d(world.venue_capital),
            vaults: world.vaults.iter().map(|rules| Vault::open(rules, contracts)).collect(),
            clearing: vec![D::ZERO; contracts],
            rounding: D::ZERO,
            deficit: D::ZERO,
            tickets: vec![Vec::new(); contracts],
            stops: Stops::open(contracts),
            steps: vec![None; contracts],
            queue: Vec::new(),
            unseen: vec![false; contracts],
            promised: Vec::new(),
            keeps_promise: false,
            losers: Vec::new(),
            orders: 0,
            told: Vec::new(),
        };
        for holding in &world.holdings {
            model.positions.push(Position {
                account: holding.account,
                contract: holding.contract,
                cross: holding.cross,
                qty: d(holding.lots),
                cost: d(holding.cost),
                owed: D::ZERO,
                collateral: d(holding.collateral),
                state: State::Watched,
                partial_at: None,
            });
        }
        // Outside liquidity sold what the longs hold and bought what the shorts hold; what cancels is realised at once.
        for contract in 0..contracts {
            for long in [true, false] {
                let of_side = world.holdings.iter().filter(|h| h.contract == contract && (h.lots > 0) == long);
                let (lots, cost) = of_side.fold((0, 0), |sum, h| (sum.0 + h.lots, sum.1 + h.cost));
                model.trade_maker(contract, -d(lots), -d(cost));
            }
        }
        model
    }

    pub fn contract(&self, contract: usize) -> &'w Contract {
        let contracts = match self.steps[contract] {
            Some(step) => &self.world.volatility_steps[step].contracts,
            None => &self.world.contracts,
        };
        &contracts[contract]
    }

    /// Maintenance follows realised volatility.
    pub fn volatility(&mut self, contract: usize, volatility: i64) {
        let step = self.world.volatility_steps.iter().rposition(|step| step.from <= volatility);
        if step != self.steps[contract] {
            self.steps[contract] = step;
            let times = step.map_or(1_000_000_000, |step| self.world.volatility_steps[step].times);
            self.told.push(Told::Scaled { contract, times });
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let pairs = |of: &[(D, D)]| of.iter().map(|&(qty, cost)| (whole(qty), whole(cost))).collect();
        Snapshot {
            positions: self
                .positions
                .iter()
                .map(|p| (whole(p.qty), whole(p.cost), whole(p.collateral), whole(p.owed)))
                .collect(),
            wallets: self.wallets.iter().map(|&cash| whole(cash)).collect(),
            maker: whole(self.maker),
            fund: self.pools.iter().map(|pool| whole(pool.cash)).collect(),
            fees: whole(self.fees),
            venue: whole(self.venue),
            vaults: self.vaults.iter().map(|vault| (whole(vault.cash), pairs(&vault.positions))).collect(),
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

    pub fn name(&self, position: usize) -> (usize, usize) {
        (self.positions[position].account, self.positions[position].contract)
    }

    // ------------------------------------------------------------------------------------------- money and lots

    pub fn trade_maker(&mut self, contract: usize, lots: D, cash: D) {
        if lots.is_zero() {
            return;
        }
        let realised;
        (self.maker_positions[contract], realised) = leg(self.maker_positions[contract], lots, cash);
        self.maker += realised;
        self.clearing[contract] -= realised;
    }

    /// Where the cash that backs a position lies.
    pub fn purse(&mut self, position: usize) -> &mut D {
        let held = &mut self.positions[position];
        if held.cross { &mut self.wallets[held.account] } else { &mut held.collateral }
    }

    pub fn trade(&mut self, position: usize, lots: D, cash: D) {
        let held = &mut self.positions[position];
        let realised;
        ((held.qty, held.cost, held.owed), realised) = leg((held.qty, held.cost, held.owed), lots, cash);
        self.clearing[held.contract] -= realised;
        *self.purse(position) += realised;
    }

    /// What is left of a closed position goes to its account's wallet.
    pub fn release(&mut self, position: usize) {
        let held = &mut self.positions[position];
        self.wallets[held.account] += std::mem::take(&mut held.collateral);
    }

    /// A wallet that realised losses took below zero is filled from the profits of the account's cross positions, whose
    /// costs rise by what is taken, and then by the cash layers.
    pub fn fill_wallet(&mut self, account: usize, contract: usize) -> Paid {
        for leg in self.legs(account) {
            let lacking = (-self.wallets[account]).max(D::ZERO);
            let part = lacking.min(self.unrealised(leg).max(D::ZERO));
            let held = &mut self.positions[leg];
            held.cost += part;
            self.clearing[held.contract] -= part;
            self.wallets[account] += part;
        }
        let lacking = (-self.wallets[account]).max(D::ZERO);
        let paid = self.raise(lacking, contract, 0, Claim::AtOnce);
        self.wallets[account] += lacking;
        paid
    }

    /// What lots held from a price on have gained at the mark.
    pub fn gain(&self, contract: usize, lots: D, from: D) -> D {
        let of = self.contract(contract);
        of.value(lots, self.marks[contract]) - of.value(lots, from)
    }

    // ------------------------------------------------------------------------------------------- refreshes

    pub fn index(&mut self, now: i64, contract: usize, price: i64) {
        self.indices[contract] = d(price);
        self.note_price(now, contract, false, d(price));
    }

    /// A mark: isolated positions that it breaches are queued, in the order in which it reached their triggers.
    pub fn mark(&mut self, now: i64, contract: usize, mark: i64) {
        self.now = now;
        self.marks[contract] = d(mark);
        self.unseen[contract] = false;
        self.note_price(now, contract, true, d(mark));
        for long in [true, false] {
            let mut breached: Vec<(D, usize)> = Vec::new();
            for (i, position) in self.positions.iter().enumerate() {
                let watched = position.state == State::Watched && !position.qty.is_zero() && !position.cross;
                if watched
                    && position.contract == contract
                    && position.is_long() == long
                    && self.breaches(i, self.marks[contract])
                {
                    let tick = self.liquidation_tick(i);
                    breached.push((if long { -tick } else { tick }, i));
                }
            }
            breached.sort();
            for (tick, i) in breached {
                self.told.push(Told::Breached { position: self.name(i), trigger: whole(tick.abs()), mark });
                self.positions[i].state = State::Busy;
                self.queue.push(Queued { position: i, due: now + self.world.latency });
            }
        }
    }

    /// All marks are in: cross accounts that breach are queued, by account. One with funding in a contract that stands still
    /// may be judged later: those that were, of such accounts, are in `seen`, by their first positions.
    pub fn refreshed(&mut self, now: i64, seen: &[(usize, usize)]) {
        self.now = now;
        for account in 0..self.wallets.len() {
            let legs = self.legs(account);
            let Some(&first) = legs.first() else { continue };
            // Where all of it stands still it is judged when a mark of it is told again.
            let stands_still = legs.iter().all(|&leg| self.stands_still(self.positions[leg].contract));
            let waits = self.positions[first].state == State::Busy || stands_still;
            let contracts: Vec<usize> = legs.iter().map(|&leg| self.positions[leg].contract).collect();
            let may_wait = contracts.iter().any(|&of| self.unseen[of] && self.stands_still(of));
            let waits = waits || (may_wait && !seen.contains(&self.name(first)));
            if waits || !self.falls_short(self.equity_at_mark(first), self.maintenance(first)) {
                continue;
            }
            let mark = whole(self.marks[self.positions[first].contract]);
            self.told.push(Told::Breached { position: self.name(first), trigger: mark, mark });
            for leg in legs {
                self.positions[leg].state = State::Busy;
            }
            self.queue.push(Queued { position: first, due: now + self.world.latency });
        }
    }

    // ------------------------------------------------------------------------------------------- funding

    /// Every long owes so much for each lot, and every short receives it; the engine's tickets settle at once.
    pub fn fund(&mut self, now: i64, contract: usize, per_lot: i64) {
        self.now = now;
        let per_lot = d(per_lot);
        self.unseen[contract] = true;
        for position in self.positions.iter_mut().filter(|position| position.contract == contract) {
            position.owed += position.qty * per_lot;
        }
        // Outside liquidity and vaults are no accounts: what they owe is a part of their cost.
        let (qty, cost, _) = &mut self.maker_positions[contract];
        *cost += *qty * per_lot;
        for vault in &mut self.vaults {
            let (qty, cost) = &mut vault.positions[contract];
            *cost += *qty * per_lot;
        }

        let due: D = self.tickets[contract].iter().map(|ticket| ticket.qty * per_lot).sum();
        self.clearing[contract] += due;
        if due <= D::ZERO {
            self.fund_receives(contract, -due);
            return;
        }
        let paid = self.raise(due, contract, 0, Claim::AtOnce);
        self.told.push(Told::TicketsFunded { contract, owed: whole(due), paid: paid.told() });
    }

    // ------------------------------------------------------------------------------------------- a check instant

    pub fn check(&mut self, now: i64, desk: &mut Desk<'_>) -> Outcome {
        self.now = now;
        let has_inventory = self.tickets.iter().any(|tickets| !tickets.is_empty()) || self.vaults_hold();
        if (self.queue.is_empty() && !has_inventory) || self.is_out() {
            return Ok(());
        }
        self.promised.clear();
        self.raise_credit();
        // A peak may have left its window.
        self.watch_drawdown();

        let layers = self.world.position_layers.clone();
        let adl = layers.iter().position(|&layer| layer == Disposer::Adl);
        let (before, after) = match adl {
            Some(at) => (&layers[..at], &layers[at + 1..]),
            None => (&layers[..], &[][..]),
        };

        let unsold = self.sell_inventory(desk)?;
        self.sell_vaults(desk)?;

        let mut orders: Vec<Forced> = Vec::new();
        while let Some(position) = self.next_due() {
            let mut turns = self.turns(position);
            while let Some(mut forced) = self.begin_next(&mut turns, &mut orders) {
                for layer in before {
                    self.dispose(*layer, &mut forced, desk, Terms::WithinBudget)?;
                }
                // ADL ahead of the book is for what the account itself cannot bear.
                if after.contains(&Disposer::Book) {
                    self.dispose(Disposer::Book, &mut forced, desk, Terms::OwnEquity)?;
                }
                orders.push(forced);
            }
        }

        if adl.is_some() {
            self.adl_rounds(&unsold, &mut orders, desk);
        }

        for forced in &mut orders {
            for layer in after {
                self.dispose(*layer, forced, desk, Terms::WithinBudget)?;
            }
            self.sell_the_rest(forced, desk)?;
        }
        self.meet_claims(&mut orders);
        for forced in orders {
            self.finish(forced);
        }
        self.losers.clear();
        for tickets in &mut self.tickets {
            tickets.retain(|ticket| !ticket.qty.is_zero());
        }
        Ok(())
    }

    /// Sells the engine's lots, oldest first, and returns what of them the book did not take.
    fn sell_inventory(&mut self, desk: &mut Desk<'_>) -> Outcome<Vec<Unsold>> {
        let mut unsold = Vec::new();
        for contract in 0..self.tickets.len() {
            if self.stands_still(contract) {
                continue;
            }
            let mut slice = self.world.slice.map_or(D::MAX, d);
            for at in 0..self.tickets[contract].len() {
                let Ticket { qty, tick } = self.tickets[contract][at];
                let offered = qty.abs().min(slice);
                if offered.is_zero() {
                    break;
                }
                slice -= offered;
                let long = qty > D::ZERO;
                let budget = self.budget(contract);
                let request = Request {
                    contract,
                    long,
                    lots: whole(offered),
                    limit: self.band(contract, long).map(whole),
                    bankruptcy: whole(tick),
                    surplus: 0,
                    budget: Some(whole(budget)),
                };
                let answer = desk.ask(self, &request)?;
                self.watch_band(&request, answer);
                let Answer { lots, cash, uncut } = answer;
                let (lots, cash) = (d(lots), d(cash));
                if d(uncut) > budget {
                    self.told.push(Told::Exhausted { order: None, contract });
                }
                if !lots.is_zero() {
                    let sold = self.contract(contract).cash(-sign(long) * lots, cash);
                    self.trade_maker(contract, sign(long) * lots, -sold);
                    let result = self.close_ticket(contract, at, lots, sold);
                    // The budget saw to it that the fund can pay.
                    self.fund_receives(contract, result.max(D::ZERO));
                    let paid = self.fund_pays(contract, (-result).max(D::ZERO));
                    self.tell_ticket(contract, sign(long) * lots, tick, result, &paid);
                }
                if lots < offered {
                    let lots = offered - lots;
                    let price = self.adl_price(contract, long, lots, tick, D::ZERO);
                    unsold.push(Unsold { contract, at, long, lots, price });
                }
            }
        }
        Ok(unsold)
    }

    /// Closes lots of a ticket for signed cash; returns what that gains over its own tick.
    pub fn close_ticket(&mut self, contract: usize, at: usize, lots: D, cash: D) -> D {
        let Ticket { qty, tick } = self.tickets[contract][at];
        let signed = sign(qty > D::ZERO) * lots;
        let result = self.contract(contract).value(-signed, tick) - cash;
        self.tickets[contract][at].qty -= signed;
        self.clearing[contract] -= result;
        result
    }

    pub fn tell_ticket(&mut self, contract: usize, lots: D, tick: D, result: D, paid: &Paid) {
        let (lots, tick, result) = (whole(lots), whole(tick), whole(result));
        self.told.push(Told::TicketClosed { contract, lots, tick, result, paid: paid.told() });
    }
}
