//! What a path opens with, contract by contract: open interest against depth, and what the makers hold of it.

use serde::{Deserialize, Serialize};

/// One contract at the opening of one path; amounts at the opening mark, settlement currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub symbol: String,
    /// Notional of the longs, and of the shorts.
    pub long: f64,
    pub short: f64,
    /// D: what an order can sell, or buy where the crash goes up, within 1 % of the best price of the book at rest.
    pub depth: f64,
}

/// The makers' share of opposite interest from which it is warned about.
pub const MUCH: f64 = 0.1;

impl Opened {
    /// OI: the notional of the heavier side.
    #[must_use]
    pub fn interest(&self) -> f64 {
        self.long.max(self.short)
    }

    /// OI/D; `None` where the book has nothing within 1 %.
    #[must_use]
    pub fn interest_to_depth(&self) -> Option<f64> {
        (self.depth > 0.0).then(|| self.interest() / self.depth)
    }

    /// What the makers hold: the notional that the lighter side lacks.
    #[must_use]
    pub fn maker(&self) -> f64 {
        (self.long - self.short).abs()
    }

    /// Part of the interest opposite to the heavier side that the makers hold; 0 where nobody holds anything.
    #[must_use]
    pub fn maker_share(&self) -> f64 {
        if self.interest() > 0.0 { self.maker() / self.interest() } else { 0.0 }
    }
}
