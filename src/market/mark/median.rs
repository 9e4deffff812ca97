//! The median of the index, the index plus the averaged basis, and the last traded price.
//!
//! The shape of the published marks of Binance and Bybit, median(Price 1, Price 2, contract price), with Price 1 = the
//! index, since funding is not part of it here.

use super::ema_basis::{Basis, KEYS};
use super::{MarkRule, Prices};
use crate::registry::Entry;

#[derive(Clone, Copy, Debug)]
struct Median {
    basis: Basis,
}

pub const ENTRY: Entry<dyn MarkRule> = Entry {
    kind: "median",
    about: "the median of the index, the index plus the averaged basis, and the last traded price",
    keys: KEYS,
    build: |values, reading| Some(Box::new(Median { basis: Basis::of(values, reading)? })),
};

impl MarkRule for Median {
    fn boxed_clone(&self) -> Box<dyn MarkRule> {
        Box::new(*self)
    }

    fn reset(&mut self) {
        self.basis.reset();
    }

    fn mark(&mut self, prices: Prices) -> f64 {
        let averaged = prices.index + self.basis.update(prices);
        let (low, high) = (prices.index.min(averaged), prices.index.max(averaged));
        prices.last.max(low).min(high)
    }
}
