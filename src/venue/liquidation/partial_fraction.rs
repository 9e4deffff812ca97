//! A share of a large position first, and all of it if it breaches again within a cooldown.
//!
//! Hyperliquid, "Liquidations": of a position above 100,000 USDC only 20 % is sent to the book at first; for 30 seconds
//! after that, liquidation orders are for the whole position.

use super::{Breached, LiquidationRule};
use crate::money::{Cash, Nanos, Qty, Ratio};
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};

#[derive(Clone, Copy, Debug)]
struct PartialFraction {
    share: Ratio,
    above: Cash,
    cooldown: Nanos,
}

pub const ENTRY: Entry<dyn LiquidationRule> = Entry {
    kind: "partial_fraction",
    about: "a share of a large position first; all of it if it breaches again within the cooldown",
    keys: &[
        Key {
            name: "share",
            shape: Shape::Share { min: 0.000_001, max: 1.0 },
            need: Need::Default("0.2"),
            about: "share of the lots closed at first, rounded up",
        },
        Key {
            name: "above",
            shape: Shape::Amount { unit: "settlement currency" },
            need: Need::Default("100_000"),
            about: "notional at the mark up to which the whole position is closed",
        },
        Key {
            name: "cooldown",
            shape: Shape::Time { min: Nanos(0) },
            need: Need::Default("\"30 s\""),
            about: "time after a partial close in which the next order is for the whole position",
        },
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn LiquidationRule>> {
    let above = reading.cash_floor(values, "above")?;
    Some(Box::new(PartialFraction { share: values.ratio("share"), above, cooldown: values.time("cooldown") }))
}

impl LiquidationRule for PartialFraction {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule> {
        Box::new(*self)
    }

    fn plan(&self, breached: &Breached<'_>) -> Qty {
        let lots = breached.lots();
        let cooling = breached.since_partial.is_some_and(|since| since <= self.cooldown);
        if cooling || breached.notional(lots) <= self.above {
            return Qty(lots);
        }
        Qty(self.share.of_ceil(Cash(lots)).0.clamp(1, lots))
    }
}
