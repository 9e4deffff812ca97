//! Tiers, maintenance margin, liquidation and bankruptcy ticks.

use std::cmp::Ordering;

use super::bisect::last_that_holds;
use super::rules::Trigger;
use crate::money::{Cash, Multiplier, Price, Qty, Ratio, div_ceil, div_floor, narrow};

/// One tier: from `floor` of notional on, `rate` of maintenance, at most `max_leverage` (in billionths).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    pub floor: Cash,
    pub rate: Ratio,
    pub max_leverage: Ratio,
}

/// A maintenance schedule: rates rise with notional, and deductions make maintenance continuous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers {
    tiers: Vec<Tier>,
    /// Deduction of each tier, in billionths of a cash unit: exact.
    deductions: Vec<i128>,
    /// The same rates and deductions over the smallest common denominator, so that the usual case fits 64 bits.
    scale: i64,
    scaled: Vec<Scaled>,
    /// Whether these are haircuts of a token that accounts hold, and not the margin of a contract.
    haircuts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scaled {
    floor: i64,
    /// rate × scale
    rate: i64,
    /// deduction × scale
    deduction: i128,
}

/// A position of a linear contract on its way to its liquidation tick.
#[derive(Clone, Copy, Debug)]
struct Losing {
    trigger: Trigger,
    qty: Qty,
    /// Cash units per lot and tick.
    per_tick: i64,
    /// Cost less collateral, in cash units.
    need: i64,
}

impl Losing {
    /// Notional at a price.
    #[inline]
    fn value(self, price: i64) -> Cash {
        Multiplier::Linear(self.per_tick).value(self.qty.abs(), Price(price.max(0)))
    }
}

/// Why a schedule is not one: index of the offending tier and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTier {
    pub tier: usize,
    pub message: &'static str,
}

impl Tiers {
    /// Deductions follow from the tiers: d₀ = 0, dₙ = dₙ₋₁ + floorₙ·(rateₙ − rateₙ₋₁).
    ///
    /// # Errors
    /// Where the first floor is not 0, floors do not rise, a rate falls or is outside (0, 1).
    pub fn new(tiers: Vec<Tier>) -> Result<Self, BadTier> {
        let bad = |tier, message| Err(BadTier { tier, message });
        if tiers.is_empty() {
            return bad(0, "there must be at least one tier");
        }
        if !tiers[0].floor.is_zero() {
            return bad(0, "the first tier must start at a notional of 0");
        }
        let mut deductions = vec![0i128];
        for (i, tier) in tiers.iter().enumerate() {
            if tier.rate.0 <= 0 || tier.rate >= Ratio::ONE {
                return bad(i, "a maintenance rate must lie above 0 and below 1");
            }
            if i > 0 {
                let before = tiers[i - 1];
                if tier.floor <= before.floor {
                    return bad(i, "each tier must start above the one before");
                }
                if tier.rate < before.rate {
                    return bad(i, "a maintenance rate must not fall from tier to tier");
                }
                deductions.push(deductions[i - 1] + i128::from(tier.floor.0) * i128::from((tier.rate - before.rate).0));
            }
        }
        let common = tiers.iter().fold(Ratio::ONE.0, |gcd, tier| greatest_common_divisor(gcd, tier.rate.0));
        let scaled = tiers
            .iter()
            .zip(&deductions)
            .map(|(tier, deduction)| Scaled {
                floor: tier.floor.0,
                rate: tier.rate.0 / common,
                deduction: deduction / i128::from(common),
            })
            .collect();
        Ok(Self { tiers, deductions, scale: Ratio::ONE.0 / common, scaled, haircuts: false })
    }

    /// The same rates as haircuts of a token that accounts hold as collateral: what a rate takes off the token's value is
    /// maintenance. Orders on such holdings come after those on all contracts of their account, and never go to ADL.
    #[must_use]
    pub fn into_haircuts(self) -> Self {
        Self { haircuts: true, ..self }
    }

    /// Whether positions under these rates are holdings of a token.
    #[must_use]
    pub fn are_haircuts(&self) -> bool {
        self.haircuts
    }

    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    #[must_use]
    pub fn deductions(&self) -> &[i128] {
        &self.deductions
    }

    /// The tier that a notional value falls in.
    #[must_use]
    #[inline]
    pub fn tier_of(&self, notional: Cash) -> usize {
        // Schedules are short and most accounts small: a walk from below beats a bisection.
        self.scaled.iter().skip(1).take_while(|tier| tier.floor <= notional.0).count()
    }

    /// Maintenance margin of a notional value, exactly, as a count of 1/[`scale`](Self::scale) cash units:
    /// rate·notional − deduction of its tier, which is the maximum over tiers.
    #[must_use]
    #[inline]
    pub fn maintenance_scaled(&self, notional: Cash) -> i128 {
        let tier = self.scaled[self.tier_of(notional)];
        i128::from(tier.rate) * i128::from(notional.0) - tier.deduction
    }

    /// The same where all products fit 64 bits.
    #[inline]
    fn narrow_maintenance(&self, notional: Cash) -> Option<i64> {
        let tier = self.scaled[self.tier_of(notional)];
        tier.rate.checked_mul(notional.0)?.checked_sub(i64::try_from(tier.deduction).ok()?)
    }

    /// Denominator of [`maintenance_scaled`](Self::maintenance_scaled).
    #[must_use]
    pub fn scale(&self) -> i64 {
        self.scale
    }

    /// The same in billionths of a cash unit.
    #[must_use]
    pub fn maintenance_billionths(&self, notional: Cash) -> i128 {
        self.maintenance_scaled(notional) * i128::from(Ratio::ONE.0 / self.scale)
    }

    /// The rate of the last tier: maintenance never rises faster.
    #[must_use]
    pub fn greatest_rate(&self) -> Ratio {
        self.tiers.last().map_or(Ratio(0), |tier| tier.rate)
    }

    /// The rates of the first and the last tier: between these maintenance rises with notional.
    #[must_use]
    pub fn rates(&self) -> [Ratio; 2] {
        [self.tiers.first().map_or(Ratio(0), |tier| tier.rate), self.greatest_rate()]
    }

    /// Initial margin of the first tier as a share of notional, 1 ÷ its greatest leverage, rounded up to a billionth.
    #[must_use]
    pub fn initial_rate(&self) -> Ratio {
        let one = i128::from(Ratio::ONE.0);
        self.tiers
            .first()
            .map_or(Ratio(0), |tier| Ratio(narrow(div_ceil(one * one, i128::from(tier.max_leverage.0.max(1))))))
    }

    /// Maintenance margin rounded up to a whole cash unit: the safe side for an account.
    #[must_use]
    pub fn maintenance(&self, notional: Cash) -> Cash {
        match self.narrow_maintenance(notional) {
            Some(scaled) => Cash(ceil(scaled, self.scale)),
            None => Cash(narrow(div_ceil(self.maintenance_scaled(notional), i128::from(self.scale)))),
        }
    }

    /// Initial margin of a notional value: that ÷ greatest leverage of its tier, rounded up to a cash unit.
    #[must_use]
    pub fn initial(&self, notional: Cash) -> Cash {
        let leverage = self.tiers[self.tier_of(notional)].max_leverage;
        let margin = div_ceil(i128::from(notional.0) * i128::from(Ratio::ONE.0), i128::from(leverage.0.max(1)));
        Cash(narrow(margin))
    }

    /// The same in billionths of a cash unit, rounded up.
    #[must_use]
    pub fn initial_billionths(&self, notional: Cash) -> i128 {
        let leverage = self.tiers[self.tier_of(notional)].max_leverage;
        let one = i128::from(Ratio::ONE.0);
        div_ceil(i128::from(notional.0) * (one * one), i128::from(leverage.0.max(1)))
    }

    /// Whether equity breaches the maintenance margin of a notional value.
    #[must_use]
    #[inline]
    pub fn breaches(&self, trigger: Trigger, equity: Cash, notional: Cash) -> bool {
        let order = match (equity.0.checked_mul(self.scale), self.narrow_maintenance(notional)) {
            (Some(equity), Some(maintenance)) => equity.cmp(&maintenance),
            _ => self.wide_order(equity, notional),
        };
        match trigger {
            Trigger::Below => order.is_lt(),
            Trigger::AtOrBelow => order.is_le(),
        }
    }

    /// Equity against maintenance, in 128 bits.
    #[inline(never)]
    fn wide_order(&self, equity: Cash, notional: Cash) -> Ordering {
        (i128::from(equity.0) * i128::from(self.scale)).cmp(&self.maintenance_scaled(notional))
    }

    /// Whether equity is at least maintenance × (1 + buffer).
    #[must_use]
    #[inline]
    pub fn covers(&self, equity: Cash, notional: Cash, buffer: Ratio) -> bool {
        // (equity − maintenance) ≥ maintenance × buffer, over the common denominator.
        if let Some(maintenance) = self.narrow_maintenance(notional)
            && let Some(excess) = equity.0.checked_mul(self.scale).and_then(|equity| equity.checked_sub(maintenance))
        {
            return i128::from(excess) * i128::from(Ratio::ONE.0) >= i128::from(maintenance) * i128::from(buffer.0);
        }
        let maintenance = self.maintenance_scaled(notional);
        let excess = i128::from(equity.0) * i128::from(self.scale) - maintenance;
        excess * i128::from(Ratio::ONE.0) >= maintenance * i128::from(buffer.0)
    }

    /// The liquidation tick: the first tick, in the direction of loss, at which the venue's test holds. Maintenance is
    /// the maximum over tiers of a line in the price, so the tick is the first over tiers of each line's own.
    ///
    /// Long: the greatest p with p·qk(1 − rate) < cost − collateral − deduction (or ≤); short mirrored. May be zero or
    /// below for a long that cannot be liquidated.
    #[must_use]
    #[expect(clippy::inline_always, reason = "once a position, and one division")]
    #[inline(always)]
    pub fn liquidation_tick(&self, trigger: Trigger, k: Multiplier, qty: Qty, cost: Cash, collateral: Cash) -> Price {
        if let (Multiplier::Linear(per_tick), 1) = (k, self.scaled.len()) {
            return Price(self.tick_in(0, Losing { trigger, qty, per_tick, need: (cost - collateral).0 }));
        }
        self.first_of_tiers(trigger, k, qty, cost, collateral)
    }

    /// The same where there is more than one tier, or the price is on the curve of an inverse contract.
    #[inline(never)]
    fn first_of_tiers(&self, trigger: Trigger, k: Multiplier, qty: Qty, cost: Cash, collateral: Cash) -> Price {
        let per_tick = match k {
            Multiplier::Linear(per_tick) => per_tick,
            Multiplier::Inverse(_) => {
                return first_tick(k, qty, |price| {
                    let value = k.value(qty, price);
                    self.breaches(trigger, collateral + value - cost, value.abs())
                });
            }
        };
        let losing = Losing { trigger, qty, per_tick, need: (cost - collateral).0 };
        let known = self.tier_of(cost.abs());
        let best = self.tick_in(known, losing);
        let value = |price: i64| losing.value(price);
        // A long whose notional only falls from the first tier stays in it; a short's only rises from its tier's floor.
        let settled = if qty.0 > 0 {
            known == 0 && value(best + 1) <= cost
        } else {
            self.is_in(known, value(best)) && value(best - 1) >= -cost
        };
        Price(if settled { best } else { self.improved(losing, known, best) })
    }

    /// Newton's iteration on a piecewise linear function: it starts with the best tick of a known tier and stops when no
    /// tier met near the answer improves it.
    fn improved(&self, losing: Losing, mut known: usize, mut best: i64) -> i64 {
        let qty = losing.qty;
        loop {
            let (low, high) = if qty.0 > 0 { (best, best + 1) } else { (best - 1, best) };
            let (low, high) = (losing.value(low), losing.value(high));
            let first = self.tier_of(low);
            let last = if self.is_in(first, high) { first } else { self.tier_of(high) };
            if first == known && last == known {
                return best;
            }
            let mut improved = best;
            for tier in first..=last {
                let other = self.tick_in(tier, losing);
                if (qty.0 > 0 && other > improved) || (qty.0 < 0 && other < improved) {
                    (improved, known) = (other, tier);
                }
            }
            if improved == best {
                return best;
            }
            best = improved;
        }
    }

    /// The liquidation tick by the line of one tier. The usual case fits 64 bits, where a division is several times faster.
    #[expect(clippy::inline_always, reason = "once a position")]
    #[inline(always)]
    fn tick_in(&self, tier: usize, losing: Losing) -> i64 {
        self.narrow_tick(tier, losing).unwrap_or_else(|| self.wide_tick(tier, losing))
    }

    /// The same where all products fit 64 bits.
    #[expect(clippy::inline_always, reason = "one division, once a position")]
    #[inline(always)]
    fn narrow_tick(&self, tier: usize, losing: Losing) -> Option<i64> {
        let Losing { trigger, qty, per_tick, need } = losing;
        let Scaled { rate, deduction, .. } = self.scaled[tier];
        let deduction = i64::try_from(deduction).ok()?;
        let need = need.checked_mul(self.scale)?;
        let lot_slope = qty.0.abs().checked_mul(per_tick)?;
        if qty.0 > 0 {
            let (reach, slope) = (need.checked_sub(deduction)?, lot_slope.checked_mul(self.scale - rate)?);
            Some(match trigger {
                Trigger::Below => ceil(reach, slope) - 1,
                Trigger::AtOrBelow => floor(reach, slope),
            })
        } else {
            let (reach, slope) = (deduction.checked_sub(need)?, lot_slope.checked_mul(self.scale + rate)?);
            Some(match trigger {
                Trigger::Below => floor(reach, slope) + 1,
                Trigger::AtOrBelow => ceil(reach, slope),
            })
        }
    }

    /// The same in 128 bits.
    #[cold]
    fn wide_tick(&self, tier: usize, losing: Losing) -> i64 {
        let Losing { trigger, qty, per_tick, need } = losing;
        let Scaled { rate, deduction, .. } = self.scaled[tier];
        let need = i128::from(need) * i128::from(self.scale);
        let lot_slope = i128::from(qty.0.abs()) * i128::from(per_tick);
        if qty.0 > 0 {
            let slope = lot_slope * i128::from(self.scale - rate);
            match trigger {
                Trigger::Below => narrow(div_ceil(need - deduction, slope)) - 1,
                Trigger::AtOrBelow => narrow(div_floor(need - deduction, slope)),
            }
        } else {
            let slope = lot_slope * i128::from(self.scale + rate);
            match trigger {
                Trigger::Below => narrow(div_floor(deduction - need, slope)) + 1,
                Trigger::AtOrBelow => narrow(div_ceil(deduction - need, slope)),
            }
        }
    }

    /// Whether a notional of at least the floor of a tier lies in it.
    fn is_in(&self, tier: usize, notional: Cash) -> bool {
        self.scaled.get(tier + 1).is_none_or(|next| notional.0 < next.floor)
    }
}

/// The first tick above 0, in the direction of loss of `qty` lots of an inverse contract, at which a condition holds that
/// goes on to hold beyond it: 0 for a long where there is none, [`BEYOND_ALL`] for a short.
fn first_tick(k: Multiplier, qty: Qty, holds: impl Fn(Price) -> bool) -> Price {
    let long = qty.0 > 0;
    // Beyond the price of two f a lot is worth nothing, so nothing changes any more.
    let Multiplier::Inverse(f) = k else { unreachable!("linear ticks are found by division") };
    let (fails, found) = if long { (f.saturating_mul(2) + 1, 0) } else { (0, f.saturating_mul(2) + 1) };
    if long && holds(Price(fails)) {
        return Price(fails);
    }
    if !long && !holds(Price(found)) {
        return BEYOND_ALL;
    }
    Price(last_that_holds(found, fails, |tick| holds(Price(tick))))
}

/// A tick that no mark reaches.
pub const BEYOND_ALL: Price = Price(1 << 60);

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Quotient of a positive divisor towards −∞.
#[inline]
fn floor(a: i64, b: i64) -> i64 {
    let (quotient, rest) = (a / b, a % b);
    quotient - i64::from(rest < 0)
}

/// Quotient of a positive divisor towards +∞.
#[inline]
fn ceil(a: i64, b: i64) -> i64 {
    let (quotient, rest) = (a / b, a % b);
    quotient + i64::from(rest > 0)
}

/// The bankruptcy tick and the sub-tick surplus: the last tick, in the direction of loss, at which equity after closing
/// is ≥ 0, and that equity. Negative only where no price is high or low enough: a position of a cross account that lost
/// more elsewhere than this one is worth. Long: b = ⌈(cost − collateral)/(q·k)⌉.
#[must_use]
#[expect(clippy::inline_always, reason = "once an order")]
#[inline(always)]
pub fn bankruptcy(k: Multiplier, qty: Qty, cost: Cash, collateral: Cash) -> (Price, Cash) {
    let tick = match k {
        Multiplier::Linear(per_tick) => {
            let need = (cost - collateral).0;
            match qty.0.abs().checked_mul(per_tick) {
                Some(lots) if qty.0 > 0 => ceil(need, lots),
                Some(lots) => floor(-need, lots),
                // A tick is worth more than there can be cash.
                None => i64::from(qty.0 > 0 && need > 0),
            }
        }
        Multiplier::Inverse(f) => inverse_bankruptcy(k, f, qty, cost, collateral),
    };
    // No price is below a tick: a short whose loss lies elsewhere can lack cash even there, and a long whose account has
    // more than the position is worth has something left.
    let tick = tick.max(1);
    let surplus = collateral + k.value(qty, Price(tick)) - cost;
    (Price(tick), surplus)
}

#[inline(never)]
fn inverse_bankruptcy(k: Multiplier, f: i64, qty: Qty, cost: Cash, collateral: Cash) -> i64 {
    let Price(beyond) = first_tick(k, qty, |price| (collateral + k.value(qty, price) - cost).0 < 0);
    // From the price of two f + 1 on a lot is worth nothing.
    if qty.0 > 0 { (beyond + 1).min(f.saturating_mul(2) + 1) } else { beyond - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tiers(list: &[(i64, i64, i64)]) -> Tiers {
        let tier = |&(floor, rate, lev): &(i64, i64, i64)| Tier {
            floor: Cash(floor),
            rate: Ratio(rate),
            max_leverage: Ratio(lev * 1_000_000_000),
        };
        Tiers::new(list.iter().map(tier).collect()).unwrap()
    }

    /// The published schedule of Binance BTCUSDT, October 2024, in whole USDT: its deductions recompute.
    #[test]
    fn deductions_follow_from_tiers() {
        let m = 1_000_000;
        let rates = [4_000_000, 5_000_000, 6_500_000, 10_000_000, 20_000_000, 25_000_000, 50_000_000, 100_000_000];
        let floors = [0, 50_000, 600_000, 3 * m, 12 * m, 70 * m, 100 * m, 230 * m];
        let list: Vec<(i64, i64, i64)> = floors.iter().zip(rates).map(|(&f, r)| (f, r, 125)).collect();
        let whole: Vec<i128> = tiers(&list).deductions().iter().map(|d| d / 1_000_000_000).collect();
        assert_eq!(whole, [0, 50, 950, 11_450, 131_450, 481_450, 2_981_450, 14_481_450]);
    }

    #[test]
    fn the_worked_example_has_its_bankruptcy_tick_and_surplus() {
        assert_eq!(bankruptcy(Multiplier::Linear(1), Qty(10), Cash(1000), Cash(95)), (Price(91), Cash(5)));
        assert_eq!(bankruptcy(Multiplier::Linear(1), Qty(-10), Cash(-1050), Cash(95)), (Price(114), Cash(5)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Against a scan over ticks: the first tick in the direction of loss where the test holds.
        #[test]
        fn the_liquidation_tick_is_what_a_scan_finds(
            lots in 1i64..200, entry in 1i64..400, collateral in 0i64..60_000, k in 1i64..4, long: bool, strict: bool,
            a in 1i64..20_000, b in 1i64..20_000, r0 in 1i64..200, r1 in 0i64..200, r2 in 0i64..300,
        ) {
            let m = 1_000_000;
            let schedule = tiers(&[(0, r0 * m, 10), (a, (r0 + r1) * m, 5), (a + b, (r0 + r1 + r2) * m, 2)]);
            let qty = Qty(if long { lots } else { -lots });
            let k = Multiplier::Linear(k);
            let cost = k.value(qty, Price(entry));
            let trigger = if strict { Trigger::Below } else { Trigger::AtOrBelow };
            let found = schedule.liquidation_tick(trigger, k, qty, cost, Cash(collateral));
            let holds = |p: i64| {
                let value = k.value(qty, Price(p));
                schedule.breaches(trigger, Cash(collateral) + value - cost, value.abs())
            };
            let top = 200_000;
            let scanned = if long { (1..top).rev().find(|&p| holds(p)) } else { (1..top).find(|&p| holds(p)) };
            match scanned {
                Some(tick) => prop_assert_eq!(found, Price(tick)),
                None if long => prop_assert!(found.0 <= 0, "{:?}", found),
                None => prop_assert!(found.0 >= top, "{:?}", found),
            }
        }
    }
}
