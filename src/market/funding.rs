//! Funding: what longs and shorts owe one another so that the venue's price stays near the index.
//!
//! With the premium P = (mid − index) ÷ index, averaged over the mark refreshes of an interval, the rate of a period is
//!
//!   F = min(max(P + clamp(i − P, −c, c), −cap), cap),
//!
//! i the interest and c the clamp, and every `interval` its share interval ÷ period is paid. Binance: period 8 h,
//! i = 0.01 %, c = 0.05 % (FAQ, September 2025). Hyperliquid: the same, paid every hour as F ÷ 8, cap 4 % an hour (245 of
//! 245 settled coin-hours agree). With an interval of one mark refresh funding is continuous (Paradex, Deribit).
//!
//! A rate becomes a whole number of cash units per lot at the mark, rounded towards zero (dYdX v4, `funding.go`); the
//! remainder is carried to the next payment.

use crate::money::{Cash, Nanos};
use crate::registry::{Key, Need, Shape, Values};

/// `[venue.funding]`
pub const KEYS: &[Key] = &[
    Key {
        name: "interval",
        shape: Shape::Time { min: Nanos(1) },
        need: Need::Default("\"8 h\""),
        about: "time between payments; a whole number of mark intervals",
    },
    Key {
        name: "period",
        shape: Shape::Time { min: Nanos(1) },
        need: Need::Default("\"8 h\""),
        about: "time that interest, clamp and cap are quoted for",
    },
    Key {
        name: "interest",
        shape: Shape::Share { min: -1.0, max: 1.0 },
        need: Need::Default("0.0001"),
        about: "rate of a period to which funding returns near a premium of 0",
    },
    Key {
        name: "clamp",
        shape: Shape::Share { min: 0.0, max: 1.0 },
        need: Need::Default("0.0005"),
        about: "how far the rate may depart from the premium towards the interest",
    },
    Key {
        name: "cap",
        shape: Shape::Share { min: 0.0, max: 10.0 },
        need: Need::Default("0.02"),
        about: "greatest rate of a period, either way",
    },
    Key {
        name: "cap_of_maintenance",
        shape: Shape::Share { min: 0.0, max: 100.0 },
        need: Need::Optional,
        about: "in place of `cap`: this × the maintenance rate of the asset's first tier (Binance: 0.75)",
    },
    Key {
        name: "cap_of_spread",
        shape: Shape::Share { min: 0.0, max: 100.0 },
        need: Need::Optional,
        about: "in place of `cap`: this × (1 ÷ greatest leverage − maintenance rate) of the asset's first tier (dYdX: 6)",
    },
];

/// What the greatest rate of a period is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cap {
    Rate(f64),
    /// × maintenance rate
    Maintenance(f64),
    /// × (initial − maintenance rate)
    Spread(f64),
}

/// Checked parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FundingRule {
    pub interval: Nanos,
    /// interval ÷ period
    share: f64,
    interest: f64,
    clamp: f64,
    cap: Cap,
}

impl FundingRule {
    /// Reads `[venue.funding]`; a table that was read partly gives none.
    #[must_use]
    pub fn of(values: &Values) -> Option<Self> {
        let (interval, period) = (values.maybe_time("interval")?, values.maybe_time("period")?);
        Some(Self {
            interval,
            share: interval.seconds() / period.seconds(),
            interest: values.maybe_number("interest")?,
            clamp: values.maybe_number("clamp")?,
            cap: match (values.maybe_number("cap_of_maintenance"), values.maybe_number("cap_of_spread")) {
                (Some(factor), _) => Cap::Maintenance(factor),
                (None, Some(factor)) => Cap::Spread(factor),
                (None, None) => Cap::Rate(values.maybe_number("cap")?),
            },
        })
    }

    /// The rule for an asset whose first tier has these rates of initial and maintenance margin.
    #[must_use]
    pub fn of_margin(self, initial: f64, maintenance: f64) -> Self {
        let cap = match self.cap {
            Cap::Rate(rate) => rate,
            Cap::Maintenance(factor) => factor * maintenance,
            Cap::Spread(factor) => factor * (initial - maintenance).max(0.0),
        };
        Self { cap: Cap::Rate(cap), ..self }
    }

    /// What one payment takes at this average premium, as a share of notional; positive where longs pay. A cap that
    /// follows from margin rates binds once [they are known](Self::of_margin).
    #[must_use]
    #[inline]
    pub fn rate(&self, premium: f64) -> f64 {
        let pulled = premium + (self.interest - premium).clamp(-self.clamp, self.clamp);
        let cap = if let Cap::Rate(cap) = self.cap { cap } else { f64::INFINITY };
        pulled.clamp(-cap, cap) * self.share
    }
}

/// The premium of one contract since its last payment, and what was too small to be paid.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accrual {
    sum: f64,
    count: f64,
    carried: f64,
}

impl Accrual {
    /// Notes the mid price and the index of one mark refresh.
    pub fn note(&mut self, mid: f64, index: f64) {
        self.sum += (mid - index) / index;
        self.count += 1.0;
    }

    /// What a long owes for each lot worth `lot_value` cash units now; `None` where it leaves all bounds.
    #[inline]
    pub fn pay(&mut self, rule: &FundingRule, lot_value: f64) -> Option<Cash> {
        let premium = if self.count > 0.0 { self.sum / self.count } else { 0.0 };
        let due = rule.rate(premium) * lot_value + self.carried;
        let paid = Cash::towards_zero(due)?;
        *self = Self { sum: 0.0, count: 0.0, carried: due - paid.0 as f64 };
        Some(paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> FundingRule {
        FundingRule { interval: Nanos(1), share: 0.125, interest: 0.0001, clamp: 0.0005, cap: Cap::Rate(0.02) }
    }

    #[test]
    fn within_the_dead_band_the_rate_is_the_interest() {
        // Binance: a premium from −0.04 % to 0.06 % gives 0.01 %.
        for premium in [-0.0004, 0.0, 0.0003, 0.0006] {
            assert!((rule().rate(premium) - 0.0001 * 0.125).abs() < 1e-15, "{premium}");
        }
        // Hyperliquid's printed example: a premium of 1 % gives 0.95 % for eight hours.
        assert!((rule().rate(0.01) - 0.0095 * 0.125).abs() < 1e-15);
        assert!((rule().rate(-0.5) + 0.02 * 0.125).abs() < 1e-15);
    }

    #[test]
    fn what_is_too_small_to_be_paid_is_carried() {
        let mut accrual = Accrual::default();
        // 0.00125 % of 30,000 units is 0.375 a payment: three in eight.
        let paid: i64 = (0..8)
            .map(|_| {
                accrual.note(100.0, 100.0);
                accrual.pay(&rule(), 30_000.0).unwrap().0
            })
            .sum();
        assert_eq!(paid, 3);
    }

    #[test]
    fn a_payment_is_rounded_towards_zero_either_way() {
        let mut accrual = Accrual::default();
        let rule = FundingRule { share: 1.0, interest: -0.0015, clamp: 1.0, ..rule() };
        accrual.note(100.0, 100.0);
        // 1.5 to be received: 1 now, and with the half carried 2 the next time.
        assert_eq!(accrual.pay(&rule, 1_000.0), Some(Cash(-1)));
        assert_eq!(accrual.pay(&rule, 1_000.0), Some(Cash(-2)));
    }

    #[test]
    fn a_cap_follows_from_the_rates_of_margin() {
        let of = |cap| FundingRule { share: 1.0, cap, ..rule() }.of_margin(0.02, 0.004).rate(0.5);
        // Binance, BTC: 0.75 × 0.4 %; dYdX: 6 × (2 % − 0.4 %).
        assert!((of(Cap::Maintenance(0.75)) - 0.003).abs() < 1e-15);
        assert!((of(Cap::Spread(6.0)) - 0.096).abs() < 1e-15);
    }
}
