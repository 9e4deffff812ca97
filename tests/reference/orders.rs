//! Forced orders: how they begin, who disposes of their lots, and how they end.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use super::desk::Desk;
use super::margin::{d, rate};
use super::model::{Answer, D, Model, Outcome, Request, State, Ticket, Told, Went, sign, whole};
use super::purses::Paid;
use super::world::{AdlTrigger, Disposer, EquityOf, FeeCap, PositionOrder};

/// One forced order within its instant.
#[derive(Clone, Debug)]
pub struct Forced {
    pub id: u32,
    pub position: usize,
    pub long: bool,
    pub bankruptcy: D,
    /// Lots still to be disposed of.
    pub left: D,
    /// What the order has without the value of its position: at first the equity that backs the position less that value,
    /// then with all cash that its trades, payments and fees bring.
    pub stake: D,
    pub to_book: D,
    pub to_engine: D,
    pub to_vaults: D,
    pub to_adl: D,
    /// Whether the book has been asked.
    pub asked: bool,
    pub paid: Paid,
    avoided: Option<D>,
    /// Rate of the fund's fee.
    fee_rate: D,
}

/// How far the fund stands behind a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    OwnEquity,
    WithinBudget,
    /// Only the order's limit and the book's depth stop it, and all cash layers pay.
    WithinLimit,
    WithoutLimit,
}

/// The positions of one breach in the order in which they are closed, each with its part of a cross account's equity
/// where that is shared out.
pub struct Turns {
    positions: VecDeque<(usize, Option<D>)>,
    /// The percentage of each of them that is closed, where a cross account is reduced as a whole.
    percent: Option<i64>,
}

impl Model<'_> {
    /// What is left of the order's equity if what is left of its position closes at its bankruptcy tick.
    pub fn at_bankruptcy(&self, forced: &Forced) -> D {
        let position = &self.positions[forced.position];
        forced.stake + self.contract(position.contract).value(position.qty, forced.bankruptcy)
    }

    /// Signed lots of an order trade for signed cash.
    pub fn trade_order(&mut self, forced: &mut Forced, lots: D, cash: D) {
        self.trade(forced.position, lots, cash);
        forced.stake -= cash;
        forced.left -= lots.abs();
    }

    // ------------------------------------------------------------------------------------------- how they begin

    /// What is to be closed of a breach that still is one when its turn comes; else it is watched again.
    pub fn turns(&mut self, position: usize) -> Turns {
        let of = &self.positions[position];
        let legs = if of.cross { self.legs(of.account) } else { vec![position] };
        let (equity, maintenance) = (self.equity_at_mark(position), self.maintenance(position));
        if !self.falls_short(equity, maintenance) {
            self.told.push(Told::Dropped { position: self.name(position) });
            for leg in legs {
                self.positions[leg].state = State::Watched;
            }
            return Turns { positions: VecDeque::new(), percent: None };
        }
        let part = |leg: usize| {
            let shared_out = of.cross && self.world.equity_of == EquityOf::Position;
            shared_out.then(|| (equity * self.own_maintenance(leg) / maintenance).floor())
        };
        let mut positions: Vec<(usize, Option<D>)> = legs.iter().map(|&leg| (leg, part(leg))).collect();
        // Ties keep the order of the positions.
        positions.sort_by_key(|&(leg, _)| {
            let key = match self.world.position_order {
                PositionOrder::Maintenance => -self.own_maintenance(leg),
                PositionOrder::Loss => self.unrealised(leg),
                PositionOrder::Notional => -self.notional(leg),
            };
            (self.contract(self.positions[leg].contract).token, key)
        });
        // What stands still cannot be closed now, and a token is no part of what is reduced.
        let (kept, reduced): (Vec<usize>, Vec<usize>) = legs.iter().partition(|&&leg| {
            let contract = self.positions[leg].contract;
            self.stands_still(contract) || self.contract(contract).token
        });
        let elsewhere = kept.iter().map(|&leg| self.own_maintenance(leg)).sum();
        let percent = of.cross.then(|| self.percent_of_all(&reduced, elsewhere, equity)).flatten();
        Turns { positions: positions.into(), percent }
    }

    /// The order on the next position, while the account is in breach.
    pub fn begin_next(&mut self, turns: &mut Turns, orders: &mut [Forced]) -> Option<Forced> {
        // What stands still waits.
        let (at, part) = loop {
            let next = turns.positions.pop_front()?;
            if !self.stands_still(self.positions[next.0].contract) {
                break next;
            }
        };
        let of = &self.positions[at];
        let (account, contract) = (of.account, of.contract);
        let percent = turns.percent.filter(|_| !self.contract(contract).token);
        let (mut equity, mut others) = (self.equity_at_mark(at), Vec::new());
        if of.cross {
            // Lots that wait for ADL, or for the layers after it, leave at their bankruptcy ticks.
            let legs = self.legs(account);
            for &leg in &legs {
                let waiting = orders.iter().find(|forced| forced.position == leg);
                let (left, tick) = waiting.map_or((D::ZERO, D::ONE), |forced| (forced.left, forced.bankruptcy));
                let held = &self.positions[leg];
                let left = sign(held.is_long()) * left;
                equity -= self.gain(held.contract, left, tick);
                others.push((leg, held.qty - left));
            }
            let maintenance = |&(leg, lots): &(usize, D)| {
                let of = self.positions[leg].contract;
                self.contract(of).maintenance(self.contract(of).value(lots, self.marks[of]).abs())
            };
            let healthy = !self.falls_short(equity, others.iter().map(maintenance).sum());
            // Where all are cut by one share, those before have not saved it from that.
            if healthy && percent.is_none() {
                turns.positions.clear();
                return None;
            }
            others.retain(|&(leg, _)| leg != at);
            if part.is_none() {
                // What those leave below a tick is handed on: it can be spent once.
                for forced in orders.iter_mut().filter(|forced| legs.contains(&forced.position)) {
                    if !forced.left.is_zero() {
                        forced.stake -= self.at_bankruptcy(forced).max(D::ZERO);
                    }
                }
            }
        }
        let lots = match percent {
            Some(percent) => (self.positions[at].qty.abs() * Decimal::new(percent, 2)).ceil(),
            None => self.planned(at, equity, &others),
        };
        let position = &self.positions[at];
        assert!(lots >= D::ONE && lots <= position.qty.abs() && lots.is_integer(), "a plan of {lots} lots");
        let (qty, long) = (position.qty, position.is_long());
        let mark = self.marks[contract];
        let stake = part.unwrap_or(equity) - self.contract(contract).value(qty, mark);
        let bankruptcy = self.contract(contract).bankruptcy(qty, stake);
        let mut forced = Forced {
            id: self.orders,
            position: at,
            long,
            bankruptcy,
            left: lots,
            stake,
            to_book: D::ZERO,
            to_engine: D::ZERO,
            to_vaults: D::ZERO,
            to_adl: D::ZERO,
            asked: false,
            paid: Paid::default(),
            avoided: None,
            fee_rate: self.fee_rate(at, equity, &others),
        };
        self.orders += 1;
        self.spend_credit();
        self.losers.push(account);
        // What is due to it is paid in; what it owes is settled as it closes.
        let due = (-self.positions[at].owed).max(D::ZERO);
        self.positions[at].owed += due;
        self.clearing[contract] -= due;
        *self.purse(at) += due;
        let surplus = self.at_bankruptcy(&forced);
        self.told.push(Told::Opened {
            order: forced.id,
            position: self.name(at),
            lots: whole(sign(long) * lots),
            bankruptcy: whole(bankruptcy),
            surplus: whole(surplus.max(D::ZERO)),
            mark: whole(mark),
        });
        if surplus < D::ZERO {
            // No price makes up for what its account lost elsewhere.
            if -surplus > self.budget(contract) {
                self.told.push(Told::Exhausted { order: Some(forced.id), contract });
            }
            self.cover(&mut forced, -surplus);
        }
        Some(forced)
    }

    /// The fund's fee, or what a close leaves of the margin that it frees: 95 % of what is left of the maintenance rate
    /// after the taker fee and the missing margin, in whole billionths.
    fn fee_rate(&self, at: usize, equity: D, others: &[(usize, D)]) -> D {
        let fee = rate(self.world.liquidation_fee);
        if self.world.fee_cap != FeeCap::MissingMargin {
            return fee;
        }
        let contract = self.contract(self.positions[at].contract);
        let notional = self.notional(at).max(D::ONE);
        let missing = self.own_maintenance(at) + self.maintenance_elsewhere(others) - equity;
        let maintenance = rate(contract.tiers[contract.tier(self.notional(at))].rate);
        let room = (maintenance - rate(self.world.taker_fee)) * self.notional(at) - missing;
        let most = room.max(D::ZERO) * Decimal::new(95, 2) / notional;
        fee.min(most.trunc_with_scale(9))
    }

    // ------------------------------------------------------------------------------------------- who disposes

    pub fn dispose(&mut self, layer: Disposer, forced: &mut Forced, desk: &mut Desk<'_>, terms: Terms) -> Outcome {
        if forced.left.is_zero() {
            return Ok(());
        }
        match layer {
            Disposer::Book if self.passes_the_book(forced) => Ok(()),
            Disposer::Book => {
                let unbounded = terms == Terms::WithinBudget && self.world.adl_trigger == AdlTrigger::BookExhausted;
                self.sell(forced, desk, if unbounded { Terms::WithinLimit } else { terms })
            }
            Disposer::Engine => {
                self.take_over(forced);
                Ok(())
            }
            Disposer::Vaults => {
                self.vaults_take(forced);
                Ok(())
            }
            Disposer::Adl => unreachable!("ADL is a round of its own"),
        }
    }

    /// Lots sold into the book as far as the terms allow; the fund pays the shortfall of a sale within its budget.
    fn sell(&mut self, forced: &mut Forced, desk: &mut Desk<'_>, terms: Terms) -> Outcome {
        let contract = self.positions[forced.position].contract;
        let budget = match terms {
            Terms::OwnEquity => Some(D::ZERO),
            Terms::WithinBudget => Some(self.budget(contract)),
            Terms::WithinLimit | Terms::WithoutLimit => None,
        };
        let limit = match terms {
            Terms::WithoutLimit => None,
            _ => self.limit(forced.position, forced.bankruptcy),
        };
        let limit = self.within_band(contract, forced.long, limit);
        let before = self.at_bankruptcy(forced);
        let request = Request {
            contract,
            long: forced.long,
            lots: whole(forced.left),
            limit: limit.map(whole),
            bankruptcy: whole(forced.bankruptcy),
            surplus: whole(before),
            budget: budget.map(whole),
        };
        let answer = desk.ask(self, &request)?;
        self.watch_band(&request, answer);
        let Answer { lots, cash, uncut } = answer;
        let (lots, cash, uncut) = (d(lots), d(cash), d(uncut));
        let sign = sign(forced.long);
        let cash = self.contract(contract).cash(-sign * lots, cash);
        self.trade_order(forced, -sign * lots, cash);
        self.trade_maker(contract, sign * lots, -cash);
        forced.to_book += lots;
        forced.asked |= terms != Terms::WithoutLimit;

        let shortfall = (-self.at_bankruptcy(forced)).max(D::ZERO);
        if let Some(budget) = budget {
            // What the first sale would have cost without its budget, less what sales within the budget did cost.
            forced.avoided = Some(forced.avoided.unwrap_or(uncut) - shortfall);
            assert!(shortfall <= budget, "the fund pays more than it may");
            if terms == Terms::WithinBudget && uncut > budget {
                self.told.push(Told::Exhausted { order: Some(forced.id), contract });
            }
            let paid = self.fund_pays(contract, shortfall);
            self.receive(forced, shortfall);
            forced.paid.add(paid);
            self.settle(forced, before);
            return Ok(());
        }
        if terms == Terms::WithoutLimit {
            // What even the book could not take.
            let rest = forced.left;
            self.hand_over(forced, rest);
        }
        if shortfall > self.budget(contract) {
            self.told.push(Told::Exhausted { order: Some(forced.id), contract });
        }
        self.settle(forced, before);
        Ok(())
    }

    /// The cash layers pay what an order lacks, or get back what they paid, as far as it has gained.
    pub fn settle(&mut self, forced: &mut Forced, before: D) {
        let now = self.at_bankruptcy(forced);
        if now < D::ZERO {
            self.cover(forced, -now);
        } else if now > before {
            self.repay(forced, now - before);
        }
    }

    /// The engine takes the most lots that leave the fund's equity at or above its floor, and the notional of its net
    /// positions within the cap.
    fn take_over(&mut self, forced: &mut Forced) {
        let contract = self.positions[forced.position].contract;
        let sign = sign(forced.long);
        let (equity, cash, floor) = self.pool_equity(contract);
        let bears = |lots: D| {
            let is_capped = |cap| self.net_notional(contract, sign * lots) > rate(cap) * cash.max(D::ZERO);
            equity + self.gain(contract, sign * lots, forced.bankruptcy) >= floor
                && !self.world.net_cap.is_some_and(is_capped)
        };
        let mut lots = forced.left;
        while lots > D::ZERO && !bears(lots) {
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
        self.trade_order(forced, -sign * lots, cash);
        self.tickets[contract].push(Ticket { qty: sign * lots, tick: forced.bankruptcy });
        forced.to_engine += lots;
        let (lots, tick) = (whole(sign * lots), whole(forced.bankruptcy));
        self.told.push(Told::TookOver { order: forced.id, lots, tick });
    }

    /// What no layer took is sold without limit, what the book cannot take goes to the engine, and then the cash layers
    /// pay or are repaid.
    pub fn sell_the_rest(&mut self, forced: &mut Forced, desk: &mut Desk<'_>) -> Outcome {
        if forced.left.is_zero() { Ok(()) } else { self.sell(forced, desk, Terms::WithoutLimit) }
    }

    // ------------------------------------------------------------------------------------------- how they end

    /// Fees, and what becomes of the position.
    pub fn finish(&mut self, mut forced: Forced) {
        let world = self.world;
        let at = forced.position;
        let (account, contract) = self.name(at);
        let cross = self.positions[at].cross;
        let mark = self.marks[contract];
        let disposed = forced.to_book + forced.to_engine + forced.to_vaults + forced.to_adl;
        let notional = self.contract(contract).value(disposed, mark).abs();

        // The cash of a cross account can lie in the profit of its other positions, that of an isolated one cannot.
        let mut bearable = self.equity_at_mark(at);
        if !cross {
            bearable = bearable.min(self.positions[at].collateral);
        }
        if world.fee_cap == FeeCap::Surplus {
            bearable = bearable.min(self.at_bankruptcy(&forced));
        }
        let mut bearable = bearable.max(D::ZERO);
        let mut fee = |of_notional: D| {
            let due = (of_notional * notional).ceil();
            let fee = due.min(bearable);
            bearable -= fee;
            (fee, due - fee)
        };
        let (taker, liquidation) = (fee(rate(world.taker_fee)), fee(forced.fee_rate));
        *self.purse(at) -= taker.0 + liquidation.0;
        self.fees += taker.0;
        self.fund_receives(contract, liquidation.0);

        // When the instant ends nobody is below zero.
        let more = if cross {
            self.fill_wallet(account, contract)
        } else {
            let lacking = (-self.positions[at].collateral).max(D::ZERO);
            self.positions[at].collateral += lacking;
            self.raise(lacking, contract, 0, super::purses::Claim::AtOnce)
        };
        forced.paid.add(more);

        if self.positions[at].qty.is_zero() {
            // The wallet of a cross account is what its liquidation leaves only when it has no position left.
            if world.surplus_to_fund && (!cross || self.legs(account).is_empty()) {
                let surplus = std::mem::take(self.purse(at));
                self.fund_receives(contract, surplus);
            }
            self.release(at);
        } else {
            self.positions[at].partial_at = Some(self.now);
        }
        self.positions[at].state = State::Watched;
        if cross {
            for leg in self.legs(account) {
                self.positions[leg].state = State::Watched;
            }
        }
        let at_mark = |lots| whole(self.contract(contract).value(lots, mark).abs());
        let went = Went {
            book: at_mark(forced.to_book),
            engine: at_mark(forced.to_engine),
            vaults: at_mark(forced.to_vaults),
            adl: at_mark(forced.to_adl),
        };
        self.told.push(Told::Closed {
            order: forced.id,
            went,
            paid: forced.paid.told(),
            waived: whole(taker.1 + liquidation.1),
            avoided: forced.avoided.map_or(0, whole),
        });
    }
}
