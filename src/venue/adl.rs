//! ADL policies: which winners close against losers that the book and the fund cannot carry.

use std::fmt::Debug;

use crate::money::{Cash, Price, Qty};
use crate::registry::{Entry, EntryInfo, Family, FamilyInfo};

/// A winner as a policy sees it, with the mark frozen at the last refresh.
#[derive(Clone, Copy, Debug)]
pub struct Winner {
    pub account: u32,
    pub qty: Qty,
    pub cost: Cash,
    pub collateral: Cash,
    /// Value at the mark, signed like `qty`.
    pub value: Cash,
}

impl Winner {
    #[must_use]
    pub fn unrealised(&self) -> Cash {
        self.value - self.cost
    }

    #[must_use]
    pub fn equity(&self) -> Cash {
        self.collateral + self.unrealised()
    }
}

/// A policy that closes winners whole, best score first. Ties go to the lower account id.
pub trait Ranking: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn Ranking>;

    fn score(&self, winner: &Winner, mark: Price) -> i128;

    /// An upper bound of the score of any eligible winner in a region; `None` where none can be eligible. A policy that
    /// cannot bound its score returns `i128::MAX`, and then everybody is looked at.
    fn bound(&self, region: &Region) -> Option<i128>;
}

/// Winners with these costs and collaterals per lot (least, greatest), at one mark.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    pub side: crate::facts::Side,
    pub cost_per_lot: (i64, i64),
    pub collateral_per_lot: (i64, i64),
    /// Value of a lot at the mark.
    pub value_per_lot: i64,
}

/// A policy that takes a part from every winner; all fill at the quantity-weighted price of the round.
pub trait Sharing: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn Sharing>;

    /// Writes the lots taken from each winner (in account order); they sum to the lesser of `lots` and all there is.
    fn share(&self, winners: &[Winner], lots: Qty, taken: &mut Vec<Qty>);
}

/// An ADL policy of either kind.
#[derive(Debug)]
pub enum Policy {
    Ranking(Box<dyn Ranking>),
    Sharing(Box<dyn Sharing>),
}

impl Clone for Policy {
    fn clone(&self) -> Self {
        match self {
            Self::Ranking(policy) => Self::Ranking(policy.boxed_clone()),
            Self::Sharing(policy) => Self::Sharing(policy.boxed_clone()),
        }
    }
}

mod pro_rata;
mod profit_leverage;

/// All ADL policies. One line a policy.
pub const POLICIES: Family<Policy> = Family { info: &INFO, entries: &[profit_leverage::ENTRY, pro_rata::ENTRY] };

pub static INFO: FamilyInfo = FamilyInfo {
    name: "ADL policy",
    about: "Which winners are deleveraged, and by how much.",
    entries: || POLICIES.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: true,
};
