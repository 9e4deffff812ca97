//! What every liquidation rule of the list must hold.

use proptest::prelude::*;

use super::super::liquidation::{Breached, RULES};
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_rule_closes_at_least_a_lot_and_at_most_the_position(
        lots in 1i64..1_000_000, long: bool, mark in 1i64..1_000_000, missing in 0i64..1_000, held in -1_000i64..1_000,
    ) {
        let notional = lots * mark;
        let breached = Breached {
            qty: Qty(if long { lots } else { -lots }),
            mark: Price(mark),
            notional: Cash(notional),
            equity: Cash(held),
            maintenance: Cash(held + missing),
        };
        for entry in RULES.entries {
            let plan = entry.build_default().plan(&breached);
            prop_assert!((1..=lots).contains(&plan.0), "{}: {:?} of {:?}", entry.kind, plan, breached);
        }
    }
}

#[test]
fn every_rule_takes_amounts_at_the_limits_of_64_bits() {
    for entry in RULES.entries {
        for qty in [1, -1, i64::MAX, -i64::MAX] {
            let breached = Breached {
                qty: Qty(qty),
                mark: Price(1),
                notional: Cash(i64::MAX),
                equity: Cash(-i64::MAX),
                maintenance: Cash(i64::MAX),
            };
            let rule = entry.build_default();
            let run = std::panic::AssertUnwindSafe(|| rule.plan(&breached));
            match std::panic::catch_unwind(run) {
                Ok(plan) => assert!(plan.0 >= 1 && plan <= Qty(qty).abs(), "{}: {plan:?}", entry.kind),
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    assert!(text.unwrap_or_default().contains("overflow"), "{}", entry.kind);
                }
            }
        }
    }
}
