//! The way between venue and book: the greatest fill that an order's budget allows.

use crate::facts::Side;
use crate::market::book::{Book, SLACK, Taker};
use crate::money::{Cash, Multiplier, Price, Qty};
use crate::venue::bisect::{last_that_holds, last_that_holds_near};
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
#[expect(clippy::inline_always, reason = "once an order")]
#[inline(always)]
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
#[expect(clippy::inline_always, reason = "once an order")]
#[inline(always)]
pub(super) fn execute(order: &Order, book: &mut dyn Book, index: f64, k: Multiplier) -> Fill {
    let side = taker(order.side);
    let most = match order.limit {
        // The book caps what it takes by itself.
        None => order.lots.0,
        Some(limit) => within_limit(limit, book, index, side, order.lots.0.min(book.capacity(index, side)).max(0)),
    };
    let paid = |value: f64, lots: i64| cash(side, lots, value, k);
    let offer = book.offer(index, side, most);
    let (lots, cash) = (Qty(offer.lots), paid(offer.value, offer.lots));
    let uncut = order.shortfall(k, lots, cash);
    if order.budget.is_none_or(|budget| uncut <= budget) {
        book.accept(&offer);
        return Fill { lots, cash, uncut };
    }
    let (lots, cash) = take_bearable(order, book, index, k, lots.0);
    Fill { lots, cash, uncut }
}

/// Trades the greatest of so many lots that the order's budget bears; fewer than all of them.
#[inline(never)]
fn take_bearable(order: &Order, book: &mut dyn Book, index: f64, k: Multiplier, most: i64) -> (Qty, Cash) {
    let side = taker(order.side);
    let budget = order.budget.unwrap_or(Cash::MAX);
    let paid = |value: f64, lots: i64| cash(side, lots, value, k);
    let bearable = |lots: i64| order.shortfall(k, Qty(lots), paid(book.quote(index, side, lots), lots)) <= budget;
    let lots = last_that_holds(0, most, bearable);
    let value = book.take(index, side, lots);
    (Qty(lots), paid(value, lots))
}

/// The greatest lots, up to `most`, whose last lot trades no worse than the limit.
#[inline(never)]
fn within_limit(Price(limit): Price, book: &dyn Book, index: f64, side: Taker, most: i64) -> i64 {
    let limit = limit as f64;
    if most == 0 || book.stays_within(index, side, most, limit) {
        return most;
    }
    if is_beyond(book, index, side, limit) {
        return 0;
    }
    // The quotes asked for last: lots that are tried one after the other are neighbours.
    let mut known = [(0, 0.0); 2];
    let mut quote = |lots: i64| {
        if let Some(&(_, value)) = known.iter().find(|(of, _)| *of == lots) {
            return value;
        }
        let value = book.quote(index, side, lots);
        known = [(lots, value), known[0]];
        value
    };
    let mut holds = |lots: i64| {
        let last = quote(lots) - quote(lots - 1);
        match side {
            Taker::Sells => last >= limit,
            Taker::Buys => last <= limit,
        }
    };
    let near = book.lots_within(index, side, limit);
    // The price of a whole lot is reached about half-way through it, in no law of depth before a quarter.
    if near.is_some_and(|lots| lots < 0.25) {
        return 0;
    }
    match near.and_then(Price::nearest).map(|lots| lots.0) {
        Some(near) if near < most - 1 => last_that_holds_near(0, most + 1, near.max(1), holds),
        _ if holds(most) => most,
        Some(near) => last_that_holds_near(0, most, near, holds),
        None => last_that_holds(0, most, holds),
    }
}

/// Whether not one lot trades within a limit, as the best price of the book tells by more than quotes are rounded.
#[must_use]
pub(super) fn is_beyond(book: &dyn Book, index: f64, side: Taker, limit: f64) -> bool {
    let (bid, ask) = book.touch(index);
    let slack = SLACK * limit;
    match side {
        Taker::Sells => bid < limit - slack,
        Taker::Buys => ask > limit + slack,
    }
}
