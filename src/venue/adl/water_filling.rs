//! Shares of lots by weight, nobody beyond the position: xᵢ = min(qᵢ, λ·wᵢ) with the λ at which Σ xᵢ is the need.
//!
//! The level starts at λ = lots ÷ Σ w, as if nobody were full. Whoever is full at it (qᵢ ≤ λ·wᵢ) gives all, and the rest is
//! shared among the others, until nobody is full at the level that they leave. Shares are rounded down, and the lots left
//! over go one each by account id.
//!
//! A walk in the order of qᵢ ÷ wᵢ that stops at the first who is not full would find the same: it is the definition, and the
//! tests keep it. For levels only rise, since qᵢ ≤ λ·wᵢ gives (left − qᵢ) ÷ (W − wᵢ) ≥ left ÷ W = λ; so either ends with a set
//! of exactly those who are full at the level that the set leaves to the others. There is but one: of two, that of the lower
//! level λ lies within that of the higher, μ, and whoever the second has more has qᵢ > λ·wᵢ. Let W be the weights outside of
//! the first: it leaves λ·W lots, which are all qᵢ of those more and μ ≥ λ for each weight of the others, hence more than λ·W.

use super::Winner;
use crate::money::proportion::Proportion;
use crate::money::{Qty, narrow};

/// What a sharing policy takes from the winners of a round, with the room for working it out, which is kept between rounds.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    /// Lots taken from each winner, in the order of the winners.
    pub lots: Vec<Qty>,
    weighted: Vec<Part>,
    weightless: Vec<Part>,
}

/// A winner who is not full yet.
#[derive(Clone, Copy, Debug)]
struct Part {
    at: u32,
    lots: u64,
    weight: u64,
}

impl Shares {
    /// Takes `lots` from the winners by weight. A weight below 0 counts as none, and who has none gives only what the
    /// others cannot, in proportion to positions.
    pub fn take_by_weight(&mut self, winners: &[Winner], weight: impl Fn(&Winner) -> i128, lots: Qty) {
        // Only ratios of weights count: all lose the same bits, until the greatest fits 63. Most need lose none.
        let mut lost = 0;
        loop {
            let bits = self.weigh(winners, &weight, lost);
            if bits <= 63 + lost {
                break;
            }
            lost = bits - 63;
        }
        self.lots.clear();
        self.lots.resize(winners.len(), Qty::ZERO);
        let left = pour(&mut self.weighted, lots.0.unsigned_abs(), &mut self.lots);
        if left > 0 {
            pour(&mut self.weightless, left, &mut self.lots);
        }
    }

    /// The same with positions as weights: the same share of every position.
    pub fn take_in_proportion(&mut self, winners: &[Winner], lots: Qty) {
        self.take_by_weight(winners, |winner| i128::from(winner.qty.0).abs(), lots);
    }

    /// Takes `lots` so that what the winners keep is shared by weight.
    pub fn keep_by_weight(&mut self, winners: &[Winner], weight: impl Fn(&Winner) -> i128, lots: Qty) {
        let all: i128 = winners.iter().map(|winner| i128::from(winner.qty.0).abs()).sum();
        let kept = Qty(narrow((all - i128::from(lots.0)).max(0)));
        self.take_by_weight(winners, weight, kept);
        for (winner, lots) in winners.iter().zip(&mut self.lots) {
            *lots = winner.qty.abs() - *lots;
        }
    }

    /// Lays out who may give, by weights without their last bits, and returns the bits of the greatest weight.
    fn weigh(&mut self, winners: &[Winner], weight: impl Fn(&Winner) -> i128, lost: u32) -> u32 {
        self.weighted.clear();
        self.weightless.clear();
        let mut bits = 0;
        for (at, winner) in (0u32..).zip(winners) {
            let lots = winner.qty.0.unsigned_abs();
            let weight = weight(winner).max(0);
            bits |= weight;
            if lots == 0 {
                continue;
            }
            if weight > 0 {
                // Of one that does not fit, what is poured is weighed again.
                let weight = u64::try_from(weight >> lost).unwrap_or(u64::MAX).max(1);
                self.weighted.push(Part { at, lots, weight });
            } else {
                self.weightless.push(Part { at, lots, weight: lots });
            }
        }
        i128::BITS - bits.leading_zeros()
    }
}

/// Pours lots over those named and returns what did not fit.
fn pour(open: &mut Vec<Part>, lots: u64, taken: &mut [Qty]) -> u64 {
    let mut weight: u128 = open.iter().map(|part| u128::from(part.weight)).sum();
    let mut left = lots;
    let mut rest;
    loop {
        if open.is_empty() {
            return left;
        }
        let level = Proportion::new(left, weight);
        rest = left;
        let mut kept = 0;
        for at in 0..open.len() {
            let part = open[at];
            let share = u64::try_from(level.floor(part.weight)).unwrap_or(u64::MAX);
            let given = share.min(part.lots);
            taken[part.at as usize] = Qty(i64::try_from(given).expect("a share is no more than a position"));
            rest -= given;
            // Who is full is anybody's guess, so no branch hangs on it.
            let is_full = part.lots <= share;
            left -= u64::from(is_full) * part.lots;
            weight -= u128::from(u64::from(is_full) * part.weight);
            open[kept] = part;
            kept += usize::from(!is_full);
        }
        if kept == open.len() {
            break;
        }
        open.truncate(kept);
    }
    // Fewer lots are left than there are shares, and no share that was rounded down is full.
    for part in &open[..] {
        if rest == 0 {
            break;
        }
        taken[part.at as usize] += Qty(1);
        rest -= 1;
    }
    rest
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::super::conformance::short;
    use super::*;

    fn shares(quantities: &[i64], weights: &[i128], lots: i64) -> Vec<i64> {
        let holds = |(account, &lots): (u32, &i64)| Winner { qty: Qty(-lots), ..short(account, 1, 1, 0) };
        let winners: Vec<Winner> = (0u32..).zip(quantities).map(holds).collect();
        let mut shares = Shares::default();
        shares.take_by_weight(&winners, |winner| weights[winner.account as usize], Qty(lots));
        shares.lots.iter().map(|lots| lots.0).collect()
    }

    /// The definition: a walk over everybody in the order of qᵢ ÷ wᵢ. Adds to `taken`, returns what does not fit.
    fn walk(quantities: &[i64], weights: &[i64], mut order: Vec<usize>, lots: i64, taken: &mut [i64]) -> i64 {
        let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
        order.sort_by(|&i, &j| product(quantities[i], weights[j]).cmp(&product(quantities[j], weights[i])));
        let mut weight: BigInt = order.iter().map(|&i| BigInt::from(weights[i])).sum();
        let mut left = lots;
        let mut full = 0;
        for &i in &order {
            if quantities[i] * &weight > left * BigInt::from(weights[i]) {
                break;
            }
            taken[i] = quantities[i];
            left -= quantities[i];
            weight -= weights[i];
            full += 1;
        }
        let mut open = order.split_off(full);
        open.sort_unstable();
        let mut rest = left;
        for &i in &open {
            let share = left * BigInt::from(weights[i]) / &weight;
            taken[i] = i64::try_from(share).unwrap();
            rest -= taken[i];
        }
        for &i in &open {
            if rest > 0 && taken[i] < quantities[i] {
                taken[i] += 1;
                rest -= 1;
            }
        }
        rest
    }

    fn walked(quantities: &[i64], weights: &[i128], lots: i64) -> Vec<i64> {
        let most = weights.iter().copied().max().unwrap().max(0);
        let excess = (128 - most.leading_zeros()).saturating_sub(63);
        let weights: Vec<i64> = weights
            .iter()
            .map(|&weight| if weight > 0 { i64::try_from(weight >> excess).unwrap().max(1) } else { 0 })
            .collect();
        let (weighted, weightless) = (0..weights.len()).partition(|&i| weights[i] > 0);
        let mut taken = vec![0; weights.len()];
        let left = walk(quantities, &weights, weighted, lots, &mut taken);
        walk(quantities, quantities, weightless, left, &mut taken);
        taken
    }

    /// Small numbers, among which ties are frequent, and numbers of all sizes.
    fn lots() -> impl Strategy<Value = i64> {
        prop_oneof![1i64..8, 1i64..2_000, (1..=i64::MAX, 0u32..62).prop_map(|(lots, shift)| (lots >> shift).max(1))]
    }

    fn weight() -> impl Strategy<Value = i128> {
        let small = (-2i64..8).prop_map(i128::from);
        prop_oneof![small, lots().prop_map(i128::from), (any::<i128>(), 0u32..127).prop_map(|(w, shift)| w >> shift)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn shares_are_those_of_a_walk_in_the_order_in_which_positions_are_full(
            people in proptest::collection::vec((lots(), weight()), 1..30),
            part in 0.0f64..1.05,
            needed in lots(),
        ) {
            let (quantities, weights): (Vec<i64>, Vec<i128>) = people.into_iter().unzip();
            // Need that leaves some full and some not, and any other.
            let all: i128 = quantities.iter().copied().map(i128::from).sum();
            let share = crate::money::Cash::floor(part * all as f64).map_or(i64::MAX, |lots| lots.0.max(1));
            for needed in [needed, share] {
                prop_assert_eq!(shares(&quantities, &weights, needed), walked(&quantities, &weights, needed));
            }
        }
    }

    /// Level 2 fills the first (2 of 2), the others take 2·3 and 2·1 of the 10 lots.
    #[test]
    fn who_is_full_leaves_the_rest_to_the_others() {
        assert_eq!(shares(&[2, 30, 30], &[5, 3, 1], 10), [2, 6, 2]);
    }

    #[test]
    fn who_has_no_weight_gives_only_what_the_others_cannot() {
        assert_eq!(shares(&[4, 5, 6], &[1, 0, 1], 8), [4, 0, 4]);
        assert_eq!(shares(&[4, 5, 6], &[1, -3, 1], 12), [4, 2, 6]);
        assert_eq!(shares(&[4, 5, 6], &[1, 0, 1], 99), [4, 5, 6]);
    }

    #[test]
    fn numbers_at_the_limit_of_64_bits_are_shared_exactly() {
        let most = i128::from(i64::MAX);
        assert_eq!(shares(&[i64::MAX, 1], &[most, most], i64::MAX), [i64::MAX - 1, 1]);
    }
}
