//! The loop between liquidations and the price is there, and is gone where the scenario opens it.

use std::fs;
use std::path::Path;

use flashcrash::experiment::Audited;
use flashcrash::facts::Outcome;
use flashcrash::scenario::Scenario;

use crate::lab::{self, edit};

const DEPTH: &str = "depth_1pct = 122_000_000";
const FUND: &str = "[venue.fund]\nopen = 10_000_000";
const PERMANENT: &str = "permanent = 0.1";
const MARK: &str = "[assets.mark]\nkind = \"median\"\nwindow = \"30 s\"\n";

fn folder_of(text: &str, paths: &str, base: &Path) -> std::path::PathBuf {
    let file = base.join("lab.toml");
    fs::write(&file, text).unwrap();
    let out = base.join("out");
    lab::run_into(&file, &out, &["--paths", paths]);
    out
}

#[test]
fn a_flash_crash_feeds_on_itself_and_reaches_adl_on_some_paths() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder_of(&lab::text_of("flash-crash"), "300", folder.path());
    let (_, low, _) = lab::metric(&out, "cascade_amplification");
    assert!(low > 1.05, "cascade_amplification is at least {low}");
    let (_, low, high) = lab::metric(&out, "p_adl");
    assert!(low > 0.02 && high < 0.5, "p_adl lies in {low} … {high}");
    let (_, low, _) = lab::metric(&out, "price_amplification");
    assert!(low > 1.05, "price_amplification is at least {low}");
}

/// The flash crash with so many times its depth, and no permanent impact.
fn deepened(times: i64) -> String {
    let text = edit(&lab::text_of("flash-crash"), DEPTH, &format!("depth_1pct = {}", 122_000_000 * times));
    edit(&text, PERMANENT, "permanent = 0")
}

/// The most ticks that the traded price lies off the exogenous index, over rows and series of ten paths.
fn ticks_apart(scenario: &Scenario) -> i64 {
    let delivered = lab::run(scenario, 10, Audited::No);
    assert!(delivered.rows.iter().any(|row| row.liquidated_notional > 0));
    let rows = delivered
        .rows
        .iter()
        .flat_map(|row| [row.traded_low - row.index_exogenous_low, row.traded_high - row.index_exogenous_high]);
    let samples = delivered.samples.iter().flatten();
    let samples = samples.flat_map(|sample| {
        assert_eq!(sample.index, sample.index_exogenous);
        [sample.traded - sample.index_exogenous]
    });
    rows.chain(samples).map(i64::abs).max().unwrap()
}

#[test]
fn a_bottomless_book_leaves_the_price_to_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder_of(&deepened(1_000_000), "40", folder.path());
    for name in ["cascade_amplification", "price_amplification"] {
        assert_eq!(format!("{:.3}", lab::metric(&out, name).0), "1.000", "{name}");
    }
    // Under a power law a millionth of the impact is left at the most, some 1e-6 of the price: where the index lies
    // near the border of two ticks, the traded price may round to the other one.
    assert!(ticks_apart(&lab::read(&deepened(1_000_000))) <= 1);
    assert_eq!(ticks_apart(&lab::read(&deepened(1_000_000_000))), 0);
}

#[test]
fn an_open_loop_amplifies_nothing_and_check_says_so() {
    let text = edit(&lab::text_of("flash-crash"), MARK, "");
    let text = edit(&text, "[[assets]]\nsymbol = \"BTC\"", "[[assets]]\nmark = \"index\"\nsymbol = \"BTC\"");
    let text = edit(&text, PERMANENT, "permanent = 0");
    let text = edit(&text, FUND, "[venue.fund]\nopen = 1_000_000_000_000");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    fs::write(&file, &text).unwrap();
    let checked = lab::flashcrash(&["check", file.to_str().unwrap()]).assert().success();
    let warned = String::from_utf8(checked.get_output().stderr.clone()).unwrap();
    assert!(warned.contains("warning: the loop is open"), "{warned}");

    let out = folder.path().join("out");
    lab::flashcrash(&["run", file.to_str().unwrap(), "--paths", "40", "--out", out.to_str().unwrap()])
        .assert()
        .success();
    assert_eq!(lab::metric(&out, "cascade_amplification"), (1.0, 1.0, 1.0));
    assert_eq!(lab::metric(&out, "p_adl").0, 0.0);
    // The book still moves the traded price; nobody is liquidated by it.
    assert!(lab::metric(&out, "price_amplification").1 > 1.0);
}

/// Mean and half-width of the 95 % interval of a paired difference.
fn paired(a: &[Outcome], b: &[Outcome], value: impl Fn(&Outcome) -> f64) -> (f64, f64) {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| value(a) - value(b)).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1.0);
    (mean, 1.96 * (variance / n).sqrt())
}

#[test]
fn halving_the_numerical_step_moves_nothing_beyond_the_paired_interval() {
    let text = lab::text_of("flash-crash");
    let fine = edit(&text, "step = \"1 s\"", "step = \"500 ms\"");
    let paths = 120;
    let coarse = lab::run(&lab::read(&text), paths, Audited::No).rows;
    let fine = lab::run(&lab::read(&fine), paths, Audited::No).rows;
    for (what, value) in [
        ("p_adl", (|row| f64::from(u8::from(row.adl_events > 0))) as fn(&Outcome) -> f64),
        ("fund_need", |row| row.fund_need as f64),
    ] {
        let (difference, interval) = paired(&coarse, &fine, value);
        assert!(difference.abs() <= interval, "{what} moves by {difference} ± {interval}");
    }
    // More than that: the index at the venue's instants is the same draw, bridges fill in what lies between, and so
    // the same accounts are liquidated.
    for (a, b) in coarse.iter().zip(&fine) {
        assert!((a.index_exogenous_low - b.index_exogenous_low).abs() <= 1, "path {}", a.path);
        assert_eq!((a.liquidations, a.adl_accounts), (b.liquidations, b.adl_accounts), "path {}", a.path);
    }
}

#[test]
fn a_squeeze_upwards_mirrors_a_crash_downwards() {
    let down = lab::text_of("flash-crash");
    let mut up = edit(&down, "step = \"1 s\"", "step = \"1 s\"\ndirection = \"up\"");
    up = edit(&up, "long_share = 0.55", "long_share = 0.45");
    let paths = 150;
    let down = lab::run(&lab::read(&down), paths, Audited::No).rows;
    let up = lab::run(&lab::read(&up), paths, Audited::No).rows;
    let mean = |rows: &[Outcome], value: fn(&Outcome) -> i64| -> f64 {
        rows.iter().map(|row| value(row) as f64).sum::<f64>() / rows.len() as f64
    };
    // Not equal: a fall of 10 % is further in logarithms than a rise of 10 %, and a long loses on a smaller notional.
    for (what, in_down, in_up) in [
        (
            "adverse exogenous move",
            (|row| row.price_open - row.index_exogenous_low) as fn(&Outcome) -> i64,
            (|row| row.index_exogenous_high - row.price_open) as fn(&Outcome) -> i64,
        ),
        ("adverse traded move", |row| row.price_open - row.traded_low, |row| row.traded_high - row.price_open),
        ("liquidated notional", |row| row.liquidated_notional, |row| row.liquidated_notional),
        (
            "liquidated notional of the side that suffers",
            |row| row.liquidated_long_notional,
            |row| row.liquidated_notional - row.liquidated_long_notional,
        ),
        ("liquidated notional at infinite depth", |row| row.infinite_depth_notional, |row| row.infinite_depth_notional),
    ] {
        let ratio = mean(&up, in_up) / mean(&down, in_down);
        assert!((0.5..2.0).contains(&ratio), "{what}: up ÷ down = {ratio}");
    }
    let adl = |rows: &[Outcome]| rows.iter().filter(|row| row.adl_events > 0).count();
    assert!(adl(&down) > 0 && adl(&up) > 0, "{} and {} paths with ADL", adl(&down), adl(&up));
}
