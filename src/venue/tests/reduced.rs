//! Cross accounts as a whole: reduced by one share of all their positions, and counted once below zero.

use super::super::register::Holdings;
use super::super::rules::{AdlTrigger, PositionOrder, Span};
use super::*;

/// Account, contract, lots, entry, collateral; with none the position is cross.
type Line = (u32, u16, i64, i64, Option<i64>);

fn venue(rules: Rules, wallets: &[i64], lines: &[Line], opens: &[i64]) -> Venue {
    let mut holdings = Holdings { wallet: wallets.iter().map(|&cash| Cash(cash)).collect(), ..Holdings::default() };
    for &(account, contract, lots, entry, collateral) in lines {
        let k = rules.contracts[usize::from(contract)].multiplier;
        holdings.account.push(account);
        holdings.contract.push(contract);
        holdings.qty.push(Qty(lots));
        holdings.cost.push(k.value(Qty(lots), Price(entry)));
        holdings.collateral.push(Cash(collateral.unwrap_or(0)));
        holdings.cross.push(collateral.is_none());
    }
    let opens: Vec<Price> = opens.iter().map(|&open| Price(open)).collect();
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &opens).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Told);
    venue
}

fn refresh(venue: &mut Venue, now: i64, marks: &[i64]) {
    let now = Nanos(now);
    for (contract, &mark) in (0u16..).zip(marks) {
        venue.apply(Command::Mark { now, contract, mark: Price(mark) }).unwrap();
    }
    venue.apply(Command::Refreshed { now }).unwrap();
}

/// Lots of each order that comes to the book at a check; all fill at the mark.
fn orders(venue: &mut Venue, now: i64) -> Vec<(u16, i64)> {
    let mut sent = Vec::new();
    let mut next = venue.apply(Command::Check { now: Nanos(now) }).unwrap();
    while let Next::Order(order) = next {
        sent.push((order.contract, order.lots.0));
        let k = venue.rules.contracts[usize::from(order.contract)].multiplier;
        let cash = k.notional(order.lots, venue.mark_of(order.contract));
        next = venue.apply(Command::Fill(Fill { lots: order.lots, cash, uncut: Cash(0) })).unwrap();
    }
    sent
}

/// Maintenance 1 %, positions with the greatest maintenance first, 20 % and 90 %; a contract for each multiplier.
fn paradex(multipliers: &[i64]) -> Rules {
    let mut rules = example_rules();
    let one = rules.contracts[0].clone();
    rules.contracts =
        multipliers.iter().map(|&k| ContractRules { multiplier: Multiplier::Linear(k), ..one.clone() }).collect();
    rules.position_order = PositionOrder::Maintenance;
    let share_of_all = liquidation::RULES.entries.iter().find(|entry| entry.kind == "share_of_all").unwrap();
    rules.liquidation = share_of_all.build_default();
    rules
}

/// The account of Paradex's document (`risk-system/liquidations.mdx`): 1,000 USDC, long 0.1 BTC from 60,000 at 54,800, short
/// 1 ETH from 3,000 at 3,400: account value 80, maintenance 54.8 + 34 = 88.8. In thousandths of a dollar, lots of 0.001
/// BTC and 0.1 ETH.
const DOCUMENTED: [Line; 2] = [(0, 0, 100, 60_000, None), (0, 1, -10, 3_000, None)];

fn documented(rules: Rules) -> Venue {
    let mut venue = venue(rules, &[1_000_000], &DOCUMENTED, &[60_000, 3_000]);
    refresh(&mut venue, 1, &[54_800, 3_400]);
    let held = venue.at_marks(0);
    assert_eq!((held.equity, held.maintenance), (Cash(80_000), 88_800 * i128::from(Ratio::ONE.0)));
    venue
}

/// Four fifths of the maintenance, 71.04, are less than 90 % of 80: a fifth of both goes. With the fifth of the first
/// alone the account would be safe already (43.84 + 34 < 80), and the second goes all the same.
#[test]
fn all_positions_of_a_cross_account_are_reduced_by_one_share() {
    let mut venue = documented(paradex(&[1, 100]));
    assert_eq!(orders(&mut venue, 1), [(0, 20), (1, 2)]);
    let left = venue.at_marks(0);
    assert_eq!((left.equity, left.maintenance), (Cash(80_000), 71_040 * i128::from(Ratio::ONE.0)));
    // 71.04 ÷ 80 = 88.8 %: nothing more to do.
    refresh(&mut venue, 2, &[54_800, 3_400]);
    assert_eq!(orders(&mut venue, 2), []);
}

/// ETH stands still and keeps its 34: with it 72 is reached at 40 % of BTC (32.88 + 34), not at 20 % (43.84 + 34). When
/// it trades again the account is safe.
#[test]
fn positions_in_a_contract_that_stands_still_wait_and_keep_their_margin() {
    let mut rules = paradex(&[1, 100]);
    rules.interruptions.halts = vec![(Some(1), Span { at: Nanos(1), length: Nanos(2) })];
    let mut venue = documented(rules);
    assert_eq!(orders(&mut venue, 1), [(0, 40)]);
    for now in [2, 3] {
        refresh(&mut venue, now, &[54_800, 3_400]);
        assert_eq!(orders(&mut venue, now), [], "{now}");
    }
}

/// Of 7 lots 20 % are ⌈1.4⌉ = 2 and 40 % ⌈2.8⌉ = 3, of one lot any share is the lot. At 100, with a margin of 1 a lot and
/// 8 in all, equity 6.7: 5 lots have less than 6.03, while four fifths of 8 lots, 6.4, would have more.
#[test]
fn each_position_closes_its_share_rounded_up_and_the_account_is_counted_so() {
    let rules = paradex(&[10, 10]);
    let lines = [(0, 0, 7, 110, None), (0, 1, -1, 100, None)];
    let mut venue = venue(rules, &[767], &lines, &[110, 100]);
    refresh(&mut venue, 1, &[100, 100]);
    assert_eq!(venue.at_marks(0).equity, Cash(67));
    assert_eq!(orders(&mut venue, 1), [(0, 2), (1, 1)]);
}

/// Below zero no share brings the account below the target: all of it goes.
#[test]
fn an_account_below_zero_is_closed_whole() {
    let mut rules = paradex(&[1, 100]);
    rules.fund.open = Cash(1_000);
    let mut venue = venue(rules, &[919_000], &DOCUMENTED, &[60_000, 3_000]);
    refresh(&mut venue, 1, &[54_800, 3_400]);
    assert_eq!(venue.at_marks(0).equity, Cash(-1_000));
    assert_eq!(orders(&mut venue, 1), [(0, 100), (1, 10)]);
}

/// Alone in its account a position is cut like an isolated one with the wallet as its collateral.
#[test]
fn one_cross_position_is_cut_like_an_isolated_one() {
    // 90 lots at 100, margin 1 a lot, equity 70: maintenance below 63 is left by 40 %.
    for (wallet, collateral) in [(70, None), (0, Some(70))] {
        let mut venue = venue(paradex(&[1]), &[wallet], &[(0, 0, 90, 100, collateral)], &[100]);
        refresh(&mut venue, 1, &[100]);
        assert_eq!(orders(&mut venue, 1), [(0, 36)], "{collateral:?}");
    }
}

/// Lots deleveraged at 89 of an account that is long 10 from 100 in two contracts; two others are short of them from 105.
fn deleveraged(tolerance: i64, wallet: i64, collateral: Option<i64>) -> i64 {
    let mut rules = paradex(&[1, 1]);
    rules.liquidation = liquidation::RULES.entries[0].build_default();
    rules.position_layers = vec![PositionLayer::Adl];
    rules.waterfall.adl_trigger = AdlTrigger::NegativeAccountValue { tolerance: Cash(tolerance) };
    let lines = [
        (0, 0, 10, 100, collateral),
        (0, 1, 10, 100, collateral),
        (1, 0, -10, 105, Some(500)),
        (2, 1, -10, 105, Some(500)),
    ];
    let mut venue = venue(rules, &[wallet, 0, 0], &lines, &[100, 100]);
    refresh(&mut venue, 1, &[89, 89]);
    assert_eq!(venue.at_marks(1).equity, Cash(-3));
    orders(&mut venue, 1);
    let lots = |fact: &Fact| if let Fact::Deleveraged { qty, .. } = fact { qty.0 } else { 0 };
    venue.facts().iter().map(lots).sum()
}

/// It lacks 3 at the marks, 217 − 2·10·11, with two orders open: together they do not lack 6.
#[test]
fn a_cross_account_below_zero_counts_once_towards_the_tolerance() {
    assert_eq!((deleveraged(3, 217, None), deleveraged(4, 217, None)), (20, 0));
}

/// Two isolated positions are two accounts, whoever holds them: each lacks 3, 107 − 10·11, and together they lack 6.
#[test]
fn isolated_positions_below_zero_count_each() {
    assert_eq!((deleveraged(6, 0, Some(107)), deleveraged(7, 0, Some(107))), (20, 0));
}
