//! The worked example of `docs/methods.md` as whole scenarios: every party's cash at every step.
//!
//! The table of each variant is made from the facts of the run, compared with the one written here by hand, and must
//! stand in the document as it stands here.

use std::fmt::Write as _;
use std::fs;

use flashcrash::facts::{Fact, Outcome, Party, Side, Via, Why};
use flashcrash::scenario::Scenario;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;

use crate::lab::{self, Cashbook};

/// Long A: 10 lots at 100 with collateral 95. Short B: 10 lots at `entry` with collateral 200. The index falls from 100
/// to 92, and there is no other mark.
const TEXT: &str = r#"#:schema ./schema.json
# The worked example: ten lots between book, insurance fund and auto-deleveraging.

[scenario]
paths = 1
horizon = "2 min"
step = "1 min"
currency = "USD"
cash_unit = 1

[[assets]]
symbol = "TOY"
tick = 1
lot = 1
open = 100
mark = "index"

[assets.process]
kind = "waypoints"
volatility = 0
anchors = [{ at = "0 s", price = 100 }, { at = "1 min", price = 92 }, { at = "2 min", price = 92 }]

[assets.book]
kind = "levels"
bids = [{ price = 92, quantity = 3 }, { price = 90, quantity = 3 }, { price = 85, quantity = 4 }]

[venue]
mark_interval = "1 min"
cash_layers = ["fund"]
surplus_to = "trader"

[[venue.tiers]]
notional_floor = 0
max_leverage = 19
maintenance_rate = "5 %"

[venue.fund]
open = FUND

[accounts]
file = "two.csv"
"#;

/// A scenario of the example; the folder holds its position book.
fn example(fund: i64, entry: i64) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    let book = format!(
        "account,symbol,side,quantity,entry_price,collateral\nA,TOY,long,10,100,95\nB,TOY,short,10,{entry},200\n"
    );
    fs::write(folder.path().join("two.csv"), book).unwrap();
    lab::read_in(&TEXT.replace("FUND", &fund.to_string()), folder.path()).0
}

fn play(scenario: &Scenario) -> (Outcome, Cashbook) {
    let stage = Stage::new(scenario, scenario.seed).unwrap();
    let mut cashbook = Cashbook::default();
    let wanted = Wanted { series: Series::Skip, pair: Pair::Alone };
    let row = Worker::new(&stage).run(0, wanted, &mut [&mut cashbook]).unwrap();
    (row, cashbook)
}

const A: Party = Party::Trader(0);
const B: Party = Party::Trader(1);

/// The parties that the example touches, in the order of the columns.
const PARTIES: [Party; 7] = [A, B, Party::Maker, Party::Fund, Party::Clearing(0), Party::Deficit, Party::World];

fn name(party: Party) -> &'static str {
    match party {
        A => "A",
        B => "B",
        Party::Maker => "buyers",
        Party::Fund => "fund",
        Party::Clearing(0) => "clearing",
        Party::Deficit => "deficit",
        Party::World => "world",
        other => panic!("{other:?} has no part in the example"),
    }
}

/// The table of a variant: one line for every posting, with what every party has after it.
fn table(cashbook: &Cashbook) -> String {
    let mut text = String::from(
        "| step | A | B | buyers | fund | clearing | deficit | world |\n|---|---|---|---|---|---|---|---|\n",
    );
    let mut cash = PARTIES.map(|party| (party, 0i64));
    let mut leg = None;
    for (_, fact) in &cashbook.facts {
        match fact {
            Fact::Traded { party, qty, cash, via, .. } if *via != Via::Opening && *party != Party::Maker => {
                let (verb, lots) = if qty.0 > 0 { ("buys", qty.0) } else { ("sells", -qty.0) };
                let way = match via {
                    Via::Book => "in the book",
                    Via::Adl => "by ADL",
                    _ => panic!("{fact:?} has no part in the example"),
                };
                leg = Some((*party, format!("{} {verb} {lots} {way} for {}", name(*party), cash.0.abs())));
            }
            Fact::Posted { from, to, amount, why } => {
                for (party, balance) in &mut cash {
                    if party == from {
                        *balance -= amount.0;
                    }
                    if party == to {
                        *balance += amount.0;
                    }
                }
                let (from, to, amount) = (*from, *to, amount.0);
                let step = match why {
                    Why::Deposit => format!("{} brings {amount}", name(to)),
                    Why::Realised if from == Party::Maker || to == Party::Maker => {
                        format!("the buyers' flat opening trades realise {amount}")
                    }
                    Why::Realised => {
                        let (party, what) = leg.take().expect("a trade comes before its result");
                        let result = if from == Party::Clearing(0) {
                            assert_eq!(party, to);
                            format!("+{amount}")
                        } else {
                            assert_eq!(party, from);
                            format!("−{amount}")
                        };
                        format!("{what}: {result}")
                    }
                    Why::Shortfall => format!("{} pays {amount} of the shortfall", name(from)),
                    other => panic!("{other:?} has no part in the example"),
                };
                let _ = write!(text, "| {step} |");
                for (_, balance) in &cash {
                    let sign = if *balance < 0 { "−" } else { "" };
                    let _ = write!(text, " {sign}{} |", balance.abs());
                }
                text.push('\n');
            }
            _ => {}
        }
        assert_eq!(cash.iter().map(|(_, balance)| balance).sum::<i64>(), 0, "after {fact:?}");
    }
    text
}

fn assert_documented(expected: &str, cashbook: &Cashbook) {
    assert_eq!(table(cashbook), expected);
    let document = fs::read_to_string(lab::root().join("docs/methods.md")).unwrap();
    assert!(document.contains(expected), "docs/methods.md lacks this table:\n{expected}");
}

/// A's order as the facts tell it: bankruptcy tick and surplus.
fn order(cashbook: &Cashbook) -> (i64, i64) {
    let mut orders = cashbook.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::OrderOpened { bankruptcy, surplus, qty, .. } => {
            assert_eq!(qty.0, 10);
            Some((bankruptcy.0, surplus.0))
        }
        _ => None,
    });
    let order = orders.next().unwrap();
    assert_eq!(orders.next(), None);
    order
}

#[test]
fn a_fund_of_ten_sells_eight_lots_pays_seven_and_leaves_two_to_adl() {
    let (row, cashbook) = play(&example(10, 105));
    assert_eq!(order(&cashbook), (91, 5));
    assert_documented(FUND_10, &cashbook);
    assert_eq!((row.to_book, row.to_adl), (8 * 92, 2 * 92));
    assert_eq!((row.shortfall, row.fund_paid, row.unfunded_deficit, row.fund_close), (7, 7, 0, 3));
    // With an unlimited fund all ten lots are sold for 806 against 910 − 5.
    assert_eq!((row.fund_draw, row.fund_need), (7, 19));
    // S(10) − S(8).
    assert_eq!(row.book_cost_avoided, 19 - 7);
    assert_eq!(row.exhausted_at_s, Some(60_000_000_000));
}

#[test]
fn an_empty_fund_sells_six_lots_leaves_four_to_adl_and_the_surplus_to_the_trader() {
    let (row, cashbook) = play(&example(0, 105));
    assert_documented(FUND_0, &cashbook);
    assert_eq!((row.to_book, row.to_adl), (6 * 92, 4 * 92));
    assert_eq!((row.shortfall, row.fund_paid, row.unfunded_deficit, row.fund_need), (0, 0, 0, 19));
    assert_eq!(cashbook.of(A), 5);
}

#[test]
fn the_surplus_goes_to_the_fund_where_the_rules_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let book = "account,symbol,side,quantity,entry_price,collateral\nA,TOY,long,10,100,95\nB,TOY,short,10,105,200\n";
    fs::write(folder.path().join("two.csv"), book).unwrap();
    let text = lab::edit(&TEXT.replace("FUND", "0"), "surplus_to = \"trader\"", "surplus_to = \"fund\"");
    let (row, cashbook) = play(&lab::read_in(&text, folder.path()).0);
    assert_eq!((cashbook.of(A), cashbook.of(Party::Fund), row.fund_received), (0, 5, 5));
}

#[test]
fn a_fund_of_a_hundred_sells_all_ten_lots_and_pays_nineteen() {
    let (row, cashbook) = play(&example(100, 105));
    assert_documented(FUND_100, &cashbook);
    assert_eq!((row.to_book, row.to_adl, row.adl_events), (10 * 92, 0, 0));
    assert_eq!((row.fund_paid, row.fund_close, row.fund_need), (19, 81, 19));
    assert_eq!(row.exhausted_at_s, None);
}

#[test]
fn with_nobody_to_deleverage_the_rest_is_dumped_and_the_deficit_shown() {
    let (row, cashbook) = play(&example(13, 90));
    assert_documented(NOBODY_13, &cashbook);
    assert_eq!((row.shortfall, row.fund_paid, row.unfunded_deficit, row.fund_close), (19, 13, 6, 0));
    assert_eq!((row.to_book, row.to_adl, row.adl_accounts), (10 * 92, 0, 0));
    let (row, cashbook) = play(&example(0, 90));
    assert_documented(NOBODY_0, &cashbook);
    assert_eq!((row.shortfall, row.fund_paid, row.unfunded_deficit), (19, 0, 19));
}

/// The example mirrored at 100: A short 10 at 100 with collateral 95, asks 3 at 108, 3 at 110, 4 at 115.
#[test]
fn a_short_squeezed_upwards_fares_as_the_long_does() {
    let folder = tempfile::tempdir().unwrap();
    let book = "account,symbol,side,quantity,entry_price,collateral\nA,TOY,short,10,100,95\nB,TOY,long,10,95,200\n";
    fs::write(folder.path().join("two.csv"), book).unwrap();
    let text = TEXT.replace("FUND", "10");
    let text = lab::edit(
        &text,
        "bids = [{ price = 92, quantity = 3 }, { price = 90, quantity = 3 }, { price = 85, quantity = 4 }]",
        "asks = [{ price = 108, quantity = 3 }, { price = 110, quantity = 3 }, { price = 115, quantity = 4 }]",
    );
    let text =
        text.replace("price = 92", "price = 108").replace("step = \"1 min\"", "step = \"1 min\"\ndirection = \"up\"");
    let (row, cashbook) = play(&lab::read_in(&text, folder.path()).0);
    assert_eq!(order_of_short(&cashbook), (109, 5));
    assert_eq!((row.to_book, row.to_adl, row.fund_paid, row.fund_close), (8 * 108, 2 * 108, 7, 3));
    assert_eq!((cashbook.of(A), row.fund_need, row.unfunded_deficit), (0, 19, 0));
    let round = cashbook.facts.iter().find_map(|(_, fact)| match fact {
        Fact::Round { losers, placed, .. } => Some((*losers, placed.0)),
        _ => None,
    });
    assert_eq!(round, Some((Side::Short, 2)));
}

fn order_of_short(cashbook: &Cashbook) -> (i64, i64) {
    let opened = cashbook.facts.iter().find_map(|(_, fact)| match fact {
        Fact::OrderOpened { bankruptcy, surplus, .. } => Some((bankruptcy.0, surplus.0)),
        _ => None,
    });
    opened.unwrap()
}

const FUND_10: &str = "\
| step | A | B | buyers | fund | clearing | deficit | world |
|---|---|---|---|---|---|---|---|
| fund brings 10 | 0 | 0 | 0 | 10 | 0 | 0 | −10 |
| A brings 95 | 95 | 0 | 0 | 10 | 0 | 0 | −105 |
| B brings 200 | 95 | 200 | 0 | 10 | 0 | 0 | −305 |
| the buyers' flat opening trades realise 50 | 95 | 200 | −50 | 10 | 50 | 0 | −305 |
| A sells 8 in the book for 716: −84 | 11 | 200 | −50 | 10 | 134 | 0 | −305 |
| fund pays 7 of the shortfall | 18 | 200 | −50 | 3 | 134 | 0 | −305 |
| A sells 2 by ADL for 182: −18 | 0 | 200 | −50 | 3 | 152 | 0 | −305 |
| B buys 2 by ADL for 182: +28 | 0 | 228 | −50 | 3 | 124 | 0 | −305 |
";
const FUND_0: &str = "\
| step | A | B | buyers | fund | clearing | deficit | world |
|---|---|---|---|---|---|---|---|
| A brings 95 | 95 | 0 | 0 | 0 | 0 | 0 | −95 |
| B brings 200 | 95 | 200 | 0 | 0 | 0 | 0 | −295 |
| the buyers' flat opening trades realise 50 | 95 | 200 | −50 | 0 | 50 | 0 | −295 |
| A sells 6 in the book for 546: −54 | 41 | 200 | −50 | 0 | 104 | 0 | −295 |
| A sells 4 by ADL for 364: −36 | 5 | 200 | −50 | 0 | 140 | 0 | −295 |
| B buys 4 by ADL for 364: +56 | 5 | 256 | −50 | 0 | 84 | 0 | −295 |
";
const FUND_100: &str = "\
| step | A | B | buyers | fund | clearing | deficit | world |
|---|---|---|---|---|---|---|---|
| fund brings 100 | 0 | 0 | 0 | 100 | 0 | 0 | −100 |
| A brings 95 | 95 | 0 | 0 | 100 | 0 | 0 | −195 |
| B brings 200 | 95 | 200 | 0 | 100 | 0 | 0 | −395 |
| the buyers' flat opening trades realise 50 | 95 | 200 | −50 | 100 | 50 | 0 | −395 |
| A sells 10 in the book for 886: −114 | −19 | 200 | −50 | 100 | 164 | 0 | −395 |
| fund pays 19 of the shortfall | 0 | 200 | −50 | 81 | 164 | 0 | −395 |
";
const NOBODY_13: &str = "\
| step | A | B | buyers | fund | clearing | deficit | world |
|---|---|---|---|---|---|---|---|
| fund brings 13 | 0 | 0 | 0 | 13 | 0 | 0 | −13 |
| A brings 95 | 95 | 0 | 0 | 13 | 0 | 0 | −108 |
| B brings 200 | 95 | 200 | 0 | 13 | 0 | 0 | −308 |
| the buyers' flat opening trades realise 100 | 95 | 200 | 100 | 13 | −100 | 0 | −308 |
| A sells 9 in the book for 801: −99 | −4 | 200 | 100 | 13 | −1 | 0 | −308 |
| fund pays 13 of the shortfall | 9 | 200 | 100 | 0 | −1 | 0 | −308 |
| A sells 1 in the book for 85: −15 | −6 | 200 | 100 | 0 | 14 | 0 | −308 |
| deficit pays 6 of the shortfall | 0 | 200 | 100 | 0 | 14 | −6 | −308 |
";
const NOBODY_0: &str = "\
| step | A | B | buyers | fund | clearing | deficit | world |
|---|---|---|---|---|---|---|---|
| A brings 95 | 95 | 0 | 0 | 0 | 0 | 0 | −95 |
| B brings 200 | 95 | 200 | 0 | 0 | 0 | 0 | −295 |
| the buyers' flat opening trades realise 100 | 95 | 200 | 100 | 0 | −100 | 0 | −295 |
| A sells 6 in the book for 546: −54 | 41 | 200 | 100 | 0 | −46 | 0 | −295 |
| A sells 4 in the book for 340: −60 | −19 | 200 | 100 | 0 | 14 | 0 | −295 |
| deficit pays 19 of the shortfall | 0 | 200 | 100 | 0 | 14 | −19 | −295 |
";
