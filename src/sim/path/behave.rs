//! What accounts do of their own accord at a mark refresh.

use super::{Context, Lane, contract_id, on_tick};
use crate::facts::{Deed, Fact, Observer, Side};
use crate::money::{Cash, Multiplier, Nanos, Price, Qty, Ratio};
use crate::sim::fill;
use crate::sim::people::{Actor, Asked, Cast, Gauge, Role, Signal, Troupe, View};
use crate::traders::behaviour::{Act, Cue, Margin, Seen, Standing, Then, Watched};
use crate::venue::Refused;
use crate::venue::ledger::Position;
use crate::venue::voluntary::{Action, Own, OwnOrder};

/// The nearest billionth at or below.
fn billionths(x: f64) -> i64 {
    Cash::floor(x * 1e9).map_or(if x < 0.0 { i64::MIN } else { i64::MAX }, |value| value.0)
}

/// −1 for a position whose price must rise to lose, +1 for one whose price must fall.
fn sign(side: Side) -> f64 {
    match side {
        Side::Long => 1.0,
        Side::Short => -1.0,
    }
}

/// What an act came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// Not one lot trades within the limit of its order.
    NoLot,
    /// The book or the index has moved.
    Trade,
}

impl Lane {
    /// Wakes accounts, and carries out what is due by now.
    pub(super) fn behave(
        &mut self,
        context: &Context<'_>,
        cast: &mut Cast,
        now: Nanos,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), Refused> {
        let troupe = &context.stage.troupe;
        if troupe.is_empty() {
            return Ok(());
        }
        let mut is_quiet = self.play.is_early(now);
        for (c, (book, state)) in self.books.iter().zip(&self.assets).enumerate() {
            let traded = book.mid(state.index);
            let view = View { traded, mark: self.venue.mark_of(contract_id(c)).0 as f64 };
            is_quiet &= self.play.note(now, c, view, traded / state.index - 1.0);
        }
        if is_quiet {
            return Ok(());
        }
        self.play.look(troupe, now, &context.stage.opens);
        let mut woken = false;
        for &(list, at, sign) in &troupe.moves {
            if !self.play.may_wake(list, sign * self.play.stands(at)) {
                continue;
            }
            let value = self.signal(context, list, now);
            if !self.play.is_reached(list, value) {
                continue;
            }
            while let Some(actor) = self.play.next_call(troupe, cast, list, value) {
                self.wake(context, now, value, actor);
                woken = true;
            }
        }
        let mut acted = self.carry_out_due(context, now, observers)?;
        // A gap is closed by the first who trade on it, and the next find it as they left it.
        for &list in &troupe.gaps {
            let Signal { gauge: Gauge::Gap { contract }, moves, .. } = troupe.signals[list] else { continue };
            while self.play.may_wake(list, moves.of(self.gap(usize::from(contract)))) {
                let value = self.signal(context, list, now);
                if !self.play.is_reached(list, value) {
                    break;
                }
                let Some(actor) = self.play.next_call(troupe, cast, list, value) else { break };
                // Nothing else is due: what was has been carried out.
                if self.play.wakes_at_once(troupe, now, actor) {
                    self.carry_out(context, now, actor, observers)?;
                }
                self.carry_out_due(context, now, observers)?;
                acted = true;
            }
        }
        if woken || acted {
            self.play.stir();
            self.play.settle(troupe);
            self.tell(context, now, observers);
        } else {
            self.play.rest(troupe, now, &context.stage.opens);
        }
        Ok(())
    }

    /// Carries out what is due by now; returns whether anything was.
    fn carry_out_due(
        &mut self,
        context: &Context<'_>,
        now: Nanos,
        observers: &mut [&mut dyn Observer],
    ) -> Result<bool, Refused> {
        let mut acted = false;
        while let Some(due) = self.play.next_due(now) {
            self.carry_out(context, now, due.actor, observers)?;
            acted = true;
        }
        Ok(acted)
    }

    fn traded(&self, contract: usize) -> f64 {
        self.books[contract].mid(self.assets[contract].index)
    }

    /// What the book trades above the index, as a share of the index.
    fn gap(&self, contract: usize) -> f64 {
        self.traded(contract) / self.assets[contract].index - 1.0
    }

    /// Where the signal of a list stands.
    fn signal(&self, context: &Context<'_>, list: usize, now: Nanos) -> i64 {
        let Signal { gauge, moves, at, .. } = context.stage.troupe.signals[list];
        let billionths = |gauge: f64| billionths(moves.of(gauge));
        match gauge {
            Gauge::Price { contract, watched: Watched::Mark } => moves.sign() * self.venue.mark_of(contract).0,
            Gauge::Price { contract, watched: Watched::Traded } => {
                moves.sign() * on_tick(self.traded(usize::from(contract))).0
            }
            Gauge::Risen { contract } => {
                let contract = usize::from(contract);
                billionths(self.traded(contract) / context.stage.opens[contract].0 as f64 - 1.0)
            }
            Gauge::Gap { contract } => billionths(self.gap(usize::from(contract))),
            Gauge::Return { .. } | Gauge::Exposure { .. } => billionths(self.play.stands(at)),
            Gauge::Time => now.0,
        }
    }

    /// An account was called. Where it waits for its margin ratio, other acts may have moved that since.
    fn wake(&mut self, context: &Context<'_>, now: Nanos, value: i64, actor: Actor) {
        let troupe = &context.stage.troupe;
        let role = &troupe.roles[actor.role as usize];
        if let Cue::MarginRatio(ratio) = role.cue {
            let position = self.venue.ledger().position(actor.position);
            match troupe.waits(role, ratio, &position, self.venue.ledger().register()) {
                None => return,
                Some((list, key)) if key > value => {
                    self.play.arm(actor, std::iter::once((list, key, Asked::Alone)));
                    return;
                }
                Some(_) => {}
            }
        }
        self.play.wake(troupe, now, actor);
    }

    fn carry_out(
        &mut self,
        context: &Context<'_>,
        now: Nanos,
        actor: Actor,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), Refused> {
        let troupe = &context.stage.troupe;
        let role = &troupe.roles[actor.role as usize];
        let position = self.venue.ledger().position(actor.position);
        let seen = self.seen(context, actor, &position);
        let play = &mut self.play;
        let answer = role.behaviour.act(&seen, &mut || play.draw(troupe, actor));
        let memory = self.play.memory(actor);
        memory.closed = 0;
        memory.acted += u32::from(answer.act != Act::Nothing);
        let found = self.act(context, now, role, answer.act, &position, observers)?;
        if found == Found::Trade {
            self.play.reopen();
        }
        match answer.then {
            Then::Rest => {}
            // At a later refresh at the earliest, so that an instant ends.
            Then::Wait(seconds) => self.play.schedule(now, seconds.max(1e-9), actor),
            Then::Rearm(level) => {
                let position = self.venue.ledger().position(actor.position);
                let list = troupe.waits(role, level, &position, self.venue.ledger().register());
                self.play.arm(actor, list.map(|(list, key)| (list, key, Asked::Alone)).into_iter());
            }
            Then::Further(by) => {
                let opened = self.venue.ledger().register().holdings.qty[actor.position as usize];
                let found = Troupe::waits_further(role, position.contract, Side::of(opened), by);
                let at =
                    found.map(|(list, by)| (list, by.saturating_add(self.signal(context, list, now)), Asked::Alone));
                self.play.arm(actor, at.into_iter());
            }
            Then::Between { above, below } => {
                // The limit of a close at a gap follows from the index and the role, that of an open from the level too.
                let lot = seen.lot_value();
                let (mut asked, mut tried) = ([Asked::Alone, Asked::WithOthers], None);
                match answer.act {
                    // Who takes its time may find a price by then.
                    _ if !role.acts_at_once() || found != Found::NoLot => {}
                    Act::Open { lots, .. } if role.has_one_level() => {
                        // A little less, so that no rounding matters.
                        asked[0] = Asked::InVain { worth: lots * lot * (1.0 - 1e-12) };
                        tried = Some(0);
                    }
                    Act::Close { .. } => {
                        asked[1] = Asked::InVain { worth: f64::INFINITY };
                        tried = Some(1);
                    }
                    _ => {}
                }
                let register = self.venue.ledger().register();
                let lists = Troupe::waits_between(role, [above, below], asked, &position, register);
                self.play.arm(actor, lists.into_iter().flatten());
                if let Some(at) = tried
                    && let Some((list, key, _)) = lists[at]
                {
                    self.play.shut((list, key), actor.role, lot);
                }
            }
        }
        Ok(())
    }

    fn seen(&mut self, context: &Context<'_>, actor: Actor, position: &Position) -> Seen {
        let c = usize::from(position.contract);
        let (id, open) = (position.id as usize, context.stage.opens[c].0 as f64);
        let k = context.stage.rules.contracts[c].multiplier;
        let multiplier = match k {
            Multiplier::Linear(k) => k as f64,
            Multiplier::Inverse(_) => {
                let mark = self.venue.mark_of(position.contract);
                k.notional(Qty(1), mark).0 as f64 / mark.0 as f64
            }
        };
        let (traded, index) = (self.traded(c), self.assets[c].index);
        let memory = *self.play.memory(actor);
        let ledger = self.venue.ledger();
        let holdings = &ledger.register().holdings;
        let is_asked = matches!(context.stage.troupe.roles[actor.role as usize].cue, Cue::MarginRatio(_));
        let margin = is_asked.then(|| {
            let (equity, _, maintenance) = self.venue.standing(position);
            Standing { equity: equity.0 as f64, maintenance: maintenance.0 as f64 }
        });
        let side = sign(Side::of(holdings.qty[id]));
        let mark = self.venue.mark_of(position.contract).0 as f64;
        let (qty, cost) = (position.qty.0 as f64, position.cost.0 as f64);
        let value = if k.is_linear() { qty * mark * multiplier } else { -qty * mark * multiplier };
        Seen {
            sign: side,
            mark,
            index,
            traded,
            multiplier,
            lots: qty.abs(),
            opened_lots: holdings.qty[id].0.abs() as f64,
            opened_leverage: holdings.cost[id].0.abs() as f64 / holdings.collateral[id].0.max(1) as f64,
            profit: if cost == 0.0 { 0.0 } else { (value - cost) / cost.abs() },
            collateral: ledger.purse(position).0 as f64,
            margin,
            wallet: ledger.wallet(position.account).0 as f64,
            opened_wallet: holdings.wallet[position.account as usize].0 as f64,
            fall: side * (1.0 - traded / open),
            closed_lots: memory.closed as f64,
            level: memory.level,
            acted: memory.acted,
        }
    }

    /// Carries out one act, as far as the venue lets it, and says what that came to.
    fn act(
        &mut self,
        context: &Context<'_>,
        now: Nanos,
        role: &Role<'_>,
        act: Act,
        position: &Position,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Found, Refused> {
        let by = role.behaviour.kind();
        let whole = |x: f64| Price::nearest(x).map_or(0, |count| count.0.max(0));
        let cash = |x: f64| Cash::floor(x).unwrap_or(Cash::ZERO).positive_part();
        let opened = self.venue.ledger().register().holdings.qty[position.id as usize].0.signum();
        // No worse than the limit that was meant: a buyer's is rounded down, a seller's up.
        let limit = |price: f64, buys: bool| {
            let tick = if buys { libm::floor(price) } else { libm::ceil(price) };
            Price::nearest(tick).unwrap_or(Price::MAX).max(Price(1))
        };
        let action = match act {
            Act::Nothing => return Ok(Found::Nothing),
            Act::SellSpot { notional, log_move } => {
                self.sell_spot(position, by, cash(notional.abs()), log_move, notional < 0.0);
                return Ok(Found::Trade);
            }
            Act::Close { lots, limit: price, margin } => {
                let lots = whole(libm::ceil(lots)).min(position.qty.0.abs());
                let freed = match margin {
                    Margin::Stays => Cash::ZERO,
                    Margin::Freed => {
                        cash(position.collateral.0 as f64 * lots as f64 / position.qty.0.abs().max(1) as f64)
                    }
                };
                Action::Order(OwnOrder { qty: Qty(-opened * lots), limit: limit(price, opened < 0), margin: freed })
            }
            Act::Open { lots, limit: price, margin } => {
                let lots = whole(libm::floor(lots));
                Action::Order(OwnOrder {
                    qty: Qty(opened * lots),
                    limit: limit(price, opened > 0),
                    margin: cash(margin),
                })
            }
            Act::TopUp { cash: amount } => Action::TopUp(cash(amount)),
            Act::Withdraw { keep } => {
                let keep = Ratio(Price::nearest(keep * 1e9).map_or(i64::MAX, |keep| keep.0));
                Action::Withdraw { amount: Cash::MAX, keep }
            }
        };
        let mut found = Found::Nothing;
        // Where limits are wide one more look at the book costs more than an order that fills nothing.
        if let (Action::Order(order), Cue::Discount) = (&action, role.cue) {
            let (c, side) = (usize::from(position.contract), Side::of(order.qty).opposite());
            let (book, index) = (self.books[c].as_ref(), self.assets[c].index);
            if fill::is_beyond(book, index, fill::taker(side), order.limit.0 as f64) {
                found = Found::NoLot;
            }
        }
        // Of an order that fills not one lot there is nothing to tell, but to those who follow everything.
        if found == Found::NoLot && observers.is_empty() {
            return Ok(found);
        }
        self.venue.acted(now, &Own { position: position.id, by, action })?;
        if self.venue.wanted().is_none() {
            return Ok(found);
        }
        if self.venue.is_heard() {
            self.tell(context, now, observers);
        }
        let Some((contract, fill)) = self.trade(context)? else { return Ok(found) };
        if !fill.lots.is_zero() {
            found = Found::Trade;
        } else if fill.uncut.is_zero() {
            // The account could have borne what the book asked: the limit stopped it, or the end of the book.
            found = Found::NoLot;
        }
        if found == Found::Trade || !observers.is_empty() {
            self.tell_price(contract);
            if self.venue.is_heard() {
                self.tell(context, now, observers);
            }
        }
        Ok(found)
    }

    /// Spot is sold elsewhere, and the index follows for good.
    fn sell_spot(&mut self, position: &Position, by: &'static str, amount: Cash, log_move: f64, buys: bool) {
        let c = usize::from(position.contract);
        let state = &mut self.assets[c];
        let from = on_tick(state.index);
        state.shift(log_move);
        let to = on_tick(state.index);
        let (contract, account) = (contract_id(c), position.account);
        let amount = if buys { -amount } else { amount };
        let facts = self.venue.facts();
        facts.push(Fact::Acted { contract, account, by, deed: Deed::SoldSpot, qty: Qty::ZERO, amount });
        facts.push(Fact::SpotMoved { contract, from, to });
        self.tell_price(contract);
    }
}
