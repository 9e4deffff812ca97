//! Addressed randomness: every draw has a name, and no draw ever shifts another.
//!
//! A stream is ChaCha8 with key = seed ‖ purpose ‖ index and stream number = path. The index is an asset, or a
//! group and a column of a population; account i takes 64-bit word i of its column. So removing an account,
//! changing a policy or a cap, or splitting the paths over machines leaves every other draw bit-identical.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// What a stream is drawn for; part of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Normals of the index, one a mark interval.
    Index = 1,
    /// Brownian bridges between them; index = asset and level.
    Bridge = 2,
    /// The price process's own draws: jumps, drawn parameters, second factors.
    Process = 3,
    /// Columns of a population; index = group and column.
    Population = 4,
    /// Decisions of behaviours.
    Behaviour = 5,
    /// Salt of a random policy.
    Policy = 6,
    /// Resampling in statistics, never in a path.
    Bootstrap = 7,
    /// Which law a path of importance sampling is drawn from.
    Tilt = 8,
    /// Depth of the day; index = asset.
    Depth = 9,
    /// Flow of others that moves no price, a word a minute.
    Flow = 10,
}

/// A stream of 64-bit words.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of (`seed`, `purpose`, `index`) on path `path`. `index` is two words, for example (group, column).
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, index: (u32, u32), path: u64) -> Self {
        let mut key = [0u8; 32];
        key[0..8].copy_from_slice(&seed.to_le_bytes());
        key[8..12].copy_from_slice(&(purpose as u32).to_le_bytes());
        key[12..16].copy_from_slice(&index.0.to_le_bytes());
        key[16..20].copy_from_slice(&index.1.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(path);
        Self(rng)
    }

    /// Moves to 64-bit word `word` of the stream.
    pub fn seek(&mut self, word: u64) {
        self.0.set_word_pos(u128::from(word) * 2);
    }

    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The next words of the stream, one an account.
    pub fn fill(&mut self, words: &mut [u64]) {
        for word in words {
            *word = self.0.next_u64();
        }
    }

    /// The generator itself, for `rand_distr`'s `StandardNormal` and `Exp1`.
    pub fn generator(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }
}

/// A uniform in the open interval (0, 1): the middle of one of 2⁵² cells, so neither end is ever drawn.
#[must_use]
pub fn open_unit(word: u64) -> f64 {
    ((word >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
}

/// The greatest word whose uniform meets a condition that fails for ever once it fails; `None` where none does. Whoever
/// asks it of a whole column compares words in place of uniforms.
#[must_use]
pub fn last_word(holds: impl Fn(f64) -> bool) -> Option<u64> {
    /// Words in one cell of [`open_unit`].
    const CELL: u64 = 1 << 12;
    let (mut within, mut beyond) = (0, 1 << 52);
    while within < beyond {
        let middle = within + (beyond - within) / 2;
        if holds(open_unit(middle * CELL)) {
            within = middle + 1;
        } else {
            beyond = middle;
        }
    }
    within.checked_sub(1).map(|cell| cell * CELL + (CELL - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_filled_with_the_words_in_turn() {
        for (sought, len) in [(0, 1), (0, 16), (0, 100), (7, 31), (33, 64), (40, 257)] {
            let stream = || {
                let mut stream = Stream::new(7, Purpose::Behaviour, (1, 2), 3);
                stream.seek(sought);
                stream
            };
            let (mut filled, mut walked) = (stream(), stream());
            let mut words = vec![0; len];
            filled.fill(&mut words);
            assert!(words.iter().all(|&word| word == walked.word()), "{len} from {sought}");
            assert_eq!(filled.word(), walked.word(), "and what follows {len} from {sought}");
        }
    }

    #[test]
    fn words_up_to_the_last_one_are_those_whose_uniform_meets_the_condition() {
        for share in [f64::MIN_POSITIVE, 1e-16, 0.000_1, 0.1, 0.25, 0.5, 0.999, 1.0 - f64::EPSILON] {
            let last = last_word(|u| u < share);
            let below = |word: u64| open_unit(word) < share;
            assert_eq!(last.is_some_and(below), last.is_some(), "{share}");
            assert!(!below(last.map_or(0, |last| last + 1)), "{share}");
        }
        assert_eq!(last_word(|u| u < 1.0), Some(u64::MAX));
        assert_eq!(last_word(|u| u < 0.0), None);
    }

    #[test]
    fn a_word_is_found_by_its_address() {
        let mut walked = Stream::new(7, Purpose::Population, (1, 2), 3);
        let words: Vec<u64> = (0..40).map(|_| walked.word()).collect();
        let mut sought = Stream::new(7, Purpose::Population, (1, 2), 3);
        for i in [39, 0, 17] {
            sought.seek(i);
            assert_eq!(sought.word(), words[usize::try_from(i).unwrap()]);
        }
    }

    #[test]
    fn every_part_of_the_address_matters() {
        let first = |seed, purpose, index, path| Stream::new(seed, purpose, index, path).word();
        let base = first(1, Purpose::Index, (0, 0), 0);
        for other in [
            first(2, Purpose::Index, (0, 0), 0),
            first(1, Purpose::Bridge, (0, 0), 0),
            first(1, Purpose::Index, (1, 0), 0),
            first(1, Purpose::Index, (0, 1), 0),
            first(1, Purpose::Index, (0, 0), 1),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn uniforms_never_touch_the_ends() {
        assert!(open_unit(0) > 0.0 && open_unit(u64::MAX) < 1.0);
    }
}
