//! A policy, a cap, an account less or another distribution in one column leaves every other draw as it was.

use flashcrash::experiment::Audited;
use flashcrash::money::{Cash, Price, Qty};
use flashcrash::scenario::Scenario;
use flashcrash::traders::{Accounts, Population};

use crate::lab::{self, edit};

const PATH: u64 = 3;

fn draw(scenario: &Scenario) -> Population {
    let Accounts::Generated(generated) = &scenario.accounts else { panic!("accounts from a file") };
    let mut population = Population::default();
    generated.draw(scenario.seed, PATH, &scenario.opening(), &mut population).unwrap();
    population
}

/// Entry price of each account in ticks.
fn entries(population: &Population, scenario: &Scenario) -> Vec<i64> {
    let k = scenario.rules.contracts[0].multiplier.notional(Qty(1), Price(1)).0;
    population.cost.iter().zip(&population.qty).map(|(cost, qty)| cost.0 / (qty.0 * k)).collect()
}

/// A crash with three groups in which no account draws its entry again, and a wallet that is drawn too: only so can
/// whole columns be compared.
fn crash() -> String {
    let text = lab::text_of("flash-crash");
    let text = edit(&text, "count = 17_000", "count = 1_700");
    let text = edit(&text, "count = 2_960", "count = 296");
    let text = edit(
        &text,
        "values = [2, 3, 5, 10, 20, 25, 50, 100], weights = [28, 28, 25, 12, 4, 2, 0.7, 0.3]",
        "values = [3, 5, 8], weights = [30, 40, 30]",
    );
    let text = edit(
        &text,
        "max = 200_000 }\nsize_is = \"collateral\"",
        "max = 200_000 }\nsize_is = \"collateral\"\nwallet = { kind = \"lognormal\", median = 100, sigma = 1 }",
    );
    edit(&text, "[2, 3, 5, 8, 10, 15, 20], weights = [20, 25, 25, 12, 10, 5, 3]", "[2, 3, 5], weights = [20, 25, 55]")
}

/// The exogenous index of the first paths at every output time, and their rows.
fn index(scenario: &Scenario) -> (Vec<Vec<i64>>, Vec<i64>) {
    let delivered = lab::run(scenario, 12, Audited::No);
    let series = delivered.samples.iter().map(|path| path.iter().map(|sample| sample.index_exogenous).collect());
    (series.collect(), delivered.rows.iter().map(|row| row.liquidated_notional).collect())
}

fn same_but(a: &Population, b: &Population, keep: impl Fn(&Population) -> Vec<i64>, what: &str) {
    let (a, b) = (keep(a), keep(b));
    assert_eq!(a.len(), b.len(), "{what}");
    let differ = a.iter().zip(&b).filter(|(a, b)| a != b).count();
    assert_eq!(differ, 0, "{what}: {differ} of {} accounts", a.len());
}

fn amounts(cash: &[Cash]) -> Vec<i64> {
    cash.iter().map(|cash| cash.0).collect()
}

#[test]
fn another_adl_policy_meets_the_same_accounts_and_the_same_index() {
    // A fund that is soon exhausted, so that the policy matters.
    let text = edit(&lab::text_of("flash-crash"), "[venue.fund]\nopen = 10_000_000", "[venue.fund]\nopen = 1_000");
    let other = edit(&text, "kind = \"profit_leverage\"", "kind = \"pro_rata\"");
    let (one, other) = (lab::read(&text), lab::read(&other));
    let (a, b) = (draw(&one), draw(&other));
    for (what, keep) in [
        ("qty", (|p| p.qty.iter().map(|qty| qty.0).collect()) as fn(&Population) -> Vec<i64>),
        ("cost", |p| amounts(&p.cost)),
        ("collateral", |p| amounts(&p.collateral)),
        ("wallet", |p| amounts(&p.wallet)),
    ] {
        same_but(&a, &b, keep, what);
    }
    let (one, other) = (lab::run(&one, 12, Audited::No), lab::run(&other, 12, Audited::No));
    let exogenous = |delivered: &lab::Delivered| -> Vec<Vec<i64>> {
        delivered.samples.iter().map(|path| path.iter().map(|sample| sample.index_exogenous).collect()).collect()
    };
    assert!(exogenous(&one) == exogenous(&other), "the index differs");
    let accounts = |delivered: &lab::Delivered| delivered.rows.iter().map(|row| row.adl_accounts).collect::<Vec<_>>();
    assert_ne!(accounts(&one), accounts(&other), "the policies differ in whom they choose");
    assert!(accounts(&one).iter().any(|&accounts| accounts > 0));
}

#[test]
fn a_leverage_cap_touches_only_the_accounts_that_it_binds() {
    let capped = edit(
        &crash(),
        "opening_buffer = \"5 %\"",
        "opening_buffer = \"5 %\"\nleverage_cap = 4\ncap_keeps = \"collateral\"",
    );
    let (one, other) = (lab::read(&crash()), lab::read(&capped));
    let (a, b) = (draw(&one), draw(&other));
    assert_eq!((a.redrawn, b.redrawn), (0, 0));
    same_but(&a, &b, |p| amounts(&p.collateral), "collateral");
    same_but(&a, &b, |p| amounts(&p.wallet), "wallet");
    assert!(entries(&a, &one) == entries(&b, &other), "entries differ");
    let mut bound = 0;
    for i in 0..a.accounts() {
        // A lot less at most: leverage as held stands below leverage as drawn.
        let leverage = a.cost[i].0.abs() as f64 / a.collateral[i].0 as f64;
        if leverage > 4.0 {
            bound += 1;
            assert!(b.qty[i].0.abs() <= a.qty[i].0.abs() && b.qty[i].0.signum() == a.qty[i].0.signum(), "account {i}");
        } else {
            assert_eq!(a.qty[i], b.qty[i], "account {i}");
        }
    }
    assert!(bound > 500 && bound < a.accounts() - 500, "{bound} accounts bound");
    let ((series, notional), (capped_series, capped_notional)) = (index(&one), index(&other));
    assert!(series == capped_series, "the index differs");
    assert_ne!(notional, capped_notional, "the cap has an effect");
}

#[test]
fn an_account_less_leaves_all_others_as_they_were() {
    let (one, other) = (lab::read(&crash()), lab::read(&edit(&crash(), "count = 1_700", "count = 1_699")));
    let (a, b) = (draw(&one), draw(&other));
    assert_eq!(a.accounts(), b.accounts() + 1);
    for i in 0..b.accounts() {
        // The account that goes is the last of the first group; those of the other groups move up by one.
        let was = if i < 1_699 { i } else { i + 1 };
        assert_eq!(
            (a.qty[was], a.cost[was], a.collateral[was], a.wallet[was]),
            (b.qty[i], b.cost[i], b.collateral[i], b.wallet[i]),
            "account {i}"
        );
    }
    assert!(index(&one).0 == index(&other).0, "the index differs");
}

#[test]
fn another_distribution_in_one_column_leaves_the_others() {
    let base = lab::read(&crash());
    let a = draw(&base);
    let (leverage, size, offset, wallet) = (
        "values = [3, 5, 8], weights = [30, 40, 30]",
        "{ kind = \"lognormal\", median = 300, sigma = 1.8, min = 20, max = 200_000 }",
        "{ kind = \"uniform\", min = -0.025, max = 0.025 }",
        "{ kind = \"lognormal\", median = 100, sigma = 1 }",
    );
    let uniform = |low: f64, high: f64| format!("{{ kind = \"uniform\", min = {low}, max = {high} }}");
    // What the others are read off: collateral is the size drawn, cost ÷ lots the entry drawn, wallet the wallet drawn.
    let collateral: fn(&Population) -> Vec<i64> = |p| amounts(&p.collateral);
    let wallets: fn(&Population) -> Vec<i64> = |p| amounts(&p.wallet);
    let leverages = edit(&crash(), leverage, "values = [2, 4], weights = [1, 1]");
    let sizes = edit(&crash(), size, &uniform(100.0, 900.0));
    let offsets = edit(&crash(), offset, &uniform(-0.03, 0.03));
    let wealth = edit(&crash(), wallet, &uniform(0.0, 50.0));
    for (what, text, same_collateral, same_entries, same_wallets) in [
        ("leverage", leverages, true, true, true),
        ("size", sizes, false, true, true),
        ("entry_offset", offsets, true, false, true),
        ("wallet", wealth, true, true, false),
    ] {
        let other = lab::read(&text);
        let b = draw(&other);
        assert_eq!((a.redrawn, b.redrawn), (0, 0), "{what}");
        assert_eq!(collateral(&a) == collateral(&b), same_collateral, "collateral under another {what}");
        assert_eq!(entries(&a, &base) == entries(&b, &other), same_entries, "entries under another {what}");
        assert_eq!(wallets(&a) == wallets(&b), same_wallets, "wallets under another {what}");
        // The other groups are untouched altogether.
        for i in 1_700..a.accounts() {
            assert_eq!(
                (a.qty[i], a.cost[i], a.collateral[i]),
                (b.qty[i], b.cost[i], b.collateral[i]),
                "{what}, account {i}"
            );
        }
        assert!(index(&base).0 == index(&other).0, "the index differs under another {what}");
    }
}
