//! The mark is the last traded price: the most direct feedback from forced orders to further liquidations.

use super::{MarkRule, Prices};
use crate::registry::Entry;

/// The rule has no parameters.
#[derive(Clone, Copy, Debug)]
struct Last;

pub const ENTRY: Entry<dyn MarkRule> = Entry {
    kind: "last",
    about: "the average price of the last order in the book, or the mid before the first",
    keys: &[],
    build: |_, _| Some(Box::new(Last)),
};

impl MarkRule for Last {
    fn boxed_clone(&self) -> Box<dyn MarkRule> {
        Box::new(*self)
    }

    fn reset(&mut self) {}

    fn looks_at_touch(&self) -> bool {
        false
    }

    fn mark(&mut self, prices: Prices) -> f64 {
        prices.last
    }
}
