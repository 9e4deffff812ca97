//! What intervals promise, on whole paths: against a closed form, against millions of paths, and between two seeds.

use std::fs;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use flashcrash::experiment::summary::Summary;
use flashcrash::experiment::{self, Audited, Plan};
use flashcrash::facts::Outcome;
use flashcrash::folder::{Adverse, Metric};
use flashcrash::scenario::{self, Scenario};
use flashcrash::sim::stage::Stage;
use flashcrash::stats::moments::Moments;
use flashcrash::stats::paired::unpaired_means;
use flashcrash::study::Runs;
use flashcrash::study::fund_size::{Question, fund_size, target};

use crate::lab;

fn rows(scenario: &Scenario, seed: u64, paths: u64) -> Vec<Outcome> {
    let stage = Stage::new(scenario, seed).unwrap();
    let mut delivered = lab::Delivered::default();
    let plan = Plan { paths: 0..paths, threads: 2, audit: Audited::No };
    experiment::run(&stage, &plan, &mut delivered, &AtomicBool::new(false), &|_| ()).unwrap();
    delivered.rows
}

fn metrics(scenario: &Scenario, seed: u64, rows: &[Outcome]) -> Vec<Metric> {
    let stage = Stage::new(scenario, seed).unwrap();
    let header = experiment::header(&stage, rows.len() as u64);
    let mut summary = Summary::new(Adverse::Down);
    rows.iter().for_each(|row| summary.add(row));
    let pass = |visit: &mut dyn FnMut(&Outcome)| {
        rows.iter().for_each(visit);
        Ok::<(), ()>(())
    };
    summary.metrics(&header, pass).unwrap()
}

/// The small crash with its feedback closed: the mark is the mid that forced orders push.
fn feedback() -> String {
    lab::edit(lab::TINY, "mark = \"index\"", "mark = \"mid\"")
}

/// Σ over both tails of Kolmogorov's law is below 1 % where √n·D is above 1.63.
#[test]
fn two_seeds_differ_as_often_as_their_p_values_say() {
    let scenario = lab::read(&feedback());
    let of = |seed: u64| {
        let mut moments = Moments::default();
        rows(&scenario, seed, 60).iter().for_each(|row| moments.add(row.traded_low));
        moments
    };
    let pairs = 200;
    let mut p_values: Vec<f64> =
        (0..pairs).map(|i| unpaired_means(&of(1_000 + 2 * i), &of(1_001 + 2 * i), 0.95).unwrap().p_value).collect();
    p_values.sort_unstable_by(f64::total_cmp);
    let n = pairs as f64;
    let apart = p_values
        .iter()
        .enumerate()
        .map(|(i, p)| (p - i as f64 / n).abs().max((i as f64 + 1.0) / n - p))
        .fold(0.0_f64, f64::max);
    println!("Kolmogorov-Smirnov: √n·D = {:.3}", n.sqrt() * apart);
    assert!(n.sqrt() * apart < 1.63, "{apart}");
    // The test bites: another book must show.
    let thin = lab::read(&lab::edit(&feedback(), "depth_1pct = 300_000", "depth_1pct = 75_000"));
    let mut other = Moments::default();
    rows(&thin, 5, 2_000).iter().for_each(|row| other.add(row.traded_low));
    let mut same = Moments::default();
    rows(&scenario, 6, 2_000).iter().for_each(|row| same.add(row.traded_low));
    assert!(unpaired_means(&same, &other, 0.95).unwrap().p_value < 1e-3);
}

/// One long of 1 BTC at 100,000 with a tenth of it as collateral, sold at once into a bottomless book at the price after
/// a fall d that is uniform in 0 … 20 %: the fund needs 100,000·(d − 0.1)⁺, so P(need > F) = (0.1 − F/100,000)/0.2.
const CLOSED_FORM: &str = r#"
[scenario]
paths = 500
seed = 1
horizon = "3 min"
step = "60 s"

[[assets]]
symbol = "BTC"
tick = 0.1
lot = 0.001
open = 100_000
mark = "index"

[assets.process]
kind = "flash_crash"
drop = { kind = "uniform", min = 0, max = 0.2 }
duration = 1
start = 61
recovery_share = 0
volatility = 0

[assets.book]
kind = "depth"
depth_1pct = 1_000_000_000_000
permanent = 0
half_spread = 0

[venue]
mark_interval = "60 s"
check_interval = "60 s"
position_layers = ["book", "adl"]
cash_layers = ["fund"]
taker_fee = 0
liquidation_fee = 0
surplus_to = "trader"
adl = { kind = "pro_rata", eligible = "profit_at_adl_price" }

[[venue.tiers]]
notional_floor = 0
max_leverage = 20
maintenance_rate = "0.5 %"

[venue.fund]
open = 1_000

[[traders]]
name = "one"
count = 1
long_share = 1
leverage = 10
size = 100_000
size_is = "notional"
entry_offset = 0
"#;

#[test]
fn fund_size_covers_a_closed_form_as_often_as_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("one.toml");
    fs::write(&file, CLOSED_FORM).unwrap();
    let question = Question { target: target("p_fund_exhausted <= 5 %").unwrap(), confidence: 0.95, cost: None };
    // P(need > F) = 5 % at F = 100,000·(0.1 − 0.05·0.2).
    let truth = 9_000.0;
    let (mut sufficient, mut covered, mut points, mut funds) = (0, 0, 0, 0.0);
    let studies = 40;
    for seed in 1..=studies {
        let stop = AtomicBool::new(false);
        let runs = Runs { seed, paths: 500, threads: 2, stop: &stop, progress: &|_| () };
        let load =
            |settings: &[flashcrash::registry::Setting]| scenario::load_with(&file, settings).map(|found| found.0);
        let found = fund_size(&question, &load, &runs, &|_| ()).unwrap();
        assert_eq!(found.method, flashcrash::folder::fund_size::Method::OnePass);
        // The price after the fall is rounded to a tick.
        sufficient += u32::from(found.sufficient.unwrap() >= truth - 1.0);
        funds += found.estimate.unwrap() / studies as f64;
        // One fund a study, the same in each: points of one curve are not independent.
        let point = found.curve.iter().find(|point| point.fund == 1_000.0).unwrap();
        let p = (0.1 - 1_000.0 / 100_000.0) / 0.2;
        points += 1;
        covered += u32::from(point.p.low <= p && p <= point.p.high);
    }
    println!("sufficient {sufficient} of {studies}, covered {covered} of {points}, mean estimate {funds:.0}");
    // 95 % of 40 are 38; fewer than 34 have a chance below 2 %, and all 40 one of 13 %.
    assert!(sufficient >= 34, "{sufficient} of {studies} were large enough");
    assert!(covered >= 34, "{covered} of {points} intervals hold the closed form");
    assert!((funds / truth - 1.0).abs() < 0.03, "{funds} against {truth}");
}

/// P(ADL), mean, VaR 99 % and ES 99 % of the fund need of [`feedback`], from ten million paths of seed 2026:
/// `cargo test --release --test main ten_million -- --ignored --nocapture`.
const TRUTH: [f64; 4] = [0.557_968_8, 58_705.002_835, 539_048.273_641, 821_587.463_296];

#[test]
#[ignore = "ten minutes in release; its output is the constant above"]
fn ten_million_paths_say_what_is_true() {
    let scenario = lab::read(&feedback());
    let stage = Stage::new(&scenario, 2026).unwrap();
    let (mut adl, mut needs) = (0_u64, Vec::with_capacity(10_000_000));
    for block in 0..1_000 {
        let mut delivered = lab::Delivered::default();
        let plan = Plan { paths: block * 10_000..(block + 1) * 10_000, threads: 2, audit: Audited::No };
        experiment::run(&stage, &plan, &mut delivered, &AtomicBool::new(false), &|_| ()).unwrap();
        adl += delivered.rows.iter().filter(|row| row.adl_events > 0).count() as u64;
        needs.extend(delivered.rows.iter().map(|row| row.fund_need));
    }
    needs.sort_unstable();
    let n = needs.len();
    let mean = needs.iter().map(|&x| i128::from(x)).sum::<i128>() as f64 / n as f64;
    let at = n / 100 * 99;
    let shortfall = needs[at..].iter().map(|&x| i128::from(x)).sum::<i128>() as f64 / (n - at) as f64;
    println!("{:?}", [adl as f64 / n as f64, mean * 1e-6, needs[at - 1] as f64 * 1e-6, shortfall * 1e-6]);
}

#[test]
fn intervals_cover_what_millions_of_paths_with_feedback_say() {
    let scenario = lab::read(&feedback());
    let names = ["p_adl", "fund_need_mean", "fund_need_var_99", "fund_need_es_99"];
    let studies = 150;
    let mut covered = [0_u32; 4];
    for seed in 1..=studies {
        let found = metrics(&scenario, seed, &rows(&scenario, seed, 1_200));
        for (count, (name, truth)) in covered.iter_mut().zip(names.iter().zip(TRUTH)) {
            let estimate = found.iter().find(|metric| metric.name == *name).unwrap().estimate.unwrap();
            *count += u32::from(estimate.low <= truth && truth <= estimate.high);
        }
    }
    let shares = covered.map(|count| f64::from(count) / studies as f64);
    println!("{names:?} covered {shares:?}");
    // 95 % less 2.5 standard errors of 150 studies; a little less for the expected shortfall, which rests on twelve paths
    // beyond the quantile.
    for (name, (share, least)) in names.iter().zip(shares.iter().zip([0.90, 0.90, 0.90, 0.88])) {
        assert!(*share >= least, "{name}: {share}");
    }
}

#[test]
fn a_shard_killed_at_any_moment_is_whole_or_not_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), lab::TINY).unwrap();
    let shard = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrash"));
        let arguments = ["run", "tiny.toml", "-q", "--threads", "1", "--paths", "300..3500", "--shard-out", name];
        command.current_dir(dir.path()).args(arguments);
        command
    };
    assert!(shard("whole").status().unwrap().success());
    let whole = fs::read(dir.path().join("whole")).unwrap();
    let mut killed = 0;
    for round in 0..20_u64 {
        let mut child = shard("stopped").spawn().unwrap();
        // Moments spread by the golden ratio.
        std::thread::sleep(std::time::Duration::from_millis(2 + round * 618 % 300));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        if let Ok(found) = fs::read(dir.path().join("stopped")) {
            assert!(found == whole, "a shard that is there is whole");
            fs::remove_file(dir.path().join("stopped")).unwrap();
        }
    }
    assert!(killed > 3, "the shard was too quick to be stopped: {killed}");
    assert!(shard("stopped").status().unwrap().success());
    assert!(fs::read(dir.path().join("stopped")).unwrap() == whole);
    assert_eq!(lab::names_in(dir.path()), ["stopped", "tiny.toml", "whole"], "no stray files");
}

/// Where a fall of 30 % from the peak stops the fund, with fees and surplus that lift the peak, and a window of five
/// minutes: a path exhausts exactly the funds below its critical one.
#[test]
fn one_run_tells_which_funds_a_fall_from_the_peak_stops() {
    let with = |open: i64| {
        let fall = "\"profit_at_adl_price\", drawdown_start = \"30 %\", drawdown_window = \"5 min\" }";
        let text = lab::edit(&feedback(), "\"profit_at_adl_price\" }", fall);
        lab::read(&lab::edit(&text, "open = 20_000", &format!("open = {open}")))
    };
    let scenario = with(20_000);
    let unit = scenario.cash_unit;
    let told = rows(&scenario, 1, 400);
    let (mut below, mut above, mut by_fall) = (0, 0, 0);
    for open in [2_000, 10_000, 20_000, 40_000, 100_000, 300_000] {
        let other = with(open);
        for (row, path) in rows(&other, 1, 400).iter().zip(&told) {
            let cash = (path.fund_need_cash > 0).then_some(path.fund_need_cash);
            let critical = cash.max(path.fall_fund);
            let is_short = critical.is_some_and(|critical| critical > row.fund_open);
            assert_eq!(row.exhausted_at_s.is_some(), is_short, "path {} with {open}: {critical:?} {unit:?}", row.path);
            by_fall += usize::from(path.fall_fund > cash);
            if is_short { below += 1 } else { above += 1 }
        }
    }
    assert!(below > 300 && above > 300 && by_fall > 300, "{below} {above} {by_fall}");
}
