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
        asks_for_maintenance: policy.asks_for_maintenance(),
        marks: &[],
        busy: Some(busy),
    };
    Question { field, policy, round, lot_value: round.mark.0 }
}

/// Accounts with an unfinished order.
const BUSY: [u32; 2] = [1, 5];

/// The definition: everybody's score, best first, down to whom the round needs.
fn winners(venue: &Venue, policy: &dyn Ranking, round: &Round) -> Vec<u32> {
    let tiers = tiers();
    let mut ranked: Vec<(std::cmp::Reverse<i128>, u32, i64)> = (0..round.accounts)
        .map(|id| venue.ledger().position(id))
        .filter(|position| !matches!(position.state, State::Closed | State::Queued))
        .filter(|position| !BUSY.contains(&position.account))
        .map(|position| {
            let backing = position.collateral - position.owed;
            Winner::of(&position, backing, Cash(position.qty.0 * round.mark.0), &tiers)
        })
        .filter(|winner| winner.unrealised().0 > 0)
        // Solvent after closing at the worst price, 3 ticks above the mark.
        .filter(|winner| winner.equity().0 + 3 * winner.qty.0 >= 0)
        .map(|winner| (std::cmp::Reverse(policy.score(&winner, round)), winner.account, winner.qty.0.abs()))
        .collect();
    ranked.sort_unstable();
    let mut left = round.needed.0;
    let needed = ranked.into_iter().take_while(|(_, _, lots)| {
        let is_needed = left > 0;
        left -= lots;
        is_needed
    });
    needed.map(|(_, account, _)| account).collect()
}

fn busy(accounts: usize) -> Touched {
    let mut busy = Touched::default();
    busy.reset(accounts);
    BUSY.into_iter().filter(|account| (*account as usize) < accounts).for_each(|account| busy.mark(account));
    busy
}

/// The winners of a round, best first.
fn found(search: &mut Winners, question: &Question<'_>) -> Vec<u32> {
    let (mut winners, mut chosen) = (Vec::new(), Vec::new());
    let lots = search.choose(question, &mut winners, &mut chosen);
    assert_eq!(lots, chosen.iter().map(|chosen| chosen.lots).sum());
    chosen.iter().map(|chosen| winners[chosen.place as usize].opened).collect()
}

/// Plays what may befall a position between two rounds.
fn befall(venue: &mut Venue, id: u32, what: u32) {
    let position = venue.ledger.position_mut(id);
    match what % 6 {
        0 => position.state = State::Closed,
        1 => position.state = State::Queued,
        2 => position.collateral += Cash(500),
        // A part is closed at a gain.
        3 => {
            position.cost = Cash(position.cost.0 / 2);
            position.qty = Qty(-(position.qty.0.abs() + 1) / 2);
        }
        4 => position.collateral = Cash(position.collateral.0 / 2),
        _ => {
            let was_closed = position.state == State::Closed;
            position.state = State::Rearmed;
            if was_closed {
                position.cost -= Cash(30 * position.qty.0.abs());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whether a round takes little, so that the tree is searched, or much, so that everybody is ranked; and round after
    /// round on a tree that those before have split in part, when some have been touched, some closed and some opened
    /// again, with funding in between.
    #[test]
    fn the_search_yields_the_order_of_a_full_ranking(
        people in proptest::collection::vec((60i64..160, 1i64..60, 0i64..3_000), 1..300),
        rounds in proptest::collection::vec((
            40i64..140,
            prop_oneof![0i64..40, 0i64..600, Just(100_000)],
            -3i64..4,
            proptest::collection::vec((0u32..300, 0u32..6), 0..60),
        ), 1..6),
        salt: u64,
    ) {
        let aside = (tiers(), busy(people.len()));
        let accounts = u32::try_from(people.len()).unwrap();
        for entry in POLICIES.entries {
            let Policy::Ranking(policy) = *entry.build_default() else { continue };
            let mut venue = venue_of(&people);
            let mut search = Winners::default();
            search.reset(1);
            for (mark, needed, funding, befallen) in &rounds {
                let (price, cash) = (Price(mark + 3), Cash(mark + 3));
                let (mark, needed) = (Price(*mark), Qty(*needed));
                let round = Round { side: Side::Short, mark, price, needed, cash, accounts, salt };
                let question = question(&venue, policy.as_ref(), &round, &aside);
                let expected = winners(&venue, policy.as_ref(), &round);
                prop_assert_eq!(found(&mut search, &question), expected, "{}, {} lots", entry.kind, needed.0);
                venue.ledger.fund_positions(0, Cash(*funding));
                for &(id, what) in befallen.iter().filter(|(id, _)| *id < accounts) {
                    let was_closed = venue.ledger.state(id) == State::Closed;
                    befall(&mut venue, id, what);
                    if was_closed && venue.ledger.state(id) != State::Closed {
                        search.reopened(&venue.ledger, 0, Side::Short, id);
                    }
                }
            }
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
    let expected = winners(&venue, &Vast, &round);
    assert_eq!(
        (expected[0], expected.len(), expected[37]),
        (0, 38, 37),
        "one lot of account 0, the last of those at the end"
    );
    assert_eq!(found(&mut Winners::default(), &question), expected);
}

/// 50,000 shorts, some hundred winners needed: microseconds a search.
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
    let (mark, needed) = (9_000, 50_000);
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
        found(&mut search, &question);
        let mut took = Vec::new();
        for _ in 0..5 {
            let start = std::time::Instant::now();
            let found = found(&mut search, &question).len();
            took.push(start.elapsed().as_nanos() / 1_000);
            assert!(found > 50, "{found}");
        }
        println!("{:<18} {took:?} µs", entry.kind);
    }
}
