//! The worked example, and random small worlds against naive scans.

use super::ledger::Position;
use super::register::Holdings;
use super::rules::{ContractRules, Eligible, Execution, FundRules, Interruptions, MarginMode, SurplusTo, Trigger};
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

pub(super) fn example_rules() -> Rules {
    let tiers = margin::Tiers::new(vec![margin::Tier {
        floor: Cash(0),
        rate: Ratio(10_000_000),
        max_leverage: Ratio(100_000_000_000),
    }]);
    Rules {
        contracts: vec![ContractRules { multiplier: Multiplier::Linear(1), tiers: tiers.unwrap() }],
        trigger: Trigger::Below,
        position_order: rules::PositionOrder::Maintenance,
        cross_bankruptcy: rules::CrossBankruptcy::Sequential,
        liquidation: liquidation::RULES.entries[0].build_default(),
        position_layers: vec![PositionLayer::Book, PositionLayer::Adl],
        cash_layers: vec![CashLayer::Fund, CashLayer::Venue],
        fund: FundRules { open: Cash(0), floor: Cash(0) },
        venue_capital: Cash(0),
        taker_fee: Ratio(0),
        liquidation_fee: Ratio(0),
        surplus_to: SurplusTo::Trader,
        execution: Execution::Market,
        engine_slice: None,
        latency: Nanos(0),
        adl: *adl::POLICIES.entries[0].build_default(),
        adl_eligible: Eligible::ProfitAtAdlPrice,
        waterfall: Waterfall::default(),
        interruptions: Interruptions::default(),
        dynamic: None,
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
        cross: vec![],
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
        let s = |lots| order.shortfall(Multiplier::Linear(1), Qty(lots), Cash(value(lots)));
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
fn a_later_gain_of_the_same_order_repays_the_fund_before_fees() {
    // The book takes 8 for 716, the fund pays its shortfall of 7; nobody can be deleveraged (B at 90 is not in profit
    // at 91), and the last 2 lots find better bids: 95 each, 8 above the bankruptcy tick.
    let mut rules = example_rules();
    rules.fund.open = Cash(10);
    let mut holdings = Holdings {
        wallet: vec![Cash(0); 2],
        account: vec![0, 1],
        contract: vec![0, 0],
        qty: vec![Qty(10), Qty(-10)],
        cost: vec![Cash(1000), Cash(-900)],
        collateral: vec![Cash(95), Cash(500)],
        cross: vec![],
    };
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Told);
    venue.apply(Command::Mark { now: Nanos(1), contract: 0, mark: Price(89) }).unwrap();
    assert!(matches!(venue.apply(Command::Check { now: Nanos(1) }), Ok(Next::Order(_))));
    let first = Fill { lots: Qty(8), cash: Cash(716), uncut: Cash(19) };
    let Ok(Next::Order(rest)) = venue.apply(Command::Fill(first)) else { panic!("the rest wants a fill") };
    assert_eq!((rest.lots, rest.budget, venue.ledger().fund()), (Qty(2), None, Cash(3)));
    let second = Fill { lots: Qty(2), cash: Cash(190), uncut: Cash(0) };
    assert_eq!(venue.apply(Command::Fill(second)), Ok(Next::Idle));
    // Of the 8 gained 7 go back to the fund, 1 is left to A; nothing counts as paid.
    assert_eq!((venue.ledger().fund(), venue.ledger().wallet(0)), (Cash(10), Cash(1)));
    let paid = venue.facts().iter().find_map(|fact| match fact {
        Fact::OrderClosed { disposal, .. } => Some(disposal.paid.total()),
        _ => None,
    });
    assert_eq!(paid, Some(Cash(0)));
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

/// A long of 10 lots at 10,000 with collateral 1,500, alone on the venue.
fn lone_long(rules: Rules) -> Venue {
    let mut holdings = Holdings {
        wallet: vec![Cash(0)],
        account: vec![0],
        contract: vec![0],
        qty: vec![Qty(10)],
        cost: vec![Cash(100_000)],
        collateral: vec![Cash(1_500)],
        cross: vec![],
    };
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(10_000)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Silent);
    venue
}

/// The first order of the check instant that follows a mark.
fn first_order(venue: &mut Venue, now: i64, mark: i64) -> Order {
    let now = Nanos(now);
    venue.apply(Command::Mark { now, contract: 0, mark: Price(mark) }).unwrap();
    match venue.apply(Command::Check { now }).unwrap() {
        Next::Order(order) => order,
        Next::Idle => panic!("no order"),
    }
}

/// The limit of the lone long's order, maintenance 1 %, at mark 9,900 or lower: at 9,900 equity is 500 and maintenance 990.
fn limit(execution: Execution, mark: i64) -> Option<Price> {
    first_order(&mut lone_long(Rules { execution, ..example_rules() }), 1, mark).limit
}

#[test]
fn each_execution_has_its_worst_price() {
    assert_eq!(limit(Execution::Market, 9_900), None);
    assert_eq!(limit(Execution::Bankruptcy, 9_900), Some(Price(9_850)));
    assert_eq!(limit(Execution::BankruptcyOrMark, 9_900), Some(Price(9_850)));
    assert_eq!(limit(Execution::BankruptcyOrMark, 9_800), Some(Price(9_800)), "equity is −500");
    // 9,900·(1 − 1 %·500/990): a fill there leaves 500/990 as it is.
    assert_eq!(limit(Execution::ZeroPrice, 9_900), Some(Price(9_850)));
    // 9,900 − 1.5·(990 − 500)/10 = 9,826.5, rounded towards the mark.
    assert_eq!(limit(Execution::FillablePrice, 9_900), Some(Price(9_827)));
}

#[test]
fn a_partial_order_leaves_the_rest_open_and_watched() {
    let entry = liquidation::RULES.entries.iter().find(|entry| entry.kind == "restore_margin").unwrap();
    let mut venue = lone_long(Rules { liquidation: entry.build_default(), ..example_rules() });
    let order = first_order(&mut venue, 1, 9_900);
    // Equity 500 covers 1 % of 5 lots at 9,900 (495), not of 6.
    assert_eq!(order.lots, Qty(5));
    let fill = Fill { lots: Qty(5), cash: Cash(49_300), uncut: Cash(0) };
    assert_eq!(venue.apply(Command::Fill(fill)), Ok(Next::Idle));
    let position = venue.ledger().position(0);
    // Sold at 9,860 on average: 700 of loss is realised, 800 of collateral and 5 lots are left.
    assert_eq!((position.qty, position.collateral, position.state), (Qty(5), Cash(800), State::Rearmed));
    // Equity 300 covers 1 % of 3 lots (297): the next mark finds it again, and 2 more go.
    let order = first_order(&mut venue, 2, 9_900);
    assert_eq!((order.lots, order.bankruptcy), (Qty(2), Price(9_840)));
}

mod accounts;
mod cross;
mod dynamic;
mod extras;
mod funded;
mod plans;
mod purses;
mod reduced;
mod rounds;
mod search;
mod suite;
mod tokens;
mod waterfall;
mod worlds;
