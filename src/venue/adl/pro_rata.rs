//! Every winner gives the same share of its contracts: floor shares, remaining lots one each by account id.

use super::{Policy, Sharing, Winner};
use crate::money::Qty;
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

    fn share(&self, winners: &[Winner], lots: Qty, taken: &mut Vec<Qty>) {
        taken.clear();
        let all: i128 = winners.iter().map(|winner| i128::from(winner.qty.0.abs())).sum();
        let wanted = i128::from(lots.0).min(all);
        if all == 0 {
            taken.resize(winners.len(), Qty::ZERO);
            return;
        }
        let mut left = wanted;
        for winner in winners {
            let share = wanted * i128::from(winner.qty.0.abs()) / all;
            left -= share;
            taken.push(Qty(crate::money::narrow(share)));
        }
        for (winner, taken) in winners.iter().zip(taken.iter_mut()) {
            if left > 0 && taken.0 < winner.qty.0.abs() {
                taken.0 += 1;
                left -= 1;
            }
        }
    }
}
