//! What accounts did of their own accord: every such trade and withdrawal is told, and nothing is told that was not done.

use crate::facts::{AccountId, Conduct, ContractId, Deed};

/// Account, contract, signed lots, notional at the mark.
type Trade = (AccountId, ContractId, i64, i64);

/// Legs and deeds of a batch, and the sums of a path.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnDeeds {
    legs: Vec<Trade>,
    told: Vec<Trade>,
    taken: Vec<(AccountId, i64)>,
    told_taken: Vec<(AccountId, i64)>,
    orders: i64,
    sold: i64,
    bought: i64,
    withdrawn: i64,
}

impl OwnDeeds {
    /// Forgets the last path.
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }

    pub(super) fn traded(&mut self, account: AccountId, contract: ContractId, qty: i64, notional: i64) {
        self.legs.push((account, contract, qty, notional));
        self.orders += 1;
        if qty > 0 {
            self.bought += notional;
        } else {
            self.sold += notional;
        }
    }

    pub(super) fn withdrew(&mut self, account: AccountId, amount: i64) {
        self.taken.push((account, amount));
        self.withdrawn += amount;
    }

    pub(super) fn declare(&mut self, account: AccountId, contract: ContractId, deed: Deed, qty: i64, amount: i64) {
        match deed {
            Deed::Traded => self.told.push((account, contract, qty, amount)),
            Deed::Withdrew => self.told_taken.push((account, amount)),
            // Inside one account, or outside of the venue.
            Deed::ToppedUp | Deed::HedgeBroken | Deed::SoldSpot => {}
        }
    }

    /// At the end of a batch: each leg has its deed and each deed its leg.
    pub(super) fn as_traded(&mut self) -> Result<(), String> {
        if self.legs.is_empty() && self.told.is_empty() && self.taken.is_empty() && self.told_taken.is_empty() {
            return Ok(());
        }
        if self.legs != self.told {
            return Err(format!("accounts traded of their own accord {:?}; as told: {:?}", self.legs, self.told));
        }
        if self.taken != self.told_taken {
            return Err(format!("accounts withdrew {:?}; as told: {:?}", self.taken, self.told_taken));
        }
        self.legs.clear();
        self.told.clear();
        self.taken.clear();
        self.told_taken.clear();
        Ok(())
    }

    /// Compares the columns of the row with the legs.
    pub(super) fn agree(&self, row: &Conduct) -> Result<(), String> {
        for (what, in_row, here) in [
            ("voluntary_orders", row.voluntary_orders, self.orders),
            ("voluntary_sold", row.voluntary_sold, self.sold),
            ("voluntary_bought", row.voluntary_bought, self.bought),
            ("withdrawn", row.withdrawn, self.withdrawn),
        ] {
            if in_row != here {
                return Err(format!("the row has {what} {in_row}, the audit {here}"));
            }
        }
        Ok(())
    }
}
