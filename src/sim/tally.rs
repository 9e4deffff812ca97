//! Counts a path: facts in, the row of `paths.csv` and the samples of `series.csv` out.
//!
//! It is called once an event on every path of a run, so it holds no map: distinct accounts are stamped with the
//! number of the path in plain arrays, and a new path is a new stamp. Every definition is that of section 8 of
//! `docs/methods.md`.

mod fall;

use fall::Fall;

use super::leg::{Leg, Traded};
use crate::facts::counted::{Counted, Distinct};
use crate::facts::{AccountId, ContractId, Deed, Fact, Observer, Outcome, Party, Sample, Side, Via, Why};
use crate::market::process::Direction;
use crate::money::{Cash, Multiplier, Nanos, Price, Qty};
use crate::venue::rules::Drawdown;

/// Whether a path's series are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    Keep,
    Skip,
}

/// What a tally must know before the first fact of a path.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Number of the path.
    pub path: u64,
    /// Insurance fund at the opening.
    pub fund: Cash,
    /// Opening price of the first asset, ticks.
    pub price: Price,
    pub series: Series,
    /// Which way is adverse.
    pub direction: Direction,
}

/// Counts one path after another, reusing its memory.
#[derive(Debug)]
pub struct Tally {
    multipliers: Vec<Multiplier>,
    outputs: Vec<Nanos>,
    series: Series,
    row: Outcome,
    /// The state that the next sample will record.
    now: Sample,
    samples: Vec<Sample>,
    marks: Vec<Price>,
    /// Long or short, by number of the order.
    sides: Vec<Side>,
    /// Postings and orders so far, as far as they were told.
    counted: Counted,
    voluntary: Distinct,
    /// Falls of n from its peak, where one stops the fund.
    fall: Option<Fall>,
    leg: Leg,
    traded: Traded,
    /// The prices last seen and when, with what had been traded by now.
    seen: Option<(Nanos, Price, Price, Price)>,
    /// Whether the first asset has had a price; until then lows and highs hold the opening one.
    priced: bool,
}

impl Tally {
    /// A tally of contracts with these cash units per lot and tick, sampled at `outputs` (ascending).
    #[must_use]
    pub fn new(multipliers: &[Multiplier], outputs: &[Nanos]) -> Self {
        Self {
            multipliers: multipliers.to_vec(),
            outputs: outputs.to_vec(),
            series: Series::Skip,
            row: Outcome::default(),
            now: Sample::default(),
            samples: Vec::with_capacity(outputs.len()),
            marks: vec![Price::ZERO; multipliers.len()],
            sides: Vec::new(),
            counted: Counted::default(),
            voluntary: Distinct::default(),
            fall: None,
            leg: Leg::new(Direction::Down, Price::ZERO),
            traded: Traded::default(),
            seen: None,
            priced: false,
        }
    }

    /// Finds the fund that its fall from the peak never stops ([`Outcome::fall_fund`]).
    #[must_use]
    pub fn watching(self, drawdown: Option<Drawdown>) -> Self {
        Self { fall: drawdown.map(Fall::new), ..self }
    }

    /// Whether it must be told of every posting.
    #[must_use]
    pub fn watches_postings(&self) -> bool {
        self.fall.is_some()
    }

    /// Starts a path.
    pub fn begin(&mut self, start: Start) {
        let (price, fund) = (start.price.0, start.fund.0);
        self.row = Outcome {
            path: start.path,
            fund_open: fund,
            fund_min: fund,
            price_open: price,
            index_exogenous_low: price,
            index_exogenous_high: price,
            index_low: price,
            index_high: price,
            traded_low: price,
            traded_high: price,
            traded_close: price,
            infinite_depth_notional: -1,
            ..Outcome::default()
        };
        self.now = Sample {
            index_exogenous: price,
            index: price,
            traded: price,
            fund,
            depth_left: 1_000_000_000,
            ..Sample::default()
        };
        self.series = start.series;
        self.samples.clear();
        self.marks.fill(start.price);
        self.sides.clear();
        self.counted.begin();
        self.voluntary.empty();
        (self.seen, self.priced) = (None, false);
        self.fall.iter_mut().for_each(Fall::begin);
        (self.leg, self.traded) = (Leg::new(start.direction, start.price), Traded::default());
    }

    /// Takes note of the depth left (billionths of normal) from `time` on, which no fact tells.
    pub fn depth_left(&mut self, time: Nanos, share: i64) {
        self.sample_before(time);
        self.now.depth_left = share;
        self.leg.see_depth(share);
    }

    /// Whether the path's series are kept.
    #[must_use]
    #[inline]
    pub fn keeps_series(&self) -> bool {
        self.series == Series::Keep
    }

    /// Whether a depth left of no less than `least` may change a row or a series. A billionth is left for rounding.
    #[must_use]
    #[inline]
    pub fn wants_depth(&self, least: i64) -> bool {
        self.series == Series::Keep || self.leg.may_lower_depth(least - 1)
    }

    /// Takes note of what has been traded in the first asset's book so far, which no fact tells: for the facts to come.
    pub fn traded(&mut self, so_far: Traded) {
        self.seen = None;
        self.traded = so_far;
    }

    /// Ends the path. `fund_need` and `fund_need_cash` are those of the actual run, which holds for a path whose
    /// fund was never in the way ([`Self::fund_was_binding`]); the driver replaces them on others, and sets
    /// `open_interest`, `redrawn` and `infinite_depth_notional`.
    pub fn finish(&mut self) -> Outcome {
        self.sample_before(Nanos::MAX);
        let (row, counted) = (&mut self.row, &self.counted);
        self.leg.write(row);
        row.liquidations = counted.liquidations;
        row.liquidated_accounts = counted.liquidated.count();
        row.adl_accounts = counted.deleveraged.count();
        row.adl_notional = counted.adl_notional;
        (row.adl_haircut, row.adl_gift) = (counted.adl_haircut, counted.adl_gift);
        row.conduct.voluntary_accounts = self.voluntary.count();
        (row.to_book, row.to_engine) = (counted.to_book, counted.to_engine);
        (row.to_backstop, row.to_adl) = (counted.to_backstop, counted.to_adl);
        row.liquidated_notional = row.to_book + row.to_engine + row.to_backstop + row.to_adl;
        row.liquidated_long_notional = counted.of_longs;
        (row.fees_waived, row.book_cost_avoided) = (counted.fees_waived, counted.book_cost_avoided);
        row.taker_fees = counted.taker_fees;
        (row.fund_paid, row.fund_received) = (counted.fund_paid, counted.fund_received);
        (row.venue_paid, row.socialised) = (counted.venue_paid, counted.socialised);
        // Beside what vaults bore of sales of their own.
        row.backstop_loss += counted.backstop_loss;
        row.unfunded_deficit = counted.unfunded_deficit;
        row.shortfall = row.fund_paid + row.venue_paid + row.backstop_loss + row.socialised + row.unfunded_deficit;
        row.fund_close = row.fund_open + counted.flow;
        row.fund_min = row.fund_open + counted.flow_min;
        // Inventory that is left counts at what walking the book would bring, as if it were sold last.
        row.fund_draw = (-counted.flow_min.min(counted.flow + row.horizon_mark)).max(0);
        row.fund_need = row.fund_draw;
        row.fund_need_cash = (-counted.flow_min).max(0);
        row.fall_fund = self.fall.as_ref().and_then(Fall::enough);
        row.clone()
    }

    /// Ends a path whose postings and orders were counted by the ledger, and takes over what it has.
    pub fn finish_with(&mut self, counted: &mut Counted) -> Outcome {
        std::mem::swap(&mut self.counted, counted);
        self.finish()
    }

    /// Samples of the path at the output times; empty where the series are skipped.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Whether the fund's size bore on this path: an exhaustion, a deleveraged lot, or a shortfall paid by another
    /// layer. Only such a path needs an unlimited fund to tell its need. A takeover that the engine refused is known
    /// to the venue alone.
    #[must_use]
    pub fn fund_was_binding(&self) -> bool {
        let row = &self.row;
        row.exhausted_at_s.is_some()
            || row.adl_events > 0
            || row.adl_notional != 0
            || row.to_adl != 0
            || (row.venue_paid, row.backstop_loss, row.socialised, row.unfunded_deficit) != (0, 0, 0, 0)
    }

    /// Whether nothing that is to come can change that the fund was exhausted and lots were deleveraged.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.row.exhausted_at_s.is_some() && self.row.adl_events > 0
    }

    /// Records the state at every output time before `time`: a sample shows all that happened up to and at its time.
    fn sample_before(&mut self, time: Nanos) {
        if self.series == Series::Skip {
            return;
        }
        while self.outputs.get(self.samples.len()).is_some_and(|&output| output < time) {
            self.samples.push(self.now);
        }
    }

    /// The refreshed mark of a contract.
    #[inline]
    pub fn marked(&mut self, contract: ContractId, mark: Price) {
        self.marks[usize::from(contract)] = mark;
    }

    /// The prices of the first asset after a refresh or an order.
    #[inline]
    pub fn priced(&mut self, time: Nanos, index_exogenous: Price, index: Price, traded: Price) {
        // Small orders move the book by less than a tick: nothing is new then.
        let seen = (time, index_exogenous, index, traded);
        if self.seen == Some(seen) {
            return;
        }
        self.seen = Some(seen);
        self.note_prices(time, index_exogenous, index, traded);
    }

    #[inline(never)]
    fn note_prices(&mut self, time: Nanos, index_exogenous: Price, index: Price, traded: Price) {
        self.sample_before(time);
        self.leg.see(time, traded, self.traded);
        let row = &mut self.row;
        if !self.priced {
            // A book may open with its mid away from the opening index, which nobody then traded at.
            (row.traded_low, row.traded_high) = (traded.0, traded.0);
            self.priced = true;
        }
        row.index_exogenous_low = row.index_exogenous_low.min(index_exogenous.0);
        row.index_exogenous_high = row.index_exogenous_high.max(index_exogenous.0);
        row.index_low = row.index_low.min(index.0);
        row.index_high = row.index_high.max(index.0);
        row.traded_low = row.traded_low.min(traded.0);
        row.traded_high = row.traded_high.max(traded.0);
        row.traded_close = traded.0;
        (self.now.index_exogenous, self.now.index, self.now.traded) = (index_exogenous.0, index.0, traded.0);
    }

    fn acted(&mut self, account: AccountId, by: &str, deed: Deed, qty: Qty, amount: Cash) {
        let (conduct, amount) = (&mut self.row.conduct, amount.0);
        match deed {
            Deed::Traded => {
                conduct.voluntary_orders += 1;
                *(if qty.0 > 0 { &mut conduct.voluntary_bought } else { &mut conduct.voluntary_sold }) += amount;
                if let Some(column) = conduct.notional_of(by) {
                    *column += amount;
                }
            }
            Deed::ToppedUp => {
                conduct.top_ups += 1;
                conduct.topped_up += amount;
            }
            Deed::Withdrew => conduct.withdrawn += amount,
            // Done to the account, not by it.
            Deed::HedgeBroken => {
                conduct.hedge_broken += amount;
                return;
            }
            Deed::SoldSpot => conduct.spot_sold += amount,
        }
        self.voluntary.insert(account);
    }

    /// Counts what happened in one event. `counted` is what the ledger has counted by its end, where postings and orders
    /// are not told.
    pub fn see_beside(&mut self, time: Nanos, facts: &[Fact], counted: &Counted) {
        self.count(time, facts);
        self.note_counted(counted.flow, counted.adl_notional, [counted.of_longs, counted.of_shorts]);
    }

    /// What the next sample shows of what was counted.
    fn note_counted(&mut self, flow: i64, adl: i64, liquidated: [i64; 2]) {
        (self.now.fund, self.now.adl) = (self.row.fund_open + flow, adl);
        [self.now.liquidated_long, self.now.liquidated_short] = liquidated;
    }

    fn posted(&mut self, time: Nanos, from: Party, to: Party, amount: Cash, why: Why) {
        let before = self.counted.flow;
        self.counted.posted(from, to, amount, why);
        let change = self.counted.flow - before;
        if change != 0 {
            self.fall.iter_mut().for_each(|fall| fall.change(time, change));
        }
    }

    fn count(&mut self, time: Nanos, facts: &[Fact]) {
        self.sample_before(time);
        for fact in facts {
            match *fact {
                Fact::Posted { from, to, amount, why } => self.posted(time, from, to, amount, why),
                Fact::Traded { party: Party::Engine | Party::Backstop(_), contract, qty, via: Via::Book, .. } => {
                    let at = usize::from(contract);
                    self.row.inventory_sold += self.multipliers[at].notional(qty.abs(), self.marks[at]).0;
                }
                Fact::Priced { contract: 0, index_exogenous, index, traded } => {
                    self.priced(time, index_exogenous, index, traded);
                }
                Fact::Marked { contract, mark } => self.marked(contract, mark),
                Fact::OrderOpened { order, account, qty, .. } => {
                    self.counted.opened(account);
                    let at = order as usize;
                    if self.sides.len() <= at {
                        self.sides.resize(at + 1, Side::Long);
                    }
                    self.sides[at] = Side::of(qty);
                }
                Fact::OrderClosed { order, ref disposal, .. } => {
                    self.counted.closed(self.sides[order as usize], disposal);
                }
                Fact::Exhausted { .. } => {
                    self.row.exhausted_at_s.get_or_insert(time.0);
                }
                Fact::Round { placed, .. } => self.row.adl_events += i64::from(placed.0 > 0),
                Fact::Deleveraged { account, notional, haircut, .. } => {
                    self.counted.deleveraged(account, notional, haircut);
                }
                Fact::BackstopClosed { paid, .. } => self.row.backstop_loss += paid.backstop.0,
                Fact::Inventory { mark_to_market } => {
                    self.row.inventory_hole = self.row.inventory_hole.max(-mark_to_market.0);
                }
                Fact::Horizon { horizon_mark } => self.row.horizon_mark = horizon_mark.0,
                Fact::Acted { account, by, deed, qty, amount, .. } => self.acted(account, by, deed, qty, amount),
                Fact::SpotMoved { contract: 0, from, to } => self.row.conduct.spot_fall += (from - to).0,
                Fact::Traded { .. }
                | Fact::Priced { .. }
                | Fact::SpotMoved { .. }
                | Fact::Breached { .. }
                | Fact::OrderDropped { .. }
                | Fact::Funding { .. }
                | Fact::TicketsFunded { .. }
                | Fact::TookOver { .. }
                | Fact::BackstopTook { .. }
                | Fact::PoolMoved { .. }
                | Fact::Drawdown { .. }
                | Fact::MaintenanceScaled { .. }
                | Fact::Halted { .. }
                | Fact::TakeoverRefused { .. }
                | Fact::TicketClosed { .. } => {}
            }
        }
    }
}

impl Observer for Tally {
    fn see(&mut self, time: Nanos, facts: &[Fact]) {
        self.count(time, facts);
        let Counted { flow, adl_notional, of_longs, of_shorts, .. } = self.counted;
        self.note_counted(flow, adl_notional, [of_longs, of_shorts]);
    }
}

#[cfg(test)]
mod tests;
