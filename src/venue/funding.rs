//! Funding between longs and shorts, and on the engine's tickets.

use super::Venue;
use super::ledger::Holder;
use crate::facts::{ContractId, Fact, Paid, Party, Why};
use crate::money::{Cash, Ratio, div_ceil, div_floor, narrow};

/// amount ÷ (k·share) in billionths, rounded down and up; all above 0.
#[expect(clippy::inline_always, reason = "twice a payment, and half of what it finds is asked for")]
#[inline(always)]
fn steps(amount: i64, k: i64, share: Ratio) -> (i128, i128) {
    narrow_steps(amount, k, share).unwrap_or_else(|| wide_steps(amount, k, share))
}

#[cold]
fn wide_steps(amount: i64, k: i64, share: Ratio) -> (i128, i128) {
    let one = i128::from(Ratio::ONE.0);
    let (a, b) = (i128::from(amount) * one * one, i128::from(k) * i128::from(share.0));
    (div_floor(a, b), div_ceil(a, b))
}

/// The same in 64 bits: 10¹⁸ is divided first, and its remainder with the amount.
#[inline]
fn narrow_steps(amount: i64, k: i64, share: Ratio) -> Option<(i128, i128)> {
    const ONE: i64 = Ratio::ONE.0 * Ratio::ONE.0;
    let by = k.checked_mul(share.0)?;
    let rest = amount.checked_mul(ONE % by)?;
    let down = amount.checked_mul(ONE / by)?.checked_add(rest / by)?;
    let up = i128::from(down) + i128::from(rest % by != 0);
    Some((i128::from(down), up))
}

impl Venue {
    /// Funding moves the triggers, not the accounts: what each position owes follows from one running sum.
    pub(super) fn fund(&mut self, contract: ContractId, per_lot: Cash) {
        if per_lot.is_zero() {
            return;
        }
        let c = usize::from(contract);
        self.ledger.fund_positions(contract, per_lot);
        let rules = &self.rules.contracts[c];
        let k = rules.per_step();
        // At whatever step of volatility, since the shift outlasts it.
        let rate = self.dynamic.greatest_rate(c).unwrap_or_else(|| rules.tiers.greatest_rate());
        // On the trigger line those who suffer from a fall pay a positive rate.
        let adverse = if rules.multiplier.is_linear() { per_lot.0 } else { -per_lot.0 };
        let [falling, rising] = &mut self.cursors[c];
        // A cash unit a lot is worth 1/(k·(1 − r)) steps to the one side and 1/(k·(1 + r)) to the other, r between 0 and
        // the greatest rate: rounded so that nobody is overlooked.
        if adverse > 0 {
            falling.shift.add(steps(adverse, k, Ratio::ONE - rate).1);
            rising.shift.add(-steps(adverse, k, Ratio::ONE + rate).0);
        } else {
            falling.shift.add(-steps(-adverse, k, Ratio::ONE).0);
            rising.shift.add(steps(-adverse, k, Ratio::ONE).1);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_in_64_bits_are_those_of_128(
            amount in prop_oneof![1i64..1_000_000, 1i64..i64::MAX / 4],
            k in prop_oneof![1i64..100_000, 1i64..i64::MAX / 4],
            share in 1_000_000i64..2_000_000_000,
        ) {
            let one = i128::from(Ratio::ONE.0);
            let (a, b) = (i128::from(amount) * one * one, i128::from(k) * i128::from(share));
            prop_assert_eq!(steps(amount, k, Ratio(share)), (div_floor(a, b), div_ceil(a, b)));
        }
    }

    #[test]
    fn a_usual_payment_is_found_in_64_bits() {
        // 700 units a lot, 100 a lot and tick, at a rate of 0.4 %: 700 ÷ 99.6 = 7.028112449799… steps.
        let found = narrow_steps(700, 100, Ratio(996_000_000));
        assert_eq!(found, Some((7_028_112_449, 7_028_112_450)));
    }
}
