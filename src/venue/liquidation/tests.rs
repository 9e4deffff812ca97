//! Each rule by hand, and what every rule in the list must keep.

use super::*;
use crate::fault::Source;
use crate::money::{Multiplier, Ratio};
use crate::registry::{Node, Reading};
use crate::venue::margin::{Tier, Tiers};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

fn rule(text: &str) -> Box<dyn LiquidationRule> {
    let source = Arc::new(Source { name: "rule".into(), text: format!("rule = {text}") });
    let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
    reading.cash_unit = crate::money::Quantum::new(rust_decimal::dec!(1));
    let node = Node::parse(&source, &mut reading.faults);
    RULES.choose(node.get("rule").unwrap(), &mut reading).unwrap_or_else(|| panic!("{:?}", reading.faults))
}

/// 1 % to 10,000, 2 % to 20,000, then 5 %; leverage 50, 25, 10.
fn contract() -> ContractRules {
    let tier = |floor, rate: i64, most: i64| Tier {
        floor: Cash(floor),
        rate: Ratio(rate * 10_000_000),
        max_leverage: Ratio(most * 1_000_000_000),
    };
    let tiers = Tiers::new(vec![tier(0, 1, 50), tier(10_000, 2, 25), tier(20_000, 5, 10)]).unwrap();
    ContractRules { multiplier: Multiplier::Linear(1), tiers }
}

fn breached(rules: &ContractRules, lots: i64, equity: i64) -> Breached<'_> {
    Breached {
        rules,
        trigger: Trigger::Below,
        qty: Qty(lots),
        mark: Price(100),
        equity: Cash(equity),
        others: Others::default(),
        since_partial: None,
    }
}

#[test]
fn a_large_position_loses_a_fifth_then_all_within_the_cooldown() {
    let rules = contract();
    let rule = rule(r#"{ kind = "partial_fraction", above = 10_000 }"#);
    let mut large = breached(&rules, -303, 100);
    assert_eq!(rule.plan(&large), Qty(61), "⌈0.2·303⌉");
    large.since_partial = Some(Nanos(30_000_000_000));
    assert_eq!(rule.plan(&large), Qty(303));
    large.since_partial = Some(Nanos(30_000_000_001));
    assert_eq!(rule.plan(&large), Qty(61));
    assert_eq!(rule.plan(&breached(&rules, 100, 50)), Qty(100), "10,000 is not above 10,000");
}

#[test]
fn a_position_steps_down_to_just_below_the_floor_of_the_tier_above() {
    let rules = contract();
    let one = rule(r#"{ kind = "tier_step_down" }"#);
    // 300 lots at 100: 30,000 is in the third tier; 199 lots, 19,900, are in the second.
    assert_eq!(one.plan(&breached(&rules, 300, 100)), Qty(101));
    assert_eq!(one.plan(&breached(&rules, 99, 50)), Qty(99), "the lowest tier closes whole");
    let two = rule(r#"{ kind = "tier_step_down", tiers = 2, whole_up_to = 2 }"#);
    assert_eq!(two.plan(&breached(&rules, 300, 100)), Qty(201));
    assert_eq!(two.plan(&breached(&rules, 150, 100)), Qty(150));
}

#[test]
fn the_least_close_that_restores_the_margin() {
    let rules = contract();
    // Equity 70 covers 1 % of 7,000: of 90 lots 20 go.
    let maintenance = rule(r#"{ kind = "restore_margin" }"#);
    assert_eq!(maintenance.plan(&breached(&rules, 90, 70)), Qty(20));
    // And 2 % (leverage 50) of 3,500: 55 go.
    let initial = rule(r#"{ kind = "restore_margin", to = "initial" }"#);
    assert_eq!(initial.plan(&breached(&rules, 90, 70)), Qty(55));
    assert_eq!(maintenance.plan(&breached(&rules, 90, -1)), Qty(90), "nothing restores an insolvent position");
}

#[test]
fn fees_that_closing_costs_are_counted_and_a_large_shortage_is_restored_in_parts() {
    let rules = contract();
    // Each lot of 100 frees 1 of maintenance and costs 0.5: 20 missing of 90 lots ask for 40.
    let with_fee = rule(r#"{ kind = "restore_margin", fee = "0.5 %" }"#);
    assert_eq!(with_fee.plan(&breached(&rules, 90, 70)), Qty(40));
    // A fee of the whole maintenance rate frees nothing.
    let too_dear = rule(r#"{ kind = "restore_margin", fee = "1 %" }"#);
    assert_eq!(too_dear.plan(&breached(&rules, 90, 70)), Qty(90));
    // A tenth of the 20 missing, and all of 4 missing.
    let slowly = rule(r#"{ kind = "restore_margin", share = 0.1, whole_below = 5 }"#);
    assert_eq!(slowly.plan(&breached(&rules, 90, 70)), Qty(2));
    assert_eq!(slowly.plan(&breached(&rules, 90, 86)), Qty(4));
}

/// 300 lots at 100, and 3 for each that is closed: equity must reach 3,000 − 7·closed while 200 or more are left (10 %),
/// 1,200 − closed while 100 are (4 %), and 600 + closed with fewer (2 %).
#[test]
fn where_closing_more_costs_more_than_it_frees_the_least_close_still_counts() {
    let rules = contract();
    let rule = rule(r#"{ kind = "restore_margin", to = "initial", fee = "3 %" }"#);
    let planned = |equity: i64| rule.plan(&breached(&rules, 300, equity)).0;
    assert_eq!(planned(2_650), 50);
    assert_eq!(planned(1_150), 101, "from the first that leaves less than 200");
    assert_eq!(planned(1_050), 150);
    assert_eq!(planned(850), 201, "from there to 250, and at no other number");
    assert_eq!(planned(800), 300, "nothing restores it");
}

#[test]
fn a_multiple_of_a_fifth_brings_the_ratio_below_nine_tenths() {
    let rules = contract();
    let by_a_fifth = rule(r#"{ kind = "share_of_all" }"#);
    // Equity 70: maintenance must fall below 63; 90 lots have 90, 72 have 72, 54 have 54.
    assert_eq!(by_a_fifth.plan(&breached(&rules, 90, 70)), Qty(36));
    // 30 % leave 63: that is not below 63.
    let by_three_tenths = rule(r#"{ kind = "share_of_all", step = "30 %" }"#);
    assert_eq!(by_three_tenths.plan(&breached(&rules, 90, 70)), Qty(54));
}

proptest! {
    #[test]
    fn every_rule_closes_at_least_one_lot_and_at_most_all(
        lots in prop_oneof![1i64..400, 1i64..100_000_000], short: bool, equity in -1_000i64..100_000, mark in 1i64..2_000,
        since in proptest::option::of(0i64..100_000_000_000), elsewhere in prop_oneof![Just(0i64), 0i64..50_000],
    ) {
        let rules = contract();
        for entry in RULES.entries {
            let rule = rule(&format!(r#"{{ kind = "{}" }}"#, entry.kind));
            let breached = Breached {
                rules: &rules,
                trigger: Trigger::AtOrBelow,
                qty: Qty(if short { -lots } else { lots }),
                mark: Price(mark),
                equity: Cash(equity),
                // Of a cross account others stand beside it.
                others: Others { maintenance: i128::from(elsewhere) * 1_000_000_000, ..Others::default() },
                since_partial: since.map(Nanos),
            };
            let Qty(planned) = rule.plan(&breached);
            prop_assert!((1..=lots).contains(&planned), "{}: {planned} of {lots}", entry.kind);
        }
    }

    /// Exactly the need, or all there is: one lot less would leave the account in breach.
    #[test]
    fn restoring_the_margin_of_a_cross_account_closes_the_least_that_does(
        lots in 1i64..400, short: bool, equity in 0i64..2_000, elsewhere in 0i64..1_500, mark in 1i64..300,
    ) {
        let rules = contract();
        let breached = Breached {
            qty: Qty(if short { -lots } else { lots }),
            mark: Price(mark),
            others: Others { maintenance: i128::from(elsewhere) * 1_000_000_000, ..Others::default() },
            ..breached(&rules, lots, equity)
        };
        let Qty(planned) = rule(r#"{ kind = "restore_margin" }"#).plan(&breached);
        let by_hand = (1..lots).find(|&closed| {
            let tiers = &rules.tiers;
            tiers.maintenance_billionths(Cash((lots - closed) * mark)) + breached.others.maintenance <= i128::from(equity) * 1_000_000_000
        });
        prop_assert_eq!(planned, by_hand.unwrap_or(lots));
    }
}

/// A cross leg of so many lots.
fn leg(contract: u16, lots: i64) -> Leg {
    Leg { id: u32::from(contract), contract, qty: Qty(lots), cost: Cash(0), bound: 0 }
}

proptest! {
    /// The least multiple of the step after which the account is below the target, by a sum over its positions lot by lot;
    /// all of it where none does. Only one rule of the list reduces whole accounts.
    #[test]
    fn one_share_of_all_is_the_least_that_brings_the_account_below_the_target(
        lots in proptest::collection::vec((1i64..60, any::<bool>(), 1i64..300), 1..4), equity in -100i64..3_000,
        kept in 0i64..200, step in 1i64..100,
    ) {
        let contracts = vec![contract(); lots.len()];
        let marks: Vec<Price> = lots.iter().map(|of| Price(of.2)).collect();
        let signed = |&(lots, short, _): &(i64, bool, i64)| if short { -lots } else { lots };
        let positions: Vec<Leg> = (0u16..).zip(&lots).map(|(c, of)| leg(c, signed(of))).collect();
        let account = BreachedAccount {
            contracts: &contracts,
            marks: &marks,
            equity: Cash(equity),
            positions: &positions,
            kept: i128::from(kept) * 1_000_000_000,
        };
        let below = |percent: i64| {
            let of_one = |&(lots, _, mark): &(i64, bool, i64)| {
                let closed = (lots * percent + 99) / 100;
                contracts[0].tiers.maintenance_billionths(Cash((lots - closed) * mark))
            };
            let maintenance = account.kept + lots.iter().map(of_one).sum::<i128>();
            maintenance * 10 < i128::from(equity) * 9_000_000_000
        };
        let least = (1..100).map(|n| n * step).take_while(|&percent| percent < 100).find(|&percent| below(percent));
        let by_hand = Ratio(least.unwrap_or(100) * 10_000_000);
        for entry in RULES.entries {
            let wanted = (entry.kind == "share_of_all").then_some(by_hand);
            let keys = if wanted.is_some() { format!(", step = \"{step} %\"") } else { String::new() };
            let rule = rule(&format!(r#"{{ kind = "{}"{keys} }}"#, entry.kind));
            prop_assert_eq!(rule.share(&account), wanted, "{}", entry.kind);
        }
    }
}

/// The account's other positions need 60 for maintenance and 200 for opening. Of 100 lots at 100, 1 % up to 10,000 and a
/// leverage of 50, equity 120 covers the 60 of maintenance left only for 60 lots; equity 300 leaves 100 for 50 lots. A
/// share of 60 % leaves 40 + 60, below 90 % of 120.
#[test]
fn rules_count_the_margins_of_the_other_positions_of_a_cross_account() {
    let rules = contract();
    let others = Others { maintenance: 60_000_000_000, initial: Cash(200) };
    let with = |equity| Breached { others, ..breached(&rules, 100, equity) };
    assert_eq!(rule(r#"{ kind = "restore_margin" }"#).plan(&with(120)), Qty(40));
    assert_eq!(rule(r#"{ kind = "restore_margin", to = "initial" }"#).plan(&with(300)), Qty(50));
    assert_eq!(rule(r#"{ kind = "share_of_all" }"#).plan(&with(120)), Qty(60));
}
