//! Collateral held in a token, by hand: a contract at 100 with 1 % of maintenance, a token that opens at 100 with a haircut
//! of 80 %. Account 0 holds ten of the token and no cash, and is long 20 of the contract; account 1 is short ten of the
//! "token", which no scenario can be, so that somebody could be deleveraged.

use super::super::register::Holdings;
use super::*;

fn venue() -> Venue {
    ruled(example_rules())
}

fn ruled(mut rules: Rules) -> Venue {
    let tier = margin::Tier { floor: Cash(0), rate: Ratio(800_000_000), max_leverage: Ratio(1_250_000_000) };
    let token = margin::Tiers::new(vec![tier]).unwrap().into_haircuts();
    rules.contracts.push(ContractRules { multiplier: Multiplier::Linear(1), tiers: token });
    let mut holdings = Holdings {
        // Ten tokens worth 1,000 are all that account 0 has.
        wallet: vec![Cash(1_000), Cash(0)],
        account: vec![0, 0, 1],
        contract: vec![0, 1, 1],
        qty: vec![Qty(20), Qty(10), Qty(-10)],
        cost: vec![Cash(2_000), Cash(1_000), Cash(-1_000)],
        collateral: vec![Cash(0), Cash(0), Cash(5_000)],
        cross: vec![true, true, false],
    };
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100), Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Told);
    venue
}

/// The token at a price, the contract where it was; what the check instant then wants.
fn at(venue: &mut Venue, token: i64) -> Next {
    for (contract, price) in [(0, 100), (1, token)] {
        venue.apply(Command::Mark { now: Nanos(1), contract, mark: Price(price) }).unwrap();
    }
    venue.apply(Command::Refreshed { now: Nanos(1) }).unwrap();
    venue.apply(Command::Check { now: Nanos(1) }).unwrap()
}

fn filled(venue: &mut Venue, lots: i64, cash: i64, uncut: i64) -> Next {
    venue.apply(Command::Fill(Fill { lots: Qty(lots), cash: Cash(cash), uncut: Cash(uncut) })).unwrap()
}

#[test]
fn a_token_counts_less_its_haircut() {
    // At 10 it is worth 100: equity 100, maintenance 20 + 80. At 9: equity 90, maintenance 20 + 72.
    assert_eq!(at(&mut venue(), 10), Next::Idle);
    assert!(matches!(at(&mut venue(), 9), Next::Order(_)));
}

#[test]
fn contracts_are_closed_before_the_token_whatever_its_maintenance_and_it_stays_where_that_is_enough() {
    let mut venue = venue();
    let Next::Order(first) = at(&mut venue, 9) else { panic!("no order") };
    // The token's 72 of maintenance are more than the contract's 20. All 90 of equity: four ticks of 20 lots, 10 left.
    assert_eq!((first.contract, first.lots, first.bankruptcy, first.surplus), (0, Qty(20), Price(96), Cash(10)));
    assert_eq!(filled(&mut venue, 20, 2_000, 0), Next::Idle, "equity 90 is more than 72");
    assert_eq!((venue.ledger().position(1).qty, venue.ledger().wallet(0)), (Qty(10), Cash(1_000)));
    // At 1 and no contract left it is still worth more than its haircut takes: nobody sells it.
    assert_eq!(at(&mut venue, 1), Next::Idle);
}

#[test]
fn a_token_is_sold_once_its_account_still_falls_short_and_what_it_brings_is_cash() {
    let mut venue = venue();
    assert!(matches!(at(&mut venue, 9), Next::Order(_)));
    // 97 a lot: a loss of 60 leaves 30 of equity against 72. Ten lots at 9 that may lose 30: bankruptcy at 6.
    let Next::Order(second) = filled(&mut venue, 20, 1_940, 0) else { panic!("the token is to be sold") };
    let expected = (1, Side::Long, Qty(10), Price(6), Cash(0));
    assert_eq!((second.contract, second.side, second.lots, second.bankruptcy, second.surplus), expected);
    assert_eq!(filled(&mut venue, 10, 80, 0), Next::Idle);
    // What it owed in cash, 60, and the 80 that the token brought.
    assert_eq!((venue.ledger().position(1).qty, venue.ledger().wallet(0)), (Qty(0), Cash(20)));
}

#[test]
fn nobody_is_deleveraged_for_a_token() {
    let mut venue = venue();
    assert!(matches!(at(&mut venue, 9), Next::Order(_)));
    // 96 a lot leaves 10 of equity: bankruptcy at 8. The book offers 5, which nobody would pay for: 30 are lacking.
    let Next::Order(second) = filled(&mut venue, 20, 1_920, 0) else { panic!("the token is to be sold") };
    assert_eq!((second.bankruptcy, second.budget), (Price(8), Some(Cash(0))));
    let Next::Order(rest) = filled(&mut venue, 0, 0, 30) else { panic!("what is left is sold without limit") };
    assert_eq!((rest.contract, rest.lots, rest.budget), (1, Qty(10), None));
    assert_eq!(filled(&mut venue, 10, 50, 0), Next::Idle);
    let facts = std::mem::take(venue.facts());
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::Round { .. } | Fact::Deleveraged { .. })));
    let unfunded = facts.iter().find_map(|fact| match fact {
        Fact::Posted { from: Party::Deficit, amount, why: Why::Shortfall, .. } => Some(*amount),
        _ => None,
    });
    assert_eq!(unfunded, Some(Cash(30)));
    assert_eq!((venue.ledger().wallet(0), venue.ledger().position(2).qty), (Cash(0), Qty(-10)));
}

/// Equity 90, of which 81 are the target: with the token's 72 that is reached by 60 % of the contract (8 + 72), and the
/// token stays, though a share of everything would have been a share of it too.
#[test]
fn a_token_is_no_part_of_what_one_share_reduces() {
    let mut rules = example_rules();
    let share_of_all = liquidation::RULES.entries.iter().find(|entry| entry.kind == "share_of_all").unwrap();
    rules.liquidation = share_of_all.build_default();
    let mut venue = ruled(rules);
    let Next::Order(first) = at(&mut venue, 9) else { panic!("no order") };
    assert_eq!((first.contract, first.lots), (0, Qty(12)));
    assert_eq!(filled(&mut venue, 12, 1_200, 0), Next::Idle);
    assert_eq!((venue.ledger().position(0).qty, venue.ledger().position(1).qty), (Qty(8), Qty(10)));
}
