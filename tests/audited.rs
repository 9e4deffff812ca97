//! No money is made or lost in any shipped scenario: every invariant after every event, from facts alone.

use flashcrash::experiment::Audited;
use flashcrash::facts::{Fact, Observer};
use flashcrash::money::Nanos;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;

use crate::lab;

#[path = "../benches/paths/people.rs"]
mod people;
#[path = "../benches/paths/world.rs"]
mod world;

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

/// Those who find no price are not sent to the book where nobody listens, and asked one for all. On path 6 of the heavy
/// setting some of those who wait want nothing when they are asked.
#[test]
fn a_row_of_those_who_act_is_the_same_whoever_listens() {
    for people in people::SETTINGS {
        let scenario = people.scenario(&lab::file_of("flash-crash"));
        let stage = Stage::new(&scenario, 1).unwrap();
        let mut worker = Worker::new(&stage);
        let wanted = Wanted { series: Series::Skip, pair: Pair::Alone };
        let quiet = worker.run(6, wanted, &mut []).unwrap();
        let heard = worker.run(6, wanted, &mut [&mut Everything]).unwrap();
        assert!(
            quiet == heard,
            "{}: {} and {}",
            people.name,
            quiet.conduct.voluntary_orders,
            heard.conduct.voluntary_orders
        );
    }
}

struct Everything;

impl Observer for Everything {
    fn see(&mut self, _: Nanos, _: &[Fact]) {}
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
