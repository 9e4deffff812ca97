use std::sync::Arc;

use super::*;
use crate::facts::Fact;
use crate::money::{Multiplier, Nanos};
use crate::venue::ledger::Telling;
use crate::venue::register::{Holdings, Register};
use crate::venue::rules::Rules;
use crate::venue::tests::example_rules;
use crate::venue::{Command, Next};

const NOW: Nanos = Nanos(1);

/// Longs of 10 lots at 100 with these collaterals, then one short of 10 at 100 with 500; every wallet holds 50.
fn open(rules: Rules, longs: &[i64]) -> Venue {
    let people = longs.len() + 1;
    let mut holdings = Holdings {
        wallet: vec![Cash(50); people],
        account: (0..).take(people).collect(),
        contract: vec![0; people],
        qty: longs.iter().map(|_| Qty(10)).chain([Qty(-10)]).collect(),
        cost: longs.iter().map(|_| Cash(1_000)).chain([Cash(-1_000)]).collect(),
        collateral: longs.iter().map(|&cash| Cash(cash)).chain([Cash(500)]).collect(),
        cross: vec![],
    };
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Told);
    venue.facts().clear();
    venue
}

fn mark(venue: &mut Venue, price: i64) {
    venue.apply(Command::Mark { now: NOW, contract: 0, mark: Price(price) }).unwrap();
}

fn own(position: u32, action: Action) -> Command {
    Command::Own { now: NOW, own: Own { position, by: "test", action } }
}

fn order(position: u32, qty: i64, limit: i64, margin: i64) -> Command {
    own(position, Action::Order(OwnOrder { qty: Qty(qty), limit: Price(limit), margin: Cash(margin) }))
}

/// The order that the venue wants filled.
fn asked(venue: &mut Venue, command: Command) -> Order {
    match venue.apply(command).unwrap() {
        Next::Order(order) => order,
        Next::Idle => panic!("{command:?} was not carried out"),
    }
}

fn fill(lots: i64, cash: i64) -> Command {
    Command::Fill(Fill { lots: Qty(lots), cash: Cash(cash), uncut: Cash::ZERO })
}

/// Works off a check instant with a book that is empty.
fn check(venue: &mut Venue) {
    let mut next = venue.apply(Command::Check { now: NOW }).unwrap();
    while let Next::Order(_) = next {
        next = venue.apply(fill(0, 0)).unwrap();
    }
}

#[test]
fn a_part_is_sold_and_the_rest_is_watched_at_its_new_trigger() {
    let mut venue = open(Rules { taker_fee: Ratio(10_000_000), ..example_rules() }, &[95]);
    mark(&mut venue, 98);
    let asked = asked(&mut venue, order(0, -4, 97, 0));
    // b = ⌈905/10⌉ = 91, s = 95 + 910 − 1000 = 5.
    assert_eq!(
        (asked.lots, asked.limit, asked.bankruptcy, asked.surplus, asked.budget),
        (Qty(4), Some(Price(97)), Price(91), Cash(5), Some(Cash(0)))
    );
    venue.apply(fill(4, 389)).unwrap();
    // Released ⌈1000·4/10⌉ = 400 for 389: −11. Fee ⌈1 % · 4·98⌉ = 4. Left 95 − 11 − 4 = 80 on 6 lots of cost 600, whose
    // equity is below 1 % of its notional where 6p·0.99 < 520: from 87 down.
    let position = venue.ledger().position(0);
    assert_eq!((position.qty, position.cost, position.collateral), (Qty(6), Cash(600), Cash(80)));
    assert_eq!((venue.ledger().armed(&position), position.state), (100 - 87, State::Rearmed));
    let told = venue.facts().last().copied();
    let (contract, account, by, deed) = (0, 0, "test", Deed::Traded);
    assert_eq!(told, Some(Fact::Acted { contract, account, by, deed, qty: Qty(-4), amount: Cash(392) }));
}

#[test]
fn nobody_else_pays_for_a_traders_own_order() {
    let mut venue = open(example_rules(), &[95]);
    mark(&mut venue, 98);
    asked(&mut venue, order(0, -10, 1, 0));
    // All 10 lots for 905 leave 0; a unit less would have to come from somebody else.
    assert_eq!(venue.apply(fill(10, 904)), Err(Refused::OverBudget { shortfall: 1, budget: 0 }));
    assert_eq!(venue.apply(Command::Check { now: NOW }), Err(Refused::Busy));
    venue.apply(fill(10, 905)).unwrap();
    assert_eq!(venue.ledger().position(0).state, State::Closed);
    assert_eq!(venue.ledger().wallet(0), Cash(50));
}

#[test]
fn a_part_closes_at_a_loss_of_what_is_posted_at_most() {
    // Collateral 2 and entry 100: b = 100 and s = 2, so nothing may be lost on lots that are sold.
    let mut venue = open(example_rules(), &[2]);
    let asked = asked(&mut venue, order(0, -5, 1, 0));
    assert_eq!((asked.bankruptcy, asked.surplus), (Price(100), Cash(2)));
    assert_eq!(venue.apply(fill(5, 497)), Err(Refused::OverBudget { shortfall: 1, budget: 0 }));
    venue.apply(fill(5, 498)).unwrap();
    assert_eq!(venue.ledger().position(0).collateral, Cash(0));
}

#[test]
fn what_is_opened_brings_collateral_in_proportion_and_stays_within_the_leverage_of_its_tier() {
    let mut venue = open(example_rules(), &[95]);
    mark(&mut venue, 98);
    asked(&mut venue, order(0, -10, 97, 0));
    venue.apply(fill(10, 980)).unwrap();
    // Flat: 95 − 20 = 75 came back to the wallet of 50. Of 20 lots wanted 10 fill, and bring ⌈125·10/20⌉ = 63.
    assert_eq!(asked(&mut venue, order(0, 20, 100, 125)).side, Side::Short);
    venue.apply(fill(10, 985)).unwrap();
    let position = venue.ledger().position(0);
    assert_eq!((position.qty, position.cost, position.collateral), (Qty(10), Cash(985), Cash(63)));
    assert_eq!(venue.ledger().wallet(0), Cash(62));
    // More than it holds it cannot close. Without further cash x more lots at the limit of 99 leave equity 58 − x, and
    // leverage of at most 100 asks for 98·(10 + x)/100 of it: x = 24.
    assert_eq!(asked(&mut venue, order(0, -11, 90, 0)).lots, Qty(10));
    venue.apply(fill(0, 0)).unwrap();
    assert_eq!(asked(&mut venue, order(0, 1_000, 99, 0)).lots, Qty(24));
    venue.apply(fill(0, 0)).unwrap();
}

#[test]
fn an_account_that_is_flat_comes_back_on_its_own_side_only() {
    let mut venue = open(example_rules(), &[95]);
    asked(&mut venue, order(0, -10, 97, 0));
    venue.apply(fill(10, 1_000)).unwrap();
    assert_eq!(venue.apply(order(0, -5, 90, 145)), Ok(Next::Idle));
    asked(&mut venue, order(0, 5, 110, 145));
}

#[test]
fn margin_is_paid_in_as_far_as_the_wallet_goes_and_taken_out_as_far_as_the_venue_lets() {
    let mut venue = open(example_rules(), &[95]);
    venue.apply(own(0, Action::TopUp(Cash(80)))).unwrap();
    assert_eq!((venue.ledger().position(0).collateral, venue.ledger().wallet(0)), (Cash(145), Cash(0)));
    // Equity 145, maintenance 10: one and a half times it stays, 130 leave the venue.
    venue.apply(own(0, Action::Withdraw { amount: Cash::MAX, keep: Ratio(1_500_000_000) })).unwrap();
    let position = venue.ledger().position(0);
    assert_eq!((position.collateral, position.state), (Cash(15), State::Rearmed));
    let (from, to) = (Party::Trader(0), Party::World);
    let posted = Fact::Posted { from, to, amount: Cash(130), why: Why::Withdrawal };
    assert!(venue.facts().contains(&posted), "{:?}", venue.facts());
    // At 99 its equity is 5, below 9.9: what it left behind is liquidated.
    mark(&mut venue, 99);
    assert_eq!(venue.ledger().position(0).state, State::Queued);
    assert_eq!(venue.apply(own(0, Action::TopUp(Cash(1)))), Ok(Next::Idle), "too late");
}

#[test]
fn a_closed_account_that_came_back_can_be_deleveraged_again() {
    // Three longs that fail at 96, 94 and 91 against one short, an empty book and an empty fund.
    let mut venue = open(example_rules(), &[40, 60, 95]);
    mark(&mut venue, 95);
    check(&mut venue);
    assert_eq!(venue.ledger().position(3).state, State::Closed, "deleveraged whole");
    // A search that finds it closed forgets it.
    mark(&mut venue, 93);
    check(&mut venue);
    asked(&mut venue, order(3, -10, 92, 500));
    venue.apply(fill(10, 960)).unwrap();
    venue.facts().clear();
    mark(&mut venue, 89);
    check(&mut venue);
    let deleveraged =
        venue.facts().iter().any(|fact| matches!(fact, Fact::Deleveraged { account: 3, qty: Qty(10), .. }));
    assert!(deleveraged, "{:?}", venue.facts());
}

#[test]
fn collateral_goes_back_with_lots_that_close_where_it_is_asked_for() {
    let mut venue = open(example_rules(), &[400]);
    asked(&mut venue, order(0, -5, 99, 200));
    venue.apply(fill(5, 500)).unwrap();
    assert_eq!((venue.ledger().position(0).collateral, venue.ledger().wallet(0)), (Cash(200), Cash(250)));
    assert_eq!(Multiplier::Linear(1).value(Qty(5), Price(100)), venue.ledger().position(0).cost);
}

#[test]
fn an_unknown_position_is_refused() {
    let mut venue = open(example_rules(), &[95]);
    assert_eq!(venue.apply(order(9, -1, 1, 0)), Err(Refused::NoPosition(9)));
}
