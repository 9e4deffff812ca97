//! The way between venue and book: the greatest fill that an order's budget allows.

use crate::facts::Side;
use crate::market::book::{Book, SLACK, Taker};
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
    let lots = last_that_holds(most, None, bearable);
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
        Some(near) if near < most - 1 => last_that_holds(most + 1, Some(near.max(1)), holds),
        _ if holds(most) => most,
        near => last_that_holds(most, near, holds),
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

/// The last x in 0..most at which a condition holds that holds at 0 and, once it fails, fails for ever, as at `most`: by
/// bisection, or from `near` outwards in steps that double, so that a search that begins near its end is short.
fn last_that_holds(most: i64, near: Option<i64>, mut holds: impl FnMut(i64) -> bool) -> i64 {
    let (mut good, mut bad) = (0, most);
    // Steps as wide as all of it leave bisection alone.
    let (mut next, mut step) = near.map_or((0, most), |near| (near, 1_i64));
    while bad - good > 1 {
        let at = if next > good && next < bad { next } else { good + (bad - good) / 2 };
        if holds(at) {
            good = at;
            next = at.saturating_add(step);
        } else {
            bad = at;
            next = at.saturating_sub(step);
        }
        step = step.saturating_mul(2);
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_from_anywhere_ends_where_bisection_ends() {
        for last in [0, 1, 2, 7, 63, 98, 99] {
            for near in [None, Some(i64::MIN), Some(0), Some(1), Some(last), Some(last + 1), Some(50), Some(i64::MAX)] {
                let found = last_that_holds(100, near, |lots| {
                    assert!(lots > 0 && lots < 100, "0 holds and 100 does not: neither is asked for");
                    lots <= last
                });
                assert_eq!(found, last, "from {near:?}");
            }
        }
    }

    #[test]
    fn a_search_that_begins_near_its_end_asks_seldom() {
        let mut asked = 0;
        let found = last_that_holds(1_000_000_000, Some(123_456), |lots| {
            asked += 1;
            lots <= 123_457
        });
        // Up by one and by two, and the one between; bisection alone asks thirty times.
        assert_eq!((found, asked), (123_457, 4));
    }
}
