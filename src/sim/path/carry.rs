//! The way between venue, book and whoever listens: orders to the book, fills back, and what happened.

use super::{Context, Lane, on_tick};
use crate::facts::{ContractId, Fact, Observer};
use crate::market::book::Reference;
use crate::money::{Nanos, Price};
use crate::sim::fill;
use crate::venue::{Fill, Refused};

impl Lane {
    /// The venue's work at a check instant.
    pub(super) fn check(
        &mut self,
        context: &Context<'_>,
        now: Nanos,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), Refused> {
        self.move_index(context, now);
        self.venue.check(now)?;
        self.fill(context, now, observers)
    }

    /// Takes orders to the book and fills back, until the venue wants no more.
    pub(super) fn fill(
        &mut self,
        context: &Context<'_>,
        now: Nanos,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), Refused> {
        let mut foreseen = 0;
        loop {
            if foreseen == 0 {
                foreseen = self.look_ahead();
            }
            foreseen -= 1;
            // An event is told by itself; what is only counted is not told before the instant is over.
            if self.venue.is_heard() {
                self.tell(context, now, observers);
            }
            let Some((contract, _)) = self.trade(context)? else { break };
            self.tell_price(contract);
        }
        self.tell(context, now, observers);
        Ok(())
    }

    /// Tells the books of the orders that will come next, since they find for many at a time what takes long for each.
    /// Returns of how many: one at least.
    fn look_ahead(&mut self) -> usize {
        /// What is found ahead stays in the first level of cache.
        const MOST: usize = 64;
        let mut count = 0;
        self.ahead.iter_mut().for_each(Vec::clear);
        self.venue.foreseen(MOST, |contract, side, lots| {
            self.ahead[usize::from(contract)].push((fill::taker(side), lots.0));
            count += 1;
        });
        for ((book, orders), asset) in self.books.iter_mut().zip(&self.ahead).zip(&self.assets) {
            // One alone is quoted as fast when it comes.
            if orders.len() > 1 {
                book.foresee(asset.index, orders);
            }
        }
        count.max(1)
    }

    /// Takes the order that waits to the book and its fill back to the venue; its contract and the fill.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub(super) fn trade(&mut self, context: &Context<'_>) -> Result<Option<(ContractId, Fill)>, Refused> {
        let Some(order) = self.venue.wanted() else { return Ok(None) };
        let (contract, side) = (order.contract, order.side);
        let c = usize::from(contract);
        let k = context.stage.rules.contracts[c].multiplier;
        let state = &mut self.assets[c];
        let fill = fill::execute(order, self.books[c].as_mut(), state.index, k);
        let lots = fill.lots;
        if !lots.is_zero() {
            state.last = Some((lots, fill.cash));
        }
        // Nobody asks for the flow of a book without others in it, and reading the cash unit costs as much as the fill.
        if c == 0 && context.stage.scenario.assets[c].background.is_some() {
            let amount = match context.stage.scenario.assets[c].reference {
                Reference::PerTickLot(_) => fill.cash.0 as f64 * context.stage.scenario.cash_unit.to_f64(),
                Reference::PerLot(worth) => lots.0 as f64 * worth,
            };
            self.forced.trade(fill::taker(side), amount);
            self.count_flow(context.stage.scenario);
        }
        self.venue.filled(fill)?;
        Ok(Some((contract, fill)))
    }

    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    pub(super) fn tell_price(&mut self, contract: ContractId) {
        let c = usize::from(contract);
        let state = &mut self.assets[c];
        state.traded = on_tick(self.books[c].mid(state.index));
        let (ticks, traded) = (state.ticks(), state.traded);
        self.tell_ticks(contract, ticks, traded);
    }

    /// Prices of a contract that stands still: the index goes on, nobody trades.
    pub(super) fn tell_standing(&mut self, contract: ContractId) {
        let state = &mut self.assets[usize::from(contract)];
        let (ticks, traded) = (state.ticks(), state.traded);
        self.tell_ticks(contract, ticks, traded);
    }

    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn tell_ticks(&mut self, contract: ContractId, (index_exogenous, index): (Price, Price), traded: Price) {
        if self.venue.is_heard() {
            self.venue.facts().push(Fact::Priced { contract, index_exogenous, index, traded });
        } else if contract == 0 {
            self.tally.priced(self.now, index_exogenous, index, traded);
        }
    }

    pub(super) fn tell_mark(&mut self, contract: ContractId, mark: Price) {
        if self.venue.is_heard() {
            self.venue.facts().push(Fact::Marked { contract, mark });
        } else {
            self.tally.marked(contract, mark);
        }
    }

    pub(super) fn tell(&mut self, context: &Context<'_>, now: Nanos, observers: &mut [&mut dyn Observer]) {
        let troupe = &context.stage.troupe;
        if troupe.listens() && !self.venue.facts().is_empty() {
            let happened = std::mem::take(self.venue.facts());
            let further = self.play.hear(troupe, context.listeners, now, &happened, self.venue.ledger().register());
            *self.venue.facts() = happened;
            self.venue.facts().extend_from_slice(further);
        }
        if !self.venue.is_heard() {
            let (facts, counted) = self.venue.happened();
            if !facts.is_empty() || self.tally.keeps_series() {
                self.tally.see_beside(now, facts, counted);
                facts.clear();
            }
            return;
        }
        let facts = self.venue.facts();
        if facts.is_empty() {
            return;
        }
        self.tally.see(now, facts);
        for observer in observers {
            observer.see(now, facts);
        }
        facts.clear();
    }
}
