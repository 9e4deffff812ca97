//! What a round tells its policy.

use std::sync::Mutex;

use super::super::adl::{Policy, Round, Sharing, Sybil, Winner};
use super::*;

/// Takes from the first winners what is needed, and notes the round.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<(Round, Vec<Winner>)>>>);

impl Sharing for Recorder {
    fn boxed_clone(&self) -> Box<dyn Sharing> {
        Box::new(self.clone())
    }

    fn sybil(&self) -> Sybil {
        Sybil::Splittable
    }

    fn share(&self, winners: &[Winner], round: &Round, taken: &mut Vec<Qty>) {
        self.0.lock().unwrap().push((*round, winners.to_vec()));
        let mut left = round.needed;
        taken.clear();
        for winner in winners {
            taken.push(left.min(winner.qty.abs()));
            left -= left.min(winner.qty.abs());
        }
    }
}

/// The worked example with an empty fund: four lots at the bankruptcy tick of 91 are left for B, short 10 from 100.
#[test]
fn a_round_tells_mark_price_need_and_the_winner() {
    let told = || {
        let recorder = Recorder::default();
        let mut rules = example_rules();
        rules.adl = Policy::Sharing(Box::new(recorder.clone()));
        let _ = play(rules, 100);
        let rounds = recorder.0.lock().unwrap().clone();
        assert_eq!(rounds.len(), 1);
        rounds.into_iter().next().unwrap()
    };
    let (round, winners) = told();
    assert_eq!((round.side, round.mark, round.price), (Side::Short, Price(89), Price(91)));
    assert_eq!((round.needed, round.cash, round.accounts), (Qty(4), Cash(364), 2));
    assert_eq!(winners.len(), 1);
    let winner = winners[0];
    assert_eq!((winner.account, winner.qty, winner.cost), (1, Qty(-10), Cash(-1000)));
    assert_eq!((winner.value, winner.collateral, winner.opened), (Cash(-890), Cash(500), 1));
    // 1 % of 890, rounded up.
    assert_eq!(winner.maintenance, Cash(9));
    // A replay has the same salt.
    assert_eq!(told().0.salt, round.salt);
}

#[test]
fn salts_differ_with_the_mark() {
    let salt = |mark: i64| {
        let mut venue = Venue::new(Arc::new(example_rules()));
        venue.marks = vec![Price(mark)];
        venue.salt(0, Side::Long)
    };
    assert!((1..100).all(|mark| salt(mark) != salt(mark + 1)));
}
