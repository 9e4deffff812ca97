//! What keeps the venue from liquidating: capacity, outages, halts and price bands.

use std::collections::VecDeque;

use super::rules::{Band, BandOf};
use super::{Fill, Order, Queued, Venue};
use crate::facts::{ContractId, Fact, Side};
use crate::money::{Nanos, Price, Ratio, div_ceil, div_floor, narrow};

#[derive(Clone, Debug, Default)]
struct Asset {
    index: Price,
    /// Prices that the band lies around within its window, oldest first, and their sum.
    recent: VecDeque<(Nanos, Price)>,
    sum: i128,
    /// Stands still until this time because an order met its band.
    until: Nanos,
}

/// What has happened of the interruptions so far.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    assets: Vec<Asset>,
    /// Orders that may still be opened, in order · nanoseconds, and when that was last raised.
    credit: i128,
    refilled: Option<Nanos>,
}

impl Schedule {
    pub fn new(contracts: usize) -> Self {
        Self { assets: vec![Asset::default(); contracts], credit: 0, refilled: None }
    }

    pub fn reset(&mut self, open: &[Price]) {
        for (asset, &index) in self.assets.iter_mut().zip(open) {
            asset.recent.clear();
            (asset.index, asset.sum, asset.until) = (index, 0, Nanos::ZERO);
        }
        (self.credit, self.refilled) = (0, None);
    }

    pub fn note_index(&mut self, contract: ContractId, index: Price) {
        self.assets[usize::from(contract)].index = index;
    }

    /// Takes note of the price that bands lie around.
    fn note_middle(&mut self, now: Nanos, contract: ContractId, price: Price, window: Nanos) {
        let asset = &mut self.assets[usize::from(contract)];
        asset.recent.push_back((now, price));
        asset.sum += i128::from(price.0);
        while let Some(&(time, oldest)) = asset.recent.front()
            && time <= now - window
        {
            asset.recent.pop_front();
            asset.sum -= i128::from(oldest.0);
        }
    }
}

impl Venue {
    /// The index at the last refresh.
    pub(super) fn index(&self, contract: ContractId) -> Price {
        self.schedule.assets[usize::from(contract)].index
    }

    /// Whether marks and fills of a contract stand still.
    #[must_use]
    #[inline]
    pub fn is_halted(&self, contract: ContractId, now: Nanos) -> bool {
        now < self.schedule.assets[usize::from(contract)].until
            || (!self.rules.interruptions.halts.is_empty() && self.is_in_a_halt(contract, now))
    }

    #[inline(never)]
    fn is_in_a_halt(&self, contract: ContractId, now: Nanos) -> bool {
        self.rules.interruptions.halts.iter().any(|(of, span)| of.is_none_or(|of| of == contract) && span.holds(now))
    }

    /// Whether the venue does not liquidate.
    pub(super) fn is_out(&self, now: Nanos) -> bool {
        self.rules.interruptions.outages.iter().any(|span| span.holds(now))
    }

    /// Tells the outages and halts that begin after `before` and no later than `now`.
    #[inline]
    pub fn tell_interruptions(&mut self, before: Option<Nanos>, now: Nanos) {
        if !self.rules.interruptions.outages.is_empty() || !self.rules.interruptions.halts.is_empty() {
            self.tell_those_that_begin(before, now);
        }
    }

    fn tell_those_that_begin(&mut self, before: Option<Nanos>, now: Nanos) {
        let begins = |at: Nanos| at <= now && before.is_none_or(|before| at > before);
        let rules = &self.rules.interruptions;
        let outages = rules.outages.iter().map(|span| (None, span));
        let halts = rules.halts.iter().map(|(contract, span)| (*contract, span));
        for (contract, span) in outages.chain(halts).filter(|(_, span)| begins(span.at)) {
            self.ledger.facts.push(Fact::Halted { contract, until: span.at + span.length });
        }
    }

    /// Raises the credit of orders by the capacity of the time that has passed; it never holds more than that of a second,
    /// or of the time since the last check where that is longer.
    pub(super) fn refill_capacity(&mut self) {
        let Some(capacity) = self.rules.interruptions.capacity else { return };
        let passed = self.schedule.refilled.map_or(Nanos::SECOND, |last| self.now - last);
        let most = i128::from(capacity) * i128::from(passed.max(Nanos::SECOND).0);
        let raised = self.schedule.credit + i128::from(capacity) * i128::from(passed.0);
        self.schedule.credit = raised.min(most);
        self.schedule.refilled = Some(self.now);
    }

    #[inline]
    pub(super) fn spend_capacity(&mut self) {
        if self.rules.interruptions.capacity.is_none() {
            return;
        }
        self.schedule.credit -= i128::from(Nanos::SECOND.0);
    }

    /// Takes the next due position of a contract that trades off the queue, first in first out, where capacity is left.
    #[inline]
    pub(super) fn next_due(&mut self) -> Option<Queued> {
        let rules = &self.rules.interruptions;
        if rules.capacity.is_some() && self.schedule.credit < i128::from(Nanos::SECOND.0) {
            return None;
        }
        if rules.halts.is_empty() && rules.band.is_none() {
            return self.queue.next_due(self.now);
        }
        self.next_that_trades()
    }

    #[inline(never)]
    fn next_that_trades(&mut self) -> Option<Queued> {
        let trades = |queued: &Queued| !self.is_halted(self.ledger.position(queued.position).contract, self.now);
        let at = self.queue.waiting().iter().take_while(|queued| queued.ready <= self.now).position(trades)?;
        Some(self.queue.take(at))
    }

    /// Takes note of an index or a mark at a refresh, where the band lies around such a price.
    #[inline]
    pub(super) fn note_price(&mut self, now: Nanos, contract: ContractId, of: BandOf, price: Price) {
        if let Some(band) = self.rules.interruptions.band.filter(|band| band.of == of) {
            self.schedule.note_middle(now, contract, price, band.window);
        }
    }

    /// The worst price of any order on a side: width away from the mean of the window.
    #[inline]
    pub(super) fn band(&self, contract: ContractId, side: Side) -> Option<Price> {
        self.rules.interruptions.band.as_ref().map(|band| self.edge(band, contract, side))
    }

    #[inline(never)]
    fn edge(&self, band: &Band, contract: ContractId, side: Side) -> Price {
        let asset = &self.schedule.assets[usize::from(contract)];
        let count = i128::try_from(asset.recent.len()).expect("a count fits 128 bits");
        let (sum, count) = match (count, band.of) {
            (0, BandOf::Index) => (i128::from(asset.index.0), 1),
            (0, BandOf::Mark) => (i128::from(self.mark_of(contract).0), 1),
            _ => (asset.sum, count),
        };
        let one = i128::from(Ratio::ONE.0);
        let width = i128::from(band.width.0);
        match side {
            Side::Long => Price(narrow(div_ceil(sum * (one - width), count * one))),
            Side::Short => Price(narrow(div_floor(sum * (one + width), count * one))),
        }
    }

    /// A limit that is not beyond the band.
    #[inline]
    pub(super) fn within_band(&self, contract: ContractId, side: Side, limit: Option<Price>) -> Option<Price> {
        let Some(band) = self.band(contract, side) else { return limit };
        Some(limit.map_or(band, |limit| match side {
            Side::Long => limit.max(band),
            Side::Short => limit.min(band),
        }))
    }

    /// Halts a contract whose order was cut short at its band and not by its budget.
    #[inline(never)]
    pub(super) fn watch_band(&mut self, order: &Order, fill: &Fill) {
        let Some(band) = self.rules.interruptions.band.filter(|band| !band.halt.is_zero()) else { return };
        let contract = order.contract;
        let by_budget = order.budget.is_some_and(|budget| fill.uncut > budget);
        if fill.lots == order.lots || by_budget || order.limit != self.band(contract, order.side) {
            return;
        }
        let until = self.now + band.halt;
        let asset = &mut self.schedule.assets[usize::from(contract)];
        if asset.until < until {
            asset.until = until;
            self.ledger.facts.push(Fact::Halted { contract: Some(contract), until });
        }
    }
}
