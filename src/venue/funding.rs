//! Funding between longs and shorts, and on the engine's tickets.

use super::Venue;
use super::ledger::Holder;
use crate::facts::{ContractId, Fact, Paid, Party, Why};
use crate::money::{Cash, Ratio, div_ceil, div_floor, narrow};

impl Venue {
    /// Funding moves the triggers, not the accounts: what each position owes follows from one running sum.
    pub(super) fn fund(&mut self, contract: ContractId, per_lot: Cash) {
        if per_lot.is_zero() {
            return;
        }
        let c = usize::from(contract);
        self.ledger.fund_positions(contract, per_lot);
        let rules = &self.rules.contracts[c];
        let (one, k) = (i128::from(Ratio::ONE.0), i128::from(rules.per_step()));
        // At whatever step of volatility, since the shift outlasts it.
        let rate = self.dynamic.greatest_rate(c).unwrap_or_else(|| rules.tiers.greatest_rate());
        let rate = i128::from(rate.0);
        // On the trigger line those who suffer from a fall pay a positive rate.
        let adverse = i128::from(if rules.multiplier.is_linear() { per_lot.0 } else { -per_lot.0 });
        let [falling, rising] = &mut self.cursors[c];
        // A cash unit a lot is worth 1/(k·(1 − r)) steps to the one side and 1/(k·(1 + r)) to the other, r between 0 and
        // the greatest rate: rounded so that nobody is overlooked.
        if adverse > 0 {
            falling.shift.add(div_ceil(adverse * one * one, k * (one - rate)));
            rising.shift.add(-div_floor(adverse * one * one, k * (one + rate)));
        } else {
            falling.shift.add(-div_floor(-adverse * one, k));
            rising.shift.add(div_ceil(-adverse * one, k));
        }
        self.fund_tickets(contract, per_lot);
    }

    /// Funding on the engine's tickets: what it owes is a shortfall of the fund's and then of the other cash layers, what
    /// it is due an inflow.
    fn fund_tickets(&mut self, contract: ContractId, per_lot: Cash) {
        let lots = self.engine.net_lots(contract);
        if lots.is_zero() {
            return;
        }
        let owed = Cash(narrow(i128::from(lots.0) * i128::from(per_lot.0)));
        let clearing = Party::Clearing(contract);
        if owed.0 < 0 {
            self.ledger.post(clearing, Party::Engine, -owed, Why::Funding);
            self.ledger.post(Party::Engine, Party::Fund, -owed, Why::Inventory);
            self.fund_moved(contract);
            return;
        }
        self.ledger.post(Party::Engine, clearing, owed, Why::Funding);
        let mut paid = Paid::default();
        self.cover(owed, Holder::House(Party::Engine), contract, None, &mut paid);
        self.rearm_charged();
        self.ledger.facts.push(Fact::TicketsFunded { contract, owed, paid });
    }
}
