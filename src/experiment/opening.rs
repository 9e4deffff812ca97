//! The opening of one path, without running it: open interest, depth, and what the makers hold.

use crate::fault::Failure;
use crate::folder::opening::Opened;
use crate::market::book::{Book, Taker};
use crate::market::process::Direction;
use crate::money::Qty;
use crate::scenario::Asset;
use crate::sim::path::Worker;
use crate::sim::stage::Stage;

/// What a path opens with in each contract; tokens held as collateral are none.
///
/// # Errors
/// Where a population cannot be drawn.
pub fn opened(stage: &Stage<'_>, path: u64) -> Result<Vec<Opened>, Failure> {
    let mut worker = Worker::new(stage);
    let register = worker.accounts(path)?;
    let scenario = stage.scenario;
    let taker = match scenario.direction {
        Direction::Down => Taker::Sells,
        Direction::Up => Taker::Buys,
    };
    let unit = scenario.cash_unit.to_f64();
    let contracts = scenario.assets.iter().zip(&scenario.rules.contracts).zip(&register.contracts);
    let traded = contracts.filter(|((_, rules), _)| !rules.tiers.are_haircuts());
    let opened = traded.map(|((asset, _), held)| {
        let worth = |lots: Qty| asset.multiplier.notional(lots, asset.open).0 as f64 * unit;
        Opened {
            symbol: asset.symbol.clone(),
            long: worth(held.long_lots),
            short: worth(held.short_lots),
            depth: lots_within(asset, taker) as f64 * worth(Qty(1)),
        }
    });
    Ok(opened.collect())
}

/// How far from the best price depth is counted, as a share of the index.
const REACH: f64 = 0.01;

/// The most lots that one order takes from a book at rest so that the last of them trades within [`REACH`] of the best price,
/// by bisection.
fn lots_within(asset: &Asset, taker: Taker) -> i64 {
    let index = asset.open.0 as f64;
    let fresh = || {
        let mut book = asset.book.boxed_clone();
        book.reset(index, asset.reference);
        book
    };
    let best = |book: &dyn Book| match taker {
        Taker::Sells => book.touch(index).0,
        Taker::Buys => book.touch(index).1,
    };
    let at_rest = best(&*fresh());
    // The price that the last of so many lots finds.
    let stays = |lots: i64| {
        let mut book = fresh();
        book.take(index, taker, lots - 1);
        // A price at exactly 1 % may miss it by a rounding.
        (best(&*book) - at_rest).abs() <= REACH * index * (1.0 + 1e-9)
    };
    let (mut within, mut beyond) = (0, fresh().capacity(index, taker));
    if beyond <= 0 || stays(beyond) {
        return beyond.max(0);
    }
    while beyond - within > 1 {
        let middle = within + (beyond - within) / 2;
        if stays(middle) {
            within = middle;
        } else {
            beyond = middle;
        }
    }
    within
}
