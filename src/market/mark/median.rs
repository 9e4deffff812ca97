//! The median of the index, the index plus the averaged basis, and the price traded.
//!
//! The shape of the published marks of Binance and Bybit, median(Price 1, Price 2, contract price), with Price 1 = the
//! index, since funding is not part of it here; and of Hyperliquid, median(oracle + average of the basis, median of best bid, best
//! ask and last trade, median of other venues' perpetuals), with the index in place of the third.

use super::ema_basis::{AVERAGE, Basis, HALF_LIFE, SAMPLING, WINDOW};
use super::{MarkRule, Prices};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Debug)]
struct Median {
    basis: Basis,
    traded: Traded,
}

/// The leg that is traded.
#[derive(Clone, Copy, Debug)]
enum Traded {
    Last,
    Book,
}

pub const ENTRY: Entry<dyn MarkRule> = Entry {
    kind: "median",
    about: "the median of the index, the index plus the averaged basis, and the price traded",
    keys: &[
        HALF_LIFE,
        WINDOW,
        AVERAGE,
        SAMPLING,
        Key {
            name: "traded",
            shape: Shape::Choice(&[
                ("last", "the last traded price (Binance, Bybit)"),
                ("book", "the median of best bid, best ask and last traded price (Hyperliquid)"),
            ]),
            need: Need::Default("\"last\""),
            about: "the third price",
        },
    ],
    build: |values, reading| {
        let traded = if values.text("traded") == "last" { Traded::Last } else { Traded::Book };
        Some(Box::new(Median { basis: Basis::of(values, reading)?, traded }))
    },
};

/// The middle one, where `a` and `b` come in any order.
fn middle(a: f64, b: f64, c: f64) -> f64 {
    c.max(a.min(b)).min(a.max(b))
}

impl MarkRule for Median {
    fn boxed_clone(&self) -> Box<dyn MarkRule> {
        Box::new(self.clone())
    }

    fn reset(&mut self) {
        self.basis.reset();
    }

    fn looks_at_touch(&self) -> bool {
        matches!(self.traded, Traded::Book)
    }

    fn mark(&mut self, prices: Prices) -> f64 {
        let averaged = prices.index + self.basis.update(prices);
        let traded = match self.traded {
            Traded::Last => prices.last,
            Traded::Book => middle(prices.bid, prices.ask, prices.last),
        };
        middle(prices.index, averaged, traded)
    }
}
