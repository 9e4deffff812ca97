//! Mark rules: the price that margin is computed at.

use std::fmt::Debug;

use crate::registry::{Entry, EntryInfo, Family, FamilyInfo};

/// The prices that a mark rule sees at a refresh, all in ticks as floats.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// Seconds since the last refresh.
    pub elapsed_s: f64,
    pub index: f64,
    pub mid: f64,
    /// Best prices; the mid for a rule that [does not look at them](MarkRule::looks_at_touch).
    pub bid: f64,
    pub ask: f64,
    /// Average fill of the last order, else mid.
    pub last: f64,
}

/// A mark rule on one path. A prototype lives in the scenario, a clone in each worker.
pub trait MarkRule: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn MarkRule>;

    /// Back to the start of a path.
    fn reset(&mut self);

    /// Whether it looks at best bid and ask, which the book would find for nothing otherwise.
    fn looks_at_touch(&self) -> bool {
        true
    }

    /// The mark in ticks, not yet rounded. Called once a refresh, first at time 0.
    fn mark(&mut self, prices: Prices) -> f64;
}

mod ema_basis;
mod index;
mod last;
mod median;
mod mid;

/// All mark rules. One line a rule.
pub const MARKS: Family<dyn MarkRule> =
    Family { info: &MARK_INFO, entries: &[index::ENTRY, last::ENTRY, mid::ENTRY, ema_basis::ENTRY, median::ENTRY] };

pub static MARK_INFO: FamilyInfo = FamilyInfo {
    name: "mark rule",
    about: "The price at which margin is computed and liquidation is triggered.",
    entries: || MARKS.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: true,
};

impl Clone for Box<dyn MarkRule> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

#[cfg(test)]
mod tests;
