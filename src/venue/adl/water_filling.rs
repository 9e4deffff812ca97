//! Shares of lots by weight, nobody beyond the position: xᵢ = min(qᵢ, λ·wᵢ) with the λ at which Σ xᵢ is the need.
//!
//! Whoever is full first (least qᵢ ÷ wᵢ) is taken out and the rest is shared among the others; sorting by that ratio finds
//! the level in one walk. Shares are rounded down, and the lots left over go one each by account id.

use super::Winner;
use crate::money::{Qty, narrow};

/// The shares of `lots` by weight, one for each of the winners, which are in account order. A weight below 0 counts as
/// none, and who has none gives only what the others cannot, in proportion to positions.
pub(super) fn by_weight(winners: &[Winner], weight: impl Fn(&Winner) -> i128, lots: Qty, taken: &mut Vec<Qty>) {
    let quantities: Vec<i128> = winners.iter().map(|winner| i128::from(winner.qty.0).abs()).collect();
    let mut weights: Vec<i128> = winners.iter().map(weight).collect();
    // Only ratios of weights count: all lose the same bits, until the greatest fits 63.
    let most = weights.iter().copied().max().unwrap_or(0).max(0);
    let excess = (128 - most.leading_zeros()).saturating_sub(63);
    for weight in &mut weights {
        *weight = if *weight > 0 { (*weight >> excess).max(1) } else { 0 };
    }
    taken.clear();
    taken.resize(winners.len(), Qty::ZERO);
    fill(&quantities, &weights, lots, taken);
}

/// The same with positions as weights: the same share of every position.
pub(super) fn in_proportion(winners: &[Winner], lots: Qty, taken: &mut Vec<Qty>) {
    by_weight(winners, |winner| i128::from(winner.qty.0).abs(), lots, taken);
}

/// Adds to `taken` the shares of `lots` by weights of 0 or more below 2⁶³.
pub(super) fn fill(quantities: &[i128], weights: &[i128], lots: Qty, taken: &mut [Qty]) {
    let weighted: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0 && quantities[i] > 0).collect();
    let weightless: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] <= 0 && quantities[i] > 0).collect();
    let left = pour(quantities, weights, weighted, i128::from(lots.0), taken);
    pour(quantities, quantities, weightless, left, taken);
}

/// Pours lots over those named and returns what did not fit.
fn pour(quantities: &[i128], weights: &[i128], mut order: Vec<usize>, lots: i128, taken: &mut [Qty]) -> i128 {
    order.sort_by(|&i, &j| (quantities[i] * weights[j]).cmp(&(quantities[j] * weights[i])).then(i.cmp(&j)));
    let mut weight: i128 = order.iter().map(|&i| weights[i]).sum();
    let mut left = lots;
    let mut full = 0;
    for &i in &order {
        if quantities[i] * weight > left * weights[i] {
            break;
        }
        taken[i] += Qty(narrow(quantities[i]));
        left -= quantities[i];
        weight -= weights[i];
        full += 1;
    }
    let mut open = order.split_off(full);
    open.sort_unstable();
    let mut rest = left;
    for &i in &open {
        let share = left * weights[i] / weight;
        taken[i] += Qty(narrow(share));
        rest -= share;
    }
    // Fewer lots are left than there are shares, and no share that was rounded down is full.
    for &i in &open {
        if rest > 0 && i128::from(taken[i].0) < quantities[i] {
            taken[i] += Qty(1);
            rest -= 1;
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(quantities: &[i128], weights: &[i128], lots: i64) -> Vec<i64> {
        let mut taken = vec![Qty::ZERO; quantities.len()];
        fill(quantities, weights, Qty(lots), &mut taken);
        taken.iter().map(|lots| lots.0).collect()
    }

    /// Level 2 fills the first (2 of 2), the others take 2·3 and 2·1 of the 10 lots.
    #[test]
    fn who_is_full_leaves_the_rest_to_the_others() {
        assert_eq!(shares(&[2, 30, 30], &[5, 3, 1], 10), [2, 6, 2]);
    }

    #[test]
    fn who_has_no_weight_gives_only_what_the_others_cannot() {
        assert_eq!(shares(&[4, 5, 6], &[1, 0, 1], 8), [4, 0, 4]);
        assert_eq!(shares(&[4, 5, 6], &[1, 0, 1], 12), [4, 2, 6]);
        assert_eq!(shares(&[4, 5, 6], &[1, 0, 1], 99), [4, 5, 6]);
    }

    #[test]
    fn numbers_at_the_limit_of_64_bits_are_shared_exactly() {
        let most = i128::from(i64::MAX);
        assert_eq!(shares(&[most, 1], &[most, most], i64::MAX), [i64::MAX - 1, 1]);
    }
}
