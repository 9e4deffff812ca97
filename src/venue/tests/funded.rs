//! Funding on books whose triggers stand near one another: candidates are queued in the order of their triggers, whether
//! each trigger is found or only bounded.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Crowd {
    /// Lots, and what the collateral leaves of the entry value until maintenance, for each account; all enter at the open.
    positions: Vec<(i64, i64)>,
    has_tiers: bool,
    /// Funding per lot, and the mark after it.
    refreshes: Vec<(i64, i64)>,
}

const OPEN: i64 = 10_000;

fn crowds() -> impl Strategy<Value = Crowd> {
    let lots = prop_oneof![1i64..40, -40i64..0];
    // Room of up to 3 % in steps that leave many a pair of triggers within a tick of one another.
    let positions = proptest::collection::vec((lots, 0i64..300), 2..120);
    let refreshes = proptest::collection::vec((-400i64..800, 9_500i64..10_500), 1..12);
    (positions, any::<bool>(), refreshes).prop_map(|(positions, has_tiers, refreshes)| Crowd {
        positions,
        has_tiers,
        refreshes,
    })
}

fn open(crowd: &Crowd, telling: Telling) -> Venue {
    let tier =
        |floor, rate| margin::Tier { floor: Cash(floor), rate: Ratio(rate), max_leverage: Ratio(50_000_000_000) };
    let mut tiers = vec![tier(0, 10_000_000)];
    if crowd.has_tiers {
        tiers.push(tier(20 * OPEN * 10, 15_000_000));
    }
    let mut rules = example_rules();
    rules.contracts[0].multiplier = Multiplier::Linear(10);
    rules.contracts[0].tiers = margin::Tiers::new(tiers).unwrap();
    let value = |lots: i64| lots * OPEN * 10;
    let accounts = u32::try_from(crowd.positions.len()).unwrap();
    let mut holdings = Holdings {
        wallet: vec![Cash(0); crowd.positions.len()],
        account: (0..accounts).collect(),
        contract: vec![0; crowd.positions.len()],
        qty: crowd.positions.iter().map(|&(lots, _)| Qty(lots)).collect(),
        cost: crowd.positions.iter().map(|&(lots, _)| Cash(value(lots))).collect(),
        // Two per cent, and so much a lot and tick beside.
        collateral: crowd
            .positions
            .iter()
            .map(|&(lots, room)| Cash((value(lots) / 50 + lots * room * 3).abs()))
            .collect(),
        cross: vec![],
    };
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(OPEN)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), telling);
    venue
}

/// Who waits for a forced order after each refresh.
fn queued(crowd: &Crowd, telling: Telling) -> Vec<Vec<u32>> {
    let mut venue = open(crowd, telling);
    (1i64..)
        .map(Nanos)
        .zip(&crowd.refreshes)
        .map(|(now, &(per_lot, mark))| {
            venue.apply(Command::Funding { now, contract: 0, per_lot: Cash(per_lot) }).unwrap();
            venue.apply(Command::Mark { now, contract: 0, mark: Price(mark) }).unwrap();
            venue.queue.waiting().iter().map(|queued| queued.position).collect()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Where somebody listens every trigger is found, since it is told.
    #[test]
    fn whoever_listens_the_order_is_the_same(crowd in crowds()) {
        prop_assert_eq!(queued(&crowd, Telling::Counted), queued(&crowd, Telling::Told));
    }
}
