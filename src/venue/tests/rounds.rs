//! What a round tells its policy.

use std::sync::Mutex;

use proptest::prelude::*;

use super::super::adl::{POLICIES, Policy, Round, Shares, Sharing, Sybil, Winner};
use super::worlds::{World, fill, open, worlds};
use super::*;

/// Takes from the first winners what is needed, and notes the round.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(pub Arc<Mutex<Vec<(Round, Vec<Winner>)>>>);

impl Sharing for Recorder {
    fn boxed_clone(&self) -> Box<dyn Sharing> {
        Box::new(self.clone())
    }

    fn sybil(&self) -> Sybil {
        Sybil::Splittable
    }

    fn share(&self, winners: &[Winner], round: &Round, shares: &mut Shares) {
        self.0.lock().unwrap().push((*round, winners.to_vec()));
        let mut left = round.needed;
        shares.lots.clear();
        for winner in winners {
            shares.lots.push(left.min(winner.qty.abs()));
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

/// What happens from mark to mark of a world, each with the check that follows it; the first time with the opening.
fn checks<'a>(venue: &'a mut Venue, world: &'a World) -> impl Iterator<Item = Vec<Fact>> + 'a {
    let mut marks = [100, 100];
    (1i64..).map(Nanos).zip(&world.marks).map(move |(now, &(contract, mark))| {
        marks[usize::from(contract)] = mark;
        venue.apply(Command::Mark { now, contract, mark: Price(mark) }).unwrap();
        let mut next = venue.apply(Command::Check { now }).unwrap();
        while let Next::Order(order) = next {
            next = venue.apply(Command::Fill(fill(world, &order, marks[usize::from(order.contract)]))).unwrap();
        }
        std::mem::take(venue.facts())
    })
}

/// All facts of a world under another policy, and the venue at its end. Costs are no multiples of lots, so that parts of a
/// position are rounded.
fn told(world: &World, policy: Policy, telling: Telling) -> (Venue, Vec<Fact>) {
    let (mut opened, rules) = open(world);
    let mut holdings = opened.release().holdings.clone();
    for (cost, off) in holdings.cost.iter_mut().zip([1, -2, 3, -1, 2].into_iter().cycle()) {
        *cost += Cash(off);
    }
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100), Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::new(Rules { adl: policy, ..(*rules).clone() }));
    venue.open(Arc::new(register), telling);
    let facts = checks(&mut venue, world).flatten().collect();
    (venue, facts)
}

/// Lots needed and placed by the first round of a world under another policy.
fn first_round(world: &World, policy: Policy) -> Option<(Qty, Qty)> {
    let (mut opened, rules) = open(world);
    let register = opened.release();
    drop(opened);
    let rules = Arc::new(Rules { adl: policy, ..(*rules).clone() });
    let mut venue = Venue::new(rules);
    venue.open(register, Telling::Told);
    checks(&mut venue, world).flatten().find_map(|fact| match fact {
        Fact::Round { needed, placed, .. } => Some((needed, placed)),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The recorder is shown everybody who is eligible; every policy places as much as they hold, or all that is needed.
    #[test]
    fn a_residue_remains_only_where_no_eligible_winner_is_left(world in worlds()) {
        let recorder = Recorder::default();
        let Some((needed, placed)) = first_round(&world, Policy::Sharing(Box::new(recorder.clone()))) else {
            return Ok(());
        };
        let held: Qty = recorder.0.lock().unwrap()[0].1.iter().map(|winner| winner.qty.abs()).sum();
        prop_assert_eq!(placed, needed.min(held));
        for entry in POLICIES.entries {
            prop_assert_eq!(first_round(&world, *entry.build_default()), Some((needed, placed)), "{}", entry.kind);
        }
    }

    /// Where nobody listens, whoever is closed whole is closed at once: that leaves the same accounts as fill by fill, and
    /// comes to the same sums.
    #[test]
    fn a_round_is_the_same_whether_or_not_its_fills_are_told(world in worlds()) {
        for entry in POLICIES.entries {
            let (fills, facts) = told(&world, *entry.build_default(), Telling::Silent);
            let (mut whole, unheard) = told(&world, *entry.build_default(), Telling::Counted);
            let rounds = |facts: &[Fact]| -> Vec<Fact> {
                facts.iter().filter(|fact| matches!(fact, Fact::Round { .. })).copied().collect()
            };
            prop_assert_eq!(rounds(&facts), rounds(&unheard), "{}", entry.kind);
            for id in 0..world.accounts() {
                prop_assert_eq!(fills.ledger().position(id), whole.ledger().position(id), "{}", entry.kind);
                prop_assert_eq!(fills.ledger().wallet(id), whole.ledger().wallet(id), "{}", entry.kind);
            }
            prop_assert_eq!(fills.ledger().fund(), whole.ledger().fund(), "{}", entry.kind);
            let (mut accounts, mut notional, mut haircut, mut gift) = (std::collections::BTreeSet::new(), 0, 0, 0);
            for fact in &facts {
                if let Fact::Deleveraged { account, notional: lots, haircut: lost, .. } = fact {
                    accounts.insert(*account);
                    notional += lots.0;
                    haircut += lost.0.max(0);
                    gift += (-lost.0).max(0);
                }
            }
            let counted = whole.counted();
            prop_assert_eq!(counted.deleveraged.count(), i64::try_from(accounts.len()).unwrap(), "{}", entry.kind);
            let sums = (counted.adl_notional, counted.adl_haircut, counted.adl_gift);
            prop_assert_eq!(sums, (notional, haircut, gift), "{}", entry.kind);
        }
    }
}
