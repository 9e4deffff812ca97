//! The search for the best winners against ranking everybody, for every policy that ranks.

use proptest::prelude::*;

use super::super::adl::{POLICIES, Policy, Ranking, Round, Winner};
use super::super::ledger::State;
use super::super::margin::{Tier, Tiers};
use super::super::winners::{Question, Winners};
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

fn found(venue: &Venue, policy: &dyn Ranking, round: &Round, eligible: &dyn Fn(&Winner) -> bool) -> Vec<u32> {
    let tiers = tiers();
    let question = Question {
        ledger: venue.ledger(),
        policy,
        contract: 0,
        side: Side::Short,
        round,
        tiers: &tiers,
        marks: &[],
        lot_value: round.mark.0,
        eligible,
    };
    let mut search = Winners::default();
    search.reset(1);
    search.search(&question);
    std::iter::from_fn(|| search.next(&question)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_search_yields_the_order_of_a_full_ranking(
        people in proptest::collection::vec((60i64..160, 1i64..60, 0i64..3_000), 1..120), mark in 40i64..140, salt: u64,
    ) {
        let venue = venue_of(&people);
        let round = Round {
            side: Side::Short,
            mark: Price(mark),
            price: Price(mark + 3),
            needed: Qty(1),
            cash: Cash(mark + 3),
            accounts: u32::try_from(people.len()).unwrap(),
            salt,
        };
        let eligible = |winner: &Winner| winner.unrealised().0 > 0 && winner.equity().0 > 0;
        for entry in POLICIES.entries {
            let Policy::Ranking(policy) = *entry.build_default() else { continue };
            let mut ranked: Vec<(std::cmp::Reverse<i128>, u32)> = (0..round.accounts)
                .map(|id| venue.ledger().position(id))
                .filter(|position| matches!(position.state, State::Listed))
                .map(|position| Winner::of(&position, position.collateral, Cash(position.qty.0 * mark), &tiers()))
                .filter(|winner| eligible(winner))
                .map(|winner| (std::cmp::Reverse(policy.score(&winner, &round)), winner.account))
                .collect();
            ranked.sort_unstable();
            let ranked: Vec<u32> = ranked.into_iter().map(|(_, account)| account).collect();
            prop_assert_eq!(&found(&venue, policy.as_ref(), &round, &eligible), &ranked, "{}", entry.kind);
        }
    }
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
    let tiers = tiers();
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
        let eligible = |winner: &Winner| winner.unrealised().0 > 0 && winner.equity().0 > 0;
        let question = Question {
            ledger: venue.ledger(),
            policy: policy.as_ref(),
            contract: 0,
            side: Side::Short,
            round: &round,
            tiers: &tiers,
            marks: &[],
            lot_value: mark,
            eligible: &eligible,
        };
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
