//! dYdX: no ranking; accounts of the opposite side in the order of a list, from a pseudo-random start.
//!
//! v4-chain@84d4664, March 2026, protocol/x/clob/keeper/deleveraging.go. The list is that of the accounts by number; the
//! start is drawn from the salt of the round and goes on from the beginning after the end.

use super::{Axis, Policy, Ranking, Region, Round, Sybil, Winner};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct Random {
    salt: u64,
}

pub const ENTRY: Entry<Policy> = Entry {
    kind: "random",
    about: "accounts by number from a pseudo-random start (dYdX)",
    keys: &[Key {
        name: "salt",
        shape: Shape::Count { min: 0, max: i64::MAX },
        need: Need::Default("0"),
        about: "another salt gives other starts on the same paths",
    }],
    build: |values, _| Some(Box::new(Policy::Ranking(Box::new(Random { salt: values.count("salt").unsigned_abs() })))),
};

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit of the output.
fn scramble(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl Random {
    /// The account that a round starts with, uniform over all accounts.
    fn start(self, round: &Round) -> u64 {
        let word = scramble(round.salt ^ scramble(self.salt.wrapping_add(0x9e37_79b9_7f4a_7c15)));
        // The upper half of the 128-bit product is below the number of accounts.
        u64::try_from((u128::from(word) * u128::from(round.accounts.max(1))) >> 64).unwrap_or(0)
    }

    /// Steps from the start to an account.
    fn steps(self, account: u32, round: &Round) -> i128 {
        let steps = i128::from(account) - i128::from(self.start(round));
        if steps < 0 { steps + i128::from(round.accounts.max(1)) } else { steps }
    }
}

impl Ranking for Random {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    /// A part that is not next in the list keeps its distance from the start.
    fn sybil(&self) -> Sybil {
        Sybil::Splittable
    }

    /// Minus the steps from the start to the account.
    fn score(&self, winner: &Winner, round: &Round) -> i128 {
        -self.steps(winner.account, round)
    }

    fn asks_for_maintenance(&self) -> bool {
        false
    }

    fn axes(&self) -> &'static [Axis] {
        &[Axis::Opened]
    }

    /// The first account from the start on; of accounts on both sides of it the start itself.
    fn bound(&self, region: &Region<'_>, round: &Round) -> Option<i128> {
        let (first, last) = region.accounts;
        let start = self.start(round);
        Some(if (u64::from(first)..=u64::from(last)).contains(&start) { 0 } else { -self.steps(first, round) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan_ranked, short, shorts_at};
    use super::*;

    fn round(salt: u64, accounts: u32) -> Round {
        Round { accounts, salt, ..shorts_at(90, 95, 12) }
    }

    /// Each of four accounts is the start of about a quarter of 4,000 salts: 1,000 ± 4·27.
    #[test]
    fn starts_are_spread_evenly_over_the_accounts() {
        let mut starts = [0u32; 4];
        for salt in 0..4_000 {
            starts[usize::try_from(Random { salt: 0 }.start(&round(salt, 4))).unwrap()] += 1;
        }
        assert!(starts.iter().all(|n| (890..1_110).contains(n)), "{starts:?}");
    }

    #[test]
    fn the_list_goes_on_from_the_beginning() {
        let winners = [short(0, 10, 100, 50), short(1, 10, 100, 50), short(2, 10, 100, 50)];
        let start_at_two =
            (0..1_000).map(|salt| round(salt, 3)).find(|round| Random { salt: 0 }.start(round) == 2).unwrap();
        assert_eq!(plan_ranked(&Random { salt: 0 }, &winners, start_at_two), [2, 0, 10]);
    }

    /// A start at account 0 takes all its 10 lots; with half of them in account 3 it takes only 5 from there and none from 3.
    #[test]
    fn splitting_keeps_a_part_out_of_reach() {
        let start_at_zero = |accounts| {
            let mut rounds = (0..1_000).map(move |salt| round(salt, accounts));
            rounds.find(|round| Random { salt: 0 }.start(round) == 0).unwrap()
        };
        let whole = [short(0, 10, 100, 50), short(1, 10, 100, 50), short(2, 10, 100, 50)];
        assert_eq!(plan_ranked(&Random { salt: 0 }, &whole, start_at_zero(3)), [10, 2, 0]);
        let split = [short(0, 5, 100, 25), whole[1], whole[2], short(3, 5, 100, 25)];
        assert_eq!(plan_ranked(&Random { salt: 0 }, &split, start_at_zero(4)), [5, 7, 0, 0]);
    }

    #[test]
    fn another_salt_starts_elsewhere() {
        let same =
            (0..64).filter(|&n| Random { salt: 0 }.start(&round(n, 64)) == Random { salt: 1 }.start(&round(n, 64)));
        assert!(same.count() < 8);
    }
}
