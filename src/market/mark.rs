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

    /// The mark in ticks, not yet rounded. Called once a refresh, first at time 0.
    fn mark(&mut self, prices: Prices) -> f64;
}

#[derive(Clone, Debug)]
struct FollowIndex;

impl MarkRule for FollowIndex {
    fn boxed_clone(&self) -> Box<dyn MarkRule> {
        Box::new(self.clone())
    }
    fn reset(&mut self) {}
    fn mark(&mut self, prices: Prices) -> f64 {
        prices.index
    }
}

pub const MARKS: Family<dyn MarkRule> = Family {
    info: &MARK_INFO,
    entries: &[
        Entry { kind: "index", about: "the index", keys: &[], build: |_, _| Some(Box::new(FollowIndex)) },
        Entry { kind: "last", about: "the last traded price", keys: &[], build: |_, _| Some(Box::new(FollowIndex)) },
    ],
};

pub static MARK_INFO: FamilyInfo = FamilyInfo {
    name: "mark rule",
    about: "The price that margin is computed at.",
    entries: || MARKS.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: true,
};
