//! The mark is the middle of the book.

use super::{MarkRule, Prices};
use crate::registry::Entry;

/// The rule has no parameters.
#[derive(Clone, Copy, Debug)]
struct Mid;

pub const ENTRY: Entry<dyn MarkRule> =
    Entry { kind: "mid", about: "the middle of best bid and best ask", keys: &[], build: |_, _| Some(Box::new(Mid)) };

impl MarkRule for Mid {
    fn boxed_clone(&self) -> Box<dyn MarkRule> {
        Box::new(*self)
    }

    fn reset(&mut self) {}

    fn looks_at_touch(&self) -> bool {
        false
    }

    fn mark(&mut self, prices: Prices) -> f64 {
        prices.mid
    }
}
