//! The way between venue and book: the greatest fill that an order's budget allows.

use crate::facts::Side;
use crate::market::book::{Book, Taker};
use crate::money::{Cash, Multiplier, Price, Qty};
use crate::venue::{Fill, Order};

/// Which side of the book closes a position.
#[must_use]
pub(super) fn taker(side: Side) -> Taker {
    match side {
        Side::Long => Taker::Sells,
        Side::Short => Taker::Buys,
    }
}

/// Total cash of a fill of `lots` lots for `value` tick·lots, rounded once against the taker.
///
/// # Panics
/// Where a book values a fill outside of 64 bits: a broken path.
#[must_use]
pub(super) fn cash(taker: Taker, lots: i64, value: f64, k: Multiplier) -> Cash {
    if lots == 0 {
        return Cash::ZERO;
    }
    let units = k.units(Qty(lots), value);
    // Who sells a linear contract is paid, who sells an inverse one pays.
    let cash = if (taker == Taker::Sells) == k.is_linear() { Cash::floor(units) } else { Cash::ceil(units) };
    cash.unwrap_or_else(|| panic!("overflow: a fill is worth {units} cash units")).positive_part()
}

/// x* = max{x ≤ lots : limit and capacity hold, S(x) ≤ B}, by bisection on lots, since S is convex with S(0) = 0.
/// Trades it and returns the fill.
pub(super) fn execute(order: &Order, book: &mut dyn Book, index: f64, k: Multiplier) -> Fill {
    let side = taker(order.side);
    let most = within_limit(order, book, index, side, order.lots.0.min(book.capacity(index, side)).max(0));
    let mut quoted = Quoted { order, k, side, lots: most, cash: Cash::ZERO, uncut: Cash::ZERO };
    if book.take_if(index, side, most, &mut |value| quoted.is_borne(value)) {
        return Fill { lots: Qty(most), cash: quoted.cash, uncut: quoted.uncut };
    }
    let budget = order.budget.unwrap_or(Cash::MAX);
    let paid = |value: f64, lots: i64| cash(side, lots, value, k);
    let bearable = |lots: i64| order.shortfall(k, Qty(lots), paid(book.quote(index, side, lots), lots)) <= budget;
    let lots = last_that_holds(most, bearable);
    let value = book.take(index, side, lots);
    Fill { lots: Qty(lots), cash: paid(value, lots), uncut: quoted.uncut }
}

/// All lots of an order that limit and capacity allow, at what the book quotes for them.
struct Quoted<'a> {
    order: &'a Order,
    k: Multiplier,
    side: Taker,
    lots: i64,
    cash: Cash,
    uncut: Cash,
}

impl Quoted<'_> {
    /// Takes note of the quote; returns whether the order's budget bears what it leaves.
    #[inline]
    fn is_borne(&mut self, value: f64) -> bool {
        self.cash = cash(self.side, self.lots, value, self.k);
        self.uncut = self.order.shortfall(self.k, Qty(self.lots), self.cash);
        self.order.budget.is_none_or(|budget| self.uncut <= budget)
    }
}

/// The greatest lots whose last lot trades no worse than the limit.
fn within_limit(order: &Order, book: &dyn Book, index: f64, side: Taker, most: i64) -> i64 {
    let Some(Price(limit)) = order.limit else { return most };
    let holds = |lots: i64| {
        let last = book.quote(index, side, lots) - book.quote(index, side, lots - 1);
        match side {
            Taker::Sells => last >= limit as f64,
            Taker::Buys => last <= limit as f64,
        }
    };
    if most == 0 || holds(most) { most } else { last_that_holds(most, holds) }
}

/// The last x in 0..most at which a condition holds that holds at 0 and, once it fails, fails for ever.
fn last_that_holds(most: i64, holds: impl Fn(i64) -> bool) -> i64 {
    let (mut good, mut bad) = (0, most);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if holds(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}
