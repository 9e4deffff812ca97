//! Order books: what a forced order is paid, and how it moves the price.

use std::fmt::Debug;

use crate::registry::{Entry, EntryInfo, Family, FamilyInfo};

/// The side of the book that an order takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taker {
    /// Sells into bids: pushes the price down.
    Sells,
    /// Buys from asks: pushes the price up.
    Buys,
}

/// What the book is told at a mark refresh.
#[derive(Clone, Copy, Debug)]
pub struct Refresh {
    /// Seconds since the last refresh.
    pub elapsed_s: f64,
    /// The index now, in the contract's price unit.
    pub index: f64,
}

/// What orders are worth to the book, in the currency that depth is given in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reference {
    /// A tick·lot is worth this: linear contracts, in the settlement currency.
    PerTickLot(f64),
    /// A lot is worth this at any price: inverse contracts, in the quote currency.
    PerLot(f64),
}

/// One book of one contract on one path. Quantities are lots, prices ticks (as floats), values tick·lots, so that
/// cash = value × multiplier. A prototype lives in the scenario, a clone in each worker.
pub trait Book: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn Book>;

    /// The same book with infinite depth: fills at mid and half-spread, displacement always 0.
    fn infinitely_deep(&self) -> Box<dyn Book>;

    /// The same book whose quotes are never withdrawn; itself where they never are.
    fn steadfast(&self) -> Box<dyn Book> {
        self.boxed_clone()
    }

    /// What a path multiplies the depth by, from a uniform; `None` where no path does.
    fn depth_factor(&self, _u: f64) -> Option<f64> {
        None
    }

    /// Uses this factor from the next reset on.
    fn set_depth_factor(&mut self, _factor: f64) {}

    /// Back to the state at the start of a path with the index at `index` ticks.
    fn reset(&mut self, index: f64, reference: Reference);

    /// Lets time pass: decay of the displacement and update of the withdrawal. Returns the change of the log index
    /// that becomes permanent.
    fn refresh(&mut self, refresh: Refresh) -> f64;

    /// Mid price in ticks.
    fn mid(&self, index: f64) -> f64;

    /// Best prices in ticks (bid, ask): mid less and plus the half-spread.
    fn touch(&self, index: f64) -> (f64, f64);

    /// Signed displacement of the mid from the index, as a share of the index.
    fn displacement(&self) -> f64;

    /// Depth left within 1 % of the mid on the adverse side as a share of normal depth.
    fn depth_left(&self) -> f64;

    /// A bound from below on [`depth_left`](Self::depth_left), for a book that has one at less cost.
    fn least_depth_left(&self) -> f64 {
        self.depth_left()
    }

    /// How many lots the book can take on this side now.
    fn capacity(&self, index: f64, taker: Taker) -> i64;

    /// Value in tick·lots (always positive) that taking `lots` ≥ 0 lots now would trade at, without trading.
    fn quote(&self, index: f64, taker: Taker, lots: i64) -> f64;

    /// Whether no one of `lots` lots surely trades at a worse price than `limit` ticks, where that is seen without finding a
    /// quote; else the quotes must say.
    fn stays_within(&self, _index: f64, _taker: Taker, _lots: i64, _limit: f64) -> bool {
        false
    }

    /// How many lots, and what part of one, take the book to `limit` ticks, as exactly as floats find it; 0 or less where it is
    /// beyond already, `None` where that is not known.
    fn lots_within(&self, _index: f64, _taker: Taker, _limit: f64) -> Option<f64> {
        None
    }

    /// Trades `lots` ≤ capacity; returns what `quote` said before.
    fn take(&mut self, index: f64, taker: Taker, lots: i64) -> f64;

    /// What it would do with as many of `lots` ≥ 0 lots as it can take now, without trading.
    fn offer(&mut self, index: f64, taker: Taker, lots: i64) -> Offer {
        let lots = lots.min(self.capacity(index, taker)).max(0);
        Offer { index, taker, lots, value: self.quote(index, taker, lots), after: Place::default() }
    }

    /// Is told of orders, by their lots, that will follow one another at this index if each trades all of them, so that it
    /// can find for all together what it would find for each. What comes otherwise is offered the same as ever.
    fn foresee(&mut self, _index: f64, _orders: &[(Taker, i64)]) {}

    /// Trades what it has just offered.
    fn accept(&mut self, offer: &Offer) {
        self.take(offer.index, offer.taker, offer.lots);
    }
}

/// What is decided without a quote is decided by a share of it more than quotes are rounded.
pub const SLACK: f64 = 1e-6;

/// What a book offers for an order: its quote and, where it finds both in one go, where the trade leaves it.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    index: f64,
    taker: Taker,
    /// Lots within the book's capacity.
    pub lots: i64,
    /// What they trade at, in tick·lots.
    pub value: f64,
    after: Place,
}

/// Where the mid of a book stands that has one.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// N(x) in tick·lots: the state, since immediate parts of an order add up in N exactly.
    moved: f64,
    displacement: f64,
    /// G(N).
    integral: f64,
}

mod depth;
mod levels;

/// All books. One line a book.
pub const BOOKS: Family<dyn Book> = Family { info: &BOOK_INFO, entries: &[depth::ENTRY, levels::ENTRY] };

pub static BOOK_INFO: FamilyInfo = FamilyInfo {
    name: "book",
    about: "What forced orders are paid, and how they move the venue's price away from the index.",
    entries: || BOOKS.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: false,
};

impl Clone for Box<dyn Book> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

impl Taker {
    /// −1 for an order that sells, +1 for one that buys.
    #[must_use]
    pub fn sign(self) -> f64 {
        match self {
            Self::Sells => -1.0,
            Self::Buys => 1.0,
        }
    }
}

#[cfg(test)]
mod tests;
