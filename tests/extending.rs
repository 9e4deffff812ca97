//! The walk-throughs of `docs/extending.md`, word for word: the files that it prints are compiled here, as plug-ins beside
//! those of the program, and run through the venue.

use flashcrash::facts::Fact;
use flashcrash::money::{Multiplier, Ratio};
use flashcrash::venue::adl::Policy;
use flashcrash::venue::rules::PositionLayer;

use crate::conformance_ledger::{nobody, play, rules, with};
use crate::lab;

/// What `src/venue/liquidation.rs` is to its rules.
mod liquidation {
    pub use flashcrash::venue::liquidation::{Breached, LiquidationRule};

    pub mod slice;
}

/// What `src/venue/adl.rs` is to its policies.
mod adl {
    pub use flashcrash::venue::adl::{Policy, Ranking, Round, Sybil, Winner};

    pub mod smallest_first;
}

/// The document prints these files as they are compiled here, and the one line that enters each.
#[test]
fn the_document_prints_what_is_compiled() {
    let read = |name: &str| std::fs::read_to_string(lab::root().join(name)).unwrap();
    let document = read("docs/extending.md");
    for (file, list) in [("liquidation/slice", "src/venue/liquidation.rs"), ("adl/smallest_first", "src/venue/adl.rs")]
    {
        let name = file.rsplit('/').next().unwrap();
        let text = read(&format!("tests/extending/{file}.rs"));
        let indented: String =
            text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("   {line}\n") }).collect();
        assert!(document.contains(&indented), "docs/extending.md does not print {file} as it is compiled");
        assert!(document.contains(&format!("`{name},`")), "docs/extending.md does not name the line of {name}");
        // The list has a name a line, so that an entry is one.
        let list = read(list);
        let names = &list[list.find("plug_ins! {").unwrap()..];
        let names = &names[names.find('[').unwrap() + 1..names.find(']').unwrap()];
        assert!(names.trim().lines().all(|line| line.trim().matches(',').count() == 1), "{names}");
    }
}

/// A long of 10 lots at 100 a lot with equity 50 under a maintenance of 100. Of 250 at a time 2 lots fit, of 1,000 all ten,
/// and of 99 the one lot that an order closes at least.
#[test]
fn the_added_liquidation_rule_closes_what_fits() {
    for (notional, lots) in [(250, 2), (300, 3), (1_000, 10), (99, 1)] {
        let mut rules = rules(Multiplier::Linear(1), Ratio(100_000_000));
        rules.liquidation = with(&liquidation::slice::ENTRY, &format!("notional = {notional}"));
        let played = play(rules, &[(0, 0, 10, 1_000, 50)], &[0], &[], &[100], nobody);
        let opened = played.facts.iter().find_map(|fact| match fact {
            Fact::OrderOpened { qty, .. } => Some(qty.0),
            _ => None,
        });
        assert_eq!(opened, Some(lots), "at most {notional}");
    }
}

/// Ten lots of a bankrupt long: the smallest short gives all of its 3, the next 7 of its 9, the largest nothing.
#[test]
fn the_added_policy_takes_the_smallest_first() {
    let mut rules = rules(Multiplier::Linear(1), Ratio(10_000_000));
    rules.position_layers = vec![PositionLayer::Adl];
    rules.adl = *with::<Policy>(&adl::smallest_first::ENTRY, "");
    let short = |account, lots: i64| (account, 0, -lots, -120 * lots, 1_000);
    let held = [(0, 0, 10, 1_000, 50), short(1, 20), short(2, 9), short(3, 3)];
    let played = play(rules, &held, &[0; 4], &[], &[90], nobody);
    let taken: Vec<(u32, i64)> = played
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Deleveraged { account, qty, .. } => Some((*account, qty.0)),
            _ => None,
        })
        .collect();
    assert_eq!(taken, [(3, 3), (2, 7)]);
}
