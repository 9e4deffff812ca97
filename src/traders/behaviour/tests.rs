use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::fault::{Paint, Source};
use crate::money::Quantum;
use crate::registry::Node;

/// A behaviour from its table.
fn behaviour(text: &str) -> Result<Box<dyn Behaviour>, String> {
    let source = Arc::new(Source { name: "group.toml".into(), text: format!("x = {text}") });
    let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
    reading.cash_unit = Quantum::new(rust_decimal::dec!(0.01));
    let table = Node::parse(&source, &mut reading.faults);
    let built = BEHAVIOURS.choose(table.get("x").unwrap(), &mut reading);
    built.ok_or_else(|| reading.faults.render(Paint::Plain))
}

/// A long of 100 lots at 1,000 ticks, five times its collateral, a tenth down.
const SEEN: Seen = Seen {
    sign: 1.0,
    mark: 900.0,
    index: 910.0,
    traded: 900.0,
    multiplier: 2.0,
    lots: 100.0,
    opened_lots: 100.0,
    opened_leverage: 5.0,
    profit: -0.1,
    collateral: 40_000.0,
    margin: Some(Standing { equity: 20_000.0, maintenance: 10_000.0 }),
    wallet: 6_000.0,
    opened_wallet: 8_000.0,
    fall: 0.1,
    closed_lots: 30.0,
    level: 0.005,
    acted: 0,
};

fn act(text: &str, seen: &Seen) -> Answer {
    behaviour(text).unwrap().act(seen, &mut || 0.5)
}

#[test]
fn no_two_kinds_or_occurrences_draw_from_one_stream() {
    let mut columns: Vec<u32> = Vec::new();
    for entry in BEHAVIOURS.entries {
        for occurrence in 0..3 {
            let column = Address::new(1, 0, 0, entry.kind, occurrence).column;
            columns.extend([TAKES_PART, LEVEL, DECISIONS].map(|attribute| column | attribute));
        }
    }
    let count = columns.len();
    columns.sort_unstable();
    columns.dedup();
    assert_eq!(columns.len(), count);
}

/// The n-th decision of an account.
fn decision(address: Address, account: u32, n: u32) -> f64 {
    open_unit(address.decisions(n / 16).of(account, n % 16)[0])
}

#[test]
fn every_part_of_an_address_matters_and_nothing_else() {
    let base = Address::new(7, 3, 2, "panic", 0);
    let first = decision(base, 5, 1);
    assert_eq!(decision(Address::new(7, 3, 2, "panic", 0), 5, 1), first);
    for other in [
        decision(Address::new(8, 3, 2, "panic", 0), 5, 1),
        decision(Address::new(7, 4, 2, "panic", 0), 5, 1),
        decision(Address::new(7, 3, 1, "panic", 0), 5, 1),
        decision(Address::new(7, 3, 2, "top_up", 0), 5, 1),
        decision(Address::new(7, 3, 2, "panic", 1), 5, 1),
        decision(base, 6, 1),
        decision(base, 5, 2),
        decision(base, 5, 17),
    ] {
        assert_ne!(first, other);
    }
    // Word 16·account + decision of the stream: the last decision of one account stands before the first of the next.
    let mut stream = base.stream(DECISIONS);
    stream.seek(5 * 16 + 15);
    assert_eq!([stream.word(), stream.word()].map(open_unit), [decision(base, 5, 15), decision(base, 6, 0)]);
}

#[test]
fn a_stop_closes_its_part_within_its_slippage() {
    let stop = r#"{ kind = "stop_loss", distance = 0.05, closes = 0.25, slippage = "1 %" }"#;
    assert_eq!(act(stop, &SEEN), Answer::once(Act::close(25.0, 891.0)));
    // A short buys back above the price.
    assert_eq!(act(stop, &Seen { sign: -1.0, ..SEEN }), Answer::once(Act::close(25.0, 909.0)));
}

#[test]
fn a_top_up_restores_the_ratio_from_what_the_wallet_may_give() {
    let top_up = |more: &str| format!("{{ kind = \"top_up\", trigger = 2, restore = 2.5{more} }}");
    // 2.5·10,000 − 20,000 = 5,000; the wallet has 6,000 of 8,000 left.
    assert_eq!(act(&top_up(""), &SEEN), Answer::once(Act::TopUp { cash: 5_000.0 }));
    // Half of 8,000 at most, and 2,000 are gone.
    assert_eq!(act(&top_up(", wallet_share = 0.5"), &SEEN), Answer::once(Act::TopUp { cash: 2_000.0 }));
    let again = Answer { act: Act::TopUp { cash: 5_000.0 }, then: Then::Rearm(2.0) };
    assert_eq!(act(&top_up(", times = 2"), &SEEN), again);
    assert_eq!(act(&top_up(", times = 2"), &Seen { acted: 1, ..SEEN }).then, Then::Rest);
}

#[test]
fn a_dip_buyer_spends_its_wallet_in_equal_parts() {
    let buyer = r#"{ kind = "dip_buyer", fall = 0.005, step = 0.02, parts = 4, leverage = 9, slippage = 0.1 }"#;
    // 8,000/4 = 2,000 of cash buy 18,000 of notional at 1,800 a lot.
    let Answer { act: Act::Open { lots, limit, margin }, then } = act(buyer, &SEEN) else { panic!() };
    assert_eq!((lots, margin, then), (10.0, 2_000.0, Then::Rearm(0.025)));
    assert!((limit - 990.0).abs() < 1e-9);
    assert_eq!(act(buyer, &Seen { acted: 3, ..SEEN }).then, Then::Rest);
    assert_eq!(act(buyer, &Seen { wallet: 0.0, ..SEEN }), Answer::once(Act::Nothing));
}

#[test]
fn arbitrage_buys_below_the_index_and_sells_what_it_bought_as_the_gap_closes() {
    let capital = r#"{ kind = "arbitrage", threshold = 0.005, release = 0.001, leverage = 3 }"#;
    // 1.1 % below the index: 6,000·3 of notional at 1,800 a lot, no dearer than 0.5 % below the index.
    let buys = act(capital, &SEEN);
    let between = Then::Between { above: 0.005, below: 0.001 };
    assert_eq!(buys.then, between);
    assert_eq!(buys.act, Act::Open { lots: 10.0, limit: 910.0 * 0.995, margin: 6_000.0 });
    // The gap is closed: the 40 lots that it holds beyond its own are sold.
    let closed = Seen { traded: 910.0, lots: 140.0, ..SEEN };
    assert_eq!(act(capital, &closed).act, Act::Close { lots: 40.0, limit: 910.0 * 0.999, margin: Margin::Freed });
    // Between the two it waits; without lots of its own to sell it waits for the next gap.
    assert_eq!(act(capital, &Seen { traded: 908.0, ..closed }), Answer { act: Act::Nothing, then: between });
    // With its wallet spent it waits for the gap to close alone.
    let spent = Then::Between { above: f64::INFINITY, below: 0.001 };
    assert_eq!(act(capital, &Seen { wallet: 5.0, lots: 140.0, ..SEEN }), Answer { act: Act::Nothing, then: spent });
    let flat = Seen { lots: 100.0, ..closed };
    assert_eq!(act(capital, &flat), Answer { act: Act::Nothing, then: Then::Rearm(0.005) });
}

#[test]
fn a_re_entry_opens_what_was_closed_at_the_old_leverage() {
    let back = r#"{ kind = "re_entry", size = 0.5, slippage = 0 }"#;
    // Half of 30 lots at 1,800: 27,000 of notional on 5,400 of collateral.
    let act_ = Act::Open { lots: 15.0, limit: 900.0, margin: 5_400.0 };
    assert_eq!(act(back, &SEEN), Answer { act: act_, then: Then::Rearm(0.0) });
    assert_eq!(act(back, &Seen { acted: 1, ..SEEN }).act, Act::Nothing);
}

#[test]
fn a_broken_hedge_is_sold_in_spot_and_moves_the_index_by_its_depth() {
    let hedge = r#"{ kind = "hedge", sell_share = 0.5, spot_depth_1pct = 2730 }"#;
    // A short of 30 lots closed by ADL: half of 30·910·2 = 27,300 units of spot is sold, 5 % of a depth of 273,000 units a
    // hundredth.
    let short = Seen { sign: -1.0, ..SEEN };
    let Act::SellSpot { notional, log_move } = act(hedge, &short).act else { panic!() };
    assert_eq!(notional, 27_300.0);
    assert!((log_move + 0.01 * 0.1).abs() < 1e-12, "{log_move}");
    let Act::SellSpot { notional, log_move } = act(hedge, &SEEN).act else { panic!() };
    assert!(notional == -27_300.0 && log_move > 0.0, "a long that hedges a short holding buys");
}

#[test]
fn the_hazard_of_an_exit_depends_on_profit_loss_and_fall() {
    let exit =
        r#"{ kind = "voluntary_exit", per_hour = 1, losing_factor = 0.5, deep_factor = 4, drawdown_factor = 5 }"#;
    let built = behaviour(exit).unwrap();
    // Candidates come at 1·4 an hour of a clock that an adverse move hastens; at a loss f is 0.5, so one in 8 is taken.
    assert!((built.level().quantile(0.5) - std::f64::consts::LN_2 / 4.0 * 3_600.0).abs() < 1e-9);
    assert_eq!(built.cue(), Cue::Exposure { factor: 5.0 });
    let taken = |u: f64| built.act(&SEEN, &mut || u).act != Act::Nothing;
    assert!(taken(0.124) && !taken(0.126));
    let taken = |u: f64| built.act(&Seen { profit: 0.01, ..SEEN }, &mut || u).act != Act::Nothing;
    assert!(taken(0.249) && !taken(0.251));
    let taken = |u: f64| built.act(&Seen { profit: -0.5, ..SEEN }, &mut || u).act != Act::Nothing;
    assert!(taken(0.999));
}

#[test]
fn what_cannot_be_is_told_with_its_place() {
    let told = |text: &str| behaviour(text).map(|_| ()).unwrap_err();
    for (text, message) in [
        (r#"{ kind = "stop_loss" }"#, "lacks the key `distance`"),
        (r#"{ kind = "stop_loss", distance = 1.5 }"#, "`distance` is 1.5"),
        (
            r#"{ kind = "stop_loss", distance = { kind = "uniform", min = 0.1, max = 2 } }"#,
            "`distance` can be as high as 2",
        ),
        (r#"{ kind = "stop_loss", distance = 0.1, share = 2 }"#, "`share` cannot be 2"),
        (r#"{ kind = "stop_loss", distance = 0.1, watches = "index" }"#, "`watches` cannot be \"index\""),
        (r#"{ kind = "stop_loss", distance = 0.1, closes = 0 }"#, "`closes` cannot be 0"),
        (r#"{ kind = "stop_loss", distance = 0.1, slippage = 1 }"#, "`slippage` cannot be 1"),
        (r#"{ kind = "take_profit", distance = -0.1 }"#, "`distance` is -0.1"),
        (r#"{ kind = "top_up", trigger = 0.5 }"#, "`trigger` cannot be 0.5"),
        (r#"{ kind = "top_up", trigger = 4 }"#, "`restore` of 3 is not above `trigger` of 4"),
        (r#"{ kind = "top_up", delay = -1 }"#, "`delay` is -1"),
        (r#"{ kind = "top_up", wallet_share = 2 }"#, "`wallet_share` cannot be 2"),
        (r#"{ kind = "top_up", times = 0 }"#, "`times` cannot be 0"),
        (r#"{ kind = "voluntary_exit", per_hour = 0 }"#, "`per_hour` cannot be 0"),
        (r#"{ kind = "voluntary_exit", losing_factor = -1 }"#, "`losing_factor` cannot be -1"),
        (r#"{ kind = "voluntary_exit", deep_loss = 2 }"#, "`deep_loss` cannot be 2"),
        (r#"{ kind = "voluntary_exit", deep_factor = -1 }"#, "`deep_factor` cannot be -1"),
        (r#"{ kind = "voluntary_exit", drawdown_factor = -1 }"#, "`drawdown_factor` cannot be -1"),
        (r#"{ kind = "panic", fall = 1 }"#, "`fall` is 1"),
        (r#"{ kind = "panic", fall = 0.1, window = 60 }"#, "`window` cannot be 60"),
        (r#"{ kind = "dip_buyer", fall = 0.1, step = 0 }"#, "`step` cannot be 0"),
        (r#"{ kind = "dip_buyer", fall = 0.1, parts = 0 }"#, "`parts` cannot be 0"),
        (r#"{ kind = "dip_buyer", fall = 0.1, leverage = 0 }"#, "`leverage` cannot be 0"),
        (r#"{ kind = "arbitrage", threshold = 0.6 }"#, "`threshold` is 0.6"),
        (r#"{ kind = "arbitrage", threshold = 0.001, release = 0.002 }"#, "is not below the least `threshold`"),
        (r#"{ kind = "re_entry", after = "panic" }"#, "`after` cannot be \"panic\""),
        (r#"{ kind = "re_entry", size = 0 }"#, "`size` cannot be 0"),
        (r#"{ kind = "margin_withdrawal" }"#, "lacks the key `at`"),
        (r#"{ kind = "margin_withdrawal", at = "1 s", keep = 0.9 }"#, "`keep` cannot be 0.9"),
        (r#"{ kind = "margin_withdrawal", at = "1 s", largest = 0 }"#, "`largest` cannot be 0"),
        (r#"{ kind = "hedge", spot_depth_1pct = 0 }"#, "`spot_depth_1pct` cannot be 0"),
        (r#"{ kind = "hedge", spot_depth_1pct = 1e25 }"#, "beyond what can be held"),
        (r#"{ kind = "hedge", spot_depth_1pct = 1, sell_share = 2 }"#, "`sell_share` cannot be 2"),
        (r#"{ kind = "stop_los", distance = 0.1 }"#, "did you mean \"stop_loss\"?"),
        (r#"{ kind = "panic", fal = 0.1 }"#, "did you mean `fall`?"),
    ] {
        let told = told(text);
        assert!(told.contains(message), "{text}: {told}");
        assert!(told.contains("group.toml:1:"), "{text}: {told}");
    }
}
