//! All winners of a side, best score first.

use std::cmp::Reverse;

use super::{Chosen, Question, numbered};
use crate::money::Qty;
use crate::venue::adl::Winner;

/// A ranking and the room for it, which is kept between rounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranked {
    /// Everybody, in the order of positions and so of accounts.
    pub winners: Vec<Winner>,
    /// Their lots and scores: columns of few bytes, since they are asked for in the order of the ranking.
    lots: Vec<Qty>,
    scores: Vec<i128>,
    /// The best first: how far below the best possible score, in 32 bits, and the place in `winners`. So of equal scores the
    /// one in the lower place goes first, and one word is moved in place of a score and a place.
    keys: Vec<u64>,
    spare: Vec<u64>,
}

impl Ranked {
    /// Ranks whoever may win in a round.
    pub fn rank(&mut self, question: &Question<'_>) {
        let Self { winners, lots, scores, keys, spare } = self;
        winners.clear();
        lots.clear();
        scores.clear();
        keys.clear();
        question.field.each(|winner| {
            let score = question.policy.score(&winner, question.round);
            let place = numbered(winners.len());
            keys.push(u64::from(!coarse(score)) << 32 | u64::from(place));
            lots.push(winner.qty.abs());
            scores.push(score);
            winners.push(winner);
        });
        sort(keys, spare);
        // Scores that look equal from afar are told apart.
        for alike in keys.chunk_by_mut(|a, b| a >> 32 == b >> 32) {
            let score = |key: &u64| scores[place(*key) as usize];
            if alike.len() > 1 && alike.windows(2).any(|pair| score(&pair[0]) != score(&pair[1])) {
                alike.sort_unstable_by_key(|key| (Reverse(score(key)), *key));
            }
        }
    }

    /// All, best first.
    pub fn best(&self) -> impl Iterator<Item = Chosen> {
        self.keys.iter().map(|&key| Chosen { place: place(key), lots: self.lots[place(key) as usize] })
    }
}

/// The place in a key.
fn place(key: u64) -> u32 {
    u32::try_from(key & u64::from(u32::MAX)).expect("32 bits")
}

/// Sorts keys whose lower halves ascend already: four rounds of a byte, each of which keeps the order of the last.
fn sort(keys: &mut Vec<u64>, spare: &mut Vec<u64>) {
    const FEW: usize = 1_000;
    if keys.len() < FEW {
        return keys.sort_unstable();
    }
    let digit = |key: u64, round: usize| usize::from(key.to_le_bytes()[4 + round]);
    // How many keys have each byte, then how many come before them.
    let mut before = [[0u32; 256]; 4];
    for &key in &*keys {
        for (round, count) in before.iter_mut().enumerate() {
            count[digit(key, round)] += 1;
        }
    }
    spare.resize(keys.len(), 0);
    for (round, before) in before.iter_mut().enumerate() {
        // All are alike here.
        if before[digit(keys[0], round)] as usize == keys.len() {
            continue;
        }
        let mut sum = 0;
        for count in before.iter_mut() {
            sum += std::mem::replace(count, sum);
        }
        for &key in &*keys {
            let at = &mut before[digit(key, round)];
            spare[*at as usize] = key;
            *at += 1;
        }
        std::mem::swap(keys, spare);
    }
}

/// A score in 32 bits: of a higher one never less. Sign, seven bits of the exponent and the 24 bits after the first of the
/// magnitude, as in a float, so that a few scores far from the rest do not make the rest look equal.
pub(super) fn coarse(score: i128) -> u32 {
    // Of a negative score the bits of its complement, turned round.
    let magnitude = if score < 0 { !score } else { score }.cast_unsigned();
    let exponent = u128::BITS - magnitude.leading_zeros();
    let digits = magnitude.checked_shl(u128::BITS - exponent).unwrap_or(0) >> 103 & 0xff_ffff;
    let digits = u32::try_from(digits).expect("24 bits");
    let above = exponent << 24 | digits;
    if score < 0 { !above & 0x7fff_ffff } else { 1 << 31 | above }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scores of all sizes and both signs.
    fn score() -> impl Strategy<Value = i128> {
        (any::<i128>(), 0u32..128).prop_map(|(score, shift)| score >> shift)
    }

    #[test]
    fn small_scores_are_told_apart_from_afar() {
        let around: Vec<u32> = (-(1i128 << 24)..1 << 24).step_by(4_099).map(coarse).collect();
        assert!(around.is_sorted_by(|a, b| a < b));
        assert_eq!((coarse(i128::MIN), coarse(i128::MAX)), (0, u32::MAX));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Few scores and many, all over and close together, with ties.
        #[test]
        fn sorted_by_digits_is_sorted(scores in proptest::collection::vec(any::<u32>(), 1..8_000), shift in 0u32..32) {
            let key = |(place, score): (u64, &u32)| u64::from(score >> shift) << 32 | place;
            let mut keys: Vec<u64> = (0..).zip(&scores).map(key).collect();
            let mut sorted = keys.clone();
            sorted.sort_unstable();
            sort(&mut keys, &mut Vec::new());
            prop_assert_eq!(keys, sorted);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn from_afar_no_score_changes_its_order(a in score(), b in score(), step in 0i128..3) {
            prop_assert!(a > b || coarse(a) <= coarse(b));
            prop_assert!(a < b || coarse(a) >= coarse(b));
            prop_assert!(coarse(a) <= coarse(a.saturating_add(step)));
        }
    }
}
