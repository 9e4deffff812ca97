//! Maintenance that moves with volatility, by hand: 10 % of notional, 50 % from a volatility of 3 % on.

use super::super::register::Holdings;
use super::super::rules::{DynamicMaintenance, VolatilityStep};
use super::*;

const PERCENT: i64 = 10_000_000;

/// Accounts that are long 10 from 100 with these collaterals; nobody buys.
fn venue(collaterals: &[i64]) -> (Venue, Arc<Register>) {
    stepped(Ratio(5_000_000_000), collaterals, MarginMode::Isolated)
}

/// The same with another step, and collateral or wallets.
fn stepped(multiplier: Ratio, backings: &[i64], mode: MarginMode) -> (Venue, Arc<Register>) {
    let mut rules = example_rules();
    let tier = margin::Tier { floor: Cash(0), rate: Ratio(10 * PERCENT), max_leverage: Ratio::ONE };
    rules.contracts[0].tiers = margin::Tiers::new(vec![tier]).unwrap();
    let step = VolatilityStep { volatility: Ratio(3 * PERCENT), multiplier };
    rules.dynamic = Some(DynamicMaintenance { window: Nanos(1), steps: vec![step] });
    let mut holdings = Holdings::default();
    let cross = mode == MarginMode::Cross;
    for (account, &backing) in (0u32..).zip(backings) {
        holdings.wallet.push(Cash(if cross { backing } else { 0 }));
        holdings.account.push(account);
        holdings.contract.push(0);
        holdings.qty.push(Qty(10));
        holdings.cost.push(Cash(1_000));
        holdings.collateral.push(Cash(if cross { 0 } else { backing }));
        holdings.cross.push(cross);
    }
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100)]).unwrap();
    register.sort();
    (Venue::new(Arc::new(rules)), Arc::new(register))
}

/// Tells a volatility in percent and a mark; who is queued then.
fn refreshed(venue: &mut Venue, now: i64, volatility: i64, mark: i64) -> Vec<u32> {
    let now = Nanos(now);
    venue.apply(Command::Volatility { now, contract: 0, volatility: Ratio(volatility * PERCENT) }).unwrap();
    venue.apply(Command::Mark { now, contract: 0, mark: Price(mark) }).unwrap();
    venue.apply(Command::Refreshed { now }).unwrap();
    venue.queue.waiting().iter().map(|queued| queued.position).collect()
}

#[test]
fn a_step_of_volatility_moves_the_tick_of_liquidation_and_the_way_back_moves_it_back() {
    // Of 600: 10p − 400 < p from 44 on, and < 5p from 79 on; of 700 from 33 and 59 on.
    let (mut venue, register) = venue(&[600, 700]);
    venue.open(register, Telling::Told);
    assert!(refreshed(&mut venue, 1, 2, 80).is_empty());
    assert!(refreshed(&mut venue, 2, 3, 80).is_empty(), "equity of 400 is maintenance of 400");
    assert!(refreshed(&mut venue, 3, 2, 79).is_empty(), "the tiers hold as written again");
    assert_eq!(refreshed(&mut venue, 4, 3, 79), [0], "390 < 395");
    let scaled: Vec<i64> = venue
        .facts()
        .iter()
        .filter_map(
            |fact| if let Fact::MaintenanceScaled { multiplier, .. } = fact { Some(multiplier.0) } else { None },
        )
        .collect();
    assert_eq!(scaled, [5_000_000_000, 1_000_000_000, 5_000_000_000]);
}

#[test]
fn an_order_that_volatility_no_longer_asks_for_is_dropped_and_its_position_watched_by_the_tiers() {
    let (mut venue, register) = venue(&[600]);
    venue.open(register, Telling::Told);
    assert_eq!(refreshed(&mut venue, 1, 3, 79), [0]);
    // Calm again before its turn comes.
    assert_eq!(refreshed(&mut venue, 2, 0, 79), [0]);
    assert_eq!(venue.apply(Command::Check { now: Nanos(2) }), Ok(Next::Idle));
    assert!(refreshed(&mut venue, 3, 0, 45).is_empty(), "450 + 600 − 1,000 is 50, and 45 are asked for");
    assert_eq!(refreshed(&mut venue, 4, 0, 44), [0], "40 < 44");
}

/// The list of a step holds isolated positions alone. A step that raises nothing looks at cross accounts too when it is
/// first taken: 600 of wallet are left with 40 at 44, and 44 are asked for.
#[test]
fn a_step_of_multiplier_one_overlooks_no_cross_account() {
    let (mut venue, register) = stepped(Ratio::ONE, &[600], MarginMode::Cross);
    venue.open(register, Telling::Told);
    assert!(refreshed(&mut venue, 1, 3, 45).is_empty());
    assert_eq!(refreshed(&mut venue, 2, 3, 44), [0]);
}

/// 0.7654321 % · 1.234 = 0.9445432114 %, and nobody is asked for less than that.
#[test]
fn the_rates_of_a_step_are_rounded_up_to_a_billionth() {
    let tier = margin::Tier { floor: Cash(0), rate: Ratio(7_654_321), max_leverage: Ratio::ONE };
    let scaled = margin::Tiers::new(vec![tier]).unwrap().scaled_by(Ratio(1_234_000_000)).unwrap();
    assert_eq!(scaled.tiers()[0].rate, Ratio(9_445_433));
}

/// Funding of 3 a lot moves a trigger by 3/(1 − r) ticks: 6 at a rate of 50 %, whatever the rate was when it fell due.
#[test]
fn funding_before_a_step_counts_at_the_rates_of_the_step() {
    let (mut venue, register) = venue(&[600]);
    venue.open(register, Telling::Told);
    venue.apply(Command::Funding { now: Nanos(1), contract: 0, per_lot: Cash(3) }).unwrap();
    // 600 − 30 + 10p − 1,000 < 5p from 85 on.
    assert!(refreshed(&mut venue, 1, 3, 86).is_empty());
    assert_eq!(refreshed(&mut venue, 2, 3, 85), [0]);
}

#[test]
fn the_next_path_begins_calm_on_the_same_lists() {
    let (mut venue, register) = venue(&[600, 500, 900]);
    let mut path = |register: Arc<Register>| {
        venue.open(register, Telling::Told);
        let told = [(0, 90), (3, 90), (0, 90), (4, 79), (0, 60), (3, 60)];
        let seen: Vec<Vec<u32>> =
            (1i64..).zip(told).map(|(now, (volatility, mark))| refreshed(&mut venue, now, volatility, mark)).collect();
        (seen, venue.release())
    };
    let (first, register) = path(register);
    // 500 falls below 5p at 99, 600 at 79, 900 at 19; by the tiers 500 at 55.
    assert_eq!(first, [vec![], vec![1], vec![1], vec![1, 0], vec![1, 0], vec![1, 0]]);
    assert_eq!(path(register).0, first);
}
