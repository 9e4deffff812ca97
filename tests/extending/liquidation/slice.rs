//! Small orders, one after the other: at most so much notional at a time, until the margin is restored.
//!
//! Deribit, inverse contracts: "incremental" market orders while maintenance margin exceeds equity.

use super::{Breached, LiquidationRule};
use crate::money::{Cash, Qty};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct Slice {
    notional: Cash,
}

pub const ENTRY: Entry<dyn LiquidationRule> = Entry {
    kind: "slice",
    about: "closes at most so much notional at a time",
    keys: &[Key {
        name: "notional",
        shape: Shape::PositiveAmount { unit: "settlement currency" },
        need: Need::Required,
        about: "notional at the mark that one order closes at most; at least one lot",
    }],
    build: |values, reading| Some(Box::new(Slice { notional: reading.cash_floor(values, "notional")? })),
};

impl LiquidationRule for Slice {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule> {
        Box::new(*self)
    }

    fn plan(&self, breached: &Breached<'_>) -> Qty {
        let first_above = breached.least(|lots| breached.notional(lots) > self.notional);
        let fits = breached.notional(breached.lots()) <= self.notional;
        Qty(if fits { breached.lots() } else { (first_above.0 - 1).max(1) })
    }
}
