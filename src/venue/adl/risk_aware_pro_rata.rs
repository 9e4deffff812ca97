//! Haircuts in proportion to profit times a power of leverage: who risked more gives more.
//!
//! h = min(β, τ·w) of the endowment with w = λ·g(λ), g not falling, which is strictly incentive compatible (RAP; Chitra,
//! arXiv 2512.01112, December 2025). Here g(λ) = λ^(power − 1), λ = effective leverage at the mark and endowment =
//! unrealised profit, so xᵢ = min(qᵢ, τ·profitᵢ·λᵢ^power).

use super::{Policy, PriceNeed, Round, Shares, Sharing, Sybil, Winner, leverage_in};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct RiskAwareProRata {
    /// 1 or 2.
    power: u32,
}

pub const ENTRY: Entry<Policy> = Entry {
    kind: "risk_aware_pro_rata",
    about: "share of profit in proportion to a power of effective leverage; needs an ADL price other than the mark",
    keys: &[Key {
        name: "power",
        shape: Shape::Count { min: 1, max: 2 },
        need: Need::Default("1"),
        about: "power of the effective leverage in the weight",
    }],
    build: |values, _| {
        let power = u32::try_from(values.count("power")).ok()?;
        Some(Box::new(Policy::Sharing(Box::new(RiskAwareProRata { power }))))
    },
};

impl RiskAwareProRata {
    /// profit × leverage^power, leverage in thousandths and at most 2³¹ of them, so that the product fits.
    fn weight(self, winner: &Winner) -> i128 {
        let profit = winner.unrealised().0.max(0);
        let thousandths = leverage_in(1_000, winner).map_or(1 << 31, |leverage| leverage.min(1 << 31));
        let power = i64::try_from(thousandths).expect("at most 2³¹").pow(self.power);
        i128::from(profit) * i128::from(power)
    }
}

impl Sharing for RiskAwareProRata {
    fn boxed_clone(&self) -> Box<dyn Sharing> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    fn price_need(&self) -> PriceNeed {
        PriceNeed::OffMark
    }

    fn share(&self, winners: &[Winner], round: &Round, shares: &mut Shares) {
        shares.take_by_weight(winners, |winner| self.weight(winner), round.needed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan, short, shorts_at};
    use super::*;

    /// Both have profit 100 at 90 and a value of 900: equity 300 (3x) and 450 (2x). Of 10 lots 6 and 4; squared, of 13, 9 and 4.
    #[test]
    fn the_more_levered_gives_more_of_the_same_profit() {
        let winners = [short(0, 10, 100, 200), short(1, 10, 100, 350)];
        assert_eq!(plan(&RiskAwareProRata { power: 1 }, &winners, shorts_at(90, 95, 10)), [6, 4]);
        assert_eq!(plan(&RiskAwareProRata { power: 2 }, &winners, shorts_at(90, 95, 13)), [9, 4]);
    }
}
