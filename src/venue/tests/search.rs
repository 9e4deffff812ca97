//! The search for the best winners against ranking everybody, for every policy that ranks.

use proptest::prelude::*;

use super::super::adl::{POLICIES, Policy, Ranking, Round, Sybil, Winner};
use super::super::ledger::State;
use super::super::ledger::touched::Touched;
use super::super::margin::{Tier, Tiers};
use super::super::rules::Eligible;
use super::super::winners::{Field, Question, Winners};
use super::*;

fn tiers() -> Tiers {
    let tier = |floor, rate| Tier { floor: Cash(floor), rate: Ratio(rate), max_leverage: Ratio(1) };
    Tiers::new(vec![tier(0, 10_000_000), tier(700, 25_000_000), tier(2_000, 100_000_000)]).unwrap()
}

/// (entry, lots, collateral) of shorts, opened at 100.
fn venue_of(people: &[(i64, i64, i64)]) -> Venue {
    let mut rules = example_rules();
    rules.contracts[0].tiers = tiers();
    let mut holdings = Holdings::default();
    for (account, &(entry, lots, collateral)) in (0u32..).zip(people) {
        holdings.wallet.push(Cash(0));
        holdings.account.push(account);
        holdings.contract.push(0);
        holdings.qty.push(Qty(-lots));
        holdings.cost.push(Cash(-lots * entry));
        holdings.collateral.push(Cash(collateral));
    }
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Told);
    venue
}

/// What a round asks of the shorts.
fn question<'a>(
    venue: &'a Venue,
    policy: &'a dyn Ranking,
    round: &'a Round,
    (tiers, busy): &'a (Tiers, Touched),
) -> Question<'a> {
    let field = Field {
        ledger: venue.ledger(),
        contract: 0,
        side: Side::Short,
        rule: Eligible::ProfitAtMark,
        lot: Cash(round.mark.0),
        lot_at_worst: Cash(round.price.0),
        tiers,
        marks: &[],
        busy: Some(busy),
    };
    Question { field, policy, round, lot_value: round.mark.0 }
}

/// Accounts with an unfinished order.
const BUSY: [u32; 2] = [1, 5];

/// The definition: everybody's score, best first.
fn ranked(venue: &Venue, policy: &dyn Ranking, round: &Round) -> Vec<u32> {
    let tiers = tiers();
    let mut ranked: Vec<(std::cmp::Reverse<i128>, u32)> = (0..round.accounts)
        .map(|id| venue.ledger().position(id))
        .filter(|position| matches!(position.state, State::Listed) && !BUSY.contains(&position.account))
        .map(|position| Winner::of(&position, position.collateral, Cash(position.qty.0 * round.mark.0), &tiers))
        .filter(|winner| winner.unrealised().0 > 0)
        // Solvent after closing at the worst price, 3 ticks above the mark.
        .filter(|winner| winner.equity().0 + 3 * winner.qty.0 >= 0)
        .map(|winner| (std::cmp::Reverse(policy.score(&winner, round)), winner.account))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, account)| account).collect()
}

fn busy(accounts: usize) -> Touched {
    let mut busy = Touched::default();
    busy.reset(accounts);
    BUSY.into_iter().filter(|account| (*account as usize) < accounts).for_each(|account| busy.mark(account));
    busy
}

fn found(search: &mut Winners, question: &Question<'_>) -> Vec<u32> {
    search.search(question);
    std::iter::from_fn(|| search.next(question)).map(|(_, id)| id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whether a round takes little, so that the tree is searched, or all, so that everybody is ranked; and again when
    /// some have been touched and some closed, on a tree that the first few winners have split in part.
    #[test]
    fn the_search_yields_the_order_of_a_full_ranking(
        people in proptest::collection::vec((60i64..160, 1i64..60, 0i64..3_000), 1..120),
        mark in 40i64..140,
        salt: u64,
        touched in proptest::collection::vec(0u32..120, 0..40),
    ) {
        let aside = (tiers(), busy(people.len()));
        let accounts = u32::try_from(people.len()).unwrap();
        let all: i64 = people.iter().map(|(_, lots, _)| lots).sum();
        for (entry, needed) in POLICIES.entries.iter().flat_map(|entry| [(entry, 0), (entry, all)]) {
            let Policy::Ranking(policy) = *entry.build_default() else { continue };
            let (price, cash) = (Price(mark + 3), Cash(mark + 3));
            let round =
                Round { side: Side::Short, mark: Price(mark), price, needed: Qty(needed), cash, accounts, salt };
            let mut venue = venue_of(&people);
            let mut search = Winners::default();
            search.reset(1);
            let first: Vec<u32> = {
                let question = question(&venue, policy.as_ref(), &round, &aside);
                search.search(&question);
                (0..3).filter_map(|_| search.next(&question)).map(|(_, id)| id).collect()
            };
            let expected = ranked(&venue, policy.as_ref(), &round);
            prop_assert_eq!(&first, &expected[..expected.len().min(3)], "{}, {} lots", entry.kind, needed);
            for (at, &id) in touched.iter().filter(|id| **id < accounts).enumerate() {
                let position = venue.ledger.position_mut(id);
                if at % 2 == 0 {
                    position.state = State::Closed;
                }
            }
            let question = question(&venue, policy.as_ref(), &round, &aside);
            let expected = ranked(&venue, policy.as_ref(), &round);
            prop_assert_eq!(found(&mut search, &question), expected, "{}, {} lots", entry.kind, needed);
        }
    }
}

/// Scores up to the ends of what 128 bits hold, with ties.
#[derive(Clone, Copy, Debug)]
struct Vast;

impl Ranking for Vast {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    fn score(&self, winner: &Winner, _: &Round) -> i128 {
        [i128::MAX - i128::from(winner.qty.0.abs()), i128::MIN, 7, -7][winner.account as usize % 4]
    }
}

#[test]
fn scores_beyond_the_usual_are_ranked_too() {
    let people: Vec<(i64, i64, i64)> = (0..40).map(|account| (120, 1 + account % 3, 500)).collect();
    let venue = venue_of(&people);
    let aside = (tiers(), busy(people.len()));
    let (price, cash) = (Price(93), Cash(93));
    let round = Round { side: Side::Short, mark: Price(90), price, needed: Qty(1_000), cash, accounts: 40, salt: 7 };
    let question = question(&venue, &Vast, &round, &aside);
    let expected = ranked(&venue, &Vast, &round);
    assert_eq!(
        (expected[0], expected.len(), expected[37]),
        (0, 38, 37),
        "one lot of account 0, the last of those at the end"
    );
    assert_eq!(found(&mut Winners::default(), &question), expected);
}

/// 50,000 shorts, a hundred winners asked for: microseconds a search, and for ranking everybody.
#[test]
#[ignore = "prints how long a search takes"]
fn time_the_search() {
    let mut state = 1u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((state >> 33) % below).unwrap()
    };
    let people: Vec<(i64, i64, i64)> = (0..50_000)
        .map(|_| {
            let (entry, lots, leverage) = (9_500 + draw(1_000), 1 + draw(1_000), 2 + draw(40));
            (entry, lots, lots * entry / leverage)
        })
        .collect();
    let venue = venue_of(&people);
    let aside = (tiers(), busy(50_000));
    let (mark, needed) = (9_000, 100);
    for entry in POLICIES.entries {
        let Policy::Ranking(policy) = *entry.build_default() else { continue };
        let round = Round {
            side: Side::Short,
            mark: Price(mark),
            price: Price(mark + 3),
            needed: Qty(needed),
            cash: Cash(mark + 3),
            accounts: 50_000,
            salt: 7,
        };
        let question = question(&venue, policy.as_ref(), &round, &aside);
        let mut search = Winners::default();
        search.reset(1);
        search.search(&question);
        let mut took = Vec::new();
        for _ in 0..5 {
            let start = std::time::Instant::now();
            search.search(&question);
            let found = (0..100).filter_map(|_| search.next(&question)).count();
            took.push(start.elapsed().as_nanos() / 1_000);
            assert_eq!(found, 100);
        }
        println!("{:<18} {took:?} µs", entry.kind);
    }
}
