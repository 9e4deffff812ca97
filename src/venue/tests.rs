//! The worked example, and random small worlds against naive scans.

use super::ledger::Position;
use super::register::Holdings;
use super::rules::{ContractRules, Eligible, FundRules, SurplusTo, Trigger};
use super::*;
use crate::facts::{Party, Why};
use crate::money::{Multiplier, Ratio};

/// The worked example of `docs/methods.md`: A long 10 at 100 with collateral 95, B short 10.
fn example(fund: i64, winner_entry: i64, layers: &[PositionLayer]) -> (Venue, Vec<Fact>) {
    let mut rules = example_rules();
    rules.position_layers = layers.to_vec();
    rules.fund.open = Cash(fund);
    play(rules, winner_entry)
}

fn example_rules() -> Rules {
    let tiers = margin::Tiers::new(vec![margin::Tier {
        floor: Cash(0),
        rate: Ratio(10_000_000),
        max_leverage: Ratio(100_000_000_000),
    }]);
    Rules {
        contracts: vec![ContractRules { multiplier: Multiplier(1), tiers: tiers.unwrap() }],
        trigger: Trigger::Below,
        liquidation: liquidation::RULES.entries[0].build_default(),
        position_layers: vec![PositionLayer::Book, PositionLayer::Adl],
        cash_layers: vec![CashLayer::Fund, CashLayer::Venue],
        fund: FundRules { open: Cash(0), floor: Cash(0) },
        venue_capital: Cash(0),
        taker_fee: Ratio(0),
        liquidation_fee: Ratio(0),
        surplus_to: SurplusTo::Trader,
        engine_slice: None,
        latency: Nanos(0),
        adl: *adl::POLICIES.entries[0].build_default(),
        adl_eligible: Eligible::ProfitAtAdlPrice,
    }
}

fn play(rules: Rules, winner_entry: i64) -> (Venue, Vec<Fact>) {
    let mut holdings = Holdings {
        wallet: vec![Cash(0); 2],
        account: vec![0, 1],
        contract: vec![0, 0],
        qty: vec![Qty(10), Qty(-10)],
        cost: vec![Cash(1000), Cash(-10 * winner_entry)],
        collateral: vec![Cash(95), Cash(500)],
    };
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Told);
    venue.apply(Command::Mark { now: Nanos(1), contract: 0, mark: Price(89) }).unwrap();
    let mut next = venue.apply(Command::Check { now: Nanos(1) }).unwrap();
    let mut bids = vec![(92, 3), (90, 3), (85, 4)];
    while let Next::Order(order) = next {
        let value = |lots: i64| {
            let mut left = lots;
            bids.iter()
                .map(|&(price, size)| {
                    let n = left.min(size);
                    left -= n;
                    n * price
                })
                .sum::<i64>()
        };
        let s = |lots| order.shortfall(Multiplier(1), Qty(lots), Cash(value(lots)));
        let most = order.lots.0.min(bids.iter().map(|level| level.1).sum());
        let lots = (0..=most).rev().find(|&x| order.budget.is_none_or(|budget| s(x) <= budget)).unwrap();
        let fill = Fill { lots: Qty(lots), cash: Cash(value(lots)), uncut: s(most) };
        let mut left = lots;
        for level in &mut bids {
            let n = left.min(level.1);
            level.1 -= n;
            left -= n;
        }
        next = venue.apply(Command::Fill(fill)).unwrap();
    }
    let facts = std::mem::take(venue.facts());
    (venue, facts)
}

const BOOK_ADL: [PositionLayer; 2] = [PositionLayer::Book, PositionLayer::Adl];

/// Fund after, lots to ADL, wallet of A, unfunded deficit.
fn result(venue: &Venue, facts: &[Fact]) -> (i64, i64, i64, i64) {
    let adl = facts.iter().map(|fact| if let Fact::Deleveraged { qty, .. } = fact { qty.0 } else { 0 }).sum();
    let unfunded = facts
        .iter()
        .map(|fact| match fact {
            Fact::Posted { from: Party::Deficit, amount, why: Why::Shortfall, .. } => amount.0,
            _ => 0,
        })
        .sum();
    assert_eq!(venue.ledger().position(0).state, State::Closed);
    (venue.ledger().fund().0, adl, venue.ledger().wallet(0).0, unfunded)
}

#[test]
fn the_worked_example_splits_lots_between_book_and_adl_by_the_funds_budget() {
    for (fund, expected) in [(10, (3, 2, 0, 0)), (0, (0, 4, 5, 0)), (100, (81, 0, 0, 0))] {
        let (venue, facts) = example(fund, 105, &BOOK_ADL);
        assert_eq!(result(&venue, &facts), expected, "fund {fund}");
    }
}

#[test]
fn with_nobody_to_deleverage_the_rest_is_sold_and_the_deficit_shown() {
    for (fund, expected) in [(13, (0, 0, 0, 6)), (0, (0, 0, 0, 19))] {
        let (venue, facts) = example(fund, 90, &BOOK_ADL);
        assert_eq!(result(&venue, &facts), expected, "fund {fund}");
    }
}

#[test]
fn adl_before_the_book_keeps_the_fund_whole() {
    // The book takes 6 on the account's own equity, ADL the other 4: the fund is not asked.
    let (venue, facts) = example(100, 105, &[PositionLayer::Adl, PositionLayer::Book]);
    assert_eq!(result(&venue, &facts), (100, 4, 5, 0));
}

#[test]
fn the_engine_takes_over_as_many_lots_as_the_funds_equity_bears() {
    // At mark 89 each lot taken at 91 costs 2 of equity: a fund of 7 bears 3, ADL takes the other 7.
    let (venue, facts) = example(7, 105, &[PositionLayer::Engine, PositionLayer::Adl]);
    assert_eq!(venue.tickets(0).collect::<Vec<_>>(), [(Qty(3), Price(91))]);
    assert_eq!(result(&venue, &facts), (7, 7, 5, 0));
}

#[test]
fn commands_out_of_turn_are_refused() {
    let (mut venue, _) = example(10, 105, &BOOK_ADL);
    let fill = Fill { lots: Qty(1), cash: Cash(1), uncut: Cash(0) };
    assert_eq!(venue.apply(Command::Fill(fill)), Err(Refused::NoOrder));
    let mark = Command::Mark { now: Nanos(2), contract: 9, mark: Price(1) };
    assert_eq!(venue.apply(mark), Err(Refused::NoContract(9)));
    let mark = Command::Mark { now: Nanos(2), contract: 0, mark: Price(0) };
    assert_eq!(venue.apply(mark), Err(Refused::NoPrice(0)));
}

mod plans;
mod rounds;
mod search;
mod worlds;
