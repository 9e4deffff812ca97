//! What keeps the venue from liquidating: capacity, outages, halts and price bands.

use super::margin::{d, rate};
use super::model::{Answer, D, Model, Request, Told};
use super::world::SECOND;

/// What has happened of that so far.
#[derive(Clone, Debug)]
pub struct Stops {
    /// Forced orders that may still begin, and when that was last raised.
    credit: D,
    raised: Option<i64>,
    /// The prices that the band of each contract lies around, each with its time.
    prices: Vec<Vec<(i64, D)>>,
    /// Until when each contract stands still as an order has met its band.
    until: Vec<i64>,
}

impl Stops {
    pub fn open(contracts: usize) -> Self {
        Self { credit: D::ZERO, raised: None, prices: vec![Vec::new(); contracts], until: vec![0; contracts] }
    }
}

impl Model<'_> {
    /// Whether marks and fills of a contract stand still.
    pub fn stands_still(&self, contract: usize) -> bool {
        let is_halted = |&(of, span): &(Option<usize>, super::world::Span)| {
            (of.is_none() || of == Some(contract)) && span.holds(self.now)
        };
        self.now < self.stops.until[contract] || self.world.interruptions.halts.iter().any(is_halted)
    }

    /// Whether the venue does not liquidate.
    pub fn is_out(&self) -> bool {
        self.world.interruptions.outages.iter().any(|span| span.holds(self.now))
    }

    /// Capacity comes with time; what is not used is kept for a second, or until the next check.
    pub fn raise_credit(&mut self) {
        let Some(capacity) = self.world.interruptions.capacity else { return };
        let passed = self.stops.raised.map_or(SECOND, |at| self.now - at);
        let of = |time: i64| d(capacity) * d(time) / d(SECOND);
        self.stops.credit = (self.stops.credit + of(passed)).min(of(passed.max(SECOND)));
        self.stops.raised = Some(self.now);
    }

    pub fn spend_credit(&mut self) {
        self.stops.credit -= D::ONE;
    }

    /// Takes the next breach off the queue whose latency is over and whose contract trades, while capacity is left.
    pub fn next_due(&mut self) -> Option<usize> {
        if self.world.interruptions.capacity.is_some() && self.stops.credit < D::ONE {
            return None;
        }
        let is_next = |at: &usize| {
            let queued = self.queue[*at];
            queued.due <= self.now && !self.stands_still(self.positions[queued.position].contract)
        };
        let at = (0..self.queue.len()).find(is_next)?;
        Some(self.queue.remove(at).position)
    }

    pub fn note_price(&mut self, now: i64, contract: usize, is_mark: bool, price: D) {
        if self.world.interruptions.band.is_some_and(|band| band.of_mark == is_mark) {
            self.stops.prices[contract].push((now, price));
        }
    }

    /// The worst price of any forced order that closes longs, or shorts: the tick next to it on the better side.
    pub fn band(&self, contract: usize, long: bool) -> Option<D> {
        let band = self.world.interruptions.band?;
        // Of the window that ends with the last price.
        let prices = &self.stops.prices[contract];
        let last = prices.last().map_or(0, |&(time, _)| time);
        let within = prices.iter().filter(|&&(time, _)| time > last - band.window).map(|&(_, price)| price);
        let (mut sum, mut count) = within.fold((D::ZERO, 0), |(sum, count), price| (sum + price, count + 1));
        if count == 0 {
            let opened = if band.of_mark { &self.marks } else { &self.indices };
            (sum, count) = (opened[contract], 1);
        }
        Some(if long {
            (sum * (D::ONE - rate(band.width)) / d(count)).ceil()
        } else {
            (sum * (D::ONE + rate(band.width)) / d(count)).floor()
        })
    }

    /// A limit, or the band where that is nearer.
    pub fn within_band(&self, contract: usize, long: bool, limit: Option<D>) -> Option<D> {
        match (limit, self.band(contract, long)) {
            (Some(limit), Some(band)) => Some(if long { limit.max(band) } else { limit.min(band) }),
            (limit, band) => limit.or(band),
        }
    }

    /// An order that met its band, and not its budget, makes its contract stand still.
    pub fn watch_band(&mut self, request: &Request, answer: Answer) {
        let Some(band) = self.world.interruptions.band else { return };
        let by_budget = request.budget.is_some_and(|budget| answer.uncut > budget);
        let met = answer.lots < request.lots && request.limit.map(d) == self.band(request.contract, request.long);
        let until = self.now + band.halt;
        if met && !by_budget && band.halt > 0 && until > self.stops.until[request.contract] {
            self.stops.until[request.contract] = until;
            self.told.push(Told::Halted { contract: request.contract, until });
        }
    }
}
