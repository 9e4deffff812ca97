//! Every winner gives the same share of its contracts: floor shares, remaining lots one each by account id.

use super::{Policy, Round, Shares, Sharing, Sybil, Winner};
use crate::registry::Entry;

/// The policy has no parameters.
#[derive(Clone, Copy, Debug)]
struct ProRata;

pub const ENTRY: Entry<Policy> = Entry {
    kind: "pro_rata",
    about: "the same share of every eligible winner's contracts",
    keys: &[],
    build: |_, _| Some(Box::new(Policy::Sharing(Box::new(ProRata)))),
};

impl Sharing for ProRata {
    fn boxed_clone(&self) -> Box<dyn Sharing> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    fn share(&self, winners: &[Winner], round: &Round, shares: &mut Shares) {
        shares.take_in_proportion(winners, round.needed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan, short, shorts_at};
    use super::*;

    /// 7 of 20 lots: ⌊7·10/20⌋ = 3, ⌊7·6/20⌋ = 2, ⌊7·4/20⌋ = 1; the seventh lot goes to the lowest account.
    #[test]
    fn shares_are_rounded_down_and_the_rest_goes_by_account() {
        let winners = [short(0, 10, 100, 500), short(1, 6, 110, 500), short(2, 4, 120, 500)];
        assert_eq!(plan(&ProRata, &winners, shorts_at(90, 95, 7)), [4, 2, 1]);
    }
}
