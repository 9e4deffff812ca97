//! No money is made or lost in any shipped scenario: every invariant after every event, from facts alone.

use flashcrash::experiment::Audited;

use crate::lab;

fn audit(name: &str, paths: u64) {
    let scenario = lab::read(&lab::text_of(name));
    for row in lab::run(&scenario, paths, Audited::Yes).rows {
        let place = format!("{name}, path {}", row.path);
        let paid = row.fund_paid + row.venue_paid + row.backstop_loss + row.socialised + row.unfunded_deficit;
        assert_eq!(row.shortfall, paid, "{place}");
        let left = row.to_book + row.to_engine + row.to_backstop + row.to_adl;
        assert_eq!(row.liquidated_notional, left, "{place}");
        assert_eq!(row.fund_close, row.fund_open + row.fund_received - row.fund_paid, "{place}");
        assert!(row.fund_min >= 0 && row.fund_need >= 0 && row.liquidated_accounts <= row.liquidations, "{place}");
    }
}

#[test]
fn the_invariants_hold_over_a_few_paths_of_every_shipped_scenario() {
    for name in lab::shipped() {
        audit(&name, 3);
    }
}

/// Without an audit only those facts are told that a row is counted from.
#[test]
fn a_row_is_the_same_whoever_listens() {
    for name in lab::shipped() {
        let scenario = lab::read(&lab::text_of(&name));
        let rows = |audited| lab::run(&scenario, 2, audited).rows;
        assert!(rows(Audited::Yes) == rows(Audited::No), "{name}");
    }
}

#[test]
#[ignore = "takes minutes: cargo test --release --test main audited -- --ignored --nocapture"]
fn the_invariants_hold_over_a_thousand_paths_of_every_shipped_scenario() {
    for name in lab::shipped() {
        let start = std::time::Instant::now();
        audit(&name, 1_000);
        println!("{name}: 1,000 paths audited in {:.0} s", start.elapsed().as_secs_f64());
    }
}
