//! What the comparison with the reference model found, as cases worked by hand.

use super::super::register::Holdings;
use super::*;

/// A venue on positions (account, lots, entry, collateral) of one contract, opened at 100.
fn venue(rules: Rules, positions: &[(u32, i64, i64, i64)]) -> Venue {
    let accounts = positions.iter().map(|position| position.0 as usize + 1).max().unwrap();
    let mut holdings = Holdings { wallet: vec![Cash(0); accounts], ..Holdings::default() };
    for &(account, lots, entry, collateral) in positions {
        holdings.account.push(account);
        holdings.contract.push(0);
        holdings.qty.push(Qty(lots));
        holdings.cost.push(Cash(lots * entry));
        holdings.collateral.push(Cash(collateral));
    }
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Told);
    venue
}

/// Marks, checks, and answers each order by the fills given (lots, cash, uncut), in turn; then by nothing.
fn instant(venue: &mut Venue, now: i64, mark: i64, fills: &[(i64, i64, i64)]) {
    let now = Nanos(now);
    venue.apply(Command::Mark { now, contract: 0, mark: Price(mark) }).unwrap();
    let mut fills = fills.iter();
    let mut next = venue.apply(Command::Check { now }).unwrap();
    while let Next::Order(_) = next {
        let &(lots, cash, uncut) = fills.next().unwrap_or(&(0, 0, 0));
        next = venue.apply(Command::Fill(Fill { lots: Qty(lots), cash: Cash(cash), uncut: Cash(uncut) })).unwrap();
    }
}

fn layered(layers: &[PositionLayer], fund: i64) -> Rules {
    let mut rules = example_rules();
    rules.position_layers = layers.to_vec();
    rules.fund.open = Cash(fund);
    rules
}

/// Account 0 is long and short. Its long goes bankrupt at 91, its short would gain there, and is no winner: the order
/// of its long is not finished. Account 1 is.
#[test]
fn no_position_of_an_account_with_an_unfinished_order_is_a_winner() {
    let positions = [(0, 10, 100, 95), (0, -10, 120, 500), (1, -4, 105, 500)];
    for kind in ["profit_leverage", "pro_rata"] {
        let mut rules = layered(&[PositionLayer::Adl], 0);
        rules.adl = *adl::POLICIES.entries.iter().find(|entry| entry.kind == kind).unwrap().build_default();
        let mut venue = venue(rules, &positions);
        instant(&mut venue, 1, 89, &[]);
        let winners: Vec<(u32, i64)> = venue
            .facts()
            .iter()
            .filter_map(|fact| match fact {
                Fact::Deleveraged { account, qty, .. } => Some((*account, qty.0)),
                _ => None,
            })
            .collect();
        assert_eq!(winners, [(1, 4)], "{kind}");
    }
}

/// The engine holds 10 lots taken at 91 that are worth 80: equity 10 − 110 = −100. It may take 200 lots at 79, which are
/// worth 80 as well: equity 100 afterwards. Of 100 lots the equity would be 0, of 99 it would be below the floor.
#[test]
fn a_takeover_that_brings_the_funds_equity_back_over_its_floor_is_allowed() {
    for (lots, taken) in [(200, true), (100, true), (99, false)] {
        let mut rules = layered(&[PositionLayer::Engine], 10);
        let tier = margin::Tier { floor: Cash(0), rate: Ratio(20_000_000), max_leverage: Ratio(50_000_000_000) };
        rules.contracts[0].tiers = margin::Tiers::new(vec![tier]).unwrap();
        // Bankrupt at 91 and at 79; at 80 the second has a margin of one a lot, and needs 1.6.
        let mut venue = venue(rules, &[(0, 10, 100, 90), (1, lots, 100, lots * 21)]);
        instant(&mut venue, 1, 91, &[]);
        assert_eq!(venue.tickets(0).collect::<Vec<_>>(), [(Qty(10), Price(91))]);
        venue.facts().clear();
        instant(&mut venue, 2, 80, &[]);
        let refused = venue.facts().iter().any(|fact| matches!(fact, Fact::TakeoverRefused { .. }));
        assert_eq!(!refused, taken, "{lots} lots");
    }
}

/// ADL before the book. Six lots fetch 546 on the account's own equity, all ten would have lacked 19; ADL takes 2, and the
/// last 2 are sold for 170, for which the fund pays 7: ADL spared the book 19 − 7 = 12.
#[test]
fn what_adl_spares_counts_from_the_first_pass_where_it_stands_before_the_book() {
    let rules = layered(&[PositionLayer::Adl, PositionLayer::Book], 10);
    let mut venue = venue(rules, &[(0, 10, 100, 95), (1, -2, 105, 200)]);
    instant(&mut venue, 1, 89, &[(6, 546, 19), (2, 170, 7)]);
    let disposal = venue.facts().iter().find_map(|fact| match fact {
        Fact::OrderClosed { disposal, .. } => Some(*disposal),
        _ => None,
    });
    let disposal = disposal.unwrap();
    assert_eq!((disposal.paid.fund, disposal.to_adl), (Cash(7), Cash(2 * 89)));
    assert_eq!(disposal.book_cost_avoided, Cash(12));
}

/// A long of one lot at 100 with 150 behind it cannot be liquidated: at any price it has 50 left. Funding of 60 a lot takes
/// that away, and at 10 it has nothing: 150 − 60 + 10 − 100.
#[test]
fn funding_brings_a_position_into_reach_that_no_price_could_liquidate() {
    let mut venue = venue(layered(&[PositionLayer::Engine], 0), &[(0, 1, 100, 150)]);
    instant(&mut venue, 1, 10, &[]);
    venue.apply(Command::Funding { now: Nanos(2), contract: 0, per_lot: Cash(60) }).unwrap();
    venue.facts().clear();
    instant(&mut venue, 3, 10, &[]);
    let breached = venue.facts().iter().any(|fact| matches!(fact, Fact::Breached { account: 0, .. }));
    assert!(breached, "{:?}", venue.facts());
}
