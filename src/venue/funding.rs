//! Funding between longs and shorts, and on the engine's tickets.

use super::Venue;
use super::ledger::Holder;
use super::rules::ContractRules;
use super::watch::Shift;
use crate::facts::{ContractId, Fact, Paid, Party, Side, Why};
use crate::money::{Cash, Qty, Ratio, div_ceil, div_floor, narrow};

/// Steps of the trigger line that a cash unit a lot is worth to those on one side of it, 1 ÷ (k·share) where maintenance
/// leaves that share of each step to the holder: in parts of a step, 2^−33 each, rounded down where it is worth least
/// and up where it is worth most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    least: i64,
    most: i64,
}

impl Pace {
    /// For a payment (signed, positive against the holder), what brings a position towards its trigger the farthest.
    #[inline]
    fn at_most(self, per_lot: i64) -> i64 {
        if per_lot > 0 { self.most } else { self.least }
    }

    /// The same for what brings it the least far.
    fn at_least(self, per_lot: i64) -> i64 {
        if per_lot > 0 { self.least } else { self.most }
    }
}

/// What funding moves the triggers of one contract by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paces {
    /// What those who suffer from a fall on the trigger line pay of a positive rate: 1, being longs, of a linear contract,
    /// −1 of an inverse one.
    sign: i64,
    /// Of a step maintenance at a rate r leaves 1 − r to those who suffer from a fall, 1 + r to the others.
    sides: [Pace; 2],
}

impl Paces {
    /// Of a contract whose maintenance rate lies within these.
    pub fn new(rules: &ContractRules, [least, greatest]: [Ratio; 2]) -> Self {
        let per_step = i128::from(rules.per_step());
        let (one, by) = (i128::from(Ratio::ONE.0), |share: Ratio| per_step * i128::from(share.0));
        let shares = [[Ratio::ONE - least, Ratio::ONE - greatest], [Ratio::ONE + greatest, Ratio::ONE + least]];
        let parts = one << Shift::BITS;
        let sides = shares.map(|[slow, fast]| Pace {
            least: narrow(div_floor(parts, by(slow))),
            most: narrow(div_ceil(parts, by(fast))),
        });
        Self { sign: if rules.multiplier.is_linear() { 1 } else { -1 }, sides }
    }

    /// What those who suffer from a fall on the trigger line pay, and the others, where each long pays so much a lot.
    #[inline]
    fn against(&self, per_lot: Cash) -> [i64; 2] {
        let falling = self.sign * per_lot.0;
        [falling, -falling]
    }

    /// Whole steps, at least and at most, by which Σ funding a lot has brought those on a side of the trigger line towards
    /// their triggers whom nothing else has befallen.
    pub fn span(&self, side: Side, funding: Cash) -> [i64; 2] {
        let s = usize::from(side == Side::Short);
        let (against, pace) = (self.against(funding)[s], self.sides[s]);
        let parts = |pace: i64| i128::from(against) * i128::from(pace);
        let (least, most) = (parts(pace.at_least(against)), parts(pace.at_most(against)));
        [narrow(least >> Shift::BITS), narrow(-(-most >> Shift::BITS))]
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
        let ([falling, rising], [against, for_others]) = (&mut self.cursors[c], paces.against(per_lot));
        falling.shift.add(against, paces.sides[0].at_most(against));
        rising.shift.add(for_others, paces.sides[1].at_most(for_others));
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
            let paces = Paces::new(&rules, [Ratio(rate / 2), Ratio(rate)]);
            let [falling, rising] = paces.sides;
            let shares = [
                (falling.least, Ratio::ONE.0 - rate / 2),
                (falling.most - 1, Ratio::ONE.0 - rate),
                (rising.least, Ratio::ONE.0 + rate),
                (rising.most - 1, Ratio::ONE.0 + rate / 2),
            ];
            for (parts, share) in shares {
                // 1 ÷ (k·share) in parts, times k·share.
                let (exact, by) = (i128::from(Ratio::ONE.0) << Shift::BITS, i128::from(k) * i128::from(share));
                let parts = i128::from(parts);
                prop_assert!(parts * by <= exact && exact <= (parts + 1) * by);
            }
        }
    }

    proptest! {
        #[test]
        fn a_shift_is_the_sum_of_what_was_added_rounded_up(
            added in proptest::collection::vec((any::<i64>(), 0..63u32, 0..1i64 << 62, 0..62u32), 1..20),
        ) {
            let (mut shift, mut sum) = (Shift::default(), 0i128);
            for (amount, less, parts, fewer) in added {
                let (amount, parts) = (amount >> less, parts >> fewer);
                let more = i128::from(amount) * i128::from(parts);
                // As far as whole steps fit a word.
                if ((sum + more) >> Shift::BITS).unsigned_abs() < 1 << 62 {
                    sum += more;
                    shift.add(amount, parts);
                }
                prop_assert!(!shift.is_any() || i128::from(shift.up()) == (sum >> Shift::BITS) + 1);
            }
        }
    }

    #[test]
    fn payments_add_up_to_whole_steps_both_ways() {
        // 700 units a lot, 100 a lot and step, at a rate of 0.4 %: 700 ÷ 99.6 = 7.03 steps, and 700 ÷ 100.4 = 6.97.
        let tier = Tier { floor: Cash::ZERO, rate: Ratio(4_000_000), max_leverage: Ratio::ONE };
        let rules = ContractRules { multiplier: Multiplier::Linear(100), tiers: Tiers::new(vec![tier]).unwrap() };
        let paces = Paces::new(&rules, [Ratio(4_000_000); 2]);
        let [falling, rising] = paces.sides;
        let mut shift = Shift::default();
        let mut add = |pace: Pace, amount| {
            shift.add(amount, pace.at_most(amount));
            shift.up()
        };
        assert_eq!(add(falling, 700), 8);
        assert_eq!(add(rising, -700), 1);
        assert_eq!(add(falling, -700), -6);
        assert_eq!(paces.span(Side::Long, Cash(700)), [7, 8]);
        assert_eq!(paces.span(Side::Long, Cash(-700)), [-8, -7]);
        assert_eq!(paces.span(Side::Short, Cash(700)), [-7, -6]);
    }
}
