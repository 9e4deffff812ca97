//! The mark is the index. Forced orders reach it only through the permanent share of their impact.

use super::{MarkRule, Prices};
use crate::registry::Entry;

/// The rule has no parameters.
#[derive(Clone, Copy, Debug)]
struct Index;

pub const ENTRY: Entry<dyn MarkRule> = Entry {
    kind: "index",
    about: "the index: what other venues trade at; the venue's own forced orders do not move it",
    keys: &[],
    build: |_, _| Some(Box::new(Index)),
};

impl MarkRule for Index {
    fn boxed_clone(&self) -> Box<dyn MarkRule> {
        Box::new(*self)
    }

    fn reset(&mut self) {}

    fn looks_at_touch(&self) -> bool {
        false
    }

    fn mark(&mut self, prices: Prices) -> f64 {
        prices.index
    }
}
