//! Tiers, maintenance margin, liquidation and bankruptcy ticks.

use crate::money::{Cash, Ratio};

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
        Ok(Self { tiers, deductions })
    }

    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    #[must_use]
    pub fn deductions(&self) -> &[i128] {
        &self.deductions
    }
}
