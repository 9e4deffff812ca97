//! What every policy of the list must hold, and small rounds for the tests of each.

use proptest::prelude::*;

use super::*;
use crate::money::Ratio;
use crate::venue::margin::Tier;

/// A short position at a mark of 90 with a multiplier of 1 and maintenance of 1 %.
pub(super) fn short(account: u32, lots: i64, entry: i64, collateral: i64) -> Winner {
    winner(account, -lots, entry, collateral, 90)
}

/// A long position at a mark of 90.
pub(super) fn long(account: u32, lots: i64, entry: i64, collateral: i64) -> Winner {
    winner(account, lots, entry, collateral, 90)
}

fn winner(account: u32, lots: i64, entry: i64, collateral: i64, mark: i64) -> Winner {
    let value = lots * mark;
    Winner {
        account,
        qty: Qty(lots),
        cost: Cash(lots * entry),
        collateral: Cash(collateral),
        value: Cash(value),
        maintenance: Cash((value.abs() + 99) / 100),
        opened: account,
    }
}

/// A round with short winners: losers are long.
pub(super) fn shorts_at(mark: i64, price: i64, needed: i64) -> Round {
    Round {
        side: Side::Short,
        mark: Price(mark),
        price: Price(price),
        needed: Qty(needed),
        cash: Cash(price * needed),
        accounts: 8,
        salt: 0,
    }
}

pub(super) fn longs_at(mark: i64, price: i64, needed: i64) -> Round {
    Round { side: Side::Long, ..shorts_at(mark, price, needed) }
}

pub(super) fn plan(policy: &dyn Sharing, winners: &[Winner], round: Round) -> Vec<i64> {
    Policy::Sharing(policy.boxed_clone()).plan(winners, &round).iter().map(|lots| lots.0).collect()
}

pub(super) fn plan_ranked(policy: &dyn Ranking, winners: &[Winner], round: Round) -> Vec<i64> {
    Policy::Ranking(policy.boxed_clone()).plan(winners, &round).iter().map(|lots| lots.0).collect()
}

#[derive(Clone, Debug)]
struct Case {
    winners: Vec<Winner>,
    round: Round,
}

/// Winners of one side, in account order, all solvent at the ADL price; quantities, costs and collaterals are even, so
/// that halves are whole.
fn cases() -> impl Strategy<Value = Case> {
    let person = (1i64..40, 1i64..60, 0i64..600);
    (proptest::collection::vec(person, 1..12), any::<bool>(), 0i64..8, 1i64..500, any::<u64>()).prop_map(
        |(people, long, off, needed, salt)| {
            let mark = 100;
            let winners: Vec<Winner> = (0u32..)
                .zip(&people)
                .map(|(i, &(lots, gain, collateral))| {
                    let (lots, entry) = if long { (2 * lots, mark - gain) } else { (-2 * lots, mark + gain) };
                    let collateral = 2 * collateral + 2 * off * lots.abs();
                    winner(2 * i, lots, entry, collateral, mark)
                })
                .collect();
            let price = Price(if long { mark - off } else { mark + off });
            let round = Round {
                side: if long { Side::Long } else { Side::Short },
                mark: Price(mark),
                price,
                needed: Qty(needed),
                cash: Cash(needed * price.0),
                accounts: u32::try_from(2 * winners.len()).unwrap(),
                salt,
            };
            Case { winners, round }
        },
    )
}

fn policies() -> impl Iterator<Item = (&'static str, Policy)> {
    POLICIES.entries.iter().map(|entry| (entry.kind, *entry.build_default()))
}

fn sum(plan: &[Qty]) -> i64 {
    plan.iter().map(|lots| lots.0).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_policy_takes_exactly_the_need_or_all_there_is_and_never_more_than_a_position(case in cases()) {
        let all: i64 = case.winners.iter().map(|winner| winner.qty.0.abs()).sum();
        for (kind, policy) in policies() {
            let plan = policy.plan(&case.winners, &case.round);
            prop_assert_eq!(sum(&plan), case.round.needed.0.min(all), "{}", kind);
            for (winner, lots) in case.winners.iter().zip(&plan) {
                // Lots are counted off the position: never negative, so never on the wrong side of it.
                prop_assert!(lots.0 >= 0 && *lots <= winner.qty.abs(), "{}: {:?} of {:?}", kind, lots, winner);
            }
        }
    }

    #[test]
    fn every_policy_plans_the_same_for_shuffled_winners(case in cases(), seed in any::<u64>()) {
        let mut order: Vec<usize> = (0..case.winners.len()).collect();
        order.sort_by_key(|&i| (i as u64).wrapping_mul(seed | 1).rotate_left(17));
        let shuffled: Vec<Winner> = order.iter().map(|&i| case.winners[i]).collect();
        for (kind, policy) in policies() {
            let plan = policy.plan(&case.winners, &case.round);
            let again = policy.plan(&shuffled, &case.round);
            for (at, &i) in order.iter().enumerate() {
                prop_assert_eq!(plan[i], again[at], "{}", kind);
            }
        }
    }

    /// Whoever is numbered otherwise gives the same, up to one lot of rounding, unless scores are equal or the policy goes by
    /// number.
    #[test]
    fn no_policy_but_random_looks_at_account_numbers(case in cases()) {
        let n = u32::try_from(case.winners.len()).unwrap();
        let turned = |winner: &Winner| Winner { account: 2 * (n - 1) - winner.account, ..*winner };
        let other: Vec<Winner> = case.winners.iter().map(turned).collect();
        for (kind, policy) in policies().filter(|(kind, _)| *kind != "random") {
            let tolerance = match &policy {
                Policy::Ranking(ranking) => {
                    let mut scores: Vec<i128> = case.winners.iter().map(|w| ranking.score(w, &case.round)).collect();
                    scores.sort_unstable();
                    if scores.windows(2).any(|pair| pair[0] == pair[1]) {
                        continue;
                    }
                    0
                }
                Policy::Sharing(_) => 1,
            };
            let (plan, again) = (policy.plan(&case.winners, &case.round), policy.plan(&other, &case.round));
            for (a, b) in plan.iter().zip(&again) {
                prop_assert!((a.0 - b.0).abs() <= tolerance, "{}: {:?} {:?}", kind, plan, again);
            }
        }
    }

    #[test]
    fn splitting_an_account_changes_nothing_where_a_policy_claims_so(case in cases(), which in any::<prop::sample::Index>()) {
        let at = which.index(case.winners.len());
        let whole = case.winners[at];
        let half = Winner {
            qty: Qty(whole.qty.0 / 2),
            cost: Cash(whole.cost.0 / 2),
            collateral: Cash(whole.collateral.0 / 2),
            value: Cash(whole.value.0 / 2),
            ..whole
        };
        let mut split = case.winners.clone();
        split[at] = half;
        split.insert(at + 1, Winner { account: whole.account + 1, ..half });
        for (kind, policy) in policies().filter(|(_, policy)| policy.sybil() == Sybil::Resistant) {
            let before = policy.plan(&case.winners, &case.round)[at];
            let after = policy.plan(&split, &case.round);
            let after = after[at] + after[at + 1];
            let tolerance = if matches!(policy, Policy::Ranking(_)) { 0 } else { 2 };
            prop_assert!((before.0 - after.0).abs() <= tolerance, "{}: {:?} became {:?}", kind, before, after);
        }
    }

    #[test]
    fn no_winner_of_a_region_scores_above_the_bound_of_the_region(case in cases()) {
        let lots = |winner: &Winner| winner.qty.0.abs();
        let range = |of: &dyn Fn(&Winner) -> i64| {
            let low = case.winners.iter().map(|winner| of(winner).div_euclid(lots(winner))).min().unwrap();
            (low, 1 + case.winners.iter().map(|winner| of(winner).div_euclid(lots(winner))).max().unwrap())
        };
        // The tiers that the winners' maintenance is drawn from: 1 %.
        let tiers = Tiers::new(vec![Tier { floor: Cash(0), rate: Ratio(10_000_000), max_leverage: Ratio(50_000_000_000) }]).unwrap();
        let region = Region {
            side: case.round.side,
            cost_per_lot: range(&|winner| winner.cost.0.abs()),
            collateral_per_lot: range(&|winner| winner.collateral.0),
            value_per_lot: 100,
            most_lots: case.winners.iter().map(lots).max().unwrap(),
            tiers: &tiers,
            oldest: case.winners.iter().map(|winner| winner.opened).min().unwrap(),
            accounts: (case.winners[0].account, case.winners[case.winners.len() - 1].account),
        };
        for (kind, policy) in policies() {
            let Policy::Ranking(ranking) = policy else { continue };
            let bound = ranking.bound(&region, &case.round);
            for winner in &case.winners {
                let score = ranking.score(winner, &case.round);
                prop_assert!(bound.is_some_and(|bound| bound >= score), "{}: {:?} < {}", kind, bound, score);
            }
        }
    }
}

/// Amounts of all sizes and both signs.
fn amount() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0u32..64).prop_map(|(amount, shift)| (amount >> shift).max(-i64::MAX))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_ratio_in_64_bits_is_that_of_128(part in amount(), whole in amount()) {
        let of = i128::from(whole).abs().max(1);
        prop_assert_eq!(billionths(Cash(part), Cash(whole)), i128::from(part).abs() * BILLION / of);
        prop_assert_eq!(ratio_in(1_000, Cash(part), Cash(whole)), i128::from(part).abs() * BILLION / of / 1_000_000);
        prop_assert_eq!(billionths_floor(Cash(part), Cash(whole)), div_floor(i128::from(part) * BILLION, of));
    }
}

#[test]
fn one_lot_is_given_by_one_winner() {
    for (kind, policy) in policies() {
        let winners = [short(0, 10, 100, 50), short(1, 10, 100, 50)];
        assert_eq!(sum(&policy.plan(&winners, &shorts_at(90, 95, 1))), 1, "{kind}");
        assert_eq!(policy.plan(&[short(0, 1, 100, 50)], &shorts_at(90, 95, 9)), [Qty(1)], "{kind}");
        assert!(policy.plan(&[], &shorts_at(90, 95, 9)).is_empty(), "{kind}");
    }
}

/// Amounts at the limits of 64 bits give a sound plan or stop with the word that makes a broken path of it.
#[test]
fn extreme_amounts_never_panic_but_by_overflow() {
    let (most, half) = (i64::MAX, i64::MAX / 2);
    let extreme = |account, qty, cost, collateral, value| Winner {
        account,
        qty: Qty(qty),
        cost: Cash(cost),
        collateral: Cash(collateral),
        value: Cash(value),
        maintenance: Cash(most),
        opened: u32::MAX,
    };
    let sets = [
        vec![extreme(0, -most, -most, 0, -1), extreme(u32::MAX, -most, -1, most, -1)],
        vec![extreme(0, -1, -most, half, -half), extreme(1, -half, -half, 1, -1)],
        vec![extreme(0, -most, 0, most, 0), extreme(1, -1, 0, 0, 0)],
    ];
    for (kind, policy) in policies() {
        for winners in &sets {
            for needed in [1, half, most] {
                let round = Round { cash: Cash(most), accounts: u32::MAX, salt: u64::MAX, ..shorts_at(1, most, 1) };
                let round = Round { needed: Qty(needed), ..round };
                let run = std::panic::AssertUnwindSafe(|| policy.plan(winners, &round));
                if let Err(panic) = std::panic::catch_unwind(run) {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    let text = text.unwrap_or_default();
                    assert!(text.contains("overflow"), "{kind}: {text}");
                }
            }
        }
    }
}

/// Policies that equalise haircuts say so, because at the mark there are none.
#[test]
fn policies_of_haircuts_need_a_price_other_than_the_mark() {
    let off_mark: Vec<&str> =
        policies().filter(|(_, policy)| policy.price_need() == PriceNeed::OffMark).map(|(kind, _)| kind).collect();
    assert_eq!(off_mark, ["capped_pro_rata", "risk_aware_pro_rata", "min_max"]);
}

#[test]
fn every_policy_declares_whether_splitting_pays() {
    let splittable: Vec<&str> =
        policies().filter(|(_, policy)| policy.sybil() == Sybil::Splittable).map(|(kind, _)| kind).collect();
    // Each has a round in its own tests in which splitting pays.
    assert_eq!(splittable, ["binance", "largest_profit", "largest_position", "random"]);
}
