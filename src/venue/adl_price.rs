//! The price at which a loser is deleveraged.

use super::Venue;
use super::rules::{AdlPrice, CashLayer};
use crate::facts::{ContractId, Side};
use crate::money::{Cash, Price, Qty, Ratio};

impl Venue {
    /// The price for these lots of a loser with this bankruptcy tick and this equity above zero there, which counts where
    /// the fund pays for the mark alone.
    #[inline]
    pub(super) fn adl_price(
        &mut self,
        contract: ContractId,
        side: Side,
        lots: Qty,
        bankruptcy: Price,
        surplus: Cash,
    ) -> Price {
        let mark = self.marks[usize::from(contract)];
        match self.rules.waterfall.adl_price {
            AdlPrice::Bankruptcy => bankruptcy,
            AdlPrice::Mark => mark,
            AdlPrice::Oracle => self.index(contract),
            AdlPrice::OracleWhileSolvent => match side {
                Side::Long => self.index(contract).max(bankruptcy),
                Side::Short => self.index(contract).min(bankruptcy),
            },
            AdlPrice::BankruptcyNearMark { within } => {
                let away = i128::from((bankruptcy - mark).0.abs()) * i128::from(Ratio::ONE.0);
                if away > i128::from(within.0) * i128::from(mark.0) { mark } else { bankruptcy }
            }
            AdlPrice::MarkWhileFunded => {
                let k = self.ledger.multiplier(contract);
                let qty = if side == Side::Long { lots } else { -lots };
                let cost = (k.value(qty, bankruptcy) - k.value(qty, mark) - surplus).positive_part();
                if cost <= self.left_for_marks(contract) {
                    self.agenda.promised.push((contract, cost));
                    mark
                } else {
                    bankruptcy
                }
            }
        }
    }

    /// What the pool of a contract has left above its floor for closing losers at the mark in this instant.
    fn left_for_marks(&self, contract: ContractId) -> Cash {
        if !self.rules.cash_layers.contains(&CashLayer::Fund) {
            return Cash::ZERO;
        }
        let promised = self.agenda.promised.iter().filter(|(other, _)| self.funds.share(contract, *other));
        self.whole_budget(contract) - promised.map(|(_, cost)| *cost).sum::<Cash>()
    }
}
