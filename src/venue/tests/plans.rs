//! What every liquidation rule of the list must hold at the limits of 64 bits.

use super::super::liquidation::{Breached, Others, RULES};
use super::super::rules::{ContractRules, Trigger as Test};
use super::*;
use crate::money::{Multiplier, Ratio};

#[test]
fn every_rule_takes_amounts_at_the_limits_of_64_bits() {
    let tier = |floor, rate| margin::Tier { floor: Cash(floor), rate: Ratio(rate), max_leverage: Ratio(1_000_000_000) };
    let tiers = margin::Tiers::new(vec![tier(0, 10_000_000), tier(1_000, 20_000_000)]).unwrap();
    let rules = ContractRules { multiplier: Multiplier::Linear(1), tiers };
    for entry in RULES.entries {
        for (qty, mark) in [(1, 1), (-1, 1), (i64::MAX, 1), (-i64::MAX, 1), (i64::MAX, 2), (1, i64::MAX)] {
            for (equity, elsewhere) in [-i64::MAX, 0, i64::MAX].into_iter().flat_map(|e| [(e, 0), (e, i64::MAX)]) {
                let breached = Breached {
                    rules: &rules,
                    trigger: Test::Below,
                    qty: Qty(qty),
                    mark: Price(mark),
                    equity: Cash(equity),
                    others: Others { maintenance: i128::from(elsewhere) * 1_000_000_000, ..Others::default() },
                    since_partial: None,
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
}
