//! The whole position at once: Binance, GMX, Hyperliquid up to 100,000 USDC, BitMEX in its lowest tier.

use super::{Breached, LiquidationRule};
use crate::money::Qty;
use crate::registry::Entry;

/// The rule has no parameters.
#[derive(Clone, Copy, Debug)]
struct Full;

pub const ENTRY: Entry<dyn LiquidationRule> =
    Entry { kind: "full", about: "closes the whole position", keys: &[], build: |_, _| Some(Box::new(Full)) };

impl LiquidationRule for Full {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule> {
        Box::new(*self)
    }

    fn plan(&self, breached: &Breached<'_>) -> Qty {
        Qty(breached.lots())
    }

    fn closes_all(&self) -> bool {
        true
    }
}
