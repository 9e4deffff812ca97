//! Funding between longs and shorts, and on the engine's tickets.

use super::Venue;
use super::ledger::Holder;
use super::rules::ContractRules;
use super::watch::Shift;
use crate::facts::{ContractId, Fact, Paid, Party, Why};
use crate::money::{Cash, Qty, Ratio, div_ceil, div_floor, narrow};

/// Steps of the trigger line that a cash unit a lot is worth where maintenance takes a share of each step, 1 ÷ (k·share),
/// rounded down and up to a [`Shift`]'s part of a step: so that a payment costs products alone.
#[derive(Clone, Copy, Debug)]
struct Pace {
    down: Steps,
    up: Steps,
}

/// Whole steps and parts of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Steps {
    whole: i64,
    parts: i64,
}

impl Steps {
    fn new(parts: i128) -> Self {
        Self { whole: narrow(parts >> Shift::BITS), parts: narrow(parts & (Shift::ONE - 1)) }
    }

    /// So many times these steps, in parts.
    #[inline]
    fn times(self, amount: i64) -> i128 {
        (i128::from(amount * self.whole) << Shift::BITS) + i128::from(amount) * i128::from(self.parts)
    }
}

/// What funding moves the triggers of one contract by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paces {
    /// On the trigger line those who suffer from a fall pay a positive rate: longs of a linear contract.
    is_linear: bool,
    /// At the greatest maintenance rate r: of those who suffer from a fall 1 − r, of the others 1 + r.
    falling: Pace,
    rising: Pace,
    /// At none.
    least: Pace,
}

impl Paces {
    /// Of a contract whose maintenance rate is at most `rate`.
    pub fn new(rules: &ContractRules, rate: Ratio) -> Self {
        let pace = |share: Ratio| {
            let (one, by) = (i128::from(Ratio::ONE.0), i128::from(rules.per_step()) * i128::from(share.0));
            let (down, up) = (div_floor(one * Shift::ONE, by), div_ceil(one * Shift::ONE, by));
            Pace { down: Steps::new(down), up: Steps::new(up) }
        };
        let is_linear = rules.multiplier.is_linear();
        Self { is_linear, falling: pace(Ratio::ONE - rate), rising: pace(Ratio::ONE + rate), least: pace(Ratio::ONE) }
    }
}

impl Venue {
    /// Funding moves the triggers, not the accounts: what each position owes follows from one running sum.
    pub(super) fn fund(&mut self, contract: ContractId, per_lot: Cash) {
        if per_lot.is_zero() {
            return;
        }
        let c = usize::from(contract);
        self.ledger.fund_positions(contract, per_lot);
        let paces = &self.paces[c];
        let adverse = if paces.is_linear { per_lot.0 } else { -per_lot.0 };
        let [falling, rising] = &mut self.cursors[c];
        // A cash unit a lot is worth 1/(k·(1 − r)) steps to the one side and 1/(k·(1 + r)) to the other, r between 0 and
        // the greatest rate: rounded so that nobody is overlooked.
        let (fall, rise) =
            if adverse > 0 { (paces.falling.up, paces.rising.down) } else { (paces.least.down, paces.least.up) };
        falling.shift.add(fall.times(adverse));
        rising.shift.add(rise.times(-adverse));
        self.fund_tickets(contract, per_lot);
    }

    /// Funding on the engine's tickets: what it owes is a shortfall of the fund's and then of the other cash layers, what
    /// it is due an inflow.
    fn fund_tickets(&mut self, contract: ContractId, per_lot: Cash) {
        if !self.engine.is_empty() {
            self.fund_lots(contract, self.engine.net_lots(contract), per_lot);
        }
    }

    #[inline(never)]
    fn fund_lots(&mut self, contract: ContractId, lots: Qty, per_lot: Cash) {
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
    use crate::money::Multiplier;
    use crate::venue::margin::{Tier, Tiers};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pace_bounds_what_a_unit_a_lot_is_worth_from_both_sides(
            k in prop_oneof![1i64..100_000, 1i64..i64::MAX / 4],
            rate in 1i64..Ratio::ONE.0,
        ) {
            let tier = Tier { floor: Cash::ZERO, rate: Ratio(rate), max_leverage: Ratio::ONE };
            let rules = ContractRules { multiplier: Multiplier::Linear(k), tiers: Tiers::new(vec![tier]).unwrap() };
            let paces = Paces::new(&rules, Ratio(rate));
            let shares = [(paces.falling, Ratio::ONE.0 - rate), (paces.rising, Ratio::ONE.0 + rate), (paces.least, Ratio::ONE.0)];
            for (pace, share) in shares {
                // 1 ÷ (k·share) in parts, times k·share.
                let (exact, by) = (i128::from(Ratio::ONE.0) * Shift::ONE, i128::from(k) * i128::from(share));
                let (down, up) = (pace.down.times(1), pace.up.times(1));
                prop_assert!(down * by <= exact && exact <= up * by && up - down <= 1);
                prop_assert_eq!(pace.up.times(-7), -7 * up);
            }
        }
    }

    #[test]
    fn payments_add_up_to_whole_steps_both_ways() {
        // 700 units a lot, 100 a lot and step, at a rate of 0.4 %: 700 ÷ 99.6 = 7.03 steps, and 700 ÷ 100.4 = 6.97.
        let tier = Tier { floor: Cash::ZERO, rate: Ratio(4_000_000), max_leverage: Ratio::ONE };
        let rules = ContractRules { multiplier: Multiplier::Linear(100), tiers: Tiers::new(vec![tier]).unwrap() };
        let paces = Paces::new(&rules, Ratio(4_000_000));
        let mut shift = Shift::default();
        shift.add(paces.falling.up.times(700));
        assert_eq!((shift.down, shift.up), (7, 8));
        shift.add(paces.rising.down.times(-700));
        assert_eq!((shift.down, shift.up), (0, 1));
        shift.add(paces.falling.down.times(-700));
        assert_eq!((shift.down, shift.up), (-7, -6));
    }
}
