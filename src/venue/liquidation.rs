//! Liquidation rules: how much of a breached position is closed.

use std::fmt::Debug;

use crate::money::{Cash, Price, Qty};
use crate::registry::{Entry, EntryInfo, Family, FamilyInfo, Key};

/// A breached position as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub struct Breached {
    pub qty: Qty,
    pub mark: Price,
    pub notional: Cash,
    pub equity: Cash,
    pub maintenance: Cash,
}

/// A rule for one breached account: how many lots to close.
pub trait LiquidationRule: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule>;

    /// Lots to close, from 1 to |qty|.
    fn plan(&self, breached: &Breached) -> Qty;
}

impl Clone for Box<dyn LiquidationRule> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// Closes the whole position.
#[derive(Clone, Copy, Debug)]
struct Full;

impl LiquidationRule for Full {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule> {
        Box::new(*self)
    }

    fn plan(&self, breached: &Breached) -> Qty {
        breached.qty.abs()
    }
}

const NO_KEYS: &[Key] = &[];

/// All liquidation rules. One line a rule.
pub const RULES: Family<dyn LiquidationRule> = Family {
    info: &INFO,
    entries: &[Entry {
        kind: "full",
        about: "closes the whole position",
        keys: NO_KEYS,
        build: |_, _| Some(Box::new(Full)),
    }],
};

pub static INFO: FamilyInfo = FamilyInfo {
    name: "liquidation rule",
    about: "How much of a position that breaches its maintenance margin is closed.",
    entries: || RULES.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: true,
};
